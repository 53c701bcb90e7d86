"""The embedding worker: words that were asked for, and products soon after they change.

Several may run. Each request is claimed by one of them for `LEASE` seconds; products of one model
and modality are embedded by one at a time. What a killed worker had in hand, another takes up.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.active_models import models_in_use
from catalog.db.connection import connect, connection_parameters
from catalog.indexing import fill
from catalog.indexing.calibrate import calibrate, is_due
from catalog.indexing.hnsw import ensure_index
from catalog.indexing.job import is_any_pending
from catalog.indexing.variants import find_variants
from catalog.query_log import TRIES, forget_oldest
from catalog.search.vocabulary import refresh_vocabulary
from embedding.encoder import Encoder, get_encoder
from embedding.registry import Modality, ModelSpec, get_spec, models

LEASE = 30
"""Seconds after which a claimed request counts as abandoned."""
MICRO_BATCH = 64
SLICE = 256
"""Texts or pictures embedded before it is looked whether to stop."""
POLL = 5.0
"""Seconds between looks at the tables, should a notification be lost."""
IDLE_SHARE, BUSY_SHARE = 0.01, 0.1
"""How much of the time each of its threads may look for work and find none, unasked and when
notified: a look at a million products takes a second, tidying up a minute."""
TIDY = 60.0
"""Seconds between refreshes of what is derived from changed products, at the least."""

logger = logging.getLogger(__name__)

CLAIM = """
UPDATE query_embedding q
   SET attempts = q.attempts + 1, claimed_at = clock_timestamp()
  FROM (SELECT text, model
          FROM query_embedding
         WHERE embedding IS NULL AND attempts < %(tries)s AND model = ANY(%(models)s)
           AND (claimed_at IS NULL OR claimed_at < clock_timestamp() - %(lease)s * interval '1 s')
         ORDER BY used_at
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED) AS next
 WHERE (q.text, q.model) = (next.text, next.model)
RETURNING q.model, q.text
"""
ANSWER = """
UPDATE query_embedding
   SET embedding = %(embedding)s, embedded_at = now(), attempts = 0, claimed_at = NULL, reason = ''
 WHERE text = %(text)s AND model = %(model)s
"""
REFUSE = """
UPDATE query_embedding SET claimed_at = NULL, reason = %(reason)s
 WHERE text = %(text)s AND model = %(model)s
"""


class Worker:
    """Embeds until told to stop.

    Args:
        encoder_for: a model's encoder by its name.
        poll: seconds between looks without a notification.
    """

    def __init__(
        self, encoder_for: Callable[[str], Encoder] = get_encoder, poll: float = POLL
    ) -> None:
        self.encoder_for = encoder_for
        self.poll = poll
        self._untidy = Event()
        self._tidied = -TIDY

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; a database that goes away is waited for.

        Words are answered in a thread of their own: who asked for them waits, and must not wait for
        a thousand products. Nor must a changed product wait for what rests on all of them.

        Raises:
            RegistryError: the registry cannot be read from the start.
        """
        models()
        others = [
            Thread(target=self._loop, args=(stop, channel, work), daemon=True)
            for channel, work in (
                ("search_requests", self.answer_requests),
                ("search_products", self.tidy),
            )
        ]
        for thread in others:
            thread.start()
        self._loop(stop, "search_products", self.embed_products)
        for thread in others:
            thread.join()

    def _loop(self, stop: Event, channel: str, work: Callable[[], int]) -> None:
        """Do `work` until nothing is left, whenever `channel` is notified, and now and then."""
        while not stop.is_set():
            try:
                with psycopg.connect(
                    **connection_parameters(),  # type: ignore[arg-type]
                    autocommit=True,
                ) as listener:
                    listener.execute(f"LISTEN {channel}".encode())
                    while not stop.is_set():
                        started = time.monotonic()
                        if not work():
                            self._wait(listener, stop, time.monotonic() - started)
            except (psycopg.OperationalError, DBAPIError) as error:
                logger.warning("the database does not answer, trying again: %s", error)
                stop.wait(min(1.0, self.poll))
            except Exception:  # the loop is all that answers: it goes on, whatever happens
                logger.exception("trying again")
                stop.wait(self.poll)

    def answer_requests(self) -> int:
        """Embed a micro-batch of the words that were asked for; returns how many there were."""
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
        """Embed some of what is new or has changed, as `embed_catalog` does; returns how many texts
        and pictures there were."""
        embedded = 0
        for spec in _enabled():
            for modality in spec.modalities:
                embedded += self._embed(spec, modality)
        return embedded

    def _embed(self, spec: ModelSpec, modality: Modality) -> int:
        if not is_any_pending(spec.name, modality):
            return 0
        try:
            summary = fill(
                self.encoder_for(spec.name),
                modality,
                batch_size=MICRO_BATCH,
                limit=SLICE,
                wait=False,
            )
        except (psycopg.OperationalError, DBAPIError):
            raise
        except Exception as error:  # the model is at fault, and others may not be
            logger.error("%s %s: %s", spec.name, modality, error)
            return 0
        if summary.embedded:
            self._untidy.set()
            logger.info("%s %s: %s embedded", spec.name, modality, summary.embedded)
        return summary.embedded

    def tidy(self) -> int:
        """Renew what rests on all products, calibration, variants and the vocabulary, if any was
        embedded since the last time, and that is a while ago; returns 0, for there is no more."""
        if not self._untidy.is_set() or time.monotonic() - self._tidied < TIDY:
            return 0
        self._untidy.clear()  # first: what is embedded meanwhile is for the next time
        self._tidied = time.monotonic()
        try:
            self._tidy()
        except Exception:
            self._untidy.set()
            raise
        return 0

    def _tidy(self) -> None:
        with connect() as connection:
            refresh_vocabulary(connection)
            for spec in _enabled():
                if is_due(connection, spec.name):
                    calibrate(connection, self.encoder_for(spec.name))
        for spec in _enabled():
            for modality in spec.modalities:
                ensure_index(spec.name, modality, wait=False)
        default = _enabled()[0]
        if "image" in default.modalities:
            find_variants(default.name)
        if size := config.query_log():
            forget_oldest(size)

    def _answer(self, model: str, texts: list[str]) -> None:
        vectors: Sequence[np.ndarray | Exception]
        try:
            vectors = list(self.encoder_for(model).encode_texts(texts))
        except Exception:  # whatever a model may raise: which of the texts is it?
            vectors = [self._try(model, words) for words in texts]
        with connect() as connection:
            for words, vector in zip(texts, vectors, strict=True):
                values: dict[str, Any] = {"text": words, "model": model}
                if isinstance(vector, Exception):
                    values["reason"] = f"{type(vector).__name__}: {vector}"
                    connection.exec_driver_sql(REFUSE, values)
                else:
                    values["embedding"] = HalfVector(vector)
                    connection.exec_driver_sql(ANSWER, values)

    def _try(self, model: str, words: str) -> np.ndarray | Exception:
        try:
            vector: np.ndarray = self.encoder_for(model).encode_texts([words])[0]
        except Exception as error:
            return error
        return vector

    def _wait(self, listener: psycopg.Connection, stop: Event, looking: float) -> None:
        """Until something is asked for or has changed, or it is time to look.

        `looking` is how many seconds the last look took.
        """
        if stop.wait(looking / BUSY_SHARE):
            return
        deadline = time.monotonic() + max(self.poll, looking / IDLE_SHARE)
        while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if any(listener.notifies(timeout=min(left, 0.25), stop_after=1)):
                return


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    """Have it work in a thread of its own; at the end, what it has in hand is finished."""
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
