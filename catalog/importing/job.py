"""The import job: reads rows in batches, stores their pictures and upserts products by SKU."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from catalog.db.connection import connect
from catalog.db.locks import LockSpace, lock_transaction
from catalog.importing.cells.texts import shorten
from catalog.importing.database.automatic_facets import choose_facets
from catalog.importing.database.missing_products import CompleteCatalogue
from catalog.importing.database.pictures import replace_addresses, replace_images
from catalog.importing.database.products import upsert_products
from catalog.importing.product_row import ProductRow, ReadRow
from catalog.importing.report import Report
from catalog.importing.row_notes import FileError, RowWarning
from catalog.importing.sources.files import read_rows
from catalog.importing.sources.picture_folder import import_picture, picture_named
from catalog.importing.sources.records import FileOptions
from catalog.importing.sources.text_file import Progress
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.search.vocabulary import refresh_vocabulary
from catalog.tables import PRODUCT, PRODUCT_IMAGE
from embedding.image_decoding import ImageError

BATCH = 500


def import_catalog(
    path: Path,
    images: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    format: str = "",
    encoding: str = "",
    dry_run: bool = False,
    complete: CompleteCatalogue | None = None,
    progress: Progress = lambda size: None,
    report: Report | None = None,
) -> Report:
    """Upsert the products of a file by SKU: `import_rows` with the rows of a file.

    `format` is the name of a feed's format, or "none"; "" recognises it, as it does the `encoding`.
    `progress` is called with the number of bytes read.

    Raises:
        FileError: the file or its header cannot be read; see `import_rows`.
    """
    report = Report() if report is None else report
    options = FileOptions(mapping or {}, format, encoding)
    rows = read_rows(path, options, progress, report.columns)
    return import_rows(rows, images, dry_run=dry_run, complete=complete, report=report)


def import_rows(
    rows: Iterable[ReadRow],
    images: Path | None = None,
    *,
    dry_run: bool = False,
    complete: CompleteCatalogue | None = None,
    report: Report | None = None,
) -> Report:
    """Upsert products by SKU, with their pictures from the folder `images`.

    Picture URLs are stored for `catalog.media.fetching`. If no column names pictures, those in the
    folder that are named after a SKU are taken. Columns that the rows do not have keep their
    values, and so do pictures if rows name files and there is no folder. Each batch is committed
    separately. A `dry_run` checks everything and changes nothing.
    If the rows are the `complete` catalogue, the other products are hidden or deleted after the
    last row. `report` is updated after every batch, so it is right even if the import is
    interrupted.

    Raises:
        FileError: the rows cannot be read to the end. The rows that `report` counts were imported.
        MissingProductsError: too many products are missing. All rows were imported.
        OSError: the media folder cannot be written.
    """
    if images is not None and not images.is_dir():
        raise FileError(f"{images}: no such folder")
    report = Report() if report is None else report
    rows = rows if images else _without_folder(rows, report)
    rows = complete.watch(rows) if complete else rows
    try:
        for batch in _batches(rows):
            _import_batch(report.add_notes(batch), images, report, dry_run)
        if complete:
            complete.take_away(complete.find_missing(), report.missing.extend, dry_run=dry_run)
    finally:
        report.sort()
        if (report.imported or report.missing) and not dry_run:
            _refresh_derived(report)
    return report


def _without_folder(rows: Iterable[ReadRow], report: Report) -> Iterator[ReadRow]:
    """The rows without the names of picture files, and one warning about them."""
    first, count = None, 0
    try:
        for row in rows:
            if isinstance(row, ProductRow) and row.images:
                first, count = first or row, count + 1
                row = replace(row, images=None)
            yield row
    finally:
        if first and first.images:
            rows_named = f"{count:,} row{'s name' if count > 1 else ' names'} picture files"
            reason = f"{rows_named}, such as {shorten(first.images[0])}: imported without them;"
            advice = "give their folder with --images, or ignore the column with --map"
            report.warnings.append(RowWarning(first.line, first.sku, f"{reason} {advice}"))


def _batches(rows: Iterable[ReadRow]) -> Iterator[list[ReadRow]]:
    """Lists of up to `BATCH` rows. Rows before an error are yielded before it is raised."""
    batch: list[ReadRow] = []
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
    pictures: dict[str, list[Picture]] = {}
    # Before the transaction: servers end those that are idle for long.
    for row, found, reasons in _import_pictures(rows, images, store=not dry_run):
        report.warnings += (RowWarning(row.line, row.sku, reason) for reason in reasons)
        if found is not None:
            pictures[row.sku] = found
    with connect() as connection:
        # Two imports that write the same rows in different orders would deadlock.
        lock_transaction(connection, LockSpace.IMPORT)
        added, updated = upsert_products(connection, rows)
        addresses = {row.sku: row.addresses for row in rows if row.addresses is not None}
        updated |= replace_images(connection, pictures) - added
        updated |= replace_addresses(connection, addresses) - added
        if dry_run:
            connection.rollback()
    report.added += len(added)
    report.updated += len(updated)
    report.unchanged += len(rows) - len(added) - len(updated)
    report.with_pictures += sum(bool(pictures.get(it.sku) or it.addresses) for it in rows)


def _import_pictures(
    rows: list[ProductRow], folder: Path | None, *, store: bool
) -> Iterator[tuple[ProductRow, list[Picture] | None, list[str]]]:
    """Each row with its pictures, None if the file has no such column, and a reason for each
    picture that cannot be used."""
    with connect() as connection:
        stored = connection.execute(
            select(*(PRODUCT_IMAGE.c[name] for name in PICTURE_COLUMNS))
            .join(PRODUCT)
            .where(PRODUCT.c.sku.in_([row.sku for row in rows]))
        )
        known = {picture.sha256: picture for picture in (Picture(*row) for row in stored)}

    def import_row(row: ProductRow) -> tuple[ProductRow, list[Picture] | None, list[str]]:
        names = row.images
        if folder is not None and names is None and row.addresses is None:
            names = picture_named(folder, row.sku)
        if names is None or folder is None:
            return row, None if names is None else [], []
        pictures: list[Picture] = []
        reasons = []
        for name in names:
            try:
                pictures.append(import_picture(folder, name, known, store=store))
            except ImageError as error:
                reasons.append(f"picture {shorten(name)}: {error}")
        return row, list(dict.fromkeys(pictures)), reasons

    with ThreadPoolExecutor() as decoders:
        yield from decoders.map(import_row, rows)
