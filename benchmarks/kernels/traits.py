"""Vcmax25 and Jmax25 of a leaf from its traits, learned from its gas exchange; the truth is known.

Eight plant types of a hundred leaves. Nitrogen, mass per area and phosphorus set Vcmax25 and Jmax25 by a law that no
network here has the form of. The truth's exchange is computed by a damped fixed-point iteration in numpy, not by the
learner's root finder, and observed with 5 % and 0.3 µmol m⁻² s⁻¹ of noise. Two types are never trained on.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from dgeo.engine import Parameters, simulate
from dgeo.models.leaf import Leaf, leaf
from dgeo.nn import mlp, with_output_bias
from dgeo.physics import photosynthesis
from dgeo.physics.arrhenius import arrhenius

TYPES, LEAVES, HELD_OUT, STEPS = 8, 100, (6, 7), 1500
STILL = {
    "respiration_25": 1.0,
    "quantum_yield": 0.24,
    "curvature": 0.7,
    "residual_conductance": 0.01,
    "stomatal_slope": 4.0,
}
REGIMES = {  # photons, CO2 of the air
    "all": ((200.0, 600.0, 1200.0, 1800.0), (60.0, 150.0, 400.0, 1000.0)),
    "bright, little CO2": ((1800.0,), (60.0, 100.0, 150.0, 200.0)),
    "bright, much CO2": ((1800.0,), (700.0, 900.0, 1100.0, 1300.0)),
    "as on a summer's day": ((300.0, 900.0, 1500.0), (400.0,)),
}
BLIND = "bright, much CO2, from the middle of the bounds"  # where Rubisco seems to limit all, so Jmax has no derivative


def world(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Traits [leaf, trait] scaled to about 1, the true capacities and the type of each leaf."""
    kind = np.repeat(np.arange(TYPES), LEAVES)
    middle = random.normal(0, 0.6, (TYPES, 3))
    traits = middle[kind] + random.normal(0, 0.5, (kind.size, 3))
    nitrogen, mass, phosphorus = traits.T
    vcmax = 60 * np.exp(0.35 * np.tanh(nitrogen) + 0.25 * np.minimum(nitrogen, phosphorus) - 0.2 * mass * (mass > 0))
    jmax = 110 * np.exp(0.8 * np.log(vcmax / 60) + 0.15 * np.tanh(phosphorus))
    return {"traits": traits, "carboxylation_25": vcmax, "electron_transport_25": jmax, "kind": kind}


def true_exchange(truth: dict[str, np.ndarray], weather: dict[str, np.ndarray]) -> np.ndarray:
    """A [moment, leaf] by fixed-point iteration, in numpy."""
    temperature, light = weather["leaf_temperature"], weather["photon_flux"]
    point, half, carboxyl, transport, breath = (
        np.asarray(f(jnp.asarray(temperature))) for f in (
            photosynthesis.compensation_point, photosynthesis.michaelis_constant,
            *(lambda t, e=e: arrhenius(t, activation=e) for e in (65330.0, 43540.0, 46390.0))))  # fmt: skip
    caught, most = STILL["quantum_yield"] * light, truth["electron_transport_25"] * transport
    both = caught + most
    flow = (both - np.sqrt(both**2 - 4 * STILL["curvature"] * caught * most)) / (2 * STILL["curvature"])
    air = weather["carbon_dioxide"]
    slope = 1.6 * (1 + STILL["stomatal_slope"] / np.sqrt(weather["vapour_pressure_deficit"]))
    inside = 0.7 * air
    for _ in range(400):
        by_rubisco = truth["carboxylation_25"] * carboxyl * (inside - point) / (inside + half)
        by_light = flow / 4 * (inside - point) / (inside + 2 * point)
        net = np.minimum(by_rubisco, by_light) - STILL["respiration_25"] * breath
        opened = STILL["residual_conductance"] + slope * np.maximum(net, 0) / air
        inside = 0.9 * inside + 0.1 * np.clip(air - 1.6 * net / opened, 1.0, 4 * air)
    return net


