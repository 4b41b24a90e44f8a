"""Models, states, run folders and commands that are bad in a known way."""

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import yaml
from safetensors import safe_open
from safetensors.numpy import save_file

from benchmarks.bad_inputs import material
from benchmarks.bad_inputs.config_cases import Case, right
from benchmarks.bad_inputs.words import CONTENTS, DRAWN, INSTEAD, PARSED, RESULTS
from dgeo import cli, training
from dgeo.errors import DgeoError
from dgeo.hybrid import load
from dgeo.numerics import read_tree, storage, write_tree
from dgeo.report import hydrographs, learning, parameters, relations, scores
from dgeo.report.page import render

GIANT = {"slots": ["recharge_fraction"], "inputs": ["soil_moisture"], "width": 1024, "depth": 20, "per_basin": True}


def cases(sound: Path, scratch: Path) -> Iterator[Case]:
    """(kind, name, what is done, None for a refusal or what judges the content)."""
    yield from _models(sound, scratch)
    yield from _folders(sound, scratch)
    yield from _commands(sound, scratch)


def _rewritten(path: Path, to: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """A safetensors file with other metadata, and a checksum that fits."""
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["metadata"])
    changed = change(metadata)
    text = changed if isinstance(changed, str) else json.dumps(metadata if changed is None else changed)
    try:
        header = {"sha256": storage._checksum(arrays, text), "version": "2"}
    except TypeError:  # before version 2
        header = {"sha256": storage._checksum(arrays)}
    save_file(arrays, to, {"metadata": text, **header})


def _set(*keys: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(metadata: dict[str, Any]) -> None:
        place: Any = metadata
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def _models(sound: Path, scratch: Path) -> Iterator[Case]:
    model, bad = sound / "run/models/seed_0.safetensors", scratch / "bad.safetensors"
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no recipe": lambda m: m.pop("recipe") and None,
        "recipe a list": _set("recipe", value=[]),
        "recipe a word": _set("recipe", value="network"),
        "recipe a number": _set("recipe", value=3),
        "no notes": lambda m: m.pop("notes") and None,
        "notes a list": _set("notes", value=[1]),
        "metadata a list": lambda m: [1],
        "metadata a word": lambda m: "word",
        "metadata deep": lambda m: "[" * 100_000,
        "a network of giants": _set("recipe", "static", value={"width": 4096, "depth": 20}),
        "beyond all sizes": _set("recipe", "static", value={"width": 10**9, "depth": 10**9}),
        "a thousand components": _set("recipe", "components", value=1000),
        "other physics": _set("recipe", "physics", value={"name": "exphydro"}),
        "physics that is none": _set("recipe", "physics", value={"name": "../../x"}),
        "laws per basin of many": lambda m: {
            **m,
            "notes": {"basins": [str(i) for i in range(100_000)]},
            "recipe": {**m["recipe"], "laws": [GIANT]},
        },
        "version of tomorrow": _set("dgeo_model", value=99),
    }  # fmt: skip
    harmless = {"no notes", "notes a list"}
    for name, change in changes.items():

        def use(change: Any = change) -> Any:
            _rewritten(model, bad, change)
            return load(bad)

        yield "model", name, use, right if name in harmless else None
    state = sound / "state.safetensors"
    states: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no basins": lambda m: m.pop("basins") and None,
        "basins a number": _set("basins", value=3),
        "no basin": _set("basins", value=[]),
        "other basins": _set("basins", value=["x"]),
        "another order": _set("basins", value=list(material.BASINS[::-1])),
        "day that is none": _set("next_day", value="soon"),
        "day of another age": _set("next_day", value="9999-01-01"),
        "day a list": _set("next_day", value=[1]),
        "another day": _set("next_day", value="2050-01-01"),
        "other models": _set("models", value=["x"]),
        "no models": lambda m: m.pop("models") and None,
    }
    for name, change in states.items():

        def use(change: Any = change) -> Any:
            _rewritten(state, bad, change)
            return training.apply(sound / "run", end="2001-02-28", state=bad)

        yield "state", name, use, None

    def infinite() -> Any:
        with safe_open(state, framework="numpy") as file:
            metadata = json.loads(file.metadata()["metadata"])
        first = load(model)
        carries, _ = read_tree(state, {"seed_0": first.initial_carry(3)})
        write_tree(bad, jax.tree.map(lambda x: x * jnp.nan if x.dtype.kind == "f" else x, carries), metadata)
        return training.apply(sound / "run", end="2001-02-28", state=bad)

    yield "state", "not a number", infinite, None
    yield "state", "a model", (lambda: training.apply(sound / "run", state=model)), None
    yield "model", "a state", (lambda: load(state)), None
    yield "model", "zip of nothing", (lambda: bad.write_bytes(b"PK\x03\x04" + bytes(100)) and load(bad)), None
    header = b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}'
    huge = len(header).to_bytes(8, "little") + header
    yield "model", "declares terabytes", (lambda: bad.write_bytes(huge) and load(bad)), None
    yield "model", "header of exabytes", (lambda: bad.write_bytes(b"\xff" * 64) and load(bad)), None
    pickled = b"cposix\nsystem\n(S'true'\ntR."
    yield "model", "pickle", (lambda: bad.write_bytes(pickled) and load(bad)), None
    numpy_file = io.BytesIO()
    np.save(numpy_file, np.ones(3))
    yield "model", "numpy file", (lambda: bad.write_bytes(numpy_file.getvalue()) and load(bad)), None


