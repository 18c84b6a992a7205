"""Recordings are read in order, byte for byte; what is none is refused with its line."""

import gzip
from pathlib import Path

import pytest

from support.tapes import REST, SOCKET, row, write
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import frames, is_answer


def test_gives_frames_with_their_moments(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gz",
        [
            row(1723161253.9370856, '{"a": 1}'),
            row(None, '{"b":"\\u00e9"}'),
            row(1723161253.5, '{"c":2}'),
            row(1723161260.25, '{"d":2}'),
        ],
    )
    assert list(frames(path)) == [
        (1723161253_937086000, b'{"a": 1}', 1, SOCKET),
        (1723161253_937086000, b'{"b":"\\u00e9"}', 2, SOCKET),
        (1723161253_937086000, b'{"c":2}', 3, SOCKET),  # time never goes back
        (1723161260_250000000, b'{"d":2}', 4, SOCKET),
    ]


def test_leaves_out_what_was_sent_and_tells_answers_by_their_address(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gz",
        [row(1.0, "sent", direction="out"), row(2.0, "{}", conn=REST), row(3.0, "received")],
    )
    assert [(raw, line, is_answer(conn)) for _, raw, line, conn in frames(path)] == [
        (b"{}", 2, True),
        (b"received", 3, False),
    ]


def test_an_answer_at_the_start_may_have_no_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [row(None, "{}", conn=REST), row(3.0, "received")])
    assert [at for at, *_ in frames(path)] == [0, 3 * 10**9]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot read the recording"):
        next(frames(tmp_path / "absent.gz"))


def test_not_packed(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text("{}\n" * 100)
    with pytest.raises(InvalidRequest, match=r"cannot read the recording .*plain.jsonl"):
        next(frames(path))


def test_cut_off(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.gz", [row(1.0, f"message {number}") for number in range(1_000)]).read_bytes()
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole[:-20])
    with pytest.raises(InvalidRequest, match="cannot read the recording"):
        list(frames(cut))


def test_a_line_that_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    with gzip.open(path, "wt") as lines:
        lines.write('{"t":1,"dir":"in","conn":"wss://ws.kraken.com/v2","raw":"fine"}\n{"dir":"in"}\n')
    with pytest.raises(InvalidRequest, match=r"a.gz: line 2 is no row of a recording"):
        list(frames(path))


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_digits_tell_the_unit_of_the_time_of_receipt(tmp_path: Path, scale: int) -> None:
    path = write(tmp_path / "a.gz", [row(1_723_161_253 * scale, "{}"), row(1_723_161_254.5 * scale, "{}")])
    assert [at for at, *_ in frames(path)] == [1_723_161_253_000000000, 1_723_161_254_500000000]


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([1723161253.0, 1723161250.0], "line 2: the time of receipt goes back by 3.0 s"),
        ([None], 'line 1: the first message has no time of receipt "t"'),
        ([-5.0], "expected one between 1970 and 2262"),
        ([1e30], "expected one between 1970 and 2262"),
    ],
)
def test_times_that_cannot_be(tmp_path: Path, times: list[float | None], words: str) -> None:
    path = write(tmp_path / "a.gz", [row(at, "{}") for at in times])
    with pytest.raises(InvalidRequest, match=words):
        list(frames(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"{}\n", "it is not packed: run gzip on it first"),
        (gzip.compress(b"", mtime=0), "it is empty"),  # a name by the clock would differ between workers
    ],
)
def test_what_is_no_packed_recording(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=words):
        list(frames(path))


def test_blank_lines_count_as_lines(tmp_path: Path) -> None:
    good = '{"t":1723161253,"dir":"in","conn":"wss://ws.kraken.com/v2","raw":"fine"}\n'
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(f"\n{good}\n{good}nonsense".encode()))
    read = frames(path)
    assert [line for _, _, line, _ in (next(read), next(read))] == [2, 4]
    with pytest.raises(InvalidRequest, match="line 5 is no row"):
        next(read)


def test_cut_off_says_how_many_lines_are_whole(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.gz", [row(1.0, f"message {number}") for number in range(1_000)])
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole.read_bytes()[:-2_000])
    with pytest.raises(InvalidRequest, match=r"breaks off after line (\d+)") as refused:
        list(frames(cut))
    kept = int(str(refused.value).split("head -n ")[1].split()[0])
    assert 0 < kept < 1_000
    rows = gzip.decompress(whole.read_bytes()).splitlines(keepends=True)[:kept]
    rest = tmp_path / "rest.gz"
    rest.write_bytes(gzip.compress(b"".join(rows)))
    assert len(list(frames(rest))) == kept
