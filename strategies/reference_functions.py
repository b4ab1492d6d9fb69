"""Functions that are passed references, ``wp.ref[T]``, and change what these are to; such kernels have no gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from strategies.blocks import is_bare, whole
from strategies.calls import Callee
from strategies.functions import PLAIN, FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    Call,
    Component,
    Element,
    Evaluate,
    Expression,
    For,
    If,
    Name,
    Options,
    Return,
    Statement,
    Unpack,
)
from strategies.language.types import INT32, VOID, Scalar, Type, Vector
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.struct_functions import altered
from strategies.structs import constructed, struct_type
from strategies.typed import Typed
from strategies.weights import Statements

#: What a function does to its references: it changes one, or lets two change places.
KINDS: Final = ((7, "one"), (3, "two"))
#: Of 100 references, how many are to vectors, and how many to whole numbers.
VECTORS: Final = 30
COUNTS: Final = 12
#: Of 100 functions, how many return what was there before or another number, how many have a way out in front of their
#: end, and how many a loop; of 100 changes, how many are left to a function that was drawn before.
RETURNING: Final = 35
EARLY: Final = 30
LOOPED: Final = 30
LEFT: Final = 40
#: Of 100 calls, how many are in an arm of a branch, and how many in a loop.
IN_BRANCH: Final = 20
IN_LOOP: Final = 20
#: What may be passed: a local, a number of a local vector, an element of an output, a number of such an element.
PLACES: Final = ((5, "local"), (2, "component"), (4, "element"), (2, "component of an element"))
#: Of 100 kernels, how many have a struct that a function changes.
STRUCTS: Final = 25


class Referring(NamedTuple):
    """A function, and between which values what it was passed lies afterwards, by the names of the references."""

    callee: Callee
    after: dict[str, Interval]

    @property
    def types(self) -> list[Type]:
        """The types of the references."""
        return [p.type for p in self.callee.function.parameters if p.reference]


def _reference(own: FunctionSketch, of: Type) -> Variable:
    """A new parameter that is a reference."""
    variable = own.parameter(of)
    own.parameters[-1] = msgspec.structs.replace(own.parameters[-1], reference=True)
    variable.mutable = True
    return variable


def _referred_type(sketch: Sketch) -> Scalar | Vector:
    if sketch.dice.chance(VECTORS):
        return sketch.vector_type(sketch.main)
    return INT32 if sketch.dice.chance(COUNTS) else sketch.main


class _Body:
    """The body of a function, while it is drawn, with what its references may hold where it ends."""

    def __init__(self, sketch: Sketch, kinds: list[Scalar | Vector], known: list[Referring]) -> None:
        self.own = own = FunctionSketch(sketch)
        own.calls, own.vectors = 0, own.vectors or any(isinstance(of, Vector) for of in kinds)
        self.given = [_reference(own, of) for of in kinds]
        self.known = known
        self.body: list[Statement] = []
        self._ends: list[list[Interval]] = []

    def change(self) -> None:
        """One reference changed: by a statement, or by a function that was drawn before."""
        own, variable = self.own, self.own.dice.one_of(self.given)
        fitting = [r for r in self.known if r.types == [variable.type]]
        if fitting and own.dice.chance(LEFT):
            self.body += list(_given(own, own.dice.one_of(fitting), Name(variable.type, variable.name), variable))
            return
        with own.only(variable.name):
            depth = own.dice.between(1, 2)
            kinds = [own.reassign, own.augment, own.augment]
            kinds += [own.assign_component] * 2 if isinstance(variable.type, Vector) else [own.update]
            statement = own.dice.one_of(kinds)(depth) or own.reassign(depth)
        if statement is not None:
            self.body.append(statement)

    def loop(self) -> None:
        """A loop that adds to the references."""
        with self.own.only(self.own.dice.one_of(self.given).name):
            self.body += self.own.loop(Statements(define=1, augment=6, reassign=2), 1, leave=False)

    def exchange(self) -> None:
        """Both references at once: ``x, y = y, x``, or by way of a local."""
        own, (a, b) = self.own, self.given
        first, second = Name(a.type, a.name), Name(b.type, b.name)
        if own.dice.chance(50):
            self.body.append(Unpack((first, second), (second, first)))
        else:
            self.body.append(own.define_as(Typed(first, a.interval), mutable=False))
            kept = own.defined[-1]
            kept.used = True
            self.body += [Assign(first, second), Assign(second, Name(a.type, kept.name))]
        a.interval, b.interval = b.interval, a.interval
        a.used = b.used = False

    def leave(self) -> None:
        """``if condition: x = ...; return``."""
        test, entry, before = self.own.condition(1), self.own.scope.snapshot(), self.body
        self.body, mark = [], self.own.scope.mark()
        self.change()
        self._ends.append([v.interval for v in self.given])
        before.append(If(test.node, (*self.body, Return())))
        self.body = before
        self.own.scope.release(mark)
        self.own.scope.restore(entry)

    def finish(self, result: Typed | None) -> Referring:
        """The function, which returns `result`."""
        own = self.own
        ends = [*self._ends, [v.interval for v in self.given]]
        after = {}
        for n, variable in enumerate(self.given):
            joined = ends[0][n]
            for other in ends[1:]:
                joined = joined.join(other[n])
            after[variable.name] = joined
        body = self.body if result is None else [*self.body, Return((result.node,))]
        of = VOID if result is None else result.type
        callee = own.finish(of, body, [] if result is None else [result], needed=tuple(after), shared=True)
        return Referring(callee, after)


def draw_referring(sketch: Sketch, known: list[Referring]) -> Referring:
    """A function that changes what it is passed; it may call those that are `known`."""
    dice = sketch.dice
    of = _referred_type(sketch)
    drawn = _Body(sketch, [of, of] if dice.weighted(KINDS) == "two" else [of], known)
    own, result = drawn.own, None
    if dice.chance(RETURNING):
        first = drawn.given[0]
        drawn.body.append(own.define_as(Typed(Name(first.type, first.name), first.interval), mutable=False))
        own.defined[-1].used = True
        result = Typed(Name(of, own.defined[-1].name), own.defined[-1].interval)
    elif dice.chance(EARLY):
        drawn.leave()
    drawn.body += own.block(dice.below(2), PLAIN, 1)
    if len(drawn.given) > 1:
        drawn.exchange()
    for _ in range(dice.between(1, 2)):
        drawn.change()
    if isinstance(of, Vector) or (of is sketch.main and dice.chance(LOOPED)):
        drawn.loop()
    return drawn.finish(result)


# ---------------------------------------------------------------- what is passed


def _given(sketch: Sketch, referring: Referring, place: Expression, variable: Variable) -> Iterator[Statement]:
    """``f(place, y)``, where `place` belongs to `variable`."""
    function = referring.callee.function
    (reference,) = (p for p in function.parameters if p.reference)
    yield from _held(place, variable, Interval(reference.low, reference.high), sketch)
    yield _called(sketch, referring, {reference.name: place})
    after = referring.after[reference.name]
    variable.interval = after if isinstance(place, Name) else variable.interval.join(after)
    variable.used = False


def _held(place: Expression, variable: Variable, within: Interval, sketch: Sketch) -> Iterator[Statement]:
    """What makes a place hold what the function is defined for, where it may not."""
    if variable.interval.within(within):
        return
    value = sketch.fit(Typed(place, variable.interval), within)
    variable.interval = within if isinstance(place, Name) else variable.interval.join(within)
    yield Assign(place, value.node)  # type: ignore[arg-type]


def _called(sketch: Sketch, referring: Referring, passed: dict[str, Expression]) -> Statement:
    """The call as a statement of its own, or its result as a new local."""
    function = referring.callee.function
    sketch.called.add(function.name)
    arguments = []
    for parameter in function.parameters:
        if parameter.name in passed:
            arguments.append(passed[parameter.name])
        else:
            arguments.append(sketch.argument(parameter, 1).node)
    call = Call(function.type, function.name, tuple(arguments))
    if function.type is VOID:
        return Evaluate(call)
    return sketch.define_as(Typed(call, referring.callee.intervals[0]), mutable=sketch.dice.chance(40))


def _local(sketch: Sketch, of: Type, within: Interval) -> tuple[Statement, Variable]:
    """A new local that may be changed."""
    value = sketch.expression(of, 1)
    if is_bare(value.node) and sketch.dice.chance(60):
        value = sketch.operation(of, 1)
    made = sketch.define_as(sketch.fit(value, within), mutable=True)
    return made, sketch.defined[-1]


def _stored(sketch: Sketch, of: Scalar | Vector, within: Interval) -> tuple[Statement, Element, Variable]:
    """The thread's element of a new output, and what is known of it."""
    output = sketch.output(of)
    value = sketch.fit(sketch.expression(of, 1), within)
    place = Element(of, output.name, sketch.own_indices())
    return sketch.store(output, value), place, Variable(output.name, of, value.interval)


