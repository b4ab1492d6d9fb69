"""Built-ins and operators of the whole table, a few to a kernel, and a conversion: each of elements, and stored."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from strategies import several
from strategies.dealing import deal
from strategies.deck import HAND, Card, cards, hand
from strategies.intervals import TRUTH, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Assign, Name, Statement
from strategies.language.several import is_item
from strategies.language.types import BOOL, FLOAT16, Composite, Scalar, Type
from strategies.ops import ROWS, Away, Dominant, Rotation, Scaled, Unit, instances, settled
from strategies.ops.spec import OpSpec, Place
from strategies.statements import Sketch
from strategies.typed import Typed, representable

#: Of 100 arguments, how many are literals (a compiler may fold those), and how many are locals that something else
#: reads too: an adjoint must then be added to, not overwritten.
LITERALS = 6
SHARED = 90
#: Of 100 locals that are shared, how many a second built-in takes, and how many are stored as they are.
AGAIN = 65
#: Of 100 operations that give what they take, how many change their argument itself: ``x = wp.normalize(x)``.
ITSELF = 15
#: What people give one value twice.
TWICE: Final = frozenset(("mul", "dot", "cw_mul", "outer"))
#: Of 100 operations, how many find the locals stored already: then it is the store's adjoint that must add.
STORED_BEFORE = 15
#: Of 100 operations, how many have arguments that span all of the domain: fewer of floats, for small errors show in
#: results of usual size only, and more of integers, whose widths are told apart by what wraps around.
WHOLE_DOMAIN = 40
WHOLE_INTEGERS = 75
#: What the others span at most, around the middle of the domain.
USUAL = 4.0

_SCALARS = tuple(types.scalar(name) for name in types.SCALARS)
#: From which scalar type to which, a pair to a kernel in turn.  Between floats, where there are derivatives, each four
#: times; not between truth values and half floats, which Warp is known not to compile and `conversion` draws.
CONVERSIONS = tuple(
    (source, target)
    for source in _SCALARS
    for target in _SCALARS
    if source is not target and {source, target} != {BOOL, FLOAT16}
    for _ in range(4 if source.is_float and target.is_float else 1)
)


def _span(sketch: Sketch, domain: Place, scalar: Scalar, whole: bool) -> Interval:
    """Between which values the cells of an argument lie."""
    match domain:
        case Away():
            least = domain.least if scalar.is_float else 1
            if scalar.kind == "uint" or sketch.dice.chance(50):
                return Interval(least, least + USUAL)
            return Interval(-least - USUAL, -least)
        case Unit():
            return Interval(-1.0, 1.0)
        case Dominant():
            return symmetric(domain.reach)
        case Interval() if scalar.kind == "bool":
            return Interval(0, 1)
        case Interval() if whole or domain.within(symmetric(USUAL)):
            return representable(domain, scalar)
        case Interval():
            low, high = max(domain.low, -USUAL, scalar.limits[0]), min(domain.high, USUAL)
            return Interval(low, high) if low < high else domain
    raise TypeError(f"{domain!r} is no place of an array's cells")


def _argument(sketch: Sketch, domain: Place, of: Type, taken: set[str], whole: bool, only: bool) -> Typed:
    """An element of an input array whose cells lie in `domain`: of one that is not `taken`, or of a new one.

    Another argument may be a literal, but not the `only` one: nobody takes the sine of a number that is known.
    """
    assert isinstance(of, Scalar | Composite)
    if isinstance(domain, Rotation):
        return sketch.rotation(of)
    if isinstance(domain, Scaled):
        return sketch.scaled(of)
    scalar = types.element_scalar(of)
    plain = isinstance(of, Scalar) and scalar.kind != "bool"
    if plain and taken and not only and isinstance(domain, Interval) and sketch.dice.chance(LITERALS):
        return sketch.literal(scalar, representable(domain, scalar))
    span = _span(sketch, domain, scalar, whole)
    fitting = [p for p in sketch.readable(of) if p.name not in taken and Interval(p.low, p.high).within(span)]
    array = sketch.dice.one_of(fitting) if fitting and sketch.dice.chance(40) else None
    chosen = array or sketch.array(of, sketch.launch_shape(), span)
    taken.add(chosen.name)
    return sketch.element_of(chosen)


def _dealt(sketch: Sketch) -> list[Card]:
    """The next cards of the stream, or some by chance for a kernel of none."""
    if sketch.dealt is not None:
        return hand(*sketch.dealt)
    return [sketch.dice.one_of(sketch.dice.one_of(cards())) for _ in range(HAND)]


def body(sketch: Sketch) -> Iterator[Statement]:
    """A few operations, each with its own types and its own output."""
    dice = sketch.dice
    chosen = ((c.row, *of) for c in _dealt(sketch) for of in (c.choices if c.each else (dice.one_of(c.choices),)))
    for row, arguments, result in chosen:
        scalar = types.element_scalar((arguments or (result,))[0])
        domain = sketch.domain_of(row, scalar)
        taken: set[str] = set()
        whole = dice.chance(WHOLE_DOMAIN if scalar.is_float else WHOLE_INTEGERS)
        only = len(arguments) == 1
        values = [_argument(sketch, d, of, taken, whole, only) for d, of in zip(domain, arguments, strict=False)]
        item = is_item(row.name)
        if not item:
            # what guards an argument is a part of it, so that the operation reads the very local that is stored too
            values = [sketch.fit(value, d) for value, d in zip(values, domain, strict=False)]
        shared: list[Typed] = []
        for n, value in enumerate(values):
            if types.element_scalar(value.type).is_float and value.live and dice.chance(SHARED):
                yield sketch.define_as(value, mutable=False)
                values[n] = sketch.variable(sketch.defined[-1])
                shared.append(values[n])
        if item:
            assert row.spelling_of is not None
            yield from several.unpack(sketch, row.spelling_of, values)
            shared += [sketch.variable(v) for v in sketch.defined[-len(several.rows_of(row.spelling_of)) :]]
            yield from _stored(sketch, shared)
            continue
        of = settled(row, result)
        assert isinstance(of, Scalar | Composite)
        if only and shared and of is arguments[0] and not row.through and dice.chance(ITSELF):
            changed = sketch.applied(row, arguments, values)
            assert isinstance(values[0].node, Name)
            yield Assign(values[0].node, changed.node)
            yield sketch.store(sketch.output(of), sketch.unique(row, changed._replace(node=values[0].node)))
            continue
        stores = [sketch.store(sketch.output(of), sketch.unique(row, sketch.applied(row, arguments or (of,), values)))]
        stores += _stored(sketch, shared, row.name)
        # after the operation, its adjoint finds one that it has to add to
        yield from reversed(stores) if dice.chance(STORED_BEFORE) else stores
    ((source, target),) = deal(CONVERSIONS, sketch.dealt, 1, dice)
    reach = symmetric(USUAL) if source.kind != "bool" else TRUTH
    value = sketch.element_of(sketch.array(source, sketch.launch_shape(), reach))
    shared = []
    if source.is_float and target.is_float:
        yield sketch.define_as(value, mutable=False)
        value = sketch.variable(sketch.defined[-1])
        shared.append(value)
    yield sketch.store(sketch.output(target), sketch.convert(value, target))
    yield from _stored(sketch, shared)


@cache
def seconds(of: Type) -> tuple[tuple[OpSpec, tuple[Type, ...], Type], ...]:
    """The rows, with their types, that take a value of a type, or it twice, and have a derivative where it is tame."""
    return tuple(
        (row, arguments, settled(row, result))
        for row in ROWS
        if row.differentiable and not row.flat and not row.decisions and row.name != "pos"
        for arguments, result in instances(row)
        if arguments == (of,) or (arguments == (of, of) and row.name in TWICE)
        if types.element_scalar(settled(row, result)).is_float and len(row.domain(types.element_scalar(of))) > 0
    )


def _second(sketch: Sketch, value: Typed, first: str) -> Typed | None:
    """A second built-in of a value, after the `first`, in whose domain it lies as it is; None if there is none."""
    scalar = types.element_scalar(value.type)
    fitting = [
        case
        for case in seconds(value.type)
        if case[0].name != first
        and all(isinstance(p, Interval) and value.interval.within(p) for p in case[0].domain(scalar))
    ]
    if not fitting:
        return None
    row, arguments, _ = sketch.dice.one_of(fitting)
    return sketch.unique(row, sketch.applied(row, arguments, [value] * len(arguments)))


def _stored(sketch: Sketch, values: list[Typed], first: str = "") -> Iterator[Statement]:
    """What else reads the locals: a second built-in of each, or the store itself."""
    for value in values:
        found = (_second(sketch, value, first) if sketch.dice.chance(AGAIN) else None) or value
        assert isinstance(found.type, Scalar | Composite)
        yield sketch.store(sketch.output(found.type), found)
