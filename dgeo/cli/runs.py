"""Commands on runs: `dgeo demo`, `train`, `evaluate`, `simulate`, `rerun`, `report` and `info`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from dgeo.cli.app import app
from dgeo.cli.show import bar, console, counting, number, print_hidden, print_scores

RunFolder = Annotated[Path, typer.Argument(help="A run folder, as `dgeo train` makes it.")]


@app.command()
def demo(out: Annotated[Path, typer.Option(help="The folder to make.")] = Path("dgeo-demo")) -> None:
    """Train a hybrid model on virtual basins and show what it learned, in about a minute."""
    from dgeo.demo import run_demo

    with bar() as watch:
        metrics = run_demo(out, watch=watch)
    _finish(out, metrics)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A YAML config; examples are in benchmarks/configs.")],
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/<config name> by default.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change one key: --set training.steps=100.")
    ] = None,
    vary: Annotated[
        list[str] | None, typer.Option(help="Train all combinations: --vary training.batch=[50,100], once a key.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run, bit for bit.")] = False,
) -> None:
    """Train, evaluate on the test period, and write the report."""
    from dgeo import training
    from dgeo.training.processes import is_first, join, leave

    join()
    console.quiet = not is_first()
    folder = out or Path("runs") / config.stem
    runs = (
        training.variations(config, folder, changes or (), vary)
        if vary
        else {folder: training.read_config(config, changes or ())}
    )
    dataset = training.load_dataset(next(iter(runs.values())).data)
    with bar(several=bool(vary)) as watch:
        training.train_runs(runs, resume=resume, dataset=dataset, watch=watch)
    if not leave():
        return
    summaries = {run: _evaluated(run, settings, dataset) for run, settings in runs.items()}
    if vary:
        _compare(summaries)
    else:
        _finish(folder, summaries[folder])


@app.command()
def evaluate(run: RunFolder) -> None:
    """Score a trained run on its test period again."""
    from dgeo import training

    _finish(run, _evaluated(run, training.config_of(run)))


@app.command()
def simulate(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="The NetCDF file to write, or a store NAME.zarr, block by block.")],
    data: Annotated[Path | None, typer.Option(help="NetCDF or NAME.zarr: forcings, attributes of any basins.")] = None,
    start: Annotated[str | None, typer.Option(help="First day, 1995-10-01.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day.")] = None,
    state: Annotated[Path | None, typer.Option(help="Continue from the state of an earlier simulation.")] = None,
    save_state: Annotated[Path | None, typer.Option(help="Save the state after the last day.")] = None,
) -> None:
    """Simulate with a trained run: other dates or basins, no observations needed; a store in bounded memory."""
    from dgeo import training
    from dgeo.data import open_store

    given: dict[str, Any] = {"file": data, "start": start, "end": end, "state": state, "save_state": save_state}
    if out.suffix == ".zarr":
        with counting("basins") as watch:
            words: tuple[str, ...] = training.apply_to_store(run, out, **given, watch=watch)
        result = open_store(out)
    else:
        result = training.apply(run, **given)
        training.write_netcdf(out, result)
        words = tuple(v.attrs["words"] for v in result.data_vars.values() if v.attrs.get("words"))
    for sentence in words:
        console.print(f"[bold]{escape(sentence)}[/bold]")
    names = ", ".join(map(str, result.data_vars))
    console.print(escape(f"{out}: {names} of {result.sizes['basin']} basins, {result.sizes['time']} days"))


@app.command()
def rerun(
    run: RunFolder,
    solver: Annotated[str, typer.Argument(help="split, implicit_euler, or a method of diffrax.")],
    parts: Annotated[int | None, typer.Option(help="Equal parts of a day.")] = None,
    adaptive: Annotated[bool, typer.Option(help="Let the method choose its own parts.")] = False,
) -> None:
    """Test a trained run under another or finer solver, and report the change in skill."""
    from dgeo import training

    chosen = training.parse_solver({"method": solver, "parts": parts, "adaptive": adaptive or None})
    found = training.rerun(run, chosen)
    table = Table("solver", "NSE", "KGE", "steps failed", title="Test period, median over basins")
    for name, row in (("of the training", found["trained"]), (solver, found["other"])):
        failed = sum(part["steps"] for part in row["failures"].values())
        table.add_row(name, number(row["nse"]), number(row["kge"]), number(failed, 0))
    console.print(table)
    console.print(
        f"Median change of NSE {number(found['nse_change'])}; "
        f"{100 * found['basins_losing_0.05']:.0f} % of basins lose more than 0.05."
    )


@app.command()
def report(run: RunFolder) -> None:
    """Write report.html of a run again."""
    from dgeo.report import write_report

    console.print(f"Report: [bold]{escape(str(write_report(run)))}[/bold]")


@app.command()
def info(run: RunFolder) -> None:
    """Say what a run is: model, data, seeds, scores."""
    from dgeo import training

    config = training.config_of(run)
    for line in config.model.words:
        console.print(escape(line))
    console.print(escape(f"train {' … '.join(config.split.train)}, test {' … '.join(config.split.test)}"))
    if not isinstance(config.model, training.ReferenceRecipe):
        console.print(f"models: {', '.join(path.name for _, path in training.seeds_of(run))}")
    if (run / "metrics.json").exists():
        print_scores(training.read_json(run / "metrics.json"), "Test period")


def _evaluated(folder: Path, config: Any, dataset: Any = None) -> dict[str, Any]:
    """The scores of a run; on virtual basins, against the truth."""
    from dgeo import training
    from dgeo.demo import evaluate_virtual

    if config.data.source == "virtual" and not isinstance(config.model, training.ReferenceRecipe):
        return evaluate_virtual(folder)
    return training.evaluate(folder, dataset=dataset).summary


def _compare(summaries: dict[Path, dict[str, Any]]) -> None:
    """Write the report of every run, and print their scores side by side."""
    from dgeo.report import write_report
    from dgeo.training.records import best_validation

    shown = ("nse", "kge", "log_nse", "bias")
    table = Table(Column("run", overflow="fold"), "validation NSE", *shown, title="Test period, median over basins")
    for run, summary in summaries.items():
        write_report(run)
        medians = (number(summary["test"][name]["median"]) for name in shown)
        table.add_row(escape(run.name), number(best_validation(run)), *medians)
    console.print(table)
    parent = escape(str(next(iter(summaries)).parent))
    console.print(f"Each run has its report and scores in its folder in [bold]{parent}[/bold]")


def _finish(folder: Path, summary: dict[str, Any]) -> None:
    from dgeo.report import write_report

    print_scores(summary, escape(f"Streamflow, test period, against {summary.get('against', 'observations')}"))
    if len(summary["seeds"]) > 1:
        medians = ", ".join(number(seed["nse"]) for seed in summary["seeds"])
        console.print(f"Median NSE of each seed: {medians}; the table is of their mean.")
    for failure in summary["failures"].values():
        if failure["words"]:
            console.print(f"[bold]{escape(failure['words'])}[/bold]")
    if summary.get("hidden"):
        print_hidden(summary["hidden"])
    report = escape(str(write_report(folder)))
    console.print(f"Report: [bold]{report}[/bold]   scores: {escape(str(folder / 'metrics.json'))}")
