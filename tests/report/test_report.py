"""The report is judged as a browser meets it: parsed, not searched for our own strings only."""

import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgeo.errors import DgeoError
from dgeo.report import write_report
from dgeo.report.hydrographs import hydrographs
from dgeo.report.learning import training_curves
from dgeo.report.page import guarded

VOID = {"meta", "img", "br", "hr", "link", "input"}
MakeRun = Callable[..., Path]


class Page(HTMLParser):
    """Collects tags, addresses, texts and table rows, and refuses tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.missing: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action", "data"}]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if ("class", "missing") in attrs:
            self.missing.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data
        if self.open and self.open[-1] == "p" and self.missing:
            self.missing[-1] += data

    def row(self, name: str) -> list[str]:
        return next(row for row in self.rows if row and row[0] == name)


def rendered(run: Path) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


@pytest.fixture(name="complete", scope="module")
def complete_fixture(tmp_path_factory: pytest.TempPathFactory, make_run: MakeRun) -> Path:
    """A complete run with its report, rendered once for the tests that only look."""
    run = make_run(tmp_path_factory.mktemp("complete") / "static", basins=12, days=800)
    write_report(run)
    return run


@pytest.fixture(name="page")
def page_fixture(complete: Path) -> Page:
    return Page((complete / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are composed but not drawn, which takes most of the time, where a test is about words."""
    monkeypatch.setattr(Figure, "savefig", lambda _, buffer, **__: buffer.write(b"<svg/>"))


def test_complete_run(complete: Path, page: Page) -> None:
    """A complete run leaves nothing out: distribution, map of scores, three basins, map of parameters,
    heatmap, pairs and training are 9 pictures; the tags nest."""
    assert page.missing == []
    assert sum(address.startswith("data:image/svg+xml;base64,") for address in page.addresses) == 9
    assert len(re.findall(r"(?:Best|Median|Worst) basin: \d{8}, River \d+ near Town & Mill", page.text)) == 3
    assert (complete / "report.html").stat().st_size < 5e6


def test_page_is_self_contained(complete: Path, page: Page) -> None:
    """Addresses are embedded data or anchors of the page; no script, frame, style or font is fetched."""
    assert all(re.match(r"data:image/|#[a-z-]+$", address) for address in page.addresses)
    assert page.tags.isdisjoint({"script", "iframe", "link", "object", "embed", "base"})
    assert not re.search(r"https?:|url\(|@import", (complete / "report.html").read_text(encoding="utf-8"))


def test_numbers_equal_metrics(complete: Path, page: Page) -> None:
    """The table rounds what metrics.json says to three decimals and adds nothing of its own."""
    metrics = json.loads((complete / "metrics.json").read_text())
    for name, title in (("nse", "NSE"), ("kge", "KGE"), ("bias", "Bias"), ("fhv", "FHV")):
        entry = metrics["test"][name]
        interval = f"{entry['interval'][0]:.3f} to {entry['interval'][1]:.3f}"
        expected = [title, f"{entry['median']:.3f}", interval, f"{entry['mean']:.3f}", "12", "0"]
        assert page.row(title) == expected
    assert page.row("Evapotranspiration")[1:] == ["0.912", "0.513", "0.834", "-0.427", "0.021", "0.318"]
    assert page.row("Field capacity")[1] == "0.876"
    assert page.row("Residual") == ["Residual", "0.002", "1.4e-07"]
    assert "5 min 12 s" in page.text


@pytest.mark.usefixtures("blank_pictures")
def test_what_the_probes_found_is_shown(run_folder: Path) -> None:
    """Those that apply, counted; before an examination one sentence says how there comes to be one."""
    assert "has not been examined: `dgeo probe" in rendered(run_folder).text
    told = {"closure": ("pass", "1e-07 <of> the water"), "no clock": ("fail", "3 %"), "restart": ("not applicable", "")}
    rows = [{"probe": name, "verdict": verdict, "figure": figure} for name, (verdict, figure) in told.items()]
    (run_folder / "probes.json").write_text(json.dumps({"rows": rows}))
    page = rendered(run_folder)
    assert page.row("closure") == ["closure", "pass", "1e-07 <of> the water"]
    assert "Passes 1 of 2 probes" in page.text
    assert "restart" not in [row[0] for row in page.rows if row]


