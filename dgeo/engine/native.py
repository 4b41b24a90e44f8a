"""A time loop in C, compiled for the step and the processor at hand.

XLA makes a dozen small loops of a day on a CPU and writes all states of all days to memory. Here the step of one lane
is written out number by number (`elements`), as statements of C in one loop over a block of lanes that the compiler
vectorises; a block marches some days before its state goes back to memory. The gradient keeps the state before every
such span of days, marches it once more and walks it in reverse, all within the cache. A mean over components is taken
there too, so that what each component puts out never leaves the block.

What cannot be written out, or has loops that end when they are done (Newton's method), is named by `refusal`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from dgeo.engine.blocks import Field
from dgeo.engine.loop import Step
from dgeo.engine.native_library import NotCompiled, missing, registered
from dgeo.engine.native_source import backward_source, forward_source, span_of
from dgeo.engine.numbers import Unfusable
from dgeo.engine.plan import Plan
from dgeo.errors import DgeoError
from dgeo.models import Values

MOST_COMPONENTS = 1024
MOST_NUMBERS = (
    256  # that a lane has of its own: columns and grids are too long a program, and would take seconds to refuse
)

_names: dict[Any, str] = {}


class Native(eqx.Module):
    """A `Loop` on CPUs; all leaves must be floating-point numbers of one type; it has no forward derivative."""

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`."""
        return _run(Plan.of(step, (shared, static, state, series), lanes=1), (shared, static, state, series))

    def mean(
        self, step: Step, shared: Any, static: Any, state: Values, series: Any, weights: jax.Array
    ) -> tuple[Values, Values]:
        """As a call, with the sums of weight × output over the components, `weights` [site, component]."""
        own, still = static
        inputs = (shared, (own, (still, weights)), state, series)
        plan = Plan.of(_weighted(step), inputs, lanes=1)
        held = len(plan.states)
        sums = (replace(field, of="site") for field in plan.outputs)
        return _run(replace(plan, results=(*plan.results[:held], *sums)), inputs)


def _weighted(step: Step) -> Step:
    def one(shared: Any, static: Any, state: Values, now: Any) -> tuple[Values, Values]:
        own, (still, weight) = static
        state, outputs = step.one(shared, (own, still), state, now)
        return state, {name: weight * value for name, value in outputs.items()}

    identity = None if step.identity is None else ("weighted", step.identity)
    return replace(step, one=one, identity=identity)


class _Wanted(eqx.Module):
    """The inputs whose derivatives somebody asks for, by their places."""

    places: tuple[int, ...] = eqx.field(static=True)


def _run(plan: Plan, inputs: Any) -> tuple[Values, Values]:
    @jax.custom_vjp
    def run(*arrays: jax.Array) -> list[jax.Array]:
        return _forward(plan, arrays, keep=False)[0]

    def run_and_keep(*primals: Any) -> tuple[list[jax.Array], Any]:
        arrays = [primal.value for primal in primals]
        results, kept = _forward(plan, arrays, keep=True)
        return results, (_Wanted(tuple(i for i, primal in enumerate(primals) if primal.perturbed)), arrays, kept)

    def back(residuals: Any, cotangents: list[Any]) -> tuple[Any, ...]:
        wanted, arrays, kept = residuals
        slopes = {i: x for i, x in enumerate(cotangents) if not isinstance(x, SymbolicZero)}
        found = _backward(plan, arrays, kept, slopes, wanted.places)
        axes = _axes(arrays)  # None would be a zero that does not differ along them
        return tuple(
            found.get(i) if i in found or not axes else _on(axes, [jnp.zeros_like(x)])[0] for i, x in enumerate(arrays)
        )

    run.defvjp(run_and_keep, back, symbolic_zeros=True)
    leaves = jax.tree.leaves(inputs)
    return jax.tree.unflatten(plan.gives, run(*_on(_axes(leaves), leaves)))


