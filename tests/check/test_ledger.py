"""The ledger: accounts that can be added up by hand, accounts that do not add up, and runs of a hybrid model."""

import json
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.check import HybridLedger, Ledger, balance, hybrid_ledger, ledger, routed, storage_of
from dgeo.engine import Parameters, initial_state, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid import Inputs, Recipe, build
from dgeo.models import Budget, hbv
from tests.models import weather

TWO_BUCKETS = Budget(
    {
        "rain": (None, "upper"),
        "drainage": ("upper", "lower"),
        "evaporation": ("upper", None),
        "baseflow": ("lower", None),
        "pumping": ("lower", None),
        "clamp": (None, "upper"),
    },
    exchanges=("pumping", "clamp"),
)
TOTALS = {"rain": 100, "drainage": 40, "evaporation": 50, "baseflow": 25, "pumping": 5, "clamp": 1}


def sites(**amounts):
    """Each amount at a single site."""
    return {name: np.array([amount], dtype=float) for name, amount in amounts.items()}


def account(after_upper=31.0, after_lower=30.0):
    """Upper: 20 + 100 + 1 − 40 − 50 = 31. Lower: 20 + 40 − 25 − 5 = 30."""
    before, after = sites(upper=20, lower=20), sites(upper=after_upper, lower=after_lower)
    return balance(TWO_BUCKETS, before, after, sites(**TOTALS))


def test_an_account_that_adds_up():
    closed = account()
    assert closed.residual == 0
    assert all(residual == 0 for residual in closed.store_residuals.values())
    assert closed.to_json() == {
        "stores": {"upper": 11, "lower": 10},
        "inflows": {"rain": 100},
        "outflows": {"evaporation": 50, "baseflow": 25},
        "exchanges": {"pumping": -5, "clamp": 1},
        "store_residuals": {"upper": 0, "lower": 0},
        "initial_storage": 40,
        "gross_inflow": 100,
        "residual": 0,
        "relative_residual": 0,
    }
    json.dumps(closed.to_json())


def test_water_from_nothing_has_a_sign_and_a_place():
    """Two millimetres too many below: residual 2 of 40 + 100 mm, and the upper store is not to blame."""
    leaking = account(after_lower=32.0)
    assert leaking.residual == 2
    assert leaking.store_residuals == {"upper": 0, "lower": 2}
    np.testing.assert_allclose(leaking.relative_residual, 2 / 140)
    assert account(after_lower=29.0).residual == -1


def test_a_transfer_that_gets_lost_on_the_way_cancels_nowhere_but_in_the_sum():
    """The upper store is short of what the lower has in excess: the whole closes, the stores do not."""
    shifted = account(after_upper=28.0, after_lower=33.0)
    assert shifted.residual == 0
    assert shifted.store_residuals == {"upper": -3, "lower": 3}


def test_no_site_hides_behind_another():
    """Residuals of +2 and −2 average to 0; the relative residual reports the worst site."""
    before, after = ({name: np.repeat(x, 2) for name, x in sites(**part).items()} for part in
                     ({"upper": 20, "lower": 20}, {"upper": 31, "lower": 30}))  # fmt: skip
    after["lower"] = after["lower"] + [2, -2]
    totals = {name: np.repeat(x, 2) for name, x in sites(**TOTALS).items()}
    report = balance(TWO_BUCKETS, before, after, totals).to_json()
    assert report["residual"] == 0
    np.testing.assert_allclose(report["relative_residual"], 2 / 140)


def test_a_place_without_water_has_no_residual():
    dry = balance(TWO_BUCKETS, sites(upper=0, lower=0), sites(upper=0, lower=0), sites(**dict.fromkeys(TOTALS, 0)))
    assert dry.relative_residual == 0


def test_hours_axes_and_an_inflow_that_turns_round():
    """Two cells of 3 and 1 mm/d in, for two hours: (3 + 1)·2/24 mm. An inflow of +2 then −2 mm/d for an hour
    each adds up to nothing and yet has brought 2/24 mm, which is what the residual is measured against."""
    budget = Budget({"lateral": (None, "water"), "surface": (None, "water")})
    books = Ledger(budget, sites(water=1.0), dt=1 / 24)
    lateral, surface = np.tile([3.0, 1.0], (2, 1, 1)), np.array([[2.0], [-2.0]])
    for hour in (0, 1):
        books.add({"lateral": lateral[hour, None], "surface": surface[hour, None]})
    closed = books.balance(sites(water=1 + 8 / 24))
    np.testing.assert_allclose(closed.residual, 0, atol=1e-15)
    np.testing.assert_allclose(closed.totals["lateral"], 8 / 24)
    np.testing.assert_allclose(closed.gross_inflow, 10 / 24)


