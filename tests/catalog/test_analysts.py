"""Logins of analysts, and what they cannot stop."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from threading import Thread

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg import errors

from catalog.analysts import MAX_CONNECTIONS
from catalog.db import locks
from catalog.db.connection import connect
from catalog.db.locks import (
    LockHeld,
    LockSpace,
    embedding_lock,
    lock_embedding,
    lock_transaction,
)
from catalog.indexing.worker import Worker
from catalog.query_log import MAX_REQUESTS, prune
from catalog.sqlapi.objects import create_objects
from tests.fakes import WordsAndColours

NAME = f"bea_{os.getpid()}"


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    """A connection of the owner; afterwards, the logins of the test are removed."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection
        connection.execute(f"DROP ROLE IF EXISTS {NAME}".encode())
        connection.execute(f"DROP ROLE IF EXISTS app_{NAME}".encode())


def add(*options: str) -> str:
    out = StringIO()
    call_command("add_analyst", NAME, *options, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@contextmanager
def logged_in(database: str, name: str = NAME) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.replace("//postgres", f"//{name}", 1), autocommit=True) as user:
        yield user


def test_login_reads_and_is_limited(database: str, owner: psycopg.Connection) -> None:
    owner.execute("INSERT INTO product (sku, title) VALUES ('A', 'red shirt')")
    password = add()
    assert len(password) >= 20
    with logged_in(database) as user:
        assert user.execute("SELECT title FROM product").fetchall() == [("red shirt",)]
        assert user.execute("SELECT count(*) FROM search.understand('red shirt')").fetchone()
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            assert user.execute(f"SHOW {setting}".encode()).fetchone() == ("1min",)
        with pytest.raises(errors.ReadOnlySqlTransaction):
            user.execute("CALL search.embed('red shirt')")
        with pytest.raises(errors.InsufficientPrivilege):
            user.execute("BEGIN READ WRITE; DELETE FROM product")
    limit = owner.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", [NAME])
    assert limit.fetchone() == (MAX_CONNECTIONS,)


def test_password_is_renewed_and_the_login_may_embed(
    database: str, owner: psycopg.Connection
) -> None:
    assert add() != add("--can-embed")
    with logged_in(database) as user:
        user.execute("SELECT search.request('red shirt')")
    waiting = owner.execute("SELECT text, requested_by FROM query_embedding").fetchall()
    assert waiting == [("red shirt", NAME)]


@pytest.mark.parametrize(
    "name",
    ["postgres", "analyst", f"app_{NAME}", "", "x" * 64, "a\0b"],
    ids=["superuser", "group", "other", "empty", "long", "nul"],
)
def test_other_roles_are_not_changed(name: str, database: str, owner: psycopg.Connection) -> None:
    owner.execute(f"CREATE ROLE app_{NAME} LOGIN".encode())
    with pytest.raises(CommandError):
        call_command("add_analyst", name, stdout=StringIO())
    kept = "SELECT rolconnlimit FROM pg_roles WHERE rolname IN ('postgres', %s)"
    assert set(owner.execute(kept, [f"app_{NAME}"]).fetchall()) == {(-1,)}


