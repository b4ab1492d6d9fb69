"""Which programs of a batch that failed as a whole are at fault, as far as the message tells, and how it is split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.jobs import Job

_PYTHON_PLACE = re.compile(r"\bkernel_(\d+)\.py:\d+")
_DEFINITION = re.compile(r"(?:static )?[^(/]*\b(?:adj_)?(\w+?)_(?:\d+|[0-9a-f]{8}_cpu_kernel_\w+)\($")
_CPP_PLACE = re.compile(r"\.cpp:(\d+):\d+: (?:fatal )?error")


def split(jobs: Sequence[Job], failed: Sequence[int], reply: Mapping[str, Any]) -> list[list[int]]:
    """The parts in which to try a failed batch again: without the programs that the message names, else in
    halves."""
    named = _named_in_message(jobs, reply) if failed else set()
    if 0 < len(named) < len(failed):
        return [*([index] for index in sorted(named)), [index for index in failed if index not in named]]
    middle = len(failed) // 2
    return [list(failed[:middle]), list(failed[middle:])]


def _named_in_message(jobs: Sequence[Job], reply: Mapping[str, Any]) -> set[int]:
    """The programs that a failed build complains of: by their Python lines, or by the C++ ones that became
    of them."""
    message = reply["results"][0]["message"]
    named = {int(number) for number in _PYTHON_PLACE.findall(message) if int(number) < len(jobs)}
    entries = {job.entry: index for index, job in enumerate(jobs)}
    lines = (reply["cpp"] or "").split("\n")
    for number in map(int, _CPP_PLACE.findall(message)):
        definition = next(filter(None, map(_DEFINITION.match, reversed(lines[:number]))), None)
        if definition is None:
            continue
        name = definition.group(1)
        if name in entries:
            named.add(entries[name])
        else:
            named |= {index for index, job in enumerate(jobs) if f"def {name}(" in job.source}
    return named
