"""What loops of a drawn kernel may hold, for tests of how often they do, and of what they must not."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

from predicates import bounds, has, trips

from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Continue,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Unpack,
    While,
    children,
    names_in,
    walk,
)
from strategies.language.rules import fixed
from strategies.language.types import INT32, Scalar
from strategies.language.unrolling import is_dynamic

Loop = For | While


def loops(program: Program) -> list[Loop]:
    return [node for node in walk(program) if isinstance(node, Loop)]


def inside(loop: Loop) -> Iterator[Node]:
    """What stands in the body of a loop."""
    for statement in loop.body:
        yield from walk(statement)


def deepest(node: Node) -> int:
    """How deep loops of either kind are nested."""
    return isinstance(node, Loop) + max(map(deepest, children(node)), default=0)


def returns_from_while(program: Program) -> bool:
    return any(isinstance(loop, While) and has(Return)(loop) for loop in loops(program))


def returns_from_nested(program: Program) -> bool:
    return any(isinstance(n, Loop) and has(Return)(n) for loop in loops(program) for n in inside(loop))


def stores_in_while(program: Program) -> bool:
    return any(
        isinstance(loop, While) and isinstance(n, Assign | AugmentedAssign) and isinstance(n.target, Element)
        for loop in loops(program)
        for n in inside(loop)
    )


def steps_by_floats(program: Program) -> bool:
    """Whether the test of a `while` reads a local float, which its body changes."""
    return any(
        isinstance(loop, While)
        and any(isinstance(n, Name) and isinstance(n.type, Scalar) and n.type.is_float for n in walk(loop.test))
        for loop in loops(program)
    )


def bounded_by_outer(program: Program) -> bool:
    """Whether a bound of an inner loop depends on the index of the one around it."""
    for outer in bounds(program):
        for inner in inside(outer):
            if isinstance(inner, For):
                named = names_in(tuple(b for b in (inner.start, inner.stop, inner.step) if b is not None))
                if outer.name in named:
                    return True
    return False


def bounded_by_elements(program: Program) -> bool:
    """Whether an inner loop goes through a segment that the outer index names: ``range(first[r], first[r + 1])``."""
    return any(
        isinstance(inner, For) and inner.start is not None and has(Element)(inner.start) and has(Element)(inner.stop)
        for outer in bounds(program)
        for inner in inside(outer)
    )


def _is_fixed(loop: For) -> bool:
    return all(b is None or fixed(b) is not None for b in (loop.start, loop.stop, loop.step))


def taken(loop: For) -> range:
    """The values of the index of a constant range."""
    parts = (loop.start or Literal(INT32, 0), loop.stop, loop.step or Literal(INT32, 1))
    return range(*(int(value) for value in map(fixed, parts) if value is not None))


def known_exits(program: Program) -> Iterator[tuple[For, If]]:
    """Exits of constant ranges by a comparison of the index and a literal: known before the kernel runs."""
    for loop in bounds(program):
        for node in inside(loop):
            if (
                isinstance(node, If)
                and _is_fixed(loop)
                and node.body
                and isinstance(node.body[-1], Break | Continue | Return)
            ):
                test = node.test
                if isinstance(test, Compare) and all(
                    isinstance(part, Literal) or part == Name(part.type, loop.name) for part in test.operands
                ):
                    yield loop, node


def ends_for_all(program: Program) -> bool:
    """Whether all threads leave a loop at the same place, which is known: the rest is dead."""
    return any(isinstance(exit_.body[-1], Break | Return) for _, exit_ in known_exits(program))


def never_skips(program: Program) -> bool:
    """Whether a test names an index that its range does not hold."""
    for loop, exit_ in known_exits(program):
        values = taken(loop)
        test = exit_.test
        assert isinstance(test, Compare)
        wanted = [part.value for part in test.operands if isinstance(part, Literal)]
        if test.operators == ("==",) and len(wanted) == 1 and wanted[0] not in values:
            return True
    return False


def empty(program: Program) -> bool:
    return any(_is_fixed(loop) and trips(loop) == 0 for loop in bounds(program) if not has_names(loop))


def has_names(loop: For) -> bool:
    return bool(names_in(tuple(b for b in (loop.start, loop.stop, loop.step) if b is not None)))


def at_the_limit(program: Program) -> bool:
    """Whether a constant range is about as long as the last that Warp unrolls."""
    return any(trips(loop) in (15, 16, 17, 18) for loop in bounds(program) if _is_fixed(loop))


def reads_index_after(program: Program) -> bool:
    """Whether an index is read behind its loop."""

    def block(body: tuple[Statement, ...]) -> bool:
        ended: set[str] = set()
        for statement in body:
            if isinstance(statement, For) and statement.name not in names_in((statement.stop,)):
                ended.add(statement.name)
                found = block(statement.body)
            else:
                found = bool(ended & names_in((statement,)))
            if found:
                return True
        return False

    return block(program.body)


def _is_zero(value: Expression) -> bool:
    inner = value.operand if isinstance(value, Cast) else value
    return isinstance(inner, Literal) and inner.value == 0


def zeros_left_alone(program: Program) -> set[str]:
    """Locals that may change and begin with zero, and that nothing changes but a factor."""
    begun: set[str] = set()
    changed: set[str] = set()
    for node in walk(program):
        match node:
            case Assign(target=Name(name=name), value=Cast() as value) if _is_zero(value):
                begun.add(name)
            case AugmentedAssign(operator="mul" | "div"):
                pass
            case Assign(target=target) | AugmentedAssign(target=target):
                changed |= names_in((target,))
            case Unpack(targets=targets):
                changed |= names_in(targets)
            case For(name=name):
                changed.add(name)
    return begun - changed


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def guards_nothing(program: Program) -> bool:
    """Whether a branch in a constant range compares the index so that it never, or always, holds."""
    for loop in bounds(program):
        for node in inside(loop):
            test = node.test if isinstance(node, If) else None
            if not (
                _is_fixed(loop) and len(taken(loop)) > 1 and isinstance(test, Compare) and len(test.operators) == 1
            ):
                continue
            left, right = test.operands
            if isinstance(left, Name) and left.name == loop.name and isinstance(right, Literal):
                holds = _COMPARISONS[test.operators[0]]
                if len({holds(value, right.value) for value in taken(loop)}) == 1:
                    return True
    return False


def same_arms(program: Program) -> bool:
    return any(isinstance(n, If) and n.body == n.orelse for n in walk(program))


def dynamic(program: Program) -> bool:
    return any(map(is_dynamic, bounds(program)))
