"""How many statements of Warp's own adjoints a hunt would miss if they were wrong.

    python benchmarks/adjoints.py [--places 60] [--programs 600] [--change overwrite] [--seed 0] [--header NAME …]

Mutation testing of Warp's native headers, without a list that anybody wrote.  An adjoint adds to the gradients of its
arguments: ``adj_a += ...``.  At one such place after the other, drawn by chance, a copy of Warp does something else:

overwrite  it assigns, so that what other readers of the argument contributed is lost
negate     it subtracts
drop       it does nothing

The kernels that a hunt of this seed draws first are judged on the copy, those whose generated code calls the function
or one that does.  A place is *seen* if one of them fails, and *out of reach* if none calls it.

A place that is missed need not be a gap of the grammar: some are in code that no kernel reaches from Python, or in
statements whose argument nobody else can read.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.campaign.order import hunting_order, ordered_categories
from harness.campaign.plan import BATCH, Plan
from harness.oracle.expectation import Expectation
from harness.sandbox import Sandbox
from harness.verdict import FailureKind
from harness.verify import FAST, jobs, settle, try_expect
from harness.warp_copy import copy_warp, installed_warp
from strategies import draw

#: Headers with adjoints that kernels call.
HEADERS: Final = ("array", "builtin", "mat", "noise", "quat", "spatial", "tile", "vec")
#: What a change makes of ``target += value;``.
CHANGES: Final = {"overwrite": "{} = {};", "negate": "{} -= {};", "drop": ";"}

_CALLED = re.compile(r"\b(\w+)(?:<[^()]*>)?\(")
_DEFINED = re.compile(r"\b(\w+)\s*\(")
_BODY = re.compile(r"\)(?:\s|\\|const|noexcept)*\{")
_ADDED = re.compile(r"(adj_\w+[^;{}=\n]*?)\s\+=\s([^;]*);")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NO_FUNCTIONS: Final = frozenset(("if", "for", "while", "switch", "defined", "sizeof"))


@dataclass(frozen=True)
class Place:
    """A statement ``target += value;`` in the function of a header: from which character to which."""

    header: str
    function: str
    start: int
    end: int
    line: int
    target: str
    value: str


@dataclass(frozen=True)
class Kernel:
    """A program that is right on unchanged Warp, and the names that its generated code calls."""

    index: int
    expectation: Expectation
    calls: frozenset[str]


def _closing(text: str, start: int, brackets: str) -> int:
    """Where the bracket at `start` is closed; the end of the text if nowhere."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == brackets[0]) - (text[at] == brackets[1])
        if depth == 0:
            return at
    return len(text)


def functions(text: str) -> Iterator[tuple[str, int, int]]:
    """The functions that a header defines: the name, and where its body begins and ends."""
    for found in _DEFINED.finditer(text):
        if found[1] in _NO_FUNCTIONS:
            continue
        body = _BODY.match(text, _closing(text, found.end() - 1, "()"))
        if body is not None:
            yield found[1], body.end() - 1, _closing(text, body.end() - 1, "{}")


def without_comments(text: str) -> str:
    """`text` with blanks in the place of comments."""
    return _COMMENT.sub(lambda found: re.sub(r"[^\\\n]", " ", found[0]), text)


def places(texts: Mapping[str, str]) -> Iterator[Place]:
    """Where the adjoints of some headers add to something."""
    for header, text in ((header, without_comments(text)) for header, text in texts.items()):
        for name, start, end in functions(text):
            for found in _ADDED.finditer(text, start, end) if name.startswith("adj_") else ():
                line = text.count("\n", 0, found.start()) + 1
                yield Place(header, name, found.start(), found.end(), line, found[1].strip(), found[2])


