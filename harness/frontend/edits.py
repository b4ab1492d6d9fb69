"""Random edits of the bodies of valid kernels and functions, after which they are Python still, and often no Warp."""

from __future__ import annotations

import ast
import copy
import random
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Python that Warp's language does not have, or has in other places.
EXPRESSIONS: Final = (
    "[1, 2]", "{}", "{1: 2}", "{1, 2}", "(1, 2)", "()", "None", "'text'", "b'bytes'", "f'{1}'", "...", "1j",
    "lambda y: y", "[k for k in range(3)]", "{k: k for k in range(3)}", "(k for k in range(3))", "(w := 1)",
    "not_defined", "not_defined.field", "not_defined[0]", "not_defined(1)", "wp.not_there", "wp.not_there(1)",
    "wp.float32", "wp.vec3", "wp.vec3()[0:2]", "wp.vec3()[::2]", "wp.vec3().w", "wp.vec3()[7]", "-True", "~1.0",
    "not 'a'", "1 < 'a'", "1 in (1, 2)", "1 is None", "1 @ 2", "2 ** 3", "1 if None else 2", "max(1)", "min()",
    "len(3)", "int()", "float('1')", "range(3)", "print", "type(1)", "wp.tid", "wp.tid()", "wp.tid(1)",
    "wp.where(1)", "wp.sin", "wp.sin()", "wp", "wp.types", "wp.config.mode", "wp.vec3(1.0)[0][0]", "wp.zeros(3)",
    "wp.sin(1, 2)", "wp.sin(x=1.0)", "wp.sin(*[1.0])", "wp.sin(**{})", "10 ** 40", "1 / 0", "1 % 0", "1 << -1",
    "99999999999999999999", "1e999", "a.b.c.d", "(1)(2)", "(1).real", "'a'[0]", "[][0]", "wp.quat()", "wp.mat22()",
    "True + 1", "abs", "sum([1])", "len('a')", "str(1)", "bool(None)", "wp.vec2(1, 2, 3)", "wp.mat22(1.0)[0, 0, 0]",
)  # fmt: skip
STATEMENTS: Final = (
    "pass", "del not_defined", "global not_defined", "assert False", "raise ValueError", "import math", "return 1",
    "return", "return 1, 2", "yield 1", "break", "continue", "x: int = 1", "x: int", "x = y = 1.0", "x, y = 1, 2",
    "x, *y = 1, 2", "(x, y), z = (1, 2), 3", "[x, y] = 1, 2", "x.y = 1", "x[0] = 1", "1", "'text'", "...", "wp.tid()",
    "print(1)", "print('a', 1)", "x += 1", "not_defined += 1", "1 < 2 < 3", "try:\n    x = 1\nfinally:\n    pass",
    "with wp as y:\n    pass", "class C:\n    pass", "def inner(y):\n    return y", "for k in [1, 2]:\n    pass",
    "for k in 3:\n    pass", "for k, j in range(3):\n    pass", "for k in range(3):\n    pass\nelse:\n    x = 1",
    "for k in range():\n    pass", "for k in range(0, 3, 0):\n    pass", "while False:\n    pass",
    "while True:\n    break", "print(1, sep='')", "x = wp", "x = print", "wp.tid = 1", "x, y = 1", "x, y = 1, 2, 3",
    "if 'a':\n    pass", "if None:\n    pass", "match 1:\n    case 1:\n        pass", "x @= 1", "x //= 0", "lambda: 0",
)  # fmt: skip
#: What a statement may be put into; `{}` is where it goes.
WRAPPERS: Final = (
    "if True:\n    {}", "if False:\n    pass\nelse:\n    {}", "for q in range(2):\n    {}",
    "while True:\n    {}\n    break",
    "for q in range(2):\n    pass\nelse:\n    {}", "while False:\n    pass\nelse:\n    {}", "with wp:\n    {}",
    "try:\n    {}\nexcept ValueError:\n    pass", "def inner():\n    {}", "class Inner:\n    {}",
    "for q in range(2):\n    for q in range(2):\n        {}", "match 1:\n    case _:\n        {}",
)  # fmt: skip
#: Put around an expression; `{}` is where it goes.
AROUND: Final = (
    "-{}", "~{}", "not {}", "+{}", "({},)", "[{}]", "{}[0]", "{}.x", "{}()", "wp.int8({})", "bool({})", "wp.vec3({})",
    "wp.float64({})", "str({})", "len({})", "({} for q in range(2))", "lambda: {}", "*{}", "f'{{{}}}'", "wp.sin({})",
    "wp.dot({0}, {0})", "{0} if {0} else {0}", "{0} < {0} < {0}", "{0} and {0}", "{0} in ({0},)", "(q := {})", "{}[1:]",
    "{}[0, 0]", "range({})", "int({})", "float({})", "wp.address({})", "{}.T", "{0} is {0}", "wp.length({})",
)  # fmt: skip
_BINARY: Final = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.MatMult, ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor),
)
_COMPARING: Final = (ast.Lt, ast.GtE, ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_UNARY: Final = (ast.UAdd, ast.USub, ast.Not, ast.Invert)


@dataclass(frozen=True)
class Slot:
    """A place in a tree that holds an expression."""

    owner: ast.AST
    name: str
    position: int | None

    @property
    def node(self) -> ast.expr:
        value = getattr(self.owner, self.name)
        found = value if self.position is None else value[self.position]
        assert isinstance(found, ast.expr)
        return found

    def put(self, node: ast.expr) -> None:
        if self.position is None:
            setattr(self.owner, self.name, node)
        else:
            getattr(self.owner, self.name)[self.position] = node


def bodies(function: ast.FunctionDef) -> list[list[ast.stmt]]:
    """Every list of statements of a function, its own first."""
    found = [function.body]
    for node in ast.walk(function):
        if node is function:
            continue
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                found.append(body)
    return found


def slots(function: ast.FunctionDef, targets: bool = False) -> list[Slot]:
    """The places of expressions that are read in a body; those that are assigned to instead if `targets`."""
    return [
        Slot(owner, name, position if isinstance(value, list) else None)
        for statement in function.body
        for owner in ast.walk(statement)
        for name, value in ast.iter_fields(owner)
        for position, part in enumerate(value if isinstance(value, list) else [value])
        if isinstance(part, ast.expr) and isinstance(getattr(part, "ctx", ast.Load()), ast.Store) == targets
    ]


def expression(text: str) -> ast.expr:
    """The tree of an expression, which may be starred."""
    call = ast.parse(f"f({text}\n)", mode="eval").body
    assert isinstance(call, ast.Call)
    return call.args[0]


def statements(text: str) -> list[ast.stmt]:
    """The trees of statements, which may be those of a loop in a function."""
    around = ast.parse(f"def f():\n  while 1:\n{textwrap.indent(text, '    ')}").body[0]
    assert isinstance(around, ast.FunctionDef)
    assert isinstance(around.body[0], ast.While)
    return around.body[0].body


def edit(function: ast.FunctionDef, dice: random.Random) -> None:
    """Change a function's body in one place."""
    dice.choice(_EDITS)(function, dice)


# ---------------------------------------------------------------- statements


def _insert(function: ast.FunctionDef, dice: random.Random) -> None:
    put_in(function, statements(dice.choice(STATEMENTS)), dice)


def put_in(function: ast.FunctionDef, new: Sequence[ast.stmt], dice: random.Random) -> None:
    """Put statements somewhere into a body."""
    body = dice.choice(bodies(function))
    at = dice.randrange(len(body) + 1)
    body[at:at] = new


def _delete(function: ast.FunctionDef, dice: random.Random) -> None:
    body = dice.choice(bodies(function))
    del body[dice.randrange(len(body))]
    if not body:
        body.append(ast.Pass())


def _duplicate(function: ast.FunctionDef, dice: random.Random) -> None:
    put_in(function, [copy.deepcopy(dice.choice(dice.choice(bodies(function))))], dice)


def _exchange(function: ast.FunctionDef, dice: random.Random) -> None:
    body = dice.choice(bodies(function))
    a, b = dice.randrange(len(body)), dice.randrange(len(body))
    body[a], body[b] = body[b], body[a]


def _wrap(function: ast.FunctionDef, dice: random.Random) -> None:
    body = dice.choice(bodies(function))
    at = dice.randrange(len(body))
    wrapped = ast.parse(dice.choice(WRAPPERS).format("HERE")).body
    for node in ast.walk(wrapped[0]):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = [body[at] if _is_mark(part) else part for part in value]
    body[at : at + 1] = wrapped


def _is_mark(part: Any) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Name) and part.value.id == "HERE"


