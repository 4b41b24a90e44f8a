"""The leaf beside published curves and closed forms.

The A(Ci) table is for Vcmax 100, Jmax 170, α 0.24, θ 0.7, 1500 photons and Rd 1.5 [µmol m⁻² s⁻¹] at 25 °C, with the
constants of Bernacchi et al. (2001), doi:10.1111/j.1365-3040.2001.00668.x, computed apart from this code to four
decimals.
"""

import math
from collections.abc import Iterator
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.check.gradient_kit import gradients
from dgeo.check.gradient_run import Tolerances
from dgeo.check.kernels.report import Cases, KernelRow
from dgeo.models import Formula, Values
from dgeo.models.leaf import Leaf, leaf
from dgeo.numerics.bracket import bracketed_root
from dgeo.physics import photosynthesis
from dgeo.physics.arrhenius import arrhenius, peaked
from dgeo.physics.stomata import ball_berry

Scalar = Float[Array, ""]

CASES = Cases("leaf")
DIGITS = 6e-5  # half the last of four decimals, and a rounding
EXACT = 1e-12  # closed forms at a root found to a few roundings
CURVE = {100.0: 5.5651, 200.0: 15.7741, 275.0: 21.3973, 400.0: 24.6527, 800.0: 28.8938}
PLACE = {"photon_flux": 1500.0, "leaf_temperature": 25.0, "vapour_pressure_deficit": 1.0, "carbon_dioxide": 400.0}
PARAMETERS = {"carboxylation_25": 100.0, "electron_transport_25": 170.0, "respiration_25": 1.5, "quantum_yield": 0.24,
              "curvature": 0.7, "residual_conductance": 0.0, "stomatal_slope": 4.0}  # fmt: skip
RUBISCO = {"electron_transport_25": 600.0, "quantum_yield": 0.5}  # light enough that Rubisco limits at 320
LEAVES = 256


def rows() -> Iterator[KernelRow]:
    """Responses to CO2 and temperature, the coupled leaf, and its derivatives."""
    yield from _curve()
    yield from _temperature()
    yield from _coupled()
    yield from _derivatives()
    yield from _kit()


def _values(numbers: dict[str, float], **changed: float) -> Values:
    return {name: jnp.asarray(number) for name, number in {**numbers, **changed}.items()}


def _curve() -> Iterator[KernelRow]:
    found = _responses(_values(PLACE), _values({**PARAMETERS, "pep_carboxylation_25": 80.0}))
    for carbon, net in zip(CURVE, found["curve"], strict=True):
        yield CASES.value(f"A at Ci = {carbon:g}", net, CURVE[carbon], DIGITS, relative=False)
    yield CASES.value("electron transport J", found["transport"], 142.1655, DIGITS, relative=False)
    yield CASES.value("Michaelis constant in air", found["half"], 710.320, 6e-4, relative=False)
    yield CASES.value("both limit at Ci", found["meeting"], 259.0152, DIGITS, relative=False)
    yield CASES.value("A = 0 at Ci", found["nothing"], 54.2181, DIGITS, relative=False)
    # Rd/2 is lost in the mesophyll; light and Rubisco allow more
    yield CASES.value("C4, A at Ci = 30", found["grass"][0], 80 * 30 / 112 + 0.09 - 0.75, EXACT)
    # Vcmax exceeds (1 − x)·J/3
    yield CASES.value("C4, A in plenty of CO2", found["grass"][1], 0.2 * 142.1655 - 1.5, 1e-6)


@jax.jit
def _responses(place: Values, parameters: Values) -> Values:
    rates = leaf().rates(place, parameters)
    point, half = (f(place["leaf_temperature"]) for f in (
        photosynthesis.compensation_point, photosynthesis.michaelis_constant))  # fmt: skip

    def net(carbon: Scalar) -> Scalar:
        return leaf().response_to_co2(carbon, place, parameters)

    def rubisco_less_light(carbon: Scalar) -> Scalar:
        return rates["carboxylation"] / (carbon + half) - rates["electron_transport"] / (4 * carbon + 8 * point)

    def grass(carbon: Scalar) -> Scalar:
        return leaf("C4").response_to_co2(carbon, place, parameters)

    ends = (jnp.asarray(10.0), jnp.asarray(1000.0), jnp.asarray(300.0))
    return {
        "curve": jax.vmap(net)(jnp.asarray(list(CURVE))),
        "transport": rates["electron_transport"],
        "half": half,
        "meeting": bracketed_root(rubisco_less_light, *ends),
        "nothing": bracketed_root(net, *ends),
        "grass": jax.vmap(grass)(jnp.asarray([30.0, 2000.0])),
    }


def _temperature() -> Iterator[KernelRow]:
    # exp(c − E/(R·T)) with the printed exponents, which is 406.07, 42.893 and 0.99472 at 25 °C: five digits of a ratio
    printed = {"Kc": (79430.0, 406.07, (133.550, 1148.696)), "Γ*": (37830.0, 42.893, (25.2562, 70.3833)),
               "Vcmax": (65330.0, 0.99472, (0.39855, 2.33961))}  # fmt: skip
    for name, (activation, at_25, found) in printed.items():
        ratios = jax.vmap(lambda t, a=activation: arrhenius(t, activation=a))(jnp.asarray([15.0, 35.0]))
        for degrees, ratio, number in zip((15, 35), ratios, found, strict=True):
            yield CASES.value(f"{name}, {degrees} over 25 °C", ratio, number / at_25, 3e-5)
    optimum = 200000.0 / (650.0 - 8.314 * math.log(50000.0 / 150000.0))  # H/(ΔS − R·ln(E/(H − E))) [K]
    response = partial(peaked, activation=50000.0, deactivation=200000.0, entropy=650.0)
    slope = jax.jit(jax.grad(response))(jnp.asarray(optimum - 273.15))
    yield CASES.gradient("peaked response, slope at its optimum", slope, 0.0, EXACT, relative=False)


