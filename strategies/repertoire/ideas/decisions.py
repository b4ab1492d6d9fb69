"""What ideas about truth values share: tests of what a kernel reads, and what a truth value decides."""

from __future__ import annotations

from typing import Final

from strategies.language.types import BOOL, FLOAT16, INT32
from strategies.repertoire.ideas import numbers
from strategies.repertoire.ideas.numbers import scalar
from strategies.repertoire.phrases import Phrase

#: What becomes of a number where a test holds.
CHANGES: Final = (
    "kept = -kept", "kept *= 0.5", "kept = 0.0", "kept = kept + 1.0", "kept = kept * kept", "kept -= 0.5",
    "kept = abs(kept)", "kept = max(kept, 0.0)",
)  # fmt: skip
#: Of 100 numbers that a truth value decides about, how many are a formula of their own.
FORMULAS: Final = 30


def weight(p: Phrase, truth: str) -> str:
    """A truth value as a float: Warp's gradient of a conversion to a half is known to be wrong."""
    return f"(1.0 if {truth} else 0.0)" if p.real is FLOAT16 or p.dice.chance(25) else f"F({truth})"


def tests(p: Phrase, count: int) -> list[str]:
    """Tests of what the kernel reads."""
    dice = p.dice
    limit = "limit" if p.has("limit") else scalar(p, "limit", 0.25, 1.0, (0.5, 1.0, 0.75))
    other = dice.one_of(("0.0", "-0.5", "0.25"))
    for name, of, low, high in (
        ("left", p.real, -2.0, 2.0), ("right", p.real, -2.0, 2.0), ("mask", BOOL, 0, 1), ("count", INT32, 0, 5),
        ("bits", INT32, 0, 15),
    ):  # fmt: skip
        if not p.reads(name):
            p.array(name, of, low, high)
    known = (
        f"left[i] > {limit}", f"right[i] < {limit}", f"abs(left[i]) < {limit}", "mask[i]", "count[i] > 2",
        "not mask[i]", "left[i] < right[i]", f"right[i] >= {other}", "count[i] == 1",
        f"left[i] + right[i] > {other}", "count[i] % 2 == 0", f"(bits[i] & {dice.one_of((1, 2, 4))}) != 0",
        f"left[i] * right[i] > {other}",
    )  # fmt: skip
    return dice.some_of(known, count)


def decided(p: Phrase, flag: str) -> str:
    """The expression of a float that a truth value called `flag` decides about, beside an output of bools at times."""
    dice = p.dice
    if dice.chance(55):
        p.output("found", BOOL).write(f"found[i] = {flag}")
    elif dice.chance(15):
        p.write(f"if {dice.one_of((f'not {flag}', flag))}:\n    return")
        return numbers.draw_idea(p)
    u = _number(p)
    match dice.below(8):
        case 0 | 1:
            p.array("other", p.real, -2.0, 2.0)
            otherwise = dice.one_of(("other[i]", "0.0", f"-{u}", f"0.5 * {u}", f"{u} - 1.0"))
            return dice.one_of((f"where({flag}, {u}, {otherwise})", f"{u} if {flag} else {otherwise}"))
        case 2:
            return dice.one_of(
                (f"{u} * {weight(p, flag)}", f"{u} + {weight(p, flag)}", f"{u} * (1.0 - {weight(p, flag)})")
            )
        case 3:
            p.array("other", p.real, -2.0, 2.0)
            p.write(f"kept = 0.0 if {flag} else {u}" if dice.chance(50) else f"kept = {u} if not {flag} else other[i]")
            return dice.one_of(("kept", "kept * kept", "kept + other[i]"))
    p.inline(u)
    p.write(f"kept = {u}")
    then, otherwise = dice.some_of(CHANGES, 2)
    arms = f"if {dice.one_of((flag, flag, f'not {flag}'))}:\n    {then}"
    match dice.below(3):
        case 0:
            arms += f"\nelse:\n    {otherwise}"
        case 1:
            arms += f"\nelif {tests(p, 1)[0]}:\n    {otherwise}"
    p.write(arms)
    return "kept"


def _number(p: Phrase) -> str:
    """What is decided about: an element, a local, or a formula under a name."""
    if p.dice.chance(FORMULAS):
        p.write(f"value = {numbers.draw_idea(p)}")
        return "value"
    return numbers.operand(p, "u")
