"""Plain JAX as one writes it first: the same HBV in one `lax.scan`, and its gradient; dgeo is not imported."""

import jax
import jax.numpy as jnp
from hbv_parameters import BOUNDS, FORCINGS, INITIAL_STORAGE
from protocol import Implementation, problem, serve, versions


def step(parameters, state, forcing):
    beta, fc, k0, k1, k2, lp, perc, uzl, tt, cfmax, cfr, cwh = parameters
    snow, liquid, soil, upper, lower = state
    rain_or_snow, temperature, demand = (value[:, None] for value in forcing)
    snowfall = jnp.where(temperature < tt, rain_or_snow, 0.0)
    snow = snow + snowfall
    melt = jnp.minimum(cfmax * jnp.maximum(temperature - tt, 0.0), snow)
    snow, liquid = snow - melt, liquid + melt
    frozen = jnp.minimum(cfr * cfmax * jnp.maximum(tt - temperature, 0.0), liquid)
    snow, liquid = snow + frozen, liquid - frozen
    released = jnp.maximum(liquid - cwh * snow, 0.0)
    liquid = liquid - released
    water = rain_or_snow - snowfall + released
    recharge = water * jnp.minimum((soil / fc) ** beta, 1.0)
    soil = soil + water - recharge
    excess = jnp.maximum(soil - fc, 0.0)
    soil = soil - excess
    soil = soil - jnp.minimum(demand * jnp.minimum(soil / (lp * fc), 1.0), soil)
    upper = upper + recharge + excess
    percolated = jnp.minimum(perc, upper)
    upper, lower = upper - percolated, lower + percolated
    quick = k0 * jnp.maximum(upper - uzl, 0.0)
    upper = upper - quick
    inter, base = k1 * upper, k2 * lower
    return (snow, liquid, soil, upper - inter, lower - base), quick + inter + base


def streamflow(raw, forcing):
    bounds = zip(raw, BOUNDS.values(), strict=True)
    parameters = [low + (high - low) * jax.nn.sigmoid(value) for value, (low, high) in bounds]
    start = (jnp.full(raw.shape[1:], INITIAL_STORAGE),) * 5
    _, flow = jax.lax.scan(lambda state, now: step(parameters, state, now), start, forcing)
    return flow.mean(axis=-1)


def loss(raw, forcing, target):
    return jnp.mean((streamflow(raw, forcing) - target) ** 2)


def prepare() -> Implementation:
    arrays = {name: jnp.asarray(value) for name, value in problem().items()}
    data = (arrays["raw"], tuple(arrays[name] for name in FORCINGS))
    forward, gradient = jax.jit(streamflow), jax.jit(jax.value_and_grad(loss))

    def result():
        value, slope = gradient(*data, arrays["target"])
        return {"loss": value, "gradient": slope, "streamflow": forward(*data)}

    works = {
        "forward": lambda: jax.block_until_ready(forward(*data)),
        "gradient": lambda: jax.block_until_ready(gradient(*data, arrays["target"])),
    }
    return Implementation(works, result, versions("jax", "jaxlib", "numpy"), {})


if __name__ == "__main__":
    serve(prepare)
