"""Calibration by an evolution strategy: each basin by itself, all basins at once.

CMA-ES draws candidates from a normal distribution about a mean, and moves mean and covariance towards the better ones
(Hansen 2016, arXiv:1604.00772; the package `cmaes`). Numbers are sought in the unbounded z of parameters, from their
defaults. What a basin keeps is, among the successive best candidates on the training days, the one with the best NSE
on the validation years; without these, the last.
"""

import time
from typing import Any

import numpy as np
from jaxtyping import Float

from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, save
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


def evolve(session: Session, settings: EvolutionConfig, watch: Watch) -> dict[int, Hybrid]:
    """Calibrate every seed of a run; writes its models and history, as training does."""
    rows: list[Row] = []
    models = {}
    population = _population(session)
    try:
        for seed in session.config.training.seeds:
            models[seed] = _evolved(session, population, settings, seed, rows, watch)
    except KeyboardInterrupt:
        raise DgeoError(f"Interrupted after {len(rows)} generations; evolution is not resumed: run it again.") from None
    return models


def _evolved(
    session: Session, population: Population, settings: EvolutionConfig, seed: int, rows: list[Row], watch: Watch
) -> Hybrid:
    strategies = [_strategy(first, settings, seed, basin) for basin, first in enumerate(population.first)]
    best, began = Best(population.first), time.perf_counter()
    for generation in range(1, settings.generations + 1):
        candidates = np.stack([[one.ask() for _ in range(one.population_size)] for one in strategies])
        loss, validation = population.scores(candidates)
        for one, z, value in zip(strategies, candidates, loss, strict=True):
            if not one.should_stop():
                one.tell(list(zip(z, np.minimum(value, WORST), strict=True)))
        best.see(candidates, loss, validation)
        row = {"seed": seed, "phase": "evolution", "step": generation, **best.row(), "gradient": None}
        row |= {"seconds": round(time.perf_counter() - began, 2), "evaluations": generation * candidates.shape[1]}
        rows.append(row)
        watch({**row, "steps": settings.generations, "run": session.folder.name})
        if generation % settings.record_every == 0 or generation == settings.generations:
            _record(session, rows)
    model = population.chosen(best.z)
    if is_first():
        notes = {"seed": seed, "basins": session.basins}
        save(session.folder / "models" / f"seed_{seed}.safetensors", model, session.config.recipe, notes)
    return model


def _record(session: Session, rows: list[Row]) -> None:
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
