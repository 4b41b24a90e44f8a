"""Configs and formulas that are bad in a known way."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.bad_inputs import material
from benchmarks.bad_inputs.words import FORMULAS, GOOD_SETS, SETS, TEXTS
from dgeo import training
from dgeo.contrast.experiment import read_contrast
from dgeo.experiments import setting_named
from dgeo.hybrid import expression_law
from dgeo.surrogate import read_surrogate_config
from dgeo.training.prepare import checked
from dgeo.training.run import begin_run, open_run
from dgeo.training.session import Session

Case = tuple[str, str, Callable[[], Any], Callable[[Any], str] | None]


def right(found: Any) -> str:
    """Accepted is right."""
    return ""


def cases(sound: Path, scratch: Path) -> Iterator[Case]:
    """(kind, name, what is done, None for a refusal or what judges the content)."""
    yield from _configs(sound, scratch)
    for text in FORMULAS:
        yield "formula", repr(text[:40]), (lambda text=text: expression_law(text)), None


def ready(path: Path, changes: tuple[str, ...] = ()) -> Any:
    """A config as far as `dgeo train` takes it before the first step."""
    config = training.read_config(path, changes)
    dataset = training.load_dataset(config.data)
    checked(dataset, config)
    folder = path.parent / "begun"
    shutil.rmtree(folder, ignore_errors=True)
    open_run(config, folder, False)
    begin_run(config, folder)
    session = Session(config, folder, dataset, {})
    if not hasattr(config.model, "reference"):
        training.Trainer(session.final(config.training.seeds[0], config.training.steps).model, config.training)
    return config


def _configs(sound: Path, scratch: Path) -> Iterator[Case]:
    path = scratch / "bad.yaml"

    def read(text: str | bytes, reader: Callable[[Path], Any]) -> Callable[[], Any]:
        def use() -> Any:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            return reader(path)

        return use

    readers = {
        "config": training.read_config,
        "config of a surrogate": read_surrogate_config,
        "config of a PINN": read_contrast,
        "data set of a study": lambda path: setting_named(str(path), "full"),
    }
    for kind, reader in readers.items():
        for name, text in TEXTS.items():
            yield kind, name, read(text, reader), right if (kind, name) == ("config of a PINN", "nothing") else None
        for name, place in (("missing", "nowhere.yaml"), ("folder", "run"), ("without end", "/dev/zero.yaml")):
            target = Path("/dev/zero") if "zero" in place else scratch / place
            if kind != "data set of a study" or target.suffix:
                yield kind, name, (lambda reader=reader, target=target: reader(target)), None
    sections = material.content(scratch)
    for change in SETS:
        yield "set", change[:60], (lambda change=change: ready(scratch / "run.yaml", (change,))), None
    for change in GOOD_SETS:
        yield "set", change, (lambda change=change: ready(scratch / "run.yaml", (change,))), right
    good = {
        "anchors": yaml.safe_dump(sections)
        .replace("spin_up: 60", "spin_up: &days 20")
        .replace("warmup: 20", "warmup: *days"),
        "windows line ends": yaml.safe_dump(sections).replace("\n", "\r\n"),
        "byte-order mark": "\ufeff" + yaml.safe_dump(sections),
        "json": json.dumps(sections),
        "dates without quotes": yaml.safe_dump(sections).replace("'", ""),
    }
    for name, text in good.items():
        yield "config", name, read(text, ready), right
    for change in (
        "model.components",
        "model.components=",
        "model.components=[1",
        "model.components=3",
        "a=&a [*a]",
        "=[1]",
    ):

        def vary(change=change):
            return training.variations(scratch / "run.yaml", scratch, (), [change])

        yield "vary", change, vary, None

    def same():
        return training.variations(scratch / "run.yaml", scratch, (), ["data.file=[a/x.nc, b/x.nc]"])

    yield "vary", "two runs of one name", same, None

    def out():
        return training.variations(scratch / "run.yaml", scratch / "v", (), ["data.root=['../../x', '/etc', '..']"])

    def inside(runs):
        return "" if all(path.resolve().parent == (scratch / "v").resolve() for path in runs) else str(list(runs))

    yield "vary", "paths as values", out, inside
