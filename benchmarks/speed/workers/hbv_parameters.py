"""The order and the bounds of HBV's parameters in a problem, for all that do not import dgeo."""

FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration")
BOUNDS = {
    "beta": (1.0, 6.0),
    "field_capacity": (50.0, 1000.0),
    "k0": (0.05, 0.9),
    "k1": (0.01, 0.5),
    "k2": (0.001, 0.2),
    "lp": (0.2, 1.0),
    "percolation_max": (0.0, 10.0),
    "upper_zone_threshold": (0.0, 100.0),
    "threshold_temperature": (-2.5, 2.5),
    "degree_day_factor": (0.5, 10.0),
    "refreezing_coefficient": (0.0, 0.1),
    "water_holding_capacity": (0.0, 0.2),
}
INITIAL_STORAGE = 0.001  # [mm]
