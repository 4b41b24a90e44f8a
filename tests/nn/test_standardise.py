import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.nn import Standardise, mlp, with_output_bias
from dgeo.nn.standardise import log_root
from dgeo.numerics import trainable

VALUES = {
    "rain": jnp.asarray([[0.0, 4.0], [jnp.nan, 9.0]], jnp.float32),
    "heat": jnp.asarray([[-3.0, 1.0], [5.0, jnp.nan]], jnp.float32),
}


def normaliser(logarithmic=()):
    mean, deviation = jnp.asarray([1.0, 2.0], jnp.float32), jnp.asarray([0.5, 4.0], jnp.float32)
    return Standardise(("heat", "rain"), mean, deviation, logarithmic)


def test_variables_are_scaled_in_order_and_gaps_are_the_mean():
    """(−3 − 1)/0.5 = −8 and so on, by hand; a gap is 0."""
    expected = [[[-8.0, -0.5], [0.0, 0.5]], [[8.0, 0.0], [0.0, 1.75]]]
    np.testing.assert_array_equal(normaliser()(VALUES), expected)


def test_logarithmic_variables_are_transformed_first():
    """log10(√4 + 0.1) = log10 2.1 = 0.322219, and log10 0.1 = −1 on a dry day."""
    rain = normaliser(("rain",))(VALUES)[..., 1]
    np.testing.assert_allclose(rain[0], [(-1 - 2) / 4, (0.322219 - 2) / 4], rtol=1e-5)
    assert rain[1, 0] == 0


def test_gradients_are_finite_in_gaps_and_on_dry_days():
    """The slope of √x is infinite at 0, which is every dry day; 0 is as good as any, and finite."""
    for name in VALUES:
        gradient = jax.grad(lambda x, name=name: jnp.sum(normaliser(("rain",))({**VALUES, name: x})))(VALUES[name])
        assert np.isfinite(gradient).all()
    assert np.isfinite(jax.vmap(jax.grad(log_root))(jnp.asarray([0.0, -1.0, 1e-30, 4.0], jnp.float32))).all()


def test_its_numbers_are_not_trained():
    assert not any(jax.tree.leaves(trainable(normaliser())))


def test_output_bias_is_where_a_network_starts(key):
    """The output moves with the bias of the last layer, whatever goes in, by as much: two roundings of float32."""
    bias = jnp.asarray([1.0, -2.0, 0.5], jnp.float32)
    fresh = jax.tree.map(
        lambda x: x.astype(jnp.float32) if eqx.is_array(x) else x, mlp(2, 3, width=4, depth=2, key=key)
    )
    inputs = jnp.asarray([3.0, -1.0], jnp.float32)
    moved = with_output_bias(fresh, bias)(inputs) - with_output_bias(fresh, 0 * bias)(inputs)
    np.testing.assert_allclose(moved, bias, rtol=1e-6)
