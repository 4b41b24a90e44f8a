"""One virtual world for all tests of a process."""

import pytest

from dgeo import virtual
from dgeo.virtual import VirtualWorld


@pytest.fixture(scope="session")
def world() -> VirtualWorld:
    """Enough basins for statistics across them, three years of record, a tenth of it missing."""
    return virtual.basins(count=60, years=3, gaps=0.1)
