"""What the sandbox is asked to do with a program: its source, and the launches that show what holds of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.cpp.types import told_apart
from harness.jobs import (
    Argument,
    ArrayArgument,
    IndexedLayout,
    Job,
    Launch,
    ScalarArgument,
    StructLayout,
    VectorArgument,
)
from harness.oracle.accumulation import starts
from harness.oracle.expectation import Expectation
from harness.oracle.inputs import components, form, numpy_dtype
from harness.oracle.lanes import Values
from strategies.language import types
from strategies.language.effects import effects
from strategies.language.indexed import data_of, members
from strategies.language.limits import Limit, replayed
from strategies.language.nodes import Parameter, Program
from strategies.language.remembered import remembered
from strategies.language.render import render
from strategies.language.steering import steers
from strategies.language.structs import leaves
from strategies.language.types import Array, Composite, Struct

#: Every array of the strided launch lies over one whose last axis is this many times as long.
STRIDE: Final = 2
#: The launches that every program has, in order.
GENERIC, STRIDED, SPECIAL = range(3)
#: The launch whose input gradients start from other values than zero; its tape is run backwards twice.
ACCUMULATED: Final = "accumulated"
#: The launch whose results are handed to a step behind it on the tape, as a copy would be: their cotangents come
#: through that.  Before it stands one on arrays of its own, if `is_preceded`.
COPIED: Final = "copied"
#: The second backward pass of that tape, once its gradients are cleared and it is given the cotangents.
REUSED: Final = "reused"
#: What the name of a launch begins with in which an array has no gradient, and one in which its cotangent is zero.
WITHHELD, SILENT = "withheld ", "silent "


def job(expectation: Expectation, entry: str) -> Job:
    """What the sandbox is asked to do: build the program under the name `entry`, and launch it as `launches` says."""
    program = expectation.program
    structs, indexed = struct_layouts(program), indexed_layouts(program)
    return Job(
        source=render(program, entry),
        entry=entry,
        launches=tuple(
            replace(launch, structs=structs, indexed=indexed, block_dim=program.block_dim)
            for launch in launches(expectation).values()
        ),
        name=program.name,
        told_apart=told_apart(program),
    )


@remembered
def launches(expectation: Expectation) -> dict[str, Launch]:
    """The launches of a program, by name: the generic, the strided and the special one, then those that try what
    else holds of gradients."""
    dims, generic, special = expectation.program.launch, expectation.inputs, expectation.special_inputs
    # A value that a loop computed and the backward pass does not have may be an index: then not even where that
    # pass writes is promised.
    lost = bool({Limit.DYNAMIC_LOOP, Limit.EFFECT_REPLAYED} & set(expectation.limits)) and steers(expectation.program)
    backward = not lost and not {Limit.ATOMIC_RETURNED, Limit.LOCAL_ARRAY, Limit.NO_BACKWARD} & set(expectation.limits)
    plain = _arguments(expectation, generic, 1)
    found = {
        "generic": Launch(dims, plain, backward=backward, twice=True),
        "strided": Launch(dims, _arguments(expectation, generic, STRIDE), backward=backward),
        "special": Launch(dims, _arguments(expectation, special, 1), backward=False),
    }
    differentiable = not expectation.limits and expectation.differentiable
    if expectation.nonfinite is not None:
        arguments = _arguments(expectation, expectation.nonfinite.inputs, 1)
        found["nonfinite"] = Launch(dims, arguments, backward=differentiable)
    if not differentiable:
        return found
    if any(isinstance(argument, ArrayArgument) and argument.cotangent is not None for argument in plain):
        program = expectation.program
        # what functions add to arrays they add once more in each backward pass, and reads find that
        reused = not program.indexed and not replayed(program)
        found[COPIED] = Launch(dims, plain, preceded=is_preceded(program), copied=True, reused=reused)
    begun = starts(expectation)
    adding = [_begun(a, begun.get(p.name)) for p, a in zip(expectation.program.parameters, plain, strict=True)]
    found[ACCUMULATED] = Launch(dims, tuple(adding), again=True)
    read = effects(expectation.program).read
    wholes = {struct.name for struct in expectation.program.structs if struct.ndim}
    for n, (parameter, argument) in enumerate(zip(expectation.program.parameters, plain, strict=True)):
        if not isinstance(argument, ArrayArgument) or not argument.gradient:
            continue
        if parameter.output and parameter.name in read:
            # the adjoints of what is read from an output are kept in its gradient
            continue
        if argument.cotangent is not None:
            if any(name.startswith(SILENT) for name in found):
                # one output is enough to tell whether its gradient is looked at before it is used
                continue
            silent = replace(argument, cotangent=None)
            found[SILENT + parameter.name] = Launch(dims, (*plain[:n], silent, *plain[n + 1 :]))
        if parameter.name.partition(".")[0] in wholes:
            # the fields of an array of structs have one gradient
            continue
        found[WITHHELD + parameter.name] = Launch(
            dims, (*plain[:n], replace(argument, gradient=False, cotangent=None), *plain[n + 1 :])
        )
    return found


def is_preceded(program: Program) -> bool:
    """Whether the tape of `COPIED` begins with the same launch on other arrays: where no argument is put together of
    several."""
    return not program.structs and not program.indexed


def _begun(argument: Argument, start: Values | None) -> Argument:
    """An argument whose gradient holds something before the backward pass."""
    if start is None or not isinstance(argument, ArrayArgument) or not argument.gradient:
        return argument
    return replace(argument, cotangent=start.reshape(argument.data.shape).astype(argument.data.dtype))


def struct_layouts(program: Program) -> tuple[StructLayout, ...]:
    """How the fields among a kernel's parameters make its structs."""
    names = [p.name for p in program.parameters]
    found = []
    for given in program.structs:
        assert isinstance(given.type, Struct)
        fields = tuple(path for path, _ in leaves(given.type))
        first = names.index(f"{given.name}.{fields[0]}")
        found.append(StructLayout(given.type.name, first, fields, given.ndim > 0))
    return tuple(found)


