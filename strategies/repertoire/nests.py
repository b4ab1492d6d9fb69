"""Loops in loops of either kind, as people write them: sorts and searches over rows, sparse rows, pairs and triples.

Each is a few lines of text, drawn in its variety: what is compared and added, what bounds a loop, what it reads.
"""

from __future__ import annotations

import ast
import re
from textwrap import dedent
from typing import Final, NamedTuple

from strategies.blocks import whole
from strategies.dice import Dice
from strategies.intervals import Interval
from strategies.language.nodes import Element, Expression, Extent, Name, Parameter, Statement, walk
from strategies.language.types import INT32, MAX_ARRAY_DIMENSIONS, Array, Scalar
from strategies.language.unrolling import is_dynamic_loop
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 nests that may be about numbers of either kind, how many are about whole ones: what a loop that is not
#: unrolled carries over is not there in the backward pass, so that those of floats mostly prove the forward pass alone.
WHOLE: Final = 65
#: Of 100 bounds that may be one, how many are a parameter; how many the length of an array.
GIVEN: Final = 20
LENGTH: Final = 20
#: Of 100 arrays that are read, how many are one that is there if one fits.
SHARED: Final = 60


class Given(NamedTuple):
    """An array of a nest: of floats ``F``, whole numbers ``I``, or either ``S``; between which values; its axes.

    An axis is ``i``, the thread's own place, or a size of the nest: ``N``, or ``N+1`` for one more.  One that is
    `changed` holds something before the launch and something else after it; one without values is only written.
    """

    of: str
    axes: str
    low: float | None = None
    high: float | str = 0.0
    changed: bool = False


class Nest(NamedTuple):
    """Lines with the arrays that they are about, and the locals that they leave.

    ``{a|b}`` is one of the two, ``{?}`` a comparison, ``{0}`` zero.  ``n`` is ``N``, or what only a run knows: a
    parameter up to that, or the length of an array.
    """

    text: str
    given: dict[str, Given]
    left: tuple[str, ...] = ()


_X: Final = Given("S", "i N", -2, 2)
_WHOLES: Final = Given("I", "i N", 0, 40)
_FOUND: Final = Given("I", "i")
_ROW: Final = Given("S", "i N", -2, 2, changed=True)
_OWN: Final = Given("S", "i", -2, 2)

