"""From one step of one site to all days of all sites: the only place that maps over time, sites and components."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dgeo.engine.choice import Engine, loop_of
from dgeo.engine.loop import Loop, Step
from dgeo.engine.means import ComponentMean
from dgeo.engine.native import Native
from dgeo.engine.segments import Segment, in_segments
from dgeo.engine.whole import Whole
from dgeo.errors import DgeoError, nearest
from dgeo.models import Marching, Model, PerSite, Values


class Parameters(eqx.Module):
    """Parameters by name, with the axes they vary along.

    - `static`:  per site, [site, …] or [site, component, …]
    - `dynamic`: per site and time, [time, site, …] or [time, site, component, …]
    - `components`: whether a component axis follows the site axis. Parallel components share the forcing.

    Attributes of the site that a law reads stand among the static ones. What all sites share (weights of a law,
    physical constants) is a leaf of the model itself, and so are the laws of which each site has its own (`PerSite`).
    """

    static: Values
    dynamic: Values
    components: bool = eqx.field(static=True, default=False)


def simulate(
    model: Model,
    forcing: Mapping[str, Float[Array, "time site ..."]],
    parameters: Parameters,
    state: Values | None = None,
    *,
    dt: float | Float[Array, ""] = 1.0,
    outputs: Sequence[str] | None = None,
    engine: Engine = "auto",
    segment: Segment = None,
    reduce: Callable[[Values], Values] = lambda outputs: outputs,
) -> tuple[Values, Values]:
    """Run a model through time at many sites.

    **Arguments**

    - `forcing`: the model's forcings, each [time, site, …] (others are ignored).
    - `parameters`: see `Parameters`.
    - `state`: the carry of an earlier run; the model's initial state by default.
    - `dt`: the length of a step, in days unless the model counts another time; traced, so that daily and hourly runs
      share one compilation.
    - `outputs`: the fluxes and states to keep; all fluxes by default. A state is kept as it is after the step.
    - `engine`: how time is marched: "scan", "fused" (one kernel for all days, on a GPU) or "native" (C, on a CPU), both
      without forward-mode derivatives, what they cannot hold being scanned with a warning; "auto" (as the model itself
      marches, if it does; else the one for this machine where that can be), or a `Loop` of your own.
    - `segment`: days between the states that are stored for the gradient: all by default; "sqrt" is √days, which
      stores least and marches all days once more.
    - `reduce`: what to return of the outputs of some days, each day's from that day's alone; of segments, nothing else
      is kept. A `ComponentMean` is taken within a native loop.

    **Returns** the outputs [time, site, …] or [time, site, component, …], and the state after the last step. Continuing
    from it is bitwise the same as not having stopped.

    **Raises** `DgeoError` for a forcing, parameter or output that is missing or unknown, for a parameter of a sign that
    it cannot have (where its value is known, outside of `jit`), and for a wrong segment.
    """
    _check_names(model, forcing, parameters, outputs)
    _check_signs(model, parameters)
    if state is None:
        state = initial_state(model, *_shape_and_type(parameters)) if model.states else {}
    kept = tuple(model.fluxes) if outputs is None else tuple(outputs)
    common, own, fixed = _parted(model)
    step = Step(_step_of_one(fixed, kept), parameters.components, type(model).__name__, _identity(fixed, kept))
    series = ({name: forcing[name] for name in (*model.forcings, *model.law_forcings)}, parameters.dynamic)
    shared = (common, jnp.asarray(dt, _type_of(state, series)))
    static = (own, parameters.static)
    loop: Loop
    if engine == "auto" and isinstance(model, Marching):
        loop = Whole(_march_of_one(fixed, kept))
    else:
        loop = loop_of(engine, step, (shared, static, state, series))

    def march(state: Values, series: Any) -> tuple[Values, Values]:
        if isinstance(loop, Native) and isinstance(reduce, ComponentMean):
            return loop.mean(step, shared, static, state, series, reduce.weights)
        end, outputs_in_time = loop(step, shared, static, state, series)
        return end, reduce(outputs_in_time)

    end, outputs_in_time = in_segments(march, state, series, segment)
    return outputs_in_time, end


def _parted(model: Model) -> tuple[Any, Any, Any]:
    """The arrays that all sites share, those of which each has its own, and the rest."""
    arrays, fixed = eqx.partition(model, eqx.is_array)
    own, common = eqx.partition(arrays, per_site(arrays))
    return common, own, fixed


def _step_of_one(fixed: Any, kept: Sequence[str]) -> Callable[[Any, Any, Any, Any], tuple[Values, Values]]:
    """`Step.one` of a model without its arrays."""

    def step(shared: Any, static: Any, state: Values, now: tuple[Values, Values]) -> tuple[Values, Values]:
        common, dt = shared
        own, still = static
        forcing, dynamic = now
        state, fluxes = eqx.combine(common, own, fixed).step(state, forcing, {**still, **dynamic}, dt)
        available = {**fluxes, **state}
        return state, {name: available[name] for name in kept}

    return step


def _march_of_one(fixed: Any, kept: Sequence[str]) -> Callable[[Any, Any, Any, Any], tuple[Values, Values]]:
    """As `_step_of_one`, for all times at once."""

    def march(shared: Any, static: Any, state: Values, series: tuple[Values, Values]) -> tuple[Values, Values]:
        common, dt = shared
        own, still = static
        forcing, dynamic = series
        return eqx.combine(common, own, fixed).march(state, forcing, still, dynamic, dt, kept)

    return march


def _identity(*trees: Any) -> Hashable:
    """What two trees without arrays have in common if they are the same; None if that cannot be told."""
    leaves, structure = jax.tree.flatten(trees)
    identity = (structure, tuple(leaves))
    try:
        hash(identity)
    except TypeError:
        return None
    return identity


def per_site(model: Any) -> Any:
    """A tree of booleans of the structure of a model: True at the arrays of which each site has its own."""

    def mark(node: Any) -> Any:
        return jax.tree.map(lambda _: isinstance(node, PerSite), node)

    return jax.tree.map(mark, model, is_leaf=lambda node: isinstance(node, PerSite))


def at_sites(model: Model, index: Int[Array, " site"]) -> Model:
    """The model with the laws of some sites alone."""
    return jax.tree.map(lambda leaf, own: leaf[index] if own and eqx.is_array(leaf) else leaf, model, per_site(model))


def initial_state(model: Model, shape: tuple[int, ...], dtype: Any) -> Values:
    """The model's initial state at every site, [site] or [site, component]."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, shape + x.shape).astype(dtype), model.initial_state())


