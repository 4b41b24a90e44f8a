"""A time loop in one kernel: each block of lanes is marched through all days without leaving the chip.

A scan launches dozens of small kernels a day on a GPU; this launches one a run. Backward is a kernel of its own: it
walks the days in reverse and differentiates the step inside, from stored states. What all sites share (the weights of
a law) enters every block, and each block returns its own part of the gradient. Series that nobody differentiates have
no gradient written.

A lane is one component of one site. The step is written out number by number (`elements`), so that all of it is
arithmetic on lanes: laws that are networks or tables, Newton's method, solvers in parts. What cannot be written out,
or not be compiled by Pallas for Triton, is named by `refusal`.
"""

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from dgeo.engine.kernels import backward, forward
from dgeo.engine.loop import Step
from dgeo.engine.plan import Plan
from dgeo.models import Values

UNIMPLEMENTED = re.compile(r"primitive in Pallas Triton lowering: ([\w-]+)")


class Fused(eqx.Module):
    """A `Loop`; all leaves must be floating-point numbers, and there is no forward-mode derivative.

    - `lanes`: a block holds at least so many components of sites; a power of two.
    - `interpret`: runs the kernel as plain JAX on any device, to test it.
    """

    lanes: int = eqx.field(static=True, default=32)
    interpret: bool = eqx.field(static=True, default=False)

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`. Copies of the last lane fill up the last block; nothing asks for them: their derivative is 0."""
        inputs = (shared, static, state, series)
        plan = Plan.of(step, inputs, lanes=self.lanes)
        laid = [field.laid(x, plan.grid) for field, x in zip(plan.fields, jax.tree.leaves(inputs), strict=True)]
        found = _march(plan, laid, self.interpret)
        numbers = [field.unlaid(x, plan.grid) for field, x in zip(plan.results, found, strict=True)]
        return jax.tree.unflatten(plan.gives, numbers)


class _Wanted(eqx.Module):
    """The inputs whose derivatives somebody asks for, by their places."""

    places: tuple[int, ...] = eqx.field(static=True)


def _march(plan: Plan, laid: list[jax.Array], interpret: bool) -> list[jax.Array]:
    @jax.custom_vjp
    def run(*arrays: jax.Array) -> list[jax.Array]:
        return forward(plan, arrays, interpret, keep=False)[0]

    def run_and_keep(*primals: Any) -> tuple[list[jax.Array], Any]:
        arrays = [primal.value for primal in primals]
        results, kept = forward(plan, arrays, interpret, keep=True)
        return results, (_Wanted(tuple(i for i, primal in enumerate(primals) if primal.perturbed)), arrays, kept)

    def back(residuals: Any, cotangents: list[Any]) -> tuple[Any, ...]:
        wanted, arrays, kept = residuals
        slopes = {i: x for i, x in enumerate(cotangents) if not isinstance(x, SymbolicZero)}
        found = backward(plan, arrays, kept, slopes, wanted.places, interpret)
        by_place = dict(zip(wanted.places, found, strict=True))
        return tuple(by_place.get(i) for i in range(len(arrays)))

    run.defvjp(run_and_keep, back, symbolic_zeros=True)
    return run(*laid)


def refusal(step: Step, inputs: tuple[Any, Any, Values, Any], loop: Fused) -> str | None:
    """Why a run cannot be fused, as the words after "since"; None where it can.

    Both kernels are lowered for CUDA, whatever devices there are.
    """

    def total(inputs: tuple[Any, Any, Values, Any]) -> jax.Array:
        return jnp.sum(jnp.stack([jnp.sum(x).astype(jnp.float32) for x in jax.tree.leaves(loop(step, *inputs))]))

    for x in jax.tree.leaves(inputs):
        if not jnp.issubdtype(x.dtype, jnp.floating):
            return f"it reads numbers of type {x.dtype}"
    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), inputs)
    try:
        with _some_gpu():
            jax.jit(jax.grad(total)).trace(like).lower(lowering_platforms=("cuda",))
    except NotImplementedError as error:
        found = UNIMPLEMENTED.search(str(error))
        return f"a kernel cannot hold {found[1] if found else str(error)}"
    return None


def _some_gpu() -> AbstractContextManager[Any]:
    """The device at hand, if it is a GPU, or the idea of one."""
    if jax.default_backend() == "gpu":
        return nullcontext()
    gpu = AbstractDevice(device_kind="NVIDIA H200", num_cores=132, platform="gpu")
    return use_abstract_mesh(AbstractMesh((), (), abstract_device=gpu))