def indexed_layouts(program: Program) -> tuple[IndexedLayout, ...]:
    """How the parts among a kernel's parameters make its indexed arrays."""
    names = [p.name for p in program.parameters]
    return tuple(IndexedLayout(names.index(data_of(given.name)), given.axes) for given in program.indexed)


def _arguments(expectation: Expectation, inputs: dict[str, Values], stride: int) -> tuple[Argument, ...]:
    program, found = expectation.program, []
    parts = {name: number for given in program.indexed for number, name in enumerate(members(given))}
    for parameter in program.parameters:
        argument = _argument(parameter, inputs[parameter.name], expectation, stride)
        if isinstance(argument, ArrayArgument) and parameter.name in parts:
            # an indexed array has no gradient, and takes its places for contiguous
            apart = 1 if parts[parameter.name] else stride
            argument = replace(argument, gradient=False, cotangent=None, stride=apart)
        found.append(argument)
    return tuple(found)


def _argument(parameter: Parameter, values: Values, expectation: Expectation, stride: int) -> Argument:
    scalar = types.element_scalar(parameter.type)
    if isinstance(parameter.type, Composite):
        return VectorArgument(scalar.notation, tuple(v.item() for v in values[0]), form(parameter.type))
    if not isinstance(parameter.type, Array):
        return ScalarArgument(scalar.notation, values[0].item())
    width = components(parameter.type)
    shape = (*parameter.shape, *width)
    cotangent = expectation.cotangents.get(parameter.name)
    return ArrayArgument(
        dtype=scalar.notation,
        data=values.reshape(shape),
        components=width[0] if width else 0,
        form=form(parameter.type),
        stride=stride,
        gradient=True,
        cotangent=None if cotangent is None else cotangent.reshape(shape).astype(numpy_dtype(parameter.type)),
    )
