"""Recordings are read in order, byte for byte; what is none is refused with its line."""

import gzip
from pathlib import Path

import pytest

from support.tapes import REST, row, write
from twap_server.domain.errors import InvalidRequest
from twap_server.replay.recording import frames


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
        (1723161253_937086000, b'{"a": 1}'),
        (1723161253_937086000, b'{"b":"\\u00e9"}'),
        (1723161253_937086000, b'{"c":2}'),  # time never goes back
        (1723161260_250000000, b'{"d":2}'),
    ]


def test_leaves_out_what_was_sent_and_what_came_over_rest(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gz",
        [row(1.0, "sent", direction="out"), row(2.0, "{}", conn=REST), row(3.0, "received")],
    )
    assert [raw for _, raw in frames(path)] == [b"received"]


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
        lines.write('{"t":1,"dir":"in","conn":"wss://x","raw":"fine"}\n{"dir":"in"}\n')
    with pytest.raises(InvalidRequest, match=r"line 2 of .*a.gz is no row of a recording"):
        list(frames(path))
