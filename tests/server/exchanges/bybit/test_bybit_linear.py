"""Bybit's linear contracts: their names, a list in pages, their category in every question."""

import json
from decimal import Decimal
from typing import Any

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.following import follow
from support.recordings import recording, rows
from twap_models.enums import InstrumentKind
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import Trade
from twap_server.domain.market.symbology import Spellings
from twap_server.exchanges.base import HttpRequest
from twap_server.exchanges.bybit.linear import BybitLinearExchange

CASE = case_of("bybit-linear")
USDC = {**CASE.entry, "symbol": "BTCPERP", "quoteCoin": "USDC", "settleCoin": "USDC"}
DATED = {"symbol": "BTC-26DEC25", "contractType": "LinearFutures", "quoteCoin": "USDC"}


def listed(cursor: str | None, *entries: Any) -> bytes:
    return json.dumps({"retCode": 0, "result": {"list": entries, "nextPageCursor": cursor}}).encode()


def test_perpetuals_are_named_by_what_they_are_quoted_in_and_dated_contracts_stay_out() -> None:
    found = told(BybitLinearExchange().instruments(), listed("", CASE.entry, DATED, USDC))
    assert found.left_out == ()
    first, second = found.found
    assert (first.native, first.id.symbol, first.settle) == ("BTCUSDT", "BTC-USDT-PERP", "USDT")
    assert (second.native, second.id.symbol, second.settle) == ("BTCPERP", "BTC-USDC-PERP", "USDC")
    assert {one.kind for one in found.found} == {InstrumentKind.PERPETUAL}
    assert (first.lot_size, first.min_quantity) == (Decimal("0.001"), Decimal("0.002"))
    assert (first.tick_size, first.min_notional, first.multiplier) == (Decimal("0.1"), Decimal(5), Decimal(1))


@pytest.mark.parametrize("spelling", ["BTC-USDC-PERP", "btc/usdc-swap", "BTCUSDCPERP", "BTCPERP"])
def test_a_perpetual_is_found_by_its_kind_and_by_its_own_name(spelling: str) -> None:
    spellings = Spellings(told(BybitLinearExchange().instruments(), listed("", CASE.entry, USDC)).found)
    assert [one.native for one in spellings.find(spelling)] == ["BTCPERP"]
    assert spellings.find("BTC-USDC") == spellings.find("BTCUSDC") == ()


def test_the_list_is_asked_for_page_after_page() -> None:
    pages = [listed("first%3DA", CASE.entry), listed("second", "bad"), listed(None, USDC)]
    questions, found = led(BybitLinearExchange().instruments(), *pages)
    assert [one.params for one in questions] == [
        {"category": "linear"},
        {"category": "linear", "cursor": "first%3DA"},
        {"category": "linear", "cursor": "second"},
    ]
    assert [one.native for one in found.found] == ["BTCUSDT", "BTCPERP"]
    assert found.left_out == ("entry 0",)


def test_a_list_that_does_not_end_is_given_up() -> None:
    with pytest.raises(WireFormatError, match="does not end"):
        told(BybitLinearExchange().instruments(), *[listed("again", CASE.entry)] * 60)


def test_who_is_not_listed_any_more_is_missed() -> None:
    bitcoin, other = CASE.instrument(), CASE.instrument("ETH")
    few, found = led(BybitLinearExchange().statuses([bitcoin, bitcoin]), *[listed("", CASE.entry)] * 2)
    assert [one.params.get("symbol") for one in few] == ["BTCUSDT", "BTCUSDT"]
    assert [one.status for one in found.found] == ["trading"] * 2
    with pytest.raises(UnknownSymbol):
        told(BybitLinearExchange().statuses([bitcoin, other]), listed("", CASE.entry), listed(""))
    many: list[HttpRequest]
    many, _ = led(BybitLinearExchange().statuses([bitcoin] * 6), listed("", CASE.entry))
    assert [one.params for one in many] == [{"category": "linear"}]


def test_every_question_names_the_category() -> None:
    exchange, one = CASE.taught(), CASE.instrument("BTC", "USDC")
    rows_of_candles = json.dumps(CASE.candle_body([CASE.candle])).encode()
    candles, _ = led(exchange.candles(one, page(limit=1)), rows_of_candles)
    books, _ = led(exchange.snapshot(one), CASE.answers[2].encode())
    for question in (*candles, *books):
        assert (question.params["category"], question.params["symbol"]) == ("linear", "BTCPERP")
    assert books[0].params["limit"] == "500"


def test_recorded_frames_of_a_contract_paid_in_usdc() -> None:
    raws = [one["raw"] for one in rows(recording("bybit/samples-v5-linear.jsonl.gz"))]
    followed = follow(CASE, [("ws", raw.encode()) for raw in raws if "orderbook.50.BTCPERP" in raw])
    assert followed.faults == []
    book = followed.books["BTC-USDC-PERP"].book
    assert book.top_text(1) == ([("28555.20", "0.677")], [("28555.30", "0.029")])


def test_trades_have_no_numbers() -> None:
    (trade,) = CASE.taught().new_stream().decode(CASE.frames[2])
    assert isinstance(trade, Trade) and trade.symbol == "BTC-USDT-PERP"
    assert (trade.trade_id, trade.is_numbered) == ("20f43950-d8dd-5b31-9112-a178eb6023af", False)
