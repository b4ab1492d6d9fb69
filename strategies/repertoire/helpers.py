"""Small functions that people give a name: curves, falloffs, forces, searches, sums, and pairs of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strategies.blocks import whole
from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import TRUTH, Interval, symmetric
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Compare,
    Conditional,
    Element,
    Expression,
    For,
    If,
    Literal,
    Name,
    Return,
)
from strategies.language.rules import returned_type
from strategies.language.types import BOOL, INT32, Type
from strategies.repertoire.scenes import Drawn, Scene
from strategies.statements import Sketch
from strategies.typed import Typed

#: Between which values a number or a vector lies that is passed to a helper: what most inputs do without a guard.
REACH_OF_PASSED: Final = 4.0


class HelperScene(Scene):
    """The statements of a function: what a kernel reads from arrays is passed to it."""

    sketch: FunctionSketch

    def __init__(self, sketch: FunctionSketch, units: set[str] | None = None) -> None:
        super().__init__(sketch, units)

    def inside(self) -> Scene:
        """A scene for the statements of a block in this one."""
        found = HelperScene(self.sketch, self.units)
        found.rows, found.columns, found.bodies, found.dotted = self.rows, self.columns, self.bodies, self.dotted
        return found

    def read(self, of: Type, reach: float = REACH_OF_PASSED) -> Typed:
        """A new parameter."""
        if isinstance(of, types.Scalar | types.Vector):
            reach = max(reach, REACH_OF_PASSED)
        return self.sketch.variable(self.sketch.parameter(of, symmetric(reach)))

    def gain(self, low: float = 0.125, high: float = 2.0) -> Typed:
        """What scales or weighs: a literal, or a parameter."""
        if self.dice.chance(45):
            return self.sketch.variable(self.sketch.parameter(self.main, Interval(low, high)))
        return self.factor(low, high)

    def leave(self, test: Expression, *values: Typed) -> None:
        """``if test: return …``."""
        self.body.append(If(test, (Return(tuple(v.node for v in values)),)))

    def less(self, left: Typed, right: Typed, op: str = "<") -> Expression:
        """A comparison of two numbers."""
        return Compare(BOOL, (op,), (left.node, right.node))


def draw_helper(sketch: Sketch, drawn: Drawn) -> Callee:
    """A function of what `drawn` computes: of one result, or of several."""
    own = FunctionSketch(sketch)
    own.calls = 0
    own.most_parameters = 8
    scene = HelperScene(own)
    scene.rows = scene.columns = sketch.dice.one_of((3, 2))
    results = [own.fit_local(value) for value in drawn(scene)]
    end = Return(tuple(v.node for v in results))
    return own.finish(returned_type(end), [*scene.body, end], results)


def _own(scene: Scene) -> HelperScene:
    assert isinstance(scene, HelperScene)
    return scene


def _either(scene: Scene, found: Sequence[Typed], last: Typed) -> Typed:
    """`last`, which other ways out may give one of `found` instead of."""
    interval = last.interval
    for value in found:
        interval = interval.join(value.interval)
    return last._replace(interval=interval)


# ---------------------------------------------------------------- curves


def smoothstep(scene: Scene) -> list[Typed]:
    """A soft step between two edges."""
    t = scene.read(scene.main)
    if scene.dice.chance(60):
        low = scene.literal(scene.dice.one_of((0.0, 0.25, 0.5, -1.0)))
        t = scene.op("div", scene.op("sub", t, low), scene.literal(scene.dice.one_of((0.5, 2.0, 1.5))))
    t = scene.let(scene.op("clamp", t, scene.literal(0.0), scene.literal(1.0)))
    slope = scene.op("sub", scene.literal(3.0), scene.op("mul", scene.literal(2.0), t))
    return [scene.product(t, t, slope)._replace(interval=Interval(0.0, 1.0))]


def sigmoid(scene: Scene) -> list[Typed]:
    """An activation: logistic, or one of its kin."""
    dice, x = scene.dice, scene.read(scene.main)
    if dice.chance(40):
        x = scene.op("mul", x, scene.gain(0.5, 1.0))
    bottom = scene.op("add", scene.literal(1.0), scene.op("exp", scene.op("neg", x)))
    if dice.chance(50):
        return [scene.op("div", scene.literal(1.0), bottom)]
    return [scene.op("div", scene.named(x), bottom)] if dice.chance(50) else [scene.op("log", bottom)]


def bell(scene: Scene) -> list[Typed]:
    """A weight that falls off with a distance."""
    dice, d = scene.dice, scene.read(scene.main)
    d = scene.let(scene.op("div", d, scene.gain(1.5, 3.0)))
    squared = scene.op("mul", d, d)
    if dice.chance(60):
        return [scene.op("exp", scene.op("mul", scene.literal(dice.one_of((-0.5, -0.25))), squared))]
    return [scene.op("div", scene.gain(0.5, 2.0), scene.op("add", scene.literal(1.0), squared))]


def huber(scene: Scene) -> list[Typed]:
    """A loss that is square near zero and straight beyond."""
    own, x, most = _own(scene), scene.read(scene.main), scene.gain(0.5, 1.5)
    size = scene.let(scene.op("abs", x))
    near = scene.product(scene.literal(0.5), x, x)
    own.leave(own.less(size, most, scene.dice.one_of(("<", "<="))), near)
    far = scene.op("mul", most, scene.op("sub", size, scene.op("mul", scene.literal(0.5), most)))
    return [_either(scene, [near], far)]


def leaky(scene: Scene) -> list[Typed]:
    """A number as it is above a threshold, and changed below it."""
    own, dice, x = _own(scene), scene.dice, scene.read(scene.main)
    edge = scene.literal(0.0) if dice.chance(70) else scene.gain(-0.5, 0.5)
    below = scene.op("mul", x, scene.gain(0.0625, 0.5))
    if dice.chance(40):
        below = scene.op("sub", scene.op("exp", scene.op("min", x, scene.literal(0.0))), scene.literal(1.0))
    own.leave(own.less(x, edge), below)
    above = scene.op("mul", x, scene.gain(0.5, 1.5)) if dice.chance(40) else x
    return [_either(scene, [below], above)]


def polynomial(scene: Scene) -> list[Typed]:
    """A polynomial, by Horner's rule."""
    x, found = scene.read(scene.main), scene.gain(-1.0, 1.0)
    for _ in range(scene.dice.between(2, 3)):
        found = scene.op("add", scene.op("mul", found, x), scene.gain(-2.0, 2.0))
    return [found]


