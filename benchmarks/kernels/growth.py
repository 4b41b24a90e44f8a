"""How time and memory of a run and of its gradient grow: with cells, with steps, and with sites side by side.

    python benchmarks/kernels/growth.py richards --json benchmarks/results/kernels/growth.json

of `richards`, `groundwater`, `transport`, `river` and `backwater`; each replaces its own part of the file. On a quiet
machine a kernel takes a minute or two. All in float32: seconds are the least of some runs, by the clock and of the
processor (a busy machine slows the first more than the second), MB the workspace of the compiled program; exponents
are slopes of ln(cost) over ln(size), over the whole ladder.

- *richards*: columns 1 m deep of eight textures under hourly showers; the last rung is 512 × 40 layers × 36 hours.
- *groundwater*: a well in a confined aquifer, daily steps; *transport*: a solute that decays, in steps of a minute.
- *river*, *backwater*: random networks, Muskingum–Cunge and the diffusive wave, in steps of an hour.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from soil_columns import NAMES, TEXTURES, begun, full

from dgeo.engine import Parameters, simulate
from dgeo.models import Aquifer, DiffusiveRiver, Layers, Model, River, Solute, grid, line, reaches, richards

Sizes = tuple[int, int, int]  # cells of a site, steps, sites
Case = tuple[Callable[..., Any], Callable[..., jax.Array], tuple[Any, Any]]  # a run, a number of it; their arguments
RUNS = 3


def single(tree: Any) -> Any:
    """The same in float32."""
    return jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, tree)


def tree_of(count: int, random: np.random.Generator) -> Any:
    """A random river network whose longest river grows as the square root of its size or so, as real ones do."""
    down = np.minimum(np.arange(count) + random.integers(1, count // 200 + 12, count), count - 1)
    down[-1] = -1
    return single(reaches(down, random.uniform(500, 5000, count), 10 ** random.uniform(-4, -2, count)))


def defaults(model: Model, *shape: int) -> dict[str, jax.Array]:
    """Default parameters everywhere."""
    return {name: jnp.full(shape, p.default, jnp.float32) for name, p in model.parameters.items()}


def of_model(model: Model, forcing: Any, before: Any, dt: float, parameters: Any, outputs: tuple[str, ...]) -> Case:
    """A run that keeps some outputs and the last state, and the sum of that state as what is differentiated."""

    def run(parameters: Any, forcing: Any) -> Any:
        return simulate(model, forcing, Parameters(parameters, {}), before, dt=dt, outputs=outputs)

    def total(parameters: Any, forcing: Any) -> jax.Array:
        kept, after = run(parameters, forcing)
        return sum(jnp.sum(x) for x in jax.tree.leaves((kept, after)))

    return run, total, (parameters, forcing)


def of_columns(layers: int, steps: int, columns: int) -> Case:
    random = np.random.default_rng(0)
    column = richards(Layers.even(1.0, layers))
    texture = TEXTURES[random.integers(0, len(TEXTURES), columns)]
    parameters = full(dict(zip(NAMES, texture.T, strict=True)), columns)
    rain = random.exponential(0.02, (steps, columns)) * (random.random((steps, columns)) < 0.5)
    forcing = {"precipitation": jnp.asarray(rain, jnp.float32)}
    return of_model(column, forcing, begun(column, parameters), 1 / 24, parameters, ("drainage",))


def of_aquifers(cells: int, steps: int, sites: int) -> Case:
    side = round(cells**0.5)
    shape = (sites, side, side)
    model = single(Aquifer(grid((side, side), 25.0, thickness=20.0)))
    parameters = defaults(model, *shape) | {"storativity": jnp.full(shape, 1e-3, jnp.float32)}
    forcing = {name: jnp.zeros((steps, *shape), jnp.float32) for name in model.forcings}
    forcing["pumping"] = forcing["pumping"].at[..., side // 2, side // 2].set(400.0)
    before = jax.vmap(model.at_head)(jnp.full(shape, 100.0, jnp.float32), parameters)
    return of_model(model, forcing, before, 1.0, parameters, ())


def of_streams(cells: int, steps: int, sites: int) -> Case:
    model = single(Solute(line(20.0 * cells, cells)))
    forcing = {"solute_inflow": jnp.ones((steps, sites), jnp.float32)}
    before = {"solute": jnp.zeros((sites, cells), jnp.float32)}
    return of_model(model, forcing, before, 60.0, defaults(model, sites), ())


def of_rivers(kind: type[Model], count: int, hours: int, sites: int) -> Case:
    random = np.random.default_rng(0)
    model = kind(tree_of(count, random))
    inflow = jnp.asarray(random.exponential(0.3, (hours, sites, count)), jnp.float32)
    before = {"volume": jnp.zeros((sites, count), jnp.float32)}
    forcing = {"lateral_inflow": inflow}
    return of_model(model, forcing, before, 3600.0, defaults(model, sites, count), ("outflow",))


def muskingum(*sizes: int) -> Case:
    return of_rivers(River, *sizes)


def diffusive(*sizes: int) -> Case:
    return of_rivers(DiffusiveRiver, *sizes)


KERNELS: dict[str, tuple[Callable[..., Case], dict[str, list[Sizes]]]] = {
    "richards": (of_columns, {
        "cells": [(n, 36, 64) for n in (20, 40, 80)],
        "steps": [(40, n, 64) for n in (36, 72, 144)],
        "sites": [(40, 36, n) for n in (128, 256, 512)],
    }),
    "groundwater": (of_aquifers, {
        "cells": [(n**2, 10, 1) for n in (20, 40, 80, 160)],
        "steps": [(1600, n, 1) for n in (10, 20, 40)],
        "sites": [(1600, 10, n) for n in (2, 4, 8)],
    }),
    "transport": (of_streams, {
        "cells": [(n, 240, 32) for n in (50, 100, 200)],
        "steps": [(100, n, 32) for n in (240, 480, 960)],
        "sites": [(100, 240, n) for n in (32, 64, 128)],
    }),
    "river": (muskingum, {
        "cells": [(n, 500, 1) for n in (300, 1000, 3000, 10000)],
        "steps": [(3000, n, 1) for n in (500, 1000, 2000)],
        "sites": [(1000, 250, n) for n in (1, 2, 4)],
    }),
    "backwater": (diffusive, {
        "cells": [(n, 24, 1) for n in (300, 1000, 3000, 10000)],
        "steps": [(1000, n, 1) for n in (24, 48, 96)],
        "sites": [(300, 24, n) for n in (1, 2, 4)],
    }),
}  # fmt: skip


def measured(function: Callable[..., Any], arguments: tuple[Any, Any]) -> dict[str, float]:
    """Seconds by the clock and of the processor, and workspace."""
    compiled = jax.jit(function).lower(*arguments).compile()
    jax.block_until_ready(compiled(*arguments))
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter(), time.process_time()
        jax.block_until_ready(compiled(*arguments))
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    clock, processor = map(float, np.min(seconds, axis=0))
    return {"s": clock, "cpu_s": processor, "MB": compiled.memory_analysis().temp_size_in_bytes / 1e6}


def row(make: Callable[..., Case], sizes: Sizes) -> dict[str, float]:
    """One rung: a run and its gradient."""
    run, total, arguments = make(*sizes)
    found: dict[str, float] = dict(zip(("cells", "steps", "sites"), sizes, strict=True))
    for name, function in (("forward", run), ("gradient", jax.grad(total))):
        found |= {f"{name}_{what}": x for what, x in measured(function, arguments).items()}
    print(found, flush=True)
    return found


def study(kernel: str) -> dict[str, Any]:
    """All ladders of a kernel, and their exponents."""
    make, ladders = KERNELS[kernel]
    result: dict[str, Any] = {"load": os.getloadavg()[0]}
    for against, sizes in ladders.items():
        rows = [row(make, size) for size in sizes]
        costs = [name for name in rows[0] if name.endswith(("_s", "_MB"))]
        result[against] = {"rows": rows, "exponents": {name: slope_of(rows, against, name) for name in costs}}
    return result


def slope_of(rows: list[dict[str, float]], against: str, cost: str) -> float:
    x, y = (np.log([max(row[name], 1e-9) for row in rows]) for name in (against, cost))
    return float(np.polyfit(x, y, 1)[0])


def main() -> None:
    """The kernels that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="+", choices=KERNELS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for kernel in options.kernels:
        found = study(kernel)
        print(json.dumps({against: x["exponents"] for against, x in found.items() if against != "load"}, indent=1))
        if options.json:
            known = json.loads(options.json.read_text(encoding="utf-8")) if options.json.exists() else {}
            options.json.write_text(json.dumps(known | {kernel: found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
