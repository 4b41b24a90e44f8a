"""Tabulate finished runs, and the paired difference of each from the first.

    python benchmarks/compare.py RUN [RUN …] [--out FILE.md]

For every run: median test NSE of each seed, their mean, that of the ensemble, median KGE, training time. For every
run but the first: the median over basins of the difference in NSE from the first run, with the 95 % interval of a
bootstrap over HUC-2 regions. Test metrics are those that the runs wrote; nothing is simulated again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from dgeo.metrics import paired_difference
from dgeo.training import read_json


def row(run: Path, first: Path) -> list[str]:
    """One line of the table."""
    metrics = read_json(run / "metrics.json")
    seeds = [seed["nse"] for seed in metrics["seeds"]]
    seconds = [seed["seconds"] for seed in metrics["seeds"]]
    test = metrics["test"]
    return [
        run.name,
        ", ".join(f"{nse:.3f}" for nse in seeds),
        f"{np.mean(seeds):.3f}",
        f"{test['nse']['median']:.3f}",
        f"{test['kge']['median']:.3f}",
        f"{np.mean(seconds):.0f} s",
        f"{metrics['seconds']:.0f} s",
        "" if run == first else difference(run, first),
    ]


def difference(run: Path, first: Path) -> str:
    """Median paired difference in NSE and its interval."""
    a, b = (pd.read_csv(folder / "metrics.csv", dtype={"basin": str, "region": str}) for folder in (run, first))
    both = a.merge(b, on=("basin", "region"))
    found = paired_difference(both["nse_x"].to_numpy(), both["nse_y"].to_numpy(), both["region"].to_numpy())
    low, high = found["interval"]
    return f"{found['median']:+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    """Print the table; write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    header = ["run", "NSE of seeds", "mean", "NSE ensemble", "KGE ensemble", "a seed", "all", "NSE less the first's"]
    lines = [header, ["---"] * len(header), *(row(run, arguments.runs[0]) for run in arguments.runs)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
