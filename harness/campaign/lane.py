"""What a worker does: batches, one after the other, and failures that it is asked to reduce."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from corpus.record import encode_record
from harness.campaign.judging import Lost, manner_of
from harness.campaign.memory import give_memory_back
from harness.campaign.outcomes import Result
from harness.campaign.pairs import make_pair, make_provenance
from harness.campaign.plan import Plan
from harness.campaign.reduction import Reduction, in_language
from harness.jobs import BuildOptions
from harness.oracle.expectation import Expectation
from harness.sandbox import Sandbox
from harness.verdict import FailureKind, Outcome, Verdict
from harness.verify import try_expect
from harness.worker.frames import FrameReader, OutOfTime, write_frame
from strategies import draw
from strategies.language.remembered import forget

MAX_CPP_BYTES: Final = 64 * 1024
"""Pairs with more C++ than this are verified and not stored: three times the usual size, and more than those
who train on pairs can use."""

CONFIRMED: Final = (FailureKind.CRASH, FailureKind.HANG)
"""Failures that the sandbox has seen twice already, the second time alone; a hang costs all of its CPU time."""


class Lane(Reduction):
    """Draws and verifies what it is asked for.

    It keeps one core busy: either its own process works or its sandbox does, and there is a worker for every core.
    """

    def __init__(self, plan: Plan, sandbox: Sandbox, on_device: Sandbox | None, replies: int) -> None:
        super().__init__(plan, sandbox, on_device)
        self._replies = replies

    def serve(self, reader: FrameReader) -> None:
        """Answer requests until there are no more."""
        waiting: deque[Mapping[str, Any]] = deque()
        while True:
            try:
                frame = reader.read(time.monotonic() if waiting else None)
            except OutOfTime:
                write_frame(self._replies, self._answer(waiting.popleft()))
                forget()
                give_memory_back()
                continue
            if frame is None:
                return
            # a failure does not wait for batches that were asked for before it was met
            waiting.appendleft(frame) if "reduce" in frame else waiting.append(frame)

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "verify" in request:
            return {"results": self._batch(request["verify"])}
        index = request["reduce"]
        with self._named(index):
            reduced = self._reduce(index, request["manner"], request["reported"], request["seconds"])
        return {"index": index, "reduced": reduced}

    def _batch(self, indices: Sequence[int]) -> list[Result]:
        """What became of the programs of a batch, in order; one over which something unexpected happens is left out."""
        broken: dict[int, Result] = {}
        while True:
            try:
                found = iter(self._found([index for index in indices if index not in broken]))
                return [broken[index] if index in broken else next(found) for index in indices]
            except Lost as lost:
                trace = "".join(traceback.format_exception(lost.__cause__))
                category, _ = self._plan.place(lost.index)
                broken[lost.index] = Result(lost.index, category, "broken", trouble=f"{lost}\n{trace}")

    def _found(self, indices: Sequence[int]) -> list[Result]:
        """What became of programs that are built together."""
        if not indices:
            return []
        options, probe = self._plan.options(indices[0]), self._probe(indices[0])
        expected: dict[int, Expectation | Verdict] = {}
        for index in indices:
            program = self._program(index)
            if program is not None:
                with self._named(index):
                    expected[index] = try_expect(program, self._plan.seed)
        expectations = list(expected.values())
        verdicts, counted = self._judged(expectations, options, probe)
        found = dict(zip(expected, zip(expectations, verdicts, strict=True), strict=True))
        failing = {
            index: (of.program, verdict)
            for index, (of, verdict) in found.items()
            if isinstance(of, Expectation) and verdict.failure is not None
        }
        known = self._explain_all(failing, options, probe)
        probes = {index: (probe.name, counted[n]) for n, index in enumerate(expected) if probe and n in counted}
        answers = []
        for index in indices:
            expectation, verdict = found.get(index, (None, None))
            with self._named(index):
                result = self._result(index, expectation, verdict, options, known.get(index))
            answers.append(replace(result, probe=probes[index]) if index in probes else result)
        return answers

    def _result(
        self,
        index: int,
        expectation: Expectation | Verdict | None,
        verdict: Verdict | None,
        options: BuildOptions,
        known: str | None,
    ) -> Result:
        category, n = self._plan.place(index)
        if verdict is None:
            program = draw(category, self._plan.seed, n)
            return Result(index, category, "discarded" if program is None else "lacking")
        if not isinstance(expectation, Expectation):
            return Result(index, category, verdict.outcome.value)
        program = expectation.program
        once = verdict.failure is not None and verdict.failure.kind not in CONFIRMED
        if once and known is None and not self._plan.hunt:
            # Alone, for a neighbour may have damaged the memory of the batch. In a hunt that is found out when
            # the failure is reduced.
            (verdict,) = self._verify([program], options)
            if verdict.failure is None:
                # a pair is what has never failed
                return Result(index, category, "inconclusive")
            known = self._explain(program, verdict, options)
        if verdict.outcome is Outcome.INCONCLUSIVE:
            return Result(index, category, "inconclusive")
        if known is not None:
            what = f"known:{known}"
            evidence = (program, verdict) if self._plan.keep_known else None
            return Result(index, category, what, manner=what, evidence=evidence)
        if verdict.failure is not None:
            if not in_language(program):
                return Result(index, category, "invalid")
            return Result(index, category, "failure", manner=manner_of(verdict), evidence=(program, verdict))
        assert verdict.cpp is not None
        assert verdict.tier is not None
        if len(verdict.cpp.encode()) > MAX_CPP_BYTES:
            return Result(index, category, "too large")
        provenance = make_provenance(self._versions, self._plan.seed, n)
        record = make_pair(program, verdict, options, provenance)
        return Result(index, category, verdict.tier.value, record.structure, encode_record(record))
