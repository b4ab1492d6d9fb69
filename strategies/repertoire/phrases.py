"""Lines of a kernel written as text: what people write so often that no choice of operations would come to it.

A `Phrase` reads Python as a Warp user writes it, gives its names to new locals, its numbers the types that they stand
beside, and keeps between which values everything lies; a guard is put only where something could leave its domain.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from strategies.blocks import changeable_value
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Component,
    Continue,
    Element,
    For,
    If,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
    While,
)
from strategies.language.types import INT32, Array, Composite, Scalar
from strategies.repertoire.phrase_expressions import BINARY, Bound, Known, Reading, unread
from strategies.repertoire.phrase_intervals import Refined, refined
from strategies.statements import Sketch
from strategies.typed import Typed

Block: TypeAlias = tuple[Statement, ...]

#: Loops of a phrase run no more often than this for what is known of their locals to be found.
_MOST_TRIPS: Final = 64


class Phrase(Reading):
    """Writes the lines of one idea, in one kernel.

    ``i`` is the thread's place: as the first index of an array of as many dimensions as the launch, and of one for each
    further index, all of its indices.
    ``F`` is the kernel's float type and ``I`` the type of its whole numbers; other names are those that are `bound`,
    and new locals.
    """

    def __init__(self, sketch: Sketch, whole: Scalar = INT32, real: Scalar | None = None, **bound: Bound) -> None:
        super().__init__(sketch, whole, real)
        self.body: list[Statement] = []
        self._names: dict[str, str] = {}
        #: parameters that are made when they are read for the first time
        self._waiting: dict[str, Callable[[], Bound]] = {}
        self._changed: set[str] = set()
        #: where the innermost loop is left, or gone on with
        self._exits: list[list[Known]] = []
        index = sketch.indices[0] if sketch.indices else None
        own = {} if index is None else {"i": Typed(Name(INT32, index.name), index.interval)}
        self.bind(**own, **bound)

    # ------------------------------------------------------------ what lines are about

    def bind(self, **bound: Bound) -> Phrase:
        """Give names to values and arrays."""
        self.arrays.update({name: b for name, b in bound.items() if isinstance(b, Parameter)})
        for name, value in bound.items():
            if isinstance(value, Typed):
                self._known.values[name] = value
                if isinstance(value.node, Name):
                    self._names[name] = value.node.name
        return self

    def _resolve(self, tree: ast.AST) -> None:
        """Make the parameters that are read here for the first time."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in self._waiting:
                self.bind(**{node.id: self._waiting.pop(node.id)()})

    def array(
        self, name: str, of: Scalar | Composite, low: float, high: float, shape: tuple[int, ...] | None = None
    ) -> Phrase:
        """An input array, if anything reads it: one cell a thread without a `shape`."""
        self._waiting[name] = lambda: self.sketch.array(of, shape or self.sketch.launch_shape(), Interval(low, high))
        return self

    def line(self, name: str, of: Scalar | Composite, low: float, high: float, spare: int = 0) -> Phrase:
        """An input array of one dimension, a cell for each first index of the launch."""
        return self.array(name, of, low, high, (self.sketch.launch[0] + spare,))

    def parameter(self, name: str, of: Scalar, low: float, high: float) -> Phrase:
        """A parameter passed by value, if anything reads it."""
        interval = Interval(low, high)
        self._waiting[name] = lambda: self.sketch.variable(self.sketch.scalar_parameter(of, interval))
        return self

    def output(self, name: str, of: Scalar | Composite, shape: tuple[int, ...] | None = None) -> Phrase:
        """An output array."""
        return self.bind(**{name: self.sketch.output(of, shape)})

    def drawn(self, name: str, of: Scalar, reach: float = 4.0) -> Phrase:
        """A small expression of the grammar."""
        self.sketch.allowed = self.sketch.allowed | {of}
        value = self.sketch.expression(of, 1)
        if not value.live:
            value = self.sketch.element(of)
        return self.bind(**{name: self.sketch.fit(value, symmetric(reach))})

    def known(self, name: str) -> Typed:
        """What is known of a name now, for other parts of the kernel to read."""
        return self._known.values[name]

    # ------------------------------------------------------------ statements

    def write(self, text: str) -> Phrase:
        """Add the lines of `text`."""
        tree = ast.parse(text.replace("- -", "+ "))
        self._resolve(tree)
        times = Counter(_assigned(tree))
        self._changed |= {name for name, count in times.items() if count > 1 or name in self._names}
        self.body += self._block(tree.body)
        return self

    def value(self, text: str, of: Scalar | None = None) -> Typed:
        """The expression that `text` is."""
        tree = ast.parse(text, mode="eval")
        self._resolve(tree)
        return self._expression(tree.body, of)

    def inline(self, name: str) -> None:
        """Take back the last line, which gives `name` its value: whoever reads the name reads that instead."""
        match self.body[-1] if self.body else None:
            case Assign(target=Name(name=local), value=value) if local == self._names.get(name):
                if name not in self._changed:
                    self.body.pop()
                    self._known.values[name] = self.known(name)._replace(node=value)

    def reads(self, name: str) -> bool:
        """Whether the lines so far have read an array of that name."""
        return name in self.arrays

    def has(self, name: str) -> bool:
        """Whether a name stands for a value by now."""
        return name in self._known.values

    def _block(self, nodes: list[ast.stmt]) -> list[Statement]:
        return [self._statement(node) for node in nodes]

    def _statement(self, node: ast.stmt) -> Statement:
        match node:
            case ast.Assign(targets=[target], value=value):
                return self._assign(target, value)
            case ast.AugAssign(target=target, op=op, value=value):
                return self._augmented(target, BINARY[type(op)], value)
            case ast.If(test=test, body=body, orelse=orelse):
                return self._if(test, body, orelse)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=bounds), body=body):
                return self._for(name, bounds, body)
            case ast.While(test=test, body=body):
                return self._while(test, body)
            case ast.Break():
                self._exits[-1].append(self._known.copy())
                return Break()
            case ast.Continue():
                self._exits[-1].append(self._known.copy())
                return Continue()
            case ast.Return(value=None):
                return Return()
            case ast.Return(value=ast.expr() as value):
                return Return((self._expression(value, self.real).node,))
            case ast.Expr(value=ast.Call(func=ast.Name(id=op), args=[ast.Name(id=array), *indices, value])):
                of = self.arrays[array]
                assert isinstance(of.type, Array)
                at = tuple(self._expression(index, INT32).node for index in indices)
                return Atomic(op, of.name, at, self._expression(value, types.element_scalar(of.type)).node)
        raise unread(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> Statement:
        match target:
            case ast.Name(id=name):
                before = self._known.values.get(name)
                of = before.type if before is not None and isinstance(before.type, Scalar) else None
                found = self._expression(value, of)
                if name not in self._names or (before is not None and before.type != found.type):
                    # of two phrases in a row, each may have something of that name
                    self._names[name] = self.sketch.fresh()
                local = Name(found.type, self._names[name])
                self._known.values[name] = Typed(local, found.interval, found.live)
                node = changeable_value(found.node) if name in self._changed else found.node
                return Assign(local, node)
            case ast.Subscript() | ast.Attribute():
                place = self._expression(target, None)
                assert isinstance(place.node, Element | Component)
                return Assign(place.node, self._expression(value, types.element_scalar(place.type)).node)
        raise unread(target)

    def _augmented(self, target: ast.expr, op: str, value: ast.expr) -> Statement:
        place = self._expression(target, None)
        assert isinstance(place.type, Scalar)
        found = self._expression(value, place.type)
        assert isinstance(place.node, Name | Element)
        if isinstance(target, ast.Name):
            self._changed.add(target.id)
            after = self._operation(op, [place, found], guarded=False)
            self._known.values[target.id] = Typed(place.node, after.interval, after.live)
        return AugmentedAssign(place.node, op, found.node)

    def _if(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> Statement:
        found = self._expression(test, None)
        then, otherwise = refined(self, test)
        entry = self._known.copy()
        made, own = self._arm(body, then)
        after, self._known = self._known, entry
        other, others = self._arm(orelse, otherwise)
        if _leaves(body):
            own = others
        elif orelse and _leaves(orelse):
            self._known, others = after, own
        else:
            self._known.join(after)
        self._known.meet(own, others)
        return If(found.node, made, other)

    def _arm(self, body: list[ast.stmt], narrow: Refined) -> tuple[Block, Known]:
        """A block, and the names that it gives their first values, which are known in it alone."""
        self.narrow(narrow)
        before = set(self._known.values)
        made = tuple(self._block(body))
        own = {name: self._known.values.pop(name) for name in list(self._known.values) if name not in before}
        return made, Known(own)

    def _for(self, name: str, bounds: list[ast.expr], body: list[ast.stmt]) -> Statement:
        found = [self._expression(bound, INT32) for bound in bounds]
        start = found[0] if len(found) > 1 else Typed(Literal(INT32, 0), Interval(0, 0))
        stop, step = found[min(len(found), 2) - 1], found[2].interval if len(found) > 2 else Interval(1, 1)
        down = step.high < 0
        reach = start.interval.join(stop.interval)
        index = Interval(reach.low + down, reach.high) if down else Interval(reach.low, max(reach.high - 1, reach.low))
        trips = int((reach.high - reach.low) / min(abs(step.low), abs(step.high)) + 0.999)
        if name not in self._names:
            self._names[name] = self.sketch.fresh()
        self._known.values[name] = Typed(Name(INT32, self._names[name]), index)
        made = self._loop(body, trips, {})
        del self._known.values[name]
        first = None if len(found) == 1 else found[0].node
        return For(self._names[name], stop.node, made, first, found[2].node if len(found) > 2 else None)

    def _while(self, test: ast.expr, body: list[ast.stmt]) -> Statement:
        then, _ = refined(self, test)
        made = self._loop(body, _MOST_TRIPS, then, test)
        found = self._expression(test, None)
        if not any(isinstance(node, ast.Break) for part in body for node in ast.walk(part)):
            self.narrow(refined(self, test)[1])
        return While(found.node, made)

    def _loop(self, body: list[ast.stmt], trips: int, narrow: Refined, test: ast.expr | None = None) -> Block:
        """The body of a loop, for whatever its locals may be in any of its iterations."""
        self._changed |= set(_assigned(ast.Module(body, [])))
        for _ in range(min(trips, _MOST_TRIPS)):
            entry = self._known.copy()
            self._exits.append([])
            self._arm(body, refined(self, test)[0] if test is not None else narrow)
            for left in self._exits.pop():
                self._known.join(left)
            self._known.join(entry)
            if self._known == entry:
                break
        entry = self._known.copy()
        self._exits.append([])
        made, _ = self._arm(body, refined(self, test)[0] if test is not None else narrow)
        self._exits.pop()
        self._known = entry
        return made


def _assigned(tree: ast.AST) -> Iterator[str]:
    """The names that lines assign, as often as they do."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name)):
                yield name


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Break | ast.Continue)


__all__ = ["Bound", "Phrase"]
