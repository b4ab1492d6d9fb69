"""How small the reports of planted defects of Warp are, and how soon they are there.

    python benchmarks/shrinking.py --mutants FOLDER [--seconds-per-mutant 60] [--ids a03,a07] [--seed N]

FOLDER is as for `benchmarks/detection.py`.  For every mutant that a hunt kills, three things are measured: the nodes of
the stored case beyond the bare kernel (the program, its parameters, the thread index, and one store to an element),
the seconds from the moment a worker told of the failure to its stored report, and whether the stored `repro.py` fails
on the mutant and passes on unchanged Warp.  Exit status 1 if a script does not tell the two apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from detection import altered_warp, changed, hunt, status_of

from corpus.case import decode_case
from harness.warp_copy import copy_warp
from strategies.language.nodes import Program, size

#: Program, thread index, and an assignment to an element with an index: every kernel has them, beside its parameters.
BARE: Final = 5


def beyond_the_bare_kernel(program: Program) -> int:
    """The nodes of a program that say what it is about."""
    return size(program) - BARE - len(program.parameters)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def main() -> int:
    """Hunt on the mutants, and measure what was stored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=Path, required=True, help="folder that holds mutants.json")
    parser.add_argument("--seconds-per-mutant", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ids", help="only these, separated by commas")
    arguments = parser.parse_args()
    rows = json.loads((arguments.mutants / "mutants.json").read_text(encoding="utf-8"))["mutants"]
    wanted = set(arguments.ids.split(",")) if arguments.ids else {row["id"] for row in rows}
    nodes: list[int] = []
    seconds: list[float] = []
    confused = 0
    with tempfile.TemporaryDirectory(prefix="warpsmith-shrinking-") as name:
        healthy = Path(name) / "healthy"
        copy_warp(healthy)
        for row in (row for row in rows if row["id"] in wanted):
            work = Path(name) / row["id"]
            work.mkdir()
            tree = altered_warp(work / "tree", row["file"], changed(row))
            _, report = hunt(tree, work / "hunt", arguments.seconds_per_mutant, arguments.seed)
            new = [failure for failure in report.get("failures", ()) if not failure["known"]]
            if not new:
                print(f"{row['id']}: not found", flush=True)
                continue
            folder = Path(new[0]["path"])
            case = decode_case((folder / "case.json").read_bytes())
            statuses = [status_of(folder / "repro.py", each, work) for each in (tree, healthy)]
            nodes.append(beyond_the_bare_kernel(case.program))
            if new[0]["seconds_to_report"] is not None:
                seconds.append(new[0]["seconds_to_report"])
            confused += statuses != [1, 0]
            print(f"{row['id']}: {nodes[-1]} nodes, {new[0]['seconds_to_report']} s, script {statuses}", flush=True)
    for what, values in (("nodes beyond the bare kernel", nodes), ("seconds from hit to report", seconds)):
        if values:
            print(f"{what}: median {statistics.median(values):g}, 90th percentile {percentile(values, 0.9):g}")
    print(f"{len(nodes)} found, {confused} scripts that do not tell the mutant from unchanged Warp")
    return int(confused > 0)


if __name__ == "__main__":
    sys.exit(main())
