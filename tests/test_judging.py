"""What a worker makes of failures: they are laid to known issues in the way in which they showed themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from harness.campaign import judging, lane
from harness.campaign.judging import Judge, manner_of
from harness.campaign.lane import Lane
from harness.campaign.outcomes import Result
from harness.campaign.plan import PROBED, Plan
from harness.jobs import BuildOptions
from harness.oracle.expectation import Expectation
from harness.probes import PROBES, Probe
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import Failure, FailureKind, Outcome, Tier, Verdict, failed, inconclusive
from harness.verify import try_expect, verify_all
from strategies import draw
from strategies.language.nodes import Apply, Assign, Literal, Name, Program, walk
from strategies.language.types import FLOAT32, INT32

PLAN = Plan(0, ("elementwise",))
WRONG = failed(Failure(FailureKind.FORWARD_MISMATCH, "another number", "out"))
RIGHT = Verdict(Outcome.VERIFIED, tier=Tier.BACKWARD, devices=("cpu",))
UNKNOWN = inconclusive("too few results could be checked")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


@pytest.fixture(scope="module")
def remainder(sandbox: Sandbox) -> tuple[Program, Verdict]:
    """A program that a known issue makes fail, with the verdict on it."""
    for seed in range(400):
        program = draw("elementwise", seed, 0)
        if program is None or not any(
            isinstance(node, Apply) and node.op == "mod" and not isinstance(node.arguments[1], Literal)
            for node in walk(program)
        ):
            continue
        (verdict,) = verify_all([program], sandbox)
        if Ledger.load().explain(program, verdict, sandbox, sandbox.versions.warp) is not None:
            return program, verdict
    raise AssertionError("no program shows the known issue")


class Recorder(Judge):
    """Notes how programs are judged."""

    asked: list[tuple[int, BuildOptions, Probe | None]]

    def _judged(
        self, expectations: Sequence[Expectation | Verdict], options: BuildOptions, probe: Probe | None
    ) -> tuple[list[Verdict], dict[int, bool]]:
        self.asked.append((len(expectations), options, probe))
        return super()._judged(expectations, options, probe)


def recorder(sandbox: Sandbox) -> Recorder:
    found = Recorder(PLAN, sandbox, None)
    found.asked = []
    return found


@pytest.mark.parametrize(
    "options", [BuildOptions(optimization_level=2), BuildOptions(cuda_arch=90)], ids=["-O2", "CUDA"]
)
def test_rewritten_programs_are_built_as_those_were_that_failed(
    sandbox: Sandbox, remainder: tuple[Program, Verdict], options: BuildOptions
) -> None:
    judge = recorder(sandbox)
    assert judge._explain_all({3: remainder}, options, None)[3] is not None
    assert judge._explain(*remainder, options) is not None
    assert judge.asked
    assert all(asked == options for _, asked, _ in judge.asked)


def test_rewritten_programs_are_probed_one_by_one(sandbox: Sandbox, remainder: tuple[Program, Verdict]) -> None:
    """Some probes take the first few of a batch alone."""
    probe = PROBES["alone in a module"]
    program, verdict = remainder
    assert verdict.failure is not None
    shown = verdict.because(failure=replace(verdict.failure, variant=probe.name, face=verdict.failure.kind))
    judge = recorder(sandbox)
    assert judge._explain(program, shown, PROBED, probe) is not None
    assert judge.asked
    assert all((count, options, used) == (1, PROBED, probe) for count, options, used in judge.asked)


@pytest.mark.parametrize(
    ("here", "there", "outcome", "devices"),
    [
        (RIGHT, RIGHT, Outcome.VERIFIED, ("cpu", "cuda:0")),
        (RIGHT, WRONG, Outcome.FAILURE, ("cuda:0",)),
        (UNKNOWN, WRONG, Outcome.FAILURE, ("cuda:0",)),
        (WRONG, RIGHT, Outcome.FAILURE, ()),
        (UNKNOWN, RIGHT, Outcome.INCONCLUSIVE, ()),
        (RIGHT, UNKNOWN, Outcome.INCONCLUSIVE, ("cuda:0",)),
    ],
)
def test_what_fails_on_a_device_fails(
    monkeypatch: pytest.MonkeyPatch,
    sandbox: Sandbox,
    here: Verdict,
    there: Verdict,
    outcome: Outcome,
    devices: tuple[str, ...],
) -> None:
    class Device:
        """A stand-in, which is not asked for its results."""

        def run(self, jobs: Sequence[Any], options: BuildOptions) -> list[Any]:
            asked.append(options)
            return []

    device, asked = Device(), list[BuildOptions]()
    monkeypatch.setattr(judging, "settle", lambda given, results, where, options: [there if where is device else here])
    judge = Judge(replace(PLAN, device="cuda:0"), sandbox, device)  # type: ignore[arg-type]
    (found,) = judge._settle([UNKNOWN], [], BuildOptions(optimization_level=0, module={"mode": "debug"}))
    assert (found.outcome, found.devices) == (outcome, devices)
    # what is exact on the CPU is exact there
    assert [options.module for options in asked] == [{"mode": "debug", "fuse_fp": False}]


class Haunted(Lane):
    """Whose programs fail in company."""

    def _judged(
        self, expectations: Sequence[Expectation | Verdict], options: BuildOptions, probe: Probe | None
    ) -> tuple[list[Verdict], dict[int, bool]]:
        if len(expectations) > 1:
            return [WRONG for _ in expectations], {}
        return super()._judged(expectations, options, probe)


def test_what_fails_in_company_and_not_alone_is_no_pair(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "rewritten", lambda *_: [])
    with open(os.devnull, "wb") as nowhere:
        results = Haunted(PLAN, sandbox, None, nowhere.fileno())._batch(range(3))
    assert [result.what for result in results] == ["inconclusive"] * 3
    assert all(isinstance(result, Result) and result.record is None for result in results)


def said(kind: FailureKind, message: str) -> str:
    return manner_of(failed(Failure(kind, message)))


def test_the_manner_of_what_is_refused_is_the_reason_and_not_the_kernel() -> None:
    refused = 'RuntimeError: Error while parsing function "{}" at kernel_{}.py:{}:\nx = y\n;{}'
    first, second = (refused.format(*place, "cannot mix 'a' and 'b'") for place in [("blend", 0, 11), ("scale", 7, 3)])
    other = refused.format("blend", 0, 11, "no such attribute")
    assert said(FailureKind.REJECTED, first) == said(FailureKind.REJECTED, second)
    assert said(FailureKind.REJECTED, first) != said(FailureKind.REJECTED, other)


def test_the_manner_of_what_does_not_compile_is_the_first_error() -> None:
    begun = "Exception: CPU kernel build failed with error code -1\nmodule.cpp:{}:5: error: {}"
    first, second = (begun.format(line, "no matching function for call to 'mul'") for line in (10, 20))
    assert said(FailureKind.BUILD_ERROR, first) == said(FailureKind.BUILD_ERROR, second)
    assert said(FailureKind.BUILD_ERROR, first) != said(FailureKind.BUILD_ERROR, begun.format(10, "expected ';'"))


def test_a_program_over_which_warpsmith_breaks_costs_no_other(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expect(program: Program, seed: int) -> Expectation | Verdict:
        if program == draw("elementwise", 0, 1):
            raise ZeroDivisionError("of the reference")
        return try_expect(program, seed)

    monkeypatch.setattr(lane, "try_expect", expect)
    with open(os.devnull, "wb") as nowhere:
        results = Lane(PLAN, sandbox, None, nowhere.fileno())._batch(range(3))
    assert [result.what for result in results] == ["backward", "broken", "backward"]
    assert "kernel 1 of category elementwise, seed 0: ZeroDivisionError('of the reference')" in results[1].trouble
    assert "in expect" in results[1].trouble


def test_what_is_refused_since_it_was_drawn_wrong_is_invalid(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    program = draw("elementwise", 0, 0)
    assert program is not None
    x = (Assign(Name(INT32, "x"), Literal(INT32, 1)), Assign(Name(FLOAT32, "x"), Literal(FLOAT32, 0.5)))
    wrong = msgspec.structs.replace(program, body=(program.body[0], *x, *program.body[1:]))
    monkeypatch.setattr(Lane, "_program", lambda *_: wrong)
    with open(os.devnull, "wb") as nowhere:
        (result,) = Lane(PLAN, sandbox, None, nowhere.fileno())._batch(range(1))
    assert result.what == "invalid"
