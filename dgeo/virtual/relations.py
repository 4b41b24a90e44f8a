"""What is hidden: how attributes make parameters, and the law of evaporation that no textbook formula equals.

    θ = bounds(z(attributes) + scatter·ε)          ε ~ N(0, 1), one a basin and parameter
    E = PET·w⁴/(w⁴ + (LP/2)⁴),   w = SM/FC         `threshold_evaporation`

The textbook's E = PET·min((w/LP)^βET, 1) is half of the potential at w = LP/2 for βET = 1, and so is this,
but it drops from nearly all to nearly nothing about that point and has no kink; it lies outside the family
for every LP and βET.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dgeo.hybrid import GammaRouting
from dgeo.models import Formula, Law, Model, Parameter
from dgeo.virtual.randomness import draw

Site = Float[np.ndarray, " basin"]
Scalar = Float[Array, ""]


def threshold_evaporation(
    soil_moisture: Scalar, potential_evapotranspiration: Scalar, field_capacity: Scalar, lp: Scalar
) -> Scalar:
    """Evaporation demand that vanishes about a relative soil moisture of LP/2 [mm d-1]."""
    wetness = (soil_moisture / field_capacity) ** 4
    return potential_evapotranspiration * wetness / (wetness + (lp / 2) ** 4)


HIDDEN_LAWS: dict[str, Law] = {"evaporation": Formula(threshold_evaporation)}


def unbounded_parameters(attributes: Mapping[str, Site]) -> dict[str, Site]:
    """The z of every parameter of HBV and of the unit hydrograph."""
    a = attributes
    deep = np.tanh((a["soil_depth_statsgo"] - 1.0) / 0.3)
    steep = np.tanh(np.log(a["slope_mean"] / 25) / 0.9)
    sandy = np.tanh((a["sand_frac"] - 38) / 14)
    forest = 2 * a["frac_forest"] - 1
    permeable = np.tanh((a["geol_permeability"] + 13.8) / 1.0)
    high = np.tanh(a["elev_mean"] / 1000 - 0.7)
    large = (a["log10_area"] - 2.6) / 0.6
    dry = np.tanh(np.log(a["aridity"]))
    return {
        "beta": -0.4 - 1.0 * sandy + 0.5 * dry + 0.3 * deep * sandy,
        "field_capacity": -1.3 + 0.9 * deep + 0.6 * forest - 0.4 * sandy,
        "k0": -0.2 + 1.0 * steep - 0.4 * sandy,
        "k1": -1.4 + 0.8 * steep + 0.5 * permeable,
        "k2": -2.3 - 0.9 * permeable + 0.3 * steep,
        "lp": 0.4 - 0.9 * forest + 0.4 * sandy * forest,
        "percolation_max": -1.8 + 0.9 * permeable + 0.5 * sandy + a["carbonate_rocks_frac"],
        "upper_zone_threshold": -1.2 + 0.6 * deep - 0.6 * steep,
        "threshold_temperature": 0.2 + 0.8 * high - 0.7 * forest,
        "degree_day_factor": -0.3 - 0.9 * forest + 0.5 * high,
        "refreezing_coefficient": 0.3 * high,
        "water_holding_capacity": 0.5 * forest,
        "beta_et": -1.0 + 0.5 * forest,
        "capillary": -3.0 + 0.5 * deep,
        "routing_shape": -0.4 + 0.4 * large,
        "routing_scale": -1.7 + 0.6 * large - 0.5 * steep,
    }


def true_parameters(seed: int, attributes: Mapping[str, Site], physics: Model, scatter: float) -> dict[str, Site]:
    """The parameters that the physics and its routing read, within their bounds."""
    specifications: dict[str, Parameter] = physics.parameters | GammaRouting.parameters
    hidden = unbounded_parameters(attributes)
    noise = draw(seed, attributes["aridity"].size, "scatter", lambda generator: generator.standard_normal(len(hidden)))
    z = {name: value + scatter * noise[row] for row, (name, value) in enumerate(hidden.items())}
    return {name: _bounded(specification, z[name]) for name, specification in specifications.items()}


def _bounded(specification: Parameter, z: Site) -> Site:
    return np.asarray(specification.bounds.from_unbounded(jnp.asarray(z, jnp.float32)))
