"""A long campaign on a Warp some of whose kernels crash or never end: does it end well, and leave nothing behind?

    python benchmarks/endurance.py [--minutes 30] [--rate 2] [--workers N] [--seed N] [--json FILE]

Of every hundred kernels, by a hash of their text, so many get a C++ body that dies of a signal or does not end: a copy
of the installed Warp has it planted in its code generator.  A campaign grows a corpus on it, and afterwards six things
must hold:

ends       it runs to the end of its time, with no error of its own
loses      every index up to the last has one outcome; the corpus has the pairs that were counted, and can be read
planted    failures were met, at about the rate of what was planted
processes  none of its processes is left
files      its folder for temporary files and its working folder are empty, the corpus has only what belongs there
memory     no process grows: the resident memory of each role, in the last quarter of the time against the second

Exit status 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from processes import tree

from corpus.store import Store
from harness.campaign.campaign import Campaign
from harness.warp_copy import copy_warp

#: What is appended to Warp's code generator; the name of the kernel, which is another in each build, does not count.
PLANTED: Final = """

import zlib

_codegen_kernel = codegen_kernel


def codegen_kernel(kernel, device, options):
    text = _codegen_kernel(kernel, device, options)
    number = zlib.crc32(kernel.adj.source.partition(":\\n")[2].encode()) % 10000
    if number < {half}:
        return text.replace("    // forward\\n", "    // forward\\n    *(volatile int*)8 = 0;\\n", 1)
    if number < {rate}:
        return text.replace("    // forward\\n", "    // forward\\n    for (volatile int on = 1; on;) {{ }}\\n", 1)
    return text
"""
#: A variable that every process of the campaign inherits, and by which it is known.
MARK: Final = "WARPSMITH_ENDURANCE"
#: Failures that are reduced, and seconds for each: what is planted leaves nothing to reduce.
SHRINKS, SHRINK_SECONDS = 12, 5.0
#: Seconds between two looks at memory, and those that a campaign may take to end.
LOOK, GRACE = 5.0, 240.0
#: How much the memory of a role may grow: bytes, and a share of what it was.
GROWTH_BYTES, GROWTH_SHARE = 48 << 20, 0.15
#: How far the rate of failures may be from that of what was planted: those of programs that are built at all.
LOW, HIGH = 0.3, 2.0
#: Failures that must be expected before their number says anything: fewer may be none by chance.
ENOUGH: Final = 6
#: What belongs into a corpus.
OWN: Final = frozenset(("verified", "failures", "unreproduced", "campaigns.jsonl", "journal.jsonl", ".lock"))


@dataclass
class Watched:
    """What was seen of a campaign: how it ended, what it said, and bytes by role, one figure a look."""

    status: int | None = None
    report: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))


def plant(folder: Path, rate: float) -> Path:
    """A copy of Warp below `folder` of whose kernels `rate` in a hundred crash or hang; returns what to put on
    PYTHONPATH."""
    generator = copy_warp(folder) / "_src" / "codegen.py"
    text = generator.read_text(encoding="utf-8")
    planted = PLANTED.format(half=int(rate * 50), rate=int(rate * 100))
    generator.write_text(text + planted, encoding="utf-8")
    return folder


def campaign(corpus: Path, seconds: float, seed: int, workers: int) -> int:
    """Run the campaign itself, in a process of its own, and print what came of it."""
    run = Campaign(corpus, seed=seed, seconds=seconds, workers=workers, shrinks=SHRINKS, shrink_seconds=SHRINK_SECONDS)
    summary = run.run()
    found = {
        "draws": summary.draws,
        "verified": summary.verified,
        "counts": dict(summary.counts),
        "stop_reason": summary.stop_reason.name.lower(),
    }
    print(json.dumps(found))
    return 0


def watch(work: Path, warp: Path, seconds: float, seed: int, workers: int) -> Watched:
    """Run a campaign in `work` and look at its processes until it has ended."""
    for name in ("tmp", "cwd", "cache"):
        (work / name).mkdir()
    ours = {"PYTHONPATH": os.pathsep.join((str(warp), str(Path(__file__).parent), *sys.path[1:]))}
    ours |= {"TMPDIR": str(work / "tmp"), "WARP_CACHE_PATH": str(work / "cache"), MARK: str(work)}
    ours |= {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), "--campaign", str(work / "corpus")]
    command += ["--seconds", f"{seconds:g}", "--seed", str(seed), "--workers", str(workers)]
    seen = Watched()
    started = time.monotonic()
    with (work / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=work / "cwd", env={**os.environ, **ours}, stdout=subprocess.PIPE, stderr=log
        )
        while process.poll() is None and time.monotonic() - started < seconds + GRACE:
            roles: dict[str, list[int]] = defaultdict(list)
            for pid, usage in tree(process.pid).items():
                if pid == process.pid or usage.role != "main":
                    # the others come and go: scripts of failures, and what they start
                    roles[usage.role].append(usage.resident)
            for role, sizes in roles.items():
                # forked children share their parent's pages; the largest of a role is the one that could have grown
                seen.memory[role].append((time.monotonic() - started, max(sizes)))
            time.sleep(LOOK)
        if process.poll() is None:
            process.kill()
        output, _ = process.communicate()
    seen.status = process.returncode
    lines = [line for line in output.decode().splitlines() if line.startswith("{")]
    seen.report = json.loads(lines[-1]) if lines else {}
    seen.trouble = (work / "log").read_text(errors="replace")[-400:]
    return seen


# ---------------------------------------------------------------- what must hold


def ended(seen: Watched) -> list[str]:
    """Why the campaign did not end well."""
    if seen.status != 0 or seen.report.get("stop_reason") != "seconds":
        return [f"status {seen.status}, reason {seen.report.get('stop_reason')}: {seen.trouble.strip()}"]
    return []


def lost(seen: Watched, corpus: Path) -> list[str]:
    """What the counts and the corpus do not agree on."""
    wrong = []
    counts, draws = seen.report.get("counts", {}), seen.report.get("draws", 0)
    if not draws or sum(counts.values()) != draws:
        wrong.append(f"{sum(counts.values())} outcomes of {draws} indices")
    with Store.open(corpus, write=False) as store:
        records = sum(1 for _ in store.records())
        (progress,) = store.campaigns().values()
    if records != seen.report.get("verified"):
        wrong.append(f"{records} pairs stored of {seen.report.get('verified')}")
    if progress.next != draws:
        wrong.append(f"the journal has {progress.next} indices, the campaign counted {draws}")
    return wrong


def planted_rate(seen: Watched, rate: float) -> list[str]:
    """Whether failures came about as often as they were planted."""
    draws, failures = seen.report.get("draws", 0), seen.report.get("counts", {}).get("failure", 0)
    if draws * rate / 100 < ENOUGH:
        return []
    share = 100 * failures / draws
    return [] if LOW * rate <= share <= HIGH * rate else [f"{share:.2f} failures of a hundred, {rate:g} were planted"]


def left_processes(work: Path) -> list[str]:
    """Processes of the campaign that are still there."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if f"{MARK}={work}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(f"process {pid}: {words[:100]}")
    return found


