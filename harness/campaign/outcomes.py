"""What a worker tells of a program, and of a failure that it made small."""

from __future__ import annotations

from dataclasses import dataclass

from harness.reports.report import Draft
from harness.shrink import Reduced
from harness.triage import bucket
from harness.verdict import Verdict
from strategies.language.nodes import Program


@dataclass(frozen=True)
class Result:
    """What became of one program of a campaign.

    `what` is "backward" or "forward" for a verified pair, with the `record` as it will be stored, and else
    "inconclusive", "invalid", "discarded", "lacking", "too large", "known:<id>", "failure", or "broken" if warpsmith
    itself broke over it; `trouble` says how.
    """

    index: int
    category: str
    what: str
    structure: str = ""
    record: bytes | None = None
    #: for a failure: in which manner it fails, roughly; failures of one bug share it
    manner: str = ""
    #: for a failure, and for a known issue that is to be kept: the program and what was found
    evidence: tuple[Program, Verdict] | None = None
    trouble: str = ""
    #: the probe that it went through, and whether that counted
    probe: tuple[str, bool] | None = None

    @property
    def verified(self) -> bool:
        """Whether there is a pair to store."""
        return self.record is not None


@dataclass(frozen=True)
class ReducedFailure:
    """A failure, made small, or as it was found if that could not be done; `trouble` says why, then.

    `bucket` is the id of the known issue that it is, if it is one.  `others` are further defects that were met
    on the way, made small as well.  `of_batch` says that the program never ran but beside others, of which one may
    have damaged its memory.  `report` is ready to be stored; None if none was drafted.
    """

    bucket: str
    reduced: Reduced
    device: str
    trouble: str = ""
    others: tuple[ReducedFailure, ...] = ()
    of_batch: bool = False
    report: Draft | None = None

    @classmethod
    def of(cls, reduced: Reduced, known: str | None = None, trouble: str = "") -> ReducedFailure:
        """With its bucket; `known` is the id of the issue that explains it."""
        failure = reduced.verdict.failure
        assert failure is not None
        device = reduced.verdict.devices[-1] if reduced.verdict.devices else "cpu"
        return cls(known or bucket(reduced.program, failure), reduced, device, trouble)

    @classmethod
    def unreduced(
        cls, program: Program, verdict: Verdict, known: str | None = None, trouble: str = ""
    ) -> ReducedFailure:
        """A failure as it was found."""
        reduced = Reduced(program, verdict, verifications=0, stopped="it was not begun")
        return cls.of(reduced, known, trouble)
