"""The surface energy balance beside FAO-56 and closed forms.

Example 18 (Uccle, 6 July) is carried to four decimals, one more than the book prints, apart from this code; example 17
(Bangkok, April) is the book's own.
"""

import math
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.check.gradient_kit import gradients
from dgeo.check.gradient_run import Tolerances
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import Values
from dgeo.models.surface import Surface, surface
from dgeo.physics import humid_air, solar
from dgeo.physics.net_radiation import ALBEDO, net_longwave, net_radiation, relative_shortwave
from dgeo.physics.penman_monteith import reference_evapotranspiration, shortwave_from_sunshine, wind_at_two_metres
from dgeo.physics.surface_temperature import Air, emitted, latent_heat, sensible_heat

Scalar = Float[Array, ""]

CASES = Cases("surface")
DIGITS = 6e-5  # half the last of four decimals, and a rounding
EXACT = 1e-12
UCCLE = {"u2": 2.0776, "P": 100.1235, "γ": 0.0666, "T": 16.9, "Δ": 0.1221, "es": 1.9975, "ea": 1.4086, "dr": 0.9671,
         "δ": 0.3954, "ωs": 2.1081, "Ra": 41.0884, "N": 16.1046, "Rs": 22.0721, "Rso": 30.8985, "Rns": 16.9955,
         "Rnl": 3.7123, "Rn": 13.2832, "ET0": 3.8803}  # fmt: skip
NOON = {"net_radiation": 500.0, "ground_heat_flux": 50.0, "air_temperature": 22.0, "vapour_pressure": 1200.0,
        "air_pressure": 98000.0, "wind_speed": 2.5}  # fmt: skip
GRASS = {"resistance": 70.0, "measurement_height": 2.0, "vegetation_height": 0.12, "emissivity": 0.97}
SITES = 256


def rows() -> Iterator[KernelRow]:
    """Both examples, the two balances, their derivatives."""
    yield from _uccle()
    yield from _bangkok()
    yield from _balance()
    yield from _derivatives()
    yield from _kit()


def _values(numbers: dict[str, float], **changed: float) -> Values:
    return {name: jnp.asarray(number) for name, number in {**numbers, **changed}.items()}


def _uccle() -> Iterator[KernelRow]:
    found = jax.jit(_chain)(_values({"latitude": 50.8, "day": 187.0, "elevation": 100.0, "low": 12.3, "high": 21.5,
                                     "wind": 10 / 3.6, "sunshine": 9.25, "moist": 0.84, "dry": 0.63}))  # fmt: skip
    for name, number in UCCLE.items():
        yield CASES.value(f"FAO-56 example 18, {name}", found[name], number, DIGITS, relative=False)


def _chain(x: Values) -> Values:
    """Every intermediate value of the day's reference evapotranspiration, in the book's units."""
    wind = wind_at_two_metres(x["wind"], jnp.asarray(10.0))
    mean, psychrometric = (x["low"] + x["high"]) / 2, humid_air.psychrometric_constant(x["elevation"])
    ends = [humid_air.saturation_vapour_pressure(t) for t in (x["low"], x["high"])]
    saturation, vapour = (ends[0] + ends[1]) / 2, (ends[0] * x["moist"] + ends[1] * x["dry"]) / 2
    above = solar.extraterrestrial_radiation(x["latitude"], x["day"])
    hours = solar.day_length(x["latitude"], x["day"]) / 3600
    shortwave = shortwave_from_sunshine(x["sunshine"], hours, above)
    clearness = relative_shortwave(shortwave, above, x["elevation"])
    net = net_radiation(shortwave / 0.0864, vapour, x["low"], x["high"], above, x["elevation"])
    return {
        "u2": wind, "P": humid_air.air_pressure(x["elevation"]) / 1000, "γ": psychrometric / 1000, "T": mean,
        "Δ": humid_air.saturation_slope(mean) / 1000, "es": saturation / 1000, "ea": vapour / 1000,
        "dr": solar.inverse_relative_distance(x["day"]), "δ": solar.declination(x["day"]),
        "ωs": solar.sunset_hour_angle(x["latitude"], x["day"]), "Ra": above, "N": hours, "Rs": shortwave,
        "Rso": shortwave / clearness, "Rns": (1 - ALBEDO) * shortwave,
        "Rnl": net_longwave(clearness, vapour, x["low"], x["high"]), "Rn": net,
        "ET0": reference_evapotranspiration(net, mean, wind, saturation, vapour, psychrometric),
    }  # fmt: skip


def _bangkok() -> Iterator[KernelRow]:
    @jax.jit
    def both(energy: Scalar) -> tuple[Scalar, Scalar]:
        air = map(jnp.asarray, (30.2, 2.0, 4420.0, 2850.0, 67.4))
        return jax.value_and_grad(reference_evapotranspiration)(energy, *air)

    water, slope = both(jnp.asarray(14.33 - 0.14))
    # the book's own inputs are rounded, and so is its 5.72
    yield CASES.value("FAO-56 example 17, ET0", water, 5.72, 0.02, relative=False)
    delta = float(humid_air.saturation_slope(jnp.asarray(30.2)))
    yield CASES.value("FAO-56 example 17, Δ", delta / 1000, 0.246, 5e-4, relative=False)
    exact = 0.408 * delta / (delta + 67.4 * (1 + 0.34 * 2))
    yield CASES.gradient("dET0/dRn = 0.408·Δ/(Δ + γ·(1 + 0.34·u2))", slope, exact, EXACT)


@eqx.filter_jit
def _solved(model: Surface, forcing: Values, parameters: Values) -> Values:
    return model.step({}, forcing, parameters, jnp.asarray(1.0))[1]


