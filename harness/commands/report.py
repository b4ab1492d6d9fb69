"""`warpsmith report`: a corpus as one page to look at."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from corpus.files import write_whole
from corpus.store import Store
from harness.campaign.plan import BATCH
from harness.commands.shared import BadUsage, Corpus, existing_corpus, say
from harness.oracle.expectation import Expectation
from harness.page.browser import find_browser, picture
from harness.page.facts import Timing, gather
from harness.page.html import page
from harness.registry import groups_of, read_registry
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verify import jobs, try_expect
from strategies.categories import CATEGORIES
from strategies.stream import draw

#: Widths of a phone and of a desk, and the schemes of colours.
PICTURES: Final = ((390, "light"), (390, "dark"), (1440, "light"), (1440, "dark"))
#: Of the kernels that the time is measured on.
TIMED_SEED: Final = 0


def _registry() -> tuple[str, dict[str, str]]:
    version, built_ins = read_registry()
    return version, groups_of(built_ins)


def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("warpsmith-report.html"),
    corpus: Corpus = None,
    timing: Annotated[bool, typer.Option("--timing/--no-timing", help="Measure what a program costs here.")] = True,
    png: Annotated[bool, typer.Option("--png", help="Pictures of the page beside it; needs Chromium.")] = False,
) -> int:
    """Write a page about a corpus: verdicts, errors against tolerances, what has met and what has not, defects."""
    if png:
        find_browser()
    store = Store.open(existing_corpus(corpus), write=False)
    titles = {issue.id: issue.title for issue in Ledger.load().issues}
    facts = gather(
        store.records(), store.campaigns(), store.cases(), titles, _registry(), measure() if timing else None
    )
    if not facts.pairs:
        raise BadUsage(f"there is no pair in {store.path}")
    text = page(facts)
    write_whole(out, [text.encode()])
    for width, scheme in PICTURES if png else ():
        picture(text, width, out.with_name(f"{out.stem}-{width}-{scheme}.png"), dark=scheme == "dark")
    say(f"{out}: {facts.pairs} pairs, {len(facts.defects)} defects")
    return 0


def measure() -> Timing:
    """What a program of each category costs on this machine, without what only the first of a process does."""
    start = time.perf_counter()
    drawn = [draw(category, TIMED_SEED, 0) for category in CATEGORIES]
    programs = [program for program in drawn if program is not None]
    drew = time.perf_counter()
    expectations = [try_expect(program, TIMED_SEED) for program in programs]
    expected = time.perf_counter()
    todo = jobs([found for found in expectations if isinstance(found, Expectation)])
    with Sandbox() as sandbox:
        sandbox.run(todo[:1])
        warm = time.perf_counter()
        for begin in range(0, len(todo), BATCH):
            sandbox.run(todo[begin : begin + BATCH])
        ended = time.perf_counter()
    each = 1000 / len(programs)
    return Timing(len(programs), (drew - start) * each, (expected - drew) * each, (ended - warm) * 1000 / len(todo))
