"""The workers of a campaign as tasks of a Ray cluster: `warpsmith grow --engine ray`.

A task is one batch, or the reduction of one failure.  What it answers depends on the plan and on the indices alone, so
a task whose node or process dies is run again elsewhere, by Ray, and the answer is the same.  Answers come back to the
one writer, which commits them in the order of their indices; so the corpus is the one that the same campaign leaves
without Ray, whatever the cluster did meanwhile.

Ray is imported here alone, and only where it is asked for; it comes with ``pip install 'warpsmith[ray]'``.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from harness.campaign.plan import Plan
from harness.campaign.workers import WorkerBroke, WorkerDied, WorkerHandle
from harness.jobs import Versions
from harness.sandbox import SandboxError

RETRIES: Final = -1
"""Ray runs a task again as often as its process or node dies: the campaign itself knows no lost batches."""

CONNECT_SECONDS: Final = 10.0
"""For reaching the address of a cluster: Ray itself tries for minutes."""

_ROOT: Final = Path(__file__).resolve().parents[2]


class RayMissing(Exception):
    """Ray is not installed."""

    def __init__(self) -> None:
        super().__init__("--engine ray needs Ray: pip install 'warpsmith[ray]'")


class NoCluster(Exception):
    """There is no Ray cluster at the address that was given."""


@contextlib.contextmanager
def cluster(address: str | None) -> Iterator[int]:
    """Connect to the cluster at `address`, or start one on this machine; yields how many CPUs it has.

    The nodes of a cluster need the same version of warpsmith, at the same place or installed.

    Raises `RayMissing` and `NoCluster`.
    """
    try:
        import ray
    except ImportError:
        raise RayMissing from None
    if address is not None:
        _reach(address)
    paths = [str(_ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    alone: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(paths)}},
            **alone,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise NoCluster(f"there is no Ray cluster to use at {address or 'this machine'}: {error}") from None
    try:
        yield max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise NoCluster(f"there is no Ray cluster to use at {address}: {error.strerror or error}") from None


# ---------------------------------------------------------------- on a node

#: The worker that the tasks of this process share: it keeps Warp and its header warm.
_kept: dict[Plan, WorkerHandle] = {}


def answer(plan: Plan, task: dict[str, Any]) -> tuple[dict[str, Any], Versions | None]:
    """What a worker answers to a request of the campaign, and the versions that it runs."""
    worker = _kept.get(plan)
    if worker is None:
        while _kept:
            _kept.popitem()[1].close()
        worker = _kept[plan] = WorkerHandle(plan)
        atexit.register(worker.close)
    try:
        worker.ask(task)
        while True:
            select.select([worker], [], [])
            for frame in worker.answers():
                return frame, worker.versions
    except BaseException:
        _kept.pop(plan).close()
        raise


# ---------------------------------------------------------------- seen from the campaign


class RayHandle:
    """A place for tasks on the cluster; to a campaign it is what a `WorkerHandle` is."""

    def __init__(self, plan: Plan) -> None:
        import ray

        self.tasks: list[dict[str, Any]] = []
        self.versions: Versions | None = None
        self._plan = plan
        self._ray = ray
        self._answer = ray.remote(num_cpus=1, max_retries=RETRIES)(answer)
        self._running: dict[Any, dict[str, Any]] = {}
        self._ready, self._finished = os.pipe()
        os.set_blocking(self._ready, False)

    def fileno(self) -> int:
        """What to wait on for answers."""
        return self._ready

    def ask(self, task: dict[str, Any]) -> None:
        """Have a task run on the cluster."""
        self.tasks.append(task)
        reference = self._answer.remote(self._plan, task)
        self._running[reference] = task
        reference.future().add_done_callback(self._tell)

    def _tell(self, future: Any) -> None:
        # From a thread of Ray; after the end nobody listens.
        with contextlib.suppress(OSError):
            os.write(self._finished, b".")

    def answers(self) -> Iterator[dict[str, Any]]:
        """The answers that have arrived.

        Raises `WorkerDied`, `WorkerBroke`, or `SandboxError` if Warp cannot be used on a node.
        """
        with contextlib.suppress(BlockingIOError):
            os.read(self._ready, 1 << 16)
        finished, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        for reference in finished:
            try:
                frame, versions = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                cause = error.cause
                if isinstance(cause, SandboxError | WorkerBroke | WorkerDied):
                    raise cause from None
                raise WorkerBroke(str(cause), str(error)) from None
            except self._ray.exceptions.RayError as error:
                raise WorkerDied(f"a task on the cluster was lost: {error}") from None
            self.tasks.remove(self._running.pop(reference))
            self.versions = versions
            yield frame

    def dismiss(self) -> None:
        """Have the running tasks ended, without waiting for it."""
        for reference in self._running:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=True)

    def close(self) -> None:
        """End the running tasks."""
        self.dismiss()
        self._running.clear()
        for pipe in (self._ready, self._finished):
            with contextlib.suppress(OSError):
                os.close(pipe)
