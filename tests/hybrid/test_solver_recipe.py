"""A solver in words: every method builds, and contradictions are refused."""

from typing import get_args

import diffrax
import pytest
from pydantic import ValidationError

from dgeo.hybrid.solver_recipe import Method, SolverRecipe
from dgeo.models import Adaptive, FixedParts, ImplicitEuler, OperatorSplit, Substeps


@pytest.mark.parametrize("method", get_args(Method))
def test_every_method_builds(method):
    solver = SolverRecipe(method=method).build()
    assert isinstance(solver, OperatorSplit | ImplicitEuler | FixedParts | Adaptive)


def test_keys_reach_the_solver():
    assert SolverRecipe(method="split", parts=1).build() == OperatorSplit()
    assert SolverRecipe(method="split", parts=4).build() == Substeps(OperatorSplit(), parts=4)
    newton = SolverRecipe(method="implicit_euler", parts=2, tolerance=1e-6, iterations=9)
    assert newton.build() == Substeps(ImplicitEuler(tolerance=1e-6, iterations=9), parts=2)
    assert SolverRecipe(method="heun", parts=7).build().parts == 7
    recipe = SolverRecipe(method="tsit5", adaptive=True, rtol=1e-5, atol=1e-7, max_parts=99, adjoint="direct")
    solver = recipe.build()
    assert (solver.controller.rtol, solver.controller.atol, solver.max_parts) == (1e-5, 1e-7, 99)
    assert isinstance(solver.adjoint, diffrax.DirectAdjoint)
    assert isinstance(SolverRecipe(method="kvaerno5").build(), Adaptive)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"method": "split", "adaptive": True}, "split has no estimate of its error"),
        ({"method": "euler", "adaptive": True}, "euler has no estimate of its error"),
        ({"method": "kvaerno3", "adaptive": False}, "kvaerno3 chooses its own parts"),
        ({"method": "tsit5", "adaptive": True, "parts": 3}, "take `parts` off"),
        ({"method": "kvaerno3", "parts": 3}, "take `parts` off"),
        ({"method": "tsit5", "rtol": 1e-3}, "rtol is for adaptive methods"),
        ({"method": "implicit_euler", "adjoint": "direct"}, "adjoint is for adaptive methods"),
        ({"method": "heun", "iterations": 3}, "iterations is for method: implicit_euler"),
        ({"method": "split", "tolerance": 1e-3}, "tolerance is for method: implicit_euler"),
        ({"method": "eulr"}, "Input should be"),
        ({"method": "heun", "parts": 0}, "greater than 0"),
    ],
)
def test_contradictions_are_refused(keys, words):
    with pytest.raises(ValidationError, match=words):
        SolverRecipe(**keys)
