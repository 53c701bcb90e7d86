"""The embedding worker: embeds requested query texts, and products soon after they change.

Several workers may run at the same time. Each request is claimed by one worker for `LEASE` seconds.
Products of one model and modality are embedded by one worker at a time. The unfinished work of a
killed worker is done by another one.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from sqlalchemy.exc import DBAPIError

from catalog.active_models import NoTables, models_in_use
from catalog.db.connection import DatabaseError, connect, open_session
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate, is_due
from catalog.indexing.heartbeat import Heartbeat
from catalog.indexing.hnsw import ensure_index
from catalog.indexing.job import is_any_pending
from catalog.indexing.planned_switch import PlannedSwitch
from catalog.indexing.switch_model import SwitchError
from catalog.indexing.variants import find_variants
from catalog.query_log import TRIES, prune
from catalog.reduction import stored_encoder
from catalog.search.vocabulary import refresh_vocabulary
from embedding.encoder import Encoder, EncoderError
from embedding.registry import Modality, ModelSpec, UnknownModel, get_spec

LEASE = 30
"""Seconds after which a claimed request is considered abandoned."""
MICRO_BATCH = 64
PASS_LIMIT = 256
"""Maximum number of texts or pictures to embed before checking whether to stop."""
POLL = 5.0
"""Seconds between checks of the tables, in case a notification is lost."""
IDLE_SHARE, BUSY_SHARE = 0.01, 0.1
"""Maximum share of time that each thread spends on checks that find no work: by polling, and after
notifications. Checking a million products takes a second, refreshing derived data a minute."""
REFRESH_INTERVAL = 60.0
"""Minimum number of seconds between refreshes of the data derived from all products."""

logger = logging.getLogger(__name__)

# The users in turn, so that nobody waits for the many requests of another.
CLAIM = """
UPDATE query_embedding q
   SET attempts = q.attempts + 1, claimed_at = clock_timestamp()
  FROM (SELECT e.text, e.model
          FROM query_embedding e
          JOIN (SELECT text, model,
                       row_number() OVER (PARTITION BY requested_by ORDER BY used_at) AS turn
                  FROM query_embedding
                 WHERE embedding IS NULL AND attempts < %(tries)s AND model = ANY(%(models)s)
                   AND (claimed_at BETWEEN clock_timestamp() - %(lease)s * interval '1 s'
                                       AND clock_timestamp()) IS NOT TRUE) AS waiting
         USING (text, model)
         WHERE e.embedding IS NULL
           AND (e.claimed_at BETWEEN clock_timestamp() - %(lease)s * interval '1 s'
                                 AND clock_timestamp()) IS NOT TRUE
         ORDER BY waiting.turn, e.used_at
         LIMIT %(limit)s
           FOR UPDATE OF e SKIP LOCKED) AS next
 WHERE (q.text, q.model) = (next.text, next.model)
RETURNING q.model, q.text
"""
STORE_EMBEDDING = """
UPDATE query_embedding
   SET embedding = %(embedding)s, embedded_at = now(), attempts = 0, claimed_at = NULL, reason = ''
 WHERE text = %(text)s AND model = %(model)s
"""
STORE_FAILURE = """
UPDATE query_embedding SET claimed_at = NULL, reason = %(reason)s
 WHERE text = %(text)s AND model = %(model)s
