"""Teach the laws in some slots what the textbook says there, before anything is learned from data.

    minimise  Σ_slots mean ((law(x) − textbook(x))/size)²      over the x that the textbook's model visits in a run

`size` is the standard deviation of what the textbook gives, or, where that hardly varies, a share of its size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from dgeo.engine import Parameters
from dgeo.engine.simulate import per_site
from dgeo.errors import DgeoError
from dgeo.hybrid.law_inputs import check_slot
from dgeo.hybrid.visits import recorded
from dgeo.models import Joint, Law, Model, Values
from dgeo.numerics import trainable

NO_LAWS: Mapping[str, Law] = MappingProxyType({})
FEWEST = 128  # points of a site of its own


class _Lesson(eqx.Module):
    """One slot's points, each [site, point]: what the law sees, what joint networks see, the textbook's answer."""

    seen: Values
    started: Values
    answer: Float[Array, "site point"]
    size: Float[Array, "..."]
    own: bool = eqx.field(static=True)  # whether each site has a law of its own

    def points(self, index: Array) -> "_Lesson":
        """Some points of each site."""
        parts = (self.seen, self.started, self.answer)
        seen, started, answer = jax.tree.map(lambda x: jnp.take_along_axis(x, index, axis=1), parts)
        return _Lesson(seen, started, answer, self.size, self.own)


def pretrain(
    model: Model,
    slots: str | Sequence[str],
    forcing: Mapping[str, Float[Array, "time site ..."]],
    parameters: Parameters,
    *,
    targets: Mapping[str, Law] = NO_LAWS,
    state: Values | None = None,
    dt: float = 1.0,
    steps: int = 2000,
    learning_rate: float = 1e-2,
    points: int = 1024,
    key: PRNGKeyArray,
) -> tuple[Model, dict[str, Array]]:
    """The model with the laws in `slots` fitted to the textbook's, and the error of each.

    **Arguments**

    - `forcing`, `parameters`, `state`, `dt`: the run in which the textbook's model visits its values, see `simulate`;
      with the parameters and attributes that both laws read.
    - `targets`: laws to learn in the place of the slots' defaults.
    - `steps`, `learning_rate`: of Adam, the rate falling to a hundredth; `points`: how many visited values it sees,
      drawn by `key` evenly over the sites. A law of which each site has its own sees at least 128 of each.

    **Returns** the model, and by slot the root mean square error relative to the standard deviation of the textbook's
    values, over all visits: a number, or [site] where each site has its own law.

    Raises `DgeoError` where a slot does not exist or holds nothing that can be trained.
    """
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    learned = {name: _learned(model, name) for name in names}
    textbook = model.with_laws({name: targets.get(name, model.slots[name].default) for name in names})
    lessons = {name: _lesson(textbook, model, name, learned[name], (forcing, parameters, state, dt)) for name in names}
    laws, joint = {name: model.present_laws[name] for name in names}, _joint_of(model, names)
    few = {name: _drawn(lesson, points, jax.random.fold_in(key, i)) for i, (name, lesson) in enumerate(lessons.items())}
    laws, joint = _fitted((laws, joint), few, steps, learning_rate)
    others = tuple(joint.get(i, old) for i, old in enumerate(model.joint))
    return replace(model, laws={**model.laws, **laws}, joint=others), _errors((laws, joint), lessons)


def _learned(model: Model, slot: str) -> tuple[Law, tuple[Joint, ...]]:
    """The law in a slot and the networks whose outputs it reads."""
    check_slot(model, slot)
    law = model.present_laws[slot]
    joint = tuple(joint for joint in model.joint if set(joint.outputs) & set(law.inputs))
    if not any(jax.tree.leaves(trainable((law, joint)))):
        raise DgeoError(
            f"The slot {slot!r} of {type(model).__name__} holds a {type(law).__name__}, in which nothing can be "
            "trained: put a `network_law`, a `table_law` or an `expression_law` with constants there first."
        )
    return law, joint


def _joint_of(model: Model, slots: Sequence[str]) -> dict[int, Joint]:
    read = {name for slot in slots for name in model.present_laws[slot].inputs}
    return {i: joint for i, joint in enumerate(model.joint) if read & set(joint.outputs)}


def _lesson(textbook: Model, model: Model, slot: str, learned: tuple[Law, tuple[Joint, ...]], run: Any) -> _Lesson:
    law, joint = learned
    seen, started, answer = eqx.filter_jit(recorded)(textbook, slot, (law,), tuple(j.law for j in joint), *run)

    def sites_first(series: Array) -> Array:
        return jnp.moveaxis(series, 1, 0).reshape(series.shape[1], -1)

    own = any(jax.tree.leaves(per_site(eqx.filter(learned, eqx.is_array))))
    answer = sites_first(answer)
    size = _size(answer, 1 if own else None, model.slots[slot].limits.scale)
    return _Lesson(jax.tree.map(sites_first, seen), jax.tree.map(sites_first, started), answer, size, own)


def _size(answer: Array, axis: int | None, scale: float) -> Array:
    """The standard deviation, or what else makes an error comparable where there is nearly none."""
    spread = jnp.std(answer, axis=axis, keepdims=True)
    typical = jnp.sqrt(jnp.mean(answer**2, axis=axis, keepdims=True))
    return jnp.maximum(jnp.maximum(spread, 0.01 * typical), 1e-3 * scale)


def _drawn(lesson: _Lesson, points: int, key: PRNGKeyArray) -> _Lesson:
    sites, visited = lesson.answer.shape
    wanted = max(points // sites, FEWEST if lesson.own else 1)
    if wanted >= visited:
        return lesson
    return lesson.points(jax.random.randint(key, (sites, wanted), 0, visited))


def _misfits(tree: Any, lessons: Mapping[str, _Lesson]) -> dict[str, Array]:
    """(law − answer)/size of every slot, [site, point]."""
    arrays, fixed = eqx.partition(tree, eqx.is_array)
    own, common = eqx.partition(arrays, per_site(arrays))

    def at_site(own: Any, seen: dict[str, Values], started: dict[str, Values]) -> Values:
        laws, joint = eqx.combine(own, common, fixed)

        def at_point(slot: str, seen: Values, started: Values) -> Array:
            law, now = laws[slot], dict(seen)
            for network in joint.values():
                if set(network.outputs) & set(law.inputs):
                    now |= network(started)
            return law(now)

        return {slot: jax.vmap(lambda a, b, s=slot: at_point(s, a, b))(seen[slot], started[slot]) for slot in seen}

    series = [{slot: getattr(lesson, part) for slot, lesson in lessons.items()} for part in ("seen", "started")]
    found = jax.vmap(at_site)(own, *series)
    return {slot: (found[slot] - lesson.answer) / lesson.size for slot, lesson in lessons.items()}


@eqx.filter_jit
def _fitted(tree: Any, lessons: Mapping[str, _Lesson], steps: int, learning_rate: float) -> Any:
    weights, rest = eqx.partition(tree, trainable(tree))
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps, 0.01))

    def loss(weights: Any) -> Array:
        misfits = _misfits(eqx.combine(weights, rest), lessons)
        return jnp.sum(jnp.stack([jnp.mean(x**2) for x in misfits.values()]))

    def advance(carry: Any, _: None) -> tuple[Any, None]:
        weights, memory = carry
        slopes = jax.grad(loss)(weights)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by integers
            updates, memory = optimiser.update(slopes, memory)
        return (optax.apply_updates(weights, updates), memory), None

    (weights, _), _ = jax.lax.scan(advance, (weights, optimiser.init(weights)), None, length=steps)
    return eqx.combine(weights, rest)


@eqx.filter_jit
def _errors(tree: Any, lessons: Mapping[str, _Lesson]) -> dict[str, Array]:
    misfits = _misfits(tree, lessons)
    return {
        slot: jnp.sqrt(jnp.mean(misfits[slot] ** 2, axis=1 if lesson.own else None)) for slot, lesson in lessons.items()
    }
