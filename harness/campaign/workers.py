"""The processes that work on behalf of a campaign, and the handle that the campaign has on one.

A worker draws a batch of programs, computes what each must give, and has its own `Sandbox` build and run them.  Others
reduce failures.  They talk with the campaign in frames over two pipes.  What they answer depends on the plan and the
indices alone, never on what they did before.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from harness.campaign.judging import Lost
from harness.campaign.lane import Lane
from harness.campaign.plan import Plan
from harness.jobs import Versions
from harness.sandbox import CLOSE_SECONDS as SANDBOX_CLOSE_SECONDS
from harness.sandbox import MachineLacking, Sandbox, SandboxError
from harness.worker.frames import FrameReader, OutOfTime, write_frame
from harness.worker.parent import die_with_parent
from harness.worker.room import lacking

CLOSE_SECONDS: Final = 2 * SANDBOX_CLOSE_SECONDS + 5.0
"""Time for a worker to end its sandboxes, the CPU's and a device's, and remove their folders before it is killed."""


# ---------------------------------------------------------------- within the worker


def _serve(plan: Plan, requests: FrameReader, replies: int) -> None:
    with contextlib.ExitStack() as stack:
        try:
            sandbox = stack.enter_context(Sandbox(plan.python))
            on_device = stack.enter_context(Sandbox(plan.python, plan.device)) if plan.device else None
        except SandboxError as error:
            write_frame(replies, {"unusable": str(error)})
            return
        write_frame(replies, {"hello": sandbox.versions})
        try:
            Lane(plan, sandbox, on_device, replies).serve(requests)
        except BrokenPipeError:
            return
        except MachineLacking as error:
            write_frame(replies, {"unusable": str(error)})
        except (SandboxError, Lost) as error:
            write_frame(replies, {"broken": str(error), "trace": traceback.format_exc()})
        except Exception as error:
            if (lack := lacking(error, tempfile.gettempdir())) is not None:
                write_frame(replies, {"unusable": lack})
            else:
                write_frame(replies, {"broken": repr(error), "trace": traceback.format_exc()})


def main() -> NoReturn:
    """Be a worker: the plan comes in the first frame on standard input."""
    parent = os.getppid()

    def end(number: int, frame: object) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGTERM)
    # Nothing that is printed may get between the frames.
    replies = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        requests = FrameReader(0)
        frame = requests.read() if os.getppid() == parent else None
        if frame is not None:
            _serve(frame["plan"], requests, replies)
    # what is to be ended has ended: a signal now would only make the interpreter complain while it ends
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


# ---------------------------------------------------------------- seen from the campaign


class WorkerDied(Exception):
    """A worker's process is gone."""


class WorkerBroke(Exception):
    """A worker met something that it was not made for; `trace` is for those who mend it."""

    def __init__(self, message: str, trace: str) -> None:
        # with both, or it could not come back from another process
        super().__init__(message, trace)
        self.trace = trace

    def __str__(self) -> str:
        return str(self.args[0])


_START: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from harness.campaign.workers import main; main()"
)


class WorkerHandle:
    """A worker process, as the campaign sees it.

    `tasks` are the requests it has not answered.  It belongs to the thread that made it: on Linux the
    process dies with that thread.
    """

    def __init__(self, plan: Plan) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.versions: Versions | None = None
        # The same modules as here, wherever they were found.
        command = [sys.executable, "-c", _START, json.dumps(sys.path)]
        environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=environment,
            # Ctrl-C is for the campaign, which then ends its workers.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        self._reader = FrameReader(self._replies)
        self._write({"plan": plan})

    def fileno(self) -> int:
        """What to wait on for answers."""
        return self._replies

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, task: dict[str, Any]) -> None:
        """Send a request; `WorkerDied` if there is nobody to send it to."""
        self.tasks.append(task)
        self._write(task)

    def _write(self, frame: dict[str, Any]) -> None:
        try:
            write_frame(self._requests, frame)
        except BrokenPipeError:
            raise WorkerDied(self._end()) from None

    def answers(self) -> Iterator[dict[str, Any]]:
        """The answers that have arrived.

        Raises `WorkerDied`, `WorkerBroke`, or `SandboxError` if Warp cannot be used, or the machine lacks room
        or memory.
        """
        while True:
            try:
                frame = self._reader.read(time.monotonic())
            except OutOfTime:
                return
            if frame is None:
                raise WorkerDied(self._end())
            if "unusable" in frame:
                raise SandboxError(frame["unusable"])
            if "broken" in frame:
                raise WorkerBroke(frame["broken"], frame["trace"])
            if "hello" in frame:
                self.versions = frame["hello"]
                continue
            self.tasks.remove(self._answered(frame))
            yield frame

    def _answered(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The request that an answer answers; batches are answered in order."""
        if "results" in frame:
            return next(task for task in self.tasks if "verify" in task)
        return next(task for task in self.tasks if task.get("reduce") == frame["index"])

    def _end(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)
        status = self._process.poll()
        if status is not None and status < 0:
            return f"a worker died of {signal.Signals(-status).name}"
        return f"a worker ended with status {status}"

    def dismiss(self) -> None:
        """Tell the process to end, without waiting for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        """End the process, and wait until it is gone."""
        self.dismiss()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def find_cuda_device() -> str | None:
    """The first CUDA device that the driver knows of; None without a driver or a device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return None
    return "cuda:0" if count.value else None
