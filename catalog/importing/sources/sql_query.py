"""Reads the rows of a query in another database, to import them like those of a file."""

from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import sqlparse
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from catalog.importing.cells.texts import FieldError
from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.report import SAMPLE, ColumnReport
from catalog.importing.product_row import ReadRow, RowParser
from catalog.importing.row_notes import FileError
from catalog.importing.sources.records import reject_duplicates

FETCHED = 1000
"""Rows that are fetched at once."""

EXAMPLES = "postgresql://user:password@host/database or sqlite:///shop.db"
DRIVERS = {
    **{"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"},
    **{"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"},
}
"""The driver for addresses that name none, where it is not SQLAlchemy's default."""

SECRET = ("pass", "pwd", "secret", "token", "key")
"""What the name of a secret parameter of an address contains."""

READ_ONLY = {
    "sqlite": "PRAGMA query_only = on",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
"""Statements that make a new session read-only. PostgreSQL's driver has an option for it."""


def read_query(
    file: Path, address: str, mapping: Mapping[str, str], report: ColumnReport | None = None
) -> Iterator[ReadRow]:
    """The rows of the SELECT statement in `file`, run in the database at a SQLAlchemy address.

    Its columns are matched to fields like those of a file. Rows are numbered from 1. They are
    fetched as they are read, in a read-only transaction. `report` is filled while they are read.

    Raises:
        FileError: no single SELECT statement, an invalid address, a missing driver, or the database
            reports an error. The message never contains the address.
    """
    report = ColumnReport() if report is None else report
    statement = _read_statement(file)
    url = _parse_address(address)
    engine = _create_engine(url)
    try:
        with engine.connect() as connection:
            yield from reject_duplicates(_read(connection, statement, mapping, report), "row")
    except FieldError as error:
        raise FileError(f"{file}: {error}") from error
    except SQLAlchemyError as error:
        raise FileError(f"{_describe(url)}: {_reason(error, url)}") from error
    finally:
        engine.dispose()


def _create_engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, poolclass=NullPool)
    except NoSuchModuleError as error:
        raise FileError(f"no database is called {url.drivername!r}: use {EXAMPLES}") from error
    except ImportError as error:
        raise FileError(
            f"the driver for {url.drivername} is missing: install the Python package {error.name}"
        ) from error
    except SQLAlchemyError as error:
        raise FileError(f"{_describe(url)}: {_reason(error, url)}") from error
    if setting := READ_ONLY.get(url.get_backend_name()):
        event.listen(engine, "connect", lambda connection, _record: _run(connection, setting))
    return engine


def _read_statement(file: Path) -> str:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: it is not UTF-8") from error
    except OSError as error:
        raise FileError(f"{file}: {error.strerror}") from error
    parsed = [it for it in sqlparse.parse(text) if it.token_first(skip_cm=True) is not None]
    statements = [it for it in parsed if str(it.token_first(skip_cm=True)) != ";"]
    if len(statements) != 1 or statements[0].get_type() != "SELECT":
        raise FileError(f"{file}: it must contain one SELECT statement, and nothing else")
    return str(statements[0]).rstrip().rstrip(";")


def _parse_address(address: str) -> URL:
    """The address, with the driver that this project has if it names none.

    Raises:
        FileError: it is not an address. The message does not contain it: it may have a password.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise FileError(f"the address of the database is not one such as {EXAMPLES}") from error
    if url.get_backend_name() == "sqlite":
        _require_sqlite_file(url)
    elif "@" in f"{url.host}{url.database}":
        raise FileError(
            "the address of the database has more than one @: write @ in its password as %40"
        )
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _require_sqlite_file(url: URL) -> None:
    """SQLite would create a file that does not exist."""
    name = url.database or ""
    if not name.startswith("file:") and not Path(name).is_file():
        raise FileError(f"sqlite: there is no file {name or ':memory:'!r}")


def _run(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()


def _read(
    connection: Connection, statement: str, mapping: Mapping[str, str], report: ColumnReport
) -> Iterator[ReadRow]:
    result = connection.execution_options(
        postgresql_readonly=True, yield_per=FETCHED, no_parameters=True
    ).exec_driver_sql(statement)
    header = list(result.keys())
    if len(set(header)) < len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        raise FieldError(f"the query has a column twice: {', '.join(map(repr, twice))}")
    columns = Columns.from_header(header, mapping)
    report.format = "a query"
    report.add(columns)
    parser = RowParser(columns, report)
    for number, row in enumerate(result, start=1):
        cells = {name: to_cell(value) for name, value in zip(header, row, strict=True)}
        if report.rows < SAMPLE:
            report.look_at(cells)
        yield parser.parse(number, cells)


def to_cell(value: Any) -> Any:
    """A value of a database as JSON has it: a text, number, boolean, list or object, or None.

    Decimal numbers stay numbers, so that 1.299 is never read as 1299.
    """
    match value:
        case None | str() | bool() | int() | float():
            return value
        case Decimal():
            whole = value.is_finite() and value == value.to_integral_value()
            return int(value) if whole else float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).decode("utf-8", "surrogateescape")
        case date() | time():
            return value.isoformat()
        case dict():
            return {str(key): to_cell(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_cell(item) for item in value]
        case _:
            return str(value)


def _describe(url: URL) -> str:
    """The database, without anything secret."""
    where = f" at {url.host}" if url.host else ""
    return f"the database {url.database or ''}{where}"


def _reason(error: SQLAlchemyError, url: URL) -> str:
    """The first line of the database's message, without passwords."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).strip().partition("\n")[0]
    secrets = [url.password] + [
        value for name, value in url.query.items() if any(part in name for part in SECRET)
    ]
    for secret in filter(None, secrets):
        for written in (str(secret), quote_plus(str(secret))):
            text = text.replace(written, "***")
    return text
