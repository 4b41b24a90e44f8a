"""A cell: one model trained on one part of the data, tested on others."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dgeo.data import Period
from dgeo.training import Config


@dataclass(frozen=True)
class Test:
    """Days and basins that are scored: all basins of the training by default, or those of the split that it names.

    `years` names the part of the cell's split of water years that counts.
    """

    period: Period
    basins: Literal["trained", "unseen"] = "trained"
    years: Literal["test", "control"] | None = None


@dataclass(frozen=True)
class Cell:
    """One training of a model, with all its seeds.

    **Attributes**

    - `model`, `split`: what is compared with what;
    - `fold`: the part of the basins that is tested here; the folds of a model and split are scored together;
    - `draw`: which of several random choices of the training data this is; draws count as members, as seeds do;
    - `at`: the place on the axes of the grid, such as the share of the basins;
    - `tests`: what is scored, by name.
    """

    model: str
    split: str
    config: Config
    tests: Mapping[str, Test]
    fold: str = ""
    draw: int | None = None
    at: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the cell's folder."""
        places = [f"{name}={value:g}" for name, value in self.at.items()]
        drawn = [] if self.draw is None else [f"draw={self.draw}"]
        return ",".join(part for part in (self.model, self.split, self.fold, *places, *drawn) if part)

    @property
    def kind(self) -> str:
        """What cells share that may be trained in one program: data, model and training but for the seeds."""
        training = self.config.training.model_dump(mode="json", exclude={"seeds"})
        return json.dumps(
            [self.config.data.model_dump(mode="json"), self.config.model.model_dump(mode="json"), training]
        )

    def describe(self) -> dict[str, Any]:
        """All that defines the cell, for JSON."""
        tests = {name: asdict(test) for name, test in self.tests.items()}
        place = {"model": self.model, "split": self.split, "fold": self.fold, "draw": self.draw, "at": dict(self.at)}
        return place | {"tests": tests, "config": self.config.model_dump(mode="json")}
