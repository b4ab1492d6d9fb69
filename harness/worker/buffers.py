"""Arrays between canaries: bytes that a kernel has no business with lie around every one."""

from __future__ import annotations

import functools
import math
from typing import Any

from . import imported

PAD_BYTES = 4096
"""Canary bytes in front of and behind every array: an index that is off by one *row* still lands in them."""

_PATTERN_PERIOD = 256
"""After so many positions the pattern of the canaries repeats: it is a byte of each."""

ALIGNMENT = 64
"""A cache line: no element type asks for more, and Warp's own allocations have it."""

ITEM_SIZES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "float16": 2,
    "bfloat16": 2,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
}
"""Bytes of one scalar, by Warp's name for it."""


def _pattern(length: int, salt: int) -> Any:
    """Bytes that a kernel is unlikely to write: they depend on the position, and differ between buffers."""
    start = salt * 31 % _PATTERN_PERIOD
    return _long_pattern(-(-(start + length) // _PATTERN_PERIOD))[start : start + length].copy()


@functools.lru_cache(maxsize=4)
def _long_pattern(periods: int) -> Any:
    positions = imported.np.arange(_PATTERN_PERIOD * periods, dtype=imported.np.uint64)
    return ((positions * imported.np.uint64(29)) ^ imported.np.uint64(0xA5)).astype(imported.np.uint8)


class _HostMemory:
    """Bytes that NumPy owns, for the CPU."""

    def __init__(self, length: int) -> None:
        whole = imported.np.empty(length + ALIGNMENT, imported.np.uint8)
        offset = -whole.ctypes.data % ALIGNMENT
        self._bytes = whole[offset : offset + length]
        self.address: int = self._bytes.ctypes.data

    def upload(self, image: Any) -> None:
        self._bytes[:] = image

    def download(self) -> Any:
        return self._bytes.copy()


class _DeviceMemory:
    """Bytes that Warp allocated, on any device."""

    def __init__(self, length: int, device: str) -> None:
        self._array = imported.wp.empty(length + ALIGNMENT, dtype=imported.wp.uint8, device=device)
        self._offset = -self._array.ptr % ALIGNMENT
        self._length = length
        self.address: int = self._array.ptr + self._offset

    def upload(self, image: Any) -> None:
        whole = imported.np.zeros(self._length + ALIGNMENT, imported.np.uint8)
        whole[self._offset : self._offset + self._length] = image
        self._array.assign(whole)

    def download(self) -> Any:
        return self._array.numpy()[self._offset : self._offset + self._length].copy()


def element_type(dtype: str, components: int, form: str) -> Any:
    """Warp's type of one element: a scalar, a vector of `components`, or what `form` says (``mat34``, ``quat``)."""
    scalar = getattr(imported.wp, dtype)
    if form.startswith("mat"):
        return imported.wp.types.matrix((int(form[3]), int(form[4])), scalar)
    if form == "quat":
        return imported.wp.types.quaternion(scalar)
    if form == "transform":
        return imported.wp.types.transformation(scalar)
    return imported.wp.types.vector(components, scalar) if components else scalar


class PaddedArray:
    """A Warp array over bytes of our own, with a pattern in front, behind and, if strided, between its
    elements.

    A `stride` of k lays the array over one whose last axis is k times as long, as every k-th element from the k-th on.
    """

    def __init__(
        self,
        element: Any,
        item_size: int,
        shape: tuple[int, ...],
        stride: int,
        device: str,
        in_device_memory: bool,
        salt: int,
        gradient: PaddedArray | None = None,
    ) -> None:
        self._item = item_size
        self._count = math.prod(shape)
        self._stride = stride
        length = 2 * PAD_BYTES + self._count * stride * self._item
        self._expected = _pattern(length, salt)
        self._memory: _HostMemory | _DeviceMemory = (
            _DeviceMemory(length, device) if in_device_memory else _HostMemory(length)
        )
        self.gradient: PaddedArray | None = gradient
        keywords = {} if gradient is None else {"grad": gradient._whole}
        self._whole: Any = imported.wp.array(
            ptr=self._memory.address + PAD_BYTES,
            shape=(*shape[:-1], shape[-1] * stride),
            dtype=element,
            device=device,
            copy=False,
            **keywords,
        )
        every = (*(slice(None) for _ in shape[1:]), slice(stride - 1, None, stride))
        self.array: Any = self._whole if stride == 1 else self._whole[every]

    def _elements(self, image: Any) -> Any:
        cells = image[PAD_BYTES : len(image) - PAD_BYTES].reshape(self._count, self._stride, self._item)
        return cells[:, -1, :]

    def like(self, content: bytes, dtype: str) -> Any:
        """An array of Warp's own of the same type and shape, with these numbers, which are of NumPy's type `dtype`."""
        element = self.array.dtype
        shape = (*self.array.shape, *getattr(element, "_shape_", ()))
        numbers = imported.np.frombuffer(content, dtype).reshape(shape)
        return imported.wp.array(numbers, dtype=element, device=self.array.device)

    def fill(self, content: bytes | None, offset: int = 0, size: int | None = None) -> None:
        """Set the elements (to zeros, if None) and everything around them to the pattern.

        With a `size`, only that many bytes of each element, from `offset` on, are set.
        """
        elements = self._elements(self._expected)
        if size is not None:
            elements = elements[:, offset : offset + size]
        if content is None:
            elements[...] = 0
        else:
            elements[...] = imported.np.frombuffer(content, imported.np.uint8).reshape(elements.shape)
        self._memory.upload(self._expected)

    def read(self) -> tuple[bytes, bool]:
        """The elements, and whether every byte around them is still what it was."""
        image = self._memory.download()
        elements = self._elements(image)
        content = elements.tobytes()
        elements[...] = self._elements(self._expected)
        return content, bool(imported.np.array_equal(image, self._expected))


class StructField:
    """One field of the elements of an array of structs; `gradient` is the same field of the array's gradient."""

    def __init__(self, whole: PaddedArray, item_size: int, offset: int, size: int) -> None:
        self._whole, self._item, self._offset, self._size = whole, item_size, offset, size
        self.gradient = None if whole.gradient is None else StructField(whole.gradient, item_size, offset, size)

    def fill(self, content: bytes | None) -> None:
        """Set this field of every element, to zeros if None."""
        self._whole.fill(content, self._offset, self._size)

    def read(self) -> tuple[bytes, bool]:
        """This field of every element, and whether every byte around the array is still what it was."""
        content, intact = self._whole.read()
        elements = imported.np.frombuffer(content, imported.np.uint8).reshape(-1, self._item)
        return elements[:, self._offset : self._offset + self._size].tobytes(), intact


def place(struct: Any, path: str) -> tuple[int, int]:
    """The offset and the size, in bytes, of a field (``inner.mass``) of a struct."""
    dtype, offset = imported.np.dtype(struct.numpy_dtype()), 0
    for name in path.split("."):
        dtype, further = dtype.fields[name][:2]
        offset += further
    return offset, dtype.itemsize
