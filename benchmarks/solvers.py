"""HBV 1.1p under every kind of solver, against a fine solution of the same equations.

    python benchmarks/solvers.py [--json FILE] [--basins N] [--days N] [--repetitions N] [--limit SECONDS]

Virtual weather, parameters drawn evenly within their bounds. Each solver runs in a process of its own, in float32: the
time of a forward run and of a forward run with the gradient of the mean squared runoff in all parameters, the time to
compile both, the peak memory, and the share of steps that failed. The error of a series is the root of its mean square
over all basins and days, relative to that of the reference; so is the error of the gradient. References are in float64:
for all that solve the rates, Dopri5 in many parts of a day; for the operator split besides, whose limits within a step
are others, the same split in many parts. A solver that is not done within the limit is reported as such.

The gradient itself is judged in float64, on a part of the basins and days: the derivative of the mean squared runoff of
each basin along a random direction of its parameters, against central differences (median and 90th percentile of the
relative error over basins), and implicit Euler against diffrax's, whose equations are the same. Prints Markdown.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optimistix
from speed.side_by_side import limit_cpus, machine

from dgeo.engine import Parameters, simulate
from dgeo.models import Adaptive, FixedParts, ImplicitEuler, OperatorSplit, Substeps, hbv
from dgeo.virtual import basins

SOLVERS: dict[str, Callable] = {
    "operator split": OperatorSplit,
    "operator split, 8 parts": lambda: Substeps(OperatorSplit(), parts=8),
    "implicit Euler": ImplicitEuler,
    "implicit Euler, 4 parts": lambda: Substeps(ImplicitEuler(), parts=4),
    "Euler, 4 parts": lambda: FixedParts(diffrax.Euler(), parts=4),
    "Heun, 4 parts": FixedParts,
    "Tsit5, adaptive": Adaptive,
    "Kvaerno3, adaptive": lambda: Adaptive(diffrax.Kvaerno3()),
}
TWIN = "diffrax's implicit Euler"  # of ours: the same equations, and all else another's code
TWINS: dict[str, Callable] = {
    TWIN: lambda: FixedParts(
        diffrax.ImplicitEuler(root_finder=optimistix.Newton(rtol=1e-10, atol=1e-10), root_find_max_steps=50), parts=1
    )
}
REFERENCES: dict[str, Callable] = {
    "rates": lambda: FixedParts(diffrax.Dopri5(scan_kind="bounded"), parts=48),
    "split": lambda: Substeps(OperatorSplit(), parts=256),
}
FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
STORES = ("snow_water_equivalent", "soil_moisture", "upper_zone", "lower_zone")
EXAMINED = (10, 120)  # basins and days on which gradients are examined
STEP = 1e-7  # of central differences, as a share of the parameters' bounds
OUTPUTS = ("runoff", "evapotranspiration", "baseflow", *STORES)


def problem(count: int, days: int) -> dict[str, np.ndarray]:
    """Forcing [time, basin] of virtual basins, and parameters [basin] anywhere within their bounds."""
    world = basins(count, years=-(-days // 365)).dataset
    random = np.random.default_rng(0)
    bounds = {name: parameter.bounds for name, parameter in hbv("1.1p").parameters.items()}
    drawn = {f"parameter {name}": random.uniform(b.low, b.high, count) for name, b in bounds.items()}
    return {name: world[name].transpose("time", "basin").values[:days] for name in FORCINGS} | drawn


def loaded(data: Path, part: slice = slice(None)) -> tuple[dict, dict]:
    """Forcing [time, basin] and parameters [basin] in the precision of the process; of a part of the basins."""
    dtype = jnp.zeros(()).dtype
    with np.load(data, allow_pickle=False) as stored:
        values = {key: jnp.asarray(stored[key][..., part], dtype) for key in stored.files}
    forcing = {key: values[key] for key in FORCINGS}
    return forcing, {key.removeprefix("parameter "): x for key, x in values.items() if key.startswith("parameter ")}


def one_solver(name: str, data: Path, file: Path, repetitions: int) -> dict[str, float]:
    """Series and gradient to a file; time, memory and failures as a dictionary. For a process of its own."""
    jax.config.update("jax_enable_x64", name in REFERENCES)
    model = hbv("1.1p", solver=(REFERENCES | SOLVERS)[name]())
    forcing, static = loaded(data)

    def run(static: dict) -> dict:
        return simulate(model, forcing, Parameters(static, {}), outputs=(*OUTPUTS, "solver_failure"))[0]

    def loss(static: dict) -> jax.Array:
        return jnp.mean(simulate(model, forcing, Parameters(static, {}), outputs=("runoff",))[0]["runoff"] ** 2)

    begin = time.perf_counter()
    forward, gradient = (jax.jit(f).lower(static).compile() for f in (run, jax.grad(loss)))
    compiled = time.perf_counter() - begin
    outputs, slope = forward(static), gradient(static)
    scaled = {f"gradient {key}": x * static[key] for key, x in slope.items()}
    np.savez(file, **outputs, **scaled)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "forward_s": timed(forward, static, repetitions),
        "gradient_s": timed(gradient, static, repetitions),
        "compile_s": compiled,
        "failed_share": float(jnp.mean(outputs["solver_failure"])),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6,
    }


def examined(name: str, data: Path, file: Path) -> dict[str, float]:
    """How far the gradient of each basin's loss is from central differences, in float64; the gradient to a file."""
    jax.config.update("jax_enable_x64", True)
    model = hbv("1.1p", solver=(SOLVERS | TWINS)[name]())
    forcing, static = loaded(data, slice(EXAMINED[0]))
    forcing = {key: x[: EXAMINED[1]] for key, x in forcing.items()}
    bounds, random = {key: p.bounds for key, p in model.parameters.items()}, np.random.default_rng(1)
    along = {key: (bounds[key].high - bounds[key].low) * random.normal(size=EXAMINED[0]) for key in static}

    @jax.jit
    def losses(static: dict) -> jax.Array:
        return jnp.mean(simulate(model, forcing, Parameters(static, {}), outputs=("runoff",))[0]["runoff"] ** 2, axis=0)

    def moved(by: float) -> jax.Array:
        return losses({key: x + by * along[key] for key, x in static.items()})

    slope = jax.jit(jax.grad(lambda static: losses(static).sum()))(static)
    np.savez(file, **slope)
    found = sum(slope[key] * along[key] for key in static)
    difference = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    error = jnp.abs(found - difference) / jnp.abs(difference)
    return {"differences_median": float(jnp.median(error)), "differences_90": float(jnp.quantile(error, 0.9))}


