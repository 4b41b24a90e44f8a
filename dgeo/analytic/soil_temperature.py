"""Temperature under a periodic surface, and the depth to which still water or soil freezes.

    periodic   T = T̄ + A·e^{−z/d}·sin(ωt − z/d),   d = √(2κ/ω)
    Stefan     X = √(2·k·ΔT·t/L)                          no heat capacity
    Neumann    X = 2λ√(κt),   λ·e^{λ²}·erf λ = Ste/√π,   Ste = C·ΔT/L,   κ = k/C
               T = ΔT·(erf(z/2√(κt))/erf λ − 1)            between the surface, ΔT below freezing, and the front

| symbol | name | unit |
|---|---|---|
| κ, k, C | diffusivity, conductivity, heat capacity of what is frozen | m² s⁻¹, W m⁻¹ K⁻¹, J m⁻³ K⁻¹ |
| L | latent heat of a volume | J m⁻³ |
| ΔT | degrees below freezing at the surface | K |
| A, ω, d | amplitude, angular frequency, damping depth | K, s⁻¹, m |

Reference: Carslaw & Jaeger (1959), Conduction of heat in solids, 2nd ed., sections 2.6 and 11.2.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.newton import newton

Scalar = Float[Array, ""]
Depth = Float[Array, "*shape"]


def damping_depth(diffusivity: Scalar, angular_frequency: Scalar) -> Scalar:
    """Depth at which a wave has fallen to 1/e [m]."""
    return jnp.sqrt(2 * diffusivity / angular_frequency)


def periodic(
    depth: Depth, time: Scalar, mean: Scalar, amplitude: Scalar, diffusivity: Scalar, angular_frequency: Scalar
) -> Depth:
    """Temperature [°C] below a surface that has gone up and down for ever."""
    relative = depth / damping_depth(diffusivity, angular_frequency)
    return mean + amplitude * jnp.exp(-relative) * jnp.sin(angular_frequency * time - relative)


def stefan_depth(time: Scalar, cooling: Scalar, conductivity: Scalar, latent_heat: Scalar) -> Scalar:
    """Frozen depth [m], too large by a sixth of Stefan's number."""
    return jnp.sqrt(2 * conductivity * cooling * time / latent_heat)


def neumann_constant(stefan_number: Scalar) -> Scalar:
    """The root λ, with the derivative of the implicit function."""

    def excess(x: Array, ste: Array) -> Array:
        return x * jnp.exp(x**2) * jax.scipy.special.erf(x) - ste / jnp.sqrt(jnp.pi)

    start = jnp.sqrt(stefan_number / 2)[None]  # from above: e^{λ²}·erf λ ≥ 2λ/√π
    root, _ = newton(excess, start, stefan_number, tolerance=1e-14, iterations=30)
    return root[0]


def neumann_depth(
    time: Depth, cooling: Scalar, conductivity: Scalar, latent_heat: Scalar, heat_capacity: Scalar
) -> Depth:
    """Frozen depth [m]."""
    root = neumann_constant(heat_capacity * cooling / latent_heat)
    return 2 * root * jnp.sqrt(conductivity / heat_capacity * time)


def neumann_temperature(
    depth: Depth,
    time: Scalar,
    cooling: Scalar,
    conductivity: Scalar,
    latent_heat: Scalar,
    heat_capacity: Scalar,
) -> Depth:
    """Temperature [°C] at depths above the front, 0 below it."""
    spread = 2 * jnp.sqrt(conductivity / heat_capacity * time)
    root = neumann_constant(heat_capacity * cooling / latent_heat)
    ratio = jax.scipy.special.erf(depth / spread) / jax.scipy.special.erf(root)
    return cooling * (jnp.minimum(ratio, 1.0) - 1)
