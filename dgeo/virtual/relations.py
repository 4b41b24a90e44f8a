"""What is hidden: how attributes make parameters.

    θ = bounds(z(attributes) + scatter·ε)          ε ~ N(0, 1), one a basin and parameter

z is written down below for the parameters of HBV, under whose names other models have theirs of the same meaning. For a
name that is not among them it is drawn, the same for the same seed,

    z = z(textbook default) + Σ_k a_k f_k          a_k ~ N(0, 0.6)

over the features f of the land, each between about −1 and 1.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dgeo.hybrid import GammaRouting
from dgeo.models import Model, Parameter
from dgeo.virtual.randomness import draw

Site = Float[np.ndarray, " basin"]
SENSITIVITY = 0.6  # standard deviation of a drawn coefficient


def features(attributes: Mapping[str, Site]) -> dict[str, Site]:
    """What of the land parameters hang on."""
    a = attributes
    return {
        "deep": np.tanh((a["soil_depth_statsgo"] - 1.0) / 0.3),
        "steep": np.tanh(np.log(a["slope_mean"] / 25) / 0.9),
        "sandy": np.tanh((a["sand_frac"] - 38) / 14),
        "forest": 2 * a["frac_forest"] - 1,
        "permeable": np.tanh((a["geol_permeability"] + 13.8) / 1.0),
        "high": np.tanh(a["elev_mean"] / 1000 - 0.7),
        "large": (a["log10_area"] - 2.6) / 0.6,
        "dry": np.tanh(np.log(a["aridity"])),
    }


def unbounded_parameters(attributes: Mapping[str, Site]) -> dict[str, Site]:
    """The z of every parameter of HBV and of the unit hydrograph."""
    deep, steep, sandy, forest, permeable, high, large, dry = features(attributes).values()
    return {
        "beta": -0.4 - 1.0 * sandy + 0.5 * dry + 0.3 * deep * sandy,
        "field_capacity": -1.3 + 0.9 * deep + 0.6 * forest - 0.4 * sandy,
        "k0": -0.2 + 1.0 * steep - 0.4 * sandy,
        "k1": -1.4 + 0.8 * steep + 0.5 * permeable,
        "k2": -2.3 - 0.9 * permeable + 0.3 * steep,
        "lp": 0.4 - 0.9 * forest + 0.4 * sandy * forest,
        "percolation_max": -1.8 + 0.9 * permeable + 0.5 * sandy + attributes["carbonate_rocks_frac"],
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


def drawn_parameter(seed: int, attributes: Mapping[str, Site], name: str, parameter: Parameter) -> Site:
    """The z of a parameter of which nobody has said how it hangs on the land."""
    land = features(attributes)
    stream = np.random.SeedSequence(seed, spawn_key=tuple(f"relation of {name}".encode()))
    coefficients = SENSITIVITY * np.random.default_rng(stream).standard_normal(len(land))
    middle = float(parameter.bounds.to_unbounded(jnp.asarray(parameter.default)))
    return middle + sum(a * feature for a, feature in zip(coefficients, land.values(), strict=True))


def true_parameters(seed: int, attributes: Mapping[str, Site], physics: Model, scatter: float) -> dict[str, Site]:
    """The parameters that the physics and its routing read, within their bounds."""
    specifications: dict[str, Parameter] = physics.parameters | GammaRouting.parameters
    hidden, count = unbounded_parameters(attributes), attributes["aridity"].size
    noise = draw(seed, count, "scatter", lambda generator: generator.standard_normal(len(hidden)))
    z = {name: value + scatter * noise[row] for row, (name, value) in enumerate(hidden.items())}
    for name in specifications.keys() - z.keys():
        own = draw(seed, count, f"scatter of {name}", lambda generator: np.asarray(generator.standard_normal()))
        z[name] = drawn_parameter(seed, attributes, name, specifications[name]) + scatter * own
    return {name: _bounded(specification, z[name]) for name, specification in specifications.items()}


def _bounded(specification: Parameter, z: Site) -> Site:
    return np.asarray(specification.bounds.from_unbounded(jnp.asarray(z, jnp.float32)))
