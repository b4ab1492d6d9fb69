"""The op table against sources that know nothing of it: Warp's registry, mpmath, Python's integers, Warp's compiler."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from harness.jobs import ArrayArgument, BuildOptions, Job, JobResult, Launch, Status
from harness.oracle.inputs import Flavour, derive, form
from harness.oracle.lanes import UNDERFLOW, UNIT_ROUNDOFF
from harness.oracle.reference import Evaluator
from harness.sandbox import Sandbox
from strategies.deck import cards
from strategies.intervals import Interval
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import Apply, Assign, Element, Name, Parameter, Program, ThreadIndex
from strategies.language.render import COMPARISONS, INFIX, POWER, PREFIX, render
from strategies.language.types import INT32, Composite, Matrix, Scalar, Type
from strategies.ops import (
    ATOMICS,
    OPS,
    ROWS,
    Away,
    Dominant,
    OpSpec,
    Rotation,
    Unit,
    overload,
    producers,
    result_type,
    settled,
    vector_math,
)
from strategies.ops import instances as op_instances
from strategies.ops.spec import Place

POINTS = 60
#: Rows that take numbers alone; those of utilities are compared by themselves.
SCALAR_ROWS = [
    row
    for row in ROWS
    if any(set(s.arguments) == {"T"} for s in row.signatures) and not row.shaped and row.group != "Utility"
]


def arity(row: OpSpec) -> int:
    """How many arguments the first signature takes."""
    return len(row.signatures[0].arguments)


def takes(row: OpSpec, of: Scalar) -> bool:
    return row.result((of,) * arity(row)) is not None


FLOAT_ROWS = [row for row in SCALAR_ROWS if takes(row, t.FLOAT64)]
INTEGER_CASES = [(row, t.scalar(name)) for row in SCALAR_ROWS for name in t.INTEGERS if takes(row, t.scalar(name))]


def domain(row: OpSpec, of: Scalar, count: int) -> list[Interval | Away]:
    return [d for d in row.domain(of)[:count] if isinstance(d, Interval | Away)]


def value(dice: random.Random, within: Interval | Away, of: Scalar) -> float:
    """A value inside a domain: at an end, whole, or anywhere."""
    if isinstance(within, Away):
        sign = -1 if of.is_signed and dice.random() < 0.5 else 1
        within = Interval(within.least, within.reach)
        return sign * value(dice, within, of)
    low, high = within
    if of.is_integer:
        low, high = max(math.ceil(low), int(of.limits[0])), min(math.floor(high), int(of.limits[1]))
        return dice.choice((low, high, dice.randint(low, high), max(low, min(high, dice.randint(-3, 3)))))
    choices = (low, high, dice.uniform(low, high), max(low, min(high, dice.uniform(-1, 1))))
    return float(np.dtype(of.notation).type(dice.choice(choices)))


def lanes(values: list[float], of: Scalar) -> np.ndarray[Any, Any]:
    """Values as the evaluator lays them out."""
    return np.array(values, of.notation).reshape(1, 1, -1)


def call(row: OpSpec, *arguments: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The row's reference, without any rounding of its own steps."""
    with np.errstate(all="ignore"):
        found = row.reference(lambda v: v, *arguments) if row.composite else row.reference(*arguments)
    return np.asarray(found)


# ---------------------------------------------------------------- complete


def registry() -> dict[str, Any]:
    context = pytest.importorskip("warp._src.context")
    functions: dict[str, Any] = context.builtin_functions
    return functions


def test_every_public_scalar_function_of_warp_has_a_row() -> None:
    constructors = {"bool", "int", "float", "bfloat16", *t.INTEGERS, *t.FLOATS}
    public = {
        name
        for name, function in registry().items()
        if function.group == "Scalar Math"
        and not all(overload.hidden for overload in function.overloads)
        and name not in constructors
    }
    assert len(public) >= 41
    assert public <= {row.name for row in ROWS if row.group == "Scalar Math"}


