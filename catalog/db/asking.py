"""Asks PostgreSQL for an answer within a time limit, also if it has frozen."""

import select
import socket
import time
from contextlib import suppress

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus


class NoAnswer(TimeoutError):
    """The database did not answer in time."""


def ask(connection: psycopg.Connection, statement: bytes, timeout: float) -> str | None:
    """Run a statement on an idle connection; returns the first value, or None if there is none.

    Raises:
        NoAnswer: no answer within `timeout` seconds. The connection cannot be used any more.
        psycopg.Error: the connection is lost, or the statement fails.
    """
    server = connection.pgconn
    server.send_query(statement)
    server.flush()
    value: bytes | None = None
    failure = ""
    deadline = time.monotonic() + timeout
    while server.transaction_status == TransactionStatus.ACTIVE:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([server.socket], [], [], left)[0]:
            raise NoAnswer
        server.consume_input()
        while not server.is_busy() and (result := server.get_result()):
            if result.status == ExecStatus.TUPLES_OK and result.ntuples:
                value = result.get_value(0, 0)
            elif result.status == ExecStatus.FATAL_ERROR:
                failure = result.get_error_message()
    if failure:
        raise psycopg.OperationalError(failure)
    return None if value is None else value.decode()


def disconnect(connection: psycopg.Connection) -> None:
    """Shut down the socket of a connection, which another thread may be waiting for."""
    with (
        suppress(psycopg.Error, OSError),
        socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as sockets_copy,
    ):
        sockets_copy.shutdown(socket.SHUT_RDWR)
