"""Hybrids and networks under the probes, as they are built: what holds by construction holds."""

import jax
import pytest

from dgeo.check.probes import examine
from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, Learned, NetworkRecipe, build
from dgeo.models import two_pools
from tests.hybrid.cases import ATTRIBUTES, FORCINGS, STATISTICS, hybrid, weather

BY_CONSTRUCTION = (
    "closure",
    "closure of an extreme event",
    "rain is split",
    "states are bounded",
    "determinism",
    "nothing looks ahead",
    "restart",
    "runoff is supplied",
)


@pytest.fixture(scope="module")
def untrained():
    """HBV with parameters from attributes and routing, in a year and a quarter of weather, repeated."""
    return examine(hybrid(), weather(days=460), spin_up=365)


@pytest.mark.parametrize("probe", BY_CONSTRUCTION)
def test_a_hybrid_passes_what_its_physics_promises(untrained, probe):
    """The ledger closes at any parameters, and the carry is all that is remembered (docs/trust.md)."""
    assert untrained[probe].verdict == "pass", untrained[probe].figure


def test_a_hybrid_without_memory_takes_finer_steps_and_one_without_exchange_has_none(untrained):
    """It reads attributes alone, so its steps may be of any length; HBV 1.0's exchange is declared and zero."""
    assert untrained["finer steps"].verdict != "not applicable"
    assert untrained["exchange answers"].figure == "no declared exchange moves water here"


def test_the_published_recipe_that_looks_ahead_is_caught():
    """Feng et al. (2022) take static parameters from the last day of the window, so what is to come is known before."""
    peeking = hybrid("lstm", dynamic={"network": "lstm", "width": 4, "static_from_last_step": True})
    finding = examine(peeking, weather(days=365), spin_up=365, only="ahead")["nothing looks ahead"]
    assert finding.verdict == "fail"


def test_a_mass_conserving_network_closes_and_knows_days_only():
    """Its cells are its stores: an untrained one closes; its step cannot be cut, and it has no evaporation to bound."""
    recipe = NetworkRecipe(network="mc_lstm", hidden=3, forcings=FORCINGS, attributes=ATTRIBUTES)
    network = build(recipe, STATISTICS, jax.random.key(0))
    report = examine(network, weather(days=365), spin_up=365, only="closure")
    assert [finding.verdict for finding in report] == ["pass", "pass"]
    finer = examine(network, weather(days=365), only="finer")["finer steps"]
    assert finer.figure == "the model knows days only"


def test_a_model_without_runoff_is_refused():
    """Pools of carbon have no flow to ask for."""
    with pytest.raises(DgeoError, match="Carbon gives none"):
        examine(Hybrid(two_pools(), Learned((), {})), weather())
