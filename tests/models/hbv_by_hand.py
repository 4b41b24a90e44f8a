"""One step of HBV in plain Python floats, written from the published equations: a second implementation."""

import math


def step(state, forcing, parameters, dt, floor=0.0):
    """(stores after the step [mm], fluxes [mm d-1]) from dicts of floats.

    Optional parameters are left out of the dict: without beta_et evaporation is linear, without capillary
    nothing rises, without regional_flow_max no water crosses the divide. The order is that of the equations: snow,
    soil, groundwater.
    """
    if parameters.get("elev_mean", 0.0) >= 2000.0:
        parameters = parameters | {"threshold_temperature": 4.0}
    rain, snow = split(forcing, parameters)
    stores = dict(state)
    depths = snowpack(stores, forcing["temperature"], snow * dt, parameters, dt)
    depths |= soil(stores, forcing["potential_evapotranspiration"], rain * dt, depths, parameters, dt, floor)
    depths |= groundwater(stores, depths["recharge"] + depths["excess"], parameters, dt)
    fluxes = {name: depth / dt for name, depth in depths.items()}
    return stores, fluxes | {"rainfall": rain, "snowfall": snow}


def split(forcing, parameters):
    water = forcing["precipitation"]
    return (0.0, water) if forcing["temperature"] < parameters["threshold_temperature"] else (water, 0.0)


def snowpack(stores, temperature, snow, parameters, dt):
    ice, water = stores["snow_water_equivalent"] + snow, stores["snow_liquid_water"]
    warmth = temperature - parameters["threshold_temperature"]
    rate = parameters["degree_day_factor"] * dt
    melt = min(max(rate * warmth, 0.0), ice)
    ice, water = ice - melt, water + melt
    refreezing = min(max(parameters["refreezing_coefficient"] * rate * -warmth, 0.0), water)
    ice, water = ice + refreezing, water - refreezing
    infiltration = max(water - parameters["water_holding_capacity"] * ice, 0.0)
    stores |= {"snow_water_equivalent": ice, "snow_liquid_water": water - infiltration}
    return {"melt": melt, "refreezing": refreezing, "infiltration": infiltration}


def soil(stores, demand, rain, depths, parameters, dt, floor):
    moisture, capacity = stores["soil_moisture"], parameters["field_capacity"]
    water = rain + depths["infiltration"]
    recharge = water * min((moisture / capacity) ** parameters["beta"], 1.0)
    moisture += water - recharge
    excess = max(moisture - capacity, 0.0)
    moisture -= excess
    factor = min((moisture / (parameters["lp"] * capacity)) ** parameters.get("beta_et", 1.0), 1.0)
    evaporation = min(moisture, demand * dt * factor)
    dried = max(moisture - evaporation, floor)
    lower = stores["lower_zone"]
    rise = parameters.get("capillary", 0.0) * dt * lower * (1.0 - min(dried / capacity, 1.0))
    rise = min(lower, rise)
    drawn = max(lower - rise, floor)
    stores |= {"soil_moisture": dried + rise, "lower_zone": drawn}
    return {
        "recharge": recharge,
        "excess": excess,
        "evapotranspiration": evaporation,
        "capillary_rise": rise,
        "floor_source_soil": dried - (moisture - evaporation),
        "floor_source_groundwater": drawn - (lower - rise),
    }


def groundwater(stores, inflow, parameters, dt):
    upper = stores["upper_zone"] + inflow
    percolation = min(upper, parameters["percolation_max"] * dt)
    upper -= percolation
    quick = parameters["k0"] * dt * max(upper - parameters["upper_zone_threshold"], 0.0)
    upper -= quick
    inter = parameters["k1"] * dt * upper
    lower = stores["lower_zone"] + percolation
    gained = max(exchange(parameters) * dt, -lower)
    lower += gained
    base = parameters["k2"] * dt * lower
    stores |= {"upper_zone": upper - inter, "lower_zone": lower - base}
    return {
        "percolation": percolation,
        "quick_flow": quick,
        "interflow": inter,
        "regional_exchange": gained,
        "baseflow": base,
        "runoff": quick + inter + base,
    }


def exchange(parameters):
    if "regional_flow_max" not in parameters:
        return 0.0
    area, largest = parameters["area"], parameters["regional_flow_max"]
    if area < 2500:
        return largest * min(max((area - parameters["regional_area"]) / 1000, -1.0), 1.0)
    return largest * math.exp(min(max(-(area - 2500) / 50, -10.0), 0.0))