def test_every_row_is_a_function_of_warp_in_the_group_that_it_says() -> None:
    functions = registry()
    for row in ROWS:
        spelling = row.spelling_of or row.name
        assert spelling in functions, row.name
        overloads = getattr(functions[spelling], "overloads", None) or [functions[spelling]]
        assert row.group in {overload.group for overload in overloads}, row.name


def test_every_operator_has_a_row() -> None:
    assert set(INFIX) | set(PREFIX) | {POWER} <= set(OPS)
    assert set(COMPARISONS) == {"<", "<=", ">", ">=", "==", "!="}


def test_every_tuple_of_types_belongs_to_one_row() -> None:
    for row in ROWS:
        for arguments, result in op_instances(row):
            given = arguments or (result,)
            takers = [other for other in ROWS if other.name == row.name and other.result(given) is not None]
            assert takers == [row], (row.name, given)
            assert overload(row.name, given) is row
            assert result_type(row.name, given) is result


def test_every_row_can_be_drawn() -> None:
    for row in ROWS:
        for arguments, result in op_instances(row):
            assert (row, arguments) in producers(settled(row, result))
            assert len(row.domain(t.element_scalar((arguments or (result,))[0]))) >= len(arguments)


@pytest.mark.parametrize(
    ("op", "arguments", "expected"),
    [
        ("add", ("float32", "float32"), "float32"),
        ("add", ("vec3<int8>", "vec3<int8>"), "vec3<int8>"),
        ("add", ("float32", "float64"), None),
        ("add", ("bool", "bool"), None),
        ("add", ("vec3<int8>", "vec2<int8>"), None),
        ("add", ("float32",), None),
        ("mul", ("vec2<float64>", "float64"), "vec2<float64>"),
        ("mul", ("float64", "vec2<float64>"), "vec2<float64>"),
        ("mul", ("vec2<float64>", "vec2<float64>"), None),
        ("min", ("vec4<uint16>",), "uint16"),
        ("sin", ("int32",), None),
        ("isnan", ("vec4<float16>",), "bool"),
        ("bit_count", ("uint64",), "int32"),
        ("dot", ("vec4<int32>", "vec4<int32>"), "int32"),
        ("cross", ("vec2<float32>", "vec2<float32>"), None),
        ("cross", ("vec3<int16>", "vec3<int16>"), "vec3<int16>"),
        ("cw_mul", ("mat23<int8>", "mat23<int8>"), "mat23<int8>"),
        ("cw_div", ("mat23<float64>", "mat32<float64>"), None),
        ("argmin", ("vec2<float32>",), "uint32"),
        ("lshift", ("float32", "float32"), None),
        ("neg", ("uint32",), "uint32"),
        ("neg", ("bool",), None),
        ("no_such_function", ("float32",), None),
    ],
)
def test_result_types(op: str, arguments: tuple[str, ...], expected: str | None) -> None:
    found = result_type(op, [t.parse(a) for a in arguments])
    assert found is (t.parse(expected) if expected else None)


# ---------------------------------------------------------------- floats, against mpmath


