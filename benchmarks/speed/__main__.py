"""dgeo's speed against its rivals and against itself, side by side in one run: see `dgeo benchmark speed --help`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rows import ROWS
from run import Settings, empty, run, write
from side_by_side import machine


def arguments() -> argparse.Namespace:
    """The command line; the command's own options are explained in `dgeo/cli/benchmark.py`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--growth", action="store_true")
    return parser.parse_args()


def line(row: dict) -> str:
    """One row as it is told."""
    if "skipped" in row:
        return f"{row['name']:36} skipped: {row['skipped']}"
    sides = (
        f"{side} {row[f'{side}_s']:.4g} s ({row[f'{side}_range_s'][0]:.4g}–{row[f'{side}_range_s'][1]:.4g})"
        for side in ("ours", "other")
    )
    return f"{row['name']:36} ratio {row['ratio']:6.2f}   {'   '.join(sides)}"


def main() -> None:
    """Measure the chosen rows."""
    options = arguments()
    chosen = [row for row in ROWS if options.only in row.name]
    if not chosen:
        known = ", ".join(row.name for row in ROWS)
        raise SystemExit(f"No row has {options.only!r} in its name; the rows are {known}.")
    settings = Settings(options.peers, options.threads, options.repetitions)
    result = empty(settings, machine())
    console = Console(soft_wrap=True, highlight=False)
    write(options.json, result)
    run(chosen, settings, result, options.json, lambda row: console.print(line(row), markup=False))
    if options.growth:
        from growth import grow  # brings matplotlib along

        grow(settings, result, options.json, lambda point: console.print(point, markup=False))


if __name__ == "__main__":
    main()
