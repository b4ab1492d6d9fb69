"""The reference against another that shares nothing with it: the source, run by Python, thread by thread."""

from __future__ import annotations

import ast
import itertools
import math
import operator
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import strategies
from harness.inputs import Flavour, derive
from harness.reference import Evaluator, InvalidProgram
from strategies.categories import CATEGORIES
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import BOOL, FLOAT32, FLOAT64, INT32, Array, Matrix, Scalar, Vector
from strategies.language.widen import widened
from strategies.ops import result_type

DRAWS = 8

# ---------------------------------------------------------------- a small Warp in plain Python


class Int(int):
    """An integer of Warp: unsigned ones wrap, signed ones must not overflow."""

    of: Scalar

    def __new__(cls, value: Any, of: Scalar = INT32) -> Int:
        whole = int(value)
        low, high = (int(end) for end in of.limits)
        if of.kind == "uint":
            whole %= 1 << of.bits
        elif not low <= whole <= high:
            raise OverflowError(f"{whole} is no {of}")
        made = super().__new__(cls, whole)
        made.of = of
        return made

    def _with(self, function: Callable[[int, int], int], other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return Int(function(int(self), int(other)), self.of)

    def __add__(self, other: Any) -> Any:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._with(operator.sub, other)

    def __mul__(self, other: Any) -> Any:
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> Any:
        return self._with(quotient, other)

    def __floordiv__(self, other: Any) -> Any:
        return self._with(operator.floordiv, other)

    def __mod__(self, other: Any) -> Any:
        return self._with(lambda a, b: a - b * quotient(a, b), other)

    def __and__(self, other: Any) -> Any:
        return self._with(operator.and_, other)

    def __or__(self, other: Any) -> Any:
        return self._with(operator.or_, other)

    def __xor__(self, other: Any) -> Any:
        return self._with(operator.xor, other)

    def __lshift__(self, other: Any) -> Any:
        assert 0 <= int(other) < self.of.bits
        return self._with(operator.lshift, other)

    def __rshift__(self, other: Any) -> Any:
        assert 0 <= int(other) < self.of.bits
        return self._with(operator.rshift, other)

    def __radd__(self, other: Any) -> Any:
        return Int(other, self.of) + self

    def __rsub__(self, other: Any) -> Any:
        return Int(other, self.of) - self

    def __rmul__(self, other: Any) -> Any:
        return Int(other, self.of) * self

    def __rtruediv__(self, other: Any) -> Any:
        return Int(other, self.of) / self

    def __rfloordiv__(self, other: Any) -> Any:
        return Int(other, self.of) // self

    def __rmod__(self, other: Any) -> Any:
        return Int(other, self.of) % self

    def __rand__(self, other: Any) -> Any:
        return Int(other, self.of) & self

    def __ror__(self, other: Any) -> Any:
        return Int(other, self.of) | self

    def __rxor__(self, other: Any) -> Any:
        return Int(other, self.of) ^ self

    def __rlshift__(self, other: Any) -> Any:
        return Int(other, self.of) << self

    def __rrshift__(self, other: Any) -> Any:
        return Int(other, self.of) >> self

    def __neg__(self) -> Int:
        return Int(-int(self), self.of)

    def __pos__(self) -> Int:
        return self

    def __invert__(self) -> Int:
        return Int(~int(self), self.of)


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


class Float(float):
    """A float64 of Warp."""

    def _with(self, function: Callable[[float, float], float], other: Any) -> Any:
        return Float(function(float(self), float(other))) if isinstance(other, float) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._with(operator.sub, other)

    def __mul__(self, other: Any) -> Any:
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> Any:
        return self._with(operator.truediv, other)

    def __floordiv__(self, other: Any) -> Any:
        # `math.floor` gives an int, which has no negative zero
        return self._with(lambda a, b: math.copysign(math.floor(a / b), a / b), other)

    def __mod__(self, other: Any) -> Any:
        return self._with(math.fmod, other)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return self._with(math.pow, other)

    def __neg__(self) -> Float:
        return Float(-float(self))

    def __pos__(self) -> Float:
        return self


class Vec:
    """A vector; arithmetic makes new ones."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.__dict__["parts"] = list(parts)

    def __getattr__(self, name: str) -> Any:
        return self.parts["xyzw".index(name)]

    def __setattr__(self, name: str, value: Any) -> None:
        self.parts["xyzw".index(name)] = value

    def __getitem__(self, index: int) -> Any:
        assert 0 <= index < len(self.parts)
        return self.parts[index]

    def __setitem__(self, index: int, value: Any) -> None:
        assert 0 <= index < len(self.parts)
        self.parts[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def _each(self, function: Callable[..., Any], other: Any) -> Vec:
        others = other.parts if isinstance(other, Vec) else [other] * len(self.parts)
        return Vec([function(a, b) for a, b in zip(self.parts, others, strict=True)])

    def __add__(self, other: Any) -> Vec:
        return self._each(operator.add, other)

    def __sub__(self, other: Any) -> Vec:
        return self._each(operator.sub, other)

    def __mul__(self, other: Any) -> Vec:
        return self._each(operator.mul, other)

    def __rmul__(self, other: Any) -> Vec:
        return self._each(lambda a, b: b * a, other)

    def __truediv__(self, other: Any) -> Vec:
        return self._each(operator.truediv, other)

    def __rtruediv__(self, other: Any) -> Vec:
        return self._each(lambda a, b: b / a, other)

    def __and__(self, other: Any) -> Vec:
        return self._each(operator.and_, other)

    def __or__(self, other: Any) -> Vec:
        return self._each(operator.or_, other)

    def __xor__(self, other: Any) -> Vec:
        return self._each(operator.xor, other)

    def __lshift__(self, other: Any) -> Vec:
        return self._each(operator.lshift, other)

    def __rshift__(self, other: Any) -> Vec:
        return self._each(operator.rshift, other)

    def __neg__(self) -> Vec:
        return Vec([-a for a in self.parts])

    def __pos__(self) -> Vec:
        return Vec([+a for a in self.parts])

    def __invert__(self) -> Vec:
        return Vec([~a for a in self.parts])


def copied(value: Any) -> Any:
    """Vectors and structs are values in Warp."""
    if isinstance(value, Record | Row):
        return value.copied()
    return Vec(value.parts) if isinstance(value, Vec) else value


def made(value: Any, of: Scalar) -> Any:
    """A number as a value of one scalar type."""
    if of.kind == "bool":
        return bool(value)
    return Float(value) if of.is_float else Int(math.trunc(value), of)


class Cells:
    """An array of Warp; `dtype` as in the kernel's signature."""

    def __init__(self, values: np.ndarray[Any, Any], parameter: Parameter) -> None:
        assert isinstance(parameter.type, Array)
        of = t.element_scalar(parameter.type)
        vector = not isinstance(parameter.type.dtype, Scalar)
        #: where each element is among `cells`, which views of this array share
        self.places = np.arange(math.prod(parameter.shape)).reshape(parameter.shape)
        rows = values.tolist()
        self.cells = [Vec([made(x, of) for x in row]) if vector else made(row, of) for row in rows]

    @property
    def shape(self) -> tuple[Int, ...]:
        return tuple(map(Int, self.places.shape))

    def __getitem__(self, index: Any) -> Any:
        at = self.places[index]
        if not isinstance(at, np.ndarray):
            return self.cells[at]
        view = object.__new__(Cells)
        view.places, view.cells = at, self.cells
        return view

    def __setitem__(self, index: Any, value: Any) -> None:
        at = self.places[index]
        assert not isinstance(at, np.ndarray)
        self.cells[at] = copied(value)

    @property
    def contents(self) -> list[Any]:
        return [list(cell) if isinstance(cell, Vec) else cell for cell in self.cells]


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


def inverse_erf(y: float) -> float:
    return statistics.NormalDist().inv_cdf((1 + y) / 2) / math.sqrt(2)


def inverse_erfc(y: float) -> float:
    return -statistics.NormalDist().inv_cdf(y / 2) / math.sqrt(2)


def test_of(function: Callable[[float], bool], combine: Callable[..., bool]) -> Callable[[Any], bool]:
    return lambda a: combine(map(function, a)) if isinstance(a, Vec) else function(a)


test_of.__test__ = False  # type: ignore[attr-defined]

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
    "isfinite": test_of(math.isfinite, all),
    "isnan": test_of(math.isnan, any),
    "isinf": test_of(math.isinf, any),
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


class Record:
    """A struct of Warp; a class with annotations becomes one by `struct`."""

    fields: dict[str, Any]

    def __init__(self, *values: Any) -> None:
        for n, (name, of) in enumerate(self.fields.items()):
            zero = () if isinstance(of, type) and issubclass(of, Record | bool) else (0,)
            setattr(self, name, copied(values[n]) if values else None if of is None else of(*zero))

    def copied(self) -> Record:
        return type(self)(*(getattr(self, name) for name in self.fields))


def struct(given: type) -> type:
    return type(given.__name__, (Record,), {"fields": given.__annotations__})


class Row:
    """An element of an array of structs, or a struct in one, where it stands; `cells` are its numbers' arrays."""

    def __init__(self, of: type[Record], cells: dict[str, Cells], at: Any) -> None:
        object.__setattr__(self, "held", (of, cells, at))

    def __getattr__(self, name: str) -> Any:
        of, cells, at = self.held
        if name in cells:
            return cells[name][at]
        inner = {path.removeprefix(f"{name}."): c for path, c in cells.items() if path.startswith(f"{name}.")}
        return Row(of.fields[name], inner, at)

    def __setattr__(self, name: str, value: Any) -> None:
        _, cells, at = self.held
        if name in cells:
            cells[name][at] = value
        else:
            getattr(self, name).store(value)

    def store(self, value: Any) -> None:
        for name in self.held[0].fields:
            setattr(self, name, getattr(value, name))

    def copied(self) -> Record:
        of = self.held[0]
        return of(*(getattr(self, name) for name in of.fields))


class Rows:
    """An array of structs."""

    def __init__(self, of: type[Record], cells: dict[str, Cells]) -> None:
        self.of, self.cells = of, cells
        self.shape = next(iter(cells.values())).shape

    def __getitem__(self, index: Any) -> Row:
        return Row(self.of, self.cells, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self[index].store(copied(value))


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


def zeros(shape: tuple[int, ...], dtype: Callable[[int], Any]) -> Cells:
    """An array that a thread makes."""
    made_here = object.__new__(Cells)
    made_here.places = np.arange(math.prod(shape)).reshape(shape)
    made_here.cells = [dtype(0) for _ in range(math.prod(shape))]
    return made_here


def converter(of: Scalar) -> Callable[[Any], Any]:
    return lambda x: made(x, of)


def on_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose bare literals are int32, as in Warp."""
    return lambda *arguments: function(*(Int(a) if type(a) is int else a for a in arguments))


class _Copies(ast.NodeTransformer):
    """Assigns copies, as Warp does."""

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        node.value = ast.Call(ast.Name("copied", ast.Load()), [node.value], [])
        return node


def run_by_thread(program: Program, inputs: dict[str, np.ndarray[Any, Any]]) -> dict[str, list[Any]]:
    """The arrays after the launch of a float64 program, by running its source for one thread after another."""
    current: list[Any] = []
    wp = SimpleNamespace(
        kernel=lambda f: f,
        struct=struct,
        func=lambda f: lambda *arguments: f(*map(copied, arguments)),
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


# ---------------------------------------------------------------- the comparison


@cache
def drawn(category: str) -> tuple[Program, ...]:
    found = (strategies.draw(category, 23, index) for index in range(DRAWS))
    wide = (widened(program) for program in found if program is not None)
    # some built-ins are there for one precision alone, and matrices are not known here
    return tuple(program for program in wide if _is_typed(program))


def _is_typed(program: Program) -> bool:
    try:
        check_program(program, result_type)
    except IllFormed:
        return False
    return not any(isinstance(getattr(node, "type", None), Matrix) for node in walk(program))


def evaluate(program: Program, inputs: dict[str, np.ndarray[Any, Any]], native: bool = True) -> dict[str, Any]:
    wide = {n: v.astype(np.float64) if v.dtype.kind == "f" and not native else v for n, v in inputs.items()}
    found = Evaluator(flattened(program), {name: values[None] for name, values in wide.items()}, native).run()
    return {name: values[0, 0] for name, values in found.arrays.items()}


@pytest.mark.parametrize("flavour", Flavour, ids=lambda flavour: flavour.value)
@pytest.mark.parametrize("category", CATEGORIES)
def test_lockstep_gives_what_thread_after_thread_gives(category: str, flavour: Flavour) -> None:
    for program in drawn(category):
        inputs = derive(program, 1, flavour)
        expected = run_by_thread(program, inputs)
        for native in (True, False):
            found = evaluate(program, inputs, native)
            for name, values in expected.items():
                np.testing.assert_allclose(
                    found[name].astype(np.float64),
                    np.array(values, dtype=np.float64),
                    rtol=1e-9,
                    atol=1e-9,
                    err_msg=f"{name} of\n{program!r}",
                )


def test_the_comparison_would_notice_another_result() -> None:
    program = drawn("elementwise")[0]
    inputs = derive(program, 1, Flavour.GENERIC)
    moved = {n: v + 0.125 if v.dtype.kind == "f" else v for n, v in inputs.items()}
    (output,) = program.outputs
    assert not np.allclose(evaluate(program, inputs)[output.name], np.array(run_by_thread(program, moved)[output.name]))


# ---------------------------------------------------------------- kernels by hand

AT = Name(INT32, "i")
A = Element(FLOAT32, "a", (AT,))
K = Element(INT32, "k", (AT,))
OUT = Element(FLOAT32, "out", (AT,))
WHOLE = Element(INT32, "whole", (AT,))
T = Name(FLOAT32, "t")
J = Name(INT32, "j")


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def of(op: str, *arguments: Expression, type_: t.Type = INT32) -> Apply:
    return Apply(type_, op, arguments)


def compare(op: str, left: Expression, right: Expression) -> Compare:
    return Compare(BOOL, (op,), (left, right))


def kernel(*body: Statement, launch: int = 4) -> Program:
    return Program(
        "kernel",
        "branch",
        (launch,),
        (
            Parameter("a", t.array(FLOAT32), -8.0, 8.0, (4,)),
            Parameter("k", t.array(INT32), -(2**31), 2**31 - 1, (4,)),
            Parameter("out", t.array(FLOAT32), 0.0, 0.0, (4,), True),
            Parameter("whole", t.array(INT32), 0, 0, (4,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )


def run(*body: Statement, a: Sequence[float] = (1, 2, 3, 4), k: Sequence[int] = (0, 1, 2, 3), launch: int = 4) -> Any:
    inputs = {
        "a": np.array(a, np.float32),
        "k": np.array(k, np.int32),
        "out": np.full(4, -9.0, np.float32),
        "whole": np.full(4, -9, np.int32),
    }
    return evaluate(kernel(*body, launch=launch), inputs)


DIVIDED = of("div", whole(12), K)
POISONED: dict[str, tuple[tuple[Statement, ...], list[float]]] = {
    "a division under an if": (
        (Assign(WHOLE, whole(0)), If(compare("!=", K, whole(0)), (Assign(WHOLE, DIVIDED),))),
        [0, 12, 6, 4],
    ),
    "a division in the else": (
        (If(compare("==", K, whole(0)), (Assign(WHOLE, whole(7)),), (Assign(WHOLE, DIVIDED),)),),
        [7, 12, 6, 4],
    ),
    "a division in a ternary": (
        (Assign(WHOLE, Conditional(INT32, compare("==", K, whole(0)), whole(7), DIVIDED)),),
        [7, 12, 6, 4],
    ),
    "a division behind an and": (
        (
            Assign(WHOLE, whole(0)),
            If(
                Logical(BOOL, "and", (compare("!=", K, whole(0)), compare(">", DIVIDED, whole(5)))),
                (Assign(WHOLE, whole(1)),),
            ),
        ),
        [0, 1, 1, 0],
    ),
    "a division behind an or": (
        (
            Assign(WHOLE, whole(0)),
            If(
                Logical(BOOL, "or", (compare("==", K, whole(0)), compare(">", DIVIDED, whole(5)))),
                (Assign(WHOLE, whole(1)),),
            ),
        ),
        [1, 1, 1, 0],
    ),
    "a division later in a chain": (
        (
            Assign(WHOLE, whole(0)),
            If(Compare(BOOL, ("<", "<"), (whole(0), K, DIVIDED)), (Assign(WHOLE, whole(1)),)),
        ),
        [0, 1, 1, 1],
    ),
    "a division after a return": (
        (If(compare("==", K, whole(0)), (Assign(WHOLE, whole(5)), Return())), Assign(WHOLE, DIVIDED)),
        [5, 12, 6, 4],
    ),
    "a division after a continue": (
        (
            Assign(WHOLE, whole(0)),
            For("j", whole(2), (If(compare("==", K, whole(0)), (Continue(),)), AugmentedAssign(WHOLE, "add", DIVIDED))),
        ),
        [0, 24, 12, 8],
    ),
    "a division after a break": (
        (
            Assign(WHOLE, whole(0)),
            For("j", whole(2), (If(compare("==", K, whole(0)), (Break(),)), AugmentedAssign(WHOLE, "add", DIVIDED))),
        ),
        [0, 24, 12, 8],
    ),
    "a division in a loop that does not run": (
        (Assign(WHOLE, whole(0)), For("j", K, (AugmentedAssign(WHOLE, "add", DIVIDED),))),
        [0, 12, 12, 12],
    ),
    "an index under an if": (
        (
            Assign(WHOLE, whole(0)),
            If(compare("<", AT, whole(3)), (Assign(WHOLE, Element(INT32, "k", (of("add", AT, whole(1)),))),)),
        ),
        [1, 2, 3, 0],
    ),
    "a store under an if": (
        (
            If(
                compare("<", AT, whole(3)),
                (Assign(Element(INT32, "whole", (of("add", AT, whole(1)),)), K),),
            ),
        ),
        [-9, 0, 1, 2],
    ),
    "an atomic under an if": (
        (
            If(
                compare("<", AT, whole(2)),
                (Atomic("atomic_add", "whole", (of("mul", AT, whole(3)),), whole(1)),),
            ),
        ),
        [-8, -9, -9, -8],
    ),
    "an overflow under an if": (
        (
            Assign(WHOLE, whole(0)),
            If(compare("==", K, whole(0)), (Assign(WHOLE, of("add", K, whole(1))),), ()),
            If(compare(">", K, whole(9)), (Assign(WHOLE, of("mul", K, whole(2**30))),)),
        ),
        [1, 0, 0, 0],
    ),
    "a shift under an if": (
        (
            Assign(WHOLE, whole(0)),
            If(compare(">", K, whole(1)), (Assign(WHOLE, of("rshift", whole(8), of("sub", K, whole(2)))),)),
        ),
        [0, 0, 8, 4],
    ),
    "a variable of one arm, read under the same condition": (
        (
            Assign(WHOLE, whole(0)),
            If(compare(">", K, whole(1)), (Assign(Name(INT32, "u"), K), Assign(WHOLE, Name(INT32, "u")))),
        ),
        [0, 0, 2, 3],
    ),
}


@pytest.mark.parametrize("what", POISONED)
def test_lanes_that_are_not_active_do_nothing(what: str) -> None:
    body, expected = POISONED[what]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(*body)["whole"].tolist() == expected


def test_an_inactive_lane_prolongs_no_loop() -> None:
    body = (
        Assign(WHOLE, whole(0)),
        If(compare("<", K, whole(3)), (For("j", K, (AugmentedAssign(WHOLE, "add", J),)),)),
    )
    assert run(*body, k=(0, 2, 2**31 - 1, 1))["whole"].tolist() == [0, 1, 0, 0]


def test_an_inactive_lane_makes_no_decision() -> None:
    """A kink under a condition counts for the threads that come there alone."""
    body = (
        Assign(OUT, number(0.0)),
        If(compare("<", AT, whole(2)), (Assign(OUT, of("abs", A, type_=FLOAT32)),)),
    )
    lanes = np.array([[0.0, 1, 0, 1], [0.01, 1.01, 0.01, 1.01], [-0.01, 0.99, -0.01, 0.99]])
    others = {"k": np.zeros((1, 4), np.int32), "out": np.zeros((1, 4)), "whole": np.zeros((1, 4), np.int32)}
    found = Evaluator(kernel(*body), {"a": lanes, **others}, native=False).run()
    assert found.changed.any(axis=0).tolist() == [True, False, False, False]


INVALID: dict[str, tuple[str, tuple[Statement, ...]]] = {
    "an index beyond the end": ("outside 'k'", (Assign(WHOLE, Element(INT32, "k", (of("add", AT, whole(1)),))),)),
    "an index far below zero": ("outside 'k'", (Assign(WHOLE, Element(INT32, "k", (of("sub", AT, whole(5)),))),)),
    "a store beyond the end": ("outside 'whole'", (Assign(Element(INT32, "whole", (of("add", AT, whole(1)),)), K),)),
    "an atomic beyond the end": ("outside 'whole'", (Atomic("atomic_add", "whole", (whole(4),), K),)),
    "an integer divided by zero": ("by zero", (Assign(WHOLE, of("div", whole(1), K)),)),
    "an integer floor-divided by zero": ("by zero", (Assign(WHOLE, of("floordiv", whole(1), K)),)),
    "a remainder by zero": ("by zero", (Assign(WHOLE, of("mod", whole(1), K)),)),
    "a division by zero in place": ("by zero", (Assign(WHOLE, whole(9)), AugmentedAssign(WHOLE, "div", K))),
    "a sum that overflows": ("overflows", (Assign(WHOLE, of("add", K, whole(2**31 - 1))),)),
    "a difference that overflows": ("overflows", (Assign(WHOLE, of("sub", of("neg", K), whole(2**31 - 1))),)),
    "a product that overflows": ("overflows", (Assign(WHOLE, of("mul", K, whole(2**30))),)),
    "a shift that overflows": ("overflows", (Assign(WHOLE, of("lshift", K, whole(30))),)),
    "a shift by too much": ("too many", (Assign(WHOLE, of("rshift", K, whole(32))),)),
    "a shift by less than nothing": ("too many", (Assign(WHOLE, of("lshift", whole(1), of("sub", K, whole(1)))),)),
    "a float that is no integer of that size": (
        "cannot hold",
        (Assign(WHOLE, Cast(INT32, of("mul", A, number(1e9), type_=FLOAT32))),),
    ),
    "an arc sine beyond one": ("finite", (Assign(OUT, of("asin", A, type_=FLOAT32)),)),
    "a float divided by zero": ("finite", (Assign(OUT, of("div", A, Cast(FLOAT32, K), type_=FLOAT32)),)),
    "two stores to one cell": ("two threads", (Assign(Element(INT32, "whole", (whole(0),)), K),)),
    "a store beside an atomic": (
        "two threads",
        (Atomic("atomic_add", "whole", (whole(0),), K), Assign(WHOLE, K)),
    ),
    "a read of what another thread stores": (
        "another writes",
        (Assign(WHOLE, K), Assign(OUT, Cast(FLOAT32, Element(INT32, "whole", (whole(1),))))),
    ),
    "a variable that some threads do not have": (
        "no value",
        (If(compare(">", K, whole(1)), (Assign(Name(INT32, "u"), K),)), Assign(WHOLE, Name(INT32, "u"))),
    ),
    "a variable that a loop did not set": (
        "no value",
        (For("j", K, (Assign(Name(INT32, "u"), J),)), Assign(WHOLE, Name(INT32, "u"))),
    ),
    "a step of zero": ("step of zero", (For("j", whole(3), (), whole(0), K),)),
    "a loop without end in sight": ("loops more than", (For("j", whole(2**30), ()),)),
}
VEC = t.vector(3, FLOAT32)
DYNAMIC = Component(FLOAT32, Construct(VEC, (A,)), K)
SMALLEST = Name(INT32, "smallest")
INVALID |= {
    "a component beyond the end": ("component", (Assign(OUT, DYNAMIC),)),
    "an assigned component beyond the end": (
        "component",
        (
            Assign(Name(VEC, "v"), Construct(VEC, (A,))),
            Assign(Component(FLOAT32, Name(VEC, "v"), K), A),
            Assign(OUT, Component(FLOAT32, Name(VEC, "v"), whole(0))),
        ),
    ),
    "the smallest integer divided by minus one": (
        "overflows",
        (
            Assign(SMALLEST, of("sub", of("sub", of("mul", K, whole(0)), whole(2**31 - 1)), whole(1))),
            Assign(WHOLE, of("div", SMALLEST, whole(-1))),
        ),
    ),
    "a sum in place that overflows": (
        "overflows",
        (Assign(WHOLE, whole(2**31 - 1)), AugmentedAssign(WHOLE, "add", K)),
    ),
    "an atomic sum that overflows": ("overflows", (Atomic("atomic_add", "whole", (whole(0),), whole(2**31 - 1)),)),
}


@pytest.mark.parametrize("what", INVALID)
def test_what_warp_does_not_define_is_an_invalid_program(what: str) -> None:
    sentence, body = INVALID[what]
    with pytest.raises(InvalidProgram, match=sentence):
        run(*body)


def test_unsigned_integers_wrap() -> None:
    of8 = t.scalar("uint8")
    program = Program(
        "kernel",
        "elementwise",
        (2,),
        (
            Parameter("k", t.array(of8), 0, 255, (2,)),
            Parameter("out", t.array(of8), 0, 255, (2,), True),
        ),
        (
            ThreadIndex(("i",)),
            Assign(Element(of8, "out", (AT,)), Apply(of8, "add", (Element(of8, "k", (AT,)), Literal(of8, 250)))),
        ),
    )
    found = evaluate(program, {"k": np.array([3, 10], np.uint8), "out": np.zeros(2, np.uint8)})
    assert found["out"].tolist() == [253, 4]


def test_negative_indices_count_from_the_end() -> None:
    body = (Assign(WHOLE, Element(INT32, "k", (of("sub", AT, whole(4)),))),)
    assert run(*body, k=(5, 6, 7, 8))["whole"].tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((None, 3, None), [0, 1, 2]),
        ((1, 4, None), [1, 2, 3]),
        ((0, 7, 3), [0, 3, 6]),
        ((4, -1, -1), [4, 3, 2, 1, 0]),
        ((6, 0, -2), [6, 4, 2]),
        ((3, 3, None), []),
        ((3, 1, None), []),
        ((1, 3, -1), []),
        ((-2, 2, None), [-2, -1, 0, 1]),
        ((5, -1, -2), [5, 3, 1]),
    ],
)
def test_ranges_are_pythons(bounds: tuple[int | None, int, int | None], expected: list[int]) -> None:
    start, stop, step = (None if b is None else whole(b) for b in bounds)
    assert stop is not None
    body = (
        Assign(WHOLE, whole(0)),
        For("j", stop, (Assign(WHOLE, of("add", of("mul", WHOLE, whole(11)), J)),), start, step),
    )
    code = 0
    for k in expected:
        code = code * 11 + k
    assert run(*body)["whole"].tolist() == [code] * 4


def test_native_precision_rounds_every_operation() -> None:
    body = (Assign(OUT, of("sub", of("add", A, number(1.0), type_=FLOAT32), number(1.0), type_=FLOAT32)),)
    tiny = 2.0**-24
    inputs = {
        "a": np.full(4, tiny, np.float32),
        "k": np.zeros(4, np.int32),
        "out": np.zeros(4, np.float32),
        "whole": np.zeros(4, np.int32),
    }
    assert evaluate(kernel(*body), inputs)["out"].tolist() == [0.0] * 4
    assert evaluate(kernel(*body), inputs, native=False)["out"].tolist() == [tiny] * 4


def test_a_literal_keeps_the_value_that_its_own_type_has() -> None:
    wide = evaluate(kernel(Assign(OUT, number(0.1))), derive(kernel(), 0, Flavour.GENERIC), native=False)
    assert wide["out"].tolist() == [float(np.float32(0.1))] * 4
    assert evaluate(
        Program(
            "kernel",
            "unary",
            (1,),
            (Parameter("out", t.array(FLOAT64), 0.0, 0.0, (1,), True),),
            (ThreadIndex(("i",)), Assign(Element(FLOAT64, "out", (AT,)), Literal(FLOAT64, 0.1))),
        ),
        {"out": np.zeros(1)},
    )["out"].tolist() == [0.1]


def test_noise_leaves_the_first_realisation_alone() -> None:
    for program in drawn("compound")[:5]:
        inputs = {
            name: (v.astype(np.float64) if v.dtype.kind == "f" else v)[None]
            for name, v in derive(program, 0, Flavour.GENERIC).items()
        }
        plain = Evaluator(program, inputs, native=False).run()
        noisy = Evaluator(program, inputs, native=False, noise="label").run()
        again = Evaluator(decode(encode(program)), inputs, native=False, noise="label").run()
        for name in plain.arrays:
            np.testing.assert_array_equal(noisy.arrays[name][:1], plain.arrays[name])
            np.testing.assert_array_equal(noisy.arrays[name], again.arrays[name])


def test_evaluating_changes_no_input() -> None:
    for program in drawn("reduction")[:5]:
        inputs = derive(program, 0, Flavour.GENERIC)
        before = {name: values.copy() for name, values in inputs.items()}
        evaluate(program, inputs)
        for name, values in inputs.items():
            np.testing.assert_array_equal(values, before[name])