def callers(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """By the name of a function, the functions that call one of that name."""
    found: dict[str, set[str]] = {}
    for text in texts.values():
        for name, start, end in functions(text):
            for called in _CALLED.finditer(text, start, end):
                found.setdefault(called[1], set()).add(name)
    return found


def reaching(name: str, calling: Mapping[str, set[str]]) -> set[str]:
    """The functions that call one of that name, by way of others or not, and itself."""
    found, left = {name}, [name]
    while left:
        new = calling.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def kernels(seed: int, count: int, sandbox: Sandbox) -> list[Kernel]:
    """The programs that a hunt draws first, as far as they are verified."""
    plan = Plan(seed, hunting_order(ordered_categories(())), hunt=True)
    found = []
    for start in range(0, count, BATCH):
        indices = range(start, min(start + BATCH, count))
        drawn = [draw(category, seed, index) for category, index in map(plan.place, indices)]
        expectations = [try_expect(program, seed) for program in drawn]
        verdicts = settle(expectations, sandbox.run(jobs(expectations), FAST), sandbox)
        for index, expectation, verdict in zip(indices, expectations, verdicts, strict=True):
            if isinstance(expectation, Expectation) and verdict.verified:
                calls = frozenset(name[1] for name in _CALLED.finditer(verdict.cpp or ""))
                found.append(Kernel(index, expectation, calls))
    return found


@contextmanager
def changed_warp(header: str, text: str) -> Iterator[Sandbox]:
    """A sandbox of a Warp of which one header has another text."""
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        (copy_warp(Path(folder)) / "native" / f"{header}.h").write_text(text)
        os.environ |= {"PYTHONPATH": folder, "WARP_CACHE_PATH": f"{folder}/cache", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            with Sandbox() as sandbox:
                yield sandbox
        finally:
            os.environ.clear()
            os.environ.update(kept)


def first_to_fail(kernels: Sequence[Kernel], sandbox: Sandbox) -> int | None:
    """The index of the first kernel that fails once it is built; None if none does."""
    for start in range(0, len(kernels), BATCH):
        part = kernels[start : start + BATCH]
        expectations = [kernel.expectation for kernel in part]
        verdicts = settle(expectations, sandbox.run(jobs(expectations), FAST), sandbox)
        for kernel, verdict in zip(part, verdicts, strict=True):
            if verdict.failure is not None and verdict.failure.kind is not FailureKind.BUILD_ERROR:
                return kernel.index
    return None


def measure(
    seed: int, programs: int, count: int, change: str, headers: Sequence[str]
) -> Iterator[tuple[Place, int | None, bool]]:
    """Change one place after the other: the place, the kernel that sees it, and whether any calls its function."""
    native = installed_warp() / "native"
    texts = {path.stem: path.read_text() for path in native.glob("*.h")}
    calling = callers(texts)
    chosen = list(places({header: texts[header] for header in headers}))
    random.Random(seed).shuffle(chosen)
    with Sandbox() as sandbox:
        right = kernels(seed, programs, sandbox)
    for place in chosen[:count]:
        concerned = [kernel for kernel in right if kernel.calls & reaching(place.function, calling)]
        text = texts[place.header]
        wrong = text[: place.start] + CHANGES[change].format(place.target, place.value) + text[place.end :]
        if not concerned:
            yield place, None, False
            continue
        with changed_warp(place.header, wrong) as sandbox:
            yield place, first_to_fail(concerned, sandbox), True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=60, help="how many statements are changed")
    parser.add_argument("--programs", type=int, default=600, help="how many programs of a hunt are drawn")
    parser.add_argument("--change", choices=CHANGES, default="overwrite")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--header", action="append", choices=HEADERS, help="more than once for several; all if left out"
    )
    given = parser.parse_args()
    if given.places < 1 or given.programs < 1:
        parser.error("--places and --programs must be positive")
    seen: dict[str, Counter[str]] = {}
    for place, kernel, reached in measure(
        given.seed, given.programs, given.places, given.change, given.header or HEADERS
    ):
        outcome = "seen" if kernel is not None else "missed" if reached else "out of reach"
        seen.setdefault(place.header, Counter())[outcome] += 1
        by = "" if kernel is None else f"by kernel {kernel}"
        print(f"{outcome:13}{place.header}.h:{place.line:<6}{place.function}: {place.target}  {by}", flush=True)
    print(f"\n{'header':10}{'seen':>8}{'missed':>8}{'out of reach':>14}")
    for name, counts in [*sorted(seen.items()), ("all", sum(seen.values(), Counter()))]:
        print(f"{name:10}{counts['seen']:8}{counts['missed']:8}{counts['out of reach']:14}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
