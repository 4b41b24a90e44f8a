"""dgeo: HBV 1.0, streamflow as the mean of components, static parameters, no routing; nothing else.

Options: `engine` ("scan", "fused"), "auto" by default; `segment`; `gpu`; `dynamic`, how many parameters move in time.
"""

import jax
import jax.numpy as jnp
import numpy as np
from dgeo_side import BASINS, VERSIONS, gradient_of, notes, on_each, require_gpu, spread
from hbv_parameters import BOUNDS, FORCINGS
from protocol import Implementation, options, problem, serve

from dgeo.engine import ComponentMean, Parameters, simulate
from dgeo.models import hbv

MODEL = hbv("1.0")
ENGINE, SEGMENT = options().get("engine", "auto"), options().get("segment")


def streamflow(raw: tuple[jax.Array, list[jax.Array]], forcing: dict[str, jax.Array]) -> jax.Array:
    """Raw parameters [parameter, basin, component], and what is added to the first of them in time → [time, basin]."""
    still, moves = raw
    values = [still[i][None] + move for i, move in enumerate(moves)] + list(still[len(moves) :])
    bounded = {
        name: MODEL.parameters[name].bounds.from_unbounded(value) for name, value in zip(BOUNDS, values, strict=True)
    }
    moving = set(tuple(BOUNDS)[: len(moves)])
    static = {name: value for name, value in bounded.items() if name not in moving}
    given = Parameters(static, {name: bounded[name] for name in moving}, components=True)
    weights = jnp.full_like(still[-1], 1 / still[-1].shape[-1])
    mean = ComponentMean(weights) if ENGINE == "auto" else lambda series: {"runoff": jnp.mean(series["runoff"], -1)}
    run = simulate(MODEL, forcing, given, outputs=("runoff",), engine=ENGINE, segment=SEGMENT, reduce=mean)
    return run[0]["runoff"]


def prepare() -> Implementation:
    require_gpu()
    arrays = spread(problem())
    shape = (len(arrays["target"]), *arrays["raw"].shape[1:])
    moves = spread({str(i): np.zeros(shape, np.float32) for i in range(options().get("dynamic", 0))})
    data = ((arrays["raw"], list(moves.values())), {name: arrays[name] for name in FORCINGS})

    def loss(raw: tuple[jax.Array, list[jax.Array]], forcing: dict[str, jax.Array], target: jax.Array) -> jax.Array:
        return jnp.mean((streamflow(raw, forcing) - target) ** 2)

    forward, gradient = on_each(streamflow, BASINS), gradient_of(loss)

    def result() -> dict[str, jax.Array]:
        value, slope = gradient(*data, arrays["target"])
        return {"loss": value, "gradient": slope[0], "streamflow": forward(*data)}

    works = {
        "forward": lambda: jax.block_until_ready(forward(*data)),
        "gradient": lambda: jax.block_until_ready(gradient(*data, arrays["target"])),
    }
    return Implementation(works, result, VERSIONS, notes())


if __name__ == "__main__":
    serve(prepare)
