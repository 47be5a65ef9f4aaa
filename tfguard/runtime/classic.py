"""What Python 2 computes in another way without saying so: division of whole numbers, rounding, comprehensions."""

import ast
import builtins
import io
import math
import sys
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Dict, Set

#: The names under which rewritten code finds the functions, in `builtins`.
DIVIDE, ASSIGN, DIVISOR = "__tfguard_divide__", "__tfguard_divide_in_place__", "__tfguard_divisor__"
ROUND, BINARY = "__tfguard_round__", "__tfguard_binary__"
#: Functions of the module `string` whose names changed.
_STRING_NAMES = {"letters": "ascii_letters", "lowercase": "ascii_lowercase", "uppercase": "ascii_uppercase"}
#: Functions of `pickle`: where the stream stands among their arguments, and whether they read text of Python 2.
_PICKLERS = {"load": (0, True), "loads": (None, True), "dump": (1, False)}
#: No float has more digits on either side of its point.
_MOST_DIGITS = 1100


def is_whole(value: Any) -> bool:
    """A whole number of Python's or NumPy's, or an array of such."""
    if isinstance(value, int):
        return True
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return kind in ("i", "u", "b")


def divide(left: Any, right: Any) -> Any:
    """`left / right` as in Python 2."""
    if is_whole(left) and is_whole(right):
        return left // right
    for value, other, name in ((left, right, "__div__"), (right, left, "__rdiv__")):
        method = getattr(type(value), name, None)
        if method is not None:
            result = method(value, other)
            if result is not NotImplemented:
                return result
    return left / right


def divide_in_place(left: Any, right: Any) -> Any:
    """`left /= right` as in Python 2: what can change itself does."""
    if is_whole(left) and is_whole(right):
        left //= right
        return left
    if hasattr(type(left), "__itruediv__"):
        left /= right
        return left
    return divide(left, right)


class Divisor:
    """The right side of `a.b /= c`: whatever stands left hands the division back, so that it is evaluated once."""

    #: Arrays of NumPy leave the operation to this class.
    __array_ufunc__ = None

    def __init__(self, value: Any) -> None:
        self.value = value

    def __rtruediv__(self, left: Any) -> Any:
        return divide_in_place(left, self.value)


def round_half_away(number: Any, digits: Any = 0) -> float:
    """`round` as in Python 2: halves go away from zero, and the result is a float."""
    value = float(number)
    if not math.isfinite(value) or digits > _MOST_DIGITS:
        return value
    step = Decimal((0, (1,), -int(digits)))
    return float(Decimal(value).quantize(step, ROUND_HALF_UP, Context(prec=2 * _MOST_DIGITS)))


def binary(stream: Any) -> Any:
    """The bytes below a file that was opened for text."""
    return getattr(stream, "buffer", stream) if isinstance(stream, io.TextIOBase) else stream


def provide_builtins() -> None:
    """Where rewritten code finds them, whatever module it stands in."""
    found: Dict[str, Any] = {DIVIDE: divide, ASSIGN: divide_in_place, DIVISOR: Divisor}
    for name, value in dict(found, **{ROUND: round_half_away, BINARY: binary}).items():
        setattr(builtins, name, value)


def make_classic(tree: Any, floors: bool) -> None:
    """Give the tree of a module (Python 2, converted) the meaning that it had; `floors` without the future division."""
    provide_builtins()
    _Classic(floors, rounds="round" not in bound_names(tree)).visit(tree)
    ast.fix_missing_locations(tree)


def bound_names(tree: Any) -> Set[str]:
    """Every name that the module gives a meaning of its own."""
    found: Set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


class _Classic(ast.NodeTransformer):
    def __init__(self, floors: bool, rounds: bool) -> None:
        self.floors = floors
        self.rounds = rounds

    def visit_BinOp(self, node: Any) -> Any:
        self.generic_visit(node)
        if not self.floors or not isinstance(node.op, ast.Div):
            return node
        return _call(DIVIDE, node, node.left, node.right)

    def visit_AugAssign(self, node: Any) -> Any:
        self.generic_visit(node)
        if not self.floors or not isinstance(node.op, ast.Div):
            return node
        if not isinstance(node.target, ast.Name):
            node.value = _call(DIVISOR, node.value, node.value)
            return node
        target = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        return ast.copy_location(ast.Assign([node.target], _call(ASSIGN, node, target, node.value)), node)

    def visit_Name(self, node: Any) -> Any:
        if node.id == "round" and self.rounds and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Name(ROUND, ast.Load()), node)
        return node

    def visit_Attribute(self, node: Any) -> Any:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "string" and node.attr in _STRING_NAMES:
            node.attr = _STRING_NAMES[node.attr]
        return node

    def visit_Call(self, node: Any) -> Any:
        """Files of Python 2 hold bytes, and its pickles hold bytes where Python 3 expects text."""
        self.generic_visit(node)
        stream, reads = _PICKLERS.get(name_in_pickle(node.func), (None, False))
        if stream is not None and len(node.args) > stream:
            node.args[stream] = _call(BINARY, node.args[stream], node.args[stream])
        if reads and len(node.args) == 1 and not node.keywords:
            value: Any = ast.Str("latin1") if sys.version_info < (3, 8) else ast.Constant("latin1")
            node.keywords.append(ast.keyword("encoding", ast.copy_location(value, node)))
        return node


def name_in_pickle(function: Any) -> str:
    """`load` for `pickle.load`; nothing for other functions."""
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return ""
    return str(function.attr) if function.value.id == "pickle" else ""


def _call(name: str, place: Any, *arguments: Any) -> Any:
    function = ast.copy_location(ast.Name(name, ast.Load()), place)
    return ast.copy_location(ast.Call(function, list(arguments), []), place)
