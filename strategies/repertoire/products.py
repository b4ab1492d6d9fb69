"""What people compute with matrices: affine maps, quadratic forms, covariances, strains, small systems of equations."""

from __future__ import annotations

from typing import Final

from strategies.intervals import symmetric
from strategies.language.nodes import Name
from strategies.language.types import Matrix, Vector
from strategies.repertoire.scenes import Drawn, Scene
from strategies.typed import Typed


def shape(scene: Scene) -> Matrix:
    """The shape of this kernel's matrices."""
    return scene.matrix(scene.rows, scene.columns)


def square(scene: Scene) -> Matrix:
    """A square matrix type of this kernel."""
    return scene.matrix(scene.rows)


def left(scene: Scene) -> Vector:
    """What a product with a vector gives."""
    return scene.vector(scene.rows)


def right(scene: Scene) -> Vector:
    """What a product with a vector takes."""
    return scene.vector(scene.columns)


def affine(scene: Scene) -> list[Typed]:
    """``A * x + b``, with several terms, or what it misses of a measurement."""
    dice = scene.dice
    found = scene.op("mul", scene.read(shape(scene), 1.0), scene.own(right(scene)))
    if dice.chance(40):
        found = scene.op("add", found, scene.op("mul", scene.read(shape(scene), 1.0), scene.own(right(scene))))
    if dice.chance(60):
        found = scene.op(dice.one_of(("add", "sub")), found, scene.read(left(scene)))
    match dice.below(4):
        case 0:
            rest = scene.let(scene.op("sub", scene.read(left(scene)), found))
            return [scene.op("dot", rest, rest)]
        case 1:
            return [scene.op("max", found, scene.made(left(scene), *[scene.literal(0.0)] * scene.rows))]
        case 2:
            return [scene.op("mul", scene.named(found), scene.gain())]
    return [found]


def normal(scene: Scene) -> list[Typed]:
    """``transpose(A) * (A * x - b)``: the slope of a sum of squares, and a step along it."""
    a, x = scene.own(shape(scene), 1.0), scene.let(scene.read(right(scene)))
    rest = scene.let(scene.op("sub", scene.op("mul", a, x), scene.read(left(scene))))
    slope = scene.op("mul", scene.op("transpose", a), rest)
    if scene.dice.chance(50):
        return [scene.op("sub", x, scene.op("mul", slope, scene.gain(0.0625, 0.5)))]
    return [slope, *([scene.op("dot", rest, rest)] if scene.dice.chance(40) else [])]


def quadratic(scene: Scene) -> list[Typed]:
    """``x . A x``, an energy or a distance; with what else such a form has."""
    dice, of = scene.dice, left(scene)
    a = scene.own(square(scene), 1.0)
    x = scene.let(scene.op("sub", scene.read(of), scene.read(of)) if dice.chance(45) else scene.read(of))
    found = scene.op("dot", x, scene.op("mul", a, x))
    if dice.chance(60):
        found = scene.op("mul", scene.literal(0.5), found)
    if dice.chance(45):
        found = scene.op("sub", found, scene.op("dot", scene.read(of), x))
    if dice.chance(25):
        return [scene.op("exp", scene.op("neg", found))]
    return [found]


def covariance(scene: Scene) -> list[Typed]:
    """A sum of outer products of points less their mean, in a loop."""
    dice, of = scene.dice, left(scene)
    count = dice.between(2, 4)
    mean = scene.own(of, 1.0) if dice.chance(60) else None
    total = scene.zero(square(scene))

    def body(inner: Scene, index: Name) -> None:
        point = inner.listed(of, count, index, 1.0)
        if mean is not None:
            point = inner.op("sub", point, mean)
        point = inner.let(point)
        term = inner.op("outer", point, point if dice.chance(70) else inner.listed(of, count, index, 1.0))
        if dice.chance(40):
            term = inner.op("mul", term, inner.listed(inner.main, count, index))
        inner.grow(total, term, count)

    scene.repeat(count, [total], body)
    found = scene.now(total)
    match dice.below(4):
        case 0:
            return [scene.op("trace", found)]
        case 1:
            return [scene.op("mul", found, scene.read(of, 1.0))]
        case 2:
            return [scene.op("div", found, scene.literal(float(count)))]
    return [found]


