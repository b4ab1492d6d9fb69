"""Whether a campaign stays as fast and as small as it began, and what a second worker gives.

    python benchmarks/scaling.py [--pairs 20000] [--window 1000] [--compare 400] [--workers 2] [--png F] [--corpus NEW]

First `--compare` pairs are verified by one worker and by two, and the speeds compared: by the clock, which is right
on a quiet machine alone, and in CPU time a pair, which should not grow with workers.  Then one campaign goes on to
`--pairs`.  A table shows, for every window of pairs, the CPU time a pair, the programs drawn in a second of it, the
resident memory of each kind of process (the largest one, at the median of many looks: a large program needs more for
a moment), and the disk used outside the corpus; the figure shows the same.  Then it says
what became of the programs: the pairs stay in the folder `--corpus`, if one is named.  The status is 1 if the last
window takes over 10 % longer than the first, a kind of process has grown by over 10 % since the first window, or a
failure was met that the ledger does not know.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import processes

from harness.campaign.campaign import Campaign
from harness.campaign.summary import Snapshot, Summary

ROLES = ("main", "worker", "warm parent")
ALLOWED = 1.1
#: Seconds between two looks at the memory of processes.
APART = 2.0


@dataclass(frozen=True)
class Sample:
    """How a campaign stood at one moment: bytes on disk beside it, and bytes of memory by role (of the largest process,
    at the median since the sample before)."""

    pairs: int
    draws: int
    wall: float
    cpu: float
    memory: dict[str, int]
    disk: int


class Recorder:
    """Takes a sample whenever a window of pairs is full."""

    def __init__(self, window: int, scratch: Path, shown: bool) -> None:
        self.samples: list[Sample] = []
        self._shown = shown
        self._window = window
        self._scratch = scratch
        self._looks: list[dict[str, int]] = []
        self._looked = 0.0

    def __call__(self, snapshot: Snapshot) -> None:
        """Look at the processes, and take a sample and print its row if it is time to."""
        last = self.samples[-1].pairs if self.samples else 0
        full = snapshot.added > 0 and (not self.samples or snapshot.added >= last + self._window)
        if not full and time.monotonic() < self._looked + APART:
            return
        tree = processes.tree(os.getpid())
        self._looked = time.monotonic()
        self._looks.append(
            {role: max((of.resident for of in tree.values() if of.role == role), default=0) for role in ROLES}
        )
        if not full:
            return
        memory = {role: int(statistics.median(look[role] for look in self._looks)) for role in ROLES}
        self._looks.clear()
        self.samples.append(
            Sample(
                snapshot.added,
                snapshot.new_draws,
                time.monotonic(),
                sum(of.cpu for of in tree.values()),
                memory,
                _disk(self._scratch),
            )
        )
        if self.samples[1:] and self._shown:
            print(row(*self.samples[-2:]), flush=True)


def _disk(folder: Path) -> int:
    """Bytes of all files below a folder, from which files may vanish meanwhile."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(at, name)).st_size
            except OSError:
                continue
    return total


def grow(
    folder: Path, pairs: int, workers: int, window: int, seed: int, corpus: Path | None = None, shown: bool = False
) -> tuple[list[Sample], Summary]:
    """The samples of a campaign, of which the first is taken when the first pairs are there, and how it ended.

    The pairs go to `corpus`, or below `folder` if it is None; with `shown` each window's row is printed when full.
    """
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    before, os.environ["TMPDIR"], tempfile.tempdir = os.environ.get("TMPDIR"), str(scratch), str(scratch)
    recorder = Recorder(window, scratch, shown)
    try:
        summary = Campaign(corpus or folder / "corpus", seed=seed, count=pairs, workers=workers).run(recorder)
    finally:
        tempfile.tempdir = None
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before
    return recorder.samples, summary


def cost(samples: Sequence[Sample]) -> tuple[float, float]:
    """Seconds a pair between the first sample and the last: by the clock, and of CPU time."""
    first, last = samples[0], samples[-1]
    pairs = last.pairs - first.pairs
    return (last.wall - first.wall) / pairs, (last.cpu - first.cpu) / pairs


