"""Numbers of a kernel that get a name in the module, or that Python computes while the kernel is compiled."""

from __future__ import annotations

from typing import Any

import msgspec

from strategies.intervals import Interval
from strategies.language.nodes import (
    Apply,
    AugmentedAssign,
    Break,
    Call,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Element,
    Expression,
    For,
    Function,
    If,
    Item,
    Literal,
    Name,
    Node,
    Numbers,
    Parameter,
    Return,
    Statement,
    Static,
    rebuild,
    walk,
)
from strategies.language.rules import is_given
from strategies.language.types import BOOL, FLOAT32, INT32, Scalar
from strategies.scope import Variable
from strategies.statements import Sketch

#: Where a number may stand as well as a name: not where a literal is asked for, nor as a variable's first value.
_PLACES = (Apply, Compare, Conditional, Construct, Call, AugmentedAssign, Return)
#: Of 100 literals in such places, how many get a name, and how many are computed in Python.
NAMED = 55
COMPUTED = 22
#: Of 100 names in a function, how many are those of a variable of the kernel.
SHADOWED = 20
#: Of 100 zeros and numbers that nobody chooses, how many may have names.
UNUSUAL = 12
#: Of 100 vectors that are made of different numbers, how many have one.
SEVERAL = 60
#: Of 100 constants, how many are plain numbers of the module, and how many are written in small letters.
BARE = 30
SMALL = 15
#: Of 100 names for a number below zero, how many are of its negative, ``-LIMIT``; of 100 for one above, likewise: few
#: people write ``-DEPTH`` for a depth of -2.
NEGATED = 45
TWICE_NEGATED = 3
#: Of 100 static expressions, how many are of literals alone.
LITERALS = 8
#: Of 100 loops over a table, how many have a way out: Warp is known to leave the loop around them then.
LEFT = 25
#: What tables hold.
_WEIGHTS = (0.25, 0.5, 1.0, -1.0, 2.0, 0.125, -0.5)


