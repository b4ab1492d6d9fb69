"""CPU time and resident memory of a process and all below it, read from /proc.

On a machine that others use as well, the clock measures them too; the CPU time of one's own processes does not.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What one process has used: seconds of CPU, with those of the children it has waited for, and bytes."""

    cpu: float
    resident: int
    command: str

    @property
    def role(self) -> str:
        """What the process is to a campaign."""
        if "harness.campaign.workers" in self.command:
            return "worker"
        if "harness/worker " in self.command:
            return "warm parent"
        return "main"


def tree(root: int) -> dict[int, Usage]:
    """The process `root` and everything below it, by process id."""
    found: dict[int, list[str]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(FileNotFoundError, ProcessLookupError):
            found[int(pid)] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    below = {root} & found.keys()
    while more := {pid for pid, fields in found.items() if int(fields[1]) in below} - below:
        below |= more
    usages = {}
    for pid in below:
        fields, command = found[pid], b""
        with suppress(FileNotFoundError, ProcessLookupError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        words = command.replace(b"\0", b" ").decode(errors="replace")
        usages[pid] = Usage(sum(map(int, fields[11:15])) / _TICKS, int(fields[21]) * _PAGE, words)
    return usages


def cpu_seconds(root: int) -> float:
    """The CPU time of `root` and everything below it.  It counts what a killed child had used once it is waited for."""
    return sum(of.cpu for of in tree(root).values())
