"""Experiments with configs of their own: `dgeo surrogate` and `dgeo pinn`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from dgeo.cli.app import app
from dgeo.cli.show import bar, console, number


@app.command()
def surrogate(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as benchmarks/configs/forms/5_surrogate.yaml.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")] = Path("dgeo-surrogate"),
) -> None:
    """Emulate a black box, learn its parameters through the emulator, and run it with them."""
    from dgeo.surrogate import read_surrogate_config, run_surrogate

    settings = read_surrogate_config(config)
    with bar() as watch:
        found = run_surrogate(settings, out, watch=watch)
    table = Table("streamflow of the test", "median NSE", "5 %", "95 %", "basins", title=found["tested_on"])
    for name, row in found["streamflow"].items():
        numbers = (number(row[key]) for key in ("median", "low", "high"))
        table.add_row(name.replace("_", " "), *numbers, f"{row['n']}")
    console.print(table)
    figure, numbers_file = (escape(str(out / name)) for name in ("surrogate.png", "surrogate.json"))
    console.print(f"Figure: [bold]{figure}[/bold]   numbers: {numbers_file}")


@app.command()
def pinn(
    config: Annotated[Path, typer.Argument(help="A YAML config; benchmarks/configs/forms/6_pinn.yaml is one.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")] = Path("dgeo-pinn"),
) -> None:
    """Train networks to be the solution of two equations, beside their solvers: errors and costs, in a minute."""
    from dgeo.contrast import contrast, draw_contrast, read_contrast, write_contrast

    settings = read_contrast(config)
    found = contrast(settings)
    table = Table("problem", "method", "relative error", "seconds", "sought", "true", title="Networks and solvers")
    for row in found.rows:
        numbers = (number(row.error, 4), number(row.seconds), number(row.sought), number(row.true))
        table.add_row(row.problem, row.method, *numbers)
    console.print(table)
    path = write_contrast(out, found, settings)
    figure = escape(str(draw_contrast(out / "pinn.png", found)))
    console.print(f"Figure: [bold]{figure}[/bold]   numbers: {escape(str(path))}")
