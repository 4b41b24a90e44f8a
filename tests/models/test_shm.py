"""SHM and NonSense against a second implementation, and their two forms against each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.models import nonsense, shm
from tests.models import runs, shm_by_hand, weather

DAYS = 300
both = pytest.mark.parametrize("make", [shm, nonsense], ids=["shm", "nonsense"])


def drawn(model, random, soil):
    """State, forcing and parameters of many unrelated days; `soil` is the wetness of the soil."""
    parameters = weather.parameters(model, (DAYS,), random)
    state = weather.stores(model, (DAYS,), random)
    state["soil_moisture"] = parameters["field_capacity"] * soil
    forcing = {name: x[0] for name, x in weather.extreme((1, DAYS), random).items()}
    return state, forcing, parameters


def stepped(model, parts, dt):
    step = jax.jit(jax.vmap(model.step, in_axes=(0, 0, 0, None)))
    return jax.tree.map(np.asarray, step(*(runs.arrays(part, np.float64) for part in parts), jnp.asarray(dt)))


@pytest.mark.x64
@both
def test_a_day_is_the_one_by_hand(make, key):
    """300 random days with empty, dry, wet and full soils; both sides round some ten times at 1e-16 of a few 100 mm.

    No soil lies exactly at 0.8 of its capacity, where evaporation jumps and rounding would decide.
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    model = make()
    parts = drawn(model, random, random.choice([0.0, 0.3, 0.79, 0.9, 1.0], DAYS))
    found = stepped(model, parts, 1.0)
    by_hand = getattr(shm_by_hand, make.__name__)
    days = [by_hand(*({n: float(x[i]) for n, x in part.items()} for part in parts)) for i in range(DAYS)]
    for part, wanted in zip(found, zip(*days, strict=True), strict=True):
        for name in wanted[0]:
            np.testing.assert_allclose(part[name], [day[name] for day in wanted], rtol=1e-11, atol=1e-11, err_msg=name)


@pytest.mark.x64
@both
def test_the_split_of_a_short_step_has_the_rates(make, key):
    """As dt → 0 each flux of the split is that of the continuous form, where no store limits it.

    With dt = 1e-7 d and fluxes of at most 500 mm d⁻¹ a store moves by 5e-5 mm, and a flux by its slope times that: most
    is recharge, with β·water/M ≤ 6·500/6 per mm. Excess and exhausted stores take no time in the split and a day in the
    rates, so the soil is half full and no store is empty.
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    model = make()
    state, forcing, parameters = drawn(model, random, 0.5)
    state = {n: x + 50.0 * (n != "soil_moisture") for n, x in state.items()}
    forcing["temperature"] = np.minimum(forcing["temperature"], 4.0)
    parts = state, forcing, parameters
    _, fluxes = stepped(model, parts, 1e-7)
    rates = jax.vmap(model.rates)(*(runs.arrays(part, np.float64) for part in parts))
    for flux in model.budget.transfers:
        np.testing.assert_allclose(fluxes[flux], rates[flux], atol=0.05, rtol=1e-4, err_msg=flux)


@both
def test_water_takes_the_order_of_the_model(make):
    """10 mm on empty stores in one day: SHM's soil holds them all; NonSense's holds K1·K2 = 0.01 of them."""
    model = make()
    defaults = {n: jnp.asarray(p.default) for n, p in model.parameters.items()} | {
        n: jnp.asarray(0.1) for n in ("k1", "k2")
    }
    state = {n: jnp.asarray(0.0) for n in model.states}
    forcing = {"precipitation": 10.0, "temperature": 5.0, "potential_evapotranspiration": 0.0}
    after, _ = model.step(state, {n: jnp.asarray(x) for n, x in forcing.items()}, defaults, jnp.asarray(1.0))
    np.testing.assert_allclose(after["soil_moisture"], {shm: 10.0, nonsense: 0.1}[make], rtol=1e-5)
