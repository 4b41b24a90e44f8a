"""The trainer of `law_recovery.py`: a law, or a law and all parameters, from streamflow, several restarts at once.

The record is cut into water years, which are learned from side by side. The stores at the start of each year come from
a run of the whole record under the law as it is; that run is repeated every `REFRESH` steps of the optimiser and begins
with the stores at which the last one ended, so no store is told to the learner and none has to fill up in every step.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from dgeo.engine import Parameters, initial_state, simulate
from dgeo.hybrid import GammaRouting
from dgeo.models import HBV, Law, Values, hbv
from dgeo.physics.unit_hydrograph import empty_tail

ROUTING, PHYSICS = GammaRouting(), hbv("1.0")
REFRESH = 15  # optimiser steps
TRAINED = slice(1, 5)  # years of the record; the first only fills the stores, those after are unseen
Carry = tuple[Values, Array]


class Learner(eqx.Module):
    """What is learned: the law in a slot and, where the parameters are unknown, a network attributes → parameters."""

    law: Law
    slot: str = eqx.field(static=True)
    network: eqx.nn.MLP | None = None

    @property
    def physics(self) -> HBV:
        """HBV with the law."""
        return PHYSICS.with_laws({self.slot: self.law})

    def parameters(self, basins: "Basins") -> Values:
        """The parameters [basin] of the physics and its routing."""
        if self.network is None:
            return basins.parameters
        bounds = {name: each.bounds for name, each in (PHYSICS.parameters | ROUTING.parameters).items()}
        z = jax.vmap(self.network)(basins.attributes)
        return {name: bound.from_unbounded(z[:, i]) for i, (name, bound) in enumerate(bounds.items())}


class Basins(eqx.Module):
    """What is learned from: forcing and observed flow [year, day, basin], attributes, and the true parameters."""

    forcing: Values
    observed: Float[Array, "year day basin"]
    attributes: Float[Array, "basin attribute"]
    parameters: Values


def plain_scan(
    step: Callable[..., tuple[Values, Values]], shared: Any, static: Any, state: Values, series: Any
) -> tuple[Values, Values]:
    """`jax.lax.scan` that keeps what the gradient needs: a year is short enough."""
    return jax.lax.scan(lambda state, now: step(shared, static, state, now), state, series)


def flow(learner: Learner, basins: Basins, forcing: Values, carry: Carry) -> tuple[Array, Carry]:
    """Streamflow [day, basin] of a year, and the stores at its end."""
    parameters = learner.parameters(basins)
    static = Parameters({name: parameters[name] for name in PHYSICS.parameters}, {})
    outputs, state = simulate(learner.physics, forcing, static, carry[0], outputs=("runoff",), engine=plain_scan)
    streamflow, tail = ROUTING(outputs["runoff"], parameters, carry[1])
    return streamflow, (state, tail)


def march(learner: Learner, basins: Basins, carry: Carry) -> tuple[Carry, Carry, Array]:
    """The whole record: stores at its end, stores at the start of each year, streamflow [year, day, basin]."""

    def year(carry: Carry, forcing: Values) -> tuple[Carry, tuple[Carry, Array]]:
        streamflow, after = flow(learner, basins, forcing, carry)
        return after, (carry, streamflow)

    end, (starts, streamflow) = jax.lax.scan(year, carry, basins.forcing)
    return end, starts, streamflow


def loss(learner: Learner, basins: Basins, starts: Carry) -> Array:
    """1 − NSE of the square root of the flow, all basins together, in the years of training.

    In dry basins steps of a day miss the truth by more than any law does, so they do not get a weight of their own.
    """
    forcing, observed = jax.tree.map(lambda x: x[TRAINED], (basins.forcing, basins.observed))
    years = jax.tree.map(lambda x: x[TRAINED], starts)
    simulated, _ = jax.vmap(lambda forcing, carry: flow(learner, basins, forcing, carry))(forcing, years)
    root, target = jnp.sqrt(simulated + 1e-4), jnp.sqrt(observed + 1e-4)
    spread = jnp.mean(jnp.var(target, axis=(0, 1)))
    return jnp.mean((root - target) ** 2) / spread


def train(
    learner: Learner, basins: Basins, steps: int, rate: float, batch: int | None = None
) -> tuple[Learner, Array, Array]:
    """Trained learners, streamflow [restart, year, day, basin] and loss [restart, step].

    Arrays of `learner` are [restart, …]. Adam, `REFRESH` steps on one `batch` of basins and then on the next; fewer
    basins than a batch are repeated, so that one program serves any number. The rate falls to a fiftieth.
    """
    count = basins.attributes.shape[0]
    weights, fixed = eqx.partition(spread(learner), eqx.is_inexact_array)
    memory = eqx.filter_vmap(optimiser(rate, steps).init)(weights)
    batches = [together(each) for each in batched(basins, batch or count)]
    start = eqx.filter_vmap(empty, in_axes=(eqx.if_array(0), None))
    carries = [march_all(weights, fixed, each, spread(start(learner, each)))[0] for each in batches]
    losses = []
    for turn in range(steps // REFRESH):
        i = turn % len(batches)
        carries[i], starts, _ = march_all(weights, fixed, batches[i], carries[i])
        weights, memory, values = improve(weights, fixed, batches[i], starts, memory, rate, steps)
        losses.append(values)
    flows = []
    for each, carry in zip(batches, carries, strict=True):
        end, _, _ = march_all(weights, fixed, each, carry)
        flows.append(march_all(weights, fixed, each, end)[2])
    streamflow = jnp.concatenate(flows, axis=-1)[..., :count]
    return eqx.combine(weights, fixed), streamflow, jnp.concatenate(losses, axis=1)


def member(learner: Learner, index: int) -> Learner:
    """One of the restarts."""
    return jax.tree.map(lambda x: x[index] if eqx.is_inexact_array(x) else x, learner)


def batched(basins: Basins, size: int) -> list[Basins]:
    """Batches of equal size, in order; the last basins that fill none are repeated from the first."""
    count = basins.attributes.shape[0]
    lots = jnp.arange(-(-count // size) * size) % count
    return [some(basins, lots[i : i + size]) for i in range(0, lots.size, size)]


def some(basins: Basins, index: Array) -> Basins:
    """Some of the basins."""
    forcing, observed, parameters = jax.tree.map(
        lambda x: x[..., index], (basins.forcing, basins.observed, basins.parameters)
    )
    return Basins(forcing, observed, basins.attributes[index], parameters)


@eqx.filter_jit
def taught(law: Law, slot: str, basins: Basins, key: jax.Array, steps: int = 600) -> Law:
    """The law after it was taught the textbook's, at days of the record, any wetness and any parameters.

    A network that begins with a share of a half floods the dry basins, and the first steps of the optimiser drive it
    into a corner (no recharge at all) from which no gradient leads out.
    """
    values, textbook = points(basins, key), PHYSICS.slots[slot].default
    answer = jax.vmap(textbook)(values)
    weights, fixed = eqx.partition(law, eqx.is_inexact_array)
    adam = optax.adam(optax.cosine_decay_schedule(0.01, steps, 0.02))

    def departure(weights: Any) -> Array:
        return jnp.mean((jax.vmap(eqx.combine(weights, fixed))(values) - answer) ** 2) / jnp.var(answer)

    def step(held: tuple, _: None) -> tuple[tuple, None]:
        updates, memory = adam.update(jax.grad(departure)(held[0]), held[1])
        return (optax.apply_updates(held[0], updates), memory), None

    (weights, _), _ = jax.lax.scan(step, (weights, adam.init(weights)), None, length=steps)
    return eqx.combine(weights, fixed)


def points(basins: Basins, key: jax.Array, count: int = 1024) -> Values:
    """Forcing of random days and basins, random parameters, soil of random wetness, [point]."""
    day, wetness, *keys = jax.random.split(key, 2 + len(PHYSICS.parameters))
    forcing = {name: jax.random.choice(day, series.ravel(), (count,)) for name, series in basins.forcing.items()}
    z = {name: 1.2 * jax.random.normal(k, (count,)) for name, k in zip(PHYSICS.parameters, keys, strict=True)}
    parameters = {name: each.bounds.from_unbounded(z[name]) for name, each in PHYSICS.parameters.items()}
    moisture = parameters["field_capacity"] * jax.random.uniform(wetness, (count,))
    return {**forcing, **parameters, "soil_moisture": moisture}


def spread(tree: Any) -> Any:
    """The restarts, first axis of every array, over all devices; on one where they do not divide them."""
    restarts = jax.tree.leaves(eqx.filter(tree, eqx.is_array))[0].shape[0]
    return eqx.filter_shard(
        tree, NamedSharding(mesh(), PartitionSpec("restart" if restarts % mesh().size == 0 else None))
    )


def together(tree: Any) -> Any:
    """A copy for every device."""
    return eqx.filter_shard(tree, NamedSharding(mesh(), PartitionSpec()))


def mesh() -> Mesh:
    """All devices in a line."""
    return jax.make_mesh((len(jax.devices()),), ("restart",), axis_types=(AxisType.Auto,))


def optimiser(rate: float, steps: int) -> optax.GradientTransformation:
    """Adam; the gradient of a long run is clipped."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps, 0.02)))


