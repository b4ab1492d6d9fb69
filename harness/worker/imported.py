"""Warp and NumPy, once they are imported: only in the worker, so that the rest of the project can read the package."""

from __future__ import annotations

from typing import Any

OLDEST_WARP = (1, 14)
"""The first release with `optimization_level` and `log_level`, which every batch uses."""

wp: Any = None
np: Any = None
