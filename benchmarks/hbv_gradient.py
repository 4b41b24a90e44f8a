"""HBV forward + gradient: dgeo against hydrodl2, side by side in one run.

    python benchmarks/hbv_gradient.py --peer-python PEER/bin/python [--json FILE]

Both simulate HBV 1.0 with static parameters, average the components, route with the gamma unit hydrograph, and
differentiate the mean squared error with respect to the raw parameters (before the sigmoid), through all days, in
float32. They must agree before anything is timed. Without the peer's interpreter its rows are skipped.
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from side_by_side import Seconds, Worker, compared, limit_cpus, machine, measure, show, worker

PARAMETERS, ROUTING = 12, 2
OURS = "dgeo"
SPREAD = "dgeo, basins over devices"  # one CPU device a thread, by the placement of the data alone
PEERS = {"denormals flushed": True, "denormals kept": False}  # by torch; XLA always flushes them
WORK = {"forward": "HBV forward", "gradient": "HBV forward + gradient"}
AGREEMENT = 1e-3  # relative; a gradient's, to the largest of its parameter


def problem(days: int, basins: int, components: int) -> dict[str, np.ndarray]:
    """Two wet days in five, seasons, cold basins and warm ones; raw parameters from a normal distribution."""
    random = np.random.default_rng(0)
    season = np.sin(2 * np.pi * (np.arange(days)[:, None] - 105) / 365)
    wet = random.random((days, basins)) < 0.4
    fields = {
        "precipitation": wet * random.gamma(0.8, 9.0, (days, basins)),
        "temperature": 8 + random.normal(0, 5, basins) + 12 * season + random.normal(0, 3, (days, basins)),
        "potential_evapotranspiration": np.maximum(2.5 + 2.2 * season + random.normal(0, 0.3, (days, basins)), 0.3),
        "target": random.gamma(1.0, 2.0, (days, basins)),
        "raw": random.normal(0, 1, (basins, PARAMETERS * components + ROUTING)),
    }
    return {name: values.astype(np.float32) for name, values in fields.items()}


def disagreement(workers: dict[str, Worker], folder: Path) -> dict[str, dict[str, float]]:
    """Relative difference of loss and gradient between the first worker and each other; ends the run if too large."""
    loss, slopes = {}, {}
    for number, (name, one) in enumerate(workers.items()):
        file = folder / f"gradient_{number}.npy"
        loss[name] = one.ask("check", file=str(file))["loss"]
        slopes[name] = by_parameter(np.load(file, allow_pickle=False))
    found = {}
    for name in tuple(workers)[1:]:
        gradient = np.max([distance(a, b) for a, b in zip(slopes[OURS], slopes[name], strict=True)])
        found[name] = {"loss": abs(loss[OURS] / loss[name] - 1), "gradient": float(gradient)}
        if not all(value < AGREEMENT for value in found[name].values()):  # NaN is no agreement either
            raise SystemExit(
                f"{OURS} and its rival ({name}) differ by {found[name]}, more than {AGREEMENT}: nothing to time."
            )
    return found


def by_parameter(slope: np.ndarray) -> list[np.ndarray]:
    """[basin, raw parameter] → one array a parameter, all its components together."""
    return [*np.split(slope[:, :-ROUTING], PARAMETERS, axis=1), slope[:, -2], slope[:, -1]]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference, relative to the largest value; two arrays of zeros do not differ."""
    return np.abs(a - b).max() / (np.abs(b).max() + np.finfo(np.float32).tiny)


def rows(seconds: Seconds, peak: dict[str, float]) -> list[dict]:
    """Times, what the gradient costs beside the forward run, and peak memory [MB], against each peer."""
    cost = {
        name: [both / alone for both, alone in zip(seconds[name, "gradient"], seconds[name, "forward"], strict=True)]
        for name in peak
    }
    table = []
    for ours, suffix in ((OURS, ""), (SPREAD, ", basins over devices")):
        for peer in PEERS:
            row = partial(compared, skipped="" if peer in peak else "no --peer-python was given")
            for work, title in WORK.items():
                table.append(row(f"{title}, {peer}{suffix}", "_s", seconds[ours, work], seconds.get((peer, work))))
            table.append(row(f"gradient cost / forward, {peer}{suffix}", "", cost[ours], cost.get(peer)))
            memory = [peak[peer]] if peer in peak else None
            table.append(row(f"peak memory, {peer}{suffix}", "_mb", [peak[ours]], memory))
    return table


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="interpreter of an environment with hydrodl2 and torch")
    parser.add_argument("--json", type=Path, help="also write the result here")
    for name, default in (("threads", 2), ("repetitions", 7), ("days", 730), ("basins", 100), ("components", 16)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{default} by default")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    about = {key: getattr(options, key) for key in ("days", "basins", "components", "repetitions", "threads")}
    result = {"problem": about, "machine": machine()}
    if options.basins % options.threads:
        raise SystemExit(f"--basins {options.basins} cannot be spread over {options.threads} devices: take a multiple.")
    limit_cpus(options.threads)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        data = Path(name) / "problem.npz"
        np.savez(data, **problem(options.days, options.basins, options.components))
        start = partial(worker, data=data, threads=options.threads)
        workers = {
            name: stack.enter_context(start(sys.executable, "dgeo_hbv.py", devices=devices))
            for name, devices in ((OURS, 1), (SPREAD, options.threads))
        }
        for peer, flush in PEERS.items() if options.peer_python else ():
            workers[peer] = stack.enter_context(start(options.peer_python, "hydrodl2_hbv.py", flush=flush))
        result["implementations"] = {key: one.ask("describe") for key, one in workers.items()}
        result["disagreement"] = disagreement(workers, Path(name))
        seconds = measure(workers, tuple(WORK), options.repetitions)
        result["memory"] = {key: one.ask("memory") for key, one in workers.items()}
    result["rows"] = rows(seconds, {key: memory["peak_mb"] for key, memory in result["memory"].items()})
    title = "{basins} basins × {components} components × {days} days, {threads} threads"
    show("hydrodl2", title.format(**about), result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
