"""Who holds each cell of an array that takes atomic minima or maxima, and which threads come close to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.oracle.lanes import Mask, Values, any_component


@dataclass(frozen=True)
class _Offer:
    """A value that one thread offered to one cell, by realisation and perturbation."""

    thread: int
    cell: Values
    value: Values
    active: Mask


@dataclass
class Extremes:
    """The atomic minima or maxima of one array, one offer after another.

    Args:
        contents: the array: realisations, perturbations, cells[, components]; changed in place.
        threads: how many threads there are.
    """

    contents: Values
    threads: int
    offers: list[_Offer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._initial = self.contents.copy()
        #: the offer that each cell holds; -1 where it is what the cell held before
        self._holder = np.full(self.contents.shape, -1, np.int64)
        self._lanes = tuple(np.ogrid[: self.contents.shape[0], : self.contents.shape[1]])

    def offer(self, thread: int, cell: Values, value: Values, active: Mask, smallest: bool) -> None:
        """Let a thread put the smaller (or the larger) of a cell and its value into the cell.

        `cell` and `active` are by realisation and perturbation; `value` has the components besides.
        """
        at = (*self._lanes, cell)
        old = self.contents[at]
        wins = (value < old if smallest else value > old) & (active[..., None] if old.ndim > 2 else active)
        self.contents[at] = np.where(wins, value, old)
        self._holder[at] = np.where(wins, len(self.offers), self._holder[at])
        self.offers.append(_Offer(thread, cell, value, active))

    def unsettled(self, factor: float) -> Mask:
        """The threads that rounding or a perturbation could make a holder, or no holder any more.

        Those are the contenders for a cell where there are several: each that holds it in some realisation or
        perturbation, and each that is off by no more than `factor` times the spread of the difference.  What
        clearly loses has no part in the gradient.
        """
        cells = self.contents.shape[2:]
        # the last row stands for what the cells held before
        contends = np.zeros((len(self.offers) + 1, *cells), bool)
        contends[-1] = self._near(self._initial, self.contents, factor)
        for n, offer in enumerate(self.offers):
            if offer.active[0, 0]:
                near = self._near(offer.value, self.contents[(*self._lanes, offer.cell)], factor)
                contends[n, offer.cell[0, 0]] = near
        for n in np.unique(self._holder).tolist():
            contends[n] |= np.any(self._holder == n, axis=(0, 1))
        contested = contends & (contends.sum(axis=0) > 1)
        found = np.zeros(self.threads, bool)
        for n in np.flatnonzero(any_component(contested[:-1])).tolist():
            found[self.offers[n].thread] = True
        return found

    @staticmethod
    def _near(value: Values, final: Values, factor: float) -> Mask:
        gap = np.abs(value.astype(np.float64) - final.astype(np.float64))
        spread = np.max(np.abs(gap[:, 0] - gap[0, 0]), axis=0)
        near: Mask = gap[0, 0] <= factor * np.where(np.isfinite(spread), spread, 0.0)
        return near

    def shares(self, weighted: Values) -> Values:
        """What each thread holds of `weighted` contents: realisations, perturbations, threads."""
        found = np.zeros((*weighted.shape[:2], self.threads))
        for n in np.unique(self._holder[0, 0]).tolist():
            if n >= 0:
                held = np.where(self._holder[0, 0] == n, weighted, 0)
                found[..., self.offers[n].thread] += held.reshape(*weighted.shape[:2], -1).sum(axis=-1)
        return found
