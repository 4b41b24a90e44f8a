"""A trained run behind the Basic Model Interface of CSDMS, by which coupling frameworks call models of any kind.

    model = TrainedRun()
    model.initialize("bmi.yaml")               # or a run folder
    model.set_value("precipitation", rain)     # [basin]; what is not set is that of the data on that day
    model.update()                             # a day
    flow = model.get_value("streamflow", np.empty(basins, "float32"))

Time is in days from the first; values are those of the last step, the mean over the run's seeds. The basins are the
nodes of one grid, without edges, at their longitude and latitude where the data have them.

    run: runs/x                 # the file: paths are relative to it, all but `run` may be left out
    data: forcings.nc           # forcings and attributes of any basins; the run's own data by default
    start: 1995-10-01           # the stores are filled with the days before; the first of the data by default
    end: 2005-09-30
    names: {precipitation: atmosphere_water__precipitation_leq-volume_flux}   # by which the framework knows variables

Reference: Hutton, Piper & Tucker (2020), doi:10.21105/joss.02317, version 2.0 of the interface.
"""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import Field, ValidationError, field_validator

from dgeo.bmi.on_basins import GRID, OnBasins
from dgeo.data import SERIES
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.strict import Strict
from dgeo.training import Stepper
from dgeo.training.application import Application, applied

TYPE = "float32"


class Settings(Strict):
    """The file that `initialize` reads; the head of this module explains its keys."""

    run: Path
    data: Path | None = None
    start: str | None = None
    end: str | None = None
    names: dict[str, str] = Field(default_factory=dict)

    @field_validator("start", "end", mode="before")
    @classmethod
    def _as_text(cls, day: Any) -> Any:
        return str(day) if isinstance(day, date) else day  # YAML reads days


