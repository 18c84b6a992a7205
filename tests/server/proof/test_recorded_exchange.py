"""proof/recorded_exchange.py: no decision is recomputed by a book that has lost messages."""

from pathlib import Path

import pytest

from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.made_recordings import BEGIN, listed, lossy, written
from twap_server.domain.clock import SECOND
from twap_server.domain.market.events import BookStatus
from twap_server.proof.recorded_exchange import RecordedExchange
from twap_server.recordings.frames import with_losses
from twap_server.recordings.runs import run_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)
def test_a_book_that_has_lost_messages_is_not_live_until_it_is_whole(
    case: ExchangeCase, tmp_path: Path
) -> None:
    path, symbol = written(tmp_path / "a.gz", lossy(case, again=True)), listed(case).id.symbol
    last_lines = {conn: line for _, _, line, conn in with_losses(path)}
    recorded = RecordedExchange(
        case.shape(depth=case.depth), [symbol], last_lines=last_lines, on_trade=lambda *_: None
    )
    live: dict[int, BookStatus] = {}
    for frame in with_losses(path):
        recorded.take(frame)
        if (book := recorded.book(symbol)) is not None:
            live[(frame[0] - BEGIN) // SECOND] = book.status
    assert (live[0], live[1]) == (BookStatus.LIVE, BookStatus.RESYNCING)


def test_a_loss_is_of_its_run() -> None:
    assert run_of("lost ws-okx-r12-3 wss://ws.okx.com") == run_of("ws-okx-r12-3 wss://ws.okx.com") == "r12"
