"""The definition of the catalogue's schema, as SQLModel classes.

Migrations are generated from it, and the search uses it. In addition, each embedding model has one
narrow table per modality, so that a price update does not touch a vector index, and embedding with
one model does not touch another model's index (docs/decisions/0001-vectors-stand-apart.md). These
tables are data: `catalog.model_tables` creates and drops them, and Alembic ignores them.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
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

# The text that is embedded. The title comes first, since encoders cut off the end of long texts.
DOCUMENT = (
    "trim(both E' \\n' from title"
    " || E'\\n' || trim(colour || ' ' || product_type || ' ' || gender || ' ' || usage)"
    " || E'\\n' || brand || E'\\n' || description)"
)
# Variants of a product have the same family: a hash of the title without its colour, sizes and
# numbers, and of other fields. `replace` needs no escaping of characters in the colour.
FAMILY = (
    "md5(lower(brand) || '|' || lower(product_type) || '|' || lower(gender) || '|'"
    " || regexp_replace(regexp_replace(replace(' ' || lower(title) || ' ',"
    " ' ' || lower(colour) || ' ', ' '),"
    " '\\m(xxs|xs|s|m|l|xl|xxl|xxxl|[0-9]+)\\M', '', 'g'), '[^[:alpha:]]+', ' ', 'g'))"
)
# The values of a product's facets, as keys such as "colour=navy blue"; see migration 0021.
FACET_KEYS = (
    "public.facet_keys(category, subcategory, product_type, gender, colour, brand, usage,"
    " attributes)"
)
FILLED_BY_TRIGGER = ("lexemes", "exact_keys")
"""Columns of `product` that only the trigger of migration 0022 writes. It fills them again in an
update that sets `lexemes` to NULL."""
# Graph degree and build-time beam width: pgvector's defaults, explicit because measured recall
# depends on them.
HNSW = {"m": 16, "ef_construction": 64}
FACET_KINDS = (
    *("type", "person", "colour", "brand", "occasion", "material", "pattern", "size", "other"),
)
FACET_ROLES = ("", "searched", "identifier")

_ZERO = {"server_default": "0"}
_EMPTY = {"server_default": ""}


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
    """A product of the shop, identified by its `sku`.

    `price` is what a shopper pays: filters and sorting use it. `regular_price` is only shown, and
    only while it is higher than `price`.
    """

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("sku"),
        CheckConstraint("sku <> ''", name="sku"),
        CheckConstraint("title <> ''", name="title"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("regular_price >= 0", name="regular_price"),
        Index(None, "price"),
        # The order of results without a query.
        Index(None, "in_stock", "id"),
        Index(None, "lexemes", postgresql_using="gin"),
        # For queries that equal a title, a SKU or another identifier.
        Index(None, "exact_keys", postgresql_using="gin"),
        Index(None, "family"),
        Index(None, "facets", postgresql_using="gin"),
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
    regular_price: Decimal | None = Field(None, sa_type=Numeric(12, 2))
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
    lexemes: str = Field(default=None, sa_column=Column(TSVECTOR))
    exact_keys: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(Text),
        nullable=False,
        sa_column_kwargs={"server_default": text("'{}'")},
    )
    family: str = _generated(Text, FAMILY)
    facets: list[str] = _generated(ARRAY(Text), FACET_KEYS)


class ProductImage(CatalogTable, table=True):
    """A picture of a product. The main picture has position 0.

    `path` is relative to `MEDIA_ROOT` and derived from `sha256`, the hash of the file; `width` and
    `height` are in pixels.
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
    """The address of a picture of a product, at its position in the product's list.

    `status` is empty until it is `fetched` or `dead`. `attempts` is the number of attempts; the
    last one was at `tried_at` and failed because of `reason`. `image_id` is the fetched picture,
    or NULL if the product already has the same picture from another address.
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
    """A text or picture that a model could not embed, so that it is not tried again.

    A failure is valid while `source` is the hash of the current text or picture. `image_id` is NULL
    if the product's text failed.
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
    """The group of variants of a product with pictures: `leader_id`, itself if it has no group.

    It was compared within `family` with `model` at `compared_at`; see `catalog.indexing.variants`.
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


class QueryLog(CatalogTable, table=True):
    """The words that shoppers searched for on a day.

    `misspelt` is the whole query as typed if its spelling was corrected, otherwise empty.
    `searches` counts the searches, `unanswered` those that found nothing without filters, and
    `results` is the number of products that the last one found. Queries with the same `key` are
    one query.
    """

    __tablename__ = "query_log"
    __table_args__ = (
        CheckConstraint("text <> '' AND length(text) <= 500", name="text"),
        Index(None, "key"),
        Index(None, "day"),
    )

    text: str = Field(sa_type=Text, primary_key=True)
    misspelt: str = Field("", sa_type=Text, primary_key=True, sa_column_kwargs=_EMPTY)
    day: date = Field(
        default=None,
        sa_type=Date,
        primary_key=True,
        sa_column_kwargs={"server_default": func.current_date()},
    )
    searches: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    unanswered: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    results: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    searched_at: datetime = _now()
    key: str = _generated(Text, "public.fold_text(text)")


class QueryEmbedding(CatalogTable, table=True):
    """The words of a query or of an embedding request, for one model.

    Without an `embedding`, the row is a request, by the database user `requested_by` unless a
    search made it. `attempts` is the number of attempts; the last one began at `claimed_at` and
    failed because of `reason`.
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
    requested_by: str = _line()
    attempts: int = Field(0, nullable=False, sa_column_kwargs=_ZERO)
    claimed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    reason: str = _line()


