"""River networks: what holds in any of them, at any flow, whatever stands in their slots.

Uniform flow, flood waves, gradients and textbook numbers are rows of `dgeo check kernels`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.models import Formula, River, joined, reaches
from dgeo.physics import muskingum

REACHES, STEPS, HOUR = 6, 12, 3600.0


TREES = (  # all four deep, so that one compilation does
    (3, 3, 4, 4, 5, -1),
    (1, 2, 3, -1, -1, 3),
    (-1, 0, 1, 2, 1, 0),
)


@eqx.filter_jit
def march(model, lateral, parameters, start, dt):
    return simulate(model, {"lateral_inflow": lateral}, Parameters(parameters, {}), start, dt=dt)


def case(draws, largest_flow=3.0, dt=HOUR):
    """A run of the default river through a forest, sizes spread over decades: [time, 1, reach]."""
    random = np.random.default_rng(draws)
    down = TREES[draws % len(TREES)]
    length, slope = 10 ** random.uniform(1, 5, REACHES), 10 ** random.uniform(-6, -1, REACHES)
    model = River(reaches(down, length, slope))
    drawn = {name: random.uniform(0.01, 0.99, (1, REACHES)) for name in model.parameters}
    parameters = {name: model.parameters[name].bounds.from_fraction(jnp.asarray(x)) for name, x in drawn.items()}
    lateral = jnp.asarray(10 ** random.uniform(-6, largest_flow, (STEPS, 1, REACHES)))
    lateral = lateral * random.integers(0, 2, lateral.shape).astype(lateral.dtype)
    start = {"volume": jnp.asarray(10 ** random.uniform(-3, 7, (1, REACHES)))}
    return model, parameters, lateral, start, dt


@pytest.mark.x64
@given(st.integers(0, 10**9), st.sampled_from([60.0, HOUR, 30 * 24 * HOUR]))
def test_water_is_kept_and_never_negative(draws, dt):
    """In any forest, at Courant numbers from 1e-4 to 1e6: what came in left or is there, to rounding."""
    model, parameters, lateral, start, dt = case(draws, dt=dt)
    fluxes, end = march(model, lateral, parameters, start, dt)
    there = np.sum(start["volume"]) + dt * np.sum(fluxes["inflow"])
    left = np.sum(end["volume"]) + dt * np.sum(fluxes["outflow"])
    np.testing.assert_allclose(left, there, rtol=1e-12)
    assert all(np.min(x) >= -1e-9 * there / dt for x in (fluxes["discharge"], end["volume"]))


@pytest.mark.x64
@given(st.floats(-3, 8), st.floats(-6, 5), st.floats(-50, muskingum.HIGHEST), st.floats(0, 7), st.floats(1.0, 2.0))
def test_newton_finds_the_outflow(volume, inflow, weight, dt, exponent):
    """For ratings from linear to square, over eleven decades of volume and inflow, eight iterations do.

    Four, the default, do up to a power of 1.5, and leave one in 150 of such draws at 5/3, a wide channel: floods over
    dry beds in steps of weeks. The root is bracketed and Φ rises, so what counts is what remains of the equation,
    relative to its terms: 1e-4 in the worst corner. An outflow of 0 is right where the inflow's weight asks for less
    than none.
    """
    volume, inflow, dt = (jnp.asarray(10.0**x) for x in (volume, inflow, dt))
    x, power = jnp.asarray(weight), jnp.asarray(exponent)

    def rating(volume, power):
        return 1e-5 * (volume + 1e-9) ** power

    flow = muskingum.outflow(rating, power, volume, inflow, x, dt, iterations=8)
    held = rating(volume + dt * (inflow - flow), power)
    terms = abs(held) + abs(x * inflow) + abs((1 - x) * flow)
    assert flow == 0 or abs(x * inflow + (1 - x) * flow - held) <= 1e-4 * terms


@pytest.mark.x64
def test_side_by_side_is_one_by_one_in_any_order(key):
    """Two networks as one, and one of them with its reaches renumbered, route the same."""
    model, parameters, lateral, start, dt = case(int(jax.random.randint(key, (), 0, 10**6)))
    alone = march(model, lateral, parameters, start, dt)[0]["discharge"]
    order = np.arange(REACHES)[::-1]
    place = np.argsort(order)
    one = model.reaches
    down = np.where(one.outlets, -1, one.downstream)[order]
    turned = reaches(np.where(down < 0, -1, place[down]), one.length[order], one.slope[order])
    both = River(joined([one, turned]))

    def beside(x):
        return jnp.concatenate([x, x[..., order]], -1)

    run = march(both, beside(lateral), jax.tree.map(beside, parameters), jax.tree.map(beside, start), dt)
    np.testing.assert_allclose(run[0]["discharge"], beside(alone), rtol=1e-12)


def test_nothing_flows_where_nothing_is_and_no_more_is_taken_than_there_is():
    """Dry reaches stay dry; a withdrawal of 5 m³ s⁻¹ from 3 takes 3; a flood leaves a level channel all the same."""
    model = River(reaches([1, -1], [1000.0, 1000.0], [1e-3, 1e-6]))
    defaults = {name: jnp.full((1, 2), p.default) for name, p in model.parameters.items()}
    dry = {"volume": jnp.zeros((1, 2))}
    fluxes, end = march(model, jnp.zeros((STEPS, 1, 2)), defaults, dry, HOUR)
    assert all(np.all(np.asarray(x) == 0) for x in (*fluxes.values(), end["volume"]))
    lateral = jnp.broadcast_to(jnp.asarray([3.0, -5.0]), (STEPS, 1, 2))
    fluxes, end = march(model, lateral, defaults, dry, 100 * HOUR)
    np.testing.assert_allclose(fluxes["inflow"][-1, 0], [3.0, -3.0], rtol=1e-5)
    np.testing.assert_allclose(fluxes["discharge"][-1, 0], [3.0, 0.0], atol=1e-5)
    fluxes, _ = march(model, jnp.full((STEPS, 1, 2), 1e5), defaults, dry, 100 * HOUR)
    np.testing.assert_allclose(fluxes["discharge"][-1, 0], [1e5, 2e5], rtol=1e-4)


@pytest.mark.x64
def test_any_roughness_keeps_the_water():
    """Roughness that falls with depth, as vegetation bends: the flow differs, and the balance closes."""
    model, parameters, lateral, start, dt = case(1)
    bent = model.with_laws({"roughness": Formula(lambda manning_roughness, depth: manning_roughness / (1 + depth))})
    fluxes, end = march(bent, lateral, parameters, start, dt)
    plain, _ = march(model, lateral, parameters, start, dt)
    assert not np.allclose(fluxes["discharge"], plain["discharge"], rtol=1e-3)
    there = np.sum(start["volume"]) + dt * np.sum(fluxes["inflow"])
    np.testing.assert_allclose(np.sum(end["volume"]) + dt * np.sum(fluxes["outflow"]), there, rtol=1e-12)


@pytest.mark.parametrize(
    ("down", "length", "slope", "sentence"),
    [
        ([1, 2, 0], [1.0, 1.0, 1.0], [0.1, 0.1, 0.1], "flows back into itself"),
        ([0, -1], [1.0, 1.0], [0.1, 0.1], "Reach 0 flows back into itself"),
        ([5, -1], [1.0, 1.0], [0.1, 0.1], "Reach 0 flows into reach 5, which is not among the 2"),
        ([1, -1], [1.0, 1.0], [0.1, 0.0], "The slope of reach 1 is 0"),
        ([1, -1], [1.0, float("nan")], [0.1, 0.1], "The length of reach 1 is nan"),
        ([1, -1], [1.0], [0.1, 0.1], "There are 2 reaches and 1 values of length"),
    ],
)
def test_what_is_no_network_is_refused(down, length, slope, sentence):
    """A loop, an index out of range, a level bed, a missing length: said in one sentence."""
    with pytest.raises(DgeoError, match=sentence):
        reaches(down, length, slope)
