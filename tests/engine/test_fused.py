"""The kernel that holds a run: what it can hold, and that it is the scan."""

import warnings

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.engine import Fused, Parameters, Scan, initial_state, simulate
from dgeo.engine.choice import named
from dgeo.engine.fused import refusal
from dgeo.errors import DgeoError
from dgeo.hybrid.law_recipe import LawRecipe, fill
from dgeo.models import FixedParts, ImplicitEuler, exphydro, hbv
from dgeo.models.registry import MODELS, VERSIONS, model_named
from tests.engine.test_simulate import Bucket

DAYS, SITES, COMPONENTS = 5, 3, 3
EVAPORATION = {"slots": ("evaporation",), "inputs": ("soil_moisture", "temperature"), "width": 3, "depth": 1}
LAWS = {
    "network": EVAPORATION | {"attributes": ("slope",), "zero_at": ("soil_moisture",)},
    "one a basin": EVAPORATION | {"per_basin": True},
    "joint": EVAPORATION | {"slots": ("evaporation", "percolation")},
    "table": {"slots": ("evaporation",), "kind": "table", "inputs": ("soil_moisture",), "knots": 3},
    "formula": {"slots": ("percolation",), "kind": "expression", "formula": "a * upper_zone", "constants": {"a": 0.1}},
}
HEUN, TSIT5 = (FixedParts(method(scan_kind="bounded"), parts=2) for method in (diffrax.Heun, diffrax.Tsit5))
REFUSED = {"tsit5": "a kernel cannot hold dynamic_slice at computed places"}


def with_law(kind):
    return fill(hbv("1.1p"), [LawRecipe(**LAWS[kind])], {"slope": (0.0, 1.0)}, jax.random.key(0), SITES)


def models():
    """Every model and version of the registry as it comes, solvers, and kinds of law."""
    found = {name: lambda name=name: model_named(name) for name in MODELS}
    found |= {f"{name} {v}": lambda name=name, v=v: model_named(name, v) for name in VERSIONS for v in VERSIONS[name]}
    found |= {"newton": lambda: exphydro(solver=ImplicitEuler()), "heun": lambda: exphydro(solver=HEUN)}
    found |= {"tsit5": lambda: model_named("bucket", solver=TSIT5)}
    return found | {kind: lambda kind=kind: with_law(kind) for kind in LAWS}


MAKERS = models()


def case(name, key):
    """(model, forcing, static, dynamic, state) in float32; the first parameter moves in time."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    model = jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, MAKERS[name]())
    draw = lambda *shape: jnp.asarray(random.uniform(0.5, 1.5, shape), jnp.float32)  # noqa: E731
    scales = {n: v.scale for n, v in model.forcings.items()}
    forcing = {n: scales.get(n, 1.0) * draw(DAYS, SITES) for n in (*model.forcings, *model.law_forcings)}
    static = {n: p.default * draw(SITES, COMPONENTS) for n, p in model.parameters.items()}
    static |= {n: draw(SITES, COMPONENTS) for n in model.attributes}
    first = next(iter(model.parameters))
    dynamic = {first: static.pop(first)[None] * draw(DAYS, SITES, COMPONENTS)}
    state = jax.tree.map(lambda x: x + 5 * draw(*x.shape), initial_state(model, (SITES, COMPONENTS), jnp.float32))
    return model, forcing, static, dynamic, state


def run(inputs, engine, segment=None):
    model, forcing, static, dynamic, state = inputs
    parameters = Parameters(static, dynamic, components=True)
    return simulate(model, forcing, parameters, state, engine=engine, segment=segment)


@pytest.mark.parametrize("name", MAKERS)
def test_what_can_be_fused(name, key):
    """Forward and backward lower for CUDA, or the reason why not is as expected."""
    found = []

    def ask(step, *inputs):
        found.append(refusal(step, inputs, Fused(lanes=4)))
        return Scan()(step, *inputs)

    run(case(name, key), ask)
    assert found == [REFUSED.get(name)]


@pytest.mark.parametrize("name", ["hbv 1.1p", "network", "one a basin", "newton"])
def test_it_is_the_scan(name, key):
    """Values, and derivatives in weights, parameters, series and first state, of a sum in which all outputs count.

    Lanes are filled up: 3 sites × 3 components in blocks of 2 × 4. Rounding alone differs: float32, 5 days, relative to
    the largest entry of an array.
    """
    inputs = case(name, key)
    variable, fixed = eqx.partition(inputs, eqx.is_inexact_array)

    def total(variable, engine):
        outputs = run(eqx.combine(variable, fixed), engine)
        return sum(jnp.sum(jnp.sin(x)) for x in jax.tree.leaves(outputs)), outputs

    both = jax.jit(jax.value_and_grad(total, has_aux=True), static_argnums=1)
    wanted, found = both(variable, Scan()), both(variable, Fused(lanes=8, interpret=True))

    def compare(a, b):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * np.max(np.abs(b), initial=1e-3))

    jax.tree.map(compare, found, wanted)


def outputs_of_kernels(jaxpr):
    """How many arrays each kernel of a program writes."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive.name == "pallas_call":
            found.append(len(equation.outvars))
        elif "jaxpr" in equation.params:
            found += outputs_of_kernels(equation.params["jaxpr"])
    return found


