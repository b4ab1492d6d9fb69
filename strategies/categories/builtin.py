"""Built-ins and operators of the whole table, a few to a kernel, each applied to array elements and stored as it is."""

from collections.abc import Iterator

from strategies.expressions import Typed
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Statement
from strategies.language.types import Scalar, Type, Vector
from strategies.ops import ROWS, Away, instances
from strategies.statements import Sketch

#: Of 100 arguments, how many are literals (a compiler may fold those), and how many span all of the domain.
LITERALS = 8
WHOLE_DOMAIN = 30
#: What the others span at most, around the middle of the domain.
USUAL = 4.0


def _span(sketch: Sketch, domain: Interval | Away, scalar: Scalar) -> Interval:
    """Between which values the cells of an argument lie."""
    if isinstance(domain, Away):
        least = domain.least if scalar.is_float else 1
        if scalar.kind == "uint" or sketch.dice.chance(60):
            return Interval(least, least + USUAL)
        return Interval(-least - USUAL, -least)
    if scalar.kind == "bool":
        return Interval(0, 1)
    if sketch.dice.chance(WHOLE_DOMAIN) or domain.within(symmetric(USUAL)):
        return domain
    low, high = max(domain.low, -USUAL), min(domain.high, USUAL)
    return Interval(low, high) if low < high else domain


def _argument(sketch: Sketch, domain: Interval | Away, of: Type, taken: set[str]) -> Typed:
    """An element of an input array whose cells lie in `domain`: of one that is not `taken`, or of a new one."""
    assert isinstance(of, Scalar | Vector)
    scalar = types.element_scalar(of)
    if of is scalar and scalar.kind != "bool" and isinstance(domain, Interval) and sketch.dice.chance(LITERALS):
        return sketch.literal(of, domain)
    span = _span(sketch, domain, scalar)
    fitting = [p for p in sketch.readable(of) if p.name not in taken and Interval(p.low, p.high).within(span)]
    array = sketch.dice.one_of(fitting) if fitting and sketch.dice.chance(40) else None
    chosen = array or sketch.array(of, sketch.launch_shape(), span)
    taken.add(chosen.name)
    return sketch.element_of(chosen)


def body(sketch: Sketch) -> Iterator[Statement]:
    """Two to five operations, each with its own types and its own output."""
    dice = sketch.dice
    for _ in range(dice.between(2, 5)):
        row = dice.one_of(ROWS)
        arguments, result = dice.one_of(instances(row.name))
        domain = row.domain(types.element_scalar(arguments[0]))
        taken: set[str] = set()
        values = [_argument(sketch, d, of, taken) for d, of in zip(domain, arguments, strict=False)]
        assert isinstance(result, Scalar | Vector)
        yield sketch.store(sketch.output(result), sketch.apply(row, result, values))
