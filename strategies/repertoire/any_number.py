"""Computations that hold for any number, whole or not: bounds, distances, sums, the numbers of a vector one by one.

Lines of text that take no part of a number, and divide by none.
"""

from __future__ import annotations

import ast
from typing import Final

from strategies.calls import Callee
from strategies.dice import Dice
from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Call, Element, Return, Statement
from strategies.language.types import Composite, Scalar, Type
from strategies.ops import overload
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.typed import Typed

#: Between which values lies what they take: of every integer type, their results are far from overflowing.
TAKEN: Final = symmetric(4.0)
#: What they take, and the expression that they give.
FORMS: Final = (
    ("x lo hi", "min(max(x, lo), hi)"), ("x lo hi", "clamp(x, min(lo, hi), max(lo, hi))"), ("a x y", "a * x + y"),
    ("a x y", "a * (x - y)"), ("x y", "abs(x - y)"), ("x y", "max(x, y) - min(x, y)"), ("x y", "x * x + y * y"),
    ("x y", "(x - y) * (x - y)"), ("x y", "2.0 * x - y"), ("x", "(2.0 * x + 1.0) * x - 3.0"),
    ("x y", "max(x, 0.0) * y"), ("x y", "x if x > y else 2.0 * y - x"), ("x y z", "x * y + y * z + z * x"),
    ("x y z", "max(min(x, y), min(max(x, y), z))"), ("x y", "x - y if x > y else y - x"),
)  # fmt: skip
#: What is done with the numbers of a vector, or of two, one by one.
STEPS: Final = (
    ("v", "v[0]", "s += v[k]"), ("v", "abs(v[0])", "s += abs(v[k])"), ("v", "v[0]", "s = max(s, v[k])"),
    ("v", "v[0]", "s = min(s, v[k])"), ("v w", "v[0] * w[0]", "s += v[k] * w[k]"),
    ("v", "v[0] * v[0]", "s += v[k] * v[k]"),
    ("v w", "abs(v[0] - w[0])", "s = max(s, abs(v[k] - w[k]))"),
)  # fmt: skip
#: What is done with square matrices of any size, and with a number.
MATRICES: Final = (
    "m * s", "m * n", "transpose(m) * n", "(m - n) * s", "m * n - n * m", "m + transpose(m)", "trace(m) * s",
    "trace(m * n)", "ddot(m, n)", "determinant(m) * s", "cw_mul(m, n)", "m - transpose(n) * s",
)  # fmt: skip
#: Between which values their numbers lie: products of three are small then.
SMALL: Final = symmetric(2.0)
#: Of 100 functions, how many take vectors.
VECTORS: Final = 45
#: Of 100 forms, how many have one thing more to them.
FURTHER: Final = 40


def _form(dice: Dice) -> tuple[list[str], str]:
    """What a form takes, and its expression, at times scaled or added to something."""
    names, text = dice.one_of(FORMS)
    if not dice.chance(FURTHER):
        return names.split(), text
    return [*names.split(), "w"], dice.one_of((f"({text}) * w", f"({text}) + w", f"w - ({text})"))


def draw_numeric(sketch: Sketch) -> Callee:
    """A function of numbers, or of a vector whose length is asked for."""
    own, dice = FunctionSketch(sketch), sketch.dice
    own.calls = 0
    phrase = Phrase(own)
    if dice.chance(VECTORS):
        names, first, step = dice.one_of(STEPS)
        of = types.vector(dice.one_of((3, 2, 4)), sketch.main)
        phrase.bind(**{name: own.variable(own.parameter(of, TAKEN)) for name in names.split()})
        phrase.write(f"s = {first}\nfor k in range(1, len(v)):\n    {step}")
        value = phrase.known("s")
    else:
        given, text = _form(dice)
        phrase.bind(**{name: own.variable(own.parameter(sketch.main, TAKEN)) for name in given})
        value = phrase.value(text, sketch.main)
    return own.finish(sketch.main, [*phrase.body, Return((value.node,))], [value])


def draw_of_matrices(sketch: Sketch) -> Callee:
    """A function of square matrices, and of a number; what holds for them holds for smaller ones."""
    own, dice = FunctionSketch(sketch), sketch.dice
    own.calls = 0
    of = types.matrix(*dice.one_of(((3, 3), (3, 3), (4, 4))), sketch.main)
    text = dice.one_of(MATRICES)
    read = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    kinds: tuple[tuple[str, Type], ...] = (("m", of), ("n", of), ("s", sketch.main))
    given = {name: own.variable(own.parameter(kind, SMALL)) for name, kind in kinds if name in read}
    value = _of_matrices(own, ast.parse(text, mode="eval").body, given)
    return own.finish(value.type, [Return((value.node,))], [value])


_OPERATORS: Final = {ast.Mult: "mul", ast.Sub: "sub", ast.Add: "add"}


def _of_matrices(own: FunctionSketch, tree: ast.expr, given: dict[str, Typed]) -> Typed:
    match tree:
        case ast.Name(id=name):
            return given[name]
        case ast.BinOp(left=left, op=op, right=right):
            name, parts = _OPERATORS[type(op)], [left, right]
        case ast.Call(func=ast.Name(id=name), args=parts):
            pass
        case _:
            raise ValueError(ast.dump(tree))
    arguments = [_of_matrices(own, part, given) for part in parts]
    row = overload(name, [a.type for a in arguments])
    of = row.result([a.type for a in arguments])
    assert of is not None
    return own.apply(row, of, arguments)


def numeric_line(sketch: Sketch) -> list[Statement]:
    """A store of what one of the forms makes of the thread's own numbers, and of numbers that all threads share."""
    dice, main = sketch.dice, sketch.main
    phrase = Phrase(sketch)
    names, text = _form(dice)
    for name in names:
        if name in ("a", "lo", "hi"):
            phrase.parameter(name, main, TAKEN.low, TAKEN.high)
        else:
            source = sketch.array(main, sketch.launch_shape(), TAKEN)
            phrase.bind(**{name: Typed(Element(main, source.name, sketch.own_indices()), TAKEN, True)})
    value = phrase.value(text, main)
    return [*phrase.body, sketch.store(sketch.output(main), value)]


def called(sketch: Sketch, callee: Callee) -> Typed:
    """A call of a function with elements of new arrays, of whatever types it takes."""
    arguments = []
    for parameter in callee.function.parameters:
        taken = parameter.type
        assert isinstance(taken, Scalar | Composite)
        source = sketch.array(taken, sketch.launch_shape(), Interval(parameter.low, parameter.high))
        arguments.append(Element(taken, source.name, sketch.own_indices()))
    sketch.called.add(callee.function.name)
    of = callee.function.type
    live = types.element_scalar(of).is_float
    return Typed(Call(of, callee.function.name, tuple(arguments)), callee.intervals[0], live)
