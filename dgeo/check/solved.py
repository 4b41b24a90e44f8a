"""Whether a solver could do what was asked of it, in a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Array

from dgeo.errors import DgeoError
from dgeo.models import ContinuousModel, FixedParts
from dgeo.models.solvers import FAILURE

STIFF = "the system is too stiff there for an explicit solver of so few parts; take more, or ImplicitEuler"
OTHER = "give the solver more parts or iterations, or take another one"


def unsolved(model: Any, failed: Array | np.ndarray, sites: Sequence[str]) -> str | None:
    """The sentence that says where the steps of a run failed, or None where none did.

    `failed` is the output `solver_failure` of `simulate`, [time, site] or [time, site, component].
    """
    series = np.asarray(failed)
    steps = np.any(series.reshape(*series.shape[:2], -1) > 0, axis=-1)
    if not steps.any():
        return None
    first = int(np.flatnonzero(steps.any(axis=1))[0])
    site = int(np.flatnonzero(steps[first])[0])
    solver = getattr(model, "solver", None)
    return (
        f"The solver {type(solver).__name__} of {type(model).__name__} failed in {int(steps.sum())} steps at "
        f"{int(steps.any(axis=0).sum())} of {steps.shape[1]} sites, first at site {sites[site]} in step {first}: "
        f"{STIFF if isinstance(solver, FixedParts) else OTHER}."
    )


def require_solved(model: ContinuousModel, outputs: dict[str, Array], sites: Sequence[str] | None = None) -> None:
    """Raise `DgeoError` with that sentence where a run of `simulate` failed somewhere; keep `solver_failure` in it."""
    if FAILURE not in outputs:
        raise DgeoError(f"The run did not keep {FAILURE!r}, which tells where the solver failed: name it in `outputs`.")
    failed = outputs[FAILURE]
    names = [str(i) for i in range(failed.shape[1])] if sites is None else sites
    if sentence := unsolved(model, failed, names):
        raise DgeoError(sentence)