def left_files(work: Path) -> list[str]:
    """Files where there should be none."""
    found = [str(path.relative_to(work)) for name in ("tmp", "cwd") for path in (work / name).rglob("*")]
    strange = [path.name for path in (work / "corpus").iterdir() if path.name not in OWN]
    return [*found[:10], *(f"corpus/{name}" for name in strange)]


def grown(memory: Mapping[str, Sequence[tuple[float, int]]]) -> list[str]:
    """Roles whose processes were larger in the last quarter of the time than in the second."""
    found = []
    for role, looks in memory.items():
        before, after = quarters(looks)
        if before and after > before * (1 + GROWTH_SHARE) and after - before > GROWTH_BYTES:
            found.append(f"{role}: {before / 2**20:.0f} MB, then {after / 2**20:.0f} MB")
    return found


def quarters(looks: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """The median of the bytes in the second and in the last quarter of the time; zeros if there were too few looks."""
    end = looks[-1][0] if looks else 0.0
    second = [size for at, size in looks if end / 4 <= at < end / 2]
    last = [size for at, size in looks if at >= 3 * end / 4]
    return (statistics.median(second), statistics.median(last)) if second and last else (0.0, 0.0)


def main() -> int:
    """Run the campaign, and say of each thing whether it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=2.0, help="kernels of a hundred that crash or hang")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--campaign", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.campaign is not None:
        return campaign(arguments.campaign, arguments.seconds, arguments.seed, arguments.workers)
    with tempfile.TemporaryDirectory(prefix="warpsmith-endurance-") as name:
        work = Path(name)
        warp = plant(work / "warp", arguments.rate)
        seen = watch(work, warp, 60 * arguments.minutes, arguments.seed, arguments.workers)
        time.sleep(2.0)
        checks = {
            "ends": ended(seen),
            "loses": lost(seen, work / "corpus") if seen.report else ["it told nothing"],
            "planted": planted_rate(seen, arguments.rate),
            "processes": left_processes(work),
            "files": left_files(work) if (work / "corpus").is_dir() else ["there is no corpus"],
            "memory": grown(seen.memory),
        }
    figures = {role: [round(of / 2**20) for of in quarters(looks)] for role, looks in seen.memory.items()}
    print(f"{seen.report.get('draws')} programs: {seen.report.get('counts')}")
    print("resident MB of the largest process of a role, in the second quarter of the time and in the last:")
    for role, (before, after) in figures.items():
        print(f"  {role:12} {before:5} {after:5}")
    for what, wrong in checks.items():
        print(f"{what:10} {'; '.join(wrong) or 'well'}")
    if arguments.json:
        found = {"report": seen.report, "megabytes": figures, "wrong": checks}
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return int(any(checks.values()))


if __name__ == "__main__":
    sys.exit(main())