def _type_of(state: Values, series: Any) -> Any:
    """The precision of the state; of a model without one, that of what drives it."""
    return jnp.result_type(*(jax.tree.leaves(state) or jax.tree.leaves(series)))


def _shape_and_type(parameters: Parameters) -> tuple[tuple[int, ...], Any]:
    still, moving = jax.tree.leaves(parameters.static), jax.tree.leaves(parameters.dynamic)
    if not still and not moving:
        raise DgeoError("Without parameters the number of sites is not known: give `state`, the state to start from.")
    axes = 2 if parameters.components else 1
    return (still[0].shape[:axes], still[0].dtype) if still else (moving[0].shape[1 : 1 + axes], moving[0].dtype)


def _check_names(
    model: Model, forcing: Mapping[str, Array], parameters: Parameters, outputs: Sequence[str] | None
) -> None:
    given = parameters.static.keys() | parameters.dynamic.keys()
    for kind, wanted, known in (
        ("forcing", (*model.forcings, *model.law_forcings), forcing.keys()),
        ("parameter", model.parameters, given),
        ("attribute", model.attributes, given),
        ("output", outputs or (), {*model.fluxes, *model.states, *model.diagnostics}),
    ):
        for name in wanted:
            if name not in known:
                raise DgeoError(f"{type(model).__name__} has no {kind} {name!r} to work with: {nearest(name, known)}")


def _check_signs(model: Model, parameters: Parameters) -> None:
    """A parameter whose bounds lie on one side of 0 has that sign, or is 0: else physics means nothing."""
    for name, parameter in model.parameters.items():
        values = parameters.static.get(name, parameters.dynamic.get(name))
        sign = (parameter.bounds.low >= 0) - (parameter.bounds.high <= 0)
        if isinstance(values, jax.core.Tracer) or not sign:
            continue
        wrong = np.argwhere(np.asarray(values) * sign < 0)
        if wrong.size:
            place = tuple(map(int, wrong[0]))
            raise DgeoError(
                f"The parameter {name!r} of {type(model).__name__} is {np.asarray(values)[place]:g} {parameter.units} "
                f"at {list(place)} and cannot be {'negative' if sign > 0 else 'positive'}: bring it into its bounds, "
                f"{parameter.bounds.low:g} to {parameter.bounds.high:g}."
            )
