"""A field of conductivity from heads.

    python benchmarks/kernels/groundwater.py --json benchmarks/results/kernels/groundwater.json

The truth has 48 × 48 cells of 25 m, the learner 24 × 24 of 50 m; both have rivers along two sides and four wells,
pumped one at a time. Observed are the steady heads at 60 places in each of the four tests, with an error of 2 cm. The
learner's ln K is a number for every cell with a penalty on differences of neighbours, chosen on a fifth of the places.
Beside it: the best single K. Identifiability is the spectrum of the sensitivities over the error: the singular values
above 1 count the directions of ln K, of size 1, that the heads can see.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dgeo.models import Aquifer, grid

SIZE, ERROR, PUMPING = 1200.0, 0.02, 400.0
WELLS = ((0.3, 0.3), (0.7, 0.4), (0.4, 0.75), (0.75, 0.75))


def aquifer(cells):
    return Aquifer(grid((cells, cells), SIZE / cells, thickness=20.0))


def heads(model, conductivity, well, guess=None):
    """Steady heads over the river on the left, with one well pumped, and a little recharge everywhere."""
    cells = model.grid.bottom.shape[0]
    shape = (cells, cells)
    sides = jnp.zeros(shape).at[:, 0].set(1e6).at[:, -1].set(1e6)
    stage = jnp.zeros(shape).at[:, 0].set(3.0)
    row, column = (jnp.asarray(jnp.floor(jnp.asarray(x) * cells), int) for x in well)
    pumping = jnp.zeros(shape).at[row, column].set(PUMPING)
    forcing = {"recharge": jnp.full(shape, 5e-4), "pumping": pumping, "stage": stage}
    values = {"conductivity": conductivity, "storativity": jnp.full(shape, 0.1), "conductance": sides}
    return model.steady_head(forcing, values, jnp.zeros(shape) if guess is None else guess)


def field(cells, random, length=0.15, deviation=0.8):
    """A Gaussian ln K with an exponential covariance, made of waves."""
    y, x = np.meshgrid(*((np.arange(cells) + 0.5) / cells,) * 2, indexing="ij")
    waves, phase = random.standard_cauchy((400, 2)) / length, random.uniform(0, 2 * np.pi, 400)
    total = sum(np.cos(kx * x + ky * y + p) for (kx, ky), p in zip(waves, phase, strict=True))
    return np.log(10.0) + deviation * total / np.std(total)


def sampled(head, places):
    """Bilinear at places given as shares of the size."""
    cells = head.shape[0]
    return jax.scipy.ndimage.map_coordinates(head, [places[:, 0] * cells - 0.5, places[:, 1] * cells - 0.5], order=1)


def inversion(steps):
    random = np.random.default_rng(0)
    truth = field(48, random)
    places = jnp.asarray(random.uniform(0.08, 0.92, (60, 2)))
    wells = jnp.asarray(WELLS)
    fine, coarse = aquifer(48), aquifer(24)
    observe = jax.jit(jax.vmap(lambda well: sampled(heads(fine, jnp.exp(jnp.asarray(truth)), well), places)))
    seen = observe(wells) + ERROR * random.standard_normal((4, 60))
    trains = jnp.asarray(np.arange(60) % 5 != 0, seen.dtype)

    def simulated(log_k):
        return jax.vmap(lambda well: sampled(heads(coarse, jnp.exp(log_k), well), places))(wells)

    def misfit(log_k, mask):
        return jnp.sum(((simulated(log_k) - seen) / ERROR) ** 2 * mask) / jnp.sum(mask) / 4

    def rough(log_k):
        return jnp.sum(jnp.diff(log_k, axis=0) ** 2) + jnp.sum(jnp.diff(log_k, axis=1) ** 2)

    optimiser = optax.adam(optax.cosine_decay_schedule(0.1, steps))

    @jax.jit
    def step(log_k, moments, penalty):
        value, slope = jax.value_and_grad(lambda x: misfit(x, trains) + penalty * rough(x) / 240)(log_k)
        updates, moments = optimiser.update(slope, moments)
        return optax.apply_updates(log_k, updates), moments, value

    start = jnp.full((24, 24), jnp.log(10.0))
    single = [float(misfit(start + x, trains)) for x in np.linspace(-1, 1, 9)]
    uniform = start + np.linspace(-1, 1, 9)[int(np.argmin(single))]
    best, began = (np.inf, None, None), time.perf_counter()
    for penalty in (0.3, 3.0, 30.0):
        log_k, moments = uniform, optimiser.init(uniform)
        for _ in range(steps):
            log_k, moments, _ = step(log_k, moments, penalty)
        held = float(misfit(log_k, 1 - trains))
        print(penalty, "misfit of places held back over the error, squared:", held, flush=True)
        if held < best[0]:
            best = (held, log_k, penalty)
    seconds = time.perf_counter() - began
    jacobian = jax.jit(jax.jacrev(simulated))(best[1]).reshape(240, -1) / ERROR
    values = np.linalg.svd(np.asarray(jacobian), compute_uv=False)
    mean = truth.reshape(24, 2, 24, 2).mean((1, 3))
    within = np.s_[2:-2, 2:-2]
    return {
        "penalty": best[2],
        "seconds": seconds,
        "held_back_misfit": {"learned": best[0], "single": float(misfit(uniform, 1 - trains))},
        "correlation_of_ln_K": float(np.corrcoef(np.asarray(best[1])[within].ravel(), mean[within].ravel())[0, 1]),
        "rmse_of_ln_K": {
            "learned": float(np.sqrt(np.mean((np.asarray(best[1]) - mean)[within] ** 2))),
            "single": float(np.sqrt(np.mean((np.asarray(uniform) - mean)[within] ** 2))),
        },
        "directions_seen": int(np.sum(values > 1)),
        "singular_values": np.round(values[::10], 4).tolist(),
        "fields": {"truth": np.round(mean, 3).tolist(), "learned": np.round(np.asarray(best[1]), 3).tolist()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    arguments = parser.parse_args()
    with jax.enable_x64(True):
        results = {"field": inversion(arguments.steps)}
    print({name: x for name, x in results["field"].items() if name not in ("fields", "singular_values")})
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
