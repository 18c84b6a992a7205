"""Keep sign-ins of the command line in one file that only its owner can read, replaced in one step.

``credentials.json`` under the user's configuration folder (or ``TWAP_CONFIG_DIR``) holds one entry per
server, and one per profile.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_config_dir

from twap_client.cli.private_file import locked, replace_text
from twap_client.config import Tokens
from twap_client.errors import InvalidSetting

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

    def __init__(self, server: str, folder: Path | None = None, *, profile: str = "") -> None:
        """Raises nothing: what cannot be read is not there. A profile has a sign-in of its own."""
        self._server = f"{profile} {server.rstrip('/')}".lstrip()
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
        with _explained(self._folder), locked(self._folder):
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
        with _explained(self._folder), locked(self._folder):
            entries = self._read()
            entries.pop(self._server, None)
            if tokens is not None:
                entries[self._server] = asdict(tokens)
            replace_text(self._path, json.dumps(entries, indent=2) + "\n")

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


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidSetting(
            f"the sign-in cannot be kept in {folder} ({error.strerror}): {_INSTEAD}"
        ) from None
