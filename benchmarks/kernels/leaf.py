"""The leaf on real A(Ci) curves, and its capacities learned from traits.

    R=benchmarks/results/kernels; python benchmarks/kernels/leaf.py --json $R/leaf.json --figure $R/leaf.png

Needs the real data (`DGEO_DATA`) and optimistix, which comes with diffrax.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from curves import C3, FITTED, Curves, arrays, fit_all, parameters_of, response, starts
from pictures import panels
from traits import study

from dgeo.models.leaf import leaf

BAD = 2.0  # [µmol m-2 s-1] root mean square from which a fit is none
LOOSE = 0.5  # standard deviation of ln θ from which a number is not determined


def fitted() -> tuple[dict[str, Any], dict[str, Any]]:
    """Every curve, in one call."""
    with jax.enable_x64(True):
        curves, published = Curves.read(Path(os.environ.get("DGEO_DATA", "../shared/data")))
        given = (starts(), arrays(curves))
        begin = time.perf_counter()
        program = fit_all.lower(*given).compile()
        compiled = time.perf_counter()
        z, squares, ended, slopes = jax.block_until_ready(program(*given))
        seconds = time.perf_counter() - compiled
        best = np.asarray(jnp.argmin(squares, axis=0))
        rows = np.arange(best.size)
        chosen = np.asarray(z)[best, rows]
        found = {name: np.asarray(x) for name, x in jax.vmap(parameters_of)(jnp.asarray(chosen)).items()}
        loose = undetermined(np.asarray(slopes), np.asarray(squares)[best, rows], curves, chosen)
    points = curves.weight.sum(axis=1)
    rmse = np.sqrt(np.asarray(squares)[best, rows] / points)
    spread = curves.weight * (curves.net - (curves.weight * curves.net).sum(1, keepdims=True) / points[:, None])
    r2 = 1 - np.asarray(squares)[best, rows] / (spread**2).sum(axis=1)
    done = np.asarray(ended)[best, rows]
    near = np.asarray(squares) <= 1.01 * np.asarray(squares)[best, rows] + 1e-3
    result = {
        "curves": int(best.size), "points": int(points.sum()), "starts": len(starts()),
        "seconds_compile": round(compiled - begin, 1), "seconds": round(seconds, 2),
        "rmse_quantiles": quantiles(rmse), "r2_quantiles": quantiles(r2),
        "search_did_not_end": int((~done).sum()), f"rmse_above_{BAD:g}": int((rmse > BAD).sum()),
        "failures": int((~done | (rmse > BAD)).sum()), "not_finite": int((~np.isfinite(rmse)).sum()),
        "all_starts_agree": int(near.all(axis=0).sum()),
        "undetermined": {name: int((loose[:, i] & belongs(name, curves.c4)).sum()) for i, name in enumerate(FITTED)},
        "of_c3": int((~curves.c4).sum()), "of_c4": int(curves.c4.sum()),
        "beside_published": beside(found, published, curves.c4, loose),
    }  # fmt: skip
    return result, {"curves": curves, "z": chosen, "found": found, "published": published, "rmse": rmse, "loose": loose}


def belongs(name: str, c4: np.ndarray) -> np.ndarray:
    """Curves in whose model a parameter is."""
    return c4 if name == "pep_carboxylation_25" else ~c4 if name == "triose_phosphate_use" else np.ones_like(c4)


def undetermined(slopes: np.ndarray, squares: np.ndarray, curves: Curves, z: np.ndarray) -> np.ndarray:
    """[curve, parameter]: where the standard deviation of ln θ, from JᵀJ and the residual, exceeds `LOOSE`."""
    bounds = [C3.all_parameters[name].bounds for name in FITTED]
    share = 1 / (1 + np.exp(-z))
    per_unit = np.array([np.log(b.high / b.low) for b in bounds]) * share * (1 - share)  # d ln θ/dz
    jacobian = slopes / per_unit[:, None, :]
    freedom = np.maximum(curves.weight.sum(axis=1) - 4, 1)
    normal = np.einsum("cpi,cpj->cij", jacobian, jacobian) + 1e-12 * np.eye(len(FITTED))
    variance = np.diagonal(np.linalg.inv(normal), axis1=1, axis2=2) * (squares / freedom)[:, None]
    return ~(np.sqrt(np.maximum(variance, 0)) < LOOSE)


def beside(found: dict[str, Any], published: Any, c4: np.ndarray, loose: np.ndarray) -> dict[str, Any]:
    """Ours over the data set's own fits, of C3 curves where ours is determined."""
    rows = {}
    for name, column in (("carboxylation_25", "Vcmax"), ("electron_transport_25", "Jmax"), ("respiration_25", "Rd")):
        theirs = published[column].to_numpy()
        use = ~c4 & np.isfinite(theirs) & ~loose[:, FITTED.index(name)]
        ratio = found[name][use] / theirs[use]
        correlation = np.corrcoef(np.log(found[name][use]), np.log(theirs[use]))[0, 1]
        rows[name] = {"curves": int(use.sum()), "correlation_of_logs": round(float(correlation), 3),
                      "ratio_quantiles": quantiles(ratio)}  # fmt: skip
    return rows


