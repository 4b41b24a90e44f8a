"""Richards columns: what they cost, a conductivity learned from sensors, and parameters learned from texture.

    python benchmarks/kernels/soil_water.py --cost --json soil_water_cost.json       # on a quiet machine
    python benchmarks/kernels/soil_water.py --json soil_water.json --figure soil_water.png

`--cost`: seconds of a forward run and of a gradient, and bytes of workspace, of columns 1 m deep of eight textures
(Carsel & Parrish 1988, doi:10.1029/WR024i005p00755) under hourly showers, in float32; against layers, steps and
columns, with the slope of ln(seconds) over ln(size). Seconds are the least of five runs, by the clock and of the
processor: a busy machine slows the first more than the second.

Without it, truth from layers of 2 cm and steps of half an hour, learners with layers of 4 cm and steps of an hour:

- *conductivity*: a loam under ten days of showers, water content at four depths with an error of 0.005. Retention is
  known and K(Se) is not: a monotone network, from four starts at once, is trained on seven days and asked about three
  more, beside the true law on the learner's grid and Brooks–Corey's K = Ks·Se^p, both numbers fitted. The spread of the
  four says where the data determine K.
- *texture*: 64 columns whose Ks, α and n follow from sand and clay by Cosby et al. (1984), doi:10.1029/
  WR020i006p00682. A network of (sand, clay) is trained through 48 of them and asked about the other 16, beside the same
  three numbers for all.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from dgeo.engine import Parameters, simulate
from dgeo.hybrid import network_law
from dgeo.models import Formula, Layers, PerSite, richards
from dgeo.nn import mlp, with_output_bias
from dgeo.numerics import trainable
from dgeo.physics import soil_hydraulics

TEXTURES = np.array(
    [[7.128, 14.5, 2.68, 0.045, 0.43], [3.502, 12.4, 2.28, 0.057, 0.41], [1.061, 7.5, 1.89, 0.065, 0.41],
     [0.2496, 3.6, 1.56, 0.078, 0.43], [0.108, 2.0, 1.41, 0.067, 0.45], [0.0624, 1.9, 1.31, 0.095, 0.41],
     [0.3144, 5.9, 1.48, 0.1, 0.39], [0.0168, 1.0, 1.23, 0.089, 0.43]]
)  # fmt: skip
NAMES = ("saturated_conductivity", "alpha", "n", "residual_water", "saturated_water")
DEPTHS = (0.06, 0.14, 0.30, 0.54)  # [m] centres of layers of 4 cm
NOISE, STARTS, STEPS, HOURS, TRAINED = 0.005, 4, 150, 240, 168
COLUMNS, UNSEEN, TEXTURE_STEPS, TEXTURE_HOURS = 64, 16, 150, 96


def showers(hours: int, columns: int, random: np.random.Generator) -> np.ndarray:
    """Rain [m d⁻¹] in every hour: a shower of some hours every other day."""
    rain = np.zeros((hours, columns))
    for column in range(columns):
        for first in range(6, hours, 48):
            rain[first : first + random.integers(2, 8), column] = random.uniform(0.02, 0.25)
    return rain


def full(numbers: dict[str, Any], sites: int) -> dict[str, jax.Array]:
    """Parameters of every site, those not given at their defaults."""
    known = {name: parameter.default for name, parameter in richards(Layers.even(1.0, 2)).parameters.items()}
    return {
        name: jnp.broadcast_to(jnp.asarray(numbers.get(name, x), jnp.float32), (sites,)) for name, x in known.items()
    }


def begun(column: Any, parameters: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Every layer of every site at a head of −2 m."""
    sites = next(iter(parameters.values())).size
    return jax.vmap(column.at_head)(jnp.full((sites, column.layers.thickness.size), -2.0), parameters)


