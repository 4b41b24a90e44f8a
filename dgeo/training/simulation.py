"""Long runs of a trained model: in chunks of bounded memory, continued by the carry."""

from collections.abc import Iterator, Sequence

import equinox as eqx
import numpy as np

from dgeo.errors import DgeoError
from dgeo.hybrid import Carry, Hybrid, Inputs
from dgeo.models import Values

Chunk = tuple[slice, dict[str, np.ndarray], Carry]


@eqx.filter_jit
def _run(model: Hybrid, inputs: Inputs, carry: Carry, outputs: tuple[str, ...], dt: float) -> tuple[Values, Carry]:
    return model(inputs, carry, outputs=outputs, dt=dt)


def chunks(
    model: Hybrid,
    inputs: Inputs,
    outputs: Sequence[str],
    carry: Carry | None = None,
    *,
    days: int = 365,
    dt: float = 1.0,
) -> Iterator[Chunk]:
    """(times, outputs of these times, carry after them), chunk after chunk; all but the last are equally long."""
    first_forcing = next(iter(inputs.forcing.values()))
    carry = model.initial_carry(inputs.sites, first_forcing.dtype, dt) if carry is None else carry
    length = round(days / dt)
    for first in range(0, len(first_forcing), length):
        part = slice(first, min(first + length, len(first_forcing)))
        series, carry = _run(model, times(inputs, part), carry, tuple(outputs), dt)
        yield part, {name: np.asarray(value) for name, value in series.items()}, carry


def run(
    model: Hybrid, inputs: Inputs, outputs: Sequence[str], carry: Carry | None = None, *, dt: float = 1.0
) -> tuple[dict[str, np.ndarray], Carry]:
    """The outputs at all times, [time, site], and the carry after the last."""
    kept = []
    for _, series, after in chunks(model, inputs, outputs, carry, dt=dt):
        kept.append(series)
        carry = after
    if carry is None:
        raise DgeoError("There are no days to simulate; give a period that holds at least one.")
    return {name: np.concatenate([part[name] for part in kept]) for name in outputs}, carry


def times(inputs: Inputs, part: slice) -> Inputs:
    """The inputs of some times."""
    return Inputs({name: value[part] for name, value in inputs.forcing.items()}, inputs.attributes, inputs.index)
