"""Recordings as the server writes them: segments, a manifest, nothing waited for."""

import gzip
import json
import os
import random
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from twap_server.cli.main import app
from twap_server.domain.clock import MICROSECOND, SECOND, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings import check, folders, lines, writer
from twap_server.recordings.frames import frames
from twap_server.recordings.lines import Burst, Message, line_of
from twap_server.recordings.manifest import NAME, Manifest, Retention
from twap_server.recordings.native import LineWriter
from twap_server.recordings.rows import Row
from twap_server.recordings.segment import OpenSegment, file_name, of_one
from twap_server.recordings.writer import RecordingWriter

T0 = Nanos(1_767_225_600 * SECOND)
ALL = Retention(0, timedelta(0))
SOCKET, REST = "ws-okx-1 wss://ws.okx.com", "https://www.okx.com/api/v5/public/instruments?instType=SPOT"


def message(number: int, *, conn: str = SOCKET, raw: bytes | str | None = None) -> Message:
    return Nanos(T0 + number * SECOND), "in", conn, str(number) if raw is None else raw


def recorded(
    folder: Path, messages: list[Message], *, retention: Retention = ALL, lists: tuple[Message, ...] = ()
) -> list[str]:
    """Record, with segments of ten seconds; gives what was complained of."""
    trouble: list[str] = []
    made = RecordingWriter(folder, segment_s=10, retention=retention, on_trouble=trouble.append)
    for one in lists:
        made.keep_list(one)
    for at, direction, conn, raw in messages:
        made.keep((at, direction, conn, (raw,)))
    made.begin()
    made.end()
    return trouble


def read(folder: Path) -> list[str]:
    return [raw.decode() for _, raw, _, _ in frames(folder)]


def test_what_is_kept_is_read_again_over_all_segments(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    assert recorded(folder, [message(number) for number in range(25)]) == []
    assert read(folder) == [str(number) for number in range(25)]
    segments = Manifest.of(folder).segments
    assert [one.rows for one in segments] == [10, 10, 5]
    assert (segments[0].first, segments[0].last) == (T0, T0 + 9 * SECOND)
    assert len({line for _, _, line, _ in frames(folder)}) == 25, "lines count on over the files"


@given(st.one_of(st.binary(), st.text(st.characters(exclude_categories=["Cs"]))), st.integers(1, 2**62))
def test_no_byte_is_lost_and_the_moment_is_cut_to_the_microsecond(raw: bytes | str, at: int) -> None:
    row = msgspec.json.decode(line_of((Nanos(at), "in", SOCKET, raw)), type=Row)
    assert row.content == (raw if isinstance(raw, bytes) else raw.encode())
    assert row.t == at // MICROSECOND * MICROSECOND


_RAW = st.one_of(
    st.binary(), st.text(st.characters(exclude_categories=["Cs"])), st.text('{"\\ a1:}').map(str.encode)
)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**62).map(Nanos),
            st.sampled_from(["in", "out"]),
            st.sampled_from([SOCKET, 'ws-"odd" \\ é']),
            st.lists(_RAW, max_size=5),
        )
    )
)
def test_compiled_or_not_the_lines_are_the_same(bursts: list[Burst]) -> None:
    assert bytes(LineWriter().lines_of(bursts)) == lines.LineWriter().lines_of(bursts)


@pytest.mark.parametrize("odd", ["", '"', "\\", "\n", "\x7f", "é", "\x00"])
def test_compiled_or_not_a_letter_may_stand_anywhere(odd: str) -> None:
    texts = ['{"price":"1.5","of":"\\\\"}' * 4 + "x" * more for more in range(20)]
    places = [(text[:at] + odd + text[at:]).encode() for text in texts for at in range(len(text) + 1)]
    bursts: list[Burst] = [(T0, "in", SOCKET, places)]
    written = LineWriter()
    assert bytes(written.lines_of(bursts)) == lines.LineWriter().lines_of(bursts)
    kept = written.lines_of([])
    assert bytes(kept) == b""
    if isinstance(kept, memoryview):  # compiled: they would change under the reader
        with pytest.raises(BufferError, match="still read"):
            written.lines_of(bursts)


