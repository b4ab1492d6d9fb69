"""How a worker makes a failure small: at the quickest level that shows it, and what else it meets on the way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from harness.campaign.judging import Judge, manner_of
from harness.campaign.outcomes import ReducedFailure
from harness.campaign.pairs import make_provenance
from harness.campaign.plan import Plan
from harness.jobs import BuildOptions
from harness.probes import Probe
from harness.reports.report import draft
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.triage import OF_PROBE, bucket
from harness.verdict import FailureKind, Verdict
from harness.verify import CUDA_TEXT
from strategies.language.check import check_program
from strategies.language.nodes import Program
from strategies.language.rules import IllFormed
from strategies.ops import result_type

MAX_OTHERS: Final = 2
"""Further defects met while one failure was reduced that are reduced at once."""

#: Kinds of what was never run.
_UNBUILT: Final = (FailureKind.REJECTED, FailureKind.BUILD_ERROR)


class Reduction(Judge):
    """The part of a worker that reduces failures."""

    def __init__(self, plan: Plan, sandbox: Sandbox, on_device: Sandbox | None) -> None:
        super().__init__(plan, sandbox, on_device)
        self._limits = plan.limits

    def _reduce(self, index: int, manner: str, reported: Collection[str], seconds: float) -> ReducedFailure | None:
        """The failure of the program at `index`, made small; None if it does not fail again.

        If it fails in its `manner` at optimization level 0, which is the quickest to build, it is reduced there.  It
        comes with a report, unless its bucket is one of those `reported`.
        """
        self._limits = replace(self._plan.limits, seconds=seconds)
        options, probe = self._plan.options(index), self._probe(index)
        program = self._program(index)
        if program is None:
            return None
        unoptimized = replace(options, optimization_level=0)
        (verdict,) = self._verify([program], unoptimized, probe)
        if options != unoptimized and (verdict.failure is None or manner_of(verdict) != manner):
            (verdict,) = self._verify([program], options, probe)
        else:
            options = unoptimized
        if verdict.failure is None:
            return None
        if not verdict.failure.variant:
            # the plain build fails already
            probe = None
        found = self._reduced(program, verdict, options, probe)
        if self._plan.fail_fast:
            # The campaign ends with this one.
            return self._with_report(found, index, reported)
        others = self._others(found.reduced.others, options, probe)
        ready = [self._with_report(failure, index, reported) for failure in (found, *others)]
        return replace(ready[0], others=tuple(ready[1:]))

    def again(self, program: Program) -> ReducedFailure | None:
        """The failure of a program, made small; None if it does not fail at level 0, nor at Warp's default level."""
        for level in (0, None):
            options = BuildOptions(optimization_level=level)
            (verdict,) = self._verify([program], options)
            if verdict.failure is not None:
                return self._reduced(program, verdict, options, None)
        return None

    def _with_report(self, failure: ReducedFailure, index: int, reported: Collection[str]) -> ReducedFailure:
        known = self._ledger.by_bucket(failure.bucket, self._versions.warp)
        if failure.bucket in reported or (known is not None and not self._plan.keep_known):
            return failure
        provenance = make_provenance(self._versions, self._plan.seed, self._plan.place(index)[1])
        report = draft(
            failure.reduced, failure.bucket, provenance, known, python=self._plan.python, device=failure.device
        )
        return replace(failure, report=report)

    def _reduced(
        self, program: Program, verdict: Verdict, options: BuildOptions, probe: Probe | None
    ) -> ReducedFailure:
        known = self._explain(program, verdict, options, probe)
        # Left to itself, reducing judges by less; whether optimization matters is for the report's script to find out.
        plain = replace(options, digest=False) == BuildOptions() and probe is None and self._on_device is None
        if known is None and probe is None:
            program, verdict = self._beside_known(program, verdict, options)
        try:
            found = reduce(
                program,
                verdict,
                self._sandbox,
                seed=self._plan.seed,
                limits=self._limits,
                verify=None if plain else lambda programs: self._verify(programs, options, probe),
                # What fails alike may be another defect, known or not.
                keeps=lambda candidate, found: self._explain(candidate, found, options, probe) == known,
            )
            if probe is not None:
                # Both ways were built at one level; what depends on no kernel depends on no level.
                at_any = verdict.failure is not None and verdict.failure.kind in OF_PROBE
                found = replace(found, fails_by_default=at_any)
            elif not plain and verdict.failure is not None and verdict.failure.launch != CUDA_TEXT:
                found = replace(
                    found,
                    fails_without_optimization=self._fails(found.program, 0),
                    fails_by_default=self._fails(found.program, None),
                )
        except Exception as error:
            # A failure must not be lost because it cannot be made small.
            trouble = f"a failure could not be reduced: {error!r}"
            return ReducedFailure.unreduced(program, verdict, self._named_by_bucket(program, verdict, known), trouble)
        return ReducedFailure.of(found, self._named_by_bucket(found.program, found.verdict, known))

    def _beside_known(self, program: Program, verdict: Verdict, options: BuildOptions) -> tuple[Program, Verdict]:
        """The program without its known issues, if it fails all the same: reducing it cannot end in one of them.

        It may fail in another manner, which the known one was seen before: a wrong result hides a wrong gradient.
        """
        assert verdict.failure is not None
        other = self._ledger.avoided(program, verdict.failure, self._versions.warp)
        if other is program:
            return program, verdict
        (found,) = self._verify([other], options, like=program)
        if found.failure is None:
            return program, verdict
        # what is refused may be what a rewrite put there
        unbuilt = found.failure.kind in _UNBUILT
        if manner_of(found) == manner_of(verdict) or (not unbuilt and self._explain(other, found, options) is None):
            return other, found
        return program, verdict

    def _named_by_bucket(self, program: Program, verdict: Verdict, known: str | None) -> str | None:
        """`known`, or the issue that lists the bucket of a failure that no rewrite explains."""
        assert verdict.failure is not None
        issue = self._ledger.by_bucket(bucket(program, verdict.failure), self._versions.warp)
        return known or (None if issue is None else issue.id)

    def _others(
        self, met: Sequence[tuple[Program, Verdict]], options: BuildOptions, probe: Probe | None
    ) -> tuple[ReducedFailure, ...]:
        """Other defects that reducing met: those that show again, and that no known issue explains."""
        found: list[ReducedFailure] = []
        for program, _ in met:
            if len(found) == MAX_OTHERS or not in_language(program):
                continue
            (verdict,) = self._verify([program], options, probe)
            # Whether Warp must accept what an edit made is for a person to say.
            if verdict.failure is None or verdict.failure.kind in _UNBUILT:
                continue
            own = probe if verdict.failure.variant else None
            if self._explain(program, verdict, options, own) is None:
                found.append(self._reduced(program, verdict, options, own))
        return tuple(found)

    def _fails(self, program: Program, level: int | None) -> bool:
        (verdict,) = self._verify([program], BuildOptions(optimization_level=level))
        return verdict.failure is not None


def in_language(program: Program) -> bool:
    """Whether a program is well-formed: Warp may refuse what is not."""
    try:
        check_program(program, result_type)
    except IllFormed:
        return False
    return True
