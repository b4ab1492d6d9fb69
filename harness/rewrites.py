"""Rewrites that keep a program's meaning and avoid one defect of Warp each.

A failure that goes away under the rewrite of a known issue is that issue.  A rewrite returns the very same
program if there is nothing to change.  To add one, write a function from program to program (`everywhere`
does the walking), register it, and name it in `known_issues.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, TypeAlias

import msgspec

from harness.bounds import Bounds
from strategies.language import types
from strategies.language.effects import function_effects
from strategies.language.hashing import defined_names, unused_name
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
    Element,
    Expression,
    Extent,
    Field,
    For,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Node,
    Parameter,
    Part,
    Program,
    Return,
    Statement,
    rebuild,
    walk,
)
from strategies.language.rules import leaves_early
from strategies.language.spellings import spelled
from strategies.language.structs import root, with_names
from strategies.language.types import (
    BOOL,
    FLOAT16,
    FLOAT32,
    INT32,
    Composite,
    Matrix,
    Scalar,
    Struct,
    Tile,
    Transform,
    Type,
    Vector,
    quaternion,
    tile,
    vector,
)
from strategies.language.unrolling import is_dynamic, is_dynamic_loop, max_unroll

Rewrite: TypeAlias = Callable[[Program], Program]
#: What an expression becomes, or None to leave it; its parts have been rewritten before.
Pattern: TypeAlias = Callable[[Expression], Expression | None]
#: What a statement becomes: itself alone to leave it.
Replacement: TypeAlias = Callable[[Statement], list[Statement]]

REWRITES: Final[dict[str, Rewrite]] = {}
#: What looks a random field up by its state.
_NOISE: Final = ("noise", "pnoise", "curlnoise")
_STATE: Final = types.scalar("uint32")


def register(rewrite: Rewrite) -> Rewrite:
    """Make a rewrite known by its function's name."""
    REWRITES[rewrite.__name__] = rewrite
    return rewrite


#: Expressions that are computed; names, literals and array elements may be targets.
_COMPUTED: Final = (Apply, Compare, Logical, Cast, Construct, Conditional)


