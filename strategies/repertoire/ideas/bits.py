"""What people do with bits: mix a hash, pack and unpack fields, test and set flags, count and interleave bits.

Each function writes the lines of one idea, out of steps that are drawn, and says by what name its result goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.language.types import INT32
from strategies.repertoire.ideas.integers import one_or_two
from strategies.repertoire.phrases import Phrase

#: Odd numbers that hashes multiply with, of 32 bits and of 64: murmur3's, Knuth's, FNV's; splitmix64's and PCG's.
MULTIPLIERS: Final = {
    32: (0x85EBCA6B, 0xC2B2AE35, 2654435761, 16777619, 0x45D9F3B, 747796405),
    64: (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 6364136223846793005, 2654435761),
    16: (0x88B5, 0xDB2D, 40503),
    8: (0x1D, 167, 45),
}
INCREMENTS: Final = {32: (1013904223, 2891336453, 12345), 64: (1442695040888963407, 12345), 16: (12345,), 8: (45, 77)}


def _bits(p: Phrase) -> int:
    return p.whole.bits


def source(p: Phrase) -> str:
    """Any pattern of bits: out of an array, of the thread's place, or of both."""
    low, high = p.whole.limits
    dice = p.dice
    if p.whole.kind == "uint" and dice.chance(30):
        p.parameter("seed", p.whole, 0, min(high, 1 << 20))
        return dice.one_of(("I(i) + seed", "I(i) ^ seed", f"I(i) * {dice.one_of(MULTIPLIERS[_bits(p)])} + seed"))
    p.array("bits", p.whole, low, high)
    return "bits[i]"