def _retarget(function: ast.FunctionDef, dice: random.Random) -> None:
    places = slots(function, targets=True)
    if places:
        place = dice.choice(places)
        old = ast.unparse(place.node)
        forms = (
            "{0}, q",
            "{0}[0]",
            "{0}.x",
            "({0},)",
            "*{0}, q",
            "q",
            "{0}[0, 1]",
            "{0}[:]",
            "wp.q",
            "x",
            "({0}, {0})",
        )
        (assign,) = ast.parse(f"{dice.choice(forms).format(old)} = 1").body
        assert isinstance(assign, ast.Assign)
        place.put(assign.targets[0])


# ---------------------------------------------------------------- expressions


def _replace(function: ast.FunctionDef, dice: random.Random) -> None:
    _put(function, expression(dice.choice(EXPRESSIONS)), dice)


def _put(function: ast.FunctionDef, node: ast.expr, dice: random.Random) -> None:
    if places := slots(function):
        dice.choice(places).put(node)


def replace_somewhere(function: ast.FunctionDef, node: ast.expr, dice: random.Random) -> None:
    """Put an expression in the place of one in a body."""
    _put(function, node, dice)


def _transplant(function: ast.FunctionDef, dice: random.Random) -> None:
    if places := slots(function):
        _put(function, copy.deepcopy(dice.choice(places).node), dice)


