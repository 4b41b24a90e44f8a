"""The conductivity of a soil that freezes, learned from its temperatures.

    python benchmarks/kernels/soil_heat.py --json soil_heat.json --figure soil_heat.png

A virtual winter of forty days: cold that comes and goes, day and night, over a soil that freezes between 0 and −1 °C.
The truth has 1.2 m in layers of 1 cm and steps of a quarter of an hour, and conducts by its liquid share s as

    k = kf − (kf − kt)·s·(2 − s),      kf = 2.2, kt = 0.9 W m⁻¹ K⁻¹,

which is the geometric mean of neither end. Observed are hourly temperatures at four depths with an error of 0.1 K. The
learners have 29 layers of 1 to 8 cm and steps of an hour, know all but the conductivity, are trained on thirty days and
asked about the last ten:

- `network`: k(s), any positive function, from four starts;
- `fitted`: the textbook's geometric mean, both of its numbers fitted;
- `default`: the textbook's numbers; `true law`: the truth's on the learner's grid, as near as any can come.

What the sensors know of k(s) is the spectrum of the misfit's Hessian (`identify.py`), and the spread of the starts.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from descent import descend
from identify import of_law
from pictures import panels

from dgeo.analytic import soil_temperature
from dgeo.check.kernels import soil_heat as rows
from dgeo.engine import Parameters, simulate
from dgeo.hybrid import network_law
from dgeo.models import Formula, Law, Layers, PerSite, soil_heat_column

FROZEN, THAWED = 2.2, 0.9  # [W m-1 K-1]
DEPTH, DEPTHS = 1.2, np.array([0.06, 0.14, 0.30, 0.54])  # [m]
THICKNESS = np.repeat([0.01, 0.02, 0.03, 0.05, 0.08], [4, 6, 6, 6, 7])  # [m]
ERROR, DAYS, TRAINED, STARTS, STEPS = 0.1, 40, 30, 4, 120
KNOTS = np.linspace(0.0, 1.0, 6)  # of the liquid share
OWN = {"freezing_range": 1.0, "latent_heat": 100.0}
TRUTH = Formula(lambda liquid_share: FROZEN - (FROZEN - THAWED) * liquid_share * (2 - liquid_share))
LEARNER = soil_heat_column(Layers(jnp.asarray(THICKNESS, jnp.float32)))


def surface(hours: np.ndarray) -> np.ndarray:
    """Temperature of the surface [°C]: two cold spells, day and night, and weather that lasts a day or two."""
    random, days = np.random.default_rng(3), hours / 24
    weather = np.zeros(DAYS + 3)
    for k in range(1, len(weather)):
        weather[k] = 0.6 * weather[k - 1] + 1.6 * random.standard_normal()
    spells = 1.0 - 7 * np.exp(-(((days - 12) / 6) ** 2)) - 6 * np.exp(-(((days - 33) / 4) ** 2))
    return spells + 3 * np.sin(2 * np.pi * (days - 0.3)) + np.interp(days, np.arange(len(weather)), weather)


def numbers(sites: int, **given: Any) -> dict[str, jax.Array]:
    """Parameters of every site, those not given at their defaults."""
    known = {name: p.default for name, p in LEARNER.parameters.items()} | OWN | given
    return {name: jnp.broadcast_to(jnp.asarray(x, jnp.float32), (sites,)) for name, x in known.items()}


def run(column: Any, parameters: Any, steps_an_hour: int = 1) -> dict[str, jax.Array]:
    """Temperatures of all layers and failures, by the step, from a thawed soil of 3 °C on."""
    sites = next(iter(parameters.values())).size
    hours = np.arange(1, 24 * DAYS * steps_an_hour + 1) / steps_an_hour
    forcing = {"surface_temperature": jnp.asarray(np.repeat(surface(hours)[:, None], sites, 1), jnp.float32)}
    warm = jnp.full((sites, column.layers.thickness.size), 3.0, jnp.float32)
    before = jax.vmap(column.at_temperature)(warm, parameters)
    dt, outputs = 1 / 24 / steps_an_hour, ("temperature", "solver_failure")
    return simulate(column, forcing, Parameters(parameters, {}), before, dt=dt, outputs=outputs)[0]


def at_sensors(temperature: jax.Array, thickness: np.ndarray) -> jax.Array:
    """Between the centres of the two nearest layers [step, site, depth]."""
    centre = np.cumsum(thickness) - thickness / 2
    upper = np.searchsorted(centre, DEPTHS) - 1
    share = (DEPTHS - centre[upper]) / (centre[upper + 1] - centre[upper])
    return (1 - share) * temperature[..., upper] + share * temperature[..., upper + 1]


def truth() -> tuple[np.ndarray, float]:
    """Temperatures at the sensors [hour, 1, depth], and the share of steps that failed."""
    fine = soil_heat_column(Layers.even(DEPTH, 120), conductivity=TRUTH)
    found = jax.jit(lambda parameters: run(fine, parameters, 4))(numbers(1))
    return np.asarray(at_sensors(found["temperature"][3::4], np.full(120, DEPTH / 120))), float(
        jnp.mean(found["solver_failure"])
    )


def sensed(law: Law | None, parameters: Any) -> jax.Array:
    """Temperatures at the sensors, from the learner's grid."""
    column = LEARNER if law is None else LEARNER.with_laws({"conductivity": law})
    return at_sensors(run(column, parameters)["temperature"], THICKNESS)


