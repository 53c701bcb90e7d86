"""The one search pipeline: a `SearchSpec` becomes query vectors, one SQL statement, and hits.

The storefront, its tests and the benchmarks all come through `search`; nothing else ranks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import numpy as np
import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection

from catalog import config
from catalog.filters import Filters
from catalog.statement import SETTINGS, Statement, browse_statement, ranking_statement
from catalog.tables import EMBEDDINGS
from embedding.encoder import Encoder, encode_picture, get_encoder
from embedding.registry import Modality, ModelSpec, get_spec

MAX_LIMIT = 96


class SearchError(ValueError):
    """A search that cannot be run as asked; the message is for the one who asked."""


class UnknownProduct(SearchError):
    """No product has the SKU that was asked for."""


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """What is looked for. Without `text`, `image` and `like`, the catalogue itself.

    `image` is an encoded picture's bytes. `blend` is the picture's share where both words and a
    picture are given, 0 for the words alone, 1 for the picture alone. `like` is the SKU of a
    product whose like are wanted. `model` names a registry entry; "" is the default one.
    """

    text: str = ""
    image: bytes | None = field(default=None, repr=False)
    like: str = ""
    blend: float = 0.5
    filters: Filters = field(default_factory=Filters)
    model: str = ""
    limit: int = 24
    page: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", " ".join(self.text.replace("\x00", " ").split()))
        if not 0 <= self.blend <= 1:
            raise SearchError(f"the blend must lie between 0 and 1, not {self.blend}")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise SearchError(f"the number of results must be from 1 to {MAX_LIMIT}")
        if self.page < 1:
            raise SearchError(f"pages count from 1, not {self.page}")
        if self.like and (self.text or self.image):
            raise SearchError("look either for the like of a product, or for words and a picture")

    @property
    def ranks(self) -> bool:
        """Whether there is something to rank by."""
        return bool(self.text or self.image or self.like)


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason why a product was found: its rank from 1, and the cosine similarity."""

    rank: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found, with the picture that spoke for it, or its main one."""

    id: int
    sku: str
    title: str
    brand: str
    product_type: str
    colour: str
    price: Decimal | None
    currency: str
    in_stock: bool
    image_path: str | None
    image_width: int | None
    image_height: int | None
    score: float = 0.0
    signals: dict[Modality, Signal] = field(default_factory=dict)

    @property
    def match(self) -> float | None:
        """The best signal's similarity, 0 to 1; None where nothing was ranked."""
        if not self.signals:
            return None
        return min(1.0, max(0.0, *(signal.similarity for signal in self.signals.values()), 0.0))


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits. `total` counts what can be paged through: the products ranked, or the
    catalogue's own where nothing was looked for."""

    hits: tuple[Hit, ...]
    total: int
    spec: SearchSpec

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.spec.limit))


QueryVectors = dict[Modality, np.ndarray]
"""For each kind of item, the unit vector, float32 (d,), to compare its embeddings with."""


def search(
    connection: Connection,
    spec: SearchSpec,
    encoder_for: Callable[[str], Encoder] = get_encoder,
) -> Results:
    """Run `spec` and return its page.

    Raises:
        SearchError: the model cannot do what is asked, or is not known.
        UnknownProduct: `spec.like` is no product's SKU.
        ImageError: `spec.image` is not a picture.
    """
    if not spec.ranks:
        statement = browse_statement(spec.filters, spec.limit, (spec.page - 1) * spec.limit)
        return _results(spec, _run(connection, statement))
    name = spec.model or config.enabled_models()[0]
    vectors, liked = query_vectors(connection, spec, name, encoder_for)
    if not vectors:
        return Results((), 0, spec)
    statement = ranking_statement(
        name,
        vectors,
        spec.filters,
        window=max(config.search_window(), spec.limit),
        limit=spec.limit,
        offset=(spec.page - 1) * spec.limit,
        exclude=liked,
    )
    return _results(spec, _run(connection, statement))


def query_vectors(
    connection: Connection,
    spec: SearchSpec,
    model: str,
    encoder_for: Callable[[str], Encoder] = get_encoder,
) -> tuple[QueryVectors, int | None]:
    """What to compare each kind of embedding with, and the id of the product whose like is sought.

    Words and pictures are compared with both kinds; a product's text with texts, its main picture
    with pictures. No vectors: the product is not embedded yet.
    """
    known = get_spec(model)
    if spec.like:
        return _product_vectors(connection, spec.like, model)
    parts: list[tuple[float, np.ndarray]] = []
    blend = spec.blend if spec.text and spec.image else float(spec.image is not None)
    if spec.text and blend < 1:
        _require("text", known)
        parts.append((1 - blend, encoder_for(model).encode_texts([spec.text])[0]))
    if spec.image and blend > 0:
        _require("image", known)
        parts.append((blend, encode_picture(encoder_for(model), spec.image)))
    vector = interpolate(parts)
    return dict.fromkeys(known.modalities, vector), None


def interpolate(parts: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """The weighted sum of unit vectors, float32 (d,), brought back to unit length.

    Where the parts cancel out, the heaviest one stands alone.
    """
    total = np.sum([weight * vector for weight, vector in parts], axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        return max(parts, key=lambda part: part[0])[1]
    return np.asarray(total / length, dtype=np.float32)


def _require(modality: Modality, model: ModelSpec) -> None:
    if modality not in model.modalities:
        kind = {"text": "words", "image": "pictures"}[modality]
        able = [name for name in config.enabled_models() if modality in get_spec(name).modalities]
        other = f"; choose {' or '.join(able)}" if able else ""
        raise SearchError(f"the model {model.name} does not understand {kind}{other}")


def _product_vectors(
    connection: Connection, sku: str, model: str
) -> tuple[QueryVectors, int | None]:
    tables = EMBEDDINGS[model]
    columns = ", ".join(
        f"(SELECT e.embedding FROM {table.name} e LEFT JOIN product_image i ON {on}"
        f" WHERE e.product_id = p.id ORDER BY i.position LIMIT 1) AS {modality}"
        for modality, table in tables.items()
        for on in ["i.id = e.image_id" if modality == "image" else "false"]
    )
    row = (
        connection.exec_driver_sql(
            f"SELECT p.id, {columns} FROM product p WHERE p.sku = %(sku)s", {"sku": sku}
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise UnknownProduct(f"there is no product with the SKU {sku!r}")
    found = {modality: row[modality] for modality in tables if row[modality] is not None}
    return {kind: vector.to_numpy().astype(np.float32) for kind, vector in found.items()}, row["id"]


def _run(connection: Connection, statement: Statement) -> list[dict[str, Any]]:
    """Settings and statement in one round trip."""
    driver = cast(psycopg.Connection, connection.connection.driver_connection)
    with driver.pipeline():
        if "ef_search" in statement.parameters:
            driver.execute(SETTINGS, statement.parameters)
        cursor = driver.cursor(row_factory=dict_row)
        return cursor.execute(statement.sql, statement.parameters, binary=True).fetchall()


def _results(spec: SearchSpec, rows: list[dict[str, Any]]) -> Results:
    total = rows[0]["total"]
    return Results(tuple(_hit(row) for row in rows if row["id"] is not None), total, spec)


def _hit(row: dict[str, Any]) -> Hit:
    signals = {
        modality: Signal(rank, similarity)
        for modality, (rank, similarity) in (row.pop("signals", None) or {}).items()
    }
    del row["total"]
    return Hit(**row, signals=signals)