def _swap(function: ast.FunctionDef, dice: random.Random) -> None:
    if places := slots(function):
        one, other = dice.choice(places), dice.choice(places)
        a, b = copy.deepcopy(one.node), copy.deepcopy(other.node)
        one.put(b)
        other.put(a)


def _surround(function: ast.FunctionDef, dice: random.Random) -> None:
    if places := slots(function):
        place = dice.choice(places)
        try:
            place.put(expression(dice.choice(AROUND).format(f"({ast.unparse(place.node)})")))
        except SyntaxError:  # a slice stands in brackets alone
            return


def _operator(function: ast.FunctionDef, dice: random.Random) -> None:
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    chosen = [n for n in nodes if isinstance(n, ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.AugAssign)]
    if not chosen:
        return
    match dice.choice(chosen):
        case ast.BinOp() | ast.AugAssign() as node:
            node.op = dice.choice(_BINARY)()
        case ast.UnaryOp() as unary:
            unary.op = dice.choice(_UNARY)()
        case ast.Compare() as compare:
            compare.ops[dice.randrange(len(compare.ops))] = dice.choice(_COMPARING)()
        case ast.BoolOp() as logical:
            logical.op = dice.choice((ast.And, ast.Or))()


def _arguments(function: ast.FunctionDef, dice: random.Random) -> None:
    calls = [n for statement in function.body for n in ast.walk(statement) if isinstance(n, ast.Call)]
    if not calls:
        return
    call = dice.choice(calls)
    match dice.randrange(5):
        case 0 if call.args:
            del call.args[dice.randrange(len(call.args))]
        case 1:
            call.args.insert(dice.randrange(len(call.args) + 1), expression(dice.choice(("1", "1.0", *EXPRESSIONS))))
        case 2 if call.args:
            call.keywords.append(ast.keyword(dice.choice(("x", "q", "dtype", "a")), call.args.pop()))
        case 3 if call.args:
            call.args.append(ast.Starred(call.args.pop(), ast.Load()))
        case _:
            call.keywords.append(ast.keyword(None, expression("{}")))


def _constant(function: ast.FunctionDef, dice: random.Random) -> None:
    constants = [place for place in slots(function) if isinstance(place.node, ast.Constant)]
    if constants:
        other = (
            "0",
            "-1",
            "1.5",
            "True",
            "None",
            "'a'",
            "2147483648",
            "-129",
            "1e39",
            "1j",
            "1e-50",
            "0x8000000000000000",
        )
        dice.choice(constants).put(expression(dice.choice(other)))


def _attribute(function: ast.FunctionDef, dice: random.Random) -> None:
    found = [n for statement in function.body for n in ast.walk(statement) if isinstance(n, ast.Attribute)]
    if found:
        names = (
            "x",
            "w",
            "shape",
            "dtype",
            "size",
            "T",
            "real",
            "sin",
            "vec3",
            "float16",
            "dot",
            "length",
            "grad",
            "q",
        )
        dice.choice(found).attr = dice.choice(names)


_EDITS: Final[tuple[Callable[[ast.FunctionDef, random.Random], None], ...]] = (
    _insert, _insert, _delete, _duplicate, _exchange, _wrap, _wrap, _retarget, _replace, _replace, _replace,
    _transplant, _swap, _surround, _surround, _operator, _operator, _arguments, _constant, _attribute,
)  # fmt: skip