def _vector(sketch: Sketch, of: Type) -> Vector:
    lengths = (3, 2, 4)
    scalar = types.element_scalar(of)
    return types.vector(sketch.dice.one_of(lengths), scalar)


def _part(sketch: Sketch, base: Expression) -> Component:
    """One number of a vector."""
    assert isinstance(base.type, Vector)
    at = sketch.dice.below(base.type.length)
    return Component(base.type.dtype, base, whole(at), sketch.dice.chance(50))


def _places(sketch: Sketch, of: Scalar | Vector, within: Interval) -> tuple[Statement, Expression, Variable]:
    """Something of type `of` that may be passed: a statement that makes it, it, and what it belongs to."""
    kind = sketch.dice.weighted(PLACES if of is sketch.main else PLACES[::2])
    held: Scalar | Vector = _vector(sketch, of) if kind.startswith("component") else of
    place: Expression
    if kind.endswith("element"):
        made, place, variable = _stored(sketch, held, within)
    else:
        made, variable = _local(sketch, held, within)
        place = Name(held, variable.name)
    return made, _part(sketch, place) if kind.startswith("component") else place, variable


def passed(sketch: Sketch, referring: Referring) -> Iterator[Statement]:
    """Something, or two of its kind, passed to the function, once or a few times, in a branch or a loop at times."""
    dice, function = sketch.dice, referring.callee.function
    references = [p for p in function.parameters if p.reference]
    within = Interval(references[0].low, references[0].high)
    of = references[0].type
    assert isinstance(of, Scalar | Vector)
    if len(references) > 1:
        yield from _both(sketch, referring, of, within)
        return
    made, place, variable = _places(sketch, of, within)
    yield made
    if dice.chance(IN_BRANCH):
        test = sketch.condition(1)
        before, mark = variable.interval, sketch.scope.mark()
        body = tuple(_given(sketch, referring, place, variable))
        sketch.scope.release(mark)
        variable.interval = variable.interval.join(before)
        yield If(test.node, body)
    elif dice.chance(IN_LOOP):
        yield _repeated(sketch, referring, place, variable, within)
    else:
        yield from _given(sketch, referring, place, variable)
    if isinstance(place, Element) or (isinstance(place, Component) and isinstance(place.base, Element)):
        if dice.chance(60):
            yield sketch.define_as(Typed(place, variable.interval), mutable=False)
    elif isinstance(place, Component):
        variable.used = False


