"""Gradients that add up: what backward passes leave that start from other gradients than zero, or run twice."""

from __future__ import annotations

import numpy as np

from harness.oracle import tolerance
from harness.oracle.expectation import Cells, Expectation
from harness.oracle.inputs import derive_starts
from harness.oracle.lanes import UNIT_ROUNDOFF, Values
from strategies.language import types

#: A start that is not at least this many times what rounding may do to it would not be missed.
CLEAR = 4.0


def starts(expectation: Expectation) -> dict[str, Values]:
    """What the gradients of input arrays hold before the backward pass: cells[, components]."""
    return derive_starts(expectation.program, expectation.seed, expectation.like)


def accumulated(expectation: Expectation, passes: int = 1) -> dict[str, Cells]:
    """The gradients of input arrays after backward passes that each add as much, to those of `starts`.

    Every read of a cell adds to its gradient once a pass, and each sum is rounded, at the size of what is there.
    """
    found = {}
    for name, start in starts(expectation).items():
        cells = expectation.gradients[name]
        scalar = types.element_scalar(expectation.program.parameter(name).type)
        expected = start + passes * cells.expected
        if not scalar.is_float:
            found[name] = Cells(expected, np.zeros(start.shape), cells.checked)
            continue
        counts = expectation.read_counts[name].reshape(-1, *(1,) * (start.ndim - 1))
        sums = tolerance.RESULT_ROUNDINGS + passes * counts
        size = np.abs(start) + (passes - 1) * np.abs(cells.expected)
        allowed = passes * cells.tolerance + UNIT_ROUNDOFF[scalar.notation] * sums * size
        found[name] = Cells(expected, allowed, cells.checked & (allowed * CLEAR <= np.abs(start)))
    return found
