"""Whether drawing slows down or takes more memory the longer it goes on.

    python benchmarks/drawing.py [--draws 20000] [--window 2000] [--seed 0]

Programs are drawn one after another in one process, all categories in turn, as a campaign draws them; for every window
the table has programs a second of CPU time, the resident memory, and the share of draws that Hypothesis discarded.  The
status is 1 if the last window is over 10 % slower than the first, or memory has grown by over 10 % since then.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

import processes

from harness.campaign.plan import Plan
from strategies import draw
from strategies.categories import CATEGORIES

ALLOWED = 1.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--window", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    plan = Plan(given.seed, tuple(CATEGORIES))
    print("| draws | a CPU second | resident, MB | discarded |\n|---:|---:|---:|---:|")
    windows = []
    for start in range(0, given.draws, given.window):
        began, discarded = time.process_time(), 0
        for index in range(start, start + given.window):
            category, n = plan.place(index)
            discarded += draw(category, given.seed, n) is None
        rate = given.window / (time.process_time() - began)
        resident = processes.tree(os.getpid())[os.getpid()].resident
        windows.append((rate, resident))
        share = discarded / given.window
        print(f"| {start + given.window} | {rate:.0f} | {resident / 1e6:.1f} | {share:.2%} |", flush=True)
    (first, before), (last, after) = windows[0], windows[-1]
    return int(last * ALLOWED < first or after > ALLOWED * before)


if __name__ == "__main__":
    sys.exit(main())
