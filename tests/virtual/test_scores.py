"""Scores of what was hidden, on series whose scores are known in closed form."""

import numpy as np
import pytest
import xarray as xr

from dgeo.errors import DgeoError
from dgeo.virtual import VirtualWorld, hidden_scores, recovery

TIME = np.arange("2001-01-01", "2009-01-01", dtype="datetime64[D]").astype("datetime64[ns]")


def series(values: np.ndarray) -> xr.Dataset:
    """A dataset of one variable, [time, basin]."""
    basins = [f"b{i}" for i in range(values.shape[1])]
    return xr.Dataset({"store": (("time", "basin"), values)}, coords={"time": TIME, "basin": basins})


@pytest.fixture
def truth() -> xr.Dataset:
    """White noise of deviation 2 about a season, at three basins."""
    noise = np.random.default_rng(0).standard_normal((len(TIME), 3))
    season = np.sin(2 * np.pi / 365.25 * np.arange(len(TIME)))[:, None]
    return series(10 + 5 * season + 2 * noise)


def test_the_truth_scores_full_marks(truth: xr.Dataset):
    """No error, no bias, correlations of one."""
    score = hidden_scores(truth, truth, truth, ["store"])["store"]
    assert score["basins"] == 3
    assert score["error"] == score["bias"] == 0
    assert score["nse"] == 1
    assert score["anomaly_correlation"] == pytest.approx(1)


def test_a_shift_costs_bias_alone_and_a_climatology_has_no_anomaly(truth: xr.Dataset):
    """Shifted by 1 of a mean of 10: bias 10 % to sampling, error 1, NSE 1 − 1/var, anomalies as they were. The mean
    of each day of the year has no anomalies at all."""
    season = truth.groupby("time.dayofyear").map(lambda part: 0 * part + part.mean("time"))
    score = hidden_scores(truth + 1, season, truth, ["store"])["store"]
    assert score["bias"] == pytest.approx(10, rel=0.02)
    assert score["error"] == pytest.approx(1)
    assert score["nse"] == pytest.approx(np.median(1 - 1 / truth["store"].var("time")))
    assert score["anomaly_correlation"] == pytest.approx(1)
    assert abs(score["untrained"]["bias"]) < 1e-9
    assert score["untrained"]["anomaly_correlation"] == 0


def test_basins_in_which_nothing_happens_do_not_count(truth: xr.Dataset):
    """A basin without snow neither helps nor harms: the median is over the others."""
    truth["store"][:, 0] = 0.0
    simulated = truth.copy(deep=True)
    simulated["store"][:, 0] = 7.0
    score = hidden_scores(simulated, simulated, truth, ["store"])["store"]
    assert (score["basins"], score["error"]) == (2, 0)
    nothing = hidden_scores(0 * truth, truth, 0 * truth, ["store"])["store"]
    assert nothing["basins"] == 0
    assert np.isnan(nothing["nse"])


def test_scores_are_over_the_days_and_basins_of_the_simulation(truth: xr.Dataset):
    """A truth and an untrained run that hold more, in another order, are cut to size."""
    part = truth.isel(time=slice(400, 1200), basin=[2, 0])
    assert hidden_scores(part, truth.isel(basin=[1, 0, 2]), truth, ["store"])["store"]["untrained"]["error"] == 0
    with pytest.raises(DgeoError, match="untrained run has no 'store' for time"):
        hidden_scores(truth, part, truth, ["store"])
    with pytest.raises(DgeoError, match="truth has no variable 'stroe' to score; did you mean store"):
        hidden_scores(truth, truth, truth, ["stroe"])


def test_recovery_is_rank_and_linear_correlation(world: VirtualWorld):
    """The truth itself is recovered; a monotone bend of it keeps ranks alone; a constant has found nothing."""
    true = world.truth[["beta", "k1", "lp"]]
    learned = xr.Dataset(
        {
            "beta": true["beta"].expand_dims(component=2) * xr.DataArray([0.5, 1.5], dims="component"),
            "k1": -np.exp(100 * true["k1"]),
            "lp": 0 * true["lp"],
            "unknown": true["lp"],
        }
    )
    scores = recovery(learned.isel(basin=slice(5, None)), world.truth)
    assert set(scores) == {"beta", "k1", "lp"}
    assert scores["beta"] == pytest.approx({"pearson": 1, "spearman": 1})
    assert scores["k1"]["spearman"] == pytest.approx(-1)
    assert -0.99 < scores["k1"]["pearson"] < 0
    assert scores["lp"]["spearman"] == 0


def test_ranks_share_ties():
    """Against the definition of Spearman's correlation, worked by hand: ranks (1, 2.5, 2.5, 4) against (1, 2, 3,
    4)."""
    basins = {"basin": ["a", "b", "c", "d"]}
    learned = xr.Dataset({"k": ("basin", [0.1, 0.2, 0.2, 0.3])}, coords=basins)
    true = xr.Dataset({"k": ("basin", [1.0, 2.0, 3.0, 9.0])}, coords=basins)
    assert recovery(learned, true)["k"]["spearman"] == pytest.approx(4.5 / np.sqrt(4.5 * 5))