def _forward(plan: Plan, arrays: Sequence[jax.Array], *, keep: bool) -> tuple[list[jax.Array], list[jax.Array]]:
    """The results and, to differentiate, the state before every span."""
    spans = -(-plan.days // span_of(plan))
    kept = [replace(field, times=spans) for field in plan.stored] if keep else []
    found = _call(_name(plan, "forward", lambda: forward_source(plan)), plan, arrays, [*plan.results, *kept])
    return found[: len(plan.results)], found[len(plan.results) :]


def _backward(
    plan: Plan, arrays: Sequence[jax.Array], kept: Sequence[jax.Array], slopes: dict[int, jax.Array], wanted: Any
) -> dict[int, jax.Array]:
    """The derivatives in the states and in the inputs `wanted`, by place, from those in some results."""
    asked = tuple(sorted(set(wanted) - set(plan.states)))
    name = _name(plan, ("backward", asked, tuple(slopes)), lambda: backward_source(plan, asked, tuple(slopes)))
    places = [*plan.states, *asked]
    inputs = [*arrays, *kept, *slopes.values()]
    found = dict(zip(places, _call(name, plan, inputs, [plan.fields[i] for i in places]), strict=True))
    return {i: found[i] for i in wanted}


def _call(name: str, plan: Plan, inputs: Sequence[jax.Array], outputs: Sequence[Field]) -> list[jax.Array]:
    like = [jax.ShapeDtypeStruct(_outside(field, plan), field.dtype) for field in outputs]
    return _on(_axes(inputs), jax.ffi.ffi_call(name, like, vmap_method="sequential")(*inputs))


def _axes(arrays: Sequence[jax.Array]) -> frozenset[str]:
    """The mesh axes along which some array differs from device to device, within a `shard_map` that asks."""
    return frozenset().union(*(_varying(x) for x in arrays))


def _varying(x: jax.Array) -> frozenset[str]:
    aval: Any = jax.typeof(x)
    return aval.manual_axis_type.varying


def _on(axes: frozenset[str], arrays: Sequence[jax.Array]) -> list[jax.Array]:
    """The arrays, said to differ along all of these axes: XLA does not know what C does with them."""
    rest = [tuple(axes - _varying(x)) for x in arrays]
    return [jax.lax.pcast(x, more, to="varying") if more else x for x, more in zip(arrays, rest, strict=True)]


def _outside(field: Field, plan: Plan) -> tuple[int, ...]:
    """The shape of a field outside of kernels."""
    if field.of == "shared":
        return field.shape
    time = () if field.times is None else (field.times,)
    component = () if field.of == "site" or plan.grid.components is None else (plan.grid.components,)
    return (*time, plan.grid.sites, *component, *field.shape)


def _name(plan: Plan, part: Any, source: Callable[[], str]) -> str:
    """The library of a part of a run: one for all numbers of sites and days."""
    kinds = [replace(field, times=field.times and 1) for field in (*plan.fields, *plan.results)]
    key = (plan.step.identity, plan.takes, plan.gives, tuple(kinds), plan.grid.components, part)
    if plan.step.identity is not None and key in _names:
        return _names[key]
    try:
        name = registered(source())
    except (NotCompiled, Unfusable) as error:
        reason = (
            f"{plan.step.kind} cannot be compiled as C ({error}): ask for the loop that XLA compiles, engine='scan'."
        )
        raise DgeoError(reason) from error
    if plan.step.identity is not None:
        _names[key] = name
    return name


def refusal(step: Step, inputs: tuple[Any, Any, Values, Any]) -> str | None:
    """Why a run cannot be marched in C, as the words after "since"; None where it can."""
    if missing() is not None:
        return missing()
    if not jax.tree.leaves(inputs[2]):
        return "it has no state"
    types = {x.dtype for x in jax.tree.leaves(inputs)}
    if len(types) > 1 or not types <= {np.dtype(np.float32), np.dtype(np.float64)}:
        return f"it reads numbers of the types {', '.join(sorted(map(str, types)))}"
    plan = Plan.of(step, inputs, lanes=1)
    if any(field.dtype not in types for field in plan.results):
        return "it gives numbers of another type than it reads"
    if plan.days == 0:
        return "there are no days"
    if (plan.grid.components or 1) > MOST_COMPONENTS:
        return f"a site has more than {MOST_COMPONENTS} components"
    if sum(field.size for field in plan.fields if field.of != "shared") > MOST_NUMBERS:
        return f"a lane has more than {MOST_NUMBERS} numbers"
    asked = [i for i in range(len(plan.fields)) if i not in plan.states]
    try:
        backward_source(plan, asked, range(len(plan.results)))
    except Unfusable as error:
        return f"C without branches cannot hold {error}"
    return None
