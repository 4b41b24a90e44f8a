"""Simulators that nobody can differentiate, by name: any callable of numpy arrays, and the check of what it gives.

A config names a black box; only Python code registers one, so a file never brings code along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from dgeo.errors import DgeoError, nearest
from dgeo.models import Model, Parameter, Variable
from dgeo.models.surrogate import Interface

Series = dict[str, np.ndarray]


@runtime_checkable
class Simulator(Protocol):
    """Anything that runs: numpy, scipy, Fortran, a subprocess."""

    def __call__(self, forcing: Series, parameters: Series) -> Series:
        """(forcings [time, site], parameters [site]) → outputs [time, site]."""
        ...


@dataclass(frozen=True)
class BlackBox:
    """A simulator, what it reads and gives, and the same equations as a differentiable model, where there are any."""

    name: str
    simulator: Simulator
    interface: Interface
    differentiable: Model | None = None

    def __call__(
        self, forcing: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], first: int = 0
    ) -> Series:
        """Run it at all sites, which are the runs from number `first`; it gets copies in float64.

        Raises `DgeoError`, naming run and parameters, for an output that is missing, of another shape, or no number.
        """
        given = {name: np.array(forcing[name], np.float64) for name in self.interface.forcings}
        numbers = {name: np.array(parameters[name], np.float64) for name in self.interface.parameters}
        found = self.simulator(given, dict(numbers))
        shape = next(iter(given.values())).shape
        return {name: self._checked(name, found, shape, numbers, first) for name in self.interface.outputs}

    def _checked(self, name: str, found: Series, shape: tuple[int, ...], numbers: Series, first: int) -> np.ndarray:
        if name not in found:
            raise DgeoError(f"The black box {self.name!r} gave no output {name!r}: {nearest(name, found)}")
        values = np.asarray(found[name], np.float64)
        if values.shape != shape:
            raise DgeoError(
                f"The black box {self.name!r} gave {name!r} of shape {list(values.shape)} where forcings are "
                f"{list(shape)} [time, site], in the runs from {first}; return a number for each time and site."
            )
        wrong = ~np.isfinite(values) | (values < 0)
        if wrong.any():
            day, site = np.argwhere(wrong)[0]
            here = ", ".join(f"{parameter} = {value[site]:.4g}" for parameter, value in numbers.items())
            raise DgeoError(
                f"The black box {self.name!r} gave {name!r} = {values[day, site]} in run {first + site}, step {day}, "
                f"with {here}; narrow the bounds of its parameters, or mend it: outputs are finite and not negative."
            )
        return values


_REGISTERED: dict[str, BlackBox] = {}


def register(
    name: str,
    simulator: Simulator,
    parameters: Mapping[str, Parameter],
    forcings: Mapping[str, Variable],
    outputs: Mapping[str, Variable],
    differentiable: Model | None = None,
) -> BlackBox:
    """Make a simulator known by name, to Python and to configs; a name registered again means the newer one.

    Its outputs are never negative, and one of them is `runoff`, what leaves the site, which a hybrid model routes and
    calls streamflow. Raises `DgeoError` without it, or without parameters.
    """
    if "runoff" not in outputs:
        raise DgeoError(
            f"The black box {name!r} gives no 'runoff', which a hybrid model takes for streamflow; name its outflow so "
            f"in `outputs`, which are {', '.join(outputs) or 'none'}."
        )
    if not parameters:
        raise DgeoError(f"The black box {name!r} has no parameters, so there is nothing to learn; name them.")
    _REGISTERED[name] = BlackBox(name, simulator, Interface(forcings, parameters, outputs), differentiable)
    return _REGISTERED[name]


def named(name: str) -> BlackBox:
    """The black box of a name; raises `DgeoError` for one that was not registered."""
    if name not in _REGISTERED:
        raise DgeoError(
            f"There is no black box {name!r}: {nearest(name, _REGISTERED)} One of your own is registered from Python, "
            "`dgeo.surrogate.register(name, simulator, parameters, forcings, outputs)`."
        )
    return _REGISTERED[name]
