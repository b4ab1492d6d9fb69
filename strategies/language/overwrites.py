"""Which array elements are written after they were read: the backward pass reads them again, and finds what is there
at the end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from strategies.language.effects import function_effects
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Node,
    Program,
    Return,
    Statement,
    Target,
    Unpack,
    While,
    root,
    walk,
)
from strategies.language.rules import bound_arguments
from strategies.language.types import Array
from strategies.language.views import arrays_named, definitions, full_indices

#: The indices by which an element is named.
_Indices = tuple[Expression, ...]
#: Some element, of which no index is known: what a function may read or write.
_ANYWHERE: Final[_Indices] = ()


class Place(NamedTuple):
    """An element of an array of the kernel; without indices, any element."""

    array: str
    indices: _Indices


_Places = frozenset[Place]
_NOWHERE: Final[_Places] = frozenset()


class Overwrites:
    """The elements that may be written at or after each statement of the kernel, as far as indices tell.

    Whatever writes counts, `+=` and atomics too.  Where it is known of a launch which arrays have elements that were
    written after they were read (`among`), others do not count: indices alone do not tell ``row[k]`` from
    ``row[k - 1]``.
    """

    def __init__(self, program: Program, among: Collection[str] | None = None) -> None:
        self._program = program
        self._among = among
        self._effects = function_effects(program)
        self._views = definitions(program.body)
        self._later: dict[int, _Places] = {}
        #: what may be written after a `break` or a `continue`, for each loop around
        self._loops: list[_Places] = []
        self._block(program.body, _NOWHERE)

    def overwritten(self, statement: Statement, read: Element) -> bool:
        """Whether an element that `statement` reads may be written by it or after it."""
        place = self._place(read.array, read.indices)
        return any(not _apart(place, other) for other in self._later.get(id(statement), _NOWHERE))

    def overwrites(self, statement: Statement, call: Call) -> bool:
        """Whether what a call in `statement` reads of arrays may be written by it or after it."""
        inner = self._effects[call.function]
        read = {self._place(array, ()).array for name, array in self._arrays(call) if name in inner.read}
        return any(place.array in read for place in self._later.get(id(statement), _NOWHERE))

    def _place(self, array: str, indices: _Indices) -> Place:
        """An element that is named through views, in the kernel's array; behind a slice, any element."""
        known = True
        while (view := self._views.get(array)) is not None:
            whole = full_indices(view, indices, len(view.indices) + len(indices))
            known, indices = known and whole is not None, whole or ()
            array = view.array
        return Place(array, indices if known else _ANYWHERE)

    def _block(self, body: Sequence[Statement], after: _Places) -> _Places:
        """What may be written at the beginning of `body` or later, if `after` may be behind it."""
        for statement in reversed(body):
            after = self._statement(statement, after)
        return after

    def _statement(self, node: Statement, after: _Places) -> _Places:
        match node:
            case If():
                found = self._block(node.body, after) | self._block(node.orelse, after) | self._called(node.test)
            case For() | While():
                found = after | frozenset(place for part in walk(node) for place in self._writes(part))
                self._loops.append(found)
                self._block(node.body, found)
                self._loops.pop()
            case Return():
                found = self._called(node)
            case Break() | Continue():
                found = self._loops[-1]
            case _:
                found = after | frozenset(place for part in walk(node) for place in self._writes(part))
        self._later[id(node)] = found
        return found

    def _called(self, node: Node) -> _Places:
        return frozenset(place for part in walk(node) if isinstance(part, Call) for place in self._writes(part))

    def _writes(self, node: Node) -> list[Place]:
        """What one node writes, apart from what is below it."""
        return [place for place in self._written(node) if self._among is None or place.array in self._among]

    def _written(self, node: Node) -> list[Place]:
        match node:
            case Assign() | AugmentedAssign():
                return self._targets((node.target,))
            case Unpack():
                return self._targets(node.targets)
            case Atomic():
                return [self._place(node.array, node.indices)]
            case Call():
                inner = self._effects[node.function]
                return [
                    Place(self._place(array, ()).array, _ANYWHERE)
                    for name, array in self._arrays(node)
                    if name in inner.written
                ]
        return []

    def _targets(self, targets: Sequence[Target]) -> list[Place]:
        roots = map(root, targets)
        return [self._place(found.array, found.indices) for found in roots if isinstance(found, Element)]

    def _arrays(self, node: Call) -> list[tuple[str, str]]:
        """A function's array parameters, and the names of what a call gives for them."""
        bound = bound_arguments(self._program.function(node.function), node)
        named = [(p.name, arrays_named(a)) for p, a in bound if isinstance(p.type, Array)]
        return [(name, array) for name, array in named if array is not None]


def _apart(one: Place, other: Place) -> bool:
    """Whether two places are different elements for certain; -1 and 2 may be the same."""
    return one.array != other.array or any(
        isinstance(a, Literal) and isinstance(b, Literal) and a != b and (a.value < 0) == (b.value < 0)
        for a, b in zip(one.indices, other.indices, strict=False)
    )
