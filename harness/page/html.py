"""The page: one file of HTML without a script and without anything from elsewhere."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from statistics import median
from typing import Final

from harness.cpp.generated_code import forward_text
from harness.page import charts
from harness.page.facts import OUTCOMES, PER_DECADE, Closeness, Defect, Facts, Shown, Timing, usable_types
from strategies.language import types
from strategies.ops import ATOMICS, ROWS

STYLE: Final = Path(__file__).with_name("style.css")
#: Pairs that never met are listed up to so many.
LISTED: Final = 60


def page(facts: Facts) -> str:
    """The page about a corpus."""
    sections = (
        _header(facts), _sample(facts.shown), _verdicts(facts), _closeness(facts), _constructs(facts),
        _builtins(facts), _defects(facts.defects), _timing(facts.timing),
    )  # fmt: skip
    body = "\n".join(section for section in sections if section)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>warpsmith: {facts.pairs:,} verified pairs</title>\n"
        f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n"
        f"</head>\n<body>\n{body}\n</main>\n<footer>{_footer(facts)}</footer>\n</body>\n</html>\n"
    )


# ---------------------------------------------------------------- sections


def _header(facts: Facts) -> str:
    distinct = facts.growth[-1].outlines
    tiles = {
        "verified pairs": f"{facts.pairs:,}",
        "with verified gradients": _percent(facts.backward, facts.pairs),
        "categories": f"{len(facts.by_category)}",
        "different outlines, without names, literals and operators": _percent(distinct, facts.pairs),
        "median size of the C++": f"{median(facts.sizes.cpp_bytes or [0]) / 1000:.0f} kB",
        "defects of Warp, with a minimal kernel": f"{len(facts.defects)}",
    }
    items = "\n".join(f"<li><b>{value}</b>{escape(name)}</li>" for name, value in tiles.items())
    return f"""\
<header>
<h1>Kernels for NVIDIA Warp, and the C++ that it makes of them, proved equal</h1>
<p class="lead">{facts.pairs:,} kernels were drawn from a grammar, built by
{escape(" and ".join(facts.versions) or "Warp")} and run; results were compared with an
independent reference, gradients with finite differences in double precision.</p>
<ul class="tiles">
{items}
</ul>
</header>
<main>"""


def _sample(shown: Shown | None) -> str:
    if shown is None:
        return ""
    errors = {"result": shown.forward_error, "gradient": shown.gradient_error}
    said = " and ".join(
        f"every {name} is exact" if error == 0.0 else f"the largest error of a {name} is {error:.1e} of its size"
        for name, error in errors.items()
        if error is not None
    )
    lines = shown.cpp.count("\n")
    whole = f"<details><summary>All of it, {lines:,} lines</summary>\n<pre>{escape(shown.cpp)}</pre></details>"
    return f"""\
<h2>What a pair looks like</h2>
<p class="soft">One of <code>{escape(shown.category)}</code>, tier <code>{escape(shown.tier)}</code>:
{said}.</p>
<div class="cards two">
{_figure("Python, as drawn", f"<pre>{coloured(_code(shown.python))}</pre>")}
{_figure("C++, as Warp generated it: what the forward function does", f"<pre>{escape(_body(shown.cpp))}</pre>" + whole)}
</div>"""


def _verdicts(facts: Facts) -> str:
    totals = {kind: sum(of.get(kind, 0) for of in facts.by_category.values()) for kind in OUTCOMES}
    programs = sum(totals.values())
    legend = _legend({f"k-{kind}": words for kind, words in OUTCOMES.items() if totals[kind]})
    chart = charts.shares("Verdicts by category", facts.by_category, list(OUTCOMES), "programs")
    sizes = facts.sizes
    kilobytes = [n / 1000 for n in sizes.cpp_bytes]
    return f"""\
