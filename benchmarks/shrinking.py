"""How small the reports of planted defects of Warp are, and how soon they are there.

    python benchmarks/shrinking.py --outcomes FILE
    python benchmarks/shrinking.py --mutants FOLDER [--seconds-per-mutant 60] [--ids a03,a07] [--seed N]

FILE is what `benchmarks/detection.py --json FILE` has written; without it, hunts as there run first.  Of every mutant
that a hunt killed, which includes that the stored `repro.py` fails on the mutant and passes on unchanged Warp, two
things were measured: the nodes of the stored case beyond the bare kernel (the program, its parameters, the thread
index, and one store to an element), and the seconds from the moment a worker told of the failure to its stored report.

Exit status 1 if they are more than wanted: nodes 8 at the median and 20 at the 90th percentile, seconds 20 and 60.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from detection import changed, judge

from harness.warp_copy import copy_warp

#: What is measured, and how much of it is wanted at most: at the median, and at the 90th percentile.
WANTED: Final = {
    "nodes": ("nodes beyond the bare kernel", 8.0, 20.0),
    "seconds_to_report": ("seconds from hit to report", 20.0, 60.0),
}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def table(outcomes: Sequence[Mapping[str, Any]]) -> tuple[list[str], bool]:
    """A line for each mutant that was killed and measured, and one for each figure; whether all are as wanted."""
    killed = [outcome for outcome in outcomes if outcome["status"] == "killed" and outcome.get("nodes") is not None]
    lines = [
        f"{o['id']:5} {o['nodes']:4} nodes {o['seconds_to_report'] or 0.0:6.1f} s  {o['bucket']}"
        for o in sorted(killed, key=lambda o: -o["nodes"])
    ]
    good = bool(killed)
    for name, (words, median_wanted, high_wanted) in WANTED.items():
        values = [outcome[name] for outcome in killed if outcome.get(name) is not None]
        if values:
            median, high = statistics.median(values), percentile(values, 0.9)
            good = good and median <= median_wanted and high <= high_wanted
            wanted = f"wanted {median_wanted:g} and {high_wanted:g}"
            lines.append(f"{words}: median {median:g}, 90th percentile {high:g} ({wanted}), of {len(values)}")
    return [*lines, f"{len(killed)} killed of {len(outcomes)}"], good


def hunted(mutants: Path, ids: str | None, seconds: float, seed: int) -> list[dict[str, Any]]:
    """Hunt on the mutants; each outcome is printed when it is there."""
    rows = json.loads((mutants / "mutants.json").read_text(encoding="utf-8"))["mutants"]
    wanted = set(ids.split(",")) if ids else {row["id"] for row in rows}
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="warpsmith-shrinking-") as name:
        healthy = Path(name) / "healthy"
        copy_warp(healthy)
        for row in (row for row in rows if row["id"] in wanted):
            changed(row)
            work = Path(name) / row["id"]
            work.mkdir()
            found = judge(row, healthy, work, seconds, seed)
            print(f"{found.id}: {found.status}, {found.nodes} nodes, {found.seconds_to_report} s", flush=True)
            outcomes.append(asdict(found))
    return outcomes


def main() -> int:
    """Print the table of outcomes that are there, or that hunts on mutants give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--outcomes", type=Path, help="what detection.py --json has written")
    given.add_argument("--mutants", type=Path, help="folder that holds mutants.json")
    parser.add_argument("--seconds-per-mutant", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ids", help="only these, separated by commas")
    arguments = parser.parse_args()
    if arguments.outcomes is not None:
        outcomes = json.loads(arguments.outcomes.read_text(encoding="utf-8"))
    else:
        outcomes = hunted(arguments.mutants, arguments.ids, arguments.seconds_per_mutant, arguments.seed)
    lines, good = table(outcomes)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
