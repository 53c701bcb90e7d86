"""A Ray cluster on this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil
import pytest

from tests.ports import free_port

TRIES = 3
"""How often a cluster is started. Some of Ray's time limits cannot be set."""

PATIENT = {
    # Seconds. Busy machines start the processes of Ray slowly.
    **{"RAY_gcs_server_port_wait_time_s": "300", "RAY_gcs_server_request_timeout_seconds": "300"},
    **{"RAY_worker_register_timeout_seconds": "300", "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "300"},
    **{"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "120"},
    **{"RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "120"},
    # Milliseconds.
    **{"RAY_agent_register_timeout_ms": "300000", "RAY_health_check_initial_delay_ms": "120000"},
    **{"RAY_health_check_timeout_ms": "120000"},
    # What the tests do not need: processes in advance, metrics, and an end of the largest process.
    **{"RAY_enable_worker_prestart": "0", "RAY_enable_metrics_collection": "0"},
    **{"RAY_memory_monitor_refresh_ms": "0", "RAY_USAGE_STATS_ENABLED": "0"},
}
"""Ray's settings in the environment."""


@contextmanager
def ray_cluster(*cores: int) -> Iterator[str]:
    """A cluster with a node for each number of cores; yields its address.

    If it does not start, its logs stay, and the error says where.
    """
    # The folder of the tests is too long for the paths of sockets.
    folder = Path(mkdtemp(prefix="ray-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PATIENT.items():
            patch.setenv(name, value)  # some are read when Ray is imported
        patch.setenv("RAY_TMPDIR", str(folder))
        pytest.importorskip("ray", reason="Ray is an extra: python -m pip install -e '.[ray]'")
        _start_nodes_at_once(patch)
        nodes = _start(cores, folder)
        try:
            yield nodes.address
        finally:
            nodes.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def _start(cores: tuple[int, ...], folder: Path) -> Any:
    from ray.cluster_utils import Cluster

    failures = []
    before = set(psutil.Process().children(recursive=True))
    for _ in range(TRIES):
        nodes = Cluster()
        try:
            for number in cores:
                nodes.add_node(
                    num_cpus=number, object_store_memory=100 * 2**20, include_dashboard=False
                )
        except Exception as error:
            failures.append(error)
            nodes.shutdown()
            for process in set(psutil.Process().children(recursive=True)) - before:
                process.kill()
        else:
            return nodes
    raise ExceptionGroup(f"Ray does not start; its logs are in {folder}/ray", failures)


def _start_nodes_at_once(patch: pytest.MonkeyPatch) -> None:
    """Let nodes not wait for the ports of their dashboard agents, which nothing here uses.

    They wait for 15 seconds, whatever the settings are: too short on a busy machine.
    """
    from ray import _raylet as ray
    from ray._private import services

    original = services.start_raylet
    parameters = signature(original)
    unused = (
        *(ray.METRICS_AGENT_PORT_NAME, ray.METRICS_EXPORT_PORT_NAME),
        ray.DASHBOARD_AGENT_LISTEN_PORT_NAME,
    )

    def start(*arguments: Any, **options: Any) -> Any:
        bound = parameters.bind(*arguments, **options)
        node = bound.arguments
        for name in unused:
            ray.persist_port(node["session_dir"], node["node_id"], name, -1)
        node["runtime_env_agent_port"] = free_port()
        return original(*bound.args, **bound.kwargs)

    patch.setattr(services, "start_raylet", start)


def serve_replicas(model: str) -> list[psutil.Process]:
    """The processes of the replicas of a model that answer; none while that changes."""
    from ray import serve

    deployment = serve.status().applications[model].deployments[model]
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"ServeReplica:{model}" in " ".join((process.info["cmdline"] or [])[:1])
    ]
    return found if deployment.replica_states == {"RUNNING": len(found)} else []
