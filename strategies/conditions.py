"""Truth values: comparisons, chains of them, and what joins them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from strategies import intervals
from strategies.guards import Guards
from strategies.intervals import Interval
from strategies.language.nodes import Apply, Cast, Compare, Element, Expression, Literal, Logical, Name, walk
from strategies.language.types import BOOL, INT32, Scalar, Type
from strategies.leaves import counting_uses
from strategies.typed import Typed

_COMPARISONS: Final = ("<", ">", "<=", ">=", "==", "!=")
_ORDERINGS: Final = ("<", ">", "<=", ">=")


#: How often another operand is looked for where one would decide the other.
TRIES: Final = 3


def same(left: Expression, right: Expression) -> bool:
    """Whether two expressions are one, but for a plus in front or a conversion to the same type."""
    return bare(left) == bare(right)


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


def _subjects(test: Expression) -> set[Expression]:
    """What a truth value is about: the operands of its comparisons that are no numbers, and names of truth values."""
    found: set[Expression] = set()
    for node in walk(test):
        if isinstance(node, Compare):
            found |= {bare(operand) for operand in node.operands if not isinstance(operand, Literal)}
        elif isinstance(node, Name) and node.type is BOOL:
            found.add(node)
    return found


class Conditions(Guards):
    """Draws what branches are decided by."""

    @abstractmethod
    def expression(self, of: Type, depth: int) -> Typed:
        """An expression of type `of`, up to `depth` operations deep."""

    @abstractmethod
    def operation(self, of: Type, depth: int) -> Typed:
        """An operator or built-in out of the palette, its arguments guarded."""

    @abstractmethod
    def _tests(self) -> bool:
        """Whether an operation of the palette gives a truth value."""

    @counting_uses
    def condition(self, depth: int) -> Typed:
        """A truth value."""
        if depth <= 0:
            return self._bool_leaf()
        kinds = self.weights.conditions
        table = [
            (kinds.comparison, "comparison"),
            *(
                (self.features.weight(k, w), k)
                for w, k in ((kinds.logical, "logical"), (kinds.negation, "negation"), (kinds.test, "test"))
            ),
        ]
        match self.dice.weighted(tuple(table)):
            case "logical":
                return self.logical(depth)
            case "negation":
                inner = self.condition(depth - 1)
                if isinstance(inner.node, Apply) and inner.node.op == "unot":
                    return inner
                self.nodes += 1
                return Typed(Apply(BOOL, "unot", (inner.node,)), intervals.TRUTH)
            case "test" if self._tests():
                return self._uncertain(self.operation(BOOL, depth), depth)
        return self.comparison(depth)

    def _uncertain(self, test: Typed, depth: int) -> Typed:
        """`test`, together with a comparison if it always has the same value, as `wp.isnan` has of finite numbers."""
        if not test.interval.is_point:
            return test
        operator = "and" if test.interval.low else "or"
        self.nodes += 1
        return Typed(Logical(BOOL, operator, (test.node, self.comparison(depth).node)), intervals.TRUTH)

    def logical(self, depth: int) -> Typed:
        """``and``, ``or``, of truth values that are not about the same: one of those would often decide the other."""
        count = 3 if self.dice.chance(20) else 2
        operands: list[Expression] = []
        known: set[Expression] = set()
        for _ in range(count):
            operand = self.condition(depth - 1).node
            for _ in range(TRIES):
                if not known & _subjects(operand):
                    break
                operand = self.comparison(depth - 1).node
            else:
                continue
            known |= _subjects(operand)
            operands.append(operand)
        if len(operands) < 2:
            return Typed(operands[0], intervals.TRUTH)
        self.nodes += 1
        return Typed(Logical(BOOL, self.dice.one_of(("and", "or")), tuple(operands)), intervals.TRUTH)

    @counting_uses
    def comparison(self, depth: int) -> Typed:
        """One comparison, or a chain of two, that neither always nor never holds as far as intervals tell."""
        numbers = sorted((t for t in self.allowed if t is not BOOL), key=lambda t: (t is not self.main, repr(t)))
        of = self.main if self.dice.chance(60) else self.dice.one_of(numbers)
        assert isinstance(of, Scalar)
        left = self.expression(of, depth - 1)
        if left.interval.is_point:
            left = self.element(of) if self._may_read(of) else self._index_value(of)
        operators = _ORDERINGS if of.is_float else _COMPARISONS
        self.nodes += 1
        if self.dice.chance(self.features.percent("chain", self.weights.conditions.chain)):
            low, high = self._middle(left, of), self._bound(left, of, depth - 1)
            pair = (self.dice.one_of(("<", "<=")), self.dice.one_of(("<", "<=")))
            return Typed(Compare(BOOL, pair, (low.node, left.node, high.node)), intervals.TRUTH)
        right = self._middle(left, of) if self.dice.chance(60) else self.expression(of, depth - 1)
        if same(right.node, left.node) or right.interval.is_point:
            right = self._middle(left, of)
        return Typed(Compare(BOOL, (self.dice.one_of(operators),), (left.node, right.node)), intervals.TRUTH)

    def _bound(self, left: Typed, of: Scalar, depth: int) -> Typed:
        """The last operand of a chain; rarely a bare array element, which Warp is known to refuse there."""
        value = self.expression(of, depth)
        lazy = isinstance(value.node, Element) or (isinstance(value.node, Name) and "." in value.node.name)
        settled = value.interval.is_point or same(value.node, left.node)
        if settled or (lazy and not self.dice.chance(self.weights.conditions.bare_element)):
            low, high = left.interval
            return self.literal(of, Interval(high - (high - low) / 4, high))
        return value

    def _middle(self, value: Typed, of: Scalar) -> Typed:
        """A literal near the middle of what `value` may be."""
        return self.literal(of, self._beside(value))

    @staticmethod
    def _beside(value: Typed) -> Interval | None:
        """Where a literal may lie that `value` is compared or combined with."""
        low, high = value.interval
        centre, spread = (low + high) / 2, (high - low) / 6
        return Interval(centre - spread, centre + spread) if high > low else None

    def _index_value(self, of: Scalar) -> Typed:
        """A thread index as a value of type `of`: something that differs between threads."""
        index = self.dice.one_of(self.indices)
        return self.convert(Typed(Name(INT32, index.name), index.interval), of)
