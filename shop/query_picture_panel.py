"""The pictures of a query as the page shows them: with the part that is searched for, and dots on
the garments that were found, each a link."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.search.results import Hit
from embedding.regions.region import WHOLE, Region
from shop.picture_regions import PictureRegions, picture_regions
from shop.query_pictures import parse_name, picture_name
from shop.search_params import SearchParams

SHOWN_HEIGHT = 176
"""The height at which the page shows a picture, in CSS pixels, where there is room."""

REGION = "REGION"
"""What the script replaces by a region in the address of a cut."""

FIRST_HITS = 8
"""The hits that say what a part of a picture shows."""


class Linked(Protocol):
    """A page that has an address."""

    def url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Dot:
    """A link to a garment. The position and the sizes are pixels of the picture."""

    number: int
    url: str
    x: float
    y: float
    radius: float
    reach: float
    """The radius of what can be tapped."""


@dataclass(frozen=True, slots=True)
class PicturePanel:
    """A picture of the query. All positions are pixels of the whole picture."""

    name: str
    digest: str
    width: int
    height: int
    frame: tuple[int, int, int, int] | None
    """Left, top, width and height of the part that is searched for; None for the whole picture."""
    region: str
    dots: tuple[Dot, ...]
    without: Linked
    whole: Linked
    cut_url: str
    """The address of the search with another part, with `REGION` in place of the region."""

    @property
    def is_large(self) -> bool:
        """Whether the picture is shown large enough for its frame and its dots."""
        return bool(self.frame or self.dots)


def picture_panels(
    state: SearchParams, page: Callable[[SearchParams], Linked] = lambda state: state
) -> list[PicturePanel]:
    """The pictures of a search.

    Args:
        page: the page that shows a search.
    """
    return [_panel(name, state, page) for name in state.pictures]


def shown_kind(state: SearchParams, hits: Sequence[Hit]) -> str:
    """The kind of product that a part of a picture shows, in lower case: that of most first hits.

    Empty if they disagree, or if the part is not all that is searched for.
    """
    if state.text or state.like or len(state.pictures) != 1 or "-" not in state.pictures[0]:
        return ""
    kinds = Counter(hit.product_type for hit in hits[:FIRST_HITS])
    kind, number = next(iter(kinds.most_common(1)), ("", 0))
    return kind.lower() if 2 * number > kinds.total() else ""


def _panel(name: str, state: SearchParams, page: Callable[[SearchParams], Linked]) -> PicturePanel:
    digest, region = parse_name(name)
    found = picture_regions(digest) or PictureRegions(1, 1)

    def with_part(part: Region | None) -> Linked:
        return page(state.with_part(name, picture_name(digest, part)))

    unit = found.height / SHOWN_HEIGHT
    dots = []
    for number, garment in enumerate(found.regions, start=1):
        if garment != region:
            x, y = garment.centre
            place = x * found.width / WHOLE, y * found.height / WHOLE
            url = with_part(garment).url()
            dots.append(Dot(number, url, *place, radius=7 * unit, reach=22 * unit))
    frame = None
    if region is not None:
        left, top, right, bottom = region.box(found.width, found.height)
        frame = left, top, right - left, bottom - top
    return PicturePanel(
        name=name,
        digest=digest,
        width=found.width,
        height=found.height,
        frame=frame,
        region=str(region or ""),
        # A single garment that fills the picture needs no dot.
        dots=tuple(dots) if region or found.best or len(dots) > 1 else (),
        without=page(state.without_picture(name)),
        whole=with_part(None),
        cut_url=page(state.with_part(name, f"{digest}-{REGION}")).url(),
    )
