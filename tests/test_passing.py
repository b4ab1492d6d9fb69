"""Functions as arguments of functions, and functions of factories: their text, what is checked, the same without."""

from __future__ import annotations

import msgspec
import pytest
from tiny import AT

import strategies
from corpus.record import check_names
from harness.sandbox import Sandbox
from harness.shrink.calls import without_passing
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.generics import apart
from strategies.language.hashing import defined_names, structure_hash
from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Closure,
    Constant,
    Element,
    Expression,
    Function,
    Literal,
    Name,
    Parameter,
    Passed,
    Program,
    Return,
    ThreadIndex,
    decode,
    encode,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT32
from strategies.ops import result_type

X = Name(FLOAT32, "x")
A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))


def of_one(name: str, value: Expression) -> Function:
    return Function(name, FLOAT32, (Parameter("x", FLOAT32, -4.0, 4.0),), (Return((value,)),))


def calling(name: str, argument: Expression, through: str | None = None, given: tuple[str, ...] = ()) -> Call:
    return Call(FLOAT32, name, (argument,), through=through, given=given)


def twice(number: int, name: str, through: str | None = "f") -> Function:
    value = calling(name, Apply(FLOAT32, "sin", (calling(name, X, through),)), through)
    parameters = (Parameter("x", FLOAT32, -4.0, 4.0),)
    return Function(f"twice__{number}", FLOAT32, parameters, (Return((value,)),), passed=(Passed("f", name),))


SQUARE, WAVE = of_one("square", Apply(FLOAT32, "mul", (X, X))), of_one("wave", Apply(FLOAT32, "cos", (X,)))


def kernel(*functions: Function, second: tuple[str, ...] = ("wave",)) -> Program:
    value = Apply(FLOAT32, "sub", (calling("twice__1", A, given=("square",)), calling("twice__2", A, given=second)))
    parameters = (
        Parameter("a", t.array(FLOAT32), -2.0, 2.0, (6,)),
        Parameter("out", t.array(FLOAT32), 0.0, 0.0, (6,), True),
    )
    body = (ThreadIndex(("i",)), Assign(Element(FLOAT32, "out", (AT,)), value))
    return Program("known", "function", (6,), parameters, body, functions)


PASSING = kernel(SQUARE, WAVE, twice(1, "square"), twice(2, "wave"))


def test_instances_are_one_text_and_calls_say_what_is_passed() -> None:
    check_program(PASSING, result_type)
    text = render(PASSING)
    assert text.count("def twice(f: wp.Function, x: wp.float32):\n    return f(wp.sin(f(x)))\n") == 1
    assert "    out[i] = twice(square, a[i]) - twice(wave, a[i])\n" in text
    assert decode(encode(PASSING)) == PASSING
    check_names(PASSING)


@pytest.mark.parametrize(
    "program",
    [
        kernel(SQUARE, WAVE, twice(1, "square"), twice(2, "wave"), second=("square",)),
        kernel(SQUARE, WAVE, twice(1, "square"), twice(2, "wave"), second=()),
        kernel(SQUARE, WAVE, twice(1, "square"), twice(2, "wave", through=None)),
        kernel(SQUARE, WAVE, twice(1, "square"), twice(2, "wave", through="g")),
        kernel(SQUARE, WAVE, twice(1, "square"), twice(2, "square")),
        kernel(SQUARE, twice(1, "square"), twice(2, "wave")),
    ],
    ids=[
        "another function",
        "none",
        "by its own name",
        "by an unknown name",
        "twice the same",
        "one that is not there",
    ],
)
def test_what_is_passed_is_what_is_called(program: Program) -> None:
    with pytest.raises(IllFormed):
        check_program(program, result_type)


def test_without_overloads_and_without_passing_it_is_the_same_program(sandbox: Sandbox) -> None:
    for other in (apart(PASSING), without_passing(PASSING)):
        check_program(other, result_type)
    assert "wp.Function" not in render(without_passing(PASSING))
    assert structure_hash(PASSING) != structure_hash(without_passing(PASSING))
    for verdict in verify_all([PASSING, apart(PASSING), without_passing(PASSING)], sandbox):
        assert verdict.tier is Tier.BACKWARD, verdict.failure


def test_categories_draw_it() -> None:
    for category in ("function", "generic"):
        programs = [p for n in range(180) if (p := strategies.draw(category, 5, n)) is not None]
        # one in ten
        assert sum(any(f.passed for f in p.functions) for p in programs) >= 9


# ---------------------------------------------------------------- factories

WEIGHT = Constant(FLOAT32, "weight", Literal(FLOAT32, 0.25), wrapped=False)


def made(name: str, number: float, function: str, alias: str | None = "f", inside: float | None = None) -> Function:
    weight = msgspec.structs.replace(WEIGHT, value=Literal(FLOAT32, number))
    body = weight if inside is None else msgspec.structs.replace(WEIGHT, value=Literal(FLOAT32, inside))
    value = Apply(FLOAT32, "mul", (calling(function, X, alias), body))
    closure = Closure("make_blend", (weight,), (Passed("f", function),))
    return Function(name, FLOAT32, (Parameter("x", FLOAT32, -4.0, 4.0),), (Return((value,)),), closure=closure)


def using(*functions: Function) -> Program:
    value = Apply(FLOAT32, "sub", tuple(calling(f.name, A) for f in functions if f.closure is not None))
    return msgspec.structs.replace(PASSING, functions=functions, body=(*PASSING.body[:1], Assign(OUT, value)))


MADE = using(SQUARE, WAVE, made("low", 0.25, "square"), made("high", 1.5, "wave"))


def test_functions_of_a_factory_are_one_text_and_two_names() -> None:
    check_program(MADE, result_type)
    text = render(MADE)
    factory = "def make_blend(weight, f):\n    @wp.func\n    def blend(x: wp.float32):\n        return f(x) * weight\n"
    assert text.count(f"{factory}\n    return blend\n\n\nlow = make_blend(0.25, square)\n") == 1
    assert "\nhigh = make_blend(1.5, wave)\n" in text
    assert "wp.constant" not in text
    assert decode(encode(MADE)) == MADE
    check_names(MADE)
    assert {"make_blend", "blend", "weight", "f", "low", "high"} <= defined_names(MADE)


@pytest.mark.parametrize(
    "functions",
    [
        (made("low", 0.25, "square", inside=0.5), made("high", 1.5, "wave")),
        (made("low", 0.25, "square", alias=None), made("high", 1.5, "wave")),
        (made("low", 0.25, "square"), msgspec.structs.replace(made("high", 1.5, "wave"), body=WAVE.body)),
    ],
    ids=["another number", "a function by its own name", "another text"],
)
def test_what_is_captured_is_what_is_used(functions: tuple[Function, ...]) -> None:
    with pytest.raises(IllFormed):
        check_program(using(SQUARE, WAVE, *functions), result_type)


def test_without_factories_it_is_the_same_program(sandbox: Sandbox) -> None:
    plain = without_passing(MADE)
    check_program(plain, result_type)
    assert "make_blend" not in render(plain)
    for verdict in verify_all([MADE, plain], sandbox):
        assert verdict.tier is Tier.BACKWARD, verdict.failure


def test_categories_draw_factories() -> None:
    for category in ("function", "constant"):
        programs = [p for n in range(60) if (p := strategies.draw(category, 5, n)) is not None]
        assert sum(any(f.closure for f in p.functions) for p in programs) >= 4
