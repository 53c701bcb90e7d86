"""The stored words of products (`product.lexemes`), filled again when what they depend on changes.

A trigger fills them when a product is written (migration 0022). They also depend on the languages
of the catalogue, `SEARCH_LANGUAGES`, and on the roles of facets: attributes can be searched, or
identify a product. `./manage.py migrate` calls `fill_lexemes`. Until then searches use the
languages that are stored.
"""

from collections.abc import Callable

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from catalog import config
from catalog.db.connection import DatabaseError, connect
from catalog.db.locks import LockSpace, lock_transaction
from catalog.search.vocabulary import refresh_vocabulary
from catalog.tables import FACET, SETTING

LANGUAGES = "search_languages"
"""The row of the table `setting` with the languages that the trigger and searches use."""

FILLED_FOR = "lexemes"
"""The row of the table `setting` with the state that all lexemes were last filled for."""

BATCH = 1000


def stored_languages(connection: Connection) -> list[str]:
    """The names of the text search configurations that searches use."""
    rows = connection.exec_driver_sql(
        "SELECT language::text FROM unnest(public.search_languages()) AS language"
    )
    return list(rows.scalars())


def known_languages(connection: Connection) -> list[str]:
    """The names of the text search configurations of the database."""
    rows = connection.exec_driver_sql(
        "SELECT CASE nspname WHEN 'pg_catalog' THEN cfgname ELSE nspname || '.' || cfgname END"
        " FROM pg_ts_config JOIN pg_namespace n ON n.oid = cfgnamespace ORDER BY 1"
    )
    return list(rows.scalars())


def lexemes_are_current(connection: Connection) -> bool:
    """Whether the lexemes of all products match `SEARCH_LANGUAGES` and the roles of facets.

    Raises:
        DatabaseError: the database does not have one of these languages.
    """
    filled_for = select(SETTING.c.value).where(SETTING.c.name == FILLED_FOR)
    return connection.execute(filled_for).scalar() == _wanted(connection)


def fill_lexemes(progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Fill the lexemes of all products in batches, each committed, unless they are current.

    Searches and imports continue meanwhile. What was interrupted starts again at the next call.
    `progress` is called with the numbers of filled and of all products.

    Raises:
        DatabaseError: the database does not have one of the languages in `SEARCH_LANGUAGES`.
    """
    with connect() as connection:
        if lexemes_are_current(connection):
            return
        wanted = _wanted(connection)
        languages = stored_languages(connection)
        _set(connection, LANGUAGES, _languages(connection))
        total = connection.exec_driver_sql("SELECT count(*) FROM product").scalar_one()
        is_new = not total and stored_languages(connection) == languages
    last, done = 0, 0
    while True:
        with connect() as connection:
            lock_transaction(connection, LockSpace.IMPORT)  # it writes the same rows
            ids = (
                connection.exec_driver_sql(
                    "UPDATE product SET lexemes = NULL WHERE id IN"
                    " (SELECT id FROM product WHERE id > %(last)s ORDER BY id LIMIT %(batch)s)"
                    " RETURNING id",
                    {"last": last, "batch": BATCH},
                )
                .scalars()
                .all()
            )
        if not ids:
            break
        last, done = max(ids), done + len(ids)
        progress(done, max(done, total))
    with connect() as connection:
        _set(connection, FILLED_FOR, wanted)
        if not is_new:
            refresh_vocabulary(connection)


def _wanted(connection: Connection) -> str:
    """What lexemes depend on, as text."""
    facets = select(FACET.c.name, FACET.c.role).where(FACET.c.role != "").order_by(FACET.c.name)
    roles = ", ".join(f"{name}={role}" for name, role in connection.execute(facets))
    return f"{_languages(connection)}; {roles}"


def _languages(connection: Connection) -> str:
    """`SEARCH_LANGUAGES` as the setting stores it, if the database has them all."""
    wanted = config.settings().search_languages
    known = known_languages(connection)
    if missing := [name for name in wanted if name not in known]:
        raise DatabaseError(
            f"SEARCH_LANGUAGES: the database has no text search configuration {missing[0]!r};"
            f" it has {', '.join(known)}"
        )
    return ",".join(wanted)


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute(
        insert(SETTING)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=[SETTING.c.name], set_={"value": value})
    )
