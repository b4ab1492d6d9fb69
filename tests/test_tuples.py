"""Tuples that are made of items and passed to functions: their text, what may be done with them, what they mean."""

from __future__ import annotations

import numpy as np
import pytest
from evaluating import evaluate
from simpler import candidates
from tiny import AT, apply, literal

from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink import well_formed
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Compare,
    Component,
    Construct,
    Element,
    Expression,
    Function,
    If,
    Literal,
    Name,
    Options,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    Unpack,
    decode,
    encode,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type

PAIR, PLACE = t.tuple_of((FLOAT32, FLOAT32)), t.tuple_of((INT32, INT32))
P, Q, C = Name(PAIR, "p"), Name(PAIR, "q"), Name(PLACE, "cell")
S, K = Name(PAIR, "s"), Name(PLACE, "k")
A, B, OUT = (Element(FLOAT32, name, (AT,)) for name in ("a", "b", "out"))


def item(of: Name, place: int) -> Component:
    assert isinstance(of.type, t.Tuple)
    return Component(of.type.items[place], of, Literal(INT32, place))


TAKES = (Parameter("p", PAIR, -2.0, 2.0),)
EARLY = If(Compare(BOOL, (">",), (item(P, 0), item(P, 1))), (Return((item(P, 1),)),))
FUNCTIONS = (
    Function("product", FLOAT32, TAKES, (Return((apply("mul", item(P, 0), item(P, 1)),)),)),
    Function("least", FLOAT32, TAKES, (EARLY, Return((item(P, 0),)))),
    Function("swapped", PAIR, TAKES, (Return((item(P, 1), item(P, 0))),)),
    Function("same", PAIR, TAKES, (Return((P,)),)),
    Function("handed", FLOAT32, TAKES, (Return((Call(FLOAT32, "product", (P,)),)),)),
)
PRODUCT, LEAST, SWAPPED, SAME, HANDED = FUNCTIONS
COUNTED = Function(
    "counted",
    INT32,
    (Parameter("cell", PLACE, 0, 5),),
    (Return((Apply(INT32, "sub", (item(C, 0), item(C, 1))),)),),
)


def kernel(*body: Statement, functions: tuple[Function, ...], backward: bool = False) -> Program:
    arrays = tuple(Parameter(name, t.array(FLOAT32), -1.0, 1.0, (6,), name == "out") for name in ("a", "b", "out"))
    options = None if backward else Options(enable_backward=False)
    return Program("kernel", "tuple", (6,), arrays, (ThreadIndex(("i",)), *body), functions, options=options)


def made(*items: Expression) -> Construct:
    return Construct(PAIR, items)


def call(function: Function, given: Expression) -> Call:
    return Call(function.type, function.name, (given,))


def difference(of: Name) -> Expression:
    return apply("sub", item(of, 0), item(of, 1))


NAMED = Assign(S, made(A, apply("add", A, B)))
PASSED = {
    "a display": kernel(Assign(OUT, call(PRODUCT, made(A, literal(FLOAT32, 0.5)))), functions=(PRODUCT,)),
    "a variable": kernel(NAMED, Assign(OUT, call(LEAST, S)), functions=(LEAST,)),
    "a variable, and its items": kernel(
        NAMED, Assign(OUT, apply("mul", call(PRODUCT, S), difference(S))), functions=(PRODUCT,)
    ),
    "on to a function": kernel(NAMED, Assign(OUT, call(HANDED, S)), functions=(PRODUCT, HANDED)),
    "and returned": kernel(NAMED, Assign(Q, call(SAME, S)), Assign(OUT, difference(Q)), functions=(SAME,)),
    "items in another order": kernel(
        NAMED, Assign(Q, call(SWAPPED, S)), Assign(OUT, difference(Q)), functions=(SWAPPED,)
    ),
    "the results of another": kernel(
        NAMED, Assign(Q, call(SWAPPED, S)), Assign(OUT, call(LEAST, Q)), functions=(SWAPPED, LEAST)
    ),
}
PLACES = kernel(
    Assign(K, Construct(PLACE, (AT, Literal(INT32, 2)))),
    If(Compare(BOOL, (">",), (call(COUNTED, K), Literal(INT32, 0))), (Assign(OUT, apply("mul", A, B)),)),
    functions=(COUNTED,),
    backward=True,
)


