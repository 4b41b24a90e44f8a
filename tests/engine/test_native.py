"""The loop in C: that it is the scan, what it refuses, and how its libraries are kept."""

import ctypes
import os
import subprocess
import sys
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.check import ledger
from dgeo.engine import ComponentMean, Native, Parameters, Scan, choice, native_library, simulate
from dgeo.engine.native import refusal
from dgeo.engine.native_library import NotCompiled, compiler
from dgeo.engine.native_source import _text
from tests.engine.test_fused import case, run
from tests.engine.test_simulate import Bucket

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
SINGLE = pytest.param(np.float32, id="float32")
DOUBLE = pytest.param(np.float64, id="float64", marks=pytest.mark.x64)


def cast(tree, dtype):
    return jax.tree.map(lambda x: x.astype(dtype) if eqx.is_inexact_array(x) else x, tree)


def close(found, wanted, error):
    """Relative to the largest entry of an array."""
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=error * np.nanmax(np.abs(b), initial=1e-3)),
        found,
        wanted,
    )


def value_and_slopes(inputs, engine, segment=None, reduce=lambda outputs: outputs):
    """Outputs and end of a run, and the derivatives of a sum in which all of them count in all that is a number."""
    variable, fixed = eqx.partition(inputs, eqx.is_inexact_array)

    def total(variable):
        model, forcing, static, dynamic, state = eqx.combine(variable, fixed)
        given = Parameters(static, dynamic, components=True)
        found = simulate(model, forcing, given, state, engine=engine, segment=segment, reduce=reduce)
        return sum(jnp.sum(jnp.sin(x)) for x in jax.tree.leaves(found)), found

    (_, found), slopes = jax.jit(jax.value_and_grad(total, has_aux=True))(variable)
    return found, slopes


MEAN = {"segment": 2, "reduce": ComponentMean(jnp.asarray(np.tile([0.2, 0.3, 0.5], (3, 1))))}


@pytest.mark.parametrize(
    ("name", "dtype", "kept"),
    [
        pytest.param("bucket power", np.float32, {}, id="a bucket"),
        pytest.param("one a basin", np.float64, MEAN, id="HBV, networks, means in segments", marks=pytest.mark.x64),
    ],
)
def test_it_is_the_scan(name, dtype, kept, key):
    """Values, and derivatives in weights, parameters, series and first state.

    All stores, rain and demand of the first site are zero, where most minima and maxima meet. Rounding alone differs.
    """
    model, forcing, static, dynamic, state = case(name, key)
    dry = lambda x, *at: x.at[at].set(0)  # noqa: E731
    state = {n: dry(x, 0) for n, x in state.items()}
    forcing = {n: dry(x, slice(None), 0) if n != "temperature" else x for n, x in forcing.items()}
    inputs = cast((model, forcing, static, dynamic, state), dtype)
    wanted, found = (value_and_slopes(inputs, engine, **kept) for engine in (Scan(), Native()))
    close(found, wanted, 2e-5 if dtype == np.float32 else 1e-11)


def bucket_case(key, dtype, days=37, sites=70):
    """More sites than a block of lanes holds, and more days than a span; neither a multiple of it."""
    rain, k = (jax.random.uniform(key, shape, dtype) for shape in ((days, sites), (sites, 3)))
    state = {"water": jnp.ones((sites, 3), dtype)}
    return Bucket(jnp.asarray(0.5, dtype)), {"rain": rain}, {"coefficient": k}, {}, state


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_blocks_and_spans(dtype, key):
    """The same as the scan; in two parts, the same bits as in one; and the ledger closes."""
    inputs = bucket_case(key, dtype)
    wanted, found = (value_and_slopes(inputs, engine) for engine in (Scan(), Native()))
    close(found, wanted, 1e-5 if dtype == np.float32 else 1e-13)
    model, forcing, static, dynamic, state = inputs
    (fluxes, end), parts = found[0], []
    assert np.max(ledger(model, state, end, fluxes).relative_residual) <= 1e-5
    for days in (slice(0, 21), slice(21, None)):
        piece = (model, {n: x[days] for n, x in forcing.items()}, static, dynamic, state)
        outputs, state = run(piece, Native())
        parts.append(outputs)
    jax.tree.map(np.testing.assert_array_equal, state, end)
    jax.tree.map(lambda x, *y: np.testing.assert_array_equal(np.concatenate(y), x), fluxes, *parts)


