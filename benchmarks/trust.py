"""Every model and every check: run the checks that go through all simulators, and write the table of docs/trust.md.

    python benchmarks/trust.py [--only-table]

Writes ledger.json and precision.json to benchmarks/results/trust; half an hour of two cores.
"""

import argparse
import re
from pathlib import Path

from dgeo.check.closure import closures
from dgeo.check.coverage import coverage
from dgeo.check.precision import precision

ROOT = Path(__file__).resolve().parents[1]
FOLDER, PAGE = ROOT / "benchmarks" / "results" / "trust", ROOT / "docs" / "trust.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only-table", action="store_true", help="of what was found before")
    if not parser.parse_args().only_table:
        FOLDER.mkdir(exist_ok=True)
        for name, check in (("ledger", closures), ("precision", precision)):
            check().write(FOLDER / f"{name}.json")
    page = PAGE.read_text(encoding="utf-8")
    table = coverage(FOLDER)
    PAGE.write_text(re.sub(r"(\| simulator \|.*\n)(\|.*\n)+", lambda _: table, page), encoding="utf-8")


if __name__ == "__main__":
    main()
