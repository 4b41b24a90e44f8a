import jax
import jax.numpy as jnp
import numpy as np

from dgeo.numerics.square_root import square_root


def test_value_and_derivative():
    """√x and 1/(2√x) above 0, zero for both at 0 and below, NaN where there is no number."""
    x = jnp.array([-1, 0, 0.25, 4, jnp.nan], dtype=jnp.float32)
    np.testing.assert_array_equal(square_root(x), np.array([0, 0, 0.5, 2, np.nan], dtype=np.float32))
    np.testing.assert_array_equal(jax.vmap(jax.grad(square_root))(x)[:4], [0, 0, 1, 0.25])
