"""How much the suggested regions of a query picture help, on composed scenes.

    python -m benchmarks.regions ../shared/data [--scenes 30] [--json OUT.json]

Uses the catalogue of the configured database: the products of `ecommerce`, embedded. The scenes are
composed from products that nothing was trained on (`embedding.training.data`), pasted on
photographs of other things, on surroundings of snapshots, and on drawings. They are never stored.
The clean product photographs and the snapshots of `clothing` show whether anything gets worse.

Each figure is the share of the right kind of product among the first 8 hits, without the product
itself. "Clean" is that of the catalogue's own photographs of the garments in a scene, the most that
a perfect cut could reach. "Some right" is the share of searches with at least one right product
among these hits, of the best region and of the clean photographs. In a scene with two garments,
either is right; dots and true boxes are averages over both.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image
from sklearn.datasets import load_sample_images
from sqlalchemy import Connection

from catalog.db.connection import connect
from catalog.search.pipeline import SearchSpec, search
from embedding.encoder import get_encoder
from embedding.image_decoding import open_image
from embedding.regions.finder import find_garments
from embedding.regions.region import WHOLE, Region
from embedding.training.data import Picture, read_catalogue
from embedding.training.scenes import (
    Backdrop,
    Box,
    compose,
    corner_backdrop,
    cut_out,
    drawn_backdrop,
    photograph_backdrop,
)

FIRST = 8
MARGIN = 0.08

SHOES = frozenset(
    {
        *("Casual Shoes", "Sports Shoes", "Formal Shoes", "Heels", "Flats", "Flip Flops"),
        *("Sandals", "Sports Sandals", "Booties"),
    }
)
KINDS_OF_SNAPSHOTS = {
    "t-shirt": frozenset({"Tshirts", "Tops"}),
    "longsleeve": frozenset({"Tshirts", "Tops", "Sweatshirts", "Shirts"}),
    "shirt": frozenset({"Shirts", "Tops"}),
    "pants": frozenset({"Jeans", "Trousers", "Capris", "Leggings"}),
    "dress": frozenset({"Dresses"}),
    "shorts": frozenset({"Shorts"}),
    "skirt": frozenset({"Skirts"}),
    "shoes": SHOES,
    "outwear": frozenset({"Jackets", "Sweatshirts", "Blazers", "Waistcoat"}),
}
"""The product types that answer a snapshot with one of the labels of `clothing`; the catalogue has
no hats."""


@dataclass(frozen=True)
class Case:
    """A query picture. `types` has the right product types of each garment in it."""

    group: str
    image: Image.Image
    types: tuple[frozenset[str], ...]
    products: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    photographs: tuple[Path, ...] = ()
    """The catalogue's pictures of the garments in a scene."""


@dataclass(frozen=True)
class Answers:
    """The product types of the first hits for a case, without its own products."""

    case: Case
    whole: list[str]
    best: list[str] | None
    """For the part that is searched for by itself; None if the picture is left whole."""
    suggested: list[list[str]]
    true: list[list[str]]
    """For the true box of each garment."""
    clean: list[list[str]]
    """For the catalogue's photograph of each garment of a scene."""
    seconds: float


@dataclass(frozen=True)
class Row:
    """The figures of one picture: shares of right types, and seconds."""

    whole: float
    best: float
    dots: float
    true: float | None
    clean: float | None
    dot_count: int
    is_cut: bool
    seconds: float


def cases(shared: Path, types: dict[str, str], count: int) -> Iterator[Case]:
    """The query pictures: `count` for each backdrop and number of garments, and the clean ones."""
    products = [it for it in held_out(shared / "ecommerce") if it.product in types]
    paths = {it.product: it.path for it in products}
    snapshots = held_out(shared / "clothing")
    cutouts = [made for it in products if (made := cut_out(it.path, it.product))]
    for name, backdrop in backdrops(shared).items():
        for garments in (1, 2):
            for number in range(count):
                random = Random(f"test {name} {garments} {number}")
                scene = compose(random, random.sample(cutouts, garments), backdrop)
                right = tuple(frozenset({types[it]}) for it in scene.products)
                group = f"{name}, {('one garment', 'two garments')[garments - 1]}"
                photographs = tuple(paths[it] for it in scene.products)
                yield Case(group, scene.image, right, scene.products, scene.boxes, photographs)
    for name, backdrop in backdrops(shared).items():
        for number in range(count):
            image = backdrop(Random(f"test {name} empty {number}"), (512, 384))
            yield Case(f"{name}, no garment", image, ())
    random = Random(0)
    for it in random.sample(products, min(len(products), 3 * count)):
        right = (frozenset({types[it.product]}),)
        yield Case("product photographs", open_image(it.path), right, (it.product,))
    with (shared / "clothing" / "images.csv").open(newline="") as file:
        labels = {row["Image"]: row["Label"] for row in csv.DictReader(file)}
    known = [it for it in snapshots if labels[it.product] in KINDS_OF_SNAPSHOTS]
    for it in random.sample(known, min(len(known), 3 * count)):
        right = (KINDS_OF_SNAPSHOTS[labels[it.product]],)
        yield Case("snapshots", open_image(it.path), right)


