"""A time loop in one kernel: each block of sites is marched through all days without leaving the chip.

A scan launches dozens of small kernels a day on a GPU; this launches one a run. Backward is a kernel of its own: it
walks the days in reverse and differentiates the step inside, from the states that the forward run has stored, so that
memory grows with the states alone. What all sites share (the weights of a law) enters every block, and each block
returns its own part of the gradient.

The step is compiled by Pallas for Triton: elementwise arithmetic, loops of fixed length and sums over axes are at home
there; gathers, concatenation, matrix products and linear solves are not. Extents within a step (components, layers,
hidden units) must be powers of two.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from dgeo.engine.blocks import on_blocks, read, write
from dgeo.models import Values

Step = Callable[..., tuple[Values, Values]]


class Fused(eqx.Module):
    """A `Loop` for `simulate`; all leaves must be floating-point numbers, and there is no forward-mode derivative.

    `block` is the number of sites that a kernel holds, a power of two; `interpret` runs the kernel as plain JAX on any
    device, to test it.
    """

    block: int = eqx.field(static=True, default=32)
    interpret: bool = eqx.field(static=True, default=False)

    def __call__(self, step: Step, shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        """See `Loop`. Copies of the last site fill up the last block; nothing asks for them, so their gradient is 0."""
        sites = jax.tree.leaves(state)[0].shape[0]
        fill = -sites % self.block
        end, outputs = _march(step, self, shared, *_filled((static, state), fill, 0), _filled(series, fill, 1))
        return jax.tree.map(lambda x: x[:sites], end), jax.tree.map(lambda x: x[:, :sites], outputs)


def _filled(tree: Any, fill: int, axis: int) -> Any:
    def pad(x: jax.Array) -> jax.Array:
        return jnp.pad(x, [(0, fill if i == axis else 0) for i in range(x.ndim)], mode="edge")

    return jax.tree.map(pad, tree)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _march(step: Step, options: Fused, *inputs: Any) -> tuple[Values, Values]:
    end, outputs, _ = _forward(step, options, inputs, keep=False)
    return end, outputs


def _march_and_keep(step: Step, options: Fused, *inputs: Any) -> tuple[tuple[Values, Values], tuple[Any, ...]]:
    end, outputs, states = _forward(step, options, inputs, keep=True)
    shared, static, _, series = inputs
    return (end, outputs), (shared, static, states, series)


def _forward(step: Step, options: Fused, inputs: tuple[Any, ...], *, keep: bool) -> Any:
    """The state after the last day, the outputs and, to differentiate, the state before every day."""

    def days_of(shared: Any, static: Any, state: Values, series: Any) -> tuple[Values, Values]:
        outputs = jax.vmap(lambda now: step(shared, static, state, now)[1])(series)
        return outputs, jax.tree.map(lambda x: jnp.broadcast_to(x, (_days(series), *x.shape)), state) if keep else {}

    def kernel(*refs: Any) -> None:
        *inputs, end, outputs, states = refs
        shared, static, state = read(inputs[:3])

        def day(t: Any, state: Values) -> Values:
            write(states, state if keep else {}, t)
            state, now = step(shared, static, state, read(inputs[3], t))
            write(outputs, now, t)
            return state

        write(end, jax.lax.fori_loop(0, _days(inputs[3]), day, state))

    return on_blocks(
        kernel, options.block, options.interpret, "sbbt", inputs, "btt", (inputs[2], *jax.eval_shape(days_of, *inputs))
    )


def _backward(step: Step, options: Fused, kept: tuple[Any, ...], cotangents: tuple[Values, Values]) -> tuple[Any, ...]:
    def kernel(*refs: Any) -> None:
        shared, static, states, series, d_end, d_outputs, d_shared, d_static, d_state, d_series = refs
        constants = read((shared, static))

        def day(i: Any, carry: tuple[Values, tuple[Any, Any]]) -> tuple[Values, tuple[Any, Any]]:
            t = _days(series) - 1 - i
            _, pull = jax.vjp(step, *constants, read(states, t), read(series, t))
            *parts, d_before, d_now = pull((carry[0], read(d_outputs, t)))
            write(d_series, d_now, t)
            return d_before, jax.tree.map(jnp.add, carry[1], tuple(parts))

        start = (read(d_end), jax.tree.map(jnp.zeros_like, constants))
        write((d_state, (d_shared, d_static)), jax.lax.fori_loop(0, _days(series), day, start))

    shared, static, _, series = kept
    like = (shared, static, cotangents[0], series)
    parts, *rest = on_blocks(kernel, options.block, options.interpret, "sbttbt", (*kept, *cotangents), "pbbt", like)
    return jax.tree.map(lambda x: jnp.sum(x, axis=0), parts), *rest


_march.defvjp(_march_and_keep, _backward)


def _days(series: Any) -> int:
    return jax.tree.leaves(series)[0].shape[0]
