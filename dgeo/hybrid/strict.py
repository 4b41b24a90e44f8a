"""What every section of a config is."""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Width = Annotated[int, Field(gt=0, le=4096)]
"""A number of units, cells or components: what memory grows with the square of."""
Narrow = Annotated[int, Field(gt=0, le=1024)]
"""The same of a law, which is built to learn what a model reads."""
Depth = Annotated[int, Field(gt=0, le=20)]
"""A number of layers."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed."""


class Strict(BaseModel):
    """A section of a config: immutable, unknown keys refused, every number finite, and no yes or no for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, content: Any) -> Any:
        for name, value in content.items() if isinstance(content, dict) else ():
            field = cls.model_fields.get(name) if isinstance(name, str) else None
            if field is not None and _holds_truth(value) and not _may_hold_truth(field.annotation):
                raise ValueError(
                    f"`{name}` holds {str(_first(value)).lower()}, which stands for no number or word here"
                )
        return content


def _first(value: Any) -> bool | None:
    """The first true or false in a value and the lists and mappings in it."""
    if isinstance(value, bool):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((found for part in parts if (found := _first(part)) is not None), None)


def _holds_truth(value: Any) -> bool:
    return _first(value) is not None


def _may_hold_truth(annotation: Any) -> bool:
    """Whether a type has room for true or false, or is a section, which looks for itself."""
    if annotation is bool or annotation is Any or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return True
    return any(_may_hold_truth(part) for part in get_args(annotation))
