"""Arrays that a struct among the parameters holds and the kernel writes: whatever is wrong there is seen, and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted import Defect, plant, sandbox_with
from tiny import AT, apply, literal

from corpus.record import Provenance
from harness.campaign.pairs import make_pair
from harness.jobs import JobResult
from harness.launches import GENERIC, STRIDED, job
from harness.oracle.expectation import Expectation, expect
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.scoring.predictions import Prediction, Scorer
from harness.verdict import Failure, FailureKind, Tier, Verdict
from harness.verify import AROUND, FAST, judge, verify_all
from strategies.language.check import check_program
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Construct,
    Element,
    Evaluate,
    Field,
    Function,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    StructParameter,
    ThreadIndex,
    decode,
    encode,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT32, INT32, VOID, array, struct, vector
from strategies.ops import result_type

VECTOR = vector(3, FLOAT32)
STATE = struct("State", [("x", array(FLOAT32)), ("v", array(VECTOR)), ("gain", FLOAT32), ("total", array(FLOAT32))])
WORLD = struct("World", [("state", STATE), ("f", array(FLOAT32))])
FIELDS = (
    Parameter("w.state.x", array(FLOAT32), 0.25, 2.0, (6,)),
    Parameter("w.state.v", array(VECTOR), -2.0, 2.0, (7,), True),
    Parameter("w.state.gain", FLOAT32, 0.5, 2.0),
    Parameter("w.state.total", array(FLOAT32), -2.0, 2.0, (2,), True),
    Parameter("w.f", array(FLOAT32), -2.0, 2.0, (6,), True),
)
X = Element(FLOAT32, "w.state.x", (AT,))
INNER = Field(STATE, Name(WORLD, "w"), "state")
GAIN = Field(FLOAT32, INNER, "gain")
STORED = Assign(Element(FLOAT32, "w.f", (AT,)), apply("mul", GAIN, apply("sin", X)))
ADDED = AugmentedAssign(
    Element(VECTOR, "w.state.v", (AT,)), "add", Construct(VECTOR, (X, apply("mul", X, X), literal(FLOAT32, 0.5)))
)
SHARED = Atomic("atomic_add", "w.state.total", (Literal(INT32, 1),), apply("mul", X, X))
LOCAL = Element(FLOAT32, "s.total", (Name(INT32, "n"),))
PUSH = Function(
    "push",
    VOID,
    (
        Parameter("s", STATE, 0, 0, output=True),
        Parameter("n", INT32, 0, 1),
        Parameter("e", FLOAT32, -4.0, 4.0),
    ),
    (AugmentedAssign(LOCAL, "add", apply("mul", Name(FLOAT32, "e"), Name(FLOAT32, "e"))),),
)


def kernel(*body: Statement, functions: tuple[Function, ...] = ()) -> Program:
    structs = (StructParameter("w", WORLD),)
    return Program("kernel", "struct", (6,), FIELDS, (ThreadIndex(("i",)), *body), functions, structs)


ALL = kernel(STORED, ADDED, SHARED)
CALLED = kernel(STORED, ADDED, Evaluate(Call(VOID, "push", (INNER, Literal(INT32, 0), X))), functions=(PUSH,))


@pytest.fixture(scope="module")
def run(sandbox: Sandbox) -> tuple[Expectation, JobResult]:
    expectation = expect(ALL)
    (result,) = sandbox.run([job(expectation, "arrays")])
    return expectation, result


def changed(run: tuple[Expectation, JobResult], name: str, *launches: int, **changes: Any) -> Verdict:
    """What is found if one field of one array's results of some launches is another."""
    expectation, result = run
    position = [p.name for p in ALL.parameters].index(name)
    others = [*result.launches]
    for launch in launches:
        arrays = list(others[launch].arrays)
        found = arrays[position]
        assert found is not None
        arrays[position] = replace(found, **{field: change(getattr(found, field)) for field, change in changes.items()})
        others[launch] = replace(others[launch], arrays=tuple(arrays))
    return judge(expectation, replace(result, launches=tuple(others)))


def seen(verdict: Verdict) -> tuple[FailureKind, str | None, bool]:
    assert verdict.failure is not None
    return verdict.failure.kind, verdict.failure.parameter, verdict.failure.gradient


def test_they_are_written_as_fields_and_stored_as_json() -> None:
    for program in (ALL, CALLED):
        check_program(program, result_type)
        assert decode(encode(program)) == program
    source = render(CALLED)
    for line in ("w.f[i] = ", "w.state.v[i] += ", "push(w.state, 0, w.state.x[i])", "def push(s: State, "):
        assert line in source


def test_an_array_that_is_no_output_is_not_written() -> None:
    with pytest.raises(IllFormed, match="no output"):
        check_program(kernel(STORED, Assign(X, literal(FLOAT32, 1.0))), result_type)
    reading = replace_output(PUSH)
    with pytest.raises(IllFormed, match="no output"):
        check_program(kernel(*CALLED.body[1:], functions=(reading,)), result_type)


