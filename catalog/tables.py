"""The one definition of the catalogue's schema.

Alembic's migrations are generated from it, Django's models derived from it, and the search reads
it. These tables are SQLModel classes. Each model has one narrow table per modality besides, so that
a price update touches no vector index and one model's embeddings no other's
(docs/decisions/0001-vectors-stand-apart.md). Those tables are data: `catalog.indexing.model_tables`
creates and drops them, and Alembic leaves them alone.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from embedding.registry import Modality

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

# What is embedded: the title first, since encoders cut off long texts at the end.
DOCUMENT = (
    "trim(both E' \\n' from title"
    " || E'\\n' || trim(colour || ' ' || product_type || ' ' || gender || ' ' || usage)"
    " || E'\\n' || brand || E'\\n' || description)"
)
LEXEMES = (
    "setweight(to_tsvector('english', title || ' ' || brand || ' ' || sku), 'A')"
    " || setweight(to_tsvector('english', colour || ' ' || product_type || ' ' || subcategory"
    " || ' ' || category || ' ' || gender || ' ' || usage), 'B')"
    " || setweight(to_tsvector('english', description), 'C')"
)
# What variants of one product have in common, beside their pictures: the title without its own
# colour, its sizes and numbers. `replace` takes the colour as it is, whatever characters it has.
FAMILY = (
    "md5(lower(brand) || '|' || lower(product_type) || '|' || lower(gender) || '|'"
    " || regexp_replace(regexp_replace(replace(' ' || lower(title) || ' ',"
    " ' ' || lower(colour) || ' ', ' '),"
    " '\\m(xxs|xs|s|m|l|xl|xxl|xxxl|[0-9]+)\\M', '', 'g'), '[^[:alpha:]]+', ' ', 'g'))"
)
# Graph degree and build-time beam width: pgvector's defaults, spelt out because they are part of
# what a measured recall means.
HNSW = {"m": 16, "ef_construction": 64}


_ZERO = {"server_default": "0"}


def _identity() -> Any:
    return Field(
        default=None, sa_column=Column(BigInteger, Identity(always=False), primary_key=True)
    )


def _line(default: str | None = "") -> Any:
    """A text column that is never NULL; required where `default` is None."""
    if default is None:
        return Field(sa_type=Text, nullable=False)
    return Field(
        default, sa_type=Text, nullable=False, sa_column_kwargs={"server_default": default}
    )


def _now(**more: Any) -> Any:
    kwargs = {"server_default": func.now(), **more}
    return Field(
        default=None, sa_type=DateTime(timezone=True), nullable=False, sa_column_kwargs=kwargs
    )


def _generated(type_: Any, expression: str) -> Any:
    return Field(default=None, sa_column=Column(type_, Computed(expression, persisted=True)))


class CatalogTable(SQLModel):
    metadata: ClassVar[MetaData] = metadata


class Product(CatalogTable, table=True):
    """One product as the shop sells it. `sku` is its name in the world."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("sku"),
        CheckConstraint("sku <> ''", name="sku"),
        CheckConstraint("title <> ''", name="title"),
        CheckConstraint("price >= 0", name="price"),
        # The usual filters together, ending in the range: several times as fast as one by one.
        Index(None, "category", "gender", "colour", "price"),
        Index(None, "product_type", "gender", "colour", "price"),
        Index(None, "gender", "colour", "price"),
        Index(None, "colour", "price"),
        Index(None, "brand", "price"),
        Index(None, "price"),
        # The catalogue in the order in which it is browsed.
        Index(None, "in_stock", "id"),
        Index(None, "lexemes", postgresql_using="gin"),
        # The title as a query; a hash, since titles may be too long for a B-tree.
        Index("product_lower_title_idx", text("lower(title)"), postgresql_using="hash"),
        Index(None, "family"),
    )

    id: int | None = _identity()
    sku: str = _line(None)
    title: str = _line(None)
    description: str = _line()
    brand: str = _line()
    category: str = _line()
    subcategory: str = _line()
    product_type: str = _line()
    gender: str = _line()
    colour: str = _line()
    usage: str = _line()
    price: Decimal | None = Field(None, sa_type=Numeric(12, 2))
    currency: str = _line()
    in_stock: bool = Field(True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    attributes: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": text("'{}'::jsonb")},
    )
    created_at: datetime = _now()
    updated_at: datetime = _now(onupdate=func.now())
    document: str = _generated(Text, DOCUMENT)
    document_md5: str = _generated(Text, f"md5({DOCUMENT})")
    lexemes: str = _generated(TSVECTOR, LEXEMES)
    family: str = _generated(Text, FAMILY)


