"""Load the secret that signs access tokens: from the settings, or a file that the first start makes.

The file is whole or absent, whenever the process is killed: it is written under another name, synced and
renamed.
"""

import logging
import os
import secrets
import stat
from pathlib import Path

from twap_models.exact_json import is_encodable
from twap_server.domain.errors import InvalidRequest, UnavailableError
from twap_server.runtime import files
from twap_server.settings import Settings, data_folder
from twap_server.store.config import file_of

log = logging.getLogger(__name__)

_KEY_BYTES = 32
_LARGEST_FILE = 64 * 1024
_FILE = "signing.key"


def signing_key(settings: Settings) -> bytes:
    """The given key, or that of the file.

    Raises:
        InvalidRequest: the given key is too short, what the file holds is no key, or others know it.
        UnavailableError: the file can neither be read nor made.
    """
    try:
        return kept_key(settings) or _made(key_file(settings))
    except OSError as error:
        file = key_file(settings)
        raise UnavailableError(
            f"the signing key {file} cannot be read or made ({error.strerror}): make its folder writable for "
            "this user, or set TWAP_SIGNING_KEY to a secret of at least 32 characters"
        ) from None


def kept_key(settings: Settings) -> bytes:
    """The given key, or that in the file; empty: there is none yet.

    Raises:
        InvalidRequest: see :func:`signing_key`.
        OSError: the file cannot be read.
    """
    if settings.signing_key is None:
        return _kept(key_file(settings))
    text = settings.signing_key.get_secret_value()
    if not is_encodable(text):
        raise InvalidRequest("signing_key must be text that UTF-8 can write", field="signing_key")
    key = text.encode()
    if len(key) < _KEY_BYTES:
        raise InvalidRequest(f"signing_key must have at least {_KEY_BYTES} characters", field="signing_key")
    return key


def tell_shared_folder(settings: Settings) -> None:
    """Say in the log that others may write where database and key are: they could put in their own."""
    folder = key_file(settings).parent
    if remark := shared_folder(folder):
        log.warning("%s", remark)


def shared_folder(folder: Path) -> str:
    """Who else may write in a folder, and what to do; empty: nobody, or it is not there yet."""
    if os.name == "nt" or not folder.exists():
        return ""
    about = folder.stat()
    by_all, by_group = about.st_mode & 0o002, about.st_mode & 0o020 and about.st_gid != os.getegid()
    if not by_all and not by_group:
        return ""
    return (
        f"the folder {folder} has mode {stat.S_IMODE(about.st_mode):04o}: others may write there, and so "
        f"replace the database or the signing key: chmod 700 {folder}, or choose another with TWAP_DATABASE"
    )


def key_file(settings: Settings) -> Path:
    """Beside the database's file; in the data folder where there is no such file."""
    database = file_of(settings.database_url)
    return (database.parent if database else data_folder()) / _FILE


def _kept(file: Path) -> bytes:
    """The key in the file; nothing where it is absent or empty, for no token was ever signed with that."""
    try:
        # Not to wait for a writer, should it be a pipe.
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return b""
    try:
        _refuse_shared(file, os.fstat(descriptor))
        key = os.read(descriptor, _LARGEST_FILE).strip()
    finally:
        os.close(descriptor)
    if 0 < len(key) < _KEY_BYTES or not key.isascii():
        raise InvalidRequest(
            f"the signing key in {file} cannot be used: expected at least {_KEY_BYTES} ASCII characters. "
            "Restore it from a backup, or delete it: the next start makes another, and clients renew their "
            "access tokens by themselves",
            field="signing_key",
        )
    if not key:
        log.warning("the signing key %s is empty: creating another", file)
    return key


def _refuse_shared(file: Path, about: os.stat_result) -> None:
    """Whoever else can read the key, or wrote it, can sign in as anybody."""
    if not stat.S_ISREG(about.st_mode):
        raise _unusable(file, "is no file", f"remove {file}: the next start makes a key")
    if os.name == "nt":
        return
    if about.st_uid not in (0, os.geteuid()):
        owner = f"belongs to another user (id {about.st_uid})"
        raise _unusable(file, owner, f"chown {os.geteuid()} {file}, or start the server as its owner")
    if mode := stat.S_IMODE(about.st_mode) & 0o077:
        others = "others may read it" if mode & 0o044 else "others may use it"
        raise _unusable(
            file,
            f"has mode {stat.S_IMODE(about.st_mode):04o}, so {others}",
            f"chmod 600 {file}; if somebody may have read it, delete it: the next start makes another, and "
            "clients renew their access tokens by themselves",
        )


def _unusable(file: Path, why: str, what_to_do: str) -> InvalidRequest:
    return InvalidRequest(
        f"the signing key {file} {why}, and who knows it can sign in as anybody: {what_to_do}",
        field="signing_key",
    )


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
    files.sync(file.parent)
    return key
