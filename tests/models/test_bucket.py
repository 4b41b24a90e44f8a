"""The bucket against arithmetic by hand and its closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.errors import DgeoError
from dgeo.models import FixedParts, bucket


def stepped(model, storage, rain, demand, dt=1.0, **parameters):
    """Storage after a step, and the fluxes."""
    given = {"evaporation_factor": 0.5, "k0": 0.1, "exponent": 2.0} | parameters
    forcing = {"precipitation": jnp.asarray(rain), "potential_evapotranspiration": jnp.asarray(demand)}
    values = {name: jnp.asarray(given[name]) for name in model.parameters}
    state, fluxes = model.step({"storage": jnp.asarray(storage)}, forcing, values, jnp.asarray(dt))
    return float(state["storage"]), {name: float(x) for name, x in fluxes.items()}


@pytest.mark.parametrize(
    ("version", "runoff"),
    # 20 + 10 of rain less 0.5·4 of evaporation are 28 mm; a tenth of them runs off, or 0.1·100·0.28²
    [("linear", 2.8), ("power", 0.784)],
)
def test_a_day_by_hand(version, runoff):
    """Rain, then evaporation, then runoff; the tolerance is a few roundings of 30 mm in float32."""
    after, fluxes = stepped(bucket(version), 20.0, 10.0, 4.0)
    np.testing.assert_allclose([fluxes["evapotranspiration"], fluxes["runoff"]], [2.0, runoff], rtol=1e-5)
    np.testing.assert_allclose(after, 28 - runoff, rtol=1e-6)


def test_an_empty_bucket_gives_what_fell():
    """A demand of 20 mm takes the 3 mm of rain and leaves nothing to run off."""
    after, fluxes = stepped(bucket(), 0.0, 3.0, 40.0)
    assert (after, fluxes["evapotranspiration"], fluxes["runoff"]) == (0.0, 3.0, 0.0)


def test_continuous_form_has_the_closed_solution():
    """Without weather S(t) = S₀·e^{−K·t}, and by the power law with α = 2, S(t) = S₀/(1 + K·S₀·t/S₁).

    Heun in 32 parts of 5 days: (K·h)³/6·32 = 2e-5 of 50 mm.
    """
    heun = FixedParts(parts=32)
    after, _ = stepped(bucket(solver=heun), 50.0, 0.0, 0.0, dt=5.0)
    np.testing.assert_allclose(after, 50 * np.exp(-0.5), atol=1e-3)
    after, _ = stepped(bucket("power", solver=heun), 50.0, 0.0, 0.0, dt=5.0)
    np.testing.assert_allclose(after, 50 / (1 + 0.1 * 50 * 5 / 100), atol=1e-3)


def test_an_unknown_version_is_answered_with_those_known():
    """In one sentence."""
    with pytest.raises(DgeoError, match="no version 'linaer': did you mean linear"):
        bucket("linaer")
