"""Synthetic problems, as arrays that every implementation reads."""

import numpy as np

PARAMETERS, ROUTING = 12, 2
ATTRIBUTES = 27


def hbv(days: int, basins: int, components: int) -> dict[str, np.ndarray]:
    """Two wet days in five, seasons, cold basins and warm ones; raw parameters from a normal distribution.

    - forcings and `target` [day, basin]; `raw` [parameter, basin, component]; `raw_routing` [parameter, basin].
    """
    random = np.random.default_rng(0)
    season = np.sin(2 * np.pi * (np.arange(days)[:, None] - 105) / 365)
    wet = random.random((days, basins)) < 0.4
    return _single(
        precipitation=wet * random.gamma(0.8, 9.0, (days, basins)),
        temperature=8 + random.normal(0, 5, basins) + 12 * season + random.normal(0, 3, (days, basins)),
        potential_evapotranspiration=np.maximum(2.5 + 2.2 * season + random.normal(0, 0.3, (days, basins)), 0.3),
        target=random.gamma(1.0, 2.0, (days, basins)),
        raw=random.normal(0, 1, (PARAMETERS, basins, components)),
        raw_routing=random.normal(0, 1, (ROUTING, basins)),
    )


def lstm(days: int, sites: int, hidden: int, inputs: int) -> dict[str, np.ndarray]:
    """Inputs [day, site, input], a target [day, site], and the weights of linear layer, LSTM and linear layer."""
    random = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return random.uniform(-1, 1, shape) / np.sqrt(shape[-1])

    return _single(
        series=random.normal(0, 1, (days, sites, inputs)),
        target=random.normal(0, 1, (days, sites)),
        encoder_weight=weights(hidden, inputs),
        encoder_bias=weights(hidden),
        input_weight=weights(4 * hidden, hidden),
        hidden_weight=weights(4 * hidden, hidden),
        bias=weights(4 * hidden),
        decoder_weight=weights(1, hidden),
        decoder_bias=weights(1),
    )


def dpl(days: int, basins: int) -> dict[str, np.ndarray]:
    """What a network is trained on: forcings and streamflow [day, basin], and attributes [basin, attribute]."""
    random = np.random.default_rng(1)
    weather = hbv(days, basins, 1)
    names = ("precipitation", "temperature", "potential_evapotranspiration")
    return {name: weather[name] for name in names} | _single(
        streamflow=weather["target"], attributes=random.normal(0, 1, (basins, ATTRIBUTES))
    )


def _single(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}
