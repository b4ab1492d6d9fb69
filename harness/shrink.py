"""From a failing program to a small one that fails in the same way.

Candidates are edits of the typed tree: valid by construction as far as types and definitions go, and
strictly simpler in one total order, so that reducing ends.  Whether a candidate relies on undefined behaviour
is for the reference to say: such a candidate is no failure.  Candidates are tried in batches, simplest
first, and the first that still fails in the same way is kept; since what counts is their order, the result
does not depend on the size of a batch.

Each candidate is run on inputs of its own (they are derived from the program's hash and the seed).
"""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np

from harness.expectation import Expectation
from harness.sandbox import BuildOptions, Sandbox
from harness.triage import SAID, message_head
from harness.verdict import Failure, FailureKind, Outcome, Verdict, inconclusive
from harness.verify import jobs, judge, refereed, try_expect, verify_all
from strategies.language import types
from strategies.language.hashing import content_hash
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
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    Target,
    ThreadIndex,
    encode,
    rebuild,
)
from strategies.language.types import FLOAT32, INT32, Array, Scalar, Type, Vector
from strategies.ops import result_type

Body: TypeAlias = tuple[Statement, ...]
#: Verifies a batch of programs.
Verify: TypeAlias = Callable[[Sequence[Program]], list[Verdict]]
_Expected: TypeAlias = Expectation | Verdict

#: A difference beyond this share of the larger number is no rounding error in any precision that is tried;
#: a failure which has such a difference is not reduced to one that has not.
GROSS: Final = 1e-2

#: A program of up to this many nodes is worth no second draw of inputs: it reads well already.
SMALL: Final = 25

#: Values that a literal is tried at, simplest first.
_FLOATS: Final = (1.0, 0.0, 2.0, 0.5, -1.0, 3.0)
_INTEGERS: Final = (0, 1, 2, 3, -1)
#: Ranges that a parameter is tried with, simplest first.
_FLOAT_RANGES: Final = ((0.5, 2.0), (-2.0, 2.0), (-8.0, 8.0), (0.0, 1.0))
_INTEGER_RANGES: Final = ((0, 0), (0, 1), (1, 3), (-3, 3), (0, 100))
#: Launch extents that are tried.
_EXTENTS: Final = (1, 2, 3, 4)

_INPUT_NAMES: Final = ("x", "y", "z", "u", "v", "w")
_INDEX_NAMES: Final = ("i", "j", "k", "l")
_LOCAL_NAMES: Final = ("a", "b", "c", "d", "e", "f", "g", "h")
_LOOP_NAMES: Final = ("n", "m", "p", "q")
#: Tried one after the other: a kernel of another name gets other inputs, some of which may not show the bug.
_KERNEL_NAMES: Final = ("kernel", "reduced", "minimal", "small")


# ---------------------------------------------------------------- the tree, quickly


def walk(node: Node) -> list[Node]:
    """`node` and everything below it, parents first: as `nodes.walk`, in a third of the time."""
    found: list[Node] = []
    stack: list[Node] = [node]
    while stack:
        node = stack.pop()
        found.append(node)
        below: list[Node] = []
        for name in node.__struct_fields__:
            value = getattr(node, name)
            if isinstance(value, tuple):
                below += [item for item in value if isinstance(item, Node)]
            elif isinstance(value, Node):
                below.append(value)
        below.reverse()
        stack += below
    return found


def size(node: Node) -> int:
    """How many nodes there are."""
    return len(walk(node))


# ---------------------------------------------------------------- limits and results


@dataclass(frozen=True)
class Limits:
    """When reducing stops before nothing simpler fails.

    `batch` is how many candidates are built together: a module of eight costs a third of eight modules.
    Where a failure needs luck with the inputs, `draws` gives every candidate more of it.
    """

    verifications: int = 600
    seconds: float = 60.0
    batch: int = 8
    #: how many, for build errors, crashes and hangs: each that fails is run again alone, which takes seconds
    slow_batch: int = 2
    #: draws of inputs for each candidate, one after the other while nothing simpler fails
    draws: int = 2


@dataclass(frozen=True)
class Reduced:
    """What a program was reduced to, and how.

    `steps` are the candidates that were kept, `verifications` the candidates that were judged; `stopped` says
    which limit ended it, None if there was nothing simpler left.  `others` are failures of other kinds
    that were met on the way, the first of each.  `fails_without_optimization` and `fails_by_default` say
    whether the result, alone in a fresh process, fails so at optimization level 0 and at Warp's default.
    """

    program: Program
    verdict: Verdict
    steps: int
    verifications: int
    stopped: str | None = None
    others: tuple[tuple[Program, Verdict], ...] = ()
    #: the seed, as for `verify_all`, of the inputs on which the result fails
    seed: int = 0
    fails_without_optimization: bool = True
    fails_by_default: bool = True

    @property
    def confirmed(self) -> bool:
        """Whether the result fails alone, at one optimization level at least."""
        return self.fails_without_optimization or self.fails_by_default


# ---------------------------------------------------------------- the same failure


class Manner(NamedTuple):
    """In which way a program fails: equal for two failures that may be one defect."""

    kind: FailureKind
    gradient: bool
    #: "input", "output", or "" if no parameter differs
    role: str
    #: of what Warp, the compiler or the operating system said, what does not name this program's parts
    message: str
    #: whether the difference is larger than rounding could make it
    gross: bool


_SLOW: Final = (FailureKind.BUILD_ERROR, FailureKind.CRASH, FailureKind.HANG)