def remapped(scene: Scene) -> list[Typed]:
    """A number moved from one range to another, or mixed of two."""
    dice, x = scene.dice, scene.read(scene.main)
    if dice.chance(50):
        a, b = scene.read(scene.main), scene.read(scene.main)
        t = scene.op("clamp", x, scene.literal(0.0), scene.literal(1.0)) if dice.chance(60) else x
        return [scene.op("add", a, scene.op("mul", scene.op("sub", b, a), t))]
    t = scene.op("div", scene.op("sub", x, scene.gain(-1.0, 0.0)), scene.gain(0.5, 2.0))
    return [scene.op("add", scene.gain(-1.0, 1.0), scene.op("mul", t, scene.gain()))]


def wave(scene: Scene) -> list[Typed]:
    """A damped or a plain oscillation."""
    dice, t = scene.dice, scene.read(scene.main)
    turn = scene.op("add", scene.op("mul", scene.gain(0.5, 2.0), t), scene.gain(-1.0, 1.0))
    found = scene.op("mul", scene.gain(), scene.op(dice.one_of(("sin", "cos")), turn))
    if dice.chance(50):
        fade = scene.op("exp", scene.op("neg", scene.op("mul", scene.gain(0.125, 0.5), scene.op("abs", t))))
        found = scene.op("mul", fade, found)
    return [found]


def damper(scene: Scene) -> list[Typed]:
    """The force of a spring with damping, limited at times."""
    x, v = scene.read(scene.main), scene.read(scene.main)
    force = scene.op("neg", scene.op("mul", scene.gain(), scene.op("sub", x, scene.gain(-1.0, 1.0))))
    force = scene.op("sub", force, scene.op("mul", scene.gain(0.125, 1.0), v))
    if scene.dice.chance(45):
        most = scene.literal(scene.dice.one_of((2.0, 4.0, 8.0)))
        force = scene.op("clamp", force, scene.op("neg", most), most)
    return [force]


# ---------------------------------------------------------------- over arrays


def _row(scene: Scene, count: int) -> tuple[str, Name]:
    """A parameter that is an array with a row for each thread, and one that is the thread's row."""
    own = _own(scene).sketch
    array = own.array(scene.main, (own.launch[0], count), symmetric(2.0))
    return array.name, Name(INT32, own.place(own.launch[0]).name)


def _cell(scene: Scene, array: str, *indices: Expression) -> Typed:
    return Typed(Element(scene.main, array, indices), symmetric(2.0), True)


def summed(scene: Scene) -> list[Typed]:
    """A sum, a mean or a norm of a row."""
    dice, count = scene.dice, scene.dice.between(3, 5)
    array, at = _row(scene, count)
    other = _row(scene, count)[0] if dice.chance(35) else None
    shift = scene.gain(-1.0, 1.0) if dice.chance(40) else None
    total = scene.zero(scene.main)

    def body(inner: Scene, index: Name) -> None:
        value = _cell(inner, array, at, index)
        if shift is not None:
            value = inner.let(inner.op("sub", value, shift))
        if other is not None:
            value = inner.op("mul", value, _cell(inner, other, at, index))
        elif shift is not None or dice.chance(40):
            value = inner.op("mul", value, value)
        inner.grow(total, value, count)

    scene.repeat(count, [total], body)
    found = scene.now(total)
    return [scene.op("div", found, scene.literal(float(count)))] if dice.chance(50) else [found]