def test_a_tuple_is_written_with_the_types_of_its_items() -> None:
    source = render(PASSED["a variable"])
    assert "def least(p: tuple[wp.float32, wp.float32]):" in source
    assert "s = (a[i], a[i] + b[i])" in source
    assert "product((a[i], 0.5))" in render(PASSED["a display"])


def test_tuples_are_passed_as_warp_passes_them(sandbox: Sandbox) -> None:
    programs = [*PASSED.values(), PLACES]
    for program in programs:
        check_program(program, result_type)
        assert well_formed(program)
        assert decode(encode(program)) == program
    *passed, places = verify_all(programs, sandbox)
    for what, verdict in zip(PASSED, passed, strict=True):
        assert verdict.tier is Tier.FORWARD, (what, verdict)
    assert places.tier is Tier.BACKWARD


def test_items_come_back_in_the_order_in_which_they_are_returned() -> None:
    a, b = np.linspace(-1, 1, 6, dtype=np.float32), np.full(6, 0.5, np.float32)
    found = evaluate(PASSED["items in another order"], {"a": a, "b": b, "out": np.zeros(6, np.float32)})
    assert np.array_equal(found["out"], (a + b) - a)


def test_without_tuples_items_are_passed_one_by_one() -> None:
    flat = flattened(PASSED["a variable"])
    assert [p.type for p in flat.functions[0].parameters] == [FLOAT32, FLOAT32]
    assert not any(isinstance(node.type, t.Tuple) for node in flat.functions[0].parameters)
    assert flattened(flat) is flat


def test_a_float_in_a_tuple_has_no_gradient_and_is_known_for_it(sandbox: Sandbox) -> None:
    body = (Assign(OUT, call(PRODUCT, made(A, B))),)
    program = kernel(*body, functions=(PRODUCT,), backward=True)
    rewritten = REWRITES["unpack_tuples"](program)
    assert "def product(p_0: wp.float32, p_1: wp.float32):" in render(rewritten)
    failed, right = verify_all([program, rewritten], sandbox)
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.BACKWARD_MISMATCH
    assert right.tier is Tier.BACKWARD


REFUSED: dict[str, tuple[Statement, ...]] = {
    "a variable that is assigned twice": (NAMED, Assign(S, made(B, A)), Assign(OUT, call(PRODUCT, S))),
    "items of other types": (Assign(OUT, call(PRODUCT, Construct(PAIR, (A, AT)))),),
    "an item too few": (Assign(OUT, call(PRODUCT, Construct(PAIR, (A,)))),),
    "a number in its place": (Assign(OUT, Call(FLOAT32, "product", (A,))),),
    "two numbers in its place": (Assign(OUT, Call(FLOAT32, "product", (A, B))),),
    "an item that there is not": (NAMED, Assign(OUT, Component(FLOAT32, S, Literal(INT32, 2)))),
    "an item of a display": (Assign(OUT, Component(FLOAT32, made(A, B), Literal(INT32, 0))),),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_tuple_is_refused(what: str) -> None:
    with pytest.raises(IllFormed):
        check_program(kernel(*REFUSED[what], functions=(PRODUCT,)), result_type)


def test_a_tuple_that_is_unpacked_is_its_items() -> None:
    x, y = Name(FLOAT32, "x"), Name(FLOAT32, "y")
    program = kernel(NAMED, Unpack((x, y), (S,)), Assign(OUT, apply("sub", x, y)), functions=())
    check_program(program, result_type)
    assert flattened(program).body[3] == Unpack((x, y), (Name(FLOAT32, "s.0"), Name(FLOAT32, "s.1")))


def test_a_parameter_that_is_unpacked_is_known(sandbox: Sandbox) -> None:
    x, y = Name(FLOAT32, "x"), Name(FLOAT32, "y")
    function = Function("total", FLOAT32, TAKES, (Unpack((x, y), (P,)), Return((apply("add", x, y),))))
    program = kernel(Assign(OUT, call(function, made(A, B))), functions=(function,))
    rewritten = REWRITES["read_items_of_parameters"](program)
    assert "    x = p[0]\n    y = p[1]\n" in render(rewritten)
    failed, right = verify_all([program, rewritten], sandbox)
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.REJECTED
    assert right.tier is Tier.FORWARD


@pytest.mark.parametrize("what", PASSED)
def test_whatever_reducing_tries_is_well_formed(what: str) -> None:
    tried = list(candidates(PASSED[what]))
    assert len(tried) >= 50
    for candidate in tried:
        check_program(candidate, result_type)
