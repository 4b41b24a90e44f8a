"""The config section `data`: where the data of a run come from."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from dgeo.errors import DgeoError
from dgeo.hybrid.strict import Seed, Strict
from dgeo.virtual.physics import true_physics


class DataConfig(Strict):
    """Where the data come from.

    - `camels_us`: the prepared NetCDF under `root`;  `camels_us_text`: the official text layout;
    - `netcdf`: any file with named dimensions (`file`; `rename` and `units` where it does not say them itself);
    - `zarr`: a store of `dgeo.data.write_store` (`file`), which may be larger than memory; potential evapotranspiration
      and day length are those in it;
    - `virtual`: generated basins (`count`, `years`, `noise`, `gaps`, `seed`), with `products` faulty versions of their
      forcings, precipitation_a, temperature_a and so on. Their truth is the model `physics`, with a law that no
      textbook has in each of the slots `hidden` (`dgeo.virtual.basins` has the defaults). `also_observed` gives hidden
      variables that are observed too, with the share of their days that is missing.

    `climate_years` (first day, last day) computes the climate attributes anew over a period, such as the training's;
    `random_attributes` (a seed) replaces all attributes by noise, as a control.

    `attributes` and `quality` are the folder of the attribute tables and the flags that count as observed, for the text
    layout.
    """

    source: Literal["camels_us", "camels_us_text", "netcdf", "zarr", "virtual"] = "camels_us"
    root: Path | None = None
    file: Path | None = None
    product: Literal["daymet", "maurer", "maurer_extended", "nldas", "nldas_extended"] = "daymet"
    rename: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    attributes: Path | None = None
    quality: tuple[str, ...] = ("A", "A:e")
    basins: tuple[str, ...] | None = None
    potential_evapotranspiration: Literal["given", "hargreaves", "oudin", "priestley_taylor"] = "hargreaves"
    count: int = Field(150, gt=0, le=1_000_000)
    years: int = Field(9, gt=0, le=200)
    noise: float = Field(0.2, ge=0)
    gaps: float = Field(0.0, ge=0, lt=1)
    products: int = Field(0, ge=0, le=100)
    seed: Seed = 0
    physics: str = "hbv"
    hidden: tuple[str, ...] | None = None
    also_observed: dict[str, float] = Field(default_factory=dict)
    climate_years: tuple[str, str] | None = None
    random_attributes: Seed | None = None

    @model_validator(mode="after")
    def _truth(self) -> "DataConfig":
        if self.source == "virtual":
            true_physics(self.physics, self.hidden)
        elif self.also_observed:
            raise ValueError("`also_observed` needs a known truth: set source: virtual, or take it off")
        if self.streamed and (self.climate_years or self.random_attributes is not None):
            raise ValueError("the attributes of a store are those in it: take off climate_years and random_attributes")
        return self

    @property
    def streamed(self) -> bool:
        """Whether series stay in a store, of which only what is needed next is read."""
        return self.source == "zarr"

    def known_root(self) -> Path | None:
        """The data root: the config's, else that of the environment variable DGEO_DATA."""
        return self.root or (Path(os.environ["DGEO_DATA"]) if "DGEO_DATA" in os.environ else None)

    def folder(self) -> Path:
        """The data root; raises `DgeoError` where there is none."""
        root = self.known_root()
        if root is None:
            raise DgeoError(
                "No data root is known: set `data.root` in the config or the environment variable DGEO_DATA."
            )
        try:
            there = root.is_dir()
        except (OSError, ValueError):
            there = False
        if not there:
            raise DgeoError(
                f"The data root {root} is no folder; set `data.root` or DGEO_DATA to the folder of your data."
            )
        return root
