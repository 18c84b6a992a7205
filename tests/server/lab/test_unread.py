"""lab/reading.py: what cannot be read is measured once, checked and told, however work is cut."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.tapes import market, write
from support.tournaments import HERE, run, small, table
from twap_server.domain.errors import InvalidRequest
from twap_server.lab import HowToRun, reading, tournament, what_if
from twap_server.recordings.rows import Row, rows

WAYS = [HERE, HowToRun(workers=1, runs_per_pass=2), HowToRun(workers=1, runs_per_pass=1, reports=0)]
ORDER: dict[str, Any] = {"exchange": "binance", "symbol": "BTC-USDT", "duration": "5s", "slices": 5}


def spoilt(path: Path, *, begin: int, end: int) -> Path:
    """The recording, the trades of some of its rows spoilt."""
    every = [one for _, one in rows(path)]
    return write(path, [_spoilt(one) if begin <= at < end else one for at, one in enumerate(every)])


def _spoilt(one: Row) -> Row:
    raw = one.raw.replace('"p": "', '"p": "x') if '"e": "trade"' in one.raw else one.raw
    return Row(t=one.t, dir=one.dir, conn=one.conn, raw=raw)


@pytest.fixture
def early(tmp_path: Path) -> Path:
    """A recording of a minute whose unreadable messages, 2 % of all, lie before the first order."""
    return spoilt(market(tmp_path / "a.gz", seconds=60), begin=5, end=30)


def share_of(path: Path) -> tuple[int, int]:
    """How many messages cannot be read, of how many."""
    every = [one for _, one in rows(path)]
    return sum('"p": "x' in one.raw for one in every), sum(one.conn.startswith("ws") for one in every)


def test_notes_result_and_reports_tell_what_was_skipped(early: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    made = tournament(small(early, skip_unread=5), out=tmp_path / "out", how=HERE, tell=lines.append)
    bad, of = share_of(early)
    words = f"{bad} of {of} messages ({bad} times: a message of a known stream has an unexpected shape, first"
    assert made.recordings[0].unread.startswith(words)
    assert made.notes[0].startswith(f"Skipped unreadable messages of the recording a.gz: {words}")
    assert f"note: {made.notes[0]}" in lines
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert page.count(words) == 1
    for row in table(tmp_path / "out"):
        told = (tmp_path / "out" / row["report"]).read_text("utf-8")
        assert f"skipped unreadable messages of the recording: {words}" in told


def test_where_all_is_read_nothing_is_said(tmp_path: Path) -> None:
    made = run(small(market(tmp_path / "a.gz", seconds=60), skip_unread=5), tmp_path / "out")
    assert made.recordings[0].unread == ""
    assert "unreadable" not in (tmp_path / "out" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("how", WAYS, ids=["one-pass", "two-each", "one-each"])
def test_how_the_work_is_cut_changes_nothing(how: HowToRun, early: Path, tmp_path: Path) -> None:
    """The passes that end early met a larger share than the recording has."""
    bad, of = share_of(early)
    least = -(-bad * 10_000 // of) / 100
    made = run(small(early, skip_unread=str(least)), tmp_path / "out", how)
    assert made.recordings[0].unread.startswith(f"{bad} of {of} messages")
    with pytest.raises(InvalidRequest, match=r"skip_unread: .*a\.gz has unreadable .*: at most 0\.5 % may"):
        run(small(early, skip_unread="0.5"), tmp_path / "other", how)


def test_the_whole_recording_is_measured_also_after_the_last_order(tmp_path: Path) -> None:
    path = spoilt(market(tmp_path / "a.gz", seconds=120), begin=1_700, end=1_800)
    with pytest.raises(InvalidRequest, match="skip_unread: "):
        run(small(path, starts=["+3s"]), tmp_path / "out")


def test_kept_runs_are_checked_too(early: Path, tmp_path: Path) -> None:
    first = run(small(early, skip_unread=5), tmp_path / "out")
    with pytest.raises(InvalidRequest, match=r"^the tournament: skip_unread: .*: at most 0 % may be skipped"):
        run(small(early, skip_unread=0), tmp_path / "out")
    assert run(small(early, skip_unread=5), tmp_path / "out") == first


def test_runs_that_lost_their_reading_are_checked_too(early: Path, tmp_path: Path) -> None:
    first = run(small(early, skip_unread=5), tmp_path / "out")
    (kept,) = (tmp_path / "out" / "kept" / "recordings").iterdir()
    kept.write_bytes(kept.read_bytes()[:20])
    with pytest.raises(InvalidRequest, match="skip_unread: "):
        run(small(early), tmp_path / "out")
    assert run(small(early, skip_unread=5), tmp_path / "out") == first


def test_a_recording_is_read_once(early: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(small(early, skip_unread=5), tmp_path / "out")
    monkeypatch.setattr(reading, "read_through", None)
    run(small(early, skip_unread=5, starts=["+4s"]), tmp_path / "out")


def test_what_if_tells_what_was_skipped(early: Path, tmp_path: Path) -> None:
    found = what_if(early, at="+5s", side="buy", quantity="1", skip_unread=Decimal(20), **ORDER)
    words = f"skipped unreadable messages of the recording: {share_of(early)[0]} of "
    assert next(found.lines()).startswith(words)
    assert found.report.notes[0].startswith(words)
    assert words in found.page()
    assert words in json.loads(found.report.to_json())["notes"][0]
