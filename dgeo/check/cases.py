"""Every simulator of the library beside inputs drawn at random, for checks that go through all of them.

A case is a run as a function of its inputs, all of them numbers that single precision holds exactly: what single and
double precision make of it differs by their arithmetic alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dgeo.check.case_weather import SITES, Random, cells, extreme, stores, within
from dgeo.check.gradient_ranges import ATTRIBUTES, SHARE, numbers
from dgeo.check.network_ledger import open_books
from dgeo.check.steps import WET, Closure, step_ledger
from dgeo.engine import Engine, Parameters, simulate
from dgeo.hybrid import Hybrid, Inputs, NetworkRecipe, Recipe, Simulator, build, network_law
from dgeo.models import (
    DiffusiveRiver,
    ImplicitEuler,
    Layers,
    Model,
    River,
    Roots,
    Values,
    ecosystem,
    grid,
    hbv,
    leaf,
    line,
    reaches,
    richards,
    snowpack,
    soil_heat_column,
    surface,
    two_pools,
    with_residuals,
)
from dgeo.models.aquifer import Aquifer
from dgeo.models.registry import MODELS, VERSIONS, model_named
from dgeo.models.stream import Oxygen, Solute, StreamTemperature
from dgeo.models.surface import BALANCES
from dgeo.numerics import trainable

HOUR = 3600.0  # [s]
READ = ("aridity", "slope")
SIZES = {
    "precipitation": (3.0, 8.0),
    "temperature": (5.0, 12.0),
    "potential_evapotranspiration": (3.0, 3.0),
    "streamflow": (2.0, 4.0),
}


@dataclass(frozen=True)
class Case:
    """A run, and its books.

    - `inputs`: {"learned": what is differentiated by, "given": all else}, trees of numpy arrays;
    - `run(inputs, engine)`: all fluxes and stores, [time, site, …];
    - `books(inputs, outputs)`: how well they close; None where nothing is conserved.
    """

    inputs: dict[str, Any]
    run: Callable[..., Values]
    books: Callable[[dict[str, Any], Values], Closure] | None

    def in_precision(self, dtype: Any) -> dict[str, Any]:
        """The inputs in a precision: in all of them the same numbers."""
        return jax.tree.map(lambda x: jnp.asarray(np.asarray(np.asarray(x, np.float32), dtype)), self.inputs)


Maker = Callable[[int, Random], Case]


def makers() -> dict[str, Maker]:
    """All cases by name; each draws a case of so many steps."""
    return {**_bucket_makers(), **_kernel_makers(), **_network_makers()}


def of_model(
    model: Model, forcing: Values, parameters: Values, state: Values, dt: float = 1.0, wet: float | None = None
) -> Case:
    """The run of a simulator; without `wet`, an event begins where more comes in than on average."""
    numbers, rest = eqx.partition(model, _is_number)
    budget = model.budget

    def run(inputs: dict[str, Any], engine: Engine = "auto") -> Values:
        numbers, forcing, state = inputs["given"]
        present = eqx.combine(numbers, rest)
        outputs = (*present.fluxes, *present.states)
        parameters = Parameters(inputs["learned"], {})
        return simulate(present, forcing, parameters, state, dt=dt, outputs=outputs, engine=engine)[0]

    def books(inputs: dict[str, Any], outputs: Values) -> Closure:
        supply = sum(np.mean(np.maximum(np.asarray(outputs[flux], np.float64), 0)) for flux in budget.inflows)
        return step_ledger(model, inputs["given"][2], outputs, dt, float(supply) if wet is None else wet)

    inputs = {"learned": parameters, "given": (numbers, forcing, state)}
    return Case(inputs, run, books if budget.conserves else None)


def of_simulator(model: Simulator, inputs: Inputs) -> Case:
    """The run of a hybrid or of a network, from empty; differentiated by its weights."""
    weights, rest = eqx.partition(model, trainable(model))
    numbers, fixed = eqx.partition(rest, _is_number)
    conserves = isinstance(model, Hybrid) or model.budget.conserves

    def put_together(given: dict[str, Any]) -> tuple[Simulator, Inputs]:
        numbers, forcing, attributes = given["given"]
        return eqx.combine(given["learned"], numbers, fixed), Inputs(forcing, attributes)

    def run(given: dict[str, Any], engine: Engine = "auto") -> Values:
        present, inputs = put_together(given)
        dtype = next(iter(inputs.forcing.values())).dtype
        carry = present.initial_carry(inputs.sites, dtype)
        return present(inputs, carry, outputs=tuple(present.variables), engine=engine)[0]

    def closure(given: dict[str, Any], outputs: Values) -> Closure:
        present, inputs = put_together(given)
        dtype = next(iter(inputs.forcing.values())).dtype
        first = Inputs({name: series[:1] for name, series in inputs.forcing.items()}, inputs.attributes)
        account = open_books(present, first, present.initial_carry(inputs.sites, dtype))
        account.add(outputs)
        return account.closure

    given = {"learned": weights, "given": (numbers, inputs.forcing, inputs.attributes)}
    return Case(given, run, closure if conserves else None)


def _is_number(x: Any) -> bool:
    return isinstance(x, jax.Array | np.ndarray) and jnp.issubdtype(x.dtype, jnp.floating)


def _bucket_makers() -> dict[str, Maker]:
    """The models of the registry in every version, and HBV and others as users change them."""
    named = {" ".join(filter(None, (n, v))): (n, v) for n in MODELS for v in VERSIONS.get(n, (None,))}
    residuals = with_residuals(hbv("1.0"), ("soil_moisture", "lower_zone"))
    wild = ("hbv", "exphydro", "shm", "gr4j", "bucket")
    return {
        **{name: partial(_bucket, model_named(*which)) for name, which in named.items()},
        "hbv, floors of hydrodl2": partial(_bucket, hbv("1.1p", compatibility="hydrodl2")),
        "hbv, implicit Euler": partial(_bucket, hbv("1.0", solver=ImplicitEuler())),
        "hbv, residuals": partial(_bucket, residuals, laws="residual_"),
        **{f"{name}, networks in every slot": partial(_bucket, model_named(name), laws="") for name in wild},
    }


def _bucket(model: Model, steps: int, random: Random, laws: str | None = None) -> Case:
    """In extreme weather; with random networks in the slots whose name contains `laws`."""
    model = model if laws is None else with_random_laws(model, random, laws)
    weather = extreme((steps, SITES), random)
    forcing = {name: weather[name] for name in (*model.forcings, *model.law_forcings)}
    return of_model(model, forcing, within(model, (SITES,), random), stores(model, random), wet=WET)


def with_random_laws(model: Model, random: Random, only: str) -> Model:
    """Networks of random weights, far wilder than any that training begins with, in the slots whose name has `only`."""
    numbers = [name for name, one in model.initial_state().items() if jnp.ndim(one) == 0]
    reads = (*numbers[:2], *tuple(model.forcings)[:2])

    def law(slot: str) -> Any:
        fresh = network_law(model, slot, reads, width=4, depth=1, key=jax.random.key(int(random.integers(2**31))))
        weights, rest = eqx.partition(fresh, trainable(fresh))
        return eqx.combine(jax.tree.map(lambda w: 4.0 * w, weights), rest)

    return model.with_laws({slot: law(slot) for slot in model.slots if only in slot})


def _kernel_makers() -> dict[str, Maker]:
    """The process kernels, on small grids; forcings about their typical size unless they say otherwise."""

    def plain(model: Model, dt: float = 1.0) -> Maker:
        return lambda steps, random: of_model(model, *cells(model, steps, random), dt=dt)

    def soil(steps: int, random: Random) -> Case:
        model = richards(Layers.even(1.0, 8), roots=Roots(jnp.full(8, 0.125)))
        forcing, parameters, _ = cells(model, steps, random)
        state = jax.vmap(model.at_head)(jnp.full((SITES, 8), -1.0), parameters)
        return of_model(model, forcing, parameters, state, 1 / 24)

    def aquifer(steps: int, random: Random) -> Case:
        model = Aquifer(grid((3, 4), 25.0))
        forcing, parameters, _ = cells(model, steps, random, (3, 4))
        return of_model(model, forcing, parameters, jax.vmap(model.at_head)(jnp.full((SITES, 3, 4), 4.0), parameters))

    def river(kind: Callable[[Any], Model], steps: int, random: Random) -> Case:
        length = random.uniform(1e3, 1e4, 5)
        model = kind(reaches([2, 2, 4, 4, -1], length, np.full(5, 1e-3), np.arange(5) == 4))
        return of_model(model, *cells(model, steps, random, (5,)), dt=HOUR)

    stream = line(1000.0, 6)
    return {
        "richards": soil,
        "soil heat": plain(soil_heat_column(Layers.even(1.0, 8)), 0.25),
        "snowpack": plain(snowpack()),
        "aquifer": aquifer,
        "river": partial(river, River),
        "diffusive river": partial(river, DiffusiveRiver),
        "solute": plain(Solute(stream), 600.0),
        "oxygen": plain(Oxygen(stream), 600.0),
        "stream temperature": plain(StreamTemperature(stream), 600.0),
        "carbon, two pools": plain(two_pools()),
        "carbon, ecosystem": plain(ecosystem()),
        **{f"leaf {pathway}": plain(leaf(pathway)) for pathway in ("C3", "C4")},
        **{f"surface, {kind}": plain(surface(kind)) for kind in BALANCES},
    }


def _network_makers() -> dict[str, Maker]:
    """Hybrids with learned parameters, a learned law and routing, and networks without physics, with fresh weights."""
    reads = ("precipitation", "temperature", "potential_evapotranspiration")
    law = {
        "slots": ["evaporation"],
        "inputs": ["soil_moisture", "potential_evapotranspiration"],
        "width": 4,
        "depth": 1,
    }
    hybrid = {"attributes": READ, "components": 4, "weights": "learned", "static": {"width": 8, "depth": 1}}
    moving = {"parameters": ["beta", "beta_et"], "forcings": reads, "width": 8}
    recipes: dict[str, dict[str, Any]] = {
        "hybrid: hbv, static": hybrid,
        "hybrid: hbv, dynamic": {**hybrid, "dynamic": {**moving, "network": "moving_average"}},
        "hybrid: hbv, dynamic by LSTM": {**hybrid, "dynamic": {**moving, "network": "lstm"}},
        "hybrid: hbv, a learned law": {**hybrid, "laws": [law]},
        "hybrid: hbv 2.0": {**hybrid, "physics": {"version": "2.0"}},
        **{
            f"network: {kind}": {"network": kind, "hidden": 32, "forcings": reads, "attributes": READ}
            for kind in ("lstm", "ea_lstm", "mc_lstm")
        },
    }

    def maker(content: dict[str, Any]) -> Maker:
        def made(steps: int, random: Random) -> Case:
            recipe = (NetworkRecipe if "network" in content else Recipe).model_validate(content)
            names = (*recipe.network_attributes, *recipe.network_forcings)
            model = build(recipe, dict.fromkeys(names, (0.5, 1.0)) | SIZES, jax.random.key(int(random.integers(2**31))))
            forcing = extreme((steps, SITES), random)
            attributes = {
                n: jnp.asarray(numbers(ATTRIBUTES.get(n, SHARE), (SITES,), random)) for n in recipe.needed_attributes
            }
            return of_simulator(model, Inputs({name: forcing[name] for name in recipe.needed_forcings}, attributes))

        return made

    return {name: maker(content) for name, content in recipes.items()}