def manner(program: Program, failure: Failure) -> Manner:
    """The way in which `program` fails."""
    role = ""
    if failure.parameter is not None:
        role = "output" if program.parameter(failure.parameter).output else "input"
    message = message_head(failure.message) if failure.kind in SAID else ""
    return Manner(failure.kind, failure.gradient, role, message, _gross(failure))


def _gross(failure: Failure) -> bool:
    if failure.expected is None or failure.actual is None:
        return False
    off = abs(failure.expected - failure.actual)
    return not off <= GROSS * max(abs(failure.expected), abs(failure.actual))


def same_failure(program: Program, failure: Failure, other_program: Program, other: Failure) -> bool:
    """Whether `other_program` fails in the way that `program` does; a grosser difference is no objection."""
    wanted, found = manner(program, failure), manner(other_program, other)
    return wanted._replace(gross=True) == found._replace(gross=True) and found.gross >= wanted.gross


# ---------------------------------------------------------------- the order


def cost(program: Program) -> tuple[object, ...]:
    """How complicated a program is: the nodes first, then types, extents, values and names.

    A total order: programs of equal cost are equal.
    """
    return (size(program), *_dress(program), encode(program))


def _dress(program: Program) -> tuple[object, ...]:
    nodes = list(walk(program))
    typed = (n for n in nodes if isinstance(n, Literal | Name | Apply | Cast | Construct | Element | Parameter))
    return (
        sum(_type_cost(n.type) for n in typed),
        sum(isinstance(n, AugmentedAssign | Atomic) for n in nodes),
        len(program.launch) + sum(len(p.shape) for p in program.parameters),
        math.prod(program.launch) + sum(math.prod(p.shape) for p in program.parameters),
        sum(_literal_cost(n) for n in nodes if isinstance(n, Literal)),
        sum(_range_cost(p) for p in program.parameters),
        _renaming_cost(program),
    )


def _renaming_cost(program: Program) -> int:
    renamed = list(_named(program))
    return renamed.index(program) if program in renamed else len(renamed)


def _type_cost(of: Type) -> int:
    element = of.dtype if isinstance(of, Array) else of
    length = element.length if isinstance(element, Vector) else 0
    return length + (types.element_scalar(of).notation not in ("float32", "int32", "bool"))


def _literal_cost(node: Literal) -> int:
    simple: tuple[float, ...] = _FLOATS if isinstance(node.value, float) else _INTEGERS
    return simple.index(node.value) if node.value in simple else len(simple) + len(repr(node.value))


def _range_cost(parameter: Parameter) -> int:
    if types.element_scalar(parameter.type).kind == "bool":
        return 0
    given = (parameter.low, parameter.high)
    simple = _ranges(parameter)
    return simple.index(given) if given in simple else len(simple) + len(repr(given))


def _ranges(parameter: Parameter) -> tuple[tuple[float, float], ...]:
    if parameter.output:
        return ((0, 0),)
    scalar = types.element_scalar(parameter.type)
    if scalar.is_float:
        return _FLOAT_RANGES
    return tuple(r for r in _INTEGER_RANGES if r[0] >= 0 or scalar.is_signed)


def _names_of(node: Node) -> tuple[str, ...]:
    match node:
        case Parameter() | Name() | For():
            return (node.name,)
        case ThreadIndex():
            return node.names
        case Element() | Extent() | Atomic():
            return (node.array,)
    return ()


# ---------------------------------------------------------------- what makes a candidate valid


def well_formed(program: Program) -> bool:
    """Whether types fit and every variable is defined on all paths to where it is read.

    Cheap and a little strict: what it lets through is judged by the reference.
    """
    if not program.outputs or not program.body or not isinstance(program.body[0], ThreadIndex):
        return False
    names = [p.name for p in program.parameters]
    if len(set(names)) != len(names):
        return False
    check = _Check(program)
    try:
        check.block(program.body, dict(check.scope), in_loop=False)
    except _Invalid:
        return False
    return check.written == {p.name for p in program.outputs}


class _Invalid(Exception):
    pass


_Scope: TypeAlias = dict[str, Type]


