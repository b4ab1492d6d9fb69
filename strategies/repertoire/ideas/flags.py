"""What people keep truth values for: guards before an access, states, filters of collisions, parities, neighbourhoods.

Each function writes the lines of one idea and says by what name its truth value goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.language.types import BOOL, INT32
from strategies.repertoire.ideas.decisions import decided, tests
from strategies.repertoire.ideas.numbers import scalar
from strategies.repertoire.phrases import Phrase


def _joined(p: Phrase, parts: list[str]) -> str:
    """Tests joined by ``and``, those that hold an ``or`` in parentheses; at times named one by one before."""
    if p.dice.chance(25):
        names = []
        for n, part in enumerate(parts):
            p.write(f"part{n} = {part}")
            names.append(f"part{n}")
        parts = names
    return " and ".join(f"({part})" if " or " in part or " and " in part else part for part in parts)


def _place(p: Phrase) -> tuple[str, int, int, int]:
    """A place that may lie outside of an array: what it is, between which numbers, and how long the array is."""
    dice, last = p.dice, p.sketch.launch[0] - 1
    if dice.chance(45):
        extent = dice.between(4, 9)
        low, high = dice.one_of(((-1, extent - 1), (-1, extent - 1), (0, extent + 2), (-2, extent + 1)))
        p.array("link", INT32, low, high)
        return "link[i]", low, high, extent
    if dice.chance(35):
        p.parameter("offset", INT32, -2, 3)
        return dice.one_of(("i + offset", "offset + i")), -2, last + 3, last + 1
    step = dice.between(1, 2) if last > 2 else 1
    text, low, high = dice.one_of((
        (f"i - {step}", -step, last - step), (f"i + {step}", step, last + step),
        (f"{step + 1} * i - 1", -1, (step + 1) * last - 1),
    ))  # fmt: skip
    return text, low, high, last + 1


def guarded(p: Phrase) -> str:
    """A place that is tested before what is there is read: in one test, in two, or in a choice."""
    dice = p.dice
    text, low, high, extent = _place(p)
    p.array("cells", p.real, -2.0, 2.0, (extent,)).array("solid", BOOL, 0, 1, (extent,)).array("own", p.real, -2.0, 2.0)
    p.write(f"k = {text}")
    end = dice.one_of((str(extent), "cells.shape[0]"))
    limit = scalar(p, "level", 0.25, 1.0, (0.5, 0.0, 0.75))
    reads = dice.one_of((
        f"cells[k] > {limit}", f"cells[k] < {limit}", "solid[k]", "not solid[k]", "cells[k] > own[i]",
        f"abs(cells[k] - own[i]) < {limit}", f"solid[k] and cells[k] > {limit}", f"cells[k] * own[i] > {limit}",
    ))  # fmt: skip
    if " and " not in reads and dice.chance(30):
        reads = f"{reads} and {tests(p, 1)[0]}"
    below, above = low < 0, high >= extent
    if below and above and dice.chance(30):
        inside, outside = f"0 <= k < {end}", f"not (0 <= k < {end})"
    else:
        inside = " and ".join(["k >= 0"] * below + [f"k < {end}"] * above)
        outside = " or ".join(["k < 0"] * below + [f"k >= {end}"] * above)
    match dice.below(5):
        case 0:
            p.write(f"hit = bool(False)\nif {inside}:\n    hit = {reads}")
        case 1:
            p.write(f"hit = {outside} or {reads}" if " and " not in reads else f"hit = {outside} or ({reads})")
        case 2:
            p.write(f"hit = ({reads}) if {inside} else {dice.one_of(('False', 'True'))}")
        case 3:
            more = dice.one_of(("False", "own[i] > 0.0"))
            p.write(f"hit = bool(True)\nif {outside}:\n    hit = False\nelif {reads}:\n    hit = {more}")
        case _:
            p.write(f"hit = {inside} and {reads}")
    return "hit"


def filtered(p: Phrase) -> str:
    """Whether two bodies collide: groups, masks of bits, what is alive, and how far they are apart."""
    dice = p.dice
    p.array("partner", INT32, 0, p.sketch.launch[0] - 1)
    p.line("group", INT32, 0, 5).line("category", INT32, 0, 15).line("collides", INT32, 0, 15)
    p.line("alive", BOOL, 0, 1).line("at", p.real, -2.0, 2.0).line("radius", p.real, 0.125, 0.75)
    p.write("j = partner[i]")
    if dice.chance(30):
        p.write("a = group[i]\nb = group[j]")
        same = "a == b"
    else:
        same = "group[i] == group[j]"
    reach = scalar(p, "reach", 0.5, 1.0, (0.5, 1.0))
    near = dice.one_of((
        "abs(at[i] - at[j]) < radius[i] + radius[j]", f"abs(at[i] - at[j]) < {reach}",
        "(at[i] - at[j]) * (at[i] - at[j]) < radius[i]",
    ))  # fmt: skip
    pool = (
        same.replace("==", "!="), f"not ({same})", "(category[i] & collides[j]) != 0", "alive[i]", "alive[j]", near,
        "i != j", "(category[i] & collides[j]) != 0 and (category[j] & collides[i]) != 0", f"{same} or alive[j]",
        "alive[i] and alive[j]", "not (alive[i] and alive[j])", near,
    )  # fmt: skip
    parts = list(dict.fromkeys(dice.some_of(pool, dice.between(2, 4))))
    if dice.chance(20) and len(parts) > 1:
        # the group decides before the masks do
        p.write(f"hit = {parts[0]}\nif {same}:\n    hit = {parts[1]}")
    else:
        p.write(f"hit = {_joined(p, parts)}")
    return "hit"


def overlapping(p: Phrase) -> str:
    """Whether two ranges or boxes meet, touch, or one holds the other."""
    dice, axes = p.dice, p.dice.between(1, 2)
    strict = dice.chance(50)
    less, more = ("<", ">") if strict else ("<=", ">=")
    slack = scalar(p, "margin", 0.0, 0.5, (0.25, 0.125)) if dice.chance(35) else None
    parts, apart, within = [], [], []
    for axis in "xy"[:axes]:
        lo, hi, first, last = (f"{name}_{axis}" for name in ("lo", "hi", "first", "last"))
        p.array(f"{lo}s", p.real, -2.0, 1.0).array(f"{hi}s", p.real, -1.0, 2.0)
        p.array(f"{first}s", p.real, -2.0, 1.0).array(f"{last}s", p.real, -1.0, 2.0)
        a, b, c, d = (f"{name}s[i]" for name in (lo, hi, first, last))
        if slack is not None:
            b = f"{b} + {slack}"
        parts.append(f"{a} {less} {d} and {c} {less} {b}" if dice.chance(60) else f"{d} {more} {a} and {b} {more} {c}")
        apart.append(f"{d} < {a} or {b} < {c}")
        within.append(f"{a} <= {c} and {d} <= {b}")
    match dice.below(4):
        case 0:
            p.write(f"hit = not ({' or '.join(apart)})")
        case 1:
            p.write(f"hit = {' and '.join(within)}")
        case 2:
            p.write("\n".join(f"in_{axis} = {part}" for axis, part in zip("xy", parts, strict=False)))
            names = [f"in_{axis}" for axis in "xy"[:axes]]
            more_tests = tests(p, 1) if axes == 1 or dice.chance(30) else []
            p.write(f"hit = {' and '.join([*names, *more_tests])}")
        case _:
            p.write(f"hit = {' and '.join(parts)}")
    return "hit"


def transition(p: Phrase) -> str:
    """A step of a machine of a few states, and whether it went anywhere."""
    dice, count = p.dice, p.dice.between(3, 4)
    p.array("states", INT32, 0, count - 1).write("state = states[i]")
    found = tests(p, 3)
    order = dice.some_of(range(count), dice.between(2, 3))
    arms, word = [], "if"
    for n, at in enumerate(order):
        goal = (at + dice.between(1, count - 1)) % count
        match dice.below(3):
            case 0:
                arms.append(f"{word} state == {at}:\n    if {found[n]}:\n        state = {goal}")
            case 1:
                arms.append(f"{word} state == {at} and {found[n]}:\n    state = {goal}")
            case _:
                arms.append(f"{word} state == {at} and ({found[n]} or {found[(n + 1) % 3]}):\n    state = {goal}")
        word = "elif"
    if dice.chance(25):
        arms.append(f"else:\n    state = {dice.below(count)}")
    p.write("\n".join(arms))
    if dice.chance(50):
        p.output("next", INT32).write("next[i] = state")
    p.write("hit = " + dice.one_of((
        "state != states[i]", f"state == {order[0]}", f"state == {order[0]} or state == {order[1]}",
        f"state > 0 and {found[0]}", f"state == states[i] and {found[-1]}", f"not (state == {order[-1]})",
    )))  # fmt: skip
    return "hit"


def latched(p: Phrase) -> str:
    """A switch that goes on above one level and off below another, at once or over a row of samples."""
    dice = p.dice
    hi, lo = scalar(p, "upper", 0.5, 1.0, (0.5, 0.75)), scalar(p, "lower", -1.0, 0.0, (-0.5, 0.0, 0.25))
    p.array("was", BOOL, 0, 1)
    many = dice.chance(45)
    count = dice.between(3, 6)
    first = dice.one_of(("was[i]", "bool(False)", "was[i]"))
    if many:
        p.array("samples", p.real, -2.0, 2.0, (p.sketch.launch[0], count))
        value = "samples[i, k]"
    else:
        p.array("sample", p.real, -2.0, 2.0)
        value, first = "sample[i]", "was[i]"
    lines = dice.one_of((
        f"if {value} > {hi}:\n    on = True\nelif {value} < {lo}:\n    on = False",
        f"if on:\n    on = {value} > {lo}\nelse:\n    on = {value} > {hi}",
        f"on = {value} > {hi} or (on and {value} > {lo})",
        f"if not on and {value} > {hi}:\n    on = True\nif on and {value} < {lo}:\n    on = False",
        f"on = (on or {value} > {hi}) and not ({value} < {lo})",
    ))  # fmt: skip
    if not many:
        p.write(f"on = {first}\n{lines}")
        p.write(f"hit = {dice.one_of(('on', 'on != was[i]', 'on and not was[i]', 'was[i] and not on'))}")
        return "hit"
    counts = dice.chance(35)
    if counts:
        lines = f"before = on\n{lines}\nif on != before:\n    flips += 1"
    if dice.chance(30):
        lines += f"\nif {dice.one_of(('on', 'not on'))}:\n    break"
    p.write(f"on = {first}" + ("\nflips = int(0)" if counts else ""))
    p.write(f"for k in range({count}):\n" + "\n".join(f"    {line}" for line in lines.splitlines()))
    p.write("hit = " + (dice.one_of(("flips > 1", "flips % 2 == 1", "on and flips > 0")) if counts else "on"))
    return "hit"


def parity(p: Phrase) -> str:
    """Whether something is odd: a place, a count, a row of signs; two of them by an exclusive or."""
    dice = p.dice
    p.array("cells", INT32, 0, 20).array("other", INT32, 0, 20)
    odd = ("i % 2 == 1", "cells[i] % 2 == 1", "(cells[i] & 1) != 0", "(i + cells[i]) % 2 == 0", "other[i] % 2 != 0",
           "i % 2 == 0", "(i >> 1) % 2 == 1", "other[i] > cells[i]")  # fmt: skip
    if dice.chance(50):
        one, two = dice.some_of(odd, 2)
        how = dice.one_of(("!=", "==", "!="))
        p.write(f"hit = ({one}) {how} ({two})" if dice.chance(50) else f"one = {one}\ntwo = {two}\nhit = one {how} two")
        if dice.chance(30):
            p.write(f"if {tests(p, 1)[0]}:\n    hit = not hit")
        return "hit"
    count = dice.between(3, 5)
    p.array("signs", p.real, -2.0, 2.0, (p.sketch.launch[0], count)).array("marks", BOOL, 0, 1, (count,))
    p.array("own", p.real, -2.0, 2.0)
    term = dice.one_of(
        (
            "signs[i, k] < 0.0",
            "marks[k]",
            "signs[i, k] > own[i]",
            "marks[k] and signs[i, k] > 0.0",
            "marks[k] or own[i] > signs[i, k]",
        )
    )
    step = f"if {term}:\n        hit = not hit" if dice.chance(60) else f"hit = hit != ({term})"
    if dice.chance(25):
        step = f"if k == i:\n        continue\n    {step}"
    p.write(
        f"hit = {dice.one_of(('bool(False)', 'bool(True)', dice.one_of(odd)))}\nfor k in range({count}):\n    {step}"
    )
    return "hit"


def enclosed(p: Phrase) -> str:
    """Whether a point lies in a polygon: by how often a ray crosses its edges, or by the side of each edge."""
    dice, count = p.dice, p.dice.between(3, 5)
    p.array("corner_x", p.real, -2.0, 2.0, (count,)).array("corner_y", p.real, -2.0, 2.0, (count,))
    p.array("point_x", p.real, -2.0, 2.0).array("point_y", p.real, -2.0, 2.0)
    p.write("px = point_x[i]\npy = point_y[i]")
    crossing = dice.chance(60)
    corners = "    xa = corner_x[k]\n    ya = corner_y[k]\n    xb = corner_x[m]\n    yb = corner_y[m]\n"
    side = dice.one_of(
        ("(px - xa) * (yb - ya) - (py - ya) * (xb - xa)", "(xb - xa) * (py - ya) - (yb - ya) * (px - xa)")
    )
    after = dice.one_of((f"m = (k + 1) % {count}", f"m = k + 1 if k < {count - 1} else 0"))
    loop = (
        f"for k in range({dice.one_of((str(count), 'corner_x.shape[0]'))}):\n    {after}\n{corners}    side = {side}\n"
    )
    if crossing:
        span = dice.one_of(("(ya > py) != (yb > py)", "(ya <= py) != (yb <= py)"))
        towards = dice.one_of(("(side > 0.0) == (yb > ya)", "(side < 0.0) != (yb > ya)"))
        step = (
            f"    if {span} and {towards}:\n        hit = not hit"
            if dice.chance(60)
            else f"    if {span}:\n        if {towards}:\n            hit = not hit"
        )
        p.write(f"hit = bool(False)\n{loop}{step}")
    else:
        step = dice.one_of((
            "    if side < 0.0:\n        hit = False\n        break", "    hit = hit and side >= 0.0",
            "    if side > 0.0:\n        hit = False",
        ))  # fmt: skip
        p.write(f"hit = bool(True)\n{loop}{step}")
    return "hit"


def around(p: Phrase) -> str:
    """Whether any, all or enough cells around the thread's own pass a test; out of the array there is nothing."""
    dice, launch = p.dice, p.sketch.launch[0]
    reach = dice.between(1, 2)
    limit = scalar(p, "level", 0.25, 1.0, (0.5, 0.0, 0.75))
    p.line("cells", p.real, -2.0, 2.0).line("solid", BOOL, 0, 1)
    end = dice.one_of((str(launch), "cells.shape[0]"))
    test = dice.one_of((
        f"cells[j] > {limit}", "cells[j] > cells[i]", "solid[j]", "not solid[j]", f"solid[j] and cells[j] < {limit}",
        f"abs(cells[j] - cells[i]) > {limit}", "solid[j] != solid[i]", f"cells[j] * cells[i] < {limit}",
    ))  # fmt: skip
    lines = ["j = i + k"]
    inside = "j >= 0 and j < " + end if dice.chance(70) else f"0 <= j < {end}"
    match dice.below(4):
        case 0:
            lines = [f"j = (i + k + {launch * (1 + reach // launch)}) % {launch}"]
            inside = ""
        case 1:
            lines += [f"if j < 0 or j >= {end}:", "    continue"]
            inside = ""
        case 2:
            lines = [f"j = clamp(i + k, 0, {end} - 1)" if "shape" in end else f"j = clamp(i + k, 0, {launch - 1})"]
            inside = ""
    if dice.chance(35):
        inside = f"k != 0 and {inside}" if inside else "k != 0"
    kind = dice.weighted(((4, "any"), (4, "all"), (3, "count")))
    fail = _negated(test) if kind == "all" else test
    both = f"{inside} and {fail}" if inside else fail
    if kind == "count":
        more = dice.one_of(("total += 1", "total = total + 1"))
        lines += [f"if {both}:", f"    {more}"]
        if dice.chance(30):
            lines += [f"if total > {reach}:", "    break"]
        start = "total = int(0)"
    else:
        start = f"hit = bool({kind == 'all'})"
        if dice.chance(25):
            lines.append(f"hit = hit or ({both})" if kind == "any" else f"hit = hit and not ({both})")
        elif inside and dice.chance(40):
            lines += [f"if {inside}:", f"    if {fail}:", f"        hit = {kind == 'any'}"]
            lines += ["        break"] * dice.chance(60)
        else:
            lines += [f"if {both}:", f"    hit = {kind == 'any'}"] + ["    break"] * dice.chance(65)
    p.write(f"{start}\nfor k in range(-{reach}, {reach + 1}):\n" + "\n".join(f"    {line}" for line in lines))
    if kind == "count":
        p.write(f"hit = {dice.one_of(('total > 1', 'total == 1', 'total == 0', 'total == 2 or total == 3'))}")
    return "hit"


