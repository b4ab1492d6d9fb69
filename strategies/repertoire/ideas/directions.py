"""What people give names to in a module that has several numbers: gravity, an axis, a light, colours, boxes, matrices,
rotations, weights.

Each function gives the expression that its result is: a number, or a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Apply, Component, Literal
from strategies.language.types import INT32, Composite, Scalar
from strategies.repertoire.ideas.constants import Named
from strategies.repertoire.ideas.numbers import operand, scalar
from strategies.typed import Typed

#: Of 100 vectors that differ from thread to thread, how many have a local, and of 100 results.
LOCAL: Final = 45
KEPT: Final = 35
#: Directions of length one, as people write them; the last ones have no short binary digits.
AXES: Final = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
OBLIQUE: Final = ((0.6, 0.8, 0.0), (0.0, 0.6, 0.8), (-0.6, 0.0, 0.8))
#: Rotations of length one, likewise.
TURNS: Final = ((0.5, 0.5, 0.5, 0.5), (0.0, 1.0, 0.0, 0.0), (-0.5, 0.5, 0.5, 0.5))
SLANTED: Final = ((0.0, 0.6, 0.0, 0.8), (0.0, 0.0, 0.6, 0.8), (0.8, 0.0, 0.0, 0.6))
#: How much larger a component may be after a rotation.
_SPREAD: Final = 1.75


def _vector(p: Named, name: str, low: float = -2.0, high: float = 2.0, length: int = 3) -> str:
    """A vector that differs from thread to thread."""
    p.array(f"{name}_of", types.vector(length, p.real), low, high)
    if p.dice.chance(LOCAL):
        p.write(f"{name} = {name}_of[i]")
        return name
    return f"{name}_of[i]"


def _unit(p: Named, exact: tuple[tuple[float, ...], ...], others: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    """A value of length one in the kernel's type."""
    return p.dice.one_of(exact + others if p.real.notation != "float16" else exact)


def fallen(p: Named) -> str:
    """What gravity does: to a speed, a place, or an energy."""
    dice = p.dice
    pull = dice.one_of((9.81, 9.8, 10.0))
    p.several("G", "vec3", dice.one_of(((0.0, -pull, 0.0), (0.0, 0.0, -pull), (0.0, -pull, 0.0))))
    step = scalar(p, "dt", 0.0625, 0.25, (0.01, 0.1, 0.02), 45)
    x, v = _vector(p, "x"), _vector(p, "v")
    at = dice.one_of((".y", "[1]", ".z", "[2]"))
    mass = operand(p, "mass", 0.5, 2.0) if dice.chance(40) else ""
    if mass:
        return dice.one_of((f"{mass} * G", f"-{mass} * dot(G, {x})", f"{v} + {step} * ({mass} * G)"))
    return dice.one_of((
        f"{v} + G * {step}", f"{x} + {v} * {step} + 0.5 * {step} * {step} * G", f"{v} + {step} * (G + _force_)",
        f"0.5 * dot({v}, {v}) - dot(G, {x})", f"0.99 * {v} + {step} * G",
        f"{x}{at} + ({v}{at} + G{at} * {step}) * {step}", f"{v}{at} + G{at} * {step}",
    )).replace("_force_", _vector(p, "force"))  # fmt: skip


def upright(p: Named) -> str:
    """How something lies to an axis: along it, across it, on which side."""
    p.several("UP", "vec3", _unit(p, AXES, OBLIQUE))
    n = _vector(p, "n")
    height = operand(p, "height")
    return p.dice.one_of((
        f"dot({n}, UP)", f"max(dot({n}, UP), 0.0)", f"cross(UP, {n})", f"{n} - dot({n}, UP) * UP",
        f"{n} + {height} * UP", f"dot({n}, UP) * {height}", f"{n} if dot({n}, UP) > 0.0 else -{n}",
        f"{n} - 2.0 * dot({n}, UP) * UP",
    ))  # fmt: skip


def lit(p: Named) -> str:
    """A surface under a light, or between the colours of sky and ground."""
    dice = p.dice
    p.several("LIGHT", "vec3", _unit(p, AXES, OBLIQUE))
    p.several("SKY", "vec3", dice.one_of(((0.5, 0.7, 1.0), (0.25, 0.5, 1.0))))
    p.several("GROUND", "vec3", dice.one_of(((0.3, 0.25, 0.2), (0.5, 0.25, 0.125))))
    n, albedo = _vector(p, "n", -1.0, 1.0), _vector(p, "albedo", 0.0, 1.0)
    return dice.one_of((
        f"max(dot({n}, LIGHT), 0.0) * {albedo}", f"GROUND + (SKY - GROUND) * (0.5 * dot({n}, LIGHT) + 0.5)",
        f"cw_mul({albedo}, SKY)", f"max(dot({n}, LIGHT), 0.0) * cw_mul({albedo}, SKY) + 0.25 * GROUND",
        f"0.5 + 0.5 * dot({n}, LIGHT)",
    ))  # fmt: skip


def coloured(p: Named) -> str:
    """Brightness and tint of a pixel."""
    dice = p.dice
    p.several("LUMA", "vec3", dice.one_of(((0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722))))
    p.several("TINT", "vec3", dice.one_of(((1.0, 0.9, 0.8), (0.25, 0.5, 1.0))))
    c, share = _vector(p, "c", 0.0, 1.0), scalar(p, "share", 0.0, 1.0, (0.5, 0.25, 0.75), 60)
    return dice.one_of((
        f"dot({c}, LUMA)", f"dot({c}, LUMA) * TINT", f"cw_mul({c}, TINT)", f"(1.0 - {share}) * {c} + {share} * TINT",
        f"{c} + {share} * (dot({c}, LUMA) * TINT - {c})",
    ))  # fmt: skip


