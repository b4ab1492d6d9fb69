"""Loops in loops of either kind, as people write them: sorts and searches over rows, sparse rows, pairs and triples.

Each is a few lines of text, drawn in its variety: what is compared and added, what bounds a loop, where arrays are from.
"""

from __future__ import annotations

import ast
import re
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

#: Of 100 nests that may be about numbers of either kind, how many are about whole ones: what a loop that is not unrolled
#: carries over is not there in the backward pass, so that those of floats mostly prove the forward pass alone.
WHOLE: Final = 65
#: Of 100 bounds that may be one, how many are a parameter; how many the length of an array.
GIVEN: Final = 20
LENGTH: Final = 20
#: Of 100 arrays that are read, how many are one that is there if one fits.
SHARED: Final = 60


class Given(NamedTuple):
    """An array of a nest: of floats ``F``, whole numbers ``I``, or either ``S``; between which values; its axes.

    An axis is ``i``, the thread's own place, or a size of the nest: ``N``, or ``N+1`` for one more.  One that is `changed`
    holds something before the launch and something else after it; one without values is only written.
    """

    of: str
    axes: str
    low: float | None = None
    high: float | str = 0.0
    changed: bool = False


class Nest(NamedTuple):
    """Lines with the arrays that they are about, and the locals that they leave; ``{a|b}`` is one of the two.  ``{?}`` is a comparison, and
    ``{0}`` zero.

    ``n`` is ``N``, or what only a run knows: a parameter up to that, or the length of an array.
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
    "for j in range(1, {N}):\n key = row[i, j]\n k = j - 1\n while k >= 0:\n  if row[i, k] {<=|<} key:\n   break\n"
    "  row[i, k + 1] = row[i, k]\n  k -= 1\n row[i, k + 1] = key",
    {"row": _ROW},
)
BUBBLES: Final = Nest(
    "moved = 1\nwhile moved > 0:\n moved = 0\n for j in range({N-1}):\n  if row[i, j] {>|<} row[i, j + 1]:\n"
    "   held = row[i, j]\n   row[i, j] = row[i, j + 1]\n   row[i, j + 1] = held\n   moved += 1",
    {"row": _ROW},
)
MERGED: Final = Nest(
    "a = 0\nb = 0\nwhile a < {N} and b < {M}:\n if x[i, a] {<=|<|>} y[i, b]:\n  out[i, a + b] = x[i, a]\n  a += 1\n"
    " else:\n  out[i, a + b] = y[i, b]\n  b += 1\nwhile a < {N}:\n out[i, a + b] = x[i, a]\n a += 1\n"
    "while b < {M}:\n out[i, a + b] = y[i, b]\n b += 1",
    {"x": _X, "y": Given("S", "i M", -2, 2), "out": Given("S", "i N+M")},
)
DIGITS: Final = Nest(
    "k = 0\nrest = v[i]\nwhile rest > 0:\n out[i, k] = rest {% 10|% 4|& 7}\n rest = rest // {10|8}\n k += 1",
    {"v": Given("I", "i", 0, 999), "out": Given("I", "i N")},
    ("k",),
)
KEPT: Final = Nest(
    "k = 0\nj = 0\nwhile j < n:\n if x[i, j] {?} y[i]:\n  out[i, k] = x[i, j]\n  k += 1\n j += 1",
    {"x": _X, "y": _OWN, "out": Given("S", "i N")},
    ("k",),
)
BITS: Final = Nest(
    "total = 0\nfor k in range(n):\n rest = v[i, k]\n while rest > 0:\n  total += {rest & 1|1|rest % 3}\n"
    "  rest = {rest >> 1|rest // 2|rest // 3|rest & (rest - 1)}",
    {"v": _WHOLES},
    ("total",),
)
DIVISORS: Final = Nest(
    "g = v[i, 0]\nfor k in range(1, {N}):\n b = v[i, k]\n while b {>|!=} 0:\n  rest = g % b\n  g = b\n  b = rest",
    {"v": _WHOLES},
    ("g",),
)
HALVED: Final = Nest(
    "total = 0.0\nfor k in range(n):\n e = abs(x[i, k])\n while e > {0.5|0.25}:\n  e *= {0.5|0.25}\n total += e",
    {"x": Given("F", "i N", -2, 2)},
    ("total",),
)
STRIDES: Final = Nest(
    "total = {0}\nstep = 1\nwhile step < n:\n for k in range(0, {N}, step):\n  total += x[i, k]\n step {*= 2|+= 1|+= step}",
    {"x": _X},
    ("total",),
)
FOLDED: Final = Nest(
    "half = 4\nwhile half > 0:\n for k in range(half):\n  row[i, k] {+=|-=} row[i, k + half]\n half = {half // 2|half >> 1}",
    {"row": Given("S", "i 8", -2, 2, changed=True)},
)
SIEVED: Final = Nest(
    "p = 2\nwhile p * p < 12:\n if mark[i, p] != 0:\n  for k in range(p * p, 12, p):\n   mark[i, k] = 0\n p += 1",
    {"mark": Given("I", "i 12", 0, 2, changed=True)},
)
#: Values of floats that a `while` goes by.
STEPPED: Final = Nest(
    "t = 0.0\nplace = x[i]\nwhile t < end[i]:\n {place += 0.25 * v[i]|place = 0.5 * (place + v[i])|place += 0.25 * (v[i] + t)}\n t += {0.25|0.5}",
    {"x": Given("F", "i", -2, 2), "v": Given("F", "i", -2, 2), "end": Given("F", "i", -0.5, 2)},
    ("place", "t"),
)
DECAYED: Final = Nest(
    "e = abs(x[i])\nsteps = 0\nwhile e > {0.125|0.25} and steps < n:\n e *= {0.5|0.75}\n steps += 1",
    {"x": Given("F", "i", -4, 4)},
    ("e", "steps"),
)
#: The thread ends in a `while`, or in a loop in a loop.
FOUND: Final = Nest(
    "k = 0\nwhile k < n:\n if x[i, k] {?} y[i]:\n  found[i] = {k|k + 1}\n  return\n k += {1|1|2}\nfound[i] = -1",
    {"x": _X, "y": _OWN, "found": _FOUND},
)
LINKED: Final = Nest(
    "at = first[i]\nsteps = 0\nwhile at >= 0:\n if key[at] {?} wanted[i]:\n  found[i] = {at|steps}\n  return\n"
    " at = link[at]\n steps += 1\n if steps >= {M}:\n  break\nfound[i] = -1",
    {
        "first": Given("I", "i", -1, "N-1"),
        "link": Given("I", "N", -1, "N-1"),
        "key": Given("S", "N", -2, 2),
        "wanted": _OWN,
        "found": _FOUND,
    },
)
HALVES: Final = Nest(
    "a = 0\nb = {N}\nwhile a < b:\n k = (a + b) // 2\n if x[i, k] == y[i]:\n  found[i] = k\n  return\n"
    " if x[i, k] < y[i]:\n  a = k + 1\n else:\n  b = k\nfound[i] = {-1|-1 - a}",
    {"x": Given("I", "i N", 0, 5), "y": Given("I", "i", 0, 5), "found": _FOUND},
)
CELL: Final = Nest(
    "for r in range({H}):\n for c in range({n|n|W}):\n  if grid[r, c] {?} y[i]:\n   found[i] = {r * W + c|c|r}\n   return\n"
    "found[i] = -1",
    {"grid": Given("S", "H W", -2, 2), "y": _OWN, "found": _FOUND},
)
ROWS: Final = Nest(
    "r = 0\nwhile r < {H}:\n for c in range({W}):\n  if grid[r, c] {?} y[i]:\n   found[i] = {r * W + c|r}\n"
    "   return\n r += 1",
    {"grid": Given("S", "H W", -2, 2), "y": _OWN, "found": _FOUND},
)
PAIR: Final = Nest(
    "for a in range({N-1}):\n for b in range(a + 1, n):\n  if x[i, a] {+|-} x[i, b] {?} y[i]:\n"
    "   found[i] = {a|b|a * N + b}\n   return\nfound[i] = {-1|N}",
    {"x": _X, "y": _OWN, "found": _FOUND},
)
#: A mark says in the outer loop how the inner one ended.
MARKED: Final = Nest(
    "total = 0\nfor r in range({H}):\n hit = 0\n for c in range({n|W}):\n  if grid[r, c] {?} y[i]:\n   hit = 1\n   break\n"
    " if hit {== 0|> 0}:\n  {continue|break}\n total += {r|1|r * r}",
    {"grid": Given("S", "H W", -2, 2), "y": _OWN},
    ("total",),
)
PASSED: Final = Nest(
    "k = 0\nfor j in range({N}):\n if x[i, j] {?} y[i]:\n  continue\n out[i, k] = x[i, j]\n k += 1",
    {"x": _X, "y": _OWN, "out": Given("S", "i N")},
    ("k",),
)
RUNS: Final = Nest(
    "runs = 0\nj = 0\nwhile j < {N}:\n k = j + 1\n while k < {N}:\n  if x[i, k] {!=|<|>} x[i, j]:\n   break\n  k += 1\n"
    " runs += {1|k - j}\n j = k",
    {"x": Given("I", "i N", 0, 2)},
    ("runs",),
)
#: An inner loop that is as long as the outer one says.
SPARSE: Final = Nest(
    "total = 0.0\nfor r in range({H}):\n for c in range(first[r], first[r + 1]):\n  total += value[c] * {x[i]|x[r]|y[i]}"
    "{ * scale[r]|}",
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
    "total = {0}\nfor r in range(rows[i]):\n for c in range(first[r], first[r + 1]):\n  k = column[c]\n  total += x[k]",
    {
        "rows": Given("I", "i", 0, "H"),
        "first": Given("I", "H+1", 0, "N"),
        "column": Given("I", "N", 0, "N-1"),
        "x": Given("S", "N", -2, 2),
    },
    ("total",),
)
TRIANGLE: Final = Nest(
    "total = {0}\nfor a in range(n):\n for b in range({a, n|a, n|a + 1|a + 1, n|a}):\n  total += x[i, b]{ * x[i, a]||}",
    {"x": _X},
    ("total",),
)
COUNTED: Final = Nest(
    "total = {0}\nfor k in range(size[i]):\n for j in range({long[k]|k, long[k]|k + long[k]}):\n  total += x[j]",
    {
        "size": Given("I", "i", 0, "H"),
        "long": Given("I", "H", 0, 3),
        "x": Given("S", "H+3", -2, 2),
    },
    ("total",),
)
SEGMENTS: Final = Nest(
    "total = 0\nfor r in range({H}):\n k = first[r]\n while k < first[r + 1]:\n  if x[k] {?} y[i]:\n   {total += 1|break|total += k}\n"
    "  k += 1\n total += {k|1|k - r}",
    {"first": Given("I", "H+1", 0, "N"), "x": Given("S", "N", -2, 2), "y": _OWN},
    ("total",),
)
#: Three deep.
TRIPLES: Final = Nest(
    "total = {0}\nfor a in range({H}):\n for b in range({a, H|a + 1, H|H}):\n  for c in range({b, H|b + 1, H|b + 1}):\n"
    "   total += {x[i, a] * x[i, b] * x[i, c]|x[i, b] * x[i, c]|x[i, c] - x[i, a]}",
    {"x": Given("S", "i H", -2, 2)},
    ("total",),
)
PRODUCT: Final = Nest(
    "total = 0.0\nfor a in range(2):\n for b in range({W}):\n  part = 0.0\n  for c in range({2|3}):\n"
    "   part += x[a, c] * y[c, b]\n  total += part{ * z[b]||* z[a]}",
    {"x": Given("F", "2 3", -2, 2), "y": Given("F", "3 W", -2, 2), "z": Given("F", "W", -1, 1)},
    ("total",),
)
FILTERED: Final = Nest(
    "total = {0}\nfor y in range(2):\n for x in range({n|W}):\n  for c in range({2|3}):\n"
    "   {total += image[y, x, c]|total += image[y, x, c] * weight[c]|if image[y, x, c] > own[i]:\n    total += weight[c]}",
    {"image": Given("S", "2 W 3", -2, 2), "weight": Given("S", "3", -2, 2), "own": _OWN},
    ("total",),
)
#: Rows that are read as they are written, and values that are handed on.
SCANNED: Final = Nest(
    "out[i, 0] = x[i, 0]\nfor k in range(1, {n|N}):\n out[i, k] = {0.5 * out[i, k - 1] + x[i, k]|out[i, k - 1] + x[i, k]|"
    "x[i, k] - 0.25 * out[i, k - 1]|max(out[i, k - 1], x[i, k])}",
    {"x": Given("F", "i N", -2, 2), "out": Given("F", "i N")},
)
HANDED_ON: Final = Nest(
    "a = x[i]\nb = y[i]\nfor k in range({N|n}):\n c = {a + b|a + 0.5 * b|a - b|b - 0.5 * a}\n a = b\n b = c",
    {"x": Given("F", "i", -1, 1), "y": Given("F", "i", -1, 1)},
    ("b", "a"),
)
COUNTED_ON: Final = Nest(
    "a = x[i]\nb = y[i]\nfor k in range({n|n|N}):\n c = {a + b|(a + b) % 7|a - b|b * 2 + a}\n a = b\n b = c",
    {"x": Given("I", "i", 0, 3), "y": Given("I", "i", 0, 3)},
    ("b", "a"),
)

#: What each category draws of them.
OF_LOOPS: Final = (TRIPLES, PRODUCT, FILTERED, SCANNED, SCANNED, HANDED_ON, COUNTED_ON, TRIANGLE, BITS, SORTED)
OF_BOUNDS: Final = (SPARSE, SPARSE, COLUMNS, TRIANGLE, TRIANGLE, COUNTED, SEGMENTS, TRIPLES, BITS)
OF_WHILES: Final = (
    SORTED, BUBBLES, MERGED, DIGITS, DIGITS, KEPT, BITS, DIVISORS, HALVED, STRIDES, FOLDED, SIEVED, STEPPED, STEPPED,
    DECAYED, FOUND, FOUND, LINKED, HALVES, ROWS, RUNS, SEGMENTS,
)  # fmt: skip
OF_EXITS: Final = (CELL, CELL, PAIR, PAIR, FOUND, LINKED, HALVES, ROWS, MARKED, MARKED, PASSED, RUNS, SORTED, SEGMENTS)
OF_WAYS: Final = (BITS, STRIDES, MARKED, TRIPLES, FILTERED, RUNS, HALVED, DIGITS, SEGMENTS, FOLDED, COUNTED)
ENDS: Final = (CELL, PAIR, FOUND, ROWS, HALVES)


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


def draw_nest(sketch: Sketch, nests: tuple[Nest, ...]) -> list[Statement]:
    """One of `nests`, as far as there is room for a row of each thread."""
    roomy = len(sketch.launch) < MAX_ARRAY_DIMENSIONS
    fitting = [n for n in nests if roomy or not any(g.axes.startswith("i ") for g in n.given.values())]
    if not fitting:
        return sketch.form_of_loop()
    return _written(sketch, sketch.dice.one_of(fitting))


def _written(sketch: Sketch, nest: Nest) -> list[Statement]:
    dice = sketch.dice
    real = any(given.of == "F" for given in nest.given.values())
    either: Scalar = sketch.main if real or not dice.chance(WHOLE) else INT32
    kinds = {"F": sketch.main, "I": INT32, "S": either}
    sizes = {"N": dice.between(4, 6), "M": dice.between(3, 5), "H": dice.between(3, 4), "W": dice.between(3, 4)}
    sizes["R"] = max(sizes["H"], sketch.launch[0])
    text = _filled(nest.text, dice, sizes, either)
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    lines = _Lines(sketch)
    arrays = {
        name: _array(sketch, given, kinds[given.of], sizes) for name, given in nest.given.items() if name in used
    }
    lines.bind(**arrays)
    if "n" in used:
        lines.bind(n=_bound(sketch, arrays, sizes["W" if used & {"grid", "image"} else "N"]))
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
        return dice.one_of(found[1].split("|"))

    drawn = re.sub(r"\{([^{}]*)\}", one, text)
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


def _bound(sketch: Sketch, arrays: dict[str, Parameter], most: int) -> Typed:
    """How long a loop is: a number, a parameter, or the length of an array's last axis."""
    if sketch.dice.chance(GIVEN):
        count = sketch.scalar_parameter(INT32, Interval(sketch.dice.below(2), most))
        count.used = True
        return sketch.variable(count)
    lines = [p for p in arrays.values() if p.shape[-1] == most]
    if lines and sketch.dice.chance(LENGTH):
        line = sketch.dice.one_of(lines)
        return Typed(Extent(INT32, line.name, len(line.shape) - 1), Interval(most, most))
    return Typed(whole(most), Interval(most, most))


__all__ = ["ENDS", "OF_BOUNDS", "OF_EXITS", "OF_LOOPS", "OF_WAYS", "OF_WHILES", "Nest", "draw_nest"]
