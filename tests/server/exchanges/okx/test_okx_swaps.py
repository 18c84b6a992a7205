"""OKX's swaps: what is in a contract, and that whatever leaves is base currency."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.recordings import recording, rows
from twap_models.enums import InstrumentKind
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, MarketEvent, PriceLevel, Trade
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.symbology import Spellings
from twap_server.exchanges.okx.adapter import OkxExchange

CASE = case_of("okx")
SWAP: dict[str, Any] = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "uly": "BTC-USDT",
    "baseCcy": "",
    "quoteCcy": "",
    "settleCcy": "USDT",
    "ctType": "linear",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "tickSz": "0.1",
    "lotSz": "0.02",
    "minSz": "0.05",
    "state": "live",
}
USDC = SWAP | {"instId": "BTC-USDC-SWAP", "settleCcy": "USDC", "ctVal": "0.0001"}
INVERSE = SWAP | {"instId": "BTC-USD-SWAP", "ctType": "inverse", "settleCcy": "BTC", "ctValCcy": "USD"}


def listed(*swaps: Any) -> tuple[list[Instrument], tuple[str, ...]]:
    every = told(OkxExchange().instruments(), CASE.body(CASE.entry), CASE.body(*swaps))
    return every.found, every.left_out


def taught(*swaps: Any) -> OkxExchange:
    exchange = OkxExchange()
    exchange.learn(listed(*(swaps or (SWAP,)))[0])
    return exchange


def swap() -> Instrument:
    return listed(SWAP)[0][1]


def frame(channel: str, data: Any, **fields: Any) -> str:
    arg = {"channel": channel, "instId": "BTC-USDT-SWAP"}
    return json.dumps({"arg": arg, **fields, "data": [data]})


def book(action: str, number: int, *asks: tuple[str, str]) -> str:
    levels = {"asks": [[*one, "0", "1"] for one in asks], "bids": [["60000", "300", "0", "1"]]}
    ids = {"ts": "1767225600123", "seqId": number, "prevSeqId": -1 if action == "snapshot" else number - 1}
    return frame("books", levels | ids, action=action)


def level(price: int, quantity: str) -> PriceLevel:
    return PriceLevel(Decimal(price), Decimal(quantity))


def decoded(raw: str) -> Sequence[MarketEvent]:
    return taught().new_stream().decode(raw)


def test_spot_and_swaps_come_from_one_entry() -> None:
    questions, every = led(OkxExchange().instruments(), CASE.body(CASE.entry), CASE.body(SWAP, USDC))
    assert [one.params for one in questions] == [{"instType": "SPOT"}, {"instType": "SWAP"}]
    spot, first, second = every.found
    assert (spot.id.symbol, spot.kind, spot.multiplier) == ("BTC-USDT", InstrumentKind.SPOT, Decimal(1))
    assert (first.id.symbol, first.native, first.settle) == ("BTC-USDT-PERP", "BTC-USDT-SWAP", "USDT")
    assert (second.id.symbol, second.settle, second.multiplier) == (
        "BTC-USDC-PERP",
        "USDC",
        Decimal("0.0001"),
    )
    assert (first.kind, first.base, first.quote) == (InstrumentKind.PERPETUAL, "BTC", "USDT")
    assert (first.multiplier, first.tick_size) == (Decimal("0.01"), Decimal("0.1"))
    assert (first.lot_size, first.min_quantity) == (Decimal("0.0002"), Decimal("0.0005"))
    assert first.fault == second.fault == ""


@pytest.mark.parametrize(
    "other",
    [
        INVERSE,
        SWAP | {"instType": "FUTURES", "instId": "BTC-USDT-261225"},
        SWAP | {"instId": "BTC-USD_UM-SWAP", "settleCcy": "USDC"},
        SWAP | {"settleCcy": "EUR", "instId": "BTC-EUR-SWAP"},
        SWAP | {"ctType": ""},
    ],
)
def test_other_contracts_are_no_part_of_the_list(other: Any) -> None:
    found, left_out = listed(other)
    assert ([one.id.symbol for one in found], left_out) == (["BTC-USDT"], ())


@pytest.mark.parametrize(
    "change", [{"ctVal": ""}, {"ctVal": "0"}, {"ctVal": "-1"}, {"ctMult": "10"}, {"ctMult": ""}, {"lotSz": 1}]
)
def test_a_swap_whose_contract_has_no_size_is_left_out_by_name(change: Any) -> None:
    found, left_out = listed(SWAP | change)
    assert ([one.id.symbol for one in found], left_out) == (["BTC-USDT"], ("BTC-USDT-SWAP",))


def test_the_recorded_list_has_its_linear_swaps() -> None:
    (body, *_) = [
        row["raw"]
        for row in rows(recording("okx/rest-instruments-2022-05-13.jsonl.gz"))
        if row["conn"].endswith("instType=SWAP")
    ]
    every = told(OkxExchange().instruments(), CASE.body(), body.encode())
    assert (len(every.found), every.left_out) == (126, ())
    assert all(one.fault == "" and one.settle == one.quote == "USDT" for one in every.found)
    sizes = {one.base: (one.multiplier, one.lot_size, one.min_quantity) for one in every.found}
    assert sizes["BTC"] == (Decimal("0.01"),) * 3


@pytest.mark.parametrize("spelling", ["BTC-USDT-PERP", "BTC-USDT-SWAP", "btc/usdt/swap", "BTCUSDTSWAP"])
def test_a_swap_is_found_where_it_is_named_as_one(spelling: str) -> None:
    spellings = Spellings(listed(SWAP)[0])
    assert [one.id.symbol for one in spellings.find(spelling)] == ["BTC-USDT-PERP"]
    assert [one.id.symbol for one in spellings.find("BTC-USDT")] == ["BTC-USDT"]


def test_a_book_keeps_contracts_as_text_and_shows_base_currency() -> None:
    exchange, instrument = taught(), swap()
    live = LiveBook(instrument.id, exchange.new_sequencer(instrument), multiplier=instrument.multiplier)
    (opened,) = decoded(book("snapshot", 7, ("60001", "12.5")))
    (changed,) = decoded(book("update", 8, ("60001", "0"), ("60002", "0.1")))
    assert isinstance(opened, BookSnapshot) and isinstance(changed, BookChange)
    live.on_snapshot(opened, Nanos(1))
    assert live.view(5).asks == (level(60001, "0.125"),)
    live.on_change(changed, Nanos(1))
    assert live.book.top_text(5) == ([("60000", "300")], [("60002", "0.1")])
    assert live.view(5).bids == (level(60000, "3"),) and live.view(5).asks == (level(60002, "0.001"),)


def test_a_trade_is_base_currency() -> None:
    (recorded,) = [
        row["raw"]
        for row in rows(recording("okx/samples-v5-swap.jsonl.gz"))
        if '"channel":"trades"' in row["raw"]
    ]
    (trade,) = decoded(recorded)
    assert isinstance(trade, Trade)
    assert (trade.symbol, trade.price, trade.quantity) == (
        "BTC-USDT-PERP",
        Decimal("48938.5"),
        Decimal("0.05"),
    )


def test_candles_are_base_currency() -> None:
    body = json.dumps(CASE.candle_body([CASE.candle])).encode()
    (question,), every = led(taught().candles(swap(), page(limit=1)), body)
    assert question.params["instId"] == "BTC-USDT-SWAP"
    assert every.found[0].volume == Decimal("0.07")
    assert told(taught().candles(CASE.instrument(), page(limit=1)), body).found[0].volume == 7


def test_the_status_of_a_swap_is_asked_for_by_its_kind() -> None:
    questions, found = led(OkxExchange().statuses([swap()]), CASE.body(SWAP | {"state": "suspend"}))
    assert [one.params for one in questions] == [{"instType": "SWAP", "instId": "BTC-USDT-SWAP"}]
    assert [one.status for one in found.found] == ["suspend"]
    many, _ = led(OkxExchange().statuses([swap()] * 5 + [CASE.instrument()]), CASE.body(SWAP), CASE.body())
    assert [one.params for one in many] == [{"instType": "SWAP"}, {"instType": "SPOT"}]


@pytest.mark.parametrize("quantity", ["0.12345678901234567", "0.00000000000000001", "9" * 30 + ".1"])
def test_what_cannot_be_said_in_base_currency_is_refused_where_it_comes_in(quantity: str) -> None:
    for raw in (book("snapshot", 7, ("60001", quantity)), book("update", 8, ("60001", quantity))):
        with pytest.raises(WireFormatError) as refused:
            decoded(raw)
        assert refused.value.doubted == ["BTC-USDT-PERP"]
    trade = {"instId": "BTC-USDT-SWAP", "tradeId": "1", "px": "1", "sz": quantity, "side": "buy", "ts": "1"}
    with pytest.raises(WireFormatError):
        decoded(frame("trades", trade))


@pytest.mark.parametrize("quantity", ["0.1234567890123456", "9" * 28, "0", "1" * 16])
def test_what_can_be_said_is_taken(quantity: str) -> None:
    (event,) = decoded(book("snapshot", 7, ("60001", quantity)))
    assert isinstance(event, BookSnapshot) and list(event.asks) == [("60001", quantity)]


def test_a_list_that_drops_a_swap_drops_its_size() -> None:
    exchange = taught()
    stream = exchange.new_stream()
    exchange.learn(listed(SWAP | {"ctVal": "0.1"})[0])
    trade = {
        "instId": "BTC-USDT-SWAP",
        "tradeId": "1",
        "px": "1",
        "sz": "5",
        "side": "buy",
        "ts": "1767225600000",
    }
    (made,) = stream.decode(frame("trades", trade))
    assert isinstance(made, Trade) and made.quantity == Decimal("0.5")
    exchange.learn(listed()[0])
    assert list(stream.decode(frame("trades", trade))) == []