class _Check:
    def __init__(self, program: Program) -> None:
        self.arrays = {p.name: p for p in program.arrays}
        self.scope: _Scope = {p.name: p.type for p in program.parameters if not isinstance(p.type, Array)}
        self.written: set[str] = set()
        self.frozen = _constants(program.body)

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
            case Assign():
                self.value(node.value, scope)
                return self.assign(node.target, node.value, scope)
            case AugmentedAssign():
                self.value(node.target, scope)
                self.value(node.value, scope)
                self.need(result_type(node.operator, (node.target.type, node.value.type)) is node.target.type)
                self.note(node.target)
            case Atomic():
                element = self.arrays[node.array].type if node.array in self.arrays else None
                self.need(isinstance(element, Array) and element.dtype is node.value.type)
                self.need(len(node.indices) == len(self.arrays[node.array].shape))
                for part in (*node.indices, node.value):
                    self.value(part, scope)
                self.written.add(node.array)
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
                self.need(bool(node.body) and node.name not in scope)
                self.block(node.body, {**scope, node.name: INT32}, True)
            case Break() | Continue():
                self.need(in_loop)
                return None
            case Return():
                return None
        return scope

    def assign(self, target: Target, value: Expression, scope: _Scope) -> _Scope:
        self.need(target.type is value.type)
        self.note(target)
        if isinstance(target, Name):
            self.need(scope.get(target.name, target.type) is target.type and target.name not in self.arrays)
            self.need(not (_is_constant(value) and target.name in self.frozen))
            return {**scope, target.name: target.type}
        self.value(target, scope)
        return scope

    def note(self, target: Expression) -> None:
        root = target
        while isinstance(root, Component):
            root = root.base
        if isinstance(root, Element):
            self.written.add(root.array)

    def test(self, node: Expression, scope: _Scope) -> None:
        self.need(not isinstance(node, Literal))
        self.value(node, scope)

    def value(self, node: Expression, scope: _Scope) -> None:
        match node:
            case Literal():
                return
            case Name():
                self.need(scope.get(node.name) is node.type)
                return
            case Apply():
                self.need(result_type(node.op, [a.type for a in node.arguments]) is node.type)
            case Compare():
                self.need(len({o.type.notation for o in node.operands}) == 1)
                self.need(not all(isinstance(o, Literal) for o in node.operands))
            case Logical():
                self.need(not any(isinstance(o, Literal) for o in node.operands))
            case Conditional():
                self.need(not isinstance(node.test, Literal) and node.then.type is node.otherwise.type)
            case Construct():
                self.need(isinstance(node.type, Vector))
                assert isinstance(node.type, Vector)
                self.need(len(node.arguments) in (0, 1, node.type.length))
                self.need(all(a.type is node.type.dtype for a in node.arguments))
            case Component():
                base = node.base.type
                self.need(isinstance(base, Vector) and base.dtype is node.type)
                assert isinstance(base, Vector)
                index = node.index.value if isinstance(node.index, Literal) else 0
                self.need(-base.length <= index < base.length)
            case Element() | Extent():
                of = self.arrays[node.array].type if node.array in self.arrays else None
                self.need(isinstance(of, Array))
                assert isinstance(of, Array)
                if isinstance(node, Extent):
                    self.need(node.axis < of.ndim)
                else:
                    self.need(of.dtype is node.type and len(node.indices) == of.ndim)
            case Cast():
                self.need(isinstance(node.type, Scalar) and isinstance(node.operand.type, Scalar))
        for field_name in node.__struct_fields__:
            part = getattr(node, field_name)
            for child in part if isinstance(part, tuple) else (part,):
                if isinstance(child, Node):
                    self.value(child, scope)  # type: ignore[arg-type]


def _is_constant(value: Expression) -> bool:
    """Whether a literal is rendered bare: those of other types are calls of a constructor."""
    return isinstance(value, Literal) and value.type.notation in ("float32", "int32", "bool")


def _constants(body: Body) -> frozenset[str]:
    """The variables that a loop changes: Warp wants ``float(0.0)``, not ``0.0``, as their first value."""
    found: set[str] = set()
    for statement in body:
        for node in walk(statement):
            if isinstance(node, For):
                found |= _assigned(node.body)
    return frozenset(found)


def _assigned(body: Iterable[Node]) -> set[str]:
    """The variables that statements give a value."""
    found = set()
    for statement in body:
        for node in walk(statement):
            if isinstance(node, Assign | AugmentedAssign):
                root: Node = node.target
                while isinstance(root, Component):
                    root = root.base
                if isinstance(root, Name):
                    found.add(root.name)
    return found


# ---------------------------------------------------------------- tidying


def tidy(program: Program) -> Program:
    """`program` without what it does not use: variables, parameters, empty blocks, what is never reached."""
    body = program.body
    while True:
        read = Counter(_reads(body))
        new = _tidy_block(body, read)
        if new == body:
            break
        body = new
    nodes = [node for statement in body for node in walk(statement)]
    used = {name for node in nodes for name in _names_of(node)}
    written = {root.array for root in _stores(nodes)}
    parameters = tuple(
        p if p.output == (p.name in written) else msgspec.structs.replace(p, output=p.name in written)
        for p in program.parameters
        if p.name in used
    )
    return msgspec.structs.replace(program, parameters=parameters, body=body)


def _stores(nodes: Iterable[Node]) -> Iterator[Element | Atomic]:
    for node in nodes:
        if isinstance(node, Atomic):
            yield node
        elif isinstance(node, Assign | AugmentedAssign):
            root: Node = node.target
            while isinstance(root, Component):
                root = root.base
            if isinstance(root, Element):
                yield root


def _reads(body: Body) -> Iterator[str]:
    """Every variable that is read, once a place."""
    for statement in body:
        yield from _reads_of(statement)


def _reads_of(node: Node) -> Iterator[str]:
    match node:
        case Name():
            yield node.name
        case Assign() | AugmentedAssign():
            yield from _reads_of(node.value)
            target: Node = node.target
            while isinstance(target, Component):
                yield from _reads_of(target.index)
                target = target.base
            if isinstance(target, Element):
                yield from _reads_of(target)
        case _:
            for name in node.__struct_fields__:
                part = getattr(node, name)
                for child in part if isinstance(part, tuple) else (part,):
                    if isinstance(child, Node):
                        yield from _reads_of(child)


def _tidy_block(body: Body, read: Mapping[str, int]) -> Body:
    kept: list[Statement] = []
    for node in body:
        match node:
            case Assign() | AugmentedAssign():
                root: Node = node.target
                while isinstance(root, Component):
                    root = root.base
                if isinstance(root, Name) and not read.get(root.name):
                    continue
                kept.append(node)
            case If():
                inner, other = _tidy_block(node.body, read), _tidy_block(node.orelse, read)
                if inner or other:
                    kept.append(_with(node, body=inner, orelse=other))
            case For():
                if inner := _tidy_block(node.body, read):
                    kept.append(_with(node, body=inner))
            case Break() | Continue() | Return():
                kept.append(node)
                break
            case _:
                kept.append(node)
    return tuple(kept)


def _with(node: Any, **fields: object) -> Any:
    changed = {name: value for name, value in fields.items() if getattr(node, name) != value}
    return msgspec.structs.replace(node, **changed) if changed else node