def answer(connection: Connection, case: Case) -> Answers:
    """Search with the whole picture, the best region, each suggested one, and the true boxes."""
    started = time.perf_counter()
    found = find_garments(case.image)
    seconds = time.perf_counter() - started

    def types_of(image: Image.Image) -> list[str]:
        encoded = BytesIO()
        image.save(encoded, "BMP")
        limit = FIRST + len(case.products)
        spec = SearchSpec(images=(encoded.getvalue(),), min_match=0.0, limit=limit)
        hits = search(connection, spec, get_encoder).hits
        return [hit.product_type for hit in hits if hit.sku not in case.products][:FIRST]

    suggested = [types_of(it.region.crop(case.image)) for it in found.found]
    return Answers(
        case,
        types_of(case.image),
        suggested[found.found.index(found.best)] if found.best else None,
        suggested,
        [types_of(_around(case.image, box)) for box in case.boxes],
        [types_of(open_image(path)) for path in case.photographs],
        seconds,
    )


def figures(answers: Answers, kinds: dict[str, str]) -> Row:
    """The figures of one picture; types with the same value in `kinds` count as equal."""

    def shares(types: list[str]) -> list[float]:
        return [
            statistics.fmean(
                kinds.get(it, it) in {kinds.get(kind, kind) for kind in right} for it in types
            )
            if types
            else 0.0
            for right in answers.case.types
        ]

    if not answers.case.types:
        return Row(
            *(0.0, 0.0, 0.0, None, None),
            len(answers.suggested),
            answers.best is not None,
            answers.seconds,
        )
    whole = shares(answers.whole)
    best = whole if answers.best is None else shares(answers.best)
    # Who sees the dots can also leave the picture whole.
    choices = [whole, *map(shares, answers.suggested)]
    true = [shares(types)[index] for index, types in enumerate(answers.true)]
    clean = [max(shares(types)) for types in answers.clean]
    return Row(
        # One search cannot find two garments, so either is right.
        max(whole),
        max(best),
        statistics.fmean(max(of_garment) for of_garment in zip(*choices, strict=True)),
        statistics.fmean(true) if true else None,
        statistics.fmean(clean) if clean else None,
        len(answers.suggested),
        answers.best is not None,
        answers.seconds,
    )


def _around(image: Image.Image, box: Box) -> Image.Image:
    left, top, right, bottom = box
    margin = MARGIN * max(right - left, bottom - top)
    ends = (left - margin, top - margin, right + margin, bottom + margin)
    sizes = (image.width, image.height) * 2
    limited = [
        min(WHOLE, max(0, round(WHOLE * end / size))) for end, size in zip(ends, sizes, strict=True)
    ]
    return Region(limited[0], limited[1], limited[2] - limited[0], limited[3] - limited[1]).crop(
        image
    )


def backdrops(shared: Path) -> dict[str, Backdrop]:
    """The kinds of backdrops, by name."""
    return {
        "photographs": photograph_backdrop(load_sample_images().images),
        "surroundings": corner_backdrop([it.path for it in held_out(shared / "clothing")]),
        "drawings": drawn_backdrop,
    }


def held_out(folder: Path) -> list[Picture]:
    """The pictures that nothing was trained on."""
    return [picture for picture in read_catalogue(folder) if picture.part == "test"]


def _table(rows: dict[str, list[Row]]) -> Iterator[str]:
    yield (
        "| pictures | number | whole | best region | any dot | true boxes | clean"
        " | some right | some right, clean | cut | dots | ms |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for group, of_group in rows.items():
        mean = {
            name: statistics.fmean(getattr(row, name) for row in of_group)
            for name in ("whole", "best", "dots", "dot_count", "is_cut")
        }
        true = [row.true for row in of_group if row.true is not None]
        clean = [row.clean for row in of_group if row.clean is not None]
        milliseconds = 1000 * statistics.median(row.seconds for row in of_group)
        end = f"{mean['is_cut']:.0%} | {mean['dot_count']:.1f} | {milliseconds:.0f} |"
        if "no garment" in group:
            yield f"| {group} | {len(of_group)} | | | | | | | | {end}"
            continue
        yield (
            f"| {group} | {len(of_group)} | {mean['whole']:.2f} | {mean['best']:.2f}"
            f" | {mean['dots']:.2f} | {_mean(true)} | {_mean(clean)}"
            f" | {_mean([row.best > 0 for row in of_group])}"
            f" | {_mean([share > 0 for share in clean])} | {end}"
        )


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):.2f}" if values else ""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path, help="folder with ecommerce/ and clothing/")
    parser.add_argument("--scenes", type=int, default=30, help="per backdrop and kind (30)")
    parser.add_argument("--json", type=Path, help="also write the figures of all groups here")
    options = parser.parse_args(arguments)
    with connect() as connection:
        products = connection.exec_driver_sql(
            "SELECT sku, product_type, subcategory FROM product"
        ).all()
        types = {row.sku: row.product_type for row in products}
        levels: dict[str, dict[str, str]] = {
            "product type": {},
            "kind (subcategory)": {row.product_type: row.subcategory for row in products},
        }
        every = [answer(connection, it) for it in cases(options.shared, types, options.scenes)]
    report: dict[str, dict[str, dict[str, float]]] = {}
    for level, kinds in levels.items():
        rows: dict[str, list[Row]] = defaultdict(list)
        for answers in every:
            row = figures(answers, kinds)
            rows[answers.case.group].append(row)
            if answers.case.boxes:
                rows["all scenes"].append(row)
        print(f"\nRight {level} among the first {FIRST}:\n")
        print("\n".join(_table(rows)), flush=True)
        report[level] = {
            group: {
                name: statistics.fmean(float(getattr(row, name) or 0) for row in of_group)
                for name in Row.__dataclass_fields__
            }
            for group, of_group in rows.items()
        }
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), "utf-8")


if __name__ == "__main__":
    main()
