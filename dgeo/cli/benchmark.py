"""Benchmarks: `dgeo benchmark speed`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import dgeo
from dgeo.cli.app import app
from dgeo.errors import DgeoError

benchmark_app = typer.Typer(no_args_is_help=True, help="How fast dgeo is on this machine.")
app.add_typer(benchmark_app, name="benchmark")
PLACES = ("../benchmarks/speed", "_speed")  # beside the package of a checkout; within that of a wheel


@benchmark_app.command()
def speed(
    json: Annotated[Path | None, typer.Option("--json", help="A file for all rows, written after each.")] = None,
    only: Annotated[str, typer.Option(help="Measure those rows alone whose name contains this.")] = "",
    peers: Annotated[
        Path | None, typer.Option(help="The Python of an environment with torch, hydrodl2 and dmg; rows need it.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPUs and threads of every implementation.")] = 2,
    repetitions: Annotated[int, typer.Option(min=1, help="Measurements of each row, alternating.")] = 5,
    growth: Annotated[
        bool, typer.Option("--growth", help="Also time and memory against basins, days, components, … and a picture.")
    ] = False,
) -> None:
    """Measure dgeo beside its rivals and beside itself; some minutes, on a machine that does nothing else."""
    _require(json, peers, threads)
    words = ["--only", only, "--threads", str(threads), "--repetitions", str(repetitions)]
    words += [] if json is None else ["--json", str(json)]
    words += [] if peers is None else ["--peers", str(peers)]
    words += ["--growth"] if growth else []
    # a process of its own: this one has already told JAX how many devices there are
    if subprocess.run([sys.executable, str(_driver()), *words], stdin=subprocess.DEVNULL, check=False).returncode:
        raise DgeoError("The benchmark ended early; its own message stands above.")


def _require(json: Path | None, peers: Path | None, threads: int) -> None:
    from dgeo.training.devices import cores

    if threads > cores():
        raise DgeoError(f"--threads {threads} are more than the {cores()} CPUs of this machine; ask for fewer.")
    if peers is not None and not os.access(peers, os.X_OK):
        raise DgeoError(f"--peers {peers} cannot be run; name the Python of the peers' environment.")
    if json is not None and not json.resolve().parent.is_dir():
        raise DgeoError(f"--json {json} lies in a folder that is not there; make it first.")


def _driver() -> Path:
    package = Path(dgeo.__file__).parent
    found = [place for place in ((package / name).resolve() for name in PLACES) if (place / "__main__.py").exists()]
    if not found:
        raise DgeoError("This installation lacks the benchmark's folder; install dgeo anew from its wheel or checkout.")
    return found[0]
