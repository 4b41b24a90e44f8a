"""The config of a run: strict, typed, one file. Unknown keys are refused with the nearest valid name."""

import difflib
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from dgeo.errors import DgeoError, nearest
from dgeo.hybrid import AnyRecipe, Recipe
from dgeo.hybrid.strict import Seed, Strict
from dgeo.hybrid.yaml_text import load_yaml, read_yaml
from dgeo.numerics import write_atomically
from dgeo.training.data_config import DataConfig
from dgeo.training.losses import LOSSES
from dgeo.training.model_section import AnyModel, ModelSection, marked
from dgeo.training.reference import ReferenceRecipe


class SplitConfig(Strict):
    """Periods (first day, last day; both included), and the ids of basins that are tested but never trained on.

    `validation` lies inside `train`: candidates train on what is left of `train` before or after it. `test_basins`,
    or the file `basins` that a split of `dgeo.data` (PUB, PUR) was saved to, makes the test one of unseen basins; then
    the years of the test may be those of the training, too. Basins that such a file names neither to train on nor to
    test are left out.

    `years` is the file of a split of water years (`dgeo.data.YearSplit`): within the periods, which then may overlap,
    each basin is trained on its own years and tested on others.
    """

    train: tuple[str, str]
    validation: tuple[str, str] | None = None
    test: tuple[str, str]
    test_basins: tuple[str, ...] = ()
    basins: Path | None = None
    years: Path | None = None

    @model_validator(mode="after")
    def _one_list(self) -> "SplitConfig":
        if self.years is not None and self.validation is not None:
            raise ValueError("a split of `years` has no validation years; set `validation: null` and choose the steps")
        if self.basins is not None and self.test_basins:
            raise ValueError("give `basins` (a split file) or `test_basins`, not both")
        return self


class TargetConfig(Strict):
    """How one observed variable enters the loss."""

    loss: str = "nse"
    weight: PositiveFloat = 1.0

    @model_validator(mode="after")
    def _known(self) -> "TargetConfig":
        if self.loss not in LOSSES:
            raise ValueError(f"there is no such loss, {nearest(self.loss, LOSSES)}")
        return self


class OptimiserConfig(Strict):
    """Which optax optimiser, at which rate. `options` go to it by name."""

    name: str = "adam"
    learning_rate: PositiveFloat = 2e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    final_fraction: float = Field(0.0, ge=0, le=1)
    clip: PositiveFloat | None = 1.0
    options: dict[str, float] = Field(default_factory=dict)


class EvolutionConfig(Strict):
    """Calibration by CMA-ES in the place of gradients, for a table of parameters.

    `population` candidates of each basin in each of `generations`, by default 4 + 3 ln(numbers) of them; the first are
    `step_size` apart, in the unbounded z of parameters. The history is written every `record_every` generations.
    """

    generations: PositiveInt = 100
    population: int | None = Field(None, ge=4)
    step_size: PositiveFloat = 1.0
    record_every: PositiveInt = 10


class TrainingConfig(Strict):
    """How long, on what windows, towards what.

    Each step draws `batch` basins and a window of `warmup` + `window` days for each; the loss counts the window alone.
    With `warmup_gradient` the gradient flows through the warm-up too. `refit` trains again on the whole training
    period for the number of steps that validation chose.

    `start_from` is a model file of an earlier run, from which all numbers that have a place here are taken over;
    `freeze` keeps the parameters' networks, the laws or the correction of forcings as they are at the start.

    `together` trains all seeds (and runs that differ in splits or numbers of the optimiser alone) as one program; by
    default on accelerators, where one model leaves most of the machine idle.

    `segment` stores the states of every so many days alone for the gradient (of every √days: sqrt): a tenth of the
    memory for a long window, and no slower on a CPU (`benchmarks/gradient_memory.py`).

    With `evolution`, no gradients are taken and steps, batch and optimiser mean nothing; the loss counts all days of
    the training after the warm-up.
    """

    targets: dict[str, TargetConfig] = Field(default_factory=lambda: {"streamflow": TargetConfig()}, min_length=1)
    optimiser: OptimiserConfig = OptimiserConfig()
    batch: PositiveInt = 100
    warmup: NonNegativeInt = 365
    window: PositiveInt = 365
    warmup_gradient: bool = False
    steps: PositiveInt = 2000
    steps_per_call: PositiveInt = 50
    validate_every: PositiveInt = 250
    patience: PositiveInt | None = None
    checkpoint_every: PositiveInt = 250
    refit: bool = True
    seeds: tuple[Seed, ...] = Field((0,), min_length=1)
    spin_up: NonNegativeInt = 1095
    start_from: Path | None = None
    freeze: tuple[Literal["parameters", "laws", "forcing"], ...] = ()
    together: bool | None = None
    segment: PositiveInt | Literal["sqrt"] | None = None
    evolution: EvolutionConfig | None = None

    @model_validator(mode="after")
    def _each_seed_once(self) -> "TrainingConfig":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed comes twice in seeds, and would give the same model twice; name each once")
        return self

    @model_validator(mode="after")
    def _one_start(self) -> "TrainingConfig":
        if self.freeze and len(self.seeds) > 1 and self.start_from is None:
            raise ValueError("what is frozen must be known before the seeds part: set start_from, or give one seed")
        return self

    @model_validator(mode="after")
    def _whole_calls(self) -> "TrainingConfig":
        for name in ("steps", "validate_every", "checkpoint_every"):
            if getattr(self, name) % self.steps_per_call:
                raise ValueError(f"{name} must be a multiple of steps_per_call ({self.steps_per_call})")
        return self


