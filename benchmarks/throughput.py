"""How near warpsmith comes to the compiler's own speed, and how far it is from the naive way.

    python benchmarks/throughput.py [--pairs 400] [--workers 2] [--seed 0] [--naive 24] [--json FILE]

One run, the same kernels for all: a campaign verifies pairs, and the pairs that came of it are then

- only built, in batches of several sizes, and not run: the best of them is the limit;
- built and checked the naive way: a module for each, Warp's default options, `wp.autograd.gradcheck` (on a sample);
- only generated: Warp writes the C++, and nothing compiles it.

What counts is CPU time, which other users of the machine hardly change; the clock's time is printed beside it.  All
ways run as many processes at once as the campaign has workers, since the halves of a core slow each other down.  The
campaign pays for everything: drawing, references, programs that become no pair, known defects, the second check at the
default level, the corpus.  What its processes need to start, once, is printed apart.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import building
import gradcheck
import processes

from corpus.store import Store
from harness.campaign.campaign import Campaign
from harness.campaign.summary import Snapshot
from harness.oracle.expectation import Expectation
from harness.verify import try_expect
from harness.worker import imported
from harness.worker.building import define
from strategies.categories import CATEGORIES
from strategies.language.nodes import Program
from strategies.language.render import render

SIZES = (24, 48, 96)
#: Seconds between two looks at /proc, which cost CPU time of the campaign's own process.
APART = 2.0


class Meter:
    """The CPU time of a campaign between its first pairs and its last."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, float, float]] = []
        self._started = time.monotonic(), processes.cpu_seconds(os.getpid())

    def __call__(self, snapshot: Snapshot) -> None:
        before = self._samples[-1] if self._samples else (0, 0.0, 0.0)
        if snapshot.added > before[0] and time.monotonic() >= before[1] + APART:
            self._samples.append((snapshot.added, time.monotonic(), processes.cpu_seconds(os.getpid())))

    @property
    def start(self) -> tuple[float, float]:
        """Seconds, by the clock and of CPU time, until the first pairs are there."""
        first = next(sample for sample in self._samples if sample[0])
        return first[1] - self._started[0], first[2] - self._started[1]

    @property
    def a_pair(self) -> tuple[float, float]:
        """Seconds a pair, by the clock and of CPU time."""
        first, last = next(sample for sample in self._samples if sample[0]), self._samples[-1]
        pairs = last[0] - first[0]
        if pairs <= 0:
            raise SystemExit("there are too few pairs to measure: ask for more with --pairs")
        return (last[1] - first[1]) / pairs, (last[2] - first[2]) / pairs


def naive(program: Program, expectation: Expectation, folder: str) -> None:
    """Build one program as Warp comes, and have `wp.autograd.gradcheck` judge it.

    It dies over one that gradcheck cannot be given: it takes neither structs nor indexed arrays.
    """
    kernel = define(render(program, "naive"), "naive", "naive.py", "naive")
    given = [gradcheck.argument(p, expectation.inputs[p.name]) for p in program.parameters]
    split = len(given) - len(program.outputs)
    imported.wp.autograd.gradcheck(
        kernel, dim=program.launch, inputs=given[:split], outputs=given[split:], device="cpu",
        raise_exception=False, show_summary=False,
    )  # fmt: skip


def measure(
    pairs: int, workers: int, seed: int, sample: int, folder: Path, categories: Sequence[str]
) -> dict[str, Any]:
    """CPU and wall seconds a pair of each way."""
    meter = Meter()
    campaign = Campaign(folder / "corpus", seed=seed, count=pairs, workers=workers, categories=categories)
    summary = campaign.run(meter)
    with Store.open(folder / "corpus", write=False) as store:
        found = [record.program for record in store.records(check=False)]
        backward = [r.program for r in store.records(check=False) if r.verification.tier == "backward"]
    wall, cpu = meter.a_pair
    sources = [render(program, f"k{n}") for n, program in enumerate(found)]
    (folder / "build").mkdir()
    builder = building.Builder(str(folder / "build"), workers)
    built = {
        f"{way}, batches of {size}": builder.seconds(sources, size, way) / len(found)
        for size in SIZES
        for way in ("level 0", "level 0, shared instances")
    }
    written = builder.generating_seconds(sources, max(SIZES)) / len(found)
    # evenly over all categories, of which the files are sorted by
    step = max(1, len(backward) // max(1, sample))
    sampled = [(program, try_expect(program, 0)) for program in backward[::step][:sample]]
    works = [functools.partial(naive, program, e) for program, e in sampled if isinstance(e, Expectation)]
    judged = [answer[0] for answer in builder.in_children(works) if answer is not None]
    if not judged:
        raise SystemExit("the naive way could judge none of the programs: ask for more with --naive")
    return {
        "pairs": summary.verified,
        "programs": summary.draws,
        "ended otherwise": {what: n for what, n in summary.counts.items() if what not in ("backward", "forward")},
        "failures reduced": len(summary.failures),
        "workers": workers,
        "warpsmith": cpu,
        "warpsmith by the clock": wall,
        "start": meter.start,
        "built": built,
        "limit": min(built.values()),
        "naive": sum(judged) / len(judged),
        "naive sample": len(judged),
        "generated": written,
    }


def report(found: dict[str, Any]) -> str:
    """The figures for a person, ratios first."""
    own = found["warpsmith"]
    limit, slow, text = found["limit"], found["naive"], found["generated"]
    best = min(found["built"], key=found["built"].get)
    rows = [
        ("warpsmith: drawn, built, verified, kept", own),
        (f"the limit: only built ({best})", limit),
        (f"the naive way: a module a kernel, gradcheck ({found['naive sample']} of the pairs)", slow),
        ("code generation alone", text),
    ]
    lines = [
        f"warpsmith verifies at {limit / own:.0%} of the rate at which the same kernels can be built at all,",
        f"and {slow / own:.1f} times as fast as the naive way.",
        "",
        "| way | CPU ms a pair | pairs a second and core | of the limit |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {1000 * of:.0f} | {1 / of:.1f} | {limit / of:.0%} |" for name, of in rows),
        "",
        "built, CPU ms a pair: " + "; ".join(f"{name} {1000 * of:.0f}" for name, of in found["built"].items()),
        f"{found['pairs']} pairs of {found['programs']} programs, {found['workers']} workers; by the clock "
        f"{1 / found['warpsmith by the clock']:.1f} pairs a second.  The first pairs came after "
        f"{found['start'][0]:.1f} s, and {found['start'][1]:.1f} s of CPU time.",
        f"No pair came of {found['ended otherwise']}; {found['failures reduced']} failures were reduced.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--naive", type=int, default=24)
    parser.add_argument("--category", action="append", choices=tuple(CATEGORIES), default=[])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        found = measure(given.pairs, given.workers, given.seed, given.naive, Path(name), given.category)
    print(report(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
