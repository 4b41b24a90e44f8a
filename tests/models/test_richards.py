"""What a column of soil keeps to whatever its soil and its weather; `dgeo check kernels` holds its numbers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid.laws import network_law, network_laws
from dgeo.models import Formula, Layers, Roots, richards
from dgeo.physics import root_uptake, soil_hydraulics

LAYERS, STEPS = 6, 4
COLUMN = richards(
    Layers(jnp.array([0.02, 0.05, 0.1, 0.1, 0.2, 0.5])), roots=Roots(jnp.array([0.1, 0.3, 0.3, 0.2, 0.1, 0.0]))
)


@eqx.filter_jit
def march(model, forcing, parameters, state, dt):
    """All fluxes and the failures, and the last state."""
    outputs = (*model.fluxes, "solver_failure")
    return simulate(model, forcing, Parameters(parameters, {}), state, dt=dt, outputs=outputs)


def soil(model, sites=1, **given):
    """Default parameters of the model, and those given."""
    known = {name: parameter.default for name, parameter in model.parameters.items()} | given
    return {name: jnp.broadcast_to(jnp.asarray(float(x)), (sites,)) for name, x in known.items()}


def at_head(model, parameters, head):
    """Every layer of every site at one head."""
    sites = next(iter(parameters.values())).size
    return jax.vmap(model.at_head)(jnp.full((sites, model.layers.thickness.size), float(head)), parameters)


def weather(model, steps=STEPS, sites=1, **given):
    """Constant forcings, 0 where none is given."""
    return {name: jnp.full((steps, sites), float(given.get(name, 0.0))) for name in model.forcings}


@settings(max_examples=20)
@given(
    share=st.fixed_dictionaries({name: st.floats(0, 1) for name in ("alpha", "n", "saturated_conductivity")}),
    head=st.sampled_from([-1e6, -150.0, -1.0, -1e-3, 0.0, 0.5]),
    rain=st.sampled_from([0.0, 1e-3, 0.1, 1.0]),
    thirst=st.sampled_from([0.0, 0.01]),
    dt=st.sampled_from([1 / 24, 1.0]),
)
def test_water_is_kept_and_nothing_is_nan(share, head, rain, thirst, dt):
    """Bone-dry to flooded, drizzle to a metre a day, in steps of an hour or a day, for any soil within its bounds.

    In float32, to 1e-5 of what was there and came in; where the iteration fails it says so and nothing moves.
    """
    chosen = {name: COLUMN.parameters[name].bounds.from_fraction(jnp.asarray(x)) for name, x in share.items()}
    forcing = weather(COLUMN, precipitation=rain, potential_transpiration=thirst)
    everything = (COLUMN, forcing, soil(COLUMN, **chosen))
    column, forcing, parameters = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), everything)
    before = jax.vmap(column.at_head)(jnp.full((1, LAYERS), head, jnp.float32), parameters)
    fluxes, after = march(column, forcing, parameters, before, dt)
    for x in jax.tree.leaves((fluxes, after)):
        assert np.all(np.isfinite(x))
    books = ledger(column, before, after, fluxes, dt)
    assert np.max(books.relative_residual) <= 1e-5
    moved = np.asarray(fluxes["solver_failure"][:, 0]) == 0
    saturated = parameters["saturated_water"] * column.layers.thickness * (1 + 1e-2)
    assert np.all(after["soil_water"][0] <= saturated)
    assert np.all(after["ponded_water"] >= -1e-7)
    assert np.all(fluxes["runoff"] >= 0)
    np.testing.assert_allclose(fluxes["precipitation"][moved, 0], rain, rtol=1e-6)


def test_a_saturated_column_drains_at_its_conductivity():
    """Under a full surface every layer of a saturated uniform column passes Ks, as no head differs: q = Ks·(1 + 0).

    A tenth of a metre a day more than Ks is rained on it, and runs off but for the pressure of 5 mm of water, whose
    part of the flow is 0.005 m over half of the first layer, of 1 cm: within the head that builds up below.
    """
    column = richards(Layers.even(1.0, LAYERS), bottom="free drainage")
    parameters = soil(column, saturated_conductivity=0.2, largest_ponding=0.0)
    fluxes, after = march(column, weather(column, precipitation=0.3), parameters, at_head(column, parameters, 0.0), 1.0)
    np.testing.assert_allclose(fluxes["drainage"], 0.2, rtol=1e-6)
    np.testing.assert_allclose(fluxes["runoff"], 0.1, rtol=1e-5)
    np.testing.assert_allclose(after["pressure_head"], 0.0, atol=1e-6)


def test_above_a_water_table_at_rest_nothing_moves():
    """ψ = −z at the centres of closed-topped layers above ψ = 0 is hydrostatic: q = K·(1 + dψ/dz) = 0."""
    column = richards(COLUMN.layers, top="flux", bottom="head")
    parameters = soil(column)
    heads = column.layers.centre[None] - jnp.sum(column.layers.thickness)
    before = jax.vmap(column.at_head)(heads, parameters)
    fluxes, after = march(column, weather(column), parameters, before, 10.0)
    np.testing.assert_allclose(fluxes["drainage"], 0.0, atol=1e-7)
    np.testing.assert_allclose(after["pressure_head"], heads, atol=1e-4)


def test_a_closed_column_fills_from_below_and_then_ponds():
    """A closed saturated column takes up nothing; what rains on it stands on it and runs off above 5 cm."""
    column = richards(COLUMN.layers, bottom="closed")
    parameters = soil(column, largest_ponding=0.05)
    before = jax.vmap(column.at_head)(column.layers.centre[None], parameters)  # hydrostatic below a full surface
    fluxes, after = march(column, weather(column, precipitation=0.02), parameters, before, 1.0)
    np.testing.assert_allclose(after["ponded_water"], 0.05, atol=2e-4)
    np.testing.assert_allclose(jnp.sum(fluxes["runoff"]), 0.03, atol=5e-4)
    assert np.all(fluxes["drainage"] == 0)


def test_sites_are_independent():
    """Three soils at once are each of them alone; iterations that a neighbour needs change nothing but rounding."""
    random = np.random.default_rng(3)
    parameters = soil(COLUMN, 3) | {"saturated_conductivity": jnp.asarray(random.uniform(0.05, 2.0, 3))}
    forcing = weather(COLUMN, sites=3, precipitation=0.05, potential_transpiration=0.004)
    before = at_head(COLUMN, parameters, -1.0)
    together, _ = march(COLUMN, forcing, parameters, before, 0.25)
    for i in range(3):
        part = jax.tree.map(lambda x, i=i: x[i : i + 1], (parameters, before))
        alone, _ = march(COLUMN, jax.tree.map(lambda x: x[:, :1], forcing), *part, 0.25)
        for name, series in alone.items():
            np.testing.assert_allclose(together[name][:, i], series[:, 0], rtol=1e-4, atol=1e-6)


def test_a_network_for_conductivity_conserves_water(key):
    """A monotone network of effective saturation in the place of Mualem's formula, with a gradient for its weights."""
    read = ("effective_saturation",)
    law = network_law(COLUMN, "conductivity", read, increasing=read, width=4, depth=1, key=key)
    column = COLUMN.with_laws({"conductivity": law})
    assert "alpha" in column.parameters  # the retention still reads it
    parameters = soil(column)
    before = at_head(column, parameters, -1.0)
    forcing = weather(column, precipitation=0.05, potential_transpiration=0.004)

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def drained(model):
        fluxes, after = simulate(model, forcing, Parameters(parameters, {}), before, dt=0.25)
        return jnp.sum(after["soil_water"][:, -1]), (fluxes, after)

    (_, (fluxes, after)), slope = drained(column)
    assert np.max(ledger(column, before, after, fluxes, 0.25).relative_residual) <= 1e-5
    assert all(np.all(np.isfinite(x)) and np.any(x != 0) for x in jax.tree.leaves(eqx.filter(slope.laws, eqx.is_array)))