def usual_outputs(model: AnyModel | None) -> tuple[str, ...]:
    """What a model usually keeps; streamflow, where the model is not understood."""
    return ("streamflow",) if model is None else model.usual_outputs


class Config(Strict):
    """A whole run; `outputs` are the fluxes and stores to keep, by default streamflow, the stores and evaporation."""

    data: DataConfig
    split: SplitConfig
    model: ModelSection
    training: TrainingConfig = TrainingConfig()
    outputs: tuple[str, ...] = Field(default_factory=lambda known: usual_outputs(known.get("model")))

    @property
    def recipe(self) -> AnyRecipe:
        """The model to train or run; raises `DgeoError` for a reference, which is none."""
        if isinstance(self.model, ReferenceRecipe):
            raise DgeoError(
                f"The reference {self.model.reference} cannot be trained or run elsewhere; give a model in `model`."
            )
        return self.model

    @model_validator(mode="after")
    def _freezable(self) -> "Config":
        if self.training.freeze and not isinstance(self.model, Recipe):
            raise ValueError("a model without physics has no parts to freeze; leave out training.freeze")
        return self


def read_config(path: str | Path, changes: Sequence[str] = ()) -> Config:
    """The config in a YAML file, with `key.sub=value` changes applied.

    An entry of a list goes by its number: `model.laws.0.width=8`. Raises `DgeoError` for a missing file, a line that is
    no YAML, an unknown key (nearest name given) or a wrong value.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise DgeoError(f"The config {path} holds no sections; it needs at least data, split and model.")
    for change in changes:
        _apply(content, change)
    return parse_config(content, str(path))


def parse_config(content: dict[str, Any], place: str) -> Config:
    """A config from nested dictionaries; `place` is named in errors."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise DgeoError(sentence(error.errors()[0], place)) from error


def write_config(path: str | Path, config: Config) -> None:
    """The resolved config, every default spelt out, as YAML."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _apply(content: dict[str, Any], change: str) -> None:
    key, separator, value = change.partition("=")
    if not separator:
        raise DgeoError(f"--set {change!r} is no assignment; write --set section.key=value.")
    *sections, last = key.strip().split(".")
    for section in sections:
        content = _entered(content, section, change)
    if not isinstance(content, dict):
        raise DgeoError(f"--set {change!r}: {sections[-1]!r} is a value and has no keys; check the name.")
    try:
        content[last] = load_yaml(value)
    except yaml.YAMLError as error:
        raise DgeoError(f"--set {change!r}: {value!r} is no YAML value; quote it.") from error


def _entered(content: Any, section: str, change: str) -> Any:
    """What stands under a name in a dictionary, where nothing does a new one, or under a number in a list."""
    if isinstance(content, list):
        if section not in map(str, range(len(content))):
            raise DgeoError(f"--set {change!r}: {section!r} is not one of the {len(content)} entries, counted from 0.")
        return content[int(section)]
    if not isinstance(content, dict):
        raise DgeoError(f"--set {change!r}: what holds {section!r} is a value and has no keys; check the name.")
    content[section] = {} if content.get(section) is None else content[section]
    return content[section]


def sentence(error: Any, place: str) -> str:
    """What pydantic found wrong first, in one sentence."""
    where = ".".join(str(part) for part in error["loc"] if marked(part) is None)
    if error["type"] == "missing":
        return f"{place}: the key {where!r} is missing; add it."
    if error["type"] != "extra_forbidden":
        value = "" if isinstance(error["input"], dict | BaseModel) else f" = {short(error['input'])}"
        return f"{place}: {where or 'the config'}{value} is not accepted: {error['msg'].removeprefix('Value error, ')}."
    known = _known_keys(error["loc"][:-1])
    close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.3)
    hint = f"did you mean {close[0]!r}?" if close else f"the keys there are {', '.join(known)}."
    return f"{place}: the key {where!r} is unknown; {hint}"


def short(value: Any) -> str:
    """A value as a config would show it, or its beginning; one that holds itself is no trouble."""
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = 120
    return shortener.repr(value)


def _known_keys(location: Sequence[Any]) -> list[str]:
    section: Any = Config
    for part in location:
        if (recipe := marked(part)) is not None:
            section = recipe
            continue
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return list(TargetConfig.model_fields)
        if part not in section.model_fields:
            continue
        annotation = section.model_fields[part].annotation
        section = next((a for a in (annotation, *get_args(annotation)) if _is_section(a)), TargetConfig)
    return sorted(section.model_fields)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
