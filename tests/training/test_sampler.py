import jax
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.errors import DgeoError
from dgeo.training import Sampler

TIMES, BASINS = 60, 6


@st.composite
def masks(draw):
    """Observations of six basins over sixty days, in blocks, so that there are long gaps and empty basins."""
    blocks = draw(st.lists(st.booleans(), min_size=36, max_size=36))
    return np.repeat(np.asarray(blocks).reshape(6, BASINS), TIMES // 6, axis=0)


@given(masks(), st.integers(0, 15), st.integers(1, 15), st.integers(1, 9), st.integers(0, 2**31))
def test_windows_hold_targets_and_basins_have_them(observed, warmup, window, batch, seed):
    """Every draw lies inside the record, half of its window's days carry a target in some basin, no basin without
    targets is drawn, and none twice while others are left. Checked by counting in the mask itself."""
    qualifies = [
        2 * observed[first + warmup : first + warmup + window].any(1).sum() >= window
        for first in range(TIMES - warmup - window + 1)
    ]
    if not any(qualifies):
        with pytest.raises(DgeoError, match=r"No window of .* days holds training targets"):
            Sampler.create(observed, warmup, window)
        return
    sampler = Sampler.create(observed, warmup, window)
    basins, starts, _ = sampler.draws(jax.random.key(seed), batch)
    assert all(qualifies[start] for start in np.asarray(starts))
    assert observed[:, np.asarray(basins)].any(0).all()
    assert len(set(np.asarray(basins).tolist())) == min(batch, int(observed.any(0).sum()))


def test_every_basin_and_window_gets_its_turn():
    """3 of 6 basins and 3 of 31 windows a step, 200 times: each basin 100 ± 7 times, each window 19 ± 4.3."""
    sampler = Sampler.create(np.ones((TIMES, BASINS), bool), 10, 20)
    draw = jax.jit(jax.vmap(lambda key: sampler.draws(key, 3)[:2]))
    basins, starts = draw(jax.random.split(jax.random.key(0), 200))
    counts = np.bincount(np.asarray(basins).ravel(), minlength=BASINS)
    assert counts.sum() == 600
    assert (np.abs(counts - 100) < 40).all()
    assert set(np.asarray(starts).ravel().tolist()) == set(range(31))


def test_a_record_shorter_than_a_window_is_refused():
    with pytest.raises(DgeoError, match=r"No window of 50 \+ 20 days .* in 60 days of data"):
        Sampler.create(np.ones((TIMES, BASINS), bool), 50, 20)