class ProductImage(CatalogTable, table=True):
    """A picture of a product; the one at position 0 is its main one.

    `path` is below `MEDIA_ROOT` and made of `sha256`, the hash of the file's bytes; `width` and
    `height` are pixels.
    """

    __tablename__ = "product_image"
    __table_args__ = (
        UniqueConstraint("product_id", "position"),
        Index("product_image_path_idx", "path", postgresql_using="hash"),
    )

    id: int | None = _identity()
    product_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("product.id", ondelete="CASCADE"), nullable=False)
    )
    position: int = Field(0, nullable=False)
    path: str = _line(None)
    sha256: str = _line(None)
    width: int
    height: int


class ImageAddress(CatalogTable, table=True):
    """An address at which a product's picture is to be had, in the order of the product's list.

    `status` is empty until it is `fetched` or `dead`; `attempts` were made, the last one at
    `tried_at` and failed for `reason`. `image_id` is the picture that came of it: NULL where the
    product has the very same picture from elsewhere.
    """

    __tablename__ = "image_address"
    __table_args__ = (
        CheckConstraint("status IN ('', 'fetched', 'dead')", name="status"),
        Index(
            "image_address_pending_idx",
            "product_id",
            "position",
            postgresql_where=text("status = ''"),
        ),
    )

    product_id: int = Field(
        sa_column=Column(
            BigInteger,
            ForeignKey("product.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        )
    )
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    url: str = _line(None)
    status: str = _line()
    attempts: int = Field(0, nullable=False, sa_column_kwargs=_ZERO)
    reason: str = _line()
    tried_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    image_id: int | None = Field(
        sa_column=Column(
            BigInteger, ForeignKey("product_image.id", ondelete="SET NULL"), index=True
        )
    )


class EmbeddingFailure(CatalogTable, table=True):
    """A text or picture that a model could not embed, so that it is not tried for ever.

    It counts for as long as `source`, the hash of what failed, is what the product still has.
    `image_id` is NULL where the product's text failed.
    """

    __tablename__ = "embedding_failure"
    __table_args__ = (
        UniqueConstraint("model", "product_id", "image_id", postgresql_nulls_not_distinct=True),
    )

    id: int | None = _identity()
    model: str = _line(None)
    product_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("product.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    image_id: int | None = Field(
        sa_column=Column(BigInteger, ForeignKey("product_image.id", ondelete="CASCADE"), index=True)
    )
    source: str = _line(None)
    reason: str = _line(None)
    failed_at: datetime = _now()


class ProductVariant(CatalogTable, table=True):
    """Of which product one with a picture is a variant: `leader_id`, itself where of none.

    `family` and `model` are what it was compared by, at `compared_at`: `catalog.indexing.variants`.
    """

    __tablename__ = "product_variant"
    __table_args__ = (
        Index(
            "product_variant_family_idx",
            "family",
            postgresql_where=text("product_id = leader_id"),
        ),
    )

    product_id: int = Field(
        sa_column=Column(
            BigInteger,
            ForeignKey("product.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        )
    )
    leader_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("product.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    family: str = _line(None)
    model: str = _line(None)
    compared_at: datetime = _now()


class QueryEmbedding(CatalogTable, table=True):
    """Words that somebody looked for, or asked to have embedded, under one model.

    Without an `embedding`, it is a request: `attempts` have been made, the last one begun at
    `claimed_at` and failed for `reason`. `searches` are shoppers' own; `unanswered` are those that
    found nothing, with no filter set; `results` is what the last one found.
    """

    __tablename__ = "query_embedding"
    __table_args__ = (
        CheckConstraint("text <> '' AND length(text) <= 500", name="text"),
        Index(None, "used_at"),
        Index(
            "query_embedding_requests_idx",
            "used_at",
            postgresql_where=text("embedding IS NULL"),
        ),
    )

    text: str = Field(sa_type=Text, primary_key=True)
    model: str = Field(sa_type=Text, primary_key=True)
    embedding: Any = Field(default=None, sa_column=Column(HALFVEC(), nullable=True))
    embedded_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    used_at: datetime = _now()
    searches: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    unanswered: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    results: int | None = Field(default=None, sa_type=BigInteger)
    attempts: int = Field(0, nullable=False, sa_column_kwargs=_ZERO)
    claimed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    reason: str = _line()


class Model(CatalogTable, table=True):
    """A model that has tables, and what they hold: `catalog.indexing.model_tables` writes here."""

    __tablename__ = "model"

    name: str = Field(sa_type=Text, primary_key=True)
    label: str = _line(None)
    dimensions: int
    modalities: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    created_at: datetime = _now()


class Setting(CatalogTable, table=True):
    """What is set for the shop as a whole, not for a process: see `catalog.active_models`."""

    __tablename__ = "setting"

    name: str = Field(sa_type=Text, primary_key=True)
    value: str = _line(None)


class Calibration(CatalogTable, table=True):
    """How close unrelated pairs come under a model, for one kind of query and of item.

    `quantiles` are the similarities that a share of `catalog.search.calibration.TAILS` of unrelated
    pairs exceeds, in ascending order. `products` were embedded when they were taken.
    """

    __tablename__ = "calibration"

    model: str = Field(sa_type=Text, primary_key=True)
    query: str = Field(sa_type=Text, primary_key=True)
    item: str = Field(sa_type=Text, primary_key=True)
    quantiles: list[float] = Field(sa_type=ARRAY(Double), nullable=False)
    pairs: int = Field(sa_type=BigInteger, nullable=False)
    products: int = Field(sa_type=BigInteger, nullable=False)
    fitted_at: datetime = _now()


PRODUCT: Table = Product.__table__  # type: ignore[attr-defined]
PRODUCT_IMAGE: Table = ProductImage.__table__  # type: ignore[attr-defined]
IMAGE_ADDRESS: Table = ImageAddress.__table__  # type: ignore[attr-defined]
MODEL: Table = Model.__table__  # type: ignore[attr-defined]


def embedding_table_name(model: str, modality: Modality) -> str:
    return f"{model}_{modality}"


def embedding_table(model: str, modality: Modality, dimensions: int | None = None) -> Table:
    """A model's table: `<model>_text`, a row a product, or `<model>_image`, a row a picture.

    It belongs to no metadata that Alembic looks at. `dimensions` are needed only to create it.
    """
    name = embedding_table_name(model, modality)
    # Columns, not names: the tables that it refers to are defined in another metadata.
    product = ForeignKey(PRODUCT.c.id, ondelete="CASCADE")
    if modality == "text":
        keys = [Column("product_id", BigInteger, product, primary_key=True, autoincrement=False)]
        source = "source_md5"
    else:
        image = ForeignKey(PRODUCT_IMAGE.c.id, ondelete="CASCADE")
        keys = [
            Column("image_id", BigInteger, image, primary_key=True, autoincrement=False),
            Column("product_id", BigInteger, product, nullable=False, index=True),
        ]
        source = "source_sha256"
    return Table(
        name,
        MetaData(naming_convention=metadata.naming_convention),
        *keys,
        Column("embedding", HALFVEC(dimensions), nullable=False),
        Column(source, Text, nullable=False),
        Column("embedded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index(
            f"{name}_embedding_hnsw",
            "embedding",
            postgresql_using="hnsw",
            postgresql_with=HNSW,
            postgresql_ops={"embedding": "halfvec_cosine_ops"},
        ),
    )
