"""What people mix precisions for: halves in memory, products in a wider type, quantisation, scaled losses.

Each function writes the lines of one idea and stores its result.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Cast, Parameter
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, INT32, Composite, Scalar
from strategies.repertoire.forms import Form, one_for
from strategies.repertoire.ideas import numbers
from strategies.repertoire.ideas.narrowing import DECIMALS, PAIRS, TINY, loop, narrow, rows
from strategies.repertoire.ideas.numbers import scalar
from strategies.repertoire.ideas.rounding import ROUNDING
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.typed import Typed


class Widened(Phrase):
    """Lines about floats that are kept in a narrower type, and converted where they are read."""

    def __init__(self, sketch: Sketch, narrow: Scalar, wide: Scalar) -> None:
        super().__init__(sketch, real=wide)
        self._kept = narrow

    def array(
        self, name: str, of: Scalar | Composite, low: float, high: float, shape: tuple[int, ...] | None = None
    ) -> Phrase:
        """An input array, of the narrower type if it is one of floats."""
        return super().array(name, self._kept if of is self.real else of, low, high, shape)

    def _element(self, array: Parameter, index: ast.expr) -> Typed:
        found = super()._element(array, index)
        return found._replace(node=Cast(self.real, found.node)) if found.type is self._kept else found


def formula(p: Phrase) -> None:
    """A formula in one precision of numbers that are kept in another."""
    small, wide = p.dice.one_of(PAIRS)
    inner = Widened(p.sketch, small, wide)
    inner.write(f"v = {numbers.draw_idea(inner)}")
    p.body += inner.body
    p.bind(v=inner.known("v"))
    narrow(p, wide, p.dice.one_of((small, small, wide)), "v")


def halves(p: Phrase) -> None:
    """Numbers of one precision in memory, computed with in a wider one, and made narrow again at the store."""
    dice = p.dice
    small, wide = dice.one_of((PAIRS[0], PAIRS[0], PAIRS[1], PAIRS[3]))
    to = wide.notation
    p.array("a", small, -2.0, 2.0).array("b", small, -2.0, 2.0).array("c", small, -2.0, 2.0)
    p.real = wide
    s = scalar(p, "s", -1.0, 1.0, DECIMALS)
    p.write(f"x = {to}(a[i])" + (f"\ny = {to}(b[i])" if dice.chance(60) else ""))
    y = "y" if p.has("y") else f"{to}(b[i])"
    text = dice.one_of((
        f"x * {y} + {to}(c[i])", f"{s} * x + {y}", f"x * x + {y} * {y}", f"x - {s} * {y}", f"tanh(x) * {y}",
        f"max(x, {y}) * {s}", f"x / (1.0 + exp(-x)) * {y}", f"(1.0 - {s}) * x + {s} * {y}",
        f"sin(x) + {s} * cos({y})",
        f"x if x > {y} else {s} * {y}", f"clamp(x + {y}, -0.9, 0.9)", f"x * {y} - {to}(c[i]) * {s}",
    ))  # fmt: skip
    narrow(p, wide, dice.one_of((small, small, wide)), text)


def mixed(p: Phrase) -> None:
    """A product or a difference in a wide type of what is stored in a narrow one, or the other way round."""
    dice = p.dice
    first, second = dice.one_of(((FLOAT64, FLOAT32), (FLOAT64, FLOAT32), (FLOAT64, FLOAT16), (FLOAT32, FLOAT16)))
    p.array("a", first, -2.0, 2.0).array("b", second, -2.0, 2.0).parameter("alpha", second, -1.0, 1.0)
    wide = first.notation
    p.real = first
    s = scalar(p, "s", 0.25, 1.0, DECIMALS[:-1])
    if dice.chance(60):
        p.write(f"y = {wide}(b[i])")
        y = "y"
    else:
        y = f"{wide}(b[i])"
    text = dice.one_of((
        f"a[i] * {y}", f"a[i] - {y}", f"a[i] + {s} * {y}", f"sqrt(a[i] * a[i] + {y} * {y} + 0.3)",
        f"lerp(a[i], {y}, {s})", f"sin(a[i]) * {y}", f"a[i] * {y} - {s}", f"a[i] + {wide}(alpha) * {y}",
        f"{wide}(alpha) * a[i] + {s} * {y}", f"a[i] + {wide}(alpha * b[i])", f"a[i] / (1.0 + {y} * {y})",
        f"where({y} > 0.0, a[i], {s} * {y})", f"max(a[i], {y}) - min(a[i], {y})", f"a[i] * exp(-abs({y}))",
    ))  # fmt: skip
    narrow(p, first, dice.one_of((first, second)), text)


def stepped(p: Phrase) -> None:
    """A state in single precision that moves by a time, a rate or a phase in double."""
    dice = p.dice
    small = dice.one_of((FLOAT32, FLOAT32, FLOAT16))
    p.array("x", small, -2.0, 2.0).array("v", small, -2.0, 2.0).parameter("dt", FLOAT64, 0.05, 0.25)
    p.parameter("drag", small, 0.125, 0.5).parameter("time", FLOAT64, 0.0, 4.0)
    to = small.notation
    match dice.below(4):
        case 0:
            p.real = FLOAT64
            p.write("t = float64(x[i]) + float64(v[i]) * dt")
            if dice.chance(40):
                p.write(f"t = {dice.one_of(('clamp(t, -2.0, 2.0)', 't - dt * t', '0.5 * (t + float64(x[i]))'))}")
            narrow(p, FLOAT64, small, "t")
        case 1:
            # the phase of a wave, wrapped before it loses its digits
            p.real = FLOAT64
            speed = scalar(p, "frequency", 0.5, 2.0, (0.5, 1.9, 1.3))
            p.write(f"cycles = {speed} * time + float64(x[i])\nphase = {to}(cycles - floor(cycles))")
            p.narrow({"phase": Interval(0, 1)})
            p.real = small
            p.write(
                dice.one_of(
                    ("wave = sin(6.2832 * phase)", "wave = cos(6.2832 * phase)", "wave = abs(2.0 * phase - 1.0)")
                )
            )
            narrow(
                p,
                small,
                dice.one_of((small, FLOAT64)),
                dice.one_of(("v[i] * wave", "wave + v[i]", "wave - v[i] * wave")),
            )
        case 2:
            # several small steps
            p.write(f"h = {to}(dt)\nplace = x[i]\nspeed = v[i]")
            p.real = small
            push = dice.one_of(
                ("speed -= h * place", "speed -= h * (place + drag * speed)", "speed = speed - drag * speed")
            )
            order = ["place += h * speed", push]
            lines = "\n    ".join(order if dice.chance(50) else order[::-1])
            p.write(f"for k in range({dice.between(2, 3)}):\n    {lines}")
            narrow(p, small, dice.one_of((small, FLOAT64)), dice.one_of(("place", "place + speed", "place * speed")))
        case _:
            p.write(f"h = {to}(dt)")
            p.real = small
            text = dice.one_of((
                "x[i] + v[i] * h", "x[i] * (1.0 - h) + v[i] * h", "x[i] - v[i] * h * 0.5",
                "x[i] + h * (v[i] - drag * x[i])",
                "(x[i] + h * v[i]) / (1.0 + h * drag)", "x[i] * exp(-h) + v[i]",
            ))  # fmt: skip
            narrow(p, small, dice.one_of((small, FLOAT64)), text)


def quantised(p: Phrase) -> None:
    """Whole numbers for floats: what a scale and a zero make of them, back again, and products of such."""
    dice = p.dice
    small, wide = dice.one_of(PAIRS[:3])
    to = wide.notation
    signed = dice.chance(60)
    of, low, high = ("int8", -120, 120) if signed else ("uint8", 0, 250)
    p.parameter("scale", small, 0.25, 0.5).parameter("zero", INT32, 0, 0 if signed else 9)
    p.array("scales", small, 0.25, 0.5).array("x", wide, -2.0, 2.0).array("gain", wide, -1.0, 1.0)
    step = dice.one_of(("scale", "scales[i]"))
    p.write(f"h = {to}({step})")
    p.real = wide
    shifted = not signed or dice.chance(30)
    if dice.chance(40):
        count = dice.between(3, 5)
        q, (shape, axis) = "q[i, k]", rows(p, count)
        p.array("q", types.scalar(of), low // 4, high // 4, shape)
        p.array("r", types.scalar(of), low // 4, high // 4, (count,))
        one = f"(int({q}) - zero)" if shifted else f"int({q})"
        if dice.chance(55):
            loop(p, "acc = int(0)", count, f"acc += {one} * int(r[k])", "q", axis)
            narrow(p, wide, dice.one_of((wide, small)), dice.one_of(("h * F(acc) * 0.03", "F(acc) * h * h * 0.03")))
        else:
            p.array("w", small, -1.0, 1.0, (count,))
            loop(
                p,
                "acc = F(0.0)",
                count,
                dice.one_of((f"acc += h * F({one}) * {to}(w[k])", f"acc += F({one}) * {to}(w[k])")),
                "q",
                axis,
            )
            narrow(p, wide, dice.one_of((wide, small)), dice.one_of(("acc * 0.1", "acc * h", "h * acc + gain[i]")))
        return
    if dice.chance(50):
        # there and back
        lo, hi = (-127, 127) if signed else (0, 255)
        start = dice.one_of(("round(x[i] / h)", "floor(x[i] / h + 0.5)"))
        p.write(f"n = int(clamp({start}" + (f" + F(zero), {lo}.0, {hi}.0))" if shifted else f", {lo}.0, {hi}.0))"))
        if dice.chance(60):
            p.output("code", types.scalar(of)).write(f"code[i] = {of}(n)")
        back = "h * F(n - zero)" if shifted else "h * F(n)"
        text = dice.one_of(
            (
                f"gain[i] * ({back})",
                f"x[i] * gain[i] - {back}",
                f"{back} + gain[i] * x[i]",
                f"(x[i] - {back}) * gain[i]",
            )
        )
    else:
        p.array("q", types.scalar(of), low, high)
        one = "int(q[i]) - zero" if shifted else "q[i]"
        back = dice.one_of((f"F({one}) * h", f"h * F({one})"))
        if dice.chance(50):
            p.write(f"v = {back}")
            back = "v"
        text = dice.one_of(
            (
                f"{back} * gain[i]",
                f"gain[i] + {back}",
                f"max({back}, gain[i])",
                f"gain[i] * tanh({back})",
                f"x[i] - {back}",
            )
        )
    narrow(p, wide, dice.one_of((wide, small)), text)


def scaled(p: Phrase) -> None:
    """A gradient in halves, which a scale keeps from vanishing, and a weight that is kept in a wider type."""
    dice = p.dice
    small, wide = dice.one_of((PAIRS[0], PAIRS[0], PAIRS[1]))
    to = wide.notation
    p.array("grad", small, -4.0, 4.0).array("master", wide, -1.0, 1.0).array("moment", wide, -1.0, 1.0)
    p.parameter("scale", wide, 2.0, 8.0).parameter("inverse", wide, 0.125, 0.5).array("square", wide, 0.125, 2.0)
    p.real = wide
    p.write("g = " + dice.one_of((f"{to}(grad[i]) / scale", f"{to}(grad[i]) * inverse", f"inverse * {to}(grad[i])")))
    rate = scalar(p, "rate", 0.0625, 0.5, (0.1, 0.01, 0.3), 60)
    match dice.below(5):
        case 0:
            p.write(f"g = clamp(g, -{dice.one_of(('1.0', '0.5'))}, {dice.one_of(('1.0', '0.5'))})")
        case 1:
            p.write(
                f"if abs(g) > {dice.one_of(('1.0', '1.5'))}:\n    " + dice.one_of(("return", "g = 0.0", "g = g * 0.5"))
            )
        case 2:
            p.write(f"g = g + {scalar(p, 'decay', 0.0625, 0.25, (0.1, 0.01))} * master[i]")
        case 3:
            p.write("g /= " + dice.one_of(("sqrt(1.0 + g * g)", "max(abs(g), 1.0)", "1.0 + abs(g)")))
    step = "g"
    match dice.below(4):
        case 0:
            p.write(f"m = {dice.one_of(('0.9', '0.5'))} * moment[i] + g").output("moved", wide).write("moved[i] = m")
            step = "m"
        case 1:
            p.write("m = 0.9 * moment[i] + 0.1 * g")
            step = dice.one_of(("m", "m / sqrt(square[i])", f"m / (sqrt(square[i]) + {TINY[to]})"))
        case 2:
            step = "g / sqrt(square[i] + 0.1)"
    p.write(f"w = master[i] - {rate} * {step}" if step.isidentifier() else f"w = master[i] - {rate} * ({step})")
    if dice.chance(60):
        p.output("kept", wide).write("kept[i] = w")
    p.output("model", small).write(
        f"model[i] = {small.notation}({dice.one_of(('w', 'w', 'clamp(w, -1.0, 1.0)', 'w * scale'))})"
    )


PRECISIONS: Final[tuple[Form[Callable[[Phrase], None]], ...]] = (
    Form(5, formula), Form(4, halves), Form(5, mixed), Form(4, stepped), Form(7, quantised), Form(4, scaled), *ROUNDING,
)  # fmt: skip


def draw_precision(p: Phrase) -> None:
    """The lines of one idea that has several precisions."""
    one_for(len(p.sketch.launch), PRECISIONS, p.dice)(p)
