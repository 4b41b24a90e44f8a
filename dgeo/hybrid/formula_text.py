"""Reading a formula in words: parsed, never run, and refused with its place where it holds anything not on the list."""

import ast
from functools import lru_cache

from dgeo.errors import DgeoError, nearest

LONGEST, DEEPEST = 2000, 60  # characters; levels of a formula within a formula
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
OF_ONE, OF_SEVERAL = ("exp", "log", "sqrt", "tanh", "sigmoid", "abs"), ("min", "max")
KNOWN = (*OF_ONE, *OF_SEVERAL, "where")


@lru_cache(maxsize=256)
def parsed(text: str) -> ast.expr:
    """The tree of a formula, each node of it on the list; raises `DgeoError` otherwise."""
    if len(text) > LONGEST:
        raise DgeoError(f"A formula may be {LONGEST} characters long and this has {len(text)}; write it as a function.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise DgeoError(f"The formula {short(text)} cannot be read{place}; write it as in Python.") from error
    _check(tree, text)
    return tree


def _check(tree: ast.expr, text: str) -> None:
    """Refuse all that is not on the list, without recursion: a hostile text is as deep as it is long."""
    waiting: list[tuple[ast.expr, int, bool]] = [(tree, 1, False)]
    while waiting:
        node, depth, is_condition = waiting.pop()
        if depth > DEEPEST:
            raise DgeoError(f"The formula {short(text)} is nested deeper than {DEEPEST}; write it as a function.")
        if problem := _problem(node, is_condition):
            raise DgeoError(f"The formula {short(text)} has {problem} at character {node.col_offset + 1}.")
        where = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "where"
        waiting += [(part, depth + 1, where and i == 0) for i, part in enumerate(parts_of(node))]


def _problem(node: ast.expr, is_condition: bool) -> str:
    """What is wrong with this node by itself; nothing if empty."""
    match node:
        case ast.Compare(ops=[one]) if is_condition and type(one) in COMPARISONS:
            return ""
        case _ if is_condition or isinstance(node, ast.Compare):
            return "a comparison in the wrong place (one of < <= > >= is the first argument of where, and only there)"
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and abs(number) < 1e30:
            return ""
        case ast.Name(id=name):
            return f"the function {name!r} without its argument" if name in KNOWN else ""
        case ast.BinOp(op=op) if isinstance(op, OPERATORS):
            return ""
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return ""
        case ast.Call(func=ast.Name(id=name), keywords=[], args=args):
            return _problem_of_call(name, len(args))
    kind = type(node).__name__
    return f"a part ({kind}) that is none of numbers, names, + - * / **, {', '.join(KNOWN)}"


def _problem_of_call(name: str, arguments: int) -> str:
    if name not in KNOWN:
        return f"the unknown function {name!r} ({nearest(name, KNOWN)[:-1]})"
    needed = 1 if name in OF_ONE else 3 if name == "where" else 2
    fits = arguments >= 2 if name in OF_SEVERAL else arguments == needed
    return "" if fits else f"{name} of {arguments} arguments, which takes {needed}"


def parts_of(node: ast.expr) -> list[ast.expr]:
    """The formulas that a formula is made of."""
    match node:
        case ast.Compare(left=left, comparators=right):
            return [left, *right]
        case ast.BinOp(left=left, right=exponent):
            return [left, exponent]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.Call(args=args):
            return list(args)
    return []


def names_in(node: ast.expr) -> tuple[str, ...]:
    """The names that a formula mentions, in order."""
    if isinstance(node, ast.Name):
        return (node.id,)
    return tuple(dict.fromkeys(name for part in parts_of(node) for name in names_in(part)))


def short(text: str) -> str:
    """The text, or its beginning, for an error."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
