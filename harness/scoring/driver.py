"""What goes to `driver.cpp` and what comes back: launches as bytes, and arrays with a pattern around them.

An argument is a number of bytes with an alignment, an array with its gradient, or the address of an array's elements.
A struct is its fields, one after the other; a marker of no bytes in front of them and behind them aligns it as C does.
An array of structs is one array, of which every field's values are a part of each element.  An indexed array is its
data, the addresses of its places, and its shape.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from harness.jobs import Argument, ArrayArgument, ArrayResult, Launch, LaunchResult, ScalarArgument
from harness.oracle.lanes import Values
from harness.worker.buffers import ALIGNMENT, ITEM_SIZES, PAD_BYTES

#: Of `wp::array_t`, for its pointers.
ARRAY_ALIGNMENT: Final = 8
#: Of an array, at most.
MAX_DIMENSIONS: Final = 4


def encoded(launches: Sequence[Launch]) -> bytes:
    """`launches` as the driver reads them."""
    return struct.pack("=I", len(launches)) + b"".join(map(_encoded, launches))


def output_bytes(launches: Sequence[Launch]) -> int:
    """How many bytes the driver writes."""
    return sum(
        (1 + memory.gradient) * memory.length * (1 + _passes(launch))
        for launch in launches
        for memory in _memories(launch)
    )


def decoded(launch: Launch, content: memoryview) -> tuple[LaunchResult, memoryview]:
    """The result of a launch at the start of `content`, and what is left of it."""
    memories = list(_memories(launch))
    passes: list[list[tuple[Any, Any]]] = []
    for _ in range(1 + _passes(launch)):
        passes.append([])
        for memory in memories:
            data = np.frombuffer(content[: memory.length], np.uint8)
            gradient = np.frombuffer(content[memory.length : 2 * memory.length], np.uint8) if memory.gradient else None
            content = content[(1 + memory.gradient) * memory.length :]
            passes[-1].append((data, gradient))
    found: dict[int, ArrayResult] = {}
    for memory, *seen in zip(memories, *passes, strict=True):
        found |= memory.results(seen)
    return LaunchResult(tuple(found.get(n) for n in range(len(launch.arguments))), None), content


def _passes(launch: Launch) -> int:
    """How often the kernel runs backwards in a launch."""
    return launch.backward + (launch.backward and launch.again)


# ---------------------------------------------------------------- arguments


def _item(argument: Argument) -> tuple[int, int]:
    """The size and the alignment of a value, or of an array's element."""
    size = 1 if argument.dtype == "bool" else ITEM_SIZES[argument.dtype]
    if isinstance(argument, ArrayArgument):
        return size * max(1, argument.components), size
    return size * (1 if isinstance(argument, ScalarArgument) else len(argument.value)), size


