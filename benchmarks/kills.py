"""Kills a campaign's processes at random moments, and looks for what that cost.

    python benchmarks/kills.py [--kills 50] [--count 150] [--seed 0] [--workers 1] [--longest 8]

`kill -9` strikes the main process, a worker or the warm parent of a sandbox, in turn; the campaign goes on by itself,
or is started again.  After each death of the main process the folder is opened: no record may be torn, none that was
acknowledged may be missing, none may be there twice.  At last the campaign runs to its end, and its corpus has to be,
to the byte, that of one which nobody disturbed.  The status is 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import processes

from corpus.checking import check_corpus
from corpus.files import LOCK, CorpusBusy
from corpus.store import Store

CATEGORIES = ("elementwise", "loop")
ROLES = ("main", "worker", "warm parent")
LONGEST = 8.0
"""Seconds between two kills at most: from the first import to some commits."""
LOCKED = 5.0
"""Seconds for which the lock of a dead process may be held by what it was starting."""


class Lost(Exception):
    """A promise of the corpus was broken; the message says which."""


def command(folder: Path, seed: int, count: int, workers: int) -> list[str]:
    """The campaign, as a person would start it."""
    options = ["--seed", seed, "--count", count, "--workers", workers, "--corpus", folder]
    chosen = [word for category in CATEGORIES for word in ("--category", category)]
    return [sys.executable, "-m", "harness", "grow", *map(str, options), *chosen]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a corpus but its lock, and its failures, on whose reduction the clock has a say."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != LOCK and "failures" not in file.parts
    }


def opened(folder: Path) -> Store:
    """The store in `folder`, to be written, as soon as it can be: a child that the dead process was about to start has
    its lock too, until it is the program that it shall be."""
    deadline = time.monotonic() + LOCKED
    while True:
        try:
            return Store.open(folder, write=True)
        except CorpusBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@dataclass
class Disturbed:
    """A campaign that is killed again and again."""

    folder: Path
    seed: int
    count: int
    workers: int
    random: random.Random
    struck: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    _acknowledged: frozenset[str] = frozenset()

    def run(self, kills: int, longest: float = LONGEST) -> None:
        """Strike `kills` times, or until all pairs are there; then let the campaign come to its end."""
        left, campaign = kills, None
        try:
            while left:
                if campaign is None or campaign.poll() is not None:
                    if campaign is not None and campaign.returncode == 0:
                        break
                    campaign = self._start()
                time.sleep(self.random.uniform(0.0, longest))
                if campaign.poll() is None:
                    left -= self._strike(campaign, ROLES[self.struck.total() % len(ROLES)])
        finally:
            if campaign is not None and campaign.poll() is None:
                campaign.kill()
                campaign.wait()
        self.check()
        done = self._start()
        if done.wait() != 0:
            raise Lost(f"the campaign ended with status {done.returncode}")
        self.check()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        return subprocess.Popen(
            command(self.folder, self.seed, self.count, self.workers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _strike(self, campaign: subprocess.Popen[bytes], role: str) -> bool:
        """Kill a process of this role; whether there was one."""
        victims = [pid for pid, of in processes.tree(campaign.pid).items() if of.role == role]
        if not victims:
            return False
        victim = self.random.choice(victims)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.struck[role] += 1
        if victim == campaign.pid:
            campaign.wait()
            self.check()
        return True

    def check(self) -> None:
        """Raise `Lost` if something acknowledged is missing, torn or doubled."""
        if not self.folder.exists():
            return
        with opened(self.folder) as store:
            records = list(store.records())
            verified = sum(progress.verified for progress in store.campaigns().values())
        ids = frozenset(record.id for record in records)
        if len(ids) != len(records) or len({record.structure for record in records}) != len(records):
            raise Lost("a pair is there twice")
        if missing := self._acknowledged - ids:
            raise Lost(f"{len(missing)} pairs that were acknowledged are missing")
        if verified != len(records):
            raise Lost(f"{verified} pairs were acknowledged, and {len(records)} are there")
        if problems := check_corpus(self.folder):
            raise Lost(str(problems[0]))
        self._acknowledged = ids


def disturb(folder: Path, kills: int, seed: int, count: int, workers: int, longest: float) -> Disturbed:
    """Grow a corpus undisturbed and one under fire, as often as it takes for `kills`; `Lost` if they differ."""
    chance = random.Random(seed)
    subprocess.run(
        command(folder / "undisturbed", seed, count, workers),
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    struck, starts, rounds = Counter[str](), 0, 0
    while struck.total() < kills:
        campaign = Disturbed(folder / f"disturbed-{rounds}", seed, count, workers, chance)
        campaign.struck += struck
        campaign.run(kills - struck.total(), longest)
        if contents(campaign.folder) != contents(folder / "undisturbed"):
            raise Lost("the corpus differs from that of a campaign that nobody disturbed")
        struck, starts, rounds = campaign.struck, starts + campaign.starts, rounds + 1
    campaign.starts = starts
    return campaign


def main(arguments: Sequence[str] | None = None) -> int:
    """Disturb, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds between two kills at most")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        try:
            found = disturb(Path(name), given.kills, given.seed, given.count, given.workers, given.longest)
        except Lost as lost:
            print(f"LOST: {lost}")
            return 1
    strikes = ", ".join(f"{n} of a {role} process" for role, n in found.struck.items())
    print(f"{found.struck.total()} kills ({strikes}), {found.starts} starts: nothing torn, lost or doubled.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
