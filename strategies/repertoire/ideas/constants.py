"""What people give names to in a module: steps, limits, tags, sizes, weights, masks, multipliers, times, pi.

Each function writes the lines of one idea and gives the expression that its result is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from strategies.constants import Constants
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Constant, Literal, Numbers
from strategies.language.rules import WARPS_OWN
from strategies.language.types import BOOL, INT32, Scalar
from strategies.repertoire.ideas.bits import INCREMENTS, MULTIPLIERS
from strategies.repertoire.ideas.numbers import operand
from strategies.repertoire.phrases import Phrase
from strategies.typed import Typed

#: Of 100 values that a flag chose, how many are changed in a loop: Warp is known to take such a value for the variable
#: that was chosen.
CHANGED: Final = 60
#: Of 100 numbers that Warp has a name for, how many go by that.
WARPS: Final = 75
#: Of 100 multipliers, how many are written in hexadecimal.
HEXADECIMAL: Final = 70
#: Two to the number of bits over the golden ratio, as hashes have it.
GOLDEN: Final = {32: 0x9E3779B9, 64: 0x9E3779B97F4A7C15}


class Named(Phrase):
    """Lines in which numbers of the module have names."""

    def __init__(self, constants: Constants, real: Scalar) -> None:
        super().__init__(constants.sketch, real=real)
        self._constants = constants

    def constant(self, name: str, value: float, of: Scalar | None = None) -> Named:
        """A number that the lines call `name`."""
        of = of or self.real
        exact = float(value) if of.is_float else int(value)
        # as habits have it for literals
        hexadecimal = of.kind == "uint" and exact >= 1 << 26 and self.dice.chance(HEXADECIMAL)
        found = self._constants.constant(Literal(of, exact, hexadecimal=hexadecimal), frozenset())
        self.bind(**{name: Typed(found, Interval(exact, exact))})
        return self

    def warps(self, name: str, own: str, about: float) -> Named:
        """A number that Warp has a name for, by that; or one of the module, as people write it down."""
        if not self.dice.chance(WARPS):
            return self.constant(name, about)
        value = WARPS_OWN[own]
        self.bind(**{name: Typed(Constant(self.real, own, Literal(self.real, value)), Interval(value, value))})
        return self

    def flag(self, name: str, value: bool) -> Named:
        """A truth value of the module that the lines call `name`."""
        found = self._constants.constant(Literal(BOOL, value), frozenset())
        self.bind(**{name: Typed(found, Interval(value, value))})
        return self

    def several(self, name: str, form: str, values: Sequence[float], of: Scalar | None = None) -> Named:
        """A vector, a matrix or a quaternion of the module that the lines call `name`."""
        of = of or self.real
        exact = [float(v) if of.is_float else int(v) for v in values]
        numbers = Numbers(types.composite(form, of), tuple(Literal(of, v) for v in exact))
        found = self._constants.constant(numbers, frozenset())
        self.bind(**{name: Typed(found, Interval(min(exact), max(exact)))})
        return self


def moved(p: Named) -> str:
    """A step in time, of a length that has a name."""
    x, v = operand(p, "x"), operand(p, "v")
    p.constant("DT", p.dice.one_of((0.1, 0.01, 0.05, 0.02))).constant("G", p.dice.one_of((9.8, -9.8, 9.81)))
    p.constant("DRAG", p.dice.one_of((0.1, 0.5, 0.99)))
    return p.dice.one_of((
        f"{x} + {v} * DT", f"{x} + {v} * DT - 0.5 * G * DT * DT", f"{v} - G * DT", f"{v} * (1.0 - DRAG * DT)",
        f"{v} * DRAG + {x} * DT",
    ))  # fmt: skip


def round_(p: Named) -> str:
    """Areas, lengths and angles."""
    x, y = operand(p, "x"), operand(p, "y")
    p.constant("SPEED", p.dice.one_of((2.0, 0.5, 3.0)))
    p.warps("PI", "wp.PI", 3.14159).warps("TWO_PI", "wp.TAU", 6.28318).warps("HALF_PI", "wp.HALF_PI", 1.5708)
    p.warps("LN2", "wp.LN2", 0.6931).warps("PHI", "wp.PHI", 1.618)
    return p.dice.one_of((
        f"clamp({x}, -HALF_PI, HALF_PI) * {y}", f"exp(-LN2 * abs({x})) * {y}", f"sin(PHI * TWO_PI * {x})",
        f"{y} * (HALF_PI - atan({x}))", f"{x} + TWO_PI if {x} < 0.0 else {x}", f"{x} - TWO_PI * floor({y})",
        f"PI * {x} * {x}", f"TWO_PI * {x} + {y}", f"{y} * sin(TWO_PI * {x})", f"{x} * PI / 180.0",
        f"{y} * cos(SPEED * {x})", f"{x} / PI - {y}", f"sin(PI * {x}) * cos(PI * {y})",
    ))  # fmt: skip


def bounded(p: Named) -> str:
    """What is held between limits, or away from zero."""
    x, y = operand(p, "x"), operand(p, "y")
    low, high = p.dice.one_of(((-1.0, 1.0), (-0.5, 1.5), (0.0, 1.0)))
    p.constant("LO", low).constant("HI", high).constant("EPS", p.dice.one_of((0.25, 0.1, 0.5)))
    p.constant("SLOPE", p.dice.one_of((0.1, 0.01, 0.2)))
    return p.dice.one_of((
        f"clamp({x}, LO, HI)", f"{y} / sqrt({x} * {x} + EPS)", f"{x} / (abs({y}) + EPS)", f"max({x}, SLOPE * {x})",
        f"{x} if {x} > EPS else SLOPE * {x}", f"min(max({x}, LO), HI) * {y}", f"({x} - LO) * SLOPE",
    ))  # fmt: skip


def tagged(p: Named) -> str:
    """What is done to each thing by its tag."""
    dice = p.dice
    first, second, third = dice.one_of(((0, 1, 2), (1, 2, 3), (1, 2, 4)))
    for name, value in (("A", first), ("B", second), ("C", third)):
        p.constant(name, value, INT32)
    p.constant("GAIN", dice.one_of((0.5, 2.0, 1.5)))
    p.array("kinds", INT32, 0, 4).array("x_of", p.real, -2.0, 2.0).array("y_of", p.real, -2.0, 2.0)
    ways = dice.some_of(("v * GAIN", "-v", "v * v", "v + y_of[i]", "v * y_of[i]", "0.0", "max(v, 0.0)"), 3)
    kind = "kinds[i]"
    p.write("v = x_of[i]")
    if dice.chance(60):
        p.write("kind = kinds[i]")
        kind = "kind"
    text = f"if {kind} == A:\n    v = {ways[0]}\nelif {kind} == B:\n    v = {ways[1]}"
    p.write(text + (f"\nelif {kind} == C:\n    v = {ways[2]}" if dice.chance(50) else ""))
    return "v"


def sized(p: Named) -> str:
    """A loop, or a ring, over so many cells as a name says."""
    dice = p.dice
    if dice.chance(65):
        count = dice.between(3, 6)
        p.constant("N", count, INT32).constant("W", dice.one_of((0.25, 0.5, 0.1)))
        p.array("x", p.real, -1.0, 1.0, (count,)).array("y", p.real, -1.0, 1.0)
        step = dice.one_of(("x[k]", "W * x[k]", "x[k] * y[i]", "x[k] * x[k]"))
        p.write(f"total = F(0.0)\nfor k in range(N):\n    total += {step}")
        return dice.one_of(("total", "total * W", f"total / {float(count)}", "total + y[i]"))
    extent = p.sketch.launch[0]
    p.constant("N", extent, INT32).constant("SHIFT", dice.between(1, 3), INT32).line("x", p.real, -2.0, 2.0)
    p.write(f"j = {dice.one_of(('(i + SHIFT) % N', '(i + SHIFT) % N', 'N - 1 - i'))}")
    return dice.one_of(("x[j]", "x[j] - x[i]", "0.5 * (x[j] + x[i])"))


def weighed(p: Named) -> str:
    """A polynomial, or a mean, whose weights have names."""
    dice = p.dice
    x = operand(p, "x")
    p.constant("C0", dice.one_of((1.0, 0.5, -0.25))).constant("C1", dice.one_of((0.25, 2.0, -1.5)))
    p.constant("C2", dice.one_of((0.125, -0.5, 3.0)))
    if dice.chance(45):
        r, g, b = (operand(p, name, 0.0, 1.0) for name in "rgb")
        p.constant("RED", 0.299).constant("GREEN", 0.587).constant("BLUE", 0.114)
        return f"RED * {r} + GREEN * {g} + BLUE * {b}"
    return dice.one_of((f"C0 + {x} * (C1 + {x} * C2)", f"C1 * {x} + C0", f"C0 * {x} * {x} + C1 * {x} + C2"))


def masked(p: Named) -> str:
    """Flags, masks and multipliers."""
    dice, of = p.dice, types.scalar("uint32")
    p.array("bits", of, 0, 2**32 - 1).array("x", p.real, -2.0, 2.0)
    if dice.chance(50):
        p.constant("FLAG", dice.one_of((1, 2, 4, 8)), of).constant("OTHER", dice.one_of((16, 32, 64)), of)
        test = dice.one_of(("(bits[i] & FLAG) != 0", "(bits[i] & (FLAG | OTHER)) == FLAG", "(bits[i] & OTHER) == 0"))
        p.write(f"v = x[i]\nif {test}:\n    v = {dice.one_of(('-v', '0.5 * v', 'v * v'))}")
        return "v"
    p.constant("MULT", dice.one_of((2654435761, 1664525, 747796405)), of)
    p.constant("INC", dice.one_of((1013904223, 12345)), of).constant("MASK", dice.one_of((255, 15, 1023)), of)
    p.write("h = bits[i] * MULT" + dice.one_of((" + INC", "", " ^ INC")))
    if dice.chance(50):
        p.write("h ^= h >> 16")
    return dice.one_of(("x[i] * F(h & MASK)", "x[i] + F(h & MASK)")) if p.real.bits > 16 else "x[i] * F(h & 15)"


def hashed(p: Named) -> str:
    """The steps of a hash, whose multipliers, increments and masks have names."""
    dice = p.dice
    of = types.scalar(dice.one_of(("uint64", "uint64", "uint32")))
    width = of.bits
    p.whole = of
    low, high = of.limits
    p.constant("K", dice.one_of((GOLDEN[width], GOLDEN[width], dice.one_of(MULTIPLIERS[width]))), of)
    p.constant("M", dice.one_of(MULTIPLIERS[width]), of).constant("INC", dice.one_of(INCREMENTS[width]), of)
    p.constant("SHIFT", dice.between(width // 4, width // 2 + 1), of).constant("MASK", dice.one_of((255, 15, 63)), of)
    p.array("keys", of, low, high).array("more", of, low, high)
    p.write(dice.one_of(("h = keys[i] * K", "h = keys[i] ^ K", "h = keys[i] + K", "h = (I(i) + keys[i]) * K")))
    steps = ("h ^= h >> SHIFT", "h *= M", "h = h * M + INC", "h = (h ^ more[i]) * M", "h = (h << SHIFT) | (h >> SHIFT)")
    for step in dice.some_of(steps, dice.between(1, 3)):
        p.write(step)
    if dice.chance(25):
        p.write(f"for k in range({dice.between(2, 4)}):\n    h = (h ^ (h >> SHIFT)) * K")
    if dice.chance(45):
        p.output("code", of).write(dice.one_of(("code[i] = h", "code[i] = h ^ (h >> SHIFT)", "code[i] = h & ~MASK")))
    low_bits = "MASK" if p.real.bits > 16 else "15"
    x = operand(p, "x")
    return dice.one_of(
        (
            f"{x} * F(h & {low_bits})",
            f"{x} + F(h & {low_bits})",
            f"{x} if (h & MASK) < K % 256 else -{x}",
            f"{x} * F(h % 10)",
        )
    )


def timed(p: Named) -> str:
    """Ticks of a clock, places in a file: wide whole numbers, from an origin or below a limit that has a name."""
    dice = p.dice
    of = types.scalar("int64")
    p.whole = of
    start = dice.one_of((-(1 << 40), -(1 << 33), 1 << 35, 5_000_000_000, -3_000_000_000, 1 << 31))
    step = dice.one_of((1000, 3600, -7, 1 << 32, 1_000_003))
    reach = abs(start) * 2
    p.constant("START", start, of).constant("STEP", step, of).constant("LIMIT", abs(start) + (1 << 32), of)
    p.array("ticks", of, -reach, reach)
    p.write(dice.one_of((
        "t = ticks[i] - START", "t = ticks[i] + START", "t = ticks[i] // STEP", "t = ticks[i] % LIMIT",
        "t = max(ticks[i], START)", "t = ticks[i] - -START", "t = clamp(ticks[i], -LIMIT, LIMIT)",
        "t = ticks[i]\nif t < START:\n    t = START - t", "t = (ticks[i] - START) / STEP",
        "t = min(ticks[i], I(i) * STEP)",
    )))  # fmt: skip
    if dice.chance(60):
        p.output("when", of).write(
            dice.one_of(("when[i] = t", "when[i] = t - LIMIT", "when[i] = t % STEP", "when[i] = t"))
        )
    x = operand(p, "x")
    small = "t % 10" if p.real.bits == 16 else "t % 100"
    return dice.one_of(
        (f"{x} * F({small})", f"{x} if t > START else -{x}", f"{x} + F({small})", f"{x} if t < -STEP else 0.3 * {x}")
    )


def placed(p: Named) -> str:
    """A cell, the end of a loop, its beginning and its step by names."""
    dice = p.dice
    first, count, step = dice.between(0, 2), dice.between(5, 9), dice.between(1, 3)
    p.constant("FIRST", first, INT32).constant("N", count, INT32).constant("STRIDE", step, INT32)
    p.constant("LAST", count - 1, INT32).constant("W", dice.one_of((0.3, 0.25, 0.1, -0.7)))
    p.array("table", p.real, -1.5, 1.5, (count,)).array("y", p.real, -2.0, 2.0)
    if dice.chance(40):
        return dice.one_of(
            ("table[LAST] * y[i]", "y[i] - table[FIRST]", "table[i % N] * W", "table[LAST] + W * table[i % N]")
        )
    bounds = dice.one_of(("FIRST, N", "FIRST, N, STRIDE", "LAST, FIRST, -STRIDE", "N"))
    p.write(f"total = y[i]\nfor k in range({bounds}):\n    total += {dice.one_of(('table[k]', 'W * table[k]'))}")
    return dice.one_of(("total", "total - table[LAST]", "total * W"))


def chosen(p: Named) -> str:
    """What a flag of the module chooses while the kernel is compiled; at times it is changed after, in a loop too."""
    dice = p.dice
    use = dice.chance(60)
    p.flag("USE", use)
    x, y = operand(p, "x"), operand(p, "y")
    p.constant("GAIN", dice.one_of((0.5, 2.0, -1.5)))
    if dice.chance(25):
        return dice.one_of(
            (f"{x} * GAIN if USE else {y}", f"{x} + ({y} if USE else GAIN)", f"-{x} if USE else {x} * {y}")
        )
    p.write(f"a = {x} * {dice.one_of(('GAIN', y, '0.5'))}")
    other = dice.one_of((f"-{y}", f"{y} * GAIN", f"{x} + {y}", f"{y}"))
    taken, left = ("a", other) if use == dice.chance(75) else (other, "a")
    changed = dice.chance(CHANGED)
    p.write(f"b = {taken} if USE else {left}")
    if changed:
        bound = "n" if dice.chance(75) else str(dice.between(2, 4))
        p.parameter("n", INT32, 1, 4).array("z", p.real, -1.0, 1.0, (4,))
        step = dice.one_of(("z[k]", "GAIN", "z[k] * 0.5", f"z[k] * {x}"))
        p.write(f"for k in range({bound}):\n    b {dice.one_of(('+=', '-='))} {step}")
    else:
        p.write(dice.one_of((f"b += {x}", "b *= GAIN", f"if {y} > 0.5:\n    b -= {x}")))
    return dice.one_of(("a + b", "b - GAIN * a", "a * b"))


IDEAS: Final[tuple[tuple[int, Callable[[Named], str]], ...]] = (
    (4, moved), (7, round_), (4, bounded), (4, tagged), (4, sized), (3, weighed), (4, masked), (8, chosen),
    (13, hashed), (12, timed), (4, placed),
)  # fmt: skip


def draw_idea(p: Named) -> str:
    """The expression of one idea."""
    return p.dice.weighted(IDEAS)(p)
