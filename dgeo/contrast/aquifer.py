"""Groundwater between two rivers, rising after recharge sets in: the linearised Boussinesq equation.

    S·∂h/∂t = T·∂²h/∂x² + R,      h(0, t) = h(L, t) = 0,      h(x, 0) = 0

    h(x, t) = R·x·(L − x)/(2T) − Σ_{n odd} 4RL²/(Tπ³n³)·sin(nπx/L)·e^{−n²π²Tt/(SL²)}

| symbol | meaning | unit |
|---|---|---|
| h | head above the rivers | m |
| S, T | storativity, transmissivity | 1, m² d⁻¹ |
| R, L | recharge, distance of the rivers | m d⁻¹, m |

The series is the steady parabola less the sine series of that parabola, each of whose terms decays at its own rate.
`implicit` is backward Euler in time on equal cells, `network_head` a network that vanishes at both rivers and at t = 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models import Parameter
from dgeo.numerics import Bounds
from dgeo.numerics.tridiagonal import newton_tridiagonal

TRANSMISSIVITY = Parameter("m2 d-1", "transmissivity", Bounds(20.0, 2000.0, "logarithmic"), 200.0)
Scalar = Float[Array, ""]


@dataclass(frozen=True)
class Aquifer:
    """Its size and its recharge; transmissivity comes as an argument, for it may be unknown."""

    length: float = 1000.0
    storativity: float = 0.1
    recharge: float = 0.001
    days: int = 150

    @property
    def size(self) -> float:
        """The steady head in the middle at the textbook's transmissivity [m]."""
        return self.recharge * self.length**2 / (8 * TRANSMISSIVITY.default)


def exact(aquifer: Aquifer, transmissivity: Scalar, x: Scalar, t: Scalar, terms: int = 100) -> Scalar:
    """The head at a place [m] and time [d]."""
    n = jnp.arange(1.0, 2 * terms, 2.0) * jnp.pi
    decay = jnp.exp(-(n**2) * transmissivity * t / (aquifer.storativity * aquifer.length**2))
    transient = jnp.sum(4 * aquifer.length**2 / n**3 * jnp.sin(n * x / aquifer.length) * decay)
    return aquifer.recharge / transmissivity * (x * (aquifer.length - x) / 2 - transient)


def exact_heads(aquifer: Aquifer, transmissivity: Scalar, cells: int = 51) -> Float[Array, "day cell"]:
    """The same at the end of every day at the middles of the cells, where `implicit` gives it."""
    over_cells = jax.vmap(exact, (None, None, 0, None))
    return jax.vmap(over_cells, (None, None, None, 0))(
        aquifer, transmissivity, centres(aquifer, cells), jnp.arange(1.0, aquifer.days + 1)
    )


def centres(aquifer: Aquifer, cells: int) -> Float[Array, " cell"]:
    """The middles of equal cells [m]."""
    return (jnp.arange(float(cells)) + 0.5) * aquifer.length / cells


def implicit(aquifer: Aquifer, transmissivity: Scalar, cells: int = 51) -> Float[Array, "day cell"]:
    """Heads at the end of every day at the middles of the cells, differentiable in the transmissivity."""
    width = aquifer.length / cells

    def excess(head: Array, given: tuple[Array, Array]) -> Array:
        before, transmissivity = given
        around = jnp.concatenate([-head[:1], head, -head[-1:]])  # the mirror image makes h = 0 at the river
        flow = transmissivity * jnp.diff(around) / width
        return aquifer.storativity * (head - before) - (jnp.diff(flow) / width + aquifer.recharge)

    def day(head: Array, _: None) -> tuple[Array, Array]:
        head = newton_tridiagonal(excess, head, (head, transmissivity), iterations=1)
        return head, head

    return jax.lax.scan(day, jnp.zeros(cells), None, length=aquifer.days)[1]


def network_head(aquifer: Aquifer, network: eqx.nn.MLP, x: Scalar, t: Scalar) -> Scalar:
    """Size·4ξ(1 − ξ)·τ·NN(ξ, τ) with ξ = x/L and τ = t/days: nothing at either river, and nothing at t = 0."""
    place, moment = x / aquifer.length, t / aquifer.days
    return aquifer.size * 4 * place * (1 - place) * moment * network(jnp.stack([place, moment]))[0]


def residual(
    aquifer: Aquifer, transmissivity: Scalar, head: Callable[[Scalar, Scalar], Scalar], x: Scalar, t: Scalar
) -> Scalar:
    """(S·∂h/∂t − T·∂²h/∂x² − R)/R of a head (x, t) → h, at one place and time."""
    rise = jax.grad(head, argnums=1)(x, t)
    bend = jax.grad(jax.grad(head))(x, t)
    return (aquifer.storativity * rise - transmissivity * bend) / aquifer.recharge - 1
