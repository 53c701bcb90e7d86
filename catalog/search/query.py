"""The query of a search: its text parsed, its spelling corrected, its product looked up."""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.search.calibration import QueryKind
from catalog.search.query_syntax import parse_text
from catalog.search.search_spec import SearchSpec, UnknownProduct
from catalog.search.spelling import correct
from catalog.search.vocabulary import get_vocabulary
from embedding.registry import Modality


@dataclass(frozen=True, slots=True)
class Query:
    """A `SearchSpec` in the form that the models, full-text search and filters use."""

    spec: SearchSpec
    words: str = ""
    """The words to search for, with their spelling corrected."""
    corrected: str = ""
    """The same words if their spelling was corrected, otherwise empty."""
    without: str = ""
    """Words that describe what the results should not resemble."""
    excluded: tuple[str, ...] = ()
    """Words and phrases that no result may contain."""
    product_id: int | None = None
    """The product to find similar products for."""

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
    def needs(self) -> set[Modality]:
        """The modalities that a model must have to encode the whole query."""
        words, pictures = bool(self.words or self.without), bool(self.spec.images)
        needed: dict[Modality, bool] = {"text": words, "image": pictures}
        return {modality for modality, is_needed in needed.items() if is_needed}


def build_query(connection: Connection, spec: SearchSpec) -> Query:
    """Parse the text of `spec`, correct its spelling and look up its product.

    Raises:
        UnknownProduct: no product has the SKU `spec.like`.
    """
    text = parse_text(spec.text)
    corrected = None
    if text.words and not spec.verbatim:
        corrected = correct(text.words, get_vocabulary(connection))
    return Query(
        spec,
        words=corrected or text.words,
        corrected=corrected or "",
        without=", ".join(filter(None, [text.without, spec.without])),
        excluded=text.excluded,
        product_id=_find_product(connection, spec.like) if spec.like else None,
    )


def _find_product(connection: Connection, sku: str) -> int:
    found = connection.exec_driver_sql(
        "SELECT id FROM product WHERE sku = %(sku)s", {"sku": sku}
    ).scalar()
    if found is None:
        raise UnknownProduct(f"there is no product with the SKU {sku!r}")
    return int(found)
