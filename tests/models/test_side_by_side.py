"""Sites side by side are sites one by one, in a step of each process model that no contract covers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.models import Layers, Oxygen, ecosystem, line, snowpack, soil_heat_column

SITES = 3
MODELS = {
    "carbon": (ecosystem(), 1.0, {"temperature": 12.0, "absorbed_radiation": 6.0, "vapour_pressure_deficit": 600.0}),
    "snow": (snowpack(), 0.5, {"precipitation": 5.0, "temperature": -1.0, "shortwave_radiation": 100.0,
                               "longwave_radiation": 250.0, "wind_speed": 2.0, "vapour_pressure": 400.0}),
    "soil heat": (soil_heat_column(Layers.even(0.5, 4)), 0.25, {"surface_temperature": -6.0}),
    "transport": (Oxygen(line(3000.0, 4)), 900.0, {"demand_store_inflow": 20.0, "oxygen_store_inflow": 9.0,
                                                   "saturation": 10.0}),
}  # fmt: skip


@pytest.mark.x64
@pytest.mark.parametrize("name", MODELS)
def test_sites_side_by_side_are_one_by_one(name):
    """Sites of other weather, numbers and stores; iterations that a neighbour needs change nothing but rounding."""
    model, dt, weather = MODELS[name]
    random = np.random.default_rng(0)

    def spread(number):
        return jnp.asarray(number * random.uniform(0.7, 1.3, (SITES, *np.shape(number))))

    forcing = {name: spread(number) for name, number in weather.items()}
    parameters = {name: spread(p.default) for name, p in model.parameters.items()}
    state = {name: spread(np.asarray(x) + 1.0) for name, x in model.initial_state().items()}
    together = jax.jit(jax.vmap(lambda *now: model.step(*now, jnp.asarray(dt))))(state, forcing, parameters)
    alone = jax.jit(lambda *now: model.step(*now, jnp.asarray(dt)))
    for site in range(SITES):
        own = alone(*jax.tree.map(lambda x, site=site: x[site], (state, forcing, parameters)))
        for both, one in zip(jax.tree.leaves(together), jax.tree.leaves(own), strict=True):
            np.testing.assert_allclose(both[site], one, rtol=1e-9, atol=1e-9)