def test_many_runs_at_once_and_numbers_that_are_none(key):
    """Mapped over runs, differentiated in what they share and in what they do not; NaN stays in its own lane."""
    model, forcing, static, _, state = bucket_case(key, jnp.float32, days=5, sites=6)
    many = jnp.stack([static["coefficient"], 0.5 * static["coefficient"]]).at[1, 2, 1].set(jnp.nan)

    def slopes(engine):
        def total(scale, k):
            given = Parameters({"coefficient": k}, {}, components=True)
            return jnp.sum(simulate(Bucket(scale), forcing, given, state, engine=engine)[0]["flow"])

        runs = jax.vmap(jax.grad(total, (0, 1)), (None, 0))(model.scale, many)
        return *runs, jax.grad(lambda scale: jnp.sum(jax.vmap(total, (None, 0))(scale, many[:1])))(model.scale)

    wanted, found = jax.jit(lambda: slopes(Scan()))(), jax.jit(lambda: slopes(Native()))()
    assert np.isnan(found[1]).sum() == np.isnan(wanted[1]).sum() == 1
    close(found, wanted, 1e-5)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_elementary_functions(dtype, tmp_path):
    """Within 3 units in the last place of NumPy's in a longer type, on both sides of 1 and 0 and to the ends of the
    range; and what they give at 0, at infinity and of NaN."""
    names = ("exp", "expm1", "log", "log1p", "logistic", "tanh")
    one = "void all_{0}(long n, real *x, real *y) {{ for (long i = 0; i < n; i++) y[i] = real_{0}(x[i]); }}\n"
    text = f"#define SINGLE {int(dtype == np.float32)}\n{_text('native_arithmetic.c')}{''.join(map(one.format, names))}"
    (tmp_path / "f.c").write_text(text)
    made = tmp_path / "f.so"
    command = [compiler(), *native_library.FLAGS, str(tmp_path / "f.c"), "-o", str(made), "-lm"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(made))

    def ours(name, x):
        x, y = x.astype(dtype), np.empty(len(x), dtype)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, y)]
        getattr(library, f"all_{name}")(ctypes.c_long(len(x)), *pointers)
        return y

    long = np.float64 if dtype == np.float32 else np.longdouble
    exact = {name: getattr(np, name) for name in names if name != "logistic"} | {
        "logistic": lambda x: 1 / (1 + np.exp(-x))
    }
    for name in names:
        ends = {"exp": 85, "expm1": 85, "logistic": 80, "tanh": 15}.get(name, 1e30)
        sizes = np.geomspace(1e-9, ends, 20_000).astype(dtype)
        x = {"log": sizes, "log1p": np.concatenate([sizes, -sizes[sizes < 0.9]])}.get(
            name, np.concatenate([sizes, -sizes])
        )
        wanted = exact[name](x.astype(long))
        error = np.abs(ours(name, x) - wanted) / np.spacing(np.abs(wanted.astype(dtype)))
        assert np.max(error) < 4, name
        assert np.isnan(ours(name, np.asarray([np.nan])))[0]
    inf = np.asarray([0, np.inf, -np.inf, 1e4, -1e4])
    np.testing.assert_array_equal(ours("exp", inf), [1, np.inf, 0, np.inf, 0])
    np.testing.assert_array_equal(ours("expm1", inf), [0, np.inf, -1, np.inf, -1])
    np.testing.assert_array_equal(ours("tanh", inf), [0, 1, -1, 1, -1])
    np.testing.assert_array_equal(ours("log", inf[:2]), [-np.inf, np.inf])
    assert np.isnan(ours("log", -np.ones(1)))[0]


def refused(inputs, changed=lambda given: given):
    def ask(step, *given):
        raise NotImplementedError(refusal(step, changed(given)))

    with pytest.raises(NotImplementedError) as found:
        run(inputs, ask)
    return str(found.value)


