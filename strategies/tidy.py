"""What a person would not leave in a kernel: values that nothing reads, what only computes those, and their inputs.

Statements are drawn one after the other, so that some values are overwritten, or left alone, before anything reads
them.  A finished kernel is swept once, from its end to its beginning, with the names that are still to be read
(liveness analysis: Aho, Lam, Sethi, Ullman, "Compilers", section 9.2.5).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from strategies.blocks import is_bare
from strategies.intervals import OPPOSITE
from strategies.language.effects import called_functions, function_effects
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
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
    Target,
    Unpack,
    While,
    names_in,
    root,
    walk,
)
from strategies.language.references import referring
from strategies.language.tiles import is_tiled
from strategies.language.types import BOOL, Array, Scalar, Struct, StructArray
from strategies.ops import overload

Body = tuple[Statement, ...]


def tidied(program: Program) -> Program:
    """`program` without statements that have no effect on what it writes, and without parameters that nothing names."""
    effects = function_effects(program) if program.functions else {}
    referring_to = {f.name for f in program.functions if referring(f)}
    pure = frozenset(name for name, of in effects.items() if not of.written and name not in referring_to)
    functions = tuple(
        function
        if function.own_gradient or function.replay
        else msgspec.structs.replace(function, body=_Sweep(function, pure).swept())
        for function in program.functions
    )
    swept = msgspec.structs.replace(program, functions=functions, body=_Sweep(program, pure).swept())
    idle = called_functions(program) - called_functions(swept) if functions else frozenset()
    named = names_in(swept.body)
    # of a struct, what is read may be an array that it holds
    wholes = {name.partition(".")[0] for name in named}
    unread = tuple(f"{struct.name}." for struct in program.structs if struct.name not in wholes)
    parts = tuple(f"{given.name}." for given in program.indexed)
    return msgspec.structs.replace(
        swept,
        functions=tuple(f for f in functions if f.name not in idle),
        parameters=tuple(
            p
            for p in program.parameters
            if (p.name in named or "." in p.name or p.generic or p.name.startswith(parts))
            and not p.name.startswith(unread)
        ),
        structs=tuple(struct for struct in program.structs if struct.name in wholes),
    )


class _Sweep:
    """One pass over the body of a kernel or a function."""

    def __init__(self, owner: Program | Function, pure: Collection[str]) -> None:
        self._body = owner.body
        self._pure = pure
        #: names whose values may be read by who called, or how often a loop runs: their assignments stay, since what
        #: becomes of a change that comes too late is a question to Warp
        self._kept = {p.name for p in owner.parameters}
        #: where each name is defined first
        self._first: dict[str, Node] = {}
        #: what is read after each enclosing loop, and at its next iteration
        self._loops: list[tuple[set[str], set[str]]] = []
        for statement in owner.body:
            for node in walk(statement):
                self._note(node)

    def _note(self, node: Node) -> None:
        if isinstance(node, For):
            self._kept |= {node.name} | names_in(_bounds(node))
        given = (node.target,) if isinstance(node, Assign) else node.targets if isinstance(node, Unpack) else ()
        for target in given:
            if isinstance(target, Name):
                self._first.setdefault(target.name, node)

    def swept(self) -> Body:
        """The body without what has no effect."""
        return self._block(self._body, set())[0]

    def _block(self, body: Body, live: set[str]) -> tuple[Body, set[str]]:
        """`body` without what has no effect if the names in `live` are read after it, and those read before it."""
        kept: list[Statement] = []
        for statement in reversed(body):
            swept, live = self._statement(statement, live, kept)
            if swept is not None:
                kept.append(swept)
        return tuple(reversed(kept)), live

    def _statement(
        self, statement: Statement, live: set[str], later: Sequence[Statement]
    ) -> tuple[Statement | None, set[str]]:
        match statement:
            case Assign(target=target, value=value):
                if self._is_dead(statement, (target,), live, later) and self._is_quiet(value):
                    return None, live
                return statement, self._before(live, (target,), (value,))
            case AugmentedAssign(target=target, value=value) if not isinstance(target.type, Array):
                if self._is_dead(statement, (target,), live, later) and self._is_quiet(value):
                    return None, live
                return statement, live | names_in((statement,))
            case Unpack(targets=targets, values=values):
                if self._is_dead(statement, targets, live, later) and all(map(self._is_quiet, values)):
                    return None, live
                return statement, self._before(live, targets, values)
            case If():
                return self._branch(statement, live)
            case For() | While():
                return self._loop(statement, live)
            case Break():
                return statement, set(self._loops[-1][0])
            case Continue():
                return statement, set(self._loops[-1][1])
            case Return(values=values):
                return statement, names_in(values)
            case Atomic(result=Name(name=result)):
                given = msgspec.structs.replace(statement, result=None)
                return statement, (live - {result}) | names_in((given,))
        return statement, live | names_in((statement,))

    # ------------------------------------------------------------ what has no effect

    def _is_dead(
        self, statement: Statement, targets: Sequence[Target], live: set[str], later: Sequence[Statement]
    ) -> bool:
        """Whether nothing reads what `targets` are given; `later` are the statements that stay, last first."""
        for target in targets:
            name = _root_name(target)
            if name is None or name in live or name in self._kept:
                return False
            if self._first.get(name) is statement and not self._is_defined_by(later, name):
                return False
        return True

    @staticmethod
    def _is_defined_by(later: Sequence[Statement], name: str) -> bool:
        """Whether no later statement of the block needs `name` to be defined before it."""
        for statement in reversed(later):
            if name in names_in((statement,)):
                return (
                    isinstance(statement, Assign)
                    and statement.target == Name(statement.value.type, name)
                    and not is_bare(statement.value)
                )
        return True

    def _is_quiet(self, expression: Expression) -> bool:
        """Whether an expression does nothing but give its value."""
        for node in walk(expression):
            match node:
                case Call(function=function, arguments=arguments):
                    if function not in self._pure or any(isinstance(a.type, Struct | StructArray) for a in arguments):
                        return False
                case Apply() if not is_tiled(node) and overload(node.op, node.argument_types).advances:
                    return False
        return True

    @staticmethod
    def _before(live: set[str], targets: Sequence[Target], values: Iterable[Expression]) -> set[str]:
        whole = {target.name for target in targets if isinstance(target, Name)}
        parts = [target for target in targets if not isinstance(target, Name)]
        return (live - whole) | names_in((*parts, *values))

    # ------------------------------------------------------------ blocks

    def _branch(self, statement: If, live: set[str]) -> tuple[Statement | None, set[str]]:
        body, before = self._block(statement.body, live)
        orelse, otherwise = self._block(statement.orelse, live)
        test = statement.test
        if not body and not orelse:
            if self._is_quiet(test):
                return None, live
            return statement, live | names_in((statement,))
        if not body:
            test, body, orelse = _negated(test), orelse, ()
        swept = msgspec.structs.replace(statement, test=test, body=body, orelse=orelse)
        return swept, before | otherwise | names_in((test,))

    def _loop(self, statement: For | While, live: set[str]) -> tuple[Statement | None, set[str]]:
        bounds = _bounds(statement)
        own = {statement.name} if isinstance(statement, For) else set()
        again = live | names_in(bounds)
        while True:
            self._loops.append((live, again))
            body, start = self._block(statement.body, again)
            self._loops.pop()
            if start - own <= again:
                break
            again = again | (start - own)
        body = _without_last_continue(body)
        if not own & live and all(map(_only_leaves, body)) and all(map(self._is_quiet, bounds)):
            return None, live
        return msgspec.structs.replace(statement, body=body), again | live


def _bounds(loop: For | While) -> list[Expression]:
    """What decides how often a loop runs."""
    if isinstance(loop, While):
        return [loop.test]
    return [bound for bound in (loop.start, loop.stop, loop.step) if bound is not None]


def _root_name(target: Target) -> str | None:
    """The local name that an assignment to `target` changes; None if it changes the element of an array."""
    found = root(target)
    return found.name if isinstance(found, Name) else None


def _only_leaves(statement: Statement) -> bool:
    """Whether a statement of a loop does nothing but leave it, or one of its iterations."""
    if isinstance(statement, If):
        return all(map(_only_leaves, (*statement.body, *statement.orelse)))
    return isinstance(statement, Break | Continue)


def _without_last_continue(body: Body) -> Body:
    """The body of a loop without a ``continue`` that nothing follows."""
    if not body:
        return body
    *before, last = body
    if isinstance(last, Continue):
        return _without_last_continue(tuple(before))
    if isinstance(last, If):
        inner, orelse = _without_last_continue(last.body), _without_last_continue(last.orelse)
        if not inner and not orelse:
            return _without_last_continue(tuple(before))
        if inner:
            last = msgspec.structs.replace(last, body=inner, orelse=orelse)
    return (*before, last)


def _negated(test: Expression) -> Expression:
    """The opposite of a truth value; what `not` was applied to may be a whole number."""
    if isinstance(test, Cast) and test.implied:
        return Apply(BOOL, "unot", (test.operand,))
    if isinstance(test, Compare) and len(test.operators) == 1 and isinstance(test.operands[0].type, Scalar):
        return msgspec.structs.replace(test, operators=(OPPOSITE[test.operators[0]],))
    if not isinstance(test, Apply) or test.op != "unot":
        return Apply(BOOL, "unot", (test,))
    (operand,) = test.arguments
    if operand.type is BOOL:
        return operand
    assert isinstance(operand.type, Scalar)
    return Compare(BOOL, ("!=",), (operand, Literal(operand.type, 0)))
