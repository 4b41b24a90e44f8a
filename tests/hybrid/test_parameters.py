import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.errors import DgeoError
from dgeo.hybrid import FixedValues, Inputs, Layout, Learned, RecurrentNetwork, Table
from dgeo.models import hbv
from dgeo.numerics import trainable
from tests.hybrid.cases import COMPONENTS, KINDS, SITES, cut, hybrid, recipe, weather

SPECIFICATIONS = hbv().parameters


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2))
def test_layout_cuts_parameters_first_and_components_within(components, wide, narrow):
    """Column p·components + m is component m of parameter p; the columns of a site come last. Counting says which."""
    layout = Layout(components, tuple("abcde"[:wide]), tuple("xy"[:narrow]))
    columns = jnp.arange(layout.size)[None] + 100 * jnp.arange(2)[:, None]
    named = layout.split(columns.astype(jnp.float32))
    for p, name in enumerate(layout.per_component):
        np.testing.assert_array_equal(named[name][1], 100 + p * components + np.arange(components))
    for s, name in enumerate(layout.per_site):
        np.testing.assert_array_equal(named[name], [layout.size - narrow + s, 100 + layout.size - narrow + s])
    assert list(named) == [*layout.per_component, *layout.per_site]


def test_static_parameters_start_near_their_defaults():
    """Without spread, what is left is the last layer's random part: eight weights uniform in ±1/√8 (deviation 0.2)
    times hidden units of order 0.5, a departure in z of about 0.3; 1.5 is five of them, in a range of ±4.6."""
    model = hybrid(static={"width": 8, "depth": 1, "spread": 0.0})
    static, _, _ = model.parameters.sources[0](weather(), (), None)
    departures = []
    for name, z in static.items():
        specification = model.parameters.specifications[name]
        start = specification.bounds.to_unbounded(jnp.asarray(specification.default, jnp.float32))
        departures.append(np.abs(np.asarray(z) - np.asarray(start)).ravel())
    assert np.concatenate(departures).max() < 1.5
    assert np.concatenate(departures).mean() < 0.5


def test_spread_sets_components_apart():
    static, _, _ = hybrid(components=64).parameters.sources[0](weather(), (), None)
    spread = np.std(np.stack([np.asarray(z) for z in static.values() if z.ndim == 2]), axis=-1).mean()
    assert 0.8 < spread < 1.3


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_inside_their_bounds_and_weights_sum_to_one(kind):
    model, inputs = hybrid(kind, weights="learned"), weather()
    parameters, weights, _ = model.parameters(inputs)
    named = parameters.static | parameters.dynamic
    assert set(named) == set(model.parameters.specifications)
    assert set(parameters.dynamic) == (set() if kind == "static" else {"beta", "beta_et"})
    for name, value in named.items():
        bounds = model.parameters.specifications[name].bounds
        assert (np.asarray(value) >= bounds.low).all()
        assert (np.asarray(value) <= bounds.high).all()
    np.testing.assert_allclose(np.asarray(weights).sum(-1), 1, rtol=1e-6)
    assert weights.shape == (SITES, COMPONENTS)
    assert len(np.unique(weights)) > 1


def test_constants_are_exact_and_not_trained():
    """A number of the recipe arrives as it is, in every component, and leaves the network."""
    model, inputs = hybrid(fixed={"k2": 0.0625, "routing_scale": 1.5}), weather()
    static = model.parameters(inputs)[0].static
    np.testing.assert_array_equal(static["k2"], np.full((SITES, COMPONENTS), 0.0625, np.float32))
    np.testing.assert_array_equal(static["routing_scale"], np.full(SITES, 1.5, np.float32))
    assert "k2" not in model.parameters.sources[0].layout.per_component
    assert not any(jax.tree.leaves(trainable(model.parameters.fixed)))


def learned(**changes):
    """A table of every parameter for five training sites, and what else is asked for."""
    random = np.random.default_rng(0)
    table = Table({name: jnp.asarray(random.normal(size=(5, 2)), jnp.float32) for name in SPECIFICATIONS})
    return Learned(**{"sources": (table,), "specifications": SPECIFICATIONS, "components": 2, **changes})


def test_tables_give_the_rows_of_the_sites_at_hand():
    """bounds(z[index]) with the logistic function written out; fixed tables pass as they are."""
    fixed = FixedValues({"lp": jnp.asarray([0.3, 0.4, 0.5, 0.6, 0.7], jnp.float32)})
    parameters = learned(fixed=fixed)
    inputs = eqx.tree_at(lambda i: i.index, weather(), jnp.asarray([4, 0, 4]), is_leaf=lambda leaf: leaf is None)
    static = parameters(inputs)[0].static
    z = np.asarray(parameters.sources[0].values["k1"], float)[[4, 0, 4]]
    np.testing.assert_allclose(static["k1"], 0.01 + 0.49 / (1 + np.exp(-z)), rtol=1e-5)
    np.testing.assert_array_equal(static["lp"], np.asarray([[0.7] * 2, [0.3] * 2, [0.7] * 2], np.float32))
    assert all(jax.tree.leaves(trainable(parameters.sources)))


@pytest.mark.parametrize("changes", [{}, {"sources": (), "fixed": FixedValues({"lp": jnp.ones(5, jnp.float32)})}])
def test_a_table_of_other_sites_is_refused(changes):
    with pytest.raises(DgeoError, match="training sites only: give `index`"):
        learned(**changes)(weather())