def _round_away(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.floor(abs(x) + mpmath.mpf("0.5"))


def _trunc(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.floor(abs(x))


EXACTLY: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "div_approx": lambda a, b: a / b,
    "floordiv": lambda a, b: mpmath.floor(a / b),
    "mod": lambda a, b: a - b * _trunc(a / b),
    "neg": lambda a: -a,
    "pos": lambda a: a,
    "min": min,
    "max": max,
    "clamp": lambda x, low, high: min(max(low, x), high),
    "abs": abs,
    "sign": lambda x: -1 if x < 0 else 1,
    "step": lambda x: 1 if x < 0 else 0,
    "nonzero": lambda x: 0 if x == 0 else 1,
    "copysign": lambda x, y: abs(x) if y >= 0 else -abs(x),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "atan2": mpmath.atan2,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "degrees": lambda x: x * 180 / mpmath.pi,
    "radians": lambda x: x * mpmath.pi / 180,
    "sqrt": mpmath.sqrt,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": lambda x: mpmath.log(x) / mpmath.log(10),
    "exp": mpmath.exp,
    "pow": mpmath.power,
    "pow_operator": mpmath.power,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erfinv": mpmath.erfinv,
    "erfcinv": lambda y: mpmath.erfinv(1 - y),
    "round": _round_away,
    "rint": mpmath.nint,
    "trunc": _trunc,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "frac": lambda x: x - _trunc(x),
    "isfinite": lambda x: 1,
    "isnan": lambda x: 0,
    "isinf": lambda x: 0,
}
#: NumPy's functions are good to a few units in the last place; those that are built here out of others, to more.
REFERENCE_ULPS = {"erfinv": 8.0, "erfcinv": 8.0}


@pytest.mark.parametrize("row", FLOAT_ROWS, ids=lambda row: row.name)
def test_float_references_agree_with_mpmath(row: OpSpec) -> None:
    assert row.name in EXACTLY, "a new row needs an independent reference here"
    dice = random.Random(row.name)
    of = t.FLOAT64
    points = [[value(dice, d, of) for d in domain(row, of, arity(row))] for _ in range(POINTS)]
    if row.name == "clamp":
        points = [[x, *sorted(bounds)] for x, *bounds in points]
    if row.name in ("round", "rint", "floor", "ceil", "trunc", "frac"):
        points += [[x] for x in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999999999999994, 2.0, -3.0)]
    found = call(row, *(lanes([p[k] for p in points], of) for k in range(arity(row)))).ravel()
    allowed = REFERENCE_ULPS.get(row.name, 0.5 if row.exact else 3.0)
    with mpmath.workdps(60):
        for point, actual in zip(points, found, strict=True):
            expected = mpmath.mpf(EXACTLY[row.name](*map(mpmath.mpf, point)))
            off = abs(mpmath.mpf(float(actual)) - expected)
            size = max(abs(float(expected)), 1e-300)
            assert off <= allowed * math.ulp(size) * (1 + 1e-9), (row.name, point, float(actual), expected)


@pytest.mark.parametrize("dtype", t.FLOATS)
@pytest.mark.parametrize("row", [r for r in FLOAT_ROWS if r.exact], ids=lambda row: row.name)
def test_exact_references_are_correctly_rounded_in_every_precision(row: OpSpec, dtype: str) -> None:
    dice = random.Random(row.name)
    of = t.scalar(dtype)
    points = [[value(dice, d, of) for d in domain(row, of, arity(row))] for _ in range(POINTS)]
    if row.name == "clamp":
        points = [[x, *sorted(bounds)] for x, *bounds in points]
    found = call(row, *(lanes([p[k] for p in points], of) for k in range(arity(row))))
    found = found.astype(np.bool_ if row.result((of,) * arity(row)) is t.BOOL else dtype)
    with mpmath.workdps(60):
        for point, actual in zip(points, found.ravel(), strict=True):
            if row.name == "floordiv":  # Warp documents floor(a / b), with a rounded quotient
                quotient = np.dtype(dtype).type(point[0]) / np.dtype(dtype).type(point[1])
                assert actual == np.floor(quotient)
                continue
            expected = EXACTLY[row.name](*map(mpmath.mpf, point))
            off = abs(mpmath.mpf(float(actual)) - expected)
            spacing = float(np.spacing(np.abs(actual, dtype=dtype))) if found.dtype.kind == "f" else 0.0
            assert off <= spacing / 2, (row.name, point, float(actual), expected)


def test_special_values_of_documented_functions() -> None:
    def one(name: str, *arguments: float) -> float:
        return float(call(OPS[name], *(lanes([a], t.FLOAT32) for a in arguments)).item())

    nan, inf = math.nan, math.inf
    assert one("min", nan, 2.0) == one("max", nan, 2.0) == one("min", 2.0, nan) == 2.0
    assert one("sign", 0.0) == one("sign", -0.0) == 1.0
    assert one("step", 0.0) == 0.0
    assert one("step", -1.0) == 1.0
    assert [one("round", x) for x in (-2.5, -0.5, 0.5, 1.5, 2.5)] == [-3, -1, 1, 2, 3]
    assert [one("rint", x) for x in (-2.5, -0.5, 0.5, 1.5, 2.5)] == [-2, 0, 0, 2, 2]
    assert one("mod", -5.5, 3.0) == -2.5
    assert one("floordiv", -5.5, 3.0) == -2.0
    assert one("frac", -1.25) == -0.25
    assert [one("isnan", x) for x in (nan, inf, 1.0)] == [1, 0, 0]
    assert [one("isinf", x) for x in (nan, -inf, 1.0)] == [0, 1, 0]
    assert [one("isfinite", x) for x in (nan, inf, 1.0)] == [0, 0, 1]
    assert math.copysign(1, one("neg", 0.0)) == -1.0


