"""Training runs in single precision, whatever the other tests do."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def single_precision(request: pytest.FixtureRequest) -> Iterator[None]:
    """Weights and data are float32, and an optimiser of optax with a schedule is not at home in both."""
    with jax.enable_x64(request.node.get_closest_marker("x64") is not None):
        yield
