"""The memory of processes that live as long as a campaign."""

from __future__ import annotations

import contextlib
import ctypes


def give_memory_back() -> None:
    """Have glibc return to the system what a large program needed: it keeps up to 64 MB of each process otherwise."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
