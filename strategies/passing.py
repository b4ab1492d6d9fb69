"""Functions that take functions, ``apply(square, x)``, with one instance for each that is passed, and functions that a
factory makes, ``scaled = make_blend(0.25, square)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from strategies.calls import Callee
from strategies.functions import CALLED, PLAIN, FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.closures import MAKE, with_captured
from strategies.language.generics import NUMBERED
from strategies.language.nodes import (
    Apply,
    Call,
    Cast,
    Closure,
    Constant,
    Function,
    Literal,
    Name,
    Node,
    Numbers,
    Passed,
    Return,
    Statement,
    rebuild,
)
from strategies.ops import FACTOR, OPS, overload
from strategies.repertoire.helpers import HelperScene
from strategies.repertoire.scenes import Scene
from strategies.statements import Sketch
from strategies.typed import Typed

#: Between which values lies what a function that is passed takes and gives: all of them alike, so that each may stand
#: for another.
TAKEN: Final = symmetric(4.0)
GIVEN: Final = symmetric(8.0)
#: The same for vectors that a function takes which a factory makes.
DIRECTED: Final = symmetric(2.0)
#: What a factory captures of several numbers, and what its functions do with that: directions and rotations of length
#: one, which every float type holds exactly, scales, places and matrices.
CAPTURES: Final = (
    (4, ("vec3", ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
         ("along", "along", "across", "mirrored", "cross"))),
    (2, ("vec3", ((0.5, 1.0, -0.5), (1.0, 0.25, 0.0), (0.25, 0.5, 0.75)), ("scaled", "apart", "along"))),
    (2, ("mat33", ((0.5, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.25), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
         ("mul",))),
    (2, ("quat", ((0.0, 1.0, 0.0, 0.0), (0.5, 0.5, 0.5, 0.5), (-0.5, 0.5, 0.5, 0.5)), ("turned",))),
)  # fmt: skip
#: Of 100 factories, how many capture a function too.
CAPTURED: Final = 45


def draw_passing(sketch: Sketch) -> list[Callee]:
    """One or two functions of a number, and one that takes such a function and calls it: an instance for each."""
    dice = sketch.dice
    count = dice.one_of((1, 2, 2))
    inner = [_draw_passed(sketch) for _ in range(count)]
    first, before = inner[0], list(sketch.callees)
    own = FunctionSketch(sketch)
    own.callees, own.calls = [first], 50
    alias = own.fresh()
    x = own.variable(own.parameter(sketch.main))
    body: list[Statement] = own.block(dice.below(2) if dice.chance(40) else 0, PLAIN, 1)
    before_use, once = _use(own, first, x)
    body += before_use
    left = any(not v.used for v in own.scope if v in own.defined)
    value = own.fit_local(own.plus(once, own.give(sketch.main, 1)) if left or dice.chance(60) else once)
    callee = own.finish(sketch.main, [*body, Return((value.node,))], [value])
    sketch.callees[:] = before
    made = [callee._replace(function=_instance(callee.function, alias, first, other)) for other in inner]
    if count > 1:
        # what several are called, nothing else is
        bound = {p.name for c in (*sketch.callees, callee) for p in c.function.parameters}
        free = [name for name in CALLED if name not in sketch.scope.taken | bound]
        called = callee.function.name if callee.function.name not in bound else dice.one_of(free)
        sketch.scope.taken.add(called)
        made = [
            c._replace(function=msgspec.structs.replace(c.function, name=f"{called}{NUMBERED}{n}"))
            for n, c in enumerate(made, 1)
        ]
    sketch.callees += made
    sketch.called |= {c.function.name for c in inner}
    return made


def _use(own: FunctionSketch, first: Callee, x: Typed) -> tuple[list[Statement], Typed]:
    """What is done with a function that was passed: its slope, a sum of its values, it of itself, or of something."""
    dice, scene = own.dice, HelperScene(own)

    def at(value: Typed) -> Typed:
        node = Call(own.main, first.function.name, (own.fit(value, TAKEN).node,))
        return Typed(node, GIVEN, value.live)

    match dice.below(4):
        case 0:
            near = dice.one_of((0.125, 0.25))
            ends = [at(scene.op(op, x, scene.literal(near))) for op in ("add", "sub")]
            return scene.body, scene.op("mul", scene.op("sub", *ends), scene.literal(0.5 / near))
        case 1:
            count, step = dice.between(3, 5), scene.gain(0.125, 0.5)
            total = scene.zero(own.main)

            def body(inner: Scene, index: Name) -> None:
                number = Typed(Cast(own.main, index), Interval(0, count - 1))
                inner.grow(total, at(inner.op("add", x, inner.op("mul", number, step))), count)

            scene.repeat(count, [total], body)
            found = scene.now(total)
            return scene.body, scene.op("mul", found, step) if dice.chance(60) else found
        case 2:
            return scene.body, at(scene.op("mul", at(x), scene.literal(0.5)) if dice.chance(50) else at(x))
    return scene.body, own.call(first, 2)


def draw_made(sketch: Sketch) -> list[Callee]:
    """One or two functions of one factory, which capture a number, and at times a function."""
    dice, main = sketch.dice, sketch.main
    count = dice.one_of((1, 2, 2))
    inner = [_draw_passed(sketch) for _ in range(count)] if dice.chance(CAPTURED) else []
    before = list(sketch.callees)
    own = FunctionSketch(sketch)
    own.callees, own.calls = inner[:1], 30
    alias, number = own.fresh(), own.fresh()
    own.parameter(main)
    body: list[Statement] = own.block(dice.below(2), PLAIN, 1)
    numbers = dice.some_of((0.25, 0.5, 1.5, 2.0, -0.5, 0.75, -1.5), count)
    constant = Constant(main, number, Literal(main, numbers[0]), wrapped=False)
    value = own.give(main, 1)
    if inner:
        value = own.plus(own.call(inner[0], 2), value)
    value = own.fit(value, symmetric(FACTOR[main.notation] / 4))
    mixed = own.apply(OPS[dice.one_of(("mul", "mul", "add", "max"))], main, [value, Typed(constant, symmetric(2.0))])
    mixed = own.fit_local(mixed)
    callee = own.finish(main, [*body, Return((mixed.node,))], [mixed])
    sketch.callees[:] = before
    given = [Constant(main, number, Literal(main, value), wrapped=False) for value in numbers]
    return _of_one_factory(own, callee, given, alias, inner)


def draw_directed(sketch: Sketch) -> list[Callee]:
    """One or two functions of one factory, which capture a vector, a matrix or a quaternion: what they project on,
    scale by, or turn by."""
    dice, main = sketch.dice, sketch.main
    form, values, ways = dice.weighted(CAPTURES)
    count = dice.one_of((1, 2, 2))
    before = list(sketch.callees)
    own = FunctionSketch(sketch)
    own.calls = 0
    number = own.fresh()
    x = own.variable(own.parameter(types.vector(3, main), DIRECTED))
    of = types.composite(form, main)
    given = [
        Constant(of, number, Numbers(of, tuple(Literal(main, v) for v in value)), wrapped=False)
        for value in dice.some_of(values, count)
    ]
    constant = Typed(given[0], symmetric(1.0))

    def apply(op: str, *arguments: Typed) -> Typed:
        row = overload(op, [a.type for a in arguments])
        result = row.result([a.type for a in arguments])
        assert result is not None
        return own.apply(row, result, list(arguments))

    match dice.one_of(ways):
        case "along":
            value = apply("dot", x, constant)
        case "across":
            value = apply("sub", x, apply("mul", constant, apply("dot", x, constant)))
        case "mirrored":
            twice = apply("mul", Typed(Literal(main, 2.0), Interval(2.0, 2.0)), apply("dot", x, constant))
            value = apply("sub", x, apply("mul", constant, twice))
        case "turned":
            # of length one, whatever its numbers look like
            value = Typed(Apply(x.type, "quat_rotate", (given[0], x.node)), symmetric(2.0 * DIRECTED.size), x.live)
        case "scaled":
            value = apply("cw_mul", x, constant)
        case "apart":
            value = apply("length", apply("sub", x, constant))
        case way:
            value = apply(way, constant, x)
    value = own.fit_local(value)
    callee = own.finish(value.type, [Return((value.node,))], [value])
    sketch.callees[:] = before
    return _of_one_factory(own, callee, given)


def _of_one_factory(
    own: FunctionSketch,
    callee: Callee,
    captured: Sequence[Constant],
    alias: str = "",
    inner: Sequence[Callee] = (),
) -> list[Callee]:
    """A function that was drawn last as the first of those that a factory makes: one for each constant that is
    captured and, if there are such, each function, which goes by `alias`."""
    sketch, dice = own.kernel, own.dice
    free = [name for name in CALLED if name not in sketch.scope.taken and name not in own.scope.taken]
    names = [callee.function.name, dice.one_of(free)][: len(captured)]
    sketch.scope.taken.update(names)
    factory = f"{MAKE}{dice.one_of([name for name in free if name not in names])}"
    sketch.scope.taken.add(factory.removeprefix(MAKE))
    for n, (name, given) in enumerate(zip(names, captured, strict=True)):
        function = with_captured(callee.function, {given.name: given})
        passed: tuple[Passed, ...] = ()
        if inner:
            function = _through(function, alias, inner[0], inner[n])
            passed = (Passed(alias, inner[n].function.name),)
        closure = Closure(factory, (given,), passed)
        function = msgspec.structs.replace(function, name=name, closure=closure)
        sketch.callees.append(callee._replace(function=function))
    sketch.called |= {c.function.name for c in inner}
    return sketch.callees[-len(names) :]


def _draw_passed(sketch: Sketch) -> Callee:
    """A function of one number, whose values lie where those of all others that are passed do."""
    own = FunctionSketch(sketch)
    own.most_parameters, own.calls = 1, 0
    own.parameter(sketch.main, TAKEN)
    body = own.block(own.dice.below(2), PLAIN, 1)
    value = own.fit(own.give(sketch.main, own.dice.between(1, 2)), GIVEN)
    callee = own.finish(sketch.main, [*body, Return((value.node,))], [value])
    plain = tuple(msgspec.structs.replace(p, default=None) for p in callee.function.parameters)
    function = msgspec.structs.replace(callee.function, parameters=plain)
    changed = callee._replace(function=function, intervals=(GIVEN,))
    sketch.callees[sketch.callees.index(callee)] = changed
    return changed


def _instance(function: Function, alias: str, first: Callee, other: Callee) -> Function:
    """`function`, drawn with calls of `first`, with `other` passed as `alias` instead."""
    found = _through(function, alias, first, other)
    return msgspec.structs.replace(found, passed=(Passed(alias, other.function.name),))


def _through(function: Function, alias: str, first: Callee, other: Callee) -> Function:
    """`function` with `other` called as `alias` where it calls `first`."""

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        if isinstance(node, Call) and node.function == first.function.name:
            # parameters have names of their own in each
            return msgspec.structs.replace(node, function=other.function.name, through=alias, keywords=())
        return node

    found: Function = change(function)
    return found
