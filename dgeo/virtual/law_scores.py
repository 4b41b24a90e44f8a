"""How near a law comes to the truth's, where the truth has been.

    error = √ mean (law − true)² / σ(true)        bias = Σ (law − true)/Σ true

over visits: the steps of a run of the truth at which its law moved water and its states were within the middle 90 % of
what the basin saw. Every visit counts once, so a law is judged by what it says where it is asked. A perfect law has an
error of 0, the best constant one of 1.
"""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dgeo.engine import Parameters
from dgeo.engine.simulate import per_site
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid.law_inputs import check_slot
from dgeo.hybrid.visits import recorded
from dgeo.models import Formula, Law, Model, PerSite, Values
from dgeo.models.law import attributes_of, forcings_of
from dgeo.numerics import Bounds
from dgeo.virtual.truth import forcing_in_parts
from dgeo.virtual.weather import day_of_year
from dgeo.virtual.world import VirtualWorld

LEAST = 0.01  # share of its typical size below which a store counts as empty
MIDDLE = (0.05, 0.95)


class Visits(eqx.Module):
    """What may be read at each step of the truth, what its law gave, and which of the steps count, [time, site].

    `values` holds forcings, states and intermediate values of the slot; the true parameters [site] are `parameters`.
    """

    values: Values
    parameters: Values
    given: Float[Array, "time site"]
    counted: Bool[Array, "time site"]


def truth_visits(world: VirtualWorld, slot: str, parts: int = 1) -> Visits:
    """The visits of the truth's law in a slot over the record, but for its first day.

    With `parts` = 1 the truth's laws and parameters are run on days, as a learner runs them, and the values are those
    of days; with the `parts` of the world they are those of the truth itself, the night and the noon included.
    Raises `DgeoError` for a slot that there is not.
    """
    physics = world.physics
    check_slot(physics, slot)
    names = (*physics.forcings, *physics.states, *physics.slots[slot].offers)
    reader: Law = Formula(jnp.add, reads=names)
    parameters = {name: jnp.asarray(world.truth[name].values) for name in physics.parameters}
    state = {name: jnp.asarray(world.truth[name].values[0]) for name in physics.states}
    forcing = _forcing(world, parts)
    run = eqx.filter_jit(recorded)
    seen, _, given = run(
        physics, slot, (physics.present_laws[slot], reader), (), forcing, Parameters(parameters, {}), state,
        1 / parts,
    )  # fmt: skip
    values = {name: seen[name] for name in names}
    return Visits(values, parameters, given, counted_visits(physics, slot, values))


def _forcing(world: VirtualWorld, parts: int) -> Values:
    days = world.dataset.isel(time=slice(1, None))
    latitude = jnp.asarray(days["latitude"].values, jnp.float32)
    dates = jnp.asarray(day_of_year(days["time"].values), jnp.float32)
    daily = {str(name): jnp.asarray(days[name].values) for name in days.data_vars if days[name].ndim == 2}
    if parts == 1:
        return daily
    fine = jax.vmap(forcing_in_parts, in_axes=(0, None, 0, None))(daily, latitude, dates, parts)
    return {name: series.reshape(-1, latitude.size) for name, series in fine.items()}


def counted_visits(model: Model, slot: str, values: Mapping[str, Array]) -> Bool[Array, "time site"]:
    """Where the law in a slot moves water, and each state that it reads or empties is within its middle 90 %.

    It moves none while the store that it empties is empty, or nothing comes that it could divide. The middle is that of
    the states of each site during such steps.
    """
    what = model.slots[slot]
    moves = np.ones(next(iter(values.values())).shape, bool)
    emptied = () if what.limited_by is None else (what.limited_by,)
    for store in emptied:
        moves &= np.asarray(values[store]) > LEAST * model.states[store].scale
    for name in what.offers:
        moves &= np.asarray(values[name]) > 0
    counted = moves.copy()
    read = {*model.present_laws[slot].inputs, *emptied}
    for name in read & model.states.keys():
        state = np.where(moves, np.asarray(values[name], np.float64), np.nan)
        seen = moves.any(axis=0)
        low, high = (np.full(seen.shape, np.inf), np.full(seen.shape, -np.inf))
        low[seen], high[seen] = np.nanquantile(state[:, seen], MIDDLE, axis=0)
        counted &= (state >= low[None]) & (state <= high[None])
    return jnp.asarray(counted)


