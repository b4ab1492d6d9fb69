"""Functions that draw: a state is passed by value, so that the caller's is not advanced, but for what is returned."""

from __future__ import annotations

import msgspec
import pytest
from tiny import AT, apply, program_of

from harness.oracle.expectation import TRAITS
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Element,
    Function,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    Unpack,
    walk,
)
from strategies.language.types import FLOAT32, INT32, Type
from strategies.ops import result_type

WORD = t.scalar("uint32")
S, GIVEN, DRAWN = Name(WORD, "s"), Name(WORD, "state"), Name(FLOAT32, "u")
PASSED = (Parameter("state", WORD, 0, 2**32 - 1),)
A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
START = Assign(S, Apply(WORD, "rand_init", (Literal(INT32, 7), AT)))


def draw(state: Name) -> Apply:
    return Apply(FLOAT32, "randf", (state,))


#: the second draw of a state that is passed
SECOND = Function("f", FLOAT32, PASSED, (Assign(DRAWN, draw(GIVEN)), Return((draw(GIVEN),))))
#: a draw, and where the state is after it
PAIR = t.tuple_of([FLOAT32, WORD])
BOTH = Function("f", PAIR, PASSED, (Assign(DRAWN, draw(GIVEN)), Return((DRAWN, GIVEN))))
#: a draw from a state of its own
SEEDED = Function(
    "f",
    FLOAT32,
    (Parameter("seed", INT32, 0, 9), Parameter("place", INT32, 0, 5)),
    (
        Assign(GIVEN, Apply(WORD, "rand_init", (Name(INT32, "seed"), Name(INT32, "place")))),
        Assign(DRAWN, draw(GIVEN)),
        Return((draw(GIVEN),)),
    ),
)
SCALED = Function(
    "f",
    FLOAT32,
    (*PASSED, Parameter("x", FLOAT32, -2.0, 2.0)),
    (Return((apply("mul", Name(FLOAT32, "x"), draw(GIVEN)),)),),
)


def kernel(function: Function, *body: Statement) -> Program:
    program = msgspec.structs.replace(program_of(FLOAT32), body=(program_of(FLOAT32).body[0], *body))
    found = msgspec.structs.replace(program, functions=(function,))
    check_program(found, result_type)
    return found


def call(of: Type = FLOAT32, *more: Element) -> Call:
    return Call(of, "f", (S, *more))


#: what is stored is a draw after the function's, from the caller's state
AFTER = kernel(SECOND, START, Assign(Name(FLOAT32, "x"), call()), Assign(OUT, draw(S)))
#: from the state that the function gave back
HANDED = kernel(BOTH, START, Unpack((DRAWN, S), (call(PAIR),)), Assign(OUT, draw(S)))
INSIDE = kernel(SECOND, START, Assign(OUT, call()))
MADE = kernel(SEEDED, Assign(OUT, Call(FLOAT32, "f", (Literal(INT32, 7), AT))))


@pytest.mark.parametrize(
    ("program", "expected"),
    [(AFTER, 1), (HANDED, 2), (INSIDE, 2), (MADE, 2)],
    ids=["after a call", "handed on", "inside", "made"],
)
def test_a_call_advances_no_state_but_that_which_it_gives_back(program: Program, expected: int) -> None:
    """What the first thread stores is its draw of that number."""
    inputs = {name: values[None] for name, values in derive(program, 0, Flavour.GENERIC).items()}
    stored = Evaluator(program, inputs, native=True).run().arrays["out"][0, 0, 0]
    seeded = (
        Evaluator(kernel(SECOND, START, Assign(Name(WORD, "k"), S), Assign(OUT, draw(S))), inputs, native=True)
        .run()
        .arrays["out"][0, 0, 0]
    )
    first = kernel(SECOND, START, *[Assign(Name(FLOAT32, f"x{n}"), draw(S)) for n in range(expected - 1)],
                   Assign(OUT, draw(S)))  # fmt: skip
    assert stored == Evaluator(first, inputs, native=True).run().arrays["out"][0, 0, 0]
    assert (stored == seeded) == (expected == 1)


def test_warp_passes_states_by_value(sandbox: Sandbox) -> None:
    live = [
        msgspec.structs.replace(p, body=(*p.body[:-1], Assign(OUT, apply("mul", p.body[-1].value, A))))
        for p in (AFTER, HANDED, INSIDE, MADE)
    ]
    assert [v.tier for v in verify_all(live, sandbox)] == [Tier.BACKWARD] * 4


def test_the_adjoint_of_a_function_sees_a_state_as_it_was_copied(sandbox: Sandbox) -> None:
    """Warp passes the variable that later draws have advanced; with a copy it cannot."""
    program = kernel(
        SCALED,
        START,
        Assign(Name(FLOAT32, "x"), call(FLOAT32, A)),
        Assign(OUT, apply("add", Name(FLOAT32, "x"), draw(S))),
    )
    assert crossed(program, TRAITS) == ()
    copied = REWRITES["copy_states"](program)
    (found,) = [node for node in walk(copied.body[2]) if isinstance(node, Call)]
    assert found.arguments[0] == apply("add", S, Literal(WORD, 0))
    assert REWRITES["copy_states"](MADE) is MADE
    wrong, right = verify_all([program, copied], sandbox)
    assert wrong.failure is not None
    assert wrong.failure.gradient
    assert right.tier is Tier.BACKWARD
