"""Keep the runs that are done, so that a tournament that was killed goes on where it was.

One file for each pass, written whole or not at all, with each run under its key: a digest of recording,
order, settings and engine. What has another key is another run, and is left alone. A pass of other runs has
another file. Beside them lies what each recording came to when it was read.
"""

import hashlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from twap_server.domain.errors import InvalidRequest
from twap_server.lab.figures import RunFigures
from twap_server.lab.reading import Reading

_FOLDER = "kept"
_DIGITS = 32
_READINGS = "recordings"
_decode = msgspec.json.Decoder(list[RunFigures]).decode
_decode_reading = msgspec.json.Decoder(Reading).decode


def is_of_tournament(out: Path) -> bool:
    """Whether a tournament wrote this folder."""
    return (out / _FOLDER).is_dir()


class KeptRuns:
    """The runs in a tournament's folder."""

    def __init__(self, out: Path) -> None:
        """Make the folder where there is none.

        Raises:
            InvalidRequest: it cannot be made.
        """
        self._folder = out / _FOLDER
        try:
            (self._folder / _READINGS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidRequest(
                f"cannot write into {out}: {error.strerror}: name another folder with --out", field="--out"
            ) from None

    def load(self, wanted: Collection[str]) -> dict[str, RunFigures]:
        """Those of the wanted runs that are done, by key; a file that cannot be read counts as none."""
        keys = set(wanted)
        return {one.key: one for one in self._all() if one.key in keys}

    def add(self, figures: list[RunFigures]) -> None:
        """Keep the runs of a pass.

        Raises:
            InvalidRequest: the disk refuses.
        """
        keys = hashlib.sha256("\n".join(one.key for one in figures).encode()).hexdigest()
        self._write(f"{keys[:_DIGITS]}-{len(figures)}.json", msgspec.json.encode(figures))

    def reading(self, key: str) -> Reading | None:
        """What a recording came to when it was read; None where that is not kept, or cannot be read."""
        try:
            found = _decode_reading((self._folder / _reading_name(key)).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
        return found if found.key == key else None

    def add_reading(self, reading: Reading) -> None:
        """Keep what a recording came to.

        Raises:
            InvalidRequest: the disk refuses.
        """
        self._write(_reading_name(reading.key), msgspec.json.encode(reading))

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        new = path.with_suffix(f".{os.getpid()}.new")
        try:
            with new.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except OSError as error:
            raise InvalidRequest(
                f"cannot write {path}: {error.strerror}: make room, and start it again", field="--out"
            ) from None

    def _all(self) -> Iterable[RunFigures]:
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield from _decode(path.read_bytes())
            except (OSError, msgspec.MsgspecError):
                continue


def _reading_name(key: str) -> str:
    return f"{_READINGS}/{key[:_DIGITS]}.json"
