"""Is it worth learning how to fuse forcing products? On virtual basins, whose products have known errors.

    python benchmarks/forcing_fusion.py --json forcing_fusion.json
    python benchmarks/forcing_fusion.py --real /path/to/basins_in_the_official_layout --attributes /path/to/tables

Trains HBV with static parameters from attributes, same budget, on: each product alone; the mean of the products; their
mean weighted by the inverse error variances of triple collocation, which needs no streamflow (all days, all basins);
the first product corrected; the learned fusion; fusion and correction; and, out of reach outside virtual basins, the
products with the best weights there are, and the true forcing.

Scores are medians of NSE over basins in years that were not trained on, of basins trained on and of basins never seen,
mean (range) over the seeds. Learned weights are compared with those of least squared error of daily precipitation and
of its thirty-day means (a catchment averages over days), learned corrections with those that the true forcing asks for.

With `--real` the four basins that have Daymet, Maurer and NLDAS are fitted instead: three years, so the scores are
those of the years trained on, and say how well a model can be fitted, not how well it predicts.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import numpy as np
import xarray as xr

from dgeo import data, virtual
from dgeo.data.collocation import triple_collocation
from dgeo.data.products import read_products
from dgeo.hybrid import Hybrid, Recipe, build
from dgeo.hybrid.forcing_recipe import ForcingRecipe, build_forcing
from dgeo.metrics import nse
from dgeo.training import Member, Sampler, Task, Trainer, fit, potential_evapotranspiration, run, to_arrays
from dgeo.training.config import OptimiserConfig, TrainingConfig
from dgeo.training.devices import use_all_cores
from dgeo.training.step import objective

VARIABLES = ("precipitation", "temperature")
FORCINGS = (*VARIABLES, "potential_evapotranspiration")
LAND = ("elev_mean", "slope_mean", "frac_forest", "aridity", "frac_snow", "p_seasonality", "soil_depth_statsgo",
        "sand_frac", "geol_permeability")  # fmt: skip
REAL_LAND = ("elev_mean", "slope_mean", "frac_forest", "aridity", "frac_snow")
CORRECT = {
    "precipitation": {"kind": "multiplicative", "low": 0.5, "high": 2.0},
    "temperature": {"kind": "additive", "low": -3.0, "high": 3.0},
}
WARMUP = 365


@dataclass(frozen=True)
class Problem:
    """Data, which of its basins and days train, and what the fusion is made of."""

    dataset: xr.Dataset
    products: tuple[str, ...]
    land: tuple[str, ...]
    trained: slice
    training_days: slice
    test_days: slice

    def fused(self, products: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """Variable → the names of its products."""
        return {variable: tuple(f"{variable}_{name}" for name in products) for variable in VARIABLES}


@dataclass(frozen=True)
class Case:
    """One row of the table: which forcing stands under the plain name, and what is learned about it."""

    name: str
    forcing: str | None = None
    fuse: tuple[str, ...] = ()
    correct: bool = False


def cases(problem: Problem, known: bool) -> list[Case]:
    """Every product, what needs no learning, what is learned, and what only a virtual world can tell."""
    single = [Case(f"product {name}", name) for name in problem.products]
    first = Case(f"product {problem.products[0]}, corrected", fuse=problem.products[:1], correct=True)
    learned = [Case("learned fusion", fuse=problem.products), Case("fusion, correction", None, problem.products, True)]
    told = [Case("best weights", "best weights"), Case("true forcing", "truth")] if known else []
    return [*single, Case("mean", "mean"), Case("triple collocation", "collocation"), first, *learned, *told]


def under_plain_names(problem: Problem, case: Case) -> xr.Dataset:
    """The dataset with the forcing of a case as `precipitation` and `temperature`; the truth is out of reach."""
    if case.forcing == "truth":
        return problem.dataset
    chosen = {}
    for variable, names in problem.fused(problem.products).items():
        products = np.stack([problem.dataset[name].values for name in names], axis=-1)
        truth = problem.dataset[variable]
        fused = np.sum(products * fixed_weights(case.forcing, problem, products, truth.values), axis=-1)
        chosen[variable] = truth.copy(data=fused.astype(np.float32))
    return problem.dataset.assign(chosen)


def fixed_weights(forcing: str | None, problem: Problem, products: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The weights [basin, product] of a case in which none are learned; equal ones where nothing reads them."""
    if forcing in problem.products:
        return np.tile(np.equal(problem.products, forcing).astype(float), (truth.shape[1], 1))
    if forcing == "collocation":
        precision = 1 / triple_collocation(products)
        return precision / precision.sum(-1, keepdims=True)
    if forcing == "best weights":
        return virtual.optimal_weights(products[problem.training_days], truth[problem.training_days])
    return np.full((truth.shape[1], len(problem.products)), 1 / len(problem.products))


