"""Networks in slots: limits, monotony and zeros hold for any weights, the ledger closes, wrong use is answered."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.check import ledger
from dgeo.engine import initial_state, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid.law_inputs import scaling_of
from dgeo.hybrid.law_recipe import LawRecipe, fill
from dgeo.hybrid.laws import NetworkLaw, network_law, network_laws
from dgeo.models import PerSite, hbv
from dgeo.nn import mlp
from dgeo.numerics import trainable
from tests.hybrid.law_cases import SITES, STATISTICS, forcing, parameters, single

INPUTS = ("soil_moisture", "potential_evapotranspiration", "temperature", "field_capacity", "frac_forest")


def wild(law, key, size=5.0):
    """The law with weights that no training would give."""
    weights, rest = eqx.partition(law, trainable(law))
    leaves, structure = jax.tree.flatten(weights)
    keys = jax.random.split(key, len(leaves))
    drawn = [size * jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
    return eqx.combine(jax.tree.unflatten(structure, drawn), rest)


@pytest.fixture(scope="module")
def closed():
    """One compiled run: the ledger's worst residual, and whether all that came out is finite."""

    @eqx.filter_jit
    def run(model, forcing, parameters, state):
        return simulate(model, forcing, parameters, state)

    def close(model, random):
        given, state = parameters(model, random), initial_state(model, (SITES,), jnp.float32)
        fluxes, end = run(model, forcing(), given, state)
        assert all(np.all(np.isfinite(x)) for x in fluxes.values())
        assert all(np.all(np.asarray(x) >= 0) for x in end.values())
        return np.max(ledger(model, state, end, fluxes).relative_residual)

    return close


def test_ledger_closes_with_a_wild_network_in_every_slot(key, closed):
    """The step limits laws: whatever stands in all slots of HBV, no store goes below zero and no water is made.

    float32: 60 days of roundings of 1e-7 of what is there.
    """
    model, random = hbv("1.1p"), np.random.default_rng(np.asarray(jax.random.key_data(key)))
    inputs = ("soil_moisture", "temperature", "lower_zone", "snow_water_equivalent")
    laws = {
        slot: wild(network_law(model, slot, inputs, width=4, depth=1, key=key), jax.random.fold_in(key, i))
        for i, slot in enumerate(model.slots)
    }
    assert closed(single(model.with_laws(laws)), random) < 1e-5


