"""The backward pass of a kernel outside the limit of dynamic loops is run where no index can be lost in it."""

from __future__ import annotations

import pytest
from tiny import AT, apply, literal, program_of

from harness.launches import launches
from harness.oracle.expectation import expect
from strategies.language.limits import Limit
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Component,
    Construct,
    Element,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Name,
    Statement,
    While,
)
from strategies.language.steering import steers
from strategies.language.types import BOOL, FLOAT32, INT32, parse

A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
ACC, K = Name(FLOAT32, "acc"), Name(INT32, "k")
START = Assign(ACC, Cast(FLOAT32, literal(FLOAT32, 1.0)))
GROW = AugmentedAssign(ACC, "mul", A)
PLACES = parse("vec2<int32>")
PRODUCTS = Construct(parse("vec2<float32>"), (apply("clamp", ACC, *(literal(FLOAT32, float(n)) for n in (0, 5))),))
LENGTH = Extent(INT32, "a", 0)


def whole(value: int) -> Expression:
    return Literal(INT32, value)


def loop(*body: Statement) -> Statement:
    return For("j", LENGTH, body)


def below(left: Expression, right: Expression) -> Expression:
    return Compare(BOOL, ("<",), (left, right))


SAFE: dict[str, tuple[Statement, ...]] = {
    "a product of floats": (START, loop(GROW), Assign(OUT, apply("mul", ACC, ACC))),
    "a product, by way of another local": (
        START,
        Assign(Name(FLOAT32, "t"), A),
        loop(Assign(Name(FLOAT32, "t"), apply("mul", ACC, A)), Assign(ACC, Name(FLOAT32, "t"))),
        Assign(OUT, ACC),
    ),
    "elements at the loop's own index": (
        START,
        loop(AugmentedAssign(ACC, "mul", Element(FLOAT32, "a", (Name(INT32, "j"),)))),
        Assign(OUT, ACC),
    ),
}
COUNT = Assign(K, Cast(INT32, whole(0)))
STEERED: dict[str, tuple[Statement, ...]] = {
    "an index that a loop computes": (
        START,
        COUNT,
        loop(GROW, Assign(K, Name(INT32, "j"))),
        Assign(OUT, apply("mul", ACC, Element(FLOAT32, "a", (K,)))),
    ),
    "the loop's index after it": (
        START,
        For("j", whole(40), (GROW,)),
        Assign(OUT, Element(FLOAT32, "a", (apply("mod", Name(INT32, "j"), whole(6)),))),
    ),
    "a condition on a product": (START, loop(GROW), If(below(ACC, A), (Assign(OUT, ACC),), (Assign(OUT, A),))),
    "numbers of a product as indices": (
        START,
        loop(GROW),
        Assign(OUT, Element(FLOAT32, "a", (Component(INT32, Construct(PLACES, (PRODUCTS,)), whole(0)),))),
    ),
    "a product as an index": (
        START,
        loop(GROW),
        Assign(
            OUT,
            Element(FLOAT32, "a", (Cast(INT32, apply("clamp", ACC, *(literal(FLOAT32, float(n)) for n in (0, 5)))),)),
        ),
    ),
    "a while loop": (
        START,
        COUNT,
        While(below(K, whole(3)), (GROW, AugmentedAssign(K, "add", whole(1)))),
        Assign(OUT, ACC),
    ),
    "a loop with a way out": (START, loop(GROW, If(below(A, literal(FLOAT32, 0.0)), (Break(),))), Assign(OUT, ACC)),
}


@pytest.mark.parametrize("what", SAFE)
def test_floats_that_a_loop_computes_steer_nothing(what: str) -> None:
    program = program_of(FLOAT32, *SAFE[what])
    assert not steers(program)
    expectation = expect(program)
    assert Limit.DYNAMIC_LOOP in expectation.limits
    assert launches(expectation)["generic"].backward
    assert not launches(expectation)["special"].backward


@pytest.mark.parametrize("what", STEERED)
def test_what_a_loop_computes_may_steer(what: str) -> None:
    program = program_of(FLOAT32, *STEERED[what])
    assert steers(program)
    if Limit.DYNAMIC_LOOP in (expectation := expect(program)).limits:
        assert not launches(expectation)["generic"].backward
