"""Allow one server per SQLite file: two would both execute its open orders.

Two locks, for a file may have several names (hard links, bind mounts, another path to the same folder) and a
name may get another file (a backup moved over it):

1. ``PATH.lock`` beside the file keeps the name, and says who has it;
2. a lock on the file itself keeps the file under whatever name. It belongs to the descriptor that is open
   here (Linux: an open file description lock), and lies on a byte far from those that SQLite locks: SQLite's
   own locks belong to the process and end as soon as the process closes any descriptor of the file.

The operating system gives both up with the process, however it ends. Where it has no locks of the second kind
(macOS, some network file systems), only the first holds. Windows has neither here.
"""

import logging
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from twap_server.domain.errors import StoreUnavailable

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

_BYTE = 1 << 40
"""SQLite locks 512 bytes from 2^30 on."""
_PROCESSES = Path("/proc")


@contextmanager
def sole_use(path: Path) -> Iterator[None]:
    """Make the file (0600, its folder 0700 when new) and keep other servers from it, whatever they call it.

    Raises:
        StoreUnavailable: another server has it, it cannot be opened, or what was committed last lies beside
            another name of it.
    """
    with ExitStack() as held:
        _take_name(_opened(path.with_name(path.name + ".lock"), held), path)
        _take_file(path, held)
        refuse_a_log_elsewhere(path)
        yield


def refuse_other_owner(path: Path) -> None:
    """SQLite's files belong to who made them: the server could not open what another user leaves there.

    Raises:
        StoreUnavailable: the database belongs to another user.
    """
    if sys.platform != "win32" and path.stat().st_uid != os.geteuid():
        raise StoreUnavailable(
            f"the database {path} belongs to another user (number {path.stat().st_uid}): "
            "run this as that user, for the server could not open the files that it would leave"
        )


def server_on(path: Path) -> str:
    """The server that uses a database, seen without a lock; empty: none, or that cannot be seen here."""
    if sys.platform != "linux":
        return ""
    try:
        with path.open("rb+", buffering=0) as file:
            answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _exclusive())
            if struct.unpack("hhqqi", answer)[0] == fcntl.F_UNLCK:
                return ""
            holder, name = _holder(os.fstat(file.fileno()))
    except OSError:
        return ""
    return f"process {holder or 'unknown'}" + (f", which calls it {name}" if name != str(path) else "")


def _opened(path: Path, held: ExitStack) -> int:
    """Open a file of ours, readable by nobody else."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        held.callback(os.close, descriptor)
        if os.fstat(descriptor).st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"the database's file {path} cannot be opened ({error.strerror}): "
            "check that its folder is writable for this user, or choose another file with TWAP_DATABASE"
        ) from error
    return descriptor


def _take_name(descriptor: int, path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise _in_use(f"process {holder}", path) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _take_file(path: Path, held: ExitStack) -> None:
    """Lock the file itself; the descriptor stays open until SQLite has closed its own."""
    own = ExitStack()
    descriptor = _opened(path, own)
    if sys.platform == "linux":
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _exclusive())
        except BlockingIOError as error:
            holder, name = _holder(os.fstat(descriptor))
            if holder != os.getpid():  # else closing it would end the locks of our own SQLite on that file
                own.close()
            who = f"process {holder or 'unknown'}, which calls it {name or 'by another name'}"
            raise _in_use(who, path) from error
        except OSError as error:
            log.warning(
                "the database %s cannot be locked (%s): use it under one name only", path, error.strerror
            )
    held.push(own)


def _exclusive() -> bytes:
    """``struct flock`` of an exclusive lock on our byte."""
    return struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, _BYTE, 1, 0)


def _holder(file: os.stat_result) -> tuple[int, str]:
    """The process that holds our lock on a file, and what it calls it; (0, "") where that cannot be seen."""
    for process in _PROCESSES.glob("[0-9]*"):
        for descriptor in _descriptors(process):
            try:
                found = descriptor.stat()
                if (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino) and _is_locked(descriptor):
                    return int(process.name), str(descriptor.readlink())
            except OSError:
                continue
    return 0, ""


def _descriptors(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:  # another user's, or gone
        return []


def _is_locked(descriptor: Path) -> bool:
    about = descriptor.parent.with_name("fdinfo") / descriptor.name
    return "OFDLCK" in about.read_text(encoding="ascii", errors="replace")


def refuse_a_log_elsewhere(path: Path) -> None:
    """SQLite keeps its log beside the name: under another name the last commits would be missing.

    Raises:
        StoreUnavailable: they lie beside another name of the file.
    """
    own = path.stat()
    if own.st_nlink < 2:
        return
    log.warning("the database %s has %d names (hard links): use only one of them, always", path, own.st_nlink)
    for other in path.parent.iterdir():
        wal = other.with_name(other.name + "-wal")
        if other.name != path.name and _is_same(other, own) and wal.exists() and wal.stat().st_size:
            raise StoreUnavailable(
                f"the database {path} is also called {other.name}, and {wal.name} holds what was committed "
                f"last: start with {other.name}, or remove the name {path.name}"
            )


def _is_same(other: Path, file: os.stat_result) -> bool:
    try:
        return other.stat().st_ino == file.st_ino and other.stat().st_dev == file.st_dev
    except OSError:
        return False


def _in_use(who: str, path: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"another server ({who}) is using the database {path}: stop it first, or use another database"
    )
