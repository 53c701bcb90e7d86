"""The definition of the catalogue's schema, as SQLModel classes.

Migrations are generated from it, and the search uses it. In addition, each embedding model has one
narrow table per modality, so that a price update does not touch a vector index, and embedding with
one model does not touch another model's index (docs/decisions/0001-vectors-stand-apart.md). These
tables are data: `catalog.model_tables` creates and drops them, and Alembic ignores them.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from pgvector.sqlalchemy import BIT, HALFVEC
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
    Integer,
    LargeBinary,
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
FIELD_WORDS = "ts_filter(lexemes, '{a,b}'::\"char\"[])"
FILLED_BY_TRIGGER = ("lexemes", "exact_keys")
"""Columns of `product` that only the trigger of migration 0022 writes. It fills them again in an
update that sets `lexemes` to NULL."""
FILTER_COLUMNS = ("price", "in_stock", "facets")
"""Columns of `product` that are copied to the tables of signs, for filters."""
# Graph degree and build-time beam width: pgvector's defaults, explicit because measured recall
# depends on them.
HNSW = {"m": 16, "ef_construction": 64}
FACET_KINDS = (
    *("type", "person", "colour", "brand", "occasion", "material", "pattern", "size", "other"),
)
FACET_ROLES = ("", "searched", "identifier")

_ZERO = {"server_default": "0"}
_EMPTY = {"server_default": ""}
_NO_KEYS = {"server_default": "{}"}


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


def _now() -> Any:
    return Field(
        default=None,
        sa_type=DateTime(timezone=True),
        nullable=False,
        sa_column_kwargs={"server_default": func.now()},
    )


def _generated(type_: Any, expression: str) -> Any:
    return Field(default=None, sa_column=Column(type_, Computed(expression, persisted=True)))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").replace("`", "").split())


class CatalogTable(SQLModel):
    """A table; its docstring and those of its columns are also their comments in the database."""

    model_config = {"use_attribute_docstrings": True}
    metadata: ClassVar[MetaData] = metadata


class Product(CatalogTable, table=True):
    """A product of the shop, identified by its `sku`."""

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
        # The words of titles and attributes alone, for suggestions.
        Index("product_field_words_idx", text(FIELD_WORDS), postgresql_using="gin"),
        # For queries that equal a title, a SKU or another identifier.
        Index(None, "exact_keys", postgresql_using="gin"),
        Index(None, "family"),
        Index(None, "facets", postgresql_using="gin"),
    )

    id: int | None = _identity()
    """The key of the row."""
    sku: str = _line(None)
    """The shop's own number of the product."""
    title: str = _line(None)
    """The name to show."""
    description: str = _line()
    """A longer text; empty if there is none, as in all text columns."""
    brand: str = _line()
    """The name of the brand."""
    category: str = _line()
    """The broadest group of products, such as Apparel."""
    subcategory: str = _line()
    """A group within the category, such as Topwear."""
    product_type: str = _line()
    """What the product is, such as Shirts."""
    gender: str = _line()
    """For whom it is, such as Women or Boys."""
    colour: str = _line()
    """The base colour."""
    usage: str = _line()
    """The occasion, such as Casual."""
    price: Decimal | None = Field(None, sa_type=Numeric(12, 2))
    """What a shopper pays, for filters and sorting; NULL if it is not known."""
    regular_price: Decimal | None = Field(None, sa_type=Numeric(12, 2))
    """The price without a reduction; only shown, and only while it is higher than `price`."""
    currency: str = _line()
    """The code of the currency, such as EUR."""
    in_stock: bool = Field(True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    """Whether it can be bought now."""
    attributes: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": text("'{}'::jsonb")},
    )
    """Further properties: an object of a value or a list of values by name."""
    created_at: datetime = _now()
    """When the row was created."""
    updated_at: datetime = _now()
    """When its content or its pictures were last changed; triggers keep it."""
    document: str = _generated(Text, DOCUMENT)
    """The text that is embedded, made of other columns."""
    document_md5: str = _generated(Text, f"md5({DOCUMENT})")
    """The MD5 of `document`, by which changed texts are found."""
    lexemes: str = Field(default=None, sa_column=Column(TSVECTOR))
    """The words of the product for full-text search; a trigger fills it."""
    exact_keys: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(Text),
        nullable=False,
        sa_column_kwargs={"server_default": text("'{}'")},
    )
    """The title, the SKU and other identifiers, as compared with a whole query; a trigger fills
    it."""
    family: str = _generated(Text, FAMILY)
    """A hash that variants of a product have in common."""
    facets: list[str] = _generated(ARRAY(Text), FACET_KEYS)
    """The facet values as keys, such as colour=navy blue, for filters: facets &&
    ARRAY['colour=red']."""


