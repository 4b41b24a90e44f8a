"""A solver in words."""

from typing import Any, Literal

import diffrax
from pydantic import PositiveFloat, PositiveInt, model_validator

from dgeo.hybrid.strict import Strict, Width
from dgeo.models import Adaptive, FixedParts, ImplicitEuler, OperatorSplit, Solver, Substeps

OURS = ("split", "implicit_euler")
EXPLICIT = {
    "euler": diffrax.Euler,
    "heun": diffrax.Heun,
    "midpoint": diffrax.Midpoint,
    "ralston": diffrax.Ralston,
    "bosh3": diffrax.Bosh3,
    "tsit5": diffrax.Tsit5,
    "dopri5": diffrax.Dopri5,
    "dopri8": diffrax.Dopri8,
}
IMPLICIT = {"kvaerno3": diffrax.Kvaerno3, "kvaerno4": diffrax.Kvaerno4, "kvaerno5": diffrax.Kvaerno5}
ADJOINTS = {
    "checkpoint": diffrax.RecursiveCheckpointAdjoint,
    "direct": diffrax.DirectAdjoint,
    "backsolve": diffrax.BacksolveAdjoint,
}
Method = Literal[
    "split",
    "implicit_euler",
    "euler",
    "heun",
    "midpoint",
    "ralston",
    "bosh3",
    "tsit5",
    "dopri5",
    "dopri8",
    "kvaerno3",
    "kvaerno4",
    "kvaerno5",
]


class SolverRecipe(Strict):
    """How a step is made: by which method, in how many parts.

    - `method`: `split` (the published operator split), `implicit_euler`, or a method of diffrax by name;
    - `parts`: equal parts of a step; 1 by default;
    - `adaptive`: the method chooses its own parts, at most `max_parts`, to `rtol` and `atol` [mm]; the methods kvaerno
      always do. `adjoint` is then `checkpoint` (reverse mode only), `direct` (both modes) or `backsolve` (the
      adjoint equations solved backwards: no memory, but a gradient only as exact as the tolerance);
    - `tolerance` and `iterations` are those of Newton's method, for `implicit_euler`.
    """

    method: Method = "split"
    parts: Width | None = None
    adaptive: bool | None = None
    rtol: PositiveFloat | None = None
    atol: PositiveFloat | None = None
    max_parts: PositiveInt | None = None
    adjoint: Literal["checkpoint", "direct", "backsolve"] | None = None
    tolerance: PositiveFloat | None = None
    iterations: PositiveInt | None = None

    @property
    def adapts(self) -> bool:
        """Whether the method chooses its own parts."""
        return self.method in IMPLICIT if self.adaptive is None else self.adaptive

    @model_validator(mode="after")
    def _fits_together(self) -> "SolverRecipe":
        if self.method in IMPLICIT and not self.adapts:
            raise ValueError(f"{self.method} chooses its own parts; take adaptive: false off")
        if self.adapts and self.method in (*OURS, "euler"):
            raise ValueError(f"{self.method} has no estimate of its error to adapt to; take adaptive: true off")
        if self.adapts and self.parts is not None:
            raise ValueError("an adaptive method chooses its own parts; take `parts` off, or set `max_parts` instead")
        for key in ("rtol", "atol", "max_parts", "adjoint"):
            if getattr(self, key) is not None and not self.adapts:
                raise ValueError(f"{key} is for adaptive methods; set adaptive: true or take {key} off")
        for key in ("tolerance", "iterations"):
            if getattr(self, key) is not None and self.method != "implicit_euler":
                raise ValueError(f"{key} is for method: implicit_euler; take it off")
        return self

    def build(self) -> Solver:
        """The solver."""
        if self.adapts:
            return self._adaptive()
        if self.method in EXPLICIT:
            # loops of a fixed length have both modes; Euler has no stages to loop over
            options = {} if self.method == "euler" else {"scan_kind": "bounded"}
            return FixedParts(EXPLICIT[self.method](**options), parts=self.parts or 1)
        one = OperatorSplit() if self.method == "split" else ImplicitEuler(**self._given("tolerance", "iterations"))
        return one if self.parts in (None, 1) else Substeps(one, parts=self.parts)

    def _adaptive(self) -> Solver:
        controller = diffrax.PIDController(rtol=self.rtol or 1e-3, atol=self.atol or 1e-4)
        adjoint = ADJOINTS[self.adjoint or "checkpoint"]()
        method = (EXPLICIT | IMPLICIT)[self.method]()
        return Adaptive(method, controller, adjoint, **self._given("max_parts"))

    def _given(self, *keys: str) -> dict[str, Any]:
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}
