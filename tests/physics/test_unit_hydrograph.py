import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from dgeo.physics.unit_hydrograph import convolve, empty_tail, gamma_weights, stored

run = jax.jit(convolve)
SHAPE = jnp.array([0.0, 0.4, 1.3, 2.9], dtype=jnp.float32)
SCALE = jnp.array([6.5, 0.0, 2.1, 0.7], dtype=jnp.float32)


def storms(steps, sites, seed=0, dtype=np.float32):
    return jnp.asarray(np.random.default_rng(seed).exponential(2.0, (steps, sites)).astype(dtype))


@pytest.mark.parametrize(("length", "dt"), [(15, 1.0), (72, 1 / 24), (1, 1.0)])
def test_weights_are_the_gamma_density_at_mid_step(length, dt):
    """Against scipy's density with α = a + 0.1, θ = b + 0.5. Tolerance: float32 rounding of (α − 1) ln t −
    t/θ, whose size reaches 30 here, is 30 · 6e-8 = 2e-6 of a weight."""
    time = (np.arange(length) + 0.5)[:, None] * dt
    density = stats.gamma.pdf(time, a=np.asarray(SHAPE, float) + 0.1, scale=np.asarray(SCALE, float) + 0.5)
    weights = gamma_weights(SHAPE, SCALE, length, dt)
    assert weights.dtype == jnp.float32
    np.testing.assert_allclose(weights, density / density.sum(axis=0), rtol=5e-6)


@pytest.mark.x64
def test_exponential_reservoir_is_a_geometric_series():
    """α = 1 leaves exp(−t/θ): w_k = r^k (1 − r)/(1 − r^L) with r = exp(−dt/θ), exact to float64 rounding."""
    ratio = np.exp(-0.5 / 2.0)
    weights = gamma_weights(jnp.float64(0.9), jnp.float64(1.5), 20, 0.5)
    np.testing.assert_allclose(weights, ratio ** np.arange(20) * (1 - ratio) / (1 - ratio**20), rtol=1e-12)


@pytest.mark.x64
def test_hourly_weights_add_up_to_the_daily_share_of_the_gamma_distribution():
    """24 hourly weights are the midpoint rule for the probability of one day. Its error is h²/24 · Δf' with f
    the density: for α = 2.5, θ = 1.2 d, |f'| < 0.5 d⁻² away from 0 and f' ~ t^½ near it, below (1/24)²/24 · 1
    = 7e-5."""
    weights = gamma_weights(jnp.float64(2.4), jnp.float64(0.7), 24 * 15, 1 / 24)
    probability = np.diff(stats.gamma.cdf(np.arange(16), a=2.5, scale=1.2))
    np.testing.assert_allclose(weights.reshape(15, 24).sum(axis=1), probability / probability.sum(), atol=7e-5)


@pytest.mark.x64
@pytest.mark.parametrize("site_shape", [(), (3,), (2, 3)])
def test_outflow_is_the_double_loop(site_shape):
    """Q_t = Σ_k w_k q_{t−k} by two Python loops in float64, the past read from the tail; any number of site
    axes."""
    random = np.random.default_rng(1)
    inflow, tail = random.random((9, *site_shape)), random.random((3, *site_shape))
    weights = random.random((4, *site_shape))
    series = np.concatenate([tail, inflow])
    expected = [sum(weights[k] * series[3 + t - k] for k in range(4)) for t in range(9)]
    outflow, new_tail = convolve(jnp.asarray(inflow), jnp.asarray(weights), jnp.asarray(tail))
    np.testing.assert_allclose(outflow, expected, rtol=1e-14)
    np.testing.assert_array_equal(new_tail, inflow[-3:])


@pytest.mark.parametrize("sites", [1, 17])
@pytest.mark.parametrize("cut", [1, 6, 14, 15, 38])
def test_cut_series_is_bitwise_the_whole(cut, sites):
    """The tail carries everything the future depends on, and the order of the additions does not depend on
    the cut."""
    weights = gamma_weights(jnp.linspace(0, 2.9, sites, dtype=jnp.float32), jnp.ones(sites, dtype=jnp.float32))
    inflow = storms(40, sites)
    whole, last = run(inflow, weights, storms(14, sites, seed=1))
    first, tail = run(inflow[:cut], weights, storms(14, sites, seed=1))
    second, last_of_two = run(inflow[cut:], weights, tail)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    np.testing.assert_array_equal(last_of_two, last)


def test_streaming_day_by_day_is_bitwise_the_whole():
    weights = gamma_weights(SHAPE, SCALE)
    inflow = storms(40, 4)
    tail, days = empty_tail(weights), []
    for day in inflow:
        outflow, tail = run(day[None], weights, tail)
        days.append(outflow[0])
    np.testing.assert_array_equal(np.stack(days), run(inflow, weights, empty_tail(weights))[0])


