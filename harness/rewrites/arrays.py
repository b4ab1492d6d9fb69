"""Rewrites that avoid defects of arrays and their parts: `harness.rewrites.base` says what a rewrite is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.rewrites.base import register
from strategies.language.indexed import without_indexed
from strategies.language.nodes import (
    Assign,
    Atomic,
    Call,
    Cast,
    Expression,
    Extent,
    Function,
    Literal,
    Name,
    Node,
    Program,
    Slice,
    View,
    rebuild,
    walk,
)
from strategies.language.rules import bound_arguments
from strategies.language.structs import renamed
from strategies.language.types import INT32
from strategies.language.views import lengths_known, shapes, slice_bounds


@register
def write_lengths_as_numbers(program: Program) -> Program:
    """``a.shape[0]`` as the number that it is; in a function, of arrays that all calls give with one shape."""
    functions = []
    for function in program.functions:
        known = lengths_known(function, _shapes_given(program, function))
        body = tuple(_with_lengths(statement, known) for statement in function.body)
        functions.append(function if body == function.body else msgspec.structs.replace(function, body=body))
    known = shapes(program)
    body = tuple(_with_lengths(statement, known) for statement in program.body)
    if tuple(functions) == program.functions and body == program.body:
        return program
    return msgspec.structs.replace(program, body=body, functions=tuple(functions))


def _with_lengths(node: Any, known: Mapping[str, Mapping[int, int]]) -> Any:
    of_local = isinstance(node, Assign) and isinstance(node.value, Extent)
    node = rebuild(node, lambda child: _with_lengths(child, known))
    if of_local and isinstance(node.value, Literal):
        # a local that is a bare number is a constant to Warp, which nothing may change in a loop
        return msgspec.structs.replace(node, value=Cast(INT32, node.value))
    if isinstance(node, Extent) and (length := known.get(node.array, {}).get(node.axis)) is not None:
        return Literal(INT32, length)
    return node


def _shapes_given(program: Program, function: Function) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays that the kernel calls a function with, where they are the same in all calls."""
    shaped = {p.name: p.shape for p in program.arrays}
    inside = any(isinstance(n, Call) and n.function == function.name for f in program.functions for n in walk(f))
    found: dict[str, set[tuple[int, ...] | None]] = {}
    for statement in () if inside else program.body:
        for node in walk(statement):
            if isinstance(node, Call) and node.function == function.name:
                for parameter, argument in bound_arguments(function, node):
                    name = argument.name if isinstance(argument, Name) else ""
                    found.setdefault(parameter.name, set()).add(shaped.get(name))
    return {name: shape for name, (shape, *more) in found.items() if shape is not None and not more}


@register
def keep_slices_inside(program: Program) -> Program:
    """``a[9::-1]`` of an array of five elements as ``a[::-1]``."""
    known = shapes(program)

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if not isinstance(node, View):
            return node
        lengths = known.get(node.array, {})
        indices = tuple(
            _inside(index, lengths[axis]) if isinstance(index, Slice) and axis in lengths else index
            for axis, index in enumerate(node.indices)
        )
        return node if indices == node.indices else msgspec.structs.replace(node, indices=indices)

    rewritten: Program = rebuild(program, change)
    return rewritten


@register
def look_up_indices_for_extremes(program: Program) -> Program:
    """``wp.atomic_max(x, i, e)`` of an indexed array as ``wp.atomic_max(data, places[i], e)``, of two plain ones."""
    extremes = {n.array for n in walk(program) if isinstance(n, Atomic) and n.op in ("atomic_min", "atomic_max")}
    found = without_indexed(program, lambda given: given.name in extremes)
    return program if found is program else renamed(found)


@register
def pass_data_and_places(program: Program) -> Program:
    """``pick(x, i)`` of an indexed array as ``pick(data, places, i)``, of two plain ones."""
    passed = {a.name for n in walk(program) if isinstance(n, Call) for a in n.arguments if isinstance(a, Name)}
    # one that is called like what a function takes would share the names of its parts
    passed |= {p.name for f in program.functions for p in f.parameters if p.axes} if passed else set()
    found = without_indexed(program, lambda given: given.name in passed)
    return program if found is program else renamed(found)


def _inside(index: Slice, length: int) -> Slice:
    """A slice backwards without bounds beyond the ends: one that begins before the first element is empty."""
    bounds = slice_bounds(index)
    if bounds is None or (bounds.step or 1) > 0:
        return index
    if bounds.start is not None and bounds.start < -length:
        none = Literal(INT32, 0)
        return Slice(none, none, index.step)
    start: Expression | None = index.start
    stop: Expression | None = index.stop
    if bounds.start is not None and bounds.start >= length:
        start = None
    if bounds.stop is not None and bounds.stop < -length:
        stop = None
    return Slice(start, stop, index.step)
