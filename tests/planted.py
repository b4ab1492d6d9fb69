"""Copies of the installed Warp with defects planted in them, and what is counted of programs that they make fail."""

from __future__ import annotations

from collections.abc import Sequence

from harness.shrink import beyond_bare
from harness.verdict import Verdict
from harness.warp_copy import Defect, plant, sandbox_with
from strategies.language.nodes import Program, size

__all__ = ["Defect", "beyond_bare", "plant", "sandbox_with", "smallest"]


def smallest(failures: Sequence[tuple[Program, Verdict]], count: int) -> list[tuple[Program, Verdict]]:
    """The smallest programs that fail: a large one takes ten times as long to reduce, and shows no more."""
    return sorted(failures, key=lambda failure: size(failure[0]))[:count]
