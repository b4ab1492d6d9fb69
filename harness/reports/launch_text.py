"""Python text that launches a kernel as Warp's users do: its arguments, the launch, its tape, a cell of the result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from harness.launches import COPIED, REUSED, WITHHELD, is_preceded
from harness.oracle.lanes import Values
from harness.probes.tapes import INDEXED_ARRAY
from harness.verdict import Failure, FailureKind
from harness.verify import AGAIN
from strategies.language import types
from strategies.language.indexed import all_members, data_of, places_of
from strategies.language.nodes import IndexedParameter, Parameter, Program, StructParameter
from strategies.language.render import type_name
from strategies.language.structs import leaves
from strategies.language.types import Array, Composite, Matrix, Struct

#: Names that the scripts use themselves.
_TAKEN: Final = frozenset(
    (
        "actual", "around", "before", "done", "error", "expected", "first", "given", "guarded", "inputs",
        "make", "memory", "moved", "np", "respelled", "result", "results", "same", "spread", "subprocess",
        "sys", "tape", "tempfile", "wp",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A failure and the inputs that show it; `level` is the optimization level that it needs, None for any."""

    program: Program
    failure: Failure
    inputs: Mapping[str, Values]
    cotangents: Mapping[str, Values]
    level: int | None = None


def _numpy_type(parameter: Parameter) -> str:
    scalar = types.element_scalar(parameter.type)
    return "np.bool_" if scalar.kind == "bool" else f"np.{scalar.notation}"


def number_text(value: Any) -> str:
    """The literal of a number, or what stands for one that has none."""
    if isinstance(value, np.bool_ | bool):
        return str(bool(value))
    if isinstance(value, np.integer | int):
        return str(int(value))
    if not math.isfinite(value):
        return f'float("{float(value)}")'
    # the shortest spelling in the value's own precision
    return repr(float(str(value)))


def _nested(values: Values) -> str:
    if values.ndim == 0:
        return number_text(values[()])
    return f"[{', '.join(_nested(item) for item in values)}]"


def _shaped(parameter: Parameter, values: Values) -> Values:
    of = parameter.type.dtype if isinstance(parameter.type, Array) else parameter.type
    return values.reshape(*parameter.shape, *(of.shape if isinstance(of, Composite) else ()))


def _array(parameter: Parameter, values: Values, gradient: bool) -> str:
    """The expression of a Warp array with `values`, and a gradient."""
    assert isinstance(parameter.type, Array)
    contents = _shaped(parameter, values)
    dtype = _numpy_type(parameter)
    if contents.size > 4 and np.all(contents == contents.flat[0]):
        made = f"np.full({contents.shape}, {number_text(contents.flat[0])}, {dtype})"
    else:
        made = f"np.array({_nested(contents)}, {dtype})"
    return f"wp.array({made}, dtype={type_name(parameter.type.dtype)}, requires_grad={gradient})"


def _scalar(parameter: Parameter, values: Values) -> str:
    if isinstance(parameter.type, Composite):
        return f"{type_name(parameter.type)}({', '.join(number_text(v) for v in values[0])})"
    number = number_text(values[0])
    return f"{type_name(parameter.type)}({number})" if parameter.generic else number


def _withheld(shown: Shown) -> str | None:
    """The array that had no gradient in the launch that failed."""
    launch = shown.failure.launch
    return launch.removeprefix(WITHHELD) if launch.startswith(WITHHELD) else None


def _copied(shown: Shown) -> list[str]:
    """The arrays that were copied on the tape of the launch that failed."""
    if shown.failure.launch != COPIED:
        return []
    fields = {s.name for s in shown.program.structs if s.ndim}
    parts = all_members(shown.program)
    return [name for name in shown.cotangents if name.partition(".")[0] not in fields and name not in parts]


def argument_lines(shown: Shown) -> list[str]:
    """The lines that make every argument, under its parameter's name."""
    found, constant = [], all_members(shown.program)
    for parameter in shown.program.parameters:
        values = shown.inputs[parameter.name]
        if isinstance(parameter.type, Array):
            made = _array(parameter, values, parameter.name != _withheld(shown) and parameter.name not in constant)
        else:
            made = _scalar(parameter, values)
        found.append(f"{local_name(shown.program, parameter.name)} = {made}")
    for struct in shown.program.structs:
        found += struct_lines(shown.program, struct)
    for given in shown.program.indexed:
        found += indexed_lines(shown, given)
    return found


def indexed_lines(shown: Shown, given: IndexedParameter) -> list[str]:
    """The lines that make an indexed array of its parts, which are there."""
    program = shown.program
    called, data = local_name(program, given.name), local_name(program, data_of(given.name))
    ndim = len(program.parameter(data_of(given.name)).shape)
    places = [local_name(program, places_of(given.name, n)) if n in given.axes else "None" for n in range(ndim)]
    made = f"{called} = wp.indexedarray({data}, [{', '.join(places)}])"
    launched = shown.failure.kind not in (FailureKind.REJECTED, FailureKind.BUILD_ERROR)
    launched = launched and shown.failure.variant != INDEXED_ARRAY
    return [made, f"{called}.grad = None  # a tape asks for it"] if launched else [made]


