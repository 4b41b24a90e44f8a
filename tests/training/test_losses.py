import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from dgeo.errors import DgeoError
from dgeo.training.losses import LOSSES, combined

SIMULATED = np.array([[1.0, 0.5, 3.0], [2.0, 0.0, 1.0], [0.5, 4.0, 2.0], [3.0, 1.0, 0.2]])
OBSERVED = np.array([[1.5, np.nan, 2.5], [1.0, 0.0, np.nan], [0.0, 3.0, np.nan], [4.0, 0.8, 0.1]])
SCALE = np.array([1.2, 0.0, 0.7])


evaluate = {name: jax.jit(loss) for name, loss in LOSSES.items()}
differentiate = {name: jax.jit(jax.value_and_grad(loss)) for name, loss in LOSSES.items()}


def numbers(*values, dtype=jnp.float32):
    return tuple(jnp.asarray(value, dtype=dtype) for value in values)


def nash_sutcliffe(transform):
    errors = (transform(SIMULATED) - transform(OBSERVED)) ** 2 / (SCALE + 0.1) ** 2
    return np.nanmean(errors)


def rmse_combined():
    def log_root(flow):
        return np.log10(np.sqrt(flow + 1e-6) + 0.1)

    plain = np.sqrt(np.nanmean((SIMULATED - OBSERVED) ** 2))
    return 0.75 * plain + 0.25 * np.sqrt(np.nanmean((log_root(SIMULATED) - log_root(OBSERVED)) ** 2))


def kling_gupta():
    """Noise of variance 1e-4, the same in both series, enters σ² and covariance; 0.01 both means."""
    distances = []
    for simulated, observed in zip(SIMULATED.T, OBSERVED.T, strict=True):
        both = np.array([simulated, observed])[:, ~np.isnan(observed)]
        covariance = np.cov(both, bias=True) + 1e-4
        spread, means = np.sqrt(np.diag(covariance)), both.mean(axis=1) + 0.01
        parts = covariance[0, 1] / spread.prod(), spread[0] / spread[1], means[0] / means[1]
        distances.append(np.linalg.norm(np.subtract(parts, 1)))
    return np.mean(distances)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nse", nash_sutcliffe(lambda flow: flow)),
        ("sqrt_nse", nash_sutcliffe(lambda flow: np.sqrt(flow + 0.01))),
        ("log_nse", nash_sutcliffe(lambda flow: np.log(flow + 0.01))),
        ("rmse_combined", rmse_combined()),
        ("kge", kling_gupta()),
    ],
)
def test_formula_in_numpy(name, expected):
    """The formula of the docstring with numpy's own means over what is not NaN. A dozen terms in float32:
    1e-6."""
    np.testing.assert_allclose(LOSSES[name](*numbers(SIMULATED, OBSERVED, SCALE)), expected, rtol=2e-6)


