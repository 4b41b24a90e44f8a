"""dMG: one training step of differentiable HBV as its recipes have it, by its own network, physics, loss and optimiser.

Options: `recipe` ("1.0" or "1.1p"), `flush`. The window is the same in every step: sampling is left out.
"""

import numpy as np
from hbv_parameters import FORCINGS
from protocol import Implementation, needed, options, problem, serve, versions
from torch_side import prepared

WARMUP, HIDDEN, COMPONENTS = 365, 256, 16
RECIPES = {
    "1.0": ("Hbv", ["parBETA", "parBETAET"], True),
    "1.1p": ("Hbv_1_1p", ["parBETA", "parK0", "parBETAET"], False),
}


def prepare() -> Implementation:
    torch, notes = prepared()
    hydrodl2, lstm = needed("hydrodl2"), needed("dmg.models.neural_networks.lstm")
    delta, criteria = needed("dmg.models.delta_models.dpl_model"), needed("dmg.models.criterion")
    kind, dynamic, spun_up = RECIPES[options()["recipe"]]
    arrays = {name: torch.from_numpy(value) for name, value in problem().items()}
    forcing = torch.stack([arrays[name] for name in FORCINGS], dim=-1)
    observed = arrays["streamflow"][WARMUP:, :, None]
    basins = np.arange(forcing.shape[1])
    config = {"warmup": WARMUP, "warmup_states": spun_up, "dynamic_params": {kind: dynamic}, "nmul": COMPONENTS}
    physics = hydrodl2.load_model(kind)(config, device=torch.device("cpu"))
    normal = (forcing - forcing.mean((0, 1))) / forcing.std((0, 1))
    inputs = torch.cat([normal, arrays["attributes"].expand(len(forcing), -1, -1)], dim=-1)
    sizes = {"nx": inputs.shape[-1], "ny": physics.learnable_param_count, "hidden_size": HIDDEN}
    network = lstm.LstmModel(**sizes, dr=0.5, dpl=True)
    model = delta.DplModel(phy_model=physics, nn_model=network)
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    loss = criteria.RmseCombLoss({}) if spun_up else criteria.NseBatchLoss({}, y_obs=observed)
    model.train()

    def step():
        optimiser.zero_grad()
        flow = model({"x_phy": forcing, "xc_nn_norm": inputs})["streamflow"]
        loss(flow, observed, sample_ids=basins).backward()
        optimiser.step()

    return Implementation({"step": step}, dict, versions("dmg", "hydrodl2", "torch"), notes)


if __name__ == "__main__":
    serve(prepare)
