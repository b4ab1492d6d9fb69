"""Kernels about matrices, quaternions and transformations: what all of their categories share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeAlias

from strategies import several
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Component,
    Construct,
    Element,
    Expression,
    Literal,
    Name,
    Node,
    Statement,
    rebuild,
    walk,
)
from strategies.language.types import INT32, Composite, Matrix, Quaternion, Scalar, Transform, Type
from strategies.ops import ROWS, OpSpec, instances, overload, settled
from strategies.repertoire.scenes import Drawn, Scene
from strategies.statements import Sketch
from strategies.typed import Typed
from strategies.weights import Expressions, Statements

#: A row, the types of its arguments, and that of what a kernel may use of its result.
Case: TypeAlias = tuple[OpSpec, tuple[Type, ...], Type]
#: Functions of numbers alone in such a kernel, and those of its own subject: few, for each is large when compiled.
PLAIN = (1, 3)
OWN = (5, 9)
#: Of 100 kernels, how many are one of the computations that people write with these values, and not drawn freely.
COMPUTED: Final = 68
#: Of 100 of those, how many scale what came of it or add something.
ENDED: Final = 22
#: Of 100 kernels about rotations of halves, how many are of single precision instead.
FINER: Final = 60
#: What kernels end with that are drawn freely: mostly operations of these groups, or on values of two forms.
TELLING: Final = frozenset(("Spatial Math", "Transformations", "Quaternion Math"))
OWN_WEIGHT: Final = 5
#: Near no rotation these have errors far larger than themselves, which little may be done with.
COARSE: Final = frozenset(("quat_twist_angle", "quat_twist_angle_signed"))
#: Of 100 kernels, how many begin with a value that is put together part by part, branch, or sum in a loop.
PARTS = 22
#: Of 100 matrices of those, how many may read what is there already: few, for Warp's gradient is known to be wrong.
OWN_READS = 6
#: Of 100 poses of those, how many are given another part: few, for Warp's gradient is known to be wrong.
GIVEN = 35
BRANCHES = 12
LOOPS = 10
#: Of 100 kernels about what a built-in with several results takes, how many unpack those.
UNPACKED = 25
#: What is taken apart in kernels about something else, too.
TURNED: Final = frozenset(("quat", "mat44"))


def undivided(sketch: Sketch) -> Expressions:
    """What inner nodes become where values of several numbers are the subject: nobody puts one together out of
    unrelated numbers, or to read one of them."""
    return replace(sketch.mixture, construct=1, component=0)


@cache
def _cases(row: OpSpec) -> tuple[Case, ...]:
    """A row with its types, for each of its instances; there are many, and every subject has some of the same."""
    return tuple((row, arguments, settled(row, result)) for arguments, result in instances(row))


@cache
def subject(forms: tuple[str, ...], main: tuple[str, ...], dtype: Scalar) -> tuple[Case, ...]:
    """Every row, with its types, that takes or gives a value of one of `main`, and nothing but numbers and `forms`."""
    own, known = ({types.composite(form, dtype) for form in some} for some in (main, forms))
    return tuple(
        case
        for row in ROWS
        for (arguments, result), case in zip(instances(row), _cases(row), strict=True)
        if own.intersection((*arguments, result))
        and all(of in known or isinstance(of, Scalar) for of in (*arguments, case[2]))
        and all(types.element_scalar(of) in (dtype, types.BOOL, INT32) for of in (*arguments, result))
    )


def prepare(sketch: Sketch, forms: Sequence[str], main: Sequence[str]) -> list[Case]:
    """Let `sketch` work with values of `forms`; the operations on those out of `main` that it ends with one of."""
    sketch.forms = frozenset(forms)
    sketch.max_arrays = 3
    names = sorted({row.name for row, _, _ in subject(tuple(forms), tuple(forms), sketch.main)})
    chosen = {*sketch.dice.some_of(names, sketch.dice.between(*OWN))}
    plain = sketch.dice.some_of(sorted(sketch.palette - set(names)), sketch.dice.between(*PLAIN))
    sketch.palette = frozenset((*chosen, *plain, "add", "sub", "mul"))
    sketch.mixture = undivided(sketch)
    # lengths and tests tell little of their argument
    return [
        case
        for case in subject(tuple(forms), tuple(main), sketch.main)
        if types.element_scalar(case[2]).is_float and case[1] and not case[0].flat and case[0].name not in COARSE
    ]


#: Of 100 translations and rotations that are set, how many by a call.
CALLED: Final = 45


def in_parts(sketch: Sketch, of: Composite) -> Iterator[Statement]:
    """A local of zeros whose parts are assigned one by one: rows or numbers of a matrix, components, ``t.p``; or a pose
    that is given another translation, or another rotation."""
    given = isinstance(of, Transform) and sketch.dice.chance(GIVEN)
    yield sketch.define_as(sketch.element(of) if given else Typed(Construct(of, ()), Interval(0.0, 0.0)), False)
    variable = sketch.defined[-1]
    name = Name(of, variable.name)
    if not isinstance(of, Matrix) or not sketch.dice.chance(OWN_READS):
        sketch.scope.release(sketch.scope.mark() - 1)
    targets = list(_targets(sketch, of, name))
    for target in sketch.dice.some_of(targets, 1) if given else targets:
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
            by_row = of.columns > 3 or sketch.dice.chance(60)
            for row in range(of.rows):
                if by_row:
                    yield Component(types.vector(of.columns, of.dtype), name, Literal(INT32, row))
                    continue
                for column in range(of.columns):
                    yield Component(of.dtype, name, Literal(INT32, row), column=Literal(INT32, column))
        case _:
            named = of.length <= 4 and sketch.dice.chance(50)
            for n in range(of.length):
                yield Component(of.dtype, name, Literal(INT32, n), named)


def body(
    sketch: Sketch,
    forms: Sequence[str],
    main: Sequence[str],
    computations: Sequence[Drawn] = (),
    shape: tuple[int, int] = (3, 3),
) -> Iterator[Statement]:
    """One of `computations`, or operations on `main` that are drawn freely; `shape` is that of the matrices."""
    dice = sketch.dice
    # rotations of halves are too coarse for most of these to be checked
    coarse = sketch.main is types.FLOAT16 and "quat" in forms
    if coarse and dice.chance(FINER):
        sketch.work_in(types.FLOAT32)
        coarse = False
    own = prepare(sketch, forms, main)
    if computations and not coarse and dice.chance(COMPUTED):
        yield from computed(sketch, computations, shape)
        return
    yield from hoisted(sketch, list(free(sketch, own, forms, main)))


def free(sketch: Sketch, own: Sequence[Case], forms: Sequence[str], main: Sequence[str]) -> Iterator[Statement]:
    """A few locals, at times put together part by part, in a branch or a loop, and then one of the operations `own`."""
    dice = sketch.dice
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
        turned = known <= TURNED and known & set(forms)
        if (known & set(main) or turned) and dice.chance(UNPACKED):
            yield from several.unpacked(sketch, name, sketch.main, 1)
    yield from finish(sketch, operated(sketch, own))


def computed(sketch: Sketch, computations: Sequence[Drawn], shape: tuple[int, int]) -> Iterator[Statement]:
    """One of `computations`, after a local of the grammar at times, and what came of it stored."""
    before = [sketch.define(1, of=sketch.main)] if sketch.dice.chance(12) else []
    yield from before
    scene = Scene(sketch)
    scene.rows, scene.columns = shape
    results = _ended(scene, sketch.dice.one_of(computations)(scene))
    yield from scene.body
    for value in results[:-1]:
        assert isinstance(value.type, Scalar | Composite)
        yield sketch.store(sketch.output(value.type), value)
    if results:
        yield from finish(sketch, results[-1])


def hoisted(sketch: Sketch, body: Sequence[Statement]) -> Iterator[Statement]:
    """`body` with the frames that it makes of the parts of others under names of their own: each is long, and none
    needs to be written twice."""
    inputs = {p.name for p in sketch.parameters if not p.output}
    threads = {v.name for v in sketch.indices}
    known: dict[Expression, Name] = {}
    first: list[Statement] = []

    def change(node: Node) -> Any:
        pose = _pose(node)
        names = {part.name for part in walk(pose) if isinstance(part, Name)} if pose is not None else set()
        if not (isinstance(pose, Element) and pose.array in inputs and names <= threads):
            return rebuild(node, change)
        if pose not in known:
            local, known[pose] = Name(pose.type, sketch.fresh()), Name(pose.type, sketch.fresh())
            first.extend((Assign(local, pose), Assign(known[pose], _framed(local))))
        return known[pose]

    rest = [change(statement) for statement in body]
    yield from first
    yield from rest


def _framed(pose: Expression) -> Expression:
    """A pose with its rotation normalized."""
    assert isinstance(pose.type, Transform)
    place = Apply(types.vector(3, pose.type.dtype), "transform_get_translation", (pose,))
    turn = Apply(types.quaternion(pose.type.dtype), "transform_get_rotation", (pose,))
    return Construct(pose.type, (place, Apply(turn.type, "normalize", (turn,))))


def _pose(node: Node) -> Expression | None:
    """What a frame is made of, if its rotation is that of another pose, normalized."""
    match node:
        case Construct(type=Transform(), arguments=(Apply(op="transform_get_translation", arguments=(pose,)), _)):
            return pose if node == _framed(pose) else None
    return None


def _ended(scene: Scene, results: list[Typed]) -> list[Typed]:
    """`results`, the last of them scaled or added to at times."""
    if not results or isinstance(results[-1].type, Transform | Quaternion) or not scene.dice.chance(ENDED):
        return results
    last = results[-1]
    if not types.element_scalar(last.type).is_float:
        return results
    if scene.dice.chance(50):
        return [*results[:-1], scene.op("mul", last, scene.gain())]
    return [*results[:-1], scene.op(scene.dice.one_of(("add", "sub")), last, scene.read(last.type))]


def operated(sketch: Sketch, cases: Sequence[Case]) -> Typed:
    """One of `cases`, each name as likely as any of its kind, on expressions."""
    table = {row.name: OWN_WEIGHT if row.group in TELLING or _joins(given) else 1 for row, given, _ in cases}
    name = sketch.dice.weighted(tuple((weight, name) for name, weight in sorted(table.items())))
    row, arguments, result = sketch.dice.one_of([case for case in cases if case[0].name == name])
    given = [sketch.expression(of, sketch.dice.below(2)) for of in arguments]
    return sketch.apply(row, result, sketch.varied(row, given))


def _joins(given: Sequence[Type]) -> bool:
    """Whether an operation takes values of two different forms."""
    return len({of for of in given if isinstance(of, Composite)}) > 1


def finish(sketch: Sketch, value: Typed) -> Iterator[Statement]:
    """Store `value`, together with every local that nothing has read so far."""
    of = value.type
    assert isinstance(of, Scalar | Composite)
    if not value.live and types.element_scalar(of).is_float:
        value = sketch.plus(value, sketch.element(of))
    for variable in [v for v in sketch.scope if not v.used and v in sketch.defined]:
        value = _with(sketch, value, sketch.variable(variable), variable.sum_only)
    output = sketch.output(of)
    rigid = isinstance(of, Transform | Quaternion)
    yield sketch.store_sum(output, value) if not rigid and sketch.dice.chance(12) else sketch.store(output, value)


def _with(sketch: Sketch, value: Typed, other: Typed, linear: bool) -> Typed:
    """`value` and `other` as one: the sum of two of a type; else a number of the other as a factor."""
    of = value.type
    if other.type is of or isinstance(of, Scalar):
        return sketch.plus(value, sketch.as_type(other, of), linear=linear)
    factor = sketch.as_type(other, types.element_scalar(of))
    given = (of, factor.type)
    return sketch.apply(overload("mul", given), of, [value, factor])