def test_sums_do_not_stall_as_float32_would():
    """1e6 days of 0.1 mm on 1e6 mm: float32 would round every day's sum to 0.125 or 0.0625 mm."""
    books = Ledger(Budget({"rain": (None, "lake")}), sites(lake=1e6))
    for _ in range(10):
        books.add({"rain": np.full((100_000, 1), 0.1, np.float32)})
    total = books.balance(sites(lake=1.1e6)).totals["rain"]
    np.testing.assert_allclose(total, 1e6 * np.float64(np.float32(0.1)), rtol=1e-12)


def test_a_missing_flux_is_named():
    with pytest.raises(
        DgeoError, match=r"needs the flux 'evaporation', which the run did not keep.*evapotranspiration"
    ):
        Ledger(TWO_BUCKETS, sites(upper=0, lower=0)).add(
            {"rain": np.zeros((1, 1)), "drainage": np.zeros((1, 1)), "evapotranspiration": np.zeros((1, 1))}
        )


def forcing(days, sites, random):
    return {name: jnp.asarray(x, jnp.float32) for name, x in weather.extreme((days, sites), random).items()}


@pytest.fixture
def random(key):
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def test_components_are_sites_of_their_own(random):
    """Storage and residuals keep the axes [site, component]; every one of them closes to float32 rounding."""
    model = hbv("1.1p")
    static = weather.parameters(model, (3, 2), random)
    parameters = Parameters({k: jnp.asarray(x, jnp.float32) for k, x in static.items()}, {}, components=True)
    before = initial_state(model, (3, 2), jnp.float32)
    outputs, after = eqx.filter_jit(simulate)(model, forcing(200, 3, random), parameters, before)
    account = ledger(model, before, after, outputs)
    assert account.residual.shape == (3, 2)
    assert account.relative_residual.max() < 1e-5
    assert set(storage_of(model, after)) == set(model.budget.stores)
    outputs["recharge"] = outputs["recharge"] * 1.01
    broken = ledger(model, before, after, outputs)
    assert np.abs(broken.store_residuals["upper_zone"]).max() > 1e-3


@pytest.fixture
def hybrid(key):
    recipe = Recipe(attributes=("slope",), components=3, weights="learned", physics={"version": "1.1p"})
    return build(recipe, {"slope": (0.0, 1.0)}, key)


def test_hybrid_closes_from_rain_to_the_gauge(hybrid, random):
    """450 days in three chunks: what is in the channel closes the balance of streamflow, as one more store.

    The account of the chunks is that of the whole run, to the rounding of float32 fluxes.
    """
    inputs = Inputs(forcing(450, 4, random), {"slope": jnp.asarray(random.normal(size=4), jnp.float32)})
    start = carry = hybrid.initial_carry(4)
    books = HybridLedger(hybrid, within(inputs, slice(0, 1)), start)
    march = eqx.filter_jit(lambda inputs, carry: hybrid(inputs, carry, outputs=books.outputs))
    whole, end = march(inputs, start)
    for days in (slice(0, 150), slice(150, 300), slice(300, 450)):
        outputs, carry = march(
            eqx.tree_at(lambda i: i.forcing, inputs, {k: x[days] for k, x in inputs.forcing.items()}), carry
        )
        books.add(outputs)
    account = books.balance(carry)
    assert account.relative_residual.max() < 1e-5
    assert set(account.outflows) == {"evapotranspiration", "streamflow"}
    assert (account.after["channel"] > 0).any()
    at_once = hybrid_ledger(hybrid, inputs, start, end, whole)
    for flux, total in at_once.totals.items():
        np.testing.assert_allclose(total, account.totals[flux], rtol=1e-5, atol=1e-5)


def test_hybrid_without_routing_has_no_channel(hybrid, random):
    inputs = Inputs(forcing(30, 2, random), {"slope": jnp.zeros(2, jnp.float32)})
    bare = replace(hybrid, routing=None)
    start = bare.initial_carry(2)
    books = HybridLedger(bare, inputs, start)
    outputs, end = bare(inputs, start, outputs=books.outputs)
    books.add(outputs)
    account = books.balance(end)
    assert "channel" not in account.after
    assert account.relative_residual.max() < 1e-5


def within(inputs, days):
    return eqx.tree_at(lambda i: i.forcing, inputs, {name: x[days] for name, x in inputs.forcing.items()})


def test_the_channel_takes_what_runs_off():
    """The three flows of HBV end in the channel; evapotranspiration does not."""
    budget = routed(hbv("1.0").budget)
    assert [budget.transfers[flux][1] for flux in ("quick_flow", "interflow", "baseflow")] == ["channel"] * 3
    assert budget.outflows == ("evapotranspiration", "streamflow")
