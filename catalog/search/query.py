"""The query of a search: its text understood, its spelling corrected, its product looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from catalog.search.calibration import QueryKind
from catalog.search.filters import Filters
from catalog.search.fusion import UNKNOWN_RAISE, UNRELATED_RAISE
from catalog.search.search_spec import SearchSpec, UnknownProduct
from catalog.search.spelling import correct
from catalog.search.understanding import NOTHING, Parsed, parse
from catalog.search.vocabulary import get_vocabulary
from catalog.search.weights import Weights, default_weights, stored_weights
from catalog.text import fold
from embedding.registry import Modality


@dataclass(frozen=True, slots=True)
class Query:
    """A `SearchSpec` in the form that the models, full-text search and filters use."""

    spec: SearchSpec
    parsed: Parsed = NOTHING
    corrected: str = ""
    """The text if its spelling was corrected, otherwise empty."""
    product_id: int | None = None
    """The product to find similar products for."""
    all_weights: Mapping[QueryKind, Weights] = field(default_factory=default_weights)
    """The weights of the signals, by kind of query."""

    @property
    def weights(self) -> Weights:
        """The weights of the signals for this query."""
        return self.all_weights[self.kind]

    @property
    def words(self) -> str:
        """The words to search for."""
        return self.parsed.words

    @property
    def without(self) -> str:
        """Words that describe what the results should not resemble."""
        return ", ".join(filter(None, [self.parsed.avoided, self.spec.without]))

    @property
    def filters(self) -> Filters:
        """The filters of the search and the conditions of its text. The narrower price applies."""
        low = [it for it in (self.spec.filters.min_price, self.parsed.min_price) if it is not None]
        high = [it for it in (self.spec.filters.max_price, self.parsed.max_price) if it is not None]
        return replace(
            self.spec.filters,
            min_price=max(low, default=None),
            max_price=min(high, default=None),
            excluded=self.parsed.excluded,
            unwanted=self.parsed.unwanted,
        )

    @property
    def kind(self) -> QueryKind:
        if self.words and self.examples:
            return "both"
        if self.product_id is not None:
            return "product"
        return "picture" if self.spec.images else "words"

    @property
    def examples(self) -> int:
        """The number of example pictures and products."""
        return len(self.spec.images) + (self.product_id is not None)

    @property
    def picture_share(self) -> float:
        """The total weight of the examples, divided equally among them; the words have the rest."""
        if not self.examples:
            return 0.0
        return self.spec.blend if self.words else 1.0

    @property
    def certainty(self) -> float:
        """How certain it is that the text asks for what was understood, 0 to 1. A product type that
        comes from a correction is not certain."""
        typed = fold(self.spec.text)
        types = self.parsed.kinds.get("type", ())
        is_typed = all(fold(part.phrase) in typed for part in types)
        return self.parsed.certainty if is_typed else self.parsed.share

    @property
    def structure_share(self) -> float:
        """The share of the structure's weight that counts: little if most words are unknown, and
        none if only the examples count."""
        return self.certainty**2 * min(1.0, 2 * (1 - self.picture_share))

    @property
    def raised_by(self) -> float:
        """What unknown words add to the default minimum match."""
        if self.parsed.kinds or self.parsed.is_question:
            return UNKNOWN_RAISE * (1 - self.certainty)
        return UNRELATED_RAISE * (1 - self.parsed.share)

    @property
    def is_doubtful(self) -> bool:
        """Whether words come with examples, and it is not known what they ask for: they may mean
        nothing."""
        parsed = self.parsed
        is_known = parsed.share == 1 or (parsed.kinds and not parsed.is_question)
        return bool(self.words and self.picture_share and not is_known)

    def without_words(self) -> "Query":
        """The query with its examples alone; the conditions of its text still apply."""
        parsed = self.parsed
        conditions = replace(
            NOTHING,
            avoided=parsed.avoided,
            excluded=parsed.excluded,
            unwanted=parsed.unwanted,
            min_price=parsed.min_price,
            max_price=parsed.max_price,
            sort=parsed.sort,
            understood=parsed.understood,
        )
        return replace(self, parsed=conditions)

    @property
    def needs(self) -> set[Modality]:
        """The modalities that a model must have to encode the whole query."""
        words, pictures = bool(self.words or self.without), bool(self.spec.images)
        needed: dict[Modality, bool] = {"text": words, "image": pictures}
        return {modality for modality, is_needed in needed.items() if is_needed}


def build_query(connection: Connection, spec: SearchSpec) -> Query:
    """Correct the spelling of the text of `spec`, understand it, and look up the product.

    Raises:
        UnknownProduct: no product has the SKU `spec.like`.
    """
    parsed = parse(connection, spec.text) if spec.text else NOTHING
    corrected = None
    if spec.text and not spec.verbatim and not parsed.is_exact:
        stray = {fold(part.phrase) for part in parsed.understood if part.why == "stray"}
        corrected = correct(spec.text, get_vocabulary(connection), stray)
    if corrected:
        parsed = parse(connection, corrected)
    return Query(
        spec,
        parsed=parsed,
        corrected=corrected or "",
        product_id=_find_product(connection, spec.like) if spec.like else None,
        all_weights=stored_weights(connection) if spec.weights is None else spec.weights,
    )


def _find_product(connection: Connection, sku: str) -> int:
    found = connection.exec_driver_sql(
        "SELECT id FROM product WHERE sku = %(sku)s", {"sku": sku}
    ).scalar()
    if found is None:
        raise UnknownProduct(f"there is no product with the SKU {sku!r}")
    return int(found)