def compare(folder: Path, pairs: int, seed: int) -> dict[str, Any]:
    """Pairs a second with one worker and with two."""
    found = {n: cost(grow(folder / f"workers-{n}", pairs, n, 1, seed)[0]) for n in (1, 2)}
    return {
        "pairs": pairs,
        "pairs a second": {n: 1 / wall for n, (wall, _) in found.items()},
        "speed-up by the clock": found[1][0] / found[2][0],
        "CPU seconds a pair": {n: cpu for n, (_, cpu) in found.items()},
        "load": os.getloadavg()[0],
    }


HEAD = (
    "| pairs | CPU ms a pair | draws a CPU second | " + " | ".join(f"{role}, MB" for role in ROLES) + " | disk, MB |\n"
    "|" + "---:|" * (4 + len(ROLES))
)


def row(before: Sample, after: Sample) -> str:
    """The row of one window."""
    pairs, cpu = after.pairs - before.pairs, after.cpu - before.cpu
    memory = " | ".join(f"{after.memory[role] / 1e6:.0f}" for role in ROLES)
    draws = (after.draws - before.draws) / cpu
    return f"| {after.pairs} | {1000 * cpu / pairs:.0f} | {draws:.1f} | {memory} | {after.disk / 1e6:.1f} |"


def verdict(samples: Sequence[Sample]) -> list[str]:
    """What did not stay as it began."""
    if len(samples) < 3:
        return []
    first, last = cost(samples[:2])[1], cost(samples[-2:])[1]
    found = [f"a pair took {last / first:.2f} times the CPU time at the end"] if last > ALLOWED * first else []
    for role in ROLES:
        before, after = samples[1].memory[role], samples[-1].memory[role]
        if after > ALLOWED * before:
            found.append(f"a {role} process grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB")
    return found


def draw_figure(samples: Sequence[Sample], path: Path) -> None:
    """Cost of a pair and memory, over the pairs."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(7, 5), layout="constrained")
    pairs = [sample.pairs for sample in samples[1:]]
    top.plot(pairs, [1000 * cost(two)[1] for two in itertools.pairwise(samples)])
    top.set(ylabel="CPU ms a pair", ylim=(0, None))
    for role in ROLES:
        bottom.plot(pairs, [sample.memory[role] / 1e6 for sample in samples[1:]], label=role)
    bottom.set(xlabel="verified pairs", ylabel="resident MB", ylim=(0, None))
    bottom.legend()
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--window", type=int, default=1000)
    parser.add_argument("--compare", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, help="a new folder for the pairs of the long campaign")
    parser.add_argument("--png", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    if given.png and importlib.util.find_spec("matplotlib") is None:
        parser.error("--png needs matplotlib: pip install matplotlib")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        speeds = compare(folder, given.compare, given.seed) if given.compare else None
        if speeds:
            one, two = speeds["pairs a second"].values()
            cpu = [f"{1000 * of:.0f} ms" for of in speeds["CPU seconds a pair"].values()]
            print(
                f"2 workers verify {speeds['speed-up by the clock']:.2f} times as fast as 1 by the clock: "
                f"{two:.1f} pairs a second against {one:.1f} (load {speeds['load']:.1f}); "
                f"CPU time a pair {cpu[1]} against {cpu[0]}"
            )
        samples, troubles = list[Sample](), list[str]()
        if given.pairs:
            print("\n" + HEAD, flush=True)
            samples, summary = grow(
                folder / "long", given.pairs, given.workers, given.window, given.seed, given.corpus, shown=True
            )
            new = [found.bucket for found in summary.new_failures]
            print(f"\n{summary.draws} programs: {dict(sorted(summary.counts.items()))}")
            troubles = [*verdict(samples), *(f"a failure that the ledger does not know: {bucket}" for bucket in new)]
    for trouble in troubles:
        print(trouble)
    if given.png and samples:
        draw_figure(samples, given.png)
    if given.json:
        given.json.write_text(json.dumps({"speeds": speeds, "samples": [asdict(s) for s in samples]}, indent=1) + "\n")
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main())
