"""The application that every command belongs to."""

import signal
import tempfile
import traceback

import typer
from rich.console import Console
from rich.markup import escape

from dgeo.errors import DgeoError, one_line

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
        complain(str(error))
        end(1)
    except MemoryError as error:
        complain(
            f"Memory is exhausted ({one_line(str(error)) or 'no more is said'}); take fewer basins or a smaller model."
        )
        end(1)
    except Exception as error:
        complain(_unexpected(error))
        end(1)


def complain(sentence: str) -> None:
    """Say on the terminal, in one line, what is wrong."""
    Console(stderr=True).print(f"[bold red]dgeo:[/bold red] {escape(sentence)}", highlight=False, soft_wrap=True)


def _unexpected(error: Exception) -> str:
    """The sentence for what should have had one of its own; the traceback goes to a file."""
    said = one_line(f"{type(error).__name__}: {error}")
    if "RESOURCE_EXHAUSTED" in said or "Out of memory" in said:
        return f"The memory of the device is exhausted ({said}); take fewer basins, a smaller batch or a smaller model."
    try:
        handle, name = tempfile.mkstemp(prefix="dgeo-traceback-", suffix=".txt")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return f"An error that dgeo does not know ({said}); please report it with the command."
    return f"An error that dgeo does not know ({said}); please report it with the traceback in {name}."
