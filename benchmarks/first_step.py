"""Seconds from the start of Python to the end of the first optimiser steps, with nothing compiled and the second time.

    DGEO_DATA=/path/to/data python benchmarks/first_step.py benchmarks/configs/camels_us_static_fast.yaml

Each start is a process of its own: it imports dgeo, reads the data, and trains for one call of the compiled training
step (`training.steps_per_call` steps). The first finds no compilations kept, the others those of the first.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


class Trained(Exception):
    """The first call is done."""


def start(config: str) -> None:
    """Train for one call."""
    from dgeo import training
    from dgeo.training.devices import use_all_cores

    def watch(row: dict) -> None:
        raise Trained

    use_all_cores()
    settings = training.read_config(config)
    with tempfile.TemporaryDirectory() as folder:
        try:
            training.train(settings, Path(folder) / "run", watch=watch)
        except Trained:
            print(f"{settings.training.steps_per_call} steps done")


def main() -> None:
    """Print the seconds of three starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start:
        start(options.config)
        return
    with tempfile.TemporaryDirectory() as cache:
        for name in ("nothing compiled", "second start", "third start"):
            began = time.perf_counter()
            environment = {**os.environ, "XDG_CACHE_HOME": cache}
            command = [sys.executable, __file__, options.config, "--start"]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            print(f"{name}: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
