"""A trained run, day by day: forcings in, outputs out, and between them a carry that can be kept, changed and copied.

    stepper = open_stepper("runs/x", start="2014-10-01")        # stores filled with the days before
    found = stepper.step({"precipitation": [3.1, 0.0], …})      # {output: [member, basin]}
    stepper.save("today")                                       # and stepper.restore("today")

A member is one model (one seed of the run) with one carry. `stepper.copied(20)` gives every model twenty carries, to be
set apart by `set_stores`, or by forcings of their own.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dgeo.data import SERIES
from dgeo.errors import DgeoError, nearest
from dgeo.hybrid import Carry, Inputs, Simulator
from dgeo.models import Values
from dgeo.training.application import Application, applied
from dgeo.training.states import Carries, copies_of, next_day, read_state, some_sites, write_state


@eqx.filter_jit
def _march(model: Simulator, inputs: Inputs, carry: Carry, outputs: tuple[str, ...]) -> tuple[Values, Carry]:
    return model(inputs, carry, outputs=outputs)


class Stepper:
    """The models of a run at some basins; `open_stepper` makes it.

    - `basins`, `members`: their names; `forcings`: what a step needs; `outputs`: what it gives;
    - `day`: that of the next step;
    - `carries`: what each model remembers, its copies side by side along the axis of basins.
    """

    def __init__(self, application: Application, inputs: Inputs, carries: Carries, day: Any, copies: int = 1) -> None:
        """Take up the carries as they are before `day`; of `inputs`, the attributes."""
        self.application, self.copies = application, copies
        self.models, self.basins = application.models, application.basins
        self.forcings, self.outputs = tuple(inputs.forcing), application.outputs
        self.members = tuple(f"{name}/{copy}" if copies > 1 else name for name in self.models for copy in range(copies))
        self.day = np.datetime64(day, "D")
        self.carries = carries
        places = np.tile(np.arange(inputs.sites), copies)
        self._attributes = {name: values[places] for name, values in inputs.attributes.items()}
        self._index = None if inputs.index is None else inputs.index[places]

    def step(self, forcing: Mapping[str, Any]) -> dict[str, Float[np.ndarray, "member basin"]]:
        """One day: forcings [basin], or [member, basin], by name. Raises `DgeoError` as `run` does."""
        found = self.run({name: np.asarray(values)[None] for name, values in forcing.items()})
        return {name: series[0] for name, series in found.items()}

    def run(self, forcing: Mapping[str, Any]) -> dict[str, Float[np.ndarray, "time member basin"]]:
        """Several days: forcings [time, basin] or [time, member, basin] by name.

        Raises `DgeoError` for a forcing that is missing, of another shape, not finite, or impossible; then nothing has
        moved.
        """
        series = {name: self._checked(name, forcing) for name in self.forcings}
        days = len(next(iter(series.values())))
        found, carries = [], {}
        for place, (name, model) in enumerate(self.models.items()):
            own = slice(place * self.copies, (place + 1) * self.copies)
            given = {n: jnp.asarray(x[:, own].reshape(len(x), -1)) for n, x in series.items()}
            inputs = Inputs(given, self._attributes, self._index)
            outputs, carries[name] = _march(model, inputs, self.carries[name], self.outputs)
            found.append({n: np.asarray(x).reshape(days, self.copies, -1) for n, x in outputs.items()})
        self.carries, self.day = carries, self.day + np.timedelta64(days, "D")
        return {name: np.concatenate([part[name] for part in found], axis=1) for name in self.outputs}

    @property
    def stores(self) -> dict[str, Float[np.ndarray, "member basin ..."]]:
        """What the physics holds in each store, [member, basin, component, …]; a network alone has none."""
        parts = [self._apart(carry.physics) for carry in self.carries.values()]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def set_stores(self, stores: Mapping[str, Any]) -> None:
        """Replace what some stores hold; raises `DgeoError` for a store that there is not, or another shape."""
        known = self.stores
        for name, values in stores.items():
            if name not in known:
                raise DgeoError(f"The run has no store {name!r} to set: {nearest(name, known)}")
            if np.shape(values) != known[name].shape or not np.all(np.isfinite(values)):
                raise DgeoError(
                    f"The store {name!r} is [member, basin, component] = {list(known[name].shape)}, all finite; what "
                    f"is given is {list(np.shape(values))} or not finite: begin with `stores[{name!r}]`."
                )
        for place, (seed, carry) in enumerate(self.carries.items()):
            own = slice(place * self.copies, (place + 1) * self.copies)
            new = {
                name: jnp.asarray(np.asarray(values, known[name].dtype)[own].reshape(carry.physics[name].shape))
                for name, values in stores.items()
            }
            self.carries[seed] = carry._replace(physics={**carry.physics, **new})

    def copied(self, copies: int) -> "Stepper":
        """So many copies of each member's model and carry, as they are now: an ensemble to set apart."""
        places = np.tile(np.arange(len(self.basins) * self.copies), copies)
        carries = {name: some_sites(carry, places) for name, carry in self.carries.items()}
        inputs = Inputs({name: jnp.zeros((1, len(self.basins))) for name in self.forcings}, *self._of_one())
        return Stepper(self.application, inputs, carries, self.day, self.copies * copies)

    def save(self, path: str | Path) -> None:
        """Write the carries, exactly; without copies it is a state as `dgeo simulate --save-state` writes it."""
        write_state(path, self.carries, self.application.folder, self.basins, self.day, self.copies)

    def restore(self, path: str | Path) -> None:
        """Take up a state; what follows is bit for bit what followed when it was saved.

        Raises `DgeoError` for a state of another run, of other basins or of another number of copies.
        """
        day = next_day(path, self.application.folder, self.basins, self.copies)
        self.carries = read_state(path, self.carries)
        self.day = np.datetime64(day, "D")

    def _of_one(self) -> tuple[Values, Any]:
        sites = len(self.basins)
        attributes = {name: values[:sites] for name, values in self._attributes.items()}
        return attributes, None if self._index is None else self._index[:sites]

    def _apart(self, stores: Values) -> dict[str, np.ndarray]:
        return {name: np.asarray(x).reshape(self.copies, len(self.basins), *x.shape[1:]) for name, x in stores.items()}

    def _checked(self, name: str, forcing: Mapping[str, Any]) -> Float[np.ndarray, "time member basin"]:
        if name not in forcing:
            raise DgeoError(f"The step lacks the forcing {name!r}: {nearest(name, forcing)}")
        values = np.asarray(forcing[name], np.float32)
        shape = (len(self.members), len(self.basins))
        if values.shape[1:] not in (shape, shape[1:]) or not len(values):
            raise DgeoError(
                f"The forcing {name!r} is {list(values.shape)} with time first, where {shape[1]} basins, or {shape[0]} "
                f"members × {shape[1]} basins, are expected: give one number for each."
            )
        low, high = SERIES[name][2:] if name in SERIES else (-np.inf, np.inf)
        wrong = np.argwhere(~(np.isfinite(values) & (values >= low) & (values <= high)))
        if wrong.size:
            place = tuple(wrong[0])
            raise DgeoError(
                f"The forcing {name!r} of basin {self.basins[place[-1]]} is {values[place]:g} on "
                f"{self.day + np.timedelta64(int(place[0]), 'D')}, which cannot be: give a number from {low:g} to "
                f"{high:g}."
            )
        return np.broadcast_to(values if values.ndim == 3 else values[:, None], (len(values), *shape))


def open_stepper(
    folder: str | Path,
    *,
    file: str | Path | None = None,
    start: str | None = None,
    state: str | Path | None = None,
) -> Stepper:
    """A run's models at some basins, ready for the first day.

    **Arguments**

    - `file`: a NetCDF file or a store with the basins' attributes and past forcings; the run's own data by default.
    - `start`: the day of the first step; by default that after the last of the data. The stores are filled with the
      forcings of all days before it.
    - `state`: the file of an earlier stepper, or of `dgeo simulate --save-state`, to continue exactly instead.

    **Raises** `DgeoError` for missing variables, a day outside the record, or a state of another run or other basins.
    """
    application = applied(folder, file=file, start=start)
    inputs = application.inputs()
    if state is not None:
        if start is not None:
            raise DgeoError(f"The state {state} says itself on which day it continues; leave `start` out.")
        copies = copies_of(state)
        sites = inputs.sites * copies
        empty = {name: model.initial_carry(sites) for name, model in application.models.items()}
        stepper = Stepper(application, inputs, empty, application.next_day, copies)
        stepper.restore(state)
        return stepper
    if start is None:
        application = replace(application, first=application.last)
    day = application.next_day if start is None else start
    return Stepper(application, inputs, application.start(inputs), day)
