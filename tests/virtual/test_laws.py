"""Hidden laws: outside the textbook's family, of its size, and only where they were asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from dgeo import virtual
from dgeo.errors import DgeoError
from dgeo.models import Law, hbv, shm
from dgeo.training import virtual_world
from dgeo.training.config import DataConfig
from dgeo.virtual import HIDDEN_LAWS
from dgeo.virtual.attributes import ATTRIBUTES
from dgeo.virtual.physics import true_physics
from dgeo.virtual.relations import true_parameters

WETNESS = np.linspace(0.02, 1, 60)
AT = {
    "recharge_fraction": {"soil_moisture": 200 * WETNESS, "field_capacity": 200.0, "beta": 2.0},
    "evaporation": {
        "soil_moisture": 200 * np.tile(WETNESS, 2),
        "potential_evapotranspiration": np.repeat([1.0, 4.0], 60),
        "field_capacity": 200.0,
        "lp": 0.7,
    },
    "melt": {
        "temperature": np.tile(np.linspace(-5, 12, 60), 2),
        "potential_evapotranspiration": np.repeat([1.0, 4.0], 60),
        "threshold_temperature": 0.5,
        "degree_day_factor": 3.0,
    },
}


def at(law: Law, slot: str) -> np.ndarray:
    """A law at all points of its slot."""
    points = max(np.size(x) for x in AT[slot].values())
    values = {name: jnp.asarray(np.broadcast_to(x, points)) for name, x in AT[slot].items()}
    return np.asarray(jax.vmap(law)(values))


@pytest.mark.parametrize("slot", HIDDEN_LAWS)
def test_no_parameters_make_the_textbook_a_hidden_law(slot: str):
    """The least squared error over all parameters of the textbook's law, by Nelder and Mead from three starts, leaves
    at least 1 % of the variance: a law within its family would leave nothing, to the tolerance of the search."""
    formula, model = HIDDEN_LAWS[slot], hbv("1.0")
    textbook = model.slots[slot].default
    names = [name for name in textbook.inputs if name in model.all_parameters]
    wanted = at(formula, slot)
    points = {name: np.broadcast_to(x, wanted.shape) for name, x in AT[slot].items()}

    @jax.jit
    def departure(z: jax.Array) -> jax.Array:
        own = {n: model.all_parameters[n].bounds.from_unbounded(z[i]) for i, n in enumerate(names)}
        found = jax.vmap(lambda now: textbook({**now, **own}))({n: jnp.asarray(x) for n, x in points.items()})
        return jnp.mean((found - wanted) ** 2) / np.var(wanted)

    def error(z: np.ndarray) -> float:
        return float(departure(jnp.asarray(z)))

    starts = ([0.0] * len(names), [1.5] * len(names), [-1.5] * len(names))
    left = min(minimize(error, start, method="Nelder-Mead", options={"maxfev": 150}).fun for start in starts)
    assert 0.01 < left < 0.6


def test_hidden_laws_are_of_the_size_that_their_slot_allows():
    """Shares within 0 and 1, evaporation within the potential, no melt in frost."""
    share = at(HIDDEN_LAWS["recharge_fraction"], "recharge_fraction")
    assert np.all((share > 0) & (share < 1) & np.r_[True, np.diff(share) > 0])
    evaporation = at(HIDDEN_LAWS["evaporation"], "evaporation") / AT["evaporation"]["potential_evapotranspiration"]
    assert np.all((evaporation >= 0) & (evaporation <= 1))
    melt = at(HIDDEN_LAWS["melt"], "melt")
    assert np.all(melt[AT["melt"]["temperature"] <= 0.5] == 0)
    assert np.all(melt >= 0)


def test_recharge_is_a_half_where_the_textbook_says_so():
    """w = 2^(−1/β), where w^β = ½."""
    values = {"soil_moisture": 100.0 * 0.5 ** (1 / 3), "field_capacity": 100.0, "beta": 3.0}
    law, now = HIDDEN_LAWS["recharge_fraction"], {name: jnp.asarray(x) for name, x in values.items()}
    assert float(law(now)) == pytest.approx(0.5, abs=1e-5)
    assert float(hbv("1.0").slots["recharge_fraction"].default(now)) == pytest.approx(0.5, abs=1e-5)


def test_slots_are_hidden_one_by_one():
    """By default HBV's evaporation and nothing of other models, else what was asked for, other laws besides."""
    assert set(true_physics().laws) == {"evaporation"}
    assert set(true_physics(hidden=["melt", "evaporation"]).laws) == {"melt", "evaporation"}
    assert not true_physics(hidden=[]).laws
    assert not true_physics(laws={}).laws
    assert not true_physics("shm").laws
    assert set(true_physics(hidden=["melt"], laws=true_physics().laws).laws) == {"melt", "evaporation"}


@pytest.mark.parametrize("physics", ["shm", "exphydro"])
def test_the_truth_can_be_another_model(physics: str):
    """Its parameters lie within its bounds and differ between basins, and its water balance closes: what came in less
    what went out is what the stores hold more, to the rounding of float32 sums over a year."""
    world = virtual.basins(count=4, years=2, parts=2, physics=physics)
    truth = world.truth.astype(np.float64)
    for name, parameter in world.physics.parameters.items():
        assert np.all((truth[name] > parameter.bounds.low) & (truth[name] < parameter.bounds.high))
        assert np.unique(truth[name]).size == 4
    year = truth.isel(time=slice(1, None))
    budget = world.physics.budget
    passed = sum(year[f].sum("time") for f in budget.inflows) - sum(year[f].sum("time") for f in budget.outflows)
    stored = sum(truth[s].isel(time=-1) - truth[s].isel(time=0) for s in budget.stores)
    np.testing.assert_allclose(passed, stored, atol=0.2)
    assert float(truth["streamflow"].mean()) > 0.05


def test_a_drawn_relation_is_smooth_seeded_and_moves_with_the_land():
    """Equal land has equal parameters without scatter; other land other ones; another seed another relation."""
    equal = {name: np.full(3, 1.0) for name in ATTRIBUTES}
    other = {**equal, "soil_depth_statsgo": np.array([0.5, 1.0, 1.5])}
    found = {seed: true_parameters(seed, other, shm(), 0.0) for seed in (0, 1)}
    capacity = found[0]["infiltration_capacity"]
    assert np.unique(capacity).size == 3
    assert (capacity[1] - capacity[0]) * (capacity[2] - capacity[1]) > 0
    assert np.abs(capacity - found[1]["infiltration_capacity"]).max() > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"physics": "gr4j"}, "runs on parts of a day"),
        ({"physics": "hvb"}, "no model 'hvb'"),
        ({"hidden": ["mlet"]}, "no hidden law for 'mlet'"),
        ({"hidden": ["evaporation"], "physics": "shm"}, "reads 'lp'"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(arguments: dict, words: str):
    """Before any weather is drawn, in a sentence."""
    with pytest.raises(DgeoError, match=words):
        virtual.basins(count=1, years=1, **arguments)


def test_a_config_names_the_truth():
    """`data.physics` and `data.hidden` choose it, and a name that is none is refused with the config."""
    data = {"source": "virtual", "count": 1, "years": 1}
    world = virtual_world(DataConfig(**data, hidden=("melt",)))
    assert set(world.physics.laws) == {"melt"}
    for wrong, words in (({"physics": "hvb"}, "no model 'hvb'"), ({"hidden": ("mlet",)}, "no hidden law for 'mlet'")):
        with pytest.raises(ValueError, match=words):  # the reader of configs makes its sentence of it
            DataConfig(**data, **wrong)
