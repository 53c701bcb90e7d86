"""The base class of the shop's commands."""

import sys
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from sqlalchemy.exc import DBAPIError

from catalog.db.problems import database_problem
from embedding.errors import UserFacingError
from shop.management.outputs import PlainOutput

MAX_LISTED = 20
"""The maximum number of rows that a command lists; it counts the others."""
INTERRUPTED = 130
"""The exit status after Ctrl-C, as in shells."""


def is_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused the error. In the middle of a statement, the connection raises an error
    of its own while the interrupt is handled."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


class CatalogCommand(BaseCommand):
    """A command that reports errors that the user can fix in one line, with exit status 2.

    Such errors are about a setting, a file, the database or a model. `--traceback` shows more.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stdout = PlainOutput(options.get("stdout") or sys.stdout)
        self.stderr = PlainOutput(options.get("stderr") or sys.stderr)
        self.stderr.style_func = self.style.ERROR

    def execute(self, *args: Any, **options: Any) -> str | None:
        for name in ("stdout", "stderr"):
            if stream := options.pop(name, None):
                setattr(self, name, PlainOutput(stream))
        try:
            return super().execute(*args, **options)
        except SystemCheckError as error:
            error.returncode = 2
            raise
        except UserFacingError as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            where = "" if error.filename is None else f"{error.filename}: "
            raise CommandError(f"{where}{error.strerror or error}", returncode=2) from error
        except (psycopg.Error, DBAPIError) as error:
            if (problem := database_problem(error)) is None:
                raise
            raise CommandError(problem, returncode=2) from error