def test_predicates_of_vectors_look_at_all_components() -> None:
    vector = np.array([[1.0, np.nan, 2.0], [1.0, np.inf, 2.0], [0.0, 1.0, 2.0]], np.float32).reshape(1, 1, 3, 3)
    assert call(OPS["isnan"], vector).ravel().tolist() == [True, False, False]
    assert call(OPS["isinf"], vector).ravel().tolist() == [False, True, False]
    assert call(OPS["isfinite"], vector).ravel().tolist() == [False, False, True]


# ---------------------------------------------------------------- vectors, against fractions and mpmath


def _dot(a: list[Any], b: list[Any]) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _norm(a: list[Any]) -> Any:
    return mpmath.sqrt(_dot(a, a))


def _huber(a: list[Any], delta: Any) -> Any:
    length = _norm(a)
    return length * length / 2 if length <= delta else delta * (length - delta / 2)


def _pseudo_huber(a: list[Any], delta: Any) -> Any:
    return delta * mpmath.sqrt(1 + _dot(a, a) / (delta * delta))


VECTORS: dict[str, Callable[..., Any]] = {
    "dot": _dot,
    "cross": lambda a, b: [a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2] for k in range(3)],
    "length": _norm,
    "length_sq": lambda a: _dot(a, a),
    "normalize": lambda a: [x / _norm(a) for x in a],
    "norm_l1": lambda a: sum(map(abs, a)),
    "norm_l2": _norm,
    "norm_huber": _huber,
    "norm_pseudo_huber": _pseudo_huber,
    "smooth_normalize": lambda a, delta: [x / _pseudo_huber(a, delta) for x in a],
    "cw_mul": lambda a, b: [x * y for x, y in zip(a, b, strict=True)],
    "cw_div": lambda a, b: [x / y for x, y in zip(a, b, strict=True)],
    "argmin": lambda a: a.index(min(a)),
    "argmax": lambda a: a.index(max(a)),
}


@pytest.mark.parametrize("row", vector_math.ROWS, ids=lambda row: row.name)
def test_vector_references_agree_with_mpmath(row: OpSpec) -> None:
    assert row.name in VECTORS, "a new row needs an independent reference here"
    dice = random.Random(row.name)
    patterns = row.signatures[0].arguments
    of = t.FLOAT64
    for length in row.signatures[0].lengths:
        points = []
        for _ in range(20):
            inside = row.domain(of)
            points.append(
                [
                    [value(dice, d, of) for _ in range(length)] if pattern == "V" else value(dice, d, of)
                    for pattern, d in zip(patterns, inside, strict=True)
                ]
            )
        arguments = [
            np.array([p[k] for p in points]).reshape(1, 1, len(points), length if pattern == "V" else 1)
            for k, pattern in enumerate(patterns)
        ]
        found = call(row, *arguments)[0, 0]
        with mpmath.workdps(60):
            for point, actual in zip(points, found, strict=True):
                mp = [[mpmath.mpf(x) for x in p] if isinstance(p, list) else mpmath.mpf(p) for p in point]
                expected = VECTORS[row.name](*mp)
                wanted = expected if isinstance(expected, list) else [expected]
                size = 1e-300 + max(abs(x) for p in point for x in (p if isinstance(p, list) else [p]))
                scale = max(*(abs(w) for w in wanted), size * size if row.name in ("dot", "cross") else 0, 1e-300)
                got = np.ravel(actual).tolist()
                assert len(got) == len(wanted)
                for one, other in zip(got, wanted, strict=True):
                    assert abs(one - other) <= 8 * 2.0**-53 * scale, (row.name, point, got, wanted)


