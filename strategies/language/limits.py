"""Warp's documented limits on gradients, as a static analysis: one named rule each.

A program outside a limit is valid, and its results are checked; its gradients are not promised by
Warp's documentation ("Limitations and Workarounds" of the user guide's page on differentiability), so
it gets a forward verdict at best.  No rule may be wider than what the documentation says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Element,
    Expression,
    Extent,
    For,
    If,
    Literal,
    Logical,
    Name,
    Program,
    Return,
    Statement,
    Target,
    ThreadIndex,
    walk,
)

#: Constant loops of more iterations are dynamic: Warp's default of the option of that name.
MAX_UNROLL: Final = 16
#: Operators whose adjoint needs no operand's value.
_LINEAR: Final = frozenset(("add", "sub", "neg", "pos"))


class Limit(Enum):
    """A documented limit, with what the documentation says in one sentence."""

    DYNAMIC_LOOP = (
        "dynamic loops are not replayed in the backward pass, so values computed in one are not available to adjoints"
    )
    IN_PLACE_PRODUCT = "in-place multiplication and division of array elements are not differentiable"
    COMPONENT_REASSIGNED = "each component of a local vector may be assigned once, not including default initialization"
    ELEMENT_OVERWRITTEN = "overwriting an array element that was read before invalidates gradients"
    NOT_DIFFERENTIABLE = "a built-in is documented as not differentiable"


@dataclass(frozen=True)
class Traits:
    """What the op table says of an operation, by its name."""

    differentiable: Callable[[str], bool]
    #: whether its derivative is zero wherever there is one
    flat: Callable[[str], bool]


def crossed(program: Program, traits: Traits) -> tuple[Limit, ...]:
    """The limits that `program` is outside of, in the order of `Limit`."""
    replay, overwrites = _Replay(program, traits), _Overwrites()
    replay.block(program.body)
    overwrites.block(program.body)
    found = set(replay.found)
    if overwrites.found:
        found.add(Limit.ELEMENT_OVERWRITTEN)
    if _in_place_products(program):
        found.add(Limit.IN_PLACE_PRODUCT)
    return tuple(limit for limit in Limit if limit in found)


def is_dynamic(loop: For, max_unroll: int = MAX_UNROLL) -> bool:
    """Whether Warp leaves `loop` a loop: its bounds are no literals, it is too long, or it has a `break`."""
    bounds = [loop.start, loop.stop, loop.step]
    values = [b.value if isinstance(b, Literal) else None for b in bounds]
    if any(b is not None and not isinstance(b, Literal) for b in bounds):
        return True
    start, stop, step = (int(v) if v is not None else d for v, d in zip(values, (0, 0, 1), strict=True))
    return step == 0 or len(range(start, stop, step)) > max_unroll or _breaks(loop.body)


def _breaks(body: Sequence[Statement]) -> bool:
    for statement in body:
        match statement:
            case Break():
                return True
            case If():
                if _breaks(statement.body) or _breaks(statement.orelse):
                    return True
    return False


def _in_place_products(program: Program) -> bool:
    return any(
        isinstance(node, AugmentedAssign) and isinstance(node.target, Element) and node.operator in ("mul", "div")
        for node in walk(program)
    )


#: The indices by which an element is named.
_Place = tuple[Expression, ...]


class _Overwrites:
    """Whether an element may be written after it was read, as far as its indices tell.

    Whatever writes counts, `+=` and atomics too: the backward pass reads the element again, and finds what is
    there at the end.
    """

    def __init__(self) -> None:
        self.found = False
        self._read: dict[str, set[_Place]] = {}

    def block(self, body: Sequence[Statement]) -> bool:
        """Follow the statements of a block; whether its end can be reached."""
        return all(self._statement(statement) for statement in body)

    def _statement(self, node: Statement) -> bool:
        match node:
            case Assign():
                self._reads(node.value)
                self._write(node.target)
            case AugmentedAssign():
                self._reads(node.value)
                self._write(node.target)
            case Atomic():
                for part in (*node.indices, node.value):
                    self._reads(part)
                self._store(node.array, node.indices)
            case If():
                return self._branch(node)
            case For():
                for bound in (node.start, node.stop, node.step):
                    if bound is not None:
                        self._reads(bound)
                for _ in range(2):
                    self.block(node.body)
            case Return():
                return False
        return True

    def _branch(self, node: If) -> bool:
        self._reads(node.test)
        entry = {array: set(places) for array, places in self._read.items()}
        first = self.block(node.body)
        after, self._read = self._read, entry
        second = self.block(node.orelse)
        if not second:
            self._read = after
        elif first:
            for array, places in after.items():
                self._read.setdefault(array, set()).update(places)
        return first or second

    def _reads(self, node: Expression) -> None:
        for part in walk(node):
            if isinstance(part, Element):
                self._read.setdefault(part.array, set()).add(part.indices)

    def _write(self, target: Target) -> None:
        match target:
            case Element():
                for index in target.indices:
                    self._reads(index)
                self._store(target.array, target.indices)
            case Component(base=Name() | Component() | Element() as base):
                self._reads(target.index)
                self._write(base)

    def _store(self, array: str, place: _Place) -> None:
        self.found = self.found or any(not _apart(place, read) for read in self._read.get(array, ()))


def _apart(one: _Place, other: _Place) -> bool:
    """Whether two places are different elements for certain."""
    return any(isinstance(a, Literal) and isinstance(b, Literal) and a != b for a, b in zip(one, other, strict=True))


@dataclass
class _Replay:
    """Which variables hold another value in the backward pass than they held in the forward pass.

    The backward pass runs the kernel's straight-line code again, skips dynamic loops, and later runs the
    iterations of each in reverse, one body at a time.  `stale` are the variables that it then finds with
    the wrong value; `active` those that carry a derivative.
    """

    program: Program
    traits: Traits
    stale: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    found: set[Limit] = field(default_factory=set)
    #: for each local vector the components that hold a value with a derivative; None stands for any
    assigned: dict[str, set[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # activity does not depend on the order of loops' iterations: take it to its fixed point first
        before = -1
        while before != len(self.active):
            before = len(self.active)
            for node in walk(self.program):
                if isinstance(node, Assign | AugmentedAssign) and self._active(node.value):
                    self.active.add(_root(node.target))
                elif isinstance(node, Atomic) and self._active(node.value):
                    self.active.add(node.array)

    # ------------------------------------------------------------ expressions

    def _active(self, node: Expression) -> bool:
        """Whether a derivative with respect to an array flows through an expression."""
        if not types.element_scalar(node.type).is_float:
            return False
        match node:
            case Name():
                return node.name in self.active
            case Element():
                return node.array in self.active or not self.program.parameter(node.array).output
            case Literal():
                return False
            case Apply(op=op, arguments=arguments):
                return not self.traits.flat(op) and any(self._active(a) for a in arguments)
            case Cast():
                return self._active(node.operand)
            case Construct():
                return any(self._active(a) for a in node.arguments)
            case Component():
                return self._active(node.base)
            case Conditional():
                return self._active(node.then) or self._active(node.otherwise)
        return False

    def _is_stale(self, node: Expression) -> bool:
        return any(isinstance(n, Name) and n.name in self.stale for n in walk(node))

    def _need(self, node: Expression) -> None:
        """An adjoint needs the value of `node`."""
        if self._is_stale(node):
            self.found.add(Limit.DYNAMIC_LOOP)

    def _use(self, node: Expression) -> None:
        """Note what the adjoint of `node` needs."""
        match node:
            case Literal() | Name() | Extent():
                return
            case Apply(op=op, arguments=arguments):
                self._use_operation(op, arguments)
            case Compare() | Logical():
                for operand in node.operands:
                    self._use(operand)
            case Cast():
                self._use(node.operand)
            case Construct():
                for argument in node.arguments:
                    self._use(argument)
            case Component():
                if self._active(node):
                    self._need(node.index)
                self._use(node.base)
            case Element():
                for index in node.indices:
                    if self._active(node):
                        self._need(index)
                    self._use(index)
            case Conditional():
                if self._active(node):
                    self._need(node.test)
                for part in (node.test, node.then, node.otherwise):
                    self._use(part)

    def _use_operation(self, op: str, arguments: Sequence[Expression]) -> None:
        for argument in arguments:
            self._use(argument)
        if self.traits.flat(op) or op in _LINEAR:
            return
        active = [self._active(a) for a in arguments]
        if not self.traits.differentiable(op) and any(active):
            self.found.add(Limit.NOT_DIFFERENTIABLE)
        for n, argument in enumerate(arguments):
            others = active[:n] + active[n + 1 :]
            if any(others) if op == "mul" else any(active):
                self._need(argument)

    # ------------------------------------------------------------ statements

    def block(self, body: Sequence[Statement]) -> None:
        """Follow the statements of a block."""
        for statement in body:
            self._statement(statement)

    def _statement(self, node: Statement) -> None:
        match node:
            case ThreadIndex(names=names):
                self.stale -= set(names)
            case Assign():
                self._use(node.value)
                self._target(node.target)
                self._set(node.target, self._is_stale(node.value), whole=isinstance(node.target, Name))
                self._assign_component(node)
            case AugmentedAssign():
                self._augmented(node)
            case Atomic():
                self._use(node.value)
                for index in node.indices:
                    self._use(index)
                    if self._active(node.value):
                        self._need(index)
                if self._active(node.value) and node.op in ("atomic_min", "atomic_max"):
                    self._need(node.value)
            case If():
                self._branch(node)
            case For():
                self._loop(node)

    def _assign_component(self, node: Assign) -> None:
        match node.target:
            case Name(name=name):
                self.assigned[name] = {None} if self._active(node.value) else set()
            case Component(base=Name(name=name), index=index):
                before = self.assigned.setdefault(name, set())
                key: object = index.value if isinstance(index, Literal) else None
                if None in before or key in before or (key is None and before):
                    self.found.add(Limit.COMPONENT_REASSIGNED)
                before.add(key)

    def _augmented(self, node: AugmentedAssign) -> None:
        self._use(node.value)
        self._target(node.target)
        if not isinstance(node.target, Element):
            self._use_operation(node.operator, (node.target, node.value))
        self._set(node.target, self._is_stale(node.value) or self._is_stale(node.target), whole=False)

    def _target(self, target: Target) -> None:
        if isinstance(target, Element):
            for index in target.indices:
                self._use(index)
                self._need(index)
        elif isinstance(target, Component):
            self._need(target.index)

    def _set(self, target: Target, stale: bool, whole: bool) -> None:
        name = _local(target)
        if name is None:
            return
        if stale:
            self.stale.add(name)
        elif whole:
            self.stale.discard(name)

    def _branch(self, node: If) -> None:
        self._use(node.test)
        if any(isinstance(n, Assign | AugmentedAssign | Atomic | Return | Break | Continue) for n in walk(node)):
            self._need(node.test)
        entry, held = set(self.stale), {name: set(keys) for name, keys in self.assigned.items()}
        self.block(node.body)
        after, then = set(self.stale), self.assigned
        self.stale, self.assigned = entry, held
        self.block(node.orelse)
        self.stale |= after
        for name, keys in then.items():
            self.assigned[name] = self.assigned.get(name, set()) | keys

    def _loop(self, node: For) -> None:
        for bound in (node.start, node.stop, node.step):
            if bound is not None:
                self._use(bound)
                self._need(bound)
        if not is_dynamic(node):
            self.stale.discard(node.name)
            for _ in range(2):
                self.block(node.body)
            return
        assigned = {
            name
            for n in walk(node)
            if isinstance(n, Assign | AugmentedAssign) and (name := _local(n.target)) is not None
        }
        for _ in range(2):
            self.stale |= assigned
            self.stale.discard(node.name)
            self.block(node.body)
        self.stale |= assigned


def _local(target: Target) -> str | None:
    """The local variable that an assignment changes, if it changes one."""
    match target:
        case Name():
            return target.name
        case Component(base=base):
            return _local(base) if isinstance(base, Name | Component | Element) else None
    return None


def _root(target: Target) -> str:
    """The variable or the array that an assignment changes."""
    match target:
        case Name():
            return target.name
        case Element():
            return target.array
        case Component(base=Name() | Component() | Element() as base):
            return _root(base)
    raise TypeError(f"{target!r} cannot be assigned")
