"""Copy an SQLite database while a server runs, check the copy, and put it in the place of another.

A copy is of one moment: its reading transaction is open from the first page to the last, and in WAL neither
waits for the writer nor holds it up. Between pages it pauses, for the disk is the server's, too.
"""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import StaticPool, create_engine

from twap_server.domain.errors import StoreUnavailable
from twap_server.runtime import files
from twap_server.store.contents import Contents, contents
from twap_server.store.failures import reason
from twap_server.store.sole_use import sole_use

_PAGES = 256
"""Copied at once: 1 MiB."""
_PAUSE_MS = 5
_PATIENCE_S = 30
_BESIDE = ("-wal", "-shm")


def refuse_absent(path: Path) -> None:
    """Refuse to work on a database that is not there.

    Raises:
        StoreUnavailable: it is not; the message says how to name another.
    """
    if not path.is_file():
        raise StoreUnavailable(
            f"there is no database {path}: name the settings with --config, or another one with --database "
            "or TWAP_DATABASE"
        )


def take(path: Path, target: Path) -> Contents:
    """Copy a database, in use or not, into a new file, synced to the disk.

    Raises:
        StoreUnavailable: it cannot be read or the copy not written; what was written is left.
    """
    refuse_absent(path)
    pause = threading.Event()
    with _opened(path) as source, _opened(target, making=True) as copy:
        source.execute("PRAGMA query_only=ON")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is one moment
        source.backup(copy, pages=_PAGES, progress=lambda *_: pause.wait(_PAUSE_MS / 1_000) and None)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    files.sync(target)
    return checked(target, of=path)


def checked(path: Path, *, of: Path | None = None) -> Contents:
    """Look for damage, page by page and record by record.

    Args:
        path: the file.
        of: the database that it is a copy of, to be named in its place.

    Raises:
        StoreUnavailable: there is some; the message says what.
    """
    name = of or path
    with _opened(path, called=name) as connection:
        connection.execute("PRAGMA query_only=ON")
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreUnavailable(f"the database {name} is damaged ({found})")
        if lost := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise StoreUnavailable(f"the database {name} is damaged (rows of {lost[0]} refer to nothing)")
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        with engine.connect() as reading:
            return contents(reading)


def put(new: Path, path: Path, *, kept: Path) -> bool:
    """Put a database in the place of another, which is kept; there is always a whole one at that place.

    The caller has the sole use of ``path``, and ``new`` lies in the same folder.

    Returns:
        Whether there was another.

    Raises:
        StoreUnavailable: the files cannot be changed.
    """
    try:
        was_there = path.stat().st_size > 0
        if was_there:
            _settle(path)
            _link(path, kept)
            for (
                ending
            ) in _BESIDE:  # left only where it is damaged; under the new one they would be taken for its own
                beside = path.with_name(path.name + ending)
                if beside.exists():
                    beside.rename(kept.with_name(kept.name + ending))
        new.replace(path)
        files.sync(path.parent)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be replaced ({error.strerror})") from error
    return was_there


held = sole_use
"""Keeps servers from a database while it is replaced."""


def _settle(path: Path) -> None:
    """Move what was committed last from the log into the file; a damaged one is left as it is."""
    try:
        with _opened(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except StoreUnavailable:
        return


def _link(path: Path, kept: Path) -> None:
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        shutil.copy2(path, kept)
        files.sync(kept)


@contextmanager
def _opened(path: Path, *, making: bool = False, called: Path | None = None) -> Iterator[sqlite3.Connection]:
    """A connection; what fails with it is told with its file, or what that is called.

    Raises:
        StoreUnavailable: it failed.
    """
    try:
        if making:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        name = f"file:{quote(str(path))}?mode=rw"
        connection = sqlite3.connect(name, uri=True, timeout=_PATIENCE_S, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the database {called or path} cannot be used: {reason(error)}") from error
