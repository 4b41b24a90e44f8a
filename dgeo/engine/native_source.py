"""The C source of a run: forward through all days, and back."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

from dgeo.engine.blocks import Field
from dgeo.engine.native_functions import functions
from dgeo.engine.native_statements import DAILY, FIXED, UNIFORM, Given, Statements, added
from dgeo.engine.plan import Plan

LANES = 64
SPAN = 16  # days that are marched at a time …
CACHED = 16_000  # … or fewer, so that their states and series stay in the cache: numbers

Place = tuple[Field, str]
"""A field, and the C of the array that holds it outside."""


def lanes_of(plan: Plan) -> tuple[int, int]:
    """Sites of a block, and lanes, a multiple of 16."""
    components = plan.grid.components or 1
    return max(1, LANES // components), max(LANES, -(-components // 16) * 16)


def span_of(plan: Plan) -> int:
    """Days between the states that are kept."""
    daily = _size(plan.fields[plan.states.start :])
    return max(1, min(SPAN, CACHED // (daily * lanes_of(plan)[1])))


def forward_source(plan: Plan) -> str:
    """From the inputs to the results and, if it is called with room for them, the states before every span."""
    states, results = len(plan.states), len(plan.results)
    inputs = [f"run->in[{i}]" for i in range(len(plan.fields))]
    ends = [(field, f"run->out[{i}]") for i, field in enumerate(plan.ends)]
    outputs = [(field, f"run->out[{states + i}]") for i, field in enumerate(plan.outputs)]
    kept = [(field, f"run->out[{results + i}]") for i, field in enumerate(plan.stored)]
    return "\n".join(
        [
            _head(plan, len(inputs), results + len(kept)),
            _march(plan),
            _taken(plan, inputs),
            _moves("take_states", "take", [(plan.fields[i], inputs[i]) for i in plan.states]),
            _moves("take_ends", "take", ends),
            _moves("give_ends", "give", ends),
            _moves("give_outputs", "give", outputs, "day"),
            _moves("keep_states", "give", kept, "span"),
            _text("native_forward.c"),
        ]
    )


def backward_source(plan: Plan, asked: Sequence[int], given: Sequence[int]) -> str:
    """From inputs, kept states and derivatives in the results `given` to those in the states and in `asked`.

    Of these, inputs that hold for all days come before series.
    """
    fields, held = plan.fields, len(plan.states)
    slopes = {place: f"run->in[{len(fields) + held + i}]" for i, place in enumerate(given)}
    kept = [(field, f"run->in[{len(fields) + i}]") for i, field in enumerate(plan.stored)]
    daily = [(plan.results[i], slopes[i]) for i in given if i >= held]
    found = [(fields[i], f"run->out[{k}]") for k, i in enumerate([*plan.states, *asked])]
    sums = [(field, place) for field, place in found[held:] if field.times is None]
    series = [(field, place) for field, place in found[held:] if field.times is not None]
    inputs = [f"run->in[{i}]" for i in range(len(fields))]
    ends = [(field, slopes.get(i, "NULL")) for i, field in enumerate(plan.ends)]
    shared = [(field, place) for field, place in sums if field.of == "shared"]
    return "\n".join(
        [
            _head(plan, len(fields) + held + len(given), held + len(asked)),
            f"#define SUMS {_size(f for f, _ in sums)}\n#define MOVING {_size(f for f, _ in series)}",
            f"#define SHARES {_size(f for f, _ in shared)}\n",
            _march_and_pull(plan, asked, [i for i in given if i >= held]),
            _taken(plan, inputs),
            _moves("take_kept", "take", kept, "span"),
            _moves("take_end_slopes", "take", ends),
            _moves("take_slopes", "take", found[:held]),
            _moves("give_slopes", "give", found[:held]),
            _moves("take_given", "take", daily, "day"),
            _moves("give_moving", "give", series, "day"),
            _shares(sums),
            _text("native_backward.c"),
        ]
    )


def _head(plan: Plan, inputs: int, outputs: int) -> str:
    sites, lanes = lanes_of(plan)
    shared, still, states, series = (part.fields for part in _arguments(plan))
    sizes = {
        "SINGLE": int(states[0].dtype.itemsize == 4),
        **{"LANES": lanes, "SITES": sites, "COMPONENTS": plan.grid.components or 1, "SPAN": span_of(plan)},
        **{"INPUTS": inputs, "OUTPUTS": outputs, "A_STATE": plan.states.start, "A_SERIES": plan.states.stop},
        **{"SHARED": _size(shared), "STILL": _size(still), "STATES": _size(states), "SERIES": _size(series)},
        "DAILY": _size(plan.outputs),
    }
    defined = "".join(f"#define {name} {size}\n" for name, size in sizes.items())
    interface = '#include "xla/ffi/api/c_api.h"\n'
    return "\n".join([defined, interface, _text("native_arithmetic.c"), _text("native_frame.c")])


def _march(plan: Plan) -> str:
    """A day of a block: from state to next and outputs."""
    given, found = _arguments(plan), Statements()
    numbers = added(found, plan.forward, given)
    places = _places("next", plan.ends) + _places("outputs", plan.outputs)
    arrays = [*(part.array for part in given[2:]), "next", "outputs"]
    return functions("march", found, arrays, list(zip(places, numbers, strict=True)))


def _march_and_pull(plan: Plan, asked: Sequence[int], daily: Sequence[int]) -> str:
    """A day of a block from state to next, and in reverse: from the derivatives after it and in its outputs to before.

    What is costly is read from a tape in reverse.
    """
    held, found = len(plan.states), Statements()
    given = _arguments(plan)
    ends = added(found, plan.forward, given)[: _size(plan.ends)]
    next_day = list(zip(_places("next", plan.ends), ends, strict=True))
    marched = set(found.read_by(ends))
    given = _arguments(plan)
    given += [Given("after", DAILY, plan.ends), Given("given", DAILY, [plan.results[i] for i in daily])]
    program = plan.backward([*plan.states, *asked], [*range(held), *daily])
    numbers = added(found, program, given)
    taped = [x for x in found.read_by(numbers) if x in marched and x.level == DAILY and found.costly(x)]
    still, series = ([plan.fields[i] for i in asked if (plan.fields[i].times is None) == no] for no in (True, False))
    places = _places("before", plan.ends) + _places("sums", still, "+=") + _places("moving", series)
    names = [part.array for part in given[2:]]
    tape = [(f"tape[{i}][l] =", x) for i, x in enumerate(taped)]
    march = functions("march", found, [*names[:2], "next", "tape"], [*next_day, *tape])
    results = list(zip(places, numbers, strict=True))
    pull = functions("pull", found, [*names, "before", "sums", "moving", "tape"], results, taped)
    return f"#define TAPE {len(taped)}\n{march}\n{pull}"


def _arguments(plan: Plan) -> list[Given]:
    first, last = plan.states.start, plan.states.stop
    before, states, series = plan.fields[:first], plan.fields[first:last], plan.fields[last:]
    return [
        Given("shared", UNIFORM, [field for field in before if field.of == "shared"]),
        Given("still", FIXED, [field for field in before if field.of != "shared"]),
        Given("state", DAILY, states),
        Given("series", DAILY, series),
    ]


def _places(array: str, fields: Iterable[Field], sign: str = "=") -> list[str]:
    return [f"{array}[{k}][l] {sign}" for k in range(_size(fields))]


def _moves(name: str, verb: str, places: Sequence[Place], when: str = "") -> str:
    """The function `name` that takes or gives all numbers of some fields, at a time if it is told `when`."""
    held = "from" if verb in ("give", "add") else "to"
    lines = []
    for (field, place), first in zip(places, accumulate((f.size for f, _ in places), initial=0), strict=False):
        inside, move = f"{held} + {first}", f"{verb}_{field.of}"
        if place == "NULL":
            lines.append(f"    memset({inside}, 0, {field.size} * sizeof(Lanes));")
        elif held == "from":
            lines.append(f"    {move}(run, {inside}, {when or 0}, {field.size}, {place});")
        else:
            lines.append(f"    {move}(run, {place}, {when or 0}, {field.size}, {inside});")
    moment = f", long {when}" if when else ""
    return f"static void {name}(const Run *run{moment}, Lanes *{held}) {{\n" + "\n".join(lines) + "\n}\n"


def _taken(plan: Plan, inputs: Sequence[str]) -> str:
    """What a block reads: shared once, what is still for every span, series every day."""
    places = list(zip(plan.fields, inputs, strict=True))
    before, series = places[: plan.states.start], places[plan.states.stop :]
    shared = [(field, place) for field, place in before if field.of == "shared"]
    still = [(field, place) for field, place in before if field.of != "shared"]
    firsts = accumulate((field.size for field, _ in shared), initial=0)
    copies = [
        f"    memcpy(to + {first}, {place}, {field.size} * sizeof(real));"
        for (field, place), first in zip(shared, firsts, strict=False)
    ]
    head = "static void take_shared(const Run *run, real *to) {\n" + "\n".join(copies) + "\n}\n"
    return "\n".join([head, _moves("take_still", "take", still), _moves("take_series", "take", series, "day")])


def _shares(sums: Sequence[Place]) -> str:
    """How the derivatives in what holds for all days are summed up, those in what all share in double precision."""
    add, clear, give, shared = [], [], [], 0
    for (field, place), first in zip(sums, accumulate((f.size for f, _ in sums), initial=0), strict=False):
        if field.of == "shared":
            add.append(f"    add_shared(run, sums + {first}, {field.size}, shares + {shared});")
            give += [f"    {place}[{k}] = (real)shares[{shared + k}];" for k in range(field.size)]
            shared += field.size
        else:
            add.append(f"    add_{field.of}(run, sums + {first}, 0, {field.size}, {place});")
            width = "COMPONENTS" if field.of == "lane" else "1"
            clear.append(f"    memset({place}, 0, run->sites * {width} * {field.size} * sizeof(real));")
    bodies = {
        "add_sums(const Run *run, Lanes *sums, double *shares)": add,
        "clear_sums(const Run *run)": clear,
        "give_shares(const Run *run, const double *shares)": give,
    }
    return "\n".join(f"static void {head} {{\n" + "\n".join(lines) + "\n}\n" for head, lines in bodies.items())


def _size(fields: Iterable[Field]) -> int:
    return sum(field.size for field in fields)


@cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
