"""What people pass single numbers to a kernel for: a count, an offset, a stride, limits, a mode, a flag, a step.

Each function writes the lines of one idea and gives the expression that its result is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.language.types import BOOL, INT32
from strategies.repertoire.ideas import numbers
from strategies.repertoire.ideas.numbers import operand
from strategies.repertoire.phrases import Phrase


def _formula(p: Phrase) -> str:
    return numbers.draw_idea(p)


def bounded(p: Phrase) -> str:
    """A count of elements, beyond which threads have nothing to do."""
    dice, extent = p.dice, p.sketch.launch[0]
    p.parameter("n", INT32, 1, extent)
    p.write(dice.one_of(("if i >= n:\n    return", "if i >= n:\n    return", "if i > n - 1:\n    return")))
    if dice.chance(40):
        p.parameter("first", INT32, 0, 3).write("if i < first:\n    return")
    return _formula(p)


def summed(p: Phrase) -> str:
    """A loop over so many elements as a number says."""
    dice = p.dice
    count = dice.between(3, 5)
    p.parameter("n", INT32, 1, count).array("x", p.real, -1.0, 1.0, (count + dice.below(2),))
    p.array("w", p.real, -1.0, 1.0, (count,)).parameter("scale", p.real, -1.0, 1.0)
    step = dice.one_of(("x[k]", "x[k] * w[k]", "scale * x[k]", "x[k] * own", "(x[k] - own)"))
    if "own" in step:
        p.array("y", p.real, -1.0, 1.0).write("own = y[i]")
    p.write(f"total = F(0.0)\nfor k in range(n):\n    total += {step}")
    return dice.one_of((f"total + {operand(p, 'z')}", f"total / F(n) + {operand(p, 'z')}", "total / F(n)", "total"))


def shifted(p: Phrase) -> str:
    """Elements some places further on, or every second or third of them."""
    dice, extent = p.dice, p.sketch.launch[0]
    if dice.chance(60):
        p.parameter("offset", INT32, 0, 4).line("x", p.real, -2.0, 2.0, 4)
        place = dice.one_of(("x[i + offset]", "x[offset + i]"))
    elif dice.chance(50):
        p.parameter("stride", INT32, 1, 3).array("x", p.real, -2.0, 2.0, (3 * (extent - 1) + 1,))
        place = "x[i * stride]"
    else:
        p.parameter("n", INT32, 2, extent).line("x", p.real, -2.0, 2.0)
        place = "x[i % n]"
    if dice.chance(40):
        p.write(f"u = {place}")
        place = "u"
    y = operand(p, "y")
    return dice.one_of((f"{place} - {y}", f"{place} * {y}", f"{place} + {y}", f"0.5 * ({place} + {y})", place))


def moded(p: Phrase) -> str:
    """A number that says which of several formulas."""
    dice = p.dice
    p.parameter("mode", INT32, 0, 3).array("x_of", p.real, -2.0, 2.0).array("y_of", p.real, -2.0, 2.0)
    p.parameter("s", p.real, 0.5, 2.0)
    ways = dice.some_of(("x * y", "x + y", "x - y", "s * x", "x * x", "max(x, y)", "sin(x)", "0.5 * (x + y)"), 4)
    last = dice.chance(50)
    # every arm gives the name its first value, or some change the one that it has
    begin = "" if last else f"v = {ways[0]}\n"
    text = f"x = x_of[i]\ny = y_of[i]\n{begin}if mode == {dice.one_of((1, 0, 2))}:\n    v = {ways[1]}"
    if dice.chance(60):
        text += f"\nelif mode == 3:\n    v = {ways[2]}"
    if last:
        text += f"\nelse:\n    v = {ways[3]}"
    p.write(text)
    return "v"


def flagged(p: Phrase) -> str:
    """A flag that turns a step on or off, or the other way round."""
    dice = p.dice
    if dice.chance(60):
        p.parameter("flag", BOOL, 0, 1)
        test = dice.one_of(("flag", "flag", "not flag"))
    else:
        p.parameter("flag", INT32, 0, 1)
        test = dice.one_of(("flag != 0", "flag == 1", "flag == 0"))
    p.array("x", p.real, -2.0, 2.0).parameter("gain", p.real, 0.5, 2.0)
    change = dice.one_of(("v = -v", "v = v * gain", "v *= gain", "v = max(v, 0.0)", "v = v * v", "v += gain"))
    if dice.chance(30):
        # the name has its first value in either arm
        change = dice.one_of(("v = -x[i]", "v = x[i] * gain", "v = max(x[i], gain)", "v = x[i] + gain"))
        p.write(f"if {test}:\n    {change}\nelse:\n    v = {dice.one_of(('x[i]', 'gain', 'x[i] * x[i]'))}")
    else:
        p.write(f"v = x[i]\nif {test}:\n    {change}")
    return dice.one_of(("v", f"v * {operand(p, 'y')}", f"v - {operand(p, 'y')}"))


def ranged(p: Phrase) -> str:
    """Only places, or values, between two limits are changed."""
    dice, extent = p.dice, p.sketch.launch[0]
    p.parameter("s", p.real, -2.0, 2.0).array("x", p.real, -2.0, 2.0)
    if dice.chance(50):
        p.parameter("first", INT32, 0, extent // 2).parameter("last", INT32, extent // 2, extent)
        test = dice.one_of(("first <= i < last", "i >= first and i < last"))
    else:
        p.parameter("lo", p.real, -1.5, -0.5).parameter("hi", p.real, 0.5, 1.5)
        test = dice.one_of(("lo < v < hi", "v > lo and v < hi", "v < lo or v > hi"))
    change = dice.one_of(("v = s * v", "v += s", "v = s", "v = v - s", "v *= s"))
    p.write(f"v = x[i]\nif {test}:\n    {change}")
    return "v"


def indexed(p: Phrase) -> str:
    """A coordinate made of the thread's place, a spacing and an origin."""
    dice = p.dice
    p.parameter("dx", p.real, 0.1, 0.5).parameter("origin", p.real, -1.0, 1.0)
    p.write(dice.one_of(("x = origin + F(i) * dx", "x = (F(i) + 0.5) * dx", "x = F(i) * dx - origin")))
    y = operand(p, "y")
    return dice.one_of((f"{y} * x", f"{y} * sin(x)", f"{y} - x", f"{y} * cos(x) + x", f"{y} / (1.0 + x * x)"))


