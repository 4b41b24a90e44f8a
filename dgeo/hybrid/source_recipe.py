"""Where parameters come from, in words: the config sections `model.static` and `model.dynamic`."""

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from dgeo.errors import nearest
from dgeo.hybrid.strict import Depth, Strict, Width
from dgeo.nn import Precision


class StaticRecipe(Strict):
    """Where static parameters come from: a network of attributes, or a table with numbers of each training basin's own.

    `spread` sets how far apart the components start, in z.
    """

    source: Literal["attributes", "table"] = "attributes"
    width: Width = 256
    depth: Depth = 2
    spread: float = Field(1.0, ge=0)


class DynamicRecipe(Strict):
    """The network from forcings to dynamic parameters, and which these are: by name, or all that the physics has.

    `precision` is that of the operands of the LSTM's products: `bfloat16` is what the matrix units of accelerators are
    fastest at.
    """

    parameters: tuple[str, ...] | Literal["all"] = ("beta", "beta_et")
    forcings: tuple[str, ...] = ("precipitation", "temperature", "potential_evapotranspiration")
    network: Literal["moving_average", "lstm"] = "moving_average"
    width: Width = 64
    memories: tuple[PositiveFloat, ...] = (1.0, 3.0, 10.0, 30.0, 90.0, 365.0)
    dropout: float = Field(0.5, ge=0, lt=1)
    reversion: float = Field(0.0, ge=0, le=1)
    logarithmic: tuple[str, ...] = ()
    static_from_last_step: bool = False
    precision: Precision = "float32"

    @model_validator(mode="after")
    def _fits_together(self) -> "DynamicRecipe":
        for name in self.logarithmic:
            if name not in self.forcings:
                raise ValueError(
                    f"{name!r} is logarithmic but no forcing of the network; {nearest(name, self.forcings)}"
                )
        if self.precision != "float32" and self.network != "lstm":
            raise ValueError("precision is that of the products of the lstm; set network: lstm, or take it off")
        if self.static_from_last_step and self.network != "lstm":
            raise ValueError("static_from_last_step is a convention of the lstm; set network: lstm")
        return self
