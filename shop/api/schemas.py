"""The responses of the API. Their descriptions and examples are the API's documentation."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


def documented(description: str, example: Any, **more: Any) -> Any:
    """A field with its documentation."""
    return Field(description=description, examples=[example], **more)


class Picture(BaseModel):
    """A picture of a product, as WEBP in three widths of at most 320, 640 and 1280 pixels."""

    small: str = documented("Address.", "https://shop.example/media/v2/320/products/0a/0a1b.jpg")
    medium: str = documented("Address.", "https://shop.example/media/v2/640/products/0a/0a1b.jpg")
    large: str = documented("Address.", "https://shop.example/media/v2/1280/products/0a/0a1b.jpg")
    width: int = documented("Width of the original, in pixels.", 1200)
    height: int = documented("Height of the original, in pixels.", 1600)


class Signal(BaseModel):
    """One reason why a product was found."""

    name: str = documented(
        "text, image, lexical (its words) or structure (what was understood).", "text"
    )
    match: float = documented("How well the product matches by this signal, in percent.", 71.3)
    weight: float = documented("The weight of the signal in the match.", 0.35)
    model: str = documented("The model that compared; empty for lexical and structure.", "fashion")
    similarity: float | None = documented("The cosine similarity, where a model compared.", 0.214)


class Hit(BaseModel):
    """A product that was found."""

    sku: str = documented("The product's SKU.", "42419")
    title: str = documented("Title.", "Red canvas sneakers")
    brand: str = documented("Brand; may be empty.", "Nordvik")
    product_type: str = documented("Product type; may be empty.", "Sneakers")
    colour: str = documented("Colour; may be empty.", "Red")
    price: float | None = documented("Price.", 49.9)
    regular_price: float | None = documented("The price without the reduction.", 69.9)
    currency: str = documented("Currency of the prices; may be empty.", "EUR")
    in_stock: bool = documented("Whether it is in stock.", True)
    url: str = documented("The product's page in the shop.", "https://shop.example/product/42419")
    picture: Picture | None = documented(
        "The picture that matched best, or else the main one.", None
    )
    match: float | None = documented(
        "How well the product matches, in percent, rounded down; null in a list without a query.",
        83.4,
    )
    exact: bool = documented("Whether the query is the product's SKU or title.", False)
    variants: int = documented("The number of variants found that this hit stands for.", 1)
    colours: list[str] = documented("The colours of these variants.", ["Red"])
    signals: list[Signal] | None = documented("Why it was found; only with `explain=true`.", None)
    fulfilled: dict[str, float] | None = documented(
        "The share, 0 to 1, of each wanted kind that the product is; only with `explain=true`.",
        None,
    )


class FacetValue(BaseModel):
    """A value of a facet."""

    value: str = documented("The value.", "Red")
    count: int | None = documented(
        "The number of hits that choosing it would leave; null if only a part was counted.", 12
    )
    chosen: bool = documented("Whether the search is filtered by it.", False)


class Facet(BaseModel):
    """A property to filter by."""

    name: str = documented("The facet.", "colour")
    label: str = documented("Its name for people.", "Colour")
    kind: str = documented("What its values are.", "colour")
    parameter: str = documented("The parameter that filters by it.", "colour")
    values: list[FacetValue] = Field(description="The values, most frequent first.")


class Part(BaseModel):
    """A part of the text, and what it was understood as."""

    phrase: str = documented("The words, as typed.", "red")
    kind: str = documented("type, colour, person, brand, price, sort, word …", "colour")
    value: str = documented("What it means, in the catalogue's words.", "Red")
    wanted: bool = documented("False for what products must not be.", True)
    why: str = documented("How it was recognised: name, synonym, translation, unknown …", "name")
    start: int = documented("Where the words start in the text, in characters.", 0)
    stop: int = documented("Where they end, exclusive.", 3)
    low: float | None = documented("The lower bound of a price.", None)
    high: float | None = documented("The upper bound of a price.", None)


class GivenUp(BaseModel):
    """What no product is, or no product in stock, or none under the price."""

    kinds: list[str] = documented("The kinds of parts that no hit fulfils.", ["person"])
    missing: str = documented("The same as a sentence.", "No red sneakers for boys.")
    instead: str = documented(
        "What the hits are, or how the close products are meant; may be empty.",
        "Red sneakers for men:",
    )


class Query(BaseModel):
    """What was searched for."""

    text: str = documented("The text, as given.", "red snekers")
    corrected: str | None = documented("The text with its spelling corrected.", "red sneakers")
    pictures: list[str] = documented("The stored pictures, for the parameter `picture`.", [])
    like: str | None = documented("The SKU of the product that hits are similar to.", None)
    sort: str = documented("The order of the hits; empty for best match first.", "")
    min_match: int = documented("The minimum match of a hit, in percent.", 30)


class SearchResponse(BaseModel):
    """A page of products."""

    total: int = documented("The number of hits on all pages.", 17)
    truncated: bool = documented("Whether there may be more than `total`.", False)
    hits: list[Hit] = Field(description="The products of this page, in order.")
    close: list[Hit] = Field(
        description="Products to show apart, after the last hit: each lacks a part of the query."
        " Without hits, the products that come closest."
    )
    facets: list[Facet] = Field(description="What to filter by, with counts.")
    query: Query = Field(description="What was searched for.")
    understood: list[Part] = Field(description="How the text was understood.")
    given_up: GivenUp | None = Field(description="What no product is; null if there is none.")
    notes: list[str] = documented(
        "Messages for people about what could not be done as asked.",
        ["No product has “Rde”, so this filter was ignored."],
    )
    next_cursor: str | None = documented("The cursor of the next page; null on the last one.", None)
    next: str | None = documented("The address of the next page; null on the last one.", None)


class Product(BaseModel):
    """All about a product."""

    sku: str = documented("The product's SKU.", "42419")
    title: str = documented("Title.", "Red canvas sneakers")
    description: str = documented("Description; may be empty.", "Canvas, with a rubber sole.")
    brand: str = documented("Brand; may be empty.", "Nordvik")
    category: str = documented("Category; may be empty.", "Footwear")
    subcategory: str = documented("Subcategory; may be empty.", "Shoes")
    product_type: str = documented("Product type; may be empty.", "Sneakers")
    gender: str = documented("For whom it is; may be empty.", "Men")
    colour: str = documented("Colour; may be empty.", "Red")
    usage: str = documented("Occasion; may be empty.", "Casual")
    price: float | None = documented("Price.", 49.9)
    regular_price: float | None = documented("The price without the reduction.", 69.9)
    currency: str = documented("Currency of the prices; may be empty.", "EUR")
    in_stock: bool = documented("Whether it is in stock.", True)
    attributes: dict[str, Any] = documented("Other attributes, as imported.", {"Sole": "Rubber"})
    url: str = documented("The product's page in the shop.", "https://shop.example/product/42419")
    pictures: list[Picture] = Field(description="Its pictures, the main one first.")
    created_at: datetime = documented("When it was added.", "2026-01-31T12:00:00Z")
    updated_at: datetime = documented("When it was last changed.", "2026-02-01T12:00:00Z")


class Model(BaseModel):
    """A model that searches can use."""

    name: str = documented(
        "The value of the parameter `model`; two are joined as in `a+b`.", "fashion"
    )
    label: str = documented("Its name for people.", "Fashion")
    summary: str = documented("What it is good at.", "Clothes and shoes, in eight languages.")
    modalities: list[str] = documented("What it compares: text, image or both.", ["text", "image"])
    default: bool = documented("Whether searches use it unless they name another.", True)


class ModelsResponse(BaseModel):
    """The models that searches can use."""

    models: list[Model] = Field(description="The default model first.")


class Coverage(BaseModel):
    """How much of the catalogue a model has embedded."""

    model: str = documented("The model.", "fashion")
    modality: str = documented("text or image.", "text")
    total: int = documented("The number of texts or pictures.", 1000)
    embedded: int = documented("Embedded and up to date.", 990)
    stale: int = documented("Embedded, but changed since.", 4)
    missing: int = documented("Not embedded yet.", 5)
    failed: int = documented("Could not be embedded.", 1)


class CoverageResponse(BaseModel):
    """How much of the catalogue each model in use has embedded."""

    coverage: list[Coverage]


class QuerySuggestion(BaseModel):
    """A text to search for."""

    text: str = documented("The text.", "red sneakers")
    products: int | None = documented("How many products it found; null if unknown.", 17)


class ValueSuggestion(BaseModel):
    """A filter, with the remaining words."""

    parameter: str = documented("The parameter that filters by it.", "colour")
    label: str = documented("The facet's name for people.", "Colour")
    value: str = documented("The value.", "Red")
    words: str = documented("The words to search for besides it; may be empty.", "sneakers")
    products: int = documented("How many products have the value.", 12)


class ProductSuggestion(BaseModel):
    """A product."""

    sku: str = documented("The product's SKU.", "42419")
    title: str = documented("Title.", "Red canvas sneakers")
    url: str = documented("Its page in the shop.", "https://shop.example/product/42419")
    picture: str | None = documented("The address of a small picture.", None)


class SuggestResponse(BaseModel):
    """What a shopper may mean, the likeliest of each kind first."""

    queries: list[QuerySuggestion] = Field(description="Texts to search for.")
    values: list[ValueSuggestion] = Field(description="Filters.")
    brands: list[ValueSuggestion] = Field(description="Brands, as filters.")
    products: list[ProductSuggestion] = Field(description="Products.")
    matched: str = documented("What they match: the text, folded and corrected.", "red snea")


class ParameterError(BaseModel):
    """What is wrong with a parameter."""

    parameter: str = documented("The parameter.", "min_match")
    detail: str = documented("What is wrong.", "Must be a whole number from 0 to 100.")


class Problem(BaseModel):
    """An error, as in RFC 9457."""

    type: str = documented("Always about:blank.", "about:blank")
    title: str = documented("The name of the status.", "Unprocessable Entity")
    status: int = documented("The status.", 422)
    code: str = documented("A fixed word for programs.", "invalid_parameter")
    detail: str = documented("A sentence for people.", "Invalid parameters: min_match.")
    request_id: str = documented(
        "The id of the request in the shop's log, as in the header X-Request-ID.",
        "5f0c7a9e2b7c4d0f8e3a1b2c4d5e6f70",
    )
    errors: list[ParameterError] = Field([], description="The parameters that are wrong.")