def test_by_hand():
    """Two basins, σ = 0.9 and 0.4: errors 1, 2 over 1² and 0.5 over 0.5², so (1 + 4 + 1)/3 = 2."""
    simulated, observed = [[2.0, 1.0], [5.0, 7.0]], [[1.0, 0.5], [3.0, np.nan]]
    np.testing.assert_allclose(LOSSES["nse"](*numbers(simulated, observed, [0.9, 0.4])), 2, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
class TestEveryLoss:
    def test_gaps_change_nothing(self, name):
        """What the simulation does in a gap has no weight and no slope, however absurd."""
        simulated, observed, scale = numbers(SIMULATED, OBSERVED, SCALE)
        gap = jnp.isnan(observed)
        absurd = jnp.where(gap, -1e30, simulated)
        (value, gradient), (other, other_gradient) = (
            differentiate[name](series, observed, scale) for series in (simulated, absurd)
        )
        assert value == other
        np.testing.assert_array_equal(gradient, other_gradient)
        assert (gradient[gap] == 0).all()

    def test_basin_without_observations_changes_nothing(self, name):
        """Its scale, over no observations, may be NaN too."""
        simulated, observed, scale = numbers(SIMULATED, OBSERVED, SCALE)
        more = [jnp.concatenate([part, part[:, :1]], axis=1) for part in (simulated, observed)]
        more[1] = more[1].at[:, 3].set(jnp.nan)
        scales = jnp.append(scale, jnp.full_like(scale[:1], jnp.nan))
        value, gradient = differentiate[name](*more, scales)
        np.testing.assert_allclose(value, evaluate[name](simulated, observed, scale), rtol=1e-6)
        assert (gradient[:, 3] == 0).all()

    def test_nan_in_the_simulation_is_seen(self, name):
        simulated, observed, scale = numbers(SIMULATED, OBSERVED, SCALE)
        assert jnp.isnan(evaluate[name](simulated.at[3, 1].set(jnp.nan), observed, scale))

    @pytest.mark.parametrize(
        ("simulated", "observed"),
        [(0.0, 0.0), (0.0, 2.0), (2.0, 0.0), (1.0, 1.0), (0.0, np.nan), (-0.5, 1.0), (1e-30, 0.0)],
    )
    def test_degenerate_series_have_finite_gradients(self, name, simulated, observed):
        """Constant series: zero variance, zero flow, exact fit, no observation, a negative flow; scale 0."""
        series = numbers(np.full((5, 2), simulated), np.full((5, 2), observed), np.zeros(2))
        value, gradient = differentiate[name](*series)
        assert value.dtype == gradient.dtype == jnp.float32
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()

    def test_exact_fit_is_zero(self, name):
        """Rounding of a correlation of 1 in float32 leaves at most 1e-6 in the Kling–Gupta distance."""
        series, observed, scale = numbers(SIMULATED, SIMULATED, SCALE)
        value, gradient = differentiate[name](series, observed, scale)
        assert 0 <= value < 1e-6
        assert np.isfinite(gradient).all()

    @pytest.mark.x64
    def test_gradient_matches_finite_differences(self, name):
        """Central differences in float64, h = 1e-6: 1e-8 of a gradient of order 1. The zero flow, a kink, is
        left out; it is half a micrometre higher here."""
        simulated, observed, scale = numbers(np.maximum(SIMULATED, 5e-4), OBSERVED, SCALE, dtype=jnp.float64)
        h, loss = 1e-6, evaluate[name]
        _, gradient = differentiate[name](simulated, observed, scale)
        for place in np.ndindex(simulated.shape):
            up, down = (loss(simulated.at[place].add(step), observed, scale) for step in (h, -h))
            np.testing.assert_allclose(gradient[place], (up - down) / (2 * h), rtol=1e-4, atol=1e-8)


@given(arrays.arrays(np.float32, (6, 2), elements=st.floats(0, 100, width=32)), st.integers(0, 2**12 - 1))
def test_scale_is_the_deviation_of_what_is_compared(flow, gaps):
    """numpy's NaN-std of flow, its root and its logarithm. Float32 sums of squares of at most 1e4: 1e-6 of
    100."""
    hidden = (gaps >> np.arange(12) & 1).astype(bool).reshape(6, 2)
    observed = np.where(hidden, np.nan, flow).astype(np.float32)
    for name, transform in (("nse", np.asarray), ("sqrt_nse", np.sqrt), ("log_nse", np.log)):
        expected = np.zeros(2)
        for basin in np.flatnonzero((~hidden).any(axis=0)):
            shift = 0 if name == "nse" else 0.01
            expected[basin] = np.nanstd(transform(observed[:, basin].astype(float) + shift))
        np.testing.assert_allclose(LOSSES[name].scale(jnp.asarray(observed)), expected, rtol=1e-4, atol=1e-4)


def test_several_targets_add_up_with_their_weights_and_gaps():
    """1 · nse + 0.5 · kge, each alone; a target without any observation adds nothing."""
    simulated, observed, scale = numbers(SIMULATED, OBSERVED, SCALE)
    loss = combined(
        {
            name: (LOSSES["kge" if name == "evapotranspiration" else "nse"], weight)
            for name, weight in (
                ("streamflow", 1.0),
                ("evapotranspiration", 0.5),
                ("snow_water_equivalent", 3.0),
            )
        }
    )
    series = {
        "streamflow": simulated,
        "evapotranspiration": simulated + 1,
        "snow_water_equivalent": simulated,
    }
    seen = {"streamflow": observed, "evapotranspiration": observed, "unused": observed}
    seen["snow_water_equivalent"] = jnp.full_like(observed, jnp.nan)
    scales = loss.scale(seen)
    expected = LOSSES["nse"](simulated, observed, LOSSES["nse"].scale(observed))
    expected += 0.5 * LOSSES["kge"](simulated + 1, observed, scale)
    value, gradient = jax.value_and_grad(loss)(series, seen, scales)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert (gradient["snow_water_equivalent"] == 0).all()


def test_missing_target_is_named():
    loss = combined({"streamflow": (LOSSES["nse"], 1.0)})
    series, _, scale = numbers(SIMULATED, OBSERVED, SCALE)
    with pytest.raises(DgeoError, match=r"target 'streamflow'.*did you mean stream_flow"):
        loss({"stream_flow": series}, {"streamflow": series}, {"streamflow": scale})
