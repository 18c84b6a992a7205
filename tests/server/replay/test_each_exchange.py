"""A recording of each exchange is replayed: made up here from its own messages, with its list beside it."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from support.asking import told
from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.tapes import row, write
from twap_models import OrderStatus, TwapOrderRequest
from twap_server.bootstrap import replay
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Start
from twap_server.settings import Settings

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)
BEGIN, SECONDS = 1_767_225_600.0, 4
SMALL = "0.001"


def listed(case: ExchangeCase) -> Instrument:
    (one,) = told(case.shape().instruments(), case.body(case.entry)).found
    return one


def made(case: ExchangeCase, path: Path) -> Path:
    """What it says to a client that asks for a book, and a last message later."""
    shape, conn = case.shape, case.shape.default_ws_url
    stream = case.taught().new_stream()
    requests = [one.text for one in (*stream.opening(), *stream.subscribe([listed(case)]))]
    said = list(case.greeting)
    for request in requests:
        said += [*case.acks(request), *(case.opens if case.subscribes_book(request) else ())]
    rows = [row(BEGIN, text, conn=conn) for text in said]
    if shape.start is Start.FETCHED and case.book_body is not None:
        asked = next(shape(depth=case.depth).snapshot(listed(case)))
        query = "&".join(f"{name}={value}" for name, value in asked.params.items())
        body = json.dumps(case.book_body([case.level]))
        rows.insert(0, row(BEGIN, body, conn=f"{shape.default_rest_url}{asked.path}?{query}"))
    return write(path, [*rows, row(BEGIN + SECONDS, case.opens[-1], conn=conn)])


@each
def test_an_order_is_worked_on_its_recording(case: ExchangeCase, tmp_path: Path) -> None:
    instruments = tmp_path / "list.json"
    instruments.write_bytes(case.body(case.entry))
    one = listed(case)
    asked = TwapOrderRequest(
        token_id="a", exchange=case.shape.name, symbol=one.id.symbol, side="sell",
        quantity=max(Decimal(SMALL), one.min_quantity, one.lot_size), duration="2s", slices=1,
    )  # fmt: skip
    path = made(case, tmp_path / "a.gz")
    done = replay(path, [asked], Settings(), instruments=instruments)
    (record,) = done.records
    assert record.order.status is OrderStatus.FILLED, record.order
    assert {fill.exchange for fill in record.fills} == {case.shape.name}


@each
def test_a_recording_without_the_list_says_what_to_give(case: ExchangeCase, tmp_path: Path) -> None:
    if case.shape.name in ("binance", "kraken"):
        return
    with pytest.raises(InvalidRequest, match=f"{case.shape.name}'s list of instruments.*--instruments"):
        replay(made(case, tmp_path / "a.gz"), [], Settings())