<h2>What became of what was drawn</h2>
<p>Of {programs:,} programs {_percent(totals["backward"] + totals["forward"], programs)} became pairs,
{_percent(totals["backward"], programs)} with verified gradients;
on {_percent(totals["known"], programs)} Warp is known to be wrong, and
{_percent(totals["inconclusive"], programs)} could not be judged.</p>
<div class="cards two">
{_figure("Verdicts by category, and programs in each", legend + chart)}
{_figure("Statements of a kernel", charts.histogram("Sizes in statements", sizes.statements, 2, "statements", 40))}
{_figure("Nodes of its syntax tree", charts.histogram("Sizes in nodes", sizes.nodes, 10, "nodes", 240))}
{_figure("Generated C++, in kB", charts.histogram("Sizes of the C++", kilobytes, 3, "kB", 66))}
</div>"""


def _closeness(facts: Facts) -> str:
    both = (("results", facts.forward, "k-backward"), ("gradients", facts.gradient, "k-gradient"))
    cells = facts.forward.cells + facts.gradient.cells
    figures = [
        _figure(
            f"Largest error of the {name}, over the tolerance there ({_counted(of)} pairs)",
            charts.closeness(f"Error over tolerance of {name}", of.ratios, of.exact, PER_DECADE, class_),
        )
        for name, of, class_ in both
    ]
    grid = charts.against_tolerance("Error against tolerance", cells, PER_DECADE)
    closest = max(facts.forward.closest, facts.gradient.closest)
    return f"""\
<h2>How close to the limit the right answers come</h2>
<p>The tolerance is not a constant: it follows from each program's own rounding. A pair whose error is anywhere near it
would be a reason for doubt. {facts.forward.share_below(0.1):.0%} of the results and
{facts.gradient.share_below(0.1):.0%} of the gradients stay below a tenth of it; the closest of all
comes to {closest:.0%}.</p>
<div class="cards two">
{figures[0]}
{figures[1]}
{_figure("Error against tolerance, results and gradients; the stronger the colour, the more pairs", grid)}
</div>"""


def _counted(of: Closeness) -> str:
    return f"{of.exact + sum(of.ratios.values()):,}"


def _constructs(facts: Facts) -> str:
    never, points = facts.never_together, facts.growth
    total = len(facts.constructs) * (len(facts.constructs) - 1) // 2
    half = next((p.pairs for p in points if 2 * p.met >= points[-1].met), 0)
    growth = charts.curves(
        "Growth", [p.pairs for p in points],
        {"feature pairs": ([p.met for p in points], "blue"), "outlines": ([p.outlines for p in points], "green")},
        "pairs",
    )  # fmt: skip
    matrix = charts.triangle("Which constructs stand in one kernel", facts.constructs, facts.together)
    missed = facts.missed
    chips = "".join(
        f"<li>{escape(_plain(pair.first))} + {escape(_plain(pair.second))}</li>" for pair in missed[:LISTED]
    )
    more = f", and {len(missed) - LISTED:,} more" if len(missed) > LISTED else ""
    listed = f'<ul class="chips">{chips}</ul>' if missed else "<p>There is no such pair.</p>"
    legend = _legend({"h0": "few kernels", "h4": "many", "never": "never together"})
    return f"""\
<h2>What has met, and what has not</h2>
<p>Defects of a code generator live where two constructs meet: {total - len(never):,} of {total:,} pairs of kinds of
statements and expressions (without the commonest) stand together in some verified kernel. Kernels stay different from
each other: {points[-1].outlines:,} outlines in {facts.pairs:,} pairs. Half of all pairs of features (constructs,
operators, types) that ever stand in one kernel had met after {half:,} pairs.</p>
<div class="cards two">
{_figure("A cell is a pair of constructs: from a name, go left along its row or down its column", legend + matrix)}
{_figure("What more pairs add, in the order in which they were drawn; each curve has its own scale", growth)}
{_figure(f"Never in one kernel, although chance alone would have made five such kernels or more{more}", listed)}
</div>"""


def _builtins(facts: Facts) -> str:
    groups: dict[str, dict[str, dict[str, int | None]]] = {}
    atomics = "Atomics"
    for group, op in [*((row.group, row.name) for row in ROWS), *((atomics, name) for name in ATOMICS)]:
        usable = usable_types(op)
        groups.setdefault(group, {})[op] = {
            name: facts.used.get((op, name), 0) if name in usable else None for name in types.SCALARS
        }
    missing = sum(count == 0 for of in groups.values() for op in of.values() for count in op.values())
    possible = sum(count is not None for of in groups.values() for op in of.values() for count in op.values())
    figures = [
        _figure(escape(name), charts.table(f"{name} by type", of, _columns(of)))
        for name, of in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    if facts.registry:
        whole = sum(total for total, _ in facts.registry.values())
        covered = sum(part for _, part in facts.registry.values())
        chart = charts.progress("Built-ins of Warp that the op table covers", facts.registry, "built-ins")
        figures.append(
            _figure(f"Of Warp's {whole} built-ins {covered} are in the op table; by its documentation's groups", chart)
        )
    return f"""\
