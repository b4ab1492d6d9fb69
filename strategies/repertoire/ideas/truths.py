"""What people do with truth values: masks that skip threads, tests that are kept and combined, counts of them.

Each function writes the lines of one idea and gives the expression that its result, a float, is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.functions import FunctionSketch
from strategies.intervals import TRUTH, symmetric
from strategies.language.nodes import If, Literal, Return, Statement
from strategies.language.types import BOOL
from strategies.repertoire.ideas import numbers
from strategies.repertoire.ideas.decisions import tests, weight
from strategies.repertoire.ideas.flags import draw_flag
from strategies.repertoire.ideas.numbers import operand, scalar
from strategies.repertoire.phrases import Phrase
from strategies.typed import Typed


def skipped(p: Phrase) -> str:
    """Threads that a mask tells to do nothing."""
    dice = p.dice
    p.array("mask", BOOL, 0, 1)
    test = dice.one_of(("not mask[i]", "mask[i]", "not mask[i]"))
    if dice.chance(30):
        p.array("done", BOOL, 0, 1)
        test = dice.one_of(("not mask[i] or done[i]", "mask[i] and done[i]"))
    p.write(f"if {test}:\n    return")
    return numbers.draw_idea(p)


def chosen(p: Phrase) -> str:
    """One of two values, by what a mask or a test says."""
    dice = p.dice
    one, two = tests(p, 2)
    p.array("u", p.real, -2.0, 2.0).array("v", p.real, -2.0, 2.0)
    p.write(f"flag = {one}" if dice.chance(40) else f"flag = {one} {dice.one_of(('and', 'or'))} {two}")
    return dice.one_of((
        "where(flag, u[i], v[i])", "u[i] if flag else v[i]", "where(flag, u[i], 0.0)", "where(flag, -u[i], u[i])",
        "u[i] if not flag else 0.5 * u[i]",
    ))  # fmt: skip


def combined(p: Phrase) -> str:
    """Tests under names of their own, combined, and what follows from them."""
    dice = p.dice
    one, two = tests(p, 2)
    p.array("u", p.real, -2.0, 2.0)
    p.write(f"first = {one}\nsecond = {two}")
    how = dice.one_of(("first and second", "first or second", "first != second", "first and not second"))
    change = dice.one_of(("v = -v", "v *= 0.5", "v = 0.0", "v = v + 1.0", "v = v * v"))
    if dice.chance(50):
        p.write(f"v = u[i]\nif {how}:\n    {change}")
        if dice.chance(40):
            p.write("if second:\n    v += 0.5")
        return "v"
    p.write(f"both = {how}")
    return dice.one_of((f"u[i] * {weight(p, 'both')}", f"u[i] + {weight(p, 'both')}", "where(both, u[i], 0.0)"))


def inside(p: Phrase) -> str:
    """Whether a point is in a box, or two ranges meet."""
    dice = p.dice
    lo, hi = scalar(p, "lo", -1.5, -0.5, (-1.0, -0.5)), scalar(p, "hi", 0.5, 1.5, (1.0, 0.5))
    p.array("x_of", p.real, -2.0, 2.0).array("y_of", p.real, -2.0, 2.0).write("x = x_of[i]\ny = y_of[i]")
    p.write("hit = " + dice.one_of((
        f"x > {lo} and x < {hi}", f"{lo} < x < {hi} and {lo} < y < {hi}", f"x * x + y * y < {hi}",
        f"x > {lo} and x < {hi} and y > {lo} and y < {hi}", f"abs(x) < {hi} and abs(y) < {hi}",
        f"not (x < {lo} or x > {hi})", f"x < {lo} or y > {hi}",
    )))  # fmt: skip
    if dice.chance(40):
        p.output("found", BOOL).write("found[i] = hit")
    return dice.one_of(("where(hit, x, y)", f"x * {weight(p, 'hit')}", "x if hit else 0.0", "0.0 if hit else x * y"))


def switched(p: Phrase) -> str:
    """A truth value that a parameter turns round, or that makes the kernel do something."""
    dice = p.dice
    (one,) = tests(p, 1)
    p.parameter("invert", BOOL, 0, 1).array("u", p.real, -2.0, 2.0)
    if dice.chance(60):
        p.write(f"flag = {one}\nif invert:\n    flag = not flag")
    else:
        p.write("flag = " + dice.one_of((f"invert and {one}", f"invert or {one}", f"({one}) != invert")))
    change = dice.one_of(("v = -v", "v *= 2.0", "v = v * v", "v = 0.0"))
    p.write(f"v = u[i]\nif flag:\n    {change}")
    return "v"


def voted(p: Phrase) -> str:
    """How many of several tests hold."""
    dice = p.dice
    one, two, three = tests(p, 3)
    p.write(f"count = int({one}) + int({two})" + (f" + int({three})" if dice.chance(60) else ""))
    u = operand(p, "u")
    ways = (f"{u} * F(count)", f"{u} if count >= 2 else 0.0", f"{u} / F(count + 1)", f"where(count == 2, {u}, 0.5)")
    return dice.one_of(ways)


def gathered(p: Phrase) -> str:
    """Whether any, or all, of some elements pass a test, or how many do."""
    dice, count = p.dice, p.dice.between(3, 5)
    limit = scalar(p, "limit", 0.25, 1.0, (0.5, 1.0, -0.5))
    test = dice.one_of(
        (f"x[k] > {limit}", f"x[k] < {limit}", f"abs(x[k]) < {limit}", "mask[k]", f"mask[k] and x[k] > {limit}")
    )
    p.array("x", p.real, -2.0, 2.0, (count,)).array("mask", BOOL, 0, 1, (count,)).array("u", p.real, -2.0, 2.0)
    loop = f"for k in range({count}):"
    match dice.below(4):
        case 0:
            p.write(
                f"found = bool(False)\n{loop}\n    if {test}:\n        found = True" + "\n        break" * dice.below(2)
            )
        case 1:
            p.write(f"found = bool(True)\n{loop}\n    found = found and ({test})")
        case 2:
            p.write(f"found = bool(True)\n{loop}\n    if not ({test}):\n        found = False")
        case _:
            p.write(f"total = int(0)\n{loop}\n    if {test}:\n        total += 1\nfound = total > {dice.between(0, 2)}")
    return dice.one_of((f"u[i] * {weight(p, 'found')}", "u[i] if found else 0.0", "where(found, u[i], -u[i])"))


def crossing(p: Phrase) -> str:
    """Whether something changes its sign, or its state, from one place to the next."""
    dice = p.dice
    if dice.chance(50):
        p.line("x", p.real, -2.0, 2.0, 1)
        p.write("before = x[i] > 0.0\nafter = x[i + 1] > 0.0\ncrossed = before != after")
        return dice.one_of(("where(crossed, 0.5 * (x[i] + x[i + 1]), 0.0)", f"x[i] * {weight(p, 'crossed')}"))
    p.line("state", BOOL, 0, 1, 1).array("u", p.real, -2.0, 2.0)
    p.write("crossed = " + dice.one_of(("state[i] != state[i + 1]", "state[i] and not state[i + 1]")))
    return dice.one_of((f"u[i] * {weight(p, 'crossed')}", "u[i] if crossed else -u[i]"))


def decided(p: Phrase) -> str:
    """A function that says yes or no at once, from branches."""
    dice, sketch = p.dice, p.sketch
    own = FunctionSketch(sketch)
    variables = [own.parameter(sketch.main, symmetric(4.0)) for _ in range(dice.between(1, 2))]
    inner = Phrase(own).bind(**{name: own.variable(v) for name, v in zip("xy", variables, strict=False)})
    known = ("x < 0.0", "x > 1.5", "abs(x) < 0.5", "x * x > 2.0")
    first, second = dice.some_of(known, 2)
    if len(variables) > 1:
        first = dice.one_of(("x > y", "x + y < 0.5", "x * y > 1.0"))
    says = dice.chance(50)
    body: list[Statement] = []
    for test, says_so in ((first, says), (second, not says))[: dice.between(1, 2)]:
        body.append(If(inner.value(test).node, (Return((Literal(BOOL, says_so),)),)))
    last = Literal(BOOL, not says) if len(body) == 1 else inner.value(dice.one_of(("x > 0.75", "x < -0.5"))).node
    for variable in variables:
        variable.used = True
    callee = own.finish(BOOL, [*body, Return((last,))], [Typed(last, TRUTH)])
    p.sketch.called.add(callee.function.name)
    p.bind(told=sketch.call(callee, 1)).array("u", p.real, -2.0, 2.0)
    p.write("flag = told")
    change = dice.one_of(("v = -v", "v *= 0.5", "v = v + 1.0"))
    return (
        dice.one_of(("where(flag, u[i], 0.0)", "u[i] if flag else -u[i]")) if dice.chance(50) else _changed(p, change)
    )


def _changed(p: Phrase, change: str) -> str:
    p.write(f"v = u[i]\nif flag:\n    {change}")
    return "v"


#: How often an idea is one that flags are kept for.
FLAGS: Final = 62
IDEAS: Final[tuple[tuple[int, Callable[[Phrase], str]], ...]] = (
    (4, skipped), (4, chosen), (5, combined), (3, inside), (3, switched), (3, voted), (3, crossing), (3, decided),
    (10, gathered), (FLAGS, draw_flag),
)  # fmt: skip


def draw_idea(p: Phrase) -> str:
    """The expression of one idea."""
    return p.dice.weighted(IDEAS)(p)
