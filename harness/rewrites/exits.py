"""Loops that are left early, written with flags instead."""

from __future__ import annotations

from typing import Final

import msgspec

from harness.rewrites.base import (
    FreshNames,
    bodies,
    holds,
    register,
    within,
    zero_of,
)
from harness.rewrites.bounds import Bounds
from strategies.language.nodes import (
    Apply,
    Assign,
    Break,
    Cast,
    Compare,
    Continue,
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
    walk,
)
from strategies.language.rules import leaves_early
from strategies.language.types import (
    BOOL,
    INT32,
)
from strategies.language.unrolling import max_unroll

#: Iterations that a rewrite writes one after the other where a program's own option lets no loop be unrolled.
WRITTEN_OUT: Final = 24


@register
def guard_loop_exits(program: Program) -> Program:
    """Loops with ``break``, ``continue`` or ``return`` as constant loops whose bodies stand under flags.

    A constant loop is unrolled, so that no value has to be replayed; it runs as often as the parameters'
    ranges allow at most, and what would not have run stands under a condition.
    """
    return bodies(program, lambda owner: Guards(program, owner).rewrite())


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
            kinds = [v.type for s in within(owner) if isinstance(s, Return) for v in s.values]
            count = len(kinds) // max(1, sum(isinstance(s, Return) for s in within(owner)))
            self._results = tuple(Name(of, self._names.fresh("result")) for of in kinds[:count])

    def rewrite(self) -> tuple[Statement, ...]:
        whole = self._owner.body
        if any(_returns_from_loop(s) and self._trips(s) is None for s in within(self._owner) if isinstance(s, For)):
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
