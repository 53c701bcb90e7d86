"""A Ray cluster on this machine."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
            for number in cores:
                # Ray waits 15 s for agents that choose their ports, too short for a busy machine.
                ports = dict(zip(AGENTS, _free_ports(len(AGENTS)), strict=True))
                nodes.add_node(
                    num_cpus=number,
                    object_store_memory=150 * 2**20,
                    include_dashboard=False,
                    **ports,
                )
            yield nodes.address
        finally:
            nodes.shutdown()


AGENTS = ("metrics_agent_port", "dashboard_agent_listen_port", "runtime_env_agent_port")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
