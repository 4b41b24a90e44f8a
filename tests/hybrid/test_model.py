import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.check import HybridLedger, hybrid_ledger
from dgeo.engine import Parameters, simulate
from dgeo.hybrid import Inputs
from tests.hybrid.cases import DAYS, KINDS, OUTPUTS, as_double, cut, hybrid, run, weather


def joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}


def assert_equal(found, expected):
    for name in OUTPUTS:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_cut_in_two_is_the_whole_bitwise(kind):
    """60 days at once and 25 + 35 from the carry: the same float32 operations in the same order."""
    model, inputs = hybrid(kind), weather()
    whole, end = run(model, inputs)
    first, carry = run(model, cut(inputs, 0, 25))
    second, last = run(model, cut(inputs, 25, DAYS), carry)
    assert_equal(joined([first, second]), whole)
    jax.tree.map(np.testing.assert_array_equal, last, end)


@pytest.mark.parametrize("kind", KINDS)
def test_day_by_day_is_the_batch(kind):
    """A step at a time, compiled otherwise. Rounding of 1e-7 in a flow of a few mm, over 60 days that forget."""
    model, inputs = hybrid(kind), weather()
    carry = model.initial_carry(inputs.sites)
    days = []
    for day in range(DAYS):
        today, carry = run(model, cut(inputs, day, day + 1), carry)
        days.append(today)
    streamed, whole = joined(days), run(model, inputs)[0]
    for name in OUTPUTS:
        np.testing.assert_allclose(streamed[name], whole[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_depends_on_the_future(kind):
    """Other forcings after day 40 leave every output of the first 40 days bitwise as it was, and change the others."""
    model, inputs = hybrid(kind), weather()
    other = {name: series.at[40:].add(1.5) for name, series in inputs.forcing.items()}
    before, after = run(model, inputs)[0], run(model, Inputs(other, inputs.attributes))[0]
    for name in OUTPUTS:
        np.testing.assert_array_equal(after[name][:40], before[name][:40])
    assert (np.asarray(after["streamflow"][-1]) != before["streamflow"][-1]).all()


def test_the_published_convention_does_depend_on_it():
    """Static parameters are those of the last step (documented), so warmth at the end is felt on the first day."""
    model, inputs = hybrid("lstm", dynamic={**KINDS["lstm"], "static_from_last_step": True}), weather()
    warm = inputs.forcing["temperature"].at[40:].add(9.0)
    changed = Inputs({**inputs.forcing, "temperature": warm}, inputs.attributes)
    assert (np.asarray(run(model, inputs)[0]["lower_zone"]) != run(model, changed)[0]["lower_zone"])[5:40].all()


@pytest.mark.parametrize("outputs", [("soil_moisture",), ("runoff",), ("streamflow",)])
def test_the_carry_does_not_depend_on_the_outputs_kept(outputs):
    """The channel remembers runoff whether or not anybody asked for streamflow."""
    model, inputs = hybrid(), weather()
    jax.tree.map(np.testing.assert_array_equal, run(model, inputs, outputs=outputs)[1], run(model, inputs)[1])


@pytest.mark.parametrize(
    ("kind", "dt"), [("static", 1.0), ("static", 1 / 24), ("lstm", 1.0), ("moving_average", 1 / 24)]
)
def test_mass_closes(kind, dt):
    """What fell is in a store, in the channel, or left. 1e-5 of the turnover is the project's bound in float32."""
    model, inputs = hybrid(kind), weather()
    before = model.initial_carry(inputs.sites, jnp.float32, dt)
    books = HybridLedger(model, cut(inputs, 0, 1), before, dt)
    outputs, after = run(model, inputs, None, books.outputs, dt)
    account = hybrid_ledger(model, inputs, before, after, outputs, dt)
    assert (account.relative_residual < 1e-5).all()
    rain = np.asarray(inputs.forcing["precipitation"], float).sum(0) * dt
    np.testing.assert_allclose(sum(account.inflows.values()), rain, rtol=1e-5)
    assert {"channel", "soil_moisture"} < set(account.changes)


def test_shorter_steps_converge():
    """Each day's mean forcing in 1, 8 and 24 steps. The scheme is of first order, so against 24 steps the totals of 8
    are (1/8 − 1/24)/(1 − 1/24) = 9 % as far off as those of 1. Thresholds bend that; a third leaves room for it, and a
    rate taken for an amount would not converge at all."""
    model, inputs = hybrid(), weather()

    def totals(steps):
        forcing = {name: jnp.repeat(series, steps, axis=0) for name, series in inputs.forcing.items()}
        outputs, _ = run(model, Inputs(forcing, inputs.attributes), dt=1 / steps)
        assert outputs["streamflow"].shape == (DAYS * steps, inputs.sites)
        return np.stack([np.asarray(outputs[name].sum(0)) / steps for name in ("streamflow", "evapotranspiration")])

    finest = totals(24)
    assert np.abs(totals(8) - finest).mean() < np.abs(totals(1) - finest).mean() / 3


@pytest.mark.x64
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_matches_finite_differences(kind):
    """A random direction through all weights at once, central differences in float64.

    At a step h = 1e-6 the differences are good to h² and 1e-16/h, 1e-9 of an output of order one; a sum of 60 days with
    kinks between them (thresholds of snow, rectifiers) is smooth at a random point. 1e-5 leaves a margin.
    """
    model, inputs = as_double(hybrid(kind)), as_double(weather())
    weights, rest = eqx.partition(model.parameters.sources, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(weights)
    random = np.random.default_rng(5)
    direction = jax.tree.unflatten(tree, [jnp.asarray(random.normal(size=leaf.shape)) for leaf in leaves])

    @jax.jit
    def loss(weights):
        sources = eqx.combine(weights, rest)
        learner = eqx.tree_at(lambda m: m.parameters.sources, model, sources)
        outputs, _ = learner(inputs, outputs=("streamflow", "soil_moisture"))
        return jnp.mean(outputs["streamflow"] ** 2) + jnp.mean(outputs["soil_moisture"]) / 100

    def along(step):
        return loss(jax.tree.map(lambda w, d: w + step * d, weights, direction))

    gradient = jax.jit(jax.grad(loss))(weights)
    slope = sum(jnp.vdot(g, d) for g, d in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True))
    np.testing.assert_allclose(slope, (along(1e-6) - along(-1e-6)) / 2e-6, rtol=1e-5)


def test_outputs_are_the_mean_over_components():
    """Two components in one model against each of them alone (the same network, with the other's columns left out)."""
    model, inputs = hybrid(routing_days=None), weather()
    parameters, weights, _ = model.parameters(inputs)
    single = []
    for component in range(2):
        values = {name: value[:, component : component + 1] for name, value in parameters.static.items()}
        outputs, _ = simulate(
            model.physics, inputs.forcing, Parameters(values, {}, components=True), outputs=("runoff",)
        )
        single.append(np.asarray(outputs["runoff"][..., 0]))
    np.testing.assert_array_equal(weights, np.full((inputs.sites, 2), 0.5, np.float32))
    np.testing.assert_allclose(run(model, inputs)[0]["streamflow"], np.mean(single, axis=0), rtol=1e-5, atol=1e-6)
