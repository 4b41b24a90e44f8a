"""What an experiment found, in numbers.

The price of emulation is the NSE through the emulator less that of the black box with the same parameters, both of
streamflow in the test years.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from dgeo.metrics import nse
from dgeo.models import Parameter
from dgeo.surrogate.black_box import Series
from dgeo.surrogate.experiment import Outcome, Tested


def summary(outcome: Outcome) -> dict[str, Any]:
    """Skills, seconds and counts, ready for JSON."""
    observed = outcome.observed
    through, itself = nse(outcome.tested.through, observed), nse(outcome.tested.black_box["runoff"], observed)
    streamflow = {
        "default_parameters": spread(nse(outcome.default["runoff"], observed)),
        "through_emulator": spread(through),
        "black_box": spread(itself),
        "price_of_emulation": spread(through - itself),
    }
    if outcome.equations is not None:
        exact = outcome.equations[1]
        streamflow["learned_through_equations"] = spread(nse(exact.black_box["runoff"], observed))
    found = {
        "black_box": outcome.black_box.name,
        "tested_on": "unseen basins and years" if outcome.config.split.unseen else "unseen years of all basins",
        "against": "observations" if outcome.twin is None else "streamflow of the black box, with noise",
        "emulator": {name: spread(values) for name, values in outcome.emulation.skill.items()},
        "streamflow": streamflow,
        "runs": _runs(outcome),
        "seconds": _seconds(outcome),
    }
    return found if outcome.twin is None else found | {"truth": _truth(outcome)}


def spread(values: np.ndarray) -> dict[str, float | int]:
    """Median, 5th and 95th percentile over the runs or basins with a finite value, and their number."""
    finite = values[np.isfinite(values)]
    low, median, high = np.percentile(finite, (5, 50, 95)) if len(finite) else (np.nan,) * 3
    return {"median": float(median), "low": float(low), "high": float(high), "n": len(finite)}


def _runs(outcome: Outcome) -> dict[str, int]:
    """Runs of one site each; those of a twin's truth do not count, as a modeller does not make them."""
    basins = outcome.observed.shape[1]
    verified = basins * (1 if outcome.equations is None else 2)
    counts = {"trained_on": outcome.sampling[0], "held_out": outcome.held_out.count, "verified": verified}
    return {**counts, "default": basins, "days_each": outcome.config.runs.days}


def _seconds(outcome: Outcome) -> dict[str, float]:
    seconds = {
        "black_box": outcome.sampling[1] + outcome.held_out.seconds,
        "emulator": outcome.emulation.seconds,
        "learning": outcome.learning.seconds,
        "verification": outcome.tested.seconds,
    }
    if outcome.equations is not None:
        seconds["learning_through_equations"] = outcome.equations[0].seconds
    return {name: round(value, 2) for name, value in seconds.items()}


def _truth(outcome: Outcome) -> dict[str, Any]:
    """Where the truth is known: the outputs without noise, and the parameters."""
    truth = true_outputs(outcome)
    found: dict[str, Any] = {
        "outputs": {name: spread(nse(outcome.tested.black_box[name], values)) for name, values in truth.items()},
        "parameters": _recovery(outcome, outcome.tested),
    }
    if outcome.equations is not None:
        found["parameters_through_equations"] = _recovery(outcome, outcome.equations[1])
    return found


def true_outputs(outcome: Outcome) -> Series:
    """The outputs of the true black box over the test, [time, basin] by name; nothing without a twin."""
    if outcome.twin is None:
        return {}
    basins = outcome.observed.shape[1]
    time = outcome.twin.dataset["time"].values
    start, end = (np.datetime64(day) for day in outcome.config.split.test)
    days = (time >= start) & (time < end + np.timedelta64(1, "D"))
    return {name: values[days][:, -basins:] for name, values in outcome.twin.outputs.items()}


def places(parameter: Parameter, values: np.ndarray) -> np.ndarray:
    """How far between its bounds a parameter lies, 0…1."""
    return np.asarray(parameter.bounds.to_fraction(jnp.asarray(values)), np.float64)


def _recovery(outcome: Outcome, tested: Tested) -> dict[str, dict[str, float]]:
    assert outcome.twin is not None
    basins = outcome.observed.shape[1]
    return {
        name: _agreement(parameter, tested.parameters[name], outcome.twin.parameters[name][-basins:])
        for name, parameter in outcome.black_box.interface.parameters.items()
    }


def _agreement(parameter: Parameter, found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Correlation, and root mean square error as a share of the way between the bounds."""
    a, b = (places(parameter, values) for values in (found, truth))
    constant = a.std() == 0 or b.std() == 0
    correlation = np.nan if constant else float(np.corrcoef(a, b)[0, 1])
    return {"correlation": correlation, "error": float(np.sqrt(np.mean((a - b) ** 2)))}
