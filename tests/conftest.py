"""Strict JAX for every test, the real data if they are there, and a random key that nobody chose."""

import gc
import os
import zlib
from pathlib import Path

import jax
import pytest
from hypothesis import HealthCheck, settings

CHECKOUT = Path(__file__).resolve().parents[1]
X64 = os.environ.get("DGEO_TEST_X64", "1") != "0"

# Also in the environment, for the processes that a test starts.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
jax.config.update("jax_platforms", os.environ["JAX_PLATFORMS"])
jax.config.update("jax_enable_x64", X64)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# What one process of the tests has compiled, no other compiles again, nor the next run of the tests; `pytest
# --cache-clear` removes what was kept.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CHECKOUT / ".pytest_cache" / "d" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update(
    "jax_persistent_cache_min_compile_time_secs", float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
)

# Programs that are kept for later tests are millions of objects: looked through seldom, a run takes less time.
gc.set_threshold(20_000, 20, 10)

# No deadline, as the first example compiles; `key` is the same for all examples, so they may share it.
settings.register_profile(
    "dgeo",
    deadline=None,
    max_examples=25,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("dgeo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out of the float32 run what only double precision can show."""
    if X64:
        return
    for item in items:
        if item.get_closest_marker("x64"):
            item.add_marker(pytest.mark.skip(reason="asserts closer than single precision reaches"))


@pytest.fixture
def key(request: pytest.FixtureRequest) -> jax.Array:
    """A random key from the test's own name: reproducible, and not picked to pass."""
    return jax.random.key(zlib.crc32(request.node.name.encode()))


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data: `DGEO_DATA`, or `shared/data` beside the checkout."""
    root = Path(os.environ.get("DGEO_DATA", CHECKOUT.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real data in {root}; set DGEO_DATA to a folder that holds them")
    return root