def cost_of(columns: int, layers: int, steps: int) -> dict[str, float]:
    """Seconds of a run and of a gradient, and workspace."""
    random = np.random.default_rng(0)
    column = richards(Layers.even(1.0, layers))
    texture = TEXTURES[random.integers(0, len(TEXTURES), columns)]
    parameters = full(dict(zip(NAMES, texture.T, strict=True)), columns)
    rain = random.exponential(0.02, (steps, columns)) * (random.random((steps, columns)) < 0.5)
    forcing, before = {"precipitation": jnp.asarray(rain, jnp.float32)}, begun(column, parameters)

    def run(parameters: Any) -> Any:
        outputs = ("drainage", "infiltration", "solver_failure")
        return simulate(column, forcing, Parameters(parameters, {}), before, dt=1 / 24, outputs=outputs)

    def total(parameters: Any) -> jax.Array:
        return jnp.sum(run(parameters)[1]["soil_water"])

    found: dict[str, float] = {"columns": columns, "layers": layers, "steps": steps}
    for name, function in (("forward", run), ("gradient", jax.grad(total))):
        compiled = jax.jit(function).lower(parameters).compile()
        result = jax.block_until_ready(compiled(parameters))
        seconds = []
        for _ in range(5):
            start = time.perf_counter(), time.process_time()
            jax.block_until_ready(compiled(parameters))
            seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
        found[f"{name}_s"], found[f"{name}_cpu_s"] = map(float, np.min(seconds, axis=0))
        found[f"{name}_workspace_MB"] = compiled.memory_analysis().temp_size_in_bytes / 1e6
        if name == "forward":
            found["failed_share"] = float(jnp.mean(result[0]["solver_failure"]))
    return found


def cost() -> dict[str, Any]:
    """The row asked for, and growth against layers, steps and columns."""
    ladders = {
        "layers": [(64, n, 36) for n in (20, 40, 80)],
        "steps": [(64, 40, n) for n in (36, 72, 144)],
        "columns": [(n, 40, 36) for n in (128, 256, 512)],
    }
    result: dict[str, Any] = {}
    for against, sizes in ladders.items():
        rows = [cost_of(*size) for size in sizes]
        exponents = {
            key: float(np.polyfit(np.log([row[against] for row in rows]), np.log([row[key] for row in rows]), 1)[0])
            for key in ("forward_cpu_s", "gradient_cpu_s", "gradient_workspace_MB")
        }
        result[against] = {"rows": rows, "exponents": exponents}
    return result


def truth(parameters: dict[str, jax.Array], rain: np.ndarray) -> np.ndarray:
    """Water content at the depths of the sensors [hour, site, depth], from 2 cm and half an hour."""
    column = richards(Layers.even(1.0, 50))
    forcing = {"precipitation": jnp.asarray(np.repeat(rain, 2, axis=0), jnp.float32)}

    @jax.jit
    def run(parameters: Any) -> Any:
        outputs = ("soil_water", "solver_failure")
        return simulate(
            column, forcing, Parameters(parameters, {}), begun(column, parameters), dt=1 / 48, outputs=outputs
        )[0]

    found = run(parameters)
    print("truth: share of failed steps", float(jnp.mean(found["solver_failure"])))
    content = np.asarray(found["soil_water"])[1::2] * 50
    return np.stack([content[..., [round(50 * z) - 1, round(50 * z)]].mean(axis=-1) for z in DEPTHS], axis=-1)


def learner_run(column: Any, parameters: Any, rain: np.ndarray) -> jax.Array:
    """The same from the learner's grid, by the hour."""
    forcing = {"precipitation": jnp.asarray(rain, jnp.float32)}
    found, _ = simulate(
        column, forcing, Parameters(parameters, {}), begun(column, parameters), dt=1 / 24, outputs=("soil_water",)
    )
    index = np.array([round((z - 0.02) / 0.04) for z in DEPTHS])
    return found["soil_water"][..., index] / 0.04


