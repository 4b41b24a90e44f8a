"""dgeo's side of `hbv_gradient.py`: HBV 1.0 in the peer's conventions, mean of components, unit hydrograph."""

import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from protocol import Implementation, load_problem, serve

from dgeo.engine import Parameters, simulate
from dgeo.hybrid.routing import GammaRouting
from dgeo.models import hbv
from dgeo.physics import unit_hydrograph

FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
ORDER = (
    "beta", "field_capacity", "k0", "k1", "k2", "lp", "percolation_max", "upper_zone_threshold",
    "threshold_temperature", "degree_day_factor", "refreezing_coefficient", "water_holding_capacity",
)  # fmt: skip
MODEL = hbv("1.0", compatibility="hydrodl2")


def streamflow(raw: jax.Array, forcing: dict[str, jax.Array]) -> jax.Array:
    """Raw parameters [basin, parameter × component, then two of routing] → streamflow [time, basin]."""
    physics = raw[:, :-2].reshape(raw.shape[0], len(ORDER), -1)
    static = {name: MODEL.parameters[name].bounds.from_unbounded(physics[:, i]) for i, name in enumerate(ORDER)}
    outputs, _ = simulate(MODEL, forcing, Parameters(static, {}, components=True), outputs=("runoff",))
    shape, scale = (
        parameter.bounds.from_unbounded(raw[:, column])
        for parameter, column in zip(GammaRouting.parameters.values(), (-2, -1), strict=True)
    )
    weights = unit_hydrograph.gamma_weights(shape, scale)
    tail = unit_hydrograph.empty_tail(weights)
    return unit_hydrograph.convolve(jnp.mean(outputs["runoff"], axis=-1), weights, tail)[0]


def spread(problem: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """Each device gets its share of the basins; the compiler then splits all that follows along with them."""
    mesh = jax.make_mesh((jax.device_count(),), ("basin",), axis_types=(AxisType.Auto,))
    series, site = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((None, "basin"), ("basin",)))
    return {name: jax.device_put(value, site if name == "raw" else series) for name, value in problem.items()}


def prepare() -> Implementation:
    problem = spread(load_problem())
    forcing = {name: problem[name] for name in FORCINGS}
    data = (problem["raw"], forcing, problem["target"])

    def loss(raw: jax.Array, forcing: dict[str, jax.Array], target: jax.Array) -> jax.Array:
        return jnp.mean((streamflow(raw, forcing) - target) ** 2)

    forward, gradient = jax.jit(loss), jax.jit(jax.value_and_grad(loss))

    def result() -> tuple[float, np.ndarray]:
        value, slope = gradient(*data)
        return value.item(), np.asarray(slope)

    halved = jax.jit(lambda x: x / 2)(jnp.asarray(np.finfo(np.float32).tiny))
    return Implementation(
        forward=lambda: jax.block_until_ready(forward(*data)),
        gradient=lambda: jax.block_until_ready(gradient(*data)),
        result=result,
        versions={name: importlib.metadata.version(name) for name in ("dgeo", "jax", "jaxlib", "equinox", "numpy")},
        notes={
            "denormals": "kept" if halved > 0 else "flushed, which XLA does by itself",
            "devices": str(jax.device_count()),
        },
    )


if __name__ == "__main__":
    serve(prepare)
