"""Formulas in words: values against Python's own arithmetic, gradients at nasty points, and hostile text refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.errors import DgeoError
from dgeo.hybrid.expression import expression_law
from dgeo.models import hbv

TEXT = "potential_evapotranspiration * min(1, (soil_moisture / (a * field_capacity)) ** b)"


def at(law, **values):
    return law({name: jnp.asarray(value, float) for name, value in values.items()})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * x - -3 / y", 1 + 2 * 2.5 + 3 / 0.5),
        ("x ** 2 ** y", 2.5 ** (2**0.5)),
        ("(y - x) ** 3", (0.5 - 2.5) ** 3),
        ("x ** -2", 2.5**-2),
        ("x ** 1.5", 2.5**1.5),
        ("exp(-x) + log(x) + sqrt(y)", math.exp(-2.5) + math.log(2.5) + math.sqrt(0.5)),
        ("tanh(y) + sigmoid(y) + abs(-x)", math.tanh(0.5) + 1 / (1 + math.exp(-0.5)) + 2.5),
        ("min(x, y, 3) + max(x, y, 1)", 0.5 + 2.5),
        ("where(x > y, 1, 2) + where(x <= y, 10, 20)", 21),
        ("+7", 7),
    ],
)
def test_values_are_those_of_arithmetic(text, wanted):
    """At x = 2.5, y = 0.5, by Python's own operators and `math`."""
    np.testing.assert_allclose(at(expression_law(text), x=2.5, y=0.5), wanted, rtol=2e-6)


def test_textbook_in_words_is_the_textbook():
    """HBV's evaporation written out is its formula, constants being leaves that can be trained."""
    law = expression_law(TEXT, {"a": 0.7, "b": 1.3})
    assert set(law.inputs) == {"potential_evapotranspiration", "soil_moisture", "field_capacity"}
    shared = {"potential_evapotranspiration": 3.0, "soil_moisture": 80.0, "field_capacity": 300.0}
    wanted = at(hbv("1.0 with beta_et").present_laws["evaporation"], **shared, lp=0.7, beta_et=1.3)
    np.testing.assert_allclose(at(law, **shared), wanted, rtol=1e-6)
    slope = jax.grad(lambda law: at(law, **shared))(law).constants
    assert slope["a"] < 0 > slope["b"]


@pytest.mark.parametrize(
    "text", ["x / y", "x ** y", "y ** x", "log(x)", "sqrt(x)", "exp(1000 * (1 + x))", "x ** -1", "abs(x) / max(x, y)"]
)
@pytest.mark.parametrize("x", [0.0, -1.0])
def test_gradients_are_finite_where_arithmetic_has_none(text, x):
    """Division by zero, powers and roots of zero and below, an overflow: all is finite in float32."""
    law = expression_law(text)
    values = {name: jnp.float32(number) for name, number in {"x": x, "y": 0.0}.items()}
    assert np.isfinite(law(values))
    assert all(np.isfinite(slope) for slope in jax.grad(lambda v: law(v))(values).values())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("__import__('os').system('true')", "character 1"),
        ("x.__class__", "Attribute"),
        ("[x for x in y]", "ListComp"),
        ("x[0]", "Subscript"),
        ("(lambda: x)()", "character 1"),
        ("x if y else 2", "IfExp"),
        ("'text'", "Constant"),
        ("True", "Constant"),
        ("1j", "Constant"),
        ("1e999", "Constant"),
        ("x // y", "BinOp"),
        ("x < y", "comparison in the wrong place"),
        ("where(x, 1, 2)", "comparison in the wrong place"),
        ("where(0 < x < 1, 1, 2)", "comparison in the wrong place"),
        ("sin(x)", "unknown function 'sin'"),
        ("tanh(x, y)", "takes 1"),
        ("min(x)", "takes 2"),
        ("min(*x, 1)", "Starred"),
        ("exp(x=1)", "character 1"),
        ("1 + exp", "'exp' without its argument"),
        ("x := 1", "cannot be read"),
        ("import os", "cannot be read"),
        ("", "cannot be read"),
        ("x + ", "cannot be read"),
        ("x\0", "cannot be read"),
        ("-" * 100 + "x", "nested deeper"),
        ("(" * 900 + "x" + ")" * 900, "cannot be read"),
        ("x+" * 1500 + "x", "2000 characters"),
        ("x**" * 100 + "x", "nested deeper"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text, complaint):
    """Nothing is run; the sentence says what and where."""
    with pytest.raises(DgeoError, match=r"The formula|A formula") as caught:
        expression_law(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_are_checked():
    """A constant that the formula lacks, and an input that the slot does not offer."""
    with pytest.raises(DgeoError, match=r"does not mention 'aa': did you mean a\?"):
        expression_law("a * soil_moisture", {"aa": 1.0})
    with pytest.raises(DgeoError, match="did you mean soil_moisture"):
        hbv(evaporation=expression_law("a * soil_moistur", {"a": 1.0}))
