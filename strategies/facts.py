"""What the tests around a point of a kernel, and the guards before it, say of the values that are read there.

A person who writes a branch within a branch knows what the outer one has decided.  What stands here proves nothing:
`Typed.interval` encloses a value whatever was tested, for the name may be another value's by now.  It only tells a
test that may still go either way from one that is decided already, and where a threshold lies well inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from strategies.intervals import MIRRORED, OPPOSITE, Interval, limited
from strategies.language.nodes import Apply, Cast, Compare, Expression, Literal, Logical, Name
from strategies.language.types import Scalar
from strategies.typed import Typed

ANY: Final = Interval(-math.inf, math.inf)


def bare(node: Expression) -> Expression:
    """`node` without what gives its operand as it is."""
    while True:
        match node:
            case Apply(op="pos", arguments=(inner,)):
                node = inner
            case Cast(operand=inner) if inner.type is node.type:
                node = inner
            case _:
                return node


def decided(op: str, left: Interval, right: Interval) -> bool:
    """Whether a comparison of values between such bounds always comes out the same."""
    match op:
        case "<" | ">=":
            return left.high < right.low or left.low >= right.high
        case ">" | "<=":
            return left.low > right.high or left.high <= right.low
    return left.high < right.low or left.low > right.high or (left.is_point and left == right)


class Facts:
    """What is known at one point of a kernel."""

    def __init__(self, interval_of: Callable[[Expression], Interval | None], copies: Mapping[str, Expression]) -> None:
        self._interval_of = interval_of
        #: locals that are another name of something
        self._copies = copies
        #: by what was tested and between which values that lay, as far as its expression told, for under the name of a
        #: variable that has changed there is another value
        self._known: dict[tuple[Expression, Interval | None], Interval] = {}
        self._compared: frozenset[frozenset[Expression]] = frozenset()

    @contextmanager
    def supposing(self, test: Expression, holds: bool) -> Iterator[None]:
        """What is drawn here runs where `test` came out so."""
        known, compared = dict(self._known), self._compared
        self.note(test, holds)
        yield
        self._known, self._compared = known, compared

    @contextmanager
    def supposing_first(self, tests: Sequence[Expression], place: int) -> Iterator[None]:
        """What is drawn here runs where the test at `place` is the first of a chain that holds, or behind the last."""
        with ExitStack() as stack:
            for test in tests[:place]:
                stack.enter_context(self.supposing(test, False))
            for test in tests[place : place + 1]:
                stack.enter_context(self.supposing(test, True))
            yield

    def interval(self, value: Typed) -> Interval:
        """Between which values `value` lies, by its own interval and by what was tested of it."""
        subject = self._subject(value.node)
        fact = self._known.get((subject, value.interval)) or self._known.get((subject, None))
        return value.interval if fact is None else _common(value.interval, fact)

    def _subject(self, node: Expression) -> Expression:
        """What a test of `node` is about."""
        node = bare(node)
        return self._copies.get(node.name, node) if isinstance(node, Name) else node

    def have_compared(self, left: Expression, right: Expression) -> bool:
        """Whether a test has compared the two with each other."""
        return frozenset((self._subject(left), self._subject(right))) in self._compared

    def note(self, test: Expression, holds: bool) -> None:
        """Take notice of how `test` came out."""
        match test:
            case Apply(op="unot", arguments=(inner,)):
                self.note(inner, not holds)
            case Cast(operand=inner, implied=True):
                self._note_comparison(inner, "!=" if holds else "==", Literal(inner.type, 0))
            case Logical(operator=operator, operands=operands) if holds == (operator == "and"):
                for operand in operands:
                    self.note(operand, holds)
            case Compare(operators=(op,), operands=(left, right)):
                self._note_comparison(left, op if holds else OPPOSITE[op], right)
            case Compare(operators=operators, operands=operands) if holds:
                for left, op, right in zip(operands, operators, operands[1:], strict=False):
                    self._note_comparison(left, op, right)
            case Logical() | Compare():
                pass
            case _:
                self._narrow(test, Interval(int(holds), int(holds)))

    def _note_comparison(self, left: Expression, op: str, right: Expression) -> None:
        if not isinstance(left.type, Scalar):
            return
        for one, how, other in ((left, op, right), (right, MIRRORED[op], left)):
            if isinstance(other, Literal) and not isinstance(one, Literal):
                self._narrow(one, self._on_one_side(one, how, other.value))
        if not isinstance(left, Literal) and not isinstance(right, Literal):
            self._compared |= {frozenset((self._subject(left), self._subject(right)))}

    def _on_one_side(self, node: Expression, op: str, limit: float) -> Interval:
        """Where `node` lies if it compares so with a number."""
        step = 1 if isinstance(node.type, Scalar) and node.type.is_integer else 0
        # of a number that it is not, the ends alone are told
        known = self._interval_of(node) if op == "!=" else None
        own = ANY if known is None else self.interval(Typed(node, known))
        return limited(own, op, Interval(limit, limit), step)

    def _narrow(self, node: Expression, found: Interval) -> None:
        key = self._subject(node), self._interval_of(node)
        before = self._known.get(key)
        self._known[key] = found if before is None else _common(found, before)


def _common(one: Interval, other: Interval) -> Interval:
    """What two intervals have in common; the first if that is nothing, for then they are about different values."""
    low, high = max(one.low, other.low), min(one.high, other.high)
    return Interval(low, high) if low <= high else one
