"""Rewrites that avoid defects of loops and of the names around them: `harness.rewrites.base` says what a rewrite is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from harness.rewrites.base import (
    FreshNames,
    assigned_in,
    bodies,
    holds,
    register,
    within,
    zero_of,
)
from harness.rewrites.exits import Guards
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Conditional,
    Constant,
    Construct,
    Continue,
    Expression,
    For,
    Function,
    If,
    Literal,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Static,
    ThreadIndex,
    Unpack,
    While,
    names_in,
    rebuild,
    walk,
)
from strategies.language.rules import certainly_runs, leaves_early
from strategies.language.structs import struct_types, with_names
from strategies.language.types import (
    BOOL,
    INT32,
    Composite,
    Matrix,
    Quaternion,
    Scalar,
    Tile,
    Type,
    Vector,
    element_scalar,
    parse,
)
from strategies.language.unrolling import is_dynamic, is_dynamic_loop, max_unroll
from strategies.names import ADJOINT, KEYWORDS, OPERATORS
from strategies.renaming import with_function

Body: TypeAlias = tuple[Statement, ...]
#: What stands for a dynamic loop, by what has a value before it and by the names in what may run after it.
Change: TypeAlias = Callable[[For | While, set[str], set[str]], list[Statement]]


def _at_loops(program: Program, change: Change) -> Program:
    """`program` with what `change` makes of each dynamic loop, the innermost first."""
    most = max_unroll(program)

    def block(body: Body, known: set[str], after: set[str]) -> Body:
        found: list[Statement] = []
        for n, statement in enumerate(body):
            found += one(statement, known, after | names_in(body[n + 1 :]))
            known |= set(defined(statement))
        return tuple(found)

    def one(node: Statement, known: set[str], after: set[str]) -> list[Statement]:
        match node:
            case If():
                body, orelse = (block(arm, set(known), after) for arm in (node.body, node.orelse))
                return [msgspec.structs.replace(node, body=body, orelse=orelse)]
            case For() | While():
                # what an iteration does before a loop in it, it does again after it
                own = {node.name} if isinstance(node, For) else names_in((node.test,))
                inner = []
                inside = set(known) | own
                for n, statement in enumerate(node.body):
                    others = names_in((*node.body[:n], *node.body[n + 1 :]))
                    inner += one(statement, inside, after | others | (own if isinstance(node, While) else set()))
                    inside |= set(defined(statement))
                made = msgspec.structs.replace(node, body=tuple(inner))
                return change(made, known, after) if is_dynamic_loop(node, most) else [made]
        return [node]

    def whole(owner: Program | Function) -> Body:
        given = {p.name for p in owner.parameters}
        return block(owner.body, given, set())

    return bodies(program, whole)


def defined(statement: Statement) -> dict[str, Type]:
    """The variables that a statement, or one in it, gives a value, with their types."""
    found: dict[str, Type] = {}
    for node in walk(statement):
        match node:
            case ThreadIndex(names=names):
                found.update(dict.fromkeys(names, INT32))
            case For(name=name):
                found[name] = INT32
            case Assign(target=Name() as target):
                found[target.name] = target.type
            case Unpack(targets=targets):
                found.update({t.name: t.type for t in targets if isinstance(t, Name)})
    return found


@register
def copy_loop_targets(program: Program) -> Program:
    """``k = 7; for k in range(n): a += x[k]`` as ``k = int(7); for j in range(n): k = j; a += x[k]``, where `k` is
    read later."""
    names = FreshNames(program)
    copied: set[str] = set()

    def change(loop: For | While, known: set[str], after: set[str]) -> list[Statement]:
        if isinstance(loop, While) or loop.name not in known & after or certainly_runs(loop):
            return [loop]
        index, copy = Name(INT32, loop.name), Name(INT32, names.fresh(loop.name))
        copied.add(loop.name)
        return [msgspec.structs.replace(loop, name=copy.name, body=(Assign(index, copy), *loop.body))]

    def begun(owner: Program | Function) -> Body:
        return tuple(map(_with_variables, owner.body))

    def _with_variables(node: Statement) -> Statement:
        match node:
            case Assign(target=Name(name=name), value=Literal(type=of) as value) if name in copied:
                # a bare number is a constant, which a loop may not change
                return msgspec.structs.replace(node, value=Cast(of, value))
            case If() | For() | While():
                arms = {arm: tuple(map(_with_variables, getattr(node, arm, ()))) for arm in ("body", "orelse")}
                return msgspec.structs.replace(node, **{arm: body for arm, body in arms.items() if body})
        return node

    rewritten = _at_loops(program, change)
    return bodies(rewritten, begun) if copied else rewritten


@register
def begin_loop_variables(program: Program) -> Program:
    """``for k in range(20): t = x[k]`` as ``t = float(0.0); for k in range(20): t = x[k]``, where `t` is read later."""

    def change(loop: For | While, known: set[str], after: set[str]) -> list[Statement]:
        body = {name: of for s in loop.body for name, of in defined(s).items()}
        first = {name: of for name, of in body.items() if name in after - known and _has_gradient(of)}
        zeros = (Construct(of, ()) if isinstance(of, Composite) else zero_of(of) for of in first.values())
        return [*(Assign(Name(zero.type, name), zero) for name, zero in zip(first, zeros, strict=True)), loop]

    return _at_loops(program, change)


def _has_gradient(of: Type) -> bool:
    return isinstance(of, Scalar | Composite) and element_scalar(of).is_float


@register
def copy_chosen_variables(program: Program) -> Program:
    """``b = a if FLAG else c``, with a flag that Python knows, as ``b = +a if FLAG else +c``."""

    def copied(arm: Expression) -> Expression:
        of = arm.type
        if not isinstance(arm, Name) or not isinstance(of, Scalar | Vector | Matrix | Quaternion) or of is BOOL:
            return arm
        return Apply(of, "pos", (arm,))

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            # elsewhere what was chosen is read, and not changed
            case Assign(target=Name(), value=Conditional(test=Constant() | Static() | Literal()) as chosen):
                then, otherwise = copied(chosen.then), copied(chosen.otherwise)
                if then is not chosen.then or otherwise is not chosen.otherwise:
                    value = msgspec.structs.replace(chosen, then=then, otherwise=otherwise)
                    return msgspec.structs.replace(node, value=value)
        return node

    rewritten: Program = rebuild(program, change)
    return rewritten


@register
def name_parameters_unlike_keywords(program: Program) -> Program:
    """``def kernel(new: …)`` as ``def kernel(new_1: …)``, and fields of structs alike."""
    names = FreshNames(program)
    new = {p.name: names.fresh(p.name) for p in program.parameters if p.name in KEYWORDS}
    fields = {name for struct in struct_types(program) for name, _ in struct.fields if name in KEYWORDS}
    renamed = with_names(program, new) if new else program
    return _with_fields(renamed, {name: names.fresh(name) for name in sorted(fields)}) if fields else renamed


@register
def name_fields_unlike_adjoint(program: Program) -> Program:
    """``s.adjoint[i]`` as ``s.adjoint_1[i]``."""
    fields = {name for struct in struct_types(program) for name, _ in struct.fields if name == ADJOINT}
    return _with_fields(program, {ADJOINT: FreshNames(program).fresh(ADJOINT)}) if fields else program


def _with_fields(program: Program, new: Mapping[str, str]) -> Program:
    """`program` with other names of fields, in types and wherever they stand."""
    field = re.compile(rf"(?<=[{{ ])({'|'.join(new)})(?=: )")

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        changed: dict[str, object] = {}
        for name in node.__struct_fields__:
            match getattr(node, name):
                case Type() as of:
                    notation = field.sub(lambda found: new[found[1]], of.notation)
                    if notation != of.notation:
                        changed[name] = parse(notation)
                case str() as text if name == "field":
                    changed[name] = new.get(text, text)
                case str() as text if name in ("name", "array") and "." in text:
                    whole, *path = text.split(".")
                    changed[name] = ".".join((whole, *(new.get(part, part) for part in path)))
        return msgspec.structs.replace(node, **changed) if changed else node

    renamed: Program = change(program)
    return renamed


@register
def name_functions_unlike_operators(program: Program) -> Program:
    """``def mod(a, b)`` as ``def mod_1(a, b)``."""
    names = FreshNames(program)
    for function in program.functions:
        if function.name in OPERATORS:
            program = with_function(program, function.name, names.fresh(function.name))
    return program


@register
def guard_exits_of_static_loops(program: Program) -> Program:
    """``for k in range(3): if x[k] > 1.0: break; s += wp.static(k)`` as ``going = int(1)``, and the same loop with its
    body under ``if going == 1:``, where what would leave it sets `going` to zero."""
    names = FreshNames(program)

    def change(node: Any, guards: Guards) -> list[Any]:
        arms = {arm: body for arm in ("body", "orelse") if (body := getattr(node, arm, ()))}
        node = (
            msgspec.structs.replace(node, **{arm: block(body, guards) for arm, body in arms.items()}) if arms else node
        )
        if not isinstance(node, For) or not _is_static(node):
            return [node]
        going, live = (Name(INT32, names.fresh(base)) for base in ("going", "live"))
        one = Cast(INT32, Literal(INT32, 1))
        body = (Assign(live, one), *guards.guarded(node.body, going, live))
        return [Assign(going, one), msgspec.structs.replace(node, body=(If(holds(going, 1), body),))]

    def block(body: Body, guards: Guards) -> Body:
        return tuple(new for statement in body for new in change(statement, guards))

    if not any(isinstance(node, For) and _is_static(node) for node in walk(program)):
        return program
    return bodies(program, lambda owner: block(owner.body, Guards(program, owner)))


def _is_static(loop: For) -> bool:
    """Whether a loop has a static expression of its index, and a way out of it, but not out of the kernel."""
    nodes = [node for statement in loop.body for node in walk(statement)]
    static = any(isinstance(n, Static) and loop.name in names_in((n,)) for n in nodes)
    return static and leaves_early(loop.body) and not any(isinstance(n, Return) for n in nodes)


@register
def convert_loop_constants(program: Program) -> Program:
    """``x = 1.0`` in a loop as ``x = float(1.0)``."""

    def change(node: Any) -> Any:
        node = rebuild(node, change)
        if isinstance(node, Assign) and isinstance(node.value, Literal) and isinstance(node.target, Name):
            return msgspec.structs.replace(node, value=Cast(node.value.type, node.value))
        return node

    return bodies(program, lambda owner: tuple(change(s) if isinstance(s, For) else s for s in owner.body))


@register
def copy_before_dynamic_loops(program: Program) -> Program:
    """``a = f(x)``, where a dynamic loop changes `a` later, as ``t = f(x); a = t``.

    From a statement on that holds such a loop, `a` is another variable, ``b = a``: what read `a` before keeps it.
    """
    names, most = FreshNames(program), max_unroll(program)
    copied = bodies(program, lambda owner: _copied_before_loops(owner, names, most))
    return bodies(copied, lambda owner: _another_from_loops_on(owner, names, most))


def _another_from_loops_on(owner: Program | Function, names: FreshNames, most: int) -> tuple[Statement, ...]:
    references = {p.name for p in owner.parameters if p.reference}

    def block(body: tuple[Statement, ...], known: dict[str, Type], inner: bool = False) -> tuple[Statement, ...]:
        """`body`, with `known` variables that may be changed; in an `inner` block they have their names in the end."""
        found: list[Statement] = []
        called: dict[str, str] = {}
        for n, statement in enumerate(body):
            changed = _changed_in_loops(walk(statement), most) & known.keys()
            for name in sorted(changed & names_in(body[:n]) if inner else changed):
                before = Name(known[name], called.get(name, name))
                called[name] = names.fresh(name)
                found.append(Assign(Name(before.type, called[name]), before))
            statement = with_names(statement, called) if called else statement
            if isinstance(statement, If):
                within = {called.get(name, name): of for name, of in known.items()}
                statement = msgspec.structs.replace(
                    statement, body=block(statement.body, within, True), orelse=block(statement.orelse, within, True)
                )
            found.append(statement)
            target = statement.target if isinstance(statement, Assign) else None
            if isinstance(target, Name) and isinstance(target.type, Scalar | Composite):
                name = next((old for old, new in called.items() if new == target.name), target.name)
                if name not in references:
                    known = {**known, name: target.type}
        if inner and not isinstance(found[-1] if found else None, Return | Break | Continue):
            found += [Assign(Name(known[name], name), Name(known[name], new)) for name, new in called.items()]
        return tuple(found)

    return block(owner.body, {})


def _changed_in_loops(nodes: Iterable[Node], most: int) -> set[str]:
    """The variables that dynamic loops among `nodes` change."""
    return {name for loop in nodes if is_dynamic_loop(loop, most) for name in assigned_in(loop)}


def _copied_before_loops(owner: Program | Function, names: FreshNames, most: int) -> tuple[Statement, ...]:
    changed = _changed_in_loops(within(owner), most)

    def block(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for statement in body:
            found += one(statement)
        return tuple(found)

    def one(node: Statement) -> list[Statement]:
        match node:
            case Assign(target=Name(name=name) as target, value=value) if name in changed and not (
                # a tile has one name
                isinstance(value, Name | Literal) or isinstance(value.type, Tile)
            ):
                copy = Name(value.type, names.fresh("value"))
                return [Assign(copy, value), Assign(target, copy)]
            case AugmentedAssign(target=Name(name=name) as target) if name in changed and not isinstance(
                target.type, Tile
            ):
                copy = Name(target.type, names.fresh("value"))
                return [node, Assign(copy, target), Assign(target, copy)]
            case If():
                return [msgspec.structs.replace(node, body=block(node.body), orelse=block(node.orelse))]
            case For() if not is_dynamic(node, most):
                return [msgspec.structs.replace(node, body=block(node.body))]
        return [node]

    return block(owner.body) if changed else owner.body


@register
def copy_reassigned_indices(program: Program) -> Program:
    """``for k in range(n): a += x[k]; k = k * 2`` as ``for k in range(n): j = k; a += x[j]; j = j * 2``.

    Nothing after the loop may read `k`, whose last value the copy has then.
    """
    names, most = FreshNames(program), max_unroll(program)

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if not isinstance(node, For) or not is_dynamic(node, most) or node.name not in assigned_in(node):
            return node
        copy = names.fresh(node.name)
        index = Name(INT32, node.name)
        rest = [with_names(statement, {node.name: copy}) for statement in node.body]
        return msgspec.structs.replace(node, body=(Assign(Name(INT32, copy), index), *rest))

    rewritten: Program = rebuild(program, change)
    return rewritten
