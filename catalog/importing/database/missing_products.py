"""What happens to the products that the file of a complete catalogue does not contain."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from sqlalchemy import Connection

from catalog.db.connection import connect, retry_transient
from catalog.db.locks import LockSpace, lock_transaction
from catalog.importing.product_row import ProductRow, ReadRow
from catalog.importing.row_notes import RowError
from embedding.errors import UserFacingError

MAX_SHARE = 0.2
"""The share of the products above which nothing goes, unless it is forced."""

BATCH = 1000
"""Products per transaction."""

Action = Literal["hide", "delete"]
"""Mark missing products as out of stock, or delete them with their pictures and embeddings."""

DONE: dict[Action, str] = {"hide": "marked out of stock", "delete": "removed"}

CONCERNED: dict[Action, str] = {"hide": "p.in_stock", "delete": "true"}
"""The condition of the products that can go: those out of stock cannot be hidden once more."""

MISSING = """
SELECT p.sku FROM product p
 WHERE {concerned}
   AND NOT EXISTS (SELECT FROM unnest(%(skus)s::text[]) AS given (sku) WHERE given.sku = p.sku)
 ORDER BY p.id
"""

STATEMENTS: dict[Action, str] = {
    "hide": "UPDATE product SET in_stock = false, updated_at = now()"
    " WHERE sku = ANY(%(skus)s) AND in_stock",
    "delete": "DELETE FROM product WHERE sku = ANY(%(skus)s)",
}


class MissingProductsError(UserFacingError, RuntimeError):
    """Too many products would go, so none does."""


@dataclass(slots=True)
class CompleteCatalogue:
    """The rows of a file that contains all products of the shop.

    Args:
        action: what happens to products that are missing from it.
        force: whether they go even if they are more than `MAX_SHARE` of the products.
    """

    action: Action = "hide"
    force: bool = False
    present: int = 0
    """The number of products before the import that can go."""
    skus: set[str] = field(default_factory=set)
    """The SKUs of the file, of rejected rows too."""
    without_sku: list[int] = field(default_factory=list)
    """The lines of the rejected rows whose SKU is unknown."""

    def watch(self, rows: Iterable[ReadRow]) -> Iterator[ReadRow]:
        """Yield the rows, and remember which products there are. A product that is in the file is
        in stock, unless the file says something else. A row that is left out is no product."""
        with connect() as connection:
            self.present = _count(connection, self.action)
        for row in rows:
            if isinstance(row, ProductRow):
                row.values.setdefault("in_stock", True)
                self.skus.add(row.sku)
            elif isinstance(row, RowError) and row.sku:
                self.skus.add(row.sku)
            elif isinstance(row, RowError):
                self.without_sku.append(row.line)
            yield row

    def find_missing(self) -> list[str]:
        """The SKUs of the products that are missing from the file, once it was read to its end.
        None, if they are not known for sure, because the SKU of a rejected row is unknown.

        Raises:
            MissingProductsError: they are too many.
        """
        if self.without_sku:
            return []
        with connect() as connection:
            statement = MISSING.format(concerned=CONCERNED[self.action])
            given = {"skus": list(self.skus)}
            missing = list(connection.exec_driver_sql(statement, given).scalars())
        if missing and not self.skus:
            raise MissingProductsError(f"there are no products in it: none was {self.done}")
        if len(missing) > MAX_SHARE * self.present and not self.force:
            stock = " in stock" if self.action == "hide" else ""
            raise MissingProductsError(
                f"{len(missing):,} of {self.present:,} products{stock} are missing from it, more"
                f" than a fifth: none was {self.done}. --force --dry-run --errors FILE lists"
                " them; if the file is complete, use --force"
            )
        return missing

    def take_away(
        self, skus: list[str], done: Callable[[Iterable[str]], None], *, dry_run: bool
    ) -> None:
        """Hide or delete these products in batches, unless it is a `dry_run`; `done` is called
        after each batch with its SKUs."""
        for start in range(0, len(skus), BATCH):
            batch = skus[start : start + BATCH]
            if not dry_run:
                retry_transient(partial(_take_away, self.action, batch))
            done(batch)

    @property
    def done(self) -> str:
        """What has happened to the missing products."""
        return DONE[self.action]


def _count(connection: Connection, action: Action) -> int:
    """The number of products that can go."""
    statement = f"SELECT count(*) FROM product p WHERE {CONCERNED[action]}"
    return int(connection.exec_driver_sql(statement).scalar_one())


def _take_away(action: Action, skus: list[str]) -> None:
    with connect() as connection:
        lock_transaction(connection, LockSpace.IMPORT)
        connection.exec_driver_sql(STATEMENTS[action], {"skus": list(skus)})
