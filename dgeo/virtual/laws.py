"""Laws that no textbook formula equals, whatever its parameters: what a learner of laws has to find.

    recharge fraction   1/(1 + exp(−(w − c)/0.08)),          w = SM/FC,  c = 2^(−1/β)
    evaporation         E·w⁴/(w⁴ + (LP/2)⁴)
    melt                CFMAX·max(T − TT, 0)·(1/4 + E/2)     E [mm d-1] in the place of radiation

Each is near the textbook's in size, so that a world with it is a plausible one, and of another shape. The recharge
fraction is a half where the textbook's w^β is, but rises about that point as the wet share of a basin does, and is
concave beyond it, where the textbook's is convex for every β ≥ 1. The textbook's evaporation, E·min(w/LP, 1), is half
of the potential at w = LP/2, and so is this, but it drops from nearly all to nearly nothing about that point and has no
kink. Melt per degree depends on the season: at equal temperature more melts in June than in March, which no factor and
no threshold make.
"""

from collections.abc import Iterable

import jax
from jaxtyping import Array, Float

from dgeo.errors import DgeoError, nearest
from dgeo.models import Formula, Law
from dgeo.numerics import positive_part

Scalar = Float[Array, ""]
WETTING = 0.08  # range of relative soil moisture over which a basin becomes wet


def threshold_recharge(soil_moisture: Scalar, field_capacity: Scalar, beta: Scalar) -> Scalar:
    """The share of incoming water that passes through the soil, by how much of the basin is wet (0…1)."""
    return jax.nn.sigmoid((soil_moisture / field_capacity - 0.5 ** (1 / beta)) / WETTING)


def threshold_evaporation(
    soil_moisture: Scalar, potential_evapotranspiration: Scalar, field_capacity: Scalar, lp: Scalar
) -> Scalar:
    """Evaporation demand that vanishes about a relative soil moisture of LP/2 [mm d-1]."""
    wetness = (soil_moisture / field_capacity) ** 4
    return potential_evapotranspiration * wetness / (wetness + (lp / 2) ** 4)


def radiation_melt(
    temperature: Scalar,
    potential_evapotranspiration: Scalar,
    threshold_temperature: Scalar,
    degree_day_factor: Scalar,
) -> Scalar:
    """Potential melt whose degree-day factor rises with the sun [mm d-1]."""
    seasonal = 0.25 + 0.5 * potential_evapotranspiration
    return degree_day_factor * positive_part(temperature - threshold_temperature) * seasonal


HIDDEN_LAWS: dict[str, Law] = {
    "recharge_fraction": Formula(threshold_recharge),
    "evaporation": Formula(threshold_evaporation),
    "melt": Formula(radiation_melt),
}


def hidden_laws(slots: Iterable[str]) -> dict[str, Law]:
    """The hidden laws of some slots. Raises `DgeoError` for a slot that has none."""
    chosen = tuple(slots)
    for slot in chosen:
        if slot not in HIDDEN_LAWS:
            raise DgeoError(f"There is no hidden law for {slot!r}: {nearest(slot, HIDDEN_LAWS)}")
    return {slot: HIDDEN_LAWS[slot] for slot in chosen}
