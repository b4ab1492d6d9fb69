"""Whether an array element may be written after it was read: the gradients of what was read are invalid then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strategies.language.check import bound_arguments
from strategies.language.effects import function_effects
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Component,
    Element,
    Evaluate,
    Expression,
    For,
    If,
    Literal,
    Name,
    Program,
    Return,
    Statement,
    Target,
    Unpack,
    While,
    walk,
)
from strategies.language.types import Array
from strategies.language.views import arrays_named, definitions, full_indices

#: The indices by which an element is named.
_Place = tuple[Expression, ...]
#: Some place, of which no index is known: what a function may read or write.
_ANYWHERE: Final[_Place] = ()


class Overwrites:
    """Whether an element may be written after it was read, as far as its indices tell.

    Whatever writes counts, `+=` and atomics too: the backward pass reads the element again, and finds what is
    there at the end.
    """

    def __init__(self, program: Program) -> None:
        self.found = False
        self._program = program
        self._effects = function_effects(program)
        self._read: dict[str, set[_Place]] = {}
        self._views = definitions(program.body)

    def _place(self, array: str, indices: _Place) -> tuple[str, _Place]:
        """The array, and the place in it, of an element that is named through views; behind a slice, any place."""
        known = True
        while (view := self._views.get(array)) is not None:
            whole = full_indices(view, indices, len(view.indices) + len(indices))
            known, indices = known and whole is not None, whole or ()
            array = view.array
        return array, indices if known else _ANYWHERE

    def block(self, body: Sequence[Statement]) -> bool:
        """Follow the statements of a block; whether its end can be reached."""
        return all(self._statement(statement) for statement in body)

    def _statement(self, node: Statement) -> bool:
        match node:
            case Assign() | AugmentedAssign():
                self._reads(node.value)
                self._write(node.target)
            case Unpack():
                for part in node.values:
                    self._reads(part)
                for target in node.targets:
                    self._write(target)
            case Evaluate():
                self._reads(node.value)
            case Atomic():
                for part in (*node.indices, node.value, *(() if node.compare is None else (node.compare,))):
                    self._reads(part)
                self._store(node.array, node.indices)
            case If():
                return self._branch(node)
            case For():
                for bound in (node.start, node.stop, node.step):
                    if bound is not None:
                        self._reads(bound)
                for _ in range(2):
                    self.block(node.body)
            case While():
                for _ in range(2):
                    self._reads(node.test)
                    self.block(node.body)
                self._reads(node.test)
            case Return():
                for part in node.values:
                    self._reads(part)
                return False
        return True

    def _branch(self, node: If) -> bool:
        self._reads(node.test)
        entry = {array: set(places) for array, places in self._read.items()}
        first = self.block(node.body)
        after, self._read = self._read, entry
        second = self.block(node.orelse)
        if not second:
            self._read = after
        elif first:
            for array, places in after.items():
                self._read.setdefault(array, set()).update(places)
        return first or second

    def _reads(self, node: Expression) -> None:
        for part in walk(node):
            if isinstance(part, Element):
                array, place = self._place(part.array, part.indices)
                self._read.setdefault(array, set()).add(place)
        for part in walk(node):
            if isinstance(part, Call):
                self._call(part)

    def _call(self, node: Call) -> None:
        inner = self._effects[node.function]
        bound = list(bound_arguments(self._program.function(node.function), node))
        named = [(p.name, arrays_named(a)) for p, a in bound if isinstance(p.type, Array)]
        arrays = [(name, self._place(array, ())[0]) for name, array in named if array is not None]
        for parameter, array in arrays:
            if parameter in inner.read:
                self._read.setdefault(array, set()).add(_ANYWHERE)
        for parameter, array in arrays:
            if parameter in inner.written:
                self._store(array, _ANYWHERE)

    def _write(self, target: Target) -> None:
        match target:
            case Element():
                for index in target.indices:
                    self._reads(index)
                self._store(target.array, target.indices)
            case Component(base=Name() | Component() | Element() as base):
                self._reads(target.index)
                self._write(base)

    def _store(self, array: str, indices: _Place) -> None:
        array, place = self._place(array, indices)
        self.found = self.found or any(not _apart(place, read) for read in self._read.get(array, ()))


def _apart(one: _Place, other: _Place) -> bool:
    """Whether two places are different elements for certain; -1 and 2 may be the same."""
    return any(
        isinstance(a, Literal) and isinstance(b, Literal) and a != b and (a.value < 0) == (b.value < 0)
        for a, b in zip(one, other, strict=False)
    )
