"""The types of Warp's kernel language, as immutable interned values.

A type is written in *notation*, the form it has in JSON: ``float32``, ``vec3<float32>``, ``mat34<float32>``,
``quat<float32>``, ``array2<vec3<float32>>``.  Two types are equal when they are the same object.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from functools import cache
from typing import Final


class Type:
    """A type of Warp's kernel language; made by `parse` or the functions below it, never directly."""

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


class Composite(Type):
    """Several numbers of one scalar type that are one value: `length` of them, in the order of memory."""

    __slots__ = ("dtype", "length")

    length: int
    dtype: Scalar

    def __init__(self, form: str, length: int, dtype: Scalar) -> None:
        super().__init__(f"{form}<{dtype.notation}>")
        self.length = length
        self.dtype = dtype

    @property
    def form(self) -> str:
        """The notation without the scalar type: ``vec3``, ``mat34``, ``quat``, ``transform``."""
        return self.notation.partition("<")[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one value as NumPy has it: rows and columns for a matrix."""
        return (self.length,)


class Vector(Composite):
    """A vector of `length` components.  Spatial vectors are those of six floats."""

    __slots__ = ()

    def __init__(self, length: int, dtype: Scalar) -> None:
        super().__init__(f"vec{length}", length, dtype)


class Matrix(Composite):
    """A matrix of `rows` times `columns` numbers, row by row.  Spatial matrices are those of six by six floats."""

    __slots__ = ("columns", "rows")

    rows: int
    columns: int

    def __init__(self, rows: int, columns: int, dtype: Scalar) -> None:
        super().__init__(f"mat{rows}{columns}", rows * columns, dtype)
        self.rows = rows
        self.columns = columns

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, self.columns)


class Quaternion(Composite):
    """A quaternion of floats: x, y, z, w."""

    __slots__ = ()

    def __init__(self, dtype: Scalar) -> None:
        super().__init__("quat", 4, dtype)


class Transform(Composite):
    """A rigid transformation: a translation of three floats, then a quaternion."""

    __slots__ = ()

    def __init__(self, dtype: Scalar) -> None:
        super().__init__("transform", 7, dtype)


class Array(Type):
    """An array of `ndim` dimensions, of scalars or of values that are made of several."""

    __slots__ = ("dtype", "ndim")

    dtype: Scalar | Composite
    ndim: int

    def __init__(self, ndim: int, dtype: Scalar | Composite) -> None:
        super().__init__(f"array{ndim}<{dtype.notation}>")
        self.dtype = dtype
        self.ndim = ndim


class Struct(Type):
    """A struct called `name`, with its fields in order: scalars, vectors, arrays or other structs."""

    __slots__ = ("fields", "name")

    name: str
    fields: tuple[tuple[str, Type], ...]

    def __init__(self, name: str, fields: tuple[tuple[str, Type], ...]) -> None:
        super().__init__(f"{name}{{{'; '.join(f'{field}: {of.notation}' for field, of in fields)}}}")
        self.name = name
        self.fields = fields

    def field(self, name: str) -> Type:
        """The type of the field called `name`; `KeyError` if there is none."""
        return dict(self.fields)[name]


class StructArray(Type):
    """An array of `ndim` dimensions whose elements are structs."""

    __slots__ = ("dtype", "ndim")

    dtype: Struct
    ndim: int

    def __init__(self, ndim: int, dtype: Struct) -> None:
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


class Tile(Type):
    """A tile: numbers of one scalar type that the threads of a block hold together."""

    __slots__ = ("dtype", "shape")

    dtype: Scalar
    shape: tuple[int, ...]

    def __init__(self, shape: tuple[int, ...], dtype: Scalar) -> None:
        super().__init__(f"tile{'x'.join(map(str, shape))}<{dtype.notation}>")
        self.dtype = dtype
        self.shape = shape


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
_MATRIX = re.compile(r"mat([1-9])([1-9])<([a-z0-9]+)>")
_ROTATION = re.compile(r"(quat|transform)<(float[0-9]+)>")
_TILE = re.compile(r"tile([1-9][0-9]{0,2}(?:x[1-9][0-9]{0,2}){0,3})<([a-z0-9]+)>")
_TUPLE = re.compile(r"tuple<(.+)>")
_ARRAY = re.compile(r"array([1-4])<(.+)>")
_STRUCT = re.compile(r"([A-Z][A-Za-z0-9]*)\{(.+)\}")
_FIELD = re.compile(r"([a-z][a-z0-9_]*): (.+)")


@cache
def parse(notation: str) -> Type:
    """The type written as `notation`; `ValueError` if it is none."""
    if notation in SCALARS:
        return Scalar(notation)
    if notation == "void":
        return Void()
    if match := _VECTOR.fullmatch(notation):
        return Vector(int(match[1]), scalar(match[2]))
    if match := _MATRIX.fullmatch(notation):
        return Matrix(int(match[1]), int(match[2]), scalar(match[3]))
    if match := _ROTATION.fullmatch(notation):
        return (Quaternion if match[1] == "quat" else Transform)(scalar(match[2]))
    if match := _TILE.fullmatch(notation):
        return Tile(tuple(map(int, match[1].split("x"))), scalar(match[2]))
    if match := _ARRAY.fullmatch(notation):
        dtype = parse(match[2])
        if isinstance(dtype, Scalar | Composite):
            return Array(int(match[1]), dtype)
        if isinstance(dtype, Struct):
            return StructArray(int(match[1]), dtype)
    if match := _STRUCT.fullmatch(notation):
        fields = [_FIELD.fullmatch(part) for part in _parts(match[2])]
        members = tuple((field[1], parse(field[2])) for field in fields if field is not None)
        distinct = len(dict(members)) == len(fields) and not any(map(keyword.iskeyword, (match[1], *dict(members))))
        if distinct and all(isinstance(of, Scalar | Composite | Array | Struct) for _, of in members):
            return Struct(match[1], members)
    if match := _TUPLE.fullmatch(notation):
        items = tuple(parse(item) for item in match[1].split(", "))
        if all(isinstance(item, Scalar | Composite) for item in items):
            return Tuple(items)
    raise ValueError(f"{notation!r} is not a type of the kernel language")


def _parts(text: str) -> list[str]:
    """The fields of a struct's notation: what stands between semicolons outside of inner braces."""
    found, depth = [""], 0
    for part in re.split(r"(\{|\}|; )", text):
        depth += (part == "{") - (part == "}")
        if part == "; " and depth == 0:
            found.append("")
        else:
            found[-1] += part
    return found


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


def matrix(rows: int, columns: int, dtype: Scalar) -> Matrix:
    """The type of matrices of `rows` times `columns` numbers of type `dtype`."""
    found = parse(f"mat{rows}{columns}<{dtype.notation}>")
    assert isinstance(found, Matrix)
    return found


def quaternion(dtype: Scalar) -> Quaternion:
    """The type of quaternions of four floats of type `dtype`."""
    found = parse(f"quat<{dtype.notation}>")
    assert isinstance(found, Quaternion)
    return found


def transform(dtype: Scalar) -> Transform:
    """The type of transformations of seven floats of type `dtype`."""
    found = parse(f"transform<{dtype.notation}>")
    assert isinstance(found, Transform)
    return found


def composite(form: str, dtype: Scalar) -> Composite:
    """The type of values of a form (``vec3``, ``mat34``, ``quat``, ``transform``) of scalars of type `dtype`."""
    found = parse(f"{form}<{dtype.notation}>")
    assert isinstance(found, Composite)
    return found


def tile(shape: Sequence[int], dtype: Scalar) -> Tile:
    """The type of tiles of `shape` of numbers of type `dtype`."""
    found = parse(f"tile{'x'.join(map(str, shape))}<{dtype.notation}>")
    assert isinstance(found, Tile)
    return found


def array(dtype: Scalar | Composite, ndim: int = 1) -> Array:
    """The array type with elements of type `dtype`."""
    found = parse(f"array{ndim}<{dtype.notation}>")
    assert isinstance(found, Array)
    return found


def struct(name: str, fields: Sequence[tuple[str, Type]]) -> Struct:
    """The struct type called `name` with `fields`."""
    found = parse(f"{name}{{{'; '.join(f'{field}: {of.notation}' for field, of in fields)}}}")
    assert isinstance(found, Struct)
    return found


def struct_array(dtype: Struct, ndim: int) -> StructArray:
    """The array type with structs of type `dtype`."""
    found = parse(f"array{ndim}<{dtype.notation}>")
    assert isinstance(found, StructArray)
    return found


def tuple_of(items: Sequence[Type]) -> Tuple:
    """The tuple type of values of types `items`."""
    found = parse(f"tuple<{', '.join(item.notation for item in items)}>")
    assert isinstance(found, Tuple)
    return found


#: The names that a file gives types that have none in Warp: ``mat23``, ``vec5d``.
_ALIAS: Final = re.compile(r"(vec[0-9]+|mat[1-9][1-9])(h|d|b|ub|s|us|i|ui|l|ul)?")


def is_alias(name: str) -> bool:
    """Whether a file may give a type this name, so that nothing else can have it."""
    return bool(_ALIAS.fullmatch(name))


def scalars_of(of: Type) -> tuple[Scalar, ...]:
    """The scalar types that values of type `of` are made of; none for `VOID`."""
    match of:
        case Tuple():
            return tuple(scalar for item in of.items for scalar in scalars_of(item))
        case Struct():
            return tuple(scalar for _, field in of.fields for scalar in scalars_of(field))
        case StructArray():
            return scalars_of(of.dtype)
        case Void():
            return ()
    return (element_scalar(of),)


def holds_floats(of: Type) -> bool:
    """Whether values of type `of` can carry a derivative."""
    return any(scalar.is_float for scalar in scalars_of(of))


def element_scalar(of: Type) -> Scalar:
    """The scalar type that values of type `of` are made of; `TypeError` for structs, tuples, void."""
    match of:
        case Scalar():
            return of
        case Composite() | Array() | Tile():
            return element_scalar(of.dtype)
    raise TypeError(f"{of!r} has no scalar type")


VOID: Final = parse("void")
BOOL: Final = scalar("bool")
INT32: Final = scalar("int32")
FLOAT16: Final = scalar("float16")
FLOAT32: Final = scalar("float32")
FLOAT64: Final = scalar("float64")
