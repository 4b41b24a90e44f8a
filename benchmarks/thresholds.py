"""The bias of rounded thresholds: HBV with each width against HBV with hard ones, on virtual basins.

    python benchmarks/thresholds.py --json thresholds.json

Both run with the true parameters of the virtual world, without fitting, so the differences are those of the thresholds
alone. The gradient is that of the total snowfall by the threshold temperature, through the snow fraction alone, summed
over all days: exactly 0 with hard thresholds.
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from dgeo.engine import Parameters, simulate
from dgeo.metrics import nse
from dgeo.models import hbv, with_thresholds
from dgeo.numerics import HARD, Thresholds
from dgeo.virtual import basins

WIDTHS = (0.05, 0.1, 0.2, 0.5, 1.0)
KEPT = ("runoff", "evapotranspiration", "snow_water_equivalent", "snowfall")


def main() -> None:
    """Print one line for each width, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--basins", type=int, default=50)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    forcing, static = world(arguments.basins, arguments.years)
    hard, _ = outputs(HARD, forcing, static)
    rows = []
    for thresholds in (HARD, *map(Thresholds, WIDTHS)):
        rows.append(compared(thresholds, hard, forcing, static))
        print("  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def world(count, years):
    """Forcing [time, basin] and the true parameters [basin]."""
    made = basins(count, years, noise=0.0)
    forcing = {name: jnp.asarray(made.dataset[name].transpose("time", "basin").values) for name in hbv("1.0").forcings}
    static = {name: jnp.asarray(made.truth[name].values, jnp.float32) for name in hbv("1.0").parameters}
    return forcing, static


def outputs(thresholds, forcing, static):
    """What is kept, and the derivative of all snowfall by the threshold temperature [basin]."""
    model = with_thresholds(hbv("1.0"), thresholds)

    def snowfall(threshold):
        parameters = Parameters({**static, "threshold_temperature": threshold}, {})
        found = simulate(model, forcing, parameters, outputs=KEPT)[0]
        return jnp.sum(found["snowfall"]), found

    slope, found = jax.jit(jax.grad(snowfall, has_aux=True))(static["threshold_temperature"])
    return {name: np.asarray(series, np.float64) for name, series in found.items()}, np.asarray(slope)


def compared(thresholds, hard, forcing, static):
    """Changes of the means over all basins and days, after a year of warm-up."""
    found, slope = outputs(thresholds, forcing, static)
    changes = {f"{name} %": change(found[name][365:], hard[name][365:]) for name in KEPT}
    skill = np.asarray(nse(found["runoff"][365:], hard["runoff"][365:]))
    years = hard["runoff"].shape[0] / 365.25
    return {
        "width": thresholds.width,
        **changes,
        "median NSE": float(np.median(skill)),
        "lowest NSE": float(skill.min()),
        "alive basins": float(np.mean(slope != 0)),
        "snowfall per degC and year": float(np.mean(slope)) / years,
    }


def change(found, wanted):
    """Of the mean [%]."""
    return 100 * float(found.mean() / wanted.mean() - 1)


if __name__ == "__main__":
    main()
