"""The models by the names that configs use."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dgeo.errors import DgeoError, nearest
from dgeo.models.bucket import VERSIONS as BUCKET_VERSIONS, bucket
from dgeo.models.cascade import cascade
from dgeo.models.exphydro import exphydro
from dgeo.models.gr4j import gr4j
from dgeo.models.hbv import hbv
from dgeo.models.hbv_names import VERSIONS as HBV_VERSIONS
from dgeo.models.law import Law
from dgeo.models.model import Model
from dgeo.models.nonsense import nonsense
from dgeo.models.ode import ContinuousModel
from dgeo.models.shm import shm
from dgeo.models.solvers import Solver

MODELS: dict[str, Callable[..., Model]] = {
    "hbv": hbv,
    "exphydro": exphydro,
    "shm": shm,
    "nonsense": nonsense,
    "gr4j": gr4j,
    "cascade": cascade,
    "bucket": bucket,
}
VERSIONS: dict[str, tuple[str, ...]] = {"hbv": tuple(HBV_VERSIONS), "bucket": tuple(BUCKET_VERSIONS)}


def register(name: str, model: Model) -> None:
    """Make a model of your own known to configs, by a name; raises `DgeoError` for a name that is taken."""
    if name in MODELS:
        raise DgeoError(f"There is a model {name!r} already; choose another name for your {type(model).__name__}.")

    def make(*, solver: Solver | None = None, **laws: Law) -> Model:
        chosen = model.with_laws(laws)
        return chosen if solver is None else replace(chosen, solver=solver)  # type: ignore[call-arg]

    MODELS[name] = make


def model_named(
    name: str, version: str | None = None, solver: Solver | None = None, laws: Mapping[str, Law] | None = None
) -> Model:
    """The model of that name, in its default version and with its own solver and laws unless others are given.

    Raises `DgeoError` for a model, a version or a law that there is not, and for a solver on a model without a form in
    continuous time.
    """
    if name not in MODELS:
        raise DgeoError(f"There is no model {name!r}: {nearest(name, MODELS)}")
    arguments: dict[str, Any] = dict(laws or {})
    if version is not None:
        _check_version(name, version)
        arguments["version"] = version
    model = MODELS[name](**arguments)
    if solver is None:
        return model
    if not isinstance(model, ContinuousModel):
        continuous = ", ".join(sorted(other for other in MODELS if isinstance(MODELS[other](), ContinuousModel)))
        raise DgeoError(
            f"The model {name!r} steps from day to day and has no form in continuous time, so it takes no solver: "
            f"leave the solver out, or choose one of {continuous}."
        )
    return MODELS[name](**arguments, solver=solver)


def _check_version(name: str, version: str) -> None:
    if name not in VERSIONS:
        raise DgeoError(f"The model {name!r} has one version only; leave out the version {version!r}.")
    if version not in VERSIONS[name]:
        raise DgeoError(f"The model {name!r} has no version {version!r}: {nearest(version, VERSIONS[name])}")
