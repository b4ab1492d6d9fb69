"""Gradients of functions' own that take more than a line: with locals and tests, of vectors, of two results."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tiny import AT, apply, literal

from harness.oracle.expectation import TRAITS, expect
from harness.sandbox import Sandbox
from harness.shrink.statements import fewer_statements
from harness.shrink.validity import well_formed
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import defined_names, structure_hash
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Construct,
    Contribute,
    Element,
    Expression,
    For,
    Function,
    If,
    Literal,
    Name,
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
from strategies.language.types import BOOL, FLOAT32, INT32, Type
from strategies.ops import result_type

VEC = t.vector(3, FLOAT32)
X, RET = Name(FLOAT32, "x"), Name(FLOAT32, "adj_ret")
V, BACK, LENGTH = Name(VEC, "v"), Name(VEC, "adj_ret"), Name(FLOAT32, "r")
#: ``wp.clamp(x, -1.0, 1.0)``, whose gradient is passed straight through between the bounds
HELD = Function(
    "f",
    FLOAT32,
    (Parameter("x", FLOAT32, -2.0, 2.0),),
    (Return((apply("clamp", X, literal(FLOAT32, -1.0), literal(FLOAT32, 1.0)),)),),
    adjoint=(
        Assign(Name(FLOAT32, "slope"), literal(FLOAT32, 3.0)),
        If(
            Compare(BOOL, (">",), (X, literal(FLOAT32, 0.0))),
            (Contribute(X, apply("mul", Name(FLOAT32, "slope"), RET)),),
        ),
    ),
)
#: a vector of the length one, or zero of one that is short
UNIT = Function(
    "f",
    VEC,
    (Parameter("v", VEC, -2.0, 2.0),),
    (
        Assign(LENGTH, Apply(FLOAT32, "length", (V,))),
        If(Compare(BOOL, ("<",), (LENGTH, literal(FLOAT32, 0.25))), (Return((Construct(VEC, ()),)),)),
        Return((apply("div", V, LENGTH),)),
    ),
    adjoint=(
        Assign(LENGTH, Apply(FLOAT32, "length", (V,))),
        If(
            Compare(BOOL, (">=",), (LENGTH, literal(FLOAT32, 0.25))),
            (
                Assign(Name(VEC, "u"), apply("div", V, LENGTH)),
                Contribute(
                    V,
                    apply(
                        "div",
                        apply("sub", BACK, apply("mul", Name(VEC, "u"), Apply(FLOAT32, "dot", (Name(VEC, "u"), BACK)))),
                        LENGTH,
                    ),
                ),
            ),
        ),
    ),
)
RET0, RET1 = Name(FLOAT32, "adj_ret0"), Name(FLOAT32, "adj_ret1")
PAIR = t.tuple_of([FLOAT32, FLOAT32])
BOTH = Function(
    "f",
    PAIR,
    (Parameter("x", FLOAT32, -2.0, 2.0),),
    (Return((apply("sin", X), apply("cos", X))),),
    adjoint=(
        Contribute(X, apply("mul", literal(FLOAT32, 3.0), RET0)),
        Contribute(X, apply("mul", X, RET1)),
    ),
)


def kernel(of: Type, function: Function, *body: Statement, outputs: int = 1) -> Program:
    array = t.array(of)
    outs = tuple(Parameter(f"out{n}", array, 0.0, 0.0, (6,), True) for n in range(outputs))
    parameters = (Parameter("a", array, 0.5, 2.0, (6,)), *outs)
    return Program("known", "custom_gradient", (6,), parameters, (ThreadIndex(("i",)), *body), (function,))


def stored(of: Type, n: int, value: Expression) -> Assign:
    return Assign(Element(of, f"out{n}", (AT,)), value)


A = Element(FLOAT32, "a", (AT,))
NUMBER = kernel(FLOAT32, HELD, stored(FLOAT32, 0, Call(FLOAT32, "f", (A,))))
VECTOR = kernel(VEC, UNIT, stored(VEC, 0, Call(VEC, "f", (Element(VEC, "a", (AT,)),))))
S, C = Name(FLOAT32, "s"), Name(FLOAT32, "c")
TWO = kernel(
    FLOAT32,
    BOTH,
    Unpack((S, C), (Call(PAIR, "f", (A,)),)),
    stored(FLOAT32, 0, S),
    stored(FLOAT32, 1, C),
    outputs=2,
)


def test_a_test_in_a_gradient_decides_what_is_added() -> None:
    found = expect(NUMBER)
    expected = np.where(found.inputs["a"] > 0, 3.0, 0.0) * found.cotangents["out0"]
    assert found.gradients["a"].expected == pytest.approx(expected, rel=1e-9)


def test_the_gradient_of_a_vector_is_the_product_with_its_transposed_derivative() -> None:
    found = expect(VECTOR)
    v, back = found.inputs["a"].astype(float), found.cotangents["out0"]
    r = np.linalg.norm(v, axis=-1, keepdims=True)
    u = v / r
    expected = (back - u * (u * back).sum(axis=-1, keepdims=True)) / r
    assert found.gradients["a"].expected == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_each_of_two_results_has_its_cotangent() -> None:
    found = expect(TWO)
    expected = 3.0 * found.cotangents["out0"] + found.inputs["a"] * found.cotangents["out1"]
    assert found.gradients["a"].expected == pytest.approx(expected, rel=1e-6)


def test_warp_follows(sandbox: Sandbox) -> None:
    derivative = kernel(FLOAT32, HELD, stored(FLOAT32, 0, apply("mul", Call(FLOAT32, "f", (A,), derivative=True), A)))
    called = msgspec.structs.replace(
        derivative,
        body=(*derivative.body, AugmentedAssign(derivative.body[-1].target, "add", Call(FLOAT32, "f", (A,)))),
    )
    verdicts = verify_all([NUMBER, VECTOR, TWO, called], sandbox)
    assert [v.tier for v in verdicts] == [Tier.BACKWARD] * 4


@pytest.mark.parametrize("program", [NUMBER, VECTOR, TWO], ids=["number", "vector", "two results"])
def test_it_is_checked_rendered_and_read_again(program: Program) -> None:
    check_program(program, result_type)
    assert well_formed(program)
    assert decode(encode(program)) == program
    (function,) = program.functions
    parameters = ", ".join(f"{c.name}: " for c in function.cotangents).split(", ")
    assert all(text in render(program) for text in ("@wp.func_grad(f)\ndef adj_f(", "wp.adjoint[", *parameters))
    assert {c.name for c in function.cotangents} | {"adj_f"} <= defined_names(program)
    other = msgspec.structs.replace(function, adjoint=function.adjoint[-1:])
    assert structure_hash(msgspec.structs.replace(program, functions=(other,))) != structure_hash(program)


ZERO = literal(FLOAT32, 0.0)


@pytest.mark.parametrize(
    "adjoint",
    [
        (Contribute(X, X),),
        (Contribute(X, apply("mul", RET, RET)),),
        (Contribute(X, apply("clamp", RET, ZERO, X)),),
        (Contribute(X, apply("add", RET, X)),),
        (Contribute(X, apply("div", X, RET)),),
        (If(Compare(BOOL, (">",), (RET, ZERO)), (Contribute(X, RET),)),),
        (Assign(Name(FLOAT32, "s"), X), AugmentedAssign(Name(FLOAT32, "s"), "add", RET), Contribute(X, RET)),
        (Contribute(Name(FLOAT32, "y"), RET),),
        (Assign(X, X), Contribute(X, RET)),
        (Assign(RET, X), Contribute(X, RET)),
        (For("n", Literal(INT32, 2), (Contribute(X, RET),)),),
        (Contribute(X, Cast(FLOAT32, Literal(INT32, 1))),),
        (Contribute(X, apply("mul", A, RET)),),
        (Assign(Name(FLOAT32, "s"), X),),
    ],
    ids=lambda adjoint: repr(adjoint[-1])[:30],
)
def test_gradients_that_are_none_are_refused(adjoint: tuple[Statement, ...]) -> None:
    function = msgspec.structs.replace(HELD, adjoint=adjoint)
    program = msgspec.structs.replace(NUMBER, functions=(function,))
    with pytest.raises(IllFormed):
        check_program(program, result_type)
    assert not well_formed(program)


def test_a_contribution_stands_in_a_gradient_alone() -> None:
    program = msgspec.structs.replace(NUMBER, body=(*NUMBER.body, Contribute(Name(FLOAT32, "a"), A)))
    with pytest.raises(IllFormed):
        check_program(program, result_type)


def test_a_gradient_of_what_a_dynamic_loop_computed_is_outside_of_a_limit() -> None:
    """It needs the sign of the parameter, which the backward pass does not have any more."""
    total = Name(FLOAT32, "total")
    loop = For("k", Literal(INT32, 40), (AugmentedAssign(total, "add", A),))
    program = kernel(
        FLOAT32,
        HELD,
        Assign(total, Cast(FLOAT32, ZERO)),
        loop,
        stored(FLOAT32, 0, Call(FLOAT32, "f", (total,))),
    )
    assert crossed(program, TRAITS) == (Limit.DYNAMIC_LOOP,)
    straight = msgspec.structs.replace(HELD, adjoint=(Contribute(X, RET),))
    assert crossed(msgspec.structs.replace(program, functions=(straight,)), TRAITS) == ()


def test_statements_of_a_gradient_are_left_out_in_search_of_a_smaller_program() -> None:
    found = {edited.functions[0].adjoint for edited in fewer_statements(NUMBER) if well_formed(edited)}
    assert any(len(adjoint) < 2 for adjoint in found)
