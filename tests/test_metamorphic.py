"""What respelling promises: another text of the same meaning, and a difference that a script shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted import Defect, sandbox_with
from tiny import AT, apply, literal, program_of

from harness.inputs import Flavour, derive
from harness.jobs import BuildOptions
from harness.probes import PROBES, other_spelling, probed
from harness.probes.metamorphic import METAMORPHIC, Metamorphic
from harness.reference import Evaluator
from harness.reproduction import Shown, repro, run_repro
from harness.verdict import FailureKind
from harness.verify import jobs, settle, try_expect
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Assign, AugmentedAssign, Element, Name, Program
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32

EACH = 6


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
