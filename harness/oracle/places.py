"""Where the elements of a part of an array lie in the whole: what a view of an array means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.oracle.lanes import Mask, Values
from strategies.language.nodes import Expression, Slice, View

#: Evaluates an index: realisations, perturbations, threads.
Evaluate = Callable[[Expression], Values]
_NOTHING: Final = np.zeros((1, 1, 1), np.int64)


@dataclass(frozen=True)
class Part:
    """An array, or a part of one; every number is by realisation, perturbation and thread.

    The element at ``i, j`` is the cell ``offset + i * strides[0] + j * strides[1]`` of the array `whole`, in C order.
    """

    whole: str
    offset: Values
    shape: tuple[Values, ...]
    strides: tuple[Values, ...]

    def cell(self, indices: list[Values]) -> tuple[Values, Mask]:
        """The cell of an element, and where there is none; there it is the first.  Indices may count from the end."""
        cell, outside = self.offset, np.zeros((1, 1, 1), bool)
        for index, extent, stride in zip(indices, self.shape, self.strides, strict=True):
            if index.size and index.min() >= 0 and index.max() < extent.min():
                # as nearly all are
                cell = cell + index * stride
                continue
            at = np.where(index < 0, index + extent, index)
            lost = (at < 0) | (at >= extent)
            outside = outside | lost
            cell = cell + np.where(lost, 0, at) * stride
        return np.where(outside, 0, cell), outside

    def part(self, view: View, evaluate: Evaluate) -> tuple[Part, Mask]:
        """What `view` is of this array, and where it has an index outside of it."""
        offset, outside = self.offset, np.zeros((1, 1, 1), bool)
        shape: list[Values] = []
        strides: list[Values] = []
        for axis, (extent, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            index = view.indices[axis] if axis < len(view.indices) else Slice()
            if isinstance(index, Slice):
                start, length, step = _range(index, extent, evaluate)
                offset = offset + np.where(length > 0, start, 0) * stride
                shape.append(length)
                strides.append(stride * step)
            else:
                value = evaluate(index).astype(np.int64)
                at = np.where(value < 0, value + extent, value)
                lost = (at < 0) | (at >= extent)
                outside = outside | lost
                offset = offset + np.where(lost, 0, at) * stride
        return Part(self.whole, offset, tuple(shape), tuple(strides)), outside


def whole(name: str, shape: tuple[int, ...]) -> Part:
    """All of the array `name`."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return Part(name, _NOTHING, tuple(_NOTHING + n for n in shape), tuple(_NOTHING + n for n in strides))


def _range(index: Slice, extent: Values, evaluate: Evaluate) -> tuple[Values, Values, Values]:
    """The first position, the length and the step of a slice, as Python has them."""
    step = _NOTHING + 1 if index.step is None else evaluate(index.step).astype(np.int64)
    forwards = step > 0
    low, high = np.where(forwards, 0, -1), np.where(forwards, extent, extent - 1)

    def bound(part: Expression | None, default: Values) -> Values:
        if part is None:
            return default
        value = evaluate(part).astype(np.int64)
        value = np.where(value < 0, value + extent, value)
        clamped: Values = np.clip(value, low, high)
        return clamped

    start, stop = bound(index.start, np.where(forwards, low, high)), bound(index.stop, np.where(forwards, high, low))
    step = np.where(step == 0, 1, step)
    length = np.maximum(0, np.where(forwards, -((start - stop) // step), -((stop - start) // -step)))
    return start, length, step
