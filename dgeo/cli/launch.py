"""Several processes: `dgeo launch`."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from dgeo.cli.app import app
from dgeo.errors import DgeoError


@app.command(context_settings={"allow_interspersed_args": False})
def launch(
    words: Annotated[list[str], typer.Argument(help="The command: train CONFIG --out FOLDER …", metavar="COMMAND…")],
    processes: Annotated[int, typer.Option(min=1, help="How many workers; they share the cores and GPUs.")] = 2,
    logs: Annotated[Path | None, typer.Option(help="Where the workers' logs stay; kept of failures only.")] = None,
) -> None:
    """Train in several processes on this machine; one that fails is named, and the others are stopped."""
    from dgeo.launch import launch

    if words[0] != "train":
        raise DgeoError(f"`dgeo launch` got {words[0]!r}, which knows no several processes; give it `train`.")
    folder = Path(tempfile.mkdtemp(prefix="dgeo-launch-")) if logs is None else logs
    launch(words, processes, folder)
    if logs is None:
        shutil.rmtree(folder)
