"""hydrodl2: its own HBV 1.0 and routing, through its public interface."""

from hbv_parameters import FORCINGS
from protocol import Implementation, needed, problem, serve, versions
from torch_side import prepared


def prepare() -> Implementation:
    torch, notes = prepared()
    hydrodl2 = needed("hydrodl2")
    arrays = {name: torch.from_numpy(value) for name, value in problem().items()}
    days, basins = arrays["target"].shape
    leaves = arrays["raw"].requires_grad_(), arrays["raw_routing"].requires_grad_()
    forcing = {"x_phy": torch.stack([arrays[name] for name in FORCINGS], dim=-1)}
    config = {"warmup": 0, "dynamic_params": {"Hbv": []}, "nmul": leaves[0].shape[-1]}
    model = hydrodl2.load_model("Hbv")(config, device=torch.device("cpu"))

    def loss():
        raw = torch.cat([leaves[0].transpose(0, 1).reshape(basins, -1), leaves[1].T], dim=1)
        # the class takes a value a day and reads the last: a view of one row costs it the least
        flow = model(forcing, raw.expand(days, -1, -1))["streamflow"][..., 0]
        return torch.mean((flow - arrays["target"]) ** 2)

    def forward():
        with torch.no_grad():
            return loss()

    def gradient():
        value = loss()
        return value.detach(), *torch.autograd.grad(value, leaves)

    def result():
        return dict(zip(("loss", "gradient", "gradient_routing"), gradient(), strict=True))

    works = {"forward": forward, "gradient": gradient}
    return Implementation(works, result, versions("hydrodl2", "torch"), notes)


if __name__ == "__main__":
    serve(prepare)
