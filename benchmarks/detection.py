"""How many planted defects of Warp a hunt finds.

    python benchmarks/detection.py --mutants FOLDER [--seconds-per-mutant 60] [--kernels N] [--ids a03] [--json FILE]

FOLDER holds `mutants.json`: {"mutants": [{"id", "class", "difficulty", "file", "old", "new", "description"}, …]}, each
one replacement in one file of the installed Warp package.  Every mutant becomes a copy of Warp, on which
`warpsmith hunt --fail-fast` runs with its default settings.  A hunt on an unchanged copy comes first: whatever it
reports is a false alarm.

killed       status 1, and a stored `repro.py` that fails on the mutant and passes on unchanged Warp
survived     status 0 although the changed line ran, or was written into the text of a kernel
not reached  status 0, and the line never ran: a second hunt, on a copy in which that line ends the process (headers) or
             raises (Python), found nothing either.  Where no statement can be put before the change it says `unknown`.
broken       anything else: the hunt overran, stopped with an error, or its repro does not tell the two Warps apart

Exit status 1 if unchanged Warp gave a failure, 2 if the folder cannot be used.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from corpus.case import decode_case
from harness.warp_copy import copy_warp, installed_warp
from strategies.language.nodes import Program, size

#: Seconds that a hunt may take beyond its own limit before it counts as overrun: starting, and the last reduction.
GRACE: Final = 30.0

#: What a header's line is preceded by, to see whether it runs.
TRAP: Final = "__builtin_trap(); "

#: Where a statement cannot follow: in the head of a `for`, in the braces of a value.
NO_STATEMENT: Final = re.compile(r"for \([^(){}]*;$|(?:return|=|,|struct \w+|>)\s*\{$")


@dataclass(frozen=True)
class Outcome:
    """What a hunt made of one mutant.

    Of one that was killed: the nodes of the stored case beyond the bare kernel, and the seconds from the moment a
    worker told of the failure to its stored report (`benchmarks/shrinking.py` makes a table of both).
    """

    id: str
    status: str
    seconds: float
    bucket: str = ""
    note: str = ""
    nodes: int | None = None
    seconds_to_report: float | None = None


#: Program, thread index, and an assignment to an element with an index: every kernel has them, beside its parameters.
BARE: Final = 5


def beyond_the_bare_kernel(program: Program) -> int:
    """The nodes of a program that say what it is about."""
    return size(program) - BARE - len(program.parameters)


def altered_warp(to: Path, file: str, text: str) -> Path:
    """Copy the installed Warp below `to`, `file` of it with another text; returns what to put on PYTHONPATH."""
    (copy_warp(to) / file).write_text(text, encoding="utf-8")
    return to


def changed(mutant: Mapping[str, str]) -> str:
    """The text of the mutant's file.

    Raises:
        ValueError: the text that it replaces does not occur exactly once in the installed Warp.
    """
    text = (installed_warp() / mutant["file"]).read_text(encoding="utf-8")
    if text.count(mutant["old"]) != 1:
        raise ValueError(f"{mutant['id']}: its text occurs {text.count(mutant['old'])} times in {mutant['file']}")
    return text.replace(mutant["old"], mutant["new"])


def trapped(mutant: Mapping[str, str]) -> str | None:
    """The unchanged file, but the statement that the mutant changes ends the process; None where none can be put."""
    text = (installed_warp() / mutant["file"]).read_text(encoding="utf-8")
    start = text.index(mutant["old"]) + _first_difference(mutant["old"], mutant["new"])
    if mutant["file"].endswith(".py"):
        return _trapped_python(text, start)
    depth = outermost = 0
    for at in range(start - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[at], 0)
        outermost = min(outermost, depth)
        if depth == outermost and text[at] in ";{}" and not NO_STATEMENT.search(text, max(at - 80, 0), at + 1):
            directive = text.rfind("\n#", at, start)
            at = at + 1 if directive < 0 else text.index("\n", directive + 1) + 1
            return f"{text[:at]} {TRAP}{text[at:]}"
    return None


def _first_difference(old: str, new: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)) - 1)


def _trapped_python(text: str, start: int) -> str | None:
    line = text.count("\n", 0, start) + 1
    inside = [
        node
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not inside:
        return None
    innermost = max(inside, key=lambda node: node.lineno)
    lines = text.splitlines(keepends=True)
    # `elif` is a statement whose line cannot be preceded by another
    if lines[innermost.lineno - 1].lstrip().startswith("elif"):
        innermost = innermost.body[0] if isinstance(innermost, ast.If) else innermost
    lines.insert(innermost.lineno - 1, " " * innermost.col_offset + "raise AssertionError('reached')\n")
    return "".join(lines)


def environment(tree: Path, folder: Path) -> dict[str, str]:
    """Variables under which a process imports the Warp below `tree` and leaves its files in `folder`."""
    for name in ("cache", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH"))))
    ours = {"PYTHONPATH": path, "WARP_CACHE_PATH": str(folder / "cache"), "TMPDIR": str(folder / "tmp")}
    return {**os.environ, **ours, "PYTHONDONTWRITEBYTECODE": "1"}


def hunt(tree: Path, folder: Path, seconds: float, seed: int, kernels: int | None) -> tuple[int | None, dict[str, Any]]:
    """Hunt on the Warp below `tree`, for so many seconds or verified kernels: the exit status (None: it overran) and
    what it reported."""
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "harness", "hunt", "--fail-fast", "--json"),
        *("--seconds", f"{seconds:g}", "--seed", str(seed), "--corpus", str(folder / "corpus")),
        *(() if kernels is None else ("--count", str(kernels))),
    ]
    try:
        done = subprocess.run(
            command, env=environment(tree, folder), capture_output=True, text=True, timeout=seconds + GRACE, check=False
        )
    except subprocess.TimeoutExpired:
        return None, {}
    reports = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, json.loads(reports[-1]) if reports else {"error": done.stderr[-300:]}


def status_of(script: Path, tree: Path, folder: Path) -> int:
    """The exit status of a stored script on the Warp below `tree`."""
    command = [sys.executable, str(script)]
    return subprocess.run(command, env=environment(tree, folder), capture_output=True, check=False).returncode


def judge(
    mutant: Mapping[str, str], healthy: Path, work: Path, seconds: float, seed: int, kernels: int | None = None
) -> Outcome:
    """Hunt on one mutant."""
    tree = altered_warp(work / "tree", mutant["file"], changed(mutant))
    began = time.monotonic()
    status, report = hunt(tree, work / "hunt", seconds, seed, kernels)
    took = time.monotonic() - began
    if status == 1 and "failures" in report:
        new = [failure for failure in report["failures"] if not failure["known"]]
        for failure in new:
            script = Path(failure["path"]) / "repro.py"
            if not script.is_file():
                continue
            if status_of(script, tree, work / "hunt") == 1 and status_of(script, healthy, work / "hunt") == 0:
                case = decode_case((script.parent / "case.json").read_bytes())
                nodes = beyond_the_bare_kernel(case.program)
                told = failure["seconds_to_report"]
                return Outcome(mutant["id"], "killed", took, failure["bucket"], "", nodes, told)
        return Outcome(mutant["id"], "broken", took, new[0]["bucket"] if new else "", "no script tells the two apart")
    if status != 0:
        return Outcome(mutant["id"], "broken", took, note="overran" if status is None else str(report.get("error", "")))
    reached = trapped(mutant)
    if reached is None:
        return Outcome(mutant["id"], "survived", took, note="whether it was reached is unknown")
    tree = altered_warp(work / "trap", mutant["file"], reached)
    status, _ = hunt(tree, work / "trap_hunt", seconds, seed, kernels)
    return Outcome(mutant["id"], "not reached" if status == 0 else "survived", took)


def table(outcomes: Sequence[Outcome], mutants: Mapping[str, Mapping[str, str]], wanted: str) -> list[str]:
    """Lines of killed / reached / all, by a property of the mutants."""
    lines = []
    for value in sorted({mutants[o.id][wanted] for o in outcomes}):
        count = Counter(o.status for o in outcomes if mutants[o.id][wanted] == value)
        reached = sum(count.values()) - count["not reached"]
        lines.append(f"  {value:8} killed {count['killed']:3} of {reached:3} reached, {sum(count.values()):3} in all")
    return lines


def main() -> int:
    """Hunt on unchanged Warp and on every mutant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=Path, required=True, help="folder that holds mutants.json")
    parser.add_argument("--seconds-per-mutant", type=float, default=60.0)
    parser.add_argument(
        "--kernels", type=int, help="end a hunt after so many verified kernels: tells on a busy machine"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ids", help="only these, separated by commas")
    parser.add_argument("--json", type=Path, help="write the outcomes here")
    arguments = parser.parse_args()
    try:
        rows = json.loads((arguments.mutants / "mutants.json").read_text(encoding="utf-8"))["mutants"]
        wanted = set(re.split(r",\s*", arguments.ids)) if arguments.ids else {row["id"] for row in rows}
        chosen = {row["id"]: row for row in rows if row["id"] in wanted}
        for row in chosen.values():
            changed(row)
    except (OSError, ValueError, KeyError) as error:
        print(f"detection: {error}", file=sys.stderr)
        return 2
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="warpsmith-detection-") as name:
        folder = Path(name)
        healthy = folder / "healthy"
        copy_warp(healthy)
        status, report = hunt(
            healthy, folder / "healthy_hunt", arguments.seconds_per_mutant, arguments.seed, arguments.kernels
        )
        alarms = [failure["bucket"] for failure in report.get("failures", ()) if not failure["known"]]
        print(f"unchanged Warp: status {status}, false alarms: {', '.join(alarms) or 'none'}", flush=True)
        for row in chosen.values():
            work = folder / row["id"]
            work.mkdir()
            found = judge(row, healthy, work, arguments.seconds_per_mutant, arguments.seed, arguments.kernels)
            shutil.rmtree(work)
            outcomes.append(found)
            words = f"{found.id:5} {row['difficulty']:7} {found.status:12} {found.seconds:6.1f} s  {found.bucket}"
            if found.nodes is not None:
                words += f"  ({found.nodes} nodes, report after {found.seconds_to_report or 0:.1f} s)"
            print(f"{words} {found.note} {'' if found.status == 'killed' else row['description']}".rstrip(), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps([asdict(o) for o in outcomes], indent=1), encoding="utf-8")
    for wanted_property in ("class", "difficulty"):
        print("\n".join([f"by {wanted_property}", *table(outcomes, chosen, wanted_property)]))
    count = Counter(o.status for o in outcomes)
    reached = len(outcomes) - count["not reached"]
    killed = [o.seconds for o in outcomes if o.status == "killed"]
    share = count["killed"] / max(reached, 1)
    print(f"killed {count['killed']} of {reached} reached ({share:.1%}), {len(outcomes)} in all")
    if killed:
        print(f"seconds of a hunt that killed: median {statistics.median(killed):.1f}, longest {max(killed):.1f}")
    if arguments.json:
        print(f"how small the reports are: python benchmarks/shrinking.py --outcomes {arguments.json}")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