class Model(CatalogTable, table=True):
    """A model that has tables, and their properties; `catalog.model_tables` writes it."""

    __tablename__ = "model"

    name: str = Field(sa_type=Text, primary_key=True)
    label: str = _line(None)
    dimensions: int
    modalities: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    created_at: datetime = _now()


class Facet(CatalogTable, table=True):
    """A property of products that can be filtered, counted and understood in queries.

    `name` is a column of `product` or the folded name of an attribute. `kind` says what its values
    are. `source` is "starter", "automatic" or "admin". The values of a facet with the role
    "searched" are words of the search; one with the role "identifier" is searched whole, and is
    not shown.
    """

    __tablename__ = "facet"
    __table_args__ = (
        CheckConstraint(
            "name <> '' AND name = public.fold_text(name) AND name NOT LIKE '%=%'", name="name"
        ),
        CheckConstraint(f"kind IN {FACET_KINDS}", name="kind"),
        CheckConstraint(f"role IN {FACET_ROLES}", name="role"),
    )

    name: str = Field(sa_type=Text, primary_key=True)
    label: str = _line(None)
    kind: str = _line("other")
    position: int
    enabled: bool = Field(True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    source: str = _line("starter")
    role: str = _line()


class Synonym(CatalogTable, table=True):
    """A word or phrase of shoppers and what it means.

    `relation` is "both" (the two are equal), "one-way" (who asks for `phrase` is served by
    `meaning`) or "close" (the same, where there is nothing better). `source` is "starter", "admin",
    "import" or "meaning".
    """

    __tablename__ = "synonym"
    __table_args__ = (
        UniqueConstraint("phrase", "meaning", "language"),
        CheckConstraint("relation IN ('both', 'one-way', 'close')", name="relation"),
        CheckConstraint("phrase <> '' AND length(phrase) <= 100", name="phrase"),
        CheckConstraint("meaning <> '' AND length(meaning) <= 100", name="meaning"),
    )

    id: int | None = _identity()
    phrase: str = _line(None)
    meaning: str = _line(None)
    relation: str = _line("both")
    language: str = _line()
    source: str = _line("admin")
    enabled: bool = Field(True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    created_at: datetime = _now()
    phrase_key: str = _generated(Text, "public.phrase_key(phrase)")
    meaning_key: str = _generated(Text, "public.phrase_key(meaning)")


class UnknownWord(CatalogTable, table=True):
    """A word of logged queries that nothing explains; see `catalog.synonyms.unknown_words`.

    `searches` counts the searches with it, `unanswered` those of them that found nothing.
    `proposals` are the meanings proposed for it. A dismissed word is never suggested again.
    """

    __tablename__ = "unknown_word"
    __table_args__ = (CheckConstraint("word <> '' AND length(word) <= 100", name="word"),)

    word: str = Field(sa_type=Text, primary_key=True)
    searches: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    unanswered: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    proposals: list[dict[str, Any]] = Field(
        default_factory=list,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": text("'[]'::jsonb")},
    )
    dismissed: bool = Field(
        False, nullable=False, sa_column_kwargs={"server_default": text("false")}
    )


class Setting(CatalogTable, table=True):
    """A setting of the whole shop, not of a process; see `catalog.active_models`."""

    __tablename__ = "setting"

    name: str = Field(sa_type=Text, primary_key=True)
    value: str = _line(None)


class Calibration(CatalogTable, table=True):
    """The similarities of unrelated pairs for a model, by kind of query and of item.

    `quantiles` are the similarities that the shares `catalog.search.calibration.TAILS` of unrelated
    pairs exceed, in ascending order. `pairs` is the size of the sample, `products` the number of
    embedded products at that time.
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
FACET: Table = Facet.__table__  # type: ignore[attr-defined]
MODEL: Table = Model.__table__  # type: ignore[attr-defined]
SETTING: Table = Setting.__table__  # type: ignore[attr-defined]
SYNONYM: Table = Synonym.__table__  # type: ignore[attr-defined]


def embedding_table_name(model: str, modality: Modality) -> str:
    return f"{model}_{modality}"


def embedding_table(model: str, modality: Modality, dimensions: int | None = None) -> Table:
    """A model's table: `<model>_text` with a row per product, or `<model>_image` per picture.

    It does not belong to the metadata that Alembic uses. `dimensions` is needed only to create it.
    """
    name = embedding_table_name(model, modality)
    # Columns, not names: the referenced tables belong to another metadata.
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
