"""All A(Ci) curves of a data set as arrays, and their fit in one batched call.

Least squares by Levenberg and Marquardt (optimistix), from several starts side by side, in the unbounded numbers of
each parameter's bounds. A curve is a row; points that it lacks count for nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import pandas as pd

from dgeo.models import Formula
from dgeo.models.leaf import Leaf, leaf
from dgeo.physics.photosynthesis import c3_with_triose_phosphate

C3 = leaf(photosynthesis=Formula(c3_with_triose_phosphate))
C4 = leaf("C4")
FITTED = ("carboxylation_25", "electron_transport_25", "respiration_25", "triose_phosphate_use", "pep_carboxylation_25")
STARTS = ((60.0, 110.0, 1.0, 12.0, 80.0), (25.0, 50.0, 0.5, 30.0, 40.0), (150.0, 200.0, 2.0, 8.0, 120.0))
FIXED = {"quantum_yield": 0.24, "curvature": 0.7}


@dataclass(frozen=True)
class Curves:
    """Points [curve, point]; `weight` is 1 where there is one."""

    names: tuple[str, ...]
    carbon: np.ndarray
    temperature: np.ndarray
    light: np.ndarray
    net: np.ndarray
    weight: np.ndarray
    c4: np.ndarray

    @classmethod
    def read(cls, root: Path) -> tuple["Curves", pd.DataFrame]:
        """The LCE data set, and what its authors fitted to it."""
        points = pd.read_csv(root / "aci" / "lce_aci_curves.csv.gz")
        people = pd.read_csv(root / "aci" / "lce_individuals.csv", encoding="latin1").set_index("aci_id")
        points = points.dropna(subset=["Photo", "Ci", "Tleaf", "Pari"])
        groups = list(points.groupby("id"))
        longest = max(len(group) for _, group in groups)

        def padded(column: str) -> np.ndarray:
            return np.stack([np.pad(g[column].to_numpy(), (0, longest - len(g)), mode="edge") for _, g in groups])

        weight = np.stack([np.arange(longest) < len(group) for _, group in groups]).astype(float)
        names = tuple(name for name, _ in groups)
        c4 = (people.loc[list(names), "Photosynthesis"] == "C4").to_numpy()
        series = (padded(column) for column in ("Ci", "Tleaf", "Pari", "Photo"))
        return cls(names, *series, weight, c4), people.loc[list(names)]


def parameters_of(z: jax.Array) -> dict[str, jax.Array]:
    """The parameters that belong to unbounded numbers."""
    bounds = [C3.all_parameters[name].bounds for name in FITTED]
    return {name: b.from_unbounded(z[i]) for i, (name, b) in enumerate(zip(FITTED, bounds, strict=True))}


def response(model: Leaf, z: jax.Array, curve: Any) -> jax.Array:
    """A at each point of one curve."""
    parameters = parameters_of(z) | {name: jnp.asarray(number) for name, number in FIXED.items()}

    def point(carbon: jax.Array, temperature: jax.Array, light: jax.Array) -> jax.Array:
        return model.response_to_co2(carbon, {"leaf_temperature": temperature, "photon_flux": light}, parameters)

    return jax.vmap(point)(*curve[:3])


def residual(z: jax.Array, curve: Any) -> jax.Array:
    """Model less observation [µmol m-2 s-1]."""
    _, _, _, net, weight, c4 = curve
    found = jnp.where(c4, response(C4, z, curve), response(C3, z, curve))
    return weight * (found - net)


def fit_one(start: jax.Array, curve: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Unbounded numbers, sum of squares and whether the search ended by its tolerance."""
    solver = optx.LevenbergMarquardt(rtol=1e-6, atol=1e-6)
    # a rein, far weaker than the data: one thousandth of a point for each unit that a number strays from its start
    found = optx.least_squares(
        lambda z, c: jnp.concatenate([residual(z, c), 0.03 * (z - start)]),
        solver,
        start,
        curve,
        max_steps=200,
        throw=False,
    )
    return found.value, jnp.sum(residual(found.value, curve) ** 2), found.result == optx.RESULTS.successful


@jax.jit
def fit_all(starts: jax.Array, curves: Any) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """[start, curve, …] of `fit_one`, and the Jacobian at the best of each curve."""
    one = jax.vmap(jax.vmap(fit_one, (None, 0)), (0, None))
    z, squares, ended = one(starts, curves)
    best = jnp.argmin(squares, axis=0)
    chosen = jnp.take_along_axis(z, best[None, :, None], axis=0)[0]
    return z, squares, ended, jax.vmap(jax.jacfwd(residual))(chosen, curves)


def arrays(curves: Curves) -> tuple[jax.Array, ...]:
    """What `fit_all` takes."""
    fields = (curves.carbon, curves.temperature, curves.light, curves.net, curves.weight)
    return (*(jnp.asarray(field) for field in fields), jnp.asarray(curves.c4))


def starts() -> jax.Array:
    """[start, parameter], unbounded."""
    bounds = [C3.all_parameters[name].bounds for name in FITTED]
    return jnp.asarray(
        [[float(b.to_unbounded(jnp.asarray(x))) for x, b in zip(row, bounds, strict=True)] for row in STARTS]
    )
