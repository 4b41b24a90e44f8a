"""The gradients of every model and every law in dgeo."""

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import diffrax
import jax

from dgeo.check.gradient_kit import DEFAULT
from dgeo.check.gradient_laws import law_gradients
from dgeo.check.gradient_models import model_gradients
from dgeo.check.gradient_report import Report
from dgeo.hybrid.constraints import Bounded, Factor, NonNegative, StorageLimited, ZeroAt
from dgeo.hybrid.expression import expression_law
from dgeo.hybrid.laws import network_law, network_laws
from dgeo.hybrid.table import table_law
from dgeo.models import Formula, ImplicitEuler, Law, Model, Solver, Substeps, hbv, with_residuals, with_thresholds
from dgeo.models.registry import MODELS, VERSIONS, model_named
from dgeo.models.solvers import FixedParts
from dgeo.numerics import Thresholds

Job = tuple[str, Callable[[jax.Array], Report]]
STEP = ("values/temperature", "values/threshold_temperature")
DEAD = {
    "hbv snow_fraction": STEP,
    "shm snow_fraction": STEP[:1],
    "nonsense snow_fraction": STEP[:1],
    "hbv capillary_rise": ("values/soil_moisture",),
    "hbv regional_exchange": ("values/lower_zone",),
    "gr4j slow_share": ("values/production_store",),
}  # hard steps and laws that are constant, on purpose
ITERATED = replace(DEFAULT, exact=1e-6, differences=1e-4)  # Newton stops at a tolerance of its own


def everything(key: jax.Array, *, only: str = "", workers: int = 2) -> Report:
    """The report on all models, versions, solvers and kinds of law whose name contains `only`."""

    def run(job: Job) -> Report:
        name, check = job
        return check(jax.random.fold_in(key, zlib.crc32(name.encode()) >> 1))

    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(run, [job for job in (*models(), *laws(), *learned()) if only in job[0]])
        return sum(found, Report())


def models() -> Iterator[Job]:
    """Each model in full; versions, solvers and rounded thresholds without what jit, vmap and checkpoint repeat."""
    for name in MODELS:
        yield name, _model(name, model_named(name))
    for name, versions in VERSIONS.items():
        for version in versions[1:]:
            yield f"{name} {version}", _model(f"{name} {version}", model_named(name, version), transformations=())
    solvers: dict[str, Solver] = {
        "implicit Euler": ImplicitEuler(),
        "diffrax Heun": FixedParts(),
        "substeps": Substeps(FixedParts(diffrax.Euler(), 1), 2),
    }
    for title, solver in solvers.items():
        tolerances = ITERATED if isinstance(solver, ImplicitEuler) else DEFAULT
        job = _model(f"hbv, {title}", hbv("1.0", solver=solver), transformations=(), tolerances=tolerances)
        yield f"hbv, {title}", job
    rounded = with_thresholds(hbv("1.0"), Thresholds(0.2))
    yield "hbv, rounded", _model("hbv, rounded", rounded, transformations=())


def laws() -> Iterator[Job]:
    """The law in every slot of every model and version, each formula once."""
    seen: set[Any] = set()
    named = [(name, model_named(name)) for name in MODELS]
    named += [(f"{name} {version}", model_named(name, version)) for name in VERSIONS for version in VERSIONS[name]]
    for name, model in named:
        for slot, law in model.present_laws.items():
            identity = (law.function, law.inputs) if isinstance(law, Formula) else (name, slot)
            if identity not in seen:
                seen.add(identity)
                yield f"{name} {slot}", _law(f"{name} {slot}", model, slot, law)
    rounded = with_thresholds(hbv("1.0"), Thresholds(0.2))
    for slot in ("snow_fraction", "melt", "evaporation", "quick_flow"):
        yield f"rounded {slot}", _law(f"rounded {slot}", rounded, slot, rounded.present_laws[slot])


def learned() -> Iterator[Job]:
    """Networks, tables, expressions and the constraints around them, in the evaporation slot of HBV."""
    model, slot, key = hbv("1.0"), "evaporation", jax.random.key(0)
    inputs = ("soil_moisture", "potential_evapotranspiration")
    text = "potential_evapotranspiration * min(1, (soil_moisture / (a * field_capacity)) ** b)"
    network = network_law(model, slot, inputs, width=4, key=key)
    kinds: dict[str, Law] = {
        "network": network,
        "monotone network": network_law(model, slot, inputs, width=4, increasing=inputs, key=key),
        "table": table_law(model, slot, inputs, knots=4),
        "monotone table": table_law(model, slot, inputs, knots=4, increasing=inputs[:1]),
        "expression": expression_law(text, {"a": 0.7, "b": 1.5}),
        "NonNegative": NonNegative(network),
        "Bounded": Bounded(network, 0.0, 10.0),
        "Factor": Factor(network, inputs[1:], (3.0,)),
        "ZeroAt": ZeroAt(network, inputs[0], 10.0),
        "StorageLimited": StorageLimited(network, inputs[0]),
    }
    for kind, law in kinds.items():
        yield kind, _law(kind, model, slot, law)
    yield (
        "hbv, joint networks",
        _model(
            "hbv, joint networks",
            model.with_laws(*network_laws(model, ("evaporation", "recharge_fraction"), inputs, width=4, key=key)),
            transformations=(),
        ),
    )
    residual = with_residuals(
        model,
        {
            "soil_moisture": network_law(
                with_residuals(model, ("soil_moisture",)), "residual_soil_moisture", inputs[:1], width=4, key=key
            )
        },
    )
    yield "hbv, residual", _model("hbv, residual", residual, transformations=())


def _model(name: str, model: Model, **options: Any) -> Callable[[jax.Array], Report]:
    return lambda key: model_gradients(model, key=key, name=name, **options)


def _law(name: str, model: Model, slot: str, law: Law) -> Callable[[jax.Array], Report]:
    analytic = isinstance(law, Formula)
    return lambda key: law_gradients(law, model, slot, key=key, name=name, dead=DEAD.get(name, ()), analytic=analytic)
