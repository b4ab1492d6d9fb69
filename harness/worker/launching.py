"""Launching a kernel on buffers of its own, forwards and backwards."""

from __future__ import annotations

import functools
from typing import Any

from . import imported
from .buffers import ITEM_SIZES, PaddedArray, StructField, element_type, place
from .frames import Frame


def _argument(parameter: Frame) -> Any:
    """A launch argument that is not an array."""
    kind = element_type(parameter["dtype"], parameter.get("components", 0), parameter.get("form", ""))
    if parameter["kind"] == "vector":
        return kind(*imported.np.frombuffer(parameter["value"], imported.np.dtype(parameter["dtype"])).tolist())
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


def _indexed(values: list[Any], axes: list[int], bare: bool) -> Any:
    """The indexed array of data and, along each of `axes`, places; `bare` is as Warp makes it."""
    data, *places = values
    indices: list[Any] = [None] * data.ndim
    for axis, of in zip(axes, places, strict=True):
        indices[axis] = of
    whole = imported.wp.indexedarray(data, indices)
    if not bare and not hasattr(whole, "grad"):
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
            item = imported.np.dtype(struct.numpy_dtype()).itemsize
            whole = _padded(struct, item, own[0], len(buffers), device, in_device)
            whole.fill(None)
            found = [StructField(whole, item, *place(struct, path)) for path in layout["fields"]]
            arguments.append(whole.array)
        else:
            made = [_single(parameter, n, device, in_device) for n, parameter in enumerate(own, len(buffers))]
            found, values = [buffer for buffer, _ in made], [value for _, value in made]
            if layout is not None:
                arguments.append(_put_together(struct, layout["fields"], values))
            else:
                arguments.append(_indexed(values, axes, launch["tape"] == "indexed array") if axes else values[0])
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


def _change_structs(arguments: list[Any], launch: Frame) -> None:
    """Set the numbers of every struct among the arguments to zeros: its owner makes it ready for another launch."""
    layouts = {layout["first"]: layout for layout in launch["structs"]}
    axes = {layout["first"]: len(layout["axes"]) for layout in launch["indexed"]}
    position = 0
    for argument in arguments:
        layout = layouts.get(position)
        if layout is not None and not layout["array"]:
            for path, parameter in zip(layout["fields"], launch["parameters"][position:], strict=False):
                *outer, last = path.split(".")
                if parameter["kind"] != "array":
                    kind = element_type(parameter["dtype"], parameter.get("components", 0), parameter.get("form", ""))
                    setattr(functools.reduce(getattr, outer, argument), last, kind())
        position += len(layout["fields"]) if layout is not None else 1 + axes.get(position, 0)


def _launch_once(kernel: Any, launch: Frame, device: str, in_device_memory: bool) -> list[Frame | None]:
    """The result of each argument of one launch, None for what is no array."""
    buffers, arguments = _launch_arguments(kernel, launch, device, in_device_memory)
    dims, more, start = tuple(launch["dims"]), launch["more"], imported.wp.launch
    if launch["block_dim"]:
        more, start = {"block_dim": launch["block_dim"], **more}, imported.wp.launch_tiled
    behind = _step_behind(launch, buffers)
    tape, own = imported.wp.Tape(), None
    with tape:
        if launch["preceded"]:
            # a step before, on arrays of its own that outlive the tape: its results have no cotangents
            own = _launch_arguments(kernel, launch, device, in_device_memory)
            start(kernel, dim=dims, inputs=own[1], device=device, **more)
        start(kernel, dim=dims, inputs=arguments, device=device, **more)
        if behind:
            tape.record_func(functools.partial(_hand_on, behind), [array for array, _, _ in behind])
    if launch["tape"] == "struct changed":
        _change_structs(arguments, launch)
    elif launch["tape"] == "list changed":
        # the next step of a program that keeps one list
        arguments[:] = _launch_arguments(kernel, launch, device, in_device_memory)[1]
    imported.wp.synchronize_device(device)

    outcome = list(map(_after_forward, buffers))
    if not launch["backward"]:
        return outcome

    for buffer, parameter in zip(buffers, launch["parameters"], strict=True):
        if buffer is not None and buffer.gradient is not None:
            buffer.gradient.fill(parameter["cotangent"])
    for _, gradient, _ in behind:
        gradient.fill(None)
    tape.backward()
    imported.wp.synchronize_device(device)
    for buffer, result in zip(buffers, outcome, strict=True):
        if buffer is not None and result is not None:
            data, canary = buffer.read()
            result["after_backward_intact"] = data == result["data"]
            result["canary"] = result["canary"] and canary
    _read_gradients(buffers, outcome, "gradient")
    if launch["again"] or launch["reused"]:
        seeds = _begin_again(tape, launch, buffers) if launch["reused"] else None
        tape.backward(grads=seeds)
        imported.wp.synchronize_device(device)
        _read_gradients(buffers, outcome, "again")
    return outcome


