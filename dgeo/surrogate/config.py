"""The config of a surrogate: strict, typed, one file."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, ValidationError, model_validator

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.strict import Seed, Strict, Width
from dgeo.hybrid.yaml_text import read_yaml
from dgeo.numerics import write_atomically
from dgeo.surrogate.learn import LearningConfig
from dgeo.training.config import TrainingConfig
from dgeo.training.data_config import DataConfig


class RunsConfig(Strict):
    """Runs of the black box: how many are trained on and held out, each of `days`, `batch` of them in one call."""

    count: PositiveInt = 1000
    held_out: PositiveInt = 60
    days: PositiveInt = 1096
    batch: PositiveInt = 32


class EmulatorConfig(Strict):
    """The emulator: numbers of memory, and its training."""

    width: Width = 64
    training: TrainingConfig = TrainingConfig()


class PeriodsConfig(Strict):
    """Years trained on and tested (first day, last day), and how many basins, the last, are only tested."""

    train: tuple[str, str]
    test: tuple[str, str]
    unseen: NonNegativeInt = 0


class TwinConfig(Strict):
    """A truth made by the black box itself, from attributes by a hidden relation.

    `noise` is the standard deviation of observed streamflow as a share of the true, `scatter` that of what attributes
    do not explain in the unbounded parameters.
    """

    noise: NonNegativeFloat = 0.1
    scatter: NonNegativeFloat = 0.1


class SurrogateConfig(Strict):
    """A whole experiment; with `twin`, the black box makes the truth, without, the data hold observed streamflow."""

    data: DataConfig
    black_box: str
    split: PeriodsConfig
    twin: TwinConfig | None = None
    runs: RunsConfig = RunsConfig()
    emulator: EmulatorConfig = EmulatorConfig()
    learning: LearningConfig
    through_equations: bool = Field(True)
    seed: Seed = 0

    @model_validator(mode="after")
    def _fits_together(self) -> "SurrogateConfig":
        if self.learning.parameters == "network" and not self.learning.attributes:
            raise ValueError("a network of parameters reads attributes; name some in `learning.attributes`")
        if self.twin is not None and not self.learning.attributes:
            raise ValueError("a twin hangs its parameters on attributes; name some in `learning.attributes`")
        if self.learning.parameters == "table" and self.split.unseen:
            raise ValueError("a table of parameters knows training basins only; set `split.unseen: 0`")
        return self


def read_surrogate_config(path: str | Path) -> SurrogateConfig:
    """The config in a YAML file.

    Raises `DgeoError` for a missing file, a line that is no YAML, an unknown key (nearest name given) or a wrong value.
    """
    return parse_surrogate_config(read_yaml(path), str(path))


def parse_surrogate_config(content: Any, place: str) -> SurrogateConfig:
    """A config from nested dictionaries; `place` is named in errors."""
    try:
        return SurrogateConfig.model_validate(content)
    except ValidationError as error:
        raise DgeoError(_sentence(error.errors()[0], place)) from error


def write_surrogate_config(path: str | Path, config: SurrogateConfig) -> None:
    """The resolved config, every default spelt out, as YAML."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _sentence(error: Any, place: str) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the config"
    if error["type"] == "missing":
        return f"{place}: the key {where!r} is missing; add it."
    if error["type"] == "extra_forbidden":
        return f"{place}: the key {where!r} is unknown; {nearest(str(error['loc'][-1]), _keys(error['loc'][:-1]))}"
    return f"{place}: {where} is not accepted: {error['msg'].removeprefix('Value error, ')}; mend it."


def _keys(location: tuple[Any, ...]) -> list[str]:
    """The keys of the section at a place in the config."""
    fields = SurrogateConfig.model_json_schema()
    section: dict[str, Any] = fields
    for part in location:
        inner = section.get("properties", {}).get(part, {})
        reference = next((r["$ref"] for r in (inner, *inner.get("anyOf", ())) if "$ref" in r), None)
        section = inner if reference is None else fields["$defs"][reference.split("/")[-1]]
    return list(section.get("properties", {}))
