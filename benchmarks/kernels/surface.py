"""The resistance of real surfaces, learned from latent heat, beside a textbook's and beside a network alone.

    R=benchmarks/results/kernels; python benchmarks/kernels/surface.py --json $R/surface.json --figure $R/surface.png

Half-hours of three flux towers. All models see the same: radiation, ground heat, air, wind, friction velocity, soil
moisture and leaf area. `constant` and `jarvis` are Penman–Monteith with a textbook's resistance, its numbers fitted;
`hybrid` has a network for the resistance; `hybrid, share` learns besides which share of Rn − G the measured fluxes add
up to; `network` gives the latent heat itself. Then the first tower with few days to learn from. The same network is
first learned from a virtual tower, where the true resistance is known.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from pictures import panels
from towers import Tower, towers

from dgeo.engine import Parameters, simulate
from dgeo.hybrid.law_inputs import scaling_of
from dgeo.hybrid.laws import NetworkLaw
from dgeo.models import Formula, Model
from dgeo.models.surface import BY_FRICTION, JARVIS, Surface, surface
from dgeo.nn import mlp
from dgeo.numerics import Bounds, trainable

READS = ("vapour_pressure_deficit", "shortwave_radiation", "air_temperature", "soil_moisture", "leaf_area_index")
EXTRA = ("shortwave_radiation", "soil_moisture", "leaf_area_index")
FORCED = ("net_radiation", "ground_heat_flux", "air_temperature", "vapour_pressure", "air_pressure", "wind_speed",
          "friction_velocity", *EXTRA)  # fmt: skip
STEPS, BATCH = 1500, 512
FEW = 20  # days
SHARE = Bounds(0.5, 1.1)  # of the energy measured that turbulent fluxes are seen to carry

Series = dict[str, Any]
Predict = Callable[[Any, Series], jax.Array]


class InDecades(eqx.Module):
    """A network's number as the resistance 10…10⁴ s m⁻¹ whose logarithm it moves; the middle is 316."""

    law: NetworkLaw
    bounds: Bounds = Bounds(10.0, 1e4, "logarithmic")

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.law.inputs

    @property
    def forcings(self) -> tuple[str, ...]:
        return self.law.forcings

    def __call__(self, values: Mapping[str, jax.Array]) -> jax.Array:
        return self.bounds.from_unbounded(self.law(values))


def physics(**laws: Any) -> Surface:
    """Penman–Monteith with the air's resistance from the friction velocity."""
    return surface(aerodynamic_resistance=BY_FRICTION, **laws)


def by_physics(model: Model, series: Series, numbers: Any = None) -> jax.Array:
    """Latent heat [time] of one site, its parameters as unbounded numbers or at their defaults."""
    at = {
        name: p.default if numbers is None else p.bounds.from_unbounded(numbers[name])
        for name, p in model.parameters.items()
    }
    static = {name: jnp.full(1, x, jnp.float32) for name, x in at.items()}
    forcing = {name: series[name][:, None] for name in FORCED}
    return simulate(model, forcing, Parameters(static, {}), outputs=("latent_heat",))[0]["latent_heat"][:, 0]


def by_share(model: tuple[Model, jax.Array], series: Series) -> jax.Array:
    """As `by_physics`, of a learned share of Rn − G."""
    share = SHARE.from_unbounded(model[1])
    less = {name: share * series[name] for name in ("net_radiation", "ground_heat_flux")}
    return by_physics(model[0], series | less)


def candidates(train: Series, seed: int) -> dict[str, tuple[Any, Predict]]:
    """Each model as its trainable numbers and the function that predicts with them."""
    key = jax.random.key(seed)
    statistics = {name: (float(train[name].mean()), float(train[name].std())) for name in EXTRA}
    model = physics()
    scaling = scaling_of(model, "surface_resistance", READS, statistics, EXTRA)
    law = InDecades(NetworkLaw(mlp(len(READS), 1, width=32, depth=2, key=key), scaling))
    hybrid = model.with_laws({"surface_resistance": law})
    mean = jnp.asarray([train[name].mean() for name in FORCED])
    spread = jnp.asarray([train[name].std() for name in FORCED])
    size = float(train["latent_heat"].std())

    def alone(network: Any, series: Series) -> jax.Array:
        x = (jnp.stack([series[name] for name in FORCED], axis=-1) - mean) / spread
        return size * jax.vmap(network)(x)[:, 0]

    def fitted(textbook: Surface) -> tuple[Any, Predict]:
        numbers = {name: p.bounds.to_unbounded(jnp.asarray(p.default)) for name, p in textbook.parameters.items()}
        return numbers, lambda z, series: by_physics(textbook, series, z)

    return {
        "constant": fitted(physics()),
        "jarvis": fitted(physics(surface_resistance=JARVIS)),
        "hybrid": (hybrid, lambda m, series: by_physics(m, series)),
        "hybrid, share": ((hybrid, SHARE.to_unbounded(jnp.asarray(0.9))), by_share),
        "network": (mlp(len(FORCED), 1, width=32, depth=2, key=key), alone),
    }


