"""Building and running kernels where they can do no harm.

A `Sandbox` owns one worker process (`harness/worker/`), which forks a child for every batch. What a
caller sees is one `JobResult` per `Job`, in order: when a batch fails or dies as a whole, it is split until
the program at fault stands alone, its neighbours run again without it, and a crash or a hang counts only if
the program, alone in a fresh process, does it again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from harness.blame import split
from harness.encoding import decode_job, encode_job
from harness.jobs import BuildOptions, Job, JobResult, Status, Versions
from harness.user_cache import user_cache
from harness.worker import frames as wire
from harness.worker.messages import STDERR_TAIL
from harness.worker.room import full, lacking

CPU_SECONDS = 10.0
"""CPU time of one program alone: fifty times what building and running it takes at -O2. A program whose C++
does not compile takes two to five seconds, since Warp tries again without the precompiled header."""

CPU_SECONDS_PER_NEIGHBOUR = 1.0
"""CPU time for each further program of a batch: five times what it takes at -O2, so that only a hang
exhausts it."""

CPU_SECONDS_FOR_CUDA = 20.0
"""CPU time for checking a batch's CUDA text: NVRTC needs one to two seconds to begin with, and some for
each kernel."""

WALL_SECONDS = 120.0
"""Time on the clock of a batch: a process that waits uses no CPU time. Wide, since a busy machine is no
hang."""

START_SECONDS = 120.0
"""Time on the clock for the worker to import Warp: one second, on a quiet machine."""

WARM_SECONDS = 120.0
"""Time on the clock beyond the batch's own, for the worker to build a precompiled header before it forks."""

CLOSE_SECONDS = 5.0
"""Time on the clock for the worker to remove its folder and end, once its input is closed."""

BATCHES_IN_PROCESS = 200
"""Batches after which a worker that does not fork is replaced: Warp keeps something of every module it has
loaded."""

PREFIX = "warpsmith-"
"""Every folder that a sandbox makes begins so, followed by the process id of its maker."""

LOCK: Final = "lock"
"""The file in such a folder on which its maker holds a lock."""

_PLAIN: Final = BuildOptions()

_ROOT = re.compile(rf"^{PREFIX}(\d+)-")


class SandboxError(Exception):
    """The sandbox itself cannot work. The message is for the person at the keyboard."""


class MachineLacking(SandboxError):
    """There is no room for temporary files, or no memory, which is no fault of a program."""


class _WorkerDied(Exception):
    """The worker is gone, or had to be killed; `ending` is its verdict on the batch, as of
    `wire.Tally.reply`."""

    def __init__(self, ending: tuple[str, str]) -> None:
        super().__init__(ending[1])
        self.ending = ending


def remove_stale_folders(root: Path) -> None:
    """Remove the folders of sandboxes whose process is dead, if they are this user's.

    A process that cannot be seen from here, since it runs in another container, holds the lock in its folder.
    """
    for path in root.glob(PREFIX + "*"):
        found = _ROOT.match(path.name)
        with contextlib.suppress(OSError):
            if found is None or path.stat().st_uid != os.getuid() or path.is_symlink():
                continue
            try:
                os.kill(int(found.group(1)), 0)
            except ProcessLookupError:
                if (lock := _locked(path)) is not None:
                    shutil.rmtree(path, ignore_errors=True)
                    os.close(lock)
            except (PermissionError, OverflowError):
                continue


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock in a folder while it is open; None if another process has one."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        raise MachineLacking(f"{error.strerror}: make room in one of them, or set TMPDIR to another") from None


