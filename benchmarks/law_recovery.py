"""Can a law that no textbook has be learned from streamflow alone? In virtual basins, where the law is known.

    python benchmarks/law_recovery.py --json law_recovery.json --figure law_recovery.png
    python benchmarks/law_recovery.py --longer --json law_recovery_longer.json
    python benchmarks/law_recovery.py --quick

The truth is HBV on eight steps a day with one law of `dgeo.virtual.laws` in it; the learner is HBV on days (one
component), with a network in that slot. It sees forcing and streamflow of four years, and

- `known`: the true parameters of every basin, so that only the law is unknown;
- `learned`: attributes, from which a second network makes all parameters, trained together with the law.

Laws of the soil are learned in basins of little snow and no desert, melt where a fifth of the precipitation is snow.
Networks are first taught the textbook's law; `untaught` are not.

In each case `RESTARTS` networks are trained side by side as one program. Beside the network stand the true law on days,
the textbook's law as it is, and the textbook's law trained in the network's place: with parameters of its own in every
basin where the others are known, or else with all parameters from the network of attributes. `held` is monotone where
the law must be. `exact` replaces the observations by what the learner's own daily model gives under the true law.

The error of a law is that of `dgeo.virtual.law_scores`, over the visits of the truth: of the law itself at the values
of days, and of what it gave in the mean of each day, with noon and night, which is what a model on days would need. NSE
is the median over basins in the two years that follow those of the training, against streamflow without noise.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from law_learner import PHYSICS, ROUTING, TRAINED, Basins, Learner, empty, march_all, member, taught, train
from law_report import draw, summary, table

from dgeo import virtual
from dgeo.hybrid import network_law
from dgeo.models import Law
from dgeo.training.devices import use_all_cores
from dgeo.virtual.attributes import ATTRIBUTES
from dgeo.virtual.law_scores import Visits, counted_visits, fitted_textbook, law_score, truth_visits
from dgeo.virtual.observation import observe

YEARS, SEED, RESTARTS, PARTS, BATCH = 7, 1, 6, 8, 20
READS = {
    "recharge_fraction": ("soil_moisture", "field_capacity", "beta"),
    "evaporation": ("soil_moisture", "potential_evapotranspiration", "field_capacity", "lp"),
    "melt": ("temperature", "potential_evapotranspiration", "threshold_temperature", "degree_day_factor"),
}
HELD: dict[str, dict[str, Any]] = {
    "recharge_fraction": {"increasing": READS["recharge_fraction"][:1], "decreasing": ("field_capacity",)},
    "evaporation": {"increasing": ("soil_moisture",), "factor": ("potential_evapotranspiration",)},
    "melt": {"increasing": ("temperature", "potential_evapotranspiration", "degree_day_factor")},
}
FITTED = {"recharge_fraction": ("field_capacity", "beta"), "evaporation": ("field_capacity", "lp"),
          "melt": ("threshold_temperature", "degree_day_factor")}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    slot: str
    regime: str  # known or learned: the parameters
    noise: float
    basins: int
    law: str = "network"
    exact: bool = False
    budget: int = 1  # times the steps of the optimiser


def longer() -> Iterator[Case]:
    """Cases with four times the budget: is it data that is missing, or steps?"""
    for slot in READS:
        yield Case(slot, "known", 0.0, 20, exact=True, budget=4)
        yield from (Case(slot, "known", 0.2, 80, law, budget=4) for law in ("fitted", "network"))


def plan(quick: bool) -> Iterator[Case]:
    """The cases, the cheap ones first within each slot."""
    for slot in READS:
        for count in (5,) if quick else (5, 20, 80):
            for noise in (0.2,) if quick else (0.0, 0.2):
                yield from (Case(slot, "known", noise, count, law) for law in ("true", "textbook", "fitted", "network"))
        if not quick:
            yield Case(slot, "known", 0.2, 20, "held")
            yield Case(slot, "known", 0.0, 20, exact=True)
            if slot == "recharge_fraction":
                yield Case(slot, "known", 0.2, 20, "fresh")
            for noise, count in ((0.0, 20), (0.2, 20), (0.2, 80)):
                yield from (Case(slot, "learned", noise, count, law) for law in ("fitted", "network"))


@dataclass(frozen=True)
class World:
    """A virtual world with one hidden law, as arrays, and the visits of its law."""

    basins: Basins
    truth: np.ndarray  # streamflow without noise [day, basin]
    days: Visits  # the law where a model on days meets it
    mean: Visits  # what the truth's law gave in the mean of each day, with the night and the noon

    @classmethod
    def create(cls, slot: str, count: int) -> "World":
        """Noise is put on the truth case by case."""
        world = suited(slot, count, virtual.basins(3 * count, YEARS, SEED, noise=0.0, hidden=[slot], parts=PARTS))
        land = np.stack([world.dataset[name].values for name in ATTRIBUTES], axis=-1).astype(np.float32)
        forcing = {name: years(world.dataset[name].values) for name in PHYSICS.forcings}
        given = {name: jnp.asarray(world.truth[name].values) for name in (PHYSICS.parameters | ROUTING.parameters)
                 if name in world.truth}  # fmt: skip
        truth = world.truth["streamflow"].values
        basins = Basins(forcing, years(truth), jnp.asarray(land), given)
        return cls(basins, truth, truth_visits(world, slot), day_means(world, slot))


def suited(slot: str, count: int, world: virtual.VirtualWorld) -> virtual.VirtualWorld:
    """The first basins in which the law matters and, for laws of the soil, steps of a day do not spoil the snow."""
    snow, aridity = world.dataset["frac_snow"].values, world.dataset["aridity"].values
    suits = snow > 0.2 if slot == "melt" else (snow < 0.1) & (aridity < 1.5)
    chosen = np.flatnonzero(suits)[:count]
    parts = (each.isel(basin=chosen) for each in (world.dataset, world.truth))
    return virtual.VirtualWorld(*parts, world.physics)


def day_means(world: virtual.VirtualWorld, slot: str) -> Visits:
    """The truth's own visits, in the mean of each day; shares of a flow are weighted with it."""
    parts = truth_visits(world, slot, PARTS)
    flows = [parts.values[name] for name in PHYSICS.slots[slot].offers]
    weight = flows[0] + 1e-12 if flows else jnp.ones_like(parts.given)

    def mean(series: jax.Array, weight: jax.Array) -> jax.Array:
        days = (-1, PARTS, series.shape[-1])
        return jnp.sum((series * weight).reshape(days), axis=1) / jnp.sum(weight.reshape(days), axis=1)

    values = {name: mean(series, jnp.ones_like(series)) for name, series in parts.values.items()}
    return Visits(values, parts.parameters, mean(parts.given, weight), counted_visits(world.physics, slot, values))


