"""The aquifer between two rivers by a network and by its solver, with the transmissivity known or sought in wells."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.contrast.aquifer import TRANSMISSIVITY, Aquifer, centres, implicit, network_head, residual
from dgeo.contrast.descent import Descent, descend
from dgeo.contrast.unknown import Unknown
from dgeo.numerics import Frozen

NAME = "transmissivity"


class Wells(Frozen):
    """Heads [m] at some cells of the solver's grid on some days: entries of [day, cell]."""

    day: np.ndarray
    cell: np.ndarray
    head: Float[Array, " observed"]
    cells: int = eqx.field(static=True, default=51)


@dataclass(frozen=True)
class Found:
    """Heads at the end of every day in every cell, the transmissivity, and what the training took."""

    heads: np.ndarray
    transmissivity: float
    training: Descent


def aquifer_pinn(
    aquifer: Aquifer,
    transmissivity: float,
    *,
    key: PRNGKeyArray,
    wells: Wells | None = None,
    width: int = 24,
    points: int = 256,
    steps: int = 2000,
    rate: float = 5e-3,
    cells: int = 51,
) -> Found:
    """Train a network to be the head. With `wells` the transmissivity is sought, from the middle of its bounds."""
    first, second = jax.random.split(key)
    network = eqx.nn.MLP(2, 1, width, 3, activation=jnp.tanh, key=first)
    sought = _sought(() if wells is None else (NAME,))
    known = {NAME: jnp.asarray(transmissivity)}
    x, t = centres(aquifer, cells), jnp.arange(1.0, aquifer.days + 1)

    def loss(variables: tuple[eqx.nn.MLP, Unknown], key: PRNGKeyArray) -> Float[Array, ""]:
        network, sought = variables
        places, moments = jax.random.uniform(key, (2, points))
        value = sought(known)[NAME]

        def left(place: Array, moment: Array) -> Array:
            head = lambda x, t: network_head(aquifer, network, x, t)  # noqa: E731
            return residual(aquifer, value, head, place * aquifer.length, moment * aquifer.days)

        total = jnp.mean(jax.vmap(left)(places, moments) ** 2)
        if wells is None:
            return total
        head = jax.vmap(lambda x, t: network_head(aquifer, network, x, t))(x[wells.cell], t[wells.day])
        return total + jnp.mean((head - wells.head) ** 2) / jnp.var(wells.head)

    training = descend(loss, (network, sought), steps=steps, rate=rate, key=second)
    network, sought = training.variables
    heads = jax.vmap(lambda t: jax.vmap(lambda x: network_head(aquifer, network, x, t))(x))(t)
    return Found(np.asarray(heads), float(sought(known)[NAME]), training)


def aquifer_calibrated(aquifer: Aquifer, wells: Wells, *, steps: int = 100, rate: float = 0.01) -> Found:
    """The transmissivity by gradient descent through the solver, from the middle of its bounds."""

    def loss(sought: Unknown, _: PRNGKeyArray) -> Float[Array, ""]:
        head = implicit(aquifer, sought({})[NAME], wells.cells)[wells.day, wells.cell]
        return jnp.mean((head - wells.head) ** 2) / jnp.var(wells.head)

    training = descend(loss, _sought((NAME,)), steps=steps, rate=rate, key=jax.random.key(0))
    value = training.variables({})[NAME]
    return Found(np.asarray(implicit(aquifer, value, wells.cells)), float(value), training)


def _sought(names: tuple[str, ...]) -> Unknown:
    return Unknown.of({NAME: TRANSMISSIVITY}, names)
