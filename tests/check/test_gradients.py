"""The gradient kit: right gradients pass, and every kind of planted error is found and named."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo import check, cli
from dgeo.check.gradient_everything import everything, laws, learned, models
from dgeo.errors import DgeoError
from dgeo.models import Formula, bucket, hbv
from dgeo.numerics import Bounds
from dgeo.physics import degree_day

X = {"x": np.array([0.5, 1.5, 2.5])}


def failed(report):
    """What did not pass, by name of the check."""
    return {row.check for row in report.failures}


def logistic(x, rate):
    """A smooth function, right in both modes."""
    return 1 / (1 + jnp.exp(-rate * x))


def test_a_right_gradient_passes_every_check(key):
    """With its closed form dy/dx = r·y(1 − y), dy/dr = x·y(1 − y), and the complex step; all errors near rounding."""

    def by_hand(x, rate):
        y = logistic(x, rate)
        return {"x": rate * y * (1 - y), "rate": jnp.sum(x * y * (1 - y))}

    inputs, zero = {**X, "rate": Bounds(0.5, 2.0)}, {"x": np.zeros(3), "rate": 0.0}
    report = check.gradients(logistic, inputs, key=key, nasty={"zero": zero}, closed_form=by_hand, analytic=True)
    assert report.passed, report.failures
    errors = {row.check: row.error for row in report if row.kind == "exact"}
    wanted = {"dot product", "finite differences", "linearity", "complex step", "closed form", "without jit", "vmap"}
    assert wanted | {"checkpoint", "float32", "one-sided differences at zero"} == set(errors)
    assert max(errors[name] for name in ("dot product", "closed form", "complex step")) < 1e-14
    assert errors["float32"] < 1e-5


def test_it_runs_in_any_session(key):
    """float64 and float32 are both checked whatever the session's precision is, which stays as it was."""
    with jax.enable_x64(False):
        assert check.gradients(jnp.sin, (np.array([0.3, 1.0]),), key=key).passed
        assert jnp.asarray(1.0).dtype == jnp.float32


@jax.custom_vjp
def wrong_rule(x):
    return x**2


wrong_rule.defvjp(lambda x: (x**2, x), lambda x, c: (3 * x * c,))


def test_a_wrong_rule_is_found(key):
    """3x where 2x is right: a third of it is wrong, as (3 − 2)/3 with errors relative to the larger. A `custom_vjp` has
    no forward mode, so the dot product is left out and says so."""
    report = check.gradients(wrong_rule, X, key=key, name="my law")
    assert failed(report) == {"finite differences"}
    row = report.failures[0]
    assert row.name == "my law"
    assert row.error == pytest.approx(1 / 3, rel=1e-3)
    with pytest.raises(DgeoError, match=r"1 of \d+ checks .* my law: finite differences is 0.33 and may be 1e-05"):
        report.require()
    left_out = next(row for row in report if row.check == "dot product")
    assert left_out.passed
    assert "no forward mode" in left_out.note


def test_a_wrong_closed_form_is_found(key):
    report = check.gradients(jnp.sin, (np.array([0.3, 1.0]),), key=key, closed_form=lambda x: (jnp.sin(x),))
    assert failed(report) == {"closed form"}


def test_forward_and_reverse_mode_that_disagree_are_found(key):
    """A rule whose transpose is another map than itself: by hand a factor 2, half of the larger."""

    @jax.custom_jvp
    def double_minded(x):
        return x**2

    def transposed(x, c):
        return c * 4 * x

    def rule(primals, tangents):
        (x,), (u,) = primals, tangents
        pushed = jax.custom_derivatives.linear_call(lambda x, u: 2 * x * u, transposed, x, u)
        return x**2, pushed

    double_minded.defjvp(rule)
    report = check.gradients(double_minded, X, key=key, transformations=())
    assert failed(report) == {"dot product", "finite differences"}
    assert next(row.error for row in report if row.check == "dot product") == pytest.approx(0.5, abs=0.05)


def test_a_nan_at_zero_is_found(key):
    """√x has an infinite derivative at 0, and `where` does not hide it: 0·∞ is NaN."""

    def root(x, y):
        return jnp.where(x > 0, jnp.sqrt(x), jnp.zeros_like(x)) + y

    inputs = {**X, "y": np.ones(3)}
    report = check.gradients(root, inputs, key=key, nasty={"dry": {"x": np.zeros(3), "y": np.ones(3)}})
    assert failed(report) == {"finite at dry, float32", "finite at dry, float64"}
    assert {row.note for row in report.failures} == {"x"}


def test_a_silent_zero_is_found_and_can_be_declared(key):
    """Finite differences see that the derivative is no zero; a hard step has none to see, and liveness finds it."""

    def cut(x, y):
        return x * jax.lax.stop_gradient(y)

    inputs = {**X, "y": np.array([1.0, 2.0, 3.0])}
    assert failed(check.gradients(cut, inputs, key=key)) == {"live: y", "finite differences"}

    def stepped(**options):
        return check.gradients(lambda x, y: x * (y > 0).astype(x.dtype), inputs, key=key, **options)

    assert failed(stepped()) == {"live: y"}
    assert stepped(dead=["y"]).passed
    assert failed(stepped(dead=["x", "y"])) == {"live: x"}
    with pytest.raises(DgeoError, match="no input 'z' that could be dead"):
        stepped(dead=["z"])


def test_an_overflow_of_float32_is_found(key):
    """e^100 is 3e43, beyond float32 and within float64."""

    def logistic_that_overflows(x):
        return jnp.exp(x) / (1 + jnp.exp(x)) + x

    report = check.gradients(logistic_that_overflows, X, key=key, nasty={"large": {"x": np.full(3, 100.0)}})
    assert failed(report) == {"finite at large, float32"}
    assert report.failures[0].note == "the value, x"


