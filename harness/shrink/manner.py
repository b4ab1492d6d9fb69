"""Whether two programs fail in the same way."""

from __future__ import annotations

from typing import Final, NamedTuple

from harness.triage import SAID, message_head
from harness.verdict import Failure, FailureKind
from strategies.language.nodes import Program

#: A difference beyond this share of the larger number is no rounding error in any precision that is tried;
#: a failure which has such a difference is not reduced to one that has not.
GROSS: Final = 1e-2


class Manner(NamedTuple):
    """In which way a program fails: equal for two failures that may be one defect."""

    kind: FailureKind
    gradient: bool
    #: "input", "output", or "" if no parameter differs
    role: str
    #: of what Warp, the compiler or the operating system said, what does not name this program's parts
    message: str
    #: whether the difference is larger than rounding could make it
    gross: bool
    #: for two ways that must agree: the second one, and how it shows itself
    variant: str = ""
    face: FailureKind | None = None


def manner(program: Program, failure: Failure) -> Manner:
    """The way in which `program` fails."""
    role = ""
    if failure.parameter is not None:
        role = "output" if program.parameter(failure.parameter).output else "input"
    message = message_head(failure.message) if (failure.face or failure.kind) in SAID else ""
    return Manner(failure.kind, failure.gradient, role, message, gross(failure), failure.variant, failure.face)


def gross(failure: Failure) -> bool:
    """Whether no rounding explains a difference: it is large, or where results are exact."""
    if failure.tolerance == 0:
        return True
    if failure.expected is None or failure.actual is None:
        return False
    off = abs(failure.expected - failure.actual)
    return not off <= GROSS * max(abs(failure.expected), abs(failure.actual))


def same_failure(program: Program, failure: Failure, other_program: Program, other: Failure) -> bool:
    """Whether `other_program` fails in the way that `program` does; a grosser difference is no objection."""
    wanted, found = manner(program, failure), manner(other_program, other)
    return wanted._replace(gross=True) == found._replace(gross=True) and found.gross >= wanted.gross