def mixed(p: Phrase) -> str:
    """The steps of a hash: xorshift, multiply, rotate, add."""
    dice, width = p.dice, _bits(p)
    p.write(f"h = {source(p)}")
    if dice.chance(30):
        # Marsaglia's triples, scaled to the width
        a, b, c = dice.one_of(((13, 17, 5), (7, 1, 9), (5, 15, 13))) if width > 8 else (3, 5, 1)
        p.write(f"h ^= h << {a}\nh ^= h >> {b % width}\nh ^= h << {c}")
        return "h"
    kinds = [0, 1, 0, 1, 0] if dice.chance(60) else dice.some_of((0, 1, 2, 3, 4, 5), 4)
    for kind in kinds[: dice.between(2, len(kinds))]:
        shift = dice.between(width // 8, width // 2 + width // 8)
        match kind:
            case 0:
                p.write(f"h ^= h >> {shift}" if dice.chance(80) else f"h = h ^ (h >> {shift})")
            case 1:
                p.write(f"h *= {dice.one_of(MULTIPLIERS[width])}")
            case 2:
                p.write(f"h = (h << {shift}) | (h >> {width - shift})")
            case 3:
                p.write(f"h += {dice.one_of(INCREMENTS[width])}")
            case 4:
                p.write(f"h += h << {shift}")
            case _:
                p.write(f"h = (h ^ {dice.one_of((61, 0x5A, 0x3F))}) ^ (h >> {shift})")
    return "h"


def joined(p: Phrase) -> str:
    """A hash of several numbers: one after the other is mixed in, in a row or in a loop."""
    dice, width = p.dice, _bits(p)
    low, high = p.whole.limits
    prime = dice.one_of(MULTIPLIERS[width])
    first = dice.one_of((2166136261, 5381, 17) if width >= 32 else (17, 5))
    if dice.chance(50):
        count = dice.between(3, 5)
        p.array("keys", p.whole, low, high, (count,))
        step = "h = (h ^ keys[k]) * {0}" if dice.chance(60) else "h = (h << 5) + h + keys[k]"
        loop = f"for k in range({count}):" if dice.chance(60) else "for k in range(keys.shape[0]):"
        p.write(f"h = I(i) + {first}\n{loop}\n    {step.format(prime)}")
        return "h"
    p.array("left", p.whole, low, high).array("right", p.whole, low, high)
    p.write(f"h = left[i] * {prime}")
    p.write(dice.one_of((f"h ^= right[i] + (h << {width // 5}) + (h >> 2)", f"h = (h ^ right[i]) * {prime}")))
    return "h"


def congruential(p: Phrase) -> str:
    """A few steps of a linear congruential generator."""
    dice, width = p.dice, _bits(p)
    p.write(f"h = {source(p)}")
    step = f"h = h * {dice.one_of(MULTIPLIERS[width])} + {dice.one_of(INCREMENTS[width])}"
    if dice.chance(50):
        p.write(f"for k in range({dice.between(2, 4)}):\n    {step}")
    else:
        p.write(step)
    if dice.chance(60):
        p.write(dice.one_of((f"h = h >> {width // 2}", f"h ^= h >> {width // 2}", f"h = (h >> {width // 4}) ^ h")))
    return "h"


def packed(p: Phrase) -> str:
    """Small numbers side by side in one: bytes, or what a float from zero to one comes to in them."""
    dice, width = p.dice, _bits(p)
    room = width if p.whole.kind == "uint" else width - 1
    size = dice.one_of([n for n in (4, 8, 10, 5) if n * 2 <= room])
    count = min(dice.between(2, 4), room // size)
    top = 2**size - 1
    real = dice.chance(40) and p.real.notation != "float16"
    parts = []
    for n in range(count):
        name = f"field{n}"
        if real:
            p.array(name, p.real, 0.0, 1.0)
            p.write(f"part{n} = I({name}[i] * {float(top)})")
            parts.append(f"part{n}")
        else:
            p.array(name, INT32 if dice.chance(40) else p.whole, 0, top)
            parts.append(f"I({name}[i])" if dice.chance(70) else f"(I({name}[i]) & {top})")
    shifted = [f"({part} << {size * (count - 1 - n)})" for n, part in enumerate(parts[:-1])]
    p.write(f"h = {' | '.join([*shifted, parts[-1]])}")
    return "h"


def fields(p: Phrase) -> str:
    """Fields taken out of a number, each by a shift and a mask."""
    dice, width = p.dice, _bits(p)
    low, high = p.whole.limits
    p.array("bits", p.whole, low, high)
    size = dice.one_of([n for n in (8, 4, 5, 10, 16) if n * 2 <= width])
    count = min(dice.between(2, 3), width // size)
    top = 2**size - 1
    if dice.chance(70):
        p.write("word = bits[i]")
    word = "word" if p.has("word") else "bits[i]"
    for n in range(count):
        at = size * (count - 1 - n)
        p.write(f"part{n} = ({word} >> {at}) & {top}" if at else f"part{n} = {word} & {top}")
    joins = dice.one_of((" + ", " ^ ", " * ")) if p.whole.kind == "uint" else dice.one_of((" ^ ", " | "))
    p.write(f"h = {joins.join(f'part{n}' for n in range(count))}")
    return "h"


def flags(p: Phrase) -> str:
    """Flags that are tested, set, cleared and toggled."""
    dice, width = p.dice, _bits(p)
    low, high = p.whole.limits
    p.array("bits", p.whole, max(low, 0), min(high, 255))
    one, two, three = dice.some_of([2**n for n in range(min(width - 1, 7))], 3)
    p.write("h = bits[i]")
    changes = (f"h = h | {one}", f"h |= {one}", f"h = h & ~{two}", f"h &= ~{two}", f"h ^= {three}", f"h = h ^ {one}")
    for change in dice.some_of(changes, dice.between(1, 2)):
        # none that has the changed bit as it will be
        test = dice.one_of(
            (f"(h & {three}) != 0", f"(h & {three | two}) == {three}" if "|" in change else f"(h & {one}) != 0")
        )
        p.write(f"if {test}:\n    {change}" if dice.chance(60) else change)
    return "h"


def shifted(p: Phrase) -> str:
    """One bit, or all below it, at a place that a number says: tested, set, cleared, toggled, kept."""
    dice, width = p.dice, _bits(p)
    # the sign's own bit is left out, beside which doubles cannot tell whether one less is still in range
    last = width - 1 if p.whole.kind == "uint" else min(width - 2, 30)
    p.array("places", p.whole, 0, last).array(
        "bits", p.whole, 0, p.whole.limits[1] if last == width - 1 else 2**last - 1
    )
    p.parameter("place", p.whole, 0, last)
    k = dice.one_of(("places[i]", "places[i]", "place", f"(I(i) % {min(last, 7)})"))
    p.write(f"one = I(1) << {k}")
    if dice.chance(25) and p.whole.kind == "uint":
        p.write("one -= 1")
    p.write(
        dice.one_of(
            (
                "h = bits[i] | one",
                "h = bits[i] & ~one",
                "h = bits[i] ^ one",
                "h = bits[i] & one",
                "h = one | (bits[i] >> 1)",
            )
        )
    )
    if dice.chance(30):
        change = dice.one_of(("h ^ 5", "~bits[i]", "bits[i] >> 2"))
        p.write(f"if (bits[i] & one) {dice.one_of(('!=', '=='))} 0:\n    h = {change}")
    return "h"


def counted(p: Phrase) -> str:
    """How many bits are set, or whether that is odd: bit by bit, or the lowest one taken away each time."""
    dice, width = p.dice, _bits(p)
    # away from the largest of a signed type, beside which doubles cannot tell whether one less is still in range
    top = p.whole.limits[1] if p.whole.kind == "uint" else 2 ** (width - 2)
    p.array("bits", p.whole, 0, top if dice.chance(50) else min(top, 255))
    if dice.chance(30):
        p.write("h = bit_count(bits[i])" if p.whole is INT32 else "h = I(bit_count(bits[i]))")
        return "h"
    p.write(f"word = bits[i]\nh = {'int(0)' if p.whole is INT32 else 'I(0)'}")
    if dice.chance(50):
        trips = min(8, width)
        p.write(f"for k in range({trips}):\n    h {dice.one_of(('+', '^'))}= word & 1\n    word = word >> 1")
    else:
        p.write("while word != 0:\n    word = word & (word - 1)\n    h += 1")
    return "h"


def interleaved(p: Phrase) -> str:
    """The bits of one or two coordinates spread out, as in a Morton code."""
    dice = p.dice
    uint = p.whole
    steps: tuple[tuple[int, int], ...] = ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555))
    if uint.bits == 16:
        steps = ((4, 0x0F0F), (2, 0x3333), (1, 0x5555))
    kind = dice.below(3)
    names = ("x",) if kind == 0 else ("x", "y")
    for name in names:
        p.array(f"at_{name}", INT32 if dice.chance(50) else uint, 0, 255)
        p.write(f"{name} = I(at_{name}[i])")
        for shift, mask in steps:
            p.write(f"{name} = ({name} | ({name} << {shift})) & {mask}")
    p.write("h = x" if kind == 0 else f"h = x {dice.one_of(('|', '+', '^'))} (y << 1)")
    return "h"


def aligned(p: Phrase) -> str:
    """A size brought up to the next multiple of a power of two, or a Gray code, or a test for a power of two."""
    dice = p.dice
    p.array("bits", p.whole, 0, min(p.whole.limits[1] // 2, 1000))
    step = dice.one_of((4, 8, 16, 32))
    match dice.below(4):
        case 0:
            p.write(f"h = (bits[i] + {step - 1}) & ~{step - 1}")
        case 1:
            p.write("word = bits[i]\nh = word ^ (word >> 1)")
            if dice.chance(50):
                p.write("h ^= h >> 2\nh ^= h >> 4")
        case 2:
            p.write(f"word = bits[i]\nh = word // {step}\nif (word & {step - 1}) != 0:\n    h += 1")
        case _:
            p.write(
                "word = bits[i]\nh = word & (word - 1)"
                if p.whole.kind == "uint"
                else "word = bits[i]\nh = word & -word"
            )
    return "h"


def reversed_bits(p: Phrase) -> str:
    """The lowest bits in the opposite order."""
    count = p.dice.one_of((4, 8) if _bits(p) > 8 else (4, 7))
    p.array("bits", p.whole, 0, min(p.whole.limits[1], 2**count - 1))
    step = "(h << 1) | (word & 1)" if p.whole.kind == "uint" else f"((h << 1) | (word & 1)) & {2**count - 1}"
    p.write(f"word = bits[i]\nh = I(0)\nfor k in range({count}):\n    h = {step}\n    word = word >> 1")
    return "h"


def member(p: Phrase) -> str:
    """One bit of a set that is kept in words."""
    dice, width = p.dice, _bits(p)
    log = width.bit_length() - 1
    count = (p.sketch.launch[0] - 1) // width + 1
    p.array("words", p.whole, 0, p.whole.limits[1], (count,))
    place = "I(i)" if p.whole is not INT32 else "i"
    word = dice.one_of((f"words[i >> {log}]", f"words[i // {width}]")) if count > 1 else "words[0]"
    low = f"({place} & {width - 1})" if count > 1 else place
    p.write(f"h = ({word} >> {low}) & 1")
    return "h"


#: Ideas, how often each is drawn, and the widths, and the signs, of the numbers that it is for.
IDEAS: Final[tuple[tuple[int, Callable[[Phrase], str], tuple[int, ...], bool], ...]] = (
    (6, mixed, (8, 16, 32, 64), False),
    (3, joined, (16, 32, 64), False),
    (3, congruential, (16, 32, 64), False),
    (5, packed, (16, 32, 64), True),
    (5, fields, (16, 32, 64), True),
    (6, flags, (8, 16, 32, 64), True),
    (5, shifted, (8, 16, 32, 64), True),
    (2, counted, (16, 32, 64), True),
    (3, interleaved, (16, 32), False),
    (3, aligned, (16, 32, 64), True),
    (2, reversed_bits, (8, 16, 32, 64), True),
    (2, member, (8, 16, 32), True),
)


def draw_idea(p: Phrase) -> str:
    """The lines of an idea that is for the whole numbers of `p`, or of two that are joined; the name of the result."""
    signed = p.whole.kind == "int"
    known = tuple((n, idea) for n, idea, widths, either in IDEAS if p.whole.bits in widths and (either or not signed))
    return one_or_two(p, known, ("{0} ^ second", "{0} | second", "{0} & second", "{0} ^ second"))


# ---------------------------------------------------------------- what becomes of it

#: Of 100 results that are patterns of bits, how many change those that an array has.
IN_PLACE: Final = 25


def finished(p: Phrase, h: str, real: bool) -> None:
    """Store what is called `h`, or let it decide about floats."""
    dice = p.dice
    width, name = _bits(p), h
    if not real:
        if dice.chance(25):
            p.parameter("mask", p.whole, 0, min(255, p.whole.limits[1]))
            h = dice.one_of((f"{h} & mask", f"{h} ^ mask"))
        elif dice.chance(25):
            p.array("other", p.whole, *p.whole.limits)
            h = dice.one_of((f"{h} ^ other[i]", f"{h} & other[i]", f"other[i] & ~{h}"))
        p.output("out", p.whole)
        if dice.chance(IN_PLACE):
            # cells have bits of their own before the launch
            p.write(f"out[i] {dice.one_of(('|=', '^=', '&=', '|='))} {h}")
            return
        if dice.chance(60):
            p.inline(name)
        p.write(f"out[i] = {h}")
        return
    p.output("out", p.real).array("x", p.real, -2.0, 2.0)
    match dice.below(6):
        case 0 | 1:
            keep = min(16 if p.real.notation != "float16" else 5, width - 1)
            low = f"{h} & {2**keep - 1}"
            if 0 < (most := p.known(h).interval.high) < 2**keep and p.known(h).interval.low >= 0:
                keep, low = int(most).bit_length(), h
            unit = f"F({low}) / {float(2**keep)}" if dice.chance(60) else f"F({low}) * {2.0**-keep}"
            if keep >= 16 and dice.chance(40):
                p.write(f"unit = {unit}\nout[i] = x[i] * ({dice.one_of((2.0, 0.5))} * unit - 1.0)")
            else:
                p.write(f"out[i] = {unit} * x[i]" if dice.chance(50) else f"out[i] = x[i] + {unit}")
        case 2:
            change = dice.one_of(("-v", "v * 0.5", "0.0", "v + 1.0"))
            p.write(f"v = x[i]\nif ({h} & {dice.one_of((1, 2, 4))}) != 0:\n    v = {change}\nout[i] = v")
        case 3:
            size = dice.one_of((4, 8, 16))
            p.array("table", p.real, -2.0, 2.0, (size,))
            index = f"int({h} & {size - 1})" if p.whole is not INT32 else f"{h} & {size - 1}"
            p.write(f"out[i] = table[{index}] {dice.one_of(('*', '+', '-'))} x[i]")
        case 4:
            p.array("y", p.real, -2.0, 2.0)
            test = f"({h} & {dice.one_of((1, 2, 4, 8))}) != 0"
            p.write(f"out[i] = x[i] if {test} else y[i]" if dice.chance(60) else f"out[i] = where({test}, x[i], y[i])")
        case _:
            p.write(f"slot = {h} % {dice.one_of((3, 5, 6, 10))}")
            p.write("if slot == 0:\n    out[i] = x[i]\nelse:\n    out[i] = x[i] * F(slot)")