def everywhere(program: Program, pattern: Pattern, kinds: tuple[type[Expression], ...] = _COMPUTED) -> Program:
    """`program` with `pattern` applied to every expression of those `kinds`, from the leaves up."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        return pattern(node) or node if isinstance(node, kinds) else node

    rewritten: Program = rebuild(program, change)
    return rewritten


def is_element(node: Expression) -> bool:
    """Whether an expression is an array element, or a part of one or of a struct: Warp loads those when it must."""
    return isinstance(root(node), Element) or isinstance(node, Field)


def calls_one_of(names: Collection[str], *nodes: Expression) -> bool:
    """Whether a call in one of `nodes` is of one of the functions `names`."""
    return any(isinstance(inner, Call) and inner.function in names for node in nodes for inner in walk(node))


def writing_functions(program: Program) -> frozenset[str]:
    """The functions that change an array that they are given."""
    return frozenset(name for name, found in function_effects(program).items() if found.written)


def links_of(chain: Compare) -> Expression:
    """``a < b < c`` as ``a < b and b < c``, in which `b` is evaluated twice."""
    links = zip(chain.operators, chain.operands, chain.operands[1:], strict=False)
    return Logical(BOOL, "and", tuple(Compare(BOOL, (operator,), (a, b)) for operator, a, b in links))


# ---------------------------------------------------------------- one for each defect


@register
def split_comparison_chains(program: Program) -> Program:
    """``a < b < c[i]`` as ``a < b and b < c[i]``, unless an operand in between has effects: it is evaluated twice.

    A parameter that is a reference is read as an element is.
    """
    writing = writing_functions(program)
    references = {p.name for function in program.functions for p in function.parameters if p.reference}

    def is_read(node: Expression) -> bool:
        return is_element(node) or (isinstance(node, Name) and node.name in references)

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Compare) or len(node.operators) < 2 or not any(map(is_read, node.operands[1:])):
            return None
        if calls_one_of(writing, *node.operands[1:-1]):
            return None
        return links_of(node)

    return everywhere(program, pattern)


@register
def add_slopes_of_divisors(program: Program) -> Program:
    """``a % b`` over floats as ``a % held(b) - wp.trunc(a / b) * (b - held(b))``, and ``a %= b`` alike.

    `held` is a function that gives what it gets, with a gradient of zero: the second term is zero, and has the
    derivative with respect to the divisor.  That with respect to `a` is still what the operator makes of it.
    """
    taken = defined_names(program)
    held: dict[Scalar, Function] = {}

    def constant(value: Expression) -> Expression:
        of = value.type
        assert isinstance(of, Scalar)
        if of not in held:
            name = unused_name(f"held_{of.notation}", taken)
            given = Parameter("value", of, *of.limits)
            held[of] = Function(name, of, (given,), (Return((Name(of, "value"),)),), slopes=(Literal(of, 0.0),))
        return Call(of, held[of].name, (value,))

    def assigned(node: Any) -> Any:
        node = rebuild(node, assigned)
        match node:
            case AugmentedAssign(
                target=Name(type=Scalar() as of) | Field(type=Scalar() as of) as target, operator="mod"
            ) if of.is_float and isinstance(root(target), Name):
                return Assign(target, Apply(of, "mod", (target, node.value)))
        return node

    def pattern(node: Expression) -> Expression | None:
        of = node.type
        if not isinstance(node, Apply) or node.op != "mod" or not isinstance(of, Scalar) or not of.is_float:
            return None
        a, b = node.arguments
        whole = Apply(of, "trunc", (Apply(of, "div", (a, b)),))
        nothing = Apply(of, "sub", (b, constant(b)))
        return Apply(of, "sub", (Apply(of, "mod", (a, constant(b))), Apply(of, "mul", (whole, nothing))))

    rewritten = everywhere(assigned(program), pattern)
    return msgspec.structs.replace(rewritten, functions=(*held.values(), *rewritten.functions)) if held else rewritten


@register
def convert_sums_instead_of_loop_variables(program: Program) -> Program:
    """``wp.float64(n)``, `n` a loop's variable or the name of a constant, as ``wp.float64(n + 0)``."""
    constants = _constants(program)

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Cast(operand=Name(name=name, type=Scalar() as of) as operand) if name in constants:
                zero = Literal(of, 0.0 if of.is_float else 0)
                return Cast(node.type, Apply(of, "add", (operand, zero)))
        return None

    return everywhere(program, pattern)


@register
def negate_by_products(program: Program) -> Program:
    """``-x``, `x` a float, as ``x * -1.0``."""

    def pattern(node: Expression) -> Expression | None:
        if isinstance(node, Apply) and node.op == "neg" and isinstance(node.type, Scalar) and node.type.is_float:
            return Apply(node.type, "mul", (*node.arguments, Literal(node.type, -1.0)))
        return None

    return everywhere(program, pattern)


@register
def negate_equalities(program: Program) -> Program:
    """``a != b``, of vectors and the like, as ``not a == b``."""

    def pattern(node: Expression) -> Expression | None:
        if isinstance(node, Compare) and node.operators == ("!=",) and isinstance(node.operands[0].type, Composite):
            return Apply(BOOL, "unot", (msgspec.structs.replace(node, operators=("==",)),))
        return None

    return everywhere(program, pattern)


@register
def compare_halves_with_zero(program: Program) -> Program:
    """``bool(x)``, `x` a float16, as ``x != wp.float16(0.0)``."""

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Cast(type=of, operand=operand) if of is BOOL and operand.type is FLOAT16:
                return Compare(BOOL, ("!=",), (operand, Literal(FLOAT16, 0.0)))
        return None

    return everywhere(program, pattern)


