"""The derivative of a function without a gradient of its own, written out by the rules of calculus."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from planted import Defect, sandbox_with
from test_own_gradients import OUT, A, X, kernel
from tiny import apply, literal

from harness.oracle.expectation import expect
from harness.sandbox import Sandbox
from harness.shrink import well_formed
from harness.triage import Ledger
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies.language.check import check_program
from strategies.language.differentiation import derivative, derivatives
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Call,
    Compare,
    Conditional,
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
    Unpack,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32, tuple_of
from strategies.ops import result_type

GIVEN = Parameter("x", FLOAT32, 0.5, 2.0)
Y = Name(FLOAT32, "y")
ONE = literal(FLOAT32, 1.0)
ABOVE = Compare(BOOL, (">",), (X, ONE))


def function(*body: Statement, parameters: tuple[Parameter, ...] = (GIVEN,)) -> Function:
    return Function("f", FLOAT32, parameters, body)


def of(value: Expression) -> Function:
    return function(Return((value,)))


def asked(of: Function, *arguments: Expression) -> Program:
    """The gradients of a function, summed, times what they are taken at."""
    given = arguments or (A,)
    count = len(of.parameters)
    call = Call(FLOAT32 if count == 1 else tuple_of([FLOAT32] * count), "f", given, derivative=True)
    if count == 1:
        return kernel(Assign(OUT, apply("mul", call, A)), functions=(of,))
    names = [Name(FLOAT32, f"d{n}") for n in range(count)]
    total = Assign(OUT, apply("mul", apply("add", *names), A))
    return kernel(Unpack(tuple(names), (call,)), total, functions=(of,))


#: A function of `x`, and its derivative.
DERIVED: dict[str, tuple[Function, Callable[[float], float]]] = {
    "sum": (of(apply("sub", apply("add", X, apply("neg", ONE)), apply("mul", X, literal(FLOAT32, 3.0)))), lambda x: -2),
    "product": (of(apply("mul", apply("mul", X, X), X)), lambda x: 3 * x * x),
    "quotient": (of(apply("div", apply("add", X, ONE), apply("mul", X, X))), lambda x: -1 / x**2 - 2 / x**3),
    "sine": (of(apply("sin", apply("mul", X, X))), lambda x: 2 * x * math.cos(x * x)),
    "cosine": (of(apply("cos", X)), lambda x: -math.sin(x)),
    "exponential": (of(apply("exp", apply("neg", X))), lambda x: -math.exp(-x)),
    "logarithm": (of(apply("log", apply("add", ONE, apply("mul", X, X)))), lambda x: 2 * x / (1 + x * x)),
    "root": (of(apply("sqrt", apply("add", X, ONE))), lambda x: 0.5 / math.sqrt(x + 1)),
    "hyperbolic": (of(apply("tanh", X)), lambda x: 1 - math.tanh(x) ** 2),
    "ternary": (of(Conditional(FLOAT32, ABOVE, apply("mul", X, X), X)), lambda x: 2 * x if x > 1 else 1),
    "locals": (
        function(Assign(Y, apply("mul", X, X)), Return((apply("mul", Y, apply("exp", Y)),))),
        lambda x: 2 * x * math.exp(x * x) * (1 + x * x),
    ),
    "early return": (
        function(If(ABOVE, (Return((apply("mul", X, X),)),)), Assign(Y, apply("sin", X)), Return((Y,))),
        lambda x: 2 * x if x > 1 else math.cos(x),
    ),
    "two arms": (
        function(If(ABOVE, (Return((X,)),), (Return((apply("mul", X, X),)),))),
        lambda x: 1 if x > 1 else 2 * x,
    ),
    "constant": (of(literal(FLOAT32, 2.0)), lambda x: 0),
}
ADDED = Literal(INT32, 3)
NOT_DERIVED = {
    "a tie": of(apply("max", X, ONE)),
    "a kink": of(apply("abs", X)),
    "a local that changes": function(Assign(Y, X), AugmentedAssign(Y, "mul", X), Return((Y,))),
    "a local that is assigned again": function(Assign(Y, X), Assign(Y, apply("mul", Y, Y)), Return((Y,))),
    "a loop": function(Assign(Y, X), For("k", ADDED, (AugmentedAssign(Y, "add", X),)), Return((Y,))),
    "another type": function(Return((X,)), parameters=(GIVEN, Parameter("n", INT32, 0, 3))),
    "no parameter": function(Return((ONE,)), parameters=()),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivatives_are_those_of_calculus(name: str) -> None:
    given, slope = DERIVED[name]
    program = asked(given)
    check_program(program, result_type)
    found = expect(program)
    inputs = found.inputs["a"].astype(float).ravel().tolist()
    assert found.outputs["out"].expected.ravel().tolist() == pytest.approx([slope(x) * x for x in inputs], rel=1e-5)
    # nothing moves through the call, so that it is a constant of the backward pass
    ratios = found.gradients["a"].expected / found.cotangents["out"]
    assert ratios.ravel().tolist() == pytest.approx([slope(x) for x in inputs], rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", NOT_DERIVED)
def test_what_has_no_rule_is_not_asked_for(name: str) -> None:
    given = NOT_DERIVED[name]
    assert not derivatives(given)
    if len(given.parameters) == 1:
        assert derivative(given, GIVEN) is None
        with pytest.raises(IllFormed, match="no gradient to be had"):
            check_program(asked(given), result_type)


def test_warp_follows(sandbox: Sandbox) -> None:
    programs = [asked(given) for name, (given, _) in DERIVED.items() if name != "constant"]
    assert "wp.grad(f)(a[i]) * a[i]" in render(programs[0])
    assert all("func_grad" not in render(program) for program in programs)
    assert [verdict.tier for verdict in verify_all(programs, sandbox)] == [Tier.BACKWARD] * len(programs)


def test_a_default_that_is_left_out_is_a_known_issue(sandbox: Sandbox) -> None:
    scaled = Parameter("k", FLOAT32, 0.5, 2.0, default=literal(FLOAT32, 2.0))
    given = function(Return((apply("mul", X, Name(FLOAT32, "k")),)), parameters=(GIVEN, scaled))
    whole, short = asked(given, A, ONE), asked(given, A)
    right, wrong = verify_all([whole, short], sandbox)
    assert right.tier is Tier.BACKWARD
    assert wrong.failure is not None
    assert wrong.failure.kind is FailureKind.BUILD_ERROR
    issue = Ledger.load().explain(short, wrong, sandbox, sandbox.versions.warp)
    assert issue is not None
    assert issue.id == "grad-without-default"


def test_a_wrong_gradient_of_a_function_is_seen_where_it_is_asked_for(tmp_path: Path) -> None:
    """The adjoint of `tanh` is twice what it should be."""
    doubled = Defect("native/builtin.h", r"(adj_x \+= )(\(T\(1\) - ret\*ret\)\*adj_ret;)", r"\1T(2) * \2")
    given, _ = DERIVED["hyperbolic"]
    program = asked(given)
    with sandbox_with(tmp_path, [doubled]) as damaged:
        (verdict,) = verify_all([program], damaged)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.FORWARD_MISMATCH


def test_an_edit_that_leaves_no_derivative_is_not_well_formed() -> None:
    program = asked(DERIVED["product"][0])
    assert well_formed(program)
    assert not well_formed(msgspec.structs.replace(program, functions=(NOT_DERIVED["a kink"],)))
