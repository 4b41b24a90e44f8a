"""The command line: `dgeo demo`, `train`, `evaluate`, `simulate`, `rerun`, `check` and more; see `dgeo --help`."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dgeo.errors import DgeoError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
check_app = typer.Typer(no_args_is_help=True, help="Checks of dgeo itself.")
app.add_typer(check_app, name="check")
console = Console()
RunFolder = Annotated[Path, typer.Argument(help="A run folder, as `dgeo train` makes it.")]
SHOWN = ("nse", "kge", "log_nse", "rmse", "bias", "fhv", "flv", "fms", "baseflow_index_error", "peak_timing")


@app.callback()
def start() -> None:
    """Differentiable geoscientific modelling: physics and networks, trained together."""
    from dgeo.training.devices import use_all_cores

    use_all_cores()


@app.command()
def demo(out: Annotated[Path, typer.Option(help="The folder to make.")] = Path("dgeo-demo")) -> None:
    """Train a hybrid model on virtual basins and show what it learned, in about a minute."""
    from dgeo.demo import run_demo

    with _bar() as watch:
        metrics = run_demo(out, watch=watch)
    _finish(out, metrics)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A YAML config; examples are in benchmarks/configs.")],
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/<config name> by default.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change one key: --set training.steps=100.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run, bit for bit.")] = False,
) -> None:
    """Train, evaluate on the test period, and write the report."""
    from dgeo import training

    folder = out or Path("runs") / config.stem
    settings = training.read_config(config, changes or ())
    dataset = training.load_dataset(settings.data)
    with _bar() as watch:
        training.train(settings, folder, resume=resume, dataset=dataset, watch=watch)
    _finish(folder, _evaluated(folder, settings, dataset))


@app.command()
def evaluate(run: RunFolder) -> None:
    """Score a trained run on its test period again."""
    from dgeo import training

    _finish(run, _evaluated(run, training.config_of(run)))


@app.command()
def simulate(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="The NetCDF file to write.")],
    data: Annotated[Path | None, typer.Option(help="A NetCDF file with forcings and attributes of any basins.")] = None,
    start: Annotated[str | None, typer.Option(help="First day, 1995-10-01.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day.")] = None,
    state: Annotated[Path | None, typer.Option(help="Continue from the state of an earlier simulation.")] = None,
    save_state: Annotated[Path | None, typer.Option(help="Save the state after the last day.")] = None,
) -> None:
    """Simulate with a trained run: other dates or basins, no observations needed."""
    from dgeo import training

    result = training.apply(run, file=data, start=start, end=end, state=state, save_state=save_state)
    training.write_netcdf(out, result)
    for variable in result.data_vars.values():
        if variable.attrs.get("words"):
            console.print(f"[bold]{escape(variable.attrs['words'])}[/bold]")
    console.print(
        f"{out}: {', '.join(map(str, result.data_vars))} of {result.sizes['basin']} basins, {result.sizes['time']} days"
    )


@app.command()
def surrogate(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as benchmarks/configs/forms/5_surrogate.yaml.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")] = Path("dgeo-surrogate"),
) -> None:
    """Emulate a black box, learn its parameters through the emulator, and run it with them."""
    from dgeo.surrogate import read_surrogate_config, run_surrogate

    settings = read_surrogate_config(config)
    with _bar() as watch:
        found = run_surrogate(settings, out, watch=watch)
    table = Table("streamflow of the test", "median NSE", "5 %", "95 %", "basins", title=found["tested_on"])
    for name, row in found["streamflow"].items():
        numbers = (_number(row[key]) for key in ("median", "low", "high"))
        table.add_row(name.replace("_", " "), *numbers, f"{row['n']}")
    console.print(table)
    console.print(f"Figure: [bold]{out / 'surrogate.png'}[/bold]   numbers: {out / 'surrogate.json'}")


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
        table.add_row(name, _number(row["nse"]), _number(row["kge"]), _number(failed, 0))
    console.print(table)
    console.print(
        f"Median change of NSE {_number(found['nse_change'])}; "
        f"{100 * found['basins_losing_0.05']:.0f} % of basins lose more than 0.05."
    )


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
        numbers = (_number(row.error, 4), _number(row.seconds), _number(row.sought), _number(row.true))
        table.add_row(row.problem, row.method, *numbers)
    console.print(table)
    path = write_contrast(out, found, settings)
    console.print(f"Figure: [bold]{draw_contrast(out / 'pinn.png', found)}[/bold]   numbers: {path}")


@app.command()
def report(run: RunFolder) -> None:
    """Write report.html of a run again."""
    from dgeo.report import write_report

    console.print(f"Report: [bold]{write_report(run)}[/bold]")


@app.command()
def info(run: RunFolder) -> None:
    """Say what a run is: model, data, seeds, scores."""
    from dgeo import training

    config = training.config_of(run)
    dynamic = (
        "static parameters" if config.model.dynamic is None else f"dynamic {', '.join(config.model.dynamic_parameters)}"
    )
    physics = config.model.physics
    model = " ".join(filter(None, (physics.name, physics.version)))
    console.print(f"{model}, {config.model.components} components, {dynamic}")
    for law in config.model.laws:
        console.print(f"{', '.join(law.slots)}: {law.kind}")
    console.print(f"train {' … '.join(config.split.train)}, test {' … '.join(config.split.test)}")
    console.print(f"models: {', '.join(path.name for _, path in training.seeds_of(run))}")
    if (run / "metrics.json").exists():
        _print_scores(training.read_json(run / "metrics.json"), "Test period")


@check_app.command()
def gradients(
    json: Annotated[Path | None, typer.Option("--json", help="A file for all rows.")] = None,
    only: Annotated[str, typer.Option(help="Check those alone whose name contains this.")] = "",
) -> None:
    """Check the gradients of every model and law; some minutes."""
    import jax

    from dgeo.check.gradient_everything import everything

    report = everything(jax.random.key(0), only=only)
    console.print(report.table())
    if json is not None:
        report.write(json)
    report.require()


def main() -> None:
    """Run the command line; an error is one sentence, and an exit code of 1."""
    try:
        app(standalone_mode=True)
    except DgeoError as error:
        Console(stderr=True).print(f"[bold red]dgeo:[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _evaluated(folder: Path, config: Any, dataset: Any = None) -> dict[str, Any]:
    """The scores of a run; on virtual basins, against the truth."""
    from dgeo import training
    from dgeo.demo import evaluate_virtual

    if config.data.source == "virtual":
        return evaluate_virtual(folder)
    return training.evaluate(folder, dataset=dataset).summary


def _finish(folder: Path, summary: dict[str, Any]) -> None:
    from dgeo.report import write_report

    _print_scores(summary, f"Streamflow, test period, against {summary.get('against', 'observations')}")
    if len(summary["seeds"]) > 1:
        medians = ", ".join(_number(seed["nse"]) for seed in summary["seeds"])
        console.print(f"Median NSE of each seed: {medians}; the table is of their mean.")
    for failure in summary["failures"].values():
        if failure["words"]:
            console.print(f"[bold]{escape(failure['words'])}[/bold]")
    if "hidden" in summary:
        _print_hidden(summary["hidden"])
    console.print(f"Report: [bold]{write_report(folder)}[/bold]   scores: {folder / 'metrics.json'}")


class _bar:
    """A progress bar with loss, validation score, speed and time left, fed by the training loop."""

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self.tasks: dict[str, Any] = {}
        self.scores: dict[str, float] = {}
        self.progress.start()
        return self.watch

    def watch(self, row: dict[str, Any]) -> None:
        """Move the bar of the row's phase and seed."""
        name = f"{row['phase']}, seed {row['seed']}"
        if name not in self.tasks:
            self.tasks[name] = self.progress.add_task(name, total=row["steps"], numbers="")
        if row["validation"] is not None:
            self.scores[name] = row["validation"]
        validation = f" validation NSE {self.scores[name]:.3f}" if name in self.scores else ""
        numbers = f"loss {_number(row['loss'])}{validation} {1000 * row['seconds'] / row['step']:.0f} ms/step"
        self.progress.update(self.tasks[name], completed=row["step"], numbers=numbers)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()


def _number(value: float | None, digits: int = 3) -> str:
    """A dash where a score is not finite, which JSON writes as null."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _print_scores(metrics: dict[str, Any], title: str) -> None:
    table = Table("score", "median", "95 % interval", "mean", "basins", "failures", title=title)
    for name in SHOWN:
        if name in metrics["test"]:
            row = metrics["test"][name]
            interval = " … ".join(_number(limit) for limit in row["interval"])
            table.add_row(
                name, _number(row["median"]), interval, _number(row["mean"]), f"{row['n']}", f"{row['failures']}"
            )
    console.print(table)


def _print_hidden(hidden: dict[str, Any]) -> None:
    table = Table(
        "never shown to the model",
        "anomaly correlation",
        "untrained",
        "NSE",
        "untrained",
        title="Hidden variables",
    )
    for name, row in hidden.items():
        before = row["untrained"]
        numbers = (row["anomaly_correlation"], before["anomaly_correlation"], row["nse"], before["nse"])
        table.add_row(name.replace("_", " "), *(_number(number, 2) for number in numbers))
    console.print(table)