def largest(scene: Scene) -> list[Typed]:
    """The largest or the smallest of a row, and at times where it is."""
    own, dice, count = _own(scene), scene.dice, scene.dice.between(3, 5)
    array, at = _row(scene, count)
    best = scene.let(_cell(scene, array, at, whole(0)), mutable=True)
    place = own.sketch.new_local(INT32, Interval(0, count - 1), False, True)
    keeps = dice.chance(50)
    if keeps:
        scene.body.append(Assign(Name(INT32, place.name), Cast(INT32, whole(0))))
    index = Name(INT32, own.sketch.fresh())
    inner = scene.inside()
    value = inner.let(_cell(inner, array, at, index))
    inner.known(value).type = types.VOID
    arm = [Assign(best.node, value.node)]  # type: ignore[arg-type]
    if keeps:
        arm.append(Assign(Name(INT32, place.name), index))
    inner.body.append(If(Compare(BOOL, (dice.one_of((">", "<")),), (value.node, best.node)), tuple(arm)))
    scene.body.append(For(index.name, whole(count), tuple(inner.body), whole(1)))
    place.used = True
    place.type = types.VOID
    found = [scene.now(best)]
    if keeps:
        found.append(Typed(Name(INT32, place.name), Interval(0, count - 1)))
    return found


def counted(scene: Scene) -> list[Typed]:
    """How many numbers of a row lie beyond a limit: a search by counting."""
    own, dice, count = _own(scene), scene.dice, scene.dice.between(3, 5)
    array, at = _row(scene, count)
    limit = scene.read(scene.main)
    number = Name(INT32, own.sketch.fresh())
    index = Name(INT32, own.sketch.fresh())
    test = Compare(BOOL, (dice.one_of((">", "<", "<=")),), (_cell(scene, array, at, index).node, limit.node))
    scene.body.append(Assign(number, Cast(INT32, whole(0))))
    scene.body.append(For(index.name, whole(count), (If(test, (AugmentedAssign(number, "add", whole(1)),)),)))
    share = Typed(Cast(scene.main, number), Interval(0.0, count))
    found = scene.op("mul", share, scene.gain(0.25, 1.0))
    return [scene.op("add", found, scene.op("mul", limit, scene.gain(0.125, 0.5)))]


def looked_up(scene: Scene) -> list[Typed]:
    """A table between two of its entries."""
    own, count = _own(scene), scene.dice.between(4, 7)
    table = own.sketch.array(scene.main, (count,), symmetric(2.0))
    most = scene.literal(float(count - 2))
    x = scene.let(scene.op("clamp", scene.read(scene.main), scene.literal(0.0), most))
    k = own.sketch.fresh()
    scene.body.append(Assign(Name(INT32, k), Apply(INT32, "min", (Cast(INT32, x.node), whole(count - 2)))))
    at = Name(INT32, k)
    t = scene.let(scene.op("sub", x, Typed(Cast(scene.main, at), Interval(0, count - 2))))
    t = t._replace(interval=Interval(0.0, 1.0))
    a, b = _cell(scene, table.name, at), _cell(scene, table.name, Apply(INT32, "add", (at, whole(1))))
    if scene.dice.chance(50):
        return [scene.op("lerp", a, b, t)]
    return [scene.op("add", scene.op("mul", a, scene.op("sub", scene.literal(1.0), t)), scene.op("mul", b, t))]


# ---------------------------------------------------------------- several results


def ordered(scene: Scene) -> list[Typed]:
    """The smaller and the larger of two numbers, or a middle and a width."""
    a, b = scene.read(scene.main), scene.read(scene.main)
    if scene.dice.chance(50):
        return [scene.op("min", a, b), scene.op("max", a, b)]
    middle = scene.op("mul", scene.op("add", a, b), scene.literal(0.5))
    return [middle, scene.op("abs", scene.op("sub", b, a))]


def polar(scene: Scene) -> list[Typed]:
    """A point by its distance and angle, or the other way round."""
    dice = scene.dice
    if dice.chance(50):
        r, angle = scene.read(scene.main), scene.read(scene.main)
        return [scene.op("mul", r, scene.op(name, angle)) for name in ("cos", "sin")]
    x, y = scene.read(scene.main), scene.read(scene.main)
    far = scene.op("sqrt", scene.total(scene.op("mul", x, x), scene.op("mul", y, y)))
    if dice.chance(60):
        return [far, scene.op("atan2", y, x)]
    far = scene.let(far)
    return [far, scene.op("div", y, far)]


