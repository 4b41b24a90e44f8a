"""Richards columns: a conductivity learned from sensors, and parameters learned from texture.

    python benchmarks/kernels/soil_water.py --json soil_water.json --figure soil_water.png

Truth from layers of 2 cm and steps of half an hour, learners with layers of 4 cm and steps of an hour:

- *conductivity* (`soil_conductivity.py`): a loam under ten days of showers, water content at four depths with an error
  of 0.005. Retention is known and K(Se) is not: a monotone network, from four starts at once, is trained on seven days
  and asked about three more, beside the true law on the learner's grid and K = Ks·Se^p, both numbers fitted. The spread
  of the four says where the data determine K, and so does the spectrum of the misfit's Hessian.
- *texture* (`soil_texture.py`): 64 columns whose Ks, α and n follow from sand and clay by Cosby et al. (1984),
  doi:10.1029/WR020i006p00682. A network of (sand, clay) is trained through 48 of them and asked about the other 16,
  beside the same three numbers for all.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import soil_conductivity
import soil_texture
from pictures import panels

from dgeo.check.kernels.soil_water import SAND
from dgeo.engine import Parameters, simulate
from dgeo.models import Formula, Layers, richards
from dgeo.physics import soil_hydraulics

CELIA = ([-21.943, -25.074, -37.109, -60.785, -61.499], [5, 10, 15, 20, 25])  # [cm], at depths [cm]


def draw(path: Path, law: dict[str, Any], soils: dict[str, Any]) -> None:
    """Celia's sand; the learned conductivity; the parameters of unseen columns."""
    with panels(path, 3) as axes:
        heads, depths = celia()
        axes[0].plot(heads, depths, "C0", label="ours, 0.5 cm and 2.5 s")
        axes[0].plot(*CELIA, "ko", ms=4, label="converged reference")
        axes[0].invert_yaxis()
        axes[0].set(title="Sand of Celia et al. after 6 min", xlabel="pressure head [cm]", ylabel="depth [cm]")
        for i, k in enumerate(law["learned"]):
            axes[1].semilogy(law["saturation"], k, "C0", lw=0.8, label="learned, four starts" if not i else None)
        axes[1].semilogy(law["saturation"], law["power"], "C1--", label="power law, fitted")
        axes[1].semilogy(law["saturation"], law["true"], "k", lw=1.5, label="true")
        axes[1].axvspan(*law["visited"], color="0.9", label="visited, 1–99 %")
        axes[1].set(title="Conductivity of a loam [m d⁻¹]", xlabel="effective saturation", ylim=(1e-7, 1))
        for name, (ours, real) in soils.items():
            axes[2].loglog(real, ours, "o", ms=3, label=name)
        axes[2].loglog([0.05, 20], [0.05, 20], "k", lw=0.5)
        axes[2].set(title="16 unseen columns", xlabel="true", ylabel="from texture, learned")


def celia() -> tuple[np.ndarray, np.ndarray]:
    """Heads and depths [cm] of the sand."""
    laws: dict[str, Any] = {
        "saturation": Formula(soil_hydraulics.haverkamp_saturation),
        "conductivity": Formula(soil_hydraulics.haverkamp_conductivity),
    }
    column = richards(Layers.even(0.4, 80), top="head", bottom="head", **laws)
    one = {name: jnp.full(1, x) for name, x in SAND.items()}
    forcing = {"surface_head": jnp.full((144, 1), -0.207), "bottom_head": jnp.full((144, 1), -0.615)}
    before = jax.vmap(column.at_head)(jnp.full((1, 80), -0.615), one)
    _, after = simulate(column, forcing, Parameters(one, {}), before, dt=2.5 / 86400)
    return np.asarray(after["pressure_head"][0]) * 100, np.asarray(column.layers.centre) * 100


def main() -> None:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    law, soils = soil_conductivity.study(), soil_texture.study()
    curves, points = law.pop("curves") | {"visited": law["visited_saturation"]}, soils.pop("points")
    result = {"conductivity": law, "texture": soils}
    if options.figure:
        draw(options.figure, curves, points)
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