def test_sources_add_up():
    """Two tables give the bounded sum of their z."""
    table = learned().sources[0]
    inputs = eqx.tree_at(lambda i: i.index, weather(), jnp.arange(3), is_leaf=lambda leaf: leaf is None)
    doubled = Learned((table, table), SPECIFICATIONS, 2)(inputs)[0].static["beta"]
    z = 2 * np.asarray(table.values["beta"], float)[:3]
    np.testing.assert_allclose(doubled, 1 + 5 / (1 + np.exp(-z)), rtol=1e-5)


class Departure(eqx.Module):
    """A dynamic source that moves every parameter by one at every step."""

    def initial_carry(self, sites):
        return ()

    def __call__(self, inputs, carry, key):
        return {}, dict.fromkeys(SPECIFICATIONS, jnp.ones((3, inputs.sites, 2), jnp.float32)), carry


def reverted(reversion, key, sites=400):
    """Which (parameter, time, site, component) fell back to the static value."""
    table = Table({name: jnp.zeros((sites, 2), jnp.float32) for name in SPECIFICATIONS})
    model = Learned((table, Departure()), SPECIFICATIONS, 2, reversion=reversion)
    inputs = eqx.tree_at(
        lambda i: i.index, weather(days=3, sites=sites), jnp.arange(sites), is_leaf=lambda leaf: leaf is None
    )
    dynamic = model(inputs, None, key)[0].dynamic
    still = {name: SPECIFICATIONS[name].bounds.from_unbounded(jnp.asarray(0.0, jnp.float32)) for name in dynamic}
    return np.stack([np.asarray(dynamic[name]) == np.asarray(still[name]) for name in dynamic])


def test_reversion_is_one_draw_for_each_parameter_and_site(key):
    """Steps and components share the draw; parameters and sites do not.

    Of 13·400 draws at p = 0.3 the share is 0.3 ± 0.0064; five deviations are 0.032. Two parameters that shared a draw
    would agree everywhere, independent ones in 58 % of the sites.
    """
    mask = reverted(0.3, key)
    np.testing.assert_array_equal(mask, np.broadcast_to(mask[:, :1, :, :1], mask.shape))
    drawn = mask[:, 0, :, 0]
    assert abs(drawn.mean() - 0.3) < 0.032
    assert (drawn[0] == drawn[1]).mean() < 0.75


def test_reversion_is_off_without_a_key_and_at_its_ends(key):
    assert not reverted(0.5, None, 5).any()
    assert not reverted(0.0, key, 5).any()
    assert reverted(1.0, key, 5).all()


def test_static_from_last_step_is_the_published_convention():
    """Every parameter from the network's last output, dynamic ones from each day's (Feng et al. 2022).

    The LSTM is run here by itself and its columns cut by hand: z_static = z[−1], z_dynamic = z[t]. The model forms the
    latter as z[−1] + (z[t] − z[−1]): one more rounding, 1e-6.
    """
    model, inputs = hybrid("lstm", dynamic={**KINDS["lstm"], "static_from_last_step": True}), weather(20)
    (source,) = model.parameters.sources
    assert isinstance(source, RecurrentNetwork)
    site = np.broadcast_to(np.asarray(source.attributes(inputs.attributes)), (20, SITES, 2))
    series = jnp.concatenate([source.forcings(inputs.forcing), jnp.asarray(site)], axis=-1)
    z = np.asarray(source.network(series, source.network.initial_carry(SITES))[0], float)
    found = model.parameters(inputs)[0]
    for place, name in enumerate(source.layout.per_component):
        bounds = model.parameters.specifications[name].bounds
        columns = bounds.low + (bounds.high - bounds.low) / (1 + np.exp(-z[..., 2 * place : 2 * place + 2]))
        expected = columns if name in ("beta", "beta_et") else columns[-1]
        np.testing.assert_allclose((found.static | found.dynamic)[name], expected, rtol=2e-6)


def test_dropout_is_one_mask_for_warmup_and_window(key):
    """The same key gives the same network before and after a cut, so warm-up and window see one model."""
    model, inputs = hybrid("lstm"), weather()
    whole = model.parameters(inputs, None, key)[0].dynamic["beta"]
    _, _, memory = model.parameters(cut(inputs, 0, 25), None, key)
    second = model.parameters(cut(inputs, 25, 60), memory, key)[0].dynamic["beta"]
    np.testing.assert_allclose(second, whole[25:], rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fixed": {"k22": 0.1}}, "no parameter 'k22': did you mean k2"),
        ({"dynamic": {"parameters": ("betta",)}}, "'betta': did you mean beta"),
        ({"dynamic": {"parameters": ("routing_scale",)}}, "unit hydrograph, which is static"),
        ({"dynamic": {"parameters": ("beta",)}, "fixed": {"beta": 2.0}}, "beta is both fixed and dynamic"),
        ({"attributes": ("ariditi",)}, "No statistics are known for 'ariditi': did you mean aridity"),
    ],
)
def test_a_recipe_that_cannot_be_built_says_why(changes, words):
    with pytest.raises(DgeoError, match=words):
        hybrid(**changes)


@pytest.mark.parametrize(
    ("dynamic", "words"),
    [
        ({"logarithmic": ("rain",)}, "'rain' is logarithmic but no forcing"),
        ({"static_from_last_step": True}, "convention of the lstm"),
    ],
)
def test_parts_of_a_recipe_must_fit_together(dynamic, words):
    with pytest.raises(ValueError, match=words):
        recipe(dynamic=dynamic)


def test_inputs_need_no_index():
    inputs = weather()
    assert isinstance(inputs, Inputs)
    assert inputs.index is None
    assert inputs.sites == SITES
