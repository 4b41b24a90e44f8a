"""Leaves that travel with a model but are not trained."""

from typing import Any

import equinox as eqx
import jax


class Frozen(eqx.Module):
    """Marks a module (a normaliser, a fixed table) whose arrays are data, not weights."""


def trainable(tree: Any) -> Any:
    """A tree of booleans of the same structure: True at floating-point arrays outside `Frozen` modules.

    For `eqx.partition(model, trainable(model))`.
    """

    def mark(node: Any) -> Any:
        if isinstance(node, Frozen):
            return jax.tree.map(lambda _: False, node)
        return eqx.is_inexact_array(node)

    return jax.tree.map(mark, tree, is_leaf=lambda node: isinstance(node, Frozen))
