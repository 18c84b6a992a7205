"""Run ``twap-server backup`` and ``restore``: SQLite by its backup API, PostgreSQL by its own programs.

A backup is taken while the server runs, read back, and only then gets its name. A restore needs the database
for itself, keeps what it replaces, and leaves migrations to the next start.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from twap_models import __version__
from twap_server.bootstrap import archive
from twap_server.bootstrap.archive import About
from twap_server.clock import SystemClock
from twap_server.domain.clock import to_text
from twap_server.domain.errors import StoreUnavailable
from twap_server.settings import Settings
from twap_server.store import postgresql_copy, sqlite_copy
from twap_server.store.config import file_of
from twap_server.store.contents import Contents
from twap_server.store.postgresql_copy import Tools
from twap_server.store.sole_use import refuse_other_owner

_ERRNO_WORDS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    about: About
    kept: Path | None
    """Where what was replaced is kept."""
    into: Path | None = None
    """The file of the database; None: it is a server's."""


def backup(settings: Settings, file: Path, *, force: bool = False, pg_bin: Path | None = None) -> About:
    """Take a backup, of a running server or a stopped one.

    Args:
        settings: name the database.
        file: to write; only its owner can read it.
        force: whether an existing file is replaced.
        pg_bin: folder of PostgreSQL's programs; None: they are on the search path.

    Raises:
        StoreUnavailable: it cannot be taken, or the file is there; no part of it is left.
    """
    if not force and file.exists():
        raise StoreUnavailable(f"{file} is there already: choose another name, or --force to replace it")
    if not file.parent.is_dir():
        raise StoreUnavailable(
            f"the backup {file} cannot be written: there is no folder {file.parent}: make it, for the"
            " server's user alone"
        )
    path, taken = file_of(settings.database_url), to_text(SystemClock().now())
    with _ending(f"the backup {file} cannot be written"), archive.work_folder(file) as folder:
        copy = folder / "copy"
        if path:
            found = sqlite_copy.take(path, copy)
        else:
            found = postgresql_copy.take(settings.database_url, copy, Tools(pg_bin))
        return _archive(file, "sqlite" if path else "postgresql", taken, copy, found)


def restore(settings: Settings, file: Path, *, pg_bin: Path | None = None) -> Restored:
    """Put a backup in the place of the database, which no server may be using.

    Raises:
        StoreUnavailable: a server uses the database, or the backup is damaged, of a newer version or of the
            other kind of database; nothing was changed then.
    """
    path, now = file_of(settings.database_url), to_text(SystemClock().now())
    beside = path or file
    kept = beside.with_name(f"{beside.name}.before-restore-{now.replace(':', '')}")
    with _ending(f"{file} cannot be restored"):
        if path:
            return _into_file(file, path, kept=kept)
        return _into_server(file, settings.database_url, kept=kept, now=now, tools=Tools(pg_bin))


def _into_file(file: Path, path: Path, *, kept: Path) -> Restored:
    if path.exists():
        refuse_other_owner(path)
    with sqlite_copy.held(path), archive.work_folder(path) as folder:
        new = folder / "new"
        about = _unpacked(file, new, kind="sqlite")
        _refuse_different(sqlite_copy.checked(new), about)
        was_there = sqlite_copy.put(new, path, kept=kept)
        return Restored(about=about, kept=kept if was_there else None, into=path)


def _into_server(file: Path, url: str, *, kept: Path, now: str, tools: Tools) -> Restored:
    with archive.work_folder(file) as folder:
        new = folder / "new"
        about = _unpacked(file, new, kind="postgresql")
        keep = partial(_archive, kept, "postgresql", now)
        was_there = postgresql_copy.put(new, url, tools, expected=about.contents, keep=keep)
        return Restored(about=about, kept=kept if was_there else None)


def _unpacked(file: Path, target: Path, *, kind: archive.Kind) -> About:
    with archive.opened(file) as (about, _):
        if about.kind != kind:
            raise StoreUnavailable(f"{file} is a backup of {about.kind}, the database is {kind}")
        about.contents.refuse_newer()
    return archive.unpack(file, target)


def _refuse_different(found: Contents, about: About) -> None:
    if different := found.differences(about.contents):
        raise StoreUnavailable(f"the backup does not hold what it says: {different}")


def _archive(file: Path, kind: archive.Kind, taken: str, copy: Path, found: Contents) -> About:
    about = About.of(copy, kind=kind, server=__version__, taken=taken, contents=found)
    archive.write(file, about, copy, draft=copy.with_name("draft"))
    return about


@contextmanager
def _ending(what: str) -> Iterator[None]:
    """Tell the system's errors in a line.

    Raises:
        StoreUnavailable: the system refused something.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{what}: {_ERRNO_WORDS.get(error.errno or 0, error.strerror)}") from error
