"""Networks as solutions: the residual of a solution is zero, and training brings the error down."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.contrast import (
    Aquifer,
    Contrast,
    ContrastConfig,
    Network,
    Observed,
    Row,
    aquifer_pinn,
    calibrate,
    draw_contrast,
    pinn,
    read_contrast,
    solved,
    write_contrast,
)
from dgeo.contrast.aquifer import exact, exact_heads, implicit, residual as aquifer_residual
from dgeo.contrast.pinn import residual, times
from dgeo.contrast.solved import relative_error
from dgeo.errors import DgeoError
from dgeo.models import FixedParts
from tests.models.reservoir import Reservoir, exact_storage

RAIN = jnp.array([8.0, 0.0, 0.0, 12.0, 3.0, 0.0, 0.0, 0.0, 5.0, 0.0])
K = 0.3


def stored(t):
    """The exact storage at any time, each day from where the last one left it."""
    ends = jnp.concatenate([jnp.zeros(1), exact_storage(RAIN, K)])
    day = jnp.floor(t).astype(int)
    kept = jnp.exp(-K * (t - day.astype(t.dtype)))
    return {"storage": ends[day] * kept + RAIN[day] / K * (1 - kept)}


def test_an_exact_solution_leaves_no_residual():
    """dS/dt − p + k·S of S·e^{−kt} + p/k·(1 − e^{−kt}) is zero; what is left is rounding of terms of up to 12 mm d⁻¹.

    With another recession it is (k' − k)·S, so the residual does see the equation.
    """
    at, tolerance = times(10, 3), 1e-9 if jax.config.jax_enable_x64 else 1e-4
    forcing, model = {"precipitation": RAIN}, Reservoir()
    left = residual(model, stored, forcing, {"recession": jnp.asarray(K)}, at)
    np.testing.assert_allclose(left["storage"], 0.0, atol=tolerance)
    other = residual(model, stored, forcing, {"recession": jnp.asarray(K + 0.1)}, at)
    amounts = jax.vmap(jax.vmap(lambda t: stored(t)["storage"]))(at)
    np.testing.assert_allclose(other["storage"], 0.1 * amounts, rtol=1e-4, atol=tolerance)


def test_training_comes_near_the_exact_solution(key):
    """Ten days of one reservoir: within a tenth of the deviation of the storage, where its mean would err by 1.

    No theory bounds the error of a trained network. A tenth is several times what it reaches, and ten times less than
    knowing nothing.
    """
    size = Network(width=16, depth=1, frequencies=8, points=4, steps=1500, rate=1e-2)
    found = pinn(Reservoir(), {"precipitation": RAIN}, {"recession": jnp.asarray(K)}, key=key, network=size)
    assert relative_error(found.states["storage"], np.asarray(exact_storage(RAIN, K))) < 0.1
    assert found.training.losses[-1] < 0.1 * found.training.losses[0]
    assert found.training.seconds > 0


def test_both_find_an_unknown_recession(key):
    """From runoff of five days, error-free: through the solver to 1 %, by the network to 25 %.

    Daily means of k·S are those of the exact storage: p − ΔS. The solver errs by less than k³/4²/6 < 2e-5 a day; its
    search has converged; the network is held to no more than finding the right size, from 0.255 in the middle.
    """
    true = 0.12
    storage = exact_storage(RAIN, jnp.asarray(true))
    runoff = RAIN - jnp.diff(jnp.concatenate([jnp.zeros(1), storage]))
    days = jnp.array([1, 3, 5, 7, 9])
    observed = Observed("runoff", days, runoff[days])
    model, start = Reservoir(solver=FixedParts(parts=4)), {"recession": jnp.asarray(0.4)}
    forcing = {"precipitation": RAIN}
    by_solver = calibrate(model, forcing, start, observed, ("recession",))
    np.testing.assert_allclose(by_solver.parameters["recession"], true, rtol=0.01)
    size = Network(width=16, depth=1, frequencies=8, points=4, steps=1500, rate=1e-2)
    by_network = pinn(model, forcing, start, key=key, network=size, observed=observed, unknown=("recession",))
    np.testing.assert_allclose(by_network.parameters["recession"], true, rtol=0.25)


def test_the_solver_side_is_exact():
    """Heun in four parts of a day against the exponential: k³/4²/6 ≈ 3e-4 of a day's storage at k = 0.3."""
    found = solved(Reservoir(), {"precipitation": RAIN}, {"recession": jnp.asarray(K)})
    np.testing.assert_allclose(found.states["storage"], exact_storage(RAIN, K), rtol=1e-3)


def test_the_aquifers_series_solves_its_equation():
    """S·h_t − T·h_xx − R = 0 by automatic derivatives of the series, and it starts and ends as it should.

    At 5 days and more the terms beyond a hundred are nothing. At t = 0 the series is the sine series of the steady
    parabola, which falls short by at most its remainder, 4RL²/(Tπ³)·Σ n⁻³ ≈ 1e-5 of it.
    """
    aquifer, transmissivity = Aquifer(), jnp.asarray(200.0)

    def head(x, t):
        return exact(aquifer, transmissivity, x, t)

    for x, t in ((100.0, 5.0), (500.0, 40.0), (900.0, 150.0)):
        left = aquifer_residual(aquifer, transmissivity, head, jnp.asarray(x), jnp.asarray(t))
        np.testing.assert_allclose(left, 0.0, atol=1e-3)
    np.testing.assert_allclose(head(jnp.asarray(400.0), jnp.asarray(0.0)), 0.0, atol=2e-5)
    np.testing.assert_allclose(head(jnp.asarray(500.0), jnp.asarray(1e4)), aquifer.size, rtol=1e-5)
    np.testing.assert_allclose(head(jnp.asarray(1000.0), jnp.asarray(40.0)), 0.0, atol=1e-5)


def test_the_aquifers_solver_converges():
    """Backward Euler in days and 51 cells: its error, a day over 50 days of response, is below 2 %."""
    aquifer, transmissivity = Aquifer(), jnp.asarray(200.0)
    truth = np.asarray(exact_heads(aquifer, transmissivity))
    assert relative_error(np.asarray(implicit(aquifer, transmissivity)), truth) < 0.02


def test_a_network_comes_near_the_aquifers_head(key):
    """Within a tenth of the heads' deviation, as above; at first it knows nothing of their size."""
    aquifer = Aquifer()
    found = aquifer_pinn(aquifer, 200.0, key=key, width=12, points=64, steps=800)
    assert relative_error(found.heads, np.asarray(exact_heads(aquifer, jnp.asarray(200.0)))) < 0.1


def test_results_are_written_and_drawn(tmp_path):
    """The rows come back from the file as they went in, and the picture is a PNG."""
    rows = (Row("one", "solver", 0.1, 0.5), Row("one", "PINN, inverse", 0.2, 5.0, 0.3, 0.4))
    found = Contrast(rows, {"truth": np.arange(3.0)}, {"PINN": np.arange(2.0)}, {"PINN": np.array([1.0, 0.1])})
    content = json.loads(write_contrast(tmp_path, found, ContrastConfig()).read_text())
    assert [Row(**row) for row in content["rows"]] == list(rows)
    assert content["last_loss"] == {"PINN": 0.1}
    assert draw_contrast(tmp_path / "pinn.png", found).read_bytes()[1:4] == b"PNG"


def test_wrong_use_is_answered(tmp_path, key):
    """An unknown key, a missing file, and a parameter that there is not."""
    config = tmp_path / "pinn.yaml"
    config.write_text("modle: cascade\n")
    with pytest.raises(DgeoError, match=r"modle is not accepted.*the keys are model"):
        read_contrast(config)
    with pytest.raises(DgeoError, match="cannot be read"):
        read_contrast(tmp_path / "none.yaml")
    with pytest.raises(DgeoError, match=r"no parameter 'recesion'.*recession"):
        pinn(Reservoir(), {"precipitation": RAIN}, {"recession": jnp.asarray(K)}, key=key, unknown=("recesion",))
