"""The hunt (see the head of the package)."""

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "1")  # commands would ask for more when it is too late

import jax
import numpy as np

from benchmarks.bad_inputs import config_cases, data_cases, material, run_cases
from benchmarks.bad_inputs.targets import TARGETS, Target
from dgeo.errors import DgeoError

MEMORY = 12 * 2**30  # bytes of address space, of which JAX takes some
LIMIT = 20  # seconds of this process
VERDICTS = ("answered", "right", "wrong", "crashed")
Examples = list[dict[str, str]]


class Late(Exception):
    """No answer in time."""


def _late(number: int, frame: Any) -> None:
    raise Late(f"no answer within {LIMIT} s")


def answer(use: Callable[[], Any], judge: Callable[[Any], str]) -> tuple[str, str]:
    """The verdict on one input, and what was said."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        found = use()
    except DgeoError as error:
        sentence = str(error)
        fine = sentence.isprintable() and len(sentence) < 1500 and sentence.strip() != ""
        return ("answered" if fine else "wrong"), sentence
    except (Exception, Late) as error:
        place = traceback.extract_tb(error.__traceback__)
        own = next((frame for frame in reversed(place) if "/dgeo/" in frame.filename), place[-1])
        return "crashed", f"{type(error).__name__}: {error} at {Path(own.filename).name}:{own.lineno}"[:400]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    wrong = judge(found)
    return ("wrong", wrong) if wrong else ("right", "")


def damaged(target: Target, sound: Path, scratch: Path, count: int, seed: int) -> tuple[Counter[str], Examples]:
    """Damage the files of a target by chance, one after another."""
    random = np.random.default_rng([seed, sum(target.name.encode())])
    expected = target.use(sound)
    assert not target.judge(expected, expected), f"{target.name}: {target.judge(expected, expected)}"
    paths = sorted({path for pattern in target.files for path in sound.glob(pattern) if path.is_file()})
    counts: Counter[str] = Counter()
    bad: Examples = []
    for number in range(max(count // target.every, 1)):
        path = paths[int(random.integers(len(paths)))].relative_to(sound)
        way = target.ways[int(random.integers(len(target.ways)))]
        content = way((sound / path).read_bytes(), random)
        (scratch / path).write_bytes(content)
        verdict, said = answer(lambda: target.use(scratch), lambda found: target.judge(found, expected))
        counts[verdict] += 1
        if verdict in ("wrong", "crashed"):
            bad.append({"file": target.name, "way": f"{path}, {way.__name__}, {number}", "said": said})
            print(f"{verdict} {bad[-1]}", flush=True)
        (scratch / path).unlink(missing_ok=True)
        shutil.copy2(sound / path, scratch / path)
    return counts, bad


def known(sound: Path, scratch: Path, only: list[str]) -> tuple[dict[str, Counter[str]], Examples]:
    """The inputs that are bad in a known way; `expected` is a refusal (None) or what judges the content."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    bad: Examples = []
    for kind, name, use, expected in chain(
        *(module.cases(sound, scratch) for module in (config_cases, run_cases, data_cases))
    ):
        if not any(words in kind for words in only):
            continue
        judge = (lambda found: "accepted, and should not be") if expected is None else expected
        verdict, said = answer(use, judge)
        if verdict == "answered" and expected is not None:
            verdict, said = "wrong", f"refused, and should not be: {said}"
        counts[f"{kind}, by name"][verdict] += 1
        if verdict in ("wrong", "crashed"):
            print(f"{verdict} {kind}: {name}: {said[:300]}", flush=True)
            bad.append({"file": kind, "way": name, "said": said})
    for kind, row in counts.items():
        print(f"{kind:28}", *(f"{row[verdict]:6} {verdict}" for verdict in VERDICTS), flush=True)
    return counts, bad


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bad_inputs")
    parser.add_argument("--examples", type=int, default=200, help="damaged files of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[""], help="readers whose name contains one of these")
    parser.add_argument("--json", type=Path, default=None, help="a file for the counts; rows of another run stay in it")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _late)
    warnings.simplefilter("ignore")
    jax.config.update("jax_platforms", "cpu")
    with tempfile.TemporaryDirectory() as place:
        sound, scratch = Path(place) / "sound", Path(place) / "scratch"
        sound.mkdir()
        material.build(sound)
        shutil.copytree(sound, scratch)
        (scratch / "run.yaml").write_text((sound / "run.yaml").read_text().replace(str(sound), str(scratch)))
        rows, bad = known(sound, scratch, arguments.only)
        shutil.rmtree(scratch)
        shutil.copytree(sound, scratch)
        for path in ("run.yaml", "own.yaml"):
            for folder in (sound, scratch):
                text = (folder / path).read_text().replace(str(sound / "data.nc"), "data.nc")
                (folder / path).write_text(text)
        for target in TARGETS:
            if any(words in target.name for words in arguments.only):
                rows[target.name], found = at(
                    scratch, damaged, target, sound, scratch, arguments.examples, arguments.seed
                )
                bad += found
                print(
                    f"{target.name:28}",
                    *(f"{rows[target.name][verdict]:6} {verdict}" for verdict in VERDICTS),
                    flush=True,
                )
    before = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    rows = before.get("rows", {}) | {name: dict(row) for name, row in rows.items()}
    bad = [one for one in before.get("bad", []) if not any(words in one["file"] for words in arguments.only)] + bad
    total = sum((Counter(row) for row in rows.values()), Counter())
    print(f"{'all':28}", *(f"{total[verdict]:6} {verdict}" for verdict in VERDICTS))
    if arguments.json is not None:
        content = {
            "examples": arguments.examples,
            "seed": arguments.seed,
            "total": dict(total),
            "rows": rows,
            "bad": bad,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n")
    sys.exit(bool(total["wrong"] + total["crashed"]))


def at(folder: Path, call: Callable[..., Any], *given: Any) -> Any:
    """Call something from within a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return call(*given)
    finally:
        os.chdir(before)


if __name__ == "__main__":
    main()