# ---------------------------------------------------------------- edits of one place


def substitute(node: Any, values: Mapping[str, Expression]) -> Any:
    """`node` with variables that it reads replaced."""
    if isinstance(node, Name):
        return values.get(node.name, node)
    if isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Name):
        return _with(node, value=substitute(node.value, values))
    return rebuild(node, lambda child: substitute(child, values))


def _places(node: Node, edit: Callable[[Expression], Iterator[Expression]]) -> Iterator[Any]:
    """`node` with one expression somewhere in it edited, in every way that `edit` offers."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if name in ("target", "base") and isinstance(value, Name):
            continue
        if isinstance(value, Node):
            editable = not isinstance(value, Program | Parameter) and name != "target"
            for new in _place(value, edit, editable):
                yield msgspec.structs.replace(node, **{name: new})
        elif isinstance(value, tuple):
            for n, item in enumerate(value):
                if isinstance(item, Node):
                    for new in _place(item, edit, not isinstance(item, Parameter)):
                        yield msgspec.structs.replace(node, **{name: (*value[:n], new, *value[n + 1 :])})


_EXPRESSIONS: Final = (Literal, Name, Apply, Compare, Logical, Cast, Construct, Component, Element, Extent, Conditional)


def _place(node: Any, edit: Callable[[Expression], Iterator[Expression]], editable: bool) -> Iterator[Any]:
    if editable and isinstance(node, _EXPRESSIONS):
        yield from edit(node)
    yield from _places(node, edit)


def _below(node: Expression) -> Iterator[Expression]:
    """The expressions below `node`, each once."""
    seen = set()
    for child in walk(node)[1:]:
        if child not in seen:
            seen.add(child)
            yield child  # type: ignore[misc]


class _Leaves:
    """The simple expressions of a program, by type."""

    def __init__(self, program: Program) -> None:
        self._program = program
        first = program.body[0]
        names = first.names if isinstance(first, ThreadIndex) else ()
        self._indices = tuple(Name(INT32, name) for name in names)
        self._names = _all_names(program)

    def existing(self, of: Type) -> Iterator[Expression]:
        """Parameters of type `of`, as they stand."""
        for parameter in self._program.parameters:
            match parameter.type:
                case Array(dtype=dtype, ndim=ndim) if dtype is of and not parameter.output:
                    if ndim == len(self._indices):
                        yield Element(of, parameter.name, self._indices)
                case other if other is of:
                    yield Name(of, parameter.name)

    def literals(self, of: Type) -> Iterator[Expression]:
        """The simplest values of a scalar type."""
        if isinstance(of, Scalar) and of.kind != "bool":
            for value in (1, 0, 2):
                yield Literal(of, float(value) if of.is_float else value)

    def fresh(self, of: Type, taken: Sequence[str] = ()) -> tuple[Parameter, Element] | None:
        """A new array to read a value of type `of` from."""
        if not isinstance(of, Scalar | Vector):
            return None
        name = next(n for n in _pool(("x",)) if n not in self._names and n not in taken)
        low, high = (0.5, 2.0) if types.element_scalar(of).is_float else (1, 3)
        if types.element_scalar(of).kind == "bool":
            low, high = 0, 1
        array = types.array(of, len(self._indices))
        return Parameter(name, array, low, high, self._program.launch), Element(of, name, self._indices)


def _all_names(program: Program) -> set[str]:
    return {name for node in walk(program) for name in _names_of(node)} | {program.name}


def _simpler(program: Program) -> Iterator[Program]:
    """One expression replaced by a part of it or by a leaf."""
    leaves = _Leaves(program)

    def edit(node: Expression) -> Iterator[Expression]:
        own = size(node)
        if own == 1:
            return
        yield from (child for child in _below(node) if child.type is node.type)
        yield from (leaf for leaf in leaves.existing(node.type) if size(leaf) < own)
        yield from leaves.literals(node.type)
        match node:
            case Logical(operands=operands) if len(operands) > 2:
                for n in range(len(operands)):
                    yield _with(node, operands=operands[:n] + operands[n + 1 :])
            case Compare(operators=operators, operands=operands) if len(operators) > 1:
                for n in range(len(operators)):
                    yield _with(node, operators=operators[n : n + 1], operands=operands[n : n + 2])
                    if len(operators) > 2:
                        yield _with(
                            node,
                            operators=operators[:n] + operators[n + 1 :],
                            operands=operands[:n] + operands[n + 1 :],
                        )
            case Construct(arguments=arguments) if len(arguments) > 1:
                yield _with(node, arguments=arguments[:1])

    for new in _places(program, edit):
        yield new
    # a large part read from a new array instead
    bound: list[Parameter] = []

    def outsource(node: Expression) -> Iterator[Expression]:
        if size(node) > 2 + len(program.launch) + 1 and (found := leaves.fresh(node.type)) is not None:
            bound[:] = [found[0]]
            yield found[1]

    for new in _places(program, outsource):
        yield msgspec.structs.replace(new, parameters=(bound[0], *new.parameters))


# ---------------------------------------------------------------- edits of statements


def _blocks(body: Body, edit: Callable[[Body], Iterator[Body]]) -> Iterator[Body]:
    """`body` with one block in it, or itself, edited."""
    yield from edit(body)
    for n, statement in enumerate(body):
        for name in ("body", "orelse"):
            inner = getattr(statement, name, ())
            if inner:
                for new in _blocks(inner, edit):
                    changed: Any = msgspec.structs.replace(statement, **{name: new})
                    yield (*body[:n], changed, *body[n + 1 :])


def _fewer_statements(program: Program) -> Iterator[Program]:
    """Statements dropped, branches and loops replaced by what is in them, variables by their values."""

    def edit(body: Body) -> Iterator[Body]:
        first = 1 if body and isinstance(body[0], ThreadIndex) else 0
        length = len(body) - first
        chunk = length
        while chunk:
            for start in range(first, len(body), chunk):
                yield body[:start] + body[start + chunk :]
            chunk //= 2
        for n, statement in enumerate(body):
            for instead in _unwrapped(statement):
                yield body[:n] + instead + body[n + 1 :]
            if isinstance(statement, Assign) and isinstance(statement.target, Name):
                values = {statement.target.name: statement.value}
                yield body[:n] + tuple(substitute(s, values) for s in body[n + 1 :])

    for new in _blocks(program.body, edit):
        yield msgspec.structs.replace(program, body=new)


def _unwrapped(statement: Statement) -> Iterator[Body]:
    match statement:
        case If(body=body, orelse=orelse):
            yield body
            if orelse:
                yield orelse
                yield (_with(statement, orelse=()),)
                if len(orelse) == 1 and isinstance(orelse[0], If):
                    yield orelse
                    yield (_with(statement, orelse=orelse[0].body),)
                    yield (_with(statement, orelse=orelse[0].orelse),)
        case For():
            for value in (0, 1):
                body = tuple(substitute(s, {statement.name: Literal(INT32, value)}) for s in statement.body)
                yield body
            for trips in (1, 2):
                yield (_with(statement, stop=Literal(INT32, trips), start=None, step=None),)
            if statement.start is not None or statement.step is not None:
                yield (_with(statement, start=None, step=None),)
                yield (_with(statement, step=None),)


# ---------------------------------------------------------------- a part as a program of its own


def _hoisted(program: Program) -> Iterator[Program]:
    """Each expression, and each statement, as the only one, with what it reads coming from new arrays.

    This finds in one step what would take many: most defects sit in one construct.
    """
    first = program.body[0]
    assert isinstance(first, ThreadIndex)
    own = size(program)
    seen: set[Node] = set()
    for statement in program.body[1:]:
        for node in walk(statement):
            if node in seen:
                continue
            seen.add(node)
            if isinstance(node, _EXPRESSIONS):
                if size(node) > 1 and not isinstance(node, Element | Extent | Construct):
                    yield from _expression_alone(program, node)
            elif isinstance(node, If | For | Assign | AugmentedAssign | Atomic) and size(node) < own // 2:
                yield from _statement_alone(program, node)


def _expression_alone(program: Program, node: Expression) -> Iterator[Program]:
    one, zero = Literal(FLOAT32, 1.0), Literal(FLOAT32, 0.0)
    value = Conditional(FLOAT32, node, one, zero) if node.type is types.BOOL else node
    if not isinstance(value.type, Scalar | Vector):
        return
    output, target = _output(program, value.type)
    found = _closed(program, (Assign(target, value),))
    if found is not None:
        body, new = found
        parameters = (*new, *(p for p in program.parameters if not p.output), output)
        yield _alone(program, parameters, body)


def _statement_alone(program: Program, node: Statement) -> Iterator[Program]:
    found = _closed(program, (node,))
    if found is None:
        return
    body, new = found
    parameters = (*new, *program.parameters)
    if any(True for _ in _stores(walk(node))):
        yield _alone(program, parameters, body)
        return
    kinds = {n.name: n.type for n in walk(node) if isinstance(n, Name)}
    for name in sorted(_assigned((node,))):
        of = kinds.get(name)
        if isinstance(of, Scalar | Vector):
            output, target = _output(program, of)
            others = tuple(p for p in parameters if p.name != output.name)
            yield _alone(program, (*others, output), (*body, Assign(target, Name(of, name))))


def _alone(program: Program, parameters: tuple[Parameter, ...], body: Body) -> Program:
    return msgspec.structs.replace(program, parameters=parameters, body=(program.body[0], *body))


def _output(program: Program, of: Type) -> tuple[Parameter, Element]:
    """An array that a value of type `of` can be stored in: one of the program's, or a new one."""
    first = program.body[0]
    assert isinstance(first, ThreadIndex)
    assert isinstance(of, Scalar | Vector)
    indices = tuple(Name(INT32, name) for name in first.names)
    names = _all_names(program)
    name = next(n for n in _pool(("out",)) if n not in names)
    parameter = Parameter(name, types.array(of, len(indices)), 0, 0, program.launch, True)
    for given in program.outputs:
        if isinstance(given.type, Array) and given.type.dtype is of and given.type.ndim == len(indices):
            parameter = given
    return parameter, Element(of, parameter.name, indices)