<h2>Operators and built-ins, by the type they are applied to</h2>
<p>{possible - missing:,} of the {possible:,} combinations that the op table allows stand in a verified pair.</p>
{_legend({"h0": "few pairs", "h4": "many", "never": "never"})}
<div class="cards">
{chr(10).join(figures)}
</div>"""


def _columns(rows: Mapping[str, Mapping[str, int | None]]) -> list[str]:
    return [name for name in types.SCALARS if any(of[name] is not None for of in rows.values())]


def _defects(defects: Iterable[Defect]) -> str:
    cards = [
        f'<article class="card"><h3>{_inline(defect.title)}</h3>\n<span class="badge red">{escape(defect.kind)}</span>'
        + (f'<span class="badge">met {_times(defect.hits)}</span>' if defect.hits else "")
        + f"\n<pre>{coloured(defect.source)}</pre></article>"
        for defect in sorted(defects, key=lambda defect: (-defect.hits, defect.title))
    ]
    if not cards:
        return ""
    return f"""\
<h2>Where Warp is wrong</h2>
<p>{len(cards)} defects, each reduced to the smallest kernel that still shows it. Pairs with one of them are not
stored.</p>
<div class="cards">
{chr(10).join(cards)}
</div>"""


def _timing(timing: Timing | None) -> str:
    if timing is None:
        return ""
    parts = {
        "drawing": timing.draw,
        "reference, differences": timing.reference,
        "build and run": timing.build_and_run,
    }
    rows = {f"{name}, {ms:.0f} ms": (round(sum(parts.values())), round(ms)) for name, ms in parts.items()}
    chart = charts.progress("Where the time goes", rows, "ms")
    return f"""\
<h2>Where the time goes</h2>
<p>{sum(parts.values()):.0f} ms a program, measured on {timing.programs} programs in batches, by one process,
when this page was written.</p>
<div class="cards">{_figure("Milliseconds a program", chart)}
</div>"""


def _footer(facts: Facts) -> str:
    return (
        f"Written by <code>warpsmith report</code> from {facts.pairs:,} records, all of them checked on reading. "
        "The page has no script and loads nothing. What a verified pair means, and what it does not, is in "
        "<code>docs/oracle.md</code>."
    )


# ---------------------------------------------------------------- parts


def _figure(caption: str, content: str) -> str:
    return f'<figure class="card"><figcaption>{caption}</figcaption>\n{content}</figure>'


def _legend(entries: Mapping[str, str]) -> str:
    items = "".join(f'<li><i class="{class_}"></i>{escape(words)}</li>' for class_, words in entries.items())
    return f'<ul class="legend">{items}</ul>\n'


def _plain(feature: str) -> str:
    """A feature without its kind, if that is plain from its name."""
    return feature.removeprefix("node:").removeprefix("op:")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}".replace("100.0%", "100%") if whole else "0%"


def _inline(words: str) -> str:
    """Words whose code stands between backquotes."""
    pieces = words.split("`")
    return "".join(escape(p) if n % 2 == 0 else f"<code>{escape(p)}</code>" for n, p in enumerate(pieces))


def _code(python: str) -> str:
    return python.removeprefix("import warp as wp\n").strip("\n")


def _body(cpp: str) -> str:
    """The statements of the forward function of a C++ text, without the comments that quote the Python."""
    text = forward_text(cpp).partition("// forward\n")[2].rstrip("}\n")
    return "\n".join(line.removeprefix("    ") for line in text.split("\n") if not line.lstrip().startswith("//"))


def coloured(python: str) -> str:
    """`python` as HTML, with keywords, comments, numbers and decorators marked."""
    lines = python.splitlines(keepends=True)
    out: list[str] = []
    row, column = 1, 0

    def copy(to_row: int, to_column: int) -> None:
        nonlocal row, column
        while row < to_row:
            out.append(escape(lines[row - 1][column:]))
            row, column = row + 1, 0
        if row <= len(lines):
            out.append(escape(lines[row - 1][column:to_column]))
            column = to_column

    for token in tokenize.generate_tokens(io.StringIO(python).readline):
        class_ = _class(token)
        if class_:
            copy(*token.start)
            out.append(f'<span class="{class_}">{escape(token.string)}</span>')
            row, column = token.end
    copy(len(lines) + 1, 0)
    return "".join(out).rstrip("\n")


def _class(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "k"
    if token.type == tokenize.NUMBER:
        return "n"
    if token.type == tokenize.COMMENT:
        return "c"
    return "d" if token.type == tokenize.OP and token.string == "@" else ""