def law_score(law: Law, visits: Visits, parameters: Mapping[str, Array] | None = None) -> dict[str, float]:
    """{"error": …, "bias": …, "visits": how many}; see the head of this file.

    `parameters`, each [site], are what the law reads in the place of the true ones: those learned with it, say. A score
    that no visit gives is NaN.
    """
    found = np.asarray(evaluate(law, visits.values, {**visits.parameters, **(parameters or {})}), np.float64)
    counted = np.asarray(visits.counted)
    true, departure = np.asarray(visits.given, np.float64)[counted], (found - np.asarray(visits.given))[counted]
    if not counted.any():
        return {"error": np.nan, "bias": np.nan, "visits": 0}
    with np.errstate(divide="ignore", invalid="ignore"):
        error, bias = np.sqrt(np.mean(departure**2)) / true.std(), departure.mean() / true.mean()
    return {"error": float(error), "bias": float(bias), "visits": int(counted.sum())}


def evaluate(law: Law, values: Mapping[str, Array], parameters: Mapping[str, Array]) -> Float[Array, "time site"]:
    """What a law gives at values [time, site] and parameters [site]. Raises `DgeoError` for a name in neither."""
    for name in law.inputs:
        if name not in values and name not in parameters:
            raise DgeoError(f"The law reads {name!r}, of which no visit tells: {nearest(name, {*values, *parameters})}")
    still = {name: parameters[name] for name in law.inputs if name not in values}
    moving = {name: values[name] for name in law.inputs if name in values}
    arrays, fixed = eqx.partition(law, eqx.is_array)
    own, common = eqx.partition(arrays, per_site(arrays))

    def one(own: Law, still: Values, moving: Values) -> Array:
        return eqx.combine(own, common, fixed)({**still, **moving})

    sites = jax.vmap(one, in_axes=(0, 0, 0))
    return jax.vmap(sites, in_axes=(None, None, 0))(own, still, moving)


class OwnParameters(eqx.Module):
    """A law with parameters of its own, which it reads in the place of the model's: `bounds(z)` by name."""

    law: Law
    unbounded: Values
    bounds: dict[str, Bounds]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names that are left for it to read."""
        return tuple(name for name in self.law.inputs if name not in self.unbounded)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of the site among them."""
        return attributes_of(self.law)

    @property
    def forcings(self) -> tuple[str, ...]:
        """Forcings among them that the model itself does not read."""
        return forcings_of(self.law)

    def __call__(self, values: Mapping[str, Array]) -> Array:
        """The law at its own parameters."""
        own = {name: self.bounds[name].from_unbounded(z) for name, z in self.unbounded.items()}
        return self.law({**values, **own})


def fitted_textbook(
    model: Model, slot: str, names: Sequence[str], parameters: Mapping[str, Float[Array, " site"]]
) -> PerSite:
    """The textbook's law of a slot with parameters `names` of its own at every site, which start from `parameters`.

    Trained in the place of a network it is the best that the textbook's form can do: no other law reads these
    parameters, so they are free to serve this one. Raises `DgeoError` for a name that the law does not read.
    """
    law = model.slots[slot].default
    for name in names:
        if name not in law.inputs or name not in model.all_parameters:
            known = [each for each in law.inputs if each in model.all_parameters]
            raise DgeoError(f"The textbook's law of {slot!r} has no parameter {name!r} to fit: {nearest(name, known)}")
    bounds = {name: model.all_parameters[name].bounds for name in names}
    unbounded = {name: bounds[name].to_unbounded(jnp.asarray(parameters[name])) for name in names}
    return PerSite(OwnParameters(law, unbounded, bounds))
