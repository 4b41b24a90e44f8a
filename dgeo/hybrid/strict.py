"""What every section of a config is."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A section of a config: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
