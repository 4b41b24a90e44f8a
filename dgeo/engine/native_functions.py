"""The C functions of a program: what holds for a whole run, what holds for a lane on all days, and a day."""

from collections.abc import Sequence

from dgeo.engine.native_statements import DAILY, FIXED, UNIFORM, Statements, Value


def functions(
    name: str,
    found: Statements,
    arrays: Sequence[str],
    results: Sequence[tuple[str, Value]],
    taped: Sequence[Value] = (),
) -> str:
    """`name`_uniform, `name`_fixed and `name`; `results` are where numbers are put, "next[0][l] =", and which.

    `arrays` are what the last reads and writes besides, `taped` what it finds in the array `tape`. The first two
    compute what the last reads again every day; `NAME`_UNIFORM and `NAME`_FIXED say how much that is.
    """
    order = found.read_by([value for _, value in results], taped)
    kept = [_kept(found, [x for x in order if x not in taped], results, level) for level in (UNIFORM, FIXED)]
    again = {x: f"uniform[{i}]" for i, x in enumerate(kept[UNIFORM])}
    again |= {x: f"fixed[{i}][l]" for i, x in enumerate(kept[FIXED])}
    again |= {x: f"tape[{i}][l]" for i, x in enumerate(taped)}

    def line(value: Value, level: int) -> str:
        early = value in again and (value.level < level or value in taped)
        return f"const real {value.text} = {again[value]};" if early else found.lines[value]

    def body(level: int, ends: Sequence[tuple[str, Value]]) -> str:
        own = [x for x in order if x.level == level]
        needed = {x for value in own if value not in taped for x in found.reads[value]} | {value for _, value in ends}
        early = [x for x in order if x.level < level and x in needed]
        before = [line(x, level) for x in early if x.level == UNIFORM]
        within = [line(x, level) for x in (*(x for x in early if x.level == FIXED), *own)]
        within += [f"{place} {x.text};" for place, x in ends]
        if level == UNIFORM:
            return _indented(within, 4)
        loop = f"    for (int l = 0; l < LANES; l++) {{\n{_indented(within, 8)}    }}\n"
        return _indented(before, 4) + loop

    shared, fixed = "(const real *restrict shared, ", "const real *restrict uniform, Lanes *restrict still, "
    daily = "".join(f", Lanes *restrict {array}" for array in arrays)
    stored = [[(f"{again[x]} =", x) for x in values] for values in kept]
    return (
        f"#define {name.upper()}_UNIFORM {len(kept[UNIFORM])}\n#define {name.upper()}_FIXED {len(kept[FIXED])}\n\n"
        f"static void {name}_uniform{shared}real *restrict uniform) {{\n{body(UNIFORM, stored[UNIFORM])}}}\n\n"
        f"static void {name}_fixed{shared}{fixed}Lanes *restrict fixed) {{\n{body(FIXED, stored[FIXED])}}}\n\n"
        f"static __attribute__((noinline)) void {name}{shared}{fixed}Lanes *restrict fixed{daily}) {{\n"
        f"{body(DAILY, results)}}}\n"
    )


def _kept(found: Statements, order: Sequence[Value], results: Sequence[tuple[str, Value]], level: int) -> list[Value]:
    """What is computed at a level, and read at a later one."""
    later = {x for value in order if value.level > level for x in found.reads[value]} | {x for _, x in results}
    return [x for x in order if x.level == level and x in later and not x.stands]


def _indented(lines: Sequence[str], by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in lines)
