"""The gradients of every model and every law in dgeo."""

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import diffrax
import jax

from dgeo.check.gradient_laws import law_gradients
from dgeo.check.gradient_models import model_gradients
from dgeo.check.gradient_report import Report
from dgeo.check.gradient_run import DEFAULT
from dgeo.hybrid.constraints import AtMost, Bounded, Factor, NonNegative, ZeroAt
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
    """The law in every slot of every model and version, each formula once; jit, vmap and checkpoint are its model's."""
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
    for kind, build in KINDS.items():
        yield kind, _of_kind(kind, build)
    yield "hbv, joint networks", _built("hbv, joint networks", _with_joint_networks)
    yield "hbv, residual", _built("hbv, residual", _with_residual)


SLOT, READ = "evaporation", ("soil_moisture", "potential_evapotranspiration")
TEXT = "potential_evapotranspiration * min(1, (soil_moisture / (a * field_capacity)) ** b)"


def _network(model: Model, **constraints: Any) -> Law:
    return network_law(model, SLOT, READ, width=4, key=jax.random.key(0), **constraints)


KINDS: dict[str, Callable[[Model], Law]] = {
    "network": _network,
    "monotone network": lambda model: _network(model, increasing=READ),
    "table": lambda model: table_law(model, SLOT, READ, knots=4),
    "monotone table": lambda model: table_law(model, SLOT, READ, knots=4, increasing=READ[:1]),
    "expression": lambda model: expression_law(TEXT, {"a": 0.7, "b": 1.5}),
    "NonNegative": lambda model: NonNegative(_network(model)),
    "Bounded": lambda model: Bounded(_network(model), 0.0, 10.0),
    "Factor": lambda model: Factor(_network(model), READ[1:], (3.0,)),
    "ZeroAt": lambda model: ZeroAt(_network(model), READ[0], 10.0),
    "AtMost": lambda model: AtMost(_network(model), READ[0]),
}


def _with_joint_networks() -> Model:
    model = hbv("1.0")
    return model.with_laws(*network_laws(model, (SLOT, "recharge_fraction"), READ, width=4, key=jax.random.key(0)))


def _with_residual() -> Model:
    model = with_residuals(hbv("1.0"), READ[:1])
    slot = f"residual_{READ[0]}"
    return model.with_laws({slot: network_law(model, slot, READ[:1], width=4, key=jax.random.key(0))})


def _of_kind(name: str, build: Callable[[Model], Law]) -> Callable[[jax.Array], Report]:
    model = hbv("1.0")
    return lambda key: law_gradients(build(model), model, SLOT, key=key, name=name)


def _built(name: str, build: Callable[[], Model]) -> Callable[[jax.Array], Report]:
    return lambda key: model_gradients(build(), key=key, name=name, transformations=())


def _model(name: str, model: Model, **options: Any) -> Callable[[jax.Array], Report]:
    return lambda key: model_gradients(model, key=key, name=name, **options)


def _law(name: str, model: Model, slot: str, law: Law) -> Callable[[jax.Array], Report]:
    # Rounded thresholds use `logaddexp`, which means something else for complex numbers.
    analytic = isinstance(law, Formula) and not law.options
    options: dict[str, Any] = {"dead": DEAD.get(name, ()), "analytic": analytic, "transformations": ()}
    return lambda key: law_gradients(law, model, slot, key=key, name=name, **options)