def struct_lines(program: Program, struct: StructParameter) -> list[str]:
    """The lines that make a struct, or an array of structs, of its fields, which are there."""
    assert isinstance(struct.type, Struct)
    called, of = local_name(program, struct.name), struct.type.name
    paths = [path for path, _ in leaves(struct.type)]
    fields = {path: local_name(program, f"{struct.name}.{path}") for path in paths}
    if not struct.ndim:
        return [f"{called} = {of}()", *(f"{called}.{path} = {field}" for path, field in fields.items())]
    shape = program.parameter(f"{struct.name}.{paths[0]}").shape
    return [
        f"{called} = wp.array(np.zeros({shape}, {of}.numpy_dtype()), dtype={of}, requires_grad=True)",
        *(f"{called}.numpy(){_subscripts(path)} = {field}.numpy()" for path, field in fields.items()),
    ]


def _subscripts(path: str) -> str:
    return "".join(f'["{name}"]' for name in path.split("."))


def contents_text(program: Program, name: str, gradient: bool = False) -> str:
    """The expression of an array's contents, or those of its gradient."""
    whole, _, path = name.partition(".")
    if any(s.name == whole and s.ndim for s in program.structs):
        return f"{local_name(program, whole)}{'.grad' if gradient else ''}.numpy(){_subscripts(path)}"
    return f"{local_name(program, name)}{'.grad' if gradient else ''}.numpy()"


def local_name(program: Program, name: str) -> str:
    """What an argument is called in the script."""
    name = name.replace(".", "_")
    return f"{name}_" if name == kernel_name(program) or name in _TAKEN else name


def kernel_name(program: Program) -> str:
    """The kernel's name in the script."""
    return f"{program.name}_kernel" if program.name in _TAKEN else program.name


def launch_line(program: Program, own: bool = False) -> str:
    """The launch; with `own`, on arrays of its own that hold the same."""
    structs = {s.name for s in program.structs} | {given.name for given in program.indexed}
    wholes = dict.fromkeys(w if (w := p.name.partition(".")[0]) in structs else p.name for p in program.parameters)
    given = {name: local_name(program, name) for name in wholes}
    if own:
        given |= {
            p.name: f"wp.array({given[p.name]}.numpy(), dtype={given[p.name]}.dtype, requires_grad=True)"
            for p in program.arrays
        }
    arguments = ", ".join(given.values())
    if program.block_dim:
        tiled = f"wp.launch_tiled({kernel_name(program)}, dim={program.launch}, inputs=[{arguments}]"
        return f'{tiled}, block_dim={program.block_dim}, device="cpu")'
    return f'wp.launch({kernel_name(program)}, dim={program.launch}, inputs=[{arguments}], device="cpu")'


def backward_lines(shown: Shown) -> list[str]:
    """A launch, recorded and run backwards."""
    program = shown.program
    lines = ["with wp.Tape() as tape:"]
    if shown.failure.launch == COPIED and is_preceded(program):
        lines.append(f"    {launch_line(program, own=True)}")
    lines.append(f"    {launch_line(program)}")
    copies = {name: f"copy_{n}" for n, name in enumerate(_copied(shown))}
    lines += [
        f"    {copy} = wp.clone({local_name(program, name)}, requires_grad=True)" for name, copy in copies.items()
    ]
    seeds, told = [], []
    for name, values in shown.cotangents.items():
        if name == _withheld(shown) or name in all_members(program):
            continue
        parameter = program.parameter(name)
        typed = values.astype(_numpy_type(parameter).removeprefix("np."))
        nested = _nested(_shaped(parameter, typed))
        made = f"np.array({nested}, {_numpy_type(parameter)})"
        if any(s.name == name.partition(".")[0] and s.ndim for s in program.structs):
            seeds.append(f"{contents_text(program, name, gradient=True)}[...] = {made}")
        elif shown.failure.launch == REUSED:
            of = local_name(program, name)
            told.append(f"{of}: wp.array({made}, dtype={of}.dtype)")
        else:
            seeds.append(f"{copies.get(name) or local_name(program, name)}.grad.assign({made})")
    if shown.failure.launch == REUSED:
        backward = f"tape.backward(grads={{{', '.join(told)}}})"
        return [*lines, *seeds, backward, "tape.zero()", *seeds, backward]
    return [*lines, *seeds, *["tape.backward()"] * (2 if shown.failure.launch == AGAIN else 1)]


def run_lines(shown: Shown, backward: bool) -> list[str]:
    """The launch, with its backward pass or without."""
    return backward_lines(shown) if backward else [launch_line(shown.program)]


def _cell(shown: Shown) -> str:
    """The index of the cell that differs, for an array as Warp's ``numpy()`` gives it."""
    failure = shown.failure
    assert failure.parameter is not None
    parameter = shown.program.parameter(failure.parameter)
    cell = failure.cell
    if cell:
        position = np.unravel_index(cell[0], parameter.shape)
        number = cell[1:]
        of = parameter.type.dtype if isinstance(parameter.type, Array) else parameter.type
        if isinstance(of, Matrix) and number:
            # its numbers are counted row by row
            number = divmod(number[0], of.columns)
        cell = (*(int(n) for n in position), *number)
    return ", ".join(map(str, cell)) or "()"


def value_text(shown: Shown) -> str:
    """The expression of the number that differs."""
    assert shown.failure.parameter is not None
    return f"{contents_text(shown.program, shown.failure.parameter, shown.failure.gradient)}[{_cell(shown)}]"