def test_a_gradient_that_checkpointing_changes_is_found(key):
    """A function that looks at how it is traced: within `jax.checkpoint` it sees no derivative."""

    def peeking(x):
        inside = type(x).__name__ == "DynamicJaxprTracer"
        return jax.lax.stop_gradient(x) * x if inside else x**2

    report = check.gradients(peeking, X, key=key)
    assert "checkpoint" in failed(report)
    assert next(row.error for row in report if row.check == "checkpoint") == pytest.approx(0.5)


def test_a_doubled_tie_is_found(key):
    """max(x, 0) as the sum of both sides at a tie: the derivative is 1 + 1 where 0 … 1 is possible."""

    @jax.custom_jvp
    def ramp(x):
        return jnp.maximum(x, 0.0)

    ramp.defjvp(lambda x, u: (ramp(*x), jnp.where(x[0] == 0, 2.0, jnp.where(x[0] > 0, 1.0, 0.0)) * u[0]))
    nasty = {"the threshold": {"x": np.zeros(3)}}
    report = check.gradients(lambda x: ramp(x), X, key=key, nasty=nasty)
    assert failed(report) == {"one-sided differences at the threshold"}
    assert report.failures[0].error == pytest.approx(0.5, rel=1e-3)  # 2 − 1, of 2
    assert check.gradients(lambda x: ramp(x), X, key=key, nasty=nasty, kinks=False).passed


def test_a_limit_on_the_cost_is_held(key):
    """No gradient comes for a millionth of its function."""
    report = check.gradients(jnp.sin, (np.ones(3),), key=key, tolerances=check.Tolerances(cost=1e-6))
    assert failed(report) == {"cost ratio"}


@pytest.mark.parametrize(
    ("function", "inputs", "options", "sentence"),
    [
        (jnp.sin, (np.arange(3),), {}, "The input '0' of sin is of type int64, by which nothing can be differentiated"),
        (jnp.sin, (), {}, "sin has no inputs"),
        (jnp.argmax, (np.ones(3),), {}, "argmax gives no floating-point numbers"),
        (logistic, X, {}, "logistic cannot be traced in float64 .*missing 1 required"),
        (
            jnp.sin,
            (np.ones(3),),
            {"nasty": {"zero": (np.zeros(2),)}},
            "At the point 'zero' the input '0' of sin has",
        ),
        (
            lambda x: jax.lax.while_loop(lambda y: jnp.sum(y) < 9, lambda y: y * 2, x),
            (np.ones(3),),
            {"name": "loop"},
            "loop cannot be differentiated backwards",
        ),
    ],
)
def test_wrong_use_is_answered_in_a_sentence(function, inputs, options, sentence, key):
    with pytest.raises(DgeoError, match=sentence):
        check.gradients(function, inputs, key=key, **options)


def test_a_report_is_a_table_and_a_file(key, tmp_path):
    """Reports add up; the file has one row for every check, and no NaN that JSON does not know."""
    good = check.gradients(jnp.sin, (np.ones(3),), key=key, name="good", transformations=())
    bad = check.gradients(wrong_rule, X, key=key, name="bad", transformations=())
    both = good + bad
    both.write(tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert len(rows) == len(good.rows) + len(bad.rows)
    assert {"name", "check", "error", "passed"} <= rows[0].keys()
    assert [row["name"] for row in rows if not row["passed"]] == ["bad"]
    assert both.table().row_count == 2
    assert not check.Report().passed
    with pytest.raises(DgeoError, match="No gradient was checked"):
        check.Report().require()


def test_a_law_with_a_wrong_derivative_is_found(key):
    """A law of one's own, in a slot: which input is wrong is named."""

    def melt(temperature, degree_day_factor):
        return jax.lax.stop_gradient(degree_day_factor) * jnp.maximum(temperature, 0.0)

    report = check.law_gradients(Formula(melt), hbv(), "melt", key=key, transformations=())
    assert failed(report) == {"finite differences", "live: values/degree_day_factor"}
    assert check.law_gradients(Formula(degree_day.melt), hbv(), "melt", key=key, transformations=()).passed


def test_a_model_with_a_wrong_law_is_found(key):
    """The error is seen through the days of a run."""

    def outflow(storage, coefficient):
        return coefficient * wrong_rule(storage) / 50.0

    model = bucket().with_laws({"outflow": Formula(outflow, ("storage", "k0"))})
    report = check.model_gradients(model, key=key, days=4, sites=2, transformations=())
    assert "finite differences" in failed(report)


def test_all_models_and_laws_have_names_of_their_own():
    """So that a row says what it is about, and each draws random numbers of its own."""
    names = [name for jobs in (models, laws, learned) for name, _ in jobs()]
    assert len(names) == len(set(names)) > 50


@pytest.mark.parametrize("only", ["hbv melt", "bucket outflow", "Bounded", "monotone table"])
def test_models_and_laws_of_dgeo_pass(only, key):
    """A part of what `dgeo check gradients` runs in whole."""
    report = everything(key, only=only, workers=1)
    assert report.passed, report.failures


def test_the_command_writes_its_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    path = tmp_path / "gradients.json"
    monkeypatch.setattr(sys, "argv", ["dgeo", "check", "gradients", "--json", str(path), "--only", "hbv percolation"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert all(row["passed"] for row in json.loads(path.read_text())["rows"])
    assert "hbv percolation" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["dgeo", "check", "gradients", "--only", "no such name"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert "No gradient was checked" in capsys.readouterr().err