def learned(observed: jax.Array) -> tuple[dict[str, Any], Any]:
    """(law, parameters) of every learner, and the networks."""
    hours = 24 * TRAINED

    def misfit(law: Law | None, parameters: Any) -> jax.Array:
        return jnp.mean(((sensed(law, parameters) - observed)[:hours] / ERROR) ** 2)

    def start(key: Any) -> Any:
        return network_law(LEARNER, "conductivity", ("liquid_share",), width=8, depth=2, key=key)

    laws = eqx.filter_vmap(start)(jax.random.split(jax.random.key(0), STARTS))
    networks, _ = descend(lambda law: misfit(PerSite(law), numbers(STARTS)), laws, STEPS, 0.02)

    def two(z: jax.Array) -> Any:
        return numbers(1, thawed_conductivity=jnp.exp(z[0]), frozen_conductivity=jnp.exp(z[1]))

    fitted, _ = descend(lambda z: misfit(None, two(z)), jnp.log(jnp.asarray([1.0, 1.6])), STEPS // 2, 0.05)
    found = {
        "network": (PerSite(networks), numbers(STARTS)),
        "fitted": (None, two(fitted)),
        "default": (None, numbers(1)),
        "true law": (TRUTH, numbers(1)),
    }
    return found, (networks, np.exp(np.asarray(fitted)))


def curves(networks: Any, ends: np.ndarray) -> dict[str, np.ndarray]:
    """k of the liquid share."""
    share = jnp.linspace(0, 1, 41)

    def curve(i: int) -> jax.Array:
        law = jax.tree.map(lambda x: x[i] if eqx.is_array(x) else x, networks)
        return jax.vmap(lambda s: law({"liquid_share": s}))(share)

    return {
        "share": np.asarray(share),
        "true": np.asarray(jax.vmap(lambda s: TRUTH({"liquid_share": s}))(share)),
        "network": np.stack([curve(i) for i in range(STARTS)]),
        "fitted": ends[0] ** np.asarray(share) * ends[1] ** (1 - np.asarray(share)),
    }


def study() -> tuple[dict[str, Any], dict[str, Any]]:
    """The results, and what the figure shows of them."""
    exact, failed = truth()
    noise = ERROR * np.random.default_rng(4).standard_normal(exact.shape)
    learners, (networks, ends) = learned(jnp.asarray(exact + noise, jnp.float32))
    series = {name: np.asarray(jax.jit(sensed)(*pair)) for name, pair in learners.items()}
    law = curves(networks, ends)
    off = {name: np.abs(np.log(law[name] / law["true"])) for name in ("network", "fitted")}
    result = {
        "truth_failed_share": failed,
        "test_rmse_K": {name: rms((x - exact)[24 * TRAINED :]) for name, x in series.items()},
        "test_rmse_K_of_each_start": [
            rms((series["network"][:, i] - exact[:, 0])[24 * TRAINED :]) for i in range(STARTS)
        ],
        "mean_error_of_ln_k": {name: float(x.mean()) for name, x in off.items()},
        "error_of_ln_k_at_ends": {name: [float(x[..., k].mean()) for k in (0, -1)] for name, x in off.items()},
        "spread_of_ln_k_over_starts": np.round(np.std(np.log(law["network"]), axis=0)[::8], 4).tolist(),
        "fitted_thawed_and_frozen": ends.tolist(),
        "identifiability": of_law(
            lambda law: sensed(law, numbers(1))[: 24 * TRAINED], TRUTH, "liquid_share", KNOTS, ERROR
        ),
    }
    return result, {"law": law, "exact": exact, **series}


def rms(error: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(error**2)))


def draw(path: Path, shown: dict[str, Any], result: dict[str, Any]) -> None:
    """Ice that grows beside Neumann's; a sensor in the test; the law; what the sensors know of it."""
    law, hours = shown["law"], np.arange(24 * DAYS) / 24
    with panels(path, 4, width=3.2) as axes:
        freezing(axes[0])
        for name, style in (("default", "C2"), ("fitted", "C1--"), ("network", "C0")):
            axes[1].plot(hours, shown[name][:, 0, 2], style, lw=1, label=name)
        axes[1].plot(hours, shown["exact"][:, 0, 2], "k", lw=0.8, label="truth")
        axes[1].axvspan(TRAINED, DAYS, color="0.92")
        axes[1].set(title="0.3 m deep, grey: not trained on", xlabel="days", ylabel="°C")
        for i, k in enumerate(law["network"]):
            axes[2].plot(law["share"], k, "C0", lw=0.8, label="learned, four starts" if not i else None)
        axes[2].plot(law["share"], law["fitted"], "C1--", label="geometric mean, fitted")
        axes[2].plot(law["share"], law["true"], "k", label="true")
        axes[2].set(title="conductivity [W m⁻¹ K⁻¹]", xlabel="liquid share")
        values = result["identifiability"]["eigenvalues"]
        axes[3].semilogy(range(1, len(values) + 1), np.maximum(values, 1e-2) ** -0.5, "o-", ms=3)
        axes[3].set(title="what sensors leave open of ln k", xlabel="pattern", ylabel="standard deviation")


def freezing(axis: Any) -> None:
    """Ten days of frost over water at 0 °C."""
    with jax.enable_x64(True):
        column = soil_heat_column(Layers.even(0.5, 50))
        ice = tuple(jnp.asarray(x) for x in (10 * rows.DAY, 10.0, 2.22, 917 * 3.34e5, 917 * 2108.0))
        advance, _ = rows.frozen(column)
        after = jax.jit(lambda x: advance(x)[3])(jnp.zeros(2))
        axis.plot(soil_temperature.neumann_temperature(column.layers.centre, *ice), column.layers.centre, "k",
                  lw=1, label="Neumann")  # fmt: skip
        axis.plot(after["temperature"][0], column.layers.centre, "o", ms=2.5, label="layers of 1 cm")
    axis.invert_yaxis()
    axis.set(title="ice after ten days at −10 °C", xlabel="°C", ylabel="depth [m]")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    result, shown = study()
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.figure:
        draw(options.figure, shown, result)
