"""Check the server's files: folder, signing key, disk."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from twap_server.bootstrap.doctor.finding import Finding, fault, ok, warning
from twap_server.bootstrap.signing_key import kept_key, key_file, shared_folder
from twap_server.domain.clock import MILLISECOND, Clock
from twap_server.domain.errors import TwapError
from twap_server.settings import Settings

_LITTLE, _TOO_LITTLE = 1024**3, 64 * 1024**2
_SLOW_SYNC_MS = 100


def folder(settings: Settings) -> Sequence[Finding]:
    """The folder of the database's file, or of the key."""
    try:
        place = key_file(settings).parent
    except TwapError as error:
        return [fault("folder", str(error))]
    if not place.exists():
        above = _existing(place)
        if os.access(above, os.W_OK | os.X_OK):
            return [ok("folder", f"{place} is made by the first start")]
        return [fault("folder", f"{place} cannot be made in {above}", f"make it, writable for {_user()}")]
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return [fault("folder", f"{place} cannot be written", f"make it writable for {_user()}")]
    if remark := shared_folder(place):
        text, _, advice = remark.partition(": chmod")
        return [warning("folder", text, f"chmod{advice}")]
    return [ok("folder", f"{place}, mode {place.stat().st_mode & 0o7777:04o}")]


def signing_key(settings: Settings) -> Sequence[Finding]:
    """Given, in its file, or yet to be made."""
    try:
        key = kept_key(settings)
    except TwapError as error:
        return [fault("signing key", str(error))]
    except OSError as error:
        return [fault("signing key", f"{key_file(settings)} cannot be read ({error.strerror})")]
    if settings.signing_key is not None:
        return [ok("signing key", "given by the settings")]
    where = key_file(settings)
    return [ok("signing key", f"{where}" if key else f"{where} is made by the first start")]


def disk(settings: Settings, clock: Clock) -> Sequence[Finding]:
    """Room, and how long a write takes to be safe."""
    place = _existing(key_file(settings).parent)
    free = shutil.disk_usage(place).free
    room = f"{free / 1024**3:,.1f} GiB free at {place}"
    if free < _TOO_LITTLE:
        found = fault("disk", room, "make room: new orders are refused when they cannot be stored")
    elif free < _LITTLE:
        found = warning("disk", room, "make room: new orders are refused when they cannot be stored")
    else:
        found = ok("disk", room)
    return [found, _sync_time(place, clock)]


def _sync_time(place: Path, clock: Clock) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
            file.flush()
            begin = clock.monotonic()
            os.fsync(file.fileno())
            took = (clock.monotonic() - begin) / MILLISECOND
    except OSError as error:
        return fault("disk write", f"a file at {place} cannot be written ({error.strerror})")
    if took > _SLOW_SYNC_MS:
        advice = "use a faster disk: every commit waits for this"
        return warning("disk write", f"a write is safe after {took:,.0f} ms", advice)
    return ok("disk write", f"a write is safe after {took:,.1f} ms")


def _existing(place: Path) -> Path:
    return next(one for one in (place, *place.parents) if one.exists())


def _user() -> str:
    return f"user id {os.geteuid()}" if os.name != "nt" else "this user"
