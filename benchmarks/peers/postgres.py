"""This project's search, and pgvector with full-text search as its users write it."""

from dataclasses import dataclass, field

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from sqlalchemy import Connection

from benchmarks.filters import computed_by, server_clock
from benchmarks.peers.collection import FACETS, TOP, Collection, Question
from catalog.db.embedded import embedded_url
from catalog.search.calibration import UNCALIBRATED
from catalog.search.filters import Filters
from catalog.search.fusion import Channel
from catalog.search.pipeline import SearchSpec, run_statements, search
from catalog.search.query_vectors import EncoderFor
from catalog.search.ranking_sql import Ranking, ranking_statement
from embedding.registry import Modality

QUANTILES = tuple(2 * it - 1 for it in UNCALIBRATED)
"""Matches that tell negative similarities apart, as those of words and pictures can be."""


@dataclass
class Shop:
    """The shop's search: it understands the words, fuses all signals, and counts facets too."""

    connection: Connection
    encoder_for: EncoderFor
    model: str
    modality: Modality
    name = "this project"

    def build(self, collection: Collection) -> None:
        """Nothing: the collection was read from its database."""

    def hybrid(self, question: Question) -> list[str]:
        filters = self._filters(question)
        spec = SearchSpec(
            question.words, filters=filters, model=self.model, limit=TOP, group_variants=False
        )
        return [hit.sku for hit in search(self.connection, spec, self.encoder_for).hits]

    def nearest(self, question: Question) -> list[str]:
        channel = Channel(self.model, self.modality, question.vector, QUANTILES, 1.0)
        ranking = Ranking(
            (channel,), filters=self._filters(question), limit=TOP, group_variants=False
        )
        [rows] = run_statements(self.connection, [ranking_statement(ranking)])
        return [row["sku"] for row in rows if row["sku"]]

    def disk(self) -> int:
        tables = ("product", "product_image", f"{self.model}_text%", f"{self.model}_image%")
        size = self.connection.exec_driver_sql(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relkind = 'r' AND relname LIKE ANY (%(tables)s)",
            {"tables": list(tables)},
        ).scalar_one()
        return int(size)

    def computed(self) -> float:
        return server_clock(self.connection)

    @staticmethod
    def _filters(question: Question) -> Filters:
        return Filters({question.facet: (question.value,)} if question.facet else {})


@dataclass
class HandWritten:
    """Two queries of pgvector and full-text search, joined by reciprocal ranks.

    As in the examples of pgvector-python, with an iterative scan, so that filters lose nothing.
    """

    ef_search: int = 200
    name = "pgvector by hand"
    _connection: psycopg.Connection = field(init=False)

    def build(self, collection: Collection) -> None:
        self._connection = psycopg.connect(embedded_url(database="peers"), autocommit=True)
        run = self._connection.execute
        run("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(self._connection)
        run("DROP TABLE IF EXISTS item")
        run(
            "CREATE TABLE item (sku text PRIMARY KEY, words text, category text, colour text,"
            f" embedding halfvec({collection.vectors.shape[1]}),"
            " terms tsvector GENERATED ALWAYS AS (to_tsvector('english', words)) STORED)"
        )
        columns = [collection.skus, collection.words, *(collection.facets[it] for it in FACETS)]
        with (
            self._connection.cursor() as cursor,
            cursor.copy(
                "COPY item (sku, words, category, colour, embedding) FROM STDIN (FORMAT binary)"
            ) as to,
        ):
            to.set_types(["text", "text", "text", "text", "halfvec"])
            for *cells, vector in zip(*columns, collection.vectors, strict=True):
                to.write_row((*cells, HalfVector(vector)))
        run("CREATE INDEX ON item USING hnsw (embedding halfvec_cosine_ops)")
        run("CREATE INDEX ON item USING gin (terms)")
        for facet in FACETS:
            run(f"CREATE INDEX ON item ({facet})".encode())
        run("ANALYZE item")
        run("SET hnsw.iterative_scan = relaxed_order")
        run(f"SET hnsw.ef_search = {self.ef_search}".encode())

    def hybrid(self, question: Question) -> list[str]:
        condition = f"AND {question.facet} = %(value)s" if question.facet else ""
        return self._skus(
            f"""
            WITH near AS (
                SELECT sku, rank() OVER (ORDER BY embedding <=> %(vector)s) AS rank FROM item
                 WHERE true {condition} ORDER BY embedding <=> %(vector)s LIMIT {TOP}),
            worded AS (
                SELECT sku, rank() OVER (ORDER BY ts_rank_cd(terms, query) DESC) AS rank
                  FROM item, plainto_tsquery('english', %(words)s) AS query
                 WHERE terms @@ query {condition}
                 ORDER BY ts_rank_cd(terms, query) DESC LIMIT {TOP})
            SELECT coalesce(near.sku, worded.sku)
              FROM near FULL JOIN worded ON near.sku = worded.sku
             ORDER BY coalesce(1.0 / (60 + near.rank), 0) + coalesce(1.0 / (60 + worded.rank), 0)
                 DESC LIMIT {TOP}""",
            question,
        )

    def nearest(self, question: Question) -> list[str]:
        condition = f"WHERE {question.facet} = %(value)s" if question.facet else ""
        return self._skus(
            f"SELECT sku FROM item {condition} ORDER BY embedding <=> %(vector)s LIMIT {TOP}",
            question,
        )

    def disk(self) -> int:
        row = self._connection.execute("SELECT pg_total_relation_size('item')").fetchone()
        return int(row[0]) if row else 0

    def computed(self) -> float:
        return computed_by(self._connection.info.backend_pid)

    def _skus(self, statement: str, question: Question) -> list[str]:
        values = {
            "vector": HalfVector(question.vector),
            "words": question.words,
            "value": question.value,
        }
        return [row[0] for row in self._connection.execute(statement.encode(), values)]
