"""Which types an operation takes: patterns over the type lattice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from strategies.language import types
from strategies.language.types import Composite, Matrix, Quaternion, Scalar, Transform, Type, Vector

FLOAT: Final = types.FLOATS
INT: Final = types.INTEGERS
NUMBER: Final = INT + FLOAT
#: The sizes of vectors and matrices; six is that of spatial ones.
LENGTHS: Final = (2, 3, 4)
ALL_LENGTHS: Final = (2, 3, 4, 5, 6)

#: Letters for the commonest patterns.
_ABBREVIATIONS: Final = {"V": "vec n", "M": "mat n m", "S": "mat n n", "Q": "quat", "X": "transform"}
_PATTERN: Final = re.compile(r"(vec|mat|quat|transform)( [a-z0-9])?( [a-z0-9])?")


class Signature(NamedTuple):
    """Argument and result patterns over the type lattice.

    ``T`` is one scalar type out of `over`.  ``vec n``, ``mat n m``, ``quat`` and ``transform`` are made of numbers of
    type ``T``; a letter stands for one of `lengths`, a digit for itself.  ``V``, ``M``, ``S``, ``Q`` and ``X`` are
    short for ``vec n``, ``mat n m``, ``mat n n``, ``quat`` and ``transform``.  Anything else is the notation of a type.
    """

    arguments: tuple[str, ...]
    result: str
    over: tuple[str, ...]
    lengths: tuple[int, ...] = LENGTHS

    def resolve(self, arguments: Sequence[Type]) -> Type | None:
        """The result type for these argument types, or None if they do not match."""
        if not self.arguments:
            return self._constant(arguments)
        if len(arguments) != len(self.arguments):
            return None
        bound: dict[str, object] = {}
        for pattern, given in zip(self.arguments, arguments, strict=True):
            if not self._bind(pattern, given, bound):
                return None
        return _instance(self.result, bound)

    def _constant(self, arguments: Sequence[Type]) -> Type | None:
        """The type of a result without arguments, which stands for them where an overload is looked for."""
        fits = len(arguments) == 1 and self._bind(self.result, arguments[0], {})
        return arguments[0] if fits else None

    def _bind(self, pattern: str, given: Type, bound: dict[str, object]) -> bool:
        if pattern == "T":
            if not isinstance(given, Scalar) or given.notation not in self.over:
                return False
            return bound.setdefault("T", given) is given
        form = _form(pattern)
        if form is None:
            return given.notation == pattern
        name, sizes = form
        if not isinstance(given, Composite) or type(given) is not _FORMS[name]:
            return False
        for letter, extent in zip(sizes, given.shape, strict=False):
            if letter.isdigit():
                if int(letter) != extent:
                    return False
            elif extent not in self.lengths or bound.setdefault(letter, extent) != extent:
                return False
        return self._bind("T", given.dtype, bound)

    def instances(self) -> list[tuple[tuple[Type, ...], Type]]:
        """Every tuple of argument types, with the type of the result."""
        letters = sorted({size for p in self._patterns if (f := _form(p)) for size in f[1] if not size.isdigit()})
        found = []
        for name in self.over:
            for sizes in itertools.product(self.lengths, repeat=len(letters)):
                bound = {"T": types.scalar(name), **dict(zip(letters, sizes, strict=True))}
                found.append((tuple(_instance(p, bound) for p in self.arguments), _instance(self.result, bound)))
        return list(dict.fromkeys(found))

    @property
    def _patterns(self) -> Iterator[str]:
        yield from self.arguments
        yield self.result


_FORMS: Final[Mapping[str, type[Composite]]] = {
    "vec": Vector, "mat": Matrix, "quat": Quaternion, "transform": Transform,
}  # fmt: skip


def _form(pattern: str) -> tuple[str, tuple[str, ...]] | None:
    """The form of a composite pattern, and its sizes: letters and digits."""
    match = _PATTERN.fullmatch(_ABBREVIATIONS.get(pattern, pattern))
    return None if match is None else (match[1], tuple(size.strip() for size in match.groups()[1:] if size))


def _instance(pattern: str, bound: Mapping[str, object]) -> Type:
    if pattern == "T":
        of = bound["T"]
        assert isinstance(of, Type)
        return of
    form = _form(pattern)
    if form is None:
        return types.parse(pattern)
    name, sizes = form
    dtype = bound["T"]
    assert isinstance(dtype, Scalar)
    return types.composite(name + "".join(s if s.isdigit() else str(bound[s]) for s in sizes), dtype)


def scalars(arity: int, over: tuple[str, ...], result: str = "T") -> Signature:
    """`arity` scalars of one type."""
    return Signature(("T",) * arity, result, over)


def vectors(arity: int, over: tuple[str, ...]) -> Signature:
    """`arity` vectors of one type."""
    return Signature(("V",) * arity, "V", over, ALL_LENGTHS)


SCALARS_AND_VECTORS: Final = (scalars(2, NUMBER), vectors(2, NUMBER))
