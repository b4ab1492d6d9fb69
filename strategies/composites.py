"""Kernels about matrices, quaternions and transformations: what all of their categories share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from strategies import several
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Assign, Component, Construct, Literal, Name, Statement
from strategies.language.types import INT32, Composite, Matrix, Quaternion, Scalar, Transform, Type
from strategies.ops import ROWS, OpSpec, instances, settled
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Statements

#: A row, the types of its arguments, and that of what a kernel may use of its result.
Case: TypeAlias = tuple[OpSpec, tuple[Type, ...], Type]
#: Functions of numbers alone in such a kernel, and those of its own subject: few, for each is large when compiled.
PLAIN = (1, 3)
OWN = (5, 9)
#: Of 100 kernels, how many begin with a value that is put together part by part, branch, or sum in a loop.
PARTS = 35
#: Of 100 matrices of those, how many may read what is there already: few, for Warp's gradient is known to be wrong.
OWN_READS = 6
BRANCHES = 12
LOOPS = 10
#: Of 100 kernels about what a built-in with several results takes, how many unpack those.
UNPACKED = 25


def subject(forms: Sequence[str], dtype: Scalar) -> list[Case]:
    """Every row, with its types, that takes or gives a value of one of `forms`, and nothing of any other form."""
    known = {types.composite(form, dtype) for form in forms}
    return [
        (row, arguments, settled(row, result))
        for row in ROWS
        for arguments, result in instances(row)
        if known.intersection((*arguments, result))
        and all(of in known or isinstance(of, Scalar) for of in (*arguments, settled(row, result)))
        and all(types.element_scalar(of) in (dtype, types.BOOL, INT32) for of in (*arguments, result))
    ]


def prepare(sketch: Sketch, forms: Sequence[str], main: Sequence[str]) -> list[Case]:
    """Let `sketch` work with values of `forms`; the operations on those out of `main` that it draws from."""
    sketch.forms = frozenset(forms)
    sketch.max_arrays = 3
    known = subject(main, sketch.main)
    of_forms = subject(forms, sketch.main)
    names = sorted({row.name for row, _, _ in of_forms})
    chosen = {*sketch.dice.some_of(names, sketch.dice.between(*OWN))}
    own = [case for case in of_forms if case[0].name in chosen and case in known]
    if not own:
        own = known
    plain = sketch.dice.some_of(sorted(sketch.palette - set(names)), sketch.dice.between(*PLAIN))
    sketch.palette = frozenset((*chosen, *plain, "add", "sub", "mul"))
    return own


#: Of 100 translations and rotations that are set, how many by a call.
CALLED: Final = 45


def in_parts(sketch: Sketch, of: Composite) -> Iterator[Statement]:
    """A local of zeros whose parts are assigned one by one: rows or numbers of a matrix, components, ``t.p``."""
    yield sketch.define_as(Typed(Construct(of, ()), Interval(0.0, 0.0)), False)
    variable = sketch.defined[-1]
    name = Name(of, variable.name)
    if not isinstance(of, Matrix) or not sketch.dice.chance(OWN_READS):
        sketch.scope.release(sketch.scope.mark() - 1)
    for target in _targets(sketch, of, name):
        value = sketch.fit_local(sketch.expression(target.type, 1))
        if isinstance(of, Transform) and isinstance(target.type, Quaternion):
            value = sketch.unit(value)
        variable.interval = variable.interval.join(value.interval)
        variable.live = variable.live or value.live
        variable.used = False
        yield Assign(target, value.node, called=isinstance(of, Transform) and sketch.dice.chance(CALLED))
    if variable not in sketch.scope:
        sketch.scope.add(variable)


def _targets(sketch: Sketch, of: Composite, name: Name) -> Iterator[Component]:
    vector = types.vector(3, of.dtype)
    match of:
        case Transform():
            yield Component(vector, name, Literal(INT32, 0), True)
            yield Component(types.quaternion(of.dtype), name, Literal(INT32, 1), True)
        case Matrix():
            for row in range(of.rows):
                if of.columns > 3 or sketch.dice.chance(60):
                    yield Component(types.vector(of.columns, of.dtype), name, Literal(INT32, row))
                    continue
                for column in range(of.columns):
                    yield Component(of.dtype, name, Literal(INT32, row), column=Literal(INT32, column))
        case _:
            for n in range(of.length):
                yield Component(of.dtype, name, Literal(INT32, n), of.length <= 4 and sketch.dice.chance(50))


def body(sketch: Sketch, forms: Sequence[str], main: Sequence[str]) -> Iterator[Statement]:
    """A few locals, at times put together part by part, in a branch or a loop, then an operation on one of `main`."""
    dice = sketch.dice
    own = prepare(sketch, forms, main)
    floats = [case for case in subject(main, sketch.main) if types.element_scalar(case[2]).is_float]
    weights = Statements(define=6, reassign=1, augment=1)
    if dice.chance(PARTS):
        yield from in_parts(sketch, types.composite(dice.one_of(sorted(main)), sketch.main))
    yield from sketch.block(dice.between(0, 2), weights, 1)
    if dice.chance(BRANCHES):
        yield from sketch.branch(weights, 1)
    elif dice.chance(LOOPS):
        yield from sketch.loop(weights, 1)
    for name in several.NAMES:
        takes = instances(several.rows_of(name)[0])
        known = {form for (of, *_), _ in takes if isinstance(of, Composite) for form in (of.form,)}
        if known & set(forms) and dice.chance(UNPACKED):
            yield from several.unpacked(sketch, name, sketch.main, 1)
    value = operated(sketch, own)
    if not types.element_scalar(value.type).is_float:
        # a length, or whether all is finite: something else has to depend on the inputs
        assert isinstance(value.type, Scalar)
        yield sketch.store(sketch.output(value.type), value)
        value = operated(sketch, [case for case in own if types.element_scalar(case[2]).is_float] or floats)
    yield from finish(sketch, value)


def operated(sketch: Sketch, cases: Sequence[Case]) -> Typed:
    """One of `cases`, each name as likely as any, on expressions."""
    name = sketch.dice.one_of(sorted({row.name for row, _, _ in cases}))
    row, arguments, result = sketch.dice.one_of([case for case in cases if case[0].name == name])
    given = [sketch.expression(of, sketch.dice.below(2)) for of in arguments]
    return sketch.apply(row, result, sketch.varied(row, given))


def finish(sketch: Sketch, value: Typed) -> Iterator[Statement]:
    """Store `value`, and every local that nothing has read so far."""
    of = value.type
    assert isinstance(of, Scalar | Composite)
    if not value.live and types.element_scalar(of).is_float:
        value = sketch.plus(value, sketch.element(of))
    yield sketch.store(sketch.output(of), value)
    for variable in [v for v in sketch.scope if not v.used and v in sketch.defined]:
        assert isinstance(variable.type, Scalar | Composite)
        yield sketch.store(sketch.output(variable.type), sketch.variable(variable))
