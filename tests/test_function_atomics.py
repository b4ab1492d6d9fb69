"""Atomics in functions: what they put into cells that threads share, what is returned of them, and the limits."""

from __future__ import annotations

import msgspec
import numpy as np
from test_atomics import TOTAL, I, Y, at, evaluate, program, whole

from harness.launches import job, launches
from harness.oracle.expectation import TRAITS, expect
from harness.sandbox import Sandbox
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Call,
    Compare,
    Conditional,
    Element,
    Evaluate,
    Expression,
    Function,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
)
from strategies.language.types import BOOL, FLOAT32, INT32, VOID, Scalar
from strategies.ops import result_type

CELL, SLOT = Name(INT32, "cell"), Name(INT32, "slot")


def cells(of: Scalar, name: str = "cells") -> Parameter:
    return Parameter(name, t.array(of), 0, 0, (8,), True)


AT_CELL = Parameter("cell", INT32, 0, 7)
VALUE = Name(FLOAT32, "value")
DEPOSIT = Function(
    "deposit",
    VOID,
    (cells(FLOAT32), AT_CELL, Parameter("value", FLOAT32, -9.0, 9.0)),
    (Atomic("atomic_add", "cells", (CELL,), VALUE),),
)
CLAIM = Function(
    "claim",
    INT32,
    (cells(INT32), AT_CELL),
    (Atomic("atomic_add", "cells", (CELL,), whole(1), None, SLOT), Return((SLOT,))),
)
#: what it gives depends on what the cell held by a test alone
FULL = Function(
    "claim",
    INT32,
    (cells(INT32), AT_CELL),
    (
        Atomic("atomic_add", "cells", (CELL,), whole(1), None, SLOT),
        If(Compare(BOOL, (">=",), (SLOT, whole(2))), (Return((whole(-1),)),)),
        Return((whole(1),)),
    ),
)
#: what it gives does not
BLIND = Function(
    "claim",
    INT32,
    (cells(INT32), AT_CELL),
    (Atomic("atomic_add", "cells", (CELL,), whole(1), None, SLOT), Return((whole(0),))),
)
#: a list for each thread
PUSH = Function(
    "push",
    VOID,
    (cells(INT32, "counts"), cells(INT32, "items"), AT_CELL),
    (
        Atomic("atomic_add", "counts", (CELL,), whole(1), None, SLOT),
        Assign(Element(INT32, "items", (SLOT,)), whole(1)),
    ),
)


def with_functions(*functions: Function, body: tuple[Statement, ...], of: Scalar = INT32) -> Program:
    found = msgspec.structs.replace(program(*body, of=of), functions=functions)
    check_program(found, result_type)
    return found


def given(name: str, of: Scalar) -> Name:
    return Name(t.array(of), name)


def claim(index: Expression = I, array: str = "own") -> Call:
    return Call(INT32, "claim", (given(array, INT32), index))


PARITY = Apply(INT32, "mod", (I, whole(2)))
ADD = Evaluate(Call(VOID, "deposit", (given("shared", FLOAT32), PARITY, at("x", of=FLOAT32))))


def test_threads_add_to_shared_cells_through_a_function() -> None:
    before, after = evaluate(with_functions(DEPOSIT, body=(ADD,), of=FLOAT32))
    expected = [np.sum(before["x"][first::2]) for first in (0, 1)]
    assert after["shared"].tolist() == expected


def test_a_function_gives_what_the_cell_held() -> None:
    before, after = evaluate(with_functions(CLAIM, body=(Assign(at("out"), claim()),)))
    assert after["out"].tolist() == before["own"].tolist()
    assert after["own"].tolist() == (before["own"] + 1).tolist()


def test_warp_follows(sandbox: Sandbox) -> None:
    first = Compare(BOOL, ("==",), (claim(PARITY, "shared"), whole(0)))
    told = Atomic("atomic_add", "own", (whole(0),), Conditional(INT32, first, whole(1), whole(0)))
    programs = [
        with_functions(DEPOSIT, body=(ADD, Assign(TOTAL, Y)), of=FLOAT32),
        with_functions(CLAIM, body=(told, Assign(TOTAL, Apply(FLOAT32, "mul", (Y, Y))))),
    ]
    assert [v.tier for v in verify_all(programs, sandbox)] == [Tier.BACKWARD] * 2


def limits(function: Function, *body: Statement) -> tuple[Limit, ...]:
    square = Assign(TOTAL, Apply(FLOAT32, "mul", (Y, Y)))
    return crossed(with_functions(function, body=(*body, square)), TRAITS)


def test_what_a_function_gives_of_an_atomic_is_no_index_in_the_backward_pass() -> None:
    """It runs again there, and gives another: the guide of Warp offers a replay of its own."""
    stored = Assign(at("out", Name(INT32, "s")), whole(1))
    taken = Assign(Name(INT32, "s"), claim())
    assert limits(CLAIM, taken, stored) == (Limit.ATOMIC_RETURNED,)
    assert limits(FULL, taken, stored) == (Limit.ATOMIC_RETURNED,)
    assert limits(BLIND, taken, stored) == ()
    assert limits(CLAIM, taken, Assign(at("out"), Name(INT32, "s"))) == ()


def test_a_function_that_stores_at_such_a_place_is_outside_of_the_limit() -> None:
    call = Evaluate(Call(VOID, "push", (given("own", INT32), given("out", INT32), I)))
    assert limits(PUSH, call) == (Limit.ATOMIC_RETURNED,)


def test_the_backward_pass_does_not_run_where_it_would_lack_such_an_index() -> None:
    zero = Parameter("own", t.array(INT32), 0, 0, (5,), True)
    found = with_functions(
        CLAIM,
        body=(
            Assign(Name(INT32, "s"), claim()),
            Assign(at("out", Apply(INT32, "add", (I, Name(INT32, "s")))), whole(1)),
            Assign(TOTAL, Apply(FLOAT32, "mul", (Y, Y))),
        ),
    )
    parameters = tuple(zero if p.name == "own" else p for p in found.parameters)
    expectation = expect(msgspec.structs.replace(found, parameters=parameters))
    assert expectation.limits == (Limit.ATOMIC_RETURNED,)
    assert not any(launch.backward for launch in job(expectation, "known").launches)


def test_what_is_added_again_in_each_backward_pass_is_no_defect(sandbox: Sandbox) -> None:
    """Of a number, which moves no derivative; the gradient of what the array held differs from pass to pass."""
    one = Evaluate(Call(VOID, "deposit", (given("own", FLOAT32), I, Literal(FLOAT32, 1.0))))
    held = at("own", of=FLOAT32)
    squared = with_functions(DEPOSIT, body=(one, Assign(TOTAL, Apply(FLOAT32, "mul", (held, held)))), of=FLOAT32)
    assert [name for name, launch in launches(expect(squared)).items() if launch.reused] == []
    (verdict,) = verify_all([squared], sandbox)
    assert verdict.failure is None