def fresh(problem: Problem, case: Case, seed: int) -> Hybrid:
    """The model of a case before training."""
    means = data.statistics(problem.dataset.isel(basin=problem.trained), problem.land)
    recipe = Recipe(attributes=problem.land, components=1, static={"width": 32, "depth": 1, "spread": 0.0})
    model = build(recipe, means, jax.random.key(seed))
    if not case.fuse:
        return model
    correct = CORRECT if case.correct else {}
    forcing = ForcingRecipe(fuse=problem.fused(case.fuse), correct=correct, attributes=problem.land, width=16)
    return replace(model, forcing=build_forcing(forcing, means, jax.random.key(seed + 1000)))


def series(problem: Problem, case: Case) -> tuple[str, ...]:
    """The series that the model of a case reads."""
    products = [name for names in problem.fused(case.fuse).values() for name in names]
    return (*FORCINGS, *products)


class Bench:
    """Trains and scores; cases of one structure share a compilation."""

    def __init__(self, problem: Problem, config: TrainingConfig) -> None:
        self.problem, self.config = problem, config
        self.trainers: dict[tuple[tuple[str, ...], bool], Trainer] = {}

    def fit(self, case: Case, seed: int) -> Hybrid:
        """The model after all steps."""
        problem, config = self.problem, self.config
        model = fresh(problem, case, seed)
        trainer = self.trainers.setdefault((case.fuse, case.correct), Trainer(model, config))
        part = under_plain_names(problem, case).isel(basin=problem.trained, time=problem.training_days)
        arrays = to_arrays(part, series(problem, case), problem.land, ("streamflow",), objective(config.targets))
        sampler = Sampler.create(np.isfinite(part["streamflow"].values), config.warmup, config.window)
        with TemporaryDirectory() as folder:
            task = Task(case.name, seed, config.steps, Path(folder) / "checkpoint", "")
            return fit(trainer, [Member(model, arrays, sampler, task)])[0].model

    def score(self, model: Hybrid, case: Case) -> np.ndarray:
        """NSE of every basin over the test days, after all days before them."""
        inputs = to_arrays(under_plain_names(self.problem, case), series(self.problem, case), self.problem.land).inputs
        simulated, _ = run(model, inputs, ("streamflow",))
        observed = self.problem.dataset["streamflow"].values
        return nse(simulated["streamflow"][self.problem.test_days], observed[self.problem.test_days])


def ranks_agree(found: np.ndarray, wanted: np.ndarray) -> float:
    """Spearman's rank correlation of numbers without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (found, wanted)]
    return float(np.corrcoef(*ranks)[0, 1])


def agreement(found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Rank correlation across basins (mean over products), and mean absolute difference."""
    columns = zip(found.reshape(len(found), -1).T, wanted.reshape(len(wanted), -1).T, strict=True)
    return {
        "rank": float(np.mean([ranks_agree(*pair) for pair in columns])),
        "difference": float(np.abs(found - wanted).mean()),
    }


def learned(problem: Problem, model: Hybrid, case: Case) -> dict[str, dict[str, float]]:
    """How near weights and corrections came to the best ones, over all basins and the training days."""
    part = problem.dataset.isel(time=problem.training_days)
    inputs = to_arrays(part, series(problem, case), problem.land).inputs
    assert model.forcing is not None
    weights = {name: np.asarray(value)[0] for name, value in model.forcing.weights(inputs).items()}
    found = {}
    for days in (1, 30) if len(case.fuse) > 1 else ():
        coarse = part.coarsen(time=days, boundary="trim").mean()
        products = np.stack([coarse[name].values for name in problem.fused(case.fuse)["precipitation"]], axis=-1)
        best = virtual.optimal_weights(products, coarse["precipitation"].values)
        found[f"weights, best of {days} d"] = agreement(weights["precipitation"], best)
        found[f"equal weights, best of {days} d"] = {"difference": float(np.abs(best - 1 / best.shape[-1]).mean())}
    for name, factor in model.forcing.factors(inputs).items():
        fused = sum(weights[name][None, :, i] * part[x].values for i, x in enumerate(problem.fused(case.fuse)[name]))
        total, true = fused.mean(0), part[name].values.mean(0)
        wanted, none = (true / total, 1.0) if name == "precipitation" else (true - total, 0.0)
        found[f"correction of {name}"] = agreement(np.asarray(factor)[0], wanted)
        found[f"no correction of {name}"] = {"difference": float(np.abs(wanted - none).mean())}
    return found


