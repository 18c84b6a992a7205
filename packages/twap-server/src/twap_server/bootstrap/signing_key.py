"""The secret that signs access tokens: given, or kept in a 0600 file that the first start makes.

The file is whole or absent, whenever the process is killed: it is written under another name, synced and
renamed.
"""

import logging
import os
import secrets
from pathlib import Path

from twap_server.domain.errors import InvalidRequest, UnavailableError
from twap_server.settings import Settings, data_folder
from twap_server.store.database import file_of

log = logging.getLogger(__name__)

_KEY_BYTES = 32
_FILE = "signing.key"


def signing_key(settings: Settings) -> bytes:
    """The given key, or that of the file.

    Raises:
        InvalidRequest: the given key is too short, or what the file holds is no key.
        UnavailableError: the file can neither be read nor made.
    """
    if settings.signing_key is not None:
        key = settings.signing_key.get_secret_value().encode()
        if len(key) < _KEY_BYTES:
            raise InvalidRequest(
                f"signing_key must have at least {_KEY_BYTES} characters", field="signing_key"
            )
        return key
    file = key_file(settings)
    try:
        return _kept(file) or _made(file)
    except OSError as error:
        raise UnavailableError(
            f"the signing key {file} cannot be read or made ({error.strerror}): make its folder writable for "
            "this user, or set TWAP_SIGNING_KEY to a secret of at least 32 characters"
        ) from None


def key_file(settings: Settings) -> Path:
    """Beside the database's file; in the data folder where there is no such file."""
    database = file_of(settings.database_url)
    return (database.parent if database else data_folder()) / _FILE


def _kept(file: Path) -> bytes:
    """The key in the file; nothing where it is absent or empty, for no token was ever signed with that."""
    try:
        key = file.read_bytes().strip()
    except FileNotFoundError:
        return b""
    if 0 < len(key) < _KEY_BYTES or not key.isascii():
        raise InvalidRequest(
            f"the signing key in {file} cannot be used: expected at least {_KEY_BYTES} ASCII characters. "
            "Restore it from a backup, or delete it: the next start makes another, and clients renew their "
            "access tokens by themselves",
            field="signing_key",
        )
    if not key:
        log.warning("the signing key %s is empty: another is made", file)
    return key


def _made(file: Path) -> bytes:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    key = secrets.token_urlsafe(_KEY_BYTES).encode()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(key)
        new.flush()
        os.fsync(new.fileno())
    draft.replace(file)
    _sync_folder(file.parent)
    return key


def _sync_folder(folder: Path) -> None:
    """Let the new name survive a power cut; Windows cannot open a folder, and does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