def _closed(program: Program, body: Body) -> tuple[Body, tuple[Parameter, ...]] | None:
    """`body` with the variables that it does not define read from new arrays."""
    first = program.body[0]
    assert isinstance(first, ThreadIndex)
    known = {p.name for p in program.parameters} | set(first.names)
    defined = {n.name for s in body for n in walk(s) if isinstance(n, For)}
    changed = _assigned(body)
    leaves = _Leaves(program)
    new: list[Parameter] = []
    values: dict[str, Expression] = {}
    before: list[Statement] = []
    for node in (n for s in body for n in walk(s)):
        if not isinstance(node, Name) or node.name in known | defined | set(values):
            continue
        made = leaves.fresh(node.type, [p.name for p in new])
        if made is None:
            return None
        new.append(made[0])
        values[node.name] = made[1]
        if node.name in changed:
            before.append(Assign(node, made[1]))
    values = {name: value for name, value in values.items() if name not in changed}
    return (*before, *(substitute(s, values) for s in body)), tuple(new)


# ---------------------------------------------------------------- fewer dimensions


def _fewer_dimensions(program: Program) -> Iterator[Program]:
    """The launch without one of its axes, and arrays without the axes that this leaves constant."""
    first = program.body[0]
    if isinstance(first, ThreadIndex) and len(first.names) > 1:
        for axis, name in enumerate(first.names):
            names = first.names[:axis] + first.names[axis + 1 :]
            body = tuple(substitute(s, {name: Literal(INT32, 0)}) for s in program.body[1:])
            launch = program.launch[:axis] + program.launch[axis + 1 :]
            new = msgspec.structs.replace(program, launch=launch, body=(ThreadIndex(names), *body))
            yield _without_constant_axes(new)
    flat = _without_constant_axes(program)
    if flat is not program:
        yield flat


