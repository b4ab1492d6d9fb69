"""What respelling promises: another text of the same meaning, and a difference that a script shows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from planted import Defect, sandbox_with
from tiny import AT, apply, literal, program_of

from harness.jobs import BuildOptions
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.probes import PROBES, other_spelling, probed
from harness.probes.metamorphic import METAMORPHIC, Metamorphic, call_in_place, statements_swapped
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.verdict import FailureKind
from harness.verify import jobs, settle, try_expect
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Element,
    Expression,
    Function,
    Name,
    Parameter,
    Program,
    Return,
)
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32, INT32, scalar

EACH = 6
WORD = scalar("uint32")


@pytest.mark.parametrize("spelling", METAMORPHIC, ids=lambda spelling: spelling.name)
def test_a_second_spelling_means_the_same_to_the_bit(spelling: Metamorphic):
    respelled = 0
    for category in CATEGORIES:
        for index in range(EACH):
            program = draw(category, 4, index)
            if program is None or (other := spelling.other(program)) is program:
                continue
            respelled += 1
            assert repr(other) != repr(program)
            inputs = {name: values[None] for name, values in derive(program, 0, Flavour.GENERIC).items()}
            more = {p.name: np.array([[p.low]], np.int32) for p in other.parameters[len(program.parameters) :]}
            before = Evaluator(flattened(program), inputs, native=True).run().arrays
            after = Evaluator(flattened(other), {**inputs, **more}, native=True).run().arrays
            for output in program.outputs:
                np.testing.assert_array_equal(before[output.name], after[output.name], err_msg=repr(other))
    assert respelled >= 3


def drawing(*draws: Expression) -> Program:
    """A kernel that draws from one random state again and again."""
    state, found = Name(WORD, "state"), [Name(FLOAT32, f"x{n}") for n in range(len(draws))]
    seeded = Apply(WORD, "rand_init", (literal(INT32, 5), AT))
    out = Assign(Element(FLOAT32, "out", (AT,)), found[-1])
    return program_of(FLOAT32, Assign(state, seeded), *map(Assign, found, draws), out)


def test_what_draws_from_one_random_state_is_not_swapped():
    state, a = Name(WORD, "state"), Element(FLOAT32, "a", (AT,))
    first, second = (Apply(FLOAT32, op, (state,)) for op in ("randf", "randn"))
    assert statements_swapped(drawn := drawing(first, second)) is drawn
    assert statements_swapped(drawn := drawing(first, a)) is not drawn


@pytest.mark.parametrize("derivative", [False, True])
def test_a_function_with_a_gradient_of_its_own_stays_a_call(derivative: bool):
    x, a, out = Name(FLOAT32, "x"), Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
    square = Function("f", FLOAT32, (Parameter("x", FLOAT32, -2.0, 2.0),), (Return((apply("mul", x, x),)),))
    sloping = msgspec.structs.replace(square, slopes=(apply("mul", literal(FLOAT32, 3.0), x),))
    called = program_of(FLOAT32, Assign(out, literal(FLOAT32, 1.0)))

    def calling(function: Function, derivative: bool = False) -> Program:
        body = (*called.body[:1], Assign(out, Call(FLOAT32, "f", (a,), derivative=derivative)))
        return msgspec.structs.replace(called, body=body, functions=(function,))

    assert call_in_place(plain := calling(square)) is not plain
    assert call_in_place(own := calling(sloping, derivative)) is own


#: a difference whose first operand is a name is built as a sum
WRONG_DIFFERENCE = Defect(
    "_src/codegen.py",
    r"(\n    def emit_BinOp\(adj, node\):\n)",
    r"\1        if isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Name): node.op = ast.Add()\n",
)


def updated() -> Program:
    total = Name(FLOAT32, "total")
    a, b = (Element(FLOAT32, name, (AT,)) for name in "ab")
    return program_of(
        FLOAT32,
        Assign(total, apply("mul", a, literal(FLOAT32, 2.0))),
        AugmentedAssign(total, "sub", b),
        Assign(Element(FLOAT32, "out", (AT,)), total),
    )


def test_a_spelling_that_warp_gets_wrong_is_a_mismatch_that_its_script_shows(
    tmp_path: Path,
):
    program, name = updated(), "update as assignment"
    other = other_spelling(program, name)
    assert other is not program
    with sandbox_with(tmp_path, [WRONG_DIFFERENCE]) as sandbox:
        expectations = [try_expect(program, 0)]
        results = sandbox.run(jobs(expectations), BuildOptions())
        verdicts = settle(expectations, results, sandbox)
        assert verdicts[0].verified
        (verdict,), counted = probed(PROBES[name], expectations, results, verdicts, sandbox)
        assert counted == {0: True}
        failure = verdict.failure
        assert failure is not None
        assert (failure.kind, failure.variant) == (FailureKind.METAMORPHIC_MISMATCH, name)
        script = repro(Shown(program, failure, verdict.inputs, verdict.cotangents))
        assert run_repro(script).fails
    assert run_repro(script).fixed
