"""The application that every command belongs to."""

import signal

import typer
from rich.console import Console
from rich.markup import escape

from dgeo.errors import DgeoError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def start() -> None:
    """Differentiable geoscientific modelling: physics and networks, trained together."""
    from dgeo.training.devices import use_all_cores

    for name in ("SIGTERM", "SIGHUP"):  # what schedulers and closed terminals send is met as Ctrl-C is
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    use_all_cores()


def main() -> None:
    """Run the command line; an error is one sentence, and an exit code of 1."""
    from dgeo.training.processes import end

    try:
        app(standalone_mode=True)
    except DgeoError as error:
        Console(stderr=True).print(f"[bold red]dgeo:[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        end(1)
