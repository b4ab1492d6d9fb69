"""Judging C++ that somebody else wrote for the kernels of a corpus: what a model predicted, say.

The text is compiled against Warp's headers, run on the inputs that the pair was verified on, and judged by what
`harness.verify` judges Warp by.  It is not trusted: compiler and program run under
`harness/scoring/confine.py`, and what comes back is bytes of arrays, which are compared here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock
from types import TracebackType
from typing import Any, Final

import msgspec

from corpus.record import Record
from harness.cpp.generated_code import (
    COMPILE_FLAGS,
    CompilerNotFound,
    backward_text,
    behind_header,
    find_compiler,
    forward_text,
    header_text,
    native_folder,
)
from harness.jobs import JobResult, LaunchResult, Status
from harness.launches import job
from harness.oracle.expectation import Expectation
from harness.oracle.lanes import Values
from harness.scoring import confine, driver
from harness.scoring.examples import expectation_of
from harness.verdict import FailureKind
from harness.verify import MISMATCHES, backward_failure, forward_failure, without_small_mismatches

#: CPU seconds of the compiler: many times what a large kernel takes.  (ziglang's compiler first builds its C++ library
#: in a private folder, and may take longer than that.)
COMPILE_SECONDS: Final = 60
#: CPU seconds of the program: all launches of a kernel of the corpus take milliseconds.
RUN_SECONDS: Final = 5
#: On the clock, since a process that waits uses no CPU time: so many times the CPU time, and no less than a minute,
#: since a busy machine is no hang.
WALL_FACTOR: Final = 4
WALL_SECONDS: Final = 60
COMPILER_MEMORY: Final = 8 << 30
PROGRAM_MEMORY: Final = 1 << 30
#: Of any one file that compiler or program write.
FILE_BYTES: Final = 256 << 20
#: What a compiler and a dynamically linked program read.
SYSTEM_FOLDERS: Final = ("/usr", "/lib", "/lib64", "/bin", "/opt", "/etc/alternatives", "/etc/ld.so.cache", "/proc")
#: As Warp's own build: without assertions (a register that is not used on a path may hold anything), and without
#: fused multiply-add.
FLAGS: Final = (*COMPILE_FLAGS, "-DNDEBUG", "-O1", "-ffp-contract=off", "-fPIC")
LONGEST_MESSAGE: Final = 2000


class Prediction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file of predictions: the whole text, or one or both functions as in the exported columns."""

    id: str
    cpp: str | None = None
    cpp_forward: str | None = None
    cpp_backward: str | None = None

    def __post_init__(self) -> None:
        if self.cpp is not None and (self.cpp_forward is not None or self.cpp_backward is not None):
            raise ValueError("a prediction is `cpp`, or `cpp_forward` and `cpp_backward`, or one of these")
        if self.cpp is None and self.cpp_forward is None and self.cpp_backward is None:
            raise ValueError("a prediction has `cpp`, `cpp_forward` or `cpp_backward`")

    @property
    def forward(self) -> bool:
        """Whether the forward function was predicted."""
        return self.cpp is not None or self.cpp_forward is not None

    @property
    def backward(self) -> bool:
        """Whether the backward function was predicted."""
        return self.cpp is not None or self.cpp_backward is not None

    def text(self, record: Record) -> str:
        """The complete text: what was not predicted is the pair's own."""
        if self.cpp is not None:
            return self.cpp
        text = record.cpp
        if self.cpp_forward is not None:
            text = text.replace(forward_text(record.cpp), self.cpp_forward)
        own_backward = backward_text(record.cpp)
        if self.cpp_backward is not None and own_backward is not None:
            text = text.replace(own_backward, self.cpp_backward)
        return text


class Reason(str, Enum):
    """Why a prediction is not right."""

    NOT_COMPILED = "does not compile"
    NO_ENTRY = "no entry point"
    CRASH = "crash"
    HANG = "hang"
    WRONG = "wrong"


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one prediction.

    `forward` and `backward` say whether that pass is right; None where it was not predicted or, for `backward`,
    where the pair has no verified gradient to compare with.  `reason` and `message` are of the first thing wrong;
    `kind` is the kind of mismatch, if it is one.
    """

    id: str
    category: str
    compiled: bool
    forward: bool | None = None
    backward: bool | None = None
    reason: Reason | None = None
    kind: FailureKind | None = None
    message: str = ""


@dataclass(frozen=True)
class _Ended:
    """How a confined command ended: a signal's number, or a status."""

    status: int
    signal: int
    late: bool
    #: the beginning of what it said to its standard error
    said: str
    output: bytes = b""


@dataclass(frozen=True)
class _Compiled:
    """What became of a prediction's text: the library, if it ended well, in a folder of its own."""

    folder: TemporaryDirectory[str]
    library: Path
    ended: _Ended