#: A `while` in a `for`, or the other way round, and stores in a `while`.
SORTED: Final = Nest(
    """
    for j in range(1, {N}):
        key = row[i, j]
        k = j - 1
        while k >= 0:
            if row[i, k] {<=|<} key:
                break
            row[i, k + 1] = row[i, k]
            k -= 1
        row[i, k + 1] = key
    """,
    {"row": _ROW},
)
BUBBLES: Final = Nest(
    """
    moved = 1
    while moved > 0:
        moved = 0
        for j in range({N-1}):
            if row[i, j] {>|<} row[i, j + 1]:
                held = row[i, j]
                row[i, j] = row[i, j + 1]
                row[i, j + 1] = held
                moved += 1
    """,
    {"row": _ROW},
)
MERGED: Final = Nest(
    """
    a = 0
    b = 0
    while a < {N} and b < {M}:
        if x[i, a] {<=|<|>} y[i, b]:
            out[i, a + b] = x[i, a]
            a += 1
        else:
            out[i, a + b] = y[i, b]
            b += 1
    while a < {N}:
        out[i, a + b] = x[i, a]
        a += 1
    while b < {M}:
        out[i, a + b] = y[i, b]
        b += 1
    """,
    {"x": _X, "y": Given("S", "i M", -2, 2), "out": Given("S", "i N+M")},
)
DIGITS: Final = Nest(
    """
    k = 0
    rest = v[i]
    while rest > 0:
        out[i, k] = rest {% 10|% 4|& 7}
        rest = rest // {10|8}
        k += 1
    """,
    {"v": Given("I", "i", 0, 999), "out": Given("I", "i N")},
    ("k",),
)
KEPT: Final = Nest(
    """
    k = 0
    j = 0
    while j < n:
        if x[i, j] {?} y[i]:
            out[i, k] = x[i, j]
            k += 1
        j += 1
    """,
    {"x": _X, "y": _OWN, "out": Given("S", "i N")},
    ("k",),
)
BITS: Final = Nest(
    """
    total = 0
    for k in range(n):
        rest = v[i, k]
        while rest > 0:
            total += {rest & 1|1|rest % 3}
            rest = {rest >> 1|rest // 2|rest // 3|rest & (rest - 1)}
    """,
    {"v": _WHOLES},
    ("total",),
)
DIVISORS: Final = Nest(
    """
    g = v[i, 0]
    for k in range(1, {N}):
        b = v[i, k]
        while b {>|!=} 0:
            rest = g % b
            g = b
            b = rest
    """,
    {"v": _WHOLES},
    ("g",),
)
HALVED: Final = Nest(
    """
    total = 0.0
    for k in range(n):
        e = abs(x[i, k])
        while e > {0.5|0.25}:
            e *= {0.5|0.25}
        total += e
    """,
    {"x": Given("F", "i N", -2, 2)},
    ("total",),
)
STRIDES: Final = Nest(
    """
    total = {0}
    step = 1
    while step < n:
        for k in range(0, {N}, step):
            total += x[i, k]
        step {*= 2|+= 1|+= step}
    """,
    {"x": _X},
    ("total",),
)
FOLDED: Final = Nest(
    """
    half = 4
    while half > 0:
        for k in range(half):
            row[i, k] {+=|-=} row[i, k + half]
        half = {half // 2|half >> 1}
    """,
    {"row": Given("S", "i 8", -2, 2, changed=True)},
)
SIEVED: Final = Nest(
    """
    p = 2
    while p * p < 12:
        if mark[i, p] != 0:
            for k in range(p * p, 12, p):
                mark[i, k] = 0
        p += 1
    """,
    {"mark": Given("I", "i 12", 0, 2, changed=True)},
)
#: Values of floats that a `while` goes by.
STEPPED: Final = Nest(
    """
    t = 0.0
    place = x[i]
    while t < end[i]:
        {place += 0.25 * v[i]|place = 0.5 * (place + v[i])|place += 0.25 * (v[i] + t)}
        t += {0.25|0.5}
    """,
    {"x": Given("F", "i", -2, 2), "v": Given("F", "i", -2, 2), "end": Given("F", "i", -0.5, 2)},
    ("place", "t"),
)
DECAYED: Final = Nest(
    """
    e = abs(x[i])
    steps = 0
    while e > {0.125|0.25} and steps < n:
        e *= {0.5|0.75}
        steps += 1
    """,
    {"x": Given("F", "i", -4, 4)},
    ("e", "steps"),
)
#: The thread ends in a `while`, or in a loop in a loop.
FOUND: Final = Nest(
    """
    k = 0
    while k < n:
        if x[i, k] {?} y[i]:
            found[i] = {k|k + 1}
            return
        k += {1|1|2}
    found[i] = -1
    """,
    {"x": _X, "y": _OWN, "found": _FOUND},
)
LINKED: Final = Nest(
    """
    at = first[i]
    steps = 0
    while at >= 0:
        if key[at] {?} wanted[i]:
            found[i] = {at|steps}
            return
        at = link[at]
        steps += 1
        if steps >= {M}:
            break
    found[i] = -1
    """,
    {
        "first": Given("I", "i", -1, "N-1"),
        "link": Given("I", "N", -1, "N-1"),
        "key": Given("S", "N", -2, 2),
        "wanted": _OWN,
        "found": _FOUND,
    },
)
HALVES: Final = Nest(
    """
    a = 0
    b = {N}
    while a < b:
        k = (a + b) // 2
        if x[i, k] == y[i]:
            found[i] = k
            return
        if x[i, k] < y[i]:
            a = k + 1
        else:
            b = k
    found[i] = {-1|-1 - a}
    """,
    {"x": Given("I", "i N", 0, 5), "y": Given("I", "i", 0, 5), "found": _FOUND},
)
CELL: Final = Nest(
    """
    for r in range({H}):
        for c in range({n|n|W}):
            if grid[r, c] {?} y[i]:
                found[i] = {r * W + c|c|r}
                return
    found[i] = -1
    """,
    {"grid": Given("S", "H W", -2, 2), "y": _OWN, "found": _FOUND},
)
ROWS: Final = Nest(
    """
    r = 0
    while r < {H}:
        for c in range({W}):
            if grid[r, c] {?} y[i]:
                found[i] = {r * W + c|r}
                return
        r += 1
    """,
    {"grid": Given("S", "H W", -2, 2), "y": _OWN, "found": _FOUND},
)
PAIR: Final = Nest(
    """
    for a in range({N-1}):
        for b in range(a + 1, n):
            if x[i, a] {+|-} x[i, b] {?} y[i]:
                found[i] = {a|b|a * N + b}
                return
    found[i] = {-1|N}
    """,
    {"x": _X, "y": _OWN, "found": _FOUND},
)
#: A mark says in the outer loop how the inner one ended.
MARKED: Final = Nest(
    """
    total = 0
    for r in range({H}):
        hit = 0
        for c in range({n|W}):
            if grid[r, c] {?} y[i]:
                hit = 1
                break
        if hit {== 0|> 0}:
            {continue|break}
        total += {r|1|r * r}
    """,
    {"grid": Given("S", "H W", -2, 2), "y": _OWN},
    ("total",),
)
PASSED: Final = Nest(
    """
    k = 0
    for j in range({N}):
        if x[i, j] {?} y[i]:
            continue
        out[i, k] = x[i, j]
        k += 1
    """,
    {"x": _X, "y": _OWN, "out": Given("S", "i N")},
    ("k",),
)
RUNS: Final = Nest(
    """
    runs = 0
    j = 0
    while j < {N}:
        k = j + 1
        while k < {N}:
            if x[i, k] {!=|<|>} x[i, j]:
                break
            k += 1
        runs += {1|k - j}
        j = k
    """,
    {"x": Given("I", "i N", 0, 2)},
    ("runs",),
)
SWEPT: Final = Nest(
    """
    total = 0
    r = 0
    while r < {H}:
        for c in range({n|W}):
            if grid[r, c] {?} y[i]:
                {total += c|break|continue}
            total += {1|r}
        r += 1
    """,
    {"grid": Given("S", "H W", -2, 2), "y": _OWN},
    ("total",),
)
#: An inner loop that is as long as the outer one says.
SPARSE: Final = Nest(
    """
    total = 0.0
    for r in range({H}):
        for c in range(first[r], first[r + 1]):
            total += value[c] * {x[i]|x[r]|y[i]}{ * scale[r]|}
    """,
    {
        "first": Given("I", "H+1", 0, "N"),
        "value": Given("F", "N", -2, 2),
        "x": Given("F", "R", -2, 2),
        "y": Given("F", "i", -2, 2),
        "scale": Given("F", "H", -1, 1),
    },
    ("total",),
)
COLUMNS: Final = Nest(
    """
    total = {0}
    for r in range(rows[i]):
        for c in range(first[r], first[r + 1]):
            k = column[c]
            total += x[k]
    """,
    {
        "rows": Given("I", "i", 0, "H"),
        "first": Given("I", "H+1", 0, "N"),
        "column": Given("I", "N", 0, "N-1"),
        "x": Given("S", "N", -2, 2),
    },
    ("total",),
)
TRIANGLE: Final = Nest(
    """
    total = {0}
    for a in range(n):
        for b in range({a, n|a, n|a + 1|a + 1, n|a}):
            total += x[i, b]{ * x[i, a]||}
    """,
    {"x": _X},
    ("total",),
)
COUNTED: Final = Nest(
    """
    total = {0}
    for k in range(size[i]):
        for j in range({long[k]|k, long[k]|k + long[k]}):
            total += x[j]
    """,
    {
        "size": Given("I", "i", 0, "H"),
        "long": Given("I", "H", 0, 3),
        "x": Given("S", "H+3", -2, 2),
    },
    ("total",),
)
SEGMENTS: Final = Nest(
    """
    total = 0
    for r in range({H}):
        k = first[r]
        while k < first[r + 1]:
            if x[k] {?} y[i]:
                {total += 1|break|total += k}
            k += 1
        total += {k|1|k - r}
    """,
    {"first": Given("I", "H+1", 0, "N"), "x": Given("S", "N", -2, 2), "y": _OWN},
    ("total",),
)
#: Three deep.
TRIPLES: Final = Nest(
    """
    total = {0}
    for a in range({H}):
        for b in range({a, H|a + 1, H|H}):
            for c in range({b, H|b + 1, H|b + 1}):
                total += {x[i, a] * x[i, b] * x[i, c]|x[i, b] * x[i, c]|x[i, c] - x[i, a]}
    """,
    {"x": Given("S", "i H", -2, 2)},
    ("total",),
)
PRODUCT: Final = Nest(
    """
    total = 0.0
    for a in range(2):
        for b in range({W}):
            part = 0.0
            for c in range({2|3}):
                part += x[a, c] * y[c, b]
            total += part{ * z[b]||* z[a]}
    """,
    {"x": Given("F", "2 3", -2, 2), "y": Given("F", "3 W", -2, 2), "z": Given("F", "W", -1, 1)},
    ("total",),
)
FILTERED: Final = Nest(
    """
    total = {0}
    for y in range(2):
        for x in range({n|W}):
            for c in range({2|3}):
                total += {image[y, x, c]|image[y, x, c] * weight[c]|max(image[y, x, c], own[i])}
    """,
    {"image": Given("S", "2 W 3", -2, 2), "weight": Given("S", "3", -2, 2), "own": _OWN},
    ("total",),
)
#: Rows that are read as they are written, and values that are handed on.
SCANNED: Final = Nest(
    """
    out[i, 0] = x[i, 0]
    for k in range(1, {n|N}):
        out[i, k] = {0.5 * out[i, k - 1] + x[i, k]|out[i, k - 1] + x[i, k]|max(out[i, k - 1], x[i, k])}
    """,
    {"x": Given("F", "i N", -2, 2), "out": Given("F", "i N")},
)
HANDED_ON: Final = Nest(
    """
    a = x[i]
    b = y[i]
    for k in range({N|n}):
        c = {a + b|a + 0.5 * b|a - b|b - 0.5 * a}
        a = b
        b = c
    """,
    {"x": Given("F", "i", -1, 1), "y": Given("F", "i", -1, 1)},
    ("b", "a"),
)
COUNTED_ON: Final = Nest(
    """
    a = x[i]
    b = y[i]
    for k in range({n|n|N}):
        c = {a + b|(a + b) % 7|a - b|b * 2 + a}
        a = b
        b = c
    """,
    {"x": Given("I", "i", 0, 3), "y": Given("I", "i", 0, 3)},
    ("b", "a"),
)

