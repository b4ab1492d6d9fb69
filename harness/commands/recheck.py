"""Verifying stored pairs again, several sandboxes at a time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from corpus.record import Record
from harness.campaign.campaign import default_workers
from harness.campaign.plan import BATCH, CUDA_ARCH
from harness.jobs import BuildOptions, Versions
from harness.oracle.expectation import ATTEMPTS, Expectation
from harness.sandbox import Sandbox
from harness.verdict import Verdict
from harness.verify import jobs, settle, try_expect


@dataclass(frozen=True)
class Recheck:
    """A stored pair and what is found of it now."""

    record: Record
    verdict: Verdict
    versions: Versions
    options: BuildOptions

    @property
    def problem(self) -> str | None:
        """What is not as it was stored; None if all is."""
        stored, now = self.record, self.verdict
        if now.failure is not None:
            return f"{now.failure.kind.sentence} {now.failure.message}"
        if now.tier is None:
            return f"it is {now.outcome.value} now: {now.reason}"
        if now.tier.value != stored.verification.tier:
            return f"it is verified in tier {now.tier.value} now, not in tier {stored.verification.tier}"
        return None

    @property
    def same_text(self) -> bool:
        """Whether Warp makes the same C++ of it, and CUDA if there was any."""
        return self.verdict.cpp == self.record.cpp and self.record.cuda in (None, self.verdict.cuda)


def options_of(record: Record) -> BuildOptions:
    """The build options that a pair was verified under."""
    level = record.verification.options.get("optimization_level", 0)
    return BuildOptions(
        optimization_level=level if isinstance(level, int) else None,
        cuda_arch=None if record.cuda is None else CUDA_ARCH,
    )


def recheck(records: Iterable[Record], workers: int | None = None, python: str = sys.executable) -> Iterator[Recheck]:
    """Verify `records` again, on the inputs and under the options of the first time, with the Warp of `python`.

    In batches, so the order is not quite that of `records`.
    """
    with contextlib.ExitStack() as stack:
        lanes = [_Lane(stack.enter_context(Sandbox(python))) for _ in range(workers or default_workers())]
        for number, batch in enumerate(_batches(records)):
            lane = lanes[number % len(lanes)]
            prepared = [try_expect(r.program, r.verification.inputs_seed // ATTEMPTS) for r in batch]
            yield from lane.collect()
            lane.submit(batch, prepared)
        for lane in lanes:
            yield from lane.collect()


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Batches of records that are built alike."""
    waiting: dict[tuple[int | None, int | None], list[Record]] = {}
    for record in records:
        options = options_of(record)
        batch = waiting.setdefault((options.optimization_level, options.cuda_arch), [])
        batch.append(record)
        if len(batch) == BATCH:
            yield batch.copy()
            batch.clear()
    yield from (batch for batch in waiting.values() if batch)


class _Lane:
    """A sandbox and the batch that it is building."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._building: tuple[list[Record], list[Expectation | Verdict], BuildOptions] | None = None

    def submit(self, batch: list[Record], prepared: list[Expectation | Verdict]) -> None:
        options = options_of(batch[0])
        self._sandbox.submit(jobs(prepared), options)
        self._building = batch, prepared, options

    def collect(self) -> Iterator[Recheck]:
        if self._building is None:
            return
        batch, prepared, options = self._building
        self._building = None
        verdicts = settle(prepared, self._sandbox.collect(), self._sandbox, options)
        for record, expectation, verdict in zip(batch, prepared, verdicts, strict=True):
            found = Recheck(record, verdict, self._sandbox.versions, options)
            if found.problem is None and not found.same_text:
                # Warp names the instances of functions that take functions by a hash, into which goes what is beside
                # them: what counts is what it makes of the kernel alone.
                alone = self._sandbox.run(jobs([expectation]), options)
                (verdict,) = settle([expectation], alone, self._sandbox, options)
                found = Recheck(record, verdict, self._sandbox.versions, options)
            yield found
