"""A learned residual inside the ODE: what the textbook leaves out, as one more flux in or out of a store.

    dS/dt = f(S, x, θ) + r(S, x, θ, a)        r ≥ −max(S, 0)/1 d

r stands in the slot `residual_<store>`, whose default is zero; it is positive where the store gains. It is a transfer
between the outside and the store and a declared exchange of the budget, so that the ledger closes and says how much
water the residual made or took. Being one of the rates, it is there under every solver. Under the published operator
split of a model it follows after the split: it sees the stores that the split has left and takes no more than is there.

Universal differential equations: Rackauckas et al. (2020), arXiv:2001.04385.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from types import new_class
from typing import Any, ClassVar

import jax.numpy as jnp

from dgeo.errors import DgeoError, nearest
from dgeo.models.law import Formula, Law, Slot, Values
from dgeo.models.model import Budget, Model, Scalar, Variable
from dgeo.models.ode import ContinuousModel
from dgeo.numerics import Limits, at_least

DAY = 1.0  # [d] a store is not emptied faster than that
PREFIX = "residual_"


class WithResiduals(ContinuousModel):
    """What `with_residuals` adds to the class of a model; `stores` are those that have a residual."""

    base: ClassVar[type[ContinuousModel]]
    stores: ClassVar[tuple[str, ...]]

    @property
    def slots(self) -> Mapping[str, Slot]:  # type: ignore[override]
        """Those of the model, and one for each residual."""
        return {**super().slots, **{PREFIX + store: self._slot(store) for store in self.stores}}

    @property
    def fluxes(self) -> dict[str, Variable]:
        """Those of the model, and the residuals."""
        found = {PREFIX + store: self._flux(store) for store in self.stores}
        return {**super().fluxes, **found}  # type: ignore[safe-super]

    @property
    def budget(self) -> Budget:
        """That of the model, the residuals being exchanges with the outside."""
        budget = super().budget
        added: dict[str, tuple[str | None, str | None]] = {PREFIX + store: (None, store) for store in self.stores}
        return replace(budget, transfers={**budget.transfers, **added}, exchanges=(*budget.exchanges, *added))

    def rates(self, state: Values, forcing: Values, parameters: Values) -> Values:
        """The fluxes of the model, and the residuals, at this moment."""
        found = super().rates(state, forcing, parameters)  # type: ignore[safe-super]
        filled = {name: at_least(amount, 0.0) for name, amount in state.items()}
        now = self.values(filled, forcing, parameters)
        return found | {PREFIX + s: at_least(self.law(PREFIX + s, now), -filled[s] / DAY) for s in self.stores}

    def split(self, state: Values, forcing: Values, parameters: Values, dt: Scalar) -> tuple[Values, Values]:
        """The published sequence of the model, then the residuals; networks for several slots see the state before."""
        before: Any = super()
        after, fluxes = before.split(state, forcing, parameters, dt)
        now = {**self.values(state, forcing, parameters), **after}
        for store in self.stores:
            gained = at_least(self.law(PREFIX + store, now) * dt, -at_least(after[store], 0.0))
            after = after | {store: after[store] + gained}
            fluxes = fluxes | {PREFIX + store: gained / dt}
        return after, fluxes

    def _slot(self, store: str) -> Slot:
        flux = self._flux(store)
        law = Formula(jnp.zeros_like, reads=(store,))
        return Slot(law, flux.units, flux.meaning, Limits(scale=flux.scale), limited_by=store)

    def _flux(self, store: str) -> Variable:
        return Variable(f"{self.states[store].units} d-1", f"what the laws leave out of the change of {store}")


def with_residuals(model: Model, residuals: Mapping[str, Law] | Iterable[str]) -> ContinuousModel:
    """The model with a residual at some of its stores: {store: law}, or names of stores, whose laws are zero yet.

    The result is a model of a subclass of the model's own, so all that holds for the one holds for the other; laws of
    its slots `residual_<store>` [store's unit per day] are replaced by `with_laws` as any others. Raises `DgeoError`
    for a store that there is not, or a model that has no rates.
    """
    if not isinstance(model, ContinuousModel):
        raise DgeoError(
            f"{type(model).__name__} gives no rates, so there is nothing that a residual could be added to: make it a "
            "`ContinuousModel`."
        )
    laws = {PREFIX + store: law for store, law in residuals.items()} if isinstance(residuals, Mapping) else {}
    stores = tuple(residuals)
    for store in stores:
        if store not in model.budget.stores:
            raise DgeoError(
                f"{type(model).__name__} has no store {store!r} that a residual could fill or empty: "
                f"{nearest(store, model.budget.stores)}"
            )
    base, present = (model.base, model.stores) if isinstance(model, WithResiduals) else (type(model), ())
    kind = _kind(base, tuple(dict.fromkeys((*present, *stores))))
    given = {field.name: getattr(model, field.name) for field in fields(model)}
    return kind(**{**given, "laws": {**model.laws, **laws}})


@cache
def _kind(base: type[ContinuousModel], stores: tuple[str, ...]) -> type[WithResiduals]:
    """One class for each model and its stores: jit knows a model by its class."""

    def fill(names: dict[str, Any]) -> None:
        names |= {"__doc__": base.__doc__, "__module__": base.__module__, "base": base, "stores": stores}

    return new_class(f"{base.__name__}WithResiduals", (WithResiduals, base), exec_body=fill)
