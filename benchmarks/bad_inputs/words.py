"""Words for the cases: YAML, changes of a config, formulas and contents of result files that are bad in a known way."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(9)
)
TEXTS: dict[str, str | bytes] = {
    "alias bomb": BOMB + "data: *j\n",
    "alias bomb in a known key": BOMB + "data: {source: virtual, basins: *j}\n",
    "alias bomb of merges": "a: &a {x: 1}\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join([f'*{chr(97 + i)}'] * 20)}]}}\n" for i in range(9)),
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
}
SETS = (
    *Path(__file__).with_name("sets.txt").read_text(encoding="utf-8").splitlines(),
    "",
    "training.steps=" + "9" * 5000,
    f"training.start_from={'x' * 5000}",
    f"data.file={'x' * 5000}",
    f"data.units={{precipitation: m{'9' * 5000}}}",
)
GOOD_SETS = (
    "training.seeds=[3, 1]",
    "training.optimiser.learning_rate=1e-3",
    "split.test=[2002-10-01, 2003-09-30]",
    "training.steps=4",
    "model.components=2",
    "data.basins=['01013500', '02056900']",
    "training.patience=",
    "data.units={precipitation: mm/d}",
    "data.noise=1",
    "training.optimiser.options={b1: 0.8}",
)
FORMULAS = (
    "",
    "a" * 5000,
    "(" * 3000,
    "a if b else c",
    "a.b",
    "a[0]",
    "lambda: 0",
    "f(a)",
    "'text'",
    "a < b",
    "exp()",
    "1e400*a",
    "__import__('os')",
    "a @ b",
    "a ** b ** ",
    "[a]",
    "{a: a}",
    "a; b",
    "a\nb",
    "\x00",
    "where(a, b, c)",
    "True * a",
    "a := 1",
    "f'{a}'",
    "yield a",
    "await a",
    "not a",
    "a and b",
    "1j * a",
)
RESULTS = ("metrics.json", "ledger.json", "data.json", "environment.json", "history.csv", "metrics.csv", "config.yaml")
PARSED = ("metrics.json", "ledger.json", "history.csv", "metrics.csv")
DRAWN = ("metrics.csv", "history.csv", "simulation.nc", "parameters.nc")
CONTENTS = {
    "empty": "",
    "list": "[]",
    "null": "null",
    "deep": "[" * 100_000,
    "number": "1",
    "words": "a,b\n1,2\n",
    "script": '{"test": {"<script>alert(1)</script>": {"median": "<script>"}}}',
    "nan": '{"test": {"nse": {"median": NaN}}}',
    "header twice": "seed,phase,step,loss,seconds,validation\n" * 2,
    "nul": "\0",
    "surrogate": '{"test": "\\ud800"}',
    "wrong kinds": json.dumps({"test": {"nse": {"median": [], "interval": {}, "n": "x"}}, "seeds": {}, "targets": []}),
    "more wrong kinds": json.dumps({"test": [], "hidden": [], "recovery": 3, "inflows": [], "seeds": [{"nse": []}]}),
    "scores": "basin,latitude,longitude,nse,kge\n01013500,inf,nan,1e308,-1e308\n02056900,-1e308,1e308,inf,x\n",
    "history": "seed,phase,step,loss,validation,seconds\n0,refit,2,inf,-inf,1e308\n0,refit,2,-1,1e308,x\n",
}
INSTEAD: dict[str, Callable[[Path], Any]] = {
    "missing": lambda path: path.unlink(),
    "folder": lambda path: path.unlink() or path.mkdir(),
    "link to itself": lambda path: path.unlink() or path.symlink_to(path),
    "a device": lambda path: path.unlink() or path.symlink_to("/dev/zero"),
}
