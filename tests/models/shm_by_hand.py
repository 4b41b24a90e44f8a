"""A day of SHM and of NonSense in plain Python, store after store as Acuña Espinoza et al. (2024) describe them."""


def snow_day(store, rain_or_snow, temperature, factor):
    """(snowpack after the day, rain and meltwater): it snows in frost, and melts by the degrees above it."""
    melted = min(store, factor * temperature) if temperature > 0 else 0.0
    fallen, rain = (rain_or_snow, 0.0) if temperature < 0 else (0.0, rain_or_snow)
    return store - melted + fallen, rain + melted


def soil_day(store, water, capacity, beta, potential):
    """(soil after the day, water that ran through it, evaporation)."""
    through = water * (store / capacity) ** beta
    filled = store + water - through
    over = max(filled - capacity, 0.0)
    store = min(filled, capacity)
    stress = store / capacity if store <= 0.8 * capacity else 1.0
    evaporated = min(0.9 * potential * stress, store)
    return store - evaporated, through + over, evaporated


def reservoir_day(store, water, rate):
    """(reservoir after the day, its outflow)."""
    out = rate * (store + water)
    return store + water - out, out


def shm(state, forcing, p):
    """State after a day, and its main fluxes."""
    snow, water = snow_day(
        state["snow_water_equivalent"], forcing["precipitation"], forcing["temperature"], p["degree_day_factor"]
    )
    above = max(water - p["infiltration_capacity"], 0.0)
    fast, quick = reservoir_day(state["fast_reservoir"], above, p["k0"])
    potential = forcing["potential_evapotranspiration"]
    soil, through, evaporated = soil_day(
        state["soil_moisture"], water - above, p["field_capacity"], p["beta"], potential
    )
    inter, interflow = reservoir_day(state["interflow_reservoir"], through * p["interflow_share"], p["k1"])
    base, baseflow = reservoir_day(state["baseflow_reservoir"], through * (1 - p["interflow_share"]), p["k2"])
    after = {
        "snow_water_equivalent": snow,
        "fast_reservoir": fast,
        "soil_moisture": soil,
        "interflow_reservoir": inter,
        "baseflow_reservoir": base,
    }
    return after, {
        "quick_flow": quick,
        "interflow": interflow,
        "baseflow": baseflow,
        "evapotranspiration": evaporated,
        "runoff": quick + interflow + baseflow,
    }


def nonsense(state, forcing, p):
    """State after a day, and its main fluxes: snow, baseflow, interflow, soil, river."""
    snow, water = snow_day(
        state["snow_water_equivalent"], forcing["precipitation"], forcing["temperature"], p["degree_day_factor"]
    )
    base, baseflow = reservoir_day(state["baseflow_reservoir"], water, p["k2"])
    inter, interflow = reservoir_day(state["interflow_reservoir"], baseflow, p["k1"])
    potential = forcing["potential_evapotranspiration"]
    soil, through, evaporated = soil_day(state["soil_moisture"], interflow, p["field_capacity"], p["beta"], potential)
    after = {
        "snow_water_equivalent": snow,
        "baseflow_reservoir": base,
        "interflow_reservoir": inter,
        "soil_moisture": soil,
    }
    return after, {
        "baseflow": baseflow,
        "interflow": interflow,
        "evapotranspiration": evaporated,
        "runoff": through,
    }