@register
def convert_ranges_of_halves(program: Program) -> Program:
    """``wp.tile_arange(4, dtype=wp.float16)`` as a range of float32, converted."""

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Apply(op="tile_arange", type=Tile() as of) if of.dtype is FLOAT16:
                return Apply(of, "tile_astype", (Apply(tile(of.shape, FLOAT32), "tile_arange", ()),))
        return None

    return everywhere(program, pattern)


@register
def copy_states(program: Program) -> Program:
    """``wp.noise(s, x)`` and ``f(s, x)``, `s` a variable that a draw may advance, as ``wp.noise(s + wp.uint32(0), x)``
    and ``f(s + wp.uint32(0), x)``."""

    def copied(node: Expression) -> Expression:
        if isinstance(node, Name) and node.type is _STATE:
            return Apply(node.type, "add", (node, Literal(node.type, 0)))
        return node

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Apply(op=op, arguments=(state, *rest)) if spelled(op)[0] in _NOISE:
                given = (copied(state), *rest)
            case Call(arguments=arguments):
                given = tuple(map(copied, arguments))
            case _:
                return node
        return node if given == node.arguments else msgspec.structs.replace(node, arguments=given)

    rewritten: Program = rebuild(program, change)
    return rewritten


@register
def index_component_updates(program: Program) -> Program:
    """``v.y -= e`` as ``v[1] -= e``."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, AugmentedAssign) and isinstance(node.target, Component) and node.target.attribute:
            if isinstance(node.target.base.type, Transform):
                return node
            return msgspec.structs.replace(node, target=msgspec.structs.replace(node.target, attribute=False))
        return node

    rewritten: Program = rebuild(program, change)
    return rewritten


def bodies(program: Program, change: Callable[[Program | Function], tuple[Statement, ...]]) -> Program:
    """`program` with the bodies that `change` gives its kernel and its functions."""
    functions = tuple(
        f if (body := change(f)) == f.body else msgspec.structs.replace(f, body=body) for f in program.functions
    )
    body = change(program)
    if body == program.body and functions == program.functions:
        return program
    return msgspec.structs.replace(program, body=body, functions=functions)


def replaced(body: tuple[Statement, ...], change: Replacement) -> tuple[Statement, ...]:
    """`body` with what `change` puts in the place of each statement, innermost first."""

    def with_blocks(node: Statement) -> Statement:
        blocks = {name: block for name in ("body", "orelse") if (block := getattr(node, name, ()))}
        changed = {name: new for name, old in blocks.items() if (new := replaced(old, change)) != old}
        return msgspec.structs.replace(node, **changed) if changed else node

    return tuple(new for statement in body for new in change(with_blocks(statement)))


def in_blocks(program: Program, change: Replacement) -> Program:
    """`program` with what `change` puts in the place of each statement of its kernel and functions, innermost first."""
    return bodies(program, lambda owner: replaced(owner.body, change))


def _within(owner: Program | Function) -> Iterator[Node]:
    """The nodes in the body of a kernel or a function."""
    for statement in owner.body:
        yield from walk(statement)


def zero_of(of: Type) -> Expression:
    """A zero of a scalar or vector type that a variable may start with."""
    if isinstance(of, Vector):
        return Construct(of, ())
    assert isinstance(of, Scalar)
    zero = Literal(of, False if of.kind == "bool" else 0.0 if of.is_float else 0)
    return Cast(of, zero) if of.notation in ("float32", "int32") else zero


def _constants(program: Program) -> frozenset[str]:
    """The names that Warp may hold to be constants: indices of unrolled loops, and bare literals."""
    found, most = set(), max_unroll(program)
    for node in walk(program):
        match node:
            case For() if not is_dynamic(node, most):
                found.add(node.name)
            case Assign(target=Name(name=name), value=Literal()):
                found.add(name)
    return frozenset(found)


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

    From a loop on that is in no other statement, `a` is another variable, ``b = a``: what read `a` before keeps it.
    """
    names, most = FreshNames(program), max_unroll(program)
    copied = bodies(program, lambda owner: _copied_before_loops(owner, names, most))
    return bodies(copied, lambda owner: _another_from_loops_on(owner, names, most))


