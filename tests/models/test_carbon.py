"""Pools of carbon that nothing breaks; their verification against closed forms is `dgeo/check/kernels/carbon.py`."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from dgeo.check import ledger
from dgeo.engine import Parameters, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid import network_law
from dgeo.models import FixedParts
from dgeo.models.carbon import Carbon, ecosystem, two_pools
from dgeo.physics.light_use import net_primary_production
from dgeo.physics.respiration import lloyd_taylor, q10

EULER = FixedParts(diffrax.Euler(), parts=1)
DAYS = 12


def network() -> Carbon:
    model = ecosystem(solver=EULER)
    with jax.enable_x64(False):
        law = network_law(model, "decay", ("carbon", "temperature"), width=4, zero_at=(), key=jax.random.key(2))
    return model.with_laws({"decay": law})


@given(st.floats(-60, 60, width=32), st.floats(0, 1, width=32), st.floats(-100, 5000, width=32), st.integers(0, 3))
def test_pools_of_any_laws_conserve(temperature, share, deficit, seed):
    """Full pools, in frost and heat, where pools pass on all that decays and more is asked for, with a network as the
    decay of all five: the ledger closes to 1e-5 in float32, gradients are finite, and no respiration is negative.
    """
    random = np.random.default_rng(seed)
    fluxes, after, before, slopes = run(
        {"temperature": jnp.full((DAYS, 2), temperature, jnp.float32),
         "vapour_pressure_deficit": jnp.full((DAYS, 2), deficit, jnp.float32),
         "absorbed_radiation": jnp.asarray(random.uniform(0, 15, (DAYS, 2)), jnp.float32)},
        jnp.full(2, share, jnp.float32),
    )  # fmt: skip
    account = ledger(MODEL, before, after, fluxes)
    assert np.max(account.relative_residual) <= 1e-5
    assert np.min(fluxes["respiration"]) >= 0
    assert all(np.all(np.isfinite(slope)) for slope in jax.tree.leaves(slopes))


MODEL = network()


@jax.jit
def run(forcing, share):
    static = {name: jnp.full(2, p.default, jnp.float32) for name, p in MODEL.parameters.items()}
    before = {pool: jnp.full(2, 1000.0, jnp.float32) for pool in MODEL.pools}

    def total(forcing, share):
        shares = {name: share for name in static if name.startswith("share_")}
        fluxes, after = simulate(MODEL, forcing, Parameters({**static, **shares}, {}), before)
        return jnp.sum(fluxes["respiration"]) + jnp.sum(after["soil"]), (fluxes, after)

    slopes, (fluxes, after) = jax.grad(total, argnums=(0, 1), has_aux=True)(forcing, share)
    return fluxes, after, before, slopes


def test_more_than_all_is_scaled_down_to_all():
    """A pool that passes 0.9 and 0.6 of its decay to two others gives them 0.6 and 0.4, and the air nothing."""
    model = Carbon(pools=("a", "b", "c"), routes=(("a", "b"), ("a", "c")), fed=("a",), warmed=("a",))
    numbers = {name: jnp.asarray(p.default, jnp.float32) for name, p in model.parameters.items()}
    numbers |= {"share_a_to_b": jnp.float32(0.9), "share_a_to_c": jnp.float32(0.6)}
    state = {pool: jnp.float32(100.0) for pool in model.pools}
    flows = model.rates(state, {"temperature": jnp.float32(15.0)}, numbers)
    np.testing.assert_allclose(flows["a_to_b"] / flows["a_to_c"], 1.5, rtol=1e-6)
    assert flows["respiration_a"] == 0


@pytest.mark.x64
def test_responses_at_their_ends():
    """Lloyd and Taylor's law ends at −46.02 °C and stays finite beyond; light feeds nothing in frost or drought."""
    below = jax.vmap(jax.value_and_grad(lloyd_taylor), (0, None))(jnp.asarray([-46.02, -80.0]), jnp.asarray(308.56))
    assert np.all(below[0] < 1e-15)
    assert np.all(np.isfinite(below[1]))
    np.testing.assert_allclose(q10(jnp.asarray(15.0), jnp.asarray(3.0)), 1.0)
    for place in ((10.0, -8.0, 500.0), (10.0, 20.0, 3500.0), (0.0, 20.0, 500.0)):
        assert net_primary_production(*map(jnp.asarray, (*place, 1.2, 0.5))) == 0
    # half of 1.2 g MJ⁻¹ on 10 MJ, half the way from −8 to 10 °C
    np.testing.assert_allclose(net_primary_production(*map(jnp.asarray, (10.0, 1.0, 500.0, 1.2, 0.5))), 3.0)


def test_a_law_that_there_is_not():
    """One sentence, with the nearest that there is."""
    with pytest.raises(DgeoError, match="no law 'decays'"):
        two_pools(decays=two_pools().present_laws["decay"])