def test_compiled_or_not_a_message_may_be_of_any_size() -> None:
    written = LineWriter()
    for size in (1, 40_000, 3, 5_000_000, 7):
        burst: Burst = (T0, "in", SOCKET, (b'"' * size, b"12"))
        assert bytes(written.lines_of([burst])) == lines.LineWriter().lines_of([burst])


def test_every_segment_begins_with_the_list_of_instruments(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    recorded(
        folder, [message(number) for number in range(25)], lists=(message(0, conn=REST, raw="the list"),)
    )
    for file in sorted(folder.glob("*.gz")):
        with gzip.open(file, "rt") as lines:
            assert json.loads(next(lines))["raw"] == "the list"


def test_the_oldest_segments_go_and_the_newest_stays(tmp_path: Path) -> None:
    messages = [message(number) for number in range(45)]
    by_age, by_size = tmp_path / "age", tmp_path / "size"
    recorded(by_age, messages, retention=Retention(0, timedelta(seconds=20)))
    assert read(by_age)[0] == "20"
    recorded(by_size, messages, retention=Retention(1, timedelta(0)))
    assert read(by_size) == ["40", "41", "42", "43", "44"]
    assert len(list(by_size.glob("*.gz"))) == len(Manifest.of(by_size).segments) == 1


def left_behind(folder: Path, seconds: int, *, size: int = 10, later: int = 5) -> Path:
    """A file that a kill left: its first message came so long after ``T0``, its last a little later."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(Nanos(T0 + seconds * SECOND))
    path.write_bytes(b"x" * size)
    changed = (T0 + (seconds + later) * SECOND) / SECOND
    os.utime(path, (changed, changed))
    return path


def test_what_a_kill_left_goes_by_its_age(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    old, newer = left_behind(folder, -60), left_behind(folder, 22)
    recorded(folder, [message(number) for number in range(45)], retention=Retention(0, timedelta(seconds=20)))
    assert not old.exists() and newer.exists()
    assert len(list(folder.glob("*.gz"))) == 1 + len(Manifest.of(folder).segments)


def test_what_a_kill_left_counts_and_goes_by_its_size(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    killed = [left_behind(folder, seconds, size=1_000) for seconds in (-60, -40, -20)]
    recorded(folder, [message(number) for number in range(15)], retention=Retention(1_500, timedelta(0)))
    assert [one.exists() for one in killed] == [False, False, True]
    assert len(Manifest.of(folder).segments) == 2


def test_nothing_else_is_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    at_work = left_behind(folder, 3, later=10_000)
    future = left_behind(folder, 10_000)
    others = [folder / name for name in ("mine.jsonl.gz", "99999999T000000.000000Z.jsonl.gz", "notes.txt")]
    for one in others:
        one.write_text("mine")
    recorded(folder, [message(number) for number in range(45)], retention=Retention(1, timedelta(seconds=1)))
    assert all(one.exists() for one in (at_work, future, *others))
    assert len(Manifest.of(folder).segments) == 1


def test_without_a_retention_everything_stays(tmp_path: Path) -> None:
    killed = left_behind(tmp_path / "okx", -1_000_000)
    recorded(tmp_path / "okx", [message(number) for number in range(25)])
    assert killed.exists()


def test_what_comes_faster_than_the_disk_takes_it_is_dropped_and_counted(tmp_path: Path) -> None:
    made = RecordingWriter(
        tmp_path / "okx", segment_s=10, retention=ALL, on_trouble=lambda _: None, most_waiting=3
    )
    made.keep((T0, "in", SOCKET, ("0", "1", "2")))
    made.keep((T0, "in", SOCKET, ("3", "4")))
    made.begin()
    made.end()
    (segment,) = Manifest.of(tmp_path / "okx").segments
    assert (segment.rows, segment.dropped) == (4, 2)
    assert "2 messages missing" in list(check.listed(tmp_path / "okx"))[1]


def test_many_messages_are_written_before_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, write = threading.Event(), OpenSegment.write

    def told(self: OpenSegment, bursts: Sequence[Burst]) -> None:
        write(self, bursts)
        written.set()

    monkeypatch.setattr(writer, "_EVERY_S", 3_600)
    monkeypatch.setattr(OpenSegment, "write", told)
    made = RecordingWriter(tmp_path / "okx", segment_s=10, retention=ALL, on_trouble=lambda _: None)
    made.begin()
    made.keep((T0, "in", SOCKET, ["0"] * 1_000))
    assert written.wait(30)
    made.keep((T0, "in", SOCKET, ["1"]))
    made.end()
    assert [one.rows for one in Manifest.of(tmp_path / "okx").segments] == [1_001]


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    trouble: list[str] = []
    folder = tmp_path / "file" / "okx"
    made = RecordingWriter(folder, segment_s=10, retention=ALL, on_trouble=trouble.append)
    folder.parent.write_text("in the way")
    made.keep((T0, "in", SOCKET, ("0",)))
    made.begin()
    made.end()
    assert len(trouble) == 1 and "nothing is recorded" in trouble[0]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(cut, "SHA-256 is another"), (changed, "SHA-256 is another"), (Path.unlink, "not in the folder")],
)
def test_what_was_changed_is_named(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    folder = tmp_path / "okx"
    recorded(folder, [message(number) for number in range(25)])
    assert all(is_right for is_right, _ in check.verified(folder))
    first = min(folder.glob("*.gz"))
    spoil(first)
    wrong = [line for is_right, line in check.verified(folder) if not is_right]
    assert first.name in wrong[0] and words in wrong[0] and wrong[0].startswith("WRONG: ")
    listed = " ".join(check.listed(folder))
    assert ("where" in listed) == (spoil is cut) and ("not in the folder" in listed) == (spoil is Path.unlink)


def told(folder: Path) -> tuple[int, str]:
    """What `recordings verify` ends with, and says last."""
    done = CliRunner().invoke(app, ["recordings", "verify", str(folder)])
    return done.exit_code, done.output.splitlines()[-1]


def test_what_nothing_proves_is_not_as_written(tmp_path: Path) -> None:
    folder = tmp_path / "okx"
    recorded(folder, [message(number) for number in range(25)])
    assert told(folder) == (0, "okx: 3 of 3 files are as written")
    newest, manifest = max(folder.glob("*.gz")), folder / NAME
    kept = json.loads(manifest.read_bytes())
    some = kept | {"segments": [one for one in kept["segments"] if one["file"] != newest.name]}
    manifest.write_text(json.dumps(some))
    assert told(folder) == (0, "okx: 2 of 3 files are as written")
    assert any(
        is_right and line.startswith(f"NOT PROVEN: okx/{newest.name}: {NAME} does not name it")
        for is_right, line in check.verified(folder)
    )
    manifest.write_text(json.dumps(kept | {"segments": []}))
    assert told(folder) == (
        1, f"NOT PROVEN: okx: nothing proves that any of it is as written: {NAME} names no file",
    )  # fmt: skip
    manifest.unlink()
    assert told(folder)[0] == 1 and told(folder)[1].endswith(f"there is no {NAME}")


@pytest.mark.parametrize("lines", [3, 2_013])
def test_where_the_damage_is_told_to_the_line(tmp_path: Path, lines: int) -> None:
    rng = random.Random(1)
    noise = [message(number, raw=rng.randbytes(60).hex()) for number in range(lines)]
    whole = gzip.compress(b"".join(line_of(one) for one in noise))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole + b"appended to it")
    with pytest.raises(InvalidRequest, match=f"it is damaged; .* ends with line {lines} "):
        list(frames(path))
    twice = gzip.compress(line_of(noise[0])) + whole
    path.write_bytes(twice + b"appended to it")
    with pytest.raises(InvalidRequest, match=f"it is damaged; .* ends with line {lines + 1} "):
        list(frames(path))
    path.write_bytes(b"".join(line_of(one) for one in noise))
    with pytest.raises(InvalidRequest, match="it is not packed: run gzip on it first"):
        list(frames(path))


def test_an_unfinished_segment_is_read_up_to_where_it_was_flushed(tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    unfinished = OpenSegment(killed, T0)
    unfinished.write([of_one(message(number)) for number in range(5)])
    unfinished.flush()
    unfinished.write([of_one(message(5))])
    unfinished.abandon()
    assert read(killed) == ["0", "1", "2", "3", "4"]


def test_no_recording_names_the_folders_that_have_one(tmp_path: Path) -> None:
    recorded(tmp_path / "okx", [message(0)])
    with pytest.raises(InvalidRequest, match=r"holds no recording: name one of .*okx"):
        list(frames(tmp_path))
    with pytest.raises(InvalidRequest, match="holds no recording"):
        folders.folders_of(tmp_path / "nothing")
