"""What must change the hash of a module: kernels that differ in one captured thing, which Warp's hash may miss."""

from __future__ import annotations

import msgspec
import pytest
from test_tiles import BLOCK, X
from test_tiles import kernel as tiled
from tiny import AT, apply, kernel, literal

from harness.jobs import BuildOptions, Job, Status
from harness.probes import PROBES, probed
from harness.probes.hashes import HASHES, VARIED, Hash, Varied, varied
from harness.reports.launch_text import Shown
from harness.reports.reproduction import regression, repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.triage import Ledger, bucket
from harness.verdict import FailureKind, Verdict
from harness.verify import jobs, settle, try_expect
from strategies import draw
from strategies.language.check import check_program
from strategies.language.nodes import Assign, Call, Element, Function, Name, Parameter, Program, Return
from strategies.language.render import render
from strategies.language.types import FLOAT32, FLOAT64, Scalar
from strategies.ops import result_type


def scaling(of: Scalar, default: float | None = None) -> Function:
    """``def scale(x, k): return x * k``, of which `k` has a default perhaps."""
    held = None if default is None else literal(of, default)
    parameters = (Parameter("x", of, -8, 8), Parameter("k", of, -8, 8, default=held))
    x, k = (Name(of, p.name) for p in parameters)
    return Function("scale", of, parameters, (Return((apply("mul", x, k),)),))


def with_function(program: Program, function: Function, *given: str) -> Program:
    """``out[i] = scale(a[i])``, or a tile of that."""
    body = program.body
    if given:
        value = Call(function.type, "scale", tuple(Element(FLOAT32, name, (AT,)) for name in given))
        body = (*body[:-1], Assign(Element(FLOAT32, "out", (AT,)), value))
    found = msgspec.structs.replace(program, functions=(function,), body=body)
    check_program(found, result_type)
    return found


HALVED = kernel(FLOAT64, lambda a, b: apply("add", apply("mul", a, literal(FLOAT64, 0.3)), b))
PLAIN = kernel(FLOAT32, lambda a, b: apply("add", apply("mul", a, literal(FLOAT32, 0.5)), b))
CALLING = with_function(PLAIN, scaling(FLOAT32), "a", "b")
DEFAULT = with_function(PLAIN, scaling(FLOAT32, 3.0), "a")
MAPPING = with_function(tiled(Call(BLOCK, "scale", (X, X))), scaling(FLOAT32))
#: A program, the probe that has a place in it, and the known issue that it meets, if there is one.
CASES = [
    (HALVED, "a constant beyond 32 bits", "constants-hashed-in-32-bits"),
    (PLAIN, "the type of a constant", "constants-hashed-without-type"),
    (PLAIN, "the value of a constant", None),
    (DEFAULT, "a default argument", "default-argument-not-hashed"),
    (MAPPING, "a mapped function", "mapped-function-not-hashed"),
    (CALLING, "a called function", None),
    (PLAIN, "a type as an argument", "type-argument-not-hashed"),
]
KNOWN = [(program, name) for program, name, known in CASES if known]


def through(name: str, program: Program, sandbox: Sandbox) -> tuple[Verdict, dict[int, bool]]:
    expectations = [try_expect(program, 0)]
    results = sandbox.run(jobs(expectations), BuildOptions(0))
    verdicts = settle(expectations, results, sandbox)
    assert verdicts[0].verified
    found, counted = probed(PROBES[name], expectations, results, verdicts, sandbox)
    return found[0], counted


@pytest.mark.parametrize(("program", "name", "known"), CASES, ids=[name for _, name, _ in CASES])
def test_a_hash_that_misses_a_difference_is_a_failure(
    program: Program, name: str, known: str | None, sandbox: Sandbox
) -> None:
    verdict, counted = through(name, program, sandbox)
    assert counted == {0: True}
    assert (verdict.failure is None) == (known is None)
    if verdict.failure is not None:
        assert verdict.failure.kind is FailureKind.STALE_BINARY
        assert verdict.failure.expected != verdict.failure.actual
        issue = Ledger.load().explain(program, verdict, sandbox, sandbox.versions.warp)
        assert issue is not None
        assert issue.id == known


def test_every_hash_has_a_case() -> None:
    assert {name for _, name, _ in CASES} == {probe.name for probe in HASHES}


def test_a_script_runs_the_binary_of_another_kernel(sandbox: Sandbox) -> None:
    verdict, _ = through("a mapped function", MAPPING, sandbox)
    assert verdict.failure is not None
    shown = Shown(MAPPING, verdict.failure, verdict.inputs, verdict.cotangents)
    script = repro(shown)
    assert f"def make({VARIED}):" in script
    assert run_repro(script).fails
    # by itself the second kernel gives what is expected
    first, second = varied("a mapped function", render(MAPPING, "kernel"), MAPPING).values
    assert run_repro(script.replace(f"make({first})", f"make({second})")).fixed
    assert f"make({second})" in regression(shown, "stale", "a sentence")


def test_what_is_no_part_of_the_hash_fails_by_a_bucket_of_its_own(sandbox: Sandbox) -> None:
    """Whatever else is not hashed is not laid to an issue that is known."""
    verdict, _ = through("a mapped function", MAPPING, sandbox)
    assert verdict.failure is not None
    assert bucket(MAPPING, verdict.failure) == "stale-binary-a-mapped-function"
    assert Ledger.load().by_bucket("stale-binary-a-called-function") is None
    assert Ledger.load().by_bucket("stale-binary-the-value-of-a-constant") is None


def test_texts_alone_are_written_for_each_program_and_nothing_is_run(sandbox: Sandbox) -> None:
    source = render(PLAIN, "kernel_a")
    wrong = source.replace("a[i] * 0.5", "a[i] * undefined")
    asked = [Job(source, "kernel_a"), Job(wrong.replace("kernel_a", "kernel_b"), "kernel_b")]
    right, refused = sandbox.run(asked, BuildOptions(0, texts_alone=True))
    assert right.status is Status.OK
    assert "kernel_a" in (right.cpp or "")
    assert len(right.hash) == 64
    assert refused.status is Status.REJECTED
    assert not refused.hash


def test_there_is_a_place_for_each_in_what_is_drawn() -> None:
    def places(probe: Hash, category: str) -> list[Varied]:
        drawn = [p for n in range(40) if (p := draw(category, 9, n)) is not None and not p.overloads]
        return [found for p in drawn if (found := probe.vary(render(p, "kernel"), p)) is not None]

    categories = {"a mapped function": "tile", "a constant beyond 32 bits": "precision"}
    for probe in HASHES:
        found = places(probe, categories.get(probe.name, "function"))
        assert found, probe.name
        assert all(VARIED in one.source and one.values[0] != one.values[1] for one in found)
