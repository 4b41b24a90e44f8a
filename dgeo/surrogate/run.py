"""An experiment in a folder."""

from pathlib import Path
from typing import Any

from dgeo.errors import DgeoError
from dgeo.surrogate.config import SurrogateConfig, write_surrogate_config
from dgeo.surrogate.emulator import save_emulator
from dgeo.surrogate.experiment import Experiment
from dgeo.surrogate.figure import write_figure
from dgeo.surrogate.summary import summary
from dgeo.training import write_json
from dgeo.training.progress import Watch
from dgeo.training.records import environment


def run_surrogate(config: SurrogateConfig, folder: str | Path, *, watch: Watch = lambda row: None) -> dict[str, Any]:
    """The experiment of a config in a folder; returns what its `surrogate.json` holds.

    Leaves the emulator, the trained models and a figure there too; stages that a broken-off experiment finished are
    taken from its checkpoints. Raises `DgeoError` for a folder that holds a finished experiment.
    """
    folder = Path(folder)
    if (folder / "surrogate.json").exists():
        raise DgeoError(f"{folder} already holds an experiment; look at surrogate.json there, or choose another --out.")
    experiment = Experiment(config, folder, watch)
    try:
        for name in ("checkpoints", "models"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DgeoError(f"The folder {folder} cannot be written ({error.strerror}); choose another --out.") from error
    write_surrogate_config(folder / "config.yaml", config)
    write_json(folder / "environment.json", environment())
    outcome = experiment.run()
    save_emulator(folder / "emulator.safetensors", outcome.emulation.model)
    write_figure(folder / "surrogate.png", outcome)
    found = summary(outcome)
    write_json(folder / "surrogate.json", found)
    return found
