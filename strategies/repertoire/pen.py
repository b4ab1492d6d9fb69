"""Statements written down as a person would: values with operators, loops and branches as blocks, all in range.

A `Pen` stands on a `Sketch`, which it takes names, guards and literals from; what it writes is in the sketch's scope,
so that expressions of the grammar may stand in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from strategies import views
from strategies.blocks import changeable_value, rounded, whole
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Element,
    Expression,
    For,
    If,
    Name,
    Parameter,
    Return,
    Slice,
    Statement,
    Unpack,
)
from strategies.language.types import INT32, Array, Composite, Scalar, Type
from strategies.ops import ATOMICS, REACH
from strategies.repertoire.values import Value, Values
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed


class Pen(Values):
    """Writes the statements of a kernel's body."""

    def __init__(self, sketch: Sketch) -> None:
        super().__init__(sketch)
        self.body: list[Statement] = []
        self._depth = 0
        self._fixed: set[str] = set()
        #: sums of which a term was bent to fit, so that it has another sign perhaps
        self._bent: set[str] = set()
        #: what was made small enough to be added to an array, by what it was
        self._summands: dict[tuple[Typed, str, int], Typed] = {}
        #: what sums may hold after the changes so far, by name
        self._sums: dict[str, Interval] = {}

    def named(self, value: Value, percent: int = 60) -> Value:
        """`value` under a local name, or as it is."""
        return self.let(value) if self.dice.chance(percent) else value

    def let(self, value: Value, mutable: bool = False, within: Interval | None = None) -> Value:
        """A local with `value`, which stays `within` an interval whatever happens to it, if one is given."""
        typed = self.sketch.fit_local(value.typed)
        self.body.append(self.sketch.define_as(typed, mutable))
        variable = self.sketch.defined[-1]
        variable.used = False
        if within is not None:
            self._sums[variable.name] = typed.interval
            variable.interval = within.join(typed.interval)
            self._fixed.add(variable.name)
        return Value(self, Typed(Name(variable.type, variable.name), variable.interval, typed.live), variable)

    def assign(self, local: Value, value: Value) -> None:
        """``name = value``, of a local that was made mutable."""
        variable = local.variable
        assert variable is not None
        if variable.name in self._fixed:
            typed = self.sketch.fit(value.typed, variable.interval)
        else:
            typed = self.sketch.fit_local(value.typed)
            variable.interval = variable.interval.join(typed.interval) if self._depth else typed.interval
        variable.live = typed.live or (variable.live and self._depth > 0)
        variable.used = False
        self.body.append(Assign(Name(variable.type, variable.name), changeable_value(typed.node)))

    def unpack(self, targets: list[Value], values: list[Value]) -> None:
        """``a, b = b, a + b``."""
        given = [self.sketch.fit_local(v.typed) for v in values]
        for target, value in zip(targets, given, strict=True):
            assert target.variable is not None
            target.variable.interval = target.variable.interval.join(value.interval)
            target.variable.live |= value.live
            target.variable.used = False
        names = tuple(Name(t.type, t.variable.name) for t in targets if t.variable is not None)
        self.body.append(Unpack(names, tuple(v.node for v in given)))

    def add(self, local: Value, value: Value, operator: str = "add") -> None:
        """``name += value``, as often as the loops around it say that the local was defined outside of."""
        variable = local.variable
        assert variable is not None
        times = 1
        for trips in self.sketch.loop_trips[variable.loop_depth :]:
            times *= trips
        scalar = types.element_scalar(variable.type)
        most = rounded(REACH[scalar.notation] / (4 * times), scalar)
        typed = self.sketch.fit(value.typed, symmetric(most)) if scalar.kind != "uint" else value.typed
        known = self._sums.pop(variable.name, variable.interval)
        if variable.name in self._fixed:
            room = rounded((variable.interval.size - known.size) / times, scalar)
            typed = self.sketch.fit(typed, symmetric(room))
            self._sums[variable.name] = symmetric(known.size + typed.interval.size * times)
        else:
            variable.interval = symmetric(known.size + typed.interval.size * times)
        if scalar.is_integer and known.low >= 0 and typed.interval.low >= 0 and operator == "add":
            variable.interval = Interval(known.low, variable.interval.high)
        self._sums.setdefault(variable.name, variable.interval)
        if typed.node is not value.node:
            self._bent.add(variable.name)
        variable.live |= typed.live
        variable.used = False
        self.body.append(AugmentedAssign(Name(variable.type, variable.name), operator, typed.node))

    def total(self, of: Type | None = None) -> Value:
        """A local to add up in, which begins with zero."""
        found = self.let(self.zero(of or self.main), mutable=True)
        variable = found.variable
        assert variable is not None
        # the grammar reads no sum that is not finished
        variable.constant, variable.sum_only = False, True
        self._sums[variable.name] = variable.interval
        return found

    def sparse_row(self, bounds: tuple[Value, Value], places: Parameter, values: Parameter, x: Parameter) -> Value:
        """The entries of a sparse row, which lie from the one of `bounds` to the other, times what `x` has at their
        `places`, summed."""
        start, stop = bounds
        assert isinstance(x.type, Array)
        total = self.total(x.type.dtype)
        with self.loop(stop, start) as k:
            j = self.named(self.at(places, k), 50)
            self.add(total, self.at(values, k) * self.at(x, j))
        return self.settled(total, linear=True)

    def settled(self, local: Value, linear: bool = False) -> Value:
        """A sum after its loops; with `linear` it is read in sums alone, as of a loop that is not unrolled."""
        assert local.variable is not None
        local.variable.interval = self._sums.get(local.variable.name, local.variable.interval)
        local.variable.sum_only = linear
        return local

    def above(self, local: Value, low: float) -> Value:
        """A sum after its loops whose terms, as they were written, leave it no lower than `low`, which is 0 or more."""
        found = self.settled(local)
        assert found.variable is not None
        if found.variable.name in self._bent:
            found = self.op("abs", found) + low if low else self.op("abs", found)
        return found.narrowed(low, max(1.0, found.interval.high))

    def store(self, array: Parameter, value: Value, *indices: Value | int, operator: str | None = None) -> None:
        """``out[i] = value``, or with an operator, ``out[i] += value``."""
        assert isinstance(array.type, Array)
        target = Element(array.type.dtype, array.name, self._nodes(array, indices))
        if operator is None:
            self.body.append(Assign(target, value.node))
        else:
            times = 1
            for trips in self.sketch.loop_trips:
                times *= trips
            summand = self.sketch.summand(array, value.typed, times)
            self.body.append(AugmentedAssign(target, operator, summand.node))

    def keep(self, value: Value, *indices: Value | int) -> None:
        """The result in an output of its own, with an element for each thread."""
        assert isinstance(value.type, Scalar | Composite)
        self.store(self.output(value.type), value, *indices)

    def give(self, value: Value) -> None:
        """The result as it is, or with what is the thread's own, or added to what there is."""
        dice = self.dice
        match dice.below(8) if value.type is self.main else 7:
            case 0:
                value = value * self.at(self.input())
            case 1:
                value = value + self.at(self.input())
            case 2:
                value = self.at(self.input()) - value
            case 3:
                value = value * self.number(0.25, 1.5)
            case 4:
                self.store(self.output(), value, operator=dice.one_of(("add", "add", "sub")))
                return
        self.keep(value)

    def atomic(self, op: str, array: Parameter, value: Value, *indices: Value | int) -> None:
        """``wp.atomic_add(out, i, value)`` and its like, or ``out[i] += value``; a sum where the type has no such."""
        assert isinstance(array.type, Array)
        if types.element_scalar(array.type).notation not in ATOMICS[op]:
            op = "atomic_add"
        typed = value.typed
        if op in ("atomic_add", "atomic_sub"):
            typed = self.summand(array, value).typed
        self.body += self.sketch.scatter(op, array, self._nodes(array, indices), typed)

    def summand(self, array: Parameter, value: Value) -> Value:
        """`value`, small enough for every thread to add it here; the same for all cells that it is added to."""
        times = math.prod(self.sketch.launch) * math.prod(self.sketch.loop_trips)
        key = value.typed, array.name, times
        if key not in self._summands:
            self._summands[key] = self.sketch.summand(array, value.typed, times)
        return Value(self, self._summands[key])

    def part(self, array: Parameter, *indices: Value | Slice, lengths: tuple[int, ...] = ()) -> Parameter:
        """``name = array[indices]``; `lengths` are those of the axes with a slice."""
        nodes: tuple[Expression | Slice, ...] = tuple(i if isinstance(i, Slice) else i.node for i in indices)
        made, found = views.take(self.sketch, array, nodes, lengths)
        self.body += made
        return found

    def leave(self, test: Expression) -> None:
        """``if test: return``."""
        self.body.append(If(test, (Return(),)))

    # ------------------------------------------------------------ blocks

    @contextmanager
    def _block(self) -> Iterator[list[Statement]]:
        outer, self.body = self.body, []
        inner = self.body
        mark, parts = self.sketch.scope.mark(), len(self.sketch.views)
        self._depth += 1
        yield inner
        self._depth -= 1
        del self.sketch.views[parts:]
        gone = self.sketch.scope.release(mark)
        self.sketch.defined = [v for v in self.sketch.defined if v not in gone]
        self.body = outer

    @contextmanager
    def loop(self, stop: int | Value, start: int | Value = 0, step: int = 1) -> Iterator[Value]:
        """``for k in range(start, stop, step):``, with the index."""
        first = start if isinstance(start, Value) else self.whole(start)
        last = stop if isinstance(stop, Value) else self.whole(stop)
        up = step > 0
        interval = (
            Interval(first.interval.low, last.interval.high - 1)
            if up
            else Interval(last.interval.low + 1, first.interval.high)
        )
        trips = max(1, int(interval.high - interval.low + abs(step)) // abs(step))
        name = self.sketch.fresh()
        index = Variable(name, INT32, interval, constant=True)
        with self._block() as inner:
            self.sketch.scope.add(index)
            self.sketch.loop_indices.append(index)
            self.sketch.loop_trips.append(trips)
            yield Value(self, Typed(Name(INT32, name), interval))
            self.sketch.loop_trips.pop()
            self.sketch.loop_indices.pop()
        plain = first.node == whole(0) and step == 1
        self.body.append(
            For(
                name,
                last.node,
                tuple(inner),
                None if plain else first.node,
                None if step == 1 else whole(step),
            )
        )

    @contextmanager
    def when(self, test: Expression) -> Iterator[None]:
        """``if test:``."""
        with self._block() as inner:
            yield
        self.body.append(If(test, tuple(inner)))

    @contextmanager
    def otherwise(self) -> Iterator[None]:
        """``else:`` of the branch before."""
        before = self.body.pop()
        assert isinstance(before, If)
        with self._block() as inner:
            yield
        self.body.append(msgspec.structs.replace(before, orelse=tuple(inner)))
