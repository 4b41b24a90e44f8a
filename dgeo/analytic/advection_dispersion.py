"""Advection and dispersion along a line: exact solutions.

    R·∂C/∂t + v·∂C/∂x = D·∂²C/∂x² − λ·C

| symbol | meaning | unit |
|---|---|---|
| C | concentration, or a disturbance of discharge or temperature | any |
| v, D | velocity (celerity), dispersion | m s⁻¹, m² s⁻¹ |
| R, λ | retardation, rate of decay | 1, s⁻¹ |

A flood wave of small height obeys the same equation with its celerity and Q/(2·B·S) (Hayami 1951), and so its step
response is that of a solute.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Field = Float[Array, "*#shape"]


def scaled_erfc(x: Field) -> Field:
    """e^{x²}·erfc(x) for x ≥ 0, in relative terms exact to 1e-12 below 5 and to 1e-9 above.

    Above, by the continued fraction of Laplace (Abramowitz & Stegun 7.1.14), where e^{x²} and erfc would
    overflow and vanish.
    """
    near, far = jnp.minimum(x, 5.0), jnp.maximum(x, 5.0)
    fraction = far
    for k in range(20, 0, -1):
        fraction = far + k / 2 / fraction
    return jnp.where(x < 5, jnp.exp(near**2) * jax.scipy.special.erfc(near), 1 / (jnp.sqrt(jnp.pi) * fraction))


def ogata_banks(x: Field, t: Field, velocity: Field, dispersion: Field) -> Field:
    """C/C₀ at x > 0, t > 0 after C = C₀ at x = 0 sets in, in a line that was clean.

    ½·[erfc(a) + e^{vx/D}·erfc(b)] with a, b = (x ∓ vt)/(2√(Dt)), and e^{vx/D}·erfc(b) = e^{−a²}·(e^{b²}·erfc(b)), as
    vx/D = b² − a². Ogata & Banks (1961), USGS Professional Paper 411-A, doi:10.3133/pp411A.
    """
    spread = 2 * jnp.sqrt(dispersion * t)
    a, b = (x - velocity * t) / spread, (x + velocity * t) / spread
    return (jax.scipy.special.erfc(a) + jnp.exp(-(a**2)) * scaled_erfc(b)) / 2


def steady_decay(x: Field, velocity: Field, dispersion: Field, rate: Field) -> Field:
    """C/C₀ at x ≥ 0 in the steady state: the root of D·m² − v·m − λ = 0 that decays."""
    return jnp.exp((velocity - jnp.sqrt(velocity**2 + 4 * rate * dispersion)) / (2 * dispersion) * x)


def streeter_phelps(
    t: Field, deoxygenation: Field, reaeration: Field, demand: Field, deficit: Field
) -> tuple[Field, Field]:
    """Biochemical oxygen demand and oxygen deficit after a time of travel, from those at its start.

    L = L₀·e^{−k_d·t},   D = D₀·e^{−k_a·t} + k_d·L₀/(k_a − k_d)·(e^{−k_d·t} − e^{−k_a·t}); k_a ≠ k_d

    Streeter & Phelps (1925), US Public Health Bulletin 146.
    """
    left, kept = jnp.exp(-deoxygenation * t), jnp.exp(-reaeration * t)
    return demand * left, deficit * kept + deoxygenation * demand / (reaeration - deoxygenation) * (left - kept)


def relaxation(x: Field, start: Field, equilibrium: Field, length: Field) -> Field:
    """Te + (T₀ − Te)·e^{−x/Lc}: stream temperature below a source, with Lc = ρ·c·h·v/K and no dispersion."""
    return equilibrium + (start - equilibrium) * jnp.exp(-x / length)
