"""What makes a candidate valid, as far as types and definitions go.

There are two checkers, for `strategies.language.check` says what a program may be, and this one refuses besides what
would show another defect or none (a test that is a literal, an output that nothing writes) and lets through what a
later edit mends (a range too wide for a new type, brackets around the only index that is left).
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from harness.shrink.tree import Body, assigned, variables_of
from strategies.language.check import check_program
from strategies.language.differentiation import called_type
from strategies.language.effects import effects
from strategies.language.generics import is_generic
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
    Constant,
    Construct,
    Continue,
    Element,
    Evaluate,
    Expression,
    Extent,
    For,
    Function,
    If,
    Item,
    Literal,
    Logical,
    Name,
    Node,
    Part,
    Program,
    Return,
    Statement,
    Static,
    Target,
    ThreadIndex,
    Unpack,
    View,
    While,
    Zeros,
    walk,
)
from strategies.language.parts import part_type
from strategies.language.references import has_references
from strategies.language.rules import (
    IllFormed,
    bound_arguments,
    certainly_runs,
    component_type,
    constructions,
    is_given,
    leaves_early,
    returned_type,
    unpacked_types,
)
from strategies.language.several import called, is_item, is_whole
from strategies.language.structs import flattened, struct_types
from strategies.language.tiles import is_tiled
from strategies.language.tuples import makes_tuples
from strategies.language.types import INT32, VOID, Array, Composite, Scalar, Tuple, Type
from strategies.language.views import view_type
from strategies.ops import result_type
from strategies.uniqueness import ahead


def well_formed(program: Program) -> bool:
    """Whether types fit and every variable is defined on all paths to where it is read.

    Cheap and a little strict: what it lets through is judged by the reference.
    """
    if not program.outputs or not program.body or not isinstance(program.body[0], ThreadIndex):
        return False
    try:
        passes = has_references(program) or makes_tuples(program)
        if struct_types(program) or program.indexed or program.block_dim or passes:
            check_program(program, result_type)
            program = flattened(program)
        elif is_generic(program) or any(f.own_gradient for f in program.functions) or _asks_for_gradients(program):
            check_program(program, result_type)
        owners: tuple[Program | Function, ...] = (program, *program.functions)
        for owner in owners:
            names = [p.name for p in owner.parameters]
            if len(set(names)) != len(names) or not owner.body or not _uses_what_is_unique(owner):
                return False
            check = _Check(program, owner)
            end = check.block(owner.body, dict(check.scope), in_loop=False)
            if isinstance(owner, Function) and owner.type is not VOID and end is not None:
                return False
        return effects(program).written == {p.name for p in program.outputs}
    except (_Invalid, IllFormed):
        return False


def _asks_for_gradients(program: Program) -> bool:
    return any(isinstance(node, Call) and node.derivative for node in walk(program))


def _uses_what_is_unique(owner: Program | Function) -> bool:
    """Whether results that are not unique go through all that makes them so, as generated."""
    names: dict[str, tuple[str, ...]] = {}
    found, settled = 0, 0
    for node in walk(owner):
        if isinstance(node, Unpack) and called(node) is not None:
            for target, value in zip(node.targets, node.values, strict=True):
                if isinstance(target, Name) and (ops := ahead(value, {})):
                    names[target.name] = ops
                    settled += 1
    for node in walk(owner):
        if isinstance(node, Name):
            found += node.name in names
        elif isinstance(node, Apply) and not is_tiled(node):
            found += not is_item(node.op) and bool(ahead(node, names))
            if all(argument == node.arguments[0] for argument in node.arguments):
                settled += sum(ahead(argument, names)[:1] == (node.op,) for argument in node.arguments)
    return found == settled


class _Invalid(Exception):
    pass


_Scope: TypeAlias = dict[str, Type]


class _Check:
    def __init__(self, program: Program, owner: Program | Function) -> None:
        self.program = program
        self.owner = owner
        self.arrays = {p.name: p for p in owner.parameters if isinstance(p.type, Array)}
        self.scope: _Scope = {p.name: p.type for p in owner.parameters if not isinstance(p.type, Array)}
        self.frozen = _changed_by_loops(owner.body)
        #: how many of those loops are around the statement at hand
        self.around: Counter[str] = Counter()

    def block(self, body: Body, scope: _Scope, in_loop: bool) -> _Scope | None:
        """What is defined after `body`; None if its end is never reached."""
        for n, statement in enumerate(body):
            after = self.statement(statement, scope, in_loop)
            if after is None:
                self.need(n == len(body) - 1)
                return None
            scope = after
        return scope

    def need(self, condition: bool) -> None:
        if not condition:
            raise _Invalid

    def statement(self, node: Statement, scope: _Scope, in_loop: bool) -> _Scope | None:
        match node:
            case ThreadIndex(names=names):
                return {**scope, **dict.fromkeys(names, INT32)}
            case Assign(target=Name(name=name), value=View() | Zeros() as array):
                self.value(array, scope)
                self.need(name not in scope and name not in self.arrays and node.target.type is array.type)
                return {**scope, name: array.type}
            case Assign():
                self.value(node.value, scope)
                return self.assign(node.target, node.value, scope)
            case AugmentedAssign():
                self.value(node.target, scope)
                self.value(node.value, scope)
                self.need(result_type(node.operator, (node.target.type, node.value.type)) is node.target.type)
            case Atomic():
                element = self.array(node.array, scope)
                self.need(element.dtype is node.value.type and len(node.indices) == element.ndim)
                self.need((node.compare is not None) == (node.op == "atomic_cas"))
                self.need(result_type(node.op, (element.dtype, node.value.type)) is not None)
                for part in (*node.indices, node.value, *(() if node.compare is None else (node.compare,))):
                    self.value(part, scope)
                if node.compare is not None:
                    self.need(node.compare.type is element.dtype)
                if node.result is not None:
                    return self.assign(node.result, node.value, scope)
            case If():
                self.test(node.test, scope)
                arms = (
                    self.block(node.body, dict(scope), in_loop),
                    self.block(node.orelse, dict(scope), in_loop),
                )
                ends = [arm for arm in arms if arm is not None]
                if not ends:
                    return None
                return {k: v for k, v in ends[0].items() if all(end.get(k) is v for end in ends)}
            case For():
                for bound in (node.start, node.stop, node.step):
                    if bound is not None:
                        self.value(bound, scope)
                self.need(bool(node.body) and scope.get(node.name, INT32) is INT32 and node.name not in self.arrays)
                after = self.loop(node, {**scope, node.name: INT32})
                if certainly_runs(node, self.owner.parameters if isinstance(self.owner, Program) else ()):
                    early = after is None or leaves_early(node.body)
                    return {**scope, node.name: INT32} if early else after
            case While():
                self.test(node.test, scope)
                self.need(bool(node.body))
                self.loop(node, dict(scope))
            case Evaluate():
                self.need(isinstance(node.value, Call))
                self.value(node.value, scope)
            case Unpack():
                return self.unpack(node, scope)
            case Break() | Continue():
                self.need(in_loop)
                return None
            case Return():
                for value in node.values:
                    self.value(value, scope)
                self.need(returned_type(node) is (self.owner.type if isinstance(self.owner, Function) else VOID))
                return None
        return scope

    def loop(self, node: For | While, scope: _Scope) -> _Scope | None:
        changed = assigned(node.body)
        self.around.update(changed)
        after = self.block(node.body, scope, True)
        self.around.subtract(changed)
        return after

    def unpack(self, node: Unpack, scope: _Scope) -> _Scope:
        several = called(node)
        for value in node.values if several is None else several.arguments:
            self.value(value, scope)
        self.need(several is None or is_whole(node, result_type))
        given = unpacked_types(node)
        self.need(len(given) == len(node.targets))
        for target, of in zip(node.targets, given, strict=True):
            self.need(target.type is of)
            if isinstance(target, Name):
                self.need(scope.get(target.name, of) is of and target.name not in self.arrays)
                scope = {**scope, target.name: of}
            else:
                self.value(target, scope)
        return scope

    def assign(self, target: Target, value: Expression, scope: _Scope) -> _Scope:
        self.need(target.type is value.type)
        if isinstance(target, Name):
            self.need(scope.get(target.name, target.type) is target.type and target.name not in self.arrays)
            # a loop may store a constant in what it changes itself; a part of a struct, or of a tile, is none of Warp's
            constant = _is_constant(value) and "." not in target.name
            self.need(not constant or self.frozen[target.name] <= self.around[target.name])
            return {**scope, target.name: target.type}
        self.value(target, scope)
        return scope

    def array(self, name: str, scope: _Scope) -> Array:
        """The type of the array, or the part of one, that a name stands for."""
        of = self.arrays[name].type if name in self.arrays else scope.get(name)
        self.need(isinstance(of, Array))
        assert isinstance(of, Array)
        return of

    def test(self, node: Expression, scope: _Scope) -> None:
        if isinstance(node, Cast) and node.implied:
            self.need(isinstance(node.operand.type, Scalar) and node.operand.type.is_integer)
            node = node.operand
        self.need(not isinstance(node, Literal))
        self.value(node, scope)

    def static(self, node: Expression, scope: _Scope) -> None:
        match node:
            case Name():
                self.need(scope.get(node.name) is INT32)
            case Item():
                self.static(node.index, scope)
            case Apply(op="add" | "sub" | "mul"):
                for argument in node.arguments:
                    self.static(argument, scope)
            case _:
                self.need(isinstance(node, Literal | Constant) and isinstance(node.type, Scalar))

    def value(self, node: Expression, scope: _Scope) -> None:
        match node:
            case Literal() | Zeros():
                return
            case Constant():
                self.need(node.value.type is node.type and is_given(node.value))
                return
            case Static():
                self.static(node.value, scope)
                return
            case Name(type=Array()):
                self.need(self.array(node.name, scope) is node.type)
                return
            case Name():
                self.need(scope.get(node.name) is node.type)
                return
            case Call():
                function = self.program.function(node.function)
                self.need(function is not self.owner and called_type(function, node) is node.type)
                for parameter, argument in bound_arguments(function, node):
                    self.need(argument.type is parameter.type)
            case Apply():
                self.need(not is_item(node.op))
                self.need(result_type(node.op, node.argument_types) is node.type)
            case Compare():
                self.need(len({o.type.notation for o in node.operands}) == 1)
                self.need(not all(isinstance(o, Literal) for o in node.operands))
            case Logical():
                self.need(not any(isinstance(o, Literal) for o in node.operands))
            case Conditional():
                self.need(not isinstance(node.test, Literal) and node.then.type is node.otherwise.type)
            case Construct():
                self.need(isinstance(node.type, Composite))
                assert isinstance(node.type, Composite)
                self.need(tuple(a.type for a in node.arguments) in constructions(node.type))
            case Component():
                base = node.base.type
                if isinstance(base, Tuple):
                    at = int(node.index.value) if isinstance(node.index, Literal) else len(base.items)
                    self.need(-len(base.items) <= at < len(base.items) and node.type is base.items[at])
                    self.value(node.base, scope)
                    return
                self.need(isinstance(base, Composite) and component_type(base, node) is node.type)
                assert isinstance(base, Composite)
                for place, extent in zip((node.index, node.column), base.shape, strict=False):
                    self.need(not isinstance(place, Literal) or -extent <= place.value < extent)
            case Part():
                self.need(part_type(node.base.type, node) is node.type)
                self.value(node.base, scope)
                return
            case View():
                self.need(view_type(self.array(node.array, scope), node) is node.type)
            case Element() | Extent():
                of = self.array(node.array, scope)
                if isinstance(node, Extent):
                    self.need(node.axis < of.ndim)
                else:
                    self.need(of.dtype is node.type and len(node.indices) == of.ndim)
            case Cast():
                self.need(not node.implied)
                self.need(isinstance(node.type, Scalar) and isinstance(node.operand.type, Scalar))
                # written alike, a literal of the other type may be another number
                self.need(node.type is node.operand.type or not isinstance(node.operand, Literal))
        for field_name in node.__struct_fields__:
            part = getattr(node, field_name)
            for child in part if isinstance(part, tuple) else (part,):
                if isinstance(child, Node):
                    self.value(child, scope)  # type: ignore[arg-type]


def _is_constant(value: Expression) -> bool:
    """Whether a literal is rendered bare: those of other types, or like something else, are calls of a constructor."""
    return isinstance(value, Literal) and value.like is None and value.type.notation in ("float32", "int32", "bool")


def _changed_by_loops(body: Body) -> Counter[str]:
    """How many loops change each variable: before them, Warp wants ``float(0.0)``, not ``0.0``, as its value.

    One that a single statement gives its value, inside a loop, is never changed.
    """
    found: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for statement in body:
        for node in walk(statement):
            if isinstance(node, For | While):
                found.update(assigned(node.body))
            times.update(variables_of(node))
    return Counter({name: loops for name, loops in found.items() if times[name] != 1})
