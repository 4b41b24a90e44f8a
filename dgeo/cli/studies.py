"""Studies: `dgeo experiment NAME`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from dgeo.cli.app import app
from dgeo.cli.show import bar, console
from dgeo.errors import DgeoError


@app.command()
def experiment(
    name: Annotated[str, typer.Argument(help="A study by name, or `list` for what there is.")],
    data: Annotated[str, typer.Option(help="camels_us, virtual, or a YAML file (docs/experiments.md).")] = "camels_us",
    out: Annotated[Path | None, typer.Option(help="The folder of the study; runs/<name>_<budget> by default.")] = None,
    budget: Annotated[str, typer.Option(help="full, laptop (small networks), quick (minutes) or tiny.")] = "quick",
    only: Annotated[
        list[str] | None,
        typer.Option(help="Train cells whose name contains or fits this; may be repeated."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop then; the same command continues.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only measure and show what it will cost.")] = False,
) -> None:
    """Run a study: train what is not finished, and write its tables, figures and report."""
    from dgeo.experiments import BUDGETS, STUDIES, run_study, setting_named, study_named

    if name == "list":
        _list(STUDIES)
        return
    study = study_named(name)
    if budget not in BUDGETS:
        raise DgeoError(f"There is no budget {budget!r}; choose among {', '.join(BUDGETS)}.")
    folder = out or Path("runs") / f"{name}_{budget}"
    setting = setting_named(data, budget, study.changes.get(data))
    options: dict[str, Any] = {"only": tuple(only or ()), "minutes": minutes, "plan": plan, "tell": _costs}
    with bar(several=True, stay=False) as watch:
        options |= {"say": lambda words: console.print(escape(words)), "watch": watch}
        results = run_study(study, setting, folder, **options)
    if results.cells:
        report, tables = (escape(str(folder / name)) for name in ("report.html", "tables.md"))
        console.print(f"Report: [bold]{report}[/bold]   tables: {tables}")


def _list(studies: Any) -> None:
    table = Table("study", "claims", "question", title="Studies")
    for study in studies.values():
        table.add_row(study.name, study.claims, study.question)
    console.print(table)


def _costs(costs: Any) -> None:
    from dgeo.report.wording import duration

    table = Table("model", "cells", "finished", "training, estimated", "spent", title="Compute budget")
    for model, cells, done, estimated, spent in costs.by_model():
        table.add_row(model, f"{cells}", f"{done}", duration(estimated), duration(spent))
    console.print(table)
    console.print(f"{duration(costs.left)} of training left, scoring not counted.")
