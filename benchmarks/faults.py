"""Training under faults: kill −9, full disks, folders that cannot be written, two processes, clocks, damage, NaN.

    python benchmarks/faults.py [--kills 100] [--tries 12] [--seed 0] [--json benchmarks/results/faults.json]

A small hybrid is trained (steps chosen on validation years, then a refit) and evaluated, undisturbed, by a process of
its own. Then the same is done under each fault, by processes that are forked from this one, which has loaded everything
and computed nothing. A kill comes

- at any moment of the process (a fifth of them),
- at any moment from the first step of the training to the end of the evaluation (two fifths), or
- at a stage of a random write (two fifths): with half of the file written, before it is flushed, before it is moved
  into place, after that.

After each kill every file that is there under its own name must be whole; the run then goes on with `--resume` under
the next kill, until it has finished. Finished runs must equal the undisturbed one bit for bit: models, history (but for
seconds), scores, simulated series. After any other fault the run must have ended with one sentence or finished, and
must, once the fault is gone, finish with the same bits.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax
import numpy as np
import yaml
from fault_child import SENTENCE, Child, sections
from fault_kinds import (
    STAGES,
    Fault,
    as_nobody,
    backwards,
    full,
    killed_while_writing,
    poisoned_data,
    poisoned_weights,
)
from fault_results import difference, endless, outcome, whole

from dgeo import virtual


class Bench:
    """The undisturbed run, and what each fault is measured by."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, np.random.default_rng(seed)
        self.config = folder / "run.yaml"
        self.config.write_text(yaml.safe_dump(sections(folder)))
        pid = os.fork()  # nothing is computed in this process, which is to be forked
        if pid == 0:
            virtual.basins(count=4, years=3, seed=1, gaps=0.05).dataset.to_netcdf(folder / "data.nc", engine="h5netcdf")
            os._exit(0)
        os.waitpid(pid, 0)
        for name in ("first", "whole"):  # the second finds everything compiled
            child = Child(self.config, folder / name)
            assert child.end() == 0, child.words
        self.seconds = child.seconds
        self.expected = outcome(folder / "whole")
        self.writes = 8 + 4 * 12 + 6  # about: files of a run, two phases of twelve checkpoints and histories
        assert not difference(folder / "first", self.expected), difference(folder / "first", self.expected)

    def finished(self, run: Path) -> str:
        """What is wrong with a run after it has gone on undisturbed; nothing if none."""
        child = Child(self.config, run)
        code = child.end()
        wrong = difference(run, self.expected) if code == 0 else f"exit code {code}: {child.words}"
        if not wrong:
            shutil.rmtree(run)
        return wrong


