"""Keep sign-ins of the command line in one file that only its owner can read, replaced in one step.

``credentials.json`` under the user's configuration folder (or ``TWAP_CONFIG_DIR``) holds one entry per
server.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_config_dir

from twap_client.config import Tokens
from twap_client.errors import InvalidSetting

if sys.platform != "win32":
    import fcntl


_INSTEAD = "set TWAP_CONFIG_DIR to a folder for the sign-in, or TWAP_API_KEY, which needs none"


def config_dir() -> Path:
    """Give the folder: ``TWAP_CONFIG_DIR``, or the platform's usual place.

    Raises:
        InvalidSetting: that place is in a home folder, and this user has none.
    """
    try:
        return Path(
            os.environ.get("TWAP_CONFIG_DIR") or user_config_dir("twap", appauthor=False)
        ).expanduser()
    except RuntimeError:
        raise InvalidSetting(f"no home folder is known for this user: {_INSTEAD}") from None


class CredentialFile:
    """A ``TokenStore`` for one server."""

    def __init__(self, server: str, folder: Path | None = None) -> None:
        self._server = server.rstrip("/")
        self._given = folder

    def load(self) -> Tokens | None:
        """Give this server's sign-in, or None; what has no place to be is not there."""
        with suppress(InvalidSetting):
            return self._entry()
        return None

    def prepare(self) -> None:
        """See that a sign-in can be kept, before a server is asked for one.

        Raises:
            InvalidSetting: there is no folder to write to; the message says what to set.
        """
        with _explained(self._folder), self._locked():
            """The folder is there and can be written."""

    def _entry(self) -> Tokens | None:
        entry = self._read().get(self._server)
        try:
            return Tokens(**entry) if isinstance(entry, dict) else None
        except (TypeError, ValueError):
            return None

    def save(self, tokens: Tokens | None) -> None:
        """Keep this server's sign-in; None removes it. Other servers' entries stay.

        Raises:
            InvalidSetting: there is no folder to write to; the message says what to set.
        """
        if tokens is None and self.load() is None:
            return
        with _explained(self._folder), self._locked():
            entries = self._read()
            entries.pop(self._server, None)
            if tokens is not None:
                entries[self._server] = asdict(tokens)
            self._replace(json.dumps(entries, indent=2) + "\n")

    @property
    def _folder(self) -> Path:
        return self._given or config_dir()

    @property
    def _path(self) -> Path:
        return self._folder / "credentials.json"

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _replace(self, text: str) -> None:
        # mkstemp creates the file with mode 0600: at no moment can anyone else read it.
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".credentials-")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time read, change and replace the file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidSetting(
            f"the sign-in cannot be kept in {folder} ({error.strerror}): {_INSTEAD}"
        ) from None
