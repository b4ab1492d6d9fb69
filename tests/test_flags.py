"""What a flag of the module chooses while a kernel is compiled: a value, and no name for another variable."""

from __future__ import annotations

from test_after_loops import verdicts
from tiny import AT, apply, program_of

from harness.rewrites.loops import copy_chosen_variables
from harness.sandbox import Sandbox
from harness.verdict import Tier
from strategies import draw
from strategies.language.check import check_program
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Conditional,
    Constant,
    Element,
    Expression,
    For,
    Literal,
    Name,
    Program,
    walk,
)
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type

FIRST, SECOND = Name(FLOAT32, "first"), Name(FLOAT32, "second")
A, B, OUT = (Element(FLOAT32, name, (AT,)) for name in ("a", "b", "out"))


def chosen(flag: bool, then: Expression = FIRST, *, times: Expression = AT, wrapped: bool = True) -> Program:
    """``second = then if USE else b[i]``, changed in a loop, with `first` beside it."""
    test = Constant(BOOL, "USE", Literal(BOOL, flag), wrapped)
    return program_of(
        FLOAT32,
        Assign(FIRST, apply("mul", A, B)),
        Assign(SECOND, Conditional(FLOAT32, test, then, B)),
        For("k", times, (AugmentedAssign(SECOND, "add", Element(FLOAT32, "b", (Name(INT32, "k"),))),)),
        Assign(OUT, apply("add", FIRST, SECOND)),
    )


def test_a_variable_that_a_flag_chooses_is_a_copy(sandbox: Sandbox) -> None:
    copied = chosen(True, apply("pos", FIRST))
    few = Literal(INT32, 3)
    found = verdicts(sandbox, chosen(True), chosen(True, wrapped=False), chosen(False), copied, chosen(True, times=few))
    known = "constant-ternary-aliases"
    assert found == [known, known, Tier.BACKWARD, Tier.BACKWARD, Tier.BACKWARD]


def test_only_what_a_flag_chooses_is_copied() -> None:
    rewritten = copy_chosen_variables(chosen(True))
    assert rewritten == chosen(True, Apply(FLOAT32, "pos", (FIRST,)))
    other = copy_chosen_variables(rewritten)
    assert other is rewritten
    test = Conditional(FLOAT32, Apply(BOOL, "unot", (Constant(BOOL, "USE", Literal(BOOL, True)),)), FIRST, B)
    run = program_of(FLOAT32, Assign(FIRST, A), Assign(SECOND, test), Assign(OUT, apply("add", FIRST, SECOND)))
    assert copy_chosen_variables(run) is run


def test_flags_are_drawn() -> None:
    found = 0
    for category in ("control_flow", "ternary", "constant"):
        for program in (draw(category, 4, n) for n in range(60)):
            assert program is not None
            check_program(program, result_type)
            found += any(isinstance(n, Constant) and n.type is BOOL for n in walk(program))
    assert 3 <= found <= 30
