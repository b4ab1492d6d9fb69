"""The process that builds and runs kernels, on the other side of a pipe.

Nothing that a kernel does may hurt the campaign, so no kernel runs in the campaign's own process.
`harness.sandbox` starts this file as a script; it imports Warp once, builds Warp's precompiled header once,
and then forks a child for every batch. The child may crash, hang or scribble over its memory: it reports
each step before it takes it, so that its parent can say which program was at fault.

The file imports the standard library, NumPy and Warp only, since it may run under another interpreter with
another Warp. What crosses the pipe are length-prefixed pickles of plain built-in values; an array travels
as its bytes.

A CUDA context does not survive a fork. With `--in-process` the batch runs in this very process, which is
then as expendable as a child: the frames go straight to the sandbox, which starts a new worker after a crash.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    # A script's own folder comes first on the path: `harness/types.py`, say, would shadow the library's
    # `types`.
    del sys.path[0]

import argparse
import contextlib
import ctypes
import faulthandler
import functools
import glob
import hashlib
import importlib
import inspect
import linecache
import math
import pickle
import platform
import re
import resource
import select
import shutil
import signal
import struct
import threading
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

OLDEST_WARP = (1, 14)
"""The first release with `optimization_level` and `log_level`, which every batch uses."""

PICKLE_PROTOCOL = 4
"""Every interpreter since Python 3.8 reads it."""

PAD_BYTES = 4096
"""Canary bytes in front of and behind every array: an index that is off by one *row* still lands in them."""

_PATTERN_PERIOD = 256
"""After so many positions the pattern of the canaries repeats: it is a byte of each."""

ALIGNMENT = 64
"""A cache line: no element type asks for more, and Warp's own allocations have it."""

STDERR_TAIL = 8000
"""Characters kept of what a process printed last, and of the C++ compiler's errors before: the notes to one error of
a template can be longer than that."""

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

INSTANTIATE_ONCE = "-fpch-instantiate-templates"
"""A flag of the C++ compiler that has the precompiled header hold the instances of its own templates.  Without it every
module makes them again, which is 60 ms of CPU time a batch (`benchmarks/building.py`); the object code is the same."""

_SECOND_TRY = "Warp: Compilation with PCH failed"
"""After this line the compiler says the same again."""

_ERROR = " error: "
"""What a line has in which the C++ compiler names a place and what is wrong there."""

_WATCH_SECONDS = 0.02
"""Time on the clock between two looks at what the C++ compiler has printed."""

_BUILD_FOLDER = re.compile(r"\b(?:cache|cuda)/(?:[^\s/]+/)*(?=wp_warpsmith_)")
_BUILD_NAME = re.compile(r"\b(?:wp_)?warpsmith_\d+(?:_[0-9a-f]{7})?\b")

_PR_SET_PDEATHSIG = 1
_EXECUTABLE = 4
"""The flag of a section of an ELF file that holds instructions (SHF_EXECINSTR)."""

Frame = dict[str, Any]
Emit = Callable[[Frame], None]

wp: Any = None
np: Any = None


class OutOfTime(Exception):
    """No whole frame came before the deadline."""


class Abandoned(Exception):
    """The process on the other side of the watched pipe is gone."""


# ----------------------------------------------------------------------------
# Frames


def write_frame(descriptor: int, frame: Frame) -> None:
    """Write one frame, whole, to a pipe."""
    body = pickle.dumps(frame, protocol=PICKLE_PROTOCOL)
    view = memoryview(struct.pack(">Q", len(body)) + body)
    while view:
        view = view[os.write(descriptor, view) :]


class FrameReader:
    """Reads frames from a pipe, by a deadline if need be."""

    def __init__(self, descriptor: int, watch: int | None = None) -> None:
        """`watch` is a second pipe that nobody writes to meanwhile: when its writer goes, reading raises
        `Abandoned`."""
        self._descriptor = descriptor
        self._watch = watch
        self._buffer = bytearray()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        if watch is not None:
            self._poll.register(watch, 0)

    def read(self, deadline: float | None = None) -> Frame | None:
        """The next frame, or None at the end of the pipe. `deadline` is a `time.monotonic()`."""
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            wait = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            events = self._poll.poll(wait)
            if not events:
                raise OutOfTime
            if any(descriptor == self._watch for descriptor, _ in events):
                raise Abandoned
            chunk = os.read(self._descriptor, 1 << 20)
            if not chunk:
                return None
            self._buffer += chunk

    def _take(self) -> Frame | None:
        if len(self._buffer) < 8:
            return None
        (length,) = struct.unpack_from(">Q", self._buffer)
        if len(self._buffer) < 8 + length:
            return None
        frame: Frame = pickle.loads(bytes(self._buffer[8 : 8 + length]))
        del self._buffer[: 8 + length]
        return frame