@eqx.filter_jit
def march_all(weights: Any, fixed: Any, basins: Basins, carry: Carry) -> tuple[Carry, Carry, Array]:
    """`march` of every restart."""
    return jax.vmap(lambda w, carry: march(eqx.combine(w, fixed), basins, carry))(weights, carry)


@eqx.filter_jit
def improve(
    weights: Any, fixed: Any, basins: Basins, starts: Carry, memory: Any, rate: float, steps: int
) -> tuple[Any, Any, Array]:
    """`REFRESH` steps of the optimiser for every restart."""

    def one(weights: Any, starts: Carry, memory: Any) -> tuple[Any, Any, Array]:
        def step(held: tuple, _: None) -> tuple[tuple, Array]:
            weights, memory = held
            value, gradient = jax.value_and_grad(lambda w: loss(eqx.combine(w, fixed), basins, starts))(weights)
            updates, memory = optimiser(rate, steps).update(gradient, memory)
            return (optax.apply_updates(weights, updates), memory), value

        (weights, memory), values = jax.lax.scan(step, (weights, memory), None, length=REFRESH)
        return weights, memory, values

    return jax.vmap(one)(weights, starts, memory)


def empty(learner: Learner, basins: Basins) -> Carry:
    """Nearly empty stores, and nothing under way."""
    weights = ROUTING.weights(learner.parameters(basins), 1.0)
    return initial_state(PHYSICS, basins.attributes.shape[:1], jnp.float32), empty_tail(weights)