class TrainedRun(OnBasins):
    """Any trained run of dgeo; see the head of this module. The functions are those of the interface."""

    stepper: Stepper
    _values: dict[str, np.ndarray]
    _units: dict[str, str]
    _day: int

    def initialize(self, config_file: str) -> None:
        """Read a YAML file, or take a run folder; raises `DgeoError` for what does not fit."""
        settings = _settings(Path(config_file))
        self._application = applied(settings.run, file=settings.data, start=settings.start, end=settings.end)
        inputs = self._application.inputs()
        days = self._application.dataset["time"].values
        self.stepper = Stepper(
            self._application, inputs, self._application.start(inputs), days[self._application.first]
        )
        self._names = {own: settings.names.get(own, own) for own in (*self.stepper.forcings, *self.stepper.outputs)}
        variables = self._application.model.variables
        self._units = {name: _units(self._application, name) for name in self.stepper.forcings}
        self._units |= {name: variables[name].units for name in self.stepper.outputs}
        self._values = {name: np.zeros(len(self.stepper.basins), TYPE) for name in self._names}
        self._day = 0
        self._read_forcings()

    def update(self) -> None:
        """One day, with the forcings as they are now; then those of the data's next day are read."""
        if self._day >= self.get_end_time():
            raise DgeoError(f"The run ends after {self.get_end_time():g} days; give a later `end`, or more data.")
        found = self.stepper.step({name: self._values[name] for name in self.stepper.forcings})
        for name, values in found.items():
            self._values[name][:] = np.mean(values, axis=0)
        self._day += 1
        self._read_forcings()

    def update_until(self, time: float) -> None:
        """Day after day until a time that is a whole number of days."""
        if time != int(time) or time < self._day:
            raise DgeoError(f"The time {time:g} is no whole day from {self._day} on; give one.")
        while self._day < time:
            self.update()

    def finalize(self) -> None:
        """Let go of all; nothing is written."""
        for name in ("stepper", "_application", "_values"):
            self.__dict__.pop(name, None)

    def _read_forcings(self) -> None:
        """Of the coming day, into the arrays that `get_value_ptr` has given away."""
        if self._day < self.get_end_time():
            day = self._application.first + self._day
            for name in self.stepper.forcings:
                self._values[name][:] = self._application.dataset[name].values[day]

    def get_component_name(self) -> str:
        """The run's model in a line."""
        return f"dgeo: {self._application.config.model.words[0]}"

    def get_input_item_count(self) -> int:
        """The number of forcings."""
        return len(self.stepper.forcings)

    def get_output_item_count(self) -> int:
        """The number of outputs."""
        return len(self.stepper.outputs)

    def get_input_var_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The forcings."""
        return tuple(self._names[name] for name in self.stepper.forcings)

    def get_output_var_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The outputs of the run."""
        return tuple(self._names[name] for name in self.stepper.outputs)

    def get_var_grid(self, name: str) -> int:
        """The one grid."""
        self._own(name)
        return GRID

    def get_var_type(self, name: str) -> str:
        """Single precision."""
        self._own(name)
        return TYPE

    def get_var_units(self, name: str) -> str:
        """As UDUNITS writes them."""
        return self._units[self._own(name)]

    def get_var_itemsize(self, name: str) -> int:
        """Bytes of a number."""
        return self.get_value_ptr(name).itemsize

    def get_var_nbytes(self, name: str) -> int:
        """Bytes of all basins."""
        return self.get_value_ptr(name).nbytes

    def get_var_location(self, name: str) -> str:
        """At the nodes."""
        self._own(name)
        return "node"

    def get_current_time(self) -> float:
        """Days since the start."""
        return float(self._day)

    def get_start_time(self) -> float:
        """Zero."""
        return 0.0

    def get_end_time(self) -> float:
        """Days from the start to the end of the data, or of the settings."""
        return float(self._application.last - self._application.first)

    def get_time_units(self) -> str:
        """Days."""
        return "d"

    def get_time_step(self) -> float:
        """A day."""
        return 1.0

    def get_value(self, name: str, dest: np.ndarray) -> np.ndarray:
        """Copy the values [basin] into `dest`, and return it."""
        dest[:] = self.get_value_ptr(name)
        return dest

    def get_value_ptr(self, name: str) -> np.ndarray:
        """The values [basin] themselves; they change with each update."""
        return self._values[self._own(name)]

    def get_value_at_indices(self, name: str, dest: np.ndarray, inds: np.ndarray) -> np.ndarray:
        """Copy those of some basins."""
        dest[:] = self.get_value_ptr(name)[inds]
        return dest

    def set_value(self, name: str, src: np.ndarray) -> None:
        """Set a forcing [basin] of the coming day."""
        self._forcing(name)[:] = src

    def set_value_at_indices(self, name: str, inds: np.ndarray, src: np.ndarray) -> None:
        """Set those of some basins."""
        self._forcing(name)[inds] = src

    def _own(self, name: str) -> str:
        """The name in dgeo of what the framework calls `name`."""
        own = {known: own for own, known in self._names.items()}
        if name not in own:
            raise DgeoError(f"The run has no variable {name!r}: {nearest(name, own)}")
        return own[name]

    def _forcing(self, name: str) -> np.ndarray:
        if self._own(name) not in self.stepper.forcings:
            raise DgeoError(f"{name!r} is an output, which a step computes; only forcings can be set.")
        return self.get_value_ptr(name)


def _settings(path: Path) -> Settings:
    if path.is_dir():
        return Settings(run=path)
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings = Settings(**content)
    except (OSError, yaml.YAMLError, TypeError, ValidationError) as error:
        raise DgeoError(
            f"{path} is no settings file ({' '.join(str(error).split())}); see dgeo.bmi.trained_run."
        ) from error
    below = {name: path.parent / value for name in ("run", "data") if (value := getattr(settings, name)) is not None}
    return settings.model_copy(update=below)


def _units(application: Application, name: str) -> str:
    return SERIES[name].units if name in SERIES else str(application.dataset[name].attrs.get("units", "1"))
