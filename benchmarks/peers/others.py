"""Engines of other projects, each as its manual shows hybrid search."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.collection import FACETS, TOP, Collection, Question

INDEXED_FROM = 50_000
"""Where LanceDB gets an index of vectors. Its manual advises a scan for fewer rows."""


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


@dataclass
class Lance:
    """LanceDB: vectors and BM25, joined by reciprocal ranks."""

    folder: Path
    name = "LanceDB"
    _table: Any = field(init=False)
    _joined: Any = field(init=False)

    def build(self, collection: Collection) -> None:
        import lancedb
        import pyarrow as pa
        from lancedb.rerankers import RRFReranker

        size = collection.vectors.shape[1]
        data = pa.table(
            {
                "sku": list(collection.skus),
                "words": list(collection.words),
                **{facet: list(collection.facets[facet]) for facet in FACETS},
                "vector": pa.FixedSizeListArray.from_arrays(
                    pa.array(collection.vectors.ravel()), size
                ),
            }
        )
        self._table = lancedb.connect(self.folder).create_table("item", data, mode="overwrite")
        self._table.create_fts_index("words")
        for facet in FACETS:
            self._table.create_scalar_index(facet, index_type="BITMAP")
        if len(collection.skus) >= INDEXED_FROM:
            self._table.create_index(metric="cosine", index_type="IVF_HNSW_SQ")
        self._joined = RRFReranker()

    def hybrid(self, question: Question) -> list[str]:
        search = self._table.search(query_type="hybrid").vector(question.vector)
        return self._skus(search.text(question.words).rerank(self._joined), question)

    def nearest(self, question: Question) -> list[str]:
        return self._skus(self._table.search(question.vector), question)

    def disk(self) -> int:
        return _bytes(self.folder)

    def computed(self) -> float:
        return 0.0

    def _skus(self, search: Any, question: Question) -> list[str]:
        search = search.distance_type("cosine").ef(100).refine_factor(4).nprobes(20)
        if question.facet:
            value = question.value.replace("'", "''")
            search = search.where(f"{question.facet} = '{value}'", prefilter=True)
        found = search.limit(TOP).to_arrow()
        return found["sku"].to_pylist()


@dataclass
class Milvus:
    """Milvus Lite: vectors and BM25, joined by reciprocal ranks."""

    folder: Path
    name = "Milvus Lite"
    _client: Any = field(init=False)

    def build(self, collection: Collection) -> None:
        from pymilvus import DataType, Function, FunctionType, MilvusClient

        self._client = MilvusClient(str(self.folder / "milvus.db"))
        schema = self._client.create_schema()
        schema.add_field("sku", DataType.VARCHAR, max_length=200, is_primary=True)
        analysis = {
            "tokenizer": "standard",
            "filter": ["lowercase", {"type": "stemmer", "language": "english"}],
        }
        schema.add_field(
            "words",
            DataType.VARCHAR,
            max_length=4000,
            enable_analyzer=True,
            analyzer_params=analysis,
        )
        for facet in FACETS:
            schema.add_field(facet, DataType.VARCHAR, max_length=400)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=collection.vectors.shape[1])
        schema.add_field("terms", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(
            Function(
                name="bm25",
                function_type=FunctionType.BM25,
                input_field_names=["words"],
                output_field_names=["terms"],
            )
        )
        indexes = self._client.prepare_index_params()
        # Its HNSW found .63 to .70 of the nearest behind filters, so it scans.
        indexes.add_index("vector", index_type="FLAT", metric_type="COSINE")
        indexes.add_index("terms", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        self._client.create_collection("item", schema=schema, index_params=indexes)
        rows = [
            {
                "sku": sku,
                "words": words,
                **{facet: collection.facets[facet][row] for facet in FACETS},
                "vector": collection.vectors[row],
            }
            for row, (sku, words) in enumerate(zip(collection.skus, collection.words, strict=True))
        ]
        for start in range(0, len(rows), 2000):
            self._client.insert("item", rows[start : start + 2000])
        self._client.flush("item")
        self._client.load_collection("item")

    def hybrid(self, question: Question) -> list[str]:
        from pymilvus import AnnSearchRequest, RRFRanker

        condition = self._condition(question)
        wanted = [
            AnnSearchRequest(
                [question.vector], "vector", {"metric_type": "COSINE"}, TOP, expr=condition
            ),
            AnnSearchRequest(
                [question.words], "terms", {"metric_type": "BM25"}, TOP, expr=condition
            ),
        ]
        [found] = self._client.hybrid_search("item", wanted, RRFRanker(), limit=TOP)
        return [hit["sku"] for hit in found]

    def nearest(self, question: Question) -> list[str]:
        [found] = self._client.search(
            "item",
            [question.vector],
            anns_field="vector",
            search_params={"metric_type": "COSINE"},
            limit=TOP,
            filter=self._condition(question),
        )
        return [hit["sku"] for hit in found]

    def disk(self) -> int:
        return _bytes(self.folder)

    def computed(self) -> float:
        return 0.0

    @staticmethod
    def _condition(question: Question) -> str:
        if not question.facet:
            return ""
        value = question.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{question.facet} == "{value}"'


@dataclass
class Chroma:
    """Chroma: vectors only, since its local version does not rank by words."""

    folder: Path
    name = "Chroma (vectors only)"
    _items: Any = field(init=False)

    def build(self, collection: Collection) -> None:
        import chromadb

        logging.getLogger("chromadb").setLevel(logging.ERROR)
        client = chromadb.PersistentClient(
            str(self.folder), settings=chromadb.Settings(anonymized_telemetry=False)
        )
        self._items = client.create_collection(
            "item",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 100}},
        )
        for start in range(0, len(collection.skus), 2000):
            part = slice(start, start + 2000)
            self._items.add(
                ids=list(collection.skus[part]),
                embeddings=collection.vectors[part],
                documents=list(collection.words[part]),
                metadatas=[
                    {facet: collection.facets[facet][row] for facet in FACETS}
                    for row in range(*part.indices(len(collection.skus)))
                ],
            )

    def hybrid(self, question: Question) -> list[str]:
        return self.nearest(question)

    def nearest(self, question: Question) -> list[str]:
        condition = {question.facet: question.value} if question.facet else None
        found = self._items.query(
            query_embeddings=[question.vector], n_results=TOP, where=condition, include=[]
        )
        return list(found["ids"][0])

    def disk(self) -> int:
        return _bytes(self.folder)

    def computed(self) -> float:
        return 0.0
