"""What a probe is, and how two runs of one program are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from harness.comparison import disagreement
from harness.jobs import ArrayResult, JobResult, Status, Versions
from harness.launches import launches
from harness.oracle.expectation import Expectation
from harness.oracle.lanes import Values
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind, Verdict, failed
from harness.verify import STATUS_KINDS, cotangents_of, inputs_of, judge, without_small_mismatches

#: The line in front of a kernel without options of its own.
DECORATOR: Final = "@wp.kernel\n"


@dataclass(frozen=True, eq=False)
class Ran:
    """A program whose plain build ran: what was expected of it, and what it gave."""

    expectation: Expectation
    result: JobResult


@dataclass(frozen=True)
class Probed:
    """What a probe found of one program.

    `counted` says whether the second way was another way at all: the option changed the generated text or the
    machine code, the rewrite found something to rewrite.
    """

    failure: Failure | None = None
    counted: bool = False
    #: the generated text of the second way
    cpp: str | None = None


class Probe(Protocol):
    """A second way of running programs."""

    @property
    def name(self) -> str:
        """What the way is called, in reports and on the command line."""
        ...

    def unavailable(self, versions: Versions) -> str | None:
        """Why there is no such way on this machine or in this release of Warp; None if there is."""
        ...

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Run each program the other way and compare."""
        ...


def not_run(kind: FailureKind, name: str, result: JobResult) -> Failure | None:
    """The failure of a second way in which the program was not built or did not run to its end; None if it did."""
    face = STATUS_KINDS.get(result.status)
    if face is None:
        return None
    return Failure(kind, result.message, variant=name, face=face)


def bits_differ(
    kind: FailureKind, name: str, given: Ran, expectation: Expectation, other: JobResult, gradients: bool
) -> Failure | None:
    """The first difference between two runs on the same inputs; gradients are compared if so wished.

    `expectation` is what the other run was launched by: it may have fewer launches, never other ones.
    """
    plain_launches = dict(zip(launches(given.expectation), given.result.launches, strict=True))
    # Results first: what is wrong in them is wrong in gradients too.
    for gradient in (False, True) if gradients else (False,):
        for launch, other_launch in zip(launches(expectation), other.launches, strict=True):
            parameters, plain_launch = given.expectation.program.parameters, plain_launches[launch]
            # A second spelling may have further parameters, behind the others.
            arrays = zip(parameters, plain_launch.arrays, other_launch.arrays, strict=False)
            for parameter, plain, found in arrays:
                values = _values(plain, gradient), _values(found, gradient)
                if values[0] is None or values[1] is None:
                    continue
                ways = ("plainly", f"by {name}")
                failure = disagreement(kind, parameter, values[0], values[1], ways, launch, gradient)
                if failure is not None:
                    return replace(failure, variant=name, face=_face(gradient))
    return None


def _values(array: ArrayResult | None, gradient: bool) -> Values | None:
    if array is None:
        return None
    return array.gradient if gradient else array.data


def misjudged(kind: FailureKind, name: str, expectation: Expectation, result: JobResult) -> Failure | None:
    """What is wrong with a second run, held against the reference, small mismatches left to the referee's rule."""
    failure = judge(without_small_mismatches(expectation, result), result).failure
    if failure is None:
        return None
    return replace(failure, kind=kind, face=failure.kind, variant=name, message=f"by {name}: {failure.message}")


def _face(gradient: bool) -> FailureKind:
    return FailureKind.BACKWARD_MISMATCH if gradient else FailureKind.FORWARD_MISMATCH


def probed(
    probe: Probe,
    expectations: Sequence[Expectation | Verdict],
    results: Sequence[JobResult],
    verdicts: Sequence[Verdict],
    sandbox: Sandbox,
) -> tuple[list[Verdict], dict[int, bool]]:
    """The verdicts with what a probe found wrong, and which programs it tried, by position: whether each counted.

    `results` are those of the programs that something is expected of.  What failed already is not probed.
    """
    left = iter(results)
    given: dict[int, Ran] = {}
    for position, (expectation, verdict) in enumerate(zip(expectations, verdicts, strict=True)):
        if isinstance(expectation, Expectation):
            result = next(left)
            if verdict.failure is None and result.status is Status.OK:
                given[position] = Ran(expectation, result)
    found = dict(zip(given, probe.apply(list(given.values()), sandbox) if given else [], strict=True))
    merged = list(verdicts)
    for position, one in found.items():
        if one.failure is not None:
            expectation = given[position].expectation
            merged[position] = failed(one.failure).because(
                inputs=inputs_of(expectation, one.failure.launch),
                cotangents=cotangents_of(expectation, one.failure.launch),
                inputs_seed=expectation.seed,
                cpp=one.cpp or given[position].result.cpp,
            )
    return merged, {position: one.counted for position, one in found.items()}