def strain(scene: Scene) -> list[Typed]:
    """A deformation from edges now and at rest, its strain, and the energy or the stress of it."""
    dice, of = scene.dice, left(scene)
    if scene.rows < 4 and dice.chance(60):
        corner = scene.let(scene.read(of))
        now = scene.op("matrix_from_cols", *(scene.op("sub", scene.read(of), corner) for _ in range(scene.rows)))
        shape_now = scene.op("mul", now, scene.read(square(scene), 1.0)) if dice.chance(70) else now
    else:
        shape_now = scene.read(square(scene), 1.0)
        if dice.chance(60):
            shape_now = scene.op("mul", shape_now, scene.op("inverse", scene.read(square(scene), 1.0)))
    change = scene.let(shape_now)
    green = scene.op("mul", scene.op("transpose", change), change)
    diagonal = scene.op("diag", scene.made(of, *[scene.literal(1.0)] * scene.rows))
    green = scene.let(scene.op("mul", scene.op("sub", green, diagonal), scene.literal(0.5)))
    match dice.below(4):
        case 0:
            return [scene.op("mul", change, green)]
        case 1:
            return [scene.op("trace", green)]
        case 2:
            return [green]
    energy = scene.op("mul", scene.op("ddot", green, green), scene.gain())
    if dice.chance(60):
        extent = scene.let(scene.op("trace", green))
        energy = scene.op("add", energy, scene.product(scene.gain(), extent, extent))
    return [energy]


def solved(scene: Scene) -> list[Typed]:
    """A small system of equations, by the inverse of its matrix."""
    dice = scene.dice
    a = scene.read(square(scene), 1.0)
    if dice.chance(40):
        a = scene.let(a)
        a = scene.op("mul", scene.op("transpose", a), a)
    inverse = scene.op("inverse", a)
    if dice.chance(25):
        return [inverse]
    b = scene.read(left(scene))
    if dice.chance(35):
        b = scene.op("sub", b, scene.read(left(scene)))
    found = scene.op("mul", scene.let(inverse) if dice.chance(60) else inverse, b)
    return (
        [scene.op("add", scene.read(left(scene)), scene.op("mul", found, scene.gain()))] if dice.chance(35) else [found]
    )


def turned(scene: Scene) -> list[Typed]:
    """A rotation by an angle, about an axis of three where there are three, written as a matrix."""
    dice = scene.dice
    angle = scene.let(scene.read(scene.main))
    c, s = scene.let(scene.op("cos", angle)), scene.let(scene.op("sin", angle))
    of = scene.matrix(2 if scene.rows != 3 else 3)
    one, zero, less = scene.literal(1.0), scene.literal(0.0), scene.op("neg", s)
    entries = [c, less, s, c]
    if of.rows == 3:
        entries = dice.one_of(
            (
                [c, less, zero, s, c, zero, zero, zero, one],
                [c, zero, s, zero, one, zero, less, zero, c],
                [one, zero, zero, zero, c, less, zero, s, c],
            )
        )
    turn = scene.let(scene.made(of, *entries))
    vector = scene.vector(of.rows)
    match dice.below(3):
        case 0:
            return [scene.product(turn, scene.read(of), scene.op("transpose", turn))]
        case 1:
            centre = scene.own(vector)
            return [scene.op("add", centre, scene.op("mul", turn, scene.op("sub", scene.read(vector), centre)))]
    return [scene.op("mul", turn, scene.read(vector))]


def iterated(scene: Scene) -> list[Typed]:
    """A vector multiplied with a matrix again and again: normalized each time, or with a term added."""
    dice, of = scene.dice, left(scene)
    count = dice.between(2, 4)
    a = scene.let(scene.read(square(scene), 1.0))
    start = scene.read(of)
    direct = dice.chance(60)
    x = scene.let(scene.op("normalize", start) if direct else start, mutable=True)
    scene.claim(x, symmetric(2.0))
    rest = None if direct else scene.own(of, 1.0)

    def body(inner: Scene, index: Name) -> None:
        found = inner.op("mul", a, x)
        if rest is None:
            inner.set(x, inner.op("normalize", found))
        else:
            inner.set(x, inner.sketch.fit(inner.op("add", found, rest), symmetric(2.0)))

    scene.repeat(count, [x], body)
    last = scene.now(x)
    if dice.chance(45):
        return [scene.op("dot", last, scene.op("mul", a, last))]
    return [last]


