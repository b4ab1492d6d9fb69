"""The values of a small Warp in plain Python: integers, floats, vectors and their like, arrays."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from strategies.language import types as t
from strategies.language.nodes import Parameter
from strategies.language.types import INT32, Array, Scalar


class Int(int):
    """An integer of Warp: unsigned ones wrap, signed ones must not overflow."""

    of: Scalar

    def __new__(cls, value: Any, of: Scalar = INT32) -> Int:
        whole = int(value)
        low, high = (int(end) for end in of.limits)
        if of.kind == "uint":
            whole %= 1 << of.bits
        elif not low <= whole <= high:
            raise OverflowError(f"{whole} is no {of}")
        made = super().__new__(cls, whole)
        made.of = of
        return made

    def _with(self, function: Callable[[int, int], int], other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return Int(function(int(self), int(other)), self.of)

    def __add__(self, other: Any) -> Any:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._with(operator.sub, other)

    def __mul__(self, other: Any) -> Any:
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> Any:
        return self._with(quotient, other)

    def __floordiv__(self, other: Any) -> Any:
        return self._with(operator.floordiv, other)

    def __mod__(self, other: Any) -> Any:
        return self._with(lambda a, b: a - b * quotient(a, b), other)

    def __and__(self, other: Any) -> Any:
        return self._with(operator.and_, other)

    def __or__(self, other: Any) -> Any:
        return self._with(operator.or_, other)

    def __xor__(self, other: Any) -> Any:
        return self._with(operator.xor, other)

    def __lshift__(self, other: Any) -> Any:
        assert 0 <= int(other) < self.of.bits
        return self._with(operator.lshift, other)

    def __rshift__(self, other: Any) -> Any:
        assert 0 <= int(other) < self.of.bits
        return self._with(operator.rshift, other)

    def __radd__(self, other: Any) -> Any:
        return Int(other, self.of) + self

    def __rsub__(self, other: Any) -> Any:
        return Int(other, self.of) - self

    def __rmul__(self, other: Any) -> Any:
        return Int(other, self.of) * self

    def __rtruediv__(self, other: Any) -> Any:
        return Int(other, self.of) / self

    def __rfloordiv__(self, other: Any) -> Any:
        return Int(other, self.of) // self

    def __rmod__(self, other: Any) -> Any:
        return Int(other, self.of) % self

    def __rand__(self, other: Any) -> Any:
        return Int(other, self.of) & self

    def __ror__(self, other: Any) -> Any:
        return Int(other, self.of) | self

    def __rxor__(self, other: Any) -> Any:
        return Int(other, self.of) ^ self

    def __rlshift__(self, other: Any) -> Any:
        return Int(other, self.of) << self

    def __rrshift__(self, other: Any) -> Any:
        return Int(other, self.of) >> self

    def __neg__(self) -> Int:
        return Int(-int(self), self.of)

    def __pos__(self) -> Int:
        return self

    def __invert__(self) -> Int:
        return Int(~int(self), self.of)


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


class Float(float):
    """A float64 of Warp."""

    def _with(self, function: Callable[[float, float], float], other: Any) -> Any:
        return Float(function(float(self), float(other))) if isinstance(other, float) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._with(operator.sub, other)

    def __mul__(self, other: Any) -> Any:
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> Any:
        return self._with(operator.truediv, other)

    def __floordiv__(self, other: Any) -> Any:
        # `math.floor` gives an int, which has no negative zero
        return self._with(lambda a, b: math.copysign(math.floor(a / b), a / b), other)

    def __mod__(self, other: Any) -> Any:
        return self._with(math.fmod, other)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return self._with(math.pow, other)

    def __neg__(self) -> Float:
        return Float(-float(self))

    def __pos__(self) -> Float:
        return self


class Vec:
    """A vector; arithmetic makes new ones."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.__dict__["parts"] = list(parts)

    def __getattr__(self, name: str) -> Any:
        return self.parts["xyzw".index(name)]

    def __setattr__(self, name: str, value: Any) -> None:
        self.parts["xyzw".index(name)] = value

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Vec(self.parts[index])
        assert 0 <= index < len(self.parts)
        return self.parts[index]

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if isinstance(index, slice):
            taken = range(len(self.parts))[index]
            for at, part in zip(taken, value if isinstance(value, Vec) else [value] * len(taken), strict=True):
                self.parts[at] = part
            return
        assert 0 <= index < len(self.parts)
        self.parts[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def _each(self, function: Callable[..., Any], other: Any) -> Vec:
        others = other.parts if isinstance(other, Vec) else [other] * len(self.parts)
        return Vec([function(a, b) for a, b in zip(self.parts, others, strict=True)])

    def __add__(self, other: Any) -> Vec:
        return self._each(operator.add, other)

    def __sub__(self, other: Any) -> Vec:
        return self._each(operator.sub, other)

    def __mul__(self, other: Any) -> Vec:
        return self._each(operator.mul, other)

    def __rmul__(self, other: Any) -> Vec:
        return self._each(lambda a, b: b * a, other)

    def __truediv__(self, other: Any) -> Vec:
        return self._each(operator.truediv, other)

    def __rtruediv__(self, other: Any) -> Vec:
        return self._each(lambda a, b: b / a, other)

    def __mod__(self, other: Any) -> Vec:
        return self._each(operator.mod, other)

    def __and__(self, other: Any) -> Vec:
        return self._each(operator.and_, other)

    def __or__(self, other: Any) -> Vec:
        return self._each(operator.or_, other)

    def __xor__(self, other: Any) -> Vec:
        return self._each(operator.xor, other)

    def __lshift__(self, other: Any) -> Vec:
        return self._each(operator.lshift, other)

    def __rshift__(self, other: Any) -> Vec:
        return self._each(operator.rshift, other)

    def __neg__(self) -> Vec:
        return Vec([-a for a in self.parts])

    def __pos__(self) -> Vec:
        return Vec([+a for a in self.parts])

    def __invert__(self) -> Vec:
        return Vec([~a for a in self.parts])


def copied(value: Any) -> Any:
    """Vectors and structs are values in Warp."""
    if isinstance(value, Record | Row):
        return value.copied()
    return Vec(value.parts) if isinstance(value, Vec) else value


def made(value: Any, of: Scalar) -> Any:
    """A number as a value of one scalar type."""
    if of.kind == "bool":
        return bool(value)
    return Float(value) if of.is_float else Int(math.trunc(value), of)


class Cells:
    """An array of Warp; `dtype` as in the kernel's signature."""

    def __init__(self, values: np.ndarray[Any, Any], parameter: Parameter) -> None:
        assert isinstance(parameter.type, Array)
        of = t.element_scalar(parameter.type)
        vector = not isinstance(parameter.type.dtype, Scalar)
        #: where each element is among `cells`, which views of this array share
        self.places = np.arange(math.prod(parameter.shape)).reshape(parameter.shape)
        rows = values.tolist()
        self.cells = [Vec([made(x, of) for x in row]) if vector else made(row, of) for row in rows]

    @property
    def shape(self) -> tuple[Int, ...]:
        return tuple(map(Int, self.places.shape))

    def __getitem__(self, index: Any) -> Any:
        at = self.places[index]
        if not isinstance(at, np.ndarray):
            return self.cells[at]
        view = object.__new__(Cells)
        view.places, view.cells = at, self.cells
        return view

    def __setitem__(self, index: Any, value: Any) -> None:
        at = self.places[index]
        assert not isinstance(at, np.ndarray)
        self.cells[at] = copied(value)

    @property
    def contents(self) -> list[Any]:
        return [list(cell) if isinstance(cell, Vec) else cell for cell in self.cells]


class Record:
    """A struct of Warp; a class with annotations becomes one by `struct`."""

    fields: dict[str, Any]

    def __init__(self, *values: Any) -> None:
        for n, (name, of) in enumerate(self.fields.items()):
            zero = () if isinstance(of, type) and issubclass(of, Record | bool) else (0,)
            setattr(self, name, copied(values[n]) if values else None if of is None else of(*zero))

    def copied(self) -> Record:
        return type(self)(*(getattr(self, name) for name in self.fields))


def struct(given: type) -> type:
    return type(given.__name__, (Record,), {"fields": given.__annotations__})


class Row:
    """An element of an array of structs, or a struct in one, where it stands; `cells` are its numbers' arrays."""

    def __init__(self, of: type[Record], cells: dict[str, Cells], at: Any) -> None:
        object.__setattr__(self, "held", (of, cells, at))

    def __getattr__(self, name: str) -> Any:
        of, cells, at = self.held
        if name in cells:
            return cells[name][at]
        inner = {path.removeprefix(f"{name}."): c for path, c in cells.items() if path.startswith(f"{name}.")}
        return Row(of.fields[name], inner, at)

    def __setattr__(self, name: str, value: Any) -> None:
        _, cells, at = self.held
        if name in cells:
            cells[name][at] = value
        else:
            getattr(self, name).store(value)

    def store(self, value: Any) -> None:
        for name in self.held[0].fields:
            setattr(self, name, getattr(value, name))

    def copied(self) -> Record:
        of = self.held[0]
        return of(*(getattr(self, name) for name in of.fields))


class Rows:
    """An array of structs."""

    def __init__(self, of: type[Record], cells: dict[str, Cells]) -> None:
        self.of, self.cells = of, cells
        self.shape = next(iter(cells.values())).shape

    def __getitem__(self, index: Any) -> Row:
        return Row(self.of, self.cells, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self[index].store(copied(value))
