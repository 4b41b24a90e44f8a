"""Every case of every process kernel holds; and the rows that say so fail where they should."""

import pytest

from dgeo.check.kernels import KERNELS, Cases, KernelReport, kernels
from dgeo.errors import DgeoError


@pytest.mark.x64
@pytest.mark.parametrize("kernel", KERNELS)
def test_all_cases_of_a_kernel_hold(kernel):
    """The derivation of each exact value and tolerance stands beside its row in `dgeo/check/kernels/`."""
    kernels(kernel).require()


def test_a_wrong_number_fails_and_is_named():
    """Relative to the exact value, or absolute; 2 is 0.5 above 1.5, a third of it."""
    cases = Cases("melt")
    wrong = cases.value("a warm day", 2.0, 1.5, 0.3)
    assert not wrong.passed
    assert wrong.error == pytest.approx(1 / 3)
    assert cases.value("a warm day", 2.0, 1.5, 0.5, relative=False).passed
    assert not cases.value("a warm day", float("nan"), 1.5, 0.5).passed
    with pytest.raises(DgeoError, match=r"1 of 1 cases .* failed, first melt, a warm day: 2, exact 1\.5"):
        KernelReport((wrong,)).require()
    with pytest.raises(DgeoError, match="No kernel was checked"):
        kernels("no such kernel").require()


def test_the_order_of_convergence_is_the_slope_of_the_errors():
    """Errors of 3·h² on h = 1/4 and 1/8 fall by four while h halves: order two."""
    row = Cases("flow").order("halved", [3 / 16, 3 / 64], [1 / 4, 1 / 8], 2.0, 1e-12)
    assert row.passed
    assert row.value == pytest.approx(2.0)
