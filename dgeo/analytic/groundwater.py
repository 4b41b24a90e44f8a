"""Groundwater: exact drawdowns of wells, heads between rivers, and the recession of what is stored.

| symbol | meaning | unit |
|---|---|---|
| Q | pumping | m³ d⁻¹ |
| T, K | transmissivity, hydraulic conductivity | m² d⁻¹, m d⁻¹ |
| S | storativity | 1 |
| r, t | distance from the well, time since pumping began | m, d |
| R | recharge | m d⁻¹ |
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Field = Float[Array, "*#shape"]


def theis(r: Field, t: Field, pumping: Field, transmissivity: Field, storativity: Field) -> Field:
    """Drawdown s = Q/(4πT)·E₁(u), u = r²S/(4Tt), in an endless confined aquifer [m].

    So ∂s/∂ln T = −s + Q/(4πT)·e^{−u} and ∂s/∂ln S = −Q/(4πT)·e^{−u}. Theis (1935), doi:10.1029/TR016i002p00519.
    """
    u = r**2 * storativity / (4 * transmissivity * t)
    return pumping / (4 * jnp.pi * transmissivity) * jax.scipy.special.exp1(u)


def thiem(r: Field, far: Field, pumping: Field, transmissivity: Field) -> Field:
    """Steady drawdown at r less that at a distance `far`: Q/(2πT)·ln(far/r) [m]."""
    return pumping / (2 * jnp.pi * transmissivity) * jnp.log(far / r)


def dupuit(x: Field, length: Field, at_river: Field, recharge: Field, conductivity: Field) -> Field:
    """Steady thickness h of a free surface between two rivers, h² = h₀² + (R/K)·x·(L − x) [m]."""
    return jnp.sqrt(at_river**2 + recharge / conductivity * x * (length - x))


def recession_time(length: Field, transmissivity: Field, storativity: Field) -> Field:
    """S·L²/(π²·T) [d], in which the slowest mode between two rivers, sin(πx/L), falls to 1/e."""
    return storativity * length**2 / (jnp.pi**2 * transmissivity)