class Constants:
    """Names for the numbers of one program."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self._dice = sketch.dice
        self._named: dict[Literal | Numbers, Constant] = {}
        self._taken: set[str] = set()

    def name(self) -> str:
        """A new name of the module."""
        found = self.sketch.fresh()
        found = found if self._dice.chance(SMALL) else found.upper()
        self._taken.add(found)
        return found

    def constant(self, node: Literal | Numbers, bound: frozenset[str]) -> Constant:
        """The constant that stands for a number, or several, where the names `bound` mean something else."""
        found = self._named.get(node)
        if found is None or found.name in bound:
            # a bare number of another type than Warp's default would be one of that default
            known = isinstance(node, Numbers) or node.type.notation in ("float32", "int32", "bool")
            bare = known and self._dice.chance(BARE)
            found = Constant(node.type, self._new_name(bound), node, not bare)
            self._named[node] = found
        return found

    def _new_name(self, bound: frozenset[str]) -> str:
        """A new name, at times that of a variable elsewhere in the program."""
        others = sorted({v.name for v in self.sketch.defined} - bound - self._taken)
        if others and self._dice.chance(SHADOWED):
            self._taken.add(others[0])
            return others[0]
        found = self.name()
        return found.upper() if found in bound else found

    # ------------------------------------------------------------ in a program

    def in_body(self, body: tuple[Statement, ...], bound: frozenset[str]) -> tuple[Statement, ...]:
        """`body` with names, or static expressions, for many of its numbers."""

        def change(node: Any) -> Any:
            if isinstance(node, Static | Constant):
                return node
            if isinstance(node, (*_PLACES, Component)):
                node = rebuild(node, lambda part: self._as_one(part, bound))
            new = rebuild(node, change)
            if isinstance(new, Element | For) or not isinstance(new, _PLACES):
                return new
            fields: dict[str, Any] = {}
            for name in new.__struct_fields__:
                part = getattr(new, name)
                if isinstance(part, Literal):
                    fields[name] = self._instead(part, bound)
                elif isinstance(part, tuple) and any(isinstance(p, Literal) for p in part):
                    fields[name] = tuple(self._instead(p, bound) if isinstance(p, Literal) else p for p in part)
            return msgspec.structs.replace(new, **fields) if fields else new

        return tuple(map(change, body))

    def in_function(self, function: Function, elsewhere: frozenset[str]) -> Function:
        """`function` with names for many of its numbers."""
        bound = bound_names(function) | elsewhere
        return msgspec.structs.replace(function, body=self.in_body(function.body, bound))

    def _as_one(self, node: Any, bound: frozenset[str]) -> Any:
        """A vector that is made of numbers alone as a constant, mostly; anything else as it is."""
        if not isinstance(node, Construct) or not all(isinstance(part, Literal) for part in node.arguments):
            return node
        numbers = Numbers(node.type, tuple(part for part in node.arguments if isinstance(part, Literal)))
        # one for all of them is what guards hold values by
        if len(node.arguments) < 2 or not is_given(numbers) or not self._dice.chance(SEVERAL):
            return node
        return self.constant(numbers, bound)

    def _instead(self, node: Literal, bound: frozenset[str]) -> Expression:
        of = node.type
        if not isinstance(of, Scalar) or of.kind == "bool":
            return node
        if not self._telling(node):
            return node
        if self._dice.chance(COMPUTED):
            return self._computed(node, bound)
        if not self._dice.chance(NAMED):
            return node
        turned = of.is_signed and node.value != 0 and -node.value <= of.limits[1]
        if turned and self._dice.chance(NEGATED if node.value < 0 else TWICE_NEGATED):
            negative = self.constant(Literal(of, -node.value), bound)
            return Apply(of, "neg", (negative,))
        return self.constant(node, bound)

    def _telling(self, node: Literal) -> bool:
        """Whether a number means something: what guards hold values by, and zero, rarely get names."""
        usual = node.value != 0 and (not isinstance(node.type, Scalar) or not node.type.is_float or _short(node.value))
        return usual or self._dice.chance(UNUSUAL)

    def _computed(self, node: Literal, bound: frozenset[str]) -> Expression:
        """A static expression that gives the number."""
        of, value = node.type, node.value
        assert isinstance(of, Scalar)
        if of.is_float:
            return Static(of, self._of_others(float(value), bound))
        if not -1000 < value < 1000:
            return Static(of, Literal(INT32, value)) if INT32.limits[0] <= value <= INT32.limits[1] else node
        step = self._dice.between(1, 4)
        base = Literal(INT32, int(value) - step)
        first = base if self._dice.chance(LITERALS) else self.constant(base, bound)
        return Static(of, Apply(INT32, "add", (first, Literal(INT32, step))))

    def _of_others(self, value: float, bound: frozenset[str]) -> Expression:
        """A float as it comes out of a rounder one, mostly one with a name: half of it, one less."""
        dice = self._dice
        ways: list[tuple[float, str, float]] = [
            (value * 2, "mul", 0.5),
            (value / 2, "mul", 2.0),
            (value * 4, "mul", 0.25),
        ]
        ways += [(value + 1, "sub", 1.0), (value - 1, "add", 1.0), (value - 0.5, "add", 0.5)]
        known = [way for way in ways if way[0] and _short(way[0]) and _again(*way) == value]
        base, op, by = dice.one_of(known or ways[:1])
        first: Expression = Literal(FLOAT32, base)
        if not dice.chance(LITERALS):
            first = self.constant(Literal(FLOAT32, base), bound)
        return Apply(FLOAT32, op, (first, Literal(FLOAT32, by)))

    # ------------------------------------------------------------ tables

    def weighted_sum(self) -> list[Statement]:
        """A loop that is unrolled, with weights out of a table or out of its index."""
        sketch, dice, main = self.sketch, self._dice, self.sketch.main
        trips = dice.between(2, 5)
        made = sketch.define_as(sketch.literal(main), mutable=True)
        total = sketch.defined[-1]
        index = sketch.fresh()
        k = Name(INT32, index)
        source = sketch.array(main, (trips + dice.below(2),), sketch.input_interval(main))
        place: Expression = k
        if dice.chance(30):
            # as far from the end
            place = Static(INT32, Apply(INT32, "sub", (Literal(INT32, trips - 1), k)))
        element = Element(main, source.name, (place,))
        if dice.chance(60):
            values = tuple(Literal(FLOAT32, dice.one_of(_WEIGHTS)) for _ in range(trips))
            weight: Expression = Static(main, Item(FLOAT32, self.name(), values, k))
        else:
            scaled = Apply(FLOAT32, "mul", (k, Literal(FLOAT32, dice.one_of((0.25, 0.5, 0.125)))))
            weight = Static(main, Apply(FLOAT32, "add", (scaled, Literal(FLOAT32, dice.one_of((1.0, 0.5, -1.0))))))
        add = AugmentedAssign(Name(main, total.name), "add", Apply(main, "mul", (element, weight)))
        size = max(abs(source.low), abs(source.high)) * 2 * trips
        total.interval = total.interval._replace(low=total.interval.low - size, high=total.interval.high + size)
        total.used, total.live = False, True
        end: Expression = Literal(INT32, trips)
        if dice.chance(40):
            end = self.constant(Literal(INT32, trips), frozenset(sketch.scope.taken))
        if not dice.chance(LEFT):
            return [made, For(index, end, (add,))]
        return [made, *self._left(source, For(index, end, (add,)), total, size)]

    def _left(self, source: Parameter, loop: For, total: Variable, size: float) -> list[Statement]:
        """A loop like that with a way out, at times in another loop."""
        sketch, dice = self.sketch, self._dice
        k, (add,) = Name(INT32, loop.name), loop.body
        outer = sketch.fresh()
        number: Expression = Element(sketch.main, source.name, (k,))
        nested = dice.chance(70)
        limit: Expression = Literal(sketch.main, dice.one_of((0.25, 0.5, 1.0)))
        if nested and dice.chance(50):
            number, limit = Apply(INT32, "add", (k, Name(INT32, outer))), Literal(INT32, dice.between(1, 3))
        leave = If(Compare(BOOL, (dice.one_of((">", ">=")),), (number, limit)), (Break(),))
        loop = For(loop.name, loop.stop, (leave, add) if dice.chance(60) else (add, leave))
        if not nested:
            return [loop]
        times = dice.between(2, 3)
        bound: Expression = Name(INT32, sketch.scalar_parameter(INT32, Interval(1, times)).name)
        total.interval = Interval(total.interval.low - size * times, total.interval.high + size * times)
        return [For(outer, bound if dice.chance(75) else Literal(INT32, times), (loop,))]


def _short(value: float) -> bool:
    """Whether people write a number so."""
    return value == round(value, 3)


def _again(base: float, op: str, by: float) -> float:
    return {"mul": base * by, "add": base + by, "sub": base - by}[op]


def bound_names(owner: Node) -> frozenset[str]:
    """The names that mean a variable or a parameter in a function."""
    return frozenset(n.name for n in walk(owner) if isinstance(n, Name | For | Parameter | Function))