def stepped(p: Phrase) -> str:
    """A level, or a rounded number, by a step that is passed."""
    dice = p.dice
    p.parameter("step", p.real, 0.25, 1.0)
    x = operand(p, "x")
    if dice.chance(50):
        p.parameter("lowest", p.real, -1.0, 1.0)
        return dice.one_of((f"floor(({x} - lowest) / step) * step + lowest", f"{x} - step * floor({x} / step)"))
    p.parameter("levels", INT32, 1, 4)
    return dice.one_of((f"min(floor({x} / step), F(levels))", f"{x} * F(levels) + step", f"F(levels) * step - {x}"))


def counted(p: Phrase) -> str:
    """A share, a weight or a place out of how many there are."""
    dice, extent = p.dice, p.sketch.launch[0]
    p.parameter("n", INT32, extent, 2 * extent)
    y = operand(p, "y")
    return dice.one_of((f"{y} / F(n)", f"{y} * F(i) / F(n)", f"{y} * F(n - i)", f"{y} + F(i + 1) / F(n + 1)"))


def turned(p: Phrase) -> str:
    """Two coordinates, turned by the sine and cosine that are passed, or about an origin."""
    dice = p.dice
    p.parameter("c", p.real, -1.0, 1.0).parameter("s", p.real, -1.0, 1.0)
    x, y = operand(p, "x"), operand(p, "y")
    if dice.chance(50):
        p.parameter("x0", p.real, -1.0, 1.0).parameter("y0", p.real, -1.0, 1.0)
        p.write(f"dx = {x} - x0\ndy = {y} - y0")
        x, y = "dx", "dy"
    return dice.one_of((f"c * {x} - s * {y}", f"s * {x} + c * {y}", f"(c * {x} - s * {y}) * s"))


IDEAS: Final[tuple[tuple[int, Callable[[Phrase], str]], ...]] = (
    (5, bounded), (3, summed), (3, shifted), (3, moded), (3, flagged), (3, ranged), (3, indexed), (3, stepped),
    (3, counted), (3, turned),
)  # fmt: skip


def draw_idea(p: Phrase) -> str:
    """The expression of one idea."""
    return p.dice.weighted(IDEAS)(p)
