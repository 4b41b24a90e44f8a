"""Virtual products: the errors that were put in are found in the series, and the best weights are the best."""

import numpy as np
import pytest
import xarray as xr

from dgeo import virtual
from dgeo.errors import DgeoError
from dgeo.virtual import ERRORS, ProductErrors, optimal_weights, products, some_products


@pytest.fixture(scope="module")
def made(world) -> virtual.Products:
    """The default products of the shared world."""
    return products(world)


def test_bias_is_found_in_the_series(world, made):
    """Mean of product over mean of truth on wet days that are seen, against the stated bias.

    The estimate of a basin scatters by √((e^{s²} − 1) ΣP²)/ΣP; the normalised misses of all basins and products then
    have a root mean square of 1, and one of 180 beyond 5 has a chance below 1e-3 (tails of the lognormal included).
    """
    truth = world.dataset["precipitation"].values.astype(np.float64)
    misses = []
    for name in ERRORS:
        seen = made.dataset[f"precipitation_{name}"].values.astype(np.float64)
        both = (truth > 0) & (seen > 0)
        rain = np.where(both, truth, 0)
        found = np.where(both, seen, 0).sum(0) / rain.sum(0)
        known = made.truth.sel(product=name)
        bias, spread = known["precipitation_bias"].values, known["precipitation_noise"].values
        error = np.sqrt(np.expm1(spread**2) * (rain**2).sum(0)) / rain.sum(0)
        misses.append((found / bias - 1) / error)
    assert 0.8 < np.sqrt(np.mean(np.square(misses))) < 1.2
    assert np.abs(misses).max() < 5


def test_noise_and_events_are_found_in_the_series(world, made):
    """ln(product/truth) has the stated deviation; wet days are missed and dry days wet at the stated rates.

    A deviation from n wet days scatters by 1/√(2n) of itself: with n ≥ 80 the median of sixty basins is within 2 %.
    Rates are shares of tens of thousands of days: 0.5 % is five times their scatter.
    """
    truth = world.dataset["precipitation"].values.astype(np.float64)
    for name, error in ERRORS.items():
        seen = made.dataset[f"precipitation_{name}"].values.astype(np.float64)
        both = (truth > 0) & (seen > 0)
        ratio = np.where(both, np.log(np.where(both, seen, 1) / np.where(both, truth, 1)), np.nan)
        known = made.truth["precipitation_noise"].sel(product=name).values
        assert abs(np.median(np.nanstd(ratio, axis=0) / known) - 1) < 0.02
        assert abs((seen[truth > 0] == 0).mean() - error.missed) < 0.005
        assert abs((seen[truth == 0] > 0).mean() - error.false) < 0.005


def test_temperature_is_off_by_its_lapse(world, made):
    """Mean difference against the stated bias, five standard errors of a mean of three years of days."""
    for name, error in ERRORS.items():
        departure = made.dataset[f"temperature_{name}"] - world.dataset["temperature"]
        known = made.truth["temperature_bias"].sel(product=name)
        allowed = 5 * error.temperature_noise / np.sqrt(departure.sizes["time"])
        assert (abs(departure.mean("time") - known) < allowed).all()


def test_a_product_is_the_same_whoever_stands_beside_it(world, made):
    """Same seed, fewer products, fewer basins, fewer years: the same numbers, bitwise; another seed, other ones."""
    alone = some_products(world, 1).dataset
    xr.testing.assert_identical(alone["precipitation_a"], made.dataset["precipitation_a"])
    dataset = world.dataset.isel(basin=slice(7), time=slice(400))
    part = products(virtual.VirtualWorld(dataset, world.truth, world.physics)).dataset
    for name in ("precipitation_b", "temperature_c"):
        np.testing.assert_array_equal(part[name], made.dataset[name][:400, :7])
    other = products(world, seed=1).dataset["precipitation_a"]
    assert not np.array_equal(other, made.dataset["precipitation_a"])


def test_a_product_without_error_is_the_truth(world):
    """All zeros change nothing, and the perfect product has all the weight."""
    made = products(world, {"rough": ERRORS["a"], "perfect": ProductErrors()})
    np.testing.assert_array_equal(made.dataset["precipitation_perfect"], world.dataset["precipitation"])
    np.testing.assert_array_equal(made.dataset["temperature_perfect"], world.dataset["temperature"])
    np.testing.assert_array_equal(made.truth["optimal_weight"].sel(product="perfect"), 1.0)


def test_best_weights_are_inverse_error_variances():
    """Errors that are orthogonal by construction (a Hadamard matrix) with deviations 1, 2, 4: w ∝ 1, 1/4, 1/16."""
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1]], float).T
    truth = np.array([0.0, 3.0, 1.0, 7.0])[:, None]
    error = signs * np.array([1.0, 2.0, 4.0])
    found = optimal_weights(truth[..., None] + error[:, None, :], truth)
    np.testing.assert_allclose(found[0], np.array([16, 4, 1]) / 21, rtol=1e-12)


def test_no_other_weights_are_better(made, world):
    """Ten thousand points of the simplex, all basins: none has a smaller squared error (to rounding)."""
    rain = np.stack([made.dataset[f"precipitation_{name}"].values for name in ERRORS], axis=-1).astype(np.float64)
    error = rain - world.dataset["precipitation"].values[..., None]
    moment = np.einsum("tbi,tbj->bij", error, error)
    best = made.truth["optimal_weight"].values
    np.testing.assert_allclose(best.sum(-1), 1)
    assert (best >= 0).all()
    others = np.random.default_rng(0).dirichlet(np.ones(len(ERRORS)), 10_000)
    reached = np.einsum("bi,bij,bj->b", best, moment, best)
    assert (np.einsum("ni,bij,nj->nb", others, moment, others) >= reached * (1 - 1e-9)).all()


def test_what_cannot_be_is_refused(world):
    """One sentence each."""
    with pytest.raises(DgeoError, match="There are 1 to 3 virtual products, not 4"):
        some_products(world, 4)
    with pytest.raises(DgeoError, match=r"missed of a product is 1\.5"):
        ProductErrors(missed=1.5)
    with pytest.raises(DgeoError, match="noise of a product is -1"):
        ProductErrors(noise=-1)
    with pytest.raises(DgeoError, match="No product is asked for"):
        products(world, {})
