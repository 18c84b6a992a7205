"""What the disk did not take is told where it is missing: by rows, and by whoever reads the recording."""

import errno
import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from twap_server.domain.clock import SECOND, Nanos
from twap_server.recordings import check
from twap_server.recordings.frames import frames
from twap_server.recordings.lines import Message
from twap_server.recordings.losses import Loss, in_words, read_whole, unplaced_in_words
from twap_server.recordings.manifest import NAME, Manifest, Retention, Segment
from twap_server.recordings.rows import LOST, count_in
from twap_server.recordings.segment import OpenSegment
from twap_server.recordings.writer import RecordingWriter, write_recording

T0 = Nanos(1_767_225_600 * SECOND)
ALL = Retention(0, timedelta(0))
ONE, OTHER = "ws-okx-1 wss://ws.okx.com", "ws-okx-2 wss://ws.okx.com"
REST = "https://www.okx.com/api/v5/public/instruments?instType=SPOT"


class Recorder:
    """A writer whose thread the test itself plays, turn by turn."""

    def __init__(self, folder: Path, *, most: int = 1_000) -> None:
        self.folder, self.told = folder, list[str]()
        self.writer = RecordingWriter(
            folder, segment_s=600, retention=ALL, on_trouble=self.told.append, most_waiting=most
        )
        self.seconds = 0.0

    def keep(self, *texts: str, conn: str = ONE, direction: str = "in") -> None:
        """Keep messages of one moment; each moment is a tenth of a second after the one before."""
        self.seconds += 0.1
        self.writer.keep((self.now, direction, conn, texts))

    def keep_list(self, text: str) -> None:
        self.seconds += 0.1
        self.writer.keep_list((self.now, "in", REST, text))

    @property
    def now(self) -> Nanos:
        return Nanos(T0 + round(self.seconds * SECOND))

    def turn(self, *, number: int = 3) -> None:
        """What the thread does when it wakes; at each third time it flushes."""
        self.writer._turn(number, stopping=False)

    def end(self) -> None:
        self.writer.begin()
        self.writer.end()

    def rows(self) -> list[tuple[str, str, str]]:
        """Kind, connection and text of all rows, in order."""
        files = sorted(self.folder.glob("*.gz"))
        every = [
            json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()
        ]
        return [(one["dir"], one["conn"], one["raw"]) for one in every]


def test_before_the_next_message_each_connection_says_what_it_lost(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "okx", most=4)
    recorder.keep("0", "1", "2", "3")
    recorder.keep("4", "5")
    recorder.keep("6", conn=OTHER)
    recorder.keep("", conn=OTHER, direction="end")
    recorder.turn()
    recorder.keep("7")
    recorder.end()
    told = [(LOST, ONE, "2"), (LOST, OTHER, "2")]
    assert recorder.rows() == [("in", ONE, one) for one in "0123"] + told + [("in", ONE, "7")]
    (segment,) = Manifest.of(recorder.folder).segments
    assert segment.dropped == 4 == recorder.writer.kept.dropped
    (loss, _) = read_whole(recorder.folder).losses
    assert (loss.begin, loss.end) == (T0 + 2 * SECOND // 10, T0 + SECOND // 2), "from the first of them on"


def test_once_messages_are_dropped_half_must_be_written_before_more_are_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "okx", most=4)
    for text in "0123456":
        recorder.keep(text)
    recorder.writer._written += 1  # as the thread does, batch by batch
    recorder.keep("7")
    recorder.writer._written += 1
    recorder.keep("8")
    recorder.writer._written -= 2
    recorder.end()
    assert [row[::2] for row in recorder.rows()][4:] == [(LOST, "4"), ("in", "8")]


def test_what_is_lost_last_is_told_at_the_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "okx", most=1)
    recorder.keep("0")
    recorder.keep("1", "2")
    recorder.end()
    assert recorder.rows() == [("in", ONE, "0"), (LOST, ONE, "2")]


def test_a_list_that_is_lost_comes_again(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "okx", most=4)
    recorder.keep("0", "0", "1", "1")
    recorder.keep_list("the list")
    recorder.turn()
    recorder.keep("2")
    recorder.end()
    place = REST.partition("?")[0]
    assert recorder.rows()[4:] == [(LOST, place, "1"), ("in", REST, "the list"), ("in", ONE, "2")]


def test_answers_of_one_place_are_told_together(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "okx", most=1)
    recorder.keep("0")
    for number in range(5):
        recorder.keep("candles", conn=f"https://www.okx.com/candles?after={number}#body")
    recorder.end()
    assert recorder.rows()[1:] == [(LOST, "https://www.okx.com/candles", "5")]


