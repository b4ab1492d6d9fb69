"""Whether several functions of one name, and several instances of one text, are what their program says."""

from __future__ import annotations

import msgspec

from strategies.language.generics import generic_parameters, groups, instances, text_name
from strategies.language.nodes import Function, Program
from strategies.language.render import function_text, render
from strategies.language.rules import check_name, require
from strategies.language.types import element_scalar


def check_overloads(program: Program) -> None:
    """Raise `IllFormed` unless overloads differ in their parameters and instances of generics in those alone."""
    for function in program.functions:
        check_name(text_name(function.name))
    made: dict[str, set[tuple[str, ...]]] = {}
    for function in program.functions:
        if function.closure is not None:
            made.setdefault(function.closure.factory, set()).add(function_text(function))
    for name, texts in made.items():
        require(len(texts) == 1, f"{name!r} makes functions of several texts")
    for name, group in groups(program).items():
        taken = {p.name for p in program.parameters} | {p.name for f in program.functions for p in f.parameters}
        require(name not in taken, f"{name!r} is a function and a parameter")
        kinds = [(f.passed, *(p.type for p in f.parameters)) for f in group]
        require(len(set(kinds)) == len(kinds), f"{name!r} has two overloads for the same types")
        generic = [bool(f.passed) or any(p.generic for p in f.parameters) for f in group]
        require(all(generic) or not any(generic), f"{name!r} is generic and overloaded")
        require(not any(generic) or len({_text(f) for f in group}) == 1, f"instances of {name!r} differ")
    given = generic_parameters(program)
    require(bool(given) == bool(program.overloads), "a generic kernel has no overload, or one that is none has")
    if given:
        launched = {element_scalar(p.type) for p in given}
        require(len(launched) == 1 and not program.structs, "the generic parameters have several types")
        require(launched <= set(program.overloads), "the generic kernel is not instantiated as it is launched")
        require(len(set(program.overloads)) == len(program.overloads), "an overload is there twice")
    for instance in instances(program):
        require(_body(instance) == _body(program), "an overload of the kernel has another text")


def _text(function: Function) -> str:
    """A function as its file has it."""
    alone = Program(name="kernel", category="", launch=(1,), parameters=(), body=(), functions=(function,))
    return render(alone)


def _body(program: Program) -> str:
    """A generic kernel's file without its instances."""
    return render(msgspec.structs.replace(program, overloads=()))
