"""The config section `model.physics`: which simulator, in which version, solved how."""

from dataclasses import replace
from typing import Any, Literal

import jax
from jaxtyping import PRNGKeyArray
from pydantic import Field, field_validator, model_validator

from dgeo.errors import nearest
from dgeo.hybrid.solver_recipe import SolverRecipe
from dgeo.hybrid.strict import Depth, Narrow, Strict
from dgeo.models import Model, hbv, neural_ode, with_residuals, with_thresholds
from dgeo.models.hbv import DEFAULT
from dgeo.models.model import Variable
from dgeo.models.registry import MODELS, model_named
from dgeo.numerics import Thresholds

NEURAL_ODE = "neural_ode"
SCALES = {"precipitation": 5.0, "temperature": 10.0, "potential_evapotranspiration": 3.0, "day_length": 43200.0}


class NeuralODERecipe(Strict):
    """The network of a neural ODE: how many latent states it moves, what drives it, what it reads of a site."""

    states: Narrow = 5
    forcings: tuple[str, ...] = ("precipitation", "temperature", "potential_evapotranspiration")
    attributes: tuple[str, ...] = ()
    width: Narrow = 16
    depth: Depth = 2

    def build(self, statistics: dict[str, tuple[float, float]], key: PRNGKeyArray, **fields: Any) -> Model:
        """The neural ODE with fresh weights."""
        driven_by = {name: Variable("", name, SCALES.get(name, 1.0)) for name in self.forcings}
        attributes = {name: statistics.get(name, (0.0, 1.0)) for name in self.attributes}
        sizes = {"states": self.states, "width": self.width, "depth": self.depth}
        return neural_ode(driven_by, attributes, **sizes, key=key, **fields)


class PhysicsRecipe(Strict):
    """Which simulator.

    - `name`, `version`: of the model; `compatibility`: whose clamps HBV takes over;
    - `solver`: how a step is made, the model's own way by default;
    - `thresholds`: the share of its scale over which every threshold is rounded, 0 (hard) by default;
    - `residuals`: the stores to which a law of `model.laws`, in the slot `residual_<store>`, may add or take water;
    - `neural_ode`: the network that is all of the physics, under `name: neural_ode`.
    """

    name: str = "hbv"
    version: str | None = None
    compatibility: Literal["hydrodl2"] | None = None
    solver: SolverRecipe | None = None
    thresholds: float = Field(0.0, ge=0)
    residuals: tuple[str, ...] = ()
    neural_ode: NeuralODERecipe | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _as_text(cls, version: Any) -> Any:
        return str(version) if isinstance(version, float) else version  # YAML reads 2.0 as a number

    @model_validator(mode="after")
    def _exists(self) -> "PhysicsRecipe":
        known = (*MODELS, NEURAL_ODE)
        if self.name not in known:
            raise ValueError(f"there is no model {self.name!r}; {nearest(self.name, known)}")
        if self.compatibility is not None and self.name != "hbv":
            raise ValueError(f"compatibility is of hbv, and {self.name!r} has none; leave it out")
        if (self.neural_ode is not None) != (self.name == NEURAL_ODE):
            raise ValueError("the section neural_ode and `name: neural_ode` go together; give both or neither")
        self.build()
        return self

    def build(self, statistics: dict[str, tuple[float, float]] | None = None, key: PRNGKeyArray | None = None) -> Model:
        """The physics, with the textbook's laws."""
        model = self._model(statistics or {}, key)
        if self.residuals:
            model = with_residuals(model, self.residuals)
        return with_thresholds(model, Thresholds(self.thresholds)) if self.thresholds else model

    def _model(self, statistics: dict[str, tuple[float, float]], key: PRNGKeyArray | None) -> Model:
        solver = None if self.solver is None else self.solver.build()
        if self.neural_ode is not None:
            key = jax.random.key(0) if key is None else key  # a key starts jax, so not on import
            return self.neural_ode.build(statistics, key, **({} if solver is None else {"solver": solver}))
        if self.compatibility is None:
            return model_named(self.name, self.version, solver)
        clamped = hbv(self.version or DEFAULT, compatibility=self.compatibility)
        return clamped if solver is None else replace(clamped, solver=solver)
