import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dgeo.errors import DgeoError
from dgeo.training.config import OptimiserConfig
from dgeo.training.optimiser import build_optimiser


def walked(config, steps=12, total=12):
    """Weights after every step down the gradients of Σ w³/3, which are w²."""
    optimiser = build_optimiser(config, total)
    weights = jnp.asarray([1.0, -0.5, 0.3], jnp.float32)
    state, path = optimiser.init(weights), []
    for _ in range(steps):
        with jax.numpy_dtype_promotion("standard"):
            updates, state = optimiser.update(weights**2, state, weights)
        weights = optax.apply_updates(weights, updates)
        path.append(np.asarray(weights))
    return np.stack(path)


def plain(name, rate, **changes):
    return OptimiserConfig.model_validate(
        {"name": name, "learning_rate": rate, "schedule": "constant", "clip": None, **changes}
    )


def test_adadelta_is_the_update_that_torch_documents():
    """v ← ρv + (1 − ρ)g²;  Δ = √(u + ε)/√(v + ε)·g;  u ← ρu + (1 − ρ)Δ²;  w ← w − γΔ, with ρ = 0.9, ε = 1e-6.

    Twelve float32 steps on numbers of order one; √ε = 1e-3 multiplies whatever is lost, so 1e-6.
    """
    weights, v, u, expected = np.array([1.0, -0.5, 0.3]), np.zeros(3), np.zeros(3), []
    for _ in range(12):
        gradient = weights**2
        v = 0.9 * v + 0.1 * gradient**2
        step = np.sqrt(u + 1e-6) / np.sqrt(v + 1e-6) * gradient
        u = 0.9 * u + 0.1 * step**2
        weights = weights - 0.7 * step
        expected.append(weights)
    found = walked(plain("adadelta", 0.7, options={"rho": 0.9, "eps": 1e-6}))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_cosine_schedule_and_clipping():
    """Plain descent: w ← w − γ_t·g·min(1, c/|g|) with γ_t = γ(f + (1 − f)(1 + cos(πt/T))/2)."""
    config = OptimiserConfig(name="sgd", learning_rate=0.5, schedule="cosine", final_fraction=0.2, clip=0.3)
    weights, expected = np.array([1.0, -0.5, 0.3]), []
    for t in range(12):
        gradient = weights**2
        rate = 0.5 * (0.2 + 0.8 * (1 + np.cos(np.pi * t / 12)) / 2)
        weights = weights - rate * gradient * min(1, 0.3 / np.linalg.norm(gradient))
        expected.append(weights)
    np.testing.assert_allclose(walked(config), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw", "adadelta", "sgd", "rmsprop", "lion", "nadam", "radam", "lamb"])
def test_optimisers_of_optax_go_downhill(name):
    """By their names. All gradients w² are positive, so every weight falls."""
    path = walked(plain(name, 1e-2))
    assert np.isfinite(path).all()
    assert (path[-1] < [1.0, -0.5, 0.3]).all()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (plain("addam", 1e-3), "optax has no optimiser 'addam': did you mean adam"),
        (plain("tree", 1e-3), "optax has no optimiser 'tree'"),
        (plain("chain", 1e-3), "optax has no optimiser 'chain'"),
        (
            plain("adam", 1e-3, options={"rho": 0.9}),
            "adam does not accept its options: .*'rho'.* check `optimiser.options`",
        ),
    ],
)
def test_an_optimiser_that_does_not_exist_is_one_sentence(config, words):
    with pytest.raises(DgeoError, match=words):
        build_optimiser(config, 10)
