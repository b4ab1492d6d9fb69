"""Chains of unary operators and built-ins over one array of numbers or of vectors, each inside its domain."""

from collections.abc import Iterator

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Statement
from strategies.language.types import Scalar, Vector
from strategies.ops import ROWS, OpSpec, overload, result_type
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 steps that would end all gradients, how many are kept.
FLAT = 20
#: How often people call what takes one number; anything else once.
POPULAR = {
    "sqrt": 12, "exp": 10, "sin": 10, "cos": 10, "abs": 9, "neg": 9, "tanh": 7, "log": 7, "floor": 4, "tan": 3,
    "atan": 3, "sign": 3, "asin": 2, "acos": 2, "sinh": 2, "cosh": 2, "log2": 2, "log10": 2, "cbrt": 2,
    "radians": 2, "degrees": 2, "round": 2, "ceil": 2, "erf": 2, "invert": 4, "bit_count": 3,
}  # fmt: skip
#: What changes nothing, or nothing more, after one of its own kind.
IDLE = (
    frozenset(("floor", "ceil", "round", "rint", "trunc")), frozenset(("abs", "nonzero", "step", "sign")),
    frozenset(("radians", "degrees")), frozenset(("neg", "pos")), frozenset(("invert", "pos")),
)  # fmt: skip
#: What tells so little of a number that nothing is worth computing of it.
COARSE = frozenset(("sign", "step", "nonzero", "isnan", "isinf", "isfinite"))
#: Of 100 kernels, how many begin with a vector.
VECTORS = 15
#: Of 100 others, how many are of whole numbers, and of which: bits and signs differ by type.
INTEGERS = 24
KINDS = (
    (4, "int32"), (2, "uint32"), (2, "int64"), (2, "uint64"), (1, "int16"), (1, "uint16"), (1, "int8"), (1, "uint8"),
)  # fmt: skip
#: What a vector may go through first, and what tells something of it then: not the length of what has length one.
STEPS = {
    "neg": ("normalize", "max", "min"), "abs": ("normalize", "max", "min", "neg"), "normalize": ("max", "min", "neg"),
    "floor": ("length", "length_sq", "max", "min", "abs"), "": ("length", "length", "length_sq", "max", "min"),
}  # fmt: skip


def _unary(of: Scalar, after: str) -> tuple[tuple[int, tuple[OpSpec, Scalar]], ...]:
    """The rows that take one `of`, with their result types, by how often they are used: none that is idle `after`
    another."""
    found = []
    idle = {after}.union(*(kind for kind in IDLE if after in kind))
    for row in ROWS:
        result = row.result((of,))
        if isinstance(result, Scalar) and result.kind != "bool" and row.name not in idle:
            found.append((POPULAR.get(row.name, 1), (row, result)))
    return tuple(found)


def _chain(sketch: Sketch, value: Typed, length: int, after: str = "") -> tuple[Typed, str]:
    """`value` under up to `length` unary operations, and the last of those."""
    for _ in range(length):
        assert isinstance(value.type, Scalar)
        if after in COARSE:
            break
        known = _unary(value.type, after)
        if value.type.kind == "uint":
            # what only a sign is for
            known = tuple(entry for entry in known if entry[1][0].name not in ("abs", "sign", "step"))
        row, result = sketch.dice.weighted(known)
        ends_gradients = row.flat or not row.differentiable
        if ends_gradients and value.type.is_float and not sketch.dice.chance(FLAT):
            row, result = sketch.dice.weighted(known)
        value, after = sketch.apply(row, result, [value]), row.name
    return value, after


def _from_vector(sketch: Sketch) -> Typed:
    """A vector, under what takes one, or a number of it."""
    dice, of = sketch.dice, sketch.vector_type(sketch.main)
    value = sketch.element_of(sketch.array(of, sketch.launch_shape(), Interval(0.25, 2.0)))
    last = ""
    for name in dice.some_of([n for n in STEPS if n and result_type(n, (of,)) is of], dice.one_of((0, 1, 1, 2))):
        if name in STEPS[last] or not last:
            value, last = sketch.apply(overload(name, (of,)), of, [value]), name
    name = dice.one_of(STEPS[last])
    if name in ("max", "min") or name.startswith("length"):
        return sketch.apply(overload(name, (of,)), sketch.main, [value])
    return sketch.apply(overload(name, (of,)), of, [value])


def body(sketch: Sketch) -> Iterator[Statement]:
    """A chain, or two that are combined; steps of it in locals at times; of whole numbers in some kernels."""
    dice = sketch.dice
    sketch.max_arrays = 1
    of: Scalar = sketch.main
    if dice.chance(VECTORS):
        value = _from_vector(sketch)
        if isinstance(value.type, Vector):
            yield sketch.store(sketch.output(value.type), value)
            return
        value, last = _chain(sketch, value, dice.below(3))
    else:
        if dice.chance(INTEGERS):
            of = types.scalar(dice.weighted(KINDS))
            sketch.allowed = sketch.allowed | {of}
        value, last = _chain(sketch, sketch.element(of), dice.between(1, 3))
    for _ in range(dice.below(3)):
        step = sketch.fit_local(value)
        yield sketch.define_as(step, mutable=False)
        value, last = _chain(sketch, sketch.variable(sketch.defined[-1]), dice.between(1, 2), last)
    if dice.chance(40):
        other, _ = _chain(sketch, sketch.element(of), dice.between(1, 2))
        if isinstance(value.type, Scalar):
            value = sketch.plus(value, sketch.as_type(other, value.type))
    if value.interval.is_point or (types.element_scalar(value.type).is_float and not value.live):
        value = sketch.plus(value, sketch.as_type(_chain(sketch, sketch.element(of), 1)[0], value.type))
    yield sketch.store(sketch.output(value.type), value)  # type: ignore[arg-type]
