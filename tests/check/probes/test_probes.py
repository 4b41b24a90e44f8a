"""Every probe passes a model that behaves as water does, and fails one that breaks what it asks, for that reason."""

from pathlib import Path

import numpy as np
import pytest

from dgeo.check.probes import PROBES, External, Finding, Moment, ProbeReport, examine
from dgeo.check.probes.registry import Measure
from dgeo.errors import DgeoError
from tests.check.probes.bucket import DEMAND, HEAT, RAIN, Bucket, of_attributes, stateless, weather

NAMES = ("cold", "cool", "mild", "warm")
DAYS = np.arange(200_000)[:, None]


def examined(model, only: str = "") -> ProbeReport:
    return examine(model, weather(), basins=NAMES, spin_up=365, only=only)


@pytest.fixture(scope="module")
def reference() -> ProbeReport:
    return examined(Bucket())


@pytest.mark.parametrize("probe", PROBES)
def test_what_behaves_as_water_passes(reference, probe):
    """No response of the bucket jumps, falls with what is stored, or forgets (see there), and its ledger is exact."""
    finding = reference[probe]
    assert finding.verdict == "pass", finding.figure
    assert finding.basin in (*NAMES, "")
    assert finding.failing == 0


def centred(forcing):
    """The mean of yesterday, today and tomorrow."""
    rain = forcing[RAIN]
    return (np.roll(rain, 1, 0) + rain + np.roll(rain, -1, 0)) / 3


def noisy(forcing):
    return forcing[RAIN] + np.random.default_rng().random(forcing[RAIN].shape)


def after_yesterday(forcing):
    """A wet day takes from the next day's runoff."""
    rain = forcing[RAIN]
    return np.maximum(0.5 * rain - 0.2 * np.concatenate([rain[:1], rain[:-1]]), 0)


def frozen_first(forcing):
    """Half of what falls in frost runs off at once, of rain nothing."""
    return np.where(forcing[HEAT] < 2, 0.5 * forcing[RAIN], 0.0)


BROKEN = [
    ("closure", Bucket(lost_melt=0.01), "not accounted"),
    ("closure of an extreme event", Bucket(capacity=400.0), "not accounted"),
    ("rain is split", Bucket(contrary_evaporation=True), "beyond none or all"),
    ("runoff rises with rain", stateless(lambda x: np.maximum(10 - x[RAIN], 0)), "lost from the runoff"),
    ("runoff rises with rain", stateless(lambda x: 2 * x[RAIN]), "more runoff than rain"),
    ("a storm returns what fell", stateless(lambda x: 1.1 * x[RAIN]), "more runoff than the storm"),
    ("a storm returns what fell", stateless(lambda x: np.maximum(10 - x[RAIN], 0)), "lost from the runoff"),
    ("a larger storm returns a larger share", stateless(lambda x: np.minimum(x[RAIN], 20)), "less of a storm"),
    ("without rain a basin drains", stateless(lambda x: 0.3 + 0.5 * x[RAIN]), "of the second dry year"),
    ("without rain a basin drains", stateless(lambda x: x[RAIN] - 0.5), "below zero"),
    ("runoff is supplied", stateless(lambda x: 1.2 * x[RAIN]), "than falls"),
    ("wetter soil never lessens runoff", stateless(after_yesterday), "taken from the runoff"),
    ("smooth response", stateless(lambda x: x[RAIN] * (1 + np.sin(1e4 * x[RAIN]))), "by 0.1 % of rain"),
    ("smooth response", stateless(lambda x: x[RAIN] * (1 + np.sin(1e3 * x[HEAT]))), "by 0.01 K"),
    ("exchange answers", Bucket(source=0.5), "left with half the rain"),
    ("snow made rain", stateless(frozen_first), "runs off later"),
    ("warming", stateless(lambda x: x[RAIN] * (0.3 + 0.01 * x[HEAT])), "added to the runoff by 3 K"),
    ("evaporation is bounded", Bucket(evaporation_factor=1.5), "beyond the demand"),
    ("states are bounded", Bucket(overdraft=5.0), "below zero"),
    ("unseen attributes", Bucket(bounded_rate=False), "at unseen attributes"),
    ("area changes nothing per area", of_attributes(lambda x, a: x[RAIN] * a["area"] / 1000), "area is doubled"),
    ("determinism", stateless(noisy), "run twice"),
    ("nothing looks ahead", stateless(centred), "days to come"),
    ("no clock", stateless(lambda x: x[RAIN] * (2 + np.sin(DAYS[: len(x[RAIN])]))), "100 days later"),
    ("restart", Bucket(forgotten=0.1), "stopped on the way"),
    ("finer steps", Bucket(days_only=True), "the length of the step"),
    ("steady weather, steady flow", Bucket(siphon=True), "range of a steady year"),
    ("repeated years, repeated flow", stateless(lambda x: x[RAIN] * (1 + 1e-5 * DAYS[: len(x[RAIN])])), "year to year"),
    ("no drift", Bucket(perennial=True), "storage in 20 years"),
]


