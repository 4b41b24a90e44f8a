"""The examination of trained runs: `dgeo probe`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from dgeo.cli.app import app
from dgeo.cli.show import console


@app.command()
def probe(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, as `dgeo train` makes them.", metavar="RUN…")],
    json: Annotated[Path | None, typer.Option("--json", help="A file for all findings.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="A file for the tables, in Markdown.")] = None,
    basins: Annotated[
        int | None, typer.Option(min=1, help="How many basins, evenly spread; all that the run's data have by default.")
    ] = None,
    only: Annotated[str, typer.Option(help="Put those probes alone whose name contains this.")] = "",
) -> None:
    """Examine trained runs: does water get lost, does flow answer rain, does the future leak into the past?

    What all probes found in all basins stays in the run's folder as probes.json, and its report, if any, shows it.
    """
    from dgeo.check.probes import side_by_side, write

    names = [run.name if [other.name for other in runs].count(run.name) == 1 else str(run) for run in runs]
    reports = {}
    for name, run in zip(names, runs, strict=True):
        reports[name] = _examined(name, run, basins, only)
        console.print(reports[name].table(name))
        if not only and basins is None:
            _kept(reports[name], run)
    if len(reports) > 1:
        console.print(side_by_side(reports))
    write(reports, json, markdown)


def _kept(report: Any, run: Path) -> None:
    """The findings in the folder of the run, and the report that is there with them."""
    from dgeo.check.probes import write
    from dgeo.report import write_report
    from dgeo.report.tables import PROBES

    write({run.name: report}, run / PROBES, None)
    if (run / "report.html").exists():
        write_report(run)


def _examined(name: str, run: Path, basins: int | None, only: str) -> Any:
    """The report of one run; the terminal says which probe is at work."""
    from dgeo import training

    with console.status("") as status:
        return training.probe(run, basins=basins, only=only, watch=lambda one: status.update(escape(f"{name}: {one}")))