class Scorer:
    """A private folder with a compiled driver, in which predictions are compiled and run; a context manager.

    `run_seconds` is the CPU time of one program.
    """

    def __init__(self, run_seconds: int = RUN_SECONDS) -> None:
        self._run_seconds = run_seconds
        self._compiler = find_compiler()
        self._native = native_folder()
        self._stack = contextlib.ExitStack()
        self._folder = Path()
        self._headers: dict[str, Path | None] = {}
        self._headers_lock = Lock()

    def __enter__(self) -> Scorer:
        self._folder = Path(
            self._stack.enter_context(TemporaryDirectory(prefix="warpsmith-score-", ignore_cleanup_errors=True))
        )
        source = self._folder / "driver.cpp"
        source.write_bytes(Path(__file__).with_name("driver.cpp").read_bytes())
        ended = self._compile(source, self._folder / "driver", "-rdynamic", "-ldl")
        if ended.status != 0:
            self._stack.close()
            raise CompilerNotFound(f"{self._compiler[0]} does not compile what runs predictions:\n{ended.said}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # ------------------------------------------------------------ predictions

    def scores(self, asked: Iterable[tuple[Record, Prediction]], workers: int = 1) -> Iterator[Score]:
        """Compile, run and judge predictions of the kernels of their records: their scores, in order.

        `workers` compilers run ahead, which take most of the time, while what was compiled is run and judged here.
        """
        with ThreadPoolExecutor(workers) as pool:
            ahead: deque[tuple[Record, Prediction, Future[_Compiled]]] = deque()
            try:
                for record, prediction in asked:
                    ahead.append((record, prediction, pool.submit(self._compiled, record, prediction)))
                    if len(ahead) > 2 * workers:
                        yield self._scored(*ahead.popleft())
                while ahead:
                    yield self._scored(*ahead.popleft())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _compiled(self, record: Record, prediction: Prediction) -> _Compiled:
        folder = TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True)
        library = Path(folder.name) / "prediction.so"
        return _Compiled(
            folder, library, self._compile_text(prediction.text(record), library, self._header(record.cpp))
        )

    def _scored(self, record: Record, prediction: Prediction, compiled: Future[_Compiled]) -> Score:
        found = Score(id=record.id, category=record.type, compiled=False)
        judged_backward = prediction.backward and record.verification.tier == "backward"
        wrong = {
            "forward": False if prediction.forward else None,
            "backward": False if judged_backward else None,
        }
        of = compiled.result()
        with of.folder:
            if of.ended.status != 0:
                return msgspec.structs.replace(found, reason=Reason.NOT_COMPILED, message=of.ended.said, **wrong)
            found = msgspec.structs.replace(found, compiled=True)
            return self._judged(expectation_of(record), record, of.library, found, wrong)

    def run_text(self, expectation: Expectation, name: str, text: str, backward: bool) -> JobResult | str:
        """Compile a text that defines the kernel `name`, and launch it as Warp's own build is; or what went wrong."""
        with TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as folder:
            library = Path(folder) / "text.so"
            ended = self._compile_text(text, library)
            result = self._run(expectation, name, library, backward) if ended.status == 0 else ended
        return f"{_why(result).value}: {result.said}" if isinstance(result, _Ended) else result

    def _judged(
        self, expectation: Expectation, record: Record, library: Path, found: Score, asked: Mapping[str, Any]
    ) -> Score:
        for direction, failure_of in (("forward", forward_failure), ("backward", backward_failure)):
            if asked[direction] is None:
                continue
            result = self._run(expectation, record.kernel_name, library, direction == "backward")
            if isinstance(result, _Ended):
                right, reason, kind, message = False, _why(result), None, result.said
            else:
                failure = failure_of(expectation, result)
                if failure is not None and failure.kind in MISMATCHES:
                    failure = failure_of(self._relaxed(expectation, record, direction == "backward"), result)
                right, reason, kind, message = failure is None, Reason.WRONG, None, ""
                if failure is not None:
                    kind, message = failure.kind, failure.message
            found = msgspec.structs.replace(found, **{direction: right})
            if not right and found.reason is None:
                found = msgspec.structs.replace(found, reason=reason, kind=kind, message=message)
        return found

    def _relaxed(self, expectation: Expectation, record: Record, backward: bool) -> Expectation:
        """`expectation` without the cells where the pair's own text is off by rounding, as the referee found."""
        result = self.run_text(expectation, record.kernel_name, record.cpp, backward)
        return expectation if isinstance(result, str) else without_small_mismatches(expectation, result)

    def _run(self, expectation: Expectation, name: str, library: Path, backward: bool) -> JobResult | _Ended:
        """The launches that Warp's own build is judged by, some of them twice."""
        asked = [launch if backward else replace(launch, backward=False) for launch in job(expectation, name).launches]
        launches = [launch for launch in asked for _ in range(1 + launch.twice)]
        names = [f"{name}_cpu_forward", *([f"{name}_cpu_backward"] if backward else [])]
        request = driver.encoded(launches)
        ended = self._confined(
            [str(self._folder / "driver"), str(library), *names],
            library.parent,
            self._run_seconds,
            PROGRAM_MEMORY,
            request,
        )
        if ended.status != 0 or ended.signal:
            return ended
        content = memoryview(ended.output)
        if len(content) != driver.output_bytes(launches):
            return _Ended(1, 0, False, "the program ended before its arrays were written")
        results: list[LaunchResult] = []
        for launch in asked:
            result, content = driver.decoded(launch, content)
            if launch.twice:
                second, content = driver.decoded(launch, content)
                result = LaunchResult(result.arrays, *_same(result, second))
            results.append(result)
        return JobResult(Status.OK, "launch", "", tuple(results), None, None)

    # ------------------------------------------------------------ confined

    def _header(self, own: str) -> str:
        """The header of a pair's own text, compiled once for all: to read it takes longer than all that follows it."""
        header = header_text(own)
        with self._headers_lock:
            if header and header not in self._headers:
                path = self._folder / f"header_{len(self._headers)}.hpp"
                path.write_text(header, encoding="utf-8")
                ended = self._compile(path, path.with_name(path.name + ".gch"))
                # A compiler that cannot do so reads it each time.
                self._headers[header] = path if ended.status == 0 else None
        return header

    def _compile_text(self, text: str, library: Path, header: str = "") -> _Ended:
        """Compile a text that may begin with a header that is compiled already."""
        source, precompiled = library.with_suffix(".cpp"), self._headers.get(header)
        if precompiled is None or not text.startswith(header):
            source.write_text(text, encoding="utf-8")
            return self._compile(source, library, "-shared")
        source.write_text(behind_header(text, header), encoding="utf-8")
        return self._compile(source, library, "-shared", "-include", str(precompiled))

    def _compile(self, source: Path, target: Path, *extra: str) -> _Ended:
        command = [*self._compiler, *FLAGS, f"-I{self._native}", str(source), "-o", str(target), *extra]
        return self._confined(command, target.parent, COMPILE_SECONDS, COMPILER_MEMORY)

    def _confined(self, command: Sequence[str], folder: Path, seconds: int, memory: int, given: bytes = b"") -> _Ended:
        """Run a command that reads `given` and writes to `folder` alone.

        What it is given and what it prints are files without a name: one in its folder could be a link to another by
        the time that it is opened here.
        """
        limits = {
            "cpu_seconds": seconds,
            "memory_bytes": memory,
            "file_bytes": FILE_BYTES,
            "readable": [*SYSTEM_FOLDERS, sys.prefix, sys.base_prefix, str(self._native), str(self._folder)],
            "writable": str(folder),
        }
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C",
        }  # fmt: skip
        late = False
        with TemporaryFile() as request, TemporaryFile() as output, TemporaryFile() as errors:
            request.write(given)
            request.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", confine.__file__, json.dumps(limits), *command],
                stdin=request, stdout=output, stderr=errors, env=environment, cwd=folder, start_new_session=True,
            )  # fmt: skip
            try:
                process.wait(max(WALL_SECONDS, seconds * WALL_FACTOR))
            except subprocess.TimeoutExpired:
                late = True
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            errors.seek(0)
            printed, said = output.read(FILE_BYTES), errors.read(LONGEST_MESSAGE)
        status = process.returncode
        number = -status if status < 0 else status - 128 if status > 128 else 0
        words = said.decode(errors="replace").replace(str(folder), "").strip()
        return _Ended(status, number, late, words, printed)


def _why(ended: _Ended) -> Reason:
    if ended.late or ended.signal in (signal.SIGXCPU, signal.SIGKILL):
        return Reason.HANG
    return Reason.NO_ENTRY if ended.status in (4, 5) else Reason.CRASH


def _same(one: LaunchResult, other: LaunchResult) -> tuple[bool, bool]:
    """Whether two launches gave the same bits, and the same bits of gradients."""

    def bits(arrays: Iterable[Values | None]) -> list[bytes | None]:
        return [None if array is None else array.tobytes() for array in arrays]

    def contents(of: LaunchResult) -> list[bytes | None]:
        return bits(None if array is None else array.data for array in of.arrays)

    def gradients(of: LaunchResult) -> list[bytes | None]:
        return bits(None if array is None else array.gradient for array in of.arrays)

    return contents(one) == contents(other), gradients(one) == gradients(other)
