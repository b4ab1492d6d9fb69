"""Generic kernels and functions (`Any`), for one or several types, floats or integers too, and functions overloaded by
the types they take."""

from collections.abc import Iterator

from strategies.calls import Callee
from strategies.functions import draw_early, draw_expression, draw_loop, draw_reader
from strategies.generics import WHOLE, generalized, generic_kernel, overloaded
from strategies.language import types
from strategies.language.nodes import Function, Statement
from strategies.language.types import FLOAT32, FLOAT64, Composite, Matrix, Scalar, Type, Vector
from strategies.passing import draw_passing
from strategies.repertoire.any_number import called, draw_numeric, draw_of_matrices, numeric_line
from strategies.repertoire.ideas.palettes import common
from strategies.statements import Sketch
from strategies.weights import Statements

WEIGHTS = Statements(define=6, reassign=2, augment=4, update=1, branch=2, loop=2)
#: Of 100 kernels, how many have a function that takes functions.
PASSING = 15
#: Of 100 kernels, how many work on any number, whole or not.
NUMERIC = 25
#: Of 100 others, how many call a generic function of matrices, and do nothing else.
MATRICES = 9
#: Arrays that such a kernel reads at most.
MOST_ARRAYS = 12
#: How often something is drawn again that came out as something else.
TRIES = 5
KINDS = ((8, "expression"), (4, "early"), (5, "loop"), (4, "reader"))


def _drawn(sketch: Sketch, kind: str, of: Type) -> Callee:
    match kind:
        case "early":
            return draw_early(sketch, of)
        case "loop":
            return draw_loop(sketch, of)
        case "reader":
            return draw_reader(sketch, of)
    return draw_expression(sketch, of)


def _second(sketch: Sketch, function: Function) -> Type | None:
    """What a second instance of a function is for: another float type, or shorter vectors."""
    dice = sketch.dice
    if not dice.chance(sketch.weights.generics.second):
        return None
    longest = max((p.type.length for p in function.parameters if isinstance(p.type, Vector)), default=0)
    if longest > 2 and dice.chance(50):
        return types.vector(dice.between(2, longest - 1), sketch.main)
    # numbers that are moderate in one type are so in a wider one
    return {FLOAT32: FLOAT64}.get(sketch.main, FLOAT32 if sketch.main is not FLOAT64 else None)


def _function(sketch: Sketch) -> bool:
    """A generic function or, if it cannot be written so, one that is none; whether it can."""
    dice = sketch.dice
    of: Type = sketch.vector_type(sketch.main) if sketch.vectors and dice.chance(50) else sketch.main
    callee = _drawn(sketch, dice.weighted(KINDS), of)
    return generalized(sketch, callee, _second(sketch, callee.function))


def _generic(sketch: Sketch) -> None:
    """A generic function: one that cannot be written so is drawn again."""
    for _ in range(TRIES):
        if _function(sketch):
            return
        sketch.callees.pop()


def _overloads(sketch: Sketch) -> None:
    """Two or three functions of one name, which take different types."""
    dice, main = sketch.dice, sketch.main
    others: list[Type] = [sketch.vector_type(main), types.INT32, FLOAT64 if main is not FLOAT64 else FLOAT32]

    def draw(of: Type) -> Callee:
        if not isinstance(of, Scalar):
            return draw_expression(sketch, of)
        sketch.main, kept = of, sketch.main
        try:
            return draw_early(sketch, of) if dice.chance(30) else draw_expression(sketch, of)
        finally:
            sketch.main = kept

    overloaded(sketch, draw(main), draw, dice.some_of(others, dice.between(1, 2)))


def _called(sketch: Sketch, callee: Callee) -> Statement:
    """A local with what a function returns for something that arrays hold, not for numbers alone."""
    for _ in range(TRIES):
        value = sketch.call(callee, 2)
        if value.live or not callee.live:
            break
    return sketch.define_as(sketch.fit_local(value), mutable=False)


def _another(sketch: Sketch) -> Iterator[Statement]:
    """A generic function, and its result in an output of its own, for a kernel that came out without anything
    generic."""
    _generic(sketch)
    for callee in sketch.uncalled():
        of = callee.function.type
        assert isinstance(of, Scalar | Vector)
        yield sketch.store(sketch.output(of), sketch.fit_local(sketch.call(callee, 1)))


def _of_matrices(sketch: Sketch) -> Iterator[Statement]:
    """A generic function of matrices, that the kernel calls with one size or two."""
    callee = draw_of_matrices(sketch)
    of = callee.function.parameters[0].type
    assert isinstance(of, Matrix)
    size = sketch.dice.between(2, of.rows - 1)
    other = types.matrix(size, size, sketch.main)
    before = len(sketch.callees) - 1
    generalized(sketch, callee, other if sketch.dice.chance(sketch.weights.generics.second) else None)
    for instance in sketch.callees[before:]:
        result = instance.function.type
        assert isinstance(result, Scalar | Composite)
        yield sketch.store(sketch.output(result), called(sketch, instance))


def _numeric(sketch: Sketch) -> Iterator[Statement]:
    """What holds for whole numbers too: a generic kernel with instances for some, or a generic function that the kernel
    calls with floats and with whole numbers."""
    dice = sketch.dice
    if dice.chance(sketch.weights.generics.kernel):
        lines = [statement for _ in range(dice.between(1, 2)) for statement in numeric_line(sketch)]
        yield from generic_kernel(sketch, lines, numeric=True)
        return
    for _ in range(dice.between(1, 2)):
        before = len(sketch.callees)
        generalized(sketch, draw_numeric(sketch), dice.one_of(WHOLE), numeric=True)
        for callee in sketch.callees[before:]:
            of = callee.function.type
            assert isinstance(of, Scalar)
            yield sketch.store(sketch.output(of), called(sketch, callee))


def body(sketch: Sketch) -> Iterator[Statement]:
    """A generic kernel, or one that calls generic functions with several types, or overloads."""
    dice, main = sketch.dice, sketch.main
    if dice.chance(NUMERIC):
        sketch.max_arrays = MOST_ARRAYS
        yield from _numeric(sketch)
        return
    if main.bits > 16 and dice.chance(MATRICES):
        sketch.max_arrays = MOST_ARRAYS
        yield from _of_matrices(sketch)
        return
    sketch.palette = common(sketch)
    sketch.decimals = False
    sketch.vectors = dice.chance(40)
    generic = dice.chance(sketch.weights.generics.kernel)
    if not generic and dice.chance(40):
        _overloads(sketch)
    # a kernel with vectors that it makes of numbers cannot be generic itself
    wanted = dice.between(0 if sketch.callees or (generic and not sketch.vectors) else 1, 2)
    made = [_function(sketch) for _ in range(wanted)]
    if made and not any(made):
        _generic(sketch)
    if dice.chance(PASSING):
        draw_passing(sketch)
    sketch.calls = 35
    if dice.chance(50):
        sketch.awaited_parameter(main)
    lines = sketch.block(dice.between(1, 4), WEIGHTS, dice.between(1, 2))
    sketch.max_arrays += 2
    lines += [_called(sketch, callee) for callee in sketch.uncalled()]
    lines.append(sketch.store(sketch.output(main), sketch.result(main, dice.between(1, 2))))
    written = tuple(generic_kernel(sketch, lines)) if generic else tuple(lines)
    yield from written
    if not sketch.overloads and not any(p.generic for c in sketch.callees for p in c.function.parameters):
        yield from _another(sketch)