def years(series: np.ndarray) -> jax.Array:
    """[day, basin] → [year, day, basin], each year of 365 days; the last days of the record are left out."""
    return jnp.asarray(series[: YEARS * 365].reshape(YEARS, 365, -1))


def first(tree: Any, count: int) -> Any:
    """The first basins of arrays whose last axis is that of the basins."""
    return jax.tree.map(lambda x: x[..., :count], tree)


def case_basins(case: Case, world: World) -> Basins:
    """What the learner of a case sees."""
    full, n = world.basins, case.basins
    land = full.attributes[:n]
    land = (land - land.mean(axis=0)) / (land.std(axis=0) + 1e-6)
    seen = Basins(first(full.forcing, n), first(full.observed, n), land, first(full.parameters, n))
    if case.exact:
        learner = several(lambda key: Learner(virtual.HIDDEN_LAWS[case.slot], case.slot), 1)
        return eqx.tree_at(lambda b: b.observed, seen, years_after_spin_up(learner, seen)[0])
    noisy = observe(SEED, world.truth[:, :n], case.noise, 0.0)
    return eqx.tree_at(lambda b: b.observed, seen, years(noisy))


def several(create: Any, restarts: int) -> Any:
    """Learners of as many keys, their arrays stacked."""
    return eqx.filter_vmap(create)(jax.random.split(jax.random.key(SEED), restarts))


def learners(case: Case, basins: Basins) -> Learner:
    """The fresh learners of a case, [restart]; where nothing is drawn, one."""
    alone = case.regime == "known" and case.law in ("true", "textbook", "fitted")

    def create(key: jax.Array) -> Learner:
        law_key, key = jax.random.split(key)
        network = None if case.regime == "known" else parameter_network(basins.attributes.shape[-1], key)
        return Learner(fresh_law(case, basins, law_key), case.slot, network)

    return several(create, 1 if alone else RESTARTS)


def fresh_law(case: Case, basins: Basins, key: jax.Array) -> Law:
    """The law before training."""
    if case.law == "fitted" and case.regime == "known":
        return fitted_textbook(PHYSICS, case.slot, FITTED[case.slot], basins.parameters)
    if case.law == "true":
        return virtual.HIDDEN_LAWS[case.slot]
    if case.law in ("textbook", "fitted"):
        return PHYSICS.slots[case.slot].default
    held = HELD[case.slot] if case.law == "held" else {}
    law_key, key = jax.random.split(key)
    law = network_law(PHYSICS, case.slot, READS[case.slot], width=16, depth=2, key=law_key, **held)
    return law if case.law == "fresh" else taught(law, case.slot, basins, key)


