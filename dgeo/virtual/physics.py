"""The model of a truth: which one, and under which laws."""

from collections.abc import Mapping, Sequence

from dgeo.errors import DgeoError
from dgeo.models import ContinuousModel, Law, Model, model_named
from dgeo.virtual.laws import hidden_laws

VERSIONS = {"hbv": "1.0"}
HIDDEN = {"hbv": ("evaporation",)}
FORCINGS = ("precipitation", "temperature", "potential_evapotranspiration", "day_length")


def true_physics(
    name: str = "hbv", hidden: Sequence[str] | None = None, laws: Mapping[str, Law] | None = None
) -> Model:
    """A model by its name, with hidden laws in some slots and any other `laws`; see `basins` for the defaults.

    Raises `DgeoError` for a model or law that there is not, a model that cannot run on parts of a day, or one whose
    forcing virtual weather lacks.
    """
    if hidden is None:
        hidden = HIDDEN.get(name, ()) if laws is None else ()
    model = model_named(name, VERSIONS.get(name), laws={**hidden_laws(hidden), **(laws or {})})
    if not isinstance(model, ContinuousModel):
        raise DgeoError(
            f"The truth of virtual basins runs on parts of a day, and {name!r} on whole days only: choose a model in "
            "continuous time for data.physics, such as hbv, shm or exphydro."
        )
    for forcing in model.forcings:
        if forcing not in FORCINGS:
            raise DgeoError(
                f"{name!r} reads {forcing!r}, which virtual weather does not have: choose hbv, shm or exphydro for "
                "data.physics."
            )
    return model