@dataclass(frozen=True)
class _Memory:
    """An array with a pattern around it: its place among the arguments, and where in each element values lie.

    `parts` are one for an array of numbers, and the fields of an array of structs; each with its position among the
    arguments, its offset and its size.
    """

    parts: tuple[tuple[int, ArrayArgument, int, int], ...]
    item: int
    #: whether the kernel is given the address of the elements alone
    pointer: bool = False

    @property
    def _first(self) -> ArrayArgument:
        return self.parts[0][1]

    @property
    def shape(self) -> tuple[int, ...]:
        return self._first.data.shape[: self._first.data.ndim - bool(self._first.components)]

    @property
    def gradient(self) -> bool:
        """Whether it has one."""
        return self._first.gradient

    @property
    def stride(self) -> int:
        return self._first.stride

    @property
    def length(self) -> int:
        """With what lies around and between the elements."""
        return 2 * PAD_BYTES + math.prod(self.shape) * self.stride * self.item

    def images(self) -> tuple[Any, Any, Any]:
        """What data, gradient, and gradient before the backward pass hold; None for gradients that there are not."""
        salt = 2 * self.parts[0][0]
        data = self._image([argument.data for _, argument, _, _ in self.parts], salt)
        if not self.gradient:
            return data, None, None
        cotangents = [argument.cotangent for _, argument, _, _ in self.parts]
        return data, self._image([None] * len(self.parts), salt + 1), self._image(cotangents, salt + 1)

    def _image(self, contents: Sequence[Values | None], salt: int) -> Any:
        pattern = (np.arange(salt, salt + self.length, dtype=np.uint64) * np.uint64(29)) ^ np.uint64(0xA5)
        image = pattern.astype(np.uint8)
        cells = self._view(image)[:, 0, :]
        cells[...] = 0
        for (_, _, offset, size), values in zip(self.parts, contents, strict=True):
            if values is not None:
                content = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
                cells[:, offset : offset + size] = content.reshape(-1, size)
        return image

    def _view(self, image: Any) -> Any:
        return image[PAD_BYTES : len(image) - PAD_BYTES].reshape(-1, self.stride, self.item)

    def results(self, seen: Sequence[tuple[Any, Any]]) -> dict[int, ArrayResult]:
        """What became of each part, by its position: data and gradient after the forward and every backward pass."""
        data, gradient, cotangent = self.images()
        (first, before), *after = seen
        intact = all(self._around_intact(image, data) for image, _ in seen) and (
            gradient is None
            or (
                bool(np.array_equal(before, gradient))
                and all(self._around_intact(image, cotangent) for _, image in after)
            )
        )
        unchanged = all(bool(np.array_equal(first, image)) for image, _ in after)
        found = {}
        for position, argument, offset, size in self.parts:

            def values(image: Any, like: Values = argument.data, part: slice = slice(offset, offset + size)) -> Any:
                content = np.ascontiguousarray(self._view(image)[:, 0, part]).tobytes()
                return np.frombuffer(content, like.dtype).reshape(like.shape)

            gradients = [None if image is None else values(image) for _, image in after]
            found[position] = ArrayResult(
                data=values(first),
                gradient=gradients[0] if gradients else None,
                intact_after_backward=unchanged,
                canary_intact=intact,
                again=gradients[1] if len(gradients) > 1 else None,
            )
        return found

    def _around_intact(self, image: Any, expected: Any) -> bool:
        return (
            bool(np.array_equal(image[:PAD_BYTES], expected[:PAD_BYTES]))
            and bool(np.array_equal(image[-PAD_BYTES:], expected[-PAD_BYTES:]))
            and bool(np.array_equal(self._view(image)[:, 1:], self._view(expected)[:, 1:]))
        )

    def encoded(self) -> bytes:
        """The array as the driver reads it."""
        strides = [self.item * self.stride]
        for extent in reversed(self.shape[1:]):
            strides.insert(0, strides[0] * extent)
        numbers = (*(*self.shape, 0, 0, 0, 0)[:4], *(*strides, 0, 0, 0, 0)[:4])
        head = struct.pack("=II8iII", 2 if self.pointer else 1, len(self.shape), *numbers, ALIGNMENT, PAD_BYTES)
        images = [b"" if image is None else image.tobytes() for image in self.images()]
        return head + b"".join(struct.pack("=Q", len(image)) + image for image in images)


def _bytes(content: bytes, alignment: int) -> bytes:
    """A value as the driver reads it."""
    return struct.pack("=II8iIIQ", 0, 0, *(0,) * 8, alignment, 0, len(content)) + content


def _value(argument: Argument) -> bytes:
    assert not isinstance(argument, ArrayArgument)
    value = (argument.value,) if isinstance(argument, ScalarArgument) else argument.value
    dtype = np.dtype("?" if argument.dtype == "bool" else argument.dtype)
    return _bytes(np.array(value, dtype).tobytes(), dtype.itemsize)


#: A field by the rest of its path, with its place among the arguments.
_Field = tuple[str, int, Argument]


