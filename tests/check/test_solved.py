"""A solver that fails says so in a sentence; so does a model that forgets its budget."""

from typing import ClassVar

import diffrax
import jax.numpy as jnp
import pytest

from dgeo import check
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Budget, ContinuousModel, FixedParts, ImplicitEuler, Parameter, Variable
from dgeo.numerics import Bounds


class Reservoir(ContinuousModel):
    """S' = P − k·S."""

    forcings: ClassVar = {"rain": Variable("mm d-1", "rain")}
    states: ClassVar = {"storage": Variable("mm", "water")}
    fluxes: ClassVar = {"rain": Variable("mm d-1", "rain"), "runoff": Variable("mm d-1", "outflow")}
    all_parameters: ClassVar = {"k": Parameter("d-1", "recession coefficient", Bounds(0.0, 1e4), 1.0)}
    budget: ClassVar = Budget({"rain": (None, "storage"), "runoff": ("storage", None)})

    def initial_state(self):
        return {"storage": jnp.asarray(10.0)}

    def rates(self, state, forcing, parameters):
        return {"rain": forcing["rain"], "runoff": parameters["k"] * state["storage"]}


def run(solver):
    """Five days at two sites, of which the second empties a thousand times a day."""
    model, rain = Reservoir(solver=solver), {"rain": jnp.full((5, 2), 3.0)}
    parameters = Parameters({"k": jnp.asarray([0.1, 1000.0])}, {})
    outputs, _ = simulate(model, rain, parameters, outputs=("runoff", "solver_failure"))
    return model, outputs


def test_a_stiff_system_on_an_explicit_solver_is_named_with_its_remedy():
    """Explicit Euler is unstable for k·dt > 2, implicit Euler for none."""
    model, outputs = run(FixedParts(diffrax.Euler(), parts=2))
    assert jnp.all(jnp.isfinite(outputs["runoff"]))
    with pytest.raises(
        DgeoError, match=r"FixedParts of \w+ failed in \d+ steps at 1 of 2 sites, first at site b in step"
    ):
        check.require_solved(model, outputs, ("a", "b"))
    check.require_solved(*run(ImplicitEuler()))


def test_a_run_that_kept_no_failures_is_asked_to():
    model, outputs = run(ImplicitEuler())
    with pytest.raises(DgeoError, match="did not keep 'solver_failure'"):
        check.require_solved(model, {"runoff": outputs["runoff"]})


class Forgetful(ContinuousModel):
    """A store that nobody accounts for."""

    forcings: ClassVar = {}
    states: ClassVar = {}
    fluxes: ClassVar = {}
    all_parameters: ClassVar = {}

    def initial_state(self):
        return {}

    def rates(self, state, forcing, parameters):
        return {}


def test_a_model_without_a_budget_is_told_how_to_write_one():
    with pytest.raises(DgeoError, match=r"Forgetful has no budget: name where each flux comes from"):
        Forgetful()