#: What each category draws of them.  Where a `while` or a store depends on what a loop computed, gradients are not
#: promised: of those there are fewer in categories that are about more than `while`.
OF_LOOPS: Final = (TRIPLES, PRODUCT, FILTERED, SCANNED, SCANNED, HANDED_ON, COUNTED_ON, TRIANGLE, BITS, SORTED)
OF_BOUNDS: Final = (SPARSE, SPARSE, COLUMNS, COLUMNS, TRIANGLE, TRIANGLE, COUNTED, BITS)
OF_WHILES: Final = (
    SORTED, SORTED, BUBBLES, MERGED, DIGITS, KEPT, HALVED, STRIDES, FOLDED, SIEVED, STEPPED, STEPPED, DECAYED, FOUND,
    FOUND, LINKED, HALVES, ROWS, RUNS, BITS, BITS, BITS, DIVISORS, DIVISORS, SEGMENTS, SEGMENTS, SWEPT, SWEPT, SWEPT,
)  # fmt: skip
OF_EXITS: Final = (
    CELL, CELL, PAIR, PAIR, FOUND, LINKED, HALVES, ROWS, MARKED, MARKED, PASSED, RUNS, SORTED, SEGMENTS, SWEPT,
)  # fmt: skip
OF_WAYS: Final = (BITS, DIVISORS, MARKED, TRIPLES, FILTERED, SEGMENTS, SEGMENTS, COUNTED, SWEPT, SWEPT, STRIDES, RUNS)
ENDS: Final = (CELL, CELL, PAIR, PAIR, FOUND, ROWS)


