"""The CUDA text of stored pairs, and the PTX that NVRTC makes of it: derived anew, no GPU needed.

Each pair is a module of its own, so that its PTX is that of one kernel.  Batches are compiled in processes with limits
(`harness/cpp/nvrtc.py`); a pair on which one dies is left out, and the rest of its batch goes on in the next.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from corpus.record import Record
from harness.cpp import nvrtc
from harness.cpp.generated_code import GeneratedCodeError, kernel_text
from harness.cpp.types import told_apart
from strategies.language.render import render

#: Pairs of one process: importing Warp and precompiling its header for NVRTC cost as much as five of them.
BATCH: Final = 32
#: CPU seconds: of a process to begin with, and of one pair, which takes 0.2 to 0.6 s.
START_SECONDS: Final = 60
PAIR_SECONDS: Final = 10
#: On the clock, since a process that waits uses no CPU time.
WALL_FACTOR: Final = 6


class ArchitectureUnknown(Exception):
    """NVRTC does not compile for this architecture; the message is a sentence."""


@dataclass(frozen=True)
class CudaText:
    """The CUDA text of one kernel, complete, and its PTX; or, with neither, what went wrong."""

    cuda: str | None = None
    ptx: str | None = None
    error: str | None = None


def cuda_texts(records: Iterable[Record], arch: int) -> Iterator[tuple[Record, CudaText]]:
    """`records` in their order, each with its CUDA text and the PTX for `arch` (90 for sm_90).

    A few batches are in memory.  `ArchitectureUnknown` if NVRTC has no such architecture.
    """
    processes = os.cpu_count() or 1
    pending: deque[tuple[list[Record], Future[list[CudaText]]]] = deque()
    with ThreadPoolExecutor(processes) as pool:
        try:
            for batch in _batches(records):
                pending.append((batch, pool.submit(compile_batch, batch, arch)))
                if len(pending) > processes:
                    yield from _paired(pending)
            while pending:
                yield from _paired(pending)
        finally:
            for _, future in pending:
                future.cancel()


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    rest = iter(records)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch


def _paired(pending: deque[tuple[list[Record], Future[list[CudaText]]]]) -> Iterator[tuple[Record, CudaText]]:
    batch, future = pending.popleft()
    yield from zip(batch, future.result(), strict=True)


def compile_batch(records: list[Record], arch: int) -> list[CudaText]:
    """The texts of `records`, in as many processes as die over one of them, and one."""
    found: list[CudaText] = []
    while len(found) < len(records):
        found += _one_process(records[len(found) :], arch)
    return found


def _one_process(records: list[Record], arch: int) -> list[CudaText]:
    """The texts of the first of `records`, up to the one over which the process died, if it did."""
    seconds = START_SECONDS + PAIR_SECONDS * len(records)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with tempfile.TemporaryDirectory(prefix="warpsmith-cuda-") as folder:
        request = {"arch": arch, "folder": folder, "sources": [render(record.program) for record in records]}
        process = subprocess.Popen(
            [sys.executable, nvrtc.__file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, TMPDIR=folder, WARP_CACHE_PATH=folder, CUDA_VISIBLE_DEVICES=""),
            start_new_session=True, preexec_fn=limit,
        )  # fmt: skip
        late = False
        try:
            said, _ = process.communicate(msgspec.json.encode(request) + b"\n", seconds * WALL_FACTOR)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if late:
                said, _ = process.communicate()
            process.wait()
    return _answers(said, records, _ending(process.returncode, late))


def _ending(status: int, late: bool) -> str:
    if late or -status == signal.SIGXCPU:
        return "NVRTC did not end in time"
    return f"NVRTC died of {signal.Signals(-status).name}" if status < 0 else f"NVRTC ended with status {status}"


def _answers(said: bytes, records: list[Record], ending: str) -> list[CudaText]:
    found: list[CudaText] = []
    begun = -1
    for line in said.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        answer: dict[str, Any] = msgspec.json.decode(line)
        if "refused" in answer:
            raise ArchitectureUnknown(answer["refused"])
        if "begin" in answer:
            begun = answer["begin"]
        elif "error" in answer:
            found.append(CudaText(error=answer["error"]))
        else:
            found.append(_cut(answer["cuda"], answer["ptx"], records[len(found)]))
    if len(found) < len(records):
        if begun < len(found):
            # Not a pair's fault: no process would come further.
            raise RuntimeError(f"no CUDA text was generated: {ending}")
        found.append(CudaText(error=ending))
    return found


def _cut(cuda: str, ptx: str, record: Record) -> CudaText:
    try:
        text = kernel_text(cuda, record.kernel_name, arguments=told_apart(record.program))
        return CudaText(text, needed_ptx(ptx))
    except GeneratedCodeError as error:
        return CudaText(error=str(error))


# ---------------------------------------------------------------- PTX

_DATA: Final = re.compile(
    r"^(?:\.\w+ )*?\.(?:const|global|shared) [^\n={;]*?([\w$]+)(?:\[\d*\])*(?: = [^\n]*)?;\n", re.MULTILINE
)
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")


def needed_ptx(ptx: str) -> str:
    """`ptx` without the tables of Warp's headers that nothing in it refers to: nine tenths of a small kernel's."""
    kept = _without_needless(ptx)
    return kept if kept == ptx else needed_ptx(kept)


def _without_needless(ptx: str) -> str:
    uses = Counter(_WORD.findall(ptx))
    return _DATA.sub(lambda found: found.group(0) if uses[found.group(1)] > 1 else "", ptx)