def _without_constant_axes(program: Program) -> Program:
    accesses: dict[str, list[tuple[Expression, ...]]] = {}
    for node in walk(program):
        if isinstance(node, Element | Atomic):
            accesses.setdefault(node.array, []).append(node.indices)
        elif isinstance(node, Extent):
            accesses.setdefault(node.array, []).append(())
    keep: dict[str, list[int]] = {}
    for name, found in accesses.items():
        ndim = len(program.parameter(name).shape)
        if any(len(indices) != ndim for indices in found):
            continue
        axes = [a for a in range(ndim) if not all(isinstance(i[a], Literal) for i in found)]
        if len(axes) < ndim and ndim > 1:
            keep[name] = axes or [0]
    if not keep:
        return program

    def change(node: Node) -> Node:
        if isinstance(node, Element | Atomic) and node.array in keep:
            node = msgspec.structs.replace(node, indices=tuple(node.indices[a] for a in keep[node.array]))
        elif isinstance(node, Parameter) and node.name in keep:
            assert isinstance(node.type, Array)
            axes = keep[node.name]
            of = types.array(node.type.dtype, len(axes))
            node = msgspec.structs.replace(node, type=of, shape=tuple(node.shape[a] for a in axes))
        changed: Node = rebuild(node, change)
        return changed

    flat: Program = rebuild(program, change)
    return flat


# ---------------------------------------------------------------- the dress: types, extents, values, names


def _retyped(program: Program) -> Iterator[Program]:
    """Another scalar type for one that occurs: float32 and int32 are what people read most easily."""
    elements = [_element(node) for node in walk(program)]
    found = {types.element_scalar(of) for of in elements if of is not None}
    odd = sorted((s for s in found if _type_cost(s)), key=lambda s: s.notation)
    simple = {s: FLOAT32 if s.is_float else INT32 for s in odd}
    for some in (simple, *({s: simple[s]} for s in odd)) if len(odd) > 1 else (simple,):
        if some:
            yield _retype(program, some)
    for length in sorted({of.length for of in elements if isinstance(of, Vector)}):
        for shorter in (0, *range(2, length)):
            yield _retype(program, {}, {length: shorter})


def _element(node: Node) -> Type | None:
    """The type of `node`'s value, or of its elements."""
    of: Type | None = getattr(node, "type", None)
    return of.dtype if isinstance(of, Array) else of


def _retype(program: Program, mapping: Mapping[Scalar, Scalar], lengths: Mapping[int, int] | None = None) -> Program:
    """`program` with scalar types replaced, and vectors by ones of other lengths, or, for 0, by scalars."""

    def to(of: Type) -> Type:
        match of:
            case Scalar():
                return mapping.get(of, of)
            case Vector():
                dtype, length = mapping.get(of.dtype, of.dtype), of.length
                if lengths is not None:
                    length = lengths.get(length, length)
                return types.vector(length, dtype) if length else dtype
            case Array():
                element = to(of.dtype)
                assert isinstance(element, Scalar | Vector)
                return types.array(element, of.ndim)
        raise TypeError(f"{of!r} is no type of a value")

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        of = getattr(node, "type", None)
        if not isinstance(of, Type) or to(of) is of:
            new = node
        elif isinstance(node, Construct) and not isinstance(to(of), Vector):
            new = node.arguments[0] if node.arguments else Literal(to(of), 0)
        else:
            new = msgspec.structs.replace(node, type=to(of))
            if isinstance(new, Literal) and new.type is FLOAT32:
                new = _with(new, value=float(np.float32(new.value)))
        if isinstance(new, Cast) and new.operand.type is new.type and not isinstance(new.operand, Literal):
            return new.operand
        return new

    changed: Program = rebuild(program, change)
    return changed


def _extents(program: Program) -> Iterator[Program]:
    """Fewer threads and smaller arrays."""
    for extent in _EXTENTS:
        launch = tuple(min(extent, n) for n in program.launch)
        for least in (0, 1, 2):
            most = max(extent, least + 1)
            parameters = tuple(
                msgspec.structs.replace(p, shape=tuple(min(most, n) for n in p.shape)) for p in program.parameters
            )
            yield msgspec.structs.replace(program, launch=launch, parameters=parameters)
    for n, parameter in enumerate(program.parameters):
        for axis, extent in enumerate(parameter.shape):
            for smaller in sorted({*(e for e in _EXTENTS if e < extent), *program.launch}):
                if smaller < extent:
                    shape = (*parameter.shape[:axis], smaller, *parameter.shape[axis + 1 :])
                    yield _parameter(program, n, msgspec.structs.replace(parameter, shape=shape))


def _parameter(program: Program, n: int, new: Parameter) -> Program:
    parameters = (*program.parameters[:n], new, *program.parameters[n + 1 :])
    return msgspec.structs.replace(program, parameters=parameters)


