"""hydrodl2's side of `hbv_gradient.py`: its own HBV 1.0 and routing, through its public interface."""

import importlib.metadata
import os

import hydrodl2
import numpy as np
import torch
from protocol import Implementation, load_problem, serve

FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
FLUSH = os.environ["FLUSH_DENORMALS"] == "1"
THREADS = int(os.environ["OMP_NUM_THREADS"])


def prepare() -> Implementation:
    torch.set_flush_denormal(FLUSH)  # before any other thread starts: they inherit it
    torch.set_num_threads(THREADS)
    problem = {name: torch.from_numpy(value) for name, value in load_problem().items()}
    days = problem["target"].shape[0]
    raw = problem["raw"].requires_grad_()
    forcing = {"x_phy": torch.stack([problem[name] for name in FORCINGS], dim=-1)}
    config = {"warmup": 0, "dynamic_params": {"Hbv": []}, "nmul": (raw.shape[1] - 2) // 12}
    model = hydrodl2.load_model("Hbv")(config, device=torch.device("cpu"))

    def loss() -> torch.Tensor:
        # the class takes a value a day and reads the last: a view of one row costs it the least
        flow = model(forcing, raw.expand(days, -1, -1))["streamflow"][..., 0]
        return torch.mean((flow - problem["target"]) ** 2)

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return loss()

    def gradient() -> tuple[torch.Tensor, torch.Tensor]:
        value = loss()
        return value.detach(), torch.autograd.grad(value, raw)[0]

    def result() -> tuple[float, np.ndarray]:
        value, slope = gradient()
        return value.item(), slope.numpy()

    versions = {name: importlib.metadata.version(name) for name in ("hydrodl2", "torch", "numpy")}
    notes = {"denormals": "flushed" if FLUSH else "kept", "threads": str(torch.get_num_threads())}
    return Implementation(forward, gradient, result, versions, notes)


if __name__ == "__main__":
    serve(prepare)
