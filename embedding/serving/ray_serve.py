"""Serves the protocol from a Ray cluster: replicas of each model, as many as the load needs.

Each model is an application of Ray Serve, whose replicas answer what is below `/models/NAME`. They
join waiting requests as a single server does. Ray is an optional dependency, so nothing else
imports this module.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from embedding.encoder import local_encoder
from embedding.errors import UserFacingError
from embedding.registry import get_spec
from embedding.serving.protocol import MAX_BODY, Kind
from embedding.serving.service import JSON, Answer, Failure, Service

MAX_ONGOING = 64
"""The number of requests that a replica has in progress. Further ones wait for a free replica."""

TARGET_ONGOING = 16
"""Replicas are added while each has more requests in progress than this, on average."""

MAX_QUEUED = 256
"""The number of requests that wait for a replica. Further ones are turned away."""

DRAIN_SECONDS = 20.0

FORWARDED_VARIABLES = ("VAR_DIR", "EMBEDDING_REGISTRY", "EMBEDDING_CHECKPOINTS")
"""Environment variables of this process that replicas have too."""


class RayServeError(UserFacingError, RuntimeError):
    """The models cannot be served; the message says what to do."""


class Replica:
    """Answers the requests about one model, or, without a model, those that find garments."""

    def __init__(self, models: tuple[str, ...], cores: int, is_batching: bool) -> None:
        os.environ["OMP_NUM_THREADS"] = str(cores)
        for name in models:
            local_encoder(name)  # Ray sends no requests before
        self._service = Service(models, is_batching=is_batching)
        self._threads = ThreadPoolExecutor(MAX_ONGOING, "answer")

    async def __call__(self, request: Any) -> Any:
        """Answer a request of Starlette with a response of it."""
        from starlette.responses import Response

        body = await request.body()
        if len(body) > MAX_BODY:
            answer = Failure(Kind.MALFORMED, f"more than {MAX_BODY} bytes").answer()
        else:
            loop = asyncio.get_running_loop()
            path = request.scope["path"]
            answer = await loop.run_in_executor(
                self._threads, self._service.answer, request.method, path, body
            )
        headers = answer.headers | {"Content-Type": answer.content_type}
        return Response(answer.body, answer.status.value, headers)


class Front:
    """Answers `/health`, and that there is no such model."""

    def __init__(self, models: tuple[str, ...]) -> None:
        self._models = models

    async def __call__(self, request: Any) -> Any:
        """See `Replica`."""
        from starlette.responses import Response

        if request.scope["path"] == "/health":
            answer = await asyncio.to_thread(self._health)
        else:
            message = f"there is no {request.scope['path']}; models: {', '.join(self._models)}"
            answer = Failure(Kind.UNKNOWN_MODEL, message).answer()
        headers = answer.headers | {"Content-Type": answer.content_type}
        return Response(answer.body, answer.status.value, headers)

    def _health(self) -> Answer:
        from ray import serve

        applications = serve.status().applications
        states = {
            name: "ready"
            if name in applications and applications[name].status == "RUNNING"
            else "loading"
            for name in self._models
        }
        return Answer(json.dumps({"models": states}).encode(), JSON)


def start(
    models: tuple[str, ...],
    *,
    address: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8100,
    replicas: tuple[int, int] = (1, 1),
    cores: int = 1,
    is_batching: bool = True,
) -> str:
    """Start the applications on a cluster, and return their URL when they answer.

    Applications that run already are replaced without a failed request. They go on when this
    process ends, unless it has started the cluster itself.

    Args:
        models: the names of the models.
        address: the address of a cluster that this machine belongs to, or `auto`. Without one, a
            cluster of this machine only is started.
        host, port: where the cluster's machines listen.
        replicas: the minimum and the maximum number of replicas of each model.
        cores: the number of cores of a replica; on a machine with GPUs it also has one of them.
        is_batching: join waiting requests; off only to measure what that gains.

    Raises:
        RayServeError: Ray is not installed or not reachable.
        UnknownModel, RegistryError: see `embedding.registry`.
    """
    for name in models:
        get_spec(name)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise RayServeError("--ray needs Ray: python -m pip install -e '.[ray]'") from error
    environment = {name: os.environ[name] for name in FORWARDED_VARIABLES if name in os.environ}
    if not ray.is_initialized():
        try:
            ray.init(
                address=address or "local",
                runtime_env={"env_vars": environment},
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = f"connect to Ray at {address}" if address else "start Ray on this machine"
            raise RayServeError(f"cannot {where}: {error}") from error
    has_gpus = bool(ray.cluster_resources().get("GPU"))
    quiet = serve.schema.LoggingConfig(log_level="WARNING", enable_access_log=False)
    serve.start(
        http_options={"host": host, "port": port, "location": "EveryNode"}, logging_config=quiet
    )
    least, most = replicas
    deployment = serve.deployment(
        max_ongoing_requests=MAX_ONGOING,
        max_queued_requests=MAX_QUEUED,
        graceful_shutdown_timeout_s=DRAIN_SECONDS,
        autoscaling_config={
            "min_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": TARGET_ONGOING,
        },
        ray_actor_options={"num_cpus": cores, "num_gpus": int(has_gpus)},
        logging_config=quiet,
    )
    for name in models:
        served = deployment(Replica).options(name=name).bind((name,), cores, is_batching)
        serve.run(served, name=name, route_prefix=f"/models/{name}", blocking=False)
    finder = serve.deployment(ray_actor_options={"num_cpus": 0}, logging_config=quiet)
    serve.run(
        finder(Replica).options(name="garments").bind((), cores, is_batching),
        name="garments",
        route_prefix="/garments",
    )
    front = serve.deployment(ray_actor_options={"num_cpus": 0}, logging_config=quiet)
    serve.run(front(Front).bind(models), name="front", route_prefix="/")
    return f"http://{host}:{port}"


def serve(models: tuple[str, ...], *, address: str | None = None, **options: Any) -> None:
    """Like `start`. On a cluster of this machine only, serve until SIGTERM or Ctrl-C."""
    stopped = Event()
    url = start(models, address=address, **options)
    print(f"The encoder server is at {url}", file=sys.stderr, flush=True)
    if address is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _signal, _frame: stopped.set())
        stopped.wait()
        stop()


def stop() -> None:
    """End the applications, when they have answered what they have begun, and leave the cluster."""
    import ray
    from ray import serve as ray_serve

    ray_serve.shutdown()
    ray.shutdown()