"""


class Worker:
    """Embeds query texts and products until told to stop.

    Args:
        encoder_for: returns the encoder of a model, by its name, with vectors as they are stored.
        poll: seconds between checks without a notification.
    """

    def __init__(
        self, encoder_for: Callable[[str], Encoder] = stored_encoder, poll: float = POLL
    ) -> None:
        self.encoder_for = encoder_for
        self.poll = poll
        self._heartbeat = Heartbeat()
        self._reported: dict[tuple[str, Modality], str] = {}
        self._needs_refresh = Event()
        self._switch = PlannedSwitch()
        self._switch_problem = ""
        self._refreshed_at = -REFRESH_INTERVAL

    def run(self, stop: Event) -> None:
        """Work until `stop` is set, reconnecting whenever the database becomes unavailable.

        Requests, products, derived data and a planned change of the default model are handled in
        separate threads. A requested query text never waits for products, and products never wait
        for a refresh of derived data.
        """
        others = [
            Thread(target=self._loop, args=(stop, channel, work), daemon=True)
            for channel, work in (
                ("search_requests", self.answer_requests),
                ("search_products", self.refresh_derived),
                ("search_products", self.switch_model),
            )
        ]
        for thread in others:
            thread.start()
        self._loop(stop, "search_products", self.embed_products)
        for thread in others:
            thread.join()
        with suppress(psycopg.OperationalError, DBAPIError, DatabaseError):
            self._heartbeat.end()

    def _loop(self, stop: Event, channel: str, work: Callable[[], int]) -> None:
        """Call `work` until it returns 0, after each notification on `channel` and every poll."""
        while not stop.is_set():
            try:
                with open_session() as listener:
                    listener.execute(f"LISTEN {channel}".encode())
                    while not stop.is_set():
                        started = time.monotonic()
                        if not work():
                            self._wait(listener, stop, time.monotonic() - started)
            except (psycopg.OperationalError, DBAPIError, DatabaseError) as error:
                logger.warning("the database is not available, retrying: %s", error)
                stop.wait(min(1.0, self.poll))
            except Exception:  # no error may end the loop
                logger.exception("unexpected error, retrying")
                stop.wait(self.poll)

    def answer_requests(self) -> int:
        """Embed a micro-batch of requested query texts; returns their number."""
        self._heartbeat.beat()
        models = [spec.name for spec in _enabled() if "text" in spec.modalities]
        with connect() as connection:
            rows = connection.exec_driver_sql(
                CLAIM, {"tries": TRIES, "models": models, "lease": LEASE, "limit": MICRO_BATCH}
            ).all()
        asked: dict[str, list[str]] = {}
        for model, words in rows:
            asked.setdefault(model, []).append(words)
        for model, texts in asked.items():
            self._answer(model, texts)
        return len(rows)

    def embed_products(self) -> int:
        """Embed some of the products that are new or have changed, as `embed_catalog` does.

        Returns the number of texts and pictures.
        """
        embedded = 0
        for spec, modality in _tasks():
            embedded += self._embed(spec, modality)
        return embedded

    def switch_model(self) -> int:
        """Continue with a planned change of the default model; returns whether work is left."""
        try:
            done = self._switch.advance(self.encoder_for)
        except (psycopg.OperationalError, DBAPIError):
            raise
        except SwitchError:
            return 0  # products were added, which are embedded first
        except (UnknownModel, NoTables, EncoderError) as error:
            if str(error) != self._switch_problem:
                logger.error("the default model cannot be changed: %s", error)
            self._switch_problem = str(error)
            return 0
        self._switch_problem = ""
        if done == "switched":
            logger.info("the default model has been changed")
            self._needs_refresh.set()  # variants are those of the default model
        return done == "embedded"

    def _embed(self, spec: ModelSpec, modality: Modality) -> int:
        if not is_any_pending(spec.name, modality):
            return 0
        try:
            summary = fill(
                self.encoder_for(spec.name),
                modality,
                batch_size=MICRO_BATCH,
                limit=PASS_LIMIT,
                wait=False,
            )
        except (psycopg.OperationalError, DBAPIError):
            raise
        except Exception as error:  # continue with the other models
            self._report(spec, modality, str(error))
            return 0
        self._reported.pop((spec.name, modality), None)
        if summary.embedded:
            self._needs_refresh.set()
            logger.info("%s %s: %s embedded", spec.name, modality, summary.embedded)
        return summary.embedded

    def _report(self, spec: ModelSpec, modality: Modality, reason: str) -> None:
        """Log why nothing is embedded, once until the reason changes."""
        if self._reported.get((spec.name, modality)) != reason:
            self._reported[spec.name, modality] = reason
            logger.error("%s %s: %s", spec.name, modality, reason)

    def refresh_derived(self) -> int:
        """Refresh calibration, variants, vocabulary and indexes if products were embedded.

        Runs at most once per `REFRESH_INTERVAL`. Returns 0, because no work is left.
        """
        age = time.monotonic() - self._refreshed_at
        if not self._needs_refresh.is_set() or age < REFRESH_INTERVAL:
            return 0
        self._needs_refresh.clear()  # first, so that products embedded meanwhile cause another one
        self._refreshed_at = time.monotonic()
        try:
            self._refresh()
        except Exception:
            self._needs_refresh.set()
            raise
        return 0

    def _refresh(self) -> None:
        with connect() as connection:
            refresh_vocabulary(connection)
            due = [spec for spec in _enabled() if is_due(connection, spec.name)]
        for spec in due:
            with suppress(EncoderError):  # reported where products are embedded
                calibrate(self.encoder_for(spec.name))
        for spec, modality in _tasks():
            ensure_index(spec.name, modality, wait=False)
        if (specs := _enabled()) and "image" in specs[0].modalities:
            find_variants(specs[0].name)
        prune()

    def _answer(self, model: str, texts: list[str]) -> None:
        vectors: Sequence[np.ndarray | Exception]
        try:
            vectors = list(self.encoder_for(model).encode_texts(texts))
        except Exception:  # find out which of the texts fails
            vectors = [self._try(model, words) for words in texts]
        with connect() as connection:
            for words, vector in zip(texts, vectors, strict=True):
                values: dict[str, Any] = {"text": words, "model": model}
                if isinstance(vector, Exception):
                    values["reason"] = f"{type(vector).__name__}: {vector}"
                    connection.exec_driver_sql(STORE_FAILURE, values)
                else:
                    values["embedding"] = HalfVector(vector)
                    connection.exec_driver_sql(STORE_EMBEDDING, values)

    def _try(self, model: str, words: str) -> np.ndarray | Exception:
        try:
            vector: np.ndarray = self.encoder_for(model).encode_texts([words])[0]
        except Exception as error:
            return error
        return vector

    def _wait(self, listener: psycopg.Connection, stop: Event, duration: float) -> None:
        """Wait for a notification or until the next check is due.

        `duration` is the number of seconds that the last check took.
        """
        if stop.wait(duration / BUSY_SHARE):
            return
        deadline = time.monotonic() + max(self.poll, duration / IDLE_SHARE)
        while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
            self._heartbeat.beat()  # a check that took long makes the next ones rare
            if any(listener.notifies(timeout=min(left, 0.25), stop_after=1)):
                return


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    """Run `worker` in a thread within the context; at the end it finishes its current batch."""
    stop = Event()
    thread = Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LEASE)


def _enabled() -> list[ModelSpec]:
    with connect() as connection:
        return [get_spec(name) for name in models_in_use(connection)]


def _tasks() -> list[tuple[ModelSpec, Modality]]:
    """What to embed: each modality of the models in use with the model that owns its embeddings."""
    tasks = [(get_spec(spec.owner(it)), it) for spec in _enabled() for it in spec.modalities]
    return list(dict.fromkeys(tasks))
