"""Configs, models, states and run folders that are bad in a known way."""

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import yaml
from safetensors import safe_open
from safetensors.numpy import save_file

from benchmarks.bad_inputs import material
from dgeo import cli, training
from dgeo.errors import DgeoError
from dgeo.hybrid import expression_law, load
from dgeo.numerics import write_tree
from dgeo.report import hydrographs, learning, parameters, relations, scores
from dgeo.report.page import render
from dgeo.training.prepare import checked

Case = tuple[str, str, Callable[[], Any], Callable[[Any], str] | None]
OK: Callable[[Any], str] = lambda found: ""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(9)
)
TEXTS: dict[str, str | bytes] = {
    "alias bomb": BOMB + "data: *j\n",
    "alias bomb in a known key": BOMB + "data: {source: virtual, basins: *j}\n",
    "alias bomb of merges": "a: &a {x: 1}\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join([f'*{chr(97 + i)}'] * 20)}]}}\n" for i in range(9)
    ),
    "holds itself": "data: &a {source: *a}\n",
    "list holds itself": "data: &a [*a]\n",
    "deep": "[" * 100_000,
    "deep mapping": "{a: " * 20_000,
    "key twice": "data: {source: virtual}\ndata: {source: netcdf}\n",
    "python object": "data: !!python/object/apply:os.system ['touch /tmp/dgeo-owned']\n",
    "python name": "data: !!python/name:os.system\n",
    "date that is none": "data: !!timestamp 2000-06-31\n",
    "number of 5000 digits": f"data: {'9' * 5000}\n",
    "long": "data: " + "x" * 10_000_000,
    "many documents": "data: 1\n---\ndata: 2\n",
    "latin-1": "data: é\n".encode("latin-1"),
    "nul": b"data: \x00\n",
    "tab": "\tdata: 1\n",
    "number as key": "1: 2\n",
    "list as key": "? [a]\n: b\n",
    "nothing": "",
    "binary": "data: !!binary gA==\n",
    "set": "data: !!set {a, b}\n",
}  # fmt: skip
SETS = (
    "", "=", ".=1", "..=1", "training=", "training.steps", "training.steps=[1", "training.steps.a=1", "data=&a [*a]",
    "training.steps=true", "training.steps=2.5", "training.steps=-2", "training.steps=1e30", "training.steps=.nan",
    "training.steps=" + "9" * 5000, "training.optimiser.learning_rate=.inf", "training.optimiser.learning_rate=.nan",
    "training.optimiser.learning_rate=true", "training.optimiser.options={b1: true}", "training.optimiser.name=os",
    "training.optimiser.options={zzz: 1}", "training.seeds=[0, 0]", "training.seeds=[4294967296]", "training.seeds=[-1]",
    "training.seeds=[true]", "training.seeds=[]", "training.window=0", "training.batch=0", "training.patience=0",
    "training.targets={}", "training.targets={streamflow: {loss: nse, weight: .inf}}", "training.freeze=[everything]",
    "training.targets={'': {}}", "training.targets={snow_water_equivalent: {}}", "training.warmup=2000",
    "training.start_from=nowhere", "training.start_from=.", 'training.start_from="a\\0b"', f"training.start_from={'x' * 5000}",
    "model.components=true", "model.components=1000000000", "model.static.width=1000000000", "model.static.depth=1000000000",
    "model.routing_days=1000000000", "model.attributes=[nothing]", "model.attributes=[]", "model.fixed={k2: .inf}",
    "model.fixed={k2: true}", "model.fixed={nothing: 1}", "model.physics.name=os", "model.physics.name=../../x",
    "model.physics.thresholds=.inf", "model={network: lstm, attributes: [aridity], hidden: 1000000000}",
    "model={network: lstm, hidden: yes, attributes: [aridity]}", "model=[]", "model=1", "model={reference: nothing}",
    "model.laws=[{slots: [recharge], kind: table, inputs: [soil_moisture], knots: 1000000000}]",
    "model.laws=[{slots: [recharge], kind: expression, formula: '9**9**9**9*soil_moisture'}]",
    "model.laws=[{slots: [recharge], kind: expression, formula: '__import__(\"os\").system(\"true\")'}]",
    "model.laws=[{slots: [nothing], inputs: [soil_moisture]}]", "model.laws=[{slots: [recharge], inputs: [nothing]}]",
    "data.count=1000000000000", "data.years=1000000", "data.source=os", "data.file=", "data.file=nowhere.nc", "data.file=.",
    'data.file="a\\0b"', f"data.file={'x' * 5000}", "data.file=/dev/zero", "data.basins=[]", "data.basins=[nowhere]",
    "data.basins=['01013500', '01013500']", "data.basins=[01013500]", "data.rename={nothing: streamflow}",
    "data.rename={precipitation: streamflow}", "data.units={nothing: mm/d}", "data.units={precipitation: furlong}",
    "data.units={precipitation: m999999999}", f"data.units={{precipitation: m{'9' * 5000}}}", "data.units={streamflow: K}",
    "data.gaps=1", "data.noise=.inf", "data.random_attributes=-1", "data.climate_years=[2000, 2001]",
    "data.climate_years=['1900-01-01', '1901-01-01']", "split.train=['2000', '2002']", "split.test=['2002-10', '2003-09']",
    "split.test=['NaT', 'NaT']", "split.test=['today', 'now']", "split.test=['2003-09-30', '2002-10-01']",
    "split.test=['2002-10-01', '9999-12-31']", "split.test=['2002-10-01', '99999-12-31']", "split.test=[2002-10-01]",
    "split.test=['2002-10-01T12', '2003-09-30']", "split.test=['2002-02-30', '2003-09-30']", "split.test_basins=[nowhere]",
    "split.test_basins=['01013500', '02056900', '11266500']", "split.basins=nowhere.json", "split.years=basins.json",
    "split.basins=years.json", "outputs=[]", "outputs=[nothing]", "outputs=true", "split.train=['2000-10-01', '2003-09-30']",
)  # fmt: skip
GOOD_SETS = (
    "training.seeds=[3, 1]", "training.optimiser.learning_rate=1e-3", "split.test=[2002-10-01, 2003-09-30]",
    "training.steps=4", "model.components=2", "data.basins=['01013500', '02056900']", "training.patience=",
    "data.units={precipitation: mm/d}", "data.noise=1", "training.optimiser.options={b1: 0.8}",
)  # fmt: skip
FORMULAS = (
    "", "a" * 5000, "(" * 3000, "a if b else c", "a.b", "a[0]", "lambda: 0", "f(a)", "'text'", "a < b", "exp()", "1e400*a",
    "__import__('os')", "a @ b", "a ** b ** ", "[a]", "{a: a}", "a; b", "a\nb", "\x00", "where(a, b, c)",
    "True * a", "a := 1", "f'{a}'", "yield a", "await a", "not a", "a and b", "1j * a",
)  # fmt: skip
RESULTS = ("metrics.json", "ledger.json", "data.json", "environment.json", "history.csv", "metrics.csv", "config.yaml")
PARSED = ("metrics.json", "ledger.json", "history.csv", "metrics.csv")
DRAWN = ("metrics.csv", "history.csv", "simulation.nc", "parameters.nc")
CONTENTS = {
    "empty": "", "list": "[]", "null": "null", "deep": "[" * 100_000, "number": "1", "words": "a,b\n1,2\n",
    "script": '{"test": {"<script>alert(1)</script>": {"median": "<script>"}}}', "nan": '{"test": {"nse": {"median": NaN}}}',
    "header twice": "seed,phase,step,loss,seconds,validation\n" * 2, "nul": "\0", "surrogate": '{"test": "\\ud800"}',
    "wrong kinds": json.dumps({"test": {"nse": {"median": [], "interval": {}, "n": "x"}}, "seeds": {}, "targets": []}),
    "more wrong kinds": json.dumps({"test": [], "hidden": [], "recovery": 3, "inflows": [], "residual": {}, "seeds": [{"nse": []}]}),
    "scores": "basin,latitude,longitude,nse,kge,log_nse\n01013500,inf,nan,1e308,-1e308,x\n02056900,-1e308,1e308,inf,nan,\n",
    "history": "seed,phase,step,loss,gradient,validation,seconds\n0,refit,2,inf,nan,-inf,1e308\n0,refit,2,-1,0,1e308,x\n",
}  # fmt: skip
INSTEAD: dict[str, Callable[[Path], Any]] = {
    "missing": lambda path: path.unlink(),
    "folder": lambda path: path.unlink() or path.mkdir(),
    "link to itself": lambda path: path.unlink() or path.symlink_to(path),
    "a device": lambda path: path.unlink() or path.symlink_to("/dev/zero"),
}


