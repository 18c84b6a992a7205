"""Write files whole or not at all: beside their place first, and into it once all of them are written.

What a process that was killed left beside is removed by the next one: its lock went with it.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from twap_server.domain.errors import InvalidRequest

if sys.platform != "win32":
    import fcntl

_BESIDE: Final = ".new-"
_LEFT: Final = re.compile(re.escape(_BESIDE) + "[a-z0-9_]{8}")
"""What such folders are called."""


@contextmanager
def written_whole(folder: Path, *, field: str) -> Iterator[Path]:
    """Give an empty folder to write into; what is in it moves into ``folder`` when the block ends.

    A block that fails leaves nothing behind, and what was in ``folder`` as it was. Files of the same name are
    replaced.

    Args:
        folder: is made where it is not there.
        field: names the option that gave it.

    Raises:
        InvalidRequest: the folder cannot be made, or the disk does not take what is written.
    """
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _beside(folder) as beside:
            yield beside
            for one in sorted(beside.iterdir()):
                os.replace(one, folder / one.name)
    except BaseException as error:
        for one in new:
            with suppress(OSError):  # it is not empty, or not there
                one.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise InvalidRequest(f"cannot write into {folder}: {reason}", field=field) from None
        raise


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, but for what was begun beside its place."""
    return all(_LEFT.fullmatch(one.name) for one in folder.iterdir())


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Make a folder in this one that is locked as long as the block runs."""
    # Else another process might take the new one, not locked yet, for one that was left.
    with _locked(folder):
        _remove_left(folder)
        made = tempfile.TemporaryDirectory(dir=folder, prefix=_BESIDE)
        lock = _lock(Path(made.name))
    try:
        with made as beside:
            yield Path(beside)
    finally:
        _unlock(lock)


def _remove_left(folder: Path) -> None:
    for one in [one for one in folder.iterdir() if _LEFT.fullmatch(one.name)]:
        lock = _lock(one, waits=False)
        if lock is not None:
            shutil.rmtree(one, ignore_errors=True)
            _unlock(lock)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder)
    try:
        yield
    finally:
        _unlock(lock)


def _lock(folder: Path, *, waits: bool = True) -> int | None:
    """Lock a folder until ``_unlock`` or the end of this process; None where it cannot be locked."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except OSError:  # another process has it, or this file system knows no locks
        os.close(descriptor)
        return None
    return descriptor


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
