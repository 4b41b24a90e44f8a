"""Calibration by an evolution strategy: each basin by itself, all basins at once.

CMA-ES draws candidates from a normal distribution about a mean, and moves mean and covariance towards the better ones
(Hansen 2016, arXiv:1604.00772; the package `cmaes`). Numbers are sought in the unbounded z of parameters, from their
defaults. What a basin keeps is, among the successive best candidates on the training days, the one with the best NSE
on the validation years; without these, the last.
"""

import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, save
from dgeo.numerics import read_tree, write_tree
from dgeo.training.arrays import day_mask, targets_of
from dgeo.training.config import EvolutionConfig
from dgeo.training.losses import LOSSES
from dgeo.training.population import Observed, Population
from dgeo.training.processes import is_first
from dgeo.training.progress import Row, Watch
from dgeo.training.records import write_csv
from dgeo.training.series import Resident
from dgeo.training.session import Session

WORST = 1e6  # stands for a loss that is not finite


class Best:
    """What each basin keeps so far."""

    def __init__(self, z: Float[np.ndarray, "basin number"]) -> None:
        """Start with the first candidates, which nobody has scored."""
        self.z = z.copy()
        self.loss = np.full(len(z), np.inf)
        self.validation = np.full(len(z), -np.inf)

    def see(self, candidates: np.ndarray, loss: np.ndarray, validation: np.ndarray) -> None:
        """Take over what is better in training, if it is no worse in validation where there is any."""
        rows, place = np.arange(len(loss)), loss.argmin(axis=1)
        found, tested = loss[rows, place], validation[rows, place]
        better = found < self.loss
        kept = better & (np.isnan(tested) | (tested >= self.validation))
        self.loss = np.where(better, found, self.loss)
        self.validation = np.where(kept & np.isfinite(tested), tested, self.validation)
        self.z[kept] = candidates[rows, place][kept]

    def row(self) -> dict[str, Any]:
        """The medians over basins."""
        known = self.validation[np.isfinite(self.validation)]
        return {"loss": float(np.median(self.loss)), "validation": float(np.median(known)) if len(known) else None}


