"""Arrays in an evaluation: which cells and numbers threads read and write, and which they could."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

import numpy as np

from harness.oracle.control_flow import InvalidProgram
from harness.oracle.definedness import Definedness
from harness.oracle.lanes import Mask, Values
from harness.oracle.places import Part, whole
from strategies.language.effects import function_effects
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Component,
    Element,
    Expression,
    Extent,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Slice,
    Target,
    ThreadIndex,
    Unpack,
    View,
    Zeros,
    root,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.rules import bound_arguments
from strategies.language.types import Array, Composite, Matrix, Scalar, Transform
from strategies.language.views import arrays_named, definitions


@remembered
def _write_sites(program: Program) -> tuple[tuple[str, tuple[Expression, ...] | None], ...]:
    """Where arrays are written: the name of the array, and the indices, as `_find_write_sites` says."""
    return tuple(_find_write_sites(program))


@remembered
def _fixed_names(program: Program) -> set[str]:
    """The thread indices that nothing assigns to."""
    threads = {name for node in program.body if isinstance(node, ThreadIndex) for name in node.names}
    return threads - {n.target.name for n in walk(program) if isinstance(n, Assign) and isinstance(n.target, Name)}


def _find_write_sites(program: Program) -> Iterator[tuple[str, tuple[Expression, ...] | None]]:
    """Where arrays are written: its name, and the indices of the element; None if a call does not tell them."""
    inner = function_effects(program)
    for node in (n for statement in program.body for n in walk(statement)):
        targets: tuple[Target, ...] = ()
        match node:
            case Atomic():
                yield node.array, node.indices
            case Assign(target=target) | AugmentedAssign(target=target):
                targets = (target,)
            case Unpack():
                targets = node.targets
            case Call():
                for parameter, argument in bound_arguments(program.function(node.function), node):
                    if parameter.name in inner[node.function].written and (name := arrays_named(argument)):
                        for indices in _written_by(program, node, parameter.name):
                            yield name, indices
        for target in targets:
            if isinstance(found := root(target), Element):
                yield found.array, found.indices


def _written_by(program: Program, call: Call, array: str) -> Iterator[tuple[Expression, ...] | None]:
    """The elements of its parameter `array` that a call writes, in terms of the caller; None for any."""
    function = program.function(call.function)
    changed = {n.target.name for n in walk(function) if isinstance(n, Assign) and isinstance(n.target, Name)}
    given = {p.name: a for p, a in bound_arguments(function, call) if p.name not in changed}
    if definitions(function.body) or any(isinstance(n, Call) for s in function.body for n in walk(s)):
        yield None
        return
    for node in (n for statement in function.body for n in walk(statement)):
        match node:
            case Atomic(array=name, indices=indices) if name == array:
                yield _in_caller(indices, given)
            case Assign() | AugmentedAssign() | Unpack():
                for target in node.targets if isinstance(node, Unpack) else (node.target,):
                    if isinstance(found := root(target), Element) and found.array == array:
                        yield _in_caller(found.indices, given)


def _in_caller(indices: tuple[Expression, ...], given: Mapping[str, Expression]) -> tuple[Expression, ...] | None:
    """The indices that a function uses, if they are numbers and what it was given, as the caller has them."""
    if not all(isinstance(index, Literal) or (isinstance(index, Name) and index.name in given) for index in indices):
        return None
    return tuple(given[index.name] if isinstance(index, Name) else index for index in indices)


#: What stands before the name of an array that threads make for themselves.  A name with a space is no parameter's.
OWN: Final = "own "


class Memory(Definedness):
    """The part of an evaluation that reads and writes arrays, and the numbers of a value."""

    _parameters: dict[str, Parameter]
    #: arrays that threads add to, or take extremes of, and never overwrite: cells may be shared
    _shared: Set[str]
    #: see `harness.oracle.reference.Evaluation`
    _arrays: dict[str, Values]
    _reads: dict[str, Mask]
    _read_counts: dict[str, Values]
    _writes: dict[str, Mask]
    _stored: dict[str, Mask]
    #: the arrays of which a thread wrote an element that it had read, or had written before
    _after_reading: set[str]
    _again: set[str]

    def _track(self, name: str, cells: int, components: tuple[int, ...]) -> None:
        """Note what threads do to an array from here on."""
        self._reads[name] = np.zeros((self._threads, cells), bool)
        self._read_counts[name] = np.zeros(cells, np.int64)
        self._writes[name] = np.zeros((self._threads, cells), bool)
        self._stored[name] = np.zeros((cells, *components), bool)

    # ------------------------------------------------------------ places

    def _cell(self, name: str, indices: Sequence[Expression], mask: Mask) -> tuple[str, Values]:
        """The array that an element is in, and its position there, in C order; inside it for inactive lanes too."""
        part = self._here.arrays[name]
        cell, outside = part.cell([self._value(index, mask).astype(np.int64) for index in indices])
        if np.any(outside & mask):
            raise InvalidProgram(f"{self.program.name} reads or writes outside {name!r}")
        return part.whole, cell

    def _part(self, node: Expression, mask: Mask) -> Part:
        if isinstance(node, Name):
            return self._here.arrays[node.name]
        assert isinstance(node, View)
        part, outside = self._here.arrays[node.array].part(node, lambda index: self._value(index, mask))
        if np.any(outside & mask):
            raise InvalidProgram(f"{self.program.name} takes a part outside of {node.array!r}")
        return part

    def _make(self, name: str, node: Zeros, mask: Mask) -> Part:
        """A new array for each thread, in one that has as many cells for all of them."""
        assert isinstance(node.type, Array)
        cells = math.prod(node.shape)
        # a function may call its array as the kernel calls another
        name = f"{OWN}{self._here.function} {name}" if self._here.function else OWN + name
        first = whole(name, node.shape)
        if name not in self._arrays:
            dtype = node.type.dtype
            components = () if isinstance(dtype, Scalar) else (dtype.length,)
            shape = (self._runs, self._lanes, self._threads * cells, *components)
            self._arrays[name] = np.zeros(shape, self._dtype(dtype))
            self._track(name, self._threads * cells, components)
        own = np.repeat(np.arange(self._threads), cells)
        active = np.broadcast_to(mask, (self._runs, self._lanes, self._threads))[..., own]
        self._arrays[name][active] = 0
        return Part(name, (np.arange(self._threads) * cells).reshape(1, 1, -1), first.shape, first.strides)

    def _places(self, node: Component, mask: Mask) -> Values:
        """Which numbers of a value a component is, on the last axis: one, a row, or a part of a transformation."""
        of = node.base.type
        assert isinstance(of, Composite)
        if isinstance(of, Transform) and node.attribute:
            assert isinstance(node.index, Literal)
            return np.arange(3 if node.index.value == 0 else 4).reshape(1, 1, 1, -1) + 3 * int(node.index.value)
        found: Values = self._component_index(self._value(node.index, mask), of.shape[0], mask)[..., None]
        if isinstance(of, Matrix):
            if node.column is None:
                return found * of.columns + np.arange(of.columns)
            column = self._component_index(self._value(node.column, mask), of.columns, mask)
            return found * of.columns + column[..., None]
        return found

    def _component_index(self, index: Values, length: int, mask: Mask) -> Values:
        """Which component of a vector is meant; inside the vector for inactive lanes too."""
        outside = (index < 0) | (index >= length)
        if np.any(outside & mask):
            raise InvalidProgram(f"{self.program.name} reads or writes a component that a vector does not have")
        return np.where(outside, 0, index).astype(np.int64)

    @staticmethod
    def _common(base: Values, places: Values) -> tuple[Values, Values]:
        """A value and the places of some of its numbers, broadcast to the same lanes."""
        lanes = np.broadcast_shapes(base.shape[:3], places.shape[:3])
        return np.broadcast_to(base, (*lanes, base.shape[3])), np.broadcast_to(places, (*lanes, places.shape[3]))

    def _numbers(self, target: Expression, mask: Mask) -> Values:
        """Which numbers of an array's element a part of it is, on the last axis."""
        if not isinstance(target, Component):
            assert isinstance(target.type, Composite)
            return np.arange(target.type.length).reshape(1, 1, 1, -1)
        found: Values = np.take_along_axis(
            *self._common(self._numbers(target.base, mask), self._places(target, mask)), 3
        )
        return found

    # ------------------------------------------------------------ reads and writes

    def _per_thread(self, lanes: Values) -> Values:
        """What holds in the lane without noise and perturbation: threads."""
        plain: Values = lanes[0, 0]
        return plain if len(plain) == self._threads else np.broadcast_to(plain, self._threads)

    def _read(self, node: Element, mask: Mask) -> Values:
        array, cell = self._cell(node.array, node.indices, mask)
        base = self._per_thread(mask)
        at = self._per_thread(cell)
        self._reads[array][np.flatnonzero(base), at[base]] = True
        np.add.at(self._read_counts[array], at[base], 1)
        return self._gather(array, cell)

    def _gather(self, array: str, cell: Values) -> Values:
        contents = self._arrays[array]
        if cell.shape[0] == 1 and cell.shape[1] == 1:
            return contents[:, :, cell[0, 0]]
        lanes = (
            max(contents.shape[0], cell.shape[0]),
            max(contents.shape[1], cell.shape[1]),
        )
        contents = np.broadcast_to(contents, (*lanes, *contents.shape[2:]))
        cell = np.broadcast_to(cell, (*lanes, cell.shape[2]))
        if contents.ndim == 4:
            return np.take_along_axis(contents, cell[..., None], axis=2)
        return np.take_along_axis(contents, cell, axis=2)

    def _write(self, array: str, cell: Values, value: Values, mask: Mask, part: Values | None = None) -> None:
        """Put `value` into one cell a lane, or into the numbers of it at `part`; lanes never share a cell here."""
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        if part is None and mask.shape[:2] == cell.shape[:2] == (1, 1):
            # all lanes write alike
            active = self._per_thread(mask)
            at = self._per_thread(cell)[active]
            contents[:, :, at] = np.broadcast_to(value, (*lanes, *contents.shape[3:]))[:, :, active]
            return
        mask = np.broadcast_to(mask, lanes)
        runs, perturbations, _ = np.nonzero(mask)
        at = np.broadcast_to(cell, lanes)[mask]
        if part is not None:
            shape = (*lanes, part.shape[3])
            places = np.broadcast_to(part, shape)[mask]
            values = np.broadcast_to(value, shape)[mask]
            contents[runs[:, None], perturbations[:, None], at[:, None], places] = values
            return
        shape = (*lanes, *contents.shape[3:])
        contents[runs, perturbations, at] = np.broadcast_to(value, shape)[mask]

    def _mark_writes(self, array: str, cell: Values, mask: Mask, stored: bool, part: Values | None = None) -> None:
        """Note the cells that threads write, or of each the numbers at `part`."""
        base = self._per_thread(mask)
        at = self._per_thread(cell)[base]
        threads = np.flatnonzero(base)
        own = array.removeprefix(OWN)
        if self._reads[array][threads, at].any():
            self._after_reading.add(own)
        if self._writes[array][threads, at].any():
            self._again.add(own)
        self._writes[array][threads, at] = True
        if stored and part is not None:
            places = np.broadcast_to(part[0, 0], (self._threads, part.shape[3]))[base]
            self._stored[array][at[:, None], places] = True
        elif stored:
            self._stored[array][at] = True

    # ------------------------------------------------------------ what threads share

    def _check_races(self) -> None:
        """Raise `InvalidProgram` if two threads store to one cell, or one reads what another writes."""
        for array, writes in self._writes.items():
            if array not in self._shared and np.any(writes.sum(axis=0) > 1):
                raise InvalidProgram(f"two threads of {self.program.name} store to one cell of {array!r}")
            others = writes.sum(axis=0) - writes
            if np.any(self._reads[array] & (others > 0)):
                raise InvalidProgram(f"a thread of {self.program.name} reads what another writes in {array!r}")

    def _reach(self) -> dict[str, Mask]:
        """The cells of each array that each thread could write, whatever branches it took.

        Indices that are made of the thread's own and of constants tell; any others could name every cell.
        """
        found = {array: writes.copy() for array, writes in self._writes.items()}
        nobody = np.zeros((1, 1, 1), bool)
        fixed = _fixed_names(self.program)
        for name, indices in _write_sites(self.program):
            if name not in self._here.arrays:
                continue  # a view that no thread made
            if indices is not None and self._is_fixed_place(name, indices, fixed):
                array, cell = self._cell(name, indices, nobody)
                found[array][np.arange(self._threads), self._per_thread(cell)] = True
            else:
                found[self._here.arrays[name].whole][:] = True
        return found

    def _is_fixed_place(self, name: str, indices: Sequence[Expression], fixed: set[str]) -> bool:
        """Whether an element is the same whatever branches were taken."""
        views = definitions(self.program.body)
        parts: list[Node] = list(indices)
        while name in views:
            parts += views[name].indices
            name = views[name].array
        return all(self._is_fixed(part, fixed) for part in parts)

    def _is_fixed(self, index: Node, fixed: set[str]) -> bool:
        """Whether an index is the same whatever branches were taken, as the names `fixed` are."""
        return all(
            isinstance(node, Literal | Apply | Slice)
            or (isinstance(node, Extent) and node.array in self._parameters)
            or (isinstance(node, Name) and node.name in fixed)
            for node in walk(index)
        )
