"""Synthetic catalogues of any size, for tests and benchmarks of the SQL: products with facet values
of known frequency, and clustered unit vectors as embeddings. There are no picture files."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import psycopg
from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.indexing.hnsw import RAISE_MEMORY
from catalog.search.vocabulary import refresh_facet_values, refresh_vocabulary
from catalog.synonyms.starter import meaning
from catalog.tables import embedding_table_name, signs_table_name
from embedding.lexicon import read_lexicon
from embedding.registry import Modality, ModelSpec

SELECTIVITY = {"90 %": 0.9, "5 %": 0.05, "0.4 %": 0.004, "0.04 %": 0.0004}
"""Share of the products with each of these colours. Colours are independent of the vectors."""

CLUSTERS = 200
STYLES = 1000
BLOCK = 10_000
"""Number of products whose vectors are in memory at once."""


@dataclass(frozen=True)
class Synthetic:
    """The data of n products, whose ids count from 1.

    Their text embeddings, of d dimensions, are computed when they are read: a million take
    gigabytes. `labels` and `styles`, int (n,), are the numbers of their clusters and styles.
    """

    labels: np.ndarray
    styles: np.ndarray
    kind_vectors: np.ndarray
    """Float32 (`CLUSTERS`, d)."""
    style_vectors: np.ndarray
    """Float32 (`STYLES`, d)."""
    random: np.random.Generator
    """It draws by what products of a kind and style differ; copied for each use."""

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The ids, int (m,), and text embeddings, float32 (m, d), of `BLOCK` or fewer products."""
        rng = deepcopy(self.random)
        for start in range(0, len(self.labels), BLOCK):
            part = slice(start, start + BLOCK)
            kinds = self.kind_vectors[self.labels[part]]
            own = _unit(rng.normal(size=kinds.shape))
            vectors = _unit(kinds + 0.8 * self.style_vectors[self.styles[part]] + 0.6 * own)
            yield np.arange(start, start + len(vectors)) + 1, vectors

    @cached_property
    def vectors(self) -> np.ndarray:
        """All text embeddings, float32 (n, d)."""
        return np.concatenate([vectors for _, vectors in self.blocks()])

    def near(self, count: int, seed: int = 5) -> np.ndarray:
        """Query vectors: unit vectors near randomly chosen products, float32 (count, d)."""
        rng = np.random.default_rng(seed)
        chosen = 1 + rng.integers(len(self.labels), size=count)
        drawn = np.empty((count, self.kind_vectors.shape[1]), np.float32)
        for ids, vectors in self.blocks():
            inside = np.isin(chosen, ids)
            drawn[inside] = vectors[chosen[inside] - ids[0]]
        return _unit(drawn + 0.5 * rng.normal(size=drawn.shape) / drawn.shape[1] ** 0.5)

    def words(self, count: int, seed: int = 5) -> list[str]:
        """Query texts: the titles of the products of `near`, without their numbers."""
        drawn = np.random.default_rng(seed).integers(len(self.labels), size=count)
        return [title(self.labels[n], self.styles[n]) for n in drawn]


def title(label: int, style: int) -> str:
    return f"Kind{label} style{style}"


def clustered(products: int, dimensions: int, rng: np.random.Generator) -> Synthetic:
    """Unit vectors distributed like a catalogue's embeddings: the sum of a vector of the kind, one
    of the style, which products of other kinds share, and an individual one."""
    kinds = _unit(rng.normal(size=(CLUSTERS, dimensions)))
    styles = _unit(rng.normal(size=(STYLES, dimensions)))
    labels = rng.integers(CLUSTERS, size=products)
    before = deepcopy(rng)
    for start in range(0, products, BLOCK):  # the numbers of `Synthetic.blocks`
        rng.normal(size=(min(BLOCK, products - start), dimensions))
    chosen = rng.integers(STYLES, size=products)
    return Synthetic(labels, chosen, kinds, styles, before)