def test_vectors_of_integers_and_matrices_are_multiplied_number_by_number() -> None:
    dice = random.Random(5)
    for name in t.INTEGERS:
        inside = OPS["cross"].domain(t.scalar(name))
        a, b = ([int(value(dice, place, t.scalar(name))) for _ in range(3)] for place in inside)
        found = call(OPS["cross"], *(np.array(v, name).reshape(1, 1, 1, 3) for v in (a, b))).ravel().tolist()
        expected = [a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2] for k in range(3)]
        low, high = t.scalar(name).limits
        assert found == [n if low <= n <= high else n % int(high + 1) for n in expected]
    numbers = np.arange(1.0, 7.0).reshape(1, 1, 1, 6)
    matrices = [t.parse("mat23<float64>")] * 2
    assert call(overload("cw_mul", matrices), numbers, numbers + 1).ravel().tolist() == [2, 6, 12, 20, 30, 42]
    assert call(overload("cw_div", matrices), 4 * numbers, numbers).ravel().tolist() == [4] * 6


# ---------------------------------------------------------------- integers, against Python's


def _quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


WHOLE: dict[str, Callable[..., int]] = {
    "unot": lambda x: not x,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _quotient,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a - b * _quotient(a, b),
    "neg": lambda a: -a,
    "pos": lambda a: a,
    "bit_and": lambda a, b: a & b,
    "bit_or": lambda a, b: a | b,
    "bit_xor": lambda a, b: a ^ b,
    "lshift": lambda a, b: a << b,
    "rshift": lambda a, b: a >> b,
    "invert": lambda a: ~a,
    "min": min,
    "max": max,
    "clamp": lambda x, low, high: min(max(low, x), high),
    "abs": abs,
    "sign": lambda x: -1 if x < 0 else 1,
    "step": lambda x: 1 if x < 0 else 0,
    "nonzero": lambda x: 0 if x == 0 else 1,
}


def wrapped(number: int, of: Scalar) -> int:
    """What is left of a whole number in two's complement."""
    number &= (1 << of.bits) - 1
    return number - (1 << of.bits) if of.kind == "int" and number >> (of.bits - 1) else number


@pytest.mark.parametrize(("row", "of"), INTEGER_CASES, ids=lambda case: getattr(case, "name", repr(case)))
def test_integer_references_agree_with_pythons_integers(row: OpSpec, of: Scalar) -> None:
    dice = random.Random(f"{row.name}/{of}")
    inside = domain(row, of, arity(row))
    points = [[int(value(dice, d, of)) for d in inside] for _ in range(POINTS)]
    low, high = (int(end) for end in of.limits)
    if of.kind == "uint":
        points += [
            [max(int(getattr(d, "least", 0)), p) for p, d in zip(point, inside, strict=True)]
            for point in ([high] * len(inside), [low] * len(inside))
            if row.name not in ("lshift", "rshift")
        ]
    if row.name == "clamp":
        points = [[x, *sorted(bounds)] for x, *bounds in points]
    found = call(row, *(lanes([p[k] for p in points], of) for k in range(arity(row))))
    if row.name == "bit_count":
        expected = [(p[0] & ((1 << of.bits) - 1)).bit_count() for p in points]
    else:
        expected = [WHOLE[row.name](*p) for p in points]
        if of.kind == "int":
            assert all(low <= e <= high for e in expected), "the domain lets a signed integer overflow"
        expected = [wrapped(e, of) for e in expected]
        result = row.result((of,) * arity(row))
        assert result is not None
        assert found.dtype == np.dtype("?" if result is t.BOOL else of.notation)
    assert found.ravel().tolist() == expected


def test_truth_values_are_negated() -> None:
    assert call(OPS["unot"], np.array([[[True, False]]])).ravel().tolist() == [False, True]


# ---------------------------------------------------------------- intervals