class _Lines(Phrase):
    """Lines whose indices lie inside of their arrays for reasons that an interval does not tell."""

    def _element(self, array: Parameter, index: ast.expr) -> Typed:
        assert isinstance(array.type, Array)
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        at: tuple[Expression, ...] = ()
        match parts[0]:
            case ast.Name(id="i") if len(array.shape) == len(self.sketch.own_indices()) + len(parts) - 1:
                at, parts = self.sketch.own_indices(), parts[1:]
        at = (*at, *(self._expression(part, INT32).node for part in parts))
        node = Element(array.type.dtype, array.name, at)
        return Typed(node, Interval(array.low, array.high), self.sketch.has_gradient(array))


def draw_nest(sketch: Sketch, nests: tuple[Nest, ...], known: bool = True) -> list[Statement]:
    """One of `nests`, as far as there is room for a row of each thread; bounds may be `known` before the run."""
    roomy = len(sketch.launch) < MAX_ARRAY_DIMENSIONS
    fitting = [n for n in nests if roomy or not any(g.axes.startswith("i ") for g in n.given.values())]
    if not fitting:
        return sketch.form_of_loop()
    return _written(sketch, sketch.dice.one_of(fitting), known)


def _written(sketch: Sketch, nest: Nest, known: bool) -> list[Statement]:
    dice = sketch.dice
    real = any(given.of == "F" for given in nest.given.values())
    either: Scalar = sketch.main if real or not dice.chance(WHOLE) else INT32
    kinds = {"F": sketch.main, "I": INT32, "S": either}
    sizes = {"N": dice.between(4, 6), "M": dice.between(3, 5), "H": dice.between(3, 4), "W": dice.between(3, 4)}
    sizes["R"] = max(sizes["H"], sketch.launch[0])
    text = _filled(nest.text, dice, sizes, either)
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    lines = _Lines(sketch)
    arrays = {name: _array(sketch, given, kinds[given.of], sizes) for name, given in nest.given.items() if name in used}
    lines.bind(**arrays)
    if "n" in used:
        lines.bind(n=_bound(sketch, arrays, sizes["W" if used & {"grid", "image"} else "N"], known))
    lines.write(text)
    dynamic = any(is_dynamic_loop(node, sketch.max_unroll) for statement in lines.body for node in walk(statement))
    left: list[Statement] = []
    for name in nest.left:
        value = lines.known(name)
        assert isinstance(value.node, Name)
        left += sketch.leave_result(value.node, value.interval, value.live, dynamic)
    return [*lines.body, *left]