@pytest.mark.usefixtures("blank_pictures")
def test_further_targets_have_tables(run_folder: Path) -> None:
    """One more table a target, rounded to three decimals; a target without a summary has none."""
    summary = {"median": 0.81234, "interval": [0.8, 0.825], "mean": 0.79, "n": 11, "failures": 1}
    metrics = json.loads((run_folder / "metrics.json").read_text())
    metrics["targets"] = {"soil_moisture": {"rmse": summary}, "evapotranspiration": {}}
    (run_folder / "metrics.json").write_text(json.dumps(metrics))
    page = rendered(run_folder)
    place = page.rows.index(["Soil moisture", "Median", "Interval of the median", "Mean", "Basins", "Failures"])
    assert page.rows[place + 1] == ["RMSE", "0.812", "0.800 to 0.825", "0.790", "11", "1"]
    assert not any(row[:2] == ["Evapotranspiration", "Median"] for row in page.rows)
    assert page.missing == []


def test_spread_and_truth_of_streamflow_are_drawn(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truth = 3 · flow is a dashed line, spread = flow a band from nothing to 2 · flow; both lie within the axes."""
    with xr.open_dataset(run_folder / "simulation.nc", engine="h5netcdf") as dataset:
        flow = dataset.load()["streamflow"]
    dataset.assign(streamflow_truth=3 * flow, streamflow_spread=flow).to_netcdf(run_folder / "simulation.nc")
    drawn: list[Axes] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure.axes[0]))
    assert hydrographs(run_folder).count("<figure>") == len(drawn) == 3
    for axis in drawn:
        lines = {line.get_label(): line for line in axis.get_lines()}
        legend = axis.get_legend()
        assert legend is not None
        assert {text.get_text() for text in legend.get_texts()} == {*lines, "± spread of the ensemble"}
        assert (lines["Truth"].get_linestyle(), lines["Simulated"].get_linestyle()) == ("--", "-")
        simulated = np.asarray(lines["Simulated"].get_ydata())
        np.testing.assert_allclose(np.asarray(lines["Truth"].get_ydata()), 3 * simulated, rtol=1e-6)
        (band,) = axis.collections
        heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
        np.testing.assert_allclose([heights.min(), heights.max()], [0, 2 * simulated.max()], atol=1e-6)
        assert axis.get_ylim()[1] > 3 * simulated.max()


def test_share_near_bounds_is_counted(complete: Path, page: Page) -> None:
    """The share near a bound, counted here by hand over basins and components of the file."""
    with xr.open_dataset(complete / "parameters.nc", engine="h5netcdf") as parameters:
        values = parameters["lp"].values.ravel()
    near = sum(1 for value in values if value - 0.2 <= 0.01 * (1.0 - 0.2))
    assert near > 0
    assert page.row("Lp")[5] == f"{100 * near / values.size:.1f} %"


def test_same_run_same_bytes(complete: Path, page: Page) -> None:
    """Nothing of the page depends on when it is rendered."""
    before = (complete / "report.html").read_bytes()
    assert write_report(complete).read_bytes() == before


@pytest.mark.parametrize(
    ("file", "sentences"),
    [
        ("metrics.json", 2),  # Scores and What it also learned
        ("metrics.csv", 3),  # Scores, Hydrographs and the maps of parameters
        ("simulation.nc", 1),
        ("parameters.nc", 2),
        ("ledger.json", 1),
        ("history.csv", 1),
        ("config.yaml", 1),
    ],
)
@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_missing_or_truncated_file(run_folder: Path, file: str, sentences: int, damage: str) -> None:
    """A part without its file is one sentence that names the file, once a section; the rest is there."""
    path = run_folder / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:30])
    page = rendered(run_folder)
    named = [sentence for sentence in page.missing if file in sentence and sentence.endswith(".")]
    # Thirty bytes of YAML or of a CSV header are a shorter file, not an unreadable one.
    assert len(named) == (0 if (damage, file) == ("truncated", "config.yaml") else sentences)
    assert page.missing == named
    assert all(sentence.count("left out") == 1 for sentence in named)


def test_empty_folder_and_no_folder(tmp_path: Path) -> None:
    """A folder without any file still gives a page, of sentences only; no folder is the caller's mistake."""
    page = rendered(tmp_path)
    assert len(page.missing) >= 8
    assert "img" not in page.tags
    with pytest.raises(DgeoError, match="no run folder"):
        write_report(tmp_path / "absent")


def test_hostile_strings_are_escaped(make_run: MakeRun, tmp_path: Path) -> None:
    """Names that are markup, mathtext or broken Unicode arrive as text: no tag or formula comes of them."""
    evil = '<script>alert(1)</script>"onload="x'
    run = make_run(tmp_path / "<b>run", basins=3, days=400, ids=[evil, "$\\frac{$", "</section></main>"])
    table = pd.read_csv(run / "metrics.csv", dtype={"basin": str})
    table.assign(name=evil, region="$x$<i>").to_csv(run / "metrics.csv", index=False)
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["hidden"] = {evil: {"nse": evil, "untrained": [evil]}}
    metrics["seeds"] = [{"seed": evil, "nse": "\ud800", "seconds": evil}]
    metrics["test"][evil] = {"median": evil, "n": None, "interval": [evil, evil], "mean": float("nan")}
    metrics["targets"] = {evil: {evil: metrics["test"][evil]}, "list": [evil]}
    (run / "metrics.json").write_text(json.dumps(metrics))
    (run / "config.yaml").write_text(f"</pre></details>{evil}")
    (run / "ledger.json").write_text(json.dumps({"inflows": {evil: evil}, "residual": evil}))
    (run / "probes.json").write_text(json.dumps({"rows": [evil, {"probe": evil, "verdict": "fail", "figure": [evil]}]}))
    with xr.open_dataset(run / "parameters.nc", engine="h5netcdf") as dataset:
        renamed = dataset.load().rename({"beta": "$\\beta$$", "aridity": "a<b>$"})
    renamed["$\\beta$$"].attrs["units"] = "$\\q{ <i>"
    renamed.to_netcdf(run / "parameters.nc", engine="h5netcdf")
    page = rendered(run)
    assert page.tags.isdisjoint({"script", "i"})
    assert "<b>run" in page.text
    assert page.text.count("<script>alert(1)</script>") >= 6


@pytest.mark.usefixtures("blank_pictures")
def test_earlier_report_survives_failure(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last step of writing fails, as on a full disk, the earlier report is whole, with no debris."""
    before = write_report(run_folder).read_bytes()
    files = set(run_folder.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DgeoError, match="No space left on device"):
        write_report(run_folder)
    assert (run_folder / "report.html").read_bytes() == before
    assert set(run_folder.iterdir()) == files


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("basins", [1, 2])
def test_few_basins(make_run: MakeRun, tmp_path: Path, basins: int) -> None:
    """One or two basins have no rank correlations, and the best basin is not shown again as the worst."""
    page = rendered(make_run(tmp_path / "few", basins=basins, days=30))
    assert len(page.missing) == 1
    assert "Fewer than three basins" in page.missing[0]
    assert len(re.findall(r"(?:Best|Median|Worst) basin:", page.text)) == basins


def test_a_history_that_cannot_be_drawn_is_a_sentence(run_folder: Path) -> None:
    """A score that is infinite has no place on an axis; the rest of the page would be there."""
    columns = "seed,phase,step,loss,gradient,validation,seconds"
    (run_folder / "history.csv").write_text(f"{columns}\n0,refit,2,1,1,inf,1\n0,refit,4,1,1,0.5,1\n")
    assert "A picture cannot be drawn of these values" in guarded(training_curves, run_folder)


def test_gaps_everywhere(run_folder: Path) -> None:
    """Scores, series, parameters and losses that are all NaN give empty figures and dashes, no error."""
    table = pd.read_csv(run_folder / "metrics.csv", dtype={"basin": str})
    table.assign(kge=np.nan, log_nse=np.nan).to_csv(run_folder / "metrics.csv", index=False)
    history = pd.read_csv(run_folder / "history.csv")
    history.assign(loss=np.nan, validation=np.nan, seconds=np.nan).to_csv(run_folder / "history.csv", index=False)
    for file in ("simulation.nc", "parameters.nc"):
        with xr.open_dataset(run_folder / file, engine="h5netcdf") as dataset:
            empty = dataset.load().map(lambda field: field * np.nan, keep_attrs=True)
        empty.to_netcdf(run_folder / file, engine="h5netcdf")
    page = rendered(run_folder)
    assert all("Fewer than three" in sentence for sentence in page.missing)