def _another_from_loops_on(owner: Program | Function, names: FreshNames, most: int) -> tuple[Statement, ...]:
    found: list[Statement] = []
    known: dict[str, Type] = {}
    called: dict[str, str] = {}
    references = {p.name for p in owner.parameters if p.reference}
    for statement in owner.body:
        if is_dynamic_loop(statement, most):
            for name in sorted(_assigned(statement) & known.keys()):
                before = Name(known[name], called.get(name, name))
                called[name] = names.fresh(name)
                found.append(Assign(Name(before.type, called[name]), before))
        found.append(with_names(statement, called) if called else statement)
        target = statement.target if isinstance(statement, Assign) else None
        if isinstance(target, Name) and isinstance(target.type, Scalar | Composite) and target.name not in references:
            known[target.name] = target.type
    return tuple(found)


def _copied_before_loops(owner: Program | Function, names: FreshNames, most: int) -> tuple[Statement, ...]:
    changed = {name for loop in _within(owner) if is_dynamic_loop(loop, most) for name in _assigned(loop)}

    def block(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for statement in body:
            found += one(statement)
        return tuple(found)

    def one(node: Statement) -> list[Statement]:
        match node:
            case Assign(target=Name(name=name) as target, value=value) if name in changed and not isinstance(
                value, Name | Literal
            ):
                copy = Name(value.type, names.fresh("value"))
                return [Assign(copy, value), Assign(target, copy)]
            case AugmentedAssign(target=Name(name=name) as target) if name in changed:
                copy = Name(target.type, names.fresh("value"))
                return [node, Assign(copy, target), Assign(target, copy)]
            case If():
                return [msgspec.structs.replace(node, body=block(node.body), orelse=block(node.orelse))]
            case For() if not is_dynamic(node, most):
                return [msgspec.structs.replace(node, body=block(node.body))]
        return [node]

    return block(owner.body) if changed else owner.body


@register
def guard_loop_exits(program: Program) -> Program:
    """Loops with ``break``, ``continue`` or ``return`` as constant loops whose bodies stand under flags.

    A constant loop is unrolled, so that no value has to be replayed; it runs as often as the parameters'
    ranges allow at most, and what would not have run stands under a condition.
    """
    return bodies(program, lambda owner: Guards(program, owner).rewrite())


@register
def copy_reassigned_indices(program: Program) -> Program:
    """``for k in range(n): a += x[k]; k = k * 2`` as ``for k in range(n): j = k; a += x[j]; j = j * 2``.

    Nothing after the loop may read `k`, whose last value the copy has then.
    """
    names, most = FreshNames(program), max_unroll(program)

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if not isinstance(node, For) or not is_dynamic(node, most) or node.name not in _assigned(node):
            return node
        copy = names.fresh(node.name)
        index = Name(INT32, node.name)
        rest = [with_names(statement, {node.name: copy}) for statement in node.body]
        return msgspec.structs.replace(node, body=(Assign(Name(INT32, copy), index), *rest))

    rewritten: Program = rebuild(program, change)
    return rewritten


def _assigned(loop: Node) -> set[str]:
    """The locals that statements of a loop assign, whole."""
    return {
        node.target.name
        for node in walk(loop)
        if isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Name)
    }


class FreshNames:
    """Names that a program does not use."""

    def __init__(self, program: Program) -> None:
        self._taken = set(defined_names(program))

    def fresh(self, base: str) -> str:
        """`base` with a number that makes it new."""
        number = 1
        while f"{base}_{number}" in self._taken:
            number += 1
        self._taken.add(f"{base}_{number}")
        return f"{base}_{number}"


#: Iterations that a rewrite writes one after the other where a program's own option lets no loop be unrolled.
WRITTEN_OUT: Final = 24


