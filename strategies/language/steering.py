"""Whether what a dynamic loop computes decides where, or how often, the backward pass of a kernel does something.

Dynamic loops are not replayed in the backward pass, so it finds other values than the forward pass had.  A float that
is another gives a wrong gradient, which Warp's documentation leaves open; an index that is another reads and writes
elsewhere, which nothing could be said of.
"""

from __future__ import annotations

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Construct,
    Continue,
    Expression,
    For,
    Function,
    Name,
    Node,
    Part,
    Program,
    Return,
    Target,
    Unpack,
    While,
    walk,
)
from strategies.language.rules import conversion
from strategies.language.types import Array
from strategies.language.unrolling import is_dynamic_loop, max_unroll

_EXITS = (Break, Continue, Return)


def steers(program: Program) -> bool:
    """Whether a value that a dynamic loop computes may become an index, a bound, a condition or a call's argument.

    A little wide: loops with a way out, and those that go on while something holds, always count.
    """
    owners: tuple[Program | Function, ...] = (program, *program.functions)
    return any(_steers(owner, max_unroll(program)) for owner in owners)


def _steers(owner: Program | Function, most: int) -> bool:
    nodes = [node for statement in owner.body for node in walk(statement)]
    loops = [node for node in nodes if is_dynamic_loop(node, most)]
    if any(isinstance(part, (While, *_EXITS)) for loop in loops for part in walk(loop)):
        return True
    stale = {name for loop in loops for node in walk(loop) for name, _ in _changes(node)}
    indices = {loop.name for loop in loops if isinstance(loop, For)}
    inside = {id(node) for loop in loops for node in walk(loop)}
    if any(isinstance(node, Name) and node.name in indices and id(node) not in inside for node in nodes):
        return True
    before = -1
    while before != len(stale):
        before = len(stale)
        stale |= {name for node in nodes for name, value in _changes(node) if _reads(value, stale)}
    return any(_turns(node, stale) for node in nodes)


def _turns(node: Node, stale: set[str]) -> bool:
    """Whether a node makes something else than a float of a stale value."""
    match node:
        case Name(name=name):
            # a view that a loop makes stands for another place
            floats = all(scalar.is_float for scalar in types.scalars_of(node.type))
            return name in stale and (isinstance(node.type, Array) or not floats)
        case Cast(type=to) | Construct(type=to) if (operand := conversion(node)) is not None:
            return not types.element_scalar(to).is_float and _reads(operand, stale)
        case Compare() | Call():
            return _reads(node, stale)
    return False


def _reads(node: Node, names: set[str]) -> bool:
    return any(isinstance(part, Name) and part.name in names for part in walk(node))


def _changes(node: Node) -> Iterator[tuple[str, Expression]]:
    """The locals that a statement changes, with what they get."""
    match node:
        case Assign(target=target, value=value) | AugmentedAssign(target=target, value=value):
            pairs: list[tuple[Target, Expression]] = [(target, value)]
        case Unpack(targets=targets, values=values):
            pairs = [(target, values[n if len(values) > 1 else 0]) for n, target in enumerate(targets)]
        case _:
            return
    for changed, value in pairs:
        root: Expression = changed
        while isinstance(root, Component | Part):
            root = root.base
        if isinstance(root, Name):
            yield root.name, value