def cases(sound: Path, scratch: Path) -> Iterator[Case]:
    """(kind, name, what is done, None for a refusal or what judges the content)."""
    yield from _configs(sound, scratch)
    yield from _formulas()
    yield from _models(sound, scratch)
    yield from _folders(sound, scratch)
    yield from _commands(sound, scratch)


def ready(path: Path, changes: tuple[str, ...] = ()) -> Any:
    """A config as far as `dgeo train` takes it before the first step."""
    from dgeo.training.run import begin_run, open_run
    from dgeo.training.session import Session

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
    path, own = scratch / "bad.yaml", scratch / "bad_own.yaml"

    def read(text: str | bytes, reader: Callable[[Path], Any]) -> Callable[[], Any]:
        def use() -> Any:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            return reader(path)

        return use

    from dgeo.contrast.experiment import read_contrast
    from dgeo.experiments import setting_named
    from dgeo.surrogate import read_surrogate_config

    readers = {
        "config": training.read_config,
        "config of a surrogate": read_surrogate_config,
        "config of a PINN": read_contrast,
        "data set of a study": lambda path: setting_named(str(path), "full"),
    }
    for kind, reader in readers.items():
        for name, text in TEXTS.items():
            yield kind, name, read(text, reader), OK if (kind, name) == ("config of a PINN", "nothing") else None
        for name, place in (("missing", "nowhere.yaml"), ("folder", "run"), ("without end", "/dev/zero.yaml")):
            target = Path("/dev/zero") if "zero" in place else scratch / place
            if kind != "data set of a study" or target.suffix:
                yield kind, name, (lambda reader=reader, target=target: reader(target)), None
    sections = material.content(scratch)
    for change in SETS:
        yield "--set", change[:60], (lambda change=change: ready(scratch / "run.yaml", (change,))), None
    for change in GOOD_SETS:
        yield "--set", change, (lambda change=change: ready(scratch / "run.yaml", (change,))), OK
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
        yield "config", name, read(text, ready), OK
    for change in (
        "model.components",
        "model.components=",
        "model.components=[1",
        "model.components=3",
        "a=&a [*a]",
        "=[1]",
    ):
        vary = lambda change=change: training.variations(scratch / "run.yaml", scratch, (), [change])
        yield "--vary", change, vary, None
    same = lambda: training.variations(scratch / "run.yaml", scratch, (), ["data.file=[a/x.nc, b/x.nc]"])
    yield "--vary", "two runs of one name", same, None
    out = lambda: training.variations(scratch / "run.yaml", scratch / "v", (), ["data.root=['../../x', '/etc', '..']"])
    inside = lambda runs: (
        "" if all(path.resolve().parent == (scratch / "v").resolve() for path in runs) else str(list(runs))
    )
    yield "--vary", "paths as values", out, inside


