"""What a worker does: batches, one being built while the next is prepared, and failures that it is asked to reduce."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from corpus.record import encode_record
from harness.expectation import Expectation
from harness.jobs import BuildOptions
from harness.judging import manner_of
from harness.outcomes import Result
from harness.pairs import make_pair, make_provenance
from harness.plan import Plan
from harness.probes import probed
from harness.reduction import Reduction
from harness.sandbox import Sandbox
from harness.verdict import FailureKind, Outcome, Verdict
from harness.verify import jobs, try_expect
from harness.worker.frames import FrameReader, OutOfTime, write_frame
from strategies import draw

MAX_CPP_BYTES: Final = 64 * 1024
"""Pairs with more C++ than this are verified and not stored: ten times the usual size, and more than those
who train on pairs can use."""

CONFIRMED: Final = (FailureKind.CRASH, FailureKind.HANG)
"""Failures that the sandbox has seen twice already, the second time alone; a hang costs all of its CPU time."""

_INVALID: Final = "invalid program"


@dataclass(frozen=True)
class _Prepared:
    """A batch; without the draws that were discarded."""

    indices: Sequence[int]
    expectations: Mapping[int, Expectation | Verdict]


class Lane(Reduction):
    """Draws and verifies what it is asked for.  One batch is being built while the next is prepared."""

    def __init__(self, plan: Plan, sandbox: Sandbox, on_device: Sandbox | None, replies: int) -> None:
        super().__init__(plan, sandbox, on_device)
        self._replies = replies
        self._building: _Prepared | None = None

    def serve(self, reader: FrameReader) -> None:
        """Answer requests until there are no more."""
        waiting: deque[Mapping[str, Any]] = deque()
        while True:
            idle = not waiting and self._building is None
            try:
                frame = reader.read(None if idle else time.monotonic())
            except OutOfTime:
                self._work(waiting)
                continue
            if frame is None:
                return
            # a failure does not wait for batches that were asked for before it was met
            waiting.appendleft(frame) if "reduce" in frame else waiting.append(frame)

    def _work(self, waiting: deque[Mapping[str, Any]]) -> None:
        request = waiting.popleft() if waiting else {}
        if "reduce" in request:
            self._finish()
            index = request["reduce"]
            with self._named(index):
                reduced = self._reduce(index, request["manner"], request["reported"], request["seconds"])
            self._answer({"index": index, "reduced": reduced})
            return
        prepared = self._prepare(request["verify"]) if request else None
        self._finish()
        if prepared is not None:
            self._sandbox.submit(jobs(list(prepared.expectations.values())), self._plan.options(prepared.indices[0]))
            self._building = prepared

    def _answer(self, frame: dict[str, Any]) -> None:
        write_frame(self._replies, frame)

    def _prepare(self, indices: Sequence[int]) -> _Prepared:
        expectations = {}
        for index in indices:
            program = self._program(index)
            if program is not None:
                with self._named(index):
                    expectations[index] = try_expect(program, self._plan.seed)
        return _Prepared(indices, expectations)

    def _finish(self) -> None:
        prepared, self._building = self._building, None
        if prepared is None:
            return
        first = prepared.indices[0]
        options, probe = self._plan.options(first), self._probe(first)
        expectations = list(prepared.expectations.values())
        results = self._sandbox.collect()
        verdicts = self._settle(expectations, results, options)
        counted: dict[int, bool] = {}
        if probe is not None:
            verdicts, counted = probed(probe, expectations, results, verdicts, self._sandbox)
        found = dict(zip(prepared.expectations, zip(expectations, verdicts, strict=True), strict=True))
        drawn = dict(zip(prepared.expectations, range(len(expectations)), strict=True))
        answers = []
        for index in prepared.indices:
            expectation, verdict = found.get(index, (None, None))
            with self._named(index):
                answer = self._result(index, expectation, verdict, options)
            if probe is not None and drawn.get(index) in counted:
                answer = replace(answer, probe=(probe.name, counted[drawn[index]]))
            answers.append(answer)
        self._answer({"results": answers})

    def _result(
        self,
        index: int,
        expectation: Expectation | Verdict | None,
        verdict: Verdict | None,
        options: BuildOptions,
    ) -> Result:
        category, n = self._plan.place(index)
        if verdict is None:
            program = draw(category, self._plan.seed, n)
            return Result(index, category, "discarded" if program is None else "lacking")
        if not isinstance(expectation, Expectation):
            invalid = (verdict.reason or "").startswith(_INVALID)
            return Result(index, category, "invalid" if invalid else "inconclusive")
        program = expectation.program
        known = self._explain(program, verdict, self._probe(index))
        once = verdict.failure is not None and verdict.failure.kind not in CONFIRMED
        if once and known is None and not self._plan.hunt:
            # Alone, for a neighbour may have damaged the memory of the batch. In a hunt that is found out when
            # the failure is reduced.
            (verdict,) = self._verify([program], options)
            known = self._explain(program, verdict)
        if verdict.outcome is Outcome.INCONCLUSIVE:
            return Result(index, category, "inconclusive")
        if known is not None:
            what = f"known:{known}"
            evidence = (program, verdict) if self._plan.keep_known else None
            return Result(index, category, what, manner=what, evidence=evidence)
        if verdict.failure is not None:
            return Result(index, category, "failure", manner=manner_of(verdict), evidence=(program, verdict))
        assert verdict.cpp is not None
        assert verdict.tier is not None
        if len(verdict.cpp.encode()) > MAX_CPP_BYTES:
            return Result(index, category, "too large")
        provenance = make_provenance(self._versions, self._plan.seed, n)
        record = make_pair(program, verdict, options, provenance)
        return Result(index, category, verdict.tier.value, record.structure, encode_record(record))
