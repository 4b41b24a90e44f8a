"""Training runs in single precision, as in tests/training."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def single_precision() -> Iterator[None]:
    """Weights and data are float32."""
    with jax.enable_x64(False):
        yield