def kills(bench: Bench, count: int, chain: int) -> dict[str, Any]:
    """Runs under one kill after another."""
    moments: Counter[str] = Counter()
    wrong: list[str] = []
    finished, number, run = 0, 0, bench.folder / f"killed_{chain}_0"
    while sum(moments.values()) < count:
        kind = ("any moment", "training", "training", "writing", "writing")[int(bench.random.integers(5))]
        stage = STAGES[int(bench.random.integers(4))]
        if kind == "writing":
            child = Child(
                bench.config, run, killed_while_writing(1 + int(bench.random.integers(bench.writes // 3)), stage)
            )
        else:
            child = Child(bench.config, run)
            if kind == "any moment" or child.training_began():
                time.sleep(float(bench.random.random()) * bench.seconds * (1 if kind == "any moment" else 0.6))
            child.kill()
        code = child.end()
        if sum(moments.values()) % 10 == 9:
            print(chain, dict(moments), finished, wrong[-3:], flush=True)
        if code == -signal.SIGKILL:
            moments[f"writing, {stage}" if kind == "writing" else kind] += 1
            wrong += whole(run)
        elif code:
            wrong.append(f"{kind}: exit code {code}: {child.words}")
        if code == 0 or (run / "metrics.json").exists():
            wrong += [found] if (found := bench.finished(run)) else []
            finished += 1
            number += 1
            run = bench.folder / f"killed_{chain}_{number}"
    wrong += [found] if (found := bench.finished(run)) else []
    return {"kills": sum(moments.values()), "moments": dict(moments), "finished": finished + 1, "wrong": wrong}


def others(bench: Bench, tries: int) -> dict[str, Any]:
    """All faults but kills; each row counts how the runs ended, and what was wrong."""
    rows: dict[str, Any] = {}

    def count(name: str, code: int, child: Child, wrong: str) -> None:
        row = rows.setdefault(name, {"sentence": 0, "finished": 0, "wrong": [], "said": ""})
        row["said"] = child.words if code == SENTENCE else row["said"]
        row["sentence"] += code == SENTENCE
        row["finished"] += code == 0
        if code not in (0, SENTENCE):
            wrong = f"exit code {code}: {child.words}"
        row["wrong"] += [wrong] if wrong else []
        print(f"{name}: exit code {code} {wrong[-300:]}", flush=True)

    def tried(name: str, number: int, fault: Fault, before: Callable[[Path], Any] = nothing, same: bool = True) -> None:
        run = bench.folder / f"{name} {number}".replace(" ", "_")
        before(run)
        child = Child(bench.config, run, fault, slow=0)
        code = child.end()
        count(name, code, child, "; ".join(whole(run)) or (bench.finished(run) if same else endless(run)))

    largest = max(path.stat().st_size for path in (bench.folder / "whole").rglob("*"))
    for number in range(tries):
        tried("disk full", number, full(int(bench.random.integers(16, largest))))
        tried("clock runs backwards", number, backwards, half_way(bench))
        name = ("precipitation", "temperature", "streamflow", "aridity")[number % 4]
        value = (np.nan, np.inf, -np.inf)[number % 3]
        day, basin = int(bench.random.integers(700)), int(bench.random.integers(4))
        tried("NaN or infinity in the data", number, poisoned_data(name, value, day, basin), same=False)
        tried("NaN or infinity in the weights", number, poisoned_weights(1 + int(bench.random.integers(20)), value))
    for number in range(max(tries // 4, 1)):
        tried("folder cannot be written", number, as_nobody, half_way(bench))
        two(bench, number, count)
    damage(bench, tries, count)
    return rows


def nothing(run: Path) -> None:
    """No preparation."""


def half_way(bench: Bench) -> Callable[[Path], None]:
    """A run that was killed after some calls of its training."""

    def prepare(run: Path) -> None:
        child = Child(bench.config, run)
        for _ in range(2 + int(bench.random.integers(12))):
            if not child.training_began():
                break
        child.kill()
        child.end()
        run.chmod(0o755)

    return prepare


def two(bench: Bench, number: int, count: Callable[..., None]) -> None:
    """A second process in the folder of one that trains: the second is refused, the first not disturbed."""
    run = bench.folder / f"two_{number}"
    first = Child(bench.config, run, slow=0.3)
    first.training_began()
    second = Child(bench.config, run)
    code = second.end()
    wrong = "the second was let in" if code == 0 else ""
    wrong += "" if first.end() == 0 else first.words
    count("two processes in one folder", code, second, wrong or bench.finished(run))


def damage(bench: Bench, tries: int, count: Callable[..., None]) -> None:
    """Files of an interrupted run, damaged: a sentence, or the same result."""
    ways: dict[str, Callable[[Path], Any]] = {
        "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        "empty": lambda path: path.write_bytes(b""),
        "one bit flipped": lambda path: path.write_bytes(flipped(path.read_bytes(), bench.random)),
        "missing": lambda path: path.unlink(),
        "a folder": lambda path: path.unlink() or path.mkdir(),
    }
    template = bench.folder / "interrupted"
    half_way(bench)(template)
    files = sorted(p.relative_to(template) for p in template.rglob("*") if p.is_file() and p.name[0] != ".")
    for number in range(4 * tries):
        run, name = bench.folder / f"damaged_{number}", files[number % len(files)]
        way = list(ways)[int(bench.random.integers(len(ways)))]
        shutil.copytree(template, run)
        ways[way](run / name)
        child = Child(bench.config, run, slow=0)
        code = child.end()
        wrong = difference(run, bench.expected) if code == 0 else ""
        count(f"{name.name} damaged", code, child, f"{way}: {wrong}" if wrong else "")
        shutil.rmtree(run)


def flipped(content: bytes, random: np.random.Generator) -> bytes:
    at = int(random.integers(len(content)))
    return content[:at] + bytes([content[at] ^ (1 << int(random.integers(8)))]) + content[at + 1 :]


def at_once(bench: Bench, arguments: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Chains of kills and the other faults, each in a process of its own."""
    chains, share = arguments.chains, -(-arguments.kills // arguments.chains)
    jobs = [lambda chain=chain: kills(bench, share, chain) for chain in range(chains if share else 0)]
    jobs += [lambda: others(bench, arguments.tries)] if arguments.tries else []
    pids = []
    for number, job in enumerate(jobs):
        pids.append(os.fork())
        if pids[-1] == 0:
            bench.random = np.random.default_rng([arguments.seed, number])
            (bench.folder / f"job_{number}.json").write_text(json.dumps(job()))
            os._exit(0)
    for pid in pids:
        os.waitpid(pid, 0)
    found = [json.loads((bench.folder / f"job_{number}.json").read_text()) for number in range(len(jobs))]
    rows = found.pop() if arguments.tries else {}
    moments = sum((Counter(part["moments"]) for part in found), Counter())
    numbers = {name: sum(part[name] for part in found) for name in ("kills", "finished")}
    killed = numbers | {"moments": dict(moments), "wrong": [wrong for part in found for wrong in part["wrong"]]}
    print(json.dumps(killed, indent=1), flush=True)
    return killed, rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--tries", type=int, default=12, help="of each other fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chains", type=int, default=1, help="of kills, side by side, and beside the other faults")
    parser.add_argument("--json", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        (Path(place) / "compiled").mkdir(mode=0o777)
        jax.config.update("jax_compilation_cache_dir", f"{place}/compiled")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        bench = Bench(Path(place), arguments.seed)
        print(f"undisturbed: {bench.seconds:.1f} s, {len(bench.expected)} things to be the same", flush=True)
        killed, rows = at_once(bench, arguments)
    for name, row in rows.items():
        numbers = f"{row['sentence']:4} sentence {row['finished']:4} finished {len(row['wrong']):4} wrong"
        print(f"{name:34} {numbers}  {row['said'][:200]}")
        for wrong in row["wrong"][:5]:
            print("   ", wrong)
    if arguments.json is not None:
        content = {"seed": arguments.seed, "kill": killed, "faults": rows}
        text = json.dumps(content, indent=1).replace(place, "FOLDER")
        arguments.json.write_text(text + "\n")
    sys.exit(bool(killed["wrong"] or any(row["wrong"] for row in rows.values())))


if __name__ == "__main__":
    main()
