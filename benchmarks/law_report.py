"""The table and the figure of `law_recovery.py`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from law_learner import PHYSICS, member

from dgeo.virtual import HIDDEN_LAWS
from dgeo.virtual.law_scores import Visits, evaluate

AXIS = {"recharge_fraction": "soil_moisture", "evaporation": "soil_moisture", "melt": "temperature"}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown: median (range) over the restarts."""
    names = ("law", "parameters", "noise", "basins", "in the slot", "error", "error, means of days", "NSE, unseen", "s")
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in rows:
        label = {"held": "network, held", "fresh": "network, untaught", "fitted": "textbook, fitted"}
        name = label.get(row["law"], row["law"]) + (", exact steps" if row["exact"] else "")
        name += f", {row['budget']}× the steps" if row["budget"] > 1 else ""
        figures = (spread(row["error"]), spread(row["error_of_means"]), spread(row["nse"]))
        cells = (row["slot"], row["regime"], row["noise"], row["basins"], name, *figures, f"{row['seconds']:.0f}")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """One line for each slot, regime, noise and number of basins, laws side by side: errors of the law, then NSE."""
    laws = ("network", "textbook", "fitted", "true")
    names = ("law", "parameters", "noise", "basins", "network", "textbook", "textbook, fitted")
    means = tuple(f"{name}, days" for name in (*names[4:], "true"))
    scores = tuple(f"NSE {name}" for name in (*names[4:], "true"))
    head = (*names, *means, *scores)
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    cases: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        if not row["exact"] and row["law"] in laws and row.get("budget", 1) == 1:
            case = (row["slot"], row["regime"], row["noise"], row["basins"])
            cases.setdefault(case, {})[row["law"]] = row
    for case, found in cases.items():
        cells = [spread(found[law]["error"]) if law in found else "" for law in laws[:3]]
        for score in ("error_of_means", "nse"):
            cells += [f"{np.median(found[law][score]):.2f}" if law in found else "" for law in laws]
        lines.append("| " + " | ".join(map(str, (*case, *cells))) + " |")
    return "\n".join(lines)


def spread(numbers: Sequence[float]) -> str:
    """Median (least–most)."""
    middle = f"{np.median(numbers):.2f}"
    return middle if len(numbers) == 1 else f"{middle} ({min(numbers):.2f}–{max(numbers):.2f})"


def curves(axes: Any, slot: str, days: Visits, found: dict[str, Any]) -> None:
    """What each law gives along its first input, the others at their median, in the basin that visits most."""
    basin = int(np.argmax(np.asarray(days.counted)[:, : next(iter(found.values()))[1]].sum(axis=0)))
    counted = np.asarray(days.counted & (days.given > 1e-3))[:, basin]
    one = {name: np.asarray(series)[counted, basin] for name, series in days.values.items()}
    low, high = np.quantile(one[AXIS[slot]], (0.05, 0.95))
    x = np.linspace(low - 0.4 * (high - low), high + 0.4 * (high - low), 80)
    x = x if slot == "melt" else np.maximum(x, 0.0)
    still = {name: np.full((80, 1), np.median(series), np.float32) for name, series in one.items()}
    values = still | {AXIS[slot]: x[:, None].astype(np.float32)}
    values = {name: jnp.asarray(series) for name, series in values.items()}
    parameters = {name: value[basin : basin + 1] for name, value in days.parameters.items()}
    axes.axvspan(low, high, color="0.9", label="visited, 5–95 %")
    network, _ = found["network"]
    for i in range(jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array))[0].shape[0]):
        axes.plot(
            x, evaluate(member(network, i).law, values, parameters), "C0", lw=0.8, label="learned" if not i else None
        )
    axes.plot(x, evaluate(PHYSICS.slots[slot].default, values, parameters), "C1--", label="textbook")
    fitted = jax.tree.map(lambda z: z[0, basin : basin + 1], found["fitted"][0].law)
    axes.plot(x, evaluate(fitted, values, parameters), "C2--", label="textbook, fitted")
    axes.plot(x, evaluate(HIDDEN_LAWS[slot], values, parameters), "k", lw=2, label="true")
    axes.set(title=slot, xlabel=AXIS[slot])


def draw(figures: dict[str, tuple[Visits, dict[str, Any]]], path: Path) -> None:
    """One panel a slot."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(figures), figsize=(11, 3.4), layout="constrained")
    for panel, (slot, (days, found)) in zip(np.atleast_1d(axes), figures.items(), strict=True):
        curves(panel, slot, days, found)
    np.atleast_1d(axes)[0].legend(fontsize=7)
    figure.savefig(path, dpi=80)