class Guards:
    """Turns the exits of loops into conditions."""

    def __init__(self, program: Program, owner: Program | Function) -> None:
        self._owner = owner
        self._most = max_unroll(program)
        self._bounds = Bounds(program, owner)
        self._parameters = {p.name for p in owner.parameters}
        self._names = FreshNames(program)
        #: whether the thread has left the kernel, or the function, and with which results
        self._gone = Name(INT32, self._names.fresh("gone"))
        self._results: tuple[Name, ...] = ()
        if isinstance(owner, Function):
            kinds = [v.type for s in _within(owner) if isinstance(s, Return) for v in s.values]
            count = len(kinds) // max(1, sum(isinstance(s, Return) for s in _within(owner)))
            self._results = tuple(Name(of, self._names.fresh("result")) for of in kinds[:count])

    def rewrite(self) -> tuple[Statement, ...]:
        whole = self._owner.body
        if any(_returns_from_loop(s) and self._trips(s) is None for s in _within(self._owner) if isinstance(s, For)):
            return whole
        begin = whole[:1] if isinstance(self._owner, Program) else ()
        body = (*begin, *self._block(whole[len(begin) :]))
        if body == whole or not any(map(_returns_from_loop, whole)):
            return body
        first: list[Statement] = [Assign(self._gone, Cast(INT32, Literal(INT32, 0)))]
        first += [Assign(name, zero_of(name.type)) for name in self._results]
        end = (Return(self._results),) if self._results else ()
        return (*begin, *first, *body[len(begin) :], *end)

    def _block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for n, statement in enumerate(body):
            match statement:
                case If():
                    arms = {"body": self._block(statement.body), "orelse": self._block(statement.orelse)}
                    found.append(msgspec.structs.replace(statement, **arms))
                case For():
                    found += self._loop(statement)
                case _:
                    found.append(statement)
            if _returns_from_loop(statement) and body[n + 1 :]:
                return (*found, If(holds(self._gone, 0), self._block(body[n + 1 :])))
        return tuple(found)

    def _loop(self, loop: For) -> list[Statement]:
        body = self._block(loop.body)
        trips, returns = self._trips(loop), _returns_from_loop(loop)
        if not (leaves_early(loop.body) or returns) or trips is None:
            return [msgspec.structs.replace(loop, body=body)]
        rounds = -(-trips // max(self._most, 1))
        width = -(-trips // max(rounds, 1))
        turn, round_ = (Name(INT32, self._names.fresh(base)) for base in ("turn", "round"))
        index = Name(INT32, loop.name)
        going, live = Name(INT32, self._names.fresh("going")), Name(INT32, self._names.fresh("live"))
        zero, one = Literal(INT32, 0), Literal(INT32, 1)
        before: list[Statement] = []
        start, step = self._kept(loop.start or zero, before), loop.step or one
        loop = msgspec.structs.replace(loop, stop=self._kept(loop.stop, before))
        number: Expression = turn
        if 1 < rounds <= self._most:
            number = Apply(INT32, "add", (Apply(INT32, "mul", (round_, Literal(INT32, width))), turn))
        reached = Apply(INT32, "add", (start, Apply(INT32, "mul", (number, step))))
        tests = (holds(going, 1), self._inside(loop, reached, step), *((holds(self._gone, 0),) if returns else ()))
        guarded = (Assign(index, reached), Assign(live, Cast(INT32, one)), *self.guarded(body, going, live))
        once = If(Logical(BOOL, "and", tests), guarded)
        # after the loop its index is still what it was in the last iteration
        before += [Assign(index, Cast(INT32, start)), Assign(going, Cast(INT32, one))]
        if trips > self._most**2:
            # No loop that Warp would unroll is as long.
            return [*before, *(s for n in range(trips) for s in (Assign(turn, Cast(INT32, Literal(INT32, n))), once))]
        inner: Statement = For(turn.name, Literal(INT32, width), (once,))
        if rounds > 1:
            # Two loops that are unrolled each stand for one that would be too long.
            inner = For(round_.name, Literal(INT32, rounds), (inner,))
        return [*before, inner]

    def _inside(self, loop: For, reached: Expression, step: Expression) -> Expression:
        """Whether the index has not passed the end."""
        ahead = self._bounds.of(step)
        down = ahead is not None and ahead.low < 0
        return Compare(BOOL, (">" if down else "<",), (reached, loop.stop))

    def guarded(self, body: tuple[Statement, ...], going: Name, live: Name) -> tuple[Statement, ...]:
        """`body` with its exits replaced by flags, and what follows one under the condition that it was not taken."""
        zero, one = (Cast(INT32, Literal(INT32, value)) for value in (0, 1))
        found: list[Statement] = []
        for n, statement in enumerate(body):
            match statement:
                case Break():
                    return (*found, Assign(going, zero), Assign(live, zero))
                case Return(values=values):
                    given = map(Assign, self._results, values)
                    return (*found, *given, Assign(self._gone, one), Assign(live, zero))
                case Continue():
                    return (*found, Assign(live, zero))
                case If() if leaves_early((statement,)):
                    arms = {
                        "body": self.guarded(statement.body, going, live),
                        "orelse": self.guarded(statement.orelse, going, live),
                    }
                    found.append(msgspec.structs.replace(statement, **arms))
                    rest = self.guarded(body[n + 1 :], going, live)
                    if rest:
                        found.append(If(holds(live, 1), rest))
                    return tuple(found)
                case _:
                    found.append(statement)
        return tuple(found)

    def _trips(self, loop: For) -> int | None:
        """How often the loop runs at most; None if its bounds are not simple, or if that is too often to write out."""
        zero, one = Literal(INT32, 0), Literal(INT32, 1)
        bounds = [self._bounds.of(b) for b in (loop.start or zero, loop.stop, loop.step or one)]
        if any(b is None for b in bounds):
            return None
        first, end, step = (b for b in bounds if b is not None)
        if not step.is_point or step.low == 0:
            return None
        begin, stop = (first.low, end.high) if step.low > 0 else (first.high, end.low)
        trips = len(range(int(begin), int(stop), int(step.low)))
        return trips if trips <= max(self._most**2, WRITTEN_OUT) else None

    def _kept(self, bound: Expression, before: list[Statement]) -> Expression:
        """A bound as it is when the loop begins: the loop may change what it is made of."""
        if isinstance(bound, Literal | Extent) or (isinstance(bound, Name) and bound.name in self._parameters):
            return bound
        name = Name(bound.type, self._names.fresh("bound"))
        before.append(Assign(name, bound))
        return name


def _returns_from_loop(node: Node) -> bool:
    """Whether a loop in `node` has a ``return``."""
    return any(isinstance(inner, Return) for loop in walk(node) if isinstance(loop, For) for inner in walk(loop))


def holds(flag: Name, value: int) -> Expression:
    return Compare(BOOL, ("==",), (flag, Literal(INT32, value)))


@register
def copy_changed_vectors(program: Program) -> Program:
    """``v[1] -= e`` as ``v = v * 1.0; v[1] -= e``, and ``v[1] = e`` as ``v = wp.vec3(v[0], e, v[2])``; matrices alike.

    What changes in place show by themselves, they show as before.  (Warp documents that components of what has a value
    may not be assigned, so there a copy is not enough.)  A value that is made of `v` is computed before `v` is copied.
    """
    names = FreshNames(program)

    def one(node: Statement) -> list[Statement]:
        match node:
            case Assign(target=Component(base=Name(type=Composite()) as whole) as old) if _is_fixed(old):
                return [Assign(whole, with_part(whole, old, node.value))]
            case (
                Assign(target=Part(base=Name() as whole))
                | AugmentedAssign(target=Component(base=Name() as whole) | Part(base=Name() as whole))
            ) if isinstance(whole.type, Composite):
                copied: Statement = Assign(whole, _copy(whole))
                if not any(isinstance(part, Name) and part.name == whole.name for part in walk(node.value)):
                    return [copied, node]
                value = Name(node.value.type, names.fresh(whole.name))
                return [Assign(value, node.value), copied, msgspec.structs.replace(node, value=value)]
        return [node]

    return in_blocks(program, one)


@register
def rebuild_changed_fields(program: Program) -> Program:
    """``s.v[1] -= e`` as ``s.v = wp.vec3(s.v[0], s.v[1] - e, s.v[2])``, `s` a local struct, and likewise for ``=``."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Assign(target=Component(base=Field() as whole) as old, value=value) if _is_fixed(old):
                pass
            case AugmentedAssign(target=Component(base=Field() as whole) as old) if _is_fixed(old):
                value = Apply(old.type, node.operator, (old, node.value))
            case _:
                return node
        if not isinstance(whole.type, Composite) or not isinstance(root(whole), Name):
            return node
        return Assign(whole, with_part(whole, old, value))

    rewritten: Program = rebuild(program, change)
    return rewritten


@register
def pass_copies_of_structs(program: Program) -> Program:
    """``y = f(s)``, `s` a struct, as ``t = s; y = f(t)``."""
    names = FreshNames(program)

    def one(node: Statement) -> list[Statement]:
        copies: list[Statement] = []

        def passed(inner: Node) -> Any:
            inner = rebuild(inner, passed)
            if not isinstance(inner, Call):
                return inner
            arguments = list(inner.arguments)
            for n, argument in enumerate(arguments):
                if isinstance(argument, Name) and isinstance(argument.type, Struct):
                    copy = Name(argument.type, names.fresh(argument.name))
                    copies.append(Assign(copy, argument))
                    arguments[n] = copy
            return msgspec.structs.replace(inner, arguments=tuple(arguments))

        if not isinstance(node, Assign | AugmentedAssign | Return):
            return [node]
        new = passed(node)
        return [*copies, new] if copies else [node]

    return in_blocks(program, one)


def _copy(whole: Name) -> Expression:
    """A local vector, matrix, quaternion or transformation times one: another value, of the same numbers."""
    assert isinstance(whole.type, Composite)
    of = whole.type.dtype
    return Apply(whole.type, "mul", (whole, Literal(of, 1.0 if of.is_float else 1)))


def _halves(base: Expression) -> list[Expression]:
    """The translation and the rotation of a transformation."""
    of = base.type
    assert isinstance(of, Transform)
    kinds = (vector(3, of.dtype), quaternion(of.dtype))
    return [Component(kind, base, Literal(INT32, n), True) for n, kind in enumerate(kinds)]


def _is_fixed(part: Component) -> bool:
    """Whether the place of a part of a value is a number."""
    return isinstance(part.index, Literal) and (part.column is None or isinstance(part.column, Literal))


def with_part(base: Expression, part: Component, value: Expression) -> Construct:
    """`base` with `value` as one part of it."""
    of, index = base.type, part.index
    assert isinstance(of, Composite)
    assert isinstance(index, Literal)
    at = int(index.value)
    if isinstance(of, Transform) and part.attribute:
        translation, rotation = _halves(base)
        return Construct(of, (value, rotation) if at == 0 else (translation, value))
    if not isinstance(of, Matrix):
        numbers: list[Expression] = [Component(of.dtype, base, Literal(INT32, n)) for n in range(of.length)]
        return Construct(of, (*numbers[:at], value, *numbers[at + 1 :]))
    places = [(row, column) for row in range(of.rows) for column in range(of.columns)]
    old = {p: Component(of.dtype, base, Literal(INT32, p[0]), column=Literal(INT32, p[1])) for p in places}
    new: dict[tuple[int, int], Expression] = (
        {(at, int(part.column.value)): value}
        if isinstance(part.column, Literal)
        else {(at, n): Component(of.dtype, value, Literal(INT32, n)) for n in range(of.columns)}
    )
    return Construct(of, tuple(new.get(place, old[place]) for place in places))
