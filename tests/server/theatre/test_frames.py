"""Frames come back as they went in, from a file; what is traded between two frames is never lost unsaid."""

import tempfile
from functools import partial
from pathlib import Path

import pytest

from twap_server.domain.errors import UnavailableError
from twap_server.theatre.frames import MOST_TRADES, BookFrames, FrameFile, OrderFrames


def test_texts_come_back_by_their_place() -> None:
    with FrameFile() as file:
        places = [file.append(text) for text in (b"one", b"", b"three" * 1_000)]
        assert [file.read(place) for place in places] == [b"one", b"", b"three" * 1_000]
        assert file.begin_of(places[2], 5) == b"three"


def test_trades_between_frames_are_those_of_every_second_in_between() -> None:
    with FrameFile() as file:
        frames = BookFrames(file)
        for number in range(5):
            frames.add(b"{}", [b"%d" % number] if number != 2 else [], int(number != 2))
        assert frames.trades(-1, 0) == (b"0", 0)
        assert frames.trades(0, 4) == (b"1,3,4", 0)
        assert frames.trades(1, 2) == (b"", 0)


def test_of_many_trades_the_newest_are_there_and_the_others_are_counted() -> None:
    with FrameFile() as file:
        frames = BookFrames(file)
        for number in range(3):
            frames.add(b"{}", [b"%d" % number] * MOST_TRADES, 100)
        assert frames.trades(-1, 2) == (b",".join([b"2"] * MOST_TRADES), 300 - MOST_TRADES)


def test_an_order_is_told_where_it_changed() -> None:
    with FrameFile() as file:
        order = OrderFrames(file)
        order.add(3, b"accepted")
        order.add(7, b"filled")
        assert order.changed(-1, 2) is None
        assert order.changed(-1, 3) == b"accepted"
        assert order.changed(3, 6) is None
        assert order.changed(2, 9) == b"filled"
        assert order.changed(7, 9) is None


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(Path("/dev/full").open, "wb"))
    with FrameFile() as file, pytest.raises(UnavailableError, match=r"frames of the replay .* TMPDIR"):
        file.append(b"text")
