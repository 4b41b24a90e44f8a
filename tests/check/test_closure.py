"""The books of steps and events: accounts added up by hand, leaks that one page alone shows, and random simulators."""

import functools
import itertools
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.check import Closure, StepLedger, worst_of
from dgeo.check.cases import makers
from dgeo.check.closure import TOLERANCES, closure_of
from dgeo.check.coverage import coverage
from dgeo.check.precision import precision_of
from dgeo.check.steps import Worst
from dgeo.models import Budget

BUCKET = Budget({"rain": (None, "store"), "runoff": ("store", None)})
RAIN = np.array([[0.0], [10.0], [5.0], [0.0], [0.0], [20.0], [0.0]])
RUNOFF = np.array([[1.0], [2.0], [3.0], [2.0], [1.0], [4.0], [2.0]])
HELD = 100 + np.cumsum(RAIN - RUNOFF, axis=0)


def booked(held, chunks=(7,), budget=BUCKET):
    """The closure of the bucket's seven days, in chunks; the store held 100 mm before."""
    books = StepLedger(budget, {"store": np.array([100.0])})
    edges = np.cumsum([0, *chunks])
    for first, last in itertools.pairwise(edges):
        part = slice(first, last)
        books.add({"rain": RAIN[part], "runoff": RUNOFF[part], "store": held[part]})
    return books.closure


def test_books_that_add_up():
    """Three events: the dry first day, the rain of the second and third with its recession, that of the sixth."""
    assert booked(HELD) == booked(HELD, (2, 3, 2))
    assert booked(HELD).events == 3
    assert max(worst.relative_residual for worst in booked(HELD)[:3]) == 0


def test_a_leak_that_comes_back_is_seen_in_the_steps_alone():
    """1 mm is missing at the end of the third day and there again a day later: the run closes, and so does the event;
    the steps do not, the third by 1 of 107 + 5 mm, the fourth by 1 of the 108 that were left."""
    leaking = HELD.copy()
    leaking[2] -= 1
    closure = booked(leaking, (3, 4))
    np.testing.assert_allclose(closure.step.relative_residual, 1 / 108)
    assert closure.step.step == 3
    assert closure.event.relative_residual == closure.run.relative_residual == 0


def test_a_leak_between_events_is_seen_in_both():
    """2 mm from nothing on the sixth day: 2 of 106 + 20 mm of the third event, from the sixth day on; of the run,
    2 of 100 + 35."""
    leaking = HELD.copy()
    leaking[5:] += 2
    closure = booked(leaking)
    np.testing.assert_allclose(closure.event.relative_residual, 2 / (float(HELD[4, 0]) + 20))
    assert closure.event.step == 5
    np.testing.assert_allclose(closure.run.relative_residual, 2 / 135)


def test_the_worst_of_parts_keeps_its_place():
    """Sites count on from part to part, events add up."""
    parts = [Closure(Worst(1e-7, 3, 1), Worst(), Worst(), 4), Closure(Worst(2e-7, 5, 0), Worst(), Worst(), 2)]
    whole = worst_of(parts, [3, 2])
    assert (whole.step, whole.events) == (Worst(2e-7, 5, 3), 6)
    told = whole.to_json([f"day {i}" for i in range(9)], list("abcde"))
    assert told["steps"] == {"relative_residual": 2e-7, "basin": "d", "day": "day 5"}


CHECKED = ("hbv, floors of hydrodl2", "shm, networks in every slot", "hybrid: hbv, dynamic", "network: mc_lstm")
DAYS = 60


@functools.cache
def compiled(name):
    """Of draws of a case that differ in numbers alone."""
    with jax.enable_x64(True):
        return jax.jit(makers()[name](DAYS, np.random.default_rng(0)).run)


@pytest.mark.parametrize("name", CHECKED)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**31))
def test_books_close_for_any_parameters_laws_and_weather(name, seed):
    """Storms, droughts, days that hop over 0 °C, at 8 sites: each step, event and run, in single precision."""
    with jax.enable_x64(True):
        case = makers()[name](DAYS, np.random.default_rng(seed))
    with jax.enable_x64(False):
        inputs = case.in_precision(np.float32)
        closure = case.books(inputs, compiled(name)(inputs))
    assert max(worst.relative_residual for worst in closure.levels) <= TOLERANCES["float32"], closure


@pytest.mark.x64
def test_in_double_precision_they_close_to_rounding():
    name = "shm, networks in every slot"
    row = closure_of(name, makers()[name], ("float64", "auto"), DAYS, 2, 0)
    assert row.tolerance == TOLERANCES["float64"]
    assert row.passed, row


@pytest.mark.x64
def test_single_precision_is_double_precision_rounded():
    """A bucket, 60 days: outputs and derivatives agree to a thousand roundings, and differ, or nothing was compared."""
    row = precision_of("bucket power", makers()["bucket power"], DAYS, 0)
    assert 0 < row.outputs_median <= row.outputs_max < 1e-4
    assert 0 < row.gradients_median <= row.gradients_max < 1e-3


def test_the_table_of_every_model_and_every_check_is_that_of_the_code():
    """docs/trust.md has a line for each simulator that there is, with the figures of the committed results.

    `python benchmarks/trust.py` makes both anew.
    """
    root = Path(__file__).parents[2]
    table = coverage(root / "benchmarks" / "results" / "trust")
    assert table in (root / "docs" / "trust.md").read_text(encoding="utf-8")
    lines = {name: next(line for line in table.splitlines() if line.startswith(f"| {name} |")) for name in makers()}
    assert all(line.count("|") == 11 for line in lines.values())
    assert not [name for name, line in lines.items() if ", – |" in line], "no figures yet: run benchmarks/trust.py"


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")  # the line was made in double precision
def test_single_precision_keeps_what_hardly_moves():
    """A year's number of steps in which a cell gains less than its last digit: 365 steps lose at most some roundings of
    the flows, not half a digit of the store each, 365 × 6e-8 = 2e-5, as a stream that is solved for its state does."""
    row = closure_of("solute", makers()["solute"], ("float32", "auto"), 365, 3, 0)
    assert max(row.step, row.event, row.run) <= 2e-6
