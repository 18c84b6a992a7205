"""Binance USD-M: each change names its predecessor; perpetuals only; which streams are ours."""

import json
from decimal import Decimal

import pytest

from support.asking import led, page, told
from support.exchanges.binance_usdm import CASE, ENTRY, update
from support.recordings import recording, rows
from twap_models.enums import InstrumentKind
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import SequenceGap, SnapshotTooOld, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, BookStatus, Heartbeat, Trade
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import Sequencer


def change(before: int, last: int) -> BookChange:
    (event,) = CASE.taught().new_stream().decode(update(before, last))
    assert isinstance(event, BookChange)
    return event


def snapshot(last: int) -> BookSnapshot:
    return BookSnapshot(symbol="BTC-USDT-PERP", bids=[], asks=[], last_id=last)


def rule(*held: BookChange) -> Sequencer:
    made = CASE.taught().new_sequencer(CASE.instrument())
    assert not any(made.admit(one) for one in held)
    return made


def test_the_first_change_straddles_the_snapshot_and_each_other_follows_its_predecessor() -> None:
    made = rule(change(10, 20), change(20, 31), change(31, 40))
    assert [one.last_id for one in made.splice(snapshot(25))] == [31, 40]
    assert made.admit(change(40, 55)), "ids between lie in other symbols: pu is what counts"
    with pytest.raises(SequenceGap):
        made.admit(change(56, 60))


def test_a_change_that_names_another_predecessor_is_a_gap_though_its_ids_overlap() -> None:
    made = rule(change(10, 20))
    made.splice(snapshot(15))
    with pytest.raises(SequenceGap):
        made.admit(change(18, 30))


def test_a_snapshot_from_before_the_first_change_is_too_old() -> None:
    with pytest.raises(SnapshotTooOld):
        rule(change(10, 20)).splice(snapshot(9))
    assert len(rule(change(10, 20)).splice(snapshot(10))) == 1


def test_the_recorded_book_joins_its_recorded_snapshot() -> None:
    exchange, instrument = CASE.taught(), CASE.instrument()
    book, stream = LiveBook(instrument.id, exchange.new_sequencer(instrument), depth=0), exchange.new_stream()
    book.resync("synchronising")
    tops, tickers = dict[int, list[Decimal]](), dict[int, list[Decimal]]()
    for row in rows(recording("binance/usdm-btcusdt-2024-08-08.jsonl.gz")):
        if row["conn"].startswith("https"):
            _, found = led(exchange.snapshot(instrument), row["raw"].encode())
            book.on_snapshot(found, Nanos(1))
        elif "@bookTicker" in row["raw"][:40]:
            best = json.loads(row["raw"])["data"]
            tickers[best["u"]] = [Decimal(best[name]) for name in "bBaA"]
        elif "@depth" in row["raw"][:40]:
            (event,) = stream.decode(row["raw"])
            assert isinstance(event, BookChange)
            book.on_change(event, Nanos(1))
            if book.status is BookStatus.LIVE:
                bid, ask = book.book.best_bid(), book.book.best_ask()
                assert bid is not None and ask is not None
                tops[event.last_id] = [*bid, *ask]
    assert len(tops) == 6_545, "two more were held, and joined the snapshot"
    both = tops.keys() & tickers.keys()
    assert len(both) == 629 and all(tops[one] == tickers[one] for one in both)


def test_only_perpetuals_are_listed_in_base_currency() -> None:
    quarterly = ENTRY | {"symbol": "BTCUSDT_240927", "contractType": "CURRENT_QUARTER"}
    usdc = ENTRY | {"symbol": "BTCUSDC", "quoteAsset": "USDC", "marginAsset": "USDC"}
    listed = told(CASE.shape().instruments(), CASE.body(ENTRY, quarterly, usdc, ENTRY | {"contractType": ""}))
    assert [one.id.symbol for one in listed.found] == ["BTC-USDT-PERP", "BTC-USDC-PERP"]
    assert listed.left_out == ()
    first, second = listed.found
    assert (first.native, first.kind, first.settle) == ("BTCUSDT", InstrumentKind.PERPETUAL, "USDT")
    assert (first.lot_size, first.min_quantity) == (Decimal("0.001"), Decimal("0.002"))
    assert (first.tick_size, first.min_notional, first.multiplier) == (Decimal("0.1"), 50, 1)
    assert second.settle == "USDC" and first.fault == second.fault == ""


def test_the_five_best_levels_are_a_sign_of_life_and_no_change() -> None:
    stream = CASE.taught().new_stream()
    (request,) = stream.opening()
    assert json.loads(request.text)["params"] == ["btcusdt@depth5@500ms"]
    beat = update(1, 9).replace("@depth@100ms", "@depth5@500ms")
    assert stream.decode(beat) == (Heartbeat(),)
    with pytest.raises(WireFormatError) as spoiled:
        stream.decode(beat.replace('"u":9', '"u":"x"'))
    assert spoiled.value.doubted == []


def test_what_did_not_meet_the_book_is_no_trade() -> None:
    stream, trade = CASE.taught().new_stream(), CASE.frames[1]
    (made,) = stream.decode(trade)
    assert isinstance(made, Trade) and (made.trade_id, made.taker_side.value) == ("5266583935", "buy")
    assert stream.decode(trade.replace("MARKET", "INSURANCE_FUND")) == ()


def test_streams_of_books_and_trades_stand_at_the_public_address() -> None:
    exchange = CASE.shape()
    assert exchange.ws_url == "wss://fstream.binance.com/public/stream"
    (request,) = exchange.new_stream().subscribe([CASE.instrument()])
    assert json.loads(request.text)["params"] == ["btcusdt@depth@100ms", "btcusdt@trade"]


@pytest.mark.parametrize(("limit", "weight"), [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1000, 5)])
def test_candles_cost_by_how_many_they_are(limit: int, weight: int) -> None:
    (question,), _ = led(CASE.taught().candles(CASE.instrument(), page(limit=limit)), b"[]")
    assert (question.path, question.weight) == ("/fapi/v1/klines", weight)


def test_a_refusal_says_until_when() -> None:
    banned = CASE.taught().refusal(418, CASE.answers[3].encode())
    assert (banned.kind, banned.until) == (RefusalKind.RATE, 1723161299999 * 1_000_000)
    assert (
        CASE.taught().refusal(400, b'{"code":-1121,"msg":"Invalid symbol."}').kind
        is RefusalKind.UNKNOWN_SYMBOL
    )
    assert CASE.taught().refusal(451, b"<html>").kind is RefusalKind.NOT_PERMITTED