def _formulas() -> Iterator[Case]:
    for text in FORMULAS:
        yield "formula", repr(text[:40]), (lambda text=text: expression_law(text)), None


def _rewritten(path: Path, to: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """A safetensors file with other metadata, and a checksum that fits."""
    from dgeo.numerics import storage

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
            "recipe": {**m["recipe"], "laws": [{"slots": ["recharge"], "inputs": ["soil_moisture"], "width": 1024, "depth": 20, "per_basin": True}]},
        },
        "version of tomorrow": _set("dgeo_model", value=99),
    }  # fmt: skip
    harmless = {"no notes", "notes a list"}
    for name, change in changes.items():

        def use(change: Any = change) -> Any:
            _rewritten(model, bad, change)
            return load(bad)

        yield "model", name, use, OK if name in harmless else None
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
        from dgeo.numerics import read_tree

        first = load(model)
        carries, _ = read_tree(state, {"seed_0": first.initial_carry(3)})
        import jax

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
    pickled = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."
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
    fine = lambda page: "a script" if "<script>" in page else ""

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
        gone = lambda run, name=name: shutil.rmtree(run / name) or (run / name).write_text("x")
        again = lambda gone=gone: _again(_fresh_run(sound, scratch, gone))
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
    names = [scratch / name for name in ("[/bold] x.nc", "[red]x.nc", "a\nb.nc", "é.nc", "<script>.nc")]
    for out in names:
        words = ("simulate", str(run), "--out", str(out), "--end", "2001-01-05")
        yield "command", f"simulate --out {out.name!r}", (lambda words=words: typed(*words)), OK
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

        yield "command", f"{command} of a folder in brackets", use, OK
    for text in (
        "[]",
        "{}",
        '{"test": {"nse": {}}}',
        '{"test": []}',
        '{"test": {"nse": {"median": "x", "interval": 3}}}',
    ):

        def info(text: str = text) -> Any:
            return typed("info", str(_fresh_run(sound, scratch, lambda run: (run / "metrics.json").write_text(text))))

        yield "command", f"info of metrics {text[:30]}", info, None if text == "[]" else OK
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
    """A run whose basins are named like paths, markup and HTML: nothing lies outside its folder, no script in its page."""
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
