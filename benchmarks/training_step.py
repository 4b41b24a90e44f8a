"""Time the optimiser steps of a config, after its compilation.

    DGEO_DATA=/path/to/data python benchmarks/training_step.py benchmarks/configs/camels_us_dynamic_lstm.yaml

Trains one seed without validation for a few calls of the compiled step, on all CPU cores, and prints the seconds of one
step (the median over the calls after the first, which compiles).
"""

import argparse
import itertools
import statistics
import tempfile
from pathlib import Path

from dgeo import training
from dgeo.training.devices import use_all_cores


def main() -> None:
    """Print seconds for a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--steps-per-call", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], dest="changes", help="change one key: model.hidden=64")
    arguments = parser.parse_args()
    use_all_cores()
    each, steps = arguments.steps_per_call, arguments.calls * arguments.steps_per_call
    lengths = {"steps": steps, "steps_per_call": each, "validate_every": steps, "checkpoint_every": steps}
    changes = [*arguments.changes, *(f"training.{name}={value}" for name, value in lengths.items())]
    changes += ["training.seeds=[0]", "training.refit=false", "split.validation=null"]
    config = training.read_config(arguments.config, changes)
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        training.train(config, Path(folder) / "run", watch=rows.append)
    seconds = [(b["seconds"] - a["seconds"]) / each for a, b in itertools.pairwise(rows)]
    print(
        f"{arguments.config.stem}: {statistics.median(seconds):.3f} s a step ({min(seconds):.3f} to {max(seconds):.3f})"
    )


if __name__ == "__main__":
    main()
