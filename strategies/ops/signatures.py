"""Which types an operation takes: patterns over the type lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from strategies.language import types
from strategies.language.types import Scalar, Type, Vector

FLOAT: Final = types.FLOATS
INT: Final = types.INTEGERS
NUMBER: Final = INT + FLOAT


class Signature(NamedTuple):
    """Argument and result patterns over the type lattice.

    ``T`` is one scalar type out of `over`, ``V`` a vector of `lengths` components of type ``T``;
    anything else is the notation of a type.
    """

    arguments: tuple[str, ...]
    result: str
    over: tuple[str, ...]
    lengths: tuple[int, ...] = (2, 3, 4)

    def resolve(self, arguments: Sequence[Type]) -> Type | None:
        """The result type for these argument types, or None if they do not match."""
        if len(arguments) != len(self.arguments):
            return None
        bound: dict[str, Type] = {}
        for pattern, given in zip(self.arguments, arguments, strict=True):
            if not self._bind(pattern, given, bound):
                return None
        return bound[self.result] if self.result in bound else types.parse(self.result)

    def _bind(self, pattern: str, given: Type, bound: dict[str, Type]) -> bool:
        if pattern == "V":
            if not isinstance(given, Vector) or given.length not in self.lengths:
                return False
            if not self._bind("T", given.dtype, bound):
                return False
            return bound.setdefault("V", given) is given
        if pattern == "T":
            if not isinstance(given, Scalar) or given.notation not in self.over:
                return False
            return bound.setdefault("T", given) is given
        return given.notation == pattern

    def instances(self) -> list[tuple[tuple[Type, ...], Type]]:
        """Every tuple of argument types, with the type of the result."""
        found = []
        for name in self.over:
            dtype = types.scalar(name)
            vectors = [types.vector(n, dtype) for n in self.lengths] if "V" in self._patterns else [None]
            for vector in vectors:
                bound: dict[str, Type] = {"T": dtype}
                if vector is not None:
                    bound["V"] = vector
                arguments = tuple(self._instance(p, bound) for p in self.arguments)
                found.append((arguments, self._instance(self.result, bound)))
        return list(dict.fromkeys(found))

    @property
    def _patterns(self) -> tuple[str, ...]:
        return (*self.arguments, self.result)

    def _instance(self, pattern: str, bound: dict[str, Type]) -> Type:
        return bound[pattern] if pattern in bound else types.parse(pattern)


def scalars(arity: int, over: tuple[str, ...], result: str = "T") -> Signature:
    """`arity` scalars of one type."""
    return Signature(("T",) * arity, result, over)


def vectors(arity: int, over: tuple[str, ...] = FLOAT, result: str = "V") -> Signature:
    """`arity` vectors of one type."""
    return Signature(("V",) * arity, result, over)


SCALARS_AND_VECTORS: Final = (scalars(2, NUMBER), vectors(2, NUMBER))
