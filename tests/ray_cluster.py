"""A campaign on a Ray cluster of several nodes in this machine, one of which is killed: run by `tests/test_ray.py`.

python tests/ray_cluster.py CORPUS COUNT
"""

from __future__ import annotations

import sys
from pathlib import Path

from ray.cluster_utils import Cluster

from harness.campaign.campaign import Campaign
from harness.campaign.ray_engine import RayHandle, cluster
from harness.campaign.summary import Snapshot


def main(corpus: str, count: str) -> None:
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    extra = nodes.add_node(num_cpus=1)
    nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    killed: list[Snapshot] = []

    def kill(snapshot: Snapshot) -> None:
        # Every batch is asked for, and none is committed: whatever the node has done so far is lost with it.
        if not killed:
            killed.append(snapshot)
            nodes.remove_node(extra, allow_graceful=False)

    with cluster(nodes.address) as places:
        assert places == 3, places
        summary = Campaign(
            Path(corpus), seed=1, categories=("elementwise",), count=int(count), workers=places, engine=RayHandle
        ).run(kill)
    nodes.shutdown()
    print(f"verified {summary.verified}; a node was killed when there were {killed[0].verified}")


if __name__ == "__main__":
    main(*sys.argv[1:])