def _fresh_run(sound: Path, scratch: Path, change: Callable[[Path], Any]) -> Path:
    run = scratch / "changed"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(sound / "run", run)
    change(run)
    return run


def _folders(sound: Path, scratch: Path) -> Iterator[Case]:
    def fine(page):
        return "a script" if "<script>" in page else ""

    def changed(name: str, change: Callable[[Path], Any]) -> Callable[[], str]:
        def use() -> str:
            run = _fresh_run(sound, scratch, lambda run: change(run / name))
            return render(run) if name in DRAWN else _without_pictures(run)

        return use

    for name in RESULTS:
        for what, text in CONTENTS.items():
            if name in PARSED or what in ("nul", "script", "surrogate"):
                yield "report", f"{name} {what}", changed(name, lambda path, text=text: path.write_text(text)), fine
    for name in (*RESULTS, "simulation.nc", "parameters.nc"):
        for what, change in INSTEAD.items():
            yield "report", f"{name} {what}", changed(name, change), fine

    def stray(run: Path) -> None:
        (run / "models/seed_x.safetensors").write_bytes(b"x")
        (run / "models/seed_.safetensors").write_bytes(b"x")

    yield (
        "run folder",
        "a model without a number",
        (lambda: training.seeds_of(_fresh_run(sound, scratch, stray))),
        lambda seeds: "" if [seed for seed, _ in seeds] == [0] else str(seeds),
    )
    for name in ("models", "checkpoints"):

        def gone(run, name=name):
            return shutil.rmtree(run / name) or (run / name).write_text("x")

        def again(gone=gone):
            return _again(_fresh_run(sound, scratch, gone))

        yield "run folder", f"{name} is a file", again, None


def _without_pictures(run: Path) -> str:
    """The page as words and tables alone, for files that no picture is made of."""
    modules = (hydrographs, learning, parameters, relations, scores)
    before = [module.image for module in modules]
    for module in modules:
        module.image = lambda draw: "data:,"
    try:
        return render(run)
    finally:
        for module, image in zip(modules, before, strict=True):
            module.image = image


def _again(run: Path) -> Any:
    training.train(training.config_of(run), run, resume=True)
    return training.evaluate(run)