class Tally:
    """What is known of a batch from the frames that arrived, however it ended."""

    def __init__(self, count: int) -> None:
        self.results: list[Frame | None] = [None] * count
        self.texts: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.stage = "start"
        self.index: int | None = None
        self.failed: Frame | None = None
        self.broken: str | None = None
        self.done = False

    def add(self, frame: Frame) -> None:
        if "stage" in frame:
            self.stage, self.index = frame["stage"], frame["index"]
        elif "result" in frame:
            self.results[frame["result"]] = frame["value"]
        elif "text" in frame:
            self.texts[frame["text"]] = frame["value"]
        elif "seconds" in frame:
            self.seconds[frame["seconds"]] = frame["value"]
        elif "failed" in frame:
            self.failed = frame["failed"]
        elif "broken" in frame:
            self.broken = frame["broken"]
        elif "done" in frame:
            self.done = True

    def reply(self, ending: tuple[str, str] | None) -> Frame:
        """One answer for the batch. `ending` is how its process died: ("crash" or "hang", a sentence), or
        None."""
        if self.broken is not None:
            return {"error": "the worker broke:\n" + self.broken}
        if ending is None and not self.done:
            ending = ("crash", "the process ended without a word")
        alone = len(self.results) == 1
        if self.failed is not None:
            self.results = [{"status": "batch-failed", "launches": [], **self.failed}] * len(self.results)
        elif ending is not None and not self.done:
            status, message = ending
            verdict: Frame = {"status": status, "stage": self.stage, "message": message, "launches": []}
            if alone:
                self.results = [verdict]
            elif self.index is not None:
                self.results[self.index] = verdict
            else:
                verdict["status"] = "batch-failed"
                self.results = [verdict] * len(self.results)
        lost: Frame = {"status": "lost", "stage": self.stage, "message": "", "launches": []}
        return {
            "results": [dict(lost) if result is None else result for result in self.results],
            "cpp": self.texts.get("cpp"),
            "cuda": self.texts.get("cuda"),
            "code": self.texts.get("code"),
            "build_seconds": self.seconds.get("build"),
            "run_seconds": self.seconds.get("run"),
        }


# ----------------------------------------------------------------------------
# Arrays between canaries


