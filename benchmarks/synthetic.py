"""Synthetic catalogues of any size, for tests and benchmarks of the SQL: products with facet values
of known frequency, and clustered unit vectors as embeddings. There are no picture files."""

import json
from dataclasses import dataclass

import numpy as np
import psycopg
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.search.vocabulary import refresh_facet_values, refresh_vocabulary
from catalog.synonyms.starter import meaning
from embedding.lexicon import read_lexicon
from embedding.registry import ModelSpec

SELECTIVITY = {"90 %": 0.9, "5 %": 0.05, "0.4 %": 0.004, "0.04 %": 0.0004}
"""Share of the products with each of these colours. Colours are independent of the vectors."""

CLUSTERS = 200
STYLES = 1000


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The data of n products, whose ids count from 1.

    `vectors`, float32 (n, d), are their text embeddings; `labels` and `styles`, int (n,), are the
    numbers of their clusters and styles.
    """

    vectors: np.ndarray
    labels: np.ndarray
    styles: np.ndarray

    def near(self, count: int, seed: int = 5) -> np.ndarray:
        """Query vectors: unit vectors near randomly chosen products, float32 (count, d)."""
        rng = np.random.default_rng(seed)
        drawn = self.vectors[rng.integers(len(self.vectors), size=count)]
        return _unit(drawn + 0.5 * rng.normal(size=drawn.shape) / drawn.shape[1] ** 0.5)

    def words(self, count: int, seed: int = 5) -> list[str]:
        """Query texts: the titles of the products of `near`, without their numbers."""
        drawn = np.random.default_rng(seed).integers(len(self.vectors), size=count)
        return [title(self.labels[n], self.styles[n]) for n in drawn]


def title(label: int, style: int) -> str:
    return f"Kind{label} style{style}"


def clustered(products: int, dimensions: int, rng: np.random.Generator) -> Synthetic:
    """Unit vectors distributed like a catalogue's embeddings: the sum of a vector of the kind, one
    of the style, which products of other kinds share, and an individual one."""
    kinds = _unit(rng.normal(size=(CLUSTERS, dimensions)))
    styles = _unit(rng.normal(size=(STYLES, dimensions)))
    labels = rng.integers(CLUSTERS, size=products)
    own = _unit(rng.normal(size=(products, dimensions)))
    chosen = rng.integers(STYLES, size=products)
    vectors = _unit(kinds[labels] + 0.8 * styles[chosen] + 0.6 * own)
    return Synthetic(vectors, labels, chosen)


def fill_synthetic(
    connection: Connection, model: ModelSpec, products: int, *, seed: int = 1, pictures: int = 1
) -> Synthetic:
    """Fill an empty catalogue with `products` products and vectors of `model` in both modalities.

    Colours have the frequencies of `SELECTIVITY`. Categories depend on the clusters, so a category
    is far from most queries. Each product has `pictures` pictures.
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
    with driver.cursor() as cursor:
        indexes = _drop_indexes(cursor, model)
        with cursor.copy(
            "COPY product (id, sku, title, category, colour, price, in_stock) FROM STDIN"
        ) as copy:
            for number in range(products):
                category = f"category {data.labels[number] % 20}"
                price, stock = float(rng.integers(100, 20000)) / 100, bool(rng.random() < 0.9)
                named = f"{title(data.labels[number], data.styles[number])} {number + 1}"
                row = (number + 1, f"S{number + 1}", named, category, colours[number], price, stock)
                copy.write_row(row)
        cursor.execute("SELECT setval(pg_get_serial_sequence('product', 'id'), %s)", [products])
        if "text" in model.modalities:
            _copy(cursor, f"{model.name}_text (product_id, embedding, source_md5)", data.vectors)
        cursor.execute(
            "INSERT INTO product_image (id, product_id, position, path, sha256, width, height)"
            " SELECT (p.id - 1) * %(n)s + k + 1, p.id, k, 'none.jpg', 'none', 1, 1"
            " FROM product p, generate_series(0, %(n)s - 1) AS k",
            {"n": pictures},
        )
        near = np.repeat(data.vectors, pictures, axis=0)
        near = _unit(near + 0.3 * _unit(rng.normal(size=near.shape)))
        owners = np.repeat(np.arange(products), pictures) + 1
        _copy(
            cursor,
            f"{model.name}_image (image_id, product_id, embedding, source_sha256)",
            near,
            owners,
        )
        for definition in indexes:
            cursor.execute(definition)
        # Not the whole database: autovacuum may hold other tables, and wait for this transaction.
        tables = [f"{model.name}_{modality}" for modality in model.modalities]
        cursor.execute(f"ANALYZE product, product_image, {', '.join(tables)}".encode())
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


def _drop_indexes(cursor: psycopg.Cursor, model: ModelSpec) -> list[bytes]:
    """Drop the HNSW indexes, because building them after a fill is many times as fast; returns the
    statements that create them."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE indrelid = ANY(%s::regclass[]) AND relname LIKE '%%hnsw'",
        [[f"{model.name}_{modality}" for modality in model.modalities]],
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}".encode())
    return [definition.encode() for _, definition in found]


def _copy(
    cursor: psycopg.Cursor, target: str, vectors: np.ndarray, owners: np.ndarray | None = None
) -> None:
    with cursor.copy(f"COPY {target} FROM STDIN (FORMAT binary)") as copy:
        ids = ["int8"] if owners is None else ["int8", "int8"]
        copy.set_types([*ids, "halfvec", "text"])
        for number, vector in enumerate(vectors):
            own = (number + 1,) if owners is None else (number + 1, int(owners[number]))
            copy.write_row((*own, HalfVector(vector), "synthetic"))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
