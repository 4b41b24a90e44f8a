"""One function on its way through the checks of its gradients."""

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dgeo.check import gradient_checks as checks
from dgeo.check.gradient_points import (
    Draw,
    Point,
    check_alike,
    directions,
    names_of,
    real_arrays,
)
from dgeo.check.gradient_probe import Leaves, Probe
from dgeo.check.gradient_report import Kind, Row
from dgeo.errors import DgeoError, nearest


@dataclass(frozen=True)
class Tolerances:
    """What errors may be; see `dgeo/check/gradient_checks.py` for their definitions."""

    exact: float = 1e-9  # two ways of automatic differentiation in float64
    differences: float = 1e-5
    one_sided: float = 1e-3
    single: float = 1e-2  # float32 against float64
    cost: float = np.inf  # compiled gradient / compiled function


DEFAULT = Tolerances()
TRANSFORMATIONS = ("jit", "vmap", "checkpoint")


@dataclass
class Run:
    """One function on its way through the checks."""

    name: str
    function: Callable[..., Any]
    draw: Draw
    random: np.random.Generator
    count: int
    tolerances: Tolerances
    rows: list[Row] = field(default_factory=list)
    has_forward: bool = False

    def __post_init__(self) -> None:
        self.points = {f"random point {i + 1}": self._point() for i in range(self.count)}
        first = next(iter(self.points.values()))
        self.names = names_of(first)
        self.double = Probe(self.name, self.function, first, "float64")
        self.single = Probe(self.name, self.function, first, "float32")
        self.cotangents = self._weights()
        self.steps = {place: directions(point, self.random) for place, point in self.points.items()}
        self.gradients = {place: self._gradient(point) for place, point in self.points.items()}
        self.nasty: dict[str, Point] = {}

    def add_nasty(self, place: str, point: Any) -> None:
        """Take a further point."""
        real = real_arrays(self.name, point)
        check_alike(self.name, place, real, self._first)
        self.nasty[place] = real

    def exactness(self, closed_form: Callable[..., Any] | None, analytic: bool) -> None:
        """At the random points, against references that do not use the same derivative."""
        self._forward()
        found = [
            checks.finite_differences(self.double, point, self.cotangents, self.steps[place])
            for place, point in self.points.items()
        ]
        self._row("finite differences", "exact", *max(found), self.tolerances.differences)
        linear = checks.linearity(self.double, self._first, self.cotangents, self._weights())
        self._row("linearity", "exact", linear, None, self.tolerances.exact)
        if analytic:
            steps = next(iter(self.steps.values()))
            try:
                error = checks.complex_step(self.double, self._first, steps, self.random)
            except (TypeError, ValueError):
                note = "left out: the function takes no complex numbers"
                self.rows.append(Row(self.name, "complex step", "exact", None, None, True, note))
            else:
                self._row("complex step", "exact", error, None, self.tolerances.exact)
        if closed_form is not None:
            self._closed_form(closed_form)

    def transformed(self, transformations: Collection[str]) -> None:
        """The same gradient without jit, through vmap and checkpoint, and in float32."""
        everywhere = {**self.points, **self.nasty}
        places, points = list(everywhere), list(everywhere.values())
        self.gradients |= {place: self._gradient(point) for place, point in self.nasty.items()}
        exact = self.tolerances.exact
        if "jit" in transformations:
            plain = self.double.pull_plain(self._first, self.cotangents)
            self._compare("without jit", places[:1], [plain], exact)
        if "vmap" in transformations:
            self._compare("vmap", places, self.double.pull_mapped(points, self.cotangents), exact)
        if "checkpoint" in transformations:
            self._compare("checkpoint", places, self.double.pull_checkpointed(points, self.cotangents), exact)
        single = [self.single.pull(point, self.cotangents) for point in points]
        self._compare("float32", list(self.points), [g for _, g in single[: self.count]], self.tolerances.single)
        for place, (value, gradient) in zip(places, single, strict=True):
            self._finite(place, value, gradient, "float32")

    def nastiness(self, kinks: bool) -> None:
        """Finite everywhere; and, where a kink may be, on one side of it."""
        for place, point in {**self.points, **self.nasty}.items():
            value, gradient = self.double.pull(point, self.cotangents)
            self._finite(place, value, gradient, "float64")
        for place, point in self.nasty.items():
            if kinks and self.has_forward and checks.is_finite(self.gradients[place]):
                error, where = checks.one_sided(self.double, point)
                self._row(f"one-sided differences at {place}", "exact", error, where, self.tolerances.one_sided)

    def liveness(self, dead: Collection[str]) -> None:
        """No input without an effect, unless it is declared to have none."""
        for name in dead:
            if name not in self.names:
                raise DgeoError(f"{self.name} has no input {name!r} that could be dead: {nearest(name, self.names)}")
        for i, name in enumerate(self.names):
            effect = max(float(np.max(np.abs(g[i]), initial=0.0)) for g in self.gradients.values())
            alive = effect > 0 or not np.isfinite(effect)
            note = "no derivative anywhere" if not alive else ""
            if name in dead:
                note = "declared dead, and alive" if alive else "declared dead"
            self.rows.append(Row(self.name, f"live: {name}", "live", None, None, alive != (name in dead), note))

    def cost(self) -> None:
        """The time of the compiled gradient over that of the compiled function, both in float64."""
        value = median_time(lambda: self.double.value(self._first))
        pull = median_time(lambda: self.double.pull(self._first, self.cotangents))
        self._row("cost ratio", "cost", pull / value, None, self.tolerances.cost)

    @property
    def _first(self) -> Point:
        return next(iter(self.points.values()))

    def _point(self) -> Point:
        return real_arrays(self.name, self.draw(self.random))

    def _weights(self) -> Leaves:
        return [self.random.standard_normal(shape) for shape in self.double.shapes]

    def _gradient(self, point: Point) -> Leaves:
        try:
            return self.double.pull(point, self.cotangents)[1]
        except ValueError as error:
            raise DgeoError(f"{self.name} cannot be differentiated backwards: {str(error).splitlines()[0]}") from error

    def _forward(self) -> None:
        """Reverse mode alone is enough for training, so a function without forward mode is left out, not failed."""
        try:
            errors = [
                checks.dot_product(self.double, point, self.cotangents, self.steps[place])
                for place, point in self.points.items()
            ]
        except Exception as error:
            if not re.search("forward|jvp", str(error), re.IGNORECASE):
                text = str(error).splitlines()[0]
                raise DgeoError(
                    f"{self.name} cannot be differentiated forwards, and not for want of a rule: {text}"
                ) from error
            note = "left out: the function has no forward mode"
            self.rows.append(Row(self.name, "dot product", "exact", None, None, True, note))
            return
        self.has_forward = True
        self._row("dot product", "exact", max(errors), None, self.tolerances.exact)

    def _closed_form(self, closed_form: Callable[..., Any]) -> None:
        by_hand = Probe(f"The closed form of {self.name}", closed_form, self._first, "float64")
        found = [checks.closed_form(self.double, point, by_hand.value(point)) for point in self.points.values()]
        self._row("closed form", "exact", *max(found), self.tolerances.exact)

    def _compare(self, check: str, places: list[str], found: list[Leaves], tolerance: float) -> None:
        """Against the compiled gradient in float64, wherever that is finite."""
        everywhere = {**self.points, **self.nasty}
        floor = checks.FLOORS["float32" if check == "float32" else "float64"]
        errors = [
            checks.apart(gradient, self.gradients[place], everywhere[place], floor)
            for place, gradient in zip(places, found, strict=True)
            if checks.is_finite(self.gradients[place])
        ]
        if errors:
            self._row(check, "exact", *max(errors), tolerance)

    def _finite(self, place: str, value: Leaves, gradient: Leaves, precision: str) -> None:
        wrong = [name for name, leaf in zip(self.names, gradient, strict=True) if not checks.is_finite([leaf])]
        if not checks.is_finite(value):
            wrong = ["the value", *wrong]
        check = f"finite at {place}, {precision}"
        self.rows.append(Row(self.name, check, "finite", None, None, not wrong, ", ".join(wrong)))

    def _row(self, check: str, kind: Kind, error: float, where: int | None, tolerance: float) -> None:
        note = "" if where is None else self.names[where]
        self.rows.append(Row(self.name, check, kind, error, tolerance, bool(error <= tolerance), note))


def median_time(call: Callable[[], object], repetitions: int = 5) -> float:
    """Seconds of one call, after a first that is not counted."""
    call()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))