@pytest.mark.parametrize(("probe", "model", "reason"), BROKEN, ids=[f"{name}: {why}" for name, _, why in BROKEN])
def test_what_does_not_is_caught_for_that_reason(probe, model, reason):
    """Each of these breaks, in one line, what the probe asks, and the figure says so."""
    finding = examined(model, probe)[probe]
    assert finding.verdict == "fail", finding.figure
    assert reason in finding.figure
    assert f"{finding.failing} of 4 basins fail" in finding.figure


def test_every_probe_has_a_model_that_it_catches():
    """A probe added without one is not known to ask anything."""
    assert {probe for probe, _, _ in BROKEN} == set(PROBES)


def test_every_probe_is_told_in_the_docs():
    """A row of the table in docs/trust.md, by name."""
    told = (Path(__file__).parents[3] / "docs" / "trust.md").read_text(encoding="utf-8")
    assert [name for name in PROBES if f"\n| {name} | " not in told] == []


def test_a_store_too_small_for_the_event_closes_in_ordinary_weather():
    """The silent clamp at 400 mm is never reached by the year's rain: only the event shows it."""
    assert examined(Bucket(capacity=400.0), "closure")["closure"].verdict == "pass"


def test_a_function_with_declared_stores_is_examined_as_a_model_is(reference):
    """The same bucket, wrapped as a function that starts anew in each call: the same verdicts, but for restarts."""
    bucket = Bucket()

    def function(forcing, attributes):
        nothing = np.zeros(len(attributes["sand"]))
        return bucket.march(forcing, attributes, Moment((nothing, nothing), {}))[0]

    wrapped = External(
        function,
        bucket.forcings,
        bucket.attributes,
        stores=("snow", "soil"),
        outflows=("streamflow", "evapotranspiration"),
        exchanges=("leak",),
    )
    chosen = ("closure", "rain is split", "restart", "finer steps", "exchange answers", "evaporation is bounded")
    found = {name: examined(wrapped, name)[name] for name in chosen}
    assert [name for name, finding in found.items() if finding.verdict == "not applicable"] == [
        "restart",
        "finer steps",
    ]
    assert found["rain is split"].verdict == "pass"
    assert found["exchange answers"].value == pytest.approx(reference["exchange answers"].value, rel=1e-9)
    assert found["closure"].value < 1e-12


def test_what_a_model_lacks_is_said():
    """A formula of rain has no stores, state, attributes, exchange or evaporation."""
    report = examined(stateless(lambda x: 0.5 * x[RAIN]), "rain")
    assert report["rain is split"].verdict == "not applicable"
    assert report["rain is split"].figure == "the model declares no stores"
    assert report["runoff rises with rain"].verdict == "pass"
    report.require()


def test_a_number_that_is_not_finite_fails():
    """NaN is neither above nor below any tolerance, and must not pass for that."""
    measure = Measure(np.array([0.0, np.nan]), 1.0, "")
    assert list(measure.excess > 1) == [False, True]
    finding = examined(stateless(lambda x: np.full_like(x[RAIN], np.nan)), "states")["states are bounded"]
    assert finding.verdict == "fail"
    assert "not finite" in finding.figure


def test_a_report_counts_names_and_refuses():
    """What applied, what passed, and the first failure in a sentence."""
    rows = (Finding("a", "pass", ""), Finding("b", "fail", "3 %"), Finding("c", "not applicable", ""))
    report = ProbeReport(rows)
    assert report.summary == "1 of 2"
    with pytest.raises(DgeoError, match="passes 1 of 2 probes; b: 3 %"):
        report.require()


def test_wrong_wrapping_is_met_at_the_door():
    """An output that is declared and not given, or of another shape; a week of weather; a probe that there is not."""
    with pytest.raises(DgeoError, match="gives no 'soil', which it declares"):
        examined(External(lambda x: {"streamflow": x[RAIN]}, (RAIN, DEMAND), stores=("soil",)), "closure")
    with pytest.raises(DgeoError, match="'streamflow' has the shape"):
        examined(stateless(lambda x: x[RAIN][:-1]), "determinism")
    with pytest.raises(DgeoError, match="No probe is named 'clousure'; did you mean closure"):
        examined(Bucket(), "clousure")
    short = weather()
    short.forcing.update({name: series[:7] for name, series in short.forcing.items()})
    with pytest.raises(DgeoError, match="were given 7 days"):
        examine(Bucket(), short)
