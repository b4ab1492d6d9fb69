"""`warpsmith grow` on a Ray cluster of several nodes in this machine, one of which is killed while a batch is built on
it: run by `tests/test_ray.py`.

python tests/ray_cluster.py MARKS OPTION …
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from harness.campaign import ray_engine
from harness.campaign.plan import Plan
from harness.commands import run

#: Seconds between two looks at what has begun, much less than a batch takes.
TICK = 0.05


def marking(marks: str) -> Callable[[Plan, dict[str, Any]], Any]:
    """What a node does for a task, and before it leaves a file that says which batch it has begun."""

    def answer(plan: Plan, task: dict[str, Any]) -> Any:
        if "verify" in task:
            Path(marks, f"{ray.get_runtime_context().get_node_id()}-{task['verify'].start}").touch()
        return ray_engine.answer(plan, task)

    return answer


def begun(marks: Path, node: str) -> set[str]:
    """The batches that were begun on a node, by their first indices."""
    return {mark.name.rpartition("-")[2] for mark in marks.glob(f"{node}-*")}


def main(place: str, *options: str) -> int:
    marks = Path(place)
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    doomed, other = nodes.add_node(num_cpus=1), nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    lost: set[str] = set()

    class Handle(ray_engine.RayHandle):
        def __init__(self, plan: Plan) -> None:
            super().__init__(plan)
            self._answer = ray.remote(num_cpus=1, max_retries=ray_engine.RETRIES)(marking(place))

    def kill() -> None:
        while not begun(marks, doomed.node_id):
            time.sleep(TICK)
        nodes.remove_node(doomed, allow_graceful=False)
        lost.update(begun(marks, doomed.node_id))

    ray_engine.RayHandle = Handle  # type: ignore[misc]
    threading.Thread(target=kill, daemon=True).start()
    status = run(["grow", "--engine", "ray", "--address", nodes.address, *options])
    assert lost, "no batch was begun on the node that was to be killed"
    again = begun(marks, nodes.head_node.node_id) | begun(marks, other.node_id)
    assert lost <= again, f"{lost} were lost, of which {lost & again} were begun again"
    nodes.shutdown()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
