"""The figures of the river network, of groundwater and of transport, from their results and their exact solutions.

python benchmarks/kernels/water_pictures.py        after the scripts that write the results
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from pictures import panels

from dgeo.analytic import advection_dispersion, groundwater
from dgeo.check.kernels import backwater, river as river_rows
from dgeo.models import Aquifer, Solute, grid, line

FOLDER = Path(__file__).parents[1] / "results" / "kernels"


def results(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def picture(name, drawings):
    with panels(FOLDER / f"{name}.png", len(drawings), width=3.6, height=3.0, dpi=90) as axes:
        for axis, draw in zip(axes, drawings, strict=True):
            draw(axis)
            axis.tick_params(labelsize=7)


def labelled(axis, title, x, y):
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(x, fontsize=8)
    axis.set_ylabel(y, fontsize=8)


def flood(axis):
    """The response of 20 reaches to a step, beside Hayami's."""
    response = jnp.cumsum(river_rows.response_of_chain()(jnp.asarray(1000.0), jnp.asarray(300.0)))
    time = 300.0 * (jnp.arange(len(response)) + 0.5)
    celerity, dispersion = river_rows.celerity(), river_rows.FLOW / (2 * river_rows.WIDTH * river_rows.SLOPE)
    numbers = (jnp.asarray(x) for x in (celerity, dispersion))
    exact = advection_dispersion.ogata_banks(jnp.asarray(20e3), time, *numbers)
    axis.plot(time / 3600, exact, "k", lw=1, label="Hayami")
    axis.plot(time[::4] / 3600, response[::4], "o", ms=3, label="20 reaches")
    labelled(axis, "a small rise, 20 km on", "hours", "share arrived")


def weir(axis):
    """The surface above a weir, beside that of the exact curve."""
    length = 500.0
    _, depths = jax.jit(backwater.steady_depths)(*(jnp.asarray(x) for x in (length, backwater.ROUGHNESS, 0)))
    x = (np.arange(len(depths)) + 0.5) * length
    bed, uniform = backwater.LEVEL * x, backwater.uniform_depth()
    axis.plot(x / 1e3, bed + backwater.depths_above_weir(x), "k", lw=1, label="exact")
    axis.plot(x[::2] / 1e3, (bed + depths)[::2], "o", ms=3, label="diffusive wave")
    axis.plot(x / 1e3, bed + uniform, "C1--", lw=0.8, label="without the weir")
    axis.fill_between(x / 1e3, bed, color="0.85")
    labelled(axis, "the surface above a weir [m]", "km up the river", "")


def juniata(axis):
    found = results("river_juniata")
    year, score = found["first_year"], found["seeds"][0]
    days = slice(90, 220)
    axis.plot(year["observed"][days], "k", lw=1, label="gauge")
    axis.plot(year["summed"][days], lw=0.8, label=f"summed, NSE {score['summed']['nse']:.2f}")
    axis.plot(year["routed"][days], lw=1, label=f"routed, {score['test']['nse']:.3f}")
    labelled(axis, "Juniata, part of the test", "days", "m³ s⁻¹")


def roughness(axis):
    joint = results("river_joint")
    pair = joint["roughness"]
    axis.loglog(pair["truth"], pair["found"], "o", ms=3)
    axis.loglog([0.02, 0.15], [0.02, 0.15], "k", lw=0.8)
    scores = {row["form"]: row["nse_withheld"] for row in reversed(joint["rows"])}
    text = "\n".join(f"{name}: {score:.3f}" for name, score in scores.items())
    axis.text(0.04, 0.72, f"NSE, gauges withheld\n{text}", transform=axis.transAxes, fontsize=7)
    axis.minorticks_off()
    labelled(axis, "Manning's n, learned with runoff", "truth", "found")