def _commands(sound: Path, scratch: Path) -> Iterator[Case]:
    run = sound / "run"
    names = [scratch / name for name in ("[bold] x.nc", "[red]x.nc", "a\nb.nc", "é.nc", "<script>.nc")]
    for out in names:
        words = ("simulate", str(run), "--out", str(out), "--end", "2001-01-05")
        yield "command", f"simulate --out {out.name!r}", (lambda words=words: typed(*words)), right
    for out in (scratch / "nowhere/x.nc", scratch / "run", Path("/proc/x.nc"), scratch / ("x" * 300)):
        words = ("simulate", str(run), "--out", str(out), "--end", "2001-01-05")
        yield "command", f"simulate --out {str(out)[-30:]}", (lambda words=words: typed(*words)), None
    for words in (
        ("--start", "2001"),
        ("--start", "NaT"),
        ("--end", "9999-01-01"),
        ("--start", "now"),
        ("--data", str(run)),
    ):
        given = ("simulate", str(run), "--out", str(scratch / "o.nc"), *words)
        yield "command", f"simulate {words[0]} {words[1][-20:]}", (lambda given=given: typed(*given)), None
    bracketed = scratch / "[/run]"
    for command in ("info", "report"):

        def use(command: str = command) -> Any:
            shutil.rmtree(bracketed, ignore_errors=True)
            shutil.copytree(sound / "run", bracketed)
            return typed(command, str(bracketed))

        yield "command", f"{command} of a folder in brackets", use, right
    for text in (
        "[]",
        "{}",
        '{"test": {"nse": {}}}',
        '{"test": []}',
        '{"test": {"nse": {"median": "x", "interval": 3}}}',
    ):

        def info(text: str = text) -> Any:
            return typed("info", str(_fresh_run(sound, scratch, lambda run: (run / "metrics.json").write_text(text))))

        yield "command", f"info of metrics {text[:30]}", info, None if text == "[]" else right
    yield "command", "launch of another command", (lambda: typed("launch", "evaluate", "x")), None
    yield "command", "launch with logs nowhere", (lambda: typed("launch", "--logs", "/proc/x/y", "train", "x")), None
    yield "command", "experiment of no name", (lambda: typed("experiment", "../../x")), None
    yield "command", "experiment of no data", (lambda: typed("experiment", "temporal", "--data", "../../x")), None
    yield "command", "a basin that is markup", (lambda: _markup(scratch)), lambda said: said


def typed(*words: str) -> str:
    """A command as a user types it; an exit code raises its sentence, a traceback or a second line raises an error."""
    before, complaint = sys.argv, io.StringIO()
    sys.argv = ["dgeo", *words]
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(io.StringIO()):
            cli.main()
    except SystemExit as end:
        if end.code:
            said = complaint.getvalue()
            if said.count("\n") > 1 or "Traceback" in said or "does not know" in said or not said.startswith("dgeo: "):
                raise RuntimeError(said[-300:]) from None
            raise DgeoError(said.removeprefix("dgeo: ").strip()) from None
    finally:
        sys.argv = before
    return ""


def _markup(scratch: Path) -> str:
    """A run whose basins are named like paths, markup and HTML: nothing outside its folder, no script in its page."""
    names = ["../../../escaped", "<script>alert(1)</script>", "[/bold][red]\x1b[31m"]
    folder = scratch / "markup"
    folder.mkdir(exist_ok=True)
    dataset = material.world().assign_coords(basin=names)
    (folder / "data.nc").write_bytes(material.netcdf_bytes(dataset))
    (folder / "run.yaml").write_text(yaml.safe_dump(material.content(folder)))
    before = {path for path in scratch.parent.rglob("*")}
    typed("train", str(folder / "run.yaml"), "--out", str(folder / "run"))
    typed("info", str(folder / "run"))
    outside = {path for path in scratch.parent.rglob("*")} - before - {*(folder / "run").rglob("*"), folder / "run"}
    page = (folder / "run/report.html").read_text()
    return "; ".join([*map(str, outside), *(["a script"] if "<script" in page else [])])