def _air(forcing: Values, resistance: float) -> Air:
    gamma = 0.665e-3 * forcing["air_pressure"]
    near = (forcing["air_temperature"], forcing["vapour_pressure"], forcing["air_pressure"], gamma)
    return Air(*near, jnp.asarray(resistance))


def _balance() -> Iterator[KernelRow]:
    grass = _values(GRASS)
    # 0.12 m of grass under wind at 2 m: FAO-56 rounds the resistance of the air to 208/u, the sum of its parts to 900
    daily = _solved(surface(), _values(NOON), grass)["latent_heat"] * 0.0864 * 0.408
    deficit = humid_air.saturation_vapour_pressure(jnp.asarray(22.0)), jnp.asarray(1200.0)
    reference = reference_evapotranspiration(
        jnp.asarray(450 * 0.0864), jnp.asarray(22.0), jnp.asarray(2.5), *deficit, jnp.asarray(0.665e-3 * 98000)
    )
    yield CASES.value("resistances of the grass beside ET0", daily, float(reference), 0.01)
    # a surface 9 K warmer than the air: its fluxes, and the radiation that would feed them
    noon, resistance = _values(NOON), 40.0
    air, warm = _air(noon, resistance), jnp.asarray(31.0)
    heat = [
        sensible_heat(warm, air),
        latent_heat(warm, air, grass["resistance"]),
        emitted(warm, air, grass["emissivity"]),
    ]
    height = {"measurement_height": 2.0, "vegetation_height": 0.12}
    wind = float(jnp.log((2 - 0.08) / 0.01476) * jnp.log((2 - 0.08) / 0.001476)) / (0.41**2 * resistance)
    for balance, count in (("measured", 2), ("isothermal", 3)):
        fed = {**noon, "net_radiation": sum(heat[:count], noon["ground_heat_flux"]), "wind_speed": jnp.asarray(wind)}
        found = _solved(surface(balance), fed, {**grass, **_values(height)})
        yield CASES.value(f"surface temperature made before, {balance}", found["surface_temperature"], 31.0, EXACT)
        given = found["latent_heat"] + found["sensible_heat"] + found["emitted_beyond_air"]
        left = fed["net_radiation"] - fed["ground_heat_flux"] - given
        yield CASES.budget(f"Rn − G − H − λE, {balance}", left, fed["net_radiation"], EXACT)
    yield from _linearised(grass)


def _linearised(grass: Values) -> Iterator[KernelRow]:
    """Penman–Monteith errs by the square of Ts − T, which shrinks with all that drives it."""
    errors = []
    shares = [0.1, 0.05]
    saturation = float(humid_air.saturation_vapour_pressure(jnp.asarray(22.0)))
    for share in shares:
        weak = _values(NOON, net_radiation=50 + share * 450, vapour_pressure=saturation - share * 500)
        found = [_solved(surface(balance), weak, grass)["latent_heat"] for balance in ("penman_monteith", "measured")]
        errors.append(abs(float(found[1] - found[0])))
    # the cube of Ts − T adds a share of the order of 0.01 to the slope
    yield CASES.order("Penman–Monteith towards the true balance", errors, shares, 2.0, 0.03)


def _derivatives() -> Iterator[KernelRow]:
    @jax.jit
    def both(parameters: Values) -> tuple[Scalar, Values]:
        return jax.value_and_grad(lambda p: _solved(surface(), _values(NOON), p)["latent_heat"])(parameters)

    latent, slopes = both(_values(GRASS))
    resistance = float(surface().law("aerodynamic_resistance", {**_values(NOON), **_values(GRASS)}))
    delta, gamma = float(humid_air.saturation_slope(jnp.asarray(22.0))), 0.665e-3 * 98000
    exact = -float(latent) * gamma / resistance / (delta + gamma * (1 + 70 / resistance))
    yield CASES.gradient("dλE/drs of Penman–Monteith", slopes["resistance"], exact, EXACT)

    @jax.jit
    def warming(radiation: Scalar) -> tuple[Scalar, Scalar]:
        def warm(radiation: Scalar) -> Scalar:
            noon = {**_values(NOON), "net_radiation": radiation}
            return _solved(surface("isothermal"), noon, _values(GRASS))["surface_temperature"]

        return jax.value_and_grad(warm)(radiation)

    warm, slope = warming(jnp.asarray(500.0))
    air = _air(_values(NOON), resistance)
    steep = [jax.grad(f)(warm) for f in (
        lambda t: sensible_heat(t, air), lambda t: latent_heat(t, air, jnp.asarray(70.0)),
        lambda t: emitted(t, air, jnp.asarray(0.97)))]  # fmt: skip
    exact = 1 / float(sum(steep, jnp.zeros(())))
    yield CASES.gradient("dTs/dRn₀ = 1/(dH + dλE + 4·ε·σ·Ts³)", slope, exact, 1e-10)


def _kit() -> Iterator[KernelRow]:
    def exchange(parameters: Values, forcing: Values) -> Values:
        return jax.vmap(lambda p, f: _solved(surface("isothermal"), f, p))(parameters, forcing)

    about = [{name: jnp.full(SITES, number) for name, number in numbers.items()} for numbers in (GRASS, NOON)]
    # the root is known to a few roundings, which second derivatives of es magnify
    report = gradients(
        exchange, tuple(about), key=jax.random.key(0), name="surface", transformations=("checkpoint",),
        tolerances=Tolerances(exact=1e-8), points=1,
    )  # fmt: skip
    yield from CASES.gradients(f"{SITES} surfaces", report)
    ratio = next(row.error for row in report if row.kind == "cost")
    yield CASES.cost(f"gradient / forward, {SITES} surfaces", ratio or math.nan)
