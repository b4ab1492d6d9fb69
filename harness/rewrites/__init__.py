"""Rewrites that keep a program's meaning and avoid one defect of Warp each.

A failure that goes away under the rewrite of a known issue is that issue.
"""

from harness.rewrites import arrays, calls, composites, effects, exits, loops, scalars, targets, tiles
from harness.rewrites.base import REWRITES, Rewrite

__all__ = [
    "REWRITES",
    "Rewrite",
    "arrays",
    "calls",
    "composites",
    "effects",
    "exits",
    "loops",
    "scalars",
    "targets",
    "tiles",
]
