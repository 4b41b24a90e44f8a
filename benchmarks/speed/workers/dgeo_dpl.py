"""dgeo: one training step of differentiable HBV in dMG's recipes, by the `Trainer` that every run uses, on all devices.

Options: `recipe` ("1.0" or "1.1p"). The warm-up of 1.0 is run by the dynamic model, without gradient, and the network's
gradient ends where the warm-up does; basins and days are drawn in each step.
"""

import jax
import jax.numpy as jnp
import numpy as np
from dgeo_side import VERSIONS, notes
from hbv_parameters import FORCINGS
from protocol import Implementation, options, problem, serve

from dgeo.hybrid import Inputs, build
from dgeo.training import Arrays, Config, Sampler, Trainer, parse_config

RECIPES = {
    "1.0": {
        "physics": {"name": "hbv", "version": "1.0 with beta_et"},
        "dynamic": ["beta", "beta_et"],
        "logarithmic": ["precipitation"],
        "training": {"targets": {"streamflow": {"loss": "rmse_combined"}}},
    },
    "1.1p": {
        "physics": {"name": "hbv", "version": "1.1p"},
        "dynamic": ["beta", "k0", "beta_et"],
        "logarithmic": [],
        "training": {"targets": {"streamflow": {"loss": "nse"}}, "warmup_gradient": True},
    },
}
OPTIMISER = {"name": "adadelta", "learning_rate": 1.0, "schedule": "constant", "clip": None, "options": {"rho": 0.9}}


def config_of(recipe: dict, attributes: list[str], batch: int) -> Config:
    """The config of a run, as its file would be."""
    years = ("1980-10-01", "1982-09-30")
    dynamic = {"network": "lstm", "width": 256, "dropout": 0.5, "static_from_last_step": True}
    dynamic |= {"parameters": recipe["dynamic"], "logarithmic": recipe["logarithmic"]}
    training = {"batch": batch, "warmup": 365, "window": 365, "optimiser": OPTIMISER, **recipe["training"]}
    model = {"physics": recipe["physics"], "components": 16, "attributes": attributes, "dynamic": dynamic}
    content = {"data": {"source": "netcdf"}, "split": {"train": years, "test": years}, "model": model}
    return parse_config({**content, "training": training}, "the benchmark")


def prepare() -> Implementation:
    arrays = problem()
    names = [f"attribute_{i}" for i in range(arrays["attributes"].shape[1])]
    values = dict(zip(names, arrays["attributes"].T, strict=True))
    config = config_of(RECIPES[options()["recipe"]], names, arrays["streamflow"].shape[1])
    series = {name: arrays[name] for name in FORCINGS}
    statistics = {name: (float(x.mean()), float(x.std())) for name, x in (values | series).items()}
    model = build(config.model, statistics, jax.random.key(0))
    trainer = Trainer(model, config.training)
    observed = {"streamflow": arrays["streamflow"]}
    scale = trainer.loss.scale(observed)
    inputs = Inputs(*({name: jnp.asarray(x) for name, x in part.items()} for part in (series, values)))
    held = Arrays(inputs, {name: jnp.asarray(x) for name, x in observed.items()}, scale)
    sampler = Sampler.create(np.isfinite(arrays["streamflow"]), config.training.warmup, config.training.window)
    case = trainer.case(model, held, sampler, 0)
    shared = trainer.devices.placed(case, jax.tree.map(lambda _: False, case))
    own = tuple(False for _ in jax.tree.leaves(case))
    states = jax.tree.map(lambda leaf: leaf[None], trainer.start(model, case))
    state = [trainer.devices.placed(states, jax.tree.map(lambda _: True, states))]

    def step() -> None:
        state[0], record = trainer.advance(state[0], None, shared, own, 1)
        if not np.isfinite(record.loss).all():
            raise FloatingPointError("the loss is not finite")

    return Implementation({"step": step}, dict, VERSIONS, notes())


if __name__ == "__main__":
    serve(prepare)
