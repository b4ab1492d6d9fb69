"""What people compute with whole numbers: places in grids, divisors, roots, digits, powers, sizes rounded up, searches.

Each function writes the lines of one idea, out of parts that are drawn, and says by what name its result goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from strategies.language.types import INT32
from strategies.repertoire.phrases import Phrase

#: Writes the lines of a computation, and names what it comes to.
Idea: TypeAlias = Callable[[Phrase], str]

#: Of 100 places and sizes of a type with a sign, how many may lie below zero: Warp's quotients round down, its
#: remainders have the sign of the dividend.
BELOW: Final = 40
#: What people divide by, on either side of zero.
DIVISORS: Final = (-3, -5, -4, -7, -10, 3, 5, 7)
#: How far from a type's limit its largest numbers are taken.
NEAR: Final = 20
#: What doubles tell from the limits of 64 bits.
ROOM: Final = 1 << 12


def _most(p: Phrase, wanted: int) -> int:
    return int(min(wanted, p.whole.limits[1]))


def _source(p: Phrase, name: str, low: int, high: int) -> str:
    """A whole number from an array, between bounds that the type may narrow."""
    least, most = p.whole.limits
    p.array(name, p.whole, max(low, least), min(high, most))
    return f"{name}[i]"


def _signed_source(p: Phrase, name: str, low: int, high: int) -> str:
    """The same, at times below zero too."""
    return _source(p, name, low if p.whole.is_signed and p.dice.chance(BELOW) else 0, high)


def grid(p: Phrase) -> str:
    """A number taken apart into row and column, or put together from them."""
    dice = p.dice
    if dice.chance(50):
        p.parameter("w", p.whole, 2, 9)
        width = "w"
    else:
        width = str(dice.one_of((3, 4, 5, 8, 10)))
    p.write(f"n = {_signed_source(p, 'cells', -60, 120)}")
    p.write(f"x = n % {width}\ny = n // {width}" if dice.chance(70) else f"y = n // {width}\nx = n - y * {width}")
    match dice.below(5):
        case 0:
            p.write(f"h = y + x * {width}" if p.whole.bits > 8 else "h = x + y")
        case 1:
            p.write("h = x if y % 2 == 0 else " + (f"{width} - 1 - x" if width != "w" else "w - 1 - x"))
        case 2:
            p.write("h = max(x, y)")
        case 3:
            p.write("h = (x + y) % 2")
        case _:
            p.write("h = x\nif x > y:\n    h = y" if p.whole.kind == "uint" else "h = abs(x - y)")
    return "h"


def divisor(p: Phrase) -> str:
    """The greatest common divisor, by Euclid."""
    dice = p.dice
    p.write(f"a = {_source(p, 'left', 0, 60)}\nb = {_source(p, 'right', 1, 40)}")
    if dice.chance(70):
        p.write("while b > 0:\n    r = a % b\n    a = b\n    b = r\nh = a")
    else:
        step = "        r = a % b\n        a = b\n        b = r"
        p.write(f"for k in range({dice.between(4, 6)}):\n    if b > 0:\n{step}\nh = a")
    return "h"


def root(p: Phrase) -> str:
    """The whole part of a square root, or of a logarithm to base two."""
    dice = p.dice
    p.write(f"n = {_source(p, 'cells', 0, 90)}\nh = I(0)")
    match dice.below(3):
        case 0:
            p.write("while (h + 1) * (h + 1) <= n and h < 10:\n    h += 1")
        case 1:
            p.write("while n > 1:\n    n = n // 2\n    h = min(h + 1, 16)")
        case _:
            p.write("for k in range(9):\n    if (h + 1) * (h + 1) <= n:\n        h = min(h + 1, 9)")
    return "h"


def digits(p: Phrase) -> str:
    """The digits of a number: summed, counted, or in the opposite order."""
    dice = p.dice
    base = dice.one_of((10, 10, 3, 8))
    p.write(f"n = {_source(p, 'cells', 0, 999)}\nh = I(0)")
    count = len(str(_most(p, 999))) if base == 10 else 6
    step = dice.one_of((f"h += n % {base}", f"h = max(h, n % {base})", f"if n % {base} == 1:\n        h += 1"))
    if dice.chance(50):
        p.write(f"for k in range({count}):\n    {step}\n    n = n // {base}")
    else:
        p.write(
            f"while n > 0:\n    {step}\n    n //= {base}"
            if "max" in step
            else f"for k in range({count}):\n    {step}\n    n //= {base}"
        )
    return "h"


def rounded_up(p: Phrase) -> str:
    """A division that rounds up or to the nearest, or a size brought up to the next multiple."""
    dice = p.dice
    size: str | int = dice.one_of((3, 4, 8, 16))
    if dice.chance(40):
        p.parameter("size", p.whole, 2, 12)
        size = "size"
    p.write(f"n = {_signed_source(p, 'cells', -90, 90)}")
    less = f"{size} - 1" if size == "size" else str(int(size) - 1)
    half = f"{size} // 2" if size == "size" else str(int(size) // 2)
    match dice.below(4):
        case 0:
            p.write(f"h = (n + {less}) // {size}")
        case 1 if p.whole.bits > 8:
            p.write(f"h = (n + {less}) // {size} * {size}")
        case 2:
            p.write(f"h = n // {size}\nif n % {size} != 0:\n    h += 1")
        case _:
            p.write(f"h = (n + {half}) // {size}" if dice.chance(50) else f"h = n - n % {size}")
    return "h"


def wrapped(p: Phrase) -> str:
    """A place that is wrapped around, mirrored or held at the ends of a range, whatever its sign."""
    dice = p.dice
    count = dice.one_of((5, 6, 7, 10))
    n = _source(p, "offsets", -20, 20)
    p.write(f"n = {n} + I(i)" if p.whole is not INT32 else f"n = i + {n}")
    kinds = [f"h = n % {count}\nif h < 0:\n    h += {count}", f"h = (n % {count} + {count}) % {count}"]
    kinds += [f"h = clamp(n, 0, {count - 1})", f"h = max(min(n, {count - 1}), 0)"]
    kinds += [f"h = abs(n) % {count}", f"h = n - n // {count} * {count}"]
    if p.whole.kind == "uint":
        kinds = [
            f"h = n % {count}",
            f"h = min(n, {count - 1})",
            f"h = n\nif n >= {count}:\n    h = n - {count}",
            f"h = -n % {count}",
        ]
    p.write(dice.one_of(kinds))
    return "h"


def steps(p: Phrase) -> str:
    """A recurrence: Collatz, Fibonacci, a power by squaring, a factorial, each held by a modulus."""
    dice = p.dice
    modulus = dice.one_of((7, 10, 11, 97, 13))
    room = p.whole.limits[1] >= modulus * modulus + modulus
    modulus = modulus if room else 7
    match dice.below(4):
        case 0 if p.whole.bits > 16:
            p.write(f"n = {_source(p, 'cells', 1, 30)}\nh = I(0)")
            step = "    if n % 2 == 0:\n        n = n // 2\n    else:\n        n = n * 3 + 1\n        h += 1"
            p.write(f"for k in range({dice.between(4, 6)}):\n{step}")
        case 1:
            p.write(f"a = {_source(p, 'cells', 0, 6)}\nh = {_source(p, 'others', 0, 6)}")
            p.write(f"for k in range({dice.between(3, 5)}):\n    c = (a + h) % {modulus}\n    a = h\n    h = c")
        case 2:
            p.write(f"b = {_source(p, 'cells', 0, 50)} % {modulus}\ne = {_source(p, 'powers', 0, 15)}\nh = I(1)")
            step = f"    if e % 2 == 1:\n        h = h * b % {modulus}\n    b = b * b % {modulus}\n    e = e // 2"
            p.write(f"for k in range(4):\n{step}")
        case _:
            p.write(f"n = {_source(p, 'cells', 0, 50)} % {modulus}\nh = n")
            p.write(f"for k in range({dice.between(2, 4)}):\n    h = (h * {dice.between(2, 5)} + n) % {modulus}")
    return "h"


def searched(p: Phrase) -> str:
    """Where a number belongs among sorted ones: bisection, or a count of those that are smaller."""
    dice = p.dice
    count = dice.one_of((4, 8, 7))
    p.array("sorted_keys", p.whole, 0, _most(p, 40), (count,))
    p.write(f"key = {_source(p, 'cells', 0, 40)}")
    if dice.chance(60):
        p.write(f"lo = int(0)\nhi = int({count - 1})")
        trips = count.bit_length()
        middle = dice.one_of(("(lo + hi) // 2", "(lo + hi) >> 1"))
        p.write(
            f"for k in range({trips}):\n    mid = clamp({middle}, 0, {count - 1})\n    if sorted_keys[mid] < key:\n"
            f"        lo = min(mid + 1, {count - 1})\n    else:\n        hi = mid"
        )
        p.write("h = I(lo)" if p.whole is not INT32 else "h = lo")
    else:
        op = dice.one_of(("<", "<=", "=="))
        p.write(f"h = I(0)\nfor k in range({count}):\n    if sorted_keys[k] {op} key:\n        h += 1")
    return "h"


def classed(p: Phrase) -> str:
    """A number put into a class by its remainder, its sign or its size."""
    dice = p.dice
    by = dice.one_of((3, 4, 5))
    p.write(f"n = {_source(p, 'cells', 0 if p.whole.kind == 'uint' else -30, 60)}")
    match dice.below(4):
        case 0:
            p.write("h = n\nif n % 2 == 0:\n    h = n // 2\nelse:\n    h = n + 1")
        case 1 if p.whole.kind == "int":
            p.write("h = I(0)\nif n > 0:\n    h = I(1)\nelif n < 0:\n    h = I(-1)")
        case 2:
            p.write(f"h = I(0)\nif n % {by} == 0:\n    h = I(1)\nelif n % {by} == 1:\n    h = I(2)")
        case _:
            p.write(f"h = n // {by} if n > {by * 3} else n % {by}")
    return "h"


def wraps(p: Phrase) -> str:
    """Differences and products that leave the range of unsigned numbers, and wrap; signed ones that stay inside."""
    dice = p.dice
    low, high = p.whole.limits
    if p.whole.kind == "uint":
        p.array("left", p.whole, low, high).array("right", p.whole, low, high)
        p.write("a = left[i]\nb = right[i]")
        p.write(dice.one_of((
            "h = a - b\nif a < b:\n    h = b - a", "h = a + b\nif h < a:\n    h = b", "h = a * b + a",
            "h = a - b // 2", "h = (a // 2 + b // 2)", "h = max(a, b) - min(a, b)", "h = -a", "h = -a // 3 + b",
            "h = max(-a, b)", "h = b - a\nif a > b:\n    h = -h",
        )))  # fmt: skip
        return "h"
    p.array("left", p.whole, low // 4, high // 4).array("right", p.whole, 1, _most(p, 30))
    p.write("a = left[i]\nb = right[i]")
    p.write(dice.one_of((
        "q = a / b\nh = a - q * b", "q = a // b\nr = a % b\nh = q - r", "h = a // b - a / b", "h = a % b",
        "h = (a + b) // 2", "h = a // b * b",
    )))  # fmt: skip
    return "h"


def divided(p: Phrase) -> str:
    """Quotients and remainders on either side of zero, by numbers on either side of it."""
    dice = p.dice
    if not p.whole.is_signed:
        return wraps(p)
    reach = 120 if p.whole.bits == 8 else dice.one_of((60, 1000, 9999))
    by = dice.one_of(DIVISORS)
    p.array("cells", p.whole, -reach, dice.one_of((reach, -1)))
    p.write("n = cells[i]")
    size = abs(by)
    p.write(dice.one_of((
        f"h = n // {by}", f"h = n % {by}", f"h = n / {by}", f"q = n // {by}\nr = n - q * {by}\nh = r - n % {by}",
        f"h = n / {by} - n // {by}", f"h = n % {by}\nif h < 0:\n    h += {size}", f"h = -n // {by}",
        f"h = abs(n % {by}) - n // {by}", f"h = n\nh //= {by}", f"h = n\nh %= {by}", f"h = {by * 7} // (abs(n) + 1)",
        f"h = {-size * 5} % (n * n % {size} + 1)" if p.whole.bits > 16 else f"h = n // {by} + n % {by}",
        f"h = n // {by} if n < {by} else n % {by}",
    )))  # fmt: skip
    return "h"


def extreme(p: Phrase) -> str:
    """Numbers beside the largest or the smallest of their type: means, differences and steps that do not leave it."""
    dice = p.dice
    low, high = (int(limit) for limit in p.whole.limits)
    if p.whole.bits == 64 and p.whole.is_signed:
        # beside the very ends, doubles cannot tell whether a sum is still in range
        low, high = low + ROOM, high - ROOM
    if not p.whole.is_signed or dice.chance(60):
        p.array("left", p.whole, high - NEAR, high).array("right", p.whole, high - NEAR, high)
        p.write("a = left[i]\nb = right[i]")
        p.write(dice.one_of((
            f"h = {high} - a", "h = a // 2 + b // 2", "h = min(a, b) + (max(a, b) - min(a, b)) // 2",
            "h = max(a, b) - min(a, b)", "h = a % 10", f"h = a\nif a < {high}:\n    h = a + 1", "h = a - b // 2",
            "h = a // 3 - b // 7" if p.whole.is_signed else "h = a + b", "h = (a >> 1) + (b & 1)",
            f"h = b % ({high} - a + 1)", f"h = min(a, {high - NEAR // 2}) - {high - NEAR}",
        )))  # fmt: skip
        return "h"
    p.array("left", p.whole, low, low + NEAR).array("right", p.whole, low, low + NEAR)
    p.write("a = left[i]\nb = right[i]")
    p.write(dice.one_of((
        f"h = a - {low + NEAR}", f"h = a\nif a > {low}:\n    h = a - 1", "h = -(a + 1)", "h = ~a",
        "h = a // 2 + b // 2", "h = a // -3", f"h = a - b - {NEAR + 1}",
        "h = max(a, b) - min(a, b)", "h = a % 10", "h = a // 3 - b // 3", f"h = max(a, {low + NEAR // 2})",
    )))  # fmt: skip
    return "h"


def wide(p: Phrase) -> str:
    """Numbers beyond 31 bits: ticks, sizes in bytes, primes, of types that have room for them."""
    dice = p.dice
    if p.whole.bits < 32 or p.whole is INT32:
        return divided(p)
    if p.whole.bits == 32:
        p.array("ticks", p.whole, 0, 2**32 - 1)
        p.write("n = ticks[i]")
        p.write(dice.one_of((
            "h = n - 2147483648", "h = n % 4294967291", "h = n // 3000000019", "h = max(n, 3000000000)",
            "h = n * 2654435761", "h = n\nif n > 2500000000:\n    h = n - 2500000000", "h = 4000000000 - n",
        )))  # fmt: skip
        return "h"
    low = -(1 << 45) if p.whole.is_signed else 0
    p.array("ticks", p.whole, low, 1 << 45)
    p.write("n = ticks[i]")
    ways = (
        "h = n + 5000000000", "h = n % 4294967291", "h = n // 3000000019", "h = 1099511627776 - n",
        "h = n\nif n > 8589934592:\n    h = n - 8589934592", "h = n // 4294967296", "h = max(n, 10000000000)",
        "h = n * 65537" if p.whole.is_signed else "h = n * 2147483659", "h = (n + 3600000000000) % 86400000000000",
    )  # fmt: skip
    signed = ("h = n // -3000000019", "h = n % -4294967311", "h = max(n, -5000000000)", "h = n - -6000000000")
    p.write(dice.one_of(ways + (signed if p.whole.is_signed else ())))
    return "h"


#: How often the results of two ideas are joined, of 100.
JOINED: Final = 30
#: Ideas, and how often each is drawn.
IDEAS: Final[tuple[tuple[int, Idea], ...]] = (
    (5, grid), (3, divisor), (2, root), (3, digits), (4, rounded_up), (5, wrapped), (4, steps), (3, searched),
    (3, classed), (5, wraps), (12, divided), (6, extreme), (7, wide),
)  # fmt: skip


def draw_idea(p: Phrase) -> str:
    """The lines of one idea, or of two that are joined; the name of what they come to."""
    ways = (
        "max({0}, second)",
        "min({0}, second)",
        "{0} - second",
        "{0} + second",
        "{0} if second % 2 == 0 else second",
    )
    return one_or_two(p, IDEAS, ways)


def one_or_two(p: Phrase, ideas: tuple[tuple[int, Idea], ...], ways: Sequence[str]) -> str:
    """The lines of one of `ideas`, or of two that are joined in one of `ways`; the name of what they come to."""
    name = p.dice.weighted(ideas)(p)
    if not p.dice.chance(JOINED):
        return name
    other = Phrase(p.sketch, p.whole, p.real)
    second = p.dice.weighted(ideas)(other)
    p.body += other.body
    p.bind(second=other.known(second))
    p.write(f"joined = {p.dice.one_of(ways).format(name)}")
    return "joined"


# ---------------------------------------------------------------- what becomes of it


def finished(p: Phrase, h: str, real: bool) -> None:
    """Store what is called `h`, or let a float depend on it."""
    dice = p.dice
    if not real:
        if p.dice.chance(60):
            p.inline(h)
        p.output("out", p.whole).write(f"out[i] = {h}")
        return
    p.output("out", p.real).array("x", p.real, -2.0, 2.0)
    low, high = p.known(h).interval
    small = max(abs(low), abs(high)) <= (16 if p.real.notation == "float16" else 200)
    place = h if p.whole is INT32 else f"int({h})"
    kinds = ["parity", "choice"]
    if small:
        kinds += ["scaled", "scaled", "added", "mean"]
    if low >= 0 and high <= 24:
        kinds += ["table", "table", "table"]
    match dice.one_of(kinds):
        case "scaled":
            p.write(
                f"out[i] = F({h}) * x[i]"
                if dice.chance(60)
                else f"out[i] = x[i] * F({h}) * {dice.one_of((0.5, 0.1, 0.25))}"
            )
        case "added":
            p.write(f"out[i] = x[i] {dice.one_of(('+', '-'))} F({h}) * {dice.one_of((0.5, 0.1, 0.25))}")
        case "mean":
            p.write(f"out[i] = x[i] / F({h} + 1)" if low >= 0 else f"out[i] = x[i] / F({h} * {h} + 1)")
        case "table":
            p.array("table", p.real, -2.0, 2.0, (int(high) + 1 + dice.below(2),))
            p.write(f"out[i] = table[{place}]" if dice.chance(50) else f"out[i] = table[{place}] * x[i]")
        case "parity":
            change = dice.one_of(("-v", "v * v", "0.5 * v"))
            p.write(f"v = x[i]\nif {h} % {dice.one_of((2, 2, 3))} == 0:\n    v = {change}\nout[i] = v")
        case _:
            p.array("y", p.real, -2.0, 2.0)
            limit = int(low + (high - low) // 2) if high - low < 2**31 else 3
            p.write(f"out[i] = x[i] if {h} > {limit} else {dice.one_of(('y[i]', '0.5 * y[i]', '-y[i]'))}")