def timed(call: Callable, static: dict, repetitions: int) -> float:
    """Median seconds of a call that has been made before."""
    seconds = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        jax.block_until_ready(call(static))
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def in_its_own_process(name: str, folder: Path, repetitions: int, limit: float, examine: bool = False) -> dict | None:
    """What `one_solver` or `examined` says, from a fresh interpreter; None where the time did not suffice."""
    command = [sys.executable, __file__, "--solver", name, "--folder", str(folder), "--repetitions", str(repetitions)]
    command += ["--examine"] if examine else []
    print(f"{name}{', its gradient' if examine else ''} …", file=sys.stderr)
    try:
        done = subprocess.run(
            command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, stdout=subprocess.PIPE, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise SystemExit(f"{name!r} ended with an error; its own message stands above.")
    return json.loads(done.stdout.splitlines()[-1])


def errors(found: Path, reference: Path) -> dict[str, float]:
    """Relative root mean square error of every series, and of the gradient of all parameters together."""
    with np.load(found, allow_pickle=False) as a, np.load(reference, allow_pickle=False) as b:
        pairs = {key: (a[key], b[key]) for key in OUTPUTS}
        slopes = [key for key in a.files if key.startswith("gradient ")]
        pairs["gradient"] = tuple(np.concatenate([one[key] for key in slopes]) for one in (a, b))
    tiny = np.finfo(np.float32).tiny  # a store that stays empty in both has no error
    return {key: float(np.sqrt(np.mean((x - y) ** 2) / (np.mean(y**2) + tiny))) for key, (x, y) in pairs.items()}


def twins_apart(folder: Path) -> float:
    """The largest difference between the gradients of the two implicit Euler, relative to each parameter's largest."""
    files = (series_file(folder, name, examine=True) for name in ("implicit Euler", TWIN))
    ours, theirs = (dict(np.load(file, allow_pickle=False)) for file in files)
    return max(float(np.abs(ours[key] - theirs[key]).max() / np.abs(theirs[key]).max()) for key in theirs)


def table(rows: list[dict]) -> str:
    """Markdown: one line a solver and reference."""
    measured = ("forward_s", "gradient_s", "compile_s", "peak_mb", "failed_share")
    head = ["solver", "reference", *OUTPUTS, "gradient", *measured]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        numbers = [*row["error"].values(), *(row[key] for key in measured)]
        lines.append([row["name"], row["reference"], *(f"{number:.3g}" for number in numbers)])
    return markdown(lines)


def gradient_table(found: dict[str, dict | None]) -> str:
    """Markdown: one line a solver."""
    lines = [["gradient of", "median", "90th percentile"], ["---"] * 3]
    lines += [[name, *(f"{error:.1e}" for error in row.values())] for name, row in found.items() if row]
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Cells between bars."""
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def arguments() -> argparse.Namespace:
    """The command line; `--solver`, `--folder` and `--examine` are for the processes that it starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the result here, after every solver")
    for name, default in (("basins", 50), ("days", 365), ("repetitions", 3), ("threads", 2), ("limit", 300)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{default} by default")
    parser.add_argument("--solver", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--examine", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def series_file(folder: Path, name: str, examine: bool = False) -> Path:
    """Where a solver leaves its series, or its gradient."""
    return folder / f"{'gradient' if examine else 'series'}_{[*REFERENCES, *SOLVERS, *TWINS].index(name)}.npz"


def measured(options: argparse.Namespace, folder: Path) -> Iterator[dict]:
    """The result as it grows, solver by solver."""
    ask = partial(in_its_own_process, folder=folder, repetitions=options.repetitions, limit=options.limit)
    result: dict = {"problem": {key: getattr(options, key) for key in ("basins", "days", "threads")}}
    result |= {"machine": machine(), "references": {}, "rows": [], "not_done_s": {}, "gradients": {}}
    for name in REFERENCES:
        result["references"][name] = ask(name, limit=None)
    for name in SOLVERS:
        row = ask(name)
        if row is None:
            result["not_done_s"][name] = options.limit
        for reference in REFERENCES if "split" in name else ("rates",):
            if row is not None:
                error = errors(series_file(folder, name), series_file(folder, reference))
                result["rows"].append({"name": name, "reference": reference, "error": error, **row})
        yield result
    for name in (*SOLVERS, *TWINS):
        result["gradients"][name] = ask(name, examine=True)
        yield result
    if result["gradients"][TWIN]:
        result["twins_apart"] = twins_apart(folder)
    yield result


def main() -> None:
    options = arguments()
    limit_cpus(options.threads)
    if options.solver:
        file = series_file(options.folder, options.solver, options.examine)
        given = (options.solver, options.folder / "problem.npz", file)
        print(json.dumps(examined(*given) if options.examine else one_solver(*given, options.repetitions)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "problem.npz", **problem(options.basins, options.days))
        for result in measured(options, folder):
            if options.json:
                options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result["rows"]), gradient_table(result["gradients"]), sep="\n\n")
    print(f"\nThe two implicit Euler are {result.get('twins_apart', float('nan')):.1e} apart in their gradients.")
    for solver, seconds in result["not_done_s"].items():
        print(f"{solver}: not done after {seconds} s.")


if __name__ == "__main__":
    main()
