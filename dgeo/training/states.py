"""What a run remembers, in a file: the carries of its models, whose they are, and the day on which they continue."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from dgeo.errors import DgeoError
from dgeo.hybrid import Carry
from dgeo.numerics import read_metadata, read_tree, write_tree
from dgeo.training.records import fingerprint_of
from dgeo.training.run import seeds_of
from dgeo.training.simulation import OF_CARRY, OF_SERIES, OF_SITE, at_sites

Carries = dict[str, Carry]


def some_sites(carry: Carry, sites: Any) -> Carry:
    """The carry of some sites, by their places or a slice."""
    return Carry(*at_sites(sites, tuple(carry), OF_CARRY))


def all_sites(parts: Sequence[Carry]) -> Carry:
    """The carry of sites that were carried in parts, one after the other."""
    axes = {OF_SITE: 0, OF_SERIES: 1}

    def joined(spec: PartitionSpec, *places: Any) -> Any:
        return jax.tree.map(lambda *x: np.concatenate(x, axis=axes[spec]), *places)

    return Carry(*jax.tree.map(joined, OF_CARRY, *map(tuple, parts)))


def write_state(
    path: str | Path, carries: Carries, folder: str | Path, basins: Sequence[str], next_day: Any, copies: int = 1
) -> None:
    """Write the carries of a run's models by seed, each of all basins, and `copies` of them side by side."""
    notes = {"basins": list(basins), "next_day": str(next_day), "models": fingerprints(folder)}
    write_tree(path, carries, notes | ({} if copies == 1 else {"copies": copies}))


def read_state(path: str | Path, like: Carries) -> Carries:
    """The carries of a file that `next_day` has looked at.

    Raises `DgeoError` where they are of another structure, or not finite.
    """
    carries: Carries = read_tree(path, like)[0]
    for leaf in jax.tree.leaves(carries):
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and not bool(jnp.isfinite(leaf).all()):
            raise DgeoError(f"The state {path} holds a number that is not finite; simulate again from the beginning.")
    return carries


def next_day(path: str | Path, folder: str | Path, basins: Sequence[str], copies: int = 1) -> str:
    """The day on which a state continues; raises `DgeoError` for one of another run or of other basins."""
    metadata = read_metadata(path)
    of = metadata.get("basins")
    if "next_day" not in metadata or not isinstance(of, list) or not of:
        raise DgeoError(f"{path} is no state of a simulation; give a file that --save-state wrote.")
    if of != list(basins):
        raise DgeoError(
            f"The state {path} is that of {len(of)} basins from {of[0]} on, not of the "
            f"{len(basins)} basins from {basins[0]} on to simulate; give the data it was saved with."
        )
    if metadata.get("models") != fingerprints(folder):
        raise DgeoError(f"The state {path} was saved by the models of another run; simulate with that run.")
    if metadata.get("copies", 1) != copies:
        held = metadata.get("copies", 1)
        raise DgeoError(f"The state {path} has {held} carries of each model, not {copies}: continue as many as it has.")
    return str(metadata["next_day"])


def copies_of(path: str | Path) -> int:
    """How many carries of each model a state has."""
    return int(read_metadata(path).get("copies", 1))


def fingerprints(folder: str | Path) -> list[str]:
    """What tells the models of one run from those of another."""
    return [fingerprint_of(path) for _, path in seeds_of(folder)]