def test_connections_are_left_to_the_shop(
    database: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.analysts.SHOP_CONNECTIONS", 95)
    with pytest.raises(CommandError, match="the shop needs 95"):
        add()
    monkeypatch.undo()
    add()
    monkeypatch.setattr("catalog.analysts.SHOP_CONNECTIONS", 95)
    assert add()  # a new password takes no connection


@pytest.mark.parametrize(
    "write",
    [
        *("SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')", "SELECT lo_put(1, 0, 'x')"),
        "SELECT pg_logical_emit_message(false, '', repeat('x', 1000000))",
        "SELECT pg_advisory_lock(i) FROM generate_series(1, 1000000) AS i",
        "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
    ],
)
def test_analysts_store_no_large_objects_and_fill_no_memory_of_all(
    database: str, owner: psycopg.Connection, write: str
) -> None:
    add("--can-embed")
    with logged_in(database) as user, pytest.raises(errors.InsufficientPrivilege):
        user.execute(write.encode())


def test_size_of_temporary_files_is_limited_for_good(
    database: str, owner: psycopg.Connection
) -> None:
    add()
    with logged_in(database) as user:
        assert user.execute("SHOW temp_file_limit").fetchone() == ("1GB",)
        with pytest.raises(errors.InsufficientPrivilege):
            user.execute("SET temp_file_limit = -1")


def test_only_those_who_write_products_create_temporary_tables(
    database: str, owner: psycopg.Connection
) -> None:
    add("--can-embed")
    owner.execute(f"CREATE ROLE app_{NAME} LOGIN; GRANT INSERT ON product TO app_{NAME}".encode())
    try:
        with connect() as connection:
            create_objects(connection)
        with logged_in(database) as user, pytest.raises(errors.InsufficientPrivilege):
            user.execute("CREATE TEMP TABLE large AS SELECT * FROM product")
        with logged_in(database, f"app_{NAME}") as program:
            program.execute("CREATE TEMP TABLE staging (id int)")
            program.execute("SELECT pg_advisory_xact_lock(1, 2)")
        owner.execute("CREATE TEMP TABLE staging (id int)")
    finally:
        owner.execute(f"DROP OWNED BY app_{NAME}".encode())


def test_requests_of_an_hour_are_limited(database: str, owner: psycopg.Connection) -> None:
    add("--can-embed")
    with logged_in(database) as user:
        user.execute("SELECT search.request('red shirt')")
        owner.execute("UPDATE request_count SET texts = %s", [MAX_REQUESTS - 1])
        user.execute("SELECT search.request('red shirt')")
        with pytest.raises(errors.ConfigurationLimitExceeded) as caught:
            user.execute("SELECT search.request('red shirt')")
        assert f"more than {MAX_REQUESTS} texts" in str(caught.value)
        assert "Wait until" in str(caught.value.diag.message_hint)
        owner.execute("SELECT search.request('blue shirt')")
        owner.execute("UPDATE request_count SET since = since - interval '61 min'")
        user.execute("SELECT search.request('red shirt')")
        texts = owner.execute("SELECT texts FROM request_count WHERE role = %s", [NAME])
        assert texts.fetchone() == (1,)


def test_requests_are_answered_in_turn(
    database: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither many requests nor repeated ones move those of others back."""
    monkeypatch.setattr("catalog.indexing.worker.MICRO_BATCH", 2)
    add("--can-embed")
    with logged_in(database) as user:
        user.execute("SELECT count(search.request('many ' || i)) FROM generate_series(1, 5) AS i")
        owner.execute("SELECT search.request('mine')")
        user.execute("SELECT search.request('mine')")
    worker = Worker(lambda name: WordsAndColours())
    assert worker.answer_requests() == 2
    done = owner.execute("SELECT text FROM query_embedding WHERE embedding IS NOT NULL")
    assert "mine" in {text for (text,) in done}


def test_requests_of_one_user_do_not_displace_those_of_others(
    database: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.query_log.MAX_REQUESTED", 4)
    add("--can-embed")
    owner.execute("SELECT search.request('mine')")
    with logged_in(database) as user:
        user.execute("SELECT count(search.request('many ' || i)) FROM generate_series(1, 9) AS i")
    prune()
    kept = owner.execute(
        "SELECT requested_by = %s, count(*) FROM query_embedding GROUP BY 1", [NAME]
    )
    assert dict(kept.fetchall()) == {True: 3, False: 1}


def test_hostile_name_is_quoted(database: str, owner: psycopg.Connection) -> None:
    name = f'{NAME}"; DROP TABLE product; --'
    call_command("add_analyst", name, stdout=StringIO(), stderr=StringIO())
    assert owner.execute("SELECT count(*) FROM product").fetchone() == (0,)
    owner.execute(psycopg.sql.SQL("DROP ROLE {}").format(psycopg.sql.Identifier(name)))


def test_full_notification_queue_fails_no_change(database: str, owner: psycopg.Connection) -> None:
    """PostgreSQL rejects a transaction that notifies while the queue is full."""
    owner.execute("CREATE SCHEMA fake")
    # Filling the real queue takes gigabytes; the trigger finds this function in its place.
    owner.execute(
        "CREATE FUNCTION fake.pg_notification_queue_usage() RETURNS float LANGUAGE sql"
        " AS 'SELECT 0.9'"
    )
    with psycopg.connect(database, autocommit=True) as listener:
        listener.execute("LISTEN search_products")
        owner.execute("INSERT INTO product (sku, title) VALUES ('A', 'red shirt')")
        assert len(list(listener.notifies(timeout=60, stop_after=1))) == 1
        owner.execute("ALTER FUNCTION notify_search() SET search_path = fake, pg_catalog")
        owner.execute("INSERT INTO product (sku, title) VALUES ('B', 'red shirt')")
        owner.execute("NOTIFY search_products, 'finished'")
        assert [it.payload for it in listener.notifies(timeout=60, stop_after=1)] == ["finished"]


def lock_import() -> None:
    with connect() as connection:
        lock_transaction(connection, LockSpace.IMPORT)


def lock_model() -> None:
    with connect() as connection:
        lock_embedding(connection, "fashion", "text")


def lock_session() -> None:
    with embedding_lock("fashion", "text", lambda: None):
        pass


def try_session() -> None:
    with embedding_lock("fashion", "text"):
        pass


KEYS = {
    lock_import: (LockSpace.IMPORT, ""),
    lock_model: (LockSpace.EMBEDDING, "fashion text"),
    lock_session: (LockSpace.EMBEDDING, "fashion text"),
    try_session: (LockSpace.EMBEDDING, "fashion text"),
}
TAKE = "SELECT pg_advisory_lock(%s, hashtext(%s))"


@pytest.mark.parametrize("work", KEYS)
def test_analyst_who_holds_a_lock_is_named(
    work: Callable[[], None], database: str, owner: psycopg.Connection
) -> None:
    add()
    space, name = KEYS[work]
    # As on a server where `migrate` is not run by a superuser.
    owner.execute("GRANT EXECUTE ON FUNCTION pg_advisory_lock(int, int) TO PUBLIC")
    with logged_in(database) as user:
        process = user.info.backend_pid
        user.execute(TAKE, [int(space), name])
        with pytest.raises(LockHeld, match=rf"{NAME} holds a lock.*process {process}"):
            work()
    ended = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
    while owner.execute(ended, [process]).fetchone() != (True,):
        pass
    work()


@pytest.mark.parametrize("work", [lock_import, lock_model, lock_session])
def test_own_processes_are_waited_for(
    work: Callable[[], None],
    database: str,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "TIMEOUT", "50ms")
    space, name = KEYS[work]
    owner.execute(TAKE, [int(space), name])
    waiting = Thread(target=work)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    owner.execute("SELECT pg_advisory_unlock_all()")
    waiting.join(60)
    assert not waiting.is_alive()
    with connect() as connection:
        lock_transaction(connection, space)
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "0"
