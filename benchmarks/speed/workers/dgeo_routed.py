"""dgeo: HBV 1.0 in hydrodl2's conventions, mean of components, unit hydrograph."""

import jax
import jax.numpy as jnp
from dgeo_side import VERSIONS, gradient_of, notes, on_each, spread
from hbv_parameters import BOUNDS, FORCINGS
from jax.sharding import PartitionSpec
from protocol import Implementation, problem, serve

from dgeo.engine import ComponentMean, Parameters, simulate
from dgeo.hybrid.routing import GammaRouting
from dgeo.models import hbv
from dgeo.physics import unit_hydrograph

MODEL = hbv("1.0", compatibility="hydrodl2")


def streamflow(raw: tuple[jax.Array, jax.Array], forcing: dict[str, jax.Array]) -> jax.Array:
    """Raw parameters [parameter, basin, component] and those of routing → streamflow [time, basin]."""
    static = {
        name: MODEL.parameters[name].bounds.from_unbounded(value) for name, value in zip(BOUNDS, raw[0], strict=True)
    }
    given = Parameters(static, {}, components=True)
    mean = ComponentMean(jnp.full_like(raw[0][0], 1 / raw[0].shape[-1]))
    outputs, _ = simulate(MODEL, forcing, given, outputs=("runoff",), reduce=mean)
    shape, scale = (
        parameter.bounds.from_unbounded(value)
        for parameter, value in zip(GammaRouting.parameters.values(), raw[1], strict=True)
    )
    weights = unit_hydrograph.gamma_weights(shape, scale)
    return unit_hydrograph.convolve(outputs["runoff"], weights, unit_hydrograph.empty_tail(weights))[0]


def prepare() -> Implementation:
    arrays = spread(problem())
    forcing = {name: arrays[name] for name in FORCINGS}
    data = ((arrays["raw"], arrays["raw_routing"]), forcing, arrays["target"])

    def loss(raw: tuple[jax.Array, jax.Array], forcing: dict[str, jax.Array], target: jax.Array) -> jax.Array:
        return jnp.mean((streamflow(raw, forcing) - target) ** 2)

    forward, gradient = on_each(lambda *data: loss(*data)[None], PartitionSpec("basin")), gradient_of(loss)

    def result() -> dict[str, jax.Array]:
        value, slope = gradient(*data)
        return {"loss": value, "gradient": slope[0], "gradient_routing": slope[1]}

    works = {
        "forward": lambda: jax.block_until_ready(forward(*data)),
        "gradient": lambda: jax.block_until_ready(gradient(*data)),
    }
    return Implementation(works, result, VERSIONS, notes())


if __name__ == "__main__":
    serve(prepare)
