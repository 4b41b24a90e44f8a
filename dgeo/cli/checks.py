"""Checks of dgeo itself: `dgeo check gradients`, `kernels`, `ledger` and `precision`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dgeo.cli.app import app
from dgeo.cli.show import console

check_app = typer.Typer(no_args_is_help=True, help="Checks of dgeo itself.")
app.add_typer(check_app, name="check")


@check_app.command()
def gradients(
    json: Annotated[Path | None, typer.Option("--json", help="A file for all rows.")] = None,
    only: Annotated[str, typer.Option(help="Check those alone whose name contains this.")] = "",
) -> None:
    """Check the gradients of every model and law; some minutes."""
    import jax

    from dgeo.check.gradient_everything import everything

    _shown(everything(jax.random.key(0), only=only), json)


@check_app.command()
def kernels(
    json: Annotated[Path | None, typer.Option("--json", help="A file for all rows.")] = None,
    only: Annotated[str, typer.Option(help="Check those alone whose name contains this.")] = "",
) -> None:
    """Compare every process kernel with its exact solutions: values, gradients, budgets, costs."""
    from dgeo.check.kernels import kernels as checked

    _shown(checked(only), json)


@check_app.command()
def ledger(
    json: Annotated[Path | None, typer.Option("--json", help="A file for all rows.")] = None,
    only: Annotated[str, typer.Option(help="Check those alone whose name contains this.")] = "",
    draws: Annotated[int, typer.Option(help="Random parameters, laws and weathers for each.")] = 3,
) -> None:
    """Close the books of every simulator: each step, event and run, in single and double precision; some minutes."""
    from dgeo.check.closure import closures

    _shown(closures(only, draws=draws), json)


@check_app.command()
def precision(
    json: Annotated[Path | None, typer.Option("--json", help="A file for all rows.")] = None,
    only: Annotated[str, typer.Option(help="Compare those alone whose name contains this.")] = "",
) -> None:
    """Compare single with double precision: outputs and gradients of every simulator over a year; some minutes."""
    from dgeo.check.precision import precision as compared

    _shown(compared(only), json)


def _shown(report: Any, json: Path | None) -> None:
    console.print(report.table())
    if json is not None:
        report.write(json)
    report.require()
