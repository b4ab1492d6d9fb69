"""Copies of the installed Warp with defects planted in them, and what is counted of programs that they make fail."""

from __future__ import annotations

from harness.shrink import beyond_bare
from harness.warp_copy import Defect, plant, sandbox_with

__all__ = ["Defect", "beyond_bare", "plant", "sandbox_with"]
