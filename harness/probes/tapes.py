"""What a program does between a launch and the backward pass of its tape, which must not change the gradients.

Arguments are given for one launch: a struct goes by value, and the list of inputs is the caller's.  A program that
makes both ready for its next step, before the tape runs backwards, must get the gradients of the step that it took.
And an array with indices is an argument like any other, with a tape or without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np

from harness.comparison import cell_at
from harness.jobs import JobResult, Status, Versions
from harness.launches import GENERIC, launches
from harness.probes.probe import Probed, Ran
from harness.sandbox import Sandbox
from harness.verdict import Failure, FailureKind
from harness.verify import FAST, STATUS_KINDS, jobs
from strategies.language.nodes import Program
from strategies.language.structs import leaves
from strategies.language.types import Array, Struct

STRUCT_CHANGED: Final = "a struct changed after its launch"
LIST_CHANGED: Final = "a list of inputs changed after its launch"
INDEXED_ARRAY: Final = "a tape with an indexed array"
#: Kernels of a batch that are launched so: those of one kind are all alike.
MOST: Final = 4


def _with_struct(program: Program) -> bool:
    """Whether a struct with numbers is passed."""
    return any(
        not struct.ndim
        and isinstance(struct.type, Struct)
        and any(not isinstance(field, Array) for _, field in leaves(struct.type))
        for struct in program.structs
    )


def _with_indexed(program: Program) -> bool:
    return bool(program.indexed)


def _any(program: Program) -> bool:
    return not program.indexed


@dataclass(frozen=True)
class Tape:
    """One thing that happens between the passes, and which programs it concerns."""

    name: str
    happens: str
    concerns: Callable[[Program], bool]

    def unavailable(self, versions: Versions) -> str | None:
        """Tapes can be had everywhere."""
        return None

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Launch again, with that between the passes, and compare gradients to the bit."""
        found = [Probed()] * len(given)
        able = (
            n for n, ran in enumerate(given) if self._differentiates(ran) and self.concerns(ran.expectation.program)
        )
        chosen = list(islice(able, MOST))
        asked = []
        for job in jobs([given[n].expectation for n in chosen]):
            asked.append(replace(job, launches=(replace(job.launches[GENERIC], tape=self.happens),)))
        for n, result in zip(chosen, sandbox.run(asked, FAST) if asked else (), strict=True):
            found[n] = Probed(self._failure(given[n], result), True, result.cpp)
        return found

    def _differentiates(self, ran: Ran) -> bool:
        return not ran.expectation.limits and next(iter(launches(ran.expectation).values())).backward

    def _failure(self, given: Ran, result: JobResult) -> Failure | None:
        kind = FailureKind.TAPE_MISMATCH
        if result.status is not Status.OK:
            return Failure(kind, result.message, variant=self.name, face=STATUS_KINDS.get(result.status))
        plain = given.result.launches[GENERIC].arrays
        for parameter, one, other in zip(
            given.expectation.program.parameters, plain, result.launches[0].arrays, strict=True
        ):
            if one is None or other is None or one.gradient is None or other.gradient is None:
                continue
            differs = (one.gradient != other.gradient) & np.isfinite(one.gradient) & np.isfinite(other.gradient)
            if differs.any():
                index = tuple(int(n) for n in np.argwhere(differs)[0])
                expected, actual = float(one.gradient[index]), float(other.gradient[index])
                message = f"the gradient of {parameter.name} at {list(index)}: {actual!r} by {self.name}"
                return Failure(
                    kind, message, parameter.name, True, cell_at(parameter, index), expected, actual,
                    abs(expected - actual) / 4, variant=self.name,
                )  # fmt: skip
        return None


TAPES: Final = (
    Tape(STRUCT_CHANGED, "struct changed", _with_struct),
    Tape(LIST_CHANGED, "list changed", _any),
    Tape(INDEXED_ARRAY, "indexed array", _with_indexed),
)
"""In the order in which a hunt comes to them."""
