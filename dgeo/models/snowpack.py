"""A snowpack that keeps books of its water and of its heat: temperature, liquid water, albedo and a surface of its own.

    dW/dt = snowfall + rainfall − outflow − sublimation                       W [mm], ice and liquid together
    dH/dt = c·Q(Ts) + heat of precipitation − heat of outflow − surplus        H [MJ m⁻²], from ice at 0 °C
    T = H/(ci·W) where H < 0;    liquid = H/Lf where H > 0
    Q(x) = G·(x − T),   Ts = min(x, 0)                     the surface, without mass, melts where x would be above 0
    outflow = liquid beyond CWH·ice
    α → α∞ at the rate of darkening, and → α₀ with every `RENEWING` mm of snowfall

H and x are found together at the end of the step by Newton's method, so that hourly and daily steps are stable. Q is
`dgeo.physics.snow_energy` and a constant heat from the ground. Thin snow covers the share c = ice/(ice + `PATCHY`) of
the ground. Heat that meets no more ice is `surplus_heat`, and warms the ground. Water and heat are stores of one
budget; each closes by itself, and their sum means nothing.

Reference: Tarboton & Luce (1996), Utah Energy Balance Snow Accumulation and Melt Model; Essery (2015),
doi:10.5194/gmd-8-3867-2015.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.models.law import Law, Values
from dgeo.models.model import Budget, Model, Scalar, Variable
from dgeo.models.snowpack_names import FLUXES, FORCINGS, PARAMETERS, SLOTS, STATES
from dgeo.models.solvers import FAILURE
from dgeo.numerics import at_most, positive_part
from dgeo.numerics.newton import newton
from dgeo.physics import snow_energy
from dgeo.physics.net_radiation import MEGAJOULES_A_DAY

FUSION, ICE_CAPACITY, WATER_CAPACITY = 0.334, 2.1e-3, 4.18e-3  # [MJ mm-1], [MJ mm-1 K-1]: a mm is 1 kg m-2
PATCHY, RENEWING, THIN = 5.0, 10.0, 1e-3  # [mm]
SECONDS = 86400.0
OLD_ALBEDO = 0.5


class Snowpack(Model):
    """One snowpack; `snowpack` builds it."""

    slots: ClassVar = SLOTS
    forcings: ClassVar = dict(FORCINGS)
    states: ClassVar = dict(STATES)
    fluxes: ClassVar = dict(FLUXES)
    all_parameters: ClassVar = dict(PARAMETERS)
    step_parameters: ClassVar = (
        "surface_conductance", "water_holding_capacity", "fresh_albedo", "ground_heat", "air_pressure",
    )  # fmt: skip
    diagnostics: ClassVar = {FAILURE: Variable("1", "1 where the iteration did not converge and nothing moved")}
    budget: ClassVar = Budget(
        {
            "snowfall": (None, "snow_water_equivalent"),
            "rainfall": (None, "snow_water_equivalent"),
            "outflow": ("snow_water_equivalent", None),
            "sublimation": ("snow_water_equivalent", None),
            "net_heat": (None, "snow_heat"),
            "heat_of_precipitation": (None, "snow_heat"),
            "heat_of_outflow": ("snow_heat", None),
            "surplus_heat": ("snow_heat", None),
        }
    )

    def initial_state(self) -> Values:
        """Bare ground."""
        nothing = jnp.asarray(0.0)
        return {"snow_water_equivalent": nothing, "snow_heat": nothing, "albedo": jnp.asarray(0.8),
                "surface_temperature": nothing}  # fmt: skip

    def step(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """Snowfall, then the balance of heat, then what flows out; nothing moves in a step that fails."""
        now = self.values(state, forcing, parameters)
        snowfall = now["precipitation"] * self.law("snow_fraction", now)
        rainfall = now["precipitation"] - snowfall
        renewed = jnp.exp(-snowfall * dt / RENEWING)
        now["albedo"] = now["fresh_albedo"] - (now["fresh_albedo"] - now["albedo"]) * renewed
        brought = snowfall * ICE_CAPACITY * jnp.minimum(now["temperature"], 0) + rainfall * (
            FUSION + WATER_CAPACITY * positive_part(now["temperature"])
        )
        water, heat = state["snow_water_equivalent"] + dt * (snowfall + rainfall), state["snow_heat"] + dt * brought
        ice = water - jnp.clip(heat / FUSION, 0.0, water)
        cover = ice / (ice + PATCHY)
        start = jnp.stack([heat / FUSION, state["surface_temperature"]])
        known = (self, now, water, heat / FUSION, cover, dt)
        found, success = newton(imbalance, start, known, tolerance=1e-9, iterations=60)
        gained, vapour = self.balance(found[1], now)
        net = cover * gained
        settled = jnp.maximum(cover * vapour * SECONDS, -ice / dt)
        after, fluxes = self._drained(water + dt * settled, heat + dt * net, parameters, dt)
        surface = jnp.minimum(found[1], 0)
        rate = self.law("darkening", {**now, "surface_temperature": surface})
        after["albedo"] = OLD_ALBEDO + (now["albedo"] - OLD_ALBEDO) * jnp.exp(-rate * dt)
        after["surface_temperature"] = surface
        fluxes |= {"snowfall": snowfall, "rainfall": rainfall, "sublimation": -settled, "net_heat": net}
        fluxes["heat_of_precipitation"] = brought
        still = ~success & jnp.isfinite(net)
        nothing = {name: jnp.zeros_like(flux) for name, flux in fluxes.items()}
        chosen = {name: state[name] for name in after}
        after, fluxes = jax.tree.map(lambda a, b: jnp.where(still, a, b), (chosen, nothing), (after, fluxes))
        return after, fluxes | {FAILURE: (~success).astype(dt.dtype)}

    def balance(self, surface_temperature: Scalar, now: Values) -> tuple[Scalar, Scalar]:
        """Heat into covered ground [MJ m⁻² d⁻¹] and vapour that settles [mm s⁻¹], the surface at most at 0 °C."""
        melting = at_most(surface_temperature, jnp.zeros_like(surface_temperature))
        found = self.heat(melting, now)
        return MEGAJOULES_A_DAY * (found.total + now["ground_heat"]), found.vapour

    def heat(self, surface_temperature: Scalar, now: Values) -> snow_energy.Heat:
        """The balance of the surface with the air."""
        number = snow_energy.richardson_number(now["temperature"], surface_temperature, now["wind_speed"])
        values = {**now, "richardson_number": number, "surface_temperature": surface_temperature}
        return snow_energy.heat_into_snow(
            surface_temperature, self.law("exchange", values), now["albedo"], now["temperature"],
            now["shortwave_radiation"], now["longwave_radiation"], now["wind_speed"], now["vapour_pressure"],
            now["air_pressure"],
        )  # fmt: skip

    def _drained(self, water: Array, heat: Array, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """What is left when the pack has let go what it cannot hold."""
        surplus = positive_part(heat - FUSION * water)
        cold = jnp.where(water > THIN, jnp.zeros_like(heat), jnp.minimum(heat, 0))  # of a pack that is no more
        kept = heat - surplus - cold
        liquid = jnp.clip(kept / FUSION, 0.0, water)
        outflow = positive_part(liquid - parameters["water_holding_capacity"] * (water - liquid))
        fluxes = {
            "outflow": outflow / dt,
            "heat_of_outflow": FUSION * outflow / dt,
            "surplus_heat": (surplus + cold) / dt,
        }
        return {"snow_water_equivalent": water - outflow, "snow_heat": kept - FUSION * outflow}, fluxes


def imbalance(unknown: Float[Array, " 2"], known: Any) -> Float[Array, " 2"]:
    """Heat that the pack has beyond what it was given [mm of melt], and the surface's balance [K], at heat and x."""
    pack, now, water, before, cover, dt = known
    heat, surface = unknown
    net, _ = pack.balance(surface, now)
    inside = jnp.minimum(heat, 0) * FUSION / (ICE_CAPACITY * (water + PATCHY))
    into = pack.heat(surface, now).total - now["surface_conductance"] * (surface - inside)
    return jnp.stack([heat - before - dt * cover * net / FUSION, into / (now["surface_conductance"] + 10.0)])


def snowpack(**laws: Law) -> Snowpack:
    """A snowpack, with any of its laws replaced by name. Raises `DgeoError` for a law that there is not."""
    return Snowpack(laws=dict(laws))
