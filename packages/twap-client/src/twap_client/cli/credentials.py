"""Where the command line keeps sign-ins: one file, readable by its owner alone, replaced in one step.

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

if sys.platform != "win32":
    import fcntl


def config_dir() -> Path:
    """Give the folder: ``TWAP_CONFIG_DIR``, or the platform's usual place."""
    return Path(os.environ.get("TWAP_CONFIG_DIR") or user_config_dir("twap", appauthor=False))


class CredentialFile:
    """A ``TokenStore`` for one server."""

    def __init__(self, server: str, folder: Path | None = None) -> None:
        self._server = server.rstrip("/")
        self._folder = folder or config_dir()
        self.path = self._folder / "credentials.json"

    def load(self) -> Tokens | None:
        """Give this server's sign-in, or None."""
        entry = self._read().get(self._server)
        try:
            return Tokens(**entry) if isinstance(entry, dict) else None
        except (TypeError, ValueError):
            return None

    def save(self, tokens: Tokens | None) -> None:
        """Keep this server's sign-in; None removes it. Other servers' entries stay."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            entries = self._read()
            entries.pop(self._server, None)
            if tokens is not None:
                entries[self._server] = asdict(tokens)
            self._replace(json.dumps(entries, indent=2) + "\n")

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text("utf-8"))
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
            os.replace(name, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time read, change and replace the file."""
        handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
