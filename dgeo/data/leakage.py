"""Does a split keep its test part unseen?"""

from collections.abc import Hashable, Mapping

from dgeo.data.splits import BasinSplit, Period, Split, TemporalSplit, days
from dgeo.data.years import YearSplit
from dgeo.errors import DgeoError


def _overlap(a: Period, b: Period) -> Period | None:
    """The days that two periods share."""
    (a_first, a_last), (b_first, b_last) = days(a), days(b)
    first, last = max(a_first, b_first), min(a_last, b_last)
    return (str(first), str(last)) if first <= last else None


def _refuse_overlap(part: str, period: Period, test: Period) -> None:
    shared = _overlap(period, test)
    if shared:
        raise DgeoError(
            f"The {part} period {period[0]} to {period[1]} shares {shared[0]} to {shared[1]} with the test "
            "period; move one of them."
        )


def _check_periods(split: TemporalSplit) -> None:
    _refuse_overlap("training", split.train, split.test)
    if split.validation is None:
        return
    _refuse_overlap("validation", split.validation, split.test)
    (first, last), (train_first, train_last) = days(split.validation), days(split.train)
    place = f"The validation period {split.validation[0]} to {split.validation[1]}"
    if split.validation_inside and not (train_first <= first and last <= train_last):
        raise DgeoError(
            f"{place} must lie inside the training period {split.train[0]} to {split.train[1]}; move it, or "
            "declare validation_inside=False."
        )
    if not split.validation_inside and first <= train_last:
        raise DgeoError(
            f"{place} must begin after the training period ends on {split.train[1]}; move it, or declare "
            "validation_inside=True."
        )


def _check_basins(split: BasinSplit, groups: Mapping[str, Hashable] | None) -> None:
    shared = sorted(set(split.train) & set(split.test))
    if shared:
        raise DgeoError(
            f"Basin '{shared[0]}' is in the training and in the test part ({len(shared)} such basins); keep it in one."
        )
    for part, ids in (("training", split.train), ("test", split.test)):
        if not ids:
            raise DgeoError(f"The {part} part of the split '{split.name}' has no basin; give it at least one.")
    if groups is None:
        return
    trained = {groups[basin]: basin for basin in split.train if basin in groups}
    for basin in split.test:
        if basin in groups and groups[basin] in trained:
            raise DgeoError(
                f"Test basin '{basin}' belongs to the same group '{groups[basin]}' as training basin "
                f"'{trained[groups[basin]]}'; keep a group in one part."
            )


def _check_years(split: YearSplit) -> None:
    for basin, trained in split.train.items():
        for part, years in (("tested", split.test), ("a control", split.control)):
            shared = sorted(set(trained) & set(years.get(basin, ())))
            if shared:
                raise DgeoError(f"Water year {shared[0]} of basin '{basin}' is trained on and {part}; keep it in one.")
    if not any(split.train.values()):
        raise DgeoError(f"The split '{split.name}' trains on no year of any basin; give it at least one.")


def check_leakage(split: Split, groups: Mapping[str, Hashable] | None = None) -> None:
    """Raise `DgeoError` where training or validation can see what the test scores.

    A `TemporalSplit` leaks when training or validation days are test days, or when the validation period is
    not where it was declared, a `YearSplit` when a basin is tested in a year it is trained on, a `BasinSplit`
    when a basin is on both sides, or, given `groups`, when two basins of one group are. Days before a period used
    as spin-up do not count: no target is read on them.
    """
    if isinstance(split, TemporalSplit):
        _check_periods(split)
    elif isinstance(split, BasinSplit):
        _check_basins(split, groups)
    elif isinstance(split, YearSplit):
        _check_years(split)
    else:
        raise DgeoError(f"A {type(split).__name__} is not a split; give a TemporalSplit, BasinSplit or YearSplit.")