def test_one_network_in_several_slots_and_one_for_each_basin(key, closed):
    """The same, with a joint network for three slots and a law of each basin's own, attributes and a new forcing."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    recipes = [
        LawRecipe(slots=("melt", "percolation", "baseflow"), inputs=("lower_zone", "temperature"), width=4, depth=1),
        LawRecipe(
            slots=("evaporation",),
            inputs=("soil_moisture",),
            attributes=("frac_forest",),
            forcings=("day_length",),
            width=4,
            storage_limited=True,
            per_basin=True,
        ),
    ]
    model = fill(hbv(), recipes, STATISTICS, key, sites=SITES)
    assert isinstance(model.laws["evaporation"], PerSite)
    assert model.attributes == ("frac_forest",)
    assert model.law_forcings == ("day_length",)
    assert model.laws["melt"].inputs == ("learned_melt",)
    weights = jax.tree.leaves(eqx.filter(model.laws["evaporation"], trainable(model.laws["evaporation"])))
    assert all(len(x) == SITES for x in weights)
    assert not np.allclose(weights[0][0], weights[0][1])  # each basin starts with weights of its own
    assert closed(single(model), random) < 1e-5


def test_constraints_hold_for_any_weights(key):
    """Rising in soil moisture, falling in temperature, zero when empty, at most store and demand: at 200 places."""
    model = hbv()
    law = network_law(
        model,
        "evaporation",
        INPUTS,
        increasing=("soil_moisture",),
        decreasing=("temperature",),
        zero_at=("soil_moisture",),
        storage_limited=True,
        factor=("potential_evapotranspiration",),
        at_most=("potential_evapotranspiration",),
        statistics=STATISTICS,
        key=key,
    )
    law = wild(law, key, 1.0)
    names = dict(zip(INPUTS, jax.random.uniform(key, (5, 200)) * 300, strict=True))
    y, slopes = jax.jit(jax.vmap(jax.value_and_grad(lambda v: law(v))))(names)
    assert np.all(y >= 0)
    assert np.all(y <= names["soil_moisture"] * (1 + 1e-6))
    assert np.all(y <= names["potential_evapotranspiration"] * (1 + 1e-6))
    assert np.all(slopes["soil_moisture"] >= -1e-6)  # a rounding, where the limit saturates
    assert np.all(slopes["temperature"] <= 0)
    assert np.all(jax.vmap(law)({**names, "soil_moisture": jnp.zeros(200)}) == 0)
    assert np.all(jax.vmap(law)({**names, "potential_evapotranspiration": jnp.zeros(200)}) == 0)


def test_inputs_are_of_order_one_and_frozen(key):
    """A typical value is 1 (an attribute at its mean 0, unknown also 0), and the scaling is no weight."""
    model = hbv()
    scaling = scaling_of(model, "evaporation", INPUTS, STATISTICS)
    typical = {"soil_moisture": 200.0, "potential_evapotranspiration": 3.0, "temperature": 10.0}
    values = {**typical, "field_capacity": 525.0, "frac_forest": jnp.nan}
    np.testing.assert_allclose(scaling({n: jnp.asarray(v) for n, v in values.items()}), (1, 1, 1, 1, 0))
    assert not any(jax.tree.leaves(trainable(scaling)))


def test_own_networks_go_in_and_wrong_ones_do_not(key):
    """Any callable [input] → [1]; the wrong sizes in and out are met at construction, in one sentence."""
    model = hbv()
    scaling = scaling_of(model, "evaporation", INPUTS[:3], STATISTICS)
    limits = model.slots["evaporation"].limits
    law = NetworkLaw(mlp(3, 1, width=4, depth=1, key=key), scaling, limits)
    assert law({name: jnp.asarray(1.0) for name in INPUTS}).shape == ()
    assert NetworkLaw(lambda x: x.sum(), scaling)({name: jnp.asarray(1.0) for name in INPUTS}).shape == ()
    with pytest.raises(DgeoError, match=r"gives \[3\] where a law is one number: give it an output of \[1\]"):
        NetworkLaw(mlp(3, 3, width=4, depth=1, key=key), scaling, limits)
    with pytest.raises(DgeoError, match=r"does not take its 3 inputs .* as one array \[3\]"):
        NetworkLaw(mlp(5, 1, width=4, depth=1, key=key), scaling, limits)


@pytest.mark.parametrize(
    ("slot", "options", "sentence"),
    [
        ("evaporatoin", {}, "no slot 'evaporatoin' for a law: did you mean evaporation"),
        ("evaporation", {"inputs": ("soil_moistur",)}, "cannot read 'soil_moistur': did you mean soil_moisture"),
        ("evaporation", {"inputs": ()}, "needs inputs"),
        ("evaporation", {"increasing": ("lp",)}, "cannot be monotone in 'lp'"),
        ("evaporation", {"zero_at": ("lp",)}, "cannot be zero at 'lp'"),
        ("evaporation", {"factor": ("pet",)}, "cannot be multiplied by 'pet'"),
        ("evaporation", {"at_most": ("pet",)}, "cannot be at most 'pet'"),
        ("evaporation", {"decreasing": ("temperature",), "at_most": ("temperature",)}, "held to zero with it"),
        ("snow_fraction", {"storage_limited": True}, "'snow_fraction' of HBV empties no store"),
        ("evaporation", {"increasing": ("temperature",), "decreasing": ("temperature",)}, "increasing and decreasing"),
        ("evaporation", {"decreasing": ("soil_moisture",), "storage_limited": True}, "held to zero with it"),
        (
            "regional_exchange",
            {"increasing": ("soil_moisture",), "zero_at": ("soil_moisture",)},
            "which a law of both signs cannot keep",
        ),
    ],
)
def test_wrong_use_is_answered_in_a_sentence(slot, options, sentence, key):
    """By networks of one slot and of several alike."""
    inputs = options.pop("inputs", ("soil_moisture", "temperature"))
    for make in (lambda: network_law(hbv(), slot, inputs, **options, key=key),
                 lambda: network_laws(hbv(), (slot, "baseflow"), inputs, **options, key=key)):  # fmt: skip
        with pytest.raises(DgeoError, match=sentence):
            make()
    options["inputs"] = inputs


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"slots": ["melt"]}, "needs `inputs`"),
        ({"slots": ["melt"], "kind": "expression"}, "needs `formula`"),
        ({"slots": ["melt"], "inputs": ["temperature"], "formula": "1"}, "`formula` belongs to a expression"),
        ({"slots": ["melt"], "inputs": ["temperature"], "knots": 4}, "`knots` belongs to a table"),
        ({"slots": ["melt", "baseflow"], "kind": "table", "inputs": ["temperature"]}, "fills one slot"),
        ({"slots": ["melt"], "kind": "expression", "formula": "1", "pretrain": True}, "no `constants` to pre-train"),
        ({"slots": [], "inputs": ["temperature"]}, "at least 1 item"),
        ({"slots": ["melt"], "inputs": ["temperature"], "widht": 4}, "Extra inputs"),
    ],
)
def test_contradictory_recipes_are_refused(entry, sentence):
    with pytest.raises(ValueError, match=sentence):
        LawRecipe.model_validate(entry)


def test_recipes_that_do_not_fit_the_model_are_refused(key):
    """A slot filled twice, and a law for each of an unknown number of basins."""
    melt = LawRecipe(slots=("melt",), inputs=("temperature",))
    with pytest.raises(DgeoError, match="Two recipes fill the slot 'melt'"):
        fill(hbv(), [melt, melt], {}, key)
    with pytest.raises(DgeoError, match="one per basin, and the number of basins is not known"):
        fill(hbv(), [melt.model_copy(update={"per_basin": True})], {}, key)