def _filled(text: str, dice: Dice, sizes: dict[str, int], either: Scalar) -> str:
    """The text with one of the ways to write each hole, and numbers for the sizes."""

    def one(found: re.Match[str]) -> str:
        if found[1] == "0":
            return "0.0" if either.is_float else "0"
        if found[1] == "?":
            # floats are hardly ever equal
            return dice.one_of((">", "<") if either.is_float else ("==", ">", "<"))
        ways = str(found[1]).split("|")
        return dice.one_of(ways)

    drawn = re.sub(r"\{([^{}]*)\}", one, dedent(text))
    drawn = re.sub(r"\b([NMHW])-1\b", lambda found: str(sizes[found[1]] - 1), drawn)
    return re.sub(r"\b[NMHW]\b", lambda found: str(sizes[found[0]]), drawn)


def _size(text: str, sizes: dict[str, int]) -> int:
    """What a sum of sizes and numbers comes to."""
    return sum(sizes[part] if part in sizes else int(part) for part in text.replace("-", "+-").split("+"))


def _array(sketch: Sketch, given: Given, of: Scalar, sizes: dict[str, int]) -> Parameter:
    axes = given.axes.split()
    own = axes[0] == "i"
    shape = tuple(_size(axis, sizes) for axis in axes[own:])
    if own:
        shape = (*sketch.launch, *shape) if shape else sketch.launch_shape()
    if given.low is None:
        return sketch.output(of, shape)
    high = _size(given.high, sizes) if isinstance(given.high, str) else given.high
    span = Interval(given.low, high)
    fitting = [
        p
        for p in sketch.readable(of)
        if len(p.shape) == len(shape)
        and all(n >= m for n, m in zip(p.shape, shape, strict=True))
        and span.low <= p.low
        and p.high <= span.high
        and p in sketch.parameters
    ]
    if fitting and not given.changed and sketch.dice.chance(SHARED):
        return sketch.dice.one_of(fitting)
    return sketch.array(of, shape, span, output=given.changed)


def _bound(sketch: Sketch, arrays: dict[str, Parameter], most: int, known: bool) -> Typed:
    """How long a loop is: a number if it may be `known`, a parameter, or the length of an array's last axis."""
    lines = [p for p in arrays.values() if p.shape[-1] == most]
    if sketch.dice.chance(GIVEN if known else 60) or not (known or lines):
        count = sketch.scalar_parameter(INT32, Interval(sketch.dice.below(2), most))
        count.used = True
        return sketch.variable(count)
    if lines and (not known or sketch.dice.chance(LENGTH)):
        line = sketch.dice.one_of(lines)
        return Typed(Extent(INT32, line.name, len(line.shape) - 1), Interval(most, most))
    return Typed(whole(most), Interval(most, most))


__all__ = ["ENDS", "OF_BOUNDS", "OF_EXITS", "OF_LOOPS", "OF_WAYS", "OF_WHILES", "Nest", "draw_nest"]