def replace_output(function: Function) -> Function:
    first, *others = function.parameters
    given = Parameter(first.name, first.type, 0, 0)
    return Function(function.name, function.type, (given, *others), function.body)


def test_right_results_and_gradients_are_verified(sandbox: Sandbox) -> None:
    verdicts = verify_all([ALL, CALLED], sandbox)
    assert [verdict.tier for verdict in verdicts] == [Tier.BACKWARD] * 2, [v.failure for v in verdicts]


def test_their_cotangents_are_given_to_the_backward_pass() -> None:
    found = expect(kernel(STORED))
    x, gain = found.inputs["w.state.x"].astype(float), float(found.inputs["w.state.gain"][0])
    wanted = found.cotangents["w.f"] * gain * np.cos(x)
    np.testing.assert_allclose(found.gradients["w.state.x"].expected, wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ["w.f", "w.state.v", "w.state.total"])
def test_a_wrong_number_in_one_is_seen(run: tuple[Expectation, JobResult], name: str) -> None:
    assert judge(*run).tier is Tier.BACKWARD
    off = changed(run, name, GENERIC, data=lambda values: values + np.float32(0.01))
    assert seen(off) == (FailureKind.FORWARD_MISMATCH, name, False)
    other = changed(run, name, STRIDED, data=lambda values: np.nextafter(values, np.float32(9)))
    assert seen(other) == (FailureKind.LAYOUT_MISMATCH, name, False)


def test_a_wrong_gradient_of_one_beside_them_is_seen(run: tuple[Expectation, JobResult]) -> None:
    found = changed(run, "w.state.x", GENERIC, STRIDED, gradient=lambda values: values + np.float32(0.01))
    assert seen(found) == (FailureKind.BACKWARD_MISMATCH, "w.state.x", True)


@pytest.mark.parametrize("name", ["w.f", "w.state.v"])
def test_a_write_beside_one_is_seen(run: tuple[Expectation, JobResult], name: str) -> None:
    found = changed(run, name, GENERIC, canary_intact=lambda intact: False)
    assert seen(found)[:2] == (FailureKind.MEMORY, name)


def test_defects_of_warp_are_seen_through_them(tmp_path: Path) -> None:
    """A sum in place that is not passed on, and a sine with another sign in its adjoint."""
    sine = Defect("native/builtin.h", r"(void adj_sin\([^)]*\)[\s\\]*\{[\s\\]*adj_x )\+=", r"\1-=")
    with sandbox_with(tmp_path, [sine]) as broken:
        wrong, fine = verify_all([ALL, kernel(ADDED, SHARED)], broken)
    assert fine.tier is Tier.BACKWARD
    assert seen(wrong) == (FailureKind.BACKWARD_MISMATCH, "w.state.x", True)
    assert wrong.failure is not None
    script = repro(Shown(ALL, wrong.failure, wrong.inputs, wrong.cotangents))
    ran = run_repro(script)
    assert ran.fixed, ran.output


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.LAYOUT_MISMATCH, "", "w.f", False, (2,), 1.0, 0.0, 0.0, "strided"),
        Failure(FailureKind.LAYOUT_MISMATCH, "", "w.state.x", True, (2,), 1.0, 0.0, 0.0, "strided"),
    ],
    ids=lambda failure: f"{failure.kind.value}-{failure.parameter}",
)
def test_a_script_takes_what_is_right_for_fixed(failure: Failure) -> None:
    found = expect(ALL)
    script = repro(Shown(ALL, failure, found.inputs, found.cotangents))
    ran = run_repro(script)
    assert ran.fixed, ran.output


def test_a_store_beyond_the_end_of_one_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = expect(ALL)
    failure = Failure(FailureKind.MEMORY, f"{AROUND} was changed", "w.f")
    script = repro(Shown(ALL, failure, found.inputs, found.cotangents))
    assert run_repro(script).fixed
    beyond = Defect("native/array.h", r"(    index\(buf, i\) = value;)", r"\1 (&index(buf, i))[1] = value;")
    monkeypatch.setenv("PYTHONPATH", str(plant(tmp_path / "planted", [beyond])))
    ran = run_repro(script)
    assert ran.fails, ran.output


def test_what_is_predicted_of_them_is_scored(sandbox: Sandbox) -> None:
    (verdict,) = verify_all([ALL], sandbox)
    record = make_pair(ALL, verdict, FAST, Provenance(warp="", numpy="", hypothesis="", warpsmith="", seed=0, index=0))
    text = record.cpp
    with Scorer(run_seconds=1) as scorer:
        texts = (text, text.replace("wp::sin(", "wp::cos("))
        right, wrong = scorer.scores((record, Prediction(record.id, cpp=of)) for of in texts)
    assert (right.forward, right.backward, right.message) == (True, True, "")
    assert wrong.forward is False


def test_a_struct_with_arrays_is_not_copied_around_a_call() -> None:
    assert REWRITES["pass_copies_of_structs"](CALLED) is CALLED