class Sandbox:
    """A worker process, started on entry (`with Sandbox() as sandbox:`) or on first use.

    One batch is in flight at a time: `submit` sends it and returns at once, so that the caller can compute
    its own answers meanwhile, and `collect` waits for the results. A sandbox belongs to the thread that
    made it: on Linux the worker dies with the thread that started it.
    """

    def __init__(
        self,
        python: str = sys.executable,
        device: str = "cpu",
        root: Path | None = None,
        wall_seconds: float = WALL_SECONDS,
        fork: bool | None = None,
    ) -> None:
        """
        Args:
            python: the interpreter whose Warp is used; 1.14 or newer.
            device: "cpu", or "cuda:0" and the like.
            root: the folder for temporary folders; the system's, if None.
            wall_seconds: time on the clock for a batch.
            fork: whether each batch runs in a child of its own; None for yes on the CPU. Without, the
                worker runs the batch itself over memory that Warp allocated, and is replaced when it dies:
                no fork survives CUDA.
        """
        self._python = python
        self._device = device
        self._base = _temporary() if root is None else root
        #: for one program alone; a batch gets more
        self.cpu_seconds = CPU_SECONDS
        self.wall_seconds = wall_seconds
        self._fork = device == "cpu" if fork is None else fork
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: wire.FrameReader | None = None
        self._folder: Path | None = None
        self._lock: int | None = None
        self._versions: Versions | None = None
        self._batches = 0
        self._pending: tuple[tuple[Job, ...], BuildOptions, bool] | None = None
        remove_stale_folders(self._base)

    def __enter__(self) -> Sandbox:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def versions(self) -> Versions:
        """The versions in the worker, which is started if need be."""
        self._start()
        assert self._versions is not None
        return self._versions

    @property
    def worker_pid(self) -> int | None:
        """The process id of the worker, if it runs."""
        return None if self._process is None else self._process.pid

    # -- the face

    def run(self, jobs: Sequence[Job], options: BuildOptions = _PLAIN) -> list[JobResult]:
        """Build and run a batch: one result a job, in order."""
        self.submit(jobs, options)
        return self.collect()

    def submit(self, jobs: Sequence[Job], options: BuildOptions = _PLAIN) -> None:
        """Send a batch to the worker without waiting for it.

        Raises:
            SandboxError: the worker cannot be started.
            ValueError: two jobs have the same `entry`.
        """
        if self._pending is not None:
            raise RuntimeError("a batch is in flight: collect it first")
        batch = tuple(jobs)
        if len({job.entry for job in batch}) != len(batch):
            raise ValueError("two jobs of one batch have the same entry")
        sent = False
        if batch:
            with contextlib.suppress(_WorkerDied):
                self._send(batch, options)
                sent = True
        self._pending = (batch, options, sent)

    def collect(self) -> list[JobResult]:
        """Wait for the batch in flight and return its results, in order."""
        if self._pending is None:
            raise RuntimeError("no batch is in flight: submit one first")
        jobs, options, sent = self._pending
        self._pending = None
        if not jobs:
            return []
        return self._settle(jobs, options, self._exchange(jobs, options, sent))

    def close(self) -> None:
        """End the worker and remove its folder. The sandbox can be used again afterwards."""
        self._pending = None
        self._stop(gently=True)

    # -- splitting

    def _settle(self, jobs: Sequence[Job], options: BuildOptions, reply: Mapping[str, Any]) -> list[JobResult]:
        """The results of a batch, of which the worker's first answer may say that it has none."""
        if len(jobs) == 1:
            return [self._confirmed(jobs[0], options, reply)]
        settled: dict[int, JobResult] = {}
        lost: list[int] = []
        failed: list[int] = []
        for index, (job, result) in enumerate(zip(jobs, reply["results"], strict=True)):
            status = result["status"]
            if status == "lost":
                lost.append(index)
            elif status == "batch-failed":
                failed.append(index)
            elif status in (Status.CRASH, Status.HANG):
                # The first run, in company, was the suspicion; the second, alone, is the verdict.
                settled[index] = self._second_run(job, options, result["message"])
            else:
                settled[index] = decode_job(job, result, reply)
        for part in (*split(jobs, failed, reply), lost):
            if part:
                some = [jobs[index] for index in part]
                answer = self._exchange(some, options, patient=False)
                settled.update(zip(part, self._settle(some, options, answer), strict=True))
        return [settled[index] for index in range(len(jobs))]

    def _confirmed(self, job: Job, options: BuildOptions, reply: Mapping[str, Any]) -> JobResult:
        (result,) = reply["results"]
        if result["status"] in (Status.CRASH, Status.HANG):
            return self._second_run(job, options, result["message"])
        return decode_job(job, result, reply)

    def _second_run(self, job: Job, options: BuildOptions, suspicion: str) -> JobResult:
        reply = self._exchange([job], options)
        (result,) = reply["results"]
        if result["status"] == Status.OK:
            result["message"] = f"a first run ended otherwise: {suspicion}"
        return decode_job(job, result, reply)

    # -- talking to the worker

    def _exchange(
        self, jobs: Sequence[Job], options: BuildOptions, sent: bool = False, patient: bool = True
    ) -> Mapping[str, Any]:
        """Send a batch (unless that was done) and receive its answer, with a second try in a new worker."""
        for last in (False, True):
            try:
                if not sent:
                    self._send(jobs, options, patient)
                return self._receive(jobs)
            except _WorkerDied as died:
                sent = False
                self._require_room(died)
                self._stop(gently=False)
                if last:
                    raise SandboxError(f"the worker died twice over the same batch: {died}") from None
        raise AssertionError("unreachable")

    def _limits(self, count: int, options: BuildOptions) -> float:
        cuda = CPU_SECONDS_FOR_CUDA if options.cuda_arch is not None else 0.0
        return self.cpu_seconds + CPU_SECONDS_PER_NEIGHBOUR * (count - 1) + cuda

    def _send(self, jobs: Sequence[Job], options: BuildOptions, patient: bool = True) -> None:
        """Send a batch; `patient` is whether the compiler may try a program that is alone in it a second time."""
        module = dict(options.module)
        if options.optimization_level is not None:
            module["optimization_level"] = options.optimization_level
        more = {} if options.block_dim is None else {"block_dim": options.block_dim}
        request = {
            "programs": [encode_job(job, more) for job in jobs],
            "options": module,
            "config": dict(options.config),
            "cuda": options.cuda_arch,
            "block_dim": options.block_dim or 1,
            "warm": options.warm,
            "digest": options.digest,
            "texts_alone": options.texts_alone,
            "second_try": patient and len(jobs) == 1,
            "cpu_seconds": self._limits(len(jobs), options),
            "wall_seconds": self.wall_seconds,
        }
        if not self._fork and self._batches >= BATCHES_IN_PROCESS:
            self._stop(gently=True)
        self._start()
        self._batches += 1
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            wire.write_frame(self._process.stdin.fileno(), request)
        except (BrokenPipeError, OSError):
            raise _WorkerDied(("crash", self._last_words())) from None

    def _receive(self, jobs: Sequence[Job]) -> Mapping[str, Any]:
        tally = wire.Tally(len(jobs))
        wall = self.wall_seconds + (WARM_SECONDS if self._fork else 0.0)
        try:
            while not tally.over:
                frame = self._next_frame(time.monotonic() + wall)
                if "error" in frame:
                    raise SandboxError(frame["error"])
                if "results" in frame:
                    return frame
                tally.add(frame)
            reply = tally.reply(None)
        except _WorkerDied as died:
            if self._fork or tally.stage == "start":
                raise
            # Without a fork the batch dies with its worker, and the frames say how far it came.
            self._require_room(died)
            self._stop(gently=False)
            reply = tally.reply(died.ending)
        if "lacking" in reply:
            raise MachineLacking(reply["lacking"])
        if "error" in reply:
            raise SandboxError(reply["error"])
        return reply

    def _next_frame(self, deadline: float) -> dict[str, Any]:
        assert self._reader is not None
        try:
            frame = self._reader.read(deadline)
        except wire.OutOfTime:
            self._kill()
            raise _WorkerDied(("hang", "no answer in time")) from None
        if frame is None:
            raise _WorkerDied(("crash", self._last_words()))
        return frame

    def _last_words(self) -> str:
        """How the worker ended, and the end of what it printed."""
        assert self._process is not None
        try:
            status = self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            return "the worker closed its output"
        how = f"died of {signal.Signals(-status).name}" if status < 0 else f"the worker ended with status {status}"
        log = ""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                log = (self._folder / "worker.log").read_text(errors="replace").strip()[-STDERR_TAIL:]
        return f"{how}\n{log}" if log else how

    def _require_room(self, died: _WorkerDied) -> None:
        """Raise `MachineLacking` if the worker may have died for want of room: the compiler ends its process then."""
        kind, said = died.ending
        if kind == "crash" and (lack := full(str(self._base), said)) is not None:
            self._stop(gently=False)
            raise MachineLacking(lack)

    # -- its life

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop(gently=False)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=self._base))
            self._lock = _locked(self._folder)
        except OSError as error:
            sentence = f"cannot make a folder for temporary files in {self._base}: {error.strerror or error}"
            raise MachineLacking(lacking(error, str(self._base)) or sentence) from None
        environment = dict(os.environ, TMPDIR=str(self._folder), OPENBLAS_NUM_THREADS="1")
        if self._device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""
        script = str(Path(wire.__file__).resolve().parent)
        command = [self._python, script, "--root", str(self._folder), "--device", self._device]
        if not self._fork:
            command.append("--in-process")
        elif (headers := user_cache("headers")) is not None:
            command += ["--headers", str(headers)]
        try:
            with open(self._folder / "worker.log", "wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=environment,
                    bufsize=0,
                    # Ctrl-C is for the campaign, which then ends its worker.
                    start_new_session=True,
                )
        except OSError as error:
            self._stop(gently=False)
            if (lack := lacking(error, str(self._base))) is not None:
                raise MachineLacking(lack) from None
            raise SandboxError(f"cannot start {self._python}: {error.strerror or error}") from None
        assert self._process.stdout is not None
        self._reader = wire.FrameReader(self._process.stdout.fileno())
        self._batches = 0
        try:
            hello = self._next_frame(time.monotonic() + START_SECONDS)
        except _WorkerDied as died:
            self._require_room(died)
            self._stop(gently=False)
            raise SandboxError(f"{self._python} did not start as a worker: {died}") from None
        except BaseException:
            # An interruption: nobody is there yet to close what was not entered.
            self._stop(gently=False)
            raise
        if "error" in hello:
            self._stop(gently=True)
            raise SandboxError(hello["error"])
        self._versions = Versions(hello["warp"], hello["numpy"], frozenset(hello["settings"]), hello["builtins"])

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _stop(self, gently: bool) -> None:
        process, self._process, self._reader = self._process, None, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            if gently:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(CLOSE_SECONDS)
            process.kill()
            process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
