"""Hard or rounded thresholds for a whole model, by one argument."""

import inspect
from dataclasses import replace

from dgeo.errors import DgeoError
from dgeo.models.law import Formula, Law
from dgeo.models.model import Model
from dgeo.numerics import Thresholds

SWITCH = "thresholds"


def with_thresholds(model: Model, thresholds: Thresholds) -> Model:
    """The model with the thresholds of its textbook laws rounded, or `HARD` again.

    Every present `Formula` whose function has a keyword-only argument `thresholds` is given these; networks and all
    other laws stay as they are, and so do the limits by which the step takes no more than a store holds. The bias that
    rounding brings is in docs/thresholds.md. Raises `DgeoError` where no law has a threshold to round.
    """
    switched = {slot: _switched(law, thresholds) for slot, law in model.present_laws.items() if has_threshold(law)}
    if not switched:
        raise DgeoError(
            f"No law of {type(model).__name__} has a threshold to round: give its function a keyword-only argument "
            "`thresholds` and use `thresholds.positive_part`, `.minimum` or `.step` in it."
        )
    return model.with_laws(switched)


def has_threshold(law: Law) -> bool:
    """Whether a law is a formula whose function takes `thresholds`."""
    if not isinstance(law, Formula):
        return False
    argument = inspect.signature(law.function).parameters.get(SWITCH)
    return argument is not None and argument.kind is argument.KEYWORD_ONLY


def _switched(law: Law, thresholds: Thresholds) -> Law:
    assert isinstance(law, Formula)
    others = tuple(option for option in law.options if option[0] != SWITCH)
    return replace(law, options=(*others, (SWITCH, thresholds)))
