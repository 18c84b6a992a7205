"""lab/source.py: what orders run over is what a replay plays."""

from pathlib import Path

import pytest

from support.exchanges import CASES
from support.made_recordings import lists
from support.tapes import T0_MS, market
from support.tournaments import run, small
from twap_models import OrderStatus
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.lab import HowToRun, tournament
from twap_server.lab.source import look_at
from twap_server.lab.what_if import what_if
from twap_server.recordings.lines import Message
from twap_server.recordings.manifest import NAME, Manifest, Segment
from twap_server.recordings.rows import LOST
from twap_server.recordings.writer import write_recording

T0 = Nanos(T0_MS * MILLISECOND)
CONN = "ws-binance-1 wss://stream.binance.com:9443/stream"


@pytest.fixture(params=[-3_600, 5], ids=["an hour before", "in its midst"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Of ``--record``: a market, and an exchange of which nobody asked for a book."""
    (tmp_path / "binance").mkdir()
    market(tmp_path / "binance" / "a.jsonl.gz", seconds=30)
    (case,) = (one for one in CASES if one.shape.name == "kraken")
    at = Nanos(T0 + request.param * SECOND)
    write_recording(tmp_path / "kraken", [(at, *one[1:]) for one in lists(case)])
    return tmp_path


MARKET = {"exchange": "binance", "symbol": "BTC-USDT"}
ORDER = MARKET | {"side": "buy", "quantity": "1", "duration": "5s", "slices": "5"}


def test_a_list_alone_is_passed_over_as_in_a_replay(folder: Path) -> None:
    whole, market_alone = look_at(folder), look_at(folder / "binance")
    assert (whole.first, whole.last, whole.sha256) == (
        market_alone.first, market_alone.last, market_alone.sha256
    )  # fmt: skip
    done = what_if(folder, at="+20s", **ORDER)
    assert done.record.order.status is OrderStatus.FILLED
    alone = what_if(folder / "binance", at="+20s", **ORDER)
    assert done.record.order.terms.start == alone.record.order.terms.start


def test_a_tournament_has_all_cases_of_it(folder: Path, tmp_path: Path) -> None:
    made = run(small(folder), tmp_path / "out")
    assert made.runs == run(small(folder / "binance"), tmp_path / "other").runs > 0


def some(dropped: int) -> list[Message]:
    at = [Nanos(T0 + second * SECOND) for second in range(3)]
    return [(at[0], "in", CONN, "x"), (at[1], LOST, CONN, str(dropped)), (at[2], "in", CONN, "x")]


def test_when_messages_are_missing_is_told_with_a_manifest_and_without(tmp_path: Path) -> None:
    folder = tmp_path / "binance"
    write_recording(folder, some(12))
    (line,) = look_at(folder).missing
    assert line.startswith(f"{folder}: 12 messages are missing") and "(1.0 s)" in line
    (folder / NAME).unlink()
    (line,) = look_at(folder).missing
    assert line.startswith(f"{folder}: 12 messages are missing") and "(1.0 s)" in line


def test_a_tournament_says_what_its_recordings_lack(tmp_path: Path) -> None:
    (tmp_path / "binance").mkdir()
    path = market(tmp_path / "binance" / "a.jsonl.gz", seconds=30)
    Manifest.of(path.parent).add(Segment(file=path.name, first=T0, last=Nanos(T0 + 30 * SECOND), dropped=7))
    said: list[str] = []
    made = tournament(small(path.parent), out=tmp_path / "out", how=HowToRun(workers=1), tell=said.append)
    (line,) = [one for one in said if "7 messages are missing" in one]
    (note,) = [one for one in made.notes if "7 messages are missing" in one]
    assert note in line and "no row says where" in note and "books may be wrong" in note
    assert "7 messages are missing" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_what_if_says_what_its_recording_lacks(tmp_path: Path) -> None:
    (tmp_path / "binance").mkdir()
    path = market(tmp_path / "binance" / "a.jsonl.gz", seconds=30)
    Manifest.of(path.parent).add(Segment(file=path.name, first=T0, last=Nanos(T0 + 30 * SECOND), dropped=7))
    order = {"exchange": "binance", "symbol": "BTCUSDT", "side": "buy", "quantity": "1", "slices": 2}
    found = what_if(path.parent, at="+5s", duration="4s", **order)
    assert "7 messages are missing" in next(found.lines())
    assert "7 messages are missing" in found.page() and "7 messages" in found.report.notes[0]


def test_without_messages_there_is_nothing_to_run_over(tmp_path: Path) -> None:
    write_recording(tmp_path / "binance", [(T0, LOST, CONN, "12")])
    (tmp_path / "binance" / NAME).unlink()
    with pytest.raises(InvalidRequest, match="has no message"):
        look_at(tmp_path / "binance")
