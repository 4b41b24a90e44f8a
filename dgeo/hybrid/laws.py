"""Networks as laws: of current values, forcing and attributes, in one slot or in several.

    y = limits(network((x − centre)/size))

Every input is divided by its typical size, every output brought into the sign, range and size that its slot asks for
(`Limits`); what else must hold is a constraint around it (`constraints`).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from dgeo.errors import DgeoError
from dgeo.hybrid.law_inputs import Scaling, Statistics, check_constraints, check_slot, constrained, scaling_of
from dgeo.models import Joint, Law, Model, Reading
from dgeo.nn import PartiallyMonotone
from dgeo.numerics import Limits

NO_STATISTICS: Statistics = MappingProxyType({})


class NetworkLaw(eqx.Module):
    """Any network [input] → [1], or → one number, as a law; equinox's own and your own alike.

    Raises `DgeoError` where the network does not take so many inputs, or gives anything but one number.
    """

    network: Callable[[Any], Array]
    scaling: Scaling
    limits: Limits = eqx.field(static=True, default=Limits())

    def __check_init__(self) -> None:
        """Meet a network of the wrong size at the door."""
        found = _shape(self.network, self.scaling.names)
        if found not in ((), (1,)):
            raise DgeoError(
                f"The network of {', '.join(self.scaling.names)} gives {list(found)} where a law is one number: "
                "give it an output of [1] or a scalar, or fill several slots by `network_laws`."
            )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads."""
        return self.scaling.names

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of the site among them."""
        return self.scaling.attributes

    @property
    def forcings(self) -> tuple[str, ...]:
        """Forcings among them that the model itself does not read."""
        return self.scaling.forcings

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The number, within the limits."""
        z = _output(self.network, self.scaling(values))
        return self.limits.from_unbounded(z if z.ndim == 0 else jnp.squeeze(z))


class JointNetwork(eqx.Module):
    """Any network [input] → [output] as the law of a `Joint`: unbounded; a `Reading` brings each number into limits."""

    network: Callable[[Any], Array]
    scaling: Scaling

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names it reads."""
        return self.scaling.names

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of the site among them."""
        return self.scaling.attributes

    @property
    def forcings(self) -> tuple[str, ...]:
        """Forcings among them that the model itself does not read."""
        return self.scaling.forcings

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The unbounded numbers [output]."""
        return _output(self.network, self.scaling(values))


def network_law(
    model: Model,
    slot: str,
    inputs: Sequence[str],
    *,
    width: int = 16,
    depth: int = 2,
    increasing: Sequence[str] = (),
    decreasing: Sequence[str] = (),
    zero_at: Sequence[str] = (),
    storage_limited: bool = False,
    factor: Sequence[str] = (),
    at_most: Sequence[str] = (),
    statistics: Statistics = NO_STATISTICS,
    forcings: Sequence[str] = (),
    key: PRNGKeyArray,
) -> Law:
    """A fresh network for a slot: `depth` hidden layers of `width` tanh units.

    **Arguments**

    - `inputs`: names that the slot offers (stores, forcings, parameters, intermediate values of the step), attributes
      of the site, and `forcings` that the model itself does not read; `statistics[name] = (mean, deviation)` of these.
    - `increasing`, `decreasing`: inputs in which the law never falls, or never rises, whatever the weights.
    - `zero_at`: stores at whose zero the law is zero; it gets there over a tenth of their typical size.
    - `storage_limited`: never more per day than the store holds that the slot empties.
    - `factor`: names whose value, in units of their typical size, multiplies the result.
    - `at_most`: names (a demand, say) whose value, in the slot's own unit, the law never exceeds in size.

    Raises `DgeoError` for a slot or name that there is not, and for constraints that contradict each other.
    """
    check_slot(model, slot)
    held = (zero_at, storage_limited, factor, at_most)
    check_constraints(model, slot, inputs, increasing, decreasing, *held)
    scaling = scaling_of(model, slot, inputs, statistics, forcings)
    signs = _signs(inputs, increasing, decreasing)
    network = PartiallyMonotone.create(signs, width=width, depth=depth, key=key)
    return constrained(NetworkLaw(network, scaling, model.slots[slot].limits), model, slot, *held)


def network_laws(
    model: Model,
    slots: Sequence[str],
    inputs: Sequence[str],
    *,
    width: int = 16,
    depth: int = 2,
    increasing: Sequence[str] = (),
    decreasing: Sequence[str] = (),
    zero_at: Sequence[str] = (),
    storage_limited: bool = False,
    factor: Sequence[str] = (),
    at_most: Sequence[str] = (),
    statistics: Statistics = NO_STATISTICS,
    forcings: Sequence[str] = (),
    key: PRNGKeyArray,
) -> tuple[dict[str, Law], tuple[Joint, ...]]:
    """One fresh network for several slots: (laws, joint) for `model.with_laws(laws, joint)`.

    It reads the values from which the step starts; its outputs are named `learned_<slot>`. Arguments as for
    `network_law`, each of which holds in every slot. Raises `DgeoError` as that does.
    """
    held = (zero_at, storage_limited, factor, at_most)
    for slot in slots:
        check_slot(model, slot)
        check_constraints(model, slot, inputs, increasing, decreasing, *held)
    signs = _signs(inputs, increasing, decreasing)
    network = PartiallyMonotone.create(signs, len(slots), width=width, depth=depth, key=key)
    law = JointNetwork(network, scaling_of(model, None, inputs, statistics, forcings))
    laws = {slot: Reading(f"learned_{slot}", model.slots[slot].limits) for slot in slots}
    joint = Joint(law, tuple(reading.name for reading in laws.values()))
    return {slot: constrained(reading, model, slot, *held) for slot, reading in laws.items()}, (joint,)


def _signs(inputs: Sequence[str], increasing: Sequence[str], decreasing: Sequence[str]) -> tuple[int, ...]:
    return tuple((name in increasing) - (name in decreasing) for name in inputs)


def _output(network: Callable[[Any], Array], inputs: tuple[Array, ...]) -> Array:
    return network(inputs if isinstance(network, PartiallyMonotone) else jnp.stack(inputs))


def _shape(network: Callable[[Any], Array], names: tuple[str, ...]) -> tuple[int, ...]:
    leaves = jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array))
    number = jax.ShapeDtypeStruct((), leaves[0].dtype if leaves else jnp.result_type(float))
    try:
        found = eqx.filter_eval_shape(_output, network, (number,) * len(names))
    except (TypeError, ValueError) as error:
        raise DgeoError(
            f"The network does not take its {len(names)} inputs ({', '.join(names)}) as one array "
            f"[{len(names)}]: give it that input size."
        ) from error
    return tuple(getattr(found, "shape", (-1,)))
