"""Which outputs IEEE 754 fixes to the last bit: those that only correctly rounded operations lead to."""

from __future__ import annotations

from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Cast,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Literal,
    Name,
    Node,
    Program,
    Target,
    children,
    walk,
)
from strategies.ops import OPS


def exact_outputs(program: Program) -> frozenset[str]:
    """The outputs whose every value comes from exact operations alone, in an order that is fixed.

    Sums that threads make together are left out: their order is not the reference's.
    """
    inexact = _Inexact()
    for node in walk(program):
        match node:
            case Atomic() if types.element_scalar(node.value.type).is_float:
                if node.op in ("atomic_add", "atomic_sub"):
                    inexact.names.add(node.array)
            case AugmentedAssign(target=Element(array=array)) if types.element_scalar(node.value.type).is_float:
                inexact.names.add(array)
    before = -1
    while before != len(inexact.names):
        before = len(inexact.names)
        for statement in program.body:
            inexact.visit(statement)
    return frozenset(p.name for p in program.outputs) - inexact.names


class _Inexact:
    """Names of variables and arrays that may hold a value rounded in an unspecified way."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit(self, node: Node) -> None:
        match node:
            case Assign() | AugmentedAssign():
                if self._of(node.value) or (isinstance(node, AugmentedAssign) and not OPS[node.operator].exact):
                    self.names.add(_root(node.target))
            case Atomic():
                if self._of(node.value):
                    self.names.add(node.array)
            case _:
                for child in children(node):
                    self.visit(child)

    def _of(self, node: Expression) -> bool:
        """Whether the value of an expression is inexact; integers and truth values never are."""
        if not types.element_scalar(node.type).is_float:
            return False
        match node:
            case Literal():
                return False
            case Element():
                return node.array in self.names
            case Name():
                return node.name in self.names
            case Apply():
                return not OPS[node.op].exact or any(self._of(a) for a in node.arguments)
            case Cast():
                return self._of(node.operand)
            case Construct():
                return any(self._of(a) for a in node.arguments)
            case Component():
                return self._of(node.base)
            case Conditional():
                return self._of(node.then) or self._of(node.otherwise)
        return True


def _root(target: Target) -> str:
    match target:
        case Name():
            return target.name
        case Element():
            return target.array
        case Component(base=Name(name=name)):
            return name
    raise TypeError(f"{target!r} cannot be assigned")
