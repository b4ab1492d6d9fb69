"""What is found true of a program: verified, a failure, inconclusive, or invalid, with the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from harness.oracle.lanes import Values


class Outcome(str, Enum):
    """How a verification ended."""

    VERIFIED = "verified"
    FAILURE = "failure"
    #: nothing can be said of it
    INCONCLUSIVE = "inconclusive"
    #: it has no one meaning, and should not have been drawn
    INVALID = "invalid"


class Tier(str, Enum):
    """How much of a program was verified."""

    FORWARD = "forward"
    BACKWARD = "backward"


class FailureKind(str, Enum):
    """What kind of defect a failure is; `sentence` says it to a person."""

    REJECTED = "rejected"
    BUILD_ERROR = "build-error"
    CRASH = "crash"
    HANG = "hang"
    FORWARD_MISMATCH = "forward-mismatch"
    BACKWARD_MISMATCH = "backward-mismatch"
    MEMORY = "memory"
    LAYOUT_MISMATCH = "layout-mismatch"
    OPTION_MISMATCH = "option-mismatch"
    METAMORPHIC_MISMATCH = "metamorphic-mismatch"
    STALE_BINARY = "stale-binary"
    TAPE_MISMATCH = "tape-mismatch"
    REDEFINITION_MISMATCH = "redefinition-mismatch"
    NONDETERMINISTIC = "nondeterministic"
    INTERNAL = "internal-error"
    MISREAD = "misread"

    @property
    def sentence(self) -> str:
        """What happened, as a sentence."""
        return _SENTENCES[self]


_SENTENCES = {
    FailureKind.REJECTED: "Warp refuses a valid kernel.",
    FailureKind.BUILD_ERROR: "The code that Warp generates for the kernel does not compile.",
    FailureKind.CRASH: "The process dies while the kernel is built or run.",
    FailureKind.HANG: "Building or running the kernel does not end.",
    FailureKind.FORWARD_MISMATCH: "The kernel computes a wrong result.",
    FailureKind.BACKWARD_MISMATCH: "The kernel's backward pass gives a wrong gradient.",
    FailureKind.MEMORY: "The kernel changes memory that it must not change.",
    FailureKind.LAYOUT_MISMATCH: "The kernel computes something else on strided arrays than on contiguous ones.",
    FailureKind.OPTION_MISMATCH: "The kernel computes something else under an option that must not matter.",
    FailureKind.METAMORPHIC_MISMATCH: "Two spellings of the same meaning give different results.",
    FailureKind.STALE_BINARY: "Kernels that compute different things have one hash: Warp runs the binary of the other.",
    FailureKind.TAPE_MISMATCH: "A tape gives other gradients than those of the launch that it recorded, or none.",
    FailureKind.REDEFINITION_MISMATCH: "A kernel that is defined again is still taken for what it was before.",
    FailureKind.NONDETERMINISTIC: "The same launch gives different bits the second time.",
    FailureKind.INTERNAL: "Warp refuses what is not in its language with an exception out of its own insides.",
    FailureKind.MISREAD: "Warp builds what is not in its language, with another meaning than Python's.",
}


@dataclass(frozen=True)
class Failure:
    """A difference that must be a defect.

    `parameter` is the array whose contents or gradient differ, `cell` the position in C order with the
    component last, if any; `expected`, `actual` and `tolerance` are the numbers there.
    """

    kind: FailureKind
    message: str
    parameter: str | None = None
    gradient: bool = False
    cell: tuple[int, ...] = ()
    expected: float | None = None
    actual: float | None = None
    tolerance: float | None = None
    #: the launch in which it was seen: "generic", "strided", "special"; "cuda" for none, where NVRTC refuses the text
    launch: str = "generic"
    #: what the referee found: "all precisions", "this precision only", or "" if it was not asked
    referee: str = ""
    #: for two ways that must agree: which the second one was, and how it shows itself
    variant: str = ""
    face: FailureKind | None = None


@dataclass(frozen=True)
class Figures:
    """How close a verified program came to its tolerance, and how much of it was checked."""

    forward_error: float = 0.0
    forward_tolerance: float = 0.0
    gradient_error: float = 0.0
    gradient_tolerance: float = 0.0
    cells_checked: float = 1.0
    gradients_checked: float = 1.0
    median_gradient_tolerance: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The verdict on a program.

    `reason` says why a verdict is inconclusive or invalid, or why only the forward pass is promised.
    """

    outcome: Outcome
    tier: Tier | None = None
    reason: str | None = None
    failure: Failure | None = None
    figures: Figures = Figures()
    inputs_seed: int = 0
    devices: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    cpp: str | None = None
    cuda: str | None = None
    #: the inputs, by parameter, of the launch that failed
    inputs: dict[str, Values] = field(default_factory=dict)
    cotangents: dict[str, Values] = field(default_factory=dict)
    #: the share that is compared of an array, by its name and whether it is its gradient; only of arrays of which that
    #: proves something
    compared: dict[tuple[str, bool], float] = field(default_factory=dict)
    #: of an inconclusive program of which nothing depends on inputs, those that were found to be all zeros as they must
    vanished: frozenset[tuple[str, bool]] = frozenset()

    @property
    def verified(self) -> bool:
        """Whether the program was verified, in either tier."""
        return self.outcome is Outcome.VERIFIED

    def because(self, **changes: Any) -> Verdict:
        """A copy with `changes`."""
        return replace(self, **changes)


def inconclusive(reason: str) -> Verdict:
    """The verdict on a program of which nothing can be said."""
    return Verdict(Outcome.INCONCLUSIVE, reason=reason)


def invalid(reason: str) -> Verdict:
    """The verdict on a program that has no one meaning."""
    return Verdict(Outcome.INVALID, reason=reason)


def failed(failure: Failure) -> Verdict:
    """The verdict on a program that shows a defect."""
    return Verdict(Outcome.FAILURE, failure=failure)
