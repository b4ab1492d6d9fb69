"""The types of Warp's kernel language, as immutable interned values.

A type is written in *notation*, the form it has in JSON: ``float32``, ``vec3<float32>``,
``array2<vec3<float32>>``.  Two types are equal when they are the same object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final


class Type:
    """A type of Warp's kernel language; made by `parse`, `scalar`, `vector` or `array`, never directly."""

    __slots__ = ("__weakref__", "notation")

    notation: str

    def __init__(self, notation: str) -> None:
        self.notation = notation

    def __repr__(self) -> str:
        return self.notation

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return parse, (self.notation,)


class Scalar(Type):
    """A bool, an integer of 8 to 64 bits, or a float of 16 to 64 bits."""

    __slots__ = ("bits", "kind")

    #: ``"bool"``, ``"int"``, ``"uint"`` or ``"float"``
    kind: str
    bits: int

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.kind = name.rstrip("0123456789")
        self.bits = int(name[len(self.kind) :] or 8)

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def is_signed(self) -> bool:
        return self.kind in ("int", "float")

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest finite value."""
        if self.kind == "bool":
            return (0, 1)
        if self.kind == "uint":
            return (0, 2**self.bits - 1)
        if self.kind == "int":
            return (-(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1)
        largest = {16: 65504.0, 32: 3.4028234663852886e38, 64: 1.7976931348623157e308}[self.bits]
        return (-largest, largest)


class Vector(Type):
    """A vector of `length` components of one scalar type."""

    __slots__ = ("dtype", "length")

    length: int
    dtype: Scalar

    def __init__(self, length: int, dtype: Scalar) -> None:
        super().__init__(f"vec{length}<{dtype.notation}>")
        self.length = length
        self.dtype = dtype


class Array(Type):
    """An array of `ndim` dimensions, of scalars or vectors."""

    __slots__ = ("dtype", "ndim")

    dtype: Scalar | Vector
    ndim: int

    def __init__(self, ndim: int, dtype: Scalar | Vector) -> None:
        super().__init__(f"array{ndim}<{dtype.notation}>")
        self.dtype = dtype
        self.ndim = ndim


class Tuple(Type):
    """Several values at once: what a function with several results returns."""

    __slots__ = ("items",)

    items: tuple[Type, ...]

    def __init__(self, items: tuple[Type, ...]) -> None:
        super().__init__(f"tuple<{', '.join(item.notation for item in items)}>")
        self.items = items


class Void(Type):
    """No value: what a function without results returns."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("void")


FLOATS: Final = ("float16", "float32", "float64")
SIGNED: Final = ("int8", "int16", "int32", "int64")
UNSIGNED: Final = ("uint8", "uint16", "uint32", "uint64")
INTEGERS: Final = SIGNED + UNSIGNED
SCALARS: Final = ("bool", *INTEGERS, *FLOATS)
MAX_ARRAY_DIMENSIONS: Final = 4

_VECTOR = re.compile(r"vec([1-9][0-9]?)<([a-z0-9]+)>")
_TUPLE = re.compile(r"tuple<(.+)>")
_ARRAY = re.compile(r"array([1-4])<(.+)>")


@cache
def parse(notation: str) -> Type:
    """The type written as `notation`; `ValueError` if it is none."""
    if notation in SCALARS:
        return Scalar(notation)
    if notation == "void":
        return Void()
    if match := _VECTOR.fullmatch(notation):
        return Vector(int(match[1]), scalar(match[2]))
    if match := _ARRAY.fullmatch(notation):
        dtype = parse(match[2])
        if isinstance(dtype, Scalar | Vector):
            return Array(int(match[1]), dtype)
    if match := _TUPLE.fullmatch(notation):
        items = tuple(parse(item) for item in match[1].split(", "))
        if all(isinstance(item, Scalar | Vector) for item in items):
            return Tuple(items)
    raise ValueError(f"{notation!r} is not a type of the kernel language")


def scalar(name: str) -> Scalar:
    """The scalar type called `name`, as Warp spells it."""
    found = parse(name)
    if not isinstance(found, Scalar):
        raise ValueError(f"{name!r} is not a scalar type")
    return found


def vector(length: int, dtype: Scalar) -> Vector:
    """The vector type of `length` components of type `dtype`."""
    found = parse(f"vec{length}<{dtype.notation}>")
    assert isinstance(found, Vector)
    return found


def array(dtype: Scalar | Vector, ndim: int = 1) -> Array:
    """The array type with elements of type `dtype`."""
    found = parse(f"array{ndim}<{dtype.notation}>")
    assert isinstance(found, Array)
    return found


def tuple_of(items: Sequence[Type]) -> Tuple:
    """The tuple type of values of types `items`."""
    found = parse(f"tuple<{', '.join(item.notation for item in items)}>")
    assert isinstance(found, Tuple)
    return found


def scalars_of(of: Type) -> tuple[Scalar, ...]:
    """The scalar types that values of type `of` are made of; none for `VOID`."""
    match of:
        case Tuple():
            return tuple(scalar for item in of.items for scalar in scalars_of(item))
        case Void():
            return ()
    return (element_scalar(of),)


def element_scalar(of: Type) -> Scalar:
    """The scalar type that values of type `of` are made of; `TypeError` for tuples and void, which have none."""
    match of:
        case Scalar():
            return of
        case Vector() | Array():
            return element_scalar(of.dtype)
    raise TypeError(f"{of!r} has no scalar type")


VOID: Final = parse("void")
BOOL: Final = scalar("bool")
INT32: Final = scalar("int32")
FLOAT16: Final = scalar("float16")
FLOAT32: Final = scalar("float32")
FLOAT64: Final = scalar("float64")