def basis(scene: Scene) -> list[Typed]:
    """A matrix in another basis: ``R * M * transpose(R)``, as stresses, inertias and uncertainties are changed."""
    dice = scene.dice
    r = scene.own(square(scene), 1.0)
    middle = scene.read(square(scene), 1.0)
    if dice.chance(35):
        middle = scene.op("diag", scene.read(left(scene), 1.0))
    found = scene.product(r, middle, scene.op("transpose", r))
    if dice.chance(45):
        found = scene.op("add", found, scene.read(square(scene), 1.0))
    if dice.chance(30):
        return [scene.op("mul", scene.let(found), scene.read(left(scene)))]
    return [found]


def split(scene: Scene) -> list[Typed]:
    """The symmetric and the other part of a gradient, and what is left of it without its trace."""
    dice = scene.dice
    gradient = scene.let(scene.read(square(scene), 1.0))
    op = dice.one_of(("add", "add", "sub"))
    half = scene.op("mul", scene.literal(0.5), scene.op(op, gradient, scene.op("transpose", gradient)))
    half = scene.let(half)
    match dice.below(3):
        case 0:
            return [scene.op("ddot", half, half)]
        case 1:
            mean = scene.op("div", scene.op("trace", gradient), scene.literal(float(scene.rows)))
            spread = scene.op("diag", scene.made(left(scene), *[scene.let(mean)] * scene.rows))
            rest = scene.let(scene.op("sub", half, spread))
            return [rest] if dice.chance(50) else [scene.op("ddot", rest, rest)]
    return [half]


def volume(scene: Scene) -> list[Typed]:
    """The size of a cell from its edges: a determinant."""
    dice, of = scene.dice, left(scene)
    corner = scene.own(of, 1.0)
    edges = [scene.op("sub", scene.read(of, 1.0), corner) for _ in range(min(scene.rows, 3))]
    edges += [scene.read(of, 1.0)] * (scene.rows - len(edges))
    name = "matrix_from_cols" if dice.chance(60) else "matrix_from_rows"
    matrix = scene.let(scene.op(name, *[scene.named(edge) for edge in edges]))
    found = scene.op("determinant", matrix)
    if dice.chance(50):
        found = scene.op("mul", found, scene.gain(0.125, 0.5))
    return [found, *([scene.op("transpose", matrix)] if dice.chance(20) else [])]


def by_rows(scene: Scene) -> list[Typed]:
    """A product written out: each row of the matrix with the vector, in a loop; or its largest, or its sum."""
    dice = scene.dice
    a, x = scene.let(scene.read(shape(scene), 1.0)), scene.own(right(scene))
    total = scene.zero(scene.main)
    weights = scene.let(scene.read(left(scene))) if dice.chance(50) else None

    def body(inner: Scene, index: Name) -> None:
        found = inner.op("dot", inner.part(a, index), x)
        if weights is not None:
            found = inner.op("mul", found, inner.part(weights, index))
        elif dice.chance(60):
            found = inner.op("mul", inner.let(found), inner.listed(inner.main, scene.rows, index))
        inner.grow(total, found, scene.rows)

    scene.repeat(scene.rows, [total], body)
    return [scene.now(total)]


def predicted(scene: Scene) -> list[Typed]:
    """The step of a filter: a state and its uncertainty moved on, ``F * P * transpose(F) + Q``."""
    dice, of = scene.dice, left(scene)
    f = scene.let(scene.read(square(scene), 1.0))
    spread = scene.product(f, scene.read(square(scene), 1.0), scene.op("transpose", f))
    noise = scene.read(square(scene), 1.0)
    if dice.chance(50):
        noise = scene.op("diag", scene.read(of, 1.0))
    state = scene.op("mul", f, scene.read(of))
    if dice.chance(50):
        state = scene.op("add", state, scene.op("mul", scene.read(shape(scene), 1.0), scene.read(right(scene))))
    return [scene.op("add", spread, noise), state]


PRODUCTS: Final[tuple[Drawn, ...]] = (
    affine, affine, normal, quadratic, covariance, strain, solved, turned, iterated, basis, split, volume, by_rows,
    predicted,
)  # fmt: skip