def _negated(test: str) -> str:
    """That a test of one comparison or one truth value fails."""
    if " and " in test:
        return f"not ({test})"
    for one, other in ((" != ", " == "), (" > ", " <= "), (" < ", " >= ")):
        if one in test:
            return test.replace(one, other)
    return test.removeprefix("not ") if test.startswith("not ") else f"not {test}"


def checked(p: Phrase) -> str:
    """Flags of a few kinds under names, and what follows from them together."""
    dice = p.dice
    names = dice.some_of(("valid", "active", "fixed", "dirty"), dice.between(2, 3))
    found = tests(p, 3)
    if dice.chance(40):
        p.array("flags", INT32, 0, 15).write("word = flags[i]")
        bits = dice.some_of((1, 2, 4, 8), 3)
        found = [f"(word & {bit}) != 0" if dice.chance(70) else f"(word & {bit}) == {bit}" for bit in bits]
        if dice.chance(40):
            found[0] = tests(p, 1)[0]
    p.write("\n".join(f"{name} = {test}" for name, test in zip(names, found, strict=False)))
    a, b = names[:2]
    c = names[2] if len(names) > 2 else tests(p, 1)[0]
    joined = dice.one_of((
        f"{a} and not {b}", f"{a} and ({b} or {c})", f"not ({a} or {b})", f"{a} and {b} and {c}",
        f"({a} or {b}) and not ({c})", f"{a} != {b}", f"{a} or ({b} and {c})", f"not ({a} and {b}) or {c}",
        f"{a} and ({b} != ({c}))",
    ))  # fmt: skip
    p.write(f"hit = {joined}")
    return "hit"


FLAGS: Final[tuple[tuple[int, Callable[[Phrase], str]], ...]] = (
    (5, guarded), (4, filtered), (3, overlapping), (4, transition), (4, latched), (3, parity), (3, enclosed),
    (9, around), (4, checked),
)  # fmt: skip


def draw_flag(p: Phrase) -> str:
    """The expression of what one idea about truth values decides."""
    return decided(p, p.dice.weighted(FLAGS)(p))
