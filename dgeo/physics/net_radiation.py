"""Radiation that a grass surface keeps, from what falls on it and the state of the air.

    Rn  = (1 − α) Rs − Rnl                                                                  FAO-56 eqs. 38, 40
    Rnl = σ (Tmax⁴ + Tmin⁴)/2 · (0.34 − 0.14 √ea) · (1.35 Rs/Rso − 0.35)                    FAO-56 eq. 39
    Rso = (0.75 + 2·10⁻⁵ z) Ra                                                              FAO-56 eq. 37

    Rn, Rnl  net radiation, net outgoing longwave radiation            [MJ m-2 d-1]
    Rs, Rso  shortwave radiation, the same under a clear sky           [MJ m-2 d-1]
    Ra       extraterrestrial radiation                                [MJ m-2 d-1]
    Tmax     temperature of the day, in the fourth power absolute      [K]
    ea       vapour pressure, in the square root in kPa                [kPa]
    z        elevation                                                 [m]
    α        albedo, 0.23                                              [1]
    σ        Stefan–Boltzmann constant, 4.903e-9                       [MJ K-4 m-2 d-1]

The clearness Rs/Rso is held within 0.3 and 1 as in ASCE-EWRI (2005), The ASCE standardized reference
evapotranspiration equation, doi:10.1061/9780784408056; without sun (Rso = 0) it counts as 1.

Allen, R. G., Pereira, L. S., Raes, D., Smith, M. (1998), Crop evapotranspiration, FAO Irrigation and Drainage
Paper 56, Rome, chapter 3.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics.square_root import square_root

ALBEDO = 0.23
STEFAN_BOLTZMANN = 4.903e-9  # [MJ K-4 m-2 d-1]
MEGAJOULES_A_DAY = 0.0864  # [MJ m-2 d-1] of one [W m-2]

Field = Float[Array, "*#shape"]


def net_radiation(
    shortwave_radiation: Field,
    vapour_pressure: Field,
    minimum_temperature: Field,
    maximum_temperature: Field,
    extraterrestrial_radiation: Field,
    elevation: Field,
) -> Field:
    """Net radiation Rn [MJ m-2 d-1] of a day or an hour.

    From shortwave radiation [W m-2, mean of the time step], vapour pressure [Pa], temperatures [degC],
    extraterrestrial radiation [MJ m-2 d-1] and elevation [m]. For an hour both temperatures are that hour's.
    """
    shortwave = MEGAJOULES_A_DAY * shortwave_radiation
    clearness = relative_shortwave(shortwave, extraterrestrial_radiation, elevation)
    longwave = net_longwave(clearness, vapour_pressure, minimum_temperature, maximum_temperature)
    return (1 - ALBEDO) * shortwave - longwave


def relative_shortwave(shortwave: Field, extraterrestrial_radiation: Field, elevation: Field) -> Field:
    """Shortwave radiation as a share of that under a clear sky, Rs/Rso [1], within 0.3 and 1."""
    clear_sky = (0.75 + 2e-5 * elevation) * extraterrestrial_radiation
    dark = clear_sky <= 0
    return jnp.clip(jnp.where(dark, 1.0, shortwave / jnp.where(dark, 1.0, clear_sky)), 0.3, 1.0)


def net_longwave(
    relative_shortwave: Field, vapour_pressure: Field, minimum_temperature: Field, maximum_temperature: Field
) -> Field:
    """Net outgoing longwave radiation Rnl [MJ m-2 d-1]."""
    emitted = sum((t + 273.16) ** 4 for t in (minimum_temperature, maximum_temperature)) / 2
    emissivity = 0.34 - 0.14 * square_root(vapour_pressure / 1000)
    return STEFAN_BOLTZMANN * emitted * emissivity * (1.35 * relative_shortwave - 0.35)
