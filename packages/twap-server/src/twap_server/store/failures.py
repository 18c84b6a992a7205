"""Translate a driver's failure to one of ours. SQL text and parameters never reach a message."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from twap_server.domain.errors import StoreConflict, StoreUnavailable

_REASONS = {
    "SQLITE_BUSY": "it is locked by another program",
    "SQLITE_LOCKED": "it is locked by another program",
    "SQLITE_PROTOCOL": "it is locked by another program",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk reported an error",
    "SQLITE_READONLY": "it may not be written",
    "SQLITE_CANTOPEN": "the file cannot be opened",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_NOTADB": "the file is not a database",
    "SQLITE_PERM": "the file may not be used",
}
_REASONS_BY_STATE = {
    "08": "the connection was lost",
    "25006": "it may not be written",
    "28": "the user or the password is wrong",
    "3D000": "there is no database of that name: create it first",
    "40": "another transaction was in the way",
    "42704": "the URL asks for a setting that it does not have",
    "42501": "this user lacks a right that is needed",
    "53100": "the disk is full",
    "53300": "it has no connection left",
    "55P03": "it is locked by another program",
    "57014": "it took too long",
    "57P": "it is being started or stopped",
    "58": "the disk reported an error",
    "XX00": "it is damaged",
}
"""PostgreSQL's states (SQLSTATE) by their beginning."""
_REASONS_BY_KIND: dict[type[BaseException], str] = {
    ConnectionRefusedError: "nothing listens at its address",
    TimeoutError: "it did not answer in time",
    ConnectionError: "it cut the connection off; its log, or sslmode in the URL, may say why",
}
_GENERIC = "the database did not answer"


@contextmanager
def translated() -> Iterator[None]:
    """Turn failures of the database into ``StoreConflict`` and ``StoreUnavailable``.

    Mistakes of ours (a value that no column takes, a statement that cannot be built) pass unchanged: retrying
    them would never help.

    Raises:
        StoreConflict: a unique key was taken, or a row refers to one that is not there.
        StoreUnavailable: the database could not be reached, read or written.
    """
    try:
        yield
    except (IntegrityError, sqlite3.IntegrityError) as error:
        raise StoreConflict("not recorded: something with the same key was recorded before") from error
    except (DBAPIError, sqlite3.Error, PoolTimeoutError, OSError) as error:
        if _is_of_the_data(error):
            raise
        raise StoreUnavailable(unavailable(error)) from error
    except Exception as error:
        # While it prepares a new connection, SQLAlchemy lets asyncpg's own errors through.
        if not type(error).__module__.startswith("asyncpg."):
            raise
        raise StoreUnavailable(unavailable(error)) from error


def unavailable(error: BaseException | None) -> str:
    """Say that the database cannot be used, and why."""
    return f"the database cannot be used: {_GENERIC if error is None else reason(error)}; try again"


def _is_of_the_data(error: BaseException) -> bool:
    """Whether PostgreSQL refused a value (SQLSTATE class 22)."""
    original = getattr(error, "orig", None)
    causes = (original, getattr(original, "__cause__", None))
    return any(str(getattr(cause, "sqlstate", None) or "").startswith("22") for cause in causes)


def reason(error: BaseException) -> str:
    """Say in plain words why the database failed."""
    original = getattr(error, "orig", None) or error
    for cause in (original, original.__cause__):
        for words in _named(cause):
            return words
    for kind, words in _REASONS_BY_KIND.items():
        if isinstance(original, kind):
            return words
    if isinstance(original, OSError) and original.strerror:
        return original.strerror.lower()
    return _GENERIC


def _named(cause: BaseException | None) -> Iterator[str]:
    for attribute, reasons in (("sqlite_errorname", _REASONS), ("sqlstate", _REASONS_BY_STATE)):
        name = getattr(cause, attribute, None) or ""
        yield from (words for prefix, words in reasons.items() if name.startswith(prefix))
