"""Truth values: comparisons, chains of them, and what joins them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from msgspec.structs import replace

from strategies import intervals
from strategies.facts import bare, decided
from strategies.guards import Guards
from strategies.intervals import OPPOSITE, Interval
from strategies.language.nodes import Apply, Compare, Element, Expression, Literal, Logical, Name, Node, children, walk
from strategies.language.types import BOOL, INT32, Scalar, Type
from strategies.leaves import counting_uses
from strategies.typed import Typed

_COMPARISONS: Final = ("<", ">", "<=", ">=", "==", "!=")
_ORDERINGS: Final = ("<", ">", "<=", ">=")


#: How often another operand is looked for where one would decide the other.
TRIES: Final = 3
#: Whole numbers between which a chain of comparisons still leaves some on every side.
SHORTEST_CHAIN: Final = 5
#: How much of the narrower one of two intervals lies in the other where the values are compared.
COMMON: Final = 0.3


def same(left: Expression, right: Expression) -> bool:
    """Whether two expressions are one, but for a plus in front or a conversion to the same type."""
    return bare(left) == bare(right)


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
                match inner.node:
                    case Apply(op="unot"):
                        return inner
                    case Compare(operators=(op,)) if not self.dice.chance(self.weights.conditions.negated):
                        return inner._replace(node=replace(inner.node, operators=(OPPOSITE[op],)))
                self.nodes += 1
                return Typed(Apply(BOOL, "unot", (inner.node,)), intervals.TRUTH)
            case "test" if self._tests():
                return self._uncertain(self.operation(BOOL, depth), depth)
        return self.comparison(depth)

    def subjects(self, test: Expression) -> set[Expression]:
        """What a truth value is about: the operands of its comparisons that are no numbers, and single truth values."""
        found: set[Expression] = set()
        for node in walk(test):
            if isinstance(node, Compare):
                found |= {self._original(operand) for operand in node.operands if not isinstance(operand, Literal)}
            elif isinstance(node, Name | Element) and node.type is BOOL:
                found.add(self._original(node))
        return found

    def _original(self, node: Expression) -> Expression:
        """`node` or, of a local that was defined as another variable or an element, that."""
        node = bare(node)
        while isinstance(node, Name) and node.name in self.copies:
            node = bare(self.copies[node.name])
        return node

    def _uncertain(self, test: Typed, depth: int) -> Typed:
        """`test`, together with a comparison if it always has the same value, as `wp.isnan` has of finite numbers."""
        if not test.interval.is_point:
            return test
        if not self.dice.chance(self.weights.conditions.certain):
            return self.comparison(depth)
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
                if not known & self.subjects(operand):
                    break
                operand = self.comparison(depth - 1).node
            else:
                continue
            known |= self.subjects(operand)
            operands.append(operand)
        if len(operands) < 2:
            return Typed(operands[0], intervals.TRUTH)
        self.nodes += 1
        return Typed(Logical(BOOL, self.dice.one_of(("and", "or")), tuple(operands)), intervals.TRUTH)

    @counting_uses
    def comparison(self, depth: int) -> Typed:
        """One comparison, or a chain of two, that neither always nor never holds as far as intervals and the tests
        around it tell."""
        numbers = sorted((t for t in self.allowed if t is not BOOL), key=lambda t: (t is not self.main, repr(t)))
        of = self.main if self.dice.chance(60) else self.dice.one_of(numbers)
        assert isinstance(of, Scalar)
        left = self._subject(of, depth)
        known = self.facts.interval(left)
        self.nodes += 1
        chained = self.dice.chance(self.features.percent("chain", self.weights.conditions.chain))
        if chained and known.high - known.low >= (SHORTEST_CHAIN if of.is_integer else 0):
            return self._chain(left, of, depth)
        right = self._threshold(left, of) if self.dice.chance(60) else self.expression(of, depth - 1)
        if not self._may_meet(left, right):
            right = self._threshold(left, of)
        operators = _ORDERINGS if of.is_float else _COMPARISONS
        other = self.facts.interval(right)
        open_ones = [op for op in operators if not decided(op, known, other)] or list(operators)
        return Typed(Compare(BOOL, (self.dice.one_of(open_ones),), (left.node, right.node)), intervals.TRUTH)

    def _subject(self, of: Scalar, depth: int) -> Typed:
        """What a comparison is about: something that may still lie on either side of a threshold."""
        value = self.expression(of, depth - 1)
        for _ in range(TRIES):
            if not self.facts.interval(value).is_point:
                break
            value = self.element(of) if self._may_read(of) else self._index_value(of)
        return value

    def _chain(self, left: Typed, of: Scalar, depth: int) -> Typed:
        """``low < value <= high``: the one in the lower half of what the value may be, the other in the upper half."""
        low, high = self.facts.interval(left)
        tenth = (high - low) / 10
        least = self.literal(of, Interval(low + tenth, low + 4 * tenth))
        most = self._bound(left, of, depth - 1)
        if most is None:
            most = self.literal(of, Interval(high - 4 * tenth, high - tenth))
        pair = (self.dice.one_of(("<", "<=")), self.dice.one_of(("<", "<=")))
        return Typed(Compare(BOOL, pair, (least.node, left.node, most.node)), intervals.TRUTH)

    def _bound(self, left: Typed, of: Scalar, depth: int) -> Typed | None:
        """The last operand of a chain, if it is no number; rarely a bare array element, which Warp is known to refuse
        there."""
        value = self.expression(of, depth)
        lazy = isinstance(value.node, Element) or (isinstance(value.node, Name) and "." in value.node.name)
        if lazy and not self.dice.chance(self.weights.conditions.bare_element):
            return None
        low, high = self.facts.interval(left)
        return value if self._may_meet(left, value) and value.interval.low > low + (high - low) / 3 else None

    def _may_meet(self, left: Typed, right: Typed) -> bool:
        """Whether two values say something of each other: neither is made of the other, nothing has compared them, and
        a good part of what they may be lies in common."""
        if right.interval.is_point or self.facts.have_compared(left.node, right.node):
            return isinstance(right.node, Literal) and not decided("<", self.facts.interval(left), right.interval)
        if self._sources(left.node) & self._sources(right.node):
            return False
        one, other = self.facts.interval(left), self.facts.interval(right)
        common = min(one.high, other.high) - max(one.low, other.low)
        return common >= COMMON * min(one.high - one.low, other.high - other.low) and common > 0

    def _sources(self, node: Node) -> set[Expression]:
        """The elements and the variables that a value is made of, and what of them is but a copy."""
        if isinstance(node, Element):
            return {node}
        found = {source for child in children(node) for source in self._sources(child)}
        if isinstance(node, Name):
            found |= {node, self.copies.get(node.name, node)}
        return found

    def _middle(self, value: Typed, of: Scalar) -> Typed:
        """A literal near the middle of what `value` may be."""
        return self.literal(of, self._beside(value))

    def _threshold(self, value: Typed, of: Scalar) -> Typed:
        """A literal near the middle of what `value` may be here."""
        return self._middle(value._replace(interval=self.facts.interval(value)), of)

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