def test_a_forcing_that_nobody_differentiates_is_not_written():
    """A bucket of one store: backward writes dS and dK, and dP only where it is asked for."""
    bucket, forcing = Bucket(jnp.asarray(1.0, jnp.float32)), {"rain": jnp.ones((4, 2), jnp.float32)}

    def flow(k, forcing):
        parameters = Parameters({"coefficient": k}, {})
        return jnp.sum(simulate(bucket, forcing, parameters, engine=Fused(interpret=True))[0]["flow"])

    k = jnp.full(2, 0.1, jnp.float32)
    written = {
        places: outputs_of_kernels(jax.make_jaxpr(jax.grad(flow, places))(k, forcing).jaxpr)[-1]
        for places in ((0,), (0, 1))
    }
    assert written == {(0,): 2, (0, 1): 3}


def test_without_a_gpu_it_is_scanned_with_one_warning(key):
    if jax.default_backend() == "gpu":
        pytest.skip("there is a GPU")
    inputs = case("bucket linear", key)
    with pytest.warns(UserWarning, match="is scanned and not fused, since this machine computes on cpu") as told:
        found = [run(inputs, engine) for engine in ("fused", Fused(), "auto")]
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jax.tree.map(np.testing.assert_array_equal, found[0], run(inputs, "scan"))
    jax.tree.map(np.testing.assert_array_equal, found[0], found[2])


@pytest.mark.parametrize("segment", [1, 4, 7, 13, "sqrt"])
def test_segments_change_no_bit_of_the_run(segment, key):
    """Days that a segment divides and such that it does not; gradients differ by rounding."""
    model, forcing, _, _, state = case("hbv 1.0", key)
    forcing = {n: jnp.tile(x, (3, 1))[:13] for n, x in forcing.items()}
    model_parameters = {n: jnp.full((SITES, COMPONENTS), p.default, jnp.float32) for n, p in model.parameters.items()}

    def total(static, segment):
        outputs = simulate(model, forcing, Parameters(static, {}, components=True), state, segment=segment)
        return jnp.sum(outputs[0]["runoff"]), outputs

    both = jax.jit(jax.value_and_grad(total, has_aux=True), static_argnums=1)
    (_, plain), slope = both(model_parameters, None)
    (_, parts), other = both(model_parameters, segment)
    jax.tree.map(np.testing.assert_array_equal, parts, plain)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), other, slope)


def test_a_segment_that_is_none_is_refused(key):
    inputs = case("bucket linear", key)
    with pytest.raises(DgeoError, match="A segment of 0 days"):
        run(inputs, "scan", segment=0)
    with pytest.raises(DgeoError, match="no engine 'scna', did you mean scan"):
        named("scna")
