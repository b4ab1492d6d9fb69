"""Types written out, and fewer instances of what is generic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from strategies.language.generics import apart, concrete, is_generic
from strategies.language.nodes import Cast, Construct, Literal, Node, Parameter, Program, rebuild
from strategies.language.types import element_scalar


def without_generics(program: Program) -> Iterator[Program]:
    """All types written, one function or the kernel at a time, and every overload under a name of its own."""
    if not is_generic(program):
        return
    yield concrete(program)
    alone = apart(program)
    yield alone
    kernel = _written(msgspec.structs.replace(alone, functions=()))
    yield msgspec.structs.replace(kernel, functions=alone.functions, overloads=())
    for n, function in enumerate(alone.functions):
        functions = (*alone.functions[:n], _written(function), *alone.functions[n + 1 :])
        yield msgspec.structs.replace(alone, functions=functions)
    given = {element_scalar(p.type) for p in program.parameters if p.generic}
    for n, of in enumerate(program.overloads):
        if of not in given:
            yield msgspec.structs.replace(program, overloads=program.overloads[:n] + program.overloads[n + 1 :])


def _written(node: Any) -> Any:
    """A function or a kernel with all types written."""

    def change(part: Node) -> Any:
        part = rebuild(part, change)
        match part:
            case Literal() | Cast() | Construct() if part.like is not None:
                return msgspec.structs.replace(part, like=None)
            case Parameter() if part.generic:
                return msgspec.structs.replace(part, generic=None)
        return part

    return change(node)
