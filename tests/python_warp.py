"""A small Warp in plain Python, which shares nothing with the reference: the source, run thread by thread."""

from __future__ import annotations

import ast
import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from python_values import Cells, Float, Int, Rows, Vec, copied, made, struct

from strategies.language import types as t
from strategies.language.nodes import Program
from strategies.language.render import render
from strategies.language.types import Array, Scalar, Vector


def over(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of floats, as Warp's."""
    return lambda *arguments: Float(function(*map(float, arguments)))


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of scalars that takes vectors component by component."""

    def apply(first: Any, *others: Any) -> Any:
        if isinstance(first, Vec):
            return Vec([function(*parts) for parts in zip(first, *others, strict=True)])
        return function(first, *others)

    return apply


def like(value: Any, number: float) -> Any:
    return Float(number) if isinstance(value, float) else Int(number, value.of)


def extreme(best: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *a: best(a[0].parts) if len(a) == 1 else each(best)(*a)


def dot(a: Vec, b: Vec) -> Any:
    total = a[0] * b[0]
    for k in range(1, len(a.parts)):
        total = total + a[k] * b[k]
    return total


def norm(a: Vec) -> Float:
    return Float(math.sqrt(dot(a, a)))


def normalized(a: Vec) -> Vec:
    length = norm(a)
    return a / length if length > 0 else Vec([Float(0.0) for _ in a])


def huber(a: Vec, delta: Float) -> Float:
    length = norm(a)
    return Float(float(length) ** 2 / 2) if length <= delta else Float(delta * (length - delta / Float(2)))


def pseudo_huber(a: Vec, delta: Float) -> Float:
    return Float(delta * math.sqrt(1 + dot(a, a) / (delta * delta)))


def rounded(x: float) -> float:
    return math.copysign(math.floor(abs(x) + 0.5), x)


def soft_step(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def inverse_erf(y: float) -> float:
    return statistics.NormalDist().inv_cdf((1 + y) / 2) / math.sqrt(2)


def inverse_erfc(y: float) -> float:
    return -statistics.NormalDist().inv_cdf(y / 2) / math.sqrt(2)


def truth_of(function: Callable[[float], bool], combine: Callable[..., bool]) -> Callable[[Any], bool]:
    return lambda a: combine(map(function, a)) if isinstance(a, Vec) else function(a)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": extreme(min),
    "max": extreme(max),
    "clamp": lambda x, low, high: min(max(low, x), high),
    "abs": each(lambda x: Float(abs(x)) if isinstance(x, float) else Int(abs(int(x)), x.of)),
    "sign": each(lambda x: like(x, -1 if x < 0 else 1)),
    "step": lambda x: like(x, 1 if x < 0 else 0),
    "nonzero": lambda x: like(x, 0 if x == 0 else 1),
    "bit_count": lambda x: Int((int(x) & ((1 << x.of.bits) - 1)).bit_count()),
    "copysign": over(math.copysign),
    "degrees": over(math.degrees),
    "radians": over(math.radians),
    "cbrt": over(lambda x: math.copysign(abs(x) ** (1 / 3), x)),
    "atan2": over(math.atan2),
    "pow": over(math.pow),
    "erfinv": over(inverse_erf),
    "erfcinv": over(inverse_erfc),
    "round": over(rounded),
    "rint": over(lambda x: float(round(x)) if math.isfinite(x) else x),
    "trunc": over(math.trunc),
    "floor": over(math.floor),
    "ceil": over(math.ceil),
    "frac": over(lambda x: math.modf(x)[0]),
    "isfinite": truth_of(math.isfinite, all),
    "isnan": truth_of(math.isnan, any),
    "isinf": truth_of(math.isinf, any),
    "dot": dot,
    "cross": lambda a, b: Vec([a[(k + 1) % 3] * b[(k + 2) % 3] - a[(k + 2) % 3] * b[(k + 1) % 3] for k in range(3)]),
    "length": norm,
    "length_sq": lambda a: dot(a, a),
    "normalize": normalized,
    "norm_l1": lambda a: Float(sum(abs(x) for x in a)),
    "norm_l2": norm,
    "norm_huber": huber,
    "norm_pseudo_huber": pseudo_huber,
    "smooth_normalize": lambda a, delta: a / pseudo_huber(a, delta),
    "cw_mul": lambda a, b: a * b,
    "cw_div": lambda a, b: a / b,
    "div_approx": lambda a, b: a / b,
    "lerp": lambda a, b, t: a * (Float(1.0) - t) + b * t,
    "smoothstep": over(soft_step),
    "where": lambda test, a, b: a if test else b,
    "argmin": lambda a: Int(a.parts.index(min(a.parts)), t.scalar("uint32")),
    "argmax": lambda a: Int(a.parts.index(max(a.parts)), t.scalar("uint32")),
    **{
        name: over(getattr(math, name))
        for name in (
            "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sqrt", "log", "log2", "log10",
            "exp", "erf", "erfc",
        )
    },
}  # fmt: skip


def put_together(program: Program, space: dict[str, Any], given: dict[str, Any]) -> list[Any]:
    """The kernel's arguments, of which some are structs, or arrays of structs, whose fields are `given`."""
    structs = {s.name: s for s in program.structs}
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        whole, _, path = name.partition(".")
        if whole not in structs:
            arguments[whole] = value
        elif structs[whole].ndim:
            arguments.setdefault(whole, {})[path] = value
        else:
            owner = arguments.setdefault(whole, space[structs[whole].type.name]())
            *outer, last = path.split(".")
            for step in outer:
                owner = getattr(owner, step)
            setattr(owner, last, value)
    return [
        Rows(space[structs[name].type.name], value) if isinstance(value, dict) else value
        for name, value in arguments.items()
    ]


def atomic(function: Callable[..., Any]) -> Callable[..., Any]:
    def change(array: Cells, *rest: Any) -> Any:
        *index, value = rest
        old = array[tuple(index)]
        array[tuple(index)] = function(old, value)
        return old

    return change


def compare_and_swap(array: Cells, *rest: Any) -> Any:
    *index, compare, value = rest
    old = array[tuple(index)]
    if old == compare:
        array[tuple(index)] = value
    return old


SUFFIXES = {"h": "float16", "": "float32", "d": "float64", "b": "int8", "ub": "uint8", "s": "int16", "us": "uint16", "i": "int32", "ui": "uint32", "l": "int64", "ul": "uint64"}  # fmt: skip  # noqa: E501


def constructor(length: int, of: Scalar) -> Callable[..., Vec]:
    def construct(*parts: Any) -> Vec:
        full = parts if len(parts) == length else (parts or (0,)) * length
        return Vec([made(part, of) for part in full])

    return construct


def zeros(shape: int | tuple[int, ...], dtype: Callable[[int], Any]) -> Cells:
    """An array that a thread makes."""
    shape = (shape,) if isinstance(shape, int) else shape
    made_here = object.__new__(Cells)
    made_here.places = np.arange(math.prod(shape)).reshape(shape)
    made_here.cells = [dtype(0) for _ in range(math.prod(shape))]
    return made_here


def converter(of: Scalar) -> Callable[[Any], Any]:
    return lambda x: made(x, of)


def on_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose bare literals are int32, as in Warp."""
    return lambda *arguments: function(*(Int(a) if type(a) is int else a for a in arguments))


class BeyondThis(Exception):
    """The program uses something of Warp that this small one lacks; the message names it."""


class _Warp(SimpleNamespace):
    def __getattr__(self, name: str) -> Any:
        if re.fullmatch(r"array\dd", name):
            return self.array
        raise BeyondThis(name)


class _Copies(ast.NodeTransformer):
    """Assigns copies, as Warp does."""

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        self.generic_visit(node)
        node.value = ast.Call(ast.Name("copied", ast.Load()), [node.value], [])
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        """Arithmetic of bare literals alone is that of int32."""
        if all(isinstance(leaf, ast.Constant) and type(leaf.value) is int for leaf in _leaves(node)):
            return _Whole().visit(node)
        self.generic_visit(node)
        return node


def _leaves(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BinOp(left=left, right=right):
            return [*_leaves(left), *_leaves(right)]
        case ast.UnaryOp(operand=operand):
            return _leaves(operand)
    return [node]


class _Whole(ast.NodeTransformer):
    """Makes each literal an int32 of Warp."""

    def visit_Constant(self, node: ast.Constant) -> ast.Call:
        return ast.Call(ast.Name("int", ast.Load()), [node], [])


def run_by_thread(program: Program, inputs: dict[str, np.ndarray[Any, Any]]) -> dict[str, list[Any]]:
    """The arrays after the launch of a float64 program, by running its source for one thread after another.

    `BeyondThis` if the source uses something that is not here.
    """
    current: list[Any] = []
    wp = _Warp(
        kernel=lambda f=None, **_: f or (lambda given: given),
        struct=struct,
        func=lambda f: lambda *given, **named: f(*map(copied, given), **{k: copied(v) for k, v in named.items()}),
        func_grad=lambda _: lambda f: f,
        func_replay=lambda _: lambda f: f,
        constant=lambda value: value,
        static=lambda value: value,
        array=lambda **_: None,
        zeros=zeros,
        types=SimpleNamespace(vector=lambda **_: None, matrix=lambda **_: None),
        **{f"mat{n}{n}{s}": None for n in (2, 3, 4) for s in SUFFIXES},
        tid=lambda: current[0] if len(current[0]) > 1 else current[0][0],
        atomic_add=atomic(operator.add),
        atomic_sub=atomic(operator.sub),
        atomic_min=atomic(each(min)),
        atomic_max=atomic(each(max)),
        atomic_and=atomic(operator.and_),
        atomic_or=atomic(operator.or_),
        atomic_xor=atomic(operator.xor),
        atomic_exch=atomic(lambda _, value: value),
        atomic_cas=compare_and_swap,
        **{name: on_numbers(function) for name, function in FUNCTIONS.items()},
        **{name: converter(t.scalar(name)) for name in t.SCALARS if name != "bool"},
        **{f"vec{k}{s}": constructor(k, t.scalar(name)) for k in (2, 3, 4) for s, name in SUFFIXES.items()},
    )
    space: dict[str, Any] = {
        "wp": wp,
        "copied": copied,
        "int": Int,
        "range": lambda *ends: (Int(k) for k in range(*map(int, ends))),
    }
    tree = ast.fix_missing_locations(_Copies().visit(ast.parse(render(program).replace("import warp as wp", ""))))
    exec(compile(tree, "kernel", "exec", dont_inherit=True), space)
    given: dict[str, Any] = {}
    arrays: dict[str, Cells] = {}
    for parameter in program.parameters:
        values = inputs[parameter.name]
        if isinstance(parameter.type, Array):
            arrays[parameter.name] = Cells(values, parameter)
            given[parameter.name] = arrays[parameter.name]
        elif isinstance(parameter.type, Vector):
            given[parameter.name] = Vec([made(x, parameter.type.dtype) for x in values.tolist()[0]])
        else:
            given[parameter.name] = made(values.tolist()[0], t.element_scalar(parameter.type))
    arguments = put_together(program, space, given)
    for index in itertools.product(*map(range, program.launch)):
        current[:] = [tuple(Int(k) for k in index)]
        space[program.name](*arguments)
    return {name: array.contents for name, array in arrays.items()}
