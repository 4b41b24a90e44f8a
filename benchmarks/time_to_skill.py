"""Skill on the test period against seconds of training, from checkpoints that are scored afterwards.

    DGEO_DATA=/path/to/data python benchmarks/time_to_skill.py benchmarks/configs/camels_us_static_fast.yaml

Trains the first seed of a config on its whole training period for all its steps, without looking at any other, keeps
a checkpoint of every call, and scores the test period with each when the training is over. Nothing is chosen by what
is seen there. Seconds are those of the training call, its compilation included.
"""

import argparse
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from dgeo import training
from dgeo.metrics import nse
from dgeo.training.arrays import day_mask
from dgeo.training.devices import use_all_cores
from dgeo.training.evaluate import simulate_test
from dgeo.training.progress import resume
from dgeo.training.session import Session
from dgeo.training.step import Trainer


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--every", type=int, default=5, help="score the checkpoints of every so many calls")
    parser.add_argument("--skill", type=float, default=0.70, help="the median NSE to reach")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    use_all_cores()
    once = ["split.validation=null", "training.refit=false"]
    config = training.read_config(options.config, once)
    config = training.read_config(
        options.config,
        [
            *once,
            f"training.seeds=[{config.training.seeds[0]}]",
            f"training.checkpoint_every={config.training.steps_per_call}",
        ],
    )
    dataset = training.load_dataset(config.data)
    with tempfile.TemporaryDirectory() as folder:
        kept = trained(config, dataset, Path(folder), options.every)
        rows = scored(config, dataset, Path(folder), kept)
    for row in rows:
        print(f"{row['step']:5d} steps, {row['seconds']:6.1f} s: median NSE {row['nse']:.3f}")
    first = next((row for row in rows if row["nse"] >= options.skill), None)
    print(f"NSE {options.skill}: " + ("not reached" if first is None else f"after {first['seconds']:.1f} s"))
    if options.json:
        options.json.write_text(json.dumps({"config": str(options.config), "rows": rows}, indent=2) + "\n")


def trained(config: training.Config, dataset: object, folder: Path, every: int) -> list[Path]:
    """Copies of the checkpoints; that of a call is written during the next."""
    kept: list[Path] = []
    checkpoint = folder / "run" / "checkpoints" / f"refit_seed_{config.training.seeds[0]}.safetensors"

    def keep(row: dict) -> None:
        if checkpoint.exists() and row["step"] // config.training.steps_per_call % every == 1 % every:
            kept.append(folder / f"{row['step']}.safetensors")
            shutil.copy(checkpoint, kept[-1])

    training.train(config, folder / "run", dataset=dataset, watch=keep)
    return [*kept, checkpoint]


def scored(config: training.Config, dataset: object, folder: Path, kept: list[Path]) -> list[dict]:
    """The median NSE of each checkpoint over the test period."""
    (folder / "score").mkdir()
    session = Session(config, folder / "score", dataset, {})
    member = session.final(config.training.seeds[0], config.training.steps)
    trainer = Trainer(member.model, config.training)
    case = trainer.case(member.model, member.source, member.sampler, member.task.seed, member.numbers)
    observed = session.dataset["streamflow"].values[day_mask(session.dataset, config.split.test)]
    rows = []
    for path in kept:
        found = resume(replace(member.task, checkpoint=path), trainer.start(member.model, case))
        model = trainer.model(found.state.weights, case)
        simulated, *_ = simulate_test(model, config, session.dataset, session.basins)
        score = float(np.nanmedian(nse(simulated["streamflow"], observed)))
        rows.append({"step": int(found.state.step), "seconds": found.progress.seconds, "nse": score})
    return rows


if __name__ == "__main__":
    main()