def part(dice: random.Random, within: Place, of: Scalar) -> Interval:
    """An interval inside a domain, small at times."""
    if isinstance(within, Away):
        low, high = sorted(value(dice, Interval(within.least, within.reach), of) for _ in range(2))
        return Interval(-high, -low) if of.is_signed and dice.random() < 0.4 else Interval(low, high)
    assert isinstance(within, Interval)
    low, high = sorted(value(dice, within, of) for _ in range(2))
    if dice.random() < 0.2:
        high = low
    return Interval(low, high)


def examples() -> list[tuple[OpSpec, tuple[Type, ...]]]:
    """One tuple of argument types for every card of the survey: each row in each form and kind of scalar."""
    found = []
    for number, card in enumerate(card for dealt in cards() for card in dealt):
        arguments, _ = card.choices[number % len(card.choices)]
        if arguments:
            found.append((card.row, arguments))
    return found


EXAMPLES = examples()


def shape_of(of: Type, shaped: bool, beside: bool) -> tuple[int, ...]:
    """The axes behind those of lanes: the natural ones for a shaped row, else one for whatever stands beside it."""
    if shaped:
        return of.shape if isinstance(of, Composite) else ()
    return (of.length,) if isinstance(of, Composite) else (1,) if beside else ()


def sample(
    dice: random.Random, place: Place, inside: Interval, of: Type, compute: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    """Eight values of type `of` in a place, flat."""
    count = of.length if isinstance(of, Composite) else 1
    scalar = t.element_scalar(of)
    raw = [value(dice, inside, scalar if scalar.kind != "bool" else INT32) for _ in range(8 * count)]
    found = np.array(raw, compute).reshape(8, count)
    match place:
        case Unit():
            found[:, -4:] += 1e-3
            found[:, -4:] /= np.linalg.norm(found[:, -4:], axis=1, keepdims=True)
        case Dominant():
            assert isinstance(of, Matrix)
            found += np.eye(of.rows).ravel() * (of.rows * place.reach + 1)
        case Rotation():
            assert isinstance(of, Matrix)
            found = np.tile(np.eye(of.rows).ravel(), (8, 1))
    return found


def place_part(dice: random.Random, place: Place, of: Type) -> Interval:
    """What the generator knows of an argument in a place."""
    match place:
        case Unit() | Rotation():
            return Interval(-1, 1)
        case Dominant():
            return Interval(-place.reach, place.reach)
    return part(dice, place, t.element_scalar(of))


def operands(
    dice: random.Random, row: OpSpec, arguments: tuple[Type, ...], parts: list[Interval]
) -> list[np.ndarray[Any, Any]]:
    """Eight values inside its interval for each argument: realisations, lanes, threads[, axes of a value]."""
    beside = any(isinstance(a, Composite) for a in arguments)
    found = []
    for argument, place, inside in zip(arguments, row.domain(t.element_scalar(arguments[0])), parts, strict=False):
        scalar = t.element_scalar(argument)
        # float16 is too coarse to look at: rounding is the tolerance's business, here float64 stands in
        compute = np.dtype(np.float64 if scalar.is_float else "?" if scalar.kind == "bool" else scalar.notation)
        shape = (1, 1, 8, *shape_of(argument, row.shaped, beside))
        found.append(sample(dice, place, inside, argument, compute).reshape(shape))
    return found


def _unsound(row: OpSpec, arguments: tuple[Type, ...]) -> str | None:
    """An argument inside its interval whose result is outside of the row's."""
    dice = random.Random(f"{row.name}/{arguments}")
    of = t.element_scalar(arguments[0])
    result = row.result(arguments)
    assert result is not None
    limits = t.element_scalar(result).limits
    wraps = t.element_scalar(result).kind == "uint"
    for _ in range(20):
        places = row.domain(of)[: len(arguments)]
        parts = [place_part(dice, d, a) for d, a in zip(places, arguments, strict=True)]
        if row.name == "clamp":
            parts[1:] = sorted(parts[1:])
            if parts[1].high > parts[2].low:
                continue
        found = row.result_interval(result, *parts)
        if wraps and not (limits[0] <= found.low and found.high <= limits[1]):
            continue  # wrapped: any value
        if not (limits[0] <= found.low <= found.high <= limits[1]):
            return f"{row.name}{parts} claims {found}"
        lanes_of = operands(dice, row, arguments, parts)
        values = call(row, *lanes_of)
        # the ends of an interval are floats themselves
        slack = 1e-12 * max(found.size, 1.0) if of.is_float or of.bits == 64 else 0
        for one in values.ravel().tolist():
            if not found.low - slack <= one <= found.high + slack:
                return f"{row.name}{parts} claims {found} and gives {one}"
    return None


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_results_stay_inside_the_interval(row: OpSpec) -> None:
    problems = [
        problem
        for candidate, arguments in EXAMPLES
        if candidate is row and (problem := _unsound(row, arguments)) is not None
    ]
    assert not problems, problems[:3]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_any_argument_may_be_the_one_that_is_perturbed(row: OpSpec) -> None:
    """It has more lanes than the others then."""
    for candidate, arguments in EXAMPLES:
        if candidate is not row or len(arguments) < 2:
            continue
        dice = random.Random(f"{row.name}/{arguments}/lanes")
        places = row.domain(t.element_scalar(arguments[0]))
        parts = [place_part(dice, d, a) for d, a in zip(places, arguments, strict=False)]
        given = operands(dice, row, arguments, parts)
        with np.errstate(all="ignore"):
            expected = call(row, *given)
            for n, own in enumerate(given):
                found = call(row, *given[:n], np.repeat(own, 3, axis=1), *given[n + 1 :])
                assert np.array_equal(found, np.repeat(expected, 3, axis=1), equal_nan=True), arguments


# ---------------------------------------------------------------- against Warp's compiler

#: Operations in one kernel: a build costs more than a line.
LINES = 12


def is_plain(case: tuple[OpSpec, tuple[Type, ...]]) -> bool:
    """Whether any numbers inside intervals are arguments, and the result is fixed: the others are the survey's."""
    row, arguments = case
    domain = row.domain(t.element_scalar(arguments[0]))
    return not row.through and all(isinstance(d, Interval | Away) for d in domain)


def program_of(cases: list[tuple[OpSpec, tuple[Type, ...]]], name: str) -> Program:
    """A kernel with one output for each case, on inputs inside its domain."""
    parameters: list[Parameter] = []
    body = []
    at = (Name(INT32, "i"),)
    for k, (row, arguments) in enumerate(cases):
        dtype = t.element_scalar(arguments[0])
        operands = []
        for m, (argument, inside) in enumerate(zip(arguments, row.domain(dtype), strict=False)):
            assert isinstance(argument, Scalar | Composite)
            assert isinstance(inside, Interval | Away)
            low, high = (inside.least, inside.reach) if isinstance(inside, Away) else inside
            own = t.element_scalar(argument)
            low, high = max(low, own.limits[0]), min(high, own.limits[1])
            ends = (float(low), float(high)) if own.is_float else (int(low), int(high))
            parameters.append(Parameter(f"x{k}_{m}", t.array(argument), *ends, shape=(4,)))
            operands.append(Element(argument, f"x{k}_{m}", at))
        result = row.result(arguments)
        assert isinstance(result, Scalar | Composite)
        parameters.append(Parameter(f"out{k}", t.array(result), 0, 1, shape=(4,), output=True))
        body.append(Assign(Element(result, f"out{k}", at), Apply(result, row.name, tuple(operands))))
    return Program(name, "unary", (4,), tuple(parameters), (ThreadIndex(("i",)), *body))


def job_of(found: Program, inputs: dict[str, np.ndarray[Any, Any]]) -> Job:
    arguments = []
    for parameter in found.parameters:
        dtype = t.element_scalar(parameter.type)
        values = inputs[parameter.name]
        components = values.shape[1] if values.ndim == 2 else 0
        kind = form(parameter.type)
        arguments.append(ArrayArgument(dtype.notation, values, components, gradient=False, form=kind))
    return Job(render(found), found.name, (Launch(found.launch, tuple(arguments), backward=False),))


def test_warp_gives_the_types_and_values_that_the_table_says(sandbox: Sandbox) -> None:
    """Each row in each form and kind of scalar: Warp compiles it, and agrees on domain and ends."""
    cases = [case for case in EXAMPLES if is_plain(case)]
    programs = [program_of(cases[k : k + LINES], f"ops_{k // LINES}") for k in range(0, len(cases), LINES)]
    for found in programs:
        check_program(found, result_type)
    inputs = [derive(p, 0, Flavour.SPECIAL if k % 2 else Flavour.GENERIC) for k, p in enumerate(programs)]
    results: list[JobResult] = []
    options = BuildOptions(module={"enable_backward": False})
    jobs = [job_of(p, i) for p, i in zip(programs, inputs, strict=True)]
    for k in range(0, len(jobs), 12):
        results += sandbox.run(jobs[k : k + 12], options)
    problems = [f"{p.name}: {r.message}" for p, r in zip(programs, results, strict=True) if r.status is not Status.OK]
    assert not problems, "\n".join(problems)
    for k, (found, values, result) in enumerate(zip(programs, inputs, results, strict=True)):
        native = Evaluator(found, {name: v[None] for name, v in values.items()}, native=True).run()
        wide = Evaluator(
            found,
            {name: (v.astype(np.float64) if v.dtype.kind == "f" else v)[None] for name, v in values.items()},
            False,
        ).run()
        for m, (row, arguments) in enumerate(cases[k * LINES : (k + 1) * LINES]):
            output = next(n for n, p in enumerate(found.parameters) if p.name == f"out{m}")
            array = result.launches[0].arrays[output]
            assert array is not None
            _compare(row, arguments, array.data, native.arrays[f"out{m}"][0, 0], wide.arrays[f"out{m}"][0, 0])


def _compare(
    row: OpSpec,
    arguments: tuple[Type, ...],
    actual: np.ndarray[Any, Any],
    native: np.ndarray[Any, Any],
    wide: np.ndarray[Any, Any],
) -> None:
    what = f"{row.name}{arguments}: Warp gives {actual.tolist()}, the reference {wide.tolist()}"
    if row.exact or actual.dtype.kind != "f":
        assert np.array_equal(actual, native), what
        return
    dtype = str(actual.dtype)
    result = row.result(arguments)
    assert result is not None
    unit = 2 * UNIT_ROUNDOFF[dtype]
    scale = np.abs(wide) + row.error_floor
    ulps = row.error(result)
    if row.composite:
        ulps, scale = 16.0, np.maximum(np.max(np.abs(wide)), scale)
    # squares that underflow in halves do so in the reference of halves, too
    near = (np.abs(actual - wide) <= ulps * unit * scale + UNDERFLOW[dtype]) | (actual == native)
    assert np.all(near), what


@pytest.mark.parametrize("op", ATOMICS)
def test_every_atomic_of_the_table_is_one_of_warps(op: str) -> None:
    assert op in registry()


def test_errors_of_correctly_rounded_rows_are_half_a_unit() -> None:
    for row in ROWS:
        assert row.error(INT32) == 0.0
        if row.exact and takes(row, t.FLOAT32) and "V" not in row.signatures[0].arguments:
            assert row.error(t.FLOAT32) in (0.0, 0.5)


def test_the_threshold_of_smooth_normalize_errs_in_the_direction_of_the_vector():
    """As one number for all components it would cancel where cotangents do, and leave no tolerance."""
    a, delta = np.array([[[[-1.5, -12.0]]]]), np.array([[[[1.5]]]])
    noise = OPS["smooth_normalize"].adjoint_noise
    assert noise is not None
    _, slope = noise(a, delta)
    assert slope.shape == a.shape
    assert slope[..., 0] / slope[..., 1] == pytest.approx(a[..., 0] / a[..., 1])


def test_the_edges_of_a_step_may_come_in_either_order() -> None:
    row, of = OPS["smoothstep"], t.FLOAT32
    low, high, x = row.domain(of)
    assert isinstance(low, Interval)
    assert isinstance(high, Interval)
    assert isinstance(x, Interval)
    assert row.places(of, low, high, x) == (low, high, x)
    assert row.places(of, high, low, x) == (high, low, x)
