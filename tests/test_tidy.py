"""What is left out of a drawn kernel, and what is divided into steps: the kernel means the same, and says less."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest
from evaluating import evaluate
from tiny import apply, literal, program_of

import strategies.kernel
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import InvalidProgram
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Call,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Element,
    Expression,
    For,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    walk,
)
from strategies.language.render import expression
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type
from strategies.steps import LONG, in_steps
from strategies.tidy import tidied

AT, N = Name(INT32, "i"), Name(INT32, "n")
A, B, OUT = (Element(FLOAT32, name, (AT,)) for name in ("a", "b", "out"))
X, Y = Name(FLOAT32, "x"), Name(FLOAT32, "y")
V = Name(t.vector(2, FLOAT32), "v")


def number(value: float) -> Literal:
    return literal(FLOAT32, value)


def above(left: Expression, right: float = 0.0) -> Compare:
    return Compare(BOOL, (">",), (left, number(right)))


def loop(*body: Statement) -> For:
    return For("n", literal(INT32, 3), body)


def left_of(*body: Statement) -> tuple[Statement, ...]:
    """What stays of a kernel's statements, without the thread index."""
    return tidied(program_of(FLOAT32, *body)).body[1:]


STORE_A, STORE_X = Assign(OUT, A), Assign(OUT, X)


@pytest.mark.parametrize(
    "body",
    [
        (Assign(X, A), STORE_A),
        (Assign(X, A), AugmentedAssign(X, "add", B), STORE_A),
        (Assign(X, A), Assign(Y, X), STORE_A),
        (Assign(V, Construct(V.type, (A, B))), Assign(Component(FLOAT32, V, literal(INT32, 0)), B), STORE_A),
        (If(above(A), (Assign(X, A),), (Assign(Y, B),)), STORE_A),
        (Assign(X, A), loop(AugmentedAssign(X, "mul", B)), STORE_A),
        (loop(If(above(A), (Break(),))), STORE_A),
    ],
    ids=["local", "changed", "chain", "component", "branch", "loop", "loop that only leaves"],
)
def test_what_nothing_reads_is_left_out(body: tuple[Statement, ...]) -> None:
    assert left_of(*body) == (STORE_A,)


@pytest.mark.parametrize(
    "body",
    [
        (Assign(X, A), STORE_X),
        # read in the next iteration
        (Assign(X, A), Assign(Y, B), loop(AugmentedAssign(X, "add", Y), Assign(Y, X)), STORE_X),
        # read where the loop is left, or goes on
        (Assign(X, A), loop(If(above(B), (Assign(X, B), Break())), Assign(X, A)), STORE_X),
        (Assign(X, A), loop(If(above(X), (Assign(X, B), Continue())), AugmentedAssign(X, "add", A)), STORE_X),
        # read on one of two paths
        (Assign(X, A), If(above(B), (Assign(X, B),)), STORE_X),
        # what the loop runs to may be looked at again
        (Assign(N, literal(INT32, 3)), For("k", N, (AugmentedAssign(OUT, "add", A), Assign(N, AT)))),
        # a first value, which branches replace
        (Assign(X, A), If(above(B), (Assign(X, B),), (Assign(X, A),)), STORE_X),
        (If(above(A), (STORE_A, Return())), Assign(OUT, B)),
    ],
    ids=["read", "carried", "break", "continue", "path", "bound", "first value", "return"],
)
def test_what_is_read_on_some_path_stays(body: tuple[Statement, ...]) -> None:
    assert left_of(*body) == body


def test_a_value_that_is_overwritten_is_left_out() -> None:
    assert left_of(Assign(X, A), Assign(X, B), STORE_X) == (Assign(X, B), STORE_X)


def test_a_branch_that_is_left_alone_in_its_else_is_turned_round() -> None:
    (branch,) = left_of(If(above(A), (Assign(X, A),), (STORE_A,)))
    assert branch == If(Compare(BOOL, ("<=",), above(A).operands), (STORE_A,))
    both = Logical(BOOL, "and", (above(A), above(B)))
    (branch,) = left_of(If(both, (Assign(X, A),), (STORE_A,)))
    assert branch == If(Apply(BOOL, "unot", (both,)), (STORE_A,))


def test_the_opposite_of_not_a_whole_number_is_a_truth_value() -> None:
    whole = Apply(INT32, "bit_and", (AT, Literal(INT32, 1)))
    (branch,) = left_of(If(Apply(BOOL, "unot", (whole,)), (Assign(X, A),), (STORE_A,)))
    assert branch == If(Compare(BOOL, ("!=",), (whole, Literal(INT32, 0))), (STORE_A,))


