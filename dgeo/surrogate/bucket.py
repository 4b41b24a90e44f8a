"""A rainfall-runoff model as legacy codes are written: numbers and loops, nothing that has a gradient.

    snowfall = P where T < 0, else rain            melt = min(S, f·max(T, 0))
    recharge = (rain + melt)·(W/C)^b + overflow    E = min(PET·min(W/(0.7·C), 1), W)
    runoff = q·recharge + B                        B = (1 − e^{−k})·(G + (1 − q)·recharge)

    P, PET   precipitation, potential evapotranspiration             [mm d-1]
    T        temperature                                             [degC]
    S, W, G  snow, soil water, groundwater                           [mm]
    f        degree-day factor                                       [mm degC-1 d-1]
    C, b     capacity of the soil [mm], shape of its runoff          [1]
    q        share of recharge that flows off at once                [1]
    k        recession of the groundwater                            [d-1]

Each day, in this order: snow, soil, overflow above C, evaporation, groundwater. The soil starts half full, snow and
groundwater empty.
"""

import math

import numpy as np

from dgeo.models import Parameter, Variable
from dgeo.models.surrogate import Interface
from dgeo.numerics import Bounds

EASY_SHARE = 0.7  # of the capacity: soil wetter than this evaporates at the potential rate
FLUXES = ("runoff", "evapotranspiration")
INTERFACE = Interface(
    {
        "precipitation": Variable("mm d-1", "precipitation"),
        "temperature": Variable("degC", "mean temperature"),
        "potential_evapotranspiration": Variable("mm d-1", "potential evapotranspiration"),
    },
    {
        "degree_day_factor": Parameter("mm degC-1 d-1", "melt per degree and day", Bounds(1.0, 8.0), 3.0),
        "capacity": Parameter("mm", "capacity of the soil", Bounds(50.0, 500.0), 200.0),
        "shape": Parameter("1", "how late a filling soil begins to drain", Bounds(0.5, 5.0), 2.0),
        "quick_share": Parameter("1", "share of recharge that flows off at once", Bounds(0.0, 0.8), 0.3),
        "recession": Parameter("d-1", "recession of the groundwater", Bounds(0.01, 0.5, "logarithmic"), 0.1),
    },
    {
        "runoff": Variable("mm d-1", "runoff"),
        "evapotranspiration": Variable("mm d-1", "evapotranspiration"),
    },
)


def numpy_bucket(forcing: dict[str, np.ndarray], parameters: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runoff and evapotranspiration [time, site], one site after the other."""
    rain, warmth = forcing["precipitation"], forcing["temperature"]
    demand = forcing["potential_evapotranspiration"]
    outputs = {name: np.zeros(rain.shape) for name in FLUXES}
    for site in range(rain.shape[1]):
        numbers = {name: float(values[site]) for name, values in parameters.items()}
        days = zip(rain[:, site].tolist(), warmth[:, site].tolist(), demand[:, site].tolist(), strict=True)
        series = np.array(_one_site(list(days), **numbers))
        for column, name in enumerate(FLUXES):
            outputs[name][:, site] = series[:, column]
    return outputs


def _one_site(
    days: list[tuple[float, float, float]],
    degree_day_factor: float,
    capacity: float,
    shape: float,
    quick_share: float,
    recession: float,
) -> list[tuple[float, float]]:
    snow, soil, groundwater = 0.0, capacity / 2, 0.0
    drained = 1 - math.exp(-recession)
    series = []
    for precipitation, temperature, potential in days:
        if temperature < 0:
            snow += precipitation
            liquid = 0.0
        else:
            melt = min(snow, degree_day_factor * temperature)
            snow -= melt
            liquid = precipitation + melt
        recharge = liquid * (soil / capacity) ** shape
        soil += liquid - recharge
        if soil > capacity:
            recharge += soil - capacity
            soil = capacity
        evaporation = min(potential * min(soil / (EASY_SHARE * capacity), 1.0), soil)
        soil -= evaporation
        groundwater += (1 - quick_share) * recharge
        baseflow = drained * groundwater
        groundwater -= baseflow
        series.append((quick_share * recharge + baseflow, evaporation))
    return series
