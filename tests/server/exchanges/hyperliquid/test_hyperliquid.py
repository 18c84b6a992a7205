"""exchanges/hyperliquid: whole books with newer best prices, trades that are news, two lists, candles."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.asking import led, page, told
from support.exchanges.hyperliquid import CASE, ENTRY, SPOT, TIME, answer, best, book, frame, level, trade
from support.recordings import ROOT, rows
from twap_models.enums import InstrumentKind, Interval, Side
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, Refused, Subscribed, Trade
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import RefusalKind
from twap_server.domain.market.symbology import Spellings, everywhere
from twap_server.exchanges.hyperliquid.adapter import HyperliquidExchange
from twap_server.exchanges.hyperliquid.stream import HyperliquidStream

BTC = "BTC-USD-PERP"


def connection() -> HyperliquidStream:
    return HyperliquidStream({"BTC": BTC, "@107": "HYPE-USDC"}, fast=True)


def one_of(stream: HyperliquidStream, raw: str) -> BookSnapshot:
    (event,) = stream.decode(raw)
    assert isinstance(event, BookSnapshot)
    return event


def listed(*perpetuals: Mapping[str, Any], spot: Mapping[str, Any] = SPOT) -> Entries[Instrument]:
    bodies = (json.dumps({"universe": perpetuals}), json.dumps(spot))
    return told(HyperliquidExchange().instruments(), *(one.encode() for one in bodies))


def test_best_prices_replace_what_they_have_passed_until_the_next_whole_book() -> None:
    stream = connection()
    first = one_of(stream, book(0))
    assert first.bids == [("84143.0", "10.25920"), ("84142.0", "1.5")]
    up = one_of(stream, best(100, ("84143.5", "0.2"), ("84145.0", "7.5")))
    assert up.bids == [("84143.5", "0.2"), *first.bids]
    assert up.asks == [("84145.0", "7.5"), ("84146.0", "0.25")], "the ask at 84144 was passed"
    assert up.ts_exchange == (TIME + 100) * MILLISECOND
    down = one_of(stream, best(200, ("84142.0", "9"), ("84143.0", "1")))
    assert down.bids == [("84142.0", "9")]
    assert down.asks == [("84143.0", "1"), ("84144.0", "50.66449"), ("84146.0", "0.25")]
    assert one_of(stream, book(1)).bids == [("84143.0", "10.25921"), ("84142.0", "1.5")]


def test_best_prices_of_before_a_whole_book_change_nothing() -> None:
    stream = connection()
    assert stream.decode(best(-1, ("84100.0", "1"), ("84200.0", "1"))) == ()
    whole = one_of(stream, book(0))
    assert whole == one_of(connection(), book(0))
    assert stream.decode(best(0, ("84100.0", "1"), ("84200.0", "1"))) == ()


def test_newer_best_prices_hold_for_a_whole_book_that_comes_late() -> None:
    stream = connection()
    one_of(stream, book(0))
    one_of(stream, best(600, ("84142.5", "3"), ("84144.0", "1")))
    late = one_of(stream, book(1))
    assert (late.bids, late.ts_exchange) == (
        [("84142.5", "3"), ("84142.0", "1.5")],
        (TIME + 600) * MILLISECOND,
    )


def test_a_side_without_a_best_price_is_empty() -> None:
    stream = connection()
    one_of(stream, book(0))
    assert one_of(stream, best(1, None, ("84144.0", "1"))).bids == []


def test_nothing_is_made_of_a_book_of_before_one_that_was_lost() -> None:
    stream = connection()
    one_of(stream, book(0))
    with pytest.raises(WireFormatError) as failure:
        stream.decode(book(1).replace('"84142.0"', '"x"'))
    assert failure.value.doubted == [BTC]
    assert stream.decode(best(900, ("84143.0", "1"), ("84144.0", "1"))) == ()
    assert one_of(stream, book(2)).bids[0] == ("84143.0", "10.25922")


def test_best_prices_that_cannot_be_read_cost_no_book() -> None:
    stream = connection()
    one_of(stream, book(0))
    with pytest.raises(WireFormatError) as failure:
        stream.decode(best(1, ("84143.0", "one"), None))
    assert failure.value.doubted == ()
    assert one_of(stream, best(2, ("84143.0", "1"), ("84144.0", "1"))).bids[0] == ("84143.0", "1")


CENTS = st.integers(1, 40)


@given(
    bids=st.lists(CENTS, max_size=6, unique=True),
    asks=st.lists(CENTS, max_size=6, unique=True),
    bid=st.none() | CENTS,
    ask=st.none() | CENTS,
)
def test_a_book_is_never_worse_than_its_best_prices(
    bids: list[int], asks: list[int], bid: int | None, ask: int | None
) -> None:
    sides = [[level(f"{one}.0", "1") for one in sorted(bids, reverse=True)], []]
    sides[1] = [level(f"{one}.0", "1") for one in sorted(asks)]
    stream = connection()
    stream.decode(frame("l2Book", {"coin": "BTC", "time": TIME, "levels": sides}))
    newer = [None if one is None else (f"{one}.0", "2") for one in (bid, ask)]
    made = one_of(stream, best(1, newer[0], newer[1]))
    prices = [[Decimal(price) for price, _ in side] for side in (made.bids, made.asks)]
    assert prices[0] == sorted(set(prices[0]), reverse=True) and prices[1] == sorted(set(prices[1]))
    assert [side[:1] for side in prices] == [[] if one is None else [one] for one in (bid, ask)]
    assert {one for one in bids if bid is not None and one < bid} == set(map(int, prices[0][1:]))
    assert {one for one in asks if ask is not None and one > ask} == set(map(int, prices[1][1:]))


def test_what_was_traded_before_a_coin_was_asked_for_is_no_news() -> None:
    stream = connection()
    history = frame("trades", [trade(-20_000, 1), trade(0, 2), trade(1, 3, "A"), trade(2, 4, coin="ETH")])
    assert stream.decode(history) == [], "no book of it has come"
    stream.decode(book(0))
    (news,) = stream.decode(history)
    assert isinstance(news, Trade)
    assert (news.trade_id, news.taker_side, news.is_numbered) == ("3", Side.SELL, False)
    (following,) = stream.decode(frame("trades", [trade(900, 5)]))
    assert isinstance(following, Trade) and following.taker_side is Side.BUY
    stream.subscribe([CASE.instrument("BTC", "USD", "PERP")])
    assert stream.decode(history) == [], "asked for anew"


def test_a_request_names_one_channel_of_one_coin() -> None:
    exchange = HyperliquidExchange()
    bitcoin, other = CASE.instrument("BTC", "USD", "PERP"), CASE.instrument("ETH", "USD", "PERP")
    stream = exchange.new_stream()
    texts = [json.loads(one.text) for one in stream.subscribe([bitcoin, other])]
    assert texts[:3] == [
        {"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC", "fast": True}},
        {"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}},
        {"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}},
    ]
    assert [one["subscription"]["coin"] for one in texts[3:]] == ["ETH"] * 3
    assert [one["method"] for one in map(json.loads, (one.text for one in stream.renew(bitcoin)))] == [
        "unsubscribe",
        "subscribe",
    ]
    assert json.loads(stream.ping()) == {"method": "ping"}
    deep = HyperliquidExchange(depth=20).new_stream().subscribe([bitcoin])[0]
    assert json.loads(deep.text)["subscription"] == {"type": "l2Book", "coin": "BTC"}


@pytest.mark.parametrize(("wanted", "kept"), [(0, 5), (5, 5), (6, 20), (20, 20), (100, 20)])
def test_a_book_is_shallow_and_quick_or_deep_and_slow(wanted: int, kept: int) -> None:
    exchange = HyperliquidExchange(depth=wanted)
    assert (exchange.book_depth, exchange.book_silence_s) == (kept, {5: 3, 20: 17}[kept])


def test_answers_name_the_book_they_are_about() -> None:
    stream = connection()
    assert stream.decode(answer("subscribe", "l2Book")) == (Subscribed(request_id=None, symbol=BTC),)
    assert stream.decode(answer("subscribe", "trades")) == (Subscribed(request_id=None, symbol=None),)
    assert stream.decode(answer("unsubscribe", "l2Book")) == ()
    twice = 'Already subscribed: {"type":"l2Book","coin":"@107","nSigFigs":null}'
    assert stream.decode(frame("error", twice)) == (Subscribed(request_id=None, symbol="HYPE-USDC"),)
    (refused,) = stream.decode(frame("error", 'Too many subscriptions: {"type":"l2Book","coin":"BTC"}'))
    assert isinstance(refused, Refused)
    assert (refused.symbol, refused.kind) == (BTC, RefusalKind.RATE)


@pytest.mark.parametrize(
    "raw",
    [
        b"Websocket connection established.",
        "Websocket connection established.",
        '{"channel":"pong"}',
        frame("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "1"}}),
        frame("newChannel", None),
        frame("l2Book", {"coin": "ETH", "time": TIME, "levels": [[], []]}),
        frame("bbo", {"coin": "ETH", "time": TIME, "bbo": [None, None]}),
    ],
)
def test_what_tells_nothing_tells_nothing(raw: bytes | str) -> None:
    assert connection().decode(raw) == ()


def test_a_coin_that_is_not_traded_any_more_has_an_empty_book() -> None:
    empty = one_of(connection(), frame("l2Book", {"coin": "BTC", "time": TIME, "levels": [[], []]}))
    assert (empty.bids, empty.asks) == ([], [])


def test_the_recorded_shapes_are_read() -> None:
    path = ROOT / "hyperliquid/samples.jsonl.gz"
    if not path.is_file():
        pytest.skip("no recordings: set TWAP_RECORDINGS to the folder that holds the recordings")
    symbols = {coin: f"{coin}-USD-PERP" for coin in ("BTC", "FXS", "SHIA", "BANANA", "@162")}
    stream, kinds = HyperliquidStream(symbols, fast=False), []
    for row in rows(path):
        try:
            kinds.extend(type(one).__name__ for one in stream.decode(row["raw"]))
        except WireFormatError as error:
            assert error.doubted == () and '"bbo"' in row["raw"], "one of them has a side only"
    assert kinds == ["BookSnapshot"] * 2


def test_perpetuals_and_pairs_are_listed_together() -> None:
    found = {one.id.symbol: one for one in listed(ENTRY, {"name": "kPEPE", "szDecimals": 0}).found}
    assert list(found) == [BTC, "KPEPE-USD-PERP", "PURR-USDC", "HYPE-USDC"]
    bitcoin, hype = found[BTC], found["HYPE-USDC"]
    assert (bitcoin.native, bitcoin.kind, bitcoin.settle) == ("BTC", InstrumentKind.PERPETUAL, "USDC")
    assert (bitcoin.tick_size, bitcoin.lot_size) == (Decimal("0.1"), Decimal("0.00001"))
    assert (bitcoin.min_notional, bitcoin.price_digits, bitcoin.whole_prices) == (10, 5, True)
    assert (hype.native, hype.kind, hype.settle) == ("@107", InstrumentKind.SPOT, "USDC")
    assert (hype.tick_size, hype.lot_size) == (Decimal("0.000001"), Decimal("0.01"))
    assert found["PURR-USDC"].native == "PURR/USDC"
    assert found["KPEPE-USD-PERP"].native == "kPEPE"
    assert not any(one.fault for one in found.values())


@pytest.mark.parametrize(
    ("symbol", "price", "buys", "sells"),
    [
        (BTC, "105055.4", "105055", "105056"),
        (BTC, "9505.37", "9505.3", "9505.4"),
        ("HYPE-USDC", "38.12345", "38.123", "38.124"),
        ("HYPE-USDC", "0.00123456", "0.001234", "0.001235"),
    ],
)
def test_prices_have_five_digits_or_are_whole(symbol: str, price: str, buys: str, sells: str) -> None:
    one = next(one for one in listed(ENTRY).found if one.id.symbol == symbol)
    assert (one.prices.floor(Decimal(price)), one.prices.ceiling(Decimal(price))) == (
        Decimal(buys),
        Decimal(sells),
    )


def test_a_pair_with_an_asset_that_cannot_be_read_is_left_out_by_name() -> None:
    tokens = [SPOT["tokens"][0], {"name": "HYPE", "index": 150}, SPOT["tokens"][1]]
    entries = listed(ENTRY, spot={**SPOT, "tokens": tokens})
    assert entries.left_out == ("@107",)
    assert [one.id.symbol for one in entries.found] == [BTC, "PURR-USDC"]


def test_the_stream_knows_a_pair_by_its_number_whatever_the_list_calls_it() -> None:
    pairs = [{**one, "name": "HYPE/USDC"} for one in SPOT["universe"] if one["index"] == 107]
    (one,) = listed(spot={**SPOT, "universe": pairs}).found
    assert (one.id.symbol, one.native) == ("HYPE-USDC", "@107")


@pytest.mark.parametrize("decimals", [-1, 7, 60])
def test_a_grid_that_there_cannot_be_takes_no_order(decimals: int) -> None:
    one = listed({"name": "ODD", "szDecimals": decimals}).found[0]
    assert one.fault in ("its tick size is not known", "its lot size is not known")


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("BTC-USD-PERP", BTC),
        ("btc/usd-swap", BTC),
        ("BTCUSDPERP", BTC),
        ("BTC", BTC),
        ("BTC-PERP", BTC),
        ("btcperp", BTC),
        ("BTC-USDC-PERP", BTC),
        ("BTC/USDC:USDC", BTC),
        ("kPEPE", "KPEPE-USD-PERP"),
        ("@107", "HYPE-USDC"),
        ("hypeusdc", "HYPE-USDC"),
        ("HYPE/USDC", "HYPE-USDC"),
        ("HYPE", "HYPE-USD-PERP"),
        ("PURR/USDC", "PURR-USDC"),
        ("BTC-USD", None),
        ("BTCUSD", None),
        ("BTC/USDC", None),
        ("HYPE-USD", None),
        ("107", None),
    ],
)
def test_a_spelling_finds_what_it_names_and_spot_never_a_perpetual(spelling: str, symbol: str | None) -> None:
    coins = [{"name": name, "szDecimals": 2} for name in ("BTC", "kPEPE", "HYPE")]
    spellings = Spellings(listed(*coins).found)
    assert [one.id.symbol for one in spellings.find(spelling)] == ([] if symbol is None else [symbol])


@pytest.mark.parametrize("spelling", ["BTC", "BTC-PERP", "@107", "BTC/USDC:USDC"])
def test_its_own_names_mean_nothing_over_all_exchanges(spelling: str) -> None:
    with pytest.raises(UnknownSymbol):
        everywhere(spelling, {"hyperliquid": Spellings(listed(ENTRY).found)})


def test_candles_are_asked_for_by_both_ends() -> None:
    wanted = page(Interval.H1, limit=300)
    row = {"t": 1_755_493_200_000, "T": 1_755_496_799_999, "s": "BTC", "i": "1h", "n": 0}
    figures = {"o": "1", "h": "3", "l": "0.5", "c": "2", "v": "7"}
    body = json.dumps([{**row, **figures}]).encode()
    questions, found = led(CASE.taught().candles(CASE.instrument("BTC", "USD", "PERP"), wanted), body)
    (asked,) = questions
    assert (asked.method, asked.path, asked.weight) == ("POST", "/info", 25)
    assert json.loads(asked.body or b"") == {
        "type": "candleSnapshot",
        "req": {
            "coin": "BTC",
            "interval": "1h",
            "startTime": wanted.start // MILLISECOND,
            "endTime": wanted.end // MILLISECOND,
        },
    }
    assert found.found[0].close_time == row["T"] * MILLISECOND


def test_an_answer_of_nothing_is_a_coin_that_it_does_not_know() -> None:
    exchange, one = CASE.taught(), CASE.instrument("BTC", "USD", "PERP")
    for asking in (exchange.candles(one, page()), exchange.snapshot(one)):
        with pytest.raises(UnknownSymbol):
            told(asking, b"null")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, RefusalKind.RATE),
        (500, RefusalKind.BUSY),
        (422, RefusalKind.OTHER),
        (403, RefusalKind.NOT_PERMITTED),
    ],
)
def test_an_answer_with_a_status_is_a_refusal(status: int, kind: RefusalKind) -> None:
    assert HyperliquidExchange().refusal(status, b"null").kind is kind


def test_all_of_it_stays_within_what_one_address_may() -> None:
    limits = HyperliquidExchange.limits
    kept = limits.kept_connections
    assert 3 * limits.symbols_per_connection * (kept + 1) <= 1_000, "one of them is being replaced"
    assert 2 * kept <= 10
