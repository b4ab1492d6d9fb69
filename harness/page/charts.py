"""Charts as SVG text, 360 units wide: as wide as a phone, so that letters have one size on every screen.

Colours are classes, which the style sheet fills for light and for dark.  What a mark stands for is its `<title>`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 360
#: A letter of 11 units is about this wide.
LETTER: Final = 6.2


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _tag(name: str, content: str | None = None, **attributes: float | str) -> str:
    spelled = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_number(value) if isinstance(value, int | float) else escape(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{spelled}/>" if content is None else f"<{name}{spelled}>{content}</{name}>"


def text(x: float, y: float, words: str, class_: str = "t", anchor: str = "start") -> str:
    """Words whose baseline begins, ends or is centred at a point."""
    return _tag("text", escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def bar(x: float, y: float, width: float, height: float, class_: str, title: str, radius: float = 0) -> str:
    """A rectangle that says what it stands for."""
    return _tag("rect", _tag("title", escape(title)), x=x, y=y, width=width, height=height, rx=radius, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str = "grid") -> str:
    """A straight line."""
    return _tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def svg(height: float, label: str, parts: Iterable[str]) -> str:
    """A drawing, and what it shows in words for those who do not see it."""
    return _tag(
        "svg", "\n".join(parts), viewBox=f"0 0 {WIDTH} {_number(height)}", role="img", aria_label=label,
        xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def short(count: float) -> str:
    """A count in at most four letters."""
    if count < 1000:
        return _number(count) if count < 10 else f"{count:.0f}"
    if count < 1_000_000:
        return f"{count / 1000:.3g}k" if count < 999_500 else "1M"
    return f"{count / 1_000_000:.3g}M"


# ---------------------------------------------------------------- the charts


def shares(label: str, rows: Mapping[str, Mapping[str, int]], kinds: Sequence[str], noun: str) -> str:
    """A full bar a row, divided by kind, and how many there are in all."""
    left = 10 + LETTER * max((len(name) for name in rows), default=0)
    room, step = WIDTH - left - 40, 19
    parts = []
    for number, (name, counts) in enumerate(rows.items()):
        y, x, total = 4 + number * step, left, sum(counts.values())
        parts.append(text(left - 8, y + 11, name, "t strong", "end"))
        for kind in kinds:
            if counts.get(kind):
                width = room * counts[kind] / total
                title = f"{name}: {counts[kind]:,} of {total:,} {noun}, {kind}"
                parts.append(bar(x, y, max(width - 0.8, 0.6), 14, f"k-{kind}", title, 1.5))
                x += width
        parts.append(text(WIDTH - 2, y + 11, f"{total:,}", anchor="end"))
    return svg(8 + step * len(rows), label, parts)


def progress(label: str, rows: Mapping[str, tuple[int, int]], noun: str) -> str:
    """A track a row, filled by a part of a whole."""
    left = 10 + LETTER * max((len(name) for name in rows), default=0)
    room, step = WIDTH - left - 52, 19
    parts = []
    for number, (name, (whole, part)) in enumerate(rows.items()):
        y, title = 4 + number * step, f"{name}: {part} of {whole} {noun}"
        parts.append(text(left - 8, y + 11, name, "t strong", "end"))
        parts.append(bar(left, y + 3, room, 8, "track", title, 4))
        if part:
            parts.append(bar(left, y + 3, max(8, room * part / whole), 8, "k-backward", title, 4))
        parts.append(text(WIDTH - 2, y + 11, f"{part}/{whole}", anchor="end"))
    return svg(8 + step * len(rows), label, parts)


def histogram(label: str, values: Sequence[float], step: float, unit: str, longest: float) -> str:
    """How many values lie in each interval of `step`; what is beyond `longest` stands in the last one."""
    bins = [0] * max(1, math.ceil(longest / step))
    for value in values:
        bins[min(int(value / step), len(bins) - 1)] += 1
    height, base, left = 132, 108, 4
    wide = (WIDTH - 2 * left) / len(bins)
    top = max(bins) or 1
    parts = [line(left, base, WIDTH - left, base, "axis")]
    for number, count in enumerate(bins):
        last = number == len(bins) - 1
        span = (
            f"{_number(number * step)} or more"
            if last
            else f"{_number(number * step)} to {_number((number + 1) * step)}"
        )
        tall = 96 * count / top
        if count:
            parts.append(
                bar(left + number * wide, base - tall, wide - 1, tall, "k-backward", f"{span} {unit}: {count:,} pairs")
            )
    every = max(1, round(len(bins) / 6))
    for number in range(0, len(bins), every):
        parts.append(text(left + number * wide, base + 14, _number(number * step)))
    return svg(height, label, parts)


def closeness(label: str, ratios: Mapping[int, int], exact: int, per_decade: int, class_: str) -> str:
    """How many pairs come how close to the limit, which stands at the right."""
    lowest = -6 * per_decade
    height, base, left, room = 142, 112, 62, WIDTH - 62 - 30
    wide = room / -lowest
    bins = dict.fromkeys(range(lowest, 0), 0)
    for at, count in ratios.items():
        bins[max(at, lowest)] += count
    top = max([*bins.values(), exact, 1])
    parts = [line(4, base, WIDTH - 4, base, "axis")]
    tall = 92 * exact / top
    parts.append(bar(6, base - tall, 26, tall, f"{class_} dim", f"no error at all: {exact:,} pairs", 1.5))
    parts.append(text(19, base + 14, "exact", anchor="middle"))
    if exact:
        parts.append(text(19, base - tall - 4, short(exact), anchor="middle"))
    for at, count in bins.items():
        tall = 92 * count / top
        if count:
            span = f"{10 ** (at / per_decade):.1e} to {10 ** ((at + 1) / per_decade):.1e}"
            title = f"{span} of the tolerance: {count:,} pairs"
            parts.append(bar(left + (at - lowest) * wide, base - tall, wide - 1, max(tall, 1), class_, title))
    limit = left + room
    parts += [line(limit, 8, limit, base, "limit"), text(limit + 4, 18, "limit", "t warn")]
    for decade in range(0, 7, 2):
        words = "1" if decade == 0 else f"10⁻{'⁰¹²³⁴⁵⁶'[decade]}"
        parts.append(text(limit - room * decade / 6, base + 14, words, anchor="middle"))
    parts.append(text(left + room / 2, base + 28, "largest error / tolerance", anchor="middle"))
    return svg(height + 2, label, parts)


def against_tolerance(label: str, cells: Mapping[tuple[int, int], int], per_decade: int) -> str:
    """Errors over tolerances, each pair a place in a grid; nothing lies above the limit."""
    low, high = -18, 0
    left, base, room = 56, 308, 296
    step = room / ((high - low) * per_decade)

    def x(at: float) -> float:
        return left + (at - low * per_decade) * step

    def y(at: float) -> float:
        return base - (at - low * per_decade) * step

    parts = []
    for decade in range(low, high + 1, 3):
        at = decade * per_decade
        parts += [
            line(x(at), y(low * per_decade), x(at), y(high * per_decade)),
            line(x(low * per_decade), y(at), x(high * per_decade), y(at)),
        ]
        words = "1" if decade == 0 else f"1e{decade}"
        parts.append(text(x(at), base + 15, words, anchor="middle"))
        if decade > low:
            parts.append(text(left - 6, y(at) + 4, words, anchor="end"))
    top = max(cells.values(), default=1)
    within = all(error <= tolerance for tolerance, error in cells)
    for (tolerance, error), count in sorted(cells.items()):
        if not (low * per_decade <= tolerance < high * per_decade and low * per_decade <= error):
            continue
        strength = min(4, int(5 * math.log1p(count) / math.log1p(top)))
        about = [f"about {10 ** (of / per_decade):.0e}" for of in (tolerance, error)]
        title = f"tolerance {about[0]}, error {about[1]}: {count:,} pairs"
        parts.append(bar(x(tolerance), y(error + 1), step, step, f"heat h{strength}", title))
    parts.append(line(x(low * per_decade), y(low * per_decade), x(high * per_decade), y(high * per_decade), "limit"))
    parts.append(text(left + 6, 32, "above the line: " + ("none" if within else "some"), "t warn"))
    parts.append(text(left + room / 2, base + 31, "tolerance, relative to the value", anchor="middle"))
    parts.append(
        _tag(
            "text",
            "largest error",
            x=0,
            y=0,
            class_="t",
            text_anchor="middle",
            transform=f"translate(9 {base - room / 2:.0f}) rotate(-90)",
        )
    )
    return svg(base + 38, label, parts)


def curves(label: str, xs: Sequence[int], series: Mapping[str, tuple[Sequence[int], str]], unit: str) -> str:
    """Lines over one axis, each on a scale of its own, with its name and its last value."""
    height, base, left, room = 190, 160, 6, WIDTH - 12
    right = max(xs[-1], 1) if xs else 1
    parts = [line(left, base, left + room, base, "axis")]
    for share in (0.25, 0.5, 0.75, 1.0):
        parts.append(line(left, base - 120 * share, left + room, base - 120 * share))
        parts.append(
            text(left + room * share, base + 15, f"{right * share:,.0f}", anchor="end" if share == 1 else "middle")
        )
    parts.append(text(left, base + 15, f"0 {unit}"))
    for number, (name, (values, class_)) in enumerate(series.items()):
        top = max([*values, 1])
        points = " ".join(
            f"{left + room * x / right:.1f},{base - 120 * v / top:.1f}" for x, v in zip(xs, values, strict=True)
        )
        parts.append(
            _tag("polyline", _tag("title", escape(f"{name}: {top:,}")), points=points, class_=f"curve {class_}")
        )
        at = left + number * room / 2
        parts.append(_tag("rect", x=at, y=8, width=10, height=10, rx=2, class_=f"swatch {class_}"))
        parts.append(text(at + 15, 17, f"{name} {top:,}", "t strong"))
    return svg(height, label, parts)


def triangle(label: str, names: Sequence[str], counts: Mapping[tuple[str, str], int]) -> str:
    """Each two names meet in a cell; a name stands at the end of its row and above its column."""
    beside = 8 + LETTER * max((len(name) for name in names), default=0)
    step = min(22.0, (WIDTH - beside) / max(1, len(names)))
    small = "t" if step > 9.5 else "t tiny"
    top = max(counts.values(), default=1)
    parts = []
    for row, name in enumerate(names):
        y = 4 + row * step
        for column, other in enumerate(names[:row]):
            count = counts.get((other, name), 0) or counts.get((name, other), 0)
            class_ = f"heat h{min(4, int(5 * math.log1p(count) / math.log1p(top)))}" if count else "never"
            title = f"{other} and {name}: {f'{count:,} pairs' if count else 'never in one kernel'}"
            parts.append(bar(column * step, y, step - 1, step - 1, class_, title, 1))
        parts.append(text(row * step + 3, y + step * 0.78, name, small))
    return svg(8 + step * len(names), label, parts)


def table(label: str, rows: Mapping[str, Mapping[str, int | None]], columns: Sequence[str]) -> str:
    """A cell a row and column: None where there can be nothing, zero where there could be something and is not."""
    left = 10 + LETTER * max((len(name) for name in rows), default=0)
    wide = min(22.0, (WIDTH - left - 22) / max(1, len(columns)))
    step, head = 13.5, 46
    parts = [
        _tag(
            "text",
            escape(name),
            x=0,
            y=0,
            class_="t tiny",
            transform=f"translate({left + (n + 0.7) * wide:.1f} {head - 4}) rotate(-55)",
        )
        for n, name in enumerate(columns)
    ]
    top = max((count or 0 for of in rows.values() for count in of.values()), default=1) or 1
    for number, (name, of) in enumerate(rows.items()):
        y = head + number * step
        parts.append(text(left - 6, y + 9.5, name, "t tiny", "end"))
        for column, kind in enumerate(columns):
            count = of.get(kind)
            if count is None:
                continue
            class_ = f"heat h{min(4, int(5 * math.log1p(count) / math.log1p(top)))}" if count else "never"
            title = f"{name} of {kind}: {f'in {count:,} pairs' if count else 'never'}"
            parts.append(bar(left + column * wide, y, wide - 1.5, step - 1.5, class_, title, 1.5))
    return svg(head + 4 + step * len(rows), label, parts)
