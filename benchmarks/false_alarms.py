"""What becomes of many programs on unchanged Warp, by category: the table of `docs/oracle.md`.

    python benchmarks/false_alarms.py [--programs 5000] [--seeds 1,2,3] [--category NAME …] [--json FILE]

Programs are drawn from the streams of each seed in turn, verified as a campaign does, and counted:

verified      both passes
forward only  the forward pass, outside a documented limit or without a gradient
inconclusive  too little could be compared, with the reasons below the table
discarded     draws that gave no program, or one that relies on what Warp does not define
known         failures that the ledger of known issues explains
new           all other failures, named below the table: each is a defect of Warp or a false alarm

The table is Markdown.  Exit status 1 if there is a new failure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import Outcome, Tier, Verdict
from harness.verify import verify_all
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.nodes import Program

#: Programs that are built together.
BATCH: Final = 12
COLUMNS: Final = ("verified", "forward only", "inconclusive", "discarded", "known", "new")


class Count:
    """What became of the programs of each category."""

    def __init__(self) -> None:
        self.cells: dict[str, Counter[str]] = {}
        self.reasons: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.failures: list[str] = []

    def add(self, category: str, column: str) -> None:
        """Count one program."""
        self.cells.setdefault(category, Counter())[column] += 1

    def table(self) -> str:
        """The counts as Markdown, categories in their order and the sum last."""
        rows = [(name, self.cells[name]) for name in CATEGORIES if name in self.cells]
        rows.append(("all", sum((counts for _, counts in rows), Counter())))
        lines = ["| category | programs | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * (len(COLUMNS) + 1)]
        for name, counts in rows:
            total = counts.total()
            shares = [f"{counts[c]} ({counts[c] / total:.1%})" if counts[c] else "0" for c in COLUMNS]
            lines.append(f"| {name} | {total} | " + " | ".join(shares) + " |")
        return "\n".join(lines)


def places(seeds: Sequence[int], categories: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Category, seed and index of one program after another, evenly over all of them."""
    index = 0
    while True:
        for seed in seeds:
            for category in categories:
                yield category, seed, index
        index += 1


def note(count: Count, place: tuple[str, int, int], program: Program, verdict: Verdict, explained: str | None) -> None:
    """Count one verdict."""
    category, seed, index = place
    if verdict.failure is not None and explained is not None:
        count.add(category, "known")
        count.known[explained] += 1
    elif verdict.failure is not None:
        count.add(category, "new")
        count.failures.append(f"{category} {index}, seed {seed}: {verdict.failure.message}\n{program!r}")
    elif not verdict.verified:
        reason, invalid = verdict.reason or "", verdict.outcome is Outcome.INVALID
        count.add(category, "discarded" if invalid else "inconclusive")
        count.reasons[reason if not invalid else f"{reason} ({category} {index}, seed {seed})"] += 1
    else:
        count.add(category, "verified" if verdict.tier is Tier.BACKWARD else "forward only")


def measure(programs: int, seeds: Sequence[int], categories: Sequence[str], sandbox: Sandbox) -> Count:
    """Verify so many programs."""
    count, ledger = Count(), Ledger.load()
    chosen = islice(places(seeds, categories), programs)
    done = 0
    while batch := list(islice(chosen, BATCH)):
        drawn = [(place, draw(*place)) for place in batch]
        for (category, _, _), program in drawn:
            if program is None:
                count.add(category, "discarded")
        kept = [(place, program) for place, program in drawn if program is not None]
        for (place, program), first in zip(kept, verify_all([p for _, p in kept], sandbox), strict=True):
            verdict, explained = first, None
            if first.failure is not None:
                # alone, for a neighbour may have damaged the memory of the batch
                (verdict,) = verify_all([program], sandbox)
                known = ledger.explain(program, verdict, sandbox, sandbox.versions.warp)
                explained = None if known is None else known.id
            note(count, place, program, verdict, explained)
        done += len(batch)
        print(f"{done} of {programs}, {len(count.failures)} new failures", file=sys.stderr, flush=True)
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=5000)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--category", action="append", choices=tuple(CATEGORIES))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    with Sandbox() as sandbox:
        seeds = [int(seed) for seed in given.seeds.split(",")]
        count = measure(given.programs, seeds, given.category or tuple(CATEGORIES), sandbox)
    print(count.table())
    for heading, counts in (("inconclusive or invalid", count.reasons), ("known issues", count.known)):
        print(f"\n{heading}: " + (", ".join(f"{what} {n}" for what, n in counts.most_common()) or "none"))
    for failure in count.failures:
        print(f"\nnew failure: {failure}")
    if given.json is not None:
        found = {"categories": count.cells, "reasons": count.reasons, "known": count.known, "new": count.failures}
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return int(bool(count.failures))


if __name__ == "__main__":
    sys.exit(main())
