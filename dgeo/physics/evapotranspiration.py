"""Potential evapotranspiration from temperature, or from temperature and radiation.

    Hamon             E = 29.8 · D · es/(T + 273.2),   es = 0.611 exp(17.3 T/(T + 237.3))
    Hargreaves        E = 0.0023 · Ra/λ · (T + 17.8) √(Tmax − Tmin)
    Oudin             E = Ra/λ · (T + 5)/100
    Priestley–Taylor  E = 1.26 · Δ/(Δ + γ) · (Rn − G)/λ

    E           potential evapotranspiration                       [mm d-1]
    D           day length                                         [h]
    es          saturation vapour pressure                         [kPa]
    Ra, Rn, G   extraterrestrial and net radiation, heat to soil   [MJ m-2 d-1]
    T           temperature, mean, lowest, highest of the day      [degC]
    Δ, γ        see `dgeo.physics.humid_air`                       [Pa K-1]
    λ           latent heat of vaporisation, 1/0.408               [MJ kg-1]

None is negative: what the formula would make condensation counts as 0, with derivative 0, and so does a day
on which Tmin reaches or exceeds Tmax. All are rates per day at any time step. Hargreaves and Oudin are linear in Ra;
for hours, give them the temperatures of the day and the Ra of the hour, and the hours have the mean of the
day. Priestley–Taylor takes the values of the hour itself, with G = 0.1 Rn while Rn > 0 (FAO-56 eq. 45) subtracted
beforehand.

Hamon's with the constants of EXP-HYDRO: Höge, M. et al. (2022), doi:10.5194/hess-26-5085-2022. The others:
Hargreaves, G. H., Samani, Z. A. (1985), doi:10.13031/2013.26773, as FAO-56 eq. 52; Oudin, L. et al. (2005),
doi:10.1016/j.jhydrol.2004.08.026; Priestley, C. H. B., Taylor, R. J. (1972),
doi:10.1175/1520-0493(1972)100<0081:OTAOSH>2.3.CO;2.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import positive_part
from dgeo.numerics.square_root import square_root
from dgeo.physics.humid_air import psychrometric_constant, saturation_slope

WATER_PER_ENERGY = 0.408  # [mm] evaporated by one [MJ m-2]
SECONDS_AN_HOUR = 3600.0

Field = Float[Array, "*#shape"]


def hamon(mean_temperature: Field, day_length: Field) -> Field:
    """Potential evapotranspiration [mm d-1] from temperature [degC] and day length [s]."""
    pressure = 0.611 * jnp.exp(17.3 * mean_temperature / (mean_temperature + 237.3))
    return 29.8 * (day_length / SECONDS_AN_HOUR) * pressure / (mean_temperature + 273.2)


def hargreaves(
    mean_temperature: Field,
    minimum_temperature: Field,
    maximum_temperature: Field,
    extraterrestrial_radiation: Field,
) -> Field:
    """Potential evapotranspiration [mm d-1] from temperatures [degC] and Ra [MJ m-2 d-1].

    It is 0 below −17.8 degC and where the lowest temperature reaches the highest.
    """
    spread = square_root(maximum_temperature - minimum_temperature)
    warmth = positive_part(mean_temperature + 17.8)
    return 0.0023 * WATER_PER_ENERGY * extraterrestrial_radiation * warmth * spread


def oudin(mean_temperature: Field, extraterrestrial_radiation: Field) -> Field:
    """Potential evapotranspiration [mm d-1] from temperature [degC] and Ra [MJ m-2 d-1]; 0 below −5 degC."""
    return WATER_PER_ENERGY / 100 * extraterrestrial_radiation * positive_part(mean_temperature + 5)


def priestley_taylor(
    mean_temperature: Field, net_radiation: Field, elevation: Field, coefficient: float = 1.26
) -> Field:
    """Potential evapotranspiration [mm d-1] from temperature [degC], Rn − G [MJ m-2 d-1] and elevation [m].

    Net radiation comes from measurements or from `dgeo.physics.net_radiation`; 0 where it is negative.
    """
    slope = saturation_slope(mean_temperature)
    share = slope / (slope + psychrometric_constant(elevation))
    return coefficient * WATER_PER_ENERGY * share * positive_part(net_radiation)
