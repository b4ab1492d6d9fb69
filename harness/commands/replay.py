"""`warpsmith replay`: do the stored failures still fail?"""

from __future__ import annotations


def replay() -> int:
    """Run stored failures again."""
    raise NotImplementedError