def weather(regime: str, leaves: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Every pair of light and CO2 of a regime, for each leaf at its own warmth and dryness."""
    light, carbon = (g.ravel() for g in np.meshgrid(*REGIMES[regime]))
    shape = (light.size, leaves)
    return {
        "photon_flux": np.broadcast_to(light[:, None], shape),
        "carbon_dioxide": np.broadcast_to(carbon[:, None], shape),
        "leaf_temperature": random.uniform(18, 32, shape),
        "vapour_pressure_deficit": random.uniform(0.6, 2.0, shape),
    }


def capacities(network: Any, traits: jax.Array, model: Leaf) -> dict[str, jax.Array]:
    """Both of every leaf, within their bounds."""
    z = jax.vmap(network)(traits)
    names = ("carboxylation_25", "electron_transport_25")
    return {name: model.all_parameters[name].bounds.from_unbounded(z[:, i]) for i, name in enumerate(names)}


def learned(truth: dict[str, np.ndarray], case: str, seed: int) -> dict[str, np.ndarray]:
    """The capacities that a network gives all leaves, trained on the types that are not held out.

    It starts from the textbook's numbers for all leaves, but in the blind case.
    """
    regime = case.removesuffix(", from the middle of the bounds")
    random, model = np.random.default_rng(seed), leaf()
    conditions = weather(regime, truth["kind"].size, random)
    net = true_exchange(truth, conditions)
    seen = net * (1 + 0.05 * random.normal(size=net.shape)) + 0.3 * random.normal(size=net.shape)
    used = np.flatnonzero(~np.isin(truth["kind"], HELD_OUT) & (np.arange(truth["kind"].size) % 5 != 0))
    forcing = {name: jnp.asarray(x[:, used], jnp.float32) for name, x in conditions.items()}
    target, traits = jnp.asarray(seen[:, used], jnp.float32), jnp.asarray(truth["traits"], jnp.float32)
    still = {name: jnp.full(used.size, number, jnp.float32) for name, number in STILL.items()}
    network = mlp(3, 2, width=24, depth=2, key=jax.random.key(seed))
    if case == regime:
        both = [model.all_parameters[name] for name in ("carboxylation_25", "electron_transport_25")]
        network = with_output_bias(network, jnp.stack([p.bounds.to_unbounded(jnp.asarray(p.default)) for p in both]))
    optimiser = optax.adam(optax.cosine_decay_schedule(5e-3, STEPS))

    def loss(network: Any) -> jax.Array:
        numbers = Parameters(still | capacities(network, traits[used], model), {})
        found, _ = simulate(model, forcing, numbers, outputs=("net_assimilation",))
        return jnp.mean(((found["net_assimilation"] - target) / (1 + 0.05 * jnp.abs(target))) ** 2)

    @eqx.filter_jit
    def train(network: Any) -> Any:
        arrays, rest = eqx.partition(network, eqx.is_inexact_array)

        def step(carry: Any, _: None) -> tuple[Any, None]:
            arrays, memory = carry
            slope = jax.grad(lambda a: loss(eqx.combine(a, rest)))(arrays)
            change, memory = optimiser.update(slope, memory)
            return (optax.apply_updates(arrays, change), memory), None

        return eqx.combine(jax.lax.scan(step, (arrays, optimiser.init(arrays)), None, STEPS)[0][0], rest)

    return {name: np.asarray(x) for name, x in capacities(train(network), traits, model).items()}


def study(seeds: int) -> dict[str, Any]:
    """For each regime and capacity: R² on unseen leaves of known types and of unknown types, and the seeds' spread."""
    truth = world(np.random.default_rng(0))
    unknown = np.isin(truth["kind"], HELD_OUT)
    groups = {"unseen leaves": ~unknown & (np.arange(truth["kind"].size) % 5 == 0), "unseen types": unknown}
    rows, shown = {}, {}
    for regime in (*REGIMES, BLIND):
        found = [learned(truth, regime, seed) for seed in range(seeds)]
        rows[regime] = {}
        for name in ("carboxylation_25", "electron_transport_25"):
            series = np.stack([np.log(one[name]) for one in found])
            true = np.log(truth[name])
            scores = {
                group: [float(1 - np.mean((s - true)[here] ** 2) / np.var(true[here])) for s in series]
                for group, here in groups.items()
            }
            table = by_type(true, truth["kind"], unknown)
            by_table = {
                group: float(1 - np.mean((table - true)[here] ** 2) / np.var(true[here]))
                for group, here in groups.items()
            }
            rows[regime][name] = {"r2": scores, "table_of_types": by_table, "spread": float(series.std(axis=0).mean())}
        shown[regime] = found[0]
    return {"rows": rows, "truth": truth, "shown": shown}


def by_type(true: np.ndarray, kind: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """What a table of plant types would give: the mean of each known type, that of all for an unknown one."""
    means = {k: true[~unknown & (kind == k)].mean() for k in range(TYPES) if k not in HELD_OUT}
    return np.array([means.get(k, true[~unknown].mean()) for k in kind])
