"""The leaf in any weather; its verification against closed forms is `dgeo/check/kernels/leaf.py`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid import network_law
from dgeo.models import Formula, with_thresholds
from dgeo.models.leaf import Leaf, leaf
from dgeo.numerics import Thresholds
from dgeo.physics.arrhenius import peaked
from dgeo.physics.stomata import ball_berry

PLACE = {"photon_flux": 1500.0, "leaf_temperature": 25.0, "vapour_pressure_deficit": 1.0, "carbon_dioxide": 400.0}
march = eqx.filter_jit(simulate)


def parameters(model: Leaf, sites: int = 1, **changed: float):
    numbers = {name: p.default for name, p in model.all_parameters.items()} | changed
    return Parameters({name: jnp.full(sites, numbers[name], jnp.float32) for name in model.parameters}, {})


def weather(**changed):
    return {name: jnp.full((1, 1), number, jnp.float32) for name, number in (PLACE | changed).items()}


def network(key):
    model = leaf()
    reads = ("net_assimilation", "vapour_pressure_deficit", "residual_conductance")
    with jax.enable_x64(False):
        return model.with_laws({"stomatal_conductance": network_law(model, "stomatal_conductance", reads, key=key)})


MODELS = {
    "C3, network": network(jax.random.key(1)),
    "C4, Ball–Berry": leaf("C4", stomatal_conductance=Formula(ball_berry)),
}
HARSH = {
    "photon_flux": (0.0, 2500.0),
    "leaf_temperature": (-60.0, 60.0),
    "vapour_pressure_deficit": (0.0, 12.0),
    "carbon_dioxide": (1 / 1024, 1e5),
}
conditions = st.fixed_dictionaries({name: st.floats(*ends, width=32) for name, ends in HARSH.items()})


@pytest.mark.parametrize("name", MODELS)
def test_what_enters_is_what_is_fixed_in_any_weather(name):
    """A = gs/1.6·(Ca − Ci) whatever the law, in the dark, in frost and in air without CO2 or full of it; gradients are
    finite. Ci is known to four roundings of the CO2 outside or, in the dark, inside: 1e-5 of the flow from each side.
    """
    model = MODELS[name]

    @jax.jit
    def run(forcing):
        def total(forcing):
            found, _ = simulate(model, forcing, parameters(model, 1, residual_conductance=0.0))
            return jnp.sum(found["net_assimilation"]), found

        return jax.grad(total, has_aux=True)(forcing)

    @given(conditions)
    def holds(place):
        slopes, found = run(weather(**place))
        inside, net, conductance = (
            float(np.squeeze(found[k])) for k in ("intercellular_co2", "net_assimilation", "stomatal_conductance")
        )
        outside = place["carbon_dioxide"]
        entered = conductance / 1.6 * (outside - inside)
        scale = conductance / 1.6 * (outside + inside) + abs(net) + 1
        assert abs(entered - net) <= 1e-5 * scale
        assert inside >= 0
        assert all(np.all(np.isfinite(slope)) for slope in slopes.values())

    holds()


def test_leaves_side_by_side_are_leaves_one_by_one(key):
    """All moments of all leaves at once are each moment of each leaf; float32, to the roundings of a root."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    forcing = {
        name: jnp.asarray(number * random.uniform(0.3, 1.5, (3, 2)), jnp.float32) for name, number in PLACE.items()
    }
    numbers = parameters(leaf(), 2)
    together, state = march(leaf(), forcing, numbers)
    assert state == {}
    step = eqx.filter_jit(leaf().step)
    for t, site in np.ndindex(3, 2):
        now, own = jax.tree.map(np.asarray, ({k: x[t, site] for k, x in forcing.items()},
                                             {k: x[site] for k, x in numbers.static.items()}))  # fmt: skip
        for flux, alone in step({}, now, own, np.float32(1.0))[1].items():
            np.testing.assert_allclose(together[flux][t, site], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.x64
def test_rounding_the_lesser_of_two_limits_biases_downwards():
    """At 259.0152, where both limits are equal, a width w takes w/(1 + w) of the gross rate, and less elsewhere."""
    hard, soft = leaf(), with_thresholds(leaf(), Thresholds(0.1))
    place = {name: jnp.asarray(x) for name, x in PLACE.items()}
    numbers = {name: jnp.asarray(p.default) for name, p in hard.parameters.items()}
    numbers |= {"carboxylation_25": jnp.asarray(100.0), "electron_transport_25": jnp.asarray(170.0)}
    carbon = jnp.asarray([100.0, 259.0152, 800.0])
    gross = [
        jax.jit(jax.vmap(lambda c, m=model: m.response_to_co2(c, place, numbers)))(carbon) + numbers["respiration_25"]
        for model in (hard, soft)
    ]
    share = gross[1] / gross[0]
    np.testing.assert_allclose(share[1], 1 / 1.1, rtol=1e-6)
    assert np.all((share < 1) & (share >= 1 / 1.1 - 1e-9))


@pytest.mark.x64
def test_heat_closes_photosynthesis_where_the_response_is_peaked():
    """At 60 °C an enzyme with a peaked response has lost its shape, and one without has not."""
    response = Formula(
        peaked, ("leaf_temperature",), options=(("activation", 65330.0), ("deactivation", 2e5), ("entropy", 650.0))
    )
    cool, hot = ({"leaf_temperature": jnp.asarray(t)} for t in (25.0, 60.0))
    np.testing.assert_allclose(response(cool), 1.0, rtol=1e-12)
    assert response(hot) < 0.5
    assert leaf().present_laws["carboxylation_response"](hot) > 10


def test_a_pathway_that_there_is_not():
    """One sentence, with what there is."""
    with pytest.raises(DgeoError, match="no pathway 'CAM'"):
        leaf("CAM")
