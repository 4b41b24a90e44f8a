"""Any optax optimiser by name, with schedule and clipping."""

import inspect
from typing import Any

import optax

from dgeo.errors import DgeoError, nearest
from dgeo.training.config import OptimiserConfig


def build_optimiser(config: OptimiserConfig, steps: int) -> optax.GradientTransformation:
    """Clip by global norm, then the named optimiser at the scheduled rate.

    Raises `DgeoError` for a name that optax does not have or an option that the optimiser does not take.
    """
    maker = getattr(optax, config.name, None)
    if not callable(maker) or "learning_rate" not in inspect.signature(maker).parameters:
        known = ("adam", "adamw", "adadelta", "sgd", "rmsprop", "lion", "nadam", "radam", "lamb")
        raise DgeoError(f"optax has no optimiser {config.name!r}: {nearest(config.name, known)}")
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = optax.cosine_decay_schedule(config.learning_rate, steps, config.final_fraction)
    try:
        optimiser = maker(rate, **config.options)
    except TypeError as error:
        raise DgeoError(
            f"The optimiser {config.name} does not accept its options: {error}; check `optimiser.options`."
        ) from error
    return optimiser if config.clip is None else optax.chain(optax.clip_by_global_norm(config.clip), optimiser)
