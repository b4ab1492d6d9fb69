"""The page about a corpus: its counts are right, and a browser shows it without a flaw on a phone and on a desk."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree
from html import unescape
from pathlib import Path
from typing import Any, Final

import pytest
from tiny import apply, kernel

import corpus
from corpus.journal import Progress
from corpus.record import Record
from corpus.store import Store
from harness.commands import run
from harness.page import charts
from harness.page.browser import BrowserNotFound, ask, find_browser, picture
from harness.page.facts import Closeness, Facts, Timing, gather, outcome_of, usable_types, used_types
from harness.page.html import coloured, page
from strategies.language.types import FLOAT32

OWN: Final = Path(corpus.__file__).parent
OF_EACH: Final = 4


@pytest.fixture(scope="module")
def rows() -> list[Record]:
    """A few rows of every category of the corpus that comes with a checkout."""
    store = Store.open(OWN, write=False)
    return [r for name in store.categories() for r in itertools.islice(store.records(name, check=False), OF_EACH)]


@pytest.fixture(scope="module")
def facts(rows: list[Record]) -> Facts:
    store = Store.open(OWN, write=False)
    registry = ("1.0", {"sin": "Scalar Math", "no_such": "Scalar Math"})
    titles = {case.bucket: "A title with `code` & <signs>" for case in store.cases()}
    return gather(rows, store.campaigns(), store.cases(), titles, registry, Timing(12, 8.0, 30.0, 45.0))


@pytest.fixture(scope="module")
def html(facts: Facts) -> str:
    return page(facts)


# ---------------------------------------------------------------- counts


def test_the_counts_are_those_of_the_records(rows: list[Record], facts: Facts) -> None:
    assert facts.pairs == len(rows) == len(facts.sizes.nodes)
    assert facts.backward == sum(r.verification.tier == "backward" for r in rows)
    assert facts.growth[-1].outlines == len({r.outline for r in rows})
    met = {pair for r in rows for pair in itertools.combinations(sorted(r.features), 2)}
    assert facts.growth[-1].met == len(met)
    assert [p.met for p in facts.growth] == sorted(p.met for p in facts.growth)


def test_a_pair_of_constructs_has_met_or_never_has(rows: list[Record], facts: Facts) -> None:
    holders = {name: {r.id for r in rows if f"node:{name}" in r.features} for name in facts.constructs}
    for one, other in itertools.combinations(facts.constructs, 2):
        assert facts.together.get((one, other), 0) == len(holders[one] & holders[other])
        assert ((one, other) in facts.never_together) == (not holders[one] & holders[other])


def test_an_operation_is_counted_by_the_type_that_it_is_applied_to() -> None:
    program = kernel(FLOAT32, lambda a, b: apply("add", apply("sin", a), b))
    assert used_types(program) == {("add", "float32"), ("sin", "float32")}
    assert "float32" in usable_types("sin")
    assert "int32" not in usable_types("sin")
    assert "uint32" in usable_types("atomic_add")


def test_what_is_used_can_be_used(facts: Facts) -> None:
    assert facts.used
    assert all(scalar in usable_types(op) for op, scalar in facts.used)


def test_errors_are_counted_by_their_share_of_the_tolerance() -> None:
    found = Closeness()
    for error, tolerance in ((0.0, 1e-6), (5e-8, 1e-6), (5e-7, 1e-6), (0.0, 0.0)):
        found.add(error, tolerance)
    assert found.exact == 2
    assert found.closest == pytest.approx(0.5)
    assert found.share_below(0.1) == 0.75
    assert found.ratios.total() == found.cells.total() == 2


def test_every_outcome_of_a_campaign_has_a_place(rows: list[Record]) -> None:
    names = {"backward": 3, "known:some-issue": 2, "failure": 1, "inconclusive": 1, "too large": 1, "duplicate": 1}
    facts = gather(rows[:1], {"c": Progress(9, 3, {"loop": names})}, (), {})
    loop = {"backward": 3, "known": 2, "failure": 1, "inconclusive": 1, "other": 2}
    assert facts.by_category["loop"] == loop
    assert facts.by_category[rows[0].type] == {rows[0].verification.tier: 1}
    assert outcome_of("known:x") == "known"


# ---------------------------------------------------------------- the page


def drawn(html: str) -> dict[str, xml.etree.ElementTree.Element]:
    found = [xml.etree.ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]
    return {element.attrib["aria-label"]: element for element in found}


def titles(element: xml.etree.ElementTree.Element) -> list[str]:
    return [t.text or "" for t in element.iter("{http://www.w3.org/2000/svg}title")]


def test_the_page_needs_nothing_from_elsewhere(html: str) -> None:
    assert "<script" not in html
    assert not re.search(r"\b(?:src|href)\s*=|@import|url\(", html)
    assert set(re.findall(r"https?://[^\"\s<]*", html)) == {"http://www.w3.org/2000/svg"}


def test_every_construct_pair_and_defect_is_in_the_page(html: str, facts: Facts) -> None:
    cells = titles(drawn(html)["Which constructs stand in one kernel"])
    assert len(cells) == len(facts.constructs) * (len(facts.constructs) - 1) // 2
    assert sum("never in one kernel" in words for words in cells) == len(facts.never_together)
    assert html.count("<article") == len(facts.defects) > 0
    assert "A title with <code>code</code> &amp; &lt;signs&gt;" in html


def test_bars_are_as_long_as_what_they_count() -> None:
    (chart,) = drawn(charts.shares("A", {"x": {"forward": 30, "backward": 10}}, ("backward", "forward"), "of")).values()
    widths = [float(bar.attrib["width"]) for bar in chart.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[1] / widths[0] == pytest.approx(3, rel=0.05)
    (chart,) = drawn(charts.histogram("B", [1, 1, 1, 5, 99], 2, "nodes", 8)).values()
    heights = {t: float(b.attrib["height"]) for b in chart.iter() if b.tag.endswith("rect") for t in titles(b)}
    assert heights["0 to 2 nodes: 3 pairs"] == 96
    assert heights["6 or more nodes: 1 pairs"] == 32


def test_coloured_code_is_the_code() -> None:
    code = "@wp.kernel\ndef f(a: wp.int32):\n    # less < more\n    x = 1.5 if a < 2 else 0.0\n"
    marked = coloured(code)
    assert unescape(re.sub(r"</?span[^>]*>", "", marked)) == code.rstrip("\n")
    assert '<span class="k">def</span>' in marked
    assert '<span class="n">1.5</span>' in marked


def test_an_empty_corpus_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corpus" / "verified").mkdir(parents=True)
    out = tmp_path / "page.html"
    assert run(["report", "--corpus", str(tmp_path / "corpus"), "--no-timing", "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("warpsmith: there is no pair in")
    assert not out.exists()


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> None:
    try:
        find_browser()
    except BrowserNotFound as error:
        pytest.skip(str(error))


LOOK: Final = """(() => {
  const flaws = [];
  for (const svg of document.querySelectorAll('svg')) {
    const name = svg.getAttribute('aria-label'), frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text:not([transform])')];
    const words = texts.map(t => [t.textContent, t.getBoundingClientRect()]);
    words.forEach(([text, a], n) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 || a.bottom > frame.bottom + 1)
        flaws.push(`${name}: ${text} is cut off`);
      for (const [other, b] of words.slice(n + 1))
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2)
          flaws.push(`${name}: ${text} lies over ${other}`);
    });
  }
  for (const e of document.querySelectorAll('body *'))
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'auto')
      flaws.push(`${e.tagName} scrolls`);
  return {
    flaws, width: innerWidth, needed: document.documentElement.scrollWidth,
    charts: document.querySelectorAll('svg').length,
    paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
    letters: Math.min(...[...document.querySelectorAll('svg .t')].map(t => t.getBoundingClientRect().height)),
  };
})()"""


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.usefixtures("browser")
def test_a_browser_shows_the_page_without_a_flaw(width: int, dark: bool, html: str) -> None:
    seen: dict[str, Any] = ask(html, LOOK, width, dark)
    assert seen["flaws"] == []
    assert seen["width"] == seen["needed"] == width
    assert seen["charts"] >= 10
    assert seen["letters"] >= 8
    light = [sum(map(int, re.findall(r"\d+", seen[name])[:3])) for name in ("paper", "ink")]
    assert (light[0] < light[1]) == dark


@pytest.mark.usefixtures("browser")
def test_a_flaw_would_be_seen(html: str) -> None:
    wide = html.replace("</main>", f'<div style="width: 900px">{"x" * 9}</div></main>')
    words = charts.text(40, 40, "one") + charts.text(44, 40, "two")
    over = html.replace("</svg>", f"{words}</svg>", 1)
    assert ask(wide, LOOK, 390)["needed"] > 390
    assert any("one lies over two" in flaw for flaw in ask(over, LOOK, 390)["flaws"])


@pytest.mark.usefixtures("browser")
def test_a_picture_is_of_the_whole_page(html: str, tmp_path: Path) -> None:
    out = tmp_path / "page.png"
    picture(html, 1440, out)
    header = out.read_bytes()[:24]
    width, height = int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert width == 1440
    assert height > 3000
