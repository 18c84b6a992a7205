"""Write and read a backup file: a ZIP with the database's copy and ``about.json`` (contents and digest).

It is whole or absent: written under another name, read back, synced, renamed. Only its owner can read it.
"""

import errno
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal, Self

from pydantic import TypeAdapter

from twap_server.domain.errors import StoreUnavailable
from twap_server.runtime import files
from twap_server.store.contents import Contents

Kind = Literal["sqlite", "postgresql"]
Format = Literal["twap-backup/1"]
_ABOUT = "about.json"
_COPY: dict[str, str] = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
_LARGEST_ABOUT = 64 * 1024
_CHUNK = 1024 * 1024
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, ValueError)
"""What a ZIP that is none, or not ours, makes ``zipfile`` and pydantic raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a backup is."""

    format: Format = "twap-backup/1"
    kind: Kind
    server: str
    """The version of twap-server that took it."""
    taken: str
    """When, in UTC."""
    contents: Contents
    sha256: str
    """Of the database's copy."""
    size: int
    """Of the same, in bytes."""

    @classmethod
    def of(cls, copy: Path, *, kind: Kind, server: str, taken: str, contents: Contents) -> Self:
        """Describe a copy."""
        with copy.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = copy.stat().st_size
        return cls(kind=kind, server=server, taken=taken, contents=contents, sha256=digest, size=size)


def write(file: Path, about: About, copy: Path, *, draft: Path) -> None:
    """Put a copy and what it is into one file.

    Args:
        file: its name in the end.
        about: what it is.
        copy: the database's copy.
        draft: its name until it is whole, in the same folder.

    Raises:
        StoreUnavailable: it cannot be written, or what was written is not what can be read.
        OSError: the same, of the system's own.
    """
    with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as made:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(_ABOUT, json.dumps(asdict(about), indent=1))
            archive.write(copy, _COPY[about.kind])
        made.flush()
        os.fsync(made.fileno())
    with opened(draft) as (read, content):
        _copied(content, read, None)
    draft.replace(file)
    files.sync(file.parent)


@contextmanager
def opened(file: Path) -> Iterator[tuple[About, IO[bytes]]]:
    """Open a backup: what it is, and the database's copy.

    Raises:
        StoreUnavailable: it is not there, damaged or no backup.
        OSError: the system refused to read it, or whatever else was done while it was open.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            about = _about(archive)
            with archive.open(_COPY[about.kind]) as content:
                yield about, content
    except FileNotFoundError:
        raise StoreUnavailable(f"there is no file {file}") from None
    except _DAMAGE as error:
        raise _damaged(file) from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # a place that is before the file, a stream that is none
            raise _damaged(file) from error
        raise


def unpack(file: Path, target: Path) -> About:
    """Write the database's copy into a new file (0600), if it is whole.

    Raises:
        StoreUnavailable: it is not.
        OSError: it cannot be read or written.
    """
    with opened(file) as (about, content):
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            try:
                _copied(content, about, made)
            except StoreUnavailable:
                raise _damaged(file) from None
            made.flush()
            os.fsync(made.fileno())
        return about


def _about(archive: zipfile.ZipFile) -> About:
    with archive.open(_ABOUT) as file:
        return TypeAdapter(About).validate_json(file.read(_LARGEST_ABOUT))


def _copied(content: IO[bytes], about: About, target: IO[bytes] | None) -> None:
    """Read all of it, write it, and compare; no more than it says that it is.

    Raises:
        StoreUnavailable: it is not what it says.
    """
    digest, left = hashlib.sha256(), about.size
    while piece := content.read(_CHUNK):
        left -= len(piece)
        if left < 0:
            break
        digest.update(piece)
        if target is not None:
            target.write(piece)
    if left or digest.hexdigest() != about.sha256:
        raise StoreUnavailable("the backup cannot be read back as it was written: the disk may be failing")


def _damaged(file: Path) -> StoreUnavailable:
    return StoreUnavailable(f"{file} is damaged or no backup of twap-server: use another backup")


@contextmanager
def work_folder(beside: Path) -> Iterator[Path]:
    """A folder for drafts beside a file, only for us, removed whatever happens but SIGKILL.

    Its name is new each time: in containers, process numbers are the same again and again.
    """
    prefix = f".{beside.name}.partial-"
    with TemporaryDirectory(prefix=prefix, dir=beside.parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
