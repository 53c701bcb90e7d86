"""What other settings of the search would change: the products of sample searches, before and
after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django import forms
from django.utils.translation import gettext_lazy as _
from sqlalchemy import Connection

from catalog.media.folders import media
from catalog.query_statistics import popular_queries
from catalog.search.calibration import QueryKind
from catalog.search.results import Hit, Results
from catalog.search.search_spec import SearchSpec
from catalog.search.weights import AllWeights
from embedding.registry import Modality, get_spec
from shop.errors import try_search
from shop.search_params import DEFAULT_LIMIT

SHOWN = 8
"""The number of products that are shown of each search."""

COMPARED = DEFAULT_LIMIT
"""The number of products that are compared of each search: the first page."""

MAX_SEARCHES = 8
EXAMPLES = 3
"""The number of products that stand for searches by a picture or a product."""

COMMON_TYPES = """
SELECT value FROM search.facet_value
 WHERE facet IN ('product_type', 'colour') ORDER BY products DESC, key LIMIT %(limit)s
"""
NEWEST = """
SELECT p.sku, p.title, i.path
  FROM product p JOIN product_image i ON i.product_id = p.id AND i.position = 0
 ORDER BY p.id DESC LIMIT %(limit)s
"""


class SearchesForm(forms.Form):
    """The searches whose effect is shown."""

    searches = forms.CharField(
        label=_("Searches to compare"),
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
        max_length=2000,
        help_text=_("One on each line. They begin with the most frequent of the last week."),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A product in a list. `change` is new, gone, up, down or empty."""

    hit: Hit
    change: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """How many of the first products are still there, moved, gone and new."""

    compared: int = 0
    kept: int = 0
    moved: int = 0
    """Those that are still there, at another place."""
    gone: int = 0
    new: int = 0

    @property
    def kept_percent(self) -> int:
        return 100 * self.kept // self.compared if self.compared else 100

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(
            self.compared + other.compared,
            self.kept + other.kept,
            self.moved + other.moved,
            self.gone + other.gone,
            self.new + other.new,
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """The first products of one search, and how many there are, before and after."""

    label: str
    picture: str
    """The path of the picture that is searched for; empty if there is none."""
    before: tuple[Place, ...]
    after: tuple[Place, ...]
    total_before: str
    """The number of products; with "+" if the window may not contain all."""
    total_after: str
    changes: Changes
    note: str = ""

    @property
    def is_changed(self) -> bool:
        changes = self.changes
        return bool(changes.moved or changes.gone or changes.new) or (
            self.total_before != self.total_after
        )


def sample_texts(connection: Connection) -> list[str]:
    """What shoppers search for most; without a log, the most frequent types and colours."""
    popular = popular_queries(connection, 2 * MAX_SEARCHES)
    if found := [it.query for it in popular if it.results]:
        return found[:MAX_SEARCHES]
    rows = connection.exec_driver_sql(COMMON_TYPES, {"limit": MAX_SEARCHES})
    return list(rows.scalars())


def effects(
    connection: Connection,
    kinds: Sequence[QueryKind],
    texts: Sequence[str],
    weights: AllWeights,
    model: str,
) -> list[Effect]:
    """The sample searches of some kinds, with the weights and the default model in use and with
    others. An empty `model` stands for the one in use."""
    return [
        _effect(
            connection,
            label,
            picture,
            spec,
            replace(spec, weights=weights, model=model if _understands(model, spec) else ""),
        )
        for kind in kinds
        for label, picture, spec in _samples(connection, kind, texts)
    ]


def _understands(model: str, spec: SearchSpec) -> bool:
    """Whether the model, as the default one, would answer; if not, another model in use does."""
    needed: set[Modality] = set()
    if spec.text:
        needed.add("text")
    if spec.images:
        needed.add("image")
    return bool(model) and needed <= set(get_spec(model).modalities)


def _samples(
    connection: Connection, kind: QueryKind, texts: Sequence[str]
) -> Iterator[tuple[str, str, SearchSpec]]:
    if kind == "words":
        for text in texts[:MAX_SEARCHES]:
            yield text, "", SearchSpec(text=text, limit=COMPARED)
        return
    rows = connection.exec_driver_sql(NEWEST, {"limit": EXAMPLES}).all()
    for place, (sku, title, path) in enumerate(rows):
        if kind == "picture":
            if (content := media.read(path)) is None:
                continue
            yield title, path, SearchSpec(images=(content,), limit=COMPARED)
        elif kind == "product":
            yield title, path, SearchSpec(like=sku, limit=COMPARED)
        elif texts:
            text = texts[place % len(texts)]
            yield f"{text} + {title}", path, SearchSpec(text=text, like=sku, limit=COMPARED)


def _effect(
    connection: Connection, label: str, picture: str, spec: SearchSpec, changed: SearchSpec
) -> Effect:
    first, second = try_search(connection, spec), try_search(connection, changed)
    before, after = _places(first.results), _places(second.results)
    listed = [Place(hit, "" if sku in after else "gone") for sku, (_, hit) in before.items()]
    then = [
        Place(hit, _change(before.get(sku, (None,))[0], place))
        for sku, (place, hit) in after.items()
    ]
    gone = sum(it.change == "gone" for it in listed)
    return Effect(
        label,
        picture,
        tuple(listed[:SHOWN]),
        tuple(then[:SHOWN]),
        _total(first.results),
        _total(second.results),
        Changes(
            len(listed),
            len(listed) - gone,
            sum(it.change in ("up", "down") for it in then),
            gone,
            sum(it.change == "new" for it in then),
        ),
        second.note or first.note,
    )


def _total(results: Results) -> str:
    return f"{results.total:,}{'+' if results.truncated else ''}"


def _places(results: Results) -> dict[str, tuple[int, Hit]]:
    return {hit.sku: (place, hit) for place, hit in enumerate(results.hits)}


def _change(before: int | None, after: int) -> str:
    if before is None:
        return "new"
    return "" if before == after else "up" if after < before else "down"