def test_one_network_for_conductivity_and_uptake_conserves_water(key):
    """A network of head and rain for both slots, layer by layer, at the start of the step; some weights move both."""
    slots, read = ("conductivity", "uptake"), ("pressure_head", "precipitation")
    column = COLUMN.with_laws(*network_laws(COLUMN, slots, read, width=4, depth=1, key=key))
    parameters = soil(column, 2)
    before = at_head(column, parameters, -1.0)
    forcing = weather(column, sites=2, precipitation=0.05, potential_transpiration=0.004)

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def drained(model):
        fluxes, after = simulate(model, forcing, Parameters(parameters, {}), before, dt=0.25)
        return jnp.sum(fluxes["drainage"]), (fluxes, after)

    (_, (fluxes, after)), slope = drained(column)
    assert np.max(ledger(column, before, after, fluxes, 0.25).relative_residual) <= 1e-5
    assert np.all(np.sum(fluxes["transpiration"], axis=-1) > 0)
    assert all(
        np.any(x != 0) and np.all(np.isfinite(x)) for x in jax.tree.leaves(eqx.filter(slope.joint, eqx.is_array))
    )


def test_laws_are_continuous_and_fall_with_suction():
    """1, or Ks, from saturation up; never rising with suction; finite and non-negative to 1e6 m."""
    suction = jnp.concatenate([jnp.zeros(1), jnp.logspace(-6, 6, 200)])
    for law, rest in (
        (soil_hydraulics.van_genuchten_saturation, (3.6, 1.3)),
        (soil_hydraulics.brooks_corey_saturation, (-0.2, 0.3)),
        (soil_hydraulics.haverkamp_saturation, (1.0, 4.0)),
        (soil_hydraulics.gardner_saturation, (2.0,)),
        (soil_hydraulics.conductivity_with_entry, (3.6, 1.3, 1.0)),
        (soil_hydraulics.brooks_corey_conductivity, (-0.2, 0.3, 1.0)),
        (soil_hydraulics.haverkamp_conductivity, (1.0, 5.0, 1.0)),
        (soil_hydraulics.gardner_conductivity, (2.0, 1.0)),
        (root_uptake.s_shaped, (-8.0,)),
    ):
        here = jax.value_and_grad(lambda s, law=law, rest=rest: law(-s, *map(jnp.asarray, rest)))
        value, slope = jax.jit(jax.vmap(here))(suction)
        assert value[0] == 1
        assert np.all(np.diff(value) <= 1e-6)
        assert np.all(value >= 0)
        assert np.all(np.isfinite(slope))


