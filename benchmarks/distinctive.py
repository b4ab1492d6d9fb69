"""How small a defect in what is distinctive of a category becomes, for every category.

    python benchmarks/distinctive.py [--category NAME …] [--seed 3] [--reduced 3] [--programs 60] [--json FILE] [--show]

`distinctive.toml` has one defect of Warp for each category.  It is planted in a copy of the installed Warp; programs of
the category are drawn, up to a limit, until so many have failed there that pass on unchanged Warp, and those are
reduced.  Counted are the nodes beyond the bare kernel (the program, its output, the thread index, and a store to an
element), and the reduced programs that fail on unchanged Warp too, which then show another defect.

The table is Markdown.  Exit status 1 if fewer than three programs of a category were reduced, if their median is of
more than 12 nodes, or if one of them shows another defect.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from harness.sandbox import Sandbox
from harness.shrink import beyond_bare, reduce
from harness.verdict import Verdict
from harness.verify import verify_all
from harness.warp_copy import Defect, sandbox_with
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Program
from strategies.language.render import render

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Nodes that are wanted at most, at the median, and programs that such a median is of, at least.
WANTED: Final = 12
ENOUGH: Final = 3
#: Programs that are built together.
BATCH: Final = 12
COLUMNS: Final = ("category", "defect", "drawn", "failing", "median nodes", "largest")


@dataclass
class Outcome:
    """What became of the programs of one category; `others` are those that were reduced to another defect."""

    category: str
    what: str
    drawn: int = 0
    failing: int = 0
    nodes: list[int] = field(default_factory=list)
    others: int = 0
    kernels: list[str] = field(default_factory=list)

    @property
    def small(self) -> bool:
        """Whether the defect was seen often enough, and became small."""
        return len(self.nodes) >= ENOUGH and statistics.median(self.nodes) <= WANTED


def planted_defects() -> dict[str, tuple[str, Defect]]:
    """The defect of each category, in words and as it is planted."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {name: (row.pop("what"), Defect(**row)) for name, row in tomllib.loads(text).items()}


def failing(programs: Sequence[Program], damaged: Sandbox, sound: Sandbox, seed: int) -> list[tuple[Program, Verdict]]:
    """The programs that fail in the damaged sandbox only."""
    verdicts = zip(programs, verify_all(programs, damaged, seed), strict=True)
    found = [(program, verdict) for program, verdict in verdicts if verdict.failure is not None]
    healthy = verify_all([program for program, _ in found], sound, seed)
    return [pair for pair, verdict in zip(found, healthy, strict=True) if verdict.failure is None]


def measure(category: str, what: str, defect: Defect, sound: Sandbox, seed: int, reduced: int, limit: int) -> Outcome:
    """Plant a defect, and reduce the first programs of the category that show it."""
    outcome = Outcome(category, what)
    indices = iter(range(limit))
    with tempfile.TemporaryDirectory() as folder, sandbox_with(Path(folder), [defect]) as damaged:
        while len(outcome.nodes) < reduced and (batch := list(islice(indices, BATCH))):
            programs = [program for n in batch if (program := draw(category, seed, n)) is not None]
            pairs = failing(programs, damaged, sound, seed)
            outcome.drawn += len(batch)
            outcome.failing += len(pairs)
            for program, verdict in pairs[: reduced - len(outcome.nodes)]:
                found = reduce(program, verdict, damaged, seed=seed)
                (healthy,) = verify_all([found.program], sound, found.seed)
                outcome.nodes.append(beyond_bare(found.program))
                outcome.others += healthy.failure is not None
                outcome.kernels.append(f"stopped: {found.stopped}\n{found.verdict.failure}\n{render(found.program)}")
    return outcome


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """The outcomes as Markdown, and how many are as wanted."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    for row in outcomes:
        count = f"{row.failing} ({row.others} became another)" if row.others else f"{row.failing}"
        median, largest = (f"{of(row.nodes):g}" if row.nodes else "" for of in (statistics.median, max))
        lines.append(f"| {row.category} | {row.what} | {row.drawn} | {count} | {median} | {largest} |")
    small = sum(row.small for row in outcomes)
    return [*lines, "", f"{small} of {len(outcomes)} categories have a median of at most {WANTED} nodes"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--category", action="append", choices=tuple(CATEGORIES))
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--reduced", type=int, default=3, help="how many failing programs are reduced")
    parser.add_argument("--programs", type=int, default=60, help="how many are drawn at most")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", action="store_true", help="print the reduced kernels")
    given = parser.parse_args(arguments)
    defects, outcomes = planted_defects(), []
    with Sandbox() as sound:
        for category in given.category or CATEGORIES:
            outcome = measure(category, *defects[category], sound, given.seed, given.reduced, given.programs)
            outcomes.append(outcome)
            print(f"{category}: {outcome.nodes} nodes, {outcome.drawn} drawn", file=sys.stderr, flush=True)
            if given.show:
                print("\n".join(outcome.kernels), file=sys.stderr, flush=True)
            if given.json is not None:
                given.json.write_text(json.dumps([asdict(row) for row in outcomes], indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(outcomes)))
    return 0 if all(outcome.small and not outcome.others for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
