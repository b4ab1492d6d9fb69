"""Chains of unary operators and built-ins over one array, each inside its domain."""

from collections.abc import Iterator

from strategies.language import types
from strategies.language.nodes import Statement
from strategies.language.types import Scalar
from strategies.ops import ROWS, OpSpec
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 steps that would end all gradients, how many are kept.
FLAT = 20


def _unary(of: Scalar) -> list[tuple[OpSpec, Scalar]]:
    """The rows that take one `of`, with their result types."""
    found = []
    for row in ROWS:
        result = row.result((of,))
        if isinstance(result, Scalar) and result.kind != "bool":
            found.append((row, result))
    return found


def _chain(sketch: Sketch, value: Typed, length: int) -> Typed:
    """`value` under up to `length` unary operations."""
    for _ in range(length):
        assert isinstance(value.type, Scalar)
        row, result = sketch.dice.one_of(_unary(value.type))
        ends_gradients = row.flat or not row.differentiable
        if ends_gradients and value.type.is_float and not sketch.dice.chance(FLAT):
            row, result = sketch.dice.one_of(_unary(value.type))
        value = sketch.apply(row, result, [value])
    return value


def body(sketch: Sketch) -> Iterator[Statement]:
    """A chain, or two that are combined; steps of it in locals at times; integers in one kernel of ten."""
    dice = sketch.dice
    sketch.max_arrays = 1
    of: Scalar = sketch.main
    if dice.chance(10):
        sketch.allow_integers(1)
        of = types.scalar(dice.one_of([t for t in sorted(sketch.allowed, key=repr) if t is not types.BOOL]).notation)
    value = _chain(sketch, sketch.element(of), dice.between(1, 3))
    for _ in range(dice.below(3)):
        step = sketch.fit_local(value)
        yield sketch.define_as(step, mutable=False)
        value = _chain(sketch, sketch.variable(sketch.defined[-1]), dice.between(1, 2))
    if dice.chance(40):
        other = _chain(sketch, sketch.element(of), dice.between(1, 2))
        if isinstance(value.type, Scalar):
            value = sketch.plus(value, sketch.as_type(other, value.type))
    dead = value.interval.is_point or (types.element_scalar(value.type).is_float and not value.live)
    if isinstance(value.type, Scalar) and dead:
        value = sketch.plus(value, sketch.as_type(_chain(sketch, sketch.element(of), 1), value.type))
    output = sketch.output(value.type)  # type: ignore[arg-type]
    yield sketch.store(output, value)