def _plainer_values(program: Program) -> Iterator[Program]:
    """Rounder literals."""

    def simplest(node: Expression) -> Iterator[Expression]:
        if isinstance(node, Literal) and isinstance(node.type, Scalar) and node.type.kind != "bool":
            for value in _FLOATS if node.type.is_float else _INTEGERS:
                if value >= 0 or node.type.is_signed:
                    new = Literal(node.type, value)
                    if _literal_cost(new) < _literal_cost(node):
                        yield new

    def every(node: Node) -> Node:
        if isinstance(node, Literal):
            return next(simplest(node), node)
        changed: Node = rebuild(node, every)
        return changed

    yield rebuild(program, every)
    yield from _places(program, simplest)


def _plainer_ranges(program: Program) -> Iterator[Program]:
    """Simpler ranges of the parameters' values."""
    choices = [
        [p, *(msgspec.structs.replace(p, low=low, high=high) for low, high in _ranges(p))] for p in program.parameters
    ]
    for number in (1, 2):
        yield msgspec.structs.replace(program, parameters=tuple(c[min(number, len(c) - 1)] for c in choices))
    for n, options in enumerate(choices):
        for option in options[1:]:
            if _range_cost(option) < _range_cost(program.parameters[n]):
                yield _parameter(program, n, option)


def _plainer_statements(program: Program) -> Iterator[Program]:
    """Plain stores instead of atomics and augmented assignments."""

    def edit(body: Body) -> Iterator[Body]:
        for n, statement in enumerate(body):
            match statement:
                case AugmentedAssign(target=target, value=value):
                    new = Assign(target, value)
                case Atomic(array=array, indices=indices, value=value):
                    new = Assign(Element(value.type, array, indices), value)
                case _:
                    continue
            yield (*body[:n], new, *body[n + 1 :])

    for body in _blocks(program.body, edit):
        yield msgspec.structs.replace(program, body=body)


def _named(program: Program) -> Iterator[Program]:
    """The names that everybody uses."""
    new: dict[str, str] = {}
    pools: dict[str, Iterator[str]] = {
        "input": _pool(_INPUT_NAMES),
        "output": _pool(("out",)),
        "index": _pool(_INDEX_NAMES),
        "local": _pool(_LOCAL_NAMES),
        "loop": _pool(_LOOP_NAMES),
    }
    for parameter in program.parameters:
        new[parameter.name] = next(pools["output" if parameter.output else "input"])
    for node in walk(program):
        match node:
            case ThreadIndex(names=names):
                new.update((name, next(pools["index"])) for name in names if name not in new)
            case For(name=name) if name not in new:
                new[name] = next(pools["loop"])
            case Name(name=name) if name not in new:
                # a loop's variable is met at its loop first, for parents come first
                new[name] = next(pools["local"])

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Parameter() | Name() | For():
                return _with(node, name=new[node.name])  # type: ignore[no-any-return]
            case ThreadIndex():
                return _with(node, names=tuple(new[name] for name in node.names))  # type: ignore[no-any-return]
            case Element() | Extent() | Atomic():
                return _with(node, array=new[node.array])  # type: ignore[no-any-return]
        return node

    renamed: Program = rebuild(program, change)
    for name in _KERNEL_NAMES:
        yield msgspec.structs.replace(renamed, name=name)


def _pool(names: Sequence[str]) -> Iterator[str]:
    yield from names
    for n in itertools.count(1):
        yield f"{names[-1]}{n}"


# ---------------------------------------------------------------- candidates


def _structural(program: Program) -> Iterator[Program]:
    for edit in (_hoisted, _fewer_statements, _simpler, _fewer_dimensions, _retyped):
        yield from edit(program)


def _dressed(program: Program) -> Iterator[Program]:
    for edit in (_plainer_statements, _extents, _plainer_values, _plainer_ranges):
        yield from edit(program)


def candidates(program: Program) -> Iterator[Program]:
    """Programs that are valid and strictly simpler than `program`, simplest first.

    Each edit is tidied.  Only if `program` itself has parts that nothing uses, edits as they are come after
    all of those: the defect may need such parts.
    """
    yield from _ordered(program, _structural(program))
    yield from _ordered(program, _dressed(program))
    yield from _renamed(program)


def _renamed(program: Program) -> Iterator[Program]:
    """Candidates that differ in names only, if those are not what they should be yet."""
    renamed = list(_named(program))
    if program not in renamed:
        yield from (new for new in renamed if well_formed(new))


def _ordered(program: Program, edits: Iterable[Program]) -> Iterator[Program]:
    most, untidy = size(program), tidy(program) != program
    tidied: dict[int, dict[Program, None]] = {}
    raw: dict[int, dict[Program, None]] = {}
    for edited in edits:
        clean = tidy(edited)
        tidied.setdefault(size(clean), {})[clean] = None
        if untidy and clean != edited:
            raw.setdefault(size(edited), {})[edited] = None
    for found in (tidied, raw):
        for nodes in sorted(found):
            if nodes > most:
                break
            # equal sizes only are compared further: that is most of the time
            prices = {new: cost(new) for new in found[nodes] if well_formed(new)}
            if nodes == most:
                bound = cost(program)
                prices = {new: price for new, price in prices.items() if price < bound}
            yield from sorted(prices, key=prices.__getitem__)


# ---------------------------------------------------------------- reducing