class Scores:
    """The scores of all candidates so far, [generation, basin, candidate], and the seconds at which they were known.

    Candidates follow from the seed and earlier scores, so these are all that a killed evolution needs: it asks for the
    same candidates again, bit for bit, and simulates none of them.
    """

    def __init__(self, path: Path, fingerprint: str, shape: tuple[int, int, int]) -> None:
        """Read what the checkpoint holds, if there is one; raises `DgeoError` for one of another run."""
        self.path, self.fingerprint, self.done = path, fingerprint, 0
        self.loss, self.validation, self.seconds = np.zeros(shape), np.zeros(shape), np.zeros(shape[0])
        if path.exists():
            with jax.enable_x64(True):
                tree, metadata = read_tree(path, self.tree)
            if metadata.get("fingerprint") != fingerprint:
                raise DgeoError(
                    f"{path} belongs to another config or other data; restore them, or calibrate into a new folder."
                )
            self.loss, self.validation, self.seconds = (np.array(part) for part in tree)
            self.done = int(metadata["done"])
        self.began = time.perf_counter() - (self.seconds[self.done - 1] if self.done else 0.0)

    @property
    def tree(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a checkpoint holds."""
        return self.loss, self.validation, self.seconds

    def add(self, loss: np.ndarray, validation: np.ndarray) -> None:
        """The scores of the next generation."""
        self.loss[self.done], self.validation[self.done] = loss, validation
        self.seconds[self.done] = time.perf_counter() - self.began
        self.done += 1

    def write(self) -> None:
        """The checkpoint."""
        if is_first():
            write_tree(self.path, self.tree, {"fingerprint": self.fingerprint, "done": self.done})


def evolve(session: Session, settings: EvolutionConfig, watch: Watch) -> dict[int, Hybrid]:
    """Calibrate every seed of a run; writes its models, checkpoints and history, as training does."""
    population, rows = _population(session), list[Row]()
    return {s: _evolved(session, population, settings, s, rows, watch) for s in session.config.training.seeds}


def _evolved(
    session: Session, population: Population, settings: EvolutionConfig, seed: int, rows: list[Row], watch: Watch
) -> Hybrid:
    strategies = [_strategy(first, settings, seed, basin) for basin, first in enumerate(population.first)]
    shape = (settings.generations, len(strategies), strategies[0].population_size)
    path = session.folder / "checkpoints" / f"evolution_seed_{seed}.safetensors"
    best, scores = Best(population.first), Scores(path, session.fingerprint, shape)
    try:
        for generation in range(settings.generations):
            candidates = np.stack([[one.ask() for _ in range(one.population_size)] for one in strategies])
            known = generation < scores.done
            if not known:
                scores.add(*population.scores(candidates))
            best.see(candidates, scores.loss[generation], scores.validation[generation])
            rows.append(_row(seed, generation, best, scores))
            if not known:
                watch({**rows[-1], "steps": settings.generations, "run": session.folder.name})
            _tell(strategies, candidates, scores.loss[generation])
            if not known and (scores.done % settings.record_every == 0 or scores.done == settings.generations):
                _record(session, scores, rows)
    except KeyboardInterrupt:
        _record(session, scores, rows)
        place = f"generation {scores.done} of seed {seed}"
        raise DgeoError(f"Interrupted at {place}; nothing is lost: continue with --resume.") from None
    model = population.chosen(best.z)
    if is_first():
        notes = {"seed": seed, "basins": session.basins}
        save(session.folder / "models" / f"seed_{seed}.safetensors", model, session.config.recipe, notes)
    return model


def _tell(strategies: list[Any], candidates: np.ndarray, loss: np.ndarray) -> None:
    for one, z, value in zip(strategies, candidates, loss, strict=True):
        if not one.should_stop():
            one.tell(list(zip(z, np.minimum(value, WORST), strict=True)))


def _row(seed: int, generation: int, best: Best, scores: Scores) -> Row:
    row = {"seed": seed, "phase": "evolution", "step": generation + 1, **best.row(), "gradient": None}
    evaluations = (generation + 1) * scores.loss.shape[2]
    return row | {"seconds": round(float(scores.seconds[generation]), 2), "evaluations": evaluations}


def _record(session: Session, scores: Scores, rows: list[Row]) -> None:
    scores.write()
    if is_first():
        write_csv(session.folder / "history.csv", rows)


def _population(session: Session) -> Population:
    """All training days after the warm-up, with those of the validation apart."""
    config, series = session.config, session.series
    if not isinstance(series, Resident):
        raise DgeoError("Evolution holds all series in memory; give data.source another value than zarr.")
    split, dataset = config.split, session.dataset
    after = np.arange(dataset.sizes["time"]) >= config.training.warmup
    seen = day_mask(dataset, split.train, split.validation) & after
    held = np.zeros_like(seen) if split.validation is None else day_mask(dataset, split.validation) & after
    days = slice(0, int(np.flatnonzero(seen | held)[-1]) + 1)
    target = next(iter(config.training.targets))
    training, validation = (targets_of(dataset, (target,), mask)[target][days] for mask in (seen, held))
    scale = LOSSES[config.training.targets[target].loss].scale(training)
    inputs = session.inputs(days)
    return Population(session.start(config.training.seeds[0]), config, inputs, Observed(training, validation, scale))


def _strategy(first: Float[np.ndarray, " number"], settings: EvolutionConfig, seed: int, basin: int) -> Any:
    try:
        from cmaes import CMA
    except ImportError as error:
        raise DgeoError("Calibration by evolution needs the package cmaes: pip install 'dgeo[evolution]'.") from error
    state = int(np.random.SeedSequence([seed, basin]).generate_state(1)[0])
    return CMA(mean=first.astype(float), sigma=settings.step_size, seed=state, population_size=settings.population)
