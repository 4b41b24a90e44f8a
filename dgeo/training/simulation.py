"""Long runs of a trained model: in chunks of bounded memory, continued by the carry, the sites over all devices."""

from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, PartitionSpec

from dgeo.errors import DgeoError
from dgeo.hybrid import Carry, Inputs, Simulator
from dgeo.models import Values
from dgeo.training.devices import SITE

Chunk = tuple[slice, dict[str, np.ndarray], Carry]


OF_SITE, OF_SERIES = PartitionSpec(SITE), PartitionSpec(None, SITE)
OF_INPUTS, OF_CARRY = (OF_SERIES, OF_SITE, OF_SITE), (OF_SITE, OF_SITE, OF_SERIES)


@eqx.filter_jit
def _run(model: Simulator, inputs: Inputs, carry: Carry, outputs: tuple[str, ...], dt: float) -> tuple[Values, Carry]:
    """Each of this process's devices marches its share of the sites; copies of the last site fill up the last share."""
    devices = jax.local_devices()[: inputs.sites]
    arrays, fixed = eqx.partition(model, eqx.is_array)

    def march(arrays: Any, inputs: tuple[Any, ...], carry: tuple[Any, ...]) -> tuple[Values, tuple[Any, ...]]:
        model = eqx.combine(arrays, fixed)
        series, after = model(Inputs(*inputs), Carry(*carry), outputs=outputs, dt=dt)
        return series, tuple(after)

    share = -(-inputs.sites // len(devices))
    every = jnp.minimum(jnp.arange(share * len(devices)), inputs.sites - 1)
    given = (inputs.forcing, inputs.attributes, inputs.index)
    series, after = jax.shard_map(
        march,
        mesh=jax.sharding.Mesh(np.asarray(devices), (SITE,), axis_types=(AxisType.Auto,)),
        in_specs=(PartitionSpec(), OF_INPUTS, OF_CARRY),
        out_specs=(OF_SERIES, OF_CARRY),
        check_vma=False,
    )(arrays, at_sites(every, given, OF_INPUTS), at_sites(every, tuple(carry), OF_CARRY))
    own = slice(inputs.sites)
    return at_sites(own, series, OF_SERIES), Carry(*at_sites(own, after, OF_CARRY))


def at_sites(sites: Any, tree: Any, specs: Any) -> Any:
    """Some sites of arrays, whose axis of sites is the last that their spec has."""
    of_sites = {OF_SITE: lambda x: x[sites], OF_SERIES: lambda x: x[:, sites]}
    return jax.tree.map(lambda spec, part: jax.tree.map(of_sites[spec], part), specs, tree)


def chunks(
    model: Simulator,
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
    model: Simulator, inputs: Inputs, outputs: Sequence[str], carry: Carry | None = None, *, dt: float = 1.0
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