def _entries(launch: Launch) -> Iterator[bytes | _Memory]:
    """The arguments of the kernel: values as they are written, arrays as memory."""
    structs = {layout.first: layout for layout in launch.structs}
    indexed = {layout.first: layout.axes for layout in launch.indexed}
    position = 0
    while position < len(launch.arguments):
        layout, axes = structs.get(position), indexed.get(position, ())
        own = launch.arguments[position:][: 1 + len(axes) if layout is None else len(layout.fields)]
        if axes:
            yield from _indexed([("", n, argument) for n, argument in enumerate(own, position)], axes)
        elif layout is None:
            yield from _fields([("", position, own[0])])
        else:
            paths = zip(layout.fields, itertools.count(position), own, strict=False)
            if layout.array:
                yield _array_of_structs(list(paths))
            else:
                yield from _struct(list(paths))
        position += len(own)


def _memories(launch: Launch) -> Iterator[_Memory]:
    return (entry for entry in _entries(launch) if isinstance(entry, _Memory))


def _grouped(fields: Sequence[_Field]) -> Iterator[list[_Field]]:
    """The fields of a struct, those of a struct in it together; paths lose what they have in common."""
    for (nested, head), found in itertools.groupby(fields, lambda f: ("." in f[0], f[0].partition(".")[0])):
        group = [(path.partition(".")[2], position, argument) for path, position, argument in found]
        yield group if nested else [("", position, argument) for _, position, argument in group]
        assert head


def _alignment(fields: Sequence[_Field]) -> int:
    return max(ARRAY_ALIGNMENT if isinstance(a, ArrayArgument) else _item(a)[1] for _, _, a in fields)


def _struct(fields: Sequence[_Field]) -> Iterator[bytes | _Memory]:
    marker = _bytes(b"", _alignment(fields))
    yield marker
    for group in _grouped(fields):
        yield from _fields(group) if group[0][0] == "" else _struct(group)
    yield marker


def _fields(fields: Sequence[_Field]) -> Iterator[bytes | _Memory]:
    for _, position, argument in fields:
        if isinstance(argument, ArrayArgument):
            size, _ = _item(argument)
            yield _Memory(((position, argument, 0, size),), size)
        else:
            yield _value(argument)


def _indexed(fields: Sequence[_Field], axes: Sequence[int]) -> Iterator[bytes | _Memory]:
    """An indexed array: its data, for each of four axes the address of the places or none, and its shape."""
    data, *places = _fields(fields)
    assert isinstance(data, _Memory)
    yield data
    shape, left = list(data.shape), dict(zip(axes, places, strict=True))
    for axis in range(MAX_DIMENSIONS):
        of = left.get(axis)
        if isinstance(of, _Memory):
            (shape[axis],) = of.shape
            yield replace(of, pointer=True)
        else:
            yield _bytes(bytes(ARRAY_ALIGNMENT), ARRAY_ALIGNMENT)
    numbers = (*shape, *(0,) * (MAX_DIMENSIONS - len(shape)))
    yield _bytes(struct.pack("=4i", *numbers), ARRAY_ALIGNMENT)


def _array_of_structs(fields: Sequence[_Field]) -> _Memory:
    parts, size, _ = _laid_out(fields)
    return _Memory(tuple(parts), size)


def _laid_out(fields: Sequence[_Field]) -> tuple[list[tuple[int, ArrayArgument, int, int]], int, int]:
    """Where each field lies in a struct of values, and the struct's size and alignment, as in C."""
    parts: list[tuple[int, ArrayArgument, int, int]] = []
    end, widest = 0, 1
    for group in _grouped(fields):
        if group[0][0] == "":
            ((_, position, argument),) = group
            assert isinstance(argument, ArrayArgument)
            size, alignment = _item(argument)
            inner = [(position, argument, 0, size)]
        else:
            inner, size, alignment = _laid_out(group)
        begin = -(-end // alignment) * alignment
        parts += [(position, argument, begin + offset, extent) for position, argument, offset, extent in inner]
        end, widest = begin + size, max(widest, alignment)
    return parts, -(-end // widest) * widest, widest


def _encoded(launch: Launch) -> bytes:
    entries = list(_entries(launch))
    dims = (*launch.dims, 0, 0, 0, 0)[:4]
    head = struct.pack("=I4III", len(launch.dims), *dims, _passes(launch), len(entries))
    return head + b"".join(entry.encoded() if isinstance(entry, _Memory) else entry for entry in entries)