def descend(loss: Any, start: Any, steps: int, rate: float) -> Any:
    """Adam, and the loss of every step."""
    weights, rest = eqx.partition(start, trainable(start))
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps)))

    @jax.jit
    def step(weights: Any, state: Any) -> Any:
        value, slope = jax.value_and_grad(lambda w: loss(eqx.combine(w, rest)))(weights)
        updates, state = optimiser.update(slope, state)
        return optax.apply_updates(weights, updates), state, value

    state, losses = optimiser.init(weights), []
    for _ in range(steps):
        weights, state, value = step(weights, state)
        losses.append(float(value))
    return eqx.combine(weights, rest), losses


def conductivity() -> dict[str, Any]:
    """K(Se) of a loam from its sensors."""
    random = np.random.default_rng(1)
    loam = dict(zip(NAMES, TEXTURES[3], strict=True))
    rain = showers(HOURS, 1, random)
    exact = truth(full(loam, 1), rain)
    observed = jnp.asarray(exact[:TRAINED] + NOISE * random.standard_normal(exact[:TRAINED].shape), jnp.float32)
    layers, several, one = Layers.even(1.0, 25), full(loam, STARTS), full(loam, 1)
    plain, wide = richards(layers), np.repeat(rain, STARTS, axis=1)

    def start(key: Any) -> Any:
        read = ("effective_saturation",)
        return network_law(plain, "conductivity", read, increasing=read, width=8, depth=2, key=key)

    laws = eqx.filter_vmap(start)(jax.random.split(jax.random.key(0), STARTS))

    def misfit(column: Any, parameters: Any, series: np.ndarray) -> jax.Array:
        return jnp.mean((learner_run(column, parameters, series) - observed) ** 2)

    trained, _ = descend(
        lambda law: misfit(plain.with_laws({"conductivity": PerSite(law)}), several, wide[:TRAINED]) / NOISE**2,
        laws, STEPS, 0.02,
    )  # fmt: skip
    power = plain.with_laws(
        {"conductivity": Formula(power_law, ("effective_saturation", "saturated_conductivity", "alpha"))}
    )
    power = power.with_laws({"saturation": Formula(lambda pressure_head: soil_hydraulics.van_genuchten_saturation(
        pressure_head, jnp.float32(loam["alpha"]), jnp.float32(loam["n"])))})  # fmt: skip

    def numbers(z: Any) -> Any:  # the exponent stands in the place of α, which the power law's retention does not read
        return one | {"saturated_conductivity": jnp.exp(z[:1]), "alpha": jnp.exp(z[1:])}

    fitted, _ = descend(
        lambda z: misfit(power, numbers(z), rain[:TRAINED]) / NOISE**2, jnp.asarray([-1.0, 1.5]), 100, 0.05
    )
    seen = (exact - loam["residual_water"]) / (loam["saturated_water"] - loam["residual_water"])
    low, high = np.quantile(seen[:TRAINED], (0.01, 0.99))
    grid = jnp.linspace(0.05, 0.999, 60)
    learned = np.stack(
        [jax.vmap(lambda s, i=i: member(trained, i)({"effective_saturation": s}))(grid) for i in range(STARTS)]
    )
    head = -((grid ** (-1 / (1 - 1 / loam["n"])) - 1) ** (1 / loam["n"])) / loam["alpha"]
    given = (jnp.float32(loam[name]) for name in ("alpha", "n", "saturated_conductivity"))
    exact_law = np.asarray(
        jax.vmap(lambda h, *rest: soil_hydraulics.conductivity_with_entry(h, *rest), (0, None, None, None))(
            head, *given
        )
    )
    power_given = np.exp(fitted[0]) * np.asarray(grid) ** np.exp(fitted[1])
    within = (grid >= low) & (grid <= high)
    networks = plain.with_laws({"conductivity": PerSite(trained)})
    later = exact[TRAINED:]
    simulated = {
        "network": learner_run(networks, several, wide),
        "true_law": learner_run(plain, one, rain),
        "power_law": learner_run(power, numbers(fitted), rain),
    }
    apart = np.std(np.log10(learned), axis=0)
    error = {"network": learned, "power_law": power_given}
    return {
        "visited_saturation": [float(low), float(high)],
        "rmse_of_log10_K_visited": {k: rms((np.log10(x) - np.log10(exact_law))[..., within]) for k, x in error.items()},
        "spread_of_log10_K_over_starts": {
            "visited": float(apart[within].mean()),
            "drier": float(apart[grid < low].mean()),
        },
        "test_rmse": {name: rms(np.asarray(run)[TRAINED:] - later) for name, run in simulated.items()},
        "curves": {"saturation": grid, "true": exact_law, "learned": learned, "power": power_given},
    }