@pytest.mark.x64
@given(steps=st.sampled_from([1, 13, 40]), shape=st.floats(0, 3), scale=st.floats(0, 7), seed=st.integers(0, 100))
def test_water_is_conserved(steps, shape, scale, seed):
    """Σ inflow + stored before = Σ outflow + stored after. The weights sum to 1 within 15 roundings of
    2⁻⁵³."""
    weights = gamma_weights(jnp.full(2, shape), jnp.full(2, scale))
    inflow, tail = storms(steps, 2, seed, np.float64), storms(14, 2, seed + 1, np.float64)
    outflow, after = run(inflow, weights, tail)
    gained = inflow.sum(axis=0) + stored(tail, weights)
    np.testing.assert_allclose(outflow.sum(axis=0) + stored(after, weights), gained, rtol=1e-13)


@pytest.mark.x64
def test_derivatives_match_finite_differences():
    """Central differences in float64 with h = 1e-6: truncation h² and rounding 1e-16/h = 1e-10 leave nine
    digits. Sites with shape or scale exactly 0, the kink of the offset, are left to the next test."""
    inflow, pulse = storms(30, 2, dtype=np.float64), storms(30, 2, seed=2, dtype=np.float64)

    @jax.jit
    def response(shape, scale):
        weights = gamma_weights(shape, scale)
        return jnp.sum(convolve(inflow, weights, empty_tail(weights))[0] * pulse)

    point = jnp.array([0.4, 2.0]), jnp.array([3.0, 0.2])
    gradient, h = jax.grad(response, argnums=(0, 1))(*point), 1e-6
    for site in range(2):
        step = h * jnp.eye(2)[site]
        by_shape = (response(point[0] + step, point[1]) - response(point[0] - step, point[1])) / (2 * h)
        by_scale = (response(point[0], point[1] + step) - response(point[0], point[1] - step)) / (2 * h)
        np.testing.assert_allclose([gradient[0][site], gradient[1][site]], [by_shape, by_scale], rtol=1e-7)


@pytest.mark.x64
def test_backward_pass_is_the_transpose():
    """The outflow is linear in inflow and tail, so ⟨y, C x⟩ = ⟨Cᵀy, x⟩ up to float64 rounding of sums of 100
    terms."""
    weights = gamma_weights(SHAPE.astype(jnp.float64), SCALE.astype(jnp.float64))
    x, past, y = (storms(n, 4, seed=n, dtype=np.float64) for n in (50, 14, 50))
    outflow, pull = jax.vjp(lambda inflow, tail: convolve(inflow, weights, tail)[0], x, past)
    back_inflow, back_tail = pull(y)
    np.testing.assert_allclose(jnp.sum(y * outflow), jnp.sum(back_inflow * x) + jnp.sum(back_tail * past), rtol=1e-13)


@pytest.mark.parametrize("value", [0.0, 50.0])
def test_derivatives_are_finite_at_and_beyond_the_limits(value):
    """At 0 and below the offsets alone remain and the derivative is 0; a very long hydrograph stays finite in
    float32."""
    inflow = storms(20, 1)

    def response(shape, scale):
        weights = gamma_weights(shape, scale)
        return jnp.sum(convolve(inflow, weights, empty_tail(weights))[0] ** 2)

    point = jnp.full(1, value, dtype=jnp.float32)
    gradient = np.concatenate(jax.grad(response, argnums=(0, 1))(point, point))
    assert np.isfinite(gradient).all()
    assert (gradient == 0).all() == (value <= 0)


def test_vmap_over_components_is_the_loop():
    weights, inflow = gamma_weights(SHAPE, SCALE), jnp.stack([storms(20, 4, seed=s) for s in range(3)])
    together, _ = jax.vmap(convolve, in_axes=(0, None, None))(inflow, weights, empty_tail(weights))
    for part, outflow in zip(inflow, together, strict=True):
        np.testing.assert_array_equal(outflow, run(part, weights, empty_tail(weights))[0])


@pytest.mark.parametrize("case", ["Hbv/nmul16_dynamic_wu0", "Hbv_1_1p/nmul1_static_wu0"])
def test_peer_routes_the_same(data_root, case):
    """hydrodl2 1.4.0 in float32: 15 weights from its own Γ(α) θ^α form, then a grouped convolution. Both
    sides round at 6e-8 an operation; 1e-6 of a weight and 1e-5 of the largest flow leave room for 15
    terms."""
    path = data_root / "peer_hbv" / "fixture_hbv.npz"
    if not path.exists():
        pytest.skip("the outputs of the reference implementation are not in the data root")
    with np.load(path) as peer:
        shape, scale = (jnp.asarray(peer[f"{case}/route_{name}"], dtype=jnp.float32) for name in "ab")
        weights = gamma_weights(shape, scale)
        np.testing.assert_allclose(weights, peer[f"{case}/uh"], atol=1e-6)
        for flow in ("streamflow", "srflow", "ssflow", "gwflow"):
            unrouted, routed = (peer[f"{case}/out/{name}"][..., 0] for name in (f"{flow}_no_rout", flow))
            outflow, _ = run(jnp.asarray(unrouted), weights, empty_tail(weights))
            np.testing.assert_allclose(outflow, routed, atol=1e-5 * routed.max())
