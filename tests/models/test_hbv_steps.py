"""HBV on steps of any length: limits hold exactly, whatever 1/dt rounds to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.engine import Parameters, simulate
from dgeo.models import hbv


@pytest.mark.parametrize("parts", [1, 3, 7, 12, 24])
def test_no_store_falls_below_zero(parts: int, key: jax.Array):
    """Snow comes and goes at twenty sites for forty days, in float32, with dt = 1/parts mostly no power of two.

    With limits on rates, (S/dt)·dt ≠ S left a snowpack of −1e-10 mm, which refreezing then doubled within a week.
    """
    model, steps = hbv("1.1p"), 40 * parts
    first, second, third = jax.random.split(key, 3)
    forcing = {
        "precipitation": 10 * jax.random.exponential(first, (steps, 20), jnp.float32),
        "temperature": 8 * jax.random.normal(second, (steps, 20), jnp.float32),
        "potential_evapotranspiration": jnp.full((steps, 20), 4.0, jnp.float32),
    }
    names = list(model.parameters)
    share = dict(zip(names, jax.random.uniform(third, (len(names), 20), jnp.float32), strict=True))
    parameters = {name: model.parameters[name].bounds.from_fraction(share[name]) for name in names}
    outputs, state = simulate(
        model, forcing, Parameters(parameters, {}), dt=1 / parts, outputs=(*model.states, *model.fluxes)
    )
    for series in outputs.values():
        assert np.all(np.asarray(series) >= 0)
    assert np.all(np.asarray(state["snow_water_equivalent"]) < 1e4)