def virtual_problem(count: int, unseen: int, years: int, test_years: int, seed: int) -> Problem:
    """Virtual basins with three products; the last `unseen` basins are never trained on."""
    world = virtual.basins(count=count, years=years, noise=0.1, seed=seed)
    made = virtual.products(world, seed=seed)
    split = np.flatnonzero(made.dataset["time"].values >= np.datetime64(f"{2000 + years - test_years}-10-01"))[0]
    names = tuple(str(name) for name in made.truth["product"].values)
    trained = slice(0, count - unseen)
    return Problem(made.dataset, names, LAND, trained, slice(0, split), slice(split, None))


def real_problem(folder: Path, attributes: Path) -> Problem:
    """Four basins, three years; the first is for the stores to fill."""
    dataset = read_products(folder, attributes=attributes)
    pet = potential_evapotranspiration(dataset, "hargreaves")
    dataset = dataset.assign(potential_evapotranspiration=pet)
    everything = slice(0, None)
    return Problem(dataset, ("daymet", "maurer", "nldas"), REAL_LAND, everything, everything, slice(WARMUP, None))


def table(scores: dict[str, dict[str, list[float]]]) -> None:
    """Mean over the seeds, and their range."""
    columns = list(next(iter(scores.values())))
    print(f"\n{'median NSE':24}" + "".join(f"{column:>28}" for column in columns))
    for name, groups in scores.items():
        cells = [f"{np.mean(v):.3f} ({min(v):.3f} to {max(v):.3f})" for v in groups.values()]
        print(f"{name:24}" + "".join(f"{cell:>28}" for cell in cells))


def table_of_learned(found: dict[str, list[dict[str, dict[str, float]]]]) -> None:
    """What was learned, against what is best: means over the seeds."""
    for case, seeds in found.items():
        print(f"\n{case}: against the best, mean over seeds")
        for name, entry in seeds[0].items():
            values = {key: np.mean([seed[name][key] for seed in seeds]) for key in entry}
            print(f"  {name:36}" + "   ".join(f"{key} {value:.3f}" for key, value in values.items()))


def main() -> None:
    """Print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--basins", type=int, default=80)
    parser.add_argument("--unseen", type=int, default=20)
    parser.add_argument("--years", type=int, default=6)
    parser.add_argument("--test-years", type=int, default=2)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=30)
    parser.add_argument("--rate", type=float, default=1e-2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--world", type=int, default=0)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--attributes", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    use_all_cores()
    began = time.perf_counter()
    if arguments.real:
        problem = real_problem(arguments.real, arguments.attributes)
    else:
        sizes = (arguments.basins, arguments.unseen, arguments.years, arguments.test_years)
        problem = virtual_problem(*sizes, arguments.world)
    config = TrainingConfig(
        optimiser=OptimiserConfig(learning_rate=arguments.rate),
        batch=4 if arguments.real else arguments.batch,
        warmup=WARMUP,
        steps=arguments.steps,
        validate_every=arguments.steps,
        checkpoint_every=arguments.steps,
    )
    print(f"problem made in {time.perf_counter() - began:.0f} s")
    scores, found = compare(problem, config, arguments.seeds, known=not arguments.real)
    table(scores)
    table_of_learned(found)
    print(f"\n{time.perf_counter() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps({"scores": scores, "learned": found}, indent=1) + "\n", encoding="utf-8")


def compare(
    problem: Problem, config: TrainingConfig, seeds: list[int], known: bool
) -> tuple[dict[str, dict[str, list[float]]], dict[str, list[dict[str, dict[str, float]]]]]:
    """Scores of every case, basin group and seed, and what was learned where the truth is known."""
    bench = Bench(problem, config)
    scores: dict[str, dict[str, list[float]]] = {}
    found: dict[str, list[dict[str, dict[str, float]]]] = {}
    groups = {"basins trained on": problem.trained}
    if problem.trained.stop is not None:
        groups["unseen basins"] = slice(problem.trained.stop, None)
    for case in cases(problem, known):
        began = time.perf_counter()
        for seed in seeds:
            model = bench.fit(case, seed)
            skill = bench.score(model, case)
            for group, members in groups.items():
                scores.setdefault(case.name, {}).setdefault(group, []).append(float(np.median(skill[members])))
            if known and case.fuse:
                found.setdefault(case.name, []).append(learned(problem, model, case))
            elif case.fuse:
                weights = model.forcing.weights(to_arrays(problem.dataset, series(problem, case), problem.land).inputs)
                print(case.name, {k: np.asarray(v)[0].astype(float).round(2).tolist() for k, v in weights.items()})
        print(f"{case.name}: {time.perf_counter() - began:.0f} s")
    return scores, found


if __name__ == "__main__":
    main()
