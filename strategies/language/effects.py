"""What statements do to arrays, through calls too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Component,
    Element,
    Expression,
    Function,
    Node,
    Program,
    Statement,
    Target,
    Unpack,
    children,
    root,
)
from strategies.language.remembered import remembered
from strategies.language.rules import bound_arguments
from strategies.language.structs import flattened
from strategies.language.types import Array
from strategies.language.views import arrays_named, definitions, made


@dataclass(frozen=True)
class Effects:
    """The arrays that are read, overwritten, and added to (or taken an extreme of, or changed in place).

    Arrays that a thread makes for itself are none of them.
    """

    read: frozenset[str]
    stored: frozenset[str]
    added: frozenset[str]

    @property
    def written(self) -> frozenset[str]:
        """The arrays that are changed in any way."""
        return self.stored | self.added


@remembered
def effects(program: Program) -> Effects:
    """The effects of the kernel, on its own arrays."""
    program = flattened(program)
    return _effects(program.body, function_effects(program), program.functions)


@remembered
def function_effects(program: Program) -> dict[str, Effects]:
    """The effects of each function, on its array parameters."""
    program = flattened(program)
    found: dict[str, Effects] = {}
    for function in program.functions:
        found[function.name] = _effects(function.body, found, program.functions)
    return found


def called_functions(program: Program) -> frozenset[str]:
    """The functions that the kernel calls, directly or through others."""
    found: set[str] = set()

    def visit(node: Node) -> None:
        if isinstance(node, Call) and node.function not in found:
            found.add(node.function)
            for statement in program.function(node.function).body:
                visit(statement)
        for child in children(node):
            visit(child)

    for statement in program.body:
        visit(statement)
    return frozenset(found)


def root_array(target: Expression) -> str | None:
    """The array that an assignment to `target` changes; None if it changes a local variable."""
    found = root(target)
    return found.array if isinstance(found, Element) else None


def _effects(body: tuple[Statement, ...], known: Mapping[str, Effects], functions: Sequence[Function]) -> Effects:
    visitor = _Visitor(known, {f.name: f for f in functions})
    for name, view in definitions(body).items():
        visitor.roots[name] = visitor.root(view.array)
    for statement in body:
        visitor.visit(statement)
    own = made(body)
    return Effects(
        frozenset(visitor.read - own.keys()),
        frozenset(visitor.stored - own.keys()),
        frozenset(visitor.added - own.keys()),
    )


@dataclass
class _Visitor:
    known: Mapping[str, Effects]
    functions: Mapping[str, Function]
    read: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    #: the array that each local view is a part of
    roots: dict[str, str] = field(default_factory=dict)

    def root(self, array: str) -> str:
        """The array that `array` is, or is a part of."""
        return self.roots.get(array, array)

    def visit(self, node: Node) -> None:
        match node:
            case Assign():
                self.target(node.target, self.stored)
                self.visit(node.value)
            case AugmentedAssign():
                self.target(node.target, self.added)
                self.visit(node.value)
            case Unpack():
                for target in node.targets:
                    self.target(target, self.stored)
                for value in node.values:
                    self.visit(value)
            case Element(array=array):
                self.read.add(self.root(array))
                self.below(node)
            case Atomic(array=array):
                self.added.add(self.root(array))
                self.below(node)
            case Call():
                self.call(node)
                self.below(node)
            case _:
                self.below(node)

    def below(self, node: Node) -> None:
        for child in children(node):
            self.visit(child)

    def target(self, target: Target, changed: set[str]) -> None:
        """What assigning to `target` changes; its indices are read."""
        array = root_array(target)
        if array is not None:
            changed.add(self.root(array))
        node: Expression = target
        while isinstance(node, Component):
            self.visit(node.index)
            node = node.base
        if isinstance(node, Element):
            for index in node.indices:
                self.visit(index)

    def call(self, node: Call) -> None:
        inner = self.known[node.function]
        for parameter, argument in bound_arguments(self.functions[node.function], node):
            if isinstance(parameter.type, Array) and (given := arrays_named(argument)) is not None:
                for wanted, found in ((inner.read, self.read), (inner.stored, self.stored), (inner.added, self.added)):
                    if parameter.name in wanted:
                        found.add(self.root(given))