def trained(starts: list[Any], predict: Predict, train: Series, steps: int = STEPS) -> list[Any]:
    """Adam on the mean squared error of batches of half-hours, all starts side by side.

    The last tenth of the days tells which of ten stretches to keep.
    """
    rest = eqx.partition(starts[0], trainable(starts[0]))[1]
    weights = jax.tree.map(lambda *x: jnp.stack(x), *[eqx.filter(one, trainable(one)) for one in starts])
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(1e-2, steps)))
    size = float(train["latent_heat"].std())
    late = train["day"] > np.quantile(train["day"], 0.9)
    now, check = ({name: jnp.asarray(x[use]) for name, x in train.items()} for use in (~late, late))

    def loss(weights: Any, series: Series) -> jax.Array:
        return jnp.mean((predict(eqx.combine(weights, rest), series) - series["latent_heat"]) ** 2) / size**2

    def step(carry: Any, key: jax.Array) -> tuple[Any, None]:
        weights, memory = carry
        batch = jax.random.randint(key, (BATCH,), 0, now["day"].size)
        slope = jax.grad(loss)(weights, {name: x[batch] for name, x in now.items()})
        change, memory = optimiser.update(slope, memory)
        return (optax.apply_updates(weights, change), memory), None

    def stretch(carry: Any, keys: jax.Array) -> tuple[Any, Any]:
        carry = jax.lax.scan(step, carry, keys)[0]
        return carry, (loss(carry[0], check), carry[0])

    def one(weights: Any, seed: jax.Array) -> Any:
        keys = jax.random.split(seed, (10, steps // 10))
        _, (losses, kept) = jax.lax.scan(stretch, (weights, optimiser.init(weights)), keys)
        return jax.tree.map(lambda x: x[jnp.argmin(losses)], kept)

    best = jax.jit(jax.vmap(one))(weights, jax.random.split(jax.random.key(100), len(starts)))
    return [eqx.combine(jax.tree.map(lambda x, i=i: x[i], best), rest) for i in range(len(starts))]


def scores(found: np.ndarray, series: Series) -> dict[str, float]:
    """Of half-hours and of days."""
    seen, out = series["latent_heat"], {}
    _, index = np.unique(series["day"], return_inverse=True)
    count = np.bincount(index)
    pairs = {"half-hours": (found, seen), "days": tuple(np.bincount(index, x) / count for x in (found, seen))}
    for name, (a, b) in pairs.items():
        out[f"nse_{name}"] = round(float(1 - np.mean((a - b) ** 2) / np.var(b)), 3)
        out[f"rmse_{name}"] = round(float(np.sqrt(np.mean((a - b) ** 2))), 1)
    return out | {"bias": round(float(np.mean(found - seen)), 1)}


def compared(tower: Tower, train: Series, seeds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each model's scores on the test period, by seed; and the models of the first."""
    rows: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    test = {name: jnp.asarray(x) for name, x in tower.test.items()}
    made = [candidates(train, seed) for seed in range(seeds)]
    for name in made[0]:
        begin = time.perf_counter()
        predict = made[0][name][1]
        starts = [one[name][0] for one in (made[:1] if name in ("constant", "jarvis") else made)]
        models = trained(starts, predict, train)
        found = [np.asarray(eqx.filter_jit(predict)(model, test)) for model in models]
        seconds = round(time.perf_counter() - begin, 1)
        rows[name] = {"seeds": [scores(one, tower.test) for one in found], "seconds": seconds}
        if name == "hybrid, share":
            rows[name]["share"] = [round(float(SHARE.from_unbounded(model[1])), 2) for model in models]
        kept[name] = found[0]
    return rows, kept


def virtual(tower: Tower, seeds: int) -> tuple[dict[str, Any], Any]:
    """A network for the resistance, from latent heat that a true one made in the tower's own weather.

    The truth solves for the surface's temperature, which the learner does not; 10 % and 10 W m⁻² of noise. Once with
    the true resistance of the air, once with a wrong one.
    """
    truth = surface("measured", aerodynamic_resistance=BY_FRICTION, surface_resistance=JARVIS)
    series = tower.train
    latent = np.asarray(eqx.filter_jit(by_physics)(truth, {k: jnp.asarray(x) for k, x in series.items()}))
    random = np.random.default_rng(0)
    seen = latent * (1 + 0.1 * random.normal(size=latent.size)) + 10 * random.normal(size=latent.size)
    made = series | {"latent_heat": seen.astype(np.float32)}
    visited = (series["shortwave_radiation"] > 100) & (latent > 20)
    deficit = (
        610.8 * np.exp(17.27 * series["air_temperature"] / (series["air_temperature"] + 237.3))
        - series["vapour_pressure"]
    )
    values = {name: jnp.asarray(x[visited]) for name, x in (series | {"vapour_pressure_deficit": deficit}).items()}
    defaults = {name: jnp.full(int(visited.sum()), p.default, jnp.float32) for name, p in truth.parameters.items()}
    true = np.asarray(jax.vmap(JARVIS)(values | defaults))
    rows, shown = {}, None
    for case in ("true air", "wrong air"):
        made_models = [candidates(made, seed)["hybrid"] for seed in range(seeds)]
        starts, predict = [one[0] for one in made_models], made_models[0][1]
        if case == "wrong air":
            wrong = Formula(lambda wind_speed: 300 / (wind_speed + 0.5))
            starts = [one.with_laws({"aerodynamic_resistance": wrong}) for one in starts]
        laws = [one.present_laws["surface_resistance"] for one in trained(starts, predict, made)]
        found = [np.asarray(jax.vmap(law)({name: values[name] for name in law.inputs})) for law in laws]
        logs = np.log(np.stack(found))
        error = np.abs(logs - np.log(true))
        rows[case] = {"median_error_of_ln_rs": [round(float(np.median(e)), 3) for e in error],
                      "bias_of_ln_rs": [round(float(np.median(log - np.log(true))), 3) for log in logs],
                      "spread_of_seeds": round(float(logs.std(axis=0).mean()), 3)}  # fmt: skip
        shown = shown or (true, found[0])
    return rows, shown


def closure(sites: list[Tower]) -> dict[str, float]:
    """(H + λE)/(Rn − G) of the training, as measured."""
    sums = {tower.name: {name: float(x.sum()) for name, x in tower.train.items()} for tower in sites}
    return {
        site: round((s["sensible_heat"] + s["latent_heat"]) / (s["net_radiation"] - s["ground_heat_flux"]), 2)
        for site, s in sums.items()
    }


def draw(found: dict[str, Any], kept: dict[str, Any], tower: Tower, shown: Any, path: Path) -> None:
    """What was learned of the virtual tower, scores, and a week."""
    with panels(path, 3, width=4.0, height=3.4, dpi=75) as axes:
        axes[0].loglog(shown[0][::7], shown[1][::7], ".", ms=2)
        axes[0].plot([30, 3000], [30, 3000], "k", lw=0.8)
        axes[0].set(
            title="resistance, virtual tower [s m⁻¹]", xlabel="true", ylabel="learned", xlim=(30, 3000), ylim=(30, 3000)
        )
        names = ("constant", "jarvis", "hybrid", "hybrid, share", "network")
        for i, (site, rows) in enumerate(found.items()):
            means = [np.mean([row["nse_half-hours"] for row in rows[name]["seeds"]]) for name in names]
            axes[1].bar(np.arange(5) + 0.2 * i, np.maximum(means, 0), 0.2, label=site)
        axes[1].set(title="NSE of half-hours, test period", xticks=np.arange(5) + 0.3)
        axes[1].set_xticklabels([name.replace(", ", ",\n") for name in names], fontsize=8)
        axes[1].legend(fontsize=6, loc="lower right")
        here = slice(330 * 48, 337 * 48)
        axes[2].plot(tower.test["latent_heat"][here], "k", lw=1, label="observed")
        for name in ("jarvis", "hybrid, share"):
            axes[2].plot(kept[name][here], lw=1, label=name)
        axes[2].set(title="US-Bi1, a week of the test period", xlabel="half-hour", ylabel="λE [W m⁻²]")


def main() -> None:
    """Train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    sites = towers()
    first = sites[0]
    rows, shown = virtual(first, options.seeds)
    result: dict[str, Any] = {"closure": closure(sites), "virtual tower": rows, "towers": {}}
    models: dict[str, Any] = {}
    for tower in sites:
        result["towers"][tower.name], models[tower.name] = compared(tower, tower.train, options.seeds)
    summer = {name: x[(first.train["day"] - first.train["day"][0] < FEW)] for name, x in first.train.items()}
    result["towers"][f"US-Bi1, {FEW} days"], _ = compared(first, summer, options.seeds)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    if options.figure:
        draw(result["towers"], models["US-Bi1"], first, shown, options.figure)


if __name__ == "__main__":
    main()