def test_roots_drown_and_wilt():
    """Feddes' trapezium: nothing without air, all in between, half way to wilting half, nothing beyond."""
    heads = jnp.array([0.0, -0.1, -1.0, -82.5, -160.0, -1e5])
    np.testing.assert_allclose(jax.vmap(root_uptake.feddes)(heads), [0, 0, 1, 0.5, 0, 0], atol=1e-6)


def test_mualem_by_saturation_is_mualem_by_head():
    """The two forms of one relation, each through its own algebra."""
    alpha, n, conductivity = jnp.asarray(3.6), jnp.asarray(1.56), jnp.asarray(0.25)
    for head in (-0.05, -0.5, -5.0):
        saturation = soil_hydraulics.van_genuchten_saturation(jnp.asarray(head), alpha, n)
        by_head = soil_hydraulics.van_genuchten_conductivity(jnp.asarray(head), alpha, n, conductivity)
        by_saturation = soil_hydraulics.mualem_conductivity(saturation, n, conductivity)
        np.testing.assert_allclose(by_saturation, by_head, rtol=2e-3)


def test_what_cannot_be_is_refused():
    """Each with one sentence that says what to change."""
    with pytest.raises(DgeoError, match=r"Layer 1 of the column is 0\.0 m thick"):
        Layers(jnp.array([0.1, 0.0]))
    with pytest.raises(DgeoError, match="has no bottom 'drainage'"):
        richards(COLUMN.layers, bottom="drainage")
    with pytest.raises(DgeoError, match="for 2 layers and the column has 6"):
        richards(COLUMN.layers, roots=Roots(jnp.ones(2)))
    with pytest.raises(DgeoError, match="no law 'retention'"):
        richards(COLUMN.layers, retention=Formula(soil_hydraulics.gardner_saturation))
    wrong, before = Parameters(soil(COLUMN, saturated_conductivity=-0.1), {}), at_head(COLUMN, soil(COLUMN), -1.0)
    with pytest.raises(DgeoError, match=r"'saturated_conductivity' of Richards is -0\.1 m d-1 at \[0\]"):
        simulate(COLUMN, weather(COLUMN), wrong, before)
