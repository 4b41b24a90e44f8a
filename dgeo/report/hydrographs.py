"""Two years of the best, the median and the worst basin, from rain to stores."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from dgeo.errors import DgeoError
from dgeo.report.drawing import INK, LINES, OBSERVED, SIMULATED, WATER, Margins, image, new_figure
from dgeo.report.markup import heading, picture
from dgeo.report.run_files import open_dataset, read_scores
from dgeo.report.wording import label, number, with_units

_MARGINS = Margins(right=0.6, bottom=0.3, top=0.3, down=0.3)
_STRETCH = np.timedelta64(730, "D")
_PANELS = (
    ("Snow", ("snow_water_equivalent", "snow_liquid_water")),
    ("Soil", ("soil_moisture",)),
    ("Zones", ("upper_zone", "lower_zone")),
    ("ET", ("evapotranspiration",)),
)
_TRUTH = "_truth"
_SPREAD = "_spread"
_SERIES = (
    "streamflow",
    "streamflow_observed",
    "streamflow" + _TRUTH,
    "streamflow" + _SPREAD,
    "precipitation",
    *(name + end for _, names in _PANELS for name in names for end in ("", _TRUTH)),
)


@dataclass(frozen=True)
class Series:
    """One variable of one basin, values [time]."""

    values: np.ndarray
    units: str


def hydrographs(run: Path) -> str:
    """One figure for each of the three basins, ranked by NSE."""
    scores = read_scores(run / "metrics.csv", "nse").dropna(subset="nse")
    if scores.empty:
        raise DgeoError("No basin of metrics.csv has an NSE, so no hydrograph can be chosen.")
    with open_dataset(run / "simulation.nc", "time", "basin", "streamflow") as simulation:
        if simulation.sizes["time"] == 0:
            raise DgeoError("The file simulation.nc covers no time, so no hydrograph can be drawn.")
        return "".join(_one(simulation, title, row) for title, row in ranked(scores).items())


def ranked(scores: pd.DataFrame) -> dict[str, pd.Series]:
    """The rows with the highest, the middle and the lowest NSE; fewer where there are fewer basins."""
    ordered = scores.sort_values("nse", ascending=False, kind="stable")
    places = {"Best basin": 0, "Median basin": len(ordered) // 2, "Worst basin": len(ordered) - 1}
    unique = {place: title for title, place in reversed(places.items())}
    return {title: ordered.iloc[place] for place, title in sorted(unique.items())}


def _one(simulation: xr.Dataset, title: str, row: pd.Series) -> str:
    basins = simulation["basin"].values.astype(str)
    places = np.flatnonzero(basins == row["basin"])
    if places.size == 0:
        raise DgeoError(f"The file simulation.nc has no basin {row['basin']}, so its hydrograph is left out.")
    place = int(places[0])
    time = simulation["time"].values
    window = stretch(time, _read(simulation, "streamflow_observed", place, slice(None)))
    series = {name: found for name in _SERIES if (found := _read(simulation, name, place, window)) is not None}
    named = f", {row['name']}" if isinstance(row.get("name"), str) else ""
    region = f", region {row['region']}" if isinstance(row.get("region"), str) else ""
    caption = "Streamflow and precipitation, and beneath them what the model keeps in store."
    return heading(f"{title}: {row['basin']}{named}{region}, NSE {number(float(row['nse']))}") + picture(
        image(partial(draw_hydrograph, time[window], series)), f"Hydrograph of the {title.lower()}", caption
    )


def stretch(time: np.ndarray, observed: Series | None) -> slice:
    """The first of the consecutive two-year stretches with the most observations."""
    starts = np.arange(time[0], max(time[-1] - _STRETCH, time[0]) + np.timedelta64(1, "D"), _STRETCH // 2)
    first = np.searchsorted(time, starts)
    last = np.searchsorted(time, starts + _STRETCH)
    present = np.isfinite(observed.values) if observed is not None else np.ones(time.size, bool)
    count = np.concatenate([[0], np.cumsum(present)])
    best = int(np.argmax(count[last] - count[first]))
    return slice(int(first[best]), int(last[best]))


def _read(simulation: xr.Dataset, name: str, place: int, window: slice) -> Series | None:
    if name not in simulation or set(simulation[name].dims) != {"time", "basin"}:
        return None
    field = simulation[name].isel(basin=place, time=window)
    return Series(np.asarray(field, dtype=float), str(field.attrs.get("units", "")))


def draw_hydrograph(time: np.ndarray, series: dict[str, Series]) -> Figure:
    """Streamflow under hanging precipitation, then one panel for each kind of store that the file holds."""
    stores = [(title, [name for name in names if name in series]) for title, names in _PANELS]
    stores = [(title, names) for title, names in stores if names]
    figure, grid = new_figure(3.0 + len(stores), _MARGINS, 1 + len(stores), ratios=[3.4] + [1.0] * len(stores))
    panels = grid[:, 0]
    draw_streamflow(panels[0], time, series)
    for axis, (title, names) in zip(panels[1:], stores, strict=True):
        draw_stores(axis, time, {n: series[n] for name in names for n in (name, name + _TRUTH) if n in series}, title)
    for axis in panels:
        date_axis(axis, time, labelled=axis is panels[-1])
    return figure


def date_axis(axis: Axes, time: np.ndarray, *, labelled: bool) -> None:
    """The same span and dates for all panels, written beneath the last only."""
    locator = AutoDateLocator()
    axis.set_xlim(time[0], time[-1])
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axis.tick_params(labelbottom=labelled)
    axis.yaxis.set_label_coords(-0.05, 0.5)


def draw_streamflow(axis: Axes, time: np.ndarray, series: dict[str, Series]) -> None:
    """Observed, true and simulated streamflow with its spread, where they are known, beneath hanging precipitation."""
    flow = series["streamflow"]
    highest = draw_flows(axis, time, series)
    axis.set_ylim(0, 1.45 * highest if "precipitation" in series else 1.08 * highest)
    axis.set_ylabel(with_units("Streamflow", flow.units))
    axis.legend(loc="upper right", ncols=4, bbox_to_anchor=(1.0, 1.14))
    if "precipitation" in series:
        draw_precipitation(axis, time, series["precipitation"])


def draw_flows(axis: Axes, time: np.ndarray, series: dict[str, Series]) -> float:
    """The lines of streamflow, and a band of one standard deviation over the members of an ensemble; the highest."""
    flow = series["streamflow"].values
    drawn = [flow]
    if "streamflow_observed" in series:
        drawn.append(series["streamflow_observed"].values)
        axis.plot(time, drawn[-1], color=OBSERVED, label="Observed", linewidth=1.9)
    if "streamflow" + _SPREAD in series:
        spread = series["streamflow" + _SPREAD].values
        drawn.append(flow + spread)
        axis.fill_between(
            time, flow - spread, drawn[-1], color=SIMULATED, alpha=0.25, linewidth=0, label="± spread of the ensemble"
        )
    axis.plot(time, flow, color=SIMULATED, label="Simulated", linewidth=1.0)
    if "streamflow" + _TRUTH in series:
        drawn.append(series["streamflow" + _TRUTH].values)
        axis.plot(time, drawn[-1], color=INK, linestyle="--", label="Truth", linewidth=0.8)
    return float(max(np.nanmax(values, initial=1e-6) for values in drawn))


def draw_precipitation(axis: Axes, time: np.ndarray, rain: Series) -> None:
    """Precipitation hangs from the top on an inverted axis of its own."""
    hanging = axis.twinx()
    hanging.fill_between(time, rain.values, color=WATER, step="mid", linewidth=0)
    hanging.set_ylim(3.2 * np.nanmax(rain.values, initial=1e-6), 0)
    hanging.set_ylabel(with_units("Precipitation", rain.units))
    hanging.grid(visible=False)


def draw_stores(axis: Axes, time: np.ndarray, series: dict[str, Series], title: str) -> None:
    """The stores of one kind as lines over a light filling; the truth, where it is known, as a dashed line."""
    simulated = {name: store for name, store in series.items() if not name.endswith(_TRUTH)}
    for (name, store), colour in zip(simulated.items(), _colours(title), strict=False):
        axis.plot(time, store.values, color=colour, label=label(name))
        axis.fill_between(time, store.values, color=colour, alpha=0.15, linewidth=0)
        if name + _TRUTH in series:
            known = "Truth" if name == next(iter(simulated)) else None
            axis.plot(time, series[name + _TRUTH].values, color=OBSERVED, linestyle="--", linewidth=0.9, label=known)
    axis.set_ylim(bottom=0)
    axis.set_ylabel(with_units(title, next(iter(series.values())).units))
    axis.legend(loc="upper right", ncols=3, bbox_to_anchor=(1.0, 1.42), fontsize=7.5)


def _colours(title: str) -> tuple[str, str]:
    pairs = {"Snow": (LINES[7], LINES[0]), "Soil": (LINES[1], LINES[5]), "ET": (LINES[4], LINES[6])}
    return pairs.get(title, (LINES[2], LINES[3]))
