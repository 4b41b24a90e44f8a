"""What XLA makes of a processor, as the processes that import dgeo find it."""

import os
import subprocess
import sys

import pytest

ASKS = """
import os, jax, dgeo
flags = os.environ["XLA_FLAGS"]
assert float(jax.jit(lambda x: x + 1)(1.0)) == 2  # XLA ends the process at a flag that it does not know
print(flags)
"""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "--xla_cpu_prefer_vector_width=512"),
        ("--xla_dump_to=", "--xla_dump_to= --xla_cpu_prefer_vector_width=512"),
        ("--xla_cpu_prefer_vector_width=128", "--xla_cpu_prefer_vector_width=128"),
    ],
    ids=["nothing", "another flag", "a width"],
)
def test_vectors_are_wide_unless_the_user_says_otherwise_and_compilations_are_kept(given, found, tmp_path):
    unset = ("XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"XDG_CACHE_HOME": str(tmp_path)} | ({} if given is None else {"XLA_FLAGS": given})
    done = subprocess.run([sys.executable, "-c", ASKS], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
    assert list(tmp_path.glob("dgeo/compiled/*/*cache"))


def test_numbers_too_small_for_full_precision_are_zero_on_every_device():
    """A store that empties by halves from 10⁻³⁷ passes 2⁻¹²⁶, the smallest normal float32, after 4 of 40 days: from
    there on it is exactly 0, in its series and in its gradient, where a processor would take a hundred cycles for each
    operation on the denormal numbers between 2⁻¹²⁶ and 2⁻¹⁴⁹."""
    code = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
mesh = jax.make_mesh((2,), ("site",), axis_types=(AxisType.Auto,))
store = jax.device_put(jnp.full(64, 1e-37, jnp.float32), NamedSharding(mesh, PartitionSpec("site")))
empty = lambda store: jax.lax.scan(lambda s, _: (0.5 * s, s), store, None, length=40)[1]
series, gradient = jax.jit(lambda s: (empty(s), jax.grad(lambda s: jnp.sum(empty(s)[-1] * 1e-30))(s)))(store)
small = lambda x: int(np.sum((x != 0) & (np.abs(x) < np.finfo(np.float32).tiny)))
series, gradient = np.asarray(series), np.asarray(gradient)
print(len(store.sharding.device_set), (series != 0).sum(1).tolist(), small(series), small(gradient))
"""
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    not_zero = [64] * 4 + [0] * 36
    assert done.stdout.strip() == f"2 {not_zero} 0 0"
