"""Parts of the basins and of the years to train on, for the question how much data a model needs."""

from collections.abc import Sequence

import numpy as np

from dgeo.data.splits import BasinSplit, Period, days, water_years
from dgeo.errors import DgeoError


def basin_fractions(
    basins: Sequence[str], test: Sequence[str], shares: Sequence[float], draw: int
) -> dict[float, BasinSplit]:
    """Random parts of the basins to train on, by their share of all that are not tested; the test stays the same.

    The basins of a smaller share are among those of a larger one of the same `draw`, so that along a draw only the
    number changes. Raises `DgeoError` for a share that is none, or a tested basin that there is not.
    """
    for share in shares:
        if not 0 < share <= 1:
            raise DgeoError(f"A share of {share} of the basins is none; give one above 0 and not above 1.")
    missing = sorted(set(test) - set(basins))
    if missing:
        raise DgeoError(f"Basin '{missing[0]}' is to be tested but is not among the {len(basins)} basins; take it out.")
    free = sorted(set(basins) - set(test))
    order = [free[i] for i in np.random.default_rng([draw, len(free)]).permutation(len(free))]
    return {
        share: BasinSplit(
            tuple(sorted(order[: max(round(share * len(free)), 1)])), tuple(test), f"share_{share:g}_draw_{draw}"
        )
        for share in shares
    }


def some_years(period: Period, count: int, draw: int) -> Period:
    """`count` water years in a row out of a period of whole ones, beginning at random.

    Raises `DgeoError` where the period has fewer.
    """
    first, last = days(period)
    begin, end = int(str(first)[:4]) + 1, int(str(last)[:4])
    if not 1 <= count <= end - begin + 1:
        raise DgeoError(f"The period {period[0]} to {period[1]} has no {count} water years; ask for fewer.")
    start = begin + int(np.random.default_rng([draw, count]).integers(end - begin + 2 - count))
    return water_years(start, start + count - 1)