def rms(error: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(error**2)))


def power_law(effective_saturation: Any, saturated_conductivity: Any, exponent: Any) -> Any:
    """K = Ks·Se^p."""
    return saturated_conductivity * jnp.exp(exponent * jnp.log(jnp.maximum(effective_saturation, 1e-6)))


def member(tree: Any, i: int) -> Any:
    """One of several laws."""
    return jax.tree.map(lambda x: x[i] if eqx.is_array(x) else x, tree)


def texture() -> dict[str, Any]:
    """Ks, α and n of many columns from their texture."""
    random = np.random.default_rng(2)
    sand = random.uniform(10, 80, COLUMNS)
    clay = np.minimum(random.uniform(5, 35, COLUMNS), 95 - sand)
    own = {
        "saturated_conductivity": 10 ** (-0.884 + 0.0153 * sand) * 0.0254 * 24,
        "alpha": 100 / 10 ** (1.54 - 0.0095 * sand + 0.0063 * (100 - sand - clay)),
        "n": 1 + 1 / (3.1 + 0.157 * clay - 0.003 * sand),
    }
    rain = showers(TEXTURE_HOURS, COLUMNS, random)
    exact = truth(full(own, COLUMNS), rain)
    noisy = jnp.asarray(exact + NOISE * random.standard_normal(exact.shape), jnp.float32)
    column = richards(Layers.even(1.0, 25))
    inputs = jnp.asarray(np.stack([sand / 50 - 1, clay / 20 - 1], axis=-1), jnp.float32)
    bounds = {name: column.parameters[name].bounds for name in own}
    train = slice(0, COLUMNS - UNSEEN)

    def numbers(z: jax.Array) -> dict[str, jax.Array]:
        return {name: bound.from_unbounded(z[..., k]) for k, (name, bound) in enumerate(bounds.items())}

    def misfit(z: jax.Array) -> jax.Array:
        parameters = jax.tree.map(lambda x: x[train], full(numbers(z), COLUMNS))
        return jnp.mean((learner_run(column, parameters, rain[:, train]) - noisy[:, train]) ** 2) / NOISE**2

    middle = jnp.stack([bound.to_unbounded(jnp.asarray(column.parameters[k].default)) for k, bound in bounds.items()])
    start = with_output_bias(mlp(2, 3, width=16, depth=2, key=jax.random.key(0)), middle)
    network, losses = descend(lambda net: misfit(jax.vmap(net)(inputs)), start, TEXTURE_STEPS, 0.01)
    same, _ = descend(lambda z: misfit(jnp.broadcast_to(z, (COLUMNS, 3))), middle, TEXTURE_STEPS // 2, 0.05)
    unseen = slice(COLUMNS - UNSEEN, None)
    result: dict[str, Any] = {"loss": [losses[0], losses[-1]], "unseen": {}}
    for name, z in (("network", jax.vmap(network)(inputs)), ("one for all", jnp.broadcast_to(same, (COLUMNS, 3)))):
        error = np.asarray(learner_run(column, full(numbers(z), COLUMNS), rain))[:, unseen] - exact[:, unseen]
        result["unseen"][name] = {"rmse": float(np.sqrt(np.mean(error**2)))}
        if name == "network":
            result["points"] = {
                k: [np.asarray(v)[unseen].tolist(), own[k][unseen].tolist()] for k, v in numbers(z).items()
            }
            for k, (ours, real) in result["points"].items():
                ours, real = np.log(ours), np.log(real)
                unexplained = np.sum((ours - real) ** 2) / np.sum((real - real.mean()) ** 2)
                result["unseen"][name][f"ln_{k}"] = {
                    "r2": float(1 - unexplained),
                    "correlation": float(np.corrcoef(ours, real)[0, 1]),
                }
    error = np.asarray(learner_run(column, full(own, COLUMNS), rain))[:, unseen] - exact[:, unseen]
    result["unseen"]["true parameters"] = {"rmse": float(np.sqrt(np.mean(error**2)))}
    return result


def draw(path: Path, law: dict[str, Any], soils: dict[str, Any]) -> None:
    """Celia's sand; the learned conductivity; the parameters of unseen columns."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    heads, depths = celia()
    axes[0].plot(heads, depths, "C0", label="ours, 0.5 cm and 2.5 s")
    axes[0].plot(
        [-21.943, -25.074, -37.109, -60.785, -61.499], [5, 10, 15, 20, 25], "ko", ms=4, label="converged reference"
    )
    axes[0].invert_yaxis()
    axes[0].set(title="Sand of Celia et al. after 6 min", xlabel="pressure head [cm]", ylabel="depth [cm]")
    for i, k in enumerate(law["learned"]):
        axes[1].semilogy(law["saturation"], k, "C0", lw=0.8, label="learned, four starts" if not i else None)
    axes[1].semilogy(law["saturation"], law["power"], "C1--", label="power law, fitted")
    axes[1].semilogy(law["saturation"], law["true"], "k", lw=1.5, label="true")
    axes[1].axvspan(*law["visited"], color="0.9", label="visited, 1–99 %")
    axes[1].set(title="Conductivity of a loam [m d⁻¹]", xlabel="effective saturation", ylim=(1e-7, 1))
    for k, (ours, real) in soils.items():
        axes[2].loglog(real, ours, "o", ms=3, label=k)
    axes[2].loglog([0.05, 20], [0.05, 20], "k", lw=0.5)
    axes[2].set(title="16 unseen columns", xlabel="true", ylabel="from texture, learned")
    for panel in axes:
        panel.legend(fontsize=6)
    figure.savefig(path, dpi=80)


def celia() -> tuple[np.ndarray, np.ndarray]:
    """Heads and depths [cm] of the sand."""
    laws = {
        "saturation": Formula(soil_hydraulics.haverkamp_saturation),
        "conductivity": Formula(soil_hydraulics.haverkamp_conductivity),
    }
    column = richards(Layers.even(0.4, 80), top="head", bottom="head", **laws)
    sand = {
        "retention_constant": 1.611e6 * 0.01**3.96, "retention_exponent": 3.96, "saturated_water": 0.287,
        "conductivity_constant": 1.175e6 * 0.01**4.74, "conductivity_exponent": 4.74, "residual_water": 0.075,
        "saturated_conductivity": 0.00944 * 864, "specific_storage": 0.0,
    }  # fmt: skip
    one = {name: jnp.full(1, x) for name, x in sand.items()}
    forcing = {"surface_head": jnp.full((144, 1), -0.207), "bottom_head": jnp.full((144, 1), -0.615)}
    before = jax.vmap(column.at_head)(jnp.full((1, 80), -0.615), one)
    _, after = simulate(column, forcing, Parameters(one, {}), before, dt=2.5 / 86400)
    return np.asarray(after["pressure_head"][0]) * 100, np.asarray(column.layers.centre) * 100


def main() -> None:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {}
    if options.cost:
        result["cost"] = cost()
    if not options.cost:
        law, soils = conductivity(), texture()
        curves, points = law.pop("curves") | {"visited": law["visited_saturation"]}, soils.pop("points")
        result |= {"conductivity": law, "texture": soils}
        if options.figure:
            draw(options.figure, curves, points)
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
