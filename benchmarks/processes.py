"""CPU time and resident memory of a process and all below it, read from /proc.

On a machine that others use as well, the clock measures them too; the CPU time of one's own processes does not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What one process has used: seconds of CPU, with those of the children it has waited for, and bytes."""

    parent: int
    cpu: float
    resident: int
    command: str

    @property
    def role(self) -> str:
        """What the process is to a campaign."""
        if "harness.workers" in self.command:
            return "worker"
        if "worker.py" in self.command:
            return "warm parent"
        return "main"


def usage(pid: int) -> Usage | None:
    """What a process has used; None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Usage(int(fields[1]), sum(map(int, fields[11:15])) / _TICKS, int(fields[21]) * _PAGE, command)


def tree(root: int) -> dict[int, Usage]:
    """The process `root` and everything below it, by process id."""
    found = {int(p): of for p in os.listdir("/proc") if p.isdigit() and (of := usage(int(p))) is not None}
    below = {root}
    while more := {pid for pid, of in found.items() if of.parent in below} - below:
        below |= more
    return {pid: of for pid, of in found.items() if pid in below}


def cpu_seconds(root: int) -> float:
    """The CPU time of `root` and everything below it.  It counts what a killed child had used once it is waited for."""
    return sum(of.cpu for of in tree(root).values())
