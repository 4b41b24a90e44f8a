"""Black boxes by name, what they are asked and what they may give; and the one that comes along."""

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Parameter
from dgeo.numerics import Bounds
from dgeo.surrogate import DegreeDayBucket, named, numpy_bucket, register, run_batches, sample_parameters, sample_runs
from dgeo.surrogate.bucket import INTERFACE
from tests.surrogate.cases import RESERVOIR, black_box, reservoir, weather


def test_a_registered_black_box_is_found_by_its_name():
    parts = (RESERVOIR.parameters, RESERVOIR.forcings, RESERVOIR.outputs)
    register("one reservoir", reservoir, *parts)
    assert named("one reservoir").simulator is reservoir
    with pytest.raises(DgeoError, match=r"no black box 'one reservor': did you mean one reservoir\?.*register\("):
        named("one reservor")


def test_a_black_box_without_runoff_or_parameters_is_refused():
    with pytest.raises(DgeoError, match="'mute' gives no 'runoff'"):
        register("mute", reservoir, RESERVOIR.parameters, RESERVOIR.forcings, {})
    with pytest.raises(DgeoError, match="'stiff' has no parameters"):
        register("stiff", reservoir, {}, RESERVOIR.forcings, RESERVOIR.outputs)


def nan_at_high_recession(forcing, parameters):
    runoff = reservoir(forcing, parameters)["runoff"]
    runoff[7, parameters["recession"] > 0.45] = np.nan
    return {"runoff": runoff}


FAULTS = {
    "NaN": (nan_at_high_recession, r"'runoff' = nan in run 3, step 7, with recession = 0\.48; narrow"),
    "negative": (lambda f, p: {"runoff": -1 - reservoir(f, p)["runoff"]}, "in run 0, step 0, with recession"),
    "shape": (lambda f, p: {"runoff": np.zeros(3)}, r"'runoff' of shape \[3\] where forcings are \[120, 2\]"),
    "missing": (lambda f, p: {"run_off": f["precipitation"]}, r"no output 'runoff': did you mean run_off\?"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_black_box_does_wrong_is_one_sentence(name):
    """Run 3 alone has a recession above 0.45, and is the second of its batch: the number is that of the run."""
    simulator, words = FAULTS[name]
    values = {"recession": np.array([0.2, 0.3, 0.4, 0.48])}
    with pytest.raises(DgeoError, match=words):
        run_batches(black_box(simulator), weather(sites=4), values, batch=2)


def test_a_black_box_cannot_change_what_it_was_given():
    """A simulator that spoils its arguments leaves those of the caller as they were."""

    def spoils(forcing, parameters):
        found = reservoir(forcing, parameters)
        forcing["precipitation"][:] = 0
        parameters["recession"][:] = 0
        return found

    given, values = weather(sites=2), {"recession": np.array([0.2, 0.3])}
    before = {name: value.copy() for name, value in given.items()}
    black_box(spoils)(given, values)
    np.testing.assert_array_equal(given["precipitation"], before["precipitation"])
    np.testing.assert_array_equal(values["recession"], [0.2, 0.3])


def test_parameters_fill_their_bounds():
    """A Latin hypercube: of n equal parts of each interval, on its own scale, every one holds one point."""
    specifications = {"a": Parameter("1", "", Bounds(-2.0, 3.0), 0.0)}
    specifications["b"] = Parameter("1", "", Bounds(0.01, 10.0, "logarithmic"), 1.0)
    found = sample_parameters(specifications, 40, np.random.default_rng(0))
    parts = (found["a"] + 2) / 5, np.log(found["b"] / 0.01) / np.log(1000)
    for places in parts:
        np.testing.assert_array_equal(np.sort(np.floor(40 * places).astype(int)), np.arange(40))


def test_runs_do_not_depend_on_batches_or_threads():
    """The same seed gives the same runs, bitwise, in one call, in many, and in two threads; another seed others."""
    rows = []
    whole = sample_runs(black_box(), weather(), 10, 50, 3, batch=10)
    parts = sample_runs(black_box(), weather(), 10, 50, 3, batch=4, watch=rows.append)
    with ThreadPoolExecutor(2) as pool:
        threads = sample_runs(black_box(), weather(), 10, 50, 3, batch=3, mapper=pool.map)
    for other in (parts, threads):
        np.testing.assert_array_equal(whole.outputs["runoff"], other.outputs["runoff"])
        np.testing.assert_array_equal(whole.parameters["recession"], other.parameters["recession"])
    assert [(row["step"], row["steps"]) for row in rows] == [(4, 10), (8, 10), (10, 10)]
    assert not np.array_equal(sample_runs(black_box(), weather(), 10, 50, 4).basin, whole.basin)


def test_runs_longer_than_the_record_are_refused():
    with pytest.raises(DgeoError, match="Runs of 121 days do not fit into a record of 120"):
        sample_runs(black_box(), weather(), 2, 121)


def bucket_parameters(sites: int) -> dict[str, np.ndarray]:
    """Within the bounds, and of the capacity at which both buckets start from the same soil water."""
    found = sample_parameters(INTERFACE.parameters, sites, np.random.default_rng(1))
    return {**found, "capacity": np.full(sites, 275.0)}


def simulated(parameters, forcing, outputs):
    arrays = {name: jnp.asarray(value) for name, value in forcing.items()}
    return simulate(DegreeDayBucket(), arrays, Parameters(parameters, {}), outputs=outputs)[0]


@pytest.mark.x64
def test_the_bucket_in_numbers_is_the_bucket_in_jax():
    """Two implementations of one set of equations, 400 days in double precision: rounding only, 1e-9 of the size."""
    forcing, parameters = weather(400), bucket_parameters(6)
    expected = numpy_bucket(forcing, parameters)
    found = simulated({n: jnp.asarray(v) for n, v in parameters.items()}, forcing, ("runoff", "evapotranspiration"))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-9)


@pytest.mark.x64
def test_the_gradient_of_the_bucket_in_jax_is_the_slope_of_the_one_in_numbers():
    """Central differences of the black box with h = 1e-6 of a parameter's size: their error is of order h² ≈ 1e-12 of
    the third derivative and 1e-16/h ≈ 1e-10 of rounding, so 1e-5 leaves room where a threshold is near."""
    forcing, parameters = weather(200, 3), bucket_parameters(3)

    def total(values):
        return jnp.sum(simulated(values, forcing, ("runoff",))["runoff"])

    slope = jax.grad(total)({name: jnp.asarray(value) for name, value in parameters.items()})
    for name in ("degree_day_factor", "shape", "quick_share", "recession"):
        h = 1e-6 * parameters[name]
        up, down = (numpy_bucket(forcing, {**parameters, name: parameters[name] + s * h}) for s in (1, -1))
        expected = (up["runoff"] - down["runoff"]).sum(0) / (2 * h)
        np.testing.assert_allclose(slope[name], expected, rtol=1e-5, atol=1e-5)