def boxed(p: Named) -> str:
    """A point in a box: held inside, where in it, how far from its middle."""
    dice = p.dice
    length = dice.one_of((3, 3, 2))
    low, high = dice.one_of((((-1.0, -0.5, -1.0), (1.0, 1.5, 1.0)), ((0.0, -1.0, 0.0), (1.0, 1.0, 2.0))))
    ends = (low[:length], high[:length]) if dice.chance(65) else ((low[0],), (high[0],))
    p.several("LO", f"vec{length}", ends[0]).several("HI", f"vec{length}", ends[1])
    p.several("MID", f"vec{length}", tuple((a + b) / 2 for a, b in zip(*ends, strict=True)))
    x = _vector(p, "x", length=length)
    return dice.one_of((
        f"min(max({x}, LO), HI)", f"max(min({x}, HI), LO)", f"length({x} - MID)", f"{x} - MID",
        f"min(max({x}, LO), HI) - {x}", f"dot({x} - LO, {x} - HI)",
    ))  # fmt: skip


def mapped(p: Named) -> str:
    """A matrix that all vectors are multiplied with: a rotation, a shear, a change of colours."""
    dice = p.dice
    if dice.chance(35):
        p.several("M", "mat22", dice.one_of(((0.0, -1.0, 1.0, 0.0), (0.5, 0.25, -0.25, 0.5), (1.0, 0.5, 0.0, 1.0))))
        v = _vector(p, "v", -1.0, 1.0, 2)
    else:
        p.several("M", "mat33", dice.one_of((
            (0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 1.14, 1.0, -0.39, -0.58, 1.0, 2.03, 0.0),
            (2.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.5), (1.0, 0.25, 0.0, 0.0, 1.0, 0.25, 0.0, 0.0, 1.0),
        )))  # fmt: skip
        v = _vector(p, "v", -1.0, 1.0)
    return dice.one_of((f"M * {v}", f"M * {v}", f"dot({v}, M * {v})", f"transpose(M) * {v}", f"{v} + 0.5 * (M * {v})"))


def turned(p: Named) -> str:
    """A rotation, or its inverse, about a point."""
    dice = p.dice
    p.several("TURN", "quat", _unit(p, TURNS, SLANTED))
    centred = dice.chance(45)
    if centred:
        p.several("CENTRE", "vec3", dice.one_of(((0.5, 0.5, 0.0), (0.0, 1.0, 0.0), (1.0, -0.5, 0.25))))
    x = _vector(p, "x")
    given = p.value(f"{x} - CENTRE" if centred else x)
    op = dice.one_of(("quat_rotate", "quat_rotate", "quat_rotate_inv"))
    # of length one, whatever its numbers look like
    node = Apply(given.type, op, (p.known("TURN").node, given.node))
    p.bind(turned=Typed(node, symmetric(_SPREAD * given.interval.size), given.live))
    return "turned + CENTRE" if centred else dice.one_of(("turned", "turned", "turned + 0.5 * " + x))


def filtered(p: Named) -> str:
    """Weights of neighbours in a loop over them."""
    dice = p.dice
    length = dice.one_of((3, 3, 4))
    weights = {3: ((0.25, 0.5, 0.25), (-0.5, 0.0, 0.5), (1.0, -2.0, 1.0)), 4: ((0.125, 0.375, 0.375, 0.125),)}[length]
    p.several("W", f"vec{length}", dice.one_of(weights)).line("x", p.real, -2.0, 2.0, spare=length - 1)
    p.write(f"total = F(0.0)\nfor k in range({length}):\n    total += W[k] * x[i + k]")
    return dice.one_of(("total", "total", "total - x[i]"))


def gridded(p: Named) -> str:
    """The size of a grid, by which the thread's place is taken apart."""
    dice = p.dice
    across, along = dice.one_of(((4, 3), (3, 5), (2, 4)))
    p.several("SIZE", "vec2", (across, along), INT32)
    size, named = p.known("SIZE").node, dice.chance(50)
    p.bind(NX=Typed(Component(INT32, size, Literal(INT32, 0), named), Interval(across, across)))
    rows = (p.sketch.launch[0] - 1) // across + 1
    p.array("cells", p.real, -2.0, 2.0, (rows, across)).array("gain", p.real, 0.25, 2.0, (across,))
    p.write("col = i % NX\nrow = i // NX")
    return dice.one_of(("cells[row, col]", "cells[row, col] * gain[col]", "cells[row, col] + gain[col]"))


IDEAS: Final[tuple[tuple[int, Callable[[Named], str]], ...]] = (
    (5, fallen), (4, upright), (3, lit), (3, coloured), (3, boxed), (3, mapped), (3, turned), (3, filtered),
    (2, gridded),
)  # fmt: skip


def draw_idea(p: Named) -> None:
    """The lines of one idea, and a store of its result: as it is, scaled, or added to something."""
    dice = p.dice
    text = dice.weighted(IDEAS)(p)
    if dice.chance(KEPT):
        p.write(f"res = {text}")
    else:
        p.bind(res=p.value(text, p.real))
    of = p.known("res").type
    assert isinstance(of, Scalar | Composite)
    p.output("out", of)
    match dice.below(8):
        case 0:
            p.write(f"out[i] = res * {scalar(p, 'gain', 0.25, 2.0, (0.5, 2.0), 80)}")
        case 1:
            p.array("base", of, -1.0, 1.0).write("out[i] = base[i] + res")
        case 2:
            p.array("weight", p.real, 0.25, 2.0).write("out[i] = weight[i] * res")
        case _:
            p.write("out[i] = res")
