"""``while`` loops as people write them: divisors, digits, binary search, chains of links, bounded iterations."""

from __future__ import annotations

from collections.abc import Callable

from strategies.blocks import whole
from strategies.intervals import Interval
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Break,
    Compare,
    Expression,
    If,
    Literal,
    Logical,
    Name,
    Statement,
    While,
)
from strategies.language.types import BOOL, INT32
from strategies.repertoire.exit_forms import ExitForms


def _op(op: str, left: Expression, right: Expression) -> Apply:
    return Apply(left.type, op, (left, right))


def _test(left: Expression, op: str, right: Expression) -> Compare:
    return Compare(BOOL, (op,), (left, right))


class WhileForms(ExitForms):
    """Draws whole ``while`` loops, each with what it computes."""

    def changing(self, low: int, high: int) -> tuple[Name, Statement]:
        """A local whole number between `low` and `high` that the loop changes: of an array, or of a parameter."""
        if self.dice.chance(75):
            fitting = [
                p
                for p in self.readable(INT32)
                if p.low >= low
                and p.high <= high
                and len(p.shape) == len(self.launch)
                and all(n >= m for n, m in zip(p.shape, self.launch, strict=True))
            ]
            if not fitting or self.dice.chance(40):
                fitting = [self.array(INT32, self.launch_shape(), Interval(low, high))]
            return self.start_at(self.read(self.dice.one_of(fitting), *self.own_indices()).node)
        moved = self.dice.chance(70) and high - self.launch[0] > low
        given = self.scalar_parameter(INT32, Interval(low, high - self.launch[0] if moved else high))
        given.used = True
        own = self.own_indices()[0]
        if moved:
            return self.start_at(_op("add", Name(INT32, given.name), own))
        return self.start_at(Name(INT32, given.name))

    def divisor(self) -> list[Statement]:
        """Euclid's greatest common divisor."""
        (a, first), (b, second) = self.changing(1, 60), self.changing(0, 40)
        rest = Name(INT32, self.fresh())
        body = [Assign(rest, _op("mod", a, b)), Assign(a, b), Assign(b, rest)]
        made: list[Statement] = [first, second, While(_test(b, self.dice.one_of(("!=", ">")), whole(0)), tuple(body))]
        return [*made, *self.leave_result(a, Interval(0, 60), False, True)]

    def collatz(self) -> list[Statement]:
        """Steps of a rule that halves even numbers and changes odd ones, with a bound on their count."""
        most = self.dice.between(5, 12)
        (n, first), (steps, zero) = self.changing(1, 20), self.start(INT32, 0)
        half = Assign(n, _op(self.dice.one_of(("floordiv", "div")), n, whole(2)))
        if self.dice.chance(70):
            odd: Statement = Assign(n, _op("add", _op("mul", n, whole(3)), whole(1)))
        else:
            odd = AugmentedAssign(n, "sub", whole(1))
        choose = If(_test(_op("mod", n, whole(2)), "==", whole(0)), (half,), (odd,))
        count = AugmentedAssign(steps, "add", whole(1))
        tests = [_test(n, self.dice.one_of(("!=", ">")), whole(1)), _test(steps, "<", whole(most))]
        if self.dice.chance(30):
            leave = If(_test(steps, ">=", whole(most)), (Break(),))
            loop = While(tests[0], (leave, choose, count))
        else:
            loop = While(Logical(BOOL, "and", tuple(tests)), (choose, count))
        return [first, zero, loop, *self.leave_result(steps, Interval(0, most), False, True)]

    def digits(self) -> list[Statement]:
        """What a number is made of: its bits or digits, counted or summed, or the number turned around."""
        base = self.dice.one_of((2, 2, 10, 3))
        (n, first), (total, zero) = self.changing(0, 99), self.start(INT32, 0)
        digit = _op("mod", n, whole(base))
        less: Statement = Assign(n, _op("floordiv", n, whole(base)))
        if base == 2 and self.dice.chance(60):
            digit = _op("bit_and", n, whole(1))
            less = Assign(n, _op("rshift", n, whole(1)))
            if self.dice.chance(50):
                less = AugmentedAssign(n, "rshift", whole(1))
        high = 99 if base == 10 else 128
        match self.dice.below(3):
            case 0:
                add: Statement = AugmentedAssign(total, "add", whole(1))
            case 1:
                add = AugmentedAssign(total, "add", digit)
            case _:
                add = Assign(total, _op("add", _op("mul", total, whole(base)), digit))
                high = 250
        loop = While(_test(n, ">", whole(0)), (add, less))
        return [first, zero, loop, *self.leave_result(total, Interval(0, high), False, True)]

    def bisected(self) -> list[Statement]:
        """Where a value belongs in a table: a binary search, whatever the table holds."""
        count = self.dice.between(5, 9)
        of = self.main if self.dice.chance(40) else INT32
        table = self.array(of, (count,), self.input_interval(of))
        (low, zero), (high, end) = self.start(INT32, 0), self.start(INT32, count)
        wanted = self.own_element(of)
        middle = Name(INT32, self.fresh())
        total = _op("add", low, high)
        half = _op("rshift", total, whole(1)) if self.dice.chance(20) else _op("floordiv", total, whole(2))
        found = self.read(table, middle)
        test = _test(found.node, self.dice.one_of(("<", "<=")), wanted.node)
        right, left = Assign(low, _op("add", middle, whole(1))), Assign(high, middle)
        body = (Assign(middle, half), If(test, (right,), (left,)))
        made: list[Statement] = [zero, end, While(_test(low, "<", high), body)]
        return [*made, *self.leave_result(low, Interval(0, count), False, True)]

    def linked(self) -> list[Statement]:
        """A chain of links through an array, up to its end or a bound on the steps."""
        count, steps = self.dice.between(5, 8), self.dice.between(3, 6)
        links = self.array(INT32, (count,), Interval(-1, count - 1))
        values = self.array(INT32, (count,), Interval(0, 5))
        heads = self.array(INT32, self.launch_shape(), Interval(-1, count - 1))
        at, first = self.start_at(self.read(heads, *self.own_indices()).node)
        (step, zero), (total, begin) = self.start(INT32, 0), self.start(INT32, 0)
        tests = (_test(at, ">=", whole(0)), _test(step, "<", whole(steps)))
        add: Statement = AugmentedAssign(total, "add", self.read(values, at).node)
        if self.dice.chance(30):
            add = If(_test(self.read(values, at).node, ">", whole(2)), (add,))
        follow = Assign(at, self.read(links, at).node)
        count_up = AugmentedAssign(step, "add", whole(1))
        loop = While(Logical(BOOL, "and", tests), (add, follow, count_up))
        return [first, zero, begin, loop, *self.leave_result(total, Interval(0, 5 * steps), False, True)]

    def walked(self) -> list[Statement]:
        """A segment that offsets bound, walked by a counter; a hit ends it at times."""
        bounds = self.segment_bounds()
        assert bounds.start is not None
        (at, first), (total, zero) = self.start_at(bounds.start), self.start(INT32, 0)
        # one more than a segment may end at, for a test that reads before it knows that the end is reached
        values = self.array(INT32, (int(bounds.interval.high) + 2,), Interval(0, 9))
        found = self.read(values, at).node
        body: list[Statement] = [AugmentedAssign(total, "add", found), AugmentedAssign(at, "add", whole(1))]
        test: Expression = _test(at, "<", bounds.stop)
        if self.dice.chance(35):
            test = Logical(BOOL, "and", (test, _test(found, "!=", whole(self.dice.below(9)))))
        elif self.dice.chance(40):
            body.insert(0, If(_test(found, ">", whole(self.dice.between(4, 7))), (Break(),)))
        loop = While(test, tuple(body))
        return [first, zero, loop, *self.leave_result(total, Interval(0, 9 * bounds.trips), False, True)]

    def power_of(self) -> list[Statement]:
        """A whole power by repeated squaring, a root by trial, or the next power of two."""
        match self.dice.below(3):
            case 0:
                (base, first), (power, second) = self.changing(1, 3), self.changing(0, 5)
                total, one = self.start(INT32, 1)
                odd = If(_test(_op("mod", power, whole(2)), "==", whole(1)), (AugmentedAssign(total, "mul", base),))
                square = AugmentedAssign(base, "mul", base)
                less = Assign(power, _op("floordiv", power, whole(2)))
                loop = While(_test(power, ">", whole(0)), (odd, square, less))
                return [first, second, one, loop, *self.leave_result(total, Interval(1, 243), False, True)]
            case 1:
                (n, first), (root, zero) = self.changing(0, 50), self.start(INT32, 0)
                more = _op("add", root, whole(1))
                loop = While(_test(_op("mul", more, more), "<=", n), (AugmentedAssign(root, "add", whole(1)),))
                return [first, zero, loop, *self.leave_result(root, Interval(0, 8), False, True)]
        (n, first), (size, one) = self.changing(1, 40), self.start(INT32, 1)
        grow: Statement = AugmentedAssign(size, "mul", whole(2))
        if self.dice.chance(40):
            grow = Assign(size, _op("lshift", size, whole(1)))
        made: list[Statement] = [first, one, While(_test(size, "<", n), (grow,))]
        return [*made, *self.leave_result(size, Interval(1, 64), False, True)]

    def newton(self) -> list[Statement]:
        """A root by Newton's rule or by halving an interval, with a bound on the steps."""
        of, steps = self.main, self.dice.between(4, 6)
        array = self.array(of, self.launch_shape(), Interval(0.5, 4.0))
        wanted = self.read(array, *self.own_indices()).node
        (count, zero) = self.start(INT32, 0)
        half = self._constant(of, 0.5)
        again = _test(count, "<", whole(steps))
        up = AugmentedAssign(count, "add", whole(1))
        if self.dice.chance(50):
            root, begin = self.start_at(wanted) if self.dice.chance(50) else self.start(of, 1.0)
            better = _op("mul", half, _op("add", root, _op("div", wanted, root)))
            error = Apply(of, "abs", (_op("sub", _op("mul", root, root), wanted),))
            close = _test(error, ">", self._constant(of, self.dice.one_of((0.0625, 0.125))))
            loop = While(Logical(BOOL, "and", (again, close)), (Assign(root, better), up))
            return [zero, begin, loop, *self.leave_result(root, Interval(0.25, 4.5), True, True)]
        (low, first), (high, second) = self.start(of, 0.0), self.start(of, 4.0)
        middle = Name(of, self.fresh())
        test = _test(_op("mul", middle, middle), "<", wanted)
        halve = Assign(middle, _op("mul", half, _op("add", low, high)))
        body = (halve, If(test, (Assign(low, middle),), (Assign(high, middle),)), up)
        return [first, second, zero, While(again, body), *self.leave_result(low, Interval(0.0, 4.0), False, True)]

    def endless(self) -> list[Statement]:
        """``while True``, which a ``break`` ends: a count up to the first hit, or to a bound."""
        trips = self.dice.between(4, 7)
        head = self.own_indices()[:1] if self.dice.chance(65) else ()
        counts = self.array(INT32, (*self.launch[: len(head)], trips), Interval(0, 4))
        (at, zero), (total, begin) = self.start(INT32, 0), self.start(INT32, 0)
        ended: Expression = _test(at, ">=", whole(trips))
        hit = _test(self.read(counts, *head, at).node, "==", whole(self.dice.below(4)))
        body: list[Statement] = [If(ended, (Break(),))]
        body.append(AugmentedAssign(total, "add", self.read(counts, *head, at).node))
        if self.dice.chance(60):
            body.append(If(hit, (Break(),)))
        body.append(AugmentedAssign(at, "add", whole(1)))
        loop = While(Literal(BOOL, True), tuple(body))
        return [zero, begin, loop, *self.leave_result(total, Interval(0, 4 * trips), False, True)]

    def table(self) -> list[Statement]:
        """Two loops, one in the other, over a table: what is in it is counted, summed or sought."""
        height, width = self.dice.between(2, 4), self.dice.between(2, 4)
        # a column more than is visited, for a test that reads before it knows that the end is reached
        table = self.array(INT32, (height, width + 1), Interval(0, 9))
        (row, first), (column, anew), (total, zero) = self.start(INT32, 0), self.start(INT32, 0), self.start(INT32, 0)
        found = self.read(table, row, column).node
        wanted: Expression = whole(self.dice.between(2, 6))
        if self.dice.chance(50):
            numbers = self.array(INT32, self.launch_shape(), Interval(0, 9))
            wanted = self.read(numbers, *self.own_indices()).node
        add: Statement = AugmentedAssign(total, "add", found if self.dice.chance(40) else whole(1))
        test = _test(found, self.dice.one_of((">", "<", "!=")), wanted)
        up = AugmentedAssign(column, "add", whole(1))
        if self.dice.chance(50):
            inner = While(_test(column, "<", whole(width)), (If(test, (add,)), up))
        else:
            inner = While(Logical(BOOL, "and", (_test(column, "<", whole(width)), test)), (add, up))
        down = AugmentedAssign(row, "add", whole(1))
        loop = While(_test(row, "<", whole(height)), (anew, inner, down))
        return [zero, first, loop, *self.leave_result(total, Interval(0, 9 * height * width), False, True)]

    def while_form(self) -> list[Statement]:
        """One of the ``while`` loops that people write."""
        forms: tuple[tuple[int, Callable[[], list[Statement]]], ...] = (
            (2, self.divisor), (2, self.collatz), (2, self.digits), (3, self.bisected), (2, self.linked),
            (3, self.walked), (3, self.power_of), (2, self.newton), (1, self.endless), (2, self.table),
        )  # fmt: skip
        return self.dice.weighted(forms)()