def hit(scene: Scene) -> list[Typed]:
    """Whether something is met, and how far away."""
    own, dice = _own(scene), scene.dice
    a, b, c = scene.gain(0.5, 2.0), scene.read(scene.main), scene.read(scene.main)
    inside = scene.op("sub", scene.op("mul", b, b), scene.op("mul", a, c))
    inside = scene.let(inside)
    never = scene.literal(dice.one_of((-1.0, 0.0)))
    no = Typed(Literal(BOOL, False), TRUTH)
    own.leave(own.less(inside, scene.literal(0.0)), no, never)
    root = scene.op("sqrt", inside)
    t = scene.op("div", scene.op("sub", scene.op("neg", b), root), a)
    t = scene.let(t)
    met: Expression = own.less(t, scene.literal(0.0), ">")
    if dice.chance(40):
        met = Literal(BOOL, True)
    return [Typed(met, TRUTH), _either(scene, [never], t)]


def roots(scene: Scene) -> list[Typed]:
    """Both solutions of a square equation."""
    b, c = scene.read(scene.main), scene.read(scene.main)
    inside = scene.op("sub", scene.op("mul", b, b), scene.op("mul", scene.literal(4.0), c))
    root = scene.let(scene.op("sqrt", inside))
    ways = [scene.op(op, scene.op("neg", b), root) for op in ("sub", "add")]
    return [scene.op("mul", way, scene.literal(0.5)) for way in ways]


def stepped(scene: Scene) -> list[Typed]:
    """A place and a speed after a small time."""
    x, v = scene.read(scene.main), scene.read(scene.main)
    step = scene.gain(0.0625, 0.25)
    pull = scene.op("neg", scene.op("mul", scene.gain(), x))
    if scene.dice.chance(50):
        pull = scene.op("sub", pull, scene.op("mul", scene.gain(0.125, 0.5), v))
    speed = scene.let(scene.op("add", v, scene.op("mul", pull, step)))
    return [scene.op("add", x, scene.op("mul", speed, step)), speed]


def sine_and_cosine(scene: Scene) -> list[Typed]:
    """Two waves of one angle, or a curve and its slope."""
    x, k = scene.read(scene.main), scene.gain(0.5, 2.0)
    angle = scene.let(scene.op("mul", k, x))
    s, c = scene.op("sin", angle), scene.op("cos", angle)
    return [s, scene.op("mul", k, c)] if scene.dice.chance(50) else [s, c]


def divided(scene: Scene) -> list[Typed]:
    """A whole number and what is left, of a place in a grid or of a number."""
    own, dice = _own(scene), scene.dice
    if dice.chance(50):
        wide = dice.between(2, 5)
        at = Name(INT32, own.sketch.count(Interval(0, 15)).name)
        scaled = scene.op("mul", scene.read(scene.main), scene.gain(0.5, 2.0))
        return [
            Typed(Apply(INT32, "floordiv", (at, whole(wide))), Interval(0, 15 // wide)),
            Typed(Apply(INT32, "mod", (at, whole(wide))), Interval(0, wide - 1)),
            scaled,
        ]
    x = scene.let(scene.op("mul", scene.read(scene.main), scene.gain(0.5, 2.0)))
    base = scene.let(scene.op("floor", x))
    return [Typed(Cast(INT32, base.node), Interval(-16, 16)), scene.op("sub", x, base)]


def clipped(scene: Scene) -> list[Typed]:
    """A number held between two others, and by how much it was beyond."""
    x = scene.read(scene.main)
    most = scene.gain(0.5, 1.5)
    held = scene.let(scene.op("clamp", x, scene.op("neg", most), most))
    return [held, scene.op("sub", x, held)]


def signed(scene: Scene) -> list[Typed]:
    """A side and a size: which way, and how far."""
    x = scene.read(scene.main)
    node = Conditional(scene.main, Compare(BOOL, ("<",), (x.node, scene.literal(0.0).node)),
                       scene.literal(-1.0).node, scene.literal(1.0).node)  # fmt: skip
    side = scene.let(Typed(node, symmetric(1.0)))
    return [side, scene.op("mul", side, scene.op("mul", x, scene.gain()))]


#: Helpers with one result, over numbers; those over arrays; and those with several results.
CURVES: Final[tuple[Drawn, ...]] = (
    smoothstep, sigmoid, bell, huber, leaky, polynomial, remapped, wave, damper,
)  # fmt: skip
SEARCHES: Final[tuple[Drawn, ...]] = (summed, summed, largest, counted, looked_up)
PAIRS: Final[tuple[Drawn, ...]] = (
    ordered, polar, hit, hit, roots, stepped, sine_and_cosine, divided, clipped, signed,
)  # fmt: skip
