"""K(Se) of a loam from its sensors: networks from four starts, the true law, and a fitted power law."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from descent import descend
from identify import of_law, of_numbers
from soil_columns import NAMES, NOISE, TEXTURES, full, learner_run, rms, showers, truth

from dgeo.hybrid import network_law
from dgeo.models import Formula, Law, Layers, PerSite, richards
from dgeo.physics import soil_hydraulics

STARTS, STEPS, HOURS, TRAINED = 4, 150, 240, 168
LOAM = {name: float(x) for name, x in zip(NAMES, TEXTURES[3], strict=True)}
KNOTS = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])  # of effective saturation
LAYERS = Layers.even(1.0, 25)


class Sensors(NamedTuple):
    """Showers [hour, 1], the truth of all hours, and what is observed of the first."""

    rain: np.ndarray
    exact: np.ndarray
    observed: jax.Array


def sensors() -> Sensors:
    random = np.random.default_rng(1)
    rain = showers(HOURS, 1, random)
    exact = truth(full(LOAM, 1), rain)
    noise = NOISE * random.standard_normal(exact[:TRAINED].shape)
    return Sensors(rain, exact, jnp.asarray(exact[:TRAINED] + noise, jnp.float32))


def networks(seen: Sensors) -> Law:
    """Monotone networks from all starts at once, trained side by side."""
    plain, rain = richards(LAYERS), np.repeat(seen.rain[:TRAINED], STARTS, axis=1)

    def start(key: Any) -> Any:
        read = ("effective_saturation",)
        return network_law(plain, "conductivity", read, increasing=read, width=8, depth=2, key=key)

    def loss(law: Any) -> jax.Array:
        column = plain.with_laws({"conductivity": PerSite(law)})
        return jnp.mean((learner_run(column, full(LOAM, STARTS), rain) - seen.observed) ** 2) / NOISE**2

    return descend(loss, eqx.filter_vmap(start)(jax.random.split(jax.random.key(0), STARTS)), STEPS, 0.02)[0]


def power_law(effective_saturation: Any, saturated_conductivity: Any, exponent: Any) -> Any:
    """K = Ks·Se^p."""
    return saturated_conductivity * jnp.exp(exponent * jnp.log(jnp.maximum(effective_saturation, 1e-6)))


def fitted_power(seen: Sensors) -> tuple[Any, dict[str, jax.Array], np.ndarray]:
    """A column with the power law, its parameters, and (ln Ks, ln p) as fitted.

    The exponent stands in the place of α, which the power law's retention, that of the truth, does not read.
    """
    alpha, n = (jnp.float32(LOAM[name]) for name in ("alpha", "n"))
    laws: dict[str, Any] = {
        "conductivity": Formula(power_law, ("effective_saturation", "saturated_conductivity", "alpha")),
        "saturation": Formula(lambda pressure_head: soil_hydraulics.van_genuchten_saturation(pressure_head, alpha, n)),
    }
    column = richards(LAYERS, **laws)

    def numbers(z: Any) -> Any:
        return full(LOAM, 1) | {"saturated_conductivity": jnp.exp(z[:1]), "alpha": jnp.exp(z[1:])}

    def loss(z: jax.Array) -> jax.Array:
        return jnp.mean((learner_run(column, numbers(z), seen.rain[:TRAINED]) - seen.observed) ** 2) / NOISE**2

    z, _ = descend(loss, jnp.asarray([-1.0, 1.5]), 100, 0.05)
    return column, numbers(z), np.asarray(z)


def true_conductivity(saturation: jax.Array) -> np.ndarray:
    """The truth's, by the head at which its retention has this saturation."""
    alpha, n, saturated = (LOAM[name] for name in ("alpha", "n", "saturated_conductivity"))
    head = -((saturation ** (-1 / (1 - 1 / n)) - 1) ** (1 / n)) / alpha
    given = (jnp.float32(x) for x in (alpha, n, saturated))
    law = soil_hydraulics.conductivity_with_entry
    return np.asarray(jax.vmap(lambda h, *rest: law(h, *rest), (0, None, None, None))(head, *given))


def identifiability(seen: Sensors) -> dict[str, Any]:
    """Hessian spectra at the truth on the learner's grid, of ln K at some saturations and of ln Ks, ln α, ln(n − 1)."""
    plain, rain = richards(LAYERS), seen.rain[:TRAINED]

    def by_law(law: Law) -> jax.Array:
        return learner_run(plain.with_laws({"conductivity": law}), full(LOAM, 1), rain)

    def by_numbers(z: jax.Array) -> jax.Array:
        own = {"saturated_conductivity": jnp.exp(z[:1]), "alpha": jnp.exp(z[1:2]), "n": 1 + jnp.exp(z[2:])}
        return learner_run(plain, full(LOAM, 1) | own, rain)

    at = [np.log(LOAM["saturated_conductivity"]), np.log(LOAM["alpha"]), np.log(LOAM["n"] - 1)]
    return {
        "conductivity": of_law(by_law, plain.present_laws["conductivity"], "effective_saturation", KNOTS, NOISE),
        "van_genuchten": {
            "numbers": ["ln Ks", "ln alpha", "ln(n - 1)"],
            **of_numbers(by_numbers, jnp.asarray(at, jnp.float32), NOISE),
        },
    }


def study() -> dict[str, Any]:
    """All of it; `curves` are for the figure."""
    seen = sensors()
    trained, (power, numbers, z) = networks(seen), fitted_power(seen)
    plain, wide = richards(LAYERS), np.repeat(seen.rain, STARTS, axis=1)
    simulated = {
        "network": learner_run(plain.with_laws({"conductivity": PerSite(trained)}), full(LOAM, STARTS), wide),
        "true_law": learner_run(plain, full(LOAM, 1), seen.rain),
        "power_law": learner_run(power, numbers, seen.rain),
    }
    later = seen.exact[TRAINED:]
    return {
        **_curves(seen, trained, z),
        "test_rmse": {name: rms(np.asarray(run)[TRAINED:] - later) for name, run in simulated.items()},
        "identifiability": identifiability(seen),
    }


def _curves(seen: Sensors, trained: Law, z: np.ndarray) -> dict[str, Any]:
    """The learned curves beside the true one, where the sensors have been."""
    saturation = (seen.exact - LOAM["residual_water"]) / (LOAM["saturated_water"] - LOAM["residual_water"])
    low, high = np.quantile(saturation[:TRAINED], (0.01, 0.99))
    grid = jnp.linspace(0.05, 0.999, 60)
    within = (grid >= low) & (grid <= high)

    def curve(i: int) -> jax.Array:
        law = jax.tree.map(lambda x: x[i] if eqx.is_array(x) else x, trained)
        return jax.vmap(lambda s: law({"effective_saturation": s}))(grid)

    exact = true_conductivity(grid)
    found = {"network": np.stack([curve(i) for i in range(STARTS)]), "power_law": np.exp(z[0]) * grid ** np.exp(z[1])}
    apart = np.std(np.log10(found["network"]), axis=0)
    return {
        "visited_saturation": [float(low), float(high)],
        "rmse_of_log10_K_visited": {
            name: rms((np.log10(k) - np.log10(exact))[..., within]) for name, k in found.items()
        },
        "spread_of_log10_K_over_starts": {
            "visited": float(apart[within].mean()),
            "drier": float(apart[grid < low].mean()),
        },
        "curves": {"saturation": grid, "true": exact, "learned": found["network"], "power": found["power_law"]},
    }