@dataclass
class _Reducer:
    program: Program
    verdict: Verdict
    #: what is expected of a program, or why there is nothing: that costs a tenth of running it
    expect: Callable[[Program, int], _Expected]
    run_batch: Callable[[Sequence[Expectation]], list[Verdict]]
    limits: Limits
    steps: int = 0
    stopped: str | None = None
    seen: set[str] = field(default_factory=set)
    #: the draw of inputs that is tried, and that of the program kept
    draw: int = 0
    kept_draw: int = 0
    memo: dict[str, Verdict] = field(default_factory=dict)
    others: dict[Manner, tuple[Program, Verdict]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        assert self.verdict.failure is not None
        self.origin = (self.program, self.verdict.failure)
        self.batch = self.limits.slow_batch if self.verdict.failure.kind in _SLOW else self.limits.batch

    def fails(self, program: Program, verdict: Verdict) -> bool:
        """Whether `program` fails in the way of the original; other failures are noted."""
        if verdict.outcome is not Outcome.FAILURE or verdict.failure is None:
            return False
        if same_failure(*self.origin, program, verdict.failure):
            return True
        self.others.setdefault(manner(program, verdict.failure), (program, verdict))
        return False

    def first(self, programs: Iterator[Program]) -> bool:
        """Keep the first of `programs` that still fails; whether there is one."""
        more = True
        while more and self.stopped is None:
            group, new, more = self.gather(programs)
            if new:
                for expected, verdict in zip(new, self.run_batch(new), strict=True):
                    self.memo[self.key(expected.program)] = verdict
            for program in group:
                key = self.key(program)
                self.seen.add(key)
                verdict = self.memo[key]
                if self.fails(program, verdict):
                    self.program, self.verdict, self.kept_draw = program, verdict, self.draw
                    self.steps += 1
                    return True
            self.watch()
        return False

    def key(self, program: Program) -> str:
        return f"{content_hash(program)}/{self.draw}"

    def gather(self, programs: Iterator[Program]) -> tuple[list[Program], list[Expectation], bool]:
        """The next programs in order, those of them to be verified, and whether there may be more.

        A full batch is verified at a time: what is known, or turns out invalid, takes no place in it.
        """
        group: list[Program] = []
        new: list[Expectation] = []
        for program in programs:
            group.append(program)
            key = self.key(program)
            if key not in self.memo:
                expected = self.expect(program, self.draw)
                if isinstance(expected, Expectation):
                    new.append(expected)
                    if len(new) == self.batch:
                        return group, new, True
                else:
                    self.memo[key] = expected
            elif self.memo[key].outcome is Outcome.FAILURE and self.fails(program, self.memo[key]):
                return group, new, True
        return group, new, False

    def watch(self) -> None:
        if len(self.seen) >= self.limits.verifications:
            self.stopped = f"{self.limits.verifications} verifications"
        elif time.monotonic() - self.started > self.limits.seconds:
            self.stopped = f"{self.limits.seconds:g} seconds"

    def run(self) -> None:
        """Structure first, until nothing smaller fails; then the dress; names last, once."""
        for edits in (_structural, _dressed):
            self.exhaust(lambda p, edits=edits: _ordered(p, edits(p)))  # type: ignore[misc]
        self.draw = 0
        self.first(_renamed(self.program))

    def exhaust(self, edits: Callable[[Program], Iterator[Program]]) -> None:
        """Keep candidates until none fails, on any draw of inputs if the program is large still."""
        self.draw = 0
        while self.stopped is None:
            if self.first(edits(self.program)):
                self.draw = 0
            elif self.draw + 1 < self.limits.draws and size(self.program) > SMALL:
                self.draw += 1
            else:
                return


def reduce(
    program: Program,
    verdict: Verdict,
    sandbox: Sandbox,
    *,
    seed: int = 0,
    limits: Limits = Limits(),
    verify: Verify | None = None,
) -> Reduced:
    """The simplest program found that fails as `program` does.

    Args:
        program: the failing program.
        verdict: what was found; its outcome is a failure.
        sandbox: where candidates run, at optimization level 0.
        seed: of the inputs, as for `verify_all`.
        limits: when to stop early.
        verify: how a batch is judged; `verify_all` in the sandbox, if None.

    Raises:
        ValueError: `verdict` is no failure.
    """
    if verdict.failure is None:
        raise ValueError("only a failure can be reduced")

    def run_batch(expectations: Sequence[Expectation]) -> list[Verdict]:
        if verify is not None:
            return verify([expected.program for expected in expectations])
        verdicts = []
        for expected, result in zip(expectations, sandbox.run(jobs(expectations)), strict=True):
            found = judge(expected, result)
            # only what may be rounding is worth the referee's time
            if found.failure is not None and not _gross(found.failure):
                found = refereed(expected, result, found, sandbox, BuildOptions())
            verdicts.append(found)
        return verdicts

    first_seed = seed

    def expected(program: Program, draw: int) -> _Expected:
        # the generator never makes some of these programs, so the reference need not be ready for them
        try:
            return try_expect(program, first_seed + draw)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            return inconclusive(f"it cannot be evaluated: {error!r}")

    reducer = _Reducer(program, verdict, expected, run_batch, limits)
    reducer.run()
    found, seed = reducer.program, seed + reducer.kept_draw
    alone: list[bool] = []
    final = reducer.verdict
    for level in (0, None):
        if verify is None:
            (again,) = verify_all([found], sandbox, seed, BuildOptions(optimization_level=level))
        else:
            (again,) = verify([found])
        same = again.failure is not None and same_failure(program, verdict.failure, found, again.failure)
        if same and not any(alone):
            final = again
        alone.append(same)
    return Reduced(
        program=found,
        verdict=final,
        steps=reducer.steps,
        verifications=len(reducer.seen),
        stopped=reducer.stopped,
        others=tuple(reducer.others.values()),
        seed=seed,
        fails_without_optimization=alone[0],
        fails_by_default=alone[1],
    )
