"""What atomic operations put into a cell, and what they return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from harness.oracle.extremes import Extremes
from harness.oracle.lanes import Mask, Values, numbers_last
from harness.oracle.memory import Memory
from harness.oracle.precision import FRAGILE_FACTOR
from strategies.language.nodes import Atomic
from strategies.language.types import Type
from strategies.ops import EXCHANGES

#: What changes an element in place bit by bit, by the atomic operation that Warp makes of it.
BITS_IN_PLACE: Final = {"bit_and": "atomic_and", "bit_or": "atomic_or", "bit_xor": "atomic_xor"}


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


class Atomics(Memory):
    """The part of an evaluation in which threads take turns at one cell."""

    cotangents: Mapping[str, Values]
    reverse: bool
    #: the arrays that take minima or maxima
    _extremes: dict[str, Extremes]
    #: see `harness.oracle.reference.Evaluation`
    _loss: Values

    def _atomic(self, node: Atomic, mask: Mask) -> None:
        array, cell = self._cell(node.array, node.indices, mask)
        value = self._value(node.value, mask)
        compare = None if node.compare is None else self._value(node.compare, mask)
        self._mark_writes(array, cell, mask, stored=False)
        held = Held(self._arrays[array], self._threads) if node.result is not None else None
        if node.op in ("atomic_min", "atomic_max"):
            self._atomic_extreme(array, node.op, cell, value, mask, held)
        elif node.op in EXCHANGES:
            self._exchange(array, node.op, cell, value, compare, mask, held)
        else:
            self._accumulate(array, cell, value, mask, -1 if node.op == "atomic_sub" else 1, node.value.type, held)
        if node.result is not None and held is not None:
            self._assign(node.result, held.values, mask)

    def _exchange(
        self, array: str, op: str, cell: Values, value: Values, compare: Values | None, mask: Mask, held: Held | None
    ) -> None:
        """Put each lane's value into its cell, or join the two bit by bit, one thread after another."""
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        value = np.broadcast_to(value, (*lanes, *contents.shape[3:]))
        cell, mask = np.broadcast_to(cell, lanes), np.broadcast_to(mask, lanes)
        wanted = None if compare is None else np.broadcast_to(compare, (*lanes, *contents.shape[3:]))
        runs, perturbations = np.ogrid[: self._runs, : self._lanes]
        for thread in self._in_order(mask):
            at, active = cell[..., thread], mask[..., thread]
            old = contents[runs, perturbations, at]
            new = exchanged(op, old, value[:, :, thread], None if wanted is None else wanted[:, :, thread])
            if held is not None:
                held.note(thread, old)
            keep = active[..., None] if old.ndim == 3 else active
            contents[runs, perturbations, at] = np.where(keep, new, old).astype(contents.dtype)

    def _in_order(self, mask: Mask) -> list[int]:
        """The threads of `mask`, one after another; the last first, if that is asked for."""
        threads: list[int] = np.flatnonzero(np.any(mask, axis=(0, 1))).tolist()
        return threads[::-1] if self.reverse else threads

    def _accumulate(
        self,
        array: str,
        cell: Values,
        value: Values,
        mask: Mask,
        sign: int,
        of: Type,
        held: Held | None = None,
        part: Values | None = None,
    ) -> None:
        """Add each lane's value to its cell, or to the numbers of it at `part`, one thread after another."""
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        changed = np.ones((*lanes, *contents.shape[3:]), bool)
        if part is not None:
            places = np.broadcast_to(part, (*lanes, part.shape[3]))
            changed[:] = False
            np.put_along_axis(changed, places, True, axis=3)
            given = numbers_last(value)
            value = np.zeros((*lanes, contents.shape[3]), value.dtype)
            np.put_along_axis(value, places, np.broadcast_to(given, places.shape), axis=3)
        value = np.broadcast_to(value, (*lanes, *contents.shape[3:]))
        cell, mask = np.broadcast_to(cell, lanes), np.broadcast_to(mask, lanes)
        runs, perturbations = np.ogrid[: self._runs, : self._lanes]
        rounded = 1 + self._noise(of, value.shape[3:]) / 2
        rounded = np.broadcast_to(rounded, (self._runs, 1, self._threads, *rounded.shape[3:]))
        for thread in self._in_order(mask):
            at, active = cell[..., thread], mask[..., thread]
            old = contents[runs, perturbations, at]
            if held is not None:
                held.note(thread, old)
            new = old - value[:, :, thread] if sign < 0 else old + value[:, :, thread]
            if self.noise is not None and old.dtype.kind == "f":
                new = new * rounded[:, :, thread]
            keep = active[..., None] if old.ndim == 3 else active
            if self.native and old.dtype.kind == "i":
                wide = old.astype(np.float64) + sign * value[:, :, thread].astype(np.float64)
                self._check_overflow(wide, 8 * old.dtype.itemsize, keep)
            keep = keep & changed[:, :, thread]
            contents[runs, perturbations, at] = np.where(keep, new, old).astype(contents.dtype)
        if array in self._shared and array in self.cotangents:
            weight = self.cotangents[array][cell]
            share = sign * value * weight
            share = share.sum(axis=-1) if share.ndim == 4 else share
            self._loss += np.where(mask, share, 0)

    def _atomic_extreme(self, array: str, op: str, cell: Values, value: Values, mask: Mask, noted: Held | None) -> None:
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        value = np.broadcast_to(value, (*lanes, *contents.shape[3:]))
        cell, mask = np.broadcast_to(cell, lanes), np.broadcast_to(mask, lanes)
        self._note_offer(value, mask)
        held = self._extremes.setdefault(array, Extremes(contents, self._threads))
        runs, perturbations = np.ogrid[: self._runs, : self._lanes]
        for thread in self._in_order(mask):
            if noted is not None:
                noted.note(thread, contents[runs, perturbations, cell[..., thread]])
            held.offer(thread, cell[..., thread], value[:, :, thread], mask[..., thread], op == "atomic_min")

    def _settle_loss(self) -> None:
        """Add to each thread's share what it left in the cells that it owns."""
        for array, cotangent in self.cotangents.items():
            contents = self._arrays[array]
            weighted = contents * cotangent if contents.dtype.kind == "f" else np.zeros(contents.shape)
            if array in self._extremes:
                self._loss += self._extremes[array].shares(weighted)
                self._kinked |= self._extremes[array].unsettled(FRAGILE_FACTOR)
            elif array not in self._shared:
                total = weighted.sum(axis=-1) if weighted.ndim == 4 else weighted
                owned, lost = self._writes[array].T.astype(np.float64), ~np.isfinite(total)
                self._loss += np.where(lost, 0.0, total) @ owned
                if lost.any():
                    # zero times infinity would reach the threads that do not own the cell
                    self._loss[(lost @ owned) > 0] = np.nan
