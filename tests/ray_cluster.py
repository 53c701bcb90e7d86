"""A Ray cluster on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from tempfile import TemporaryDirectory

import pytest


@contextmanager
def ray_cluster(*cores: int) -> Iterator[str]:
    """A cluster with a node for each number of cores; yields its address."""
    pytest.importorskip("ray", reason="Ray is an extra: python -m pip install -e '.[ray]'")
    from ray.cluster_utils import Cluster

    with TemporaryDirectory(prefix="ray-", dir="/tmp") as folder, pytest.MonkeyPatch.context() as m:
        m.setenv("RAY_TMPDIR", folder)  # the tests' own is too long for the paths of sockets
        nodes = Cluster()
        try:
            ports = count(FIRST_PORT)
            for number in cores:
                # Ray waits 15 s for the ports that its agents choose: too short on a busy machine.
                nodes.add_node(
                    num_cpus=number,
                    object_store_memory=150 * 2**20,
                    include_dashboard=False,
                    **{agent: next(ports) for agent in AGENTS},
                )
            yield nodes.address
        finally:
            nodes.shutdown()


AGENTS = (
    *("metrics_agent_port", "metrics_export_port"),
    *("dashboard_agent_listen_port", "runtime_env_agent_port"),
)
FIRST_PORT = 28_765
"""Below the ports that systems give to connections, which Ray's other parts may take meanwhile."""
