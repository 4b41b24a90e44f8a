"""One picture of an experiment: the emulator beside its black box, skill of all basins, parameters beside the truth."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgeo.metrics import nse
from dgeo.numerics import write_atomically
from dgeo.report.drawing import FAINT, LINES, OBSERVED, SIMULATED, STYLE, Margins, new_figure
from dgeo.surrogate.emulator import emulator_outputs
from dgeo.surrogate.experiment import Outcome
from dgeo.surrogate.summary import places


def write_figure(path: str | Path, outcome: Outcome) -> None:
    """Draw and write it, as PNG."""
    with matplotlib.rc_context(STYLE):
        figure = draw(outcome)
        write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=140))


def draw(outcome: Outcome) -> Figure:
    """The hydrograph of a run of median skill, the skill of all basins, and with a twin the parameters."""
    figure, axes = new_figure(3.0, Margins(top=0.4, right=1.4), columns=3 if outcome.twin is not None else 2)
    _hydrograph(axes[0, 0], outcome)
    _skills(axes[0, 1], outcome)
    if outcome.twin is not None:
        _parameters(axes[0, 2], outcome)
    return figure


def _hydrograph(axes: Axes, outcome: Outcome) -> None:
    skill = outcome.emulation.skill["runoff"]
    middle = int(np.argsort(skill)[len(skill) // 2])
    chosen = outcome.held_out.part(np.array([middle]))
    days = slice(-365, None)
    axes.plot(chosen.outputs["runoff"][days, 0], color=OBSERVED, label="black box")
    axes.plot(emulator_outputs(outcome.emulation.model, chosen)["runoff"][days, 0], color=SIMULATED, label="emulator")
    axes.set(title=f"A held-out run of median skill: NSE {skill[middle]:.3f}", xlabel="day", ylabel="runoff [mm/d]")
    axes.legend()


def _skills(axes: Axes, outcome: Outcome) -> None:
    observed = outcome.observed
    series = {
        "default parameters": outcome.default["runoff"],
        "through the emulator": outcome.tested.through,
        "black box, same parameters": outcome.tested.black_box["runoff"],
    }
    if outcome.equations is not None:
        series["learned through the equations"] = outcome.equations[1].black_box["runoff"]
    for colour, (name, simulated) in zip((FAINT, *LINES), series.items(), strict=False):
        skill = np.sort(nse(simulated, observed))
        axes.plot(np.clip(skill, 0, 1), np.linspace(0, 1, len(skill)), color=colour, label=name)
    axes.set(title="Streamflow of the test, all basins", xlabel="NSE (below 0 drawn at 0)", ylabel="share of basins")
    axes.legend(loc="upper left", fontsize=7)


def _parameters(axes: Axes, outcome: Outcome) -> None:
    assert outcome.twin is not None
    basins = outcome.observed.shape[1]
    for colour, (name, parameter) in zip(LINES, outcome.black_box.interface.parameters.items(), strict=False):
        found, truth = (
            places(parameter, values)
            for values in (outcome.tested.parameters[name], outcome.twin.parameters[name][-basins:])
        )
        axes.plot(truth, found, ".", color=colour, label=name.replace("_", " "))
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.7)
    axes.set(title="Parameters, 0 and 1 their bounds", xlabel="true", ylabel="learned", xlim=(0, 1))
    axes.set_ylim(0, 1)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
