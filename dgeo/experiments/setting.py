"""On which basins and years a study runs: CAMELS-US, virtual basins, or a set of one's own from a YAML file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import xarray as xr
from pydantic import Field, ValidationError

from dgeo import data
from dgeo.data import Period
from dgeo.errors import DgeoError
from dgeo.hybrid.strict import Strict
from dgeo.hybrid.yaml_text import read_yaml
from dgeo.training import load_dataset
from dgeo.training.config import sentence
from dgeo.training.data_config import DataConfig

Budget = Literal["full", "laptop", "quick", "tiny"]
Size = Literal["full", "quick", "tiny"]
BUDGETS: tuple[Budget, ...] = ("full", "laptop", "quick", "tiny")
CAMELS_ATTRIBUTES = (
    "elev_mean", "slope_mean", "area_gages2", "frac_forest", "lai_max", "lai_diff", "gvf_max", "gvf_diff",
    "soil_depth_pelletier", "soil_depth_statsgo", "soil_porosity", "soil_conductivity", "max_water_content",
    "sand_frac", "silt_frac", "clay_frac", "carbonate_rocks_frac", "geol_permeability", "p_mean", "pet_mean",
    "p_seasonality", "aridity", "frac_snow", "high_prec_freq", "high_prec_dur", "low_prec_freq", "low_prec_dur",
)  # fmt: skip
VIRTUAL_ATTRIBUTES = (
    "elev_mean", "slope_mean", "p_mean", "pet_mean", "aridity", "frac_snow", "p_seasonality", "frac_forest",
    "soil_depth_statsgo", "sand_frac", "clay_frac", "soil_conductivity", "geol_permeability", "carbonate_rocks_frac",
)  # fmt: skip
VIRTUAL_SIZES: Mapping[Size, tuple[int, int]] = {"full": (150, 9), "quick": (60, 9), "tiny": (10, 7)}
EVERY = 6  # one in so many basins is in the quick subset; ids run by region
COMMON = "camels_us_daymet_569/531_basin_list.txt"


class Own(Strict):
    """A set of one's own: what a YAML file for `--data` holds.

    `forcings` are those that networks without physics read; `quick_basins` how many are used with `--budget quick`.
    """

    data: DataConfig
    attributes: tuple[str, ...] = Field(min_length=1)
    forcings: tuple[str, ...] = ("precipitation", "temperature", "potential_evapotranspiration")
    train: tuple[str, str]
    validation: tuple[str, str]
    test: tuple[str, str]
    quick_basins: int = Field(100, ge=2)


@dataclass(frozen=True)
class Setting:
    """The data of a study. `climate_recomputed` says whether climate attributes are those of the training years."""

    name: str
    budget: Budget
    data: DataConfig
    attributes: tuple[str, ...]
    forcings: tuple[str, ...] | None
    train: Period
    validation: Period
    test: Period
    climate_recomputed: bool = False

    @property
    def size(self) -> Size:
        """How large the grid is; that of a laptop is the full one, with smaller networks and fewer seeds."""
        return "full" if self.budget == "laptop" else self.budget

    @property
    def record(self) -> Period:
        """From the first day that is used to the last."""
        return min(self.train[0], self.test[0]), max(self.train[1], self.test[1])

    def warm(self, period: Period) -> Period:
        """A period without the years at the beginning of the record that fill the stores: two, or one of few."""
        first, last = (int(date[:4]) for date in self.record)
        begin = f"{first + (2 if last - first > 8 else 1)}{self.record[0][4:]}"
        return max(period[0], begin), period[1]

    @property
    def dataset(self) -> xr.Dataset:
        """The data as they are read, before any change of attributes."""
        return _read(self.data.model_dump_json())

    @property
    def basins(self) -> tuple[str, ...]:
        """All basins."""
        return tuple(str(basin) for basin in self.dataset["basin"].values)

    @property
    def regions(self) -> dict[str, str]:
        """The region of each basin; each is a region of its own where the data name none."""
        labels = self.dataset["region"].values if "region" in self.dataset.coords else self.basins
        return dict(zip(self.basins, (str(label) for label in labels), strict=True))

    def common(self) -> "Setting":
        """The basins that are also among the 531 of published tables; raises `DgeoError` where the list is missing."""
        path = data.existing(self.data.folder() / COMMON, "list of the 531 basins")
        listed = {line.strip().zfill(8) for line in path.read_text(encoding="utf-8").splitlines()}
        chosen = tuple(basin for basin in self.basins if basin in listed)
        return replace(self, data=self.data.model_copy(update={"basins": chosen}))


@cache
def _read(content: str) -> xr.Dataset:
    return load_dataset(DataConfig.model_validate(json.loads(content)))


def setting_named(name: str, budget: Budget, changes: Mapping[str, Any] | None = None) -> Setting:
    """The setting of a name, or of a YAML file; `changes` are those of the data's section.

    Raises `DgeoError` where there is no such setting, or its data are missing.
    """
    if name == "virtual":
        return _virtual(budget, changes or {})
    if name == "camels_us":
        whole = Setting(
            name,
            budget,
            DataConfig(source="camels_us", **(changes or {})),
            CAMELS_ATTRIBUTES,
            None,
            data.water_years(1981, 1995),
            data.water_years(1994, 1995),
            data.water_years(1996, 2010),
            True,
        )
        return whole if whole.size == "full" else _thinned(whole, len(whole.basins) // EVERY)
    return _own(Path(name), budget)


def _virtual(budget: Budget, changes: Mapping[str, Any]) -> Setting:
    count, years = VIRTUAL_SIZES["full" if budget == "laptop" else budget]
    given = {"source": "virtual", "count": count, "years": years, **changes}
    trained = years * 2 // 3
    return Setting(
        "virtual",
        budget,
        DataConfig.model_validate(given),
        VIRTUAL_ATTRIBUTES,
        ("precipitation", "temperature", "potential_evapotranspiration"),
        data.water_years(2001, 2000 + trained),
        data.water_years(2000 + trained, 2000 + trained),
        data.water_years(2001 + trained, 2000 + years),
    )


def _own(path: Path, budget: Budget) -> Setting:
    if path.suffix not in (".yaml", ".yml"):
        raise DgeoError(
            f"There are no data {str(path)!r}: give camels_us, virtual, or a YAML file (docs/experiments.md)."
        )
    try:
        own = Own.model_validate(read_yaml(path))
    except ValidationError as error:
        raise DgeoError(sentence(error.errors()[0], str(path))) from error
    periods = (own.train, own.validation, own.test)
    whole = Setting(path.stem, budget, own.data, own.attributes, own.forcings, *periods)
    return whole if whole.size == "full" else _thinned(whole, own.quick_basins)


def _thinned(setting: Setting, count: int) -> Setting:
    """Every so manieth basin, so that about `count` are left."""
    step = max(len(setting.basins) // count, 1)
    return replace(setting, data=setting.data.model_copy(update={"basins": setting.basins[::step]}))