def _pattern(length: int, salt: int) -> Any:
    """Bytes that a kernel is unlikely to write: they depend on the position, and differ between buffers."""
    start = salt * 31 % _PATTERN_PERIOD
    return _long_pattern(-(-(start + length) // _PATTERN_PERIOD))[start : start + length].copy()


@functools.lru_cache(maxsize=4)
def _long_pattern(periods: int) -> Any:
    positions = np.arange(_PATTERN_PERIOD * periods, dtype=np.uint64)
    return ((positions * np.uint64(29)) ^ np.uint64(0xA5)).astype(np.uint8)


class _HostMemory:
    """Bytes that NumPy owns, for the CPU."""

    def __init__(self, length: int, device: str) -> None:
        whole = np.empty(length + ALIGNMENT, np.uint8)
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
        self._array = wp.empty(length + ALIGNMENT, dtype=wp.uint8, device=device)
        self._offset = -self._array.ptr % ALIGNMENT
        self._length = length
        self.address: int = self._array.ptr + self._offset

    def upload(self, image: Any) -> None:
        whole = np.zeros(self._length + ALIGNMENT, np.uint8)
        whole[self._offset : self._offset + self._length] = image
        self._array.assign(whole)

    def download(self) -> Any:
        return self._array.numpy()[self._offset : self._offset + self._length].copy()


def element_type(dtype: str, components: int, form: str) -> Any:
    """Warp's type of one element: a scalar, a vector of `components`, or what `form` says (``mat34``, ``quat``)."""
    scalar = getattr(wp, dtype)
    if form.startswith("mat"):
        return wp.types.matrix((int(form[3]), int(form[4])), scalar)
    if form == "quat":
        return wp.types.quaternion(scalar)
    if form == "transform":
        return wp.types.transformation(scalar)
    return wp.types.vector(components, scalar) if components else scalar


class PaddedArray:
    """A Warp array over bytes of our own, with a pattern in front, behind and, if strided, between its
    elements.

    A `stride` of k lays the array over one whose last axis is k times as long.
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
        memory = _DeviceMemory if in_device_memory else _HostMemory
        self._memory: _HostMemory | _DeviceMemory = memory(length, device)
        self.gradient: PaddedArray | None = gradient
        strides = [self._item * stride]
        for extent in reversed(shape[1:]):
            strides.insert(0, strides[0] * extent)
        keywords = {} if gradient is None else {"grad": gradient.array}
        self.array: Any = wp.array(
            ptr=self._memory.address + PAD_BYTES,
            shape=shape,
            strides=tuple(strides),
            dtype=element,
            device=device,
            copy=False,
            **keywords,
        )

    def _elements(self, image: Any) -> Any:
        cells = image[PAD_BYTES : len(image) - PAD_BYTES].reshape(self._count, self._stride, self._item)
        return cells[:, 0, :]

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
            elements[...] = np.frombuffer(content, np.uint8).reshape(elements.shape)
        self._memory.upload(self._expected)

    def read(self) -> tuple[bytes, bool]:
        """The elements, and whether every byte around them is still what it was."""
        image = self._memory.download()
        elements = self._elements(image)
        content = elements.tobytes()
        elements[...] = self._elements(self._expected)
        return content, bool(np.array_equal(image, self._expected))


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
        elements = np.frombuffer(content, np.uint8).reshape(-1, self._item)
        return elements[:, self._offset : self._offset + self._size].tobytes(), intact


def _place(struct: Any, path: str) -> tuple[int, int]:
    """The offset and the size, in bytes, of a field (``inner.mass``) of a struct."""
    dtype, offset = np.dtype(struct.numpy_dtype()), 0
    for name in path.split("."):
        dtype, further = dtype.fields[name][:2]
        offset += further
    return offset, dtype.itemsize


# ----------------------------------------------------------------------------
# One batch


def _argument(parameter: Frame) -> Any:
    """A launch argument that is not an array."""
    kind = element_type(parameter["dtype"], parameter.get("components", 0), parameter.get("form", ""))
    if parameter["kind"] == "vector":
        return kind(*np.frombuffer(parameter["value"], np.dtype(parameter["dtype"])).tolist())
    return kind(parameter["value"])


def _padded(element: Any, item_size: int, parameter: Frame, salt: int, device: str, in_device: bool) -> PaddedArray:
    """The memory of an array argument, with that of its gradient, which holds zeros."""
    layout = (element, item_size, tuple(parameter["shape"]), parameter["stride"], device, in_device)
    gradient = None
    if parameter["gradient"]:
        gradient = PaddedArray(*layout, salt=2 * salt + 1)
        gradient.fill(None)
    return PaddedArray(*layout, salt=2 * salt, gradient=gradient)


def _put_together(struct: Any, paths: list[str], values: list[Any]) -> Any:
    """The struct whose fields, by their paths, have these values."""
    whole = struct()
    for path, value in zip(paths, values, strict=True):
        owner = whole
        *outer, last = path.split(".")
        for name in outer:
            owner = getattr(owner, name)
        setattr(owner, last, value)
    return whole


def _indexed(values: list[Any], axes: list[int]) -> Any:
    """The indexed array of data and, along each of `axes`, places."""
    data, *places = values
    indices: list[Any] = [None] * data.ndim
    for axis, of in zip(axes, places, strict=True):
        indices[axis] = of
    whole = wp.indexedarray(data, indices)
    if not hasattr(whole, "grad"):
        # a tape asks for it; until Warp has one, the backward pass takes the array for a constant
        whole.grad = None
    return whole


_Buffer = PaddedArray | StructField | None


def _launch_arguments(kernel: Any, launch: Frame, device: str, in_device: bool) -> tuple[list[_Buffer], list[Any]]:
    """The memory of each parameter, None for what is no array, and what the kernel is launched with."""
    parameters, structs = launch["parameters"], {layout["first"]: layout for layout in launch["structs"]}
    indexed = {layout["first"]: layout["axes"] for layout in launch["indexed"]}
    buffers: list[_Buffer] = []
    arguments: list[Any] = []
    while len(buffers) < len(parameters):
        layout, axes = structs.get(len(buffers)), indexed.get(len(buffers), [])
        own = parameters[len(buffers) :][: 1 + len(axes) if layout is None else len(layout["fields"])]
        struct: Any = None if layout is None else kernel.func.__globals__[layout["struct"]]
        found: list[_Buffer]
        if layout is not None and layout["array"]:
            item = np.dtype(struct.numpy_dtype()).itemsize
            whole = _padded(struct, item, own[0], len(buffers), device, in_device)
            whole.fill(None)
            found = [StructField(whole, item, *_place(struct, path)) for path in layout["fields"]]
            arguments.append(whole.array)
        else:
            made = [_single(parameter, n, device, in_device) for n, parameter in enumerate(own, len(buffers))]
            found, values = [buffer for buffer, _ in made], [value for _, value in made]
            if layout is not None:
                arguments.append(_put_together(struct, layout["fields"], values))
            else:
                arguments.append(_indexed(values, axes) if axes else values[0])
        for buffer, parameter in zip(found, own, strict=True):
            if buffer is not None:
                buffer.fill(parameter["data"])
        buffers += found
    return buffers, arguments


def _single(parameter: Frame, salt: int, device: str, in_device: bool) -> tuple[_Buffer, Any]:
    """The memory of a parameter that is no array of structs, if it is an array, and its value."""
    if parameter["kind"] != "array":
        return None, _argument(parameter)
    element = element_type(parameter["dtype"], parameter["components"], parameter["form"])
    size = ITEM_SIZES[parameter["dtype"]] * max(1, parameter["components"])
    buffer = _padded(element, size, parameter, salt, device, in_device)
    return buffer, buffer.array


def _launch_once(kernel: Any, launch: Frame, device: str, in_device_memory: bool) -> list[Frame | None]:
    buffers, arguments = _launch_arguments(kernel, launch, device, in_device_memory)

    tape = wp.Tape()
    with tape:
        dims, more = tuple(launch["dims"]), launch["more"]
        if launch["block_dim"]:
            more = {"block_dim": launch["block_dim"], **more}
            wp.launch_tiled(kernel, dim=dims, inputs=arguments, device=device, **more)
        else:
            wp.launch(kernel, dim=dims, inputs=arguments, device=device, **more)
        # What tapes are for: more than one step.  The one behind hands its results' cotangents on; `wp.clone` would do
        # so too, by a kernel that Warp builds anew in every child.
        behind = [
            (buffer, buffer.gradient, parameter["cotangent"])
            for buffer, parameter in zip(buffers, launch["parameters"], strict=True)
            if launch["copied"]
            and isinstance(buffer, PaddedArray)
            and buffer.gradient is not None
            and parameter["cotangent"] is not None
        ]

        def hand_on() -> None:
            while behind:
                _, gradient, cotangent = behind.pop()
                gradient.fill(cotangent)

        if behind:
            tape.record_func(hand_on, [buffer.array for buffer, _, _ in behind])
    wp.synchronize_device(device)

    outcome: list[Frame | None] = []
    for buffer in buffers:
        if buffer is None:
            outcome.append(None)
            continue
        data, canary = buffer.read()
        if buffer.gradient is not None:
            # A forward pass has no business in a gradient buffer, which still holds its zeros.
            zeros, gradient_canary = buffer.gradient.read()
            canary = canary and gradient_canary and not any(zeros)
        outcome.append({"data": data, "gradient": None, "again": None, "after_backward_intact": True, "canary": canary})
    if not launch["backward"]:
        return outcome

    for position, parameter in enumerate(launch["parameters"]):
        gradient = None if (buffer := buffers[position]) is None else buffer.gradient
        if gradient is not None:
            gradient.fill(parameter["cotangent"])
    for _, gradient, _ in behind:
        gradient.fill(None)
    tape.backward()
    wp.synchronize_device(device)
    for buffer, result in zip(buffers, outcome, strict=True):
        if buffer is None or result is None:
            continue
        data, canary = buffer.read()
        result["after_backward_intact"] = data == result["data"]
        result["canary"] = result["canary"] and canary
        if buffer.gradient is not None:
            result["gradient"], canary = buffer.gradient.read()
            result["canary"] = result["canary"] and canary
    if launch["again"]:
        tape.backward()
        wp.synchronize_device(device)
        for buffer, result in zip(buffers, outcome, strict=True):
            if buffer is not None and buffer.gradient is not None and result is not None:
                result["again"], canary = buffer.gradient.read()
                result["canary"] = result["canary"] and canary
    return outcome


def run_launch(kernel: Any, launch: Frame, device: str, in_device_memory: bool) -> Frame:
    """Run one launch in fresh buffers: the result of each argument, and whether a second run gave the same
    bits."""
    arrays = _launch_once(kernel, launch, device, in_device_memory)
    same_bits = None
    if launch["twice"]:
        same_bits = arrays == _launch_once(kernel, launch, device, in_device_memory)
    return {"arrays": arrays, "same_bits": same_bits}


def _define(source: str, entry: str, filename: str, module_name: str) -> Any:
    """Execute a program's source and return its kernel.

    Warp reads the source back through `linecache`, and looks up the annotations of a struct in `sys.modules`.
    """
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module = types.ModuleType(module_name)
    sys.modules[module_name] = module
    exec(compile(source, filename, "exec"), module.__dict__)
    return module.__dict__[entry]


def _load(module: Any, device: str, block_dim: int = 1) -> None:
    if device == "cpu":
        # A launch on the CPU runs blocks of one thread; loading with the default of 256 would build twice.
        wp.load_module(module, device=device, block_dim=block_dim, max_workers=0)
    else:
        wp.load_module(module, device=device, max_workers=0)


def _text_kind(device: str) -> tuple[str, str]:
    """By which name a frame has the text that is generated for a device, and how its file's name ends."""
    return ("cpp", "cpp") if device == "cpu" else ("cuda", "cu")


def _generated(folder: str, extension: str, module: str | None = None) -> str | None:
    """The text that Warp wrote below `folder`, of a module of that name if there is one."""
    inner = "**" if module is None else os.path.join("**", f"wp_{glob.escape(module)}_*")
    found = sorted(glob.glob(os.path.join(folder, inner, "*." + extension), recursive=True))
    if not found:
        return None
    with open(found[0], encoding="utf-8") as file:
        return file.read()


def _code_digest(folder: str, started: float) -> str | None:
    """What tells the machine code of a module from other code: a hash of the executable sections of its object file.

    Names, paths and hashes stand elsewhere in the file.  `cached` in front says that the file was there before.
    """
    found = glob.glob(os.path.join(folder, "**", "*.o"), recursive=True)
    if not found:
        return None
    newest = max(found, key=os.path.getmtime)
    with open(newest, "rb") as file:
        image = file.read()
    if image[:5] != b"\x7fELF\x02":
        return None
    (table,) = struct.unpack_from("<Q", image, 0x28)
    entry, count = struct.unpack_from("<HH", image, 0x3A)
    digest = hashlib.blake2b(digest_size=8)
    for number in range(count):
        _, _, flags, _, offset, size = struct.unpack_from("<IIQQQQ", image, table + number * entry)
        if flags & _EXECUTABLE:
            digest.update(image[offset : offset + size])
    return ("cached " if os.path.getmtime(newest) < started else "") + digest.hexdigest()


def _refused_in(error: BaseException) -> str:
    """The innermost function of Warp that an exception came from, with its file."""
    own = os.path.dirname(wp.__file__) + os.sep
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(own)]
    # comprehensions are functions of their own in some Pythons
    named = [frame for frame in frames if not frame.name.startswith("<")]
    return f"{os.path.basename(named[-1].filename)} {named[-1].name}" if named else ""


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _tail(path: str | None) -> str:
    """What a process printed to its standard error, from the end."""
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read().strip()
    except OSError:
        return ""
    text = text.split(_SECOND_TRY)[0].strip()
    if len(text) <= STDERR_TAIL:
        return text
    before, end = text[:-STDERR_TAIL], text[-STDERR_TAIL:]
    errors = "\n".join(line for line in before.split("\n") if _ERROR in line)
    return f"{errors[:STDERR_TAIL]}\n[…] {end}".lstrip()


def _with_output(message: str, log: str | None) -> str:
    output = _tail(log)
    return f"{message}\n{output}" if output else message


def _same_every_time(message: str, folder: str) -> str:
    """A message without what differs between two builds of the same program: folders, hashes and process
    ids."""
    message = message.replace(folder + os.sep, "").replace(os.path.dirname(wp.__file__) + os.sep, "warp/")
    # the precompiled header goes by a name in the folder that the process stands in
    message = message.replace(os.getcwd() + os.sep, "")
    return _BUILD_NAME.sub("module", _BUILD_FOLDER.sub("", message))


def _failure(status: str, stage: str, message: str, launches: list[Frame] | None = None) -> Frame:
    return {"status": status, "stage": stage, "message": message, "launches": launches or []}


def _build(request: Frame, module: Any, emit: Emit, folder: str, device: str, log: str | None) -> bool:
    """Build and load a module of a request, with a frame for what was said if it cannot be built; whether it can."""
    alone = len(request["programs"]) == 1
    name, extension = _text_kind(device)

    def refused(status: str, message: str, place: str = "") -> None:
        message = _same_every_time(message, folder)
        if alone:
            emit({"result": 0, "value": {**_failure(status, "build", message), "place": place}})
        else:
            emit({"failed": {"stage": "build", "message": message}})

    def show_text() -> None:
        text = _generated(folder, extension, module.name)
        if text is not None:
            emit({"text": name, "value": text})

    def stop() -> None:
        refused("build-error", _with_output("the C++ compiler refused the module", log))
        show_text()
        emit({"done": True})

    try:
        with _without_second_try(None if alone else log, stop):
            _load(module, device, request["block_dim"])
    except Exception as error:
        # Warp writes the C++ text after its own work and before the compiler's.
        if _generated(folder, extension, module.name) is None:
            refused("rejected", _say(error), _refused_in(error))
        else:
            refused("build-error", _with_output(_say(error), log), _refused_in(error))
        show_text()
        return False
    return True


@contextlib.contextmanager
def _without_second_try(log: str | None, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` and end the process once the C++ compiler says, in `log`, that it tries again without its header.

    It does so whatever it found wrong, and to find that again takes a second.  For a batch of many programs, which
    is split after that and built again: what a program comes to is said by the build that holds it alone, second try
    and all.
    """
    over = threading.Event()

    def watch(path: str) -> None:
        while not over.wait(_WATCH_SECONDS):
            with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
                if _SECOND_TRY in file.read():
                    stop()
                    os._exit(0)

    if log is not None:
        threading.Thread(target=watch, args=(log,), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def run_batch(
    request: Frame,
    emit: Emit,
    folder: str,
    module_name: str,
    device: str,
    in_device_memory: bool,
    log: str | None,
) -> None:
    """Define, build and launch the programs of one request, with a frame before each step and one for each
    result.

    `folder` is new and this batch's own: Warp's kernel cache. `log` is where the C++ compiler's words go.
    """
    programs = request["programs"]
    wp.config.kernel_cache_dir = os.path.join(folder, "cache")

    started, began = time.perf_counter(), time.time()
    wp.set_module_options(dict(request["options"]), types.ModuleType(module_name))
    kernels: dict[int, Any] = {}
    for index, program in enumerate(programs):
        emit({"stage": "define", "index": index})
        try:
            kernels[index] = _define(program["source"], program["entry"], f"kernel_{index}.py", module_name)
        except Exception as error:
            emit(
                {"result": index, "value": {**_failure("rejected", "define", _say(error)), "place": _refused_in(error)}}
            )
    if not kernels:
        emit({"done": True})
        return
    modules = list(dict.fromkeys(kernel.module for kernel in kernels.values()))
    shared = next((module for module in modules if module.name == module_name), None)
    for module in modules:
        if module is not shared:
            _complete_options(module, request["options"])

    emit({"stage": "build", "index": None})
    if not all(_build(request, module, emit, folder, device, log) for module in modules):
        emit({"done": True})
        return
    name, extension = _text_kind(device)
    texts = {module: _generated(folder, extension, module.name) for module in modules}
    if texts.get(shared) is not None:
        emit({"text": name, "value": texts[shared]})
    emit({"seconds": "build", "value": time.perf_counter() - started})
    if request["digest"] and (digest := _code_digest(folder, began)) is not None:
        emit({"text": "code", "value": digest})

    started = time.perf_counter()
    outcomes: dict[int, Frame] = {}
    for index, kernel in kernels.items():
        emit({"stage": "launch", "index": index})
        launches: list[Frame] = []
        try:
            for launch in programs[index]["launches"]:
                launches.append(run_launch(kernel, launch, device, in_device_memory))
            outcomes[index] = {"status": "ok", "stage": "launch", "message": "", "launches": launches}
        except Exception as error:
            outcomes[index] = _failure("rejected", "launch", _say(error), launches)
        if kernel.module is not shared:
            outcomes[index][name] = texts[kernel.module]
        emit({"result": index, "value": outcomes[index]})
    emit({"seconds": "run", "value": time.perf_counter() - started})

    if request["cuda"] is not None:
        _generate_cuda(request, emit, folder, kernels, outcomes, shared, log)
    emit({"done": True})


def _complete_options(module: Any, options: Mapping[str, Any]) -> None:
    """Build a module that a kernel has for itself as the batch is built, but for what its program says."""
    usual = type(module)("usual", None).options
    for name, value in options.items():
        if module.options[name] == usual[name]:
            module.options[name] = value
    module.mark_modified()


def _generate_cuda(
    request: Frame,
    emit: Emit,
    folder: str,
    kernels: dict[int, Any],
    outcomes: dict[int, Frame],
    shared: Any,
    log: str | None,
) -> None:
    """Have Warp generate the CUDA text of each module, and NVRTC compile it."""
    emit({"stage": "cuda", "index": None})
    texts: dict[Any, str | None] = {}
    for number, module in enumerate(dict.fromkeys(kernel.module for kernel in kernels.values())):
        cuda_folder = os.path.join(folder, "cuda", str(number))
        os.makedirs(cuda_folder)
        try:
            wp.compile_aot_module(module, arch=request["cuda"], use_ptx=True, module_dir=cuda_folder)
        except Exception as error:
            message = _same_every_time(_with_output(_say(error), log), folder)
            if len(request["programs"]) == 1:
                value = {**outcomes[0], "status": "build-error", "stage": "cuda", "message": message}
                emit({"result": 0, "value": value})
            else:
                emit({"failed": {"stage": "cuda", "message": message}})
        texts[module] = _generated(cuda_folder, "cu")
    if texts.get(shared) is not None:
        emit({"text": "cuda", "value": texts[shared]})
    for index, kernel in kernels.items():
        if kernel.module is not shared and outcomes[index]["status"] == "ok":
            emit({"result": index, "value": {**outcomes[index], "cuda": texts[kernel.module]}})


# ----------------------------------------------------------------------------
# The warm parent


def die_with_parent(number: int) -> None:
    """Ask the kernel for a signal when the thread that started this process ends (Linux; elsewhere,
    nothing)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


@contextlib.contextmanager
def _configured(config: Mapping[str, Any]) -> Iterator[None]:
    """Set `wp.config`, and set it back."""
    before = {name: getattr(wp.config, name) for name in config}
    try:
        for name, value in config.items():
            setattr(wp.config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(wp.config, name, value)


def _quick_to_build(options: Mapping[str, Any]) -> Frame:
    """The options of a module, with what shortens a build without optimization and changes nothing else.

    Other levels are built as Warp builds them.
    """
    if options.get("optimization_level") != 0 or not hasattr(wp.config, "cpu_compiler_flags"):
        return dict(options)
    flags = options.get("cpu_compiler_flags", wp.config.cpu_compiler_flags)
    # without flags of its own Warp compiles for this machine
    return {**options, "cpu_compiler_flags": f"{'-march=native' if flags is None else flags} {INSTANTIATE_ONCE}"}


class Worker:
    """The loop that answers requests."""

    def __init__(self, root: str, device: str, in_process: bool, requests: int, replies: int) -> None:
        self._root = root
        self._device = device
        self._in_process = in_process
        self._requests = requests
        self._replies = replies
        self._warmed: set[str] = set()
        self._headers: set[str] = set()
        #: the header files of the C++ compiler, and their second names
        self._clang_headers: dict[str, str] = {}
        self._batches = 0
        self._child: int | None = None

    def serve(self) -> None:
        reader = FrameReader(self._requests)
        while True:
            request = reader.read()
            if request is None:
                return
            missing = [name for name in request["config"] if not hasattr(wp.config, name)]
            if missing:
                write_frame(self._replies, {"error": f"Warp {wp.__version__} has no wp.config.{missing[0]}."})
                continue
            if self._device == "cpu":
                request["options"] = _quick_to_build(request["options"])
            folder = os.path.join(self._root, f"batch-{self._batches}")
            os.mkdir(folder)
            module_name = f"warpsmith_{self._batches}"
            self._batches += 1
            reply: Frame | None = None
            try:
                with _configured(request["config"]):
                    if self._in_process:
                        self._run_here(request, folder, module_name)
                    else:
                        self._warm(request)
                        if request["warm"]:
                            # What this child builds, the next one finds.
                            unlaunched = [{**program, "launches": []} for program in request["programs"]]
                            self._run_in_child({**request, "programs": unlaunched}, folder, module_name)
                        reply = self._run_in_child(request, folder, module_name)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                sys.modules.pop(module_name, None)
            if reply is not None:
                self._remove_new_headers()
                self._keep_clang_headers()
                write_frame(self._replies, reply)

    def _warm(self, request: Frame) -> None:
        """Build one trivial kernel as the batch will be built, so that its children find the precompiled
        header.

        The header depends on the block size, the optimisation level and a few other options; that it is
        built for options which share one costs one short compilation.
        """
        options, config = sorted(request["options"].items()), sorted(request["config"].items())
        key = repr((options, config, request["cuda"], request["block_dim"]))
        if key in self._warmed:
            return
        self._warmed.add(key)
        name = f"warpsmith_warm_{len(self._warmed)}"
        source = "import warp as wp\n\n\n@wp.kernel\ndef warm(n: wp.int32):\n    i = wp.tid()\n"
        # Options that Warp refuses are the batch's to report.
        with contextlib.suppress(Exception):
            wp.set_module_options(dict(request["options"]), types.ModuleType(name))
            module = _define(source, "warm", name + ".py", name).module
            _load(module, self._device, request["block_dim"])
            if request["cuda"] is not None:
                # NVRTC touches no device, so its header serves the children too.
                folder = os.path.join(self._root, name)
                os.mkdir(folder)
                wp.compile_aot_module(module, arch=request["cuda"], use_ptx=True, module_dir=folder)
        self._headers = self._nvrtc_headers()
        self._keep_clang_headers()

    def _keep_clang_headers(self) -> None:
        """Give each precompiled header of the C++ compiler a second name.

        Warp deletes the header whenever something does not compile, which then costs every batch that follows a second.
        """
        kept = os.path.join(self._root, "headers")
        os.makedirs(kept, exist_ok=True)
        for path in glob.glob(os.path.join(self._root, "wp_pch_*", "*.pch")):
            self._clang_headers.setdefault(path, os.path.join(kept, str(len(self._clang_headers))))
        for path, copy in self._clang_headers.items():
            with contextlib.suppress(OSError):
                if not os.path.exists(copy):
                    os.link(path, copy)
                elif not os.path.exists(path):
                    os.link(copy, path)

    def _nvrtc_headers(self) -> set[str]:
        return set(glob.glob(os.path.join(self._root, "__nvrtc_auto_pch_*", "*")))

    def _remove_new_headers(self) -> None:
        """Remove what children left in the folder of NVRTC's headers: one a batch, if its header is
        another."""
        for path in self._nvrtc_headers() - self._headers:
            with contextlib.suppress(OSError):
                os.remove(path)

    def _run_here(self, request: Frame, folder: str, module_name: str) -> None:
        def emit(frame: Frame) -> None:
            write_frame(self._replies, frame)

        cache = wp.config.kernel_cache_dir
        try:
            run_batch(request, emit, folder, module_name, self._device, True, None)
        except Exception:
            emit({"broken": traceback.format_exc()})
        finally:
            wp.config.kernel_cache_dir = cache

    def _run_in_child(self, request: Frame, folder: str, module_name: str) -> Frame:
        tally = Tally(len(request["programs"]))
        log = os.path.join(folder, "stderr.txt")
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_child(request, folder, module_name, log, write_end)
        self._child = pid
        os.close(write_end)
        deadline = time.monotonic() + request["wall_seconds"]
        reader = FrameReader(read_end, watch=self._requests)
        ending: tuple[str, str] | None = None
        try:
            while (frame := reader.read(deadline)) is not None:
                tally.add(frame)
        except OutOfTime:
            ending = ("hang", f"no end after {request['wall_seconds']:g} s on the clock")
        finally:
            if sys.exc_info()[0] is not None or ending is not None:
                self.kill_child()
            os.close(read_end)
            _, status, usage = os.wait4(pid, 0)
            self._child = None
        if ending is None and os.WIFSIGNALED(status):
            ending = _ending(os.WTERMSIG(status), usage.ru_utime + usage.ru_stime, request["cpu_seconds"])
        if ending is not None and ending[0] == "crash":
            ending = ("crash", _same_every_time(_with_output(ending[1], log), folder))
        if "cpp" not in tally.texts and (text := _generated(folder, "cpp")) is not None:
            # The child died over the C++ text that it had written.
            tally.texts["cpp"] = text
        return tally.reply(ending)

    def _be_child(self, request: Frame, folder: str, module_name: str, log: str, pipe: int) -> NoReturn:
        try:
            die_with_parent(signal.SIGKILL)
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            faulthandler.disable()
            seconds = math.ceil(request["cpu_seconds"])
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            # NVRTC leaves a precompiled header there for every process.
            os.environ["TMPDIR"] = folder
            os.close(self._replies)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, self._requests)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)

            def emit(frame: Frame) -> None:
                write_frame(pipe, frame)

            try:
                run_batch(request, emit, folder, module_name, self._device, False, log)
            except BaseException:
                emit({"broken": traceback.format_exc()})
        finally:
            # Through `sys.exit` the child would delete the precompiled header of its parent.
            os._exit(0)

    def kill_child(self) -> None:
        """End the running child, if there is one, and whatever it started."""
        if self._child is not None:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError):
                    kill(self._child, signal.SIGKILL)


def _ending(number: int, used: float, limit: float) -> tuple[str, str]:
    """How a child died of a signal, given the CPU seconds that it used."""
    name = signal.Signals(number).name
    if number == signal.SIGXCPU or (number == signal.SIGKILL and used >= limit):
        return "hang", f"no end after {used:.1f} s of CPU time"
    return "crash", f"died of {name}"


def _builtins() -> dict[str, str]:
    """The documentation group of each built-in, by name; the one place where Warp's own list is read, which has no
    public name."""
    try:
        context = importlib.import_module("warp._src.context")
    except ImportError:
        context = importlib.import_module("warp.context")
    return {name: str(function.group) for name, function in context.builtin_functions.items()}


def _import_warp(root: str) -> Frame:
    """Import Warp and return the first frame: the versions, or an error for the person at the keyboard."""
    global wp, np
    try:
        import numpy
        import warp
    except Exception as error:
        return {"error": f"{sys.executable} cannot import Warp: {_say(error)}"}
    version = str(warp.__version__)
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_WARP:
        needed = ".".join(map(str, OLDEST_WARP))
        return {"error": f"Warp {version} is too old: warpsmith needs {needed} or newer"}
    wp, np = warp, numpy
    if "max_workers" not in inspect.signature(wp.load_module).parameters:
        return {"error": f"Warp {version} does not offer load_module(max_workers=…), which warpsmith needs"}
    wp.config.log_level = wp.LOG_WARNING
    wp.config.kernel_cache_dir = os.path.join(root, "cache")
    try:
        wp.init()
    except Exception as error:
        return {"error": f"Warp {version} cannot be initialised: {_say(error)}"}
    return {
        "warp": version,
        "numpy": str(np.__version__),
        "python": platform.python_version(),
        "builtins": _builtins(),
        "settings": sorted({*vars(wp.config), *wp.get_module_options()}),
        "pid": os.getpid(),
    }


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="warpsmith's worker: started by harness.sandbox, not by hand")
    parser.add_argument("--root", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--in-process", action="store_true")
    arguments = parser.parse_args()

    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    die_with_parent(signal.SIGTERM)
    # Warp, and what a kernel prints, must not get between the frames.
    replies = os.dup(1)
    os.dup2(2, 1)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    worker = Worker(arguments.root, arguments.device, arguments.in_process, 0, replies)

    def clean_up() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker.kill_child()
        shutil.rmtree(arguments.root, ignore_errors=True)

    try:
        try:
            hello = _import_warp(arguments.root)
            write_frame(replies, hello)
            if "error" not in hello and os.getppid() == parent:
                worker.serve()
        finally:
            clean_up()
    except (Abandoned, BrokenPipeError):
        pass
    except SystemExit:
        # The signal may have come in the midst of cleaning up.
        clean_up()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
