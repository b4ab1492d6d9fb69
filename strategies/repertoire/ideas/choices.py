"""What people write conditional expressions for: ends of arrays, safe divisions, signs, limits, modes, indices.

Each function writes the lines of one idea and gives the expression that its result is, no two choices on one line but
one in the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.language.types import INT32
from strategies.repertoire.ideas.numbers import operand, scalar
from strategies.repertoire.phrases import Phrase


def _local(p: Phrase, name: str, low: float = -2.0) -> str:
    p.array(f"{name}_of", p.real, low, 2.0).write(f"{name} = {name}_of[i]")
    return name


def ends(p: Phrase) -> str:
    """A neighbour where there is one, and something else at the ends of an array."""
    dice, last = p.dice, p.sketch.launch[0] - 1
    p.line("x", p.real, -2.0, 2.0)
    end = dice.one_of((str(last), "x.shape[0] - 1"))
    outside = dice.one_of(("0.0", "x[i]", "x[0]"))
    beyond = dice.one_of(("0.0", "x[i]", f"x[{last}]"))
    left, right = f"x[i - 1] if i > 0 else {outside}", f"x[i + 1] if i < {end} else {beyond}"
    match dice.below(4):
        case 0:
            return left
        case 1:
            return right
        case 2:
            p.write(f"left = {left}\nright = {right}")
            return dice.one_of(("0.5 * (right - left)", "left + right - 2.0 * x[i]", "(left + x[i] + right) / 3.0"))
        case _:
            p.write(f"left = {left}")
            return dice.one_of(("x[i] - left", "0.5 * (left + x[i])", "max(left, x[i])"))


def quotient(p: Phrase) -> str:
    """A division that is skipped where the divisor is too small."""
    x = operand(p, "x")
    if p.dice.chance(40):
        p.array("counts", INT32, 0, 6).write("n = counts[i]")
        return p.dice.one_of((f"{x} / F(n) if n > 0 else 0.0", f"{x} / F(n) if n != 0 else {x}"))
    y = _local(p, "y", 0.0)
    eps = scalar(p, "eps", 0.25, 0.5, (0.25, 0.5), 30)
    other = p.dice.one_of(("0.0", "1.0", x))
    return p.dice.one_of((f"{x} / {y} if {y} > {eps} else {other}", f"{other} if {y} < {eps} else {x} / {y}"))


def signed(p: Phrase) -> str:
    """A sign, a magnitude, a rectifier."""
    x = _local(p, "x")
    slope = p.dice.one_of((0.1, 0.25, 0.01))
    one = p.dice.one_of((
        f"1.0 if {x} > 0.0 else -1.0", f"-{x} if {x} < 0.0 else {x}", f"{x} if {x} > 0.0 else 0.0",
        f"{x} if {x} > 0.0 else {slope} * {x}", f"{x} * {x} if {x} > 0.0 else 0.0",
        f"1.0 if {x} > 0.0 else (-1.0 if {x} < 0.0 else 0.0)",
    ))  # fmt: skip
    if p.dice.chance(50):
        p.write(f"s = {one}")
        return p.dice.one_of((f"s * {operand(p, 'y')}", f"s + {operand(p, 'y')}"))
    return one


def limited(p: Phrase) -> str:
    """A number held between limits, or replaced beyond them."""
    x = _local(p, "x")
    low, high = scalar(p, "lo", -1.5, -0.5, (-1.0, -0.5)), scalar(p, "hi", 0.5, 1.5, (1.0, 0.5, 1.5))
    return p.dice.one_of((
        f"{low} if {x} < {low} else ({high} if {x} > {high} else {x})", f"{high} if {x} > {high} else {x}",
        f"{x} if {low} < {x} < {high} else 0.0", f"{x} if abs({x}) < {high} else 0.0",
        f"{x} - {high} if {x} > {high} else {x}", f"0.0 if {x} < {low} else min({x}, {high})",
        f"{x} if {x} > {low} and {x} < {high} else {high}",
    ))  # fmt: skip


def larger(p: Phrase) -> str:
    """The larger or smaller of two, or what belongs to it."""
    a, b = _local(p, "a"), _local(p, "b")
    p.array("u", p.real, -2.0, 2.0).array("v", p.real, -2.0, 2.0)
    op = p.dice.one_of((">", "<", ">="))
    if p.dice.chance(20):
        # the same as a function, and as an expression
        p.write(f"w = where({a} {op} {b}, u[i], v[i])")
        return p.dice.one_of(("w if w > 0.0 else 0.0", f"w * ({a} if {a} {op} {b} else {b})", "w if w < 1.0 else 1.0"))
    return p.dice.one_of((
        f"{a} if {a} {op} {b} else {b}", f"{a} - {b} if {a} > {b} else {b} - {a}", f"u[i] if {a} {op} {b} else v[i]",
        f"{a} * u[i] if {a} {op} {b} else {b} * v[i]",
    ))  # fmt: skip


def moded(p: Phrase) -> str:
    """A factor, or a formula, that a number which says how chooses."""
    dice, x = p.dice, operand(p, "x")
    if dice.chance(50):
        p.parameter("mode", INT32, 0, 2)
    else:
        p.array("kinds", INT32, 0, 3).write("mode = kinds[i]")
    y = operand(p, "y")
    return dice.one_of((
        f"(2.0 if mode == 1 else 0.5) * {x}", f"{x} + {y} if mode == 0 else {x} * {y}", f"{x} if mode > 0 else -{x}",
        f"{x} if mode == 0 else ({y} if mode == 1 else {x} * {y})", f"{x} * (1.0 if mode != 2 else 0.25) + {y}",
    ))  # fmt: skip


def place(p: Phrase) -> str:
    """An index that a choice is."""
    dice, count = p.dice, p.dice.one_of((4, 5, 6, 8))
    p.array("table", p.real, -2.0, 2.0, (count,)).array("slots", INT32, 0, count + 2)
    p.write("k = slots[i]")
    way = dice.one_of(
        (f"k if k < {count} else 0", f"k if k < {count} else {count - 1}", f"{count - 1} if k >= {count} else k")
    )
    if dice.chance(40):
        p.write(f"k2 = {way}")
        return "table[k2]" if dice.chance(50) else f"table[k2] * {operand(p, 'x')}"
    return f"table[{way}] {dice.one_of(('*', '+', '-'))} {operand(p, 'x')}"


def argument(p: Phrase) -> str:
    """A choice as the argument of a function."""
    x, y = _local(p, "x"), operand(p, "y")
    return p.dice.one_of((
        f"sqrt({x} if {x} > 0.25 else 0.25)", f"exp({x} if {x} < 0.0 else -{x})",
        f"max({x} if {x} > {y} else {y}, 0.25)", f"abs({x} - {y}) if {x} > 0.0 else {y}",
        f"sin({x}) if {x} > 0.0 else cos({x})", f"min({x}, 1.0 if {x} > {y} else 0.5)",
    ))  # fmt: skip


def counted(p: Phrase) -> str:
    """A whole number that a test gives, used as one."""
    x = _local(p, "x")
    t = scalar(p, "t", 0.25, 1.0, (0.5, 1.0))
    p.write(f"n = 1 if {x} > {t} else 0")
    if p.dice.chance(50):
        p.write(f"m = 1 if {x} < -{t} else 0")
        return p.dice.one_of((f"{x} * F(n - m)", f"{operand(p, 'y')} * F(n + m)"))
    return p.dice.one_of((f"{x} + F(n)", f"{x} * F(n + 1)", f"{operand(p, 'y')} * F(n)"))


IDEAS: Final[tuple[tuple[int, Callable[[Phrase], str]], ...]] = (
    (4, ends), (3, quotient), (4, signed), (4, limited), (3, larger), (3, moded), (2, place), (3, argument),
    (2, counted),
)  # fmt: skip


def draw_idea(p: Phrase) -> str:
    """The expression of one idea."""
    return p.dice.weighted(IDEAS)(p)
