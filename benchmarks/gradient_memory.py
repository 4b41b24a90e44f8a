"""What one gradient through a long period holds in memory, and what it costs to hold less.

    python benchmarks/gradient_memory.py --json benchmarks/results/gradient_memory.json

HBV 1.0 with static parameters from a network of attributes, 16 components, routing, float32 on one device: the loss
over all days of all basins and its gradient to the network's weights. Each measurement has a process of its own, whose
peak includes libraries and compilation; what the computation itself holds between its arguments and its results is
the compiler's own figure.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

YEARS = (2, 4, 8, 16, 30)
SEGMENTS = (None, "sqrt")


def measured(basins: int, days: int, segment: str | None) -> dict[str, float]:
    """Seconds of a second call, what the computation holds, and the peak memory of this process [MB]."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from dgeo import Inputs, Recipe, build

    recipe = Recipe.model_validate(
        {"attributes": ["a", "b"], "components": 16, "physics": {"name": "hbv", "version": "1.0"}}
    )
    statistics = {name: (0.0, 1.0) for name in (*recipe.needed_attributes, *recipe.needed_forcings)}
    model = build(recipe, statistics, jax.random.key(0))
    draw = iter(jax.random.split(jax.random.key(1), 8))
    rain = jnp.maximum(6 * jax.random.normal(next(draw), (days, basins)), 0)
    season = jnp.sin(jnp.arange(days) * 2 * jnp.pi / 365)[:, None]
    warm = 8 + 10 * season + 4 * jax.random.normal(next(draw), (days, basins))
    evaporation = jnp.broadcast_to(2 + 1.5 * season, (days, basins))
    forcing = dict(
        zip(("precipitation", "temperature", "potential_evapotranspiration"), (rain, warm, evaporation), strict=True)
    )
    attributes = {name: jax.random.normal(next(draw), (basins,)) for name in ("a", "b")}
    inputs = Inputs(forcing, attributes)

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def loss(model, inputs):
        return jnp.mean((model(inputs, engine="scan", segment=segment)[0]["streamflow"] - 1) ** 2)

    compiled = loss.lower(model, inputs).compile()
    held = compiled.compiled.memory_analysis().temp_size_in_bytes / 1e6
    jax.block_until_ready(loss(model, inputs))
    began = time.perf_counter()
    jax.block_until_ready(loss(model, inputs))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": seconds, "held_mb": held, "peak_mb": peak}


def in_a_process(*given: object) -> dict[str, float]:
    """`measured` elsewhere."""
    command = [sys.executable, __file__, "--measure", json.dumps(given)]
    return json.loads(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--basins", type=int, default=569)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(*json.loads(options.measure))))
        return
    rows = []
    for segment in SEGMENTS:
        for years in YEARS:
            found = in_a_process(options.basins, 365 * years, segment)
            rows.append({"segment": segment, "years": years, **found})
    table = Table("segment", "years", "seconds", "held [MB]", "peak of the process [MB]")
    for row in rows:
        numbers = (f"{row['seconds']:.2f}", f"{row['held_mb']:.0f}", f"{row['peak_mb']:.0f}")
        table.add_row(str(row["segment"]), str(row["years"]), *numbers)
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps({"basins": options.basins, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