class ProductImage(CatalogTable, table=True):
    """A picture of a product."""

    __tablename__ = "product_image"
    __table_args__ = (
        UniqueConstraint("product_id", "position"),
        Index("product_image_path_idx", "path", postgresql_using="hash"),
    )

    id: int | None = _identity()
    """The key of the row."""
    product_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("product.id", ondelete="CASCADE"), nullable=False)
    )
    """The product."""
    position: int = Field(0, nullable=False)
    """0 for the main picture."""
    path: str = _line(None)
    """The file, relative to the folder of pictures."""
    sha256: str = _line(None)
    """The SHA-256 of the file."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""


class ImageAddress(CatalogTable, table=True):
    """The address of a picture of a product, at its position in the product's list."""

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
    """The product."""
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """The place in the product's list of pictures, from 0."""
    url: str = _line(None)
    """The address."""
    status: str = _line()
    """Empty while the picture is to be fetched, then fetched or dead."""
    attempts: int = Field(0, nullable=False, sa_column_kwargs=_ZERO)
    """The number of attempts at fetching it."""
    reason: str = _line()
    """Why the last attempt failed."""
    tried_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When the last attempt was."""
    image_id: int | None = Field(
        sa_column=Column(
            BigInteger, ForeignKey("product_image.id", ondelete="SET NULL"), index=True
        )
    )
    """The fetched picture; NULL if the product has the same picture from another address."""


class EmbeddingFailure(CatalogTable, table=True):
    """A text or picture that a model could not embed, so that it is not tried again."""

    __tablename__ = "embedding_failure"
    __table_args__ = (
        UniqueConstraint("model", "product_id", "image_id", postgresql_nulls_not_distinct=True),
    )

    id: int | None = _identity()
    """The key of the row."""
    model: str = _line(None)
    """The name of the model."""
    product_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("product.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    """The product."""
    image_id: int | None = Field(
        sa_column=Column(BigInteger, ForeignKey("product_image.id", ondelete="CASCADE"), index=True)
    )
    """NULL if the product's text failed."""
    source: str = _line(None)
    """The hash of the text or picture: the failure is valid while it is the current one."""
    reason: str = _line(None)
    """Why it failed."""
    failed_at: datetime = _now()
    """When it failed."""


