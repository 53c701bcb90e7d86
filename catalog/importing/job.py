"""The import job: reads rows in batches, stores their pictures and upserts products by SKU."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from catalog.db.connection import connect
from catalog.db.locks import LockSpace, lock_transaction
from catalog.importing.automatic_facets import choose_facets
from catalog.importing.column_mapping import ProductRow
from catalog.importing.file_reader import FileError, Progress, RowError, Unit, read_rows
from catalog.importing.image_folder import import_picture
from catalog.importing.image_tables import replace_addresses, replace_images
from catalog.importing.missing_products import CompleteCatalogue
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.search.vocabulary import refresh_vocabulary
from catalog.tables import PRODUCT, PRODUCT_IMAGE
from embedding.image_decoding import ImageError

BATCH = 500


@dataclass(slots=True)
class Report:
    """Numbers of products that were added, updated and unchanged, and the rejected rows.

    `missing` are the SKUs of the products that a complete catalogue does not contain, and that were
    hidden or deleted.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def imported(self) -> int:
        return self.added + self.updated + self.unchanged

    @property
    def rows(self) -> int:
        return self.imported + len(self.errors)


def import_catalog(
    path: Path,
    images: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    dry_run: bool = False,
    complete: CompleteCatalogue | None = None,
    progress: Progress = lambda size: None,
    report: Report | None = None,
) -> Report:
    """Upsert the products of a file by SKU: `import_rows` with the rows of a file.

    `progress` is called with the number of bytes read.

    Raises:
        FileError: the file or its header cannot be read; see `import_rows`.
    """
    rows = read_rows(path, mapping or {}, progress)
    return import_rows(rows, images, dry_run=dry_run, complete=complete, report=report)


def import_rows(
    rows: Iterable[ProductRow | RowError],
    images: Path | None = None,
    *,
    unit: Unit = "line",
    dry_run: bool = False,
    complete: CompleteCatalogue | None = None,
    report: Report | None = None,
) -> Report:
    """Upsert products by SKU, with their pictures from the folder `images`.

    Picture URLs are stored for `catalog.media.fetching`. Columns that the rows do not have keep
    their values. Each batch is committed separately. A `dry_run` checks everything and changes
    nothing. If the rows are the `complete` catalogue, the other products are hidden or deleted
    after the last row. `report` is updated after every batch, so it is right even if the import is
    interrupted.

    Raises:
        FileError: the rows cannot be read to the end, or they name pictures and there is no folder
            `images`. The rows that `report` counts were imported.
        MissingProductsError: too many products are missing. All rows were imported.
        OSError: the media folder cannot be written.
    """
    if images is not None and not images.is_dir():
        raise FileError(f"{images}: no such folder")
    report = Report() if report is None else report
    rows = rows if images else _without_pictures(rows, unit)
    rows = complete.watch(rows) if complete else rows
    try:
        for batch in _batches(rows):
            report.errors += [row for row in batch if isinstance(row, RowError)]
            good = [row for row in batch if isinstance(row, ProductRow)]
            _import_batch(good, images, report, dry_run)
        if complete:
            complete.take_away(complete.find_missing(), report.missing.extend, dry_run=dry_run)
    finally:
        report.errors.sort(key=lambda error: error.line)
        if (report.imported or report.missing) and not dry_run:
            _refresh_derived(report)
    return report


def _without_pictures(
    rows: Iterable[ProductRow | RowError], unit: Unit
) -> Iterator[ProductRow | RowError]:
    for row in rows:
        if isinstance(row, ProductRow) and row.images:
            raise FileError(f"{unit} {row.line} names pictures: give their folder with --images")
        yield row


def _batches(rows: Iterable[ProductRow | RowError]) -> Iterator[list[ProductRow | RowError]]:
    """Lists of up to `BATCH` rows. Rows before an error are yielded before it is raised."""
    batch = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except FileError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _refresh_derived(report: Report) -> None:
    """Refresh what depends on all products: statistics, automatic facets, words and values."""
    with connect() as connection:
        connection.exec_driver_sql("ANALYZE product, product_image, image_address")
        if choose_facets(connection) or report.added or report.updated or report.missing:
            refresh_vocabulary(connection)


def _import_batch(
    rows: list[ProductRow], images: Path | None, report: Report, dry_run: bool
) -> None:
    with connect() as connection:
        pictures: dict[str, list[Picture]] = {}
        good = []
        for row, result in _import_pictures(connection, rows, images, store=not dry_run):
            if isinstance(result, RowError):
                report.errors.append(result)
            else:
                good.append(row)
                if result is not None:
                    pictures[row.sku] = result
        # Two imports that write the same rows in different orders would deadlock.
        lock_transaction(connection, LockSpace.IMPORT)
        added, updated = _upsert_products(connection, good)
        addresses = {row.sku: row.addresses for row in good if row.addresses is not None}
        updated |= replace_images(connection, pictures) - added
        updated |= replace_addresses(connection, addresses) - added
        if dry_run:
            connection.rollback()
    report.added += len(added)
    report.updated += len(updated)
    report.unchanged += len(good) - len(added) - len(updated)


def _import_pictures(
    connection: Connection, rows: list[ProductRow], folder: Path | None, *, store: bool
) -> Iterator[tuple[ProductRow, list[Picture] | RowError | None]]:
    """Each row with its pictures, None if the file has no such column, or an error."""
    stored = connection.execute(
        select(*(PRODUCT_IMAGE.c[name] for name in PICTURE_COLUMNS))
        .join(PRODUCT)
        .where(PRODUCT.c.sku.in_([row.sku for row in rows]))
    )
    known = {picture.sha256: picture for picture in (Picture(*row) for row in stored)}

    def import_row(row: ProductRow) -> list[Picture] | RowError | None:
        if row.images is None or folder is None:
            return None if row.images is None else []
        pictures: list[Picture] = []
        for name in row.images:
            try:
                pictures.append(import_picture(folder, name, known, store=store))
            except ImageError as error:
                return RowError(row.line, row.sku, f"picture {ascii(name)[:100]}: {error}")
        return list(dict.fromkeys(pictures))

    with ThreadPoolExecutor() as decoders:
        yield from zip(rows, decoders.map(import_row, rows), strict=True)


def _upsert_products(connection: Connection, rows: list[ProductRow]) -> tuple[set[str], set[str]]:
    """Insert or update the rows; returns the added and the changed SKUs. Unchanged rows are not
    written."""
    added: set[str] = set()
    changed: set[str] = set()
    by_columns: dict[tuple[str, ...], list[ProductRow]] = {}
    for row in rows:
        by_columns.setdefault(tuple(row.values), []).append(row)
    for columns, group in by_columns.items():
        upsert = insert(PRODUCT).values([row.values for row in group])
        new: dict[str, ColumnElement[Any]] = {
            name: upsert.excluded[name] for name in columns if name != "sku"
        }
        if "attributes" in new:
            new["attributes"] = PRODUCT.c.attributes.op("||")(upsert.excluded.attributes)
        upsert = upsert.on_conflict_do_update(
            index_elements=[PRODUCT.c.sku],
            set_={**new, "updated_at": func.now()},
            where=or_(*(PRODUCT.c[name].is_distinct_from(value) for name, value in new.items())),
        )
        written = connection.execute(
            upsert.returning(PRODUCT.c.sku, literal_column("product.xmax = 0"))
        )
        for sku, is_new in written:
            (added if is_new else changed).add(sku)
    return added, changed
