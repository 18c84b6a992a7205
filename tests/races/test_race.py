"""The race of order books: who has figures, who has a note instead."""

from collections.abc import Callable

import pytest
from benchmarks.books.contender import Mode
from benchmarks.books.judge import Judge
from benchmarks.books.race import CEILING, OURS, PURE, race
from benchmarks.books.recorded import binance_stream, coinbase_stream
from benchmarks.books.server import TwapServer
from benchmarks.books.stream import Stream, synthetic_stream
from benchmarks.books.verdict import ratio_target

from support.recordings import BINANCE_BTCUSDT, COINBASE_SIX, recording

pytestmark = pytest.mark.long  # of benchmarks/, not of what is shipped

WRONG, ABSENT = "support.contenders:Wrong", "support.contenders:Absent"


def test_ours_compiled_or_not_ends_exact_in_every_mode_beside_a_wrong_and_an_absent_one() -> None:
    result = race(synthetic_stream(200), (OURS, PURE, CEILING, WRONG, ABSENT), repeats=2)
    assert set(result.rates[Mode.UPDATING]) == {TwapServer.label, "twap-server, pure Python"}
    assert set(result.rates) == set(Mode)
    assert all(len(values) == 2 for runs in result.rates.values() for values in runs.values())
    assert result.notes == [
        "contenders left out: ImportError: No module named 'absent'",
        "synthetic Binance depth: wrong left out: its book of BTCUSDT is not exact",
    ]


def test_a_lost_message_is_noticed() -> None:
    stream = synthetic_stream(200)
    outcome = TwapServer(stream).run(Mode.UPDATING)
    assert Judge(stream).objection(outcome) == ""
    del stream.messages[100]
    assert "differ" in Judge(stream).objection(outcome) or "exact" in Judge(stream).objection(outcome)


def test_without_a_peer_no_target_is_met() -> None:
    result = race(synthetic_stream(50), (OURS,), repeats=1)
    target = ratio_target("synthetic", result, Mode.UPDATING, 0.0)
    assert not target.met
    assert target.measured == "no contender to compare"


@pytest.mark.parametrize(
    ("name", "make", "messages"),
    [(COINBASE_SIX, coinbase_stream, 6_348), (BINANCE_BTCUSDT, binance_stream, 6_493)],
)
def test_recorded_books_end_exact(name: str, make: Callable[[], Stream], messages: int) -> None:
    recording(name)
    stream = make()
    assert len(stream.messages) == messages
    assert Judge(stream).objection(TwapServer(stream).run(Mode.SECOND)) == ""