def test_what_it_refuses_is_scanned(key, monkeypatch):
    """Named once if it was asked for by name, and not named if nobody asked."""
    assert refused(case("newton", key)) == "C without branches cannot hold while"
    model, forcing, static, dynamic, state = bucket_case(key, jnp.float32, days=2)
    inputs = (model, forcing, static, dynamic, state)
    whole = lambda given: (*given[:3], jax.tree.map(lambda x: x.astype(jnp.int32), given[3]))  # noqa: E731
    assert refused(inputs, whole) == "it reads numbers of the types float32, int32"
    monkeypatch.setattr(choice, "_refusals", {})
    monkeypatch.setattr(choice, "_told", set())
    monkeypatch.setattr("dgeo.engine.native.missing", lambda: "there is no C compiler")
    with pytest.warns(UserWarning, match="Bucket is scanned and not native, since there is no C compiler") as told:
        found = [run(inputs, engine) for engine in ("native", Native())]
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jax.tree.map(np.testing.assert_array_equal, found[0], run(inputs, "scan"))
        monkeypatch.setattr(choice, "FEW", 1)
        jax.tree.map(np.testing.assert_array_equal, found[0], run(inputs, "auto"))


def test_few_lanes_are_scanned(key):
    """The engine "auto" is the same for a run and its parts: it asks for sites and components alone."""
    if jax.default_backend() != "cpu":
        pytest.skip("there is a GPU")

    def chosen(sites):
        step = choice.Step(lambda *_: None, components=True, kind="a bucket")
        state = {"water": jnp.zeros((sites, 4))}
        return choice._few(step, ((), (), state, ()))

    assert isinstance(choice.named("auto"), Native)
    assert [chosen(31), chosen(32)] == [True, False]


def test_libraries_are_kept_and_checked(tmp_path, monkeypatch):
    """One that is there is not made again; one that was cut off is; what is no C is refused."""
    source = "int dgeo_native(void) { return 7; }\n"
    monkeypatch.setattr(native_library, "_folder", lambda: tmp_path / "native")
    path = native_library._kept(source, "name")
    before = path.stat().st_mtime_ns, path.read_bytes()
    assert native_library._kept(source, "name") == path
    assert path.stat().st_mtime_ns == before[0]
    path.write_bytes(before[1][:1000])
    again = native_library._kept(source, "name")
    assert ctypes.CDLL(str(again)).dgeo_native() == 7
    assert [p.name for p in (tmp_path / "native").iterdir()] == [again.name]
    with pytest.raises(NotCompiled, match="error"):
        native_library._kept("int dgeo_native(void) {", "other")


def test_on_two_devices():
    """Spread by a `shard_map`, whether it asks what differs between devices or not, the gradient is that of one; and
    numbers too small for full precision are as before outside of the loop."""
    code = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, PartitionSpec as P
from dgeo.engine import Native, Parameters, simulate
from tests.engine.test_simulate import Bucket
mesh = jax.make_mesh((2,), ("site",), axis_types=(AxisType.Auto,))
rain = jax.random.uniform(jax.random.key(0), (20, 6), jnp.float32)
k = jnp.linspace(0.1, 0.5, 6, dtype=jnp.float32)
def total(scale, k, rain):
    given = Parameters({"coefficient": k}, {})
    return jnp.sum(simulate(Bucket(scale), {"rain": rain}, given, engine=Native())[0]["flow"])
def loss(scale, k, rain):
    return jax.lax.psum(total(scale, k, rain), "site")
specs = (P(), P("site"), P(None, "site"))
one = jax.grad(total, (0, 1))(jnp.float32(1), k, rain)
spread = jax.shard_map(jax.grad(loss, (0, 1)), mesh=mesh, in_specs=specs, out_specs=specs[:2])
apart = jax.shard_map(lambda *x: jax.grad(total, 1)(*x), mesh=mesh, in_specs=specs, out_specs=specs[1], check_vma=False)
two = jax.jit(spread)(jnp.float32(1), k, rain)
np.testing.assert_allclose(two[0], one[0], rtol=1e-5)
np.testing.assert_array_equal(two[1], one[1])
np.testing.assert_array_equal(jax.jit(apart)(jnp.float32(1), k, rain), one[1])
print(np.float32(1e-40) * np.float32(2) > 0)
"""
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr
