"""What the experiments on columns of soil share: soils, showers, a truth on a finer grid, and the learner's run.

Textures are those of Carsel & Parrish (1988), doi:10.1029/WR024i005p00755.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.engine import Parameters, simulate
from dgeo.models import Layers, richards

TEXTURES = np.array(
    [[7.128, 14.5, 2.68, 0.045, 0.43], [3.502, 12.4, 2.28, 0.057, 0.41], [1.061, 7.5, 1.89, 0.065, 0.41],
     [0.2496, 3.6, 1.56, 0.078, 0.43], [0.108, 2.0, 1.41, 0.067, 0.45], [0.0624, 1.9, 1.31, 0.095, 0.41],
     [0.3144, 5.9, 1.48, 0.1, 0.39], [0.0168, 1.0, 1.23, 0.089, 0.43]]
)  # fmt: skip
NAMES = ("saturated_conductivity", "alpha", "n", "residual_water", "saturated_water")
DEPTHS = (0.06, 0.14, 0.30, 0.54)  # [m] centres of layers of 4 cm
NOISE = 0.005


def showers(hours: int, columns: int, random: np.random.Generator) -> np.ndarray:
    """Rain [m d⁻¹] in every hour: a shower of some hours every other day."""
    rain = np.zeros((hours, columns))
    for column in range(columns):
        for first in range(6, hours, 48):
            rain[first : first + random.integers(2, 8), column] = random.uniform(0.02, 0.25)
    return rain


def full(numbers: dict[str, Any], sites: int) -> dict[str, jax.Array]:
    """Parameters of every site, those not given at their defaults."""
    known = {name: parameter.default for name, parameter in richards(Layers.even(1.0, 2)).parameters.items()}
    return {
        name: jnp.broadcast_to(jnp.asarray(numbers.get(name, x), jnp.float32), (sites,)) for name, x in known.items()
    }


def begun(column: Any, parameters: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Every layer of every site at a head of −2 m."""
    sites = next(iter(parameters.values())).size
    return jax.vmap(column.at_head)(jnp.full((sites, column.layers.thickness.size), -2.0), parameters)


def truth(parameters: dict[str, jax.Array], rain: np.ndarray) -> np.ndarray:
    """Water content at the depths of the sensors [hour, site, depth], from 2 cm and half an hour."""
    column = richards(Layers.even(1.0, 50))
    forcing = {"precipitation": jnp.asarray(np.repeat(rain, 2, axis=0), jnp.float32)}

    @jax.jit
    def run(parameters: Any) -> Any:
        outputs = ("soil_water", "solver_failure")
        return simulate(
            column, forcing, Parameters(parameters, {}), begun(column, parameters), dt=1 / 48, outputs=outputs
        )[0]

    found = run(parameters)
    print("truth: share of failed steps", float(jnp.mean(found["solver_failure"])))
    content = np.asarray(found["soil_water"])[1::2] * 50
    return np.stack([content[..., [round(50 * z) - 1, round(50 * z)]].mean(axis=-1) for z in DEPTHS], axis=-1)


def learner_run(column: Any, parameters: Any, rain: np.ndarray) -> jax.Array:
    """The same from the learner's grid, by the hour."""
    forcing = {"precipitation": jnp.asarray(rain, jnp.float32)}
    found, _ = simulate(
        column, forcing, Parameters(parameters, {}), begun(column, parameters), dt=1 / 24, outputs=("soil_water",)
    )
    index = np.array([round((z - 0.02) / 0.04) for z in DEPTHS])
    return found["soil_water"][..., index] / 0.04


def rms(error: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(error**2)))
