"""Keep the frames of a replay in a temporary file: what is in memory is where each lies, 20 bytes a frame.

In: texts, once a second of the recording. Out: the same texts, by number. The file has no name and goes with
the process.
"""

import os
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from twap_server.domain.errors import UnavailableError

MOST_TRADES: Final = 60
"""Of a book, kept of each second: the newest."""
_HEAD: Final = 4
"""Bytes that say how long a text is."""


class FrameFile:
    """Texts one after another, found by their place. A context manager that throws them away."""

    def __init__(self) -> None:
        """Begin an empty one where the system keeps temporary files (``TMPDIR``)."""
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - this object is the manager
        self.size = 0
        """Bytes that are written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, text: bytes) -> int:
        """Keep a text; gives its place.

        Raises:
            UnavailableError: the disk does not take it.
        """
        place, whole = self.size, len(text).to_bytes(_HEAD, "big") + text
        try:
            written = self._file.write(whole)
        except OSError as error:
            raise UnavailableError(_full(str(error.strerror))) from None
        if written != len(whole):
            raise UnavailableError(_full("no space left"))
        self.size += written
        return place

    def read(self, place: int) -> bytes:
        """The text at a place."""
        length = int.from_bytes(os.pread(self._file.fileno(), _HEAD, place), "big")
        return os.pread(self._file.fileno(), length, place + _HEAD)

    def begin_of(self, place: int, most: int) -> bytes:
        """The first bytes of the text at a place, or of what follows it."""
        return os.pread(self._file.fileno(), most, place + _HEAD)


class BookFrames:
    """The frames of one book, and what was traded between them."""

    def __init__(self, file: FrameFile) -> None:
        """Begin without any."""
        self._file = file
        self._books = array("Q")
        self._trades = array("Q")
        self._counts = array("I")

    def __len__(self) -> int:
        """Count the frames."""
        return len(self._books)

    def add(self, book: bytes, trades: Sequence[bytes], count: int) -> None:
        """Keep the next frame.

        Args:
            book: a JSON object.
            trades: JSON objects, oldest first: at most ``MOST_TRADES``, the newest.
            count: how many there were.
        """
        self._books.append(self._file.append(book))
        self._trades.append(self._file.append(b",".join(trades)) if trades else 0)
        self._counts.append(count)

    def book(self, number: int) -> bytes:
        """The book of a frame."""
        return self._file.read(self._books[number])

    def book_begin(self, number: int, most: int) -> bytes:
        """Its first bytes."""
        return self._file.begin_of(self._books[number], most)

    def trades(self, after: int, number: int) -> tuple[bytes, int]:
        """What was traded after one frame and up to another.

        Args:
            after: the earlier frame, −1: from the beginning.
            number: the later frame.

        Returns:
            JSON objects with commas between, oldest first, of the last seconds that have ``MOST_TRADES``
            together; and how many of this time are not among them.
        """
        texts: list[bytes] = []
        shown, at = 0, number
        while at > after and shown < MOST_TRADES:
            if self._counts[at]:
                texts.append(self._file.read(self._trades[at]))
                shown += min(self._counts[at], MOST_TRADES)
            at -= 1
        whole = sum(self._counts[after + 1 : number + 1])
        return b",".join(reversed(texts)), whole - shown


class OrderFrames:
    """How one order changed, by frame."""

    def __init__(self, file: FrameFile) -> None:
        """Begin without any."""
        self._file = file
        self._numbers = array("I")
        self._places = array("Q")

    def add(self, number: int, order: bytes) -> None:
        """Keep how the order stands from a frame on."""
        self._numbers.append(number)
        self._places.append(self._file.append(order))

    def changed(self, after: int, number: int) -> bytes | None:
        """How it stands at a frame, if that is not how it stood at an earlier one (−1: before the first)."""
        at = bisect_right(self._numbers, number)
        if at == 0 or self._numbers[at - 1] <= after:
            return None
        return self._file.read(self._places[at - 1])


def _full(why: str) -> str:
    return (
        f"cannot keep the frames of the replay in {tempfile.gettempdir()}: {why}: make room, or name another "
        "folder in the variable TMPDIR"
    )
