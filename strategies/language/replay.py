"""What the backward pass of a kernel finds: which variables hold another value than in the forward pass.

The rules of the limits that depend on the order of statements are here; `strategies.language.limits` has the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from strategies.language import types
from strategies.language.documented import Limit, Traits
from strategies.language.effects import function_effects, root_array
from strategies.language.kept import kept_calls
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Contribute,
    Element,
    Evaluate,
    Expression,
    Extent,
    For,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Target,
    ThreadIndex,
    Unpack,
    View,
    While,
    Zeros,
    changed_name,
    root,
    walk,
)
from strategies.language.overwrites import Overwrites
from strategies.language.rules import bound_arguments
from strategies.language.types import Array, Matrix, Transform, holds_floats
from strategies.language.unrolling import is_dynamic, max_unroll
from strategies.language.views import arrays_named, made, roots

#: What a state of random numbers is, which a draw advances.
_STATE: Final = types.scalar("uint32")
#: Operators whose adjoint needs no operand's value.
LINEAR: Final = frozenset(("add", "sub", "neg", "pos"))
#: What is documented as not differentiable where it changes an element in place.
PRODUCTS: Final = frozenset(("mul", "div", "floordiv"))


@dataclass
class Replay:
    """Which variables hold another value in the backward pass than they held in the forward pass.

    The backward pass runs the kernel's straight-line code again, skips dynamic loops, and later runs the
    iterations of each in reverse, one body at a time.  `stale` are the variables that it then finds with
    the wrong value; `active` those that carry a derivative.
    """

    program: Program
    #: the kernel, or the function that is called
    owner: Program | Function
    traits: Traits
    stale: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    found: set[Limit] = field(default_factory=set)
    #: for each local vector the components that hold a value with a derivative; None stands for any
    assigned: dict[str, set[object]] = field(default_factory=dict)
    #: whether the statements at hand are in a loop that moves no derivative
    quiet: bool = False
    #: by which limit each stale variable is, where it is not that of dynamic loops
    reasons: dict[str, Limit] = field(default_factory=dict)
    #: of the kernel, which elements are written after they were read
    overwrites: Overwrites | None = None
    #: the statement that is followed
    statement: Statement | None = None
    #: arrays that hold a value with a derivative by now
    filled: set[str] = field(default_factory=set)
    #: whether a result of the function carries a derivative
    returns: bool = False
    #: whether a result depends on what an atomic operation returned, which the function returns otherwise when it runs
    #: again in the backward pass
    counts: bool = False
    #: of the kernel, the arrays that hold something else in the backward pass, since functions run again
    unsteady: set[str] = field(default_factory=set)
    #: what is known of calls, by the function and which of its parameters are active and stale
    calls: dict[object, Replay] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._effects = function_effects(self.program)
        self._roots = roots(self.owner)
        self._made = made(self.owner.body)
        # activity does not depend on the order of loops' iterations: take it to its fixed point first
        nodes = [node for statement in self.owner.body for node in walk(statement)]
        before = -1
        while before != len(self.active):
            before = len(self.active)
            for node in nodes:
                match node:
                    case Assign() | AugmentedAssign() if self._active(node.value):
                        self._activate(node.target)
                    case Atomic() if self._active(node.value):
                        self.active.add(self._array(node.array))
                    case Call():
                        self._activate_arguments(node)
                    case Unpack():
                        for n, target in enumerate(node.targets):
                            if self._active(node.values[n if len(node.values) > 1 else 0]):
                                self._activate(target)
                    case Return():
                        self.returns |= any(self._active(v) for v in node.values)

    def _activate(self, target: Target) -> None:
        if holds_floats(target.type):
            self.active.add(self._array(changed_name(target)))

    def _array(self, name: str) -> str:
        """The array that a name stands for, or is a part of; any other name as it is."""
        return self._roots.get(name, name)

    def _activate_arguments(self, node: Call) -> None:
        """Note which arrays hold a derivative after a call."""
        inner = self._call(node).active
        for parameter, argument in bound_arguments(self.program.function(node.function), node):
            if parameter.output and parameter.name in inner and (given := arrays_named(argument)) is not None:
                self.active.add(self._array(given))

    def _call(self, node: Call) -> Replay:
        """What the backward pass of a call finds, depending on what it is called with."""
        function = self.program.function(node.function)
        bound = [(p.name, a) for p, a in bound_arguments(function, node)]
        active = frozenset(name for name, a in bound if self._active(a))
        stale = {name: why for name, a in bound if (why := self._why_stale(a)) is not None}
        key = (node.function, active, frozenset(stale.items()))
        if key not in self.calls:
            found = Replay(self.program, function, self.traits, set(stale), set(active), calls=self.calls)
            found.reasons.update(stale)
            # a parameter has a value, as a local that was assigned whole
            found.assigned.update((parameter.name, {None}) for parameter in function.parameters)
            if function.own_gradient:
                found.own_gradient(function)
            else:
                found.block(function.body)
            self.calls[key] = found
        return self.calls[key]

    def own_gradient(self, function: Function) -> None:
        """Follow the gradient that a function has of its own."""
        self.returns = any(p.name in self.active for p in function.inclined)
        for part in (part for s in function.own_gradient for part in walk(s)) if self.returns else ():
            match part:
                case Contribute(value=value) | Assign(value=value) | AugmentedAssign(value=value) | If(test=value):
                    self._need(value)

    # ------------------------------------------------------------ expressions

    def _active(self, node: Expression) -> bool:
        """Whether a derivative with respect to an array flows through an expression."""
        if not holds_floats(node.type):
            return False
        match node:
            case Name():
                return self._array(node.name) in self.active
            case Element() | View():
                return self._array(node.array) in self.active
            case Literal():
                return False
            case Apply(op=op, arguments=arguments):
                return not self.traits.flat(op, node.argument_types) and any(self._active(a) for a in arguments)
            case Cast():
                return self._active(node.operand)
            case Construct():
                return any(self._active(a) for a in node.arguments)
            case Component():
                return self._active(node.base)
            case Conditional():
                return self._active(node.then) or self._active(node.otherwise)
            case Call():
                return self._call(node).returns and not node.derivative
        return False

    def _why_stale(self, node: Node) -> Limit | None:
        """The limit by which the backward pass finds another value of `node`; None if it finds the right one."""
        steady = kept_calls(self.program)
        parts = tuple(part for part in walk(node) if not (isinstance(part, Call) and part.function in steady))
        for part in parts:
            name = _name_read(part)
            if name is not None and name in self.stale:
                return self.reasons.get(name, Limit.DYNAMIC_LOOP)
        if any(isinstance(part, Element | Name) and self._array(_of(part)) in self._made for part in parts):
            return Limit.LOCAL_ARRAY
        if any(map(self._is_overwritten, parts)):
            return Limit.ELEMENT_OVERWRITTEN
        if self.unsteady and any(map(self._is_unsteady, parts)):
            return Limit.EFFECT_REPLAYED
        if any(isinstance(part, Call) and self._call(part).counts for part in parts):
            return Limit.ATOMIC_RETURNED
        return None

    def _is_unsteady(self, node: Node) -> bool:
        """Whether a node reads an array that functions change once more in the backward pass."""
        if isinstance(node, Call):
            return any(array in self.unsteady for array in self._given(node, self._effects[node.function].read))
        return isinstance(node, Element | View) and self._array(node.array) in self.unsteady

    def _given(self, node: Call, wanted: Collection[str]) -> list[str]:
        """The arrays that a call gives for the parameters `wanted`."""
        bound = bound_arguments(self.program.function(node.function), node)
        named = [arrays_named(argument) for parameter, argument in bound if parameter.name in wanted]
        return [self._array(array) for array in named if array is not None]

    def _is_overwritten(self, node: Node) -> bool:
        """Whether an element that a node reads is written by this statement or after it."""
        if self.overwrites is None or self.statement is None:
            return False
        if isinstance(node, Element):
            return self.overwrites.overwritten(self.statement, node)
        return isinstance(node, Call) and self.overwrites.overwrites(self.statement, node)

    def _need(self, *nodes: Expression) -> None:
        """An adjoint needs the values of `nodes`."""
        self.found |= {why for node in nodes if (why := self._why_stale(node)) is not None}

    def _need_place(self, array: str, indices: Sequence[Expression]) -> None:
        """An adjoint needs to know which element is meant."""
        self._need(*indices)
        if array in self.stale:
            self.found.add(self.reasons.get(array, Limit.DYNAMIC_LOOP))

    def _use(self, node: Expression) -> None:
        """Note what the adjoint of `node` needs."""
        match node:
            case Literal() | Name() | Extent() | Zeros():
                return
            case Apply(op=op, arguments=arguments):
                self._use_operation(op, arguments)
            case Compare() | Logical():
                for n, operand in enumerate(node.operands):
                    if self._moves(operand):
                        # whether it is called, those before it say; the first two of a chain are evaluated in any case
                        self._need(*node.operands[: n if isinstance(node, Logical) or n > 1 else 0])
                    self._use(operand)
            case Cast():
                self._use(node.operand)
            case Construct():
                for argument in node.arguments:
                    self._use(argument)
            case Component():
                for index in (node.index, node.column):
                    if index is not None and self._active(node):
                        self._need(index)
                self._use(node.base)
            case Element():
                if self._active(node):
                    self._need_place(node.array, node.indices)
                    if self._array(node.array) in self._made:
                        self.found.add(Limit.LOCAL_ARRAY)
                for index in node.indices:
                    self._use(index)
            case View():
                if holds_floats(node.type):
                    self.found |= {why for why in (self._why_stale(node),) if why is not None}
                for part in walk(node):
                    if isinstance(part, Element):
                        self._use(part)
            case Conditional():
                if self._active(node) or self._moves(node.then) or self._moves(node.otherwise):
                    self._need(node.test)
                for part in (node.test, node.then, node.otherwise):
                    self._use(part)
            case Call():
                for argument in node.arguments:
                    self._use(argument)
                if any(isinstance(a, Name) and a.name in self._made and self._active(a) for a in node.arguments):
                    self.found.add(Limit.LOCAL_ARRAY)
                inner = self._call(node)
                self.found |= inner.found
                if inner.active:
                    # what its adjoint needs of the arrays that it reads is not known here
                    if self._is_overwritten(node):
                        self.found.add(Limit.ELEMENT_OVERWRITTEN)
                    if self._is_unsteady(node):
                        self.found.add(Limit.EFFECT_REPLAYED)
                self._run_again(node)

    def _moves(self, node: Expression) -> bool:
        """Whether calls in an expression put a derivative into an array."""
        calls = [n for n in walk(node) if isinstance(n, Call) and self._effects[n.function].written]
        return any(self._call(call).active for call in calls)

    def _run_again(self, node: Call) -> None:
        """Note what a function changes that runs again in the backward pass, if it then gets other arguments."""
        changed = self._effects[node.function].written
        if not changed or self.program.function(node.function).replay:
            return
        if self._is_unsteady(node) or self._is_overwritten(node):
            self.unsteady.update(self._given(node, changed))
        for argument in node.arguments:
            if not isinstance(argument.type, Array) and self._why_stale(argument) is not None:
                self.unsteady.update(self._given(node, changed))
                if not holds_floats(argument.type):
                    # not even where it writes is promised
                    self.found.add(Limit.EFFECT_REPLAYED)

    def _use_operation(self, op: str, arguments: Sequence[Expression]) -> None:
        for argument in arguments:
            self._use(argument)
        given = [a.type for a in arguments]
        if not given:
            return
        if self.traits.flat(op, given) or op in LINEAR:
            return
        active = [self._active(a) for a in arguments]
        if not self.traits.differentiable(op, given) and any(active):
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
        self.statement = node
        match node:
            case ThreadIndex(names=names):
                self.stale -= set(names)
            case Assign():
                self._use(node.value)
                self._target(node.target)
                self._set(node.target, self._why_stale(node.value), whole=isinstance(node.target, Name))
                self._assign_component(node.target, self._active(node.value))
            case AugmentedAssign():
                self._augmented(node)
            case Atomic():
                self._use(node.value)
                for index in node.indices:
                    self._use(index)
                if self._active(node.value):
                    self._need_place(node.array, node.indices)
                self._atomic(node)
            case If():
                self._branch(node)
            case For():
                self._loop(node)
            case While():
                self._while(node)
            case Evaluate():
                self._use(node.value)
            case Unpack():
                self._unpack(node)
            case Return():
                for value in node.values:
                    self._use(value)
                    self.counts |= self._why_stale(value) is Limit.ATOMIC_RETURNED

    def _atomic(self, node: Atomic) -> None:
        array = self._array(node.array)
        if node.compare is not None:
            self._use(node.compare)
        if self._active(node.value) and node.op in ("atomic_min", "atomic_max"):
            self._need(node.value)
        elif self._active(node.value) and not self.traits.differentiable(node.op, (node.value.type,)):
            self.found.add(Limit.NOT_DIFFERENTIABLE)
        if node.result is not None:
            if array in self.filled:
                self.found.add(Limit.ATOMIC_RETURNED)
            self._set(node.result, Limit.ATOMIC_RETURNED, whole=True)
        if self._active(node.value):
            self.filled.add(array)

    def _unpack(self, node: Unpack) -> None:
        for value in node.values:
            self._use(value)
        stale = [self._why_stale(value) for value in node.values]
        for n, target in enumerate(node.targets):
            self._target(target)
            self._set(target, stale[n if len(stale) > 1 else 0], whole=isinstance(target, Name))
            self._assign_component(target, isinstance(target, Name) and target.name in self.active)

    def _assign_component(self, target: Target, active: bool) -> None:
        match target:
            case Name(name=name):
                self.assigned[name] = {None} if active else set()
            case Component(base=base, attribute=True) if isinstance(base.type, Transform):
                # the documentation speaks of components of vectors, matrices and quaternions
                pass
            case Component() if (local := _local(target)) is not None:
                before = self.assigned.setdefault(local, set())
                numbers = _numbers(target)
                if None in before or numbers & before or (None in numbers and before):
                    self.found.add(Limit.COMPONENT_REASSIGNED)
                before |= numbers

    def _augmented(self, node: AugmentedAssign) -> None:
        self._use(node.value)
        self._target(node.target)
        again = node.operator not in LINEAR and holds_floats(node.target.type)
        if not isinstance(node.target, Element) or (again and node.operator not in PRODUCTS):
            # what is no sum reads what it overwrites; of products the documentation speaks by themselves
            self._use_operation(node.operator, (node.target, node.value))
        if again and isinstance(node.target, Component):
            # the documentation lets sums alone follow what was assigned
            self._assign_component(node.target, False)
        self._set(node.target, self._why_stale(node.value) or self._why_stale(node.target), whole=False)

    def _target(self, target: Target) -> None:
        if isinstance(target, Element):
            for index in target.indices:
                self._use(index)
            self._need_place(target.array, target.indices)
        part: Expression = target
        while isinstance(part, Component):
            self._need(part.index)
            if part.column is not None:
                self._need(part.column)
            part = part.base

    def _set(self, target: Target, stale: Limit | None, whole: bool) -> None:
        name = _local(target)
        if name is None:
            return
        if stale is not None:
            self.reasons[name] = stale
            self.stale.add(name)
        elif whole:
            self.stale.discard(name)

    def _branch(self, node: If) -> None:
        self._use(node.test)
        stale = self._why_stale(node.test)
        if not self.quiet and any(self._carries(n) or isinstance(n, Break | Continue) for n in walk(node)):
            self._need(node.test)
        entry, held = set(self.stale), {name: set(keys) for name, keys in self.assigned.items()}
        self.block(node.body)
        after, then = set(self.stale), self.assigned
        self.stale, self.assigned = entry, held
        self.block(node.orelse)
        self.stale |= after
        for name, keys in then.items():
            self.assigned[name] = self.assigned.get(name, set()) | keys
        if stale is Limit.ATOMIC_RETURNED and isinstance(self.owner, Function):
            self.counts |= any(isinstance(part, Return) for part in walk(node))
        if stale is not None:
            # what is assigned in the wrong arm is another value, even if it carries no derivative
            changed = self._assigned(node)
            self.stale |= changed
            self.reasons.update(dict.fromkeys(changed, stale))

    def _loop(self, node: For) -> None:
        for bound in (node.start, node.stop, node.step):
            if bound is not None:
                self._use(bound)
                self._need(bound)
        if not is_dynamic(node, max_unroll(self.program)):
            self.stale.discard(node.name)
            for _ in range(2):
                self.block(node.body)
            return
        assigned = self._assigned(node)
        with self._in_loop(node):
            for _ in range(2):
                self._stale_by_loop(assigned)
                self.stale.discard(node.name)
                self.block(node.body)
        self._stale_by_loop(assigned | {node.name})

    def _stale_by_loop(self, names: set[str]) -> None:
        self.stale |= names
        self.reasons.update(dict.fromkeys(names, Limit.DYNAMIC_LOOP))

    @contextmanager
    def _in_loop(self, node: For | While) -> Iterator[None]:
        """Inside a loop that moves no derivative, no test decides what an adjoint is."""
        before = self.quiet
        tested = isinstance(node, While) and self._moves(node.test)
        self.quiet = before or not (tested or any(map(self._carries, walk(node))))
        yield
        self.quiet = before

    def _while(self, node: While) -> None:
        assigned = self._assigned(node)
        # a loop that begins with a condition on what another one computed, or reads at its index, may not end
        self.statement = node
        self._need(node.test)
        with self._in_loop(node):
            for _ in range(2):
                self._stale_by_loop(assigned)
                self.statement = node
                self._use(node.test)
                if not self.quiet:
                    self._need(node.test)
                self.block(node.body)
        self._stale_by_loop(assigned)

    def _assigned(self, statement: For | While | If) -> set[str]:
        """The local variables that the statements in a loop or a branch change."""
        found = set()
        for node in walk(statement):
            match node:
                case Assign() | AugmentedAssign():
                    found.add(_local(node.target))
                case Unpack():
                    found.update(map(_local, node.targets))
                case Atomic(result=Name(name=name)):
                    found.add(name)
                case For() if node is not statement:
                    found.add(node.name)
                case Apply(op=op, arguments=(Name(type=of, name=name), *_)) if of is _STATE:
                    if self.traits.advances(op, node.argument_types):
                        found.add(name)
        return {name for name in found if name is not None}

    def _carries(self, node: Node) -> bool:
        """Whether a statement moves a derivative, or ends the thread, so that how often it runs matters to adjoints."""
        match node:
            case Assign():
                return self._active(node.value) or self._writes(node.value) or self._ends(node.target)
            case AugmentedAssign(operator=op) if op not in LINEAR:
                return self._active(node.value) or self._writes(node.value) or self._ends(node.target)
            case AugmentedAssign() | Atomic() | Evaluate():
                return self._active(node.value) or self._writes(node.value)
            case Unpack():
                return any(self._active(v) or self._writes(v) for v in node.values) or any(
                    map(self._ends, node.targets)
                )
        return isinstance(node, Return)

    def _ends(self, target: Target) -> bool:
        """Whether an assignment may end what a derivative moves through, or consumes a cotangent."""
        name = changed_name(target)
        return holds_floats(target.type) and (root_array(target) is not None or self._array(name) in self.active)

    def _writes(self, node: Expression) -> bool:
        """Whether calls in an expression change arrays."""
        return any(isinstance(n, Call) and self._effects[n.function].written for n in walk(node))


def _of(node: Element | Name) -> str:
    """The array of an element, or what a name says."""
    return node.array if isinstance(node, Element) else node.name


def _name_read(node: Node) -> str | None:
    """The variable, or the local array, that a node reads."""
    return node.name if isinstance(node, Name) else arrays_named(node)


def _numbers(target: Component) -> set[int | None]:
    """Which numbers of a value a component is, or a component of one; None stands for any."""
    own = _places(target)
    base = target.base
    while own is not None and isinstance(base, Component):
        outer = _places(base)
        own = None if outer is None else [outer[n] for n in own]
        base = base.base
    return {None} if own is None else set(own)


def _places(part: Component) -> list[int] | None:
    """Which numbers of its base a component is, in order; None if only a run tells."""
    of, index, column = part.base.type, part.index, part.column
    if not isinstance(index, Literal) or not (column is None or isinstance(column, Literal)):
        return None
    at = int(index.value)
    match of:
        case Matrix():
            places = range(of.columns) if column is None else (int(column.value),)
            return [at * of.columns + n for n in places]
        case Transform() if part.attribute:
            return [0, 1, 2] if at == 0 else [3, 4, 5, 6]
    return [at]


def _local(target: Target) -> str | None:
    """The local variable that an assignment changes, if it changes one."""
    found = root(target)
    return found.name if isinstance(found, Name) else None