class FullDisk:
    """Takes nothing while it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full, self.tried = True, 0
        for name in ("write", "flush", "close"):
            monkeypatch.setattr(OpenSegment, name, self._refusing(getattr(OpenSegment, name)))

    def _refusing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(segment: OpenSegment, *given: Any) -> Any:
            if self.is_full and real.__name__ != "write":  # what is packed waits for the flush
                self.tried += 1
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(segment, *given)

        return refuse


def test_a_full_disk_leaves_no_files_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, recorder = FullDisk(monkeypatch), Recorder(tmp_path / "okx")
    for number in range(100):  # ten seconds, a flush at each third turn
        recorder.keep("x")
        recorder.turn(number=number)
    assert disk.tried == 4, "at first, and about 1, 3 and 7 seconds later"
    assert len(list(recorder.folder.glob("*.gz"))) <= 1
    assert len(recorder.told) == 1 and "No space left on device" in recorder.told[0]
    disk.is_full = False
    for number in range(100):
        recorder.keep("y")
        recorder.turn(number=number)
    recorder.end()
    rows = recorder.rows()
    assert rows[0][:2] == (LOST, ONE) and {row[2] for row in rows[1:]} == {"y"}
    assert int(rows[0][2]) + len(rows) - 1 == 200
    assert len(recorder.told) == 2
    assert recorder.told[1].endswith(f"it is recorded again; {int(rows[0][2])} messages are missing")
    (segment,) = Manifest.of(recorder.folder).segments
    assert segment.dropped == int(rows[0][2]) == recorder.writer.kept.dropped


def test_what_was_flushed_stays_and_what_was_not_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "okx")
    recorder.keep("0")
    recorder.turn()
    recorder.keep("1", "2")
    recorder.turn(number=1)
    disk = FullDisk(monkeypatch)
    recorder.keep("3", conn=OTHER)
    recorder.turn()
    disk.is_full = False
    recorder.seconds += 2
    recorder.keep("4")
    recorder.end()
    assert [raw for _, raw, _, _ in frames(recorder.folder)] == [b"0", b"4"]
    (loss, other) = read_whole(recorder.folder).losses
    assert (loss.messages, other.messages) == (2, 1)
    assert (loss.begin, loss.end) == (T0 + 2 * SECOND // 10, T0 + 24 * SECOND // 10)
    assert (other.begin, other.end) == (loss.begin, loss.end), "both from the first on"


def test_a_loss_that_the_disk_does_not_take_either_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "okx", most=4)
    recorder.keep("0", "0", "1", "1")
    recorder.keep("2", "3", "4")
    recorder.turn()
    recorder.keep("5")
    disk = FullDisk(monkeypatch)
    recorder.turn()
    recorder.keep("6", "7")
    recorder.keep("8")
    recorder.turn()
    disk.is_full = False
    recorder.seconds += 2
    recorder.keep("9")
    recorder.end()
    assert [raw for _, raw, _, _ in frames(recorder.folder)] == [b"0", b"0", b"1", b"1", b"9"]
    assert sum(one.messages for one in read_whole(recorder.folder).losses) == 7


def some(*dropped: int) -> list[Message]:
    """A message a second, and before some of them rows that say what is missing."""
    every: list[Message] = []
    for number, count in enumerate(dropped):
        at = Nanos(T0 + number * SECOND)
        every += [(Nanos(at - SECOND // 2), LOST, ONE, str(count))] if count else []
        every.append((at, "in", ONE, "x"))
    return every


def test_verify_and_list_tell_what_is_missing_where(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    write_recording(folder, some(0, 0, 12, 0, 1))
    assert [one for one in check.verified(folder) if "missing" in one[1]] == [
        (
            True,
            f"{folder}: 13 messages are missing, which the disk did not take: "
            "12 between 2026-01-01T00:00:01Z and 2026-01-01T00:00:02Z (0.5 s); "
            "1 between 2026-01-01T00:00:03Z and 2026-01-01T00:00:04Z (0.5 s)",
        )
    ]
    assert "5 received messages" in " ".join(line for _, line in check.verified(folder))
    assert ", 13 messages missing" in " ".join(check.listed(folder))


def test_of_many_losses_the_first_are_told() -> None:
    losses = [Loss(Path("a"), Nanos(T0 + n), Nanos(T0 + n), 1) for n in range(5)]
    (line,) = in_words(losses)
    assert line.startswith("a: 5 messages are missing") and line.endswith("; and at 2 other times")
    assert list(in_words([])) == []


def test_what_a_manifest_counts_beyond_rows_is_told_without_a_place(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    write_recording(folder, some(0, 0, 12))
    assert list(unplaced_in_words(folder, read_whole(folder).losses)) == []
    Manifest.of(folder).add(Segment(file="a", first=T0, last=T0, dropped=7))
    (line,) = unplaced_in_words(folder, read_whole(folder).losses)
    assert "7 messages are missing" in line and "no row says where" in line
    assert list(unplaced_in_words(folder / NAME, [])) == []


@pytest.mark.parametrize(("raw", "count"), [(b"12", 12), ("3", 3), (b"", 1), (b"many", 1), (b"-5", 1)])
def test_a_row_without_a_number_stands_for_one(raw: bytes | str, count: int) -> None:
    assert count_in(raw) == count