@eqx.filter_jit
def _solved(model: Leaf, parameters: Values, forcing: Values) -> Values:
    return model.step({}, forcing, parameters, jnp.asarray(1.0))[1]


def _coupled() -> Iterator[KernelRow]:
    place = _values(PLACE)
    closed = _solved(leaf(), _values(PARAMETERS), place)
    yield CASES.value("g0 = 0, Ci = Ca·g1/(g1 + √D)", closed["intercellular_co2"], 320.0, EXACT)
    yield CASES.value("g0 = 0, A", closed["net_assimilation"], 22.80049, 6e-6, relative=False)
    # printed as 1.6·22.80049/80, of an A rounded at 5e-6
    yield CASES.value("g0 = 0, gs", closed["stomatal_conductance"], 0.4560098, 2e-7, relative=False)
    leaky = _solved(leaf(), _values(PARAMETERS, residual_conductance=0.01), place)
    yield CASES.value("g0 = 0.01, Ci", leaky["intercellular_co2"], 321.71323, 6e-6, relative=False)
    yield CASES.value("g0 = 0.01, A", leaky["net_assimilation"], 22.84778, 6e-6, relative=False)
    supply = leaky["stomatal_conductance"] / 1.6 * (400 - leaky["intercellular_co2"])
    yield CASES.budget("CO2 let in less CO2 fixed", supply - leaky["net_assimilation"], supply, EXACT)
    humid = _values({**PARAMETERS, "humidity_slope": 9.0})
    ball = _solved(leaf(stomatal_conductance=Formula(ball_berry)), humid, place)
    # 1.6·A/(Ca − Ci) = g1·h·A/Ca
    humidity = 1 - 1 / (0.6108 * jnp.exp(17.27 * 25 / (25 + 237.3)))
    exact = float(400 * (1 - 1.6 / (9 * humidity)))
    yield CASES.value("Ball–Berry, Ci = Ca·(1 − 1.6/(g1·h))", ball["intercellular_co2"], exact, EXACT)
    night = _solved(leaf(), _values(PARAMETERS, residual_conductance=0.01), _values(PLACE, photon_flux=0.0))
    # A = −Rd leaves through g0 alone
    yield CASES.value("dark, Ci = Ca + 1.6·Rd/g0", night["intercellular_co2"], 640.0, EXACT)


def _derivatives() -> Iterator[KernelRow]:
    place = _values(PLACE)

    @jax.jit
    def both(parameters: Values) -> tuple[Values, dict[str, Values]]:
        found, pull = jax.vjp(lambda p: _solved(leaf(), p, place), parameters)
        nothing = jax.tree.map(jnp.zeros_like, found)
        return found, {name: pull({**nothing, name: jnp.ones_like(one)})[0] for name, one in found.items()}

    light, by_light = both(_values(PARAMETERS))
    rubisco, by_rubisco = both(_values(PARAMETERS, **RUBISCO))
    gross = float(rubisco["net_assimilation"]) + 1.5
    # where Rubisco limits, A + Rd is proportional to Vcmax, and Ci does not depend on it
    found = by_rubisco["net_assimilation"]["carboxylation_25"]
    yield CASES.gradient("dA/dVcmax where Rubisco limits, (A + Rd)/Vcmax", found, gross / 100, EXACT)
    found = by_light["net_assimilation"]["carboxylation_25"]
    yield CASES.gradient("dA/dVcmax where light limits", found, 0.0, 0.0, relative=False)
    found = by_rubisco["net_assimilation"]["electron_transport_25"]
    yield CASES.gradient("dA/dJmax where Rubisco limits", found, 0.0, 0.0, relative=False)
    # light, in which A + Rd is proportional to J, and θJ² − (αQ + Jmax)J + αQ·Jmax = 0 gives dJ/dJmax
    transport = float(leaf().rates(place, _values(PARAMETERS))["electron_transport"])
    inner = (0.24 * 1500 - transport) / (0.24 * 1500 + 170 - 2 * 0.7 * transport)
    exact = (float(light["net_assimilation"]) + 1.5) / transport * inner
    found = by_light["net_assimilation"]["electron_transport_25"]
    yield CASES.gradient("dA/dJmax where light limits", found, exact, EXACT)
    found = by_light["intercellular_co2"]["stomatal_slope"]
    yield CASES.gradient("dCi/dg1 = Ca·√D/(g1 + √D)²", found, 400 / 25, EXACT)


def _kit() -> Iterator[KernelRow]:
    def exchange(parameters: Values) -> Values:
        return jax.vmap(lambda p: _solved(leaf(), p, _values(PLACE)))(parameters)

    about = {**PARAMETERS, "residual_conductance": 0.02, "curvature": 0.4}
    leaves = {name: jnp.full(LEAVES, number) for name, number in about.items()}
    # the root is found to a few roundings of Ci, which its derivative magnifies by A″: 1e-8 leaves room
    report = gradients(
        exchange, (leaves,), key=jax.random.key(0), name="leaf", transformations=("checkpoint",),
        tolerances=Tolerances(exact=1e-8), points=1,
    )  # fmt: skip
    yield from CASES.gradients(f"{LEAVES} coupled leaves", report)
    ratio = next(row.error for row in report if row.kind == "cost")
    yield CASES.cost(f"gradient / forward, {LEAVES} leaves", ratio or math.nan)