def fill_synthetic(
    connection: Connection, model: ModelSpec, products: int, *, seed: int = 1, pictures: int = 1
) -> Synthetic:
    """Fill an empty catalogue with `products` products and vectors of `model` in both modalities.

    Colours have the frequencies of `SELECTIVITY`. Categories depend on the clusters, so a category
    is far from most queries. Each product has `pictures` pictures. More than `BLOCK` products are
    committed in parts; until all are there, the HNSW indexes are missing.
    """
    rng = np.random.default_rng(seed)
    data = clustered(products, model.dimensions, rng)
    shade = rng.random(products)
    colours = np.full(products, "other", dtype=object)
    edge = 0.0
    for name in ("0.04 %", "0.4 %", "5 %", "90 %"):
        colours[(shade >= edge) & (shade < edge + SELECTIVITY[name])] = name
        edge += SELECTIVITY[name]
    driver = driver_connection(connection)
    embeddings = [embedding_table_name(model.name, it) for it in model.modalities]
    signs = [signs_table_name(model.name, it) for it in model.modalities]
    with driver.cursor() as cursor:
        indexes = _drop_indexes(cursor, ["product", *embeddings, *signs])
        _write_products(cursor, data, colours, rng)
        _write_embeddings(cursor, model, data, pictures, rng)
        # Not the whole database: autovacuum may hold other tables, and wait for this transaction.
        cursor.execute(f"ANALYZE {', '.join(embeddings)}".encode())
        for table, definition in indexes:
            cursor.execute(RAISE_MEMORY, {"table": table, "is_local": True})
            cursor.execute(definition)
        cursor.execute(f"ANALYZE product, product_image, {', '.join(signs)}".encode())
    refresh_facet_values(connection)
    return data


