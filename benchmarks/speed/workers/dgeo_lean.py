"""dgeo: HBV 1.0, streamflow as the mean of components, static parameters, no routing; nothing else.

Options: `engine` ("scan", "fused"), or `segment` of a scan; `gpu`.
"""

import jax
import jax.numpy as jnp
from dgeo_side import VERSIONS, notes, require_gpu, spread
from hbv_parameters import BOUNDS, FORCINGS
from protocol import Implementation, options, problem, serve

from dgeo.engine import Parameters, Scan, simulate
from dgeo.models import hbv

MODEL = hbv("1.0")
SEGMENT = options().get("segment")
ENGINE = Scan(segment=SEGMENT) if SEGMENT else options().get("engine", "auto")


def streamflow(raw: jax.Array, forcing: dict[str, jax.Array]) -> jax.Array:
    """Raw parameters [parameter, basin, component] → streamflow [time, basin]."""
    static = {
        name: MODEL.parameters[name].bounds.from_unbounded(value) for name, value in zip(BOUNDS, raw, strict=True)
    }
    given = Parameters(static, {}, components=True)
    return jnp.mean(simulate(MODEL, forcing, given, outputs=("runoff",), engine=ENGINE)[0]["runoff"], axis=-1)


def prepare() -> Implementation:
    require_gpu()
    arrays = spread(problem())
    data = (arrays["raw"], {name: arrays[name] for name in FORCINGS})

    def loss(raw: jax.Array, forcing: dict[str, jax.Array], target: jax.Array) -> jax.Array:
        return jnp.mean((streamflow(raw, forcing) - target) ** 2)

    forward, gradient = jax.jit(streamflow), jax.jit(jax.value_and_grad(loss))

    def result() -> dict[str, jax.Array]:
        value, slope = gradient(*data, arrays["target"])
        return {"loss": value, "gradient": slope, "streamflow": forward(*data)}

    works = {
        "forward": lambda: jax.block_until_ready(forward(*data)),
        "gradient": lambda: jax.block_until_ready(gradient(*data, arrays["target"])),
    }
    return Implementation(works, result, VERSIONS, notes())


if __name__ == "__main__":
    serve(prepare)