class ProductVariant(CatalogTable, table=True):
    """The group of variants of a product with pictures; see `catalog.indexing.variants`."""

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
    """The product."""
    leader_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("product.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    """The product that stands for the group; the product itself if it has no group."""
    family: str = _line(None)
    """The family of products that it was compared with."""
    model: str = _line(None)
    """The model whose pictures were compared."""
    compared_at: datetime = _now()
    """When it was compared."""


class Comparison(CatalogTable, table=True):
    """The verdict of a person on two lists of products for the same query; see docs/compare.md."""

    __tablename__ = "comparison"
    __table_args__ = (
        CheckConstraint("verdict IN ('left', 'right', 'equal')", name="verdict"),
        Index(None, "text"),
    )

    id: int | None = _identity()
    """The key of the row."""
    text: str = _line()
    """The words of the query; empty if there were none."""
    pictures: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(Text),
        nullable=False,
        sa_column_kwargs={"server_default": "{}"},
    )
    """The SHA-256 digests of the pictures of the query."""
    liked: str = _line()
    """The SKU of the product of the query, for "More like this"; empty if there was none."""
    filters: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, nullable=False, sa_column_kwargs=_NO_KEYS
    )
    """The filters, in the form that judgments have."""
    left_setup: str = _line(None)
    """The setup of the left column, such as "fashion+imagenet,fusion=rrf"."""
    right_setup: str = _line(None)
    """The setup of the right column."""
    left_skus: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    """The first products of the left column, as they were shown."""
    right_skus: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    """The first products of the right column."""
    verdict: str = _line(None)
    """Which column is better: left, right or equal."""
    username: str = _line()
    """Who judged; empty if nobody was logged in."""
    created_at: datetime = _now()
    """When it was judged."""


class QueryLog(CatalogTable, table=True):
    """The words that shoppers searched for on a day."""

    __tablename__ = "query_log"
    __table_args__ = (
        CheckConstraint("text <> '' AND length(text) <= 500", name="text"),
        Index(None, "key"),
        Index(None, "day"),
    )

    text: str = Field(sa_type=Text, primary_key=True)
    """What was searched for, with the spelling corrected."""
    misspelt: str = Field("", sa_type=Text, primary_key=True, sa_column_kwargs=_EMPTY)
    """The whole query as typed if its spelling was corrected, otherwise empty."""
    day: date = Field(
        default=None,
        sa_type=Date,
        primary_key=True,
        sa_column_kwargs={"server_default": func.current_date()},
    )
    """The day of the searches."""
    searches: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """The number of searches."""
    unanswered: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """The number of searches that found nothing without filters."""
    results: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """The number of products that the last search found."""
    total_ms: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """How long the searches took together, in milliseconds."""
    slowest_ms: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """How long the slowest of them took."""
    searched_at: datetime = _now()
    """When the last search was."""
    key: str = _generated(Text, "public.fold_text(text)")
    """The folded text: queries with the same key are one."""


class QueryEmbedding(CatalogTable, table=True):
    """The words of a query or of an embedding request, for one model."""

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
    """The words."""
    model: str = Field(sa_type=Text, primary_key=True)
    """The name of the model."""
    embedding: Any = Field(default=None, sa_column=Column(HALFVEC(), nullable=True))
    """The unit vector; NULL while it is requested."""
    embedded_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When it was embedded."""
    used_at: datetime = _now()
    """When the text was last searched for or requested."""
    requested_by: str = _line()
    """The database user who requested it; empty if a search of the shop did."""
    attempts: int = Field(0, nullable=False, sa_column_kwargs=_ZERO)
    """The number of attempts at embedding it."""
    claimed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When the last attempt began."""
    reason: str = _line()
    """Why the last attempt failed."""


class Model(CatalogTable, table=True):
    """A model that has tables, and their properties; `catalog.model_tables` writes it."""

    __tablename__ = "model"

    name: str = Field(sa_type=Text, primary_key=True)
    """The name, which is the key."""
    label: str = _line(None)
    """The name to show."""
    dimensions: int
    """The length of its vectors."""
    modalities: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    """What it embeds: text, image or both."""
    pictures: str = _line()
    """The model whose picture embeddings it uses; empty if it has its own."""
    binary: bool = Field(False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    """Whether its indexes contain the signs of its vectors only."""
    created_at: datetime = _now()
    """When the row was created."""


class Reduction(CatalogTable, table=True):
    """How the vectors of a model are reduced before they are stored; see `catalog.reduction`."""

    __tablename__ = "reduction"

    model: str = Field(sa_type=Text, primary_key=True)
    """The name of the model."""
    dimensions: int
    """The length of the reduced vectors."""
    components: bytes = Field(sa_type=LargeBinary, nullable=False)
    """The directions that remain, one after the other, in single precision, little-endian."""
    vectors: int
    """The number of vectors that they were fitted to."""
    fingerprint: str = _line()
    """The fingerprint of the model's files at that time."""
    fitted_at: datetime = _now()
    """When they were fitted."""


class EmbeddingVersion(CatalogTable, table=True):
    """The current version of a model's embeddings; see `catalog.indexing.versions`."""

    __tablename__ = "embedding_version"

    model: str = Field(sa_type=Text, primary_key=True)
    """The name of the model."""
    modality: str = Field(sa_type=Text, primary_key=True)
    """What is embedded: text or image."""
    number: int = Field(1, nullable=False, sa_column_kwargs={"server_default": "1"})
    """The number of the version; embeddings with a lower one are stale."""
    fingerprint: str = _line()
    """The fingerprint of the model's files; empty if it is not known."""
    started_at: datetime = _now()
    """When the version began."""


class IndexRecall(CatalogTable, table=True):
    """How many of the nearest embeddings the index of a model finds; see
    `catalog.indexing.recall`."""

    __tablename__ = "index_recall"
    __table_args__ = (CheckConstraint("recall BETWEEN 0 AND 1", name="recall"),)

    model: str = Field(sa_type=Text, primary_key=True)
    """The name of the model."""
    modality: str = Field(sa_type=Text, primary_key=True)
    """What its index contains: text or image."""
    recall: float = Field(sa_type=Double, nullable=False)
    """The share of the nearest embeddings that the index found, 0 to 1."""
    nearest: int
    """The number of nearest embeddings of each query."""
    queries: int
    """The number of stored queries that were compared."""
    measured_at: datetime = _now()
    """When it was measured."""


class Facet(CatalogTable, table=True):
    """A property of products that can be filtered, counted and understood in queries."""

    __tablename__ = "facet"
    __table_args__ = (
        CheckConstraint(
            "name <> '' AND name = public.fold_text(name) AND name NOT LIKE '%=%'", name="name"
        ),
        CheckConstraint(f"kind IN {FACET_KINDS}", name="kind"),
        CheckConstraint(f"role IN {FACET_ROLES}", name="role"),
    )

    name: str = Field(sa_type=Text, primary_key=True)
    """A column of product, or the folded name of an attribute."""
    label: str = _line(None)
    """The name to show."""
    kind: str = _line("other")
    """What the values are, such as type, person, colour or size."""
    position: int
    """The place among the filters."""
    enabled: bool = Field(True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    """Whether it is a filter."""
    source: str = _line("starter")
    """Where the row is from: starter, automatic or admin."""
    role: str = _line()
    """searched: its values are words of the search; identifier: it is searched whole, and not
    shown."""


class Synonym(CatalogTable, table=True):
    """A word or phrase of shoppers and what it means."""

    __tablename__ = "synonym"
    __table_args__ = (
        UniqueConstraint("phrase", "meaning", "language"),
        CheckConstraint("relation IN ('both', 'one-way', 'close')", name="relation"),
        CheckConstraint("phrase <> '' AND length(phrase) <= 100", name="phrase"),
        CheckConstraint("meaning <> '' AND length(meaning) <= 100", name="meaning"),
    )

    id: int | None = _identity()
    """The key of the row."""
    phrase: str = _line(None)
    """What a shopper may say."""
    meaning: str = _line(None)
    """A value of a facet or another phrase."""
    relation: str = _line("both")
    """both: the two are equal; one-way: who asks for the phrase is served by the meaning;
    close: the same, where there is nothing better."""
    language: str = _line()
    """The code of the language, such as de; empty for all."""
    source: str = _line("admin")
    """Where the row is from: starter, admin, import or meaning."""
    enabled: bool = Field(True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    """Whether it is used."""
    created_at: datetime = _now()
    """When the row was created."""
    phrase_key: str = _generated(Text, "public.phrase_key(phrase)")
    """The phrase as queries are compared with it."""
    meaning_key: str = _generated(Text, "public.phrase_key(meaning)")
    """The meaning as facet values and other phrases are compared with it."""


class UnknownWord(CatalogTable, table=True):
    """A word of logged queries that nothing explains; see `catalog.synonyms.unknown_words`."""

    __tablename__ = "unknown_word"
    __table_args__ = (CheckConstraint("word <> '' AND length(word) <= 100", name="word"),)

    word: str = Field(sa_type=Text, primary_key=True)
    """In lower case."""
    searches: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """The number of searches with it."""
    unanswered: int = Field(0, sa_type=BigInteger, nullable=False, sa_column_kwargs=_ZERO)
    """The number of those that found nothing."""
    proposals: list[dict[str, Any]] = Field(
        default_factory=list,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": text("'[]'::jsonb")},
    )
    """The meanings proposed for it."""
    dismissed: bool = Field(
        False, nullable=False, sa_column_kwargs={"server_default": text("false")}
    )
    """Whether it is never suggested again."""


class Setting(CatalogTable, table=True):
    """A setting of the whole shop, not of a process; see `catalog.active_models`."""

    __tablename__ = "setting"

    name: str = Field(sa_type=Text, primary_key=True)
    """The name, which is the key."""
    value: str = _line(None)
    """The value."""


class SearchWeights(CatalogTable, table=True):
    """The weights of the signals for a kind of query, if they are not the defaults; see
    `catalog.search.weights`.
    """

    __tablename__ = "search_weights"
    __table_args__ = (
        CheckConstraint("query IN ('words', 'both', 'picture', 'product')", name="query"),
        CheckConstraint(
            "structure BETWEEN 0 AND 1 AND lexical BETWEEN 0 AND 1 AND text BETWEEN 0 AND 1"
            " AND image BETWEEN 0 AND 1 AND structure + lexical + text + image > 0",
            name="weights",
        ),
        CheckConstraint("min_match BETWEEN 0 AND 1", name="min_match"),
        CheckConstraint("products BETWEEN 1 AND 1000", name="products"),
    )

    query: str = Field(sa_type=Text, primary_key=True)
    """The kind of query: words, picture, both or product."""
    structure: float = Field(sa_type=Double, nullable=False)
    """The weight of what was understood in the query."""
    lexical: float = Field(sa_type=Double, nullable=False)
    """The weight of the words that a product contains."""
    text: float = Field(sa_type=Double, nullable=False)
    """The weight of the embedding of a product's text."""
    image: float = Field(sa_type=Double, nullable=False)
    """The weight of the embeddings of its pictures."""
    min_match: float | None = Field(None, sa_type=Double)
    """The lowest match of a hit; NULL for the default."""
    products: int | None = None
    """How many products a search ranks; NULL for the setting `SEARCH_WINDOW`."""


class RequestCount(CatalogTable, table=True):
    """How many texts a database user has requested to embed in an hour."""

    __tablename__ = "request_count"

    role: str = Field(sa_type=Text, primary_key=True)
    """The database user."""
    texts: int
    """The number of texts, with those requested again."""
    since: datetime = _now()
    """When the hour began."""


class WorkerSign(CatalogTable, table=True):
    """An embedding worker that runs, and when it last said so; see `catalog.indexing.heartbeat`."""

    __tablename__ = "worker_sign"

    name: str = Field(sa_type=Text, primary_key=True)
    """The host and the number of the process."""
    started_at: datetime = _now()
    """When it was started."""
    seen_at: datetime = _now()
    """When it last looked for work."""


class Calibration(CatalogTable, table=True):
    """The similarities of unrelated pairs for a model, by kind of query and of item; see
    `catalog.search.calibration`.
    """

    __tablename__ = "calibration"

    model: str = Field(sa_type=Text, primary_key=True)
    """The name of the model."""
    query: str = Field(sa_type=Text, primary_key=True)
    """The kind of query: words, picture, both or product."""
    item: str = Field(sa_type=Text, primary_key=True)
    """What was compared with it: text or image."""
    quantiles: list[float] = Field(sa_type=ARRAY(Double), nullable=False)
    """The similarities that decreasing shares of unrelated pairs exceed, in ascending order."""
    pairs: int = Field(sa_type=BigInteger, nullable=False)
    """The number of pairs measured."""
    products: int = Field(sa_type=BigInteger, nullable=False)
    """The number of embedded products at that time."""
    fitted_at: datetime = _now()
    """When they were measured."""


for _class in CatalogTable.__subclasses__():
    _table: Table = _class.__table__  # type: ignore[attr-defined]
    _table.comment = _one_line(_class.__doc__)
    for _name, _field in _class.model_fields.items():
        _table.columns[_name].comment = _one_line(_field.description)

PRODUCT: Table = Product.__table__  # type: ignore[attr-defined]
PRODUCT_IMAGE: Table = ProductImage.__table__  # type: ignore[attr-defined]
IMAGE_ADDRESS: Table = ImageAddress.__table__  # type: ignore[attr-defined]
FACET: Table = Facet.__table__  # type: ignore[attr-defined]
EMBEDDING_VERSION: Table = EmbeddingVersion.__table__  # type: ignore[attr-defined]
MODEL: Table = Model.__table__  # type: ignore[attr-defined]
REDUCTION: Table = Reduction.__table__  # type: ignore[attr-defined]
SETTING: Table = Setting.__table__  # type: ignore[attr-defined]
SYNONYM: Table = Synonym.__table__  # type: ignore[attr-defined]


def embedding_table_name(model: str, modality: Modality) -> str:
    return f"{model}_{modality}"


def signs_table_name(model: str, modality: Modality) -> str:
    return f"{model}_{modality}_signs"


def nearby(dimensions: int, binary: bool, vector: str) -> str:
    """SQL of the distance of `e.embedding` to a vector by which a model's HNSW index is ordered.

    With `binary`, it is the number of differing signs.
    """
    if not binary:
        return f"e.embedding <=> {vector}"
    return f"{signs(dimensions, 'e.embedding')} <~> {signs(dimensions, vector)}"


def signs(dimensions: int, vector: str) -> str:
    """SQL of the signs of a vector, as a bit string."""
    return f"(binary_quantize({vector})::bit({dimensions}))"


def embedding_index(model: str, modality: Modality, dimensions: int, binary: bool) -> Index:
    """The HNSW index of a model's table, of its vectors or, with `binary`, of their signs."""
    name = f"{embedding_table_name(model, modality)}_embedding_hnsw"
    how: dict[str, Any] = {"postgresql_using": "hnsw", "postgresql_with": HNSW}
    if binary:
        return Index(name, text(f"{signs(dimensions, 'embedding')} bit_hamming_ops"), **how)
    return Index(name, "embedding", postgresql_ops={"embedding": "halfvec_cosine_ops"}, **how)


def embedding_table(
    model: str,
    modality: Modality,
    dimensions: int | None = None,
    *,
    binary: bool = False,
    is_partitioned: bool = False,
) -> Table:
    """A model's table: `<model>_text` with a row per product, or `<model>_image` per picture.

    It does not belong to the metadata that Alembic uses. `dimensions`, `binary` and
    `is_partitioned` are needed only to create it or its index.
    """
    name = embedding_table_name(model, modality)
    if modality == "text":
        source, hashed = "source_md5", "The MD5 of the text that was embedded."
    else:
        source, hashed = "source_sha256", "The SHA-256 of the picture file that was embedded."
    return Table(
        name,
        MetaData(naming_convention=metadata.naming_convention),
        *_embedding_keys(modality),
        Column(
            "embedding",
            HALFVEC(dimensions),
            nullable=False,
            comment="The unit vector; <=> is the cosine distance.",
        ),
        Column(source, Text, nullable=False, comment=hashed),
        Column(
            "embedded_at",
            DateTime(timezone=True),
            nullable=False,
            server_default=func.now(),
            comment="When it was embedded.",
        ),
        Column(
            "version",
            Integer,
            nullable=False,
            server_default="1",
            comment="The version of the model that it was embedded with; see embedding_version.",
        ),
        embedding_index(model, modality, dimensions or 0, binary),
        comment=f"The embeddings of the model {model}, one row for each "
        + ("product." if modality == "text" else "picture of a product."),
        **_partitioned(modality, is_partitioned),
    )


def signs_table(
    model: str,
    modality: Modality,
    dimensions: int | None = None,
    *,
    is_partitioned: bool = False,
) -> Table:
    """`<embedding table>_signs`: for each embedding its signs, and the columns of its product that
    filters look at most, so that an exact scan behind a filter reads short rows of one table.

    Triggers fill it (migration 0039). Like `embedding_table` it belongs to no metadata of Alembic;
    `dimensions` and `is_partitioned` are needed only to create it.
    """
    return Table(
        signs_table_name(model, modality),
        MetaData(naming_convention=metadata.naming_convention),
        *_embedding_keys(modality),
        Column("signs", BIT(dimensions), nullable=False, comment="Whether each value is positive."),
        *(_copied(PRODUCT.c[name]) for name in FILTER_COLUMNS),
        Index(None, "price"),
        Index(None, "facets", postgresql_using="gin"),
        comment=f"The signs of the embeddings in {embedding_table_name(model, modality)}, with what"
        " filters look at.",
        **_partitioned(modality, is_partitioned),
    )


def _partitioned(modality: Modality, is_partitioned: bool) -> dict[str, Any]:
    """The option of a table that is partitioned by its primary key."""
    key = "product_id" if modality == "text" else "image_id"
    return {"postgresql_partition_by": f"HASH ({key})"} if is_partitioned else {}


def _copied(column: Column[Any]) -> Column[Any]:
    comment = f"A copy of product.{column.name}."
    return Column(column.name, column.type, nullable=column.nullable, comment=comment)


def _embedding_keys(modality: Modality) -> list[Column[Any]]:
    """The columns that say whose embedding a row has."""
    # Columns, not names: the referenced tables belong to another metadata.
    product = ForeignKey(PRODUCT.c.id, ondelete="CASCADE")
    named: dict[str, Any] = {"primary_key": True, "autoincrement": False}
    if modality == "text":
        return [Column("product_id", BigInteger, product, **named, comment="The product.")]
    image = ForeignKey(PRODUCT_IMAGE.c.id, ondelete="CASCADE")
    owner: dict[str, Any] = {"nullable": False, "index": True, "comment": "Its product."}
    return [
        Column("image_id", BigInteger, image, **named, comment="The picture."),
        Column("product_id", BigInteger, product, **owner),
    ]