def _repeated(
    sketch: Sketch, referring: Referring, place: Expression, variable: Variable, within: Interval
) -> Statement:
    """A loop of calls; in front of each, what is passed is held where the function is defined."""
    dice, mark = sketch.dice, sketch.scope.mark()
    variable.interval = variable.interval.join(next(iter(referring.after.values())))
    body = tuple(_given(sketch, referring, place, variable))
    sketch.scope.release(mark)
    variable.interval = variable.interval.join(within).join(next(iter(referring.after.values())))
    stop = sketch.stop_of_loop(dice.between(2, 4))
    return For(sketch.fresh(), stop.node, body)


def _both(sketch: Sketch, referring: Referring, of: Scalar | Vector, within: Interval) -> Iterator[Statement]:
    """Two things passed at once."""
    first, second = (p.name for p in referring.callee.function.parameters if p.reference)
    made, place, variable = _places(sketch, of, within)
    yield made
    other_made, other, other_variable = _places(sketch, of, within)
    yield other_made
    yield _called(sketch, referring, {first: place, second: other})
    for name, changed in ((first, variable), (second, other_variable)):
        changed.interval = changed.interval.join(referring.after[name])
        changed.used = False


def struct_passed(sketch: Sketch) -> Iterator[Statement]:
    """A local struct that functions change, which are passed a reference to it."""
    of = struct_type(sketch)
    yield from constructed(sketch, of, 1)
    name = next(reversed(sketch.structs))
    for _ in range(sketch.dice.between(1, 2)):
        yield altered(sketch, name)


def references(sketch: Sketch) -> Iterator[Statement]:
    """A function or two that change what they are passed, and calls of them: Warp has no gradient of such kernels."""
    dice = sketch.dice
    sketch.options = Options(enable_backward=False)
    known: list[Referring] = []
    for _ in range(dice.between(1, 2)):
        known.append(draw_referring(sketch, known))
    for referring in known:
        yield from passed(sketch, referring)
    if dice.chance(STRUCTS):
        yield from struct_passed(sketch)
