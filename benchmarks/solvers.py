"""HBV 1.1p under every kind of solver, against a fine solution of the same equations.

    python benchmarks/solvers.py [--json FILE] [--basins N] [--days N] [--repetitions N]

Virtual weather, parameters drawn evenly within their bounds. Each solver runs in a process of its own, in float32: the
time of a forward run and of a forward run with the gradient of the mean squared runoff in all parameters, the time to
compile both, the peak memory, and the share of steps that failed. The error of a series is the root of its mean square
over all basins and days, relative to that of the reference; so is the error of the gradient. References are in float64:
for all that solve the rates, Dopri5 in many parts of a day; for the operator split besides, whose limits within a step
are others, the same split in many parts. Prints a table in Markdown.
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
from collections.abc import Callable
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from side_by_side import limit_cpus, machine

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
REFERENCES: dict[str, Callable] = {
    "rates": lambda: FixedParts(diffrax.Dopri5(scan_kind="bounded"), parts=48),
    "split": lambda: Substeps(OperatorSplit(), parts=256),
}
FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
STORES = ("snow_water_equivalent", "soil_moisture", "upper_zone", "lower_zone")
OUTPUTS = ("runoff", "evapotranspiration", "baseflow", *STORES)


def problem(count: int, days: int) -> dict[str, np.ndarray]:
    """Forcing [time, basin] of virtual basins, and parameters [basin] anywhere within their bounds."""
    world = basins(count, years=-(-days // 365)).dataset
    random = np.random.default_rng(0)
    bounds = {name: parameter.bounds for name, parameter in hbv("1.1p").parameters.items()}
    drawn = {f"parameter {name}": random.uniform(b.low, b.high, count) for name, b in bounds.items()}
    return {name: world[name].transpose("time", "basin").values[:days] for name in FORCINGS} | drawn


def one_solver(name: str, data: Path, file: Path, repetitions: int) -> dict[str, float]:
    """Series and gradient to a file; time, memory and failures as a dictionary. For a process of its own."""
    reference = name in REFERENCES
    jax.config.update("jax_enable_x64", reference)
    model = hbv("1.1p", solver=(REFERENCES | SOLVERS)[name]())
    with np.load(data, allow_pickle=False) as stored:
        values = {key: jnp.asarray(stored[key], jnp.float64 if reference else jnp.float32) for key in stored.files}
    forcing = {key: values[key] for key in FORCINGS}
    static = {key.removeprefix("parameter "): x for key, x in values.items() if key.startswith("parameter ")}

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


def timed(call: Callable, static: dict, repetitions: int) -> float:
    """Median seconds of a call that has been made before."""
    seconds = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        jax.block_until_ready(call(static))
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def in_its_own_process(name: str, folder: Path, repetitions: int) -> dict[str, float]:
    """What `one_solver` says, from a fresh interpreter."""
    command = [sys.executable, __file__, "--solver", name, "--folder", str(folder), "--repetitions", str(repetitions)]
    done = subprocess.run(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, stdout=subprocess.PIPE, text=True)
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


def table(rows: list[dict]) -> str:
    """Markdown: one line a solver and reference."""
    measured = ("forward_s", "gradient_s", "compile_s", "peak_mb", "failed_share")
    head = ["solver", "reference", *OUTPUTS, "gradient", *measured]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        numbers = [*row["error"].values(), *(row[key] for key in measured)]
        lines.append([row["name"], row["reference"], *(f"{number:.3g}" for number in numbers)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def arguments() -> argparse.Namespace:
    """The command line; `--solver` and `--folder` are for the processes that it starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the result here")
    for name, default in (("basins", 50), ("days", 365), ("repetitions", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{default} by default")
    parser.add_argument("--solver", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def series_file(folder: Path, name: str) -> Path:
    """Where a solver leaves its series."""
    return folder / f"{[*REFERENCES, *SOLVERS].index(name)}.npz"


def main() -> None:
    options = arguments()
    limit_cpus(options.threads)
    if options.solver:
        file = series_file(options.folder, options.solver)
        print(json.dumps(one_solver(options.solver, options.folder / "problem.npz", file, options.repetitions)))
        return
    result = {"problem": {key: getattr(options, key) for key in ("basins", "days", "threads")}, "machine": machine()}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "problem.npz", **problem(options.basins, options.days))
        result["references"] = {one: in_its_own_process(one, folder, 1) for one in REFERENCES}
        for solver in SOLVERS:
            print(f"{solver} …", file=sys.stderr)
            measured = in_its_own_process(solver, folder, options.repetitions)
            for reference in REFERENCES if "split" in solver else ("rates",):
                error = errors(series_file(folder, solver), series_file(folder, reference))
                rows.append({"name": solver, "reference": reference, "error": error, **measured})
    result["rows"] = rows
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