_Behind = list[tuple[Any, PaddedArray, bytes]]


def _step_behind(launch: Frame, buffers: list[_Buffer]) -> _Behind:
    """The arrays that a step behind a launch reads, each with its gradient and the cotangent that it is handed.

    Tapes are for more than one step.  `wp.clone` would be such a step too, by a kernel that Warp builds anew in every
    child.
    """
    return [
        (buffer.array, buffer.gradient, parameter["cotangent"])
        for buffer, parameter in zip(buffers, launch["parameters"], strict=True)
        if launch["copied"]
        and isinstance(buffer, PaddedArray)
        and buffer.gradient is not None
        and parameter["cotangent"] is not None
    ]


def _hand_on(behind: _Behind) -> None:
    """The backward pass of a step behind: it hands each array its cotangent, once."""
    while behind:
        _, gradient, cotangent = behind.pop()
        gradient.fill(cotangent)


def _after_forward(buffer: _Buffer) -> Frame | None:
    """What a forward pass leaves of an argument; None for what is no array."""
    if buffer is None:
        return None
    data, canary = buffer.read()
    if buffer.gradient is not None:
        # A forward pass has no business in a gradient buffer, which still holds its zeros.
        zeros, gradient_canary = buffer.gradient.read()
        canary = canary and gradient_canary and not any(zeros)
    return {"data": data, "gradient": None, "again": None, "after_backward_intact": True, "canary": canary}


def _read_gradients(buffers: list[_Buffer], outcome: list[Frame | None], name: str) -> None:
    """Note what the gradients hold, under that name."""
    for buffer, result in zip(buffers, outcome, strict=True):
        if buffer is not None and buffer.gradient is not None and result is not None:
            result[name], canary = buffer.gradient.read()
            result["canary"] = result["canary"] and canary


def _begin_again(tape: Any, launch: Frame, buffers: list[_Buffer]) -> dict[Any, Any]:
    """Clear the gradients of a tape, as the next step of an optimisation does, and give it its cotangents anew: those
    that the tape is to be told are returned."""
    tape.zero()
    told = {}
    for buffer, parameter in zip(buffers, launch["parameters"], strict=True):
        gradient, cotangent = None if buffer is None else buffer.gradient, parameter.get("cotangent")
        if gradient is None or cotangent is None:
            continue
        if isinstance(buffer, PaddedArray):
            told[buffer.array] = buffer.like(cotangent, parameter["dtype"])
        else:
            gradient.fill(cotangent)
    return told


def run_launch(kernel: Any, launch: Frame, device: str, in_device_memory: bool) -> Frame:
    """Run one launch in fresh buffers: the result of each argument, and whether a second run gave the same
    bits."""
    arrays = _launch_once(kernel, launch, device, in_device_memory)
    found: Frame = {"arrays": arrays, "same_bits": None, "same_gradients": None}
    if launch["twice"]:
        again = _launch_once(kernel, launch, device, in_device_memory)
        for name, key in (("same_bits", "data"), ("same_gradients", "gradient")):
            one, other = ([None if array is None else array[key] for array in run] for run in (arrays, again))
            found[name] = one == other
    return found
