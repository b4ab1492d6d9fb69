"""Copies of the installed Warp with defects planted in them, and what is counted of programs that they make fail."""

from __future__ import annotations

from harness.shrink import size
from harness.warp_copy import Defect, plant, sandbox_with
from strategies.language.nodes import Program

__all__ = ["Defect", "beyond_bare", "plant", "sandbox_with"]

#: ``i = wp.tid()`` and ``out[i] = …``: what every kernel has.
BARE = 6


def beyond_bare(program: Program) -> int:
    """The nodes of a reduced program that are there for its defect."""
    return size(program) - BARE
