"""What atomic operations put into a cell, and what they return."""

from __future__ import annotations

import numpy as np

from harness.lanes import Values


class Held:
    """What cells held before each thread's operation: realisations, perturbations, threads[, components]."""

    def __init__(self, contents: Values, threads: int) -> None:
        self.values: Values = np.zeros((*contents.shape[:2], threads, *contents.shape[3:]), contents.dtype)

    def note(self, thread: int, old: Values) -> None:
        """Remember what the cell of a thread held."""
        self.values[:, :, thread] = old


def exchanged(op: str, old: Values, value: Values, compare: Values | None) -> Values:
    """What a cell that held `old` holds after the operation; composite values go component by component."""
    match op:
        case "atomic_exch":
            return np.broadcast_to(value, old.shape)
        case "atomic_cas":
            assert compare is not None
            return np.where(old == compare, value, old)
        case "atomic_and":
            return np.asarray(old & value)
        case "atomic_or":
            return np.asarray(old | value)
        case "atomic_xor":
            return np.asarray(old ^ value)
    raise ValueError(f"{op!r} is no exchange")
