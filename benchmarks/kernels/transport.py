"""A law of decay from two breakthrough curves.

    python benchmarks/kernels/transport.py --json benchmarks/results/kernels/transport.json

The truth decays by Michaelis and Menten, r = Vmax·C/(Km + C), in 200 cells and steps of 15 s; the learner has 50 cells,
steps of 60 s, and a positive network of C in the slot `decay`. Injected are three pulses of different height; observed
are the concentrations half way and at the end of 1 km, with an error of 2 % and 0.01 g m⁻³. Beside it: the best
first-order decay. Tested on a pulse between those of training and one beyond. Three seeds give the spread of the law.
"""

import argparse
import json
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from dgeo.engine import Parameters, simulate
from dgeo.models import Formula, Solute, line
from dgeo.nn import mlp

FASTEST, HALF, HOURS, LENGTH = 2e-3, 2.0, 2.0, 1000.0
TRAINED, TESTED = (1.0, 5.0, 20.0), (10.0, 40.0)


class Positive(eqx.Module):
    """C times a positive function of ln(1 + C): no decay of nothing."""

    network: eqx.nn.MLP
    inputs: tuple[str, ...] = eqx.field(static=True, default=("concentration",))

    def __call__(self, values):
        c = values["concentration"]
        return 1e-3 * c * jax.nn.softplus(self.network(jnp.log1p(jnp.maximum(c, 0.0))[None])[0])


def curves(decay, heights, cells, dt):
    """Concentrations half way and at the end, [minute, pulse, place]."""
    model = Solute(line(LENGTH, cells), laws={"decay": decay})
    steps, pulses = int(HOURS * 3600 / dt), len(heights)
    numbers = {"velocity": 0.4, "dispersion": 3.0, "retardation": 1.0, "decay": 0.0}
    static = {name: jnp.full(pulses, x) for name, x in numbers.items()}
    injected = (jnp.arange(steps) * dt < 1200.0)[:, None] * jnp.asarray(heights)[None]
    start = {"solute": jnp.zeros((pulses, cells))}
    parameters = Parameters({name: static[name] for name in model.parameters}, {})
    out, _ = simulate(model, {"solute_inflow": injected}, parameters, start, dt=dt, outputs=("concentration",))
    c, minute = out["concentration"], int(60 / dt)
    half = (c[:, :, cells // 2 - 1] + c[:, :, cells // 2]) / 2
    end = c[:, :, -1]
    return jnp.stack([half, end], -1)[minute - 1 :: minute]


def fitted(law, seen, steps, rate):
    error = 0.02 * seen + 0.01
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))
    moments = optimiser.init(eqx.filter(law, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(law, moments):
        value, slopes = eqx.filter_value_and_grad(
            lambda law: jnp.mean(((curves(law, TRAINED, 50, 60.0) - seen) / error) ** 2)
        )(law)
        updates, moments = optimiser.update(slopes, moments)
        return eqx.apply_updates(law, updates), moments, value

    for _ in range(steps):
        law, moments, value = step(law, moments)
    return law, float(value)


class FirstOrder(eqx.Module):
    """k·C, the logarithm of k learned."""

    logarithm: jax.Array
    inputs: tuple[str, ...] = eqx.field(static=True, default=("concentration",))

    def __call__(self, values):
        return jnp.exp(self.logarithm) * values["concentration"]


def main(steps):
    truth = Formula(lambda concentration: FASTEST * concentration / (HALF + concentration))
    random = np.random.default_rng(0)
    fine = jax.jit(lambda h: curves(truth, h, 200, 15.0))
    clean = np.asarray(fine(jnp.asarray(TRAINED)))
    seen = jnp.asarray(
        clean * (1 + 0.02 * random.standard_normal(clean.shape)) + 0.01 * random.standard_normal(clean.shape)
    )
    test = np.asarray(fine(jnp.asarray(TESTED)))
    c = np.geomspace(0.05, 40.0, 40)
    true = FASTEST * c / (HALF + c)
    rows, rates, began = [], [], time.perf_counter()
    laws = [("network", Positive(mlp(1, 1, width=8, depth=2, key=jax.random.key(seed))), 0.02) for seed in range(3)]
    for name, law, rate in [*laws, ("first order", FirstOrder(jnp.asarray(-7.0)), 0.1)]:
        learned, loss = fitted(law, seen, steps, rate)
        found = np.asarray(jax.vmap(lambda c, law=learned: law({"concentration": c}))(jnp.asarray(c)))
        flow = np.asarray(eqx.filter_jit(curves)(learned, jnp.asarray(TESTED), 50, 60.0))
        error = np.sqrt(np.mean((flow - test) ** 2, axis=(0, 2))) / np.asarray(TESTED)
        row = {
            "law": name,
            "misfit": loss,
            "test_rmse_over_pulse": dict(zip(map(str, TESTED), map(float, error), strict=True)),
        }
        inside = (c > 0.1) & (c < 20)
        row["law_error_within_training"] = float(np.median(np.abs(found / true - 1)[inside]))
        rows.append(row)
        rates.append(found.tolist())
        print(row, flush=True)
    seconds = time.perf_counter() - began
    return {"rows": rows, "seconds": seconds, "concentration": c.tolist(), "truth": true.tolist(), "found": rates}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    arguments = parser.parse_args()
    results = main(arguments.steps)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