def describe(connection: Connection, products: int, *, values: int = 20_000, seed: int = 3) -> None:
    """Give the products `1..products` types, colours and other facets with the names of the
    starter synonyms, and brands and series, `values` in all.

    A value is the rarer, the later it is in the lexicon: the n-th has a share in proportion to 1/n.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, np.ndarray] = {}
    named = 0
    for kind, concepts in read_lexicon().items():
        names = np.array(list(dict.fromkeys(meaning(it) for it in concepts.values())))
        share = 1 / np.arange(1, len(names) + 1)
        drawn[kind] = rng.choice(names, products, p=share / share.sum())
        named += len(names)
    driver = driver_connection(connection)
    with driver.cursor() as cursor:
        cursor.execute(
            "INSERT INTO facet (name, label, kind, position)"
            " VALUES ('series', 'Series', 'other', 100)"
            " ON CONFLICT DO NOTHING"
        )
        cursor.execute(
            "CREATE TEMP TABLE described (id int8 PRIMARY KEY, type text, colour text, person text,"
            " occasion text, brand text, attributes jsonb) ON COMMIT DROP"
        )
        with cursor.copy("COPY described FROM STDIN") as copy:
            for number in range(products):
                brand, series = rng.integers((values - named) // 2, size=2)
                attributes = {
                    "Material": drawn["material"][number],
                    "Pattern": drawn["pattern"][number],
                    "Series": f"Series {series}",
                }
                row = [drawn[kind][number] for kind in ("type", "colour", "person", "occasion")]
                copy.write_row((number + 1, *row, f"Brand {brand}", json.dumps(attributes)))
        cursor.execute(
            "UPDATE product p SET title = p.title || ' ' || d.type, product_type = d.type,"
            " colour = d.colour, gender = d.person, usage = d.occasion, brand = d.brand,"
            " attributes = d.attributes FROM described d WHERE d.id = p.id"
        )
        cursor.execute("ANALYZE")
    refresh_vocabulary(connection)


def _write_products(
    cursor: psycopg.Cursor, data: Synthetic, colours: np.ndarray, rng: np.random.Generator
) -> None:
    products = len(data.labels)
    for start in range(0, products, BLOCK):
        if start:
            # Triggers take 7 kB for each product until the transaction ends.
            cursor.connection.commit()
        with cursor.copy(
            "COPY product (id, sku, title, category, colour, price, in_stock) FROM STDIN"
        ) as copy:
            for n in range(start, min(start + BLOCK, products)):
                named = f"{title(data.labels[n], data.styles[n])} {n + 1}"
                category = f"category {data.labels[n] % 20}"
                price, stock = float(rng.integers(100, 20000)) / 100, bool(rng.random() < 0.9)
                copy.write_row((n + 1, f"S{n + 1}", named, category, colours[n], price, stock))
    cursor.execute("SELECT setval(pg_get_serial_sequence('product', 'id'), %s)", [products])


def _write_embeddings(
    cursor: psycopg.Cursor,
    model: ModelSpec,
    data: Synthetic,
    pictures: int,
    rng: np.random.Generator,
) -> None:
    """Write the pictures, the embeddings and their signs."""
    # Without triggers and the checks of foreign keys, which would take most of the time.
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute(
        "INSERT INTO product_image (id, product_id, position, path, sha256, width, height)"
        " SELECT (p.id - 1) * %(n)s + k + 1, p.id, k, p.id || '.jpg', 'none', 1, 1"
        " FROM product p, generate_series(0, %(n)s - 1) AS k",
        {"n": pictures},
    )
    for ids, vectors in data.blocks():
        if "text" in model.modalities:
            columns = "product_id, embedding, source_md5"
            copy_vectors(cursor, f"{model.name}_text ({columns})", ids[:, None], vectors)
        near = np.repeat(vectors, pictures, axis=0)
        near = _unit(near + 0.3 * _unit(rng.normal(size=near.shape)))
        images = (ids[0] - 1) * pictures + 1 + np.arange(len(near))
        keys = np.stack([images, np.repeat(ids, pictures)], axis=1)
        columns = "image_id, product_id, embedding, source_sha256"
        copy_vectors(cursor, f"{model.name}_image ({columns})", keys, near)
    for modality in model.modalities:
        fill_signs(cursor, model.name, modality)
    cursor.execute("SET LOCAL session_replication_role = origin")


def copy_vectors(
    cursor: psycopg.Cursor, target: str, keys: np.ndarray, vectors: np.ndarray
) -> None:
    """Write rows of integer keys (n, k), vectors (n, d) and the text "synthetic"."""
    key = [("bytes", ">i4"), ("value", ">i8")]
    row = [
        *(("fields", ">i2"), ("keys", key, keys.shape[1])),
        *(("vector_bytes", ">i4"), ("dimensions", ">i2"), ("unused", ">i2")),
        *(("vector", ">f2", vectors.shape[1]), ("source_bytes", ">i4"), ("source", "S9")),
    ]
    rows = np.zeros(len(vectors), np.dtype(row))
    rows["fields"], rows["keys"]["bytes"], rows["keys"]["value"] = keys.shape[1] + 2, 8, keys
    rows["vector_bytes"], rows["dimensions"] = 4 + 2 * vectors.shape[1], vectors.shape[1]
    rows["vector"], rows["source_bytes"], rows["source"] = vectors, 9, b"synthetic"
    with cursor.copy(f"COPY {target} FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def fill_signs(cursor: psycopg.Cursor, model: str, modality: Modality) -> None:
    """Fill a table of signs, as its trigger does."""
    keys = "product_id" if modality == "text" else "image_id, product_id"
    cursor.execute(
        f"INSERT INTO {signs_table_name(model, modality)}"
        f" ({keys}, signs, price, in_stock, facets)"
        f" SELECT {keys}, binary_quantize(embedding), price, in_stock, facets"
        f" FROM {embedding_table_name(model, modality)} JOIN product ON id = product_id".encode()
    )


def _drop_indexes(cursor: psycopg.Cursor, tables: list[str]) -> list[tuple[str, bytes]]:
    """Drop the HNSW and GIN indexes, because building them after a fill is many times as fast;
    returns their tables and the statements that create them."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, indrelid::regclass::text, pg_get_indexdef(indexrelid)"
        " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam"
        " WHERE indrelid = ANY(%s::regclass[]) AND amname IN ('hnsw', 'gin')",
        [tables],
    )
    found = cursor.fetchall()
    for name, _, _ in found:
        cursor.execute(f"DROP INDEX {name}".encode())
    return [(table, definition.encode()) for _, table, definition in found]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
