"""What people convert numbers for: cells of grids, bytes of images, means of counts, fixed points, table look-ups.

Each function writes the lines of one idea and stores its result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.types import BOOL, FLOAT16, INT32, Scalar
from strategies.repertoire.ideas.numbers import operand, scalar
from strategies.repertoire.phrases import Phrase

_SMALL: Final = ("int8", "uint8", "int16", "uint16")


def _whole(p: Phrase) -> Scalar:
    """A type of whole numbers that data come in."""
    names = ("int32", "int32", "uint8", "uint8", "int16", "uint32", "int64", "uint16", "int8", "uint64")
    return types.scalar(p.dice.one_of(names))


def _out(p: Phrase, of: Scalar, text: str) -> None:
    """Store a result: as it is, under a name, or, of a float, scaled, shifted or summed."""
    dice = p.dice
    p.output("out", of)
    if of.is_float and dice.chance(40):
        gain = scalar(p, "by", 0.5, 2.0, (0.5, 2.0), 70)
        if dice.chance(60):
            p.drawn("by", p.real)
            gain = "by"
        p.write(f"value = {text}")
        text = dice.one_of((f"value * {gain}", f"value + {gain}", f"{gain} * value", f"value - {gain}"))
        p.write(f"out[i] += {text}" if dice.chance(15) else f"out[i] = {text}")
        return
    p.write(f"res = {text}\nout[i] = res" if dice.chance(25) and not text.isidentifier() else f"out[i] = {text}")


def plain(p: Phrase) -> None:
    """An array of one type copied into another, perhaps scaled."""
    dice, of = p.dice, _whole(p)
    low = 0 if of.kind == "uint" else -20
    if dice.chance(70):
        p.array("src", of, low, 100 if p.real is not FLOAT16 else 30)
        x = operand(p, "x")
        scale = scalar(p, "scale", 0.1, 1.0, (0.5, 0.1, 0.25))
        _out(
            p,
            p.real,
            dice.one_of(("F(src[i])", f"F(src[i]) * {scale}", f"F(src[i]) * {scale} + {x}", f"{x} * F(src[i])")),
        )
        return
    p.array("x", p.real, 0.0 if of.kind == "uint" else -5.0, 5.0)
    _out(
        p,
        of,
        dice.one_of(
            (
                f"{of.notation}(x[i])",
                f"{of.notation}(floor(x[i] * 4.0))" if of.kind == "int" else f"{of.notation}(x[i] * 4.0)",
            )
        ),
    )
    p.array("y", p.real, -1.0, 1.0).output("rest", p.real).write(
        f"rest[i] = x[i] * {dice.one_of(('y[i]', '0.5', '2.0'))}"
    )


def cells(p: Phrase) -> None:
    """The cell of a grid that a coordinate falls into, and how far into it."""
    dice = p.dice
    p.array("x_of", p.real, 0.0, 2.0).write("x = x_of[i]")
    h = scalar(p, "h", 0.25, 1.0, (0.5, 0.25))
    down = dice.one_of((f"floor(x / {h})", f"floor(x * {1 / 0.25})"))
    p.write(f"cell = int({down})")
    if dice.chance(60):
        p.output("place", INT32).write("place[i] = cell")
    if down.startswith("floor(x /"):
        _out(p, p.real, dice.one_of((f"x / {h} - F(cell)", f"x - F(cell) * {h}", f"x - (F(cell) + 0.5) * {h}")))
    else:
        _out(p, p.real, dice.one_of(("x * 4.0 - F(cell)", "x - F(cell) * 0.25")))


def bytes_of(p: Phrase) -> None:
    """A number from zero to one as a byte, or as 16 bits, and back."""
    dice = p.dice
    size = dice.one_of((("uint8", 255.0), ("uint8", 255.0), ("uint16", 1023.0), ("uint32", 255.0)))
    of, top = types.scalar(size[0]), size[1]
    if dice.chance(85):
        p.array("q", of, 0, int(top)).array("gain", p.real, 0.25, 2.0)
        _out(p, p.real, dice.one_of((f"F(q[i]) / {top} * gain[i]", f"gain[i] * (F(q[i]) / {top} - 0.5)")))
        return
    p.array("c", p.real, -0.25, 1.25).output("q", of)
    unit = "clamp(c[i], 0.0, 1.0)"
    if dice.chance(50):
        p.write(f"u = {unit}")
        unit = "u"
    p.write(f"q[i] = {of.notation}({unit} * {top}" + (" + 0.5)" if dice.chance(40) else ")"))
    p.array("gain", p.real, 0.25, 2.0)
    _out(p, p.real, f"{unit} * gain[i]")


def means(p: Phrase) -> None:
    """A mean or a share of whole numbers."""
    dice, of = p.dice, _whole(p)
    p.array("a", of, 0, 30).array("b", of, 1, 30)
    x = operand(p, "x")
    _out(p, p.real, dice.one_of((
        f"F(a[i] + b[i]) * 0.5 * {x}", f"{x} * F(a[i]) / F(b[i])", f"{x} / F(b[i])", f"F(a[i]) / F(a[i] + b[i]) * {x}",
        f"{x} + F(a[i]) - F(b[i])",
    )))  # fmt: skip


def coordinates(p: Phrase) -> None:
    """A coordinate out of an index."""
    dice, extent = p.dice, p.sketch.launch[0]
    x = operand(p, "x")
    h = scalar(p, "h", 0.1, 0.5, (0.1, 0.25, 0.5))
    p.write("t = " + dice.one_of((f"(F(i) + 0.5) * {h}", f"F(i) / {float(extent)}", f"F(i) * {h}", f"F(i % 4) * {h}")))
    _out(p, p.real, dice.one_of((f"{x} * t", f"{x} + t", f"{x} * sin(t)", f"{x} * (1.0 - t)", f"{x} * exp(-t)")))


def looked_up(p: Phrase) -> None:
    """A table at a place that a number says, between two of its entries."""
    dice, count = p.dice, p.dice.one_of((4, 5, 8))
    p.array("x", p.real, 0.0, 1.0).array("table", p.real, -2.0, 2.0, (count + 1,))
    p.write(f"t = x[i] * {float(count) - 0.25}\nk = int({dice.one_of(('t', 'floor(t)'))})")
    if dice.chance(70):
        p.write("f = t - F(k)")
        _out(
            p,
            p.real,
            dice.one_of(
                (
                    "(1.0 - f) * table[k] + f * table[k + 1]",
                    "table[k] + f * (table[k + 1] - table[k])",
                    "lerp(table[k], table[k + 1], f)",
                )
            ),
        )
    else:
        _out(p, p.real, dice.one_of(("table[k] * x[i]", "table[k] + x[i]", "table[k + 1] - table[k] * x[i]")))


def fixed(p: Phrase) -> None:
    """A number kept as a multiple of a small step."""
    dice = p.dice
    # steps so wide that most gradients can be checked between two of them
    top = dice.one_of((8.0, 16.0, 10.0, 4.0))
    p.array("x", p.real, -2.0, 2.0).write(
        f"n = int({dice.one_of((f'round(x[i] * {top})', f'x[i] * {top}', f'floor(x[i] * {top})'))})"
    )
    p.output("out", INT32).write("out[i] = n").array("y", p.real, -2.0, 2.0)
    p.output("rest", p.real).write(
        "rest[i] = " + dice.one_of((f"x[i] - F(n) / {top}", f"y[i] * F(n) / {top}", "y[i] * x[i]"))
    )


def tested(p: Phrase) -> None:
    """A truth value as a number, or a number as a truth value."""
    dice = p.dice
    p.array("x", p.real, -2.0, 2.0).array("n", INT32, -2, 3).array("flags", BOOL, 0, 1)
    test = dice.one_of(("x[i] > 0.5", "n[i] > 0", "flags[i]", "bool(n[i])"))
    y = operand(p, "y")
    if dice.chance(50) or p.real is FLOAT16:
        p.write(f"k = int({test})")
        _out(p, p.real, dice.one_of((f"{y} * F(k)", f"{y} + F(k)", f"{y} * F(k + 1)", f"{y} * F(2 * k - 1)")))
    else:
        _out(p, p.real, dice.one_of((f"F({test}) * {y}", f"{y} - F({test})", f"(1.0 - F({test})) * {y}")))


def narrowed(p: Phrase) -> None:
    """Whole numbers made wider before they are multiplied or summed, and narrower where they are stored."""
    dice = p.dice
    small = types.scalar(dice.one_of(_SMALL))
    least, most = small.limits
    wide = dice.one_of(("int32", "int64")) if small.kind == "int" else dice.one_of(("uint32", "int32", "uint64"))
    p.array("a", small, least, most).array("b", small, least, most)
    p.write(f"total = {wide}(a[i]) {dice.one_of(('+', '*', '-') if wide[0] == 'i' else ('+', '*'))} {wide}(b[i])")
    if dice.chance(50):
        p.output("out", types.scalar(wide)).write("out[i] = total")
    elif small.kind == "uint":
        p.output("out", small).write(
            "out[i] = "
            + dice.one_of(
                (f"{small.notation}(total)", f"{small.notation}(total & {int(most)})", f"{small.notation}(total % 100)")
            )
        )
    else:
        p.output("out", small).write(
            f"out[i] = {small.notation}({dice.one_of((f'clamp(total, {int(least)}, {int(most)})', 'total % 100'))})"
        )
    if dice.chance(60):
        p.array("x", p.real, -1.0, 1.0).output("rest", p.real).write(
            f"rest[i] = x[i] * F(a[i] % {dice.one_of((4, 8, 10))})"
        )


def wrapping(p: Phrase) -> None:
    """Whole numbers that a narrower type cannot hold, of which it keeps the lowest bits; or a sign read as a bit."""
    dice = p.dice
    p.wraps = True
    small = types.scalar(dice.one_of(_SMALL))
    wide = types.scalar(
        dice.one_of(
            ("uint32", "int32", "int64", "uint64", "uint16") if small.bits == 8 else ("uint32", "int32", "int64")
        )
    )
    reach = Interval(*wide.limits) if wide.kind == "uint" else Interval(-(2 ** (wide.bits - 2)), 2 ** (wide.bits - 2))
    p.array("a", wide, *reach).array("b", wide, *reach)
    to, back, up = small.notation, wide.notation, f"{'u' if small.kind == 'int' else ''}int{small.bits}"
    p.output("out", small)
    p.write(dice.one_of((
        f"out[i] = {to}(a[i] - b[i])", f"n = {to}(a[i])\nout[i] = n", f"out[i] = {to}(a[i] + b[i])",
        f"out[i] = {to}(a[i])", f"out[i] = {to}({up}(a[i]))", f"n = {back}({to}(a[i]))\nout[i] = {to}(n ^ b[i])",
        f"out[i] = {to}(a[i] >> 3)",
        f"lo = {to}(a[i] & 255)\nout[i] = lo", f"out[i] = {to}(a[i]) if a[i] > b[i] else {to}(b[i])",
    )))  # fmt: skip
    if dice.chance(60):
        x = operand(p, "x")
        byte = types.scalar(dice.one_of(("int8", "uint8"))).notation
        p.output("rest", p.real).write(f"rest[i] = {x} * F({byte}(b[i]) % 10)")


def large(p: Phrase) -> None:
    """Whole numbers of more digits than a float has: what is left of them there, and what is lost."""
    dice = p.dice
    if p.real is FLOAT16:
        narrowed(p)
        return
    of = types.scalar("int64" if p.real.bits == 64 else dice.one_of(("int32", "int32", "uint32", "int64")))
    bits = 60 if p.real.bits == 64 else 30
    p.array("n", of, 0 if of.kind == "uint" else -(1 << bits), 1 << bits).array("m", of, 0, 1 << (bits - 2))
    unit = float(1 << (bits - 6))
    p.output("out", p.real).array("x", p.real, -2.0, 2.0)
    p.write(dice.one_of((
        "out[i] = F(n[i])", f"out[i] = F(n[i]) / {unit} * x[i]", f"out[i] = x[i] + F(n[i] // 2 + m[i]) / {unit}",
        f"v = F(n[i]) / {unit}\nout[i] = v - F(m[i]) / {unit}", f"out[i] = F(m[i]) / {unit} if n[i] > m[i] else x[i]",
    )))  # fmt: skip
    if dice.chance(40):
        p.output("lost", of).write(f"lost[i] = {of.notation}(F(m[i])) - m[i]")


def marked(p: Phrase) -> None:
    """Truth values in memory: masks that comparisons fill, and that numbers are made of."""
    dice = p.dice
    p.array("on", BOOL, 0, 1).array("off", BOOL, 0, 1).array("x", p.real, -2.0, 2.0).array("n", INT32, -2, 3)
    test = dice.one_of(
        ("x[i] > 0.5", "n[i] != 0", "on[i] and not off[i]", "bool(n[i])", "on[i] or n[i] > 1", "not on[i]")
    )
    if dice.chance(60):
        p.output("mask", BOOL).write(f"mask[i] = {test}")
    count = dice.one_of(("int(on[i]) + int(off[i])", "int(on[i]) - int(off[i])", "2 * int(on[i]) + int(off[i])"))
    kind = types.scalar(dice.one_of(("uint8", "int32", "int64")))
    match dice.below(4):
        case 0:
            p.output("count", INT32).write(f"count[i] = {count}")
        case 1:
            p.output("byte", kind).write(f"byte[i] = {kind.notation}({dice.one_of(('on[i]', 'off[i]'))})")
        case 2 if p.real is not FLOAT16:
            p.output("out", p.real).write(f"out[i] = x[i] * F({dice.one_of(('on[i]', 'off[i]'))})")
            return
    p.write(f"k = {count}")
    _out(p, p.real, dice.one_of(("x[i] * F(k)", "x[i] if on[i] else -x[i]", "x[i] - F(k)")))


CONVERSIONS: Final[tuple[tuple[int, Callable[[Phrase], None]], ...]] = (
    (4, plain), (4, cells), (4, bytes_of), (3, means), (3, coordinates), (4, looked_up), (1, fixed), (3, tested),
    (3, narrowed), (6, wrapping), (5, large), (6, marked),
)  # fmt: skip


def draw_conversion(p: Phrase) -> None:
    """The lines of one idea that converts."""
    p.dice.weighted(CONVERSIONS)(p)