def test_a_continue_that_nothing_follows_is_left_out() -> None:
    grows = AugmentedAssign(OUT, "add", A)
    assert left_of(loop(grows, If(above(B), (Continue(),)))) == (loop(grows),)
    inner = loop(If(above(B), (Continue(),)), grows)
    assert left_of(inner) == (inner,)


def test_calls_with_effects_and_steps_of_a_random_generator_stay() -> None:
    cell = Element(FLOAT32, "cells", (literal(INT32, 0),))
    cells = Parameter("cells", t.array(FLOAT32), 0.0, 0.0, (6,), True)
    writes = Function("put", FLOAT32, (cells,), (Assign(cell, number(1.0)), Return((number(2.0),))))
    call = Assign(X, Call(FLOAT32, "put", (Name(t.array(FLOAT32), "out"),)))
    found = msgspec.structs.replace(program_of(FLOAT32, STORE_A), functions=(writes,))
    found = msgspec.structs.replace(found, body=(*found.body, call))
    assert call in tidied(found).body

    state = Name(t.scalar("uint32"), "state")
    begin = Assign(state, Apply(state.type, "rand_init", (literal(INT32, 1), AT)))
    step = Assign(X, Apply(FLOAT32, "randf", (state,)))
    body = (begin, step, Assign(OUT, Apply(FLOAT32, "randf", (state,))))
    assert left_of(*body) == body


def test_parameters_that_nothing_names_are_left_out() -> None:
    assert [p.name for p in tidied(program_of(FLOAT32, Assign(X, B), STORE_A)).parameters] == ["a", "out"]


def both(category: str, index: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, Program]:
    """A program as it was drawn, and as it is given."""
    seen: list[Program] = []

    def tidied_and_kept(program: Program) -> Program:
        seen.append(program)
        return tidied(program)

    monkeypatch.setattr(strategies.kernel, "tidied", tidied_and_kept)
    found = draw(category, 31, index)
    assert found is not None
    return seen[-1], found


def results(program: Program, inputs: dict[str, Any]) -> dict[str, Any]:
    names = {p.name for p in program.parameters}
    return evaluate(program, {name: values for name, values in inputs.items() if name in names})


def test_kernels_mean_the_same_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for category, index in itertools.product(CATEGORIES, range(6)):
        before, after = both(category, index, monkeypatch)
        check_program(after, result_type)
        if before == after or any(isinstance(getattr(n, "type", None), t.Tile) for n in walk(before)):
            continue
        if not {p.name for p in after.parameters} <= {p.name for p in before.parameters}:
            # one got the name of a keyword of C++ in the end
            continue
        inputs = derive(before, 0, Flavour.GENERIC)
        try:
            first, then = results(before, inputs), results(after, inputs)
        except InvalidProgram:
            continue
        for output in after.outputs:
            np.testing.assert_array_equal(first[output.name], then[output.name])
        compared += 1
    assert compared > 60


# ---------------------------------------------------------------- steps


def chain(of: Expression, count: int) -> Expression:
    for n in range(count):
        of = apply("sin", apply("add", of, B if n % 2 else A))
    return of


def names() -> Any:
    return (f"t{n}" for n in itertools.count())


def test_long_expressions_become_steps_that_fit_on_a_line() -> None:
    long = program_of(FLOAT32, Assign(OUT, chain(A, 24)))
    fresh = names()
    found = in_steps(long, lambda: next(fresh))
    check_program(found, result_type)
    values = [s.value for s in found.body if isinstance(s, Assign)]
    assert len(values) > 2
    assert max(len(expression(value)) for value in values) <= LONG
    inputs = derive(long, 0, Flavour.GENERIC)
    np.testing.assert_array_equal(evaluate(long, inputs)["out"], evaluate(found, inputs)["out"])


def test_nothing_is_taken_out_of_what_may_not_be_evaluated() -> None:
    arm = Conditional(FLOAT32, above(A), chain(A, 9), B)
    assert len(expression(arm)) > LONG
    long = program_of(FLOAT32, Assign(OUT, arm))
    assert in_steps(long, lambda: "t0") == long


def test_lines_of_loops_stay_as_they_are() -> None:
    long = program_of(FLOAT32, loop(AugmentedAssign(OUT, "add", chain(A, 12))))
    assert in_steps(long, lambda: "t0") == long
