"""Any optax optimiser by name, with schedule and clipping."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax
import optax

from dgeo.errors import DgeoError, nearest
from dgeo.training.config import OptimiserConfig


def numbers_of(config: OptimiserConfig) -> dict[str, float]:
    """The numbers of an optimiser, in which members of one program may differ."""
    clip = {} if config.clip is None else {"clip": config.clip}
    return {"learning_rate": config.learning_rate, "final_fraction": config.final_fraction, **clip, **config.options}


def build_optimiser(
    config: OptimiserConfig, steps: int, numbers: Mapping[str, float | jax.Array] | None = None
) -> optax.GradientTransformation:
    """Clip by global norm, then the named optimiser at the scheduled rate; `numbers` stand in for those of the config.

    Raises `DgeoError` for a name that optax does not have or an option that the optimiser does not take.
    """
    values: dict[str, Any] = dict(numbers_of(config) if numbers is None else numbers)
    maker = getattr(optax, config.name, None)
    if not callable(maker) or "learning_rate" not in inspect.signature(maker).parameters:
        known = ("adam", "adamw", "adadelta", "sgd", "rmsprop", "lion", "nadam", "radam", "lamb")
        raise DgeoError(f"optax has no optimiser {config.name!r}: {nearest(config.name, known)}")
    rate = values["learning_rate"]
    if config.schedule == "cosine":
        rate = optax.cosine_decay_schedule(rate, steps, values["final_fraction"])
    try:
        optimiser = maker(rate, **{name: values[name] for name in config.options})
    except TypeError as error:
        raise DgeoError(
            f"The optimiser {config.name} does not accept its options: {error}; check `optimiser.options`."
        ) from error
    return optimiser if config.clip is None else optax.chain(optax.clip_by_global_norm(values["clip"]), optimiser)
