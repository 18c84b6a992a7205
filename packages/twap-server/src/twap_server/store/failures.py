"""Where a driver's failure becomes one of ours. SQL text and parameters never reach a message."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from twap_server.domain.errors import StoreConflict, StoreUnavailable

_REASONS = {
    "SQLITE_BUSY": "it is locked by another program",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk reported an error",
    "SQLITE_READONLY": "it may not be written",
    "SQLITE_CANTOPEN": "the file cannot be opened",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_NOTADB": "the file is not a database",
    "SQLITE_PERM": "the file may not be used",
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
    except IntegrityError as error:
        raise StoreConflict("not recorded: something with the same key was recorded before") from error
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise StoreUnavailable(f"the database cannot be used: {reason(error)}; try again") from error


def reason(error: BaseException) -> str:
    """Say in plain words why the database failed."""
    original = getattr(error, "orig", None) or error
    for cause in (original, original.__cause__):
        name = getattr(cause, "sqlite_errorname", "")
        for prefix, words in _REASONS.items():
            if name.startswith(prefix):
                return words
    if isinstance(original, OSError) and original.strerror:
        return original.strerror.lower()
    return _GENERIC