def parameter_network(attributes: int, key: jax.Array) -> eqx.nn.MLP:
    """Attributes → z of every parameter, near the textbook's defaults at first."""
    known = (PHYSICS.parameters | ROUTING.parameters).values()
    network = eqx.nn.MLP(attributes, len(known), 32, 1, jax.nn.tanh, key=key)
    middle = jnp.stack([each.bounds.to_unbounded(jnp.asarray(each.default)) for each in known]).astype(jnp.float32)
    last = lambda n: (n.layers[-1].weight, n.layers[-1].bias)  # noqa: E731
    return eqx.tree_at(last, network, (0.3 * network.layers[-1].weight, middle))


def years_after_spin_up(learner: Learner, basins: Basins) -> jax.Array:
    """Streamflow [restart, year, day, basin] of a record that begins with the stores at its own end."""
    weights, fixed = eqx.partition(learner, eqx.is_inexact_array)
    restarts = max((x.shape[0] for x in jax.tree.leaves(weights)), default=1)
    carry = jax.tree.map(lambda x: jnp.tile(x[None], (restarts,) + (1,) * x.ndim), empty(Learner(
        PHYSICS.slots[learner.slot].default, learner.slot), basins))  # fmt: skip
    for _ in range(2):
        carry, _, _ = march_all(weights, fixed, basins, carry)
    return march_all(weights, fixed, basins, carry)[2]


def run(case: Case, world: World, steps: int) -> tuple[dict[str, Any], Learner]:
    """The scores of every restart, and what was learned."""
    began = time.perf_counter()
    basins = case_basins(case, world)
    learner, losses = learners(case, basins), None
    if case.law in ("true", "textbook"):
        streamflow = years_after_spin_up(learner, basins)
    else:
        rate = 0.02 if case.law == "fitted" and case.regime == "known" else 0.01
        batch = None if case.law == "fitted" and case.regime == "known" else BATCH
        learner, streamflow, losses = train(
            learner, basins, steps * case.budget * (1 + (case.regime == "learned")), rate, batch
        )
    truth = basins.observed if case.exact else years(world.truth[:, : case.basins])
    row = {**asdict(case), "nse": unseen_nse(np.asarray(streamflow), np.asarray(truth))}
    row["loss"] = [] if losses is None else [float(x) for x in losses[:, -1]]
    members = [member(learner, i) for i in range(len(streamflow))]
    for name, visits, count in (("error", world.days, case.basins), ("error_of_means", world.mean, case.basins)):
        row[name] = [score(each, basins, first(visits, count)) for each in members]
    if case.regime == "known" and case.law in ("network", "held", "fresh"):
        row["elsewhere"] = [law_score(each.law, world.days)["error"] for each in members]
    row["bias"] = [score(each, basins, first(world.days, case.basins), "bias") for each in members]
    row["seconds"] = time.perf_counter() - began
    return row, learner


def score(learner: Learner, basins: Basins, visits: Visits, name: str = "error") -> float:
    """The law at the truth's visits; of parameters it reads those that were learned with it."""
    return law_score(learner.law, visits, learner.parameters(basins))[name]


def unseen_nse(streamflow: np.ndarray, truth: np.ndarray) -> list[float]:
    """Median over basins, in the years after those of the training, of each restart."""
    found, wanted = streamflow[:, TRAINED.stop :], truth[TRAINED.stop :][None]
    departure = ((found - wanted) ** 2).sum(axis=(1, 2))
    spread = ((wanted - wanted.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
    return [float(x) for x in np.median(1 - departure / spread, axis=1)]


def main() -> None:
    """Run the plan and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five basins, noise, known parameters; about two minutes")
    parser.add_argument("--longer", action="store_true", help="only the cases with four times the budget")
    parser.add_argument("--steps", type=int, default=150, help="of the optimiser; twice as many where all is learned")
    parser.add_argument("--slots", nargs="+", default=list(READS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    cases = [case for case in (longer() if given.longer else plan(given.quick)) if case.slot in given.slots]
    shown = (0.2, 5 if given.quick else 20)
    worlds: dict[str, World] = {}
    figures: dict[str, tuple[World, dict[str, Any]]] = {}
    rows: list[dict[str, Any]] = []
    for case in cases:
        if case.slot not in worlds:
            worlds = {case.slot: World.create(case.slot, max(each.basins for each in cases))}
        row, learner = run(case, worlds[case.slot], given.steps)
        rows.append(row)
        if case.regime == "known" and (case.noise, case.basins) == shown and case.law in ("network", "fitted"):
            figures.setdefault(case.slot, (worlds[case.slot], {}))[1][case.law] = (learner, case.basins)
        print(table([row]).splitlines()[-1], flush=True)
        if given.json:
            given.json.write_text(json.dumps({"steps": given.steps, "rows": rows}, indent=1) + "\n")
    if given.figure:
        draw({slot: (world.days, found) for slot, (world, found) in figures.items()}, given.figure)
    print(summary(rows))


if __name__ == "__main__":
    use_all_cores()
    main()