def dupuit(axis):
    shape = (1, 41)
    model = Aquifer(grid(shape, 5.0), confined=False, iterations=10)
    values = {name: jnp.full(shape, x) for name, x in (("conductivity", 8.64), ("storativity", 0.1))}
    values["conductance"] = jnp.zeros(shape).at[:, 0].set(1e9).at[:, -1].set(1e9)
    x = 5.0 * jnp.arange(41)
    for recharge in (8.64e-4, 8.64e-3):
        forcing = {"recharge": jnp.full(shape, recharge), "pumping": jnp.zeros(shape), "stage": jnp.full(shape, 5.0)}
        head = jax.jit(lambda f: model.steady_head(f, values, jnp.full(shape, 5.0)))(forcing)
        exact = groundwater.dupuit(x, *(jnp.asarray(v) for v in (200.0, 5.0, recharge, 8.64)))
        axis.plot(x, exact, "k", lw=1, label="Dupuit" if recharge < 1e-3 else None)
        axis.plot(x[::2], head[0, ::2], "o", ms=3, label=f"R = {1e3 * recharge:.1f} mm d⁻¹")
    labelled(axis, "free surface between two rivers", "m", "head [m]")


def field(axis):
    found = results("groundwater")["field"]
    fields = [np.asarray(found["fields"][name]) for name in ("truth", "learned")]
    both = np.concatenate([fields[0], np.full((24, 1), np.nan), fields[1]], axis=1)
    axis.figure.colorbar(axis.imshow(both, cmap="viridis"), ax=axis, shrink=0.7).ax.tick_params(labelsize=7)
    labelled(axis, f"ln K: truth, learned (r = {found['correlation_of_ln_K']:.2f})", "cells", "")


def wells(axis):
    found = results("groundwater_wells")
    one, scores = found["one_well"], found["scores"]
    dates = np.asarray(one["dates"], "datetime64[D]")
    axis.plot(dates, one["observed"], "k", lw=1, label="observed")
    for name in ("physics", "hybrid", "network"):
        axis.plot(dates, one[name], lw=0.9, label=f"{name}, {scores[name]['rmse_over_sd']:.2f} σ of all")
    axis.xaxis.set_major_locator(mpl.dates.YearLocator(3))
    labelled(axis, f"well {one['name']}", "", "head [m]")


def front(axis):
    values = {
        n: jnp.asarray(x) for n, x in (("retardation", 1.0), ("decay", 0.0), ("dispersion", 1e-6), ("velocity", 1e-5))
    }
    model, x = Solute(line(3.0, 50)), (jnp.arange(50) + 0.5) * 0.06
    for days in (0.5, 1.0, 2.0):
        steps = int(50 * days)

        def step(state, _):
            return model.step(state, {"solute_inflow": jnp.ones(())}, values, jnp.asarray(1728.0))

        _, out = jax.lax.scan(step, model.initial_state(), None, length=steps)
        exact = advection_dispersion.ogata_banks(x, *(jnp.asarray(v) for v in (86400 * days, 1e-5, 1e-6)))
        axis.plot(x, exact, "k", lw=1, label="Ogata–Banks" if days == 2.0 else None)
        axis.plot(x, out["concentration"][-1], "o", ms=2.5, label=f"{days:g} d")
    labelled(axis, "a front of solute", "m", "C/C₀")


def decay(axis):
    found = results("transport")
    c = found["concentration"]
    axis.loglog(c, found["truth"], "k", lw=1, label="Michaelis–Menten")
    for row, rate in zip(found["rows"], found["found"], strict=True):
        first = row["law"] == "first order"
        axis.loglog(c, rate, "--" if first else "-", lw=0.9, color="C1" if first else "C0", label=row["law"])
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    axis.axvspan(20, 40, color="0.9")
    axis.legend(handles.values(), handles.keys(), fontsize=7, frameon=False)
    labelled(axis, "decay, grey: beyond training", "g m⁻³", "g m⁻³ s⁻¹")


def temperature(axis):
    found = results("stream_temperature")
    forms = ("physics", "hybrid", "network")
    rivers = [name for name in found if "year" not in name]
    for i, form in enumerate(forms):
        heights = [found[name]["scores"][form]["rmse_K"] for name in rivers]
        axis.bar(np.arange(len(rivers)) + 0.27 * (i - 1), heights, 0.25, label=form)
    axis.set_xticks(range(len(rivers)), rivers)
    axis.set_ylim(0, 1.3)
    labelled(axis, "temperature of three rivers, test", "", "RMSE [K]")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    picture("river", (flood, weir, juniata, roughness))
    picture("groundwater", (dupuit, field, wells))
    picture("transport", (front, decay, temperature))