def quantiles(x: np.ndarray) -> dict[str, float]:
    """Five of them."""
    return {f"{q:g}": round(float(np.nanquantile(x, q)), 3) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}


def draw(kept: dict[str, Any], traits: dict[str, Any], path: Path) -> None:
    """Verification, real curves, ours beside published, learned beside true."""
    with panels(path, 4, width=3.25, height=3.2, dpi=75) as axes:
        _verification(axes[0])
        order = np.argsort(kept["rmse"])
        curves = kept["curves"]
        for rank, colour in zip((0.1, 0.5, 0.9, 0.98), ("C0", "C2", "C1", "C3"), strict=True):
            i = order[int(rank * (order.size - 1))]
            use = curves.weight[i] > 0
            axes[1].plot(curves.carbon[i][use], curves.net[i][use], "o", ms=3, color=colour)
            grid = np.linspace(curves.carbon[i][use].min(), curves.carbon[i][use].max(), 60)
            fields = tuple(
                jnp.asarray(x) for x in (grid, np.full(60, np.median(curves.temperature[i])), np.full(60, 1800.0))
            )
            model = leaf("C4") if curves.c4[i] else C3
            axes[1].plot(
                grid, response(model, jnp.asarray(kept["z"][i]), fields), color=colour, label=f"quantile {rank:g}"
            )
        axes[1].set(title="real curves, by rank of misfit", xlabel="Ci [µmol mol⁻¹]", ylabel="A [µmol m⁻² s⁻¹]")
        good = ~curves.c4 & ~kept["loose"][:, 0]
        axes[2].loglog(kept["published"]["Vcmax"].to_numpy()[good], kept["found"]["carboxylation_25"][good], ".", ms=3)
        axes[2].plot([5, 300], [5, 300], "k", lw=0.8)
        axes[2].set(title="Vcmax of real C3 curves", xlabel="published", ylabel="fitted, at 25 °C")
        for regime, colour in (("all", "C0"), ("bright, much CO2", "C1")):
            axes[3].loglog(traits["truth"]["carboxylation_25"], traits["shown"][regime]["carboxylation_25"], ".", ms=2,
                           color=colour, label=regime)  # fmt: skip
        axes[3].plot([20, 150], [20, 150], "k", lw=0.8)
        axes[3].set(title="Vcmax25 from traits", xlabel="true", ylabel="learned", ylim=(10, 300))
        axes[3].set_xticks([20, 50, 100], ["20", "50", "100"])
        axes[3].tick_params(axis="x", which="minor", labelbottom=False)


def _verification(axes: Any) -> None:
    place = {"leaf_temperature": jnp.asarray(25.0), "photon_flux": jnp.asarray(1500.0)}
    numbers = {"carboxylation_25": 100.0, "electron_transport_25": 170.0, "respiration_25": 1.5, "quantum_yield": 0.24,
               "curvature": 0.7}  # fmt: skip
    numbers = {name: jnp.asarray(x) for name, x in numbers.items()}
    grid = jnp.linspace(30, 1000, 200)
    axes.plot(grid, jax.vmap(lambda c: leaf().response_to_co2(c, place, numbers))(grid), label="dgeo")
    axes.plot([100, 200, 275, 400, 800], [5.5651, 15.7741, 21.3973, 24.6527, 28.8938], "ko", ms=4, label="table")
    axes.legend(fontsize=7)


def main() -> None:
    """Fit, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    curves, kept = fitted()
    begin = time.perf_counter()
    traits = study(options.seeds)
    result = {"curves": curves, "traits": traits["rows"], "traits_seconds": round(time.perf_counter() - begin, 1)}
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    if options.figure:
        draw(kept, traits, options.figure)


if __name__ == "__main__":
    main()
