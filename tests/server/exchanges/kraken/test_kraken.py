"""Kraken: published checksum vectors, number text, refusals."""

import json
from decimal import Decimal

import pytest

from support.asking import page, told
from support.recordings import KRAKEN_BTCUSD, recording, rows
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import ExchangeUnavailable, Throttled, UnknownSymbol
from twap_server.domain.market.errors import ChecksumMismatch, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, Refused, Subscribed, TradingStatus
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.kraken.adapter import KrakenExchange
from twap_server.exchanges.kraken.mapper import fixed
from twap_server.exchanges.kraken.sequencer import KrakenSequencer, checksum

GUIDE_ASKS = (
    "45285.2:0.00100000 45286.4:1.54571953 45286.6:1.54571109 45289.6:1.54560911 45290.2:0.15890660 "
    "45291.8:1.54553491 45294.7:0.04454749 45296.1:0.35380000 45297.5:0.09945542 45299.5:0.18772827"
)
GUIDE_BIDS = (
    "45283.5:0.10000000 45283.4:1.54582015 45282.1:0.10000000 45281.0:0.10000000 45280.3:1.54592586 "
    "45279.0:0.07990000 45277.6:0.03310103 45277.5:0.30000000 45277.3:1.54602737 45276.6:0.15445238"
)
PAGE_BIDS = (
    "0.5666:4831.75496356 0.5665:6658.22734739 0.5664:18724.91513344 0.5663:11563.92544914 "
    "0.5662:14006.65365711 0.5661:17454.85679807 0.566:18097.1547 0.5659:33644.89175666 "
    "0.5658:148.3464 0.5657:606.70854372"
)
PAGE_ASKS = (
    "0.5668:4410.79769741 0.5669:4655.40412487 0.567:49844.89424998 0.5671:24306.41678 "
    "0.5672:29783.25223475 0.5673:57234.71239278 0.5674:45065.04744 0.5675:5912.76380354 "
    "0.5676:42514.92434778 0.5677:36304.0847022"
)


def numbers(text, price_places, quantity_places):
    pairs = (pair.split(":") for pair in text.split())
    return [(fixed(price, price_places), fixed(quantity, quantity_places)) for price, quantity in pairs]


def instrument(symbol="BTC-USD", price_places=1):
    base, quote = symbol.split("-")
    return Instrument(
        id=InstrumentId("kraken", symbol),
        native="XBTUSD",
        base=base,
        quote=quote,
        tick_size=Decimal(1).scaleb(-price_places),
        lot_size=Decimal("1e-8"),
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
        status="trading",
    )


def test_the_guides_checksum():
    assert checksum(numbers(GUIDE_BIDS, 1, 8), numbers(GUIDE_ASKS, 1, 8)) == 3310070434


def test_the_pages_checksum_needs_the_instruments_precision():
    bids, asks = numbers(PAGE_BIDS, 4, 8), numbers(PAGE_ASKS, 4, 8)
    assert checksum(bids, asks) == 2439117997
    bids[-1] = ("0.5657", fixed("1098.3947558", 8))
    assert checksum(bids, asks) == 2114181697
    raw = [tuple(pair.split(":")) for pair in PAGE_BIDS.split()]
    assert checksum(raw, [tuple(pair.split(":")) for pair in PAGE_ASKS.split()]) == 3830085102


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("62797.0", 1, "62797.0"),
        ("250", 1, "250.0"),
        ("0.566", 4, "0.5660"),
        ("4.8E-7", 8, "0.00000048"),
        ("1e-08", 8, "0.00000001"),
        ("1.500", 1, "1.5"),
        ("1.5001", 1, "1.5001"),
        ("7", 0, "7"),
        ("7.0", 0, "7"),
        ("0.00000000", 8, "0.00000000"),
    ],
)
def test_numbers_keep_every_digit(text, places, expected):
    assert fixed(text, places) == expected
    assert Decimal(fixed(text, places)) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["-1", '"1"', "null", "[1]", "1.2.3", "", "٣", "1e999999999", "0e-999999999", "NaN"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(WireFormatError):
        fixed(text, 8)


def test_all_recorded_checksums_hold():
    exchange = KrakenExchange(depth=10)
    exchange.learn([instrument()])
    sequencer, book, valid = KrakenSequencer(), OrderBook(), 0
    for row in rows(recording(KRAKEN_BTCUSD)):
        if row["dir"] != "in":
            continue
        for event in exchange.new_stream().decode(row["raw"].encode()):
            if isinstance(event, BookSnapshot):
                sequencer.splice(event)
                book.replace(event)
            elif isinstance(event, BookChange):
                assert sequencer.admit(event)
                book.apply(event)
                book.truncate(10)
            else:
                continue
            sequencer.verify(event, book)
            valid += 1
    assert valid == 118


def test_a_wrong_checksum_is_noticed_and_an_absent_one_proves_nothing():
    sequencer, book = KrakenSequencer(), OrderBook()
    book.replace(BookSnapshot(symbol="BTC-USD", bids=[("1.0", "1")], asks=[("2.0", "1")]))
    sequencer.verify(BookChange(symbol="BTC-USD", bids=[], asks=[]), book)
    with pytest.raises(ChecksumMismatch):
        sequencer.verify(BookChange(symbol="BTC-USD", bids=[], asks=[], checksum=1), book)


def test_an_update_that_lacks_the_checksum_others_had_proves_nothing():
    sequencer, book = KrakenSequencer(), OrderBook()
    start = BookSnapshot(symbol="BTC-USD", bids=[("1.0", "1")], asks=[("2.0", "1")])
    book.replace(start)
    start.checksum = checksum(*book.top_text(10))
    for _ in range(2):  # also once it was subscribed anew
        sequencer.verify(start, book)
        with pytest.raises(ChecksumMismatch, match="without its checksum"):
            sequencer.verify(BookChange(symbol="BTC-USD", bids=[], asks=[]), book)
        sequencer.reset()


def test_changes_before_the_snapshot_are_ignored():
    sequencer = KrakenSequencer()
    change = BookChange(symbol="BTC-USD", bids=[], asks=[])
    assert not sequencer.admit(change)
    assert sequencer.splice(BookSnapshot(symbol="BTC-USD", bids=[], asks=[])) == []
    assert sequencer.admit(change)
    sequencer.reset()
    assert not sequencer.admit(change)


def test_answers():
    exchange = KrakenExchange()
    exchange.learn([instrument()])
    ack = (
        b'{"method":"subscribe","result":{"channel":"book","symbol":"BTC/USD","depth":100},'
        b'"success":true,"req_id":11}'
    )
    assert exchange.new_stream().decode(ack) == (Subscribed(request_id=11, symbol="BTC-USD"),)
    refusal = b'{"method":"subscribe","success":false,"error":"Currency pair not supported X/Y","req_id":12}'
    (event,) = exchange.new_stream().decode(refusal)
    assert isinstance(event, Refused)
    assert (event.request_id, event.symbol, event.kind) == (12, None, RefusalKind.UNKNOWN_SYMBOL)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Exceeded msg rate", RefusalKind.RATE),
        ("EAPI:Rate limit exceeded", RefusalKind.RATE),
        ("EService:Unavailable", RefusalKind.BUSY),
        ("EGeneral:Permission denied", RefusalKind.NOT_PERMITTED),
        ("Subscription depth not supported", RefusalKind.OTHER),
    ],
)
def test_a_refusal_is_understood(text, kind):
    (event,) = (
        KrakenExchange()
        .new_stream()
        .decode(f'{{"method":"subscribe","success":false,"error":"{text}","req_id":12}}')
    )
    assert (event.kind, event.message) == (kind, text)


def test_the_exchange_and_its_pairs_say_whether_they_trade():
    exchange, bitcoin = KrakenExchange(), instrument()
    exchange.learn([bitcoin])
    system = '{"channel":"status","type":"update","data":[{"system":"%s","version":"2"}]}'
    assert exchange.new_stream().decode(system % "maintenance") == [
        TradingStatus(symbol=None, status="maintenance")
    ]
    assert exchange.new_stream().decode(system % "online") == [TradingStatus(symbol=None, status="trading")]
    pairs = '{"symbol":"%s","status":"limit_only"},{"symbol":"X/Y","status":"online"},{"symbol":"BTC/USD"},7'
    instruments = f'{{"channel":"instrument","type":"update","data":{{"assets":[],"pairs":[{pairs}]}}}}'
    assert exchange.new_stream().decode(instruments % f"{bitcoin.base}/{bitcoin.quote}") == [
        TradingStatus(symbol=bitcoin.id.symbol, status="limit_only")
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("EQuery:Unknown asset pair", UnknownSymbol),
        ("EAPI:Rate limit exceeded", ExchangeUnavailable),
        ("EGeneral:Internal error", ExchangeUnavailable),
    ],
)
def test_rest_errors_come_with_status_200(error, expected):
    body = f'{{"error":["{error}"]}}'.encode()
    with pytest.raises(expected) as caught:
        told(KrakenExchange().candles(instrument(), page()), body)
    assert "EQuery" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "seconds", "until"),
    [
        ("EAPI:Rate limit exceeded", 15, None),
        ("EGeneral:Too many requests", 15, None),
        ("EService: Throttled: 1762820225", 15, 1_762_820_225 * SECOND),
        ("EService:Throttled:1762820225", 15, 1_762_820_225 * SECOND),
        ("EService:Throttled: later", 15, None),
        ("EGeneral:Temporary lockout", 900, None),
    ],
)
def test_throttling_in_a_body_is_told_from_other_errors(error, seconds, until):
    body = json.dumps({"error": ["WGeneral:hm", error], "result": {}}).encode()
    exchange = KrakenExchange()
    for asking in (exchange.instruments(), exchange.candles(instrument(), page())):
        with pytest.raises(Throttled) as throttled:
            told(asking, body)
        assert (throttled.value.retry_after, throttled.value.until) == (seconds, until)


def test_a_warning_costs_nothing():
    pairs = {"XXBTZUSD": {"altname": "XBTUSD", "wsname": "XBT/USD", "pair_decimals": 1}}
    body = json.dumps({"error": ["WGeneral:Danger"], "result": pairs}).encode()
    assert len(told(KrakenExchange().instruments(), body).found) == 1


def test_instruments_use_our_names():
    body = (
        b'{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","pair_decimals":2,'
        b'"lot_decimals":8,"tick_size":"0.1","ordermin":"0.0001","costmin":"0.5","status":"online"},'
        b'"ETHXBT.d":{"altname":"ETHXBT.d"},"XDGXBT":{"altname":"XDGXBT","wsname":"XDG/XBT",'
        b'"pair_decimals":8,"lot_decimals":8,"status":"cancel_only"},"BAD":{"altname":5}}}'
    )
    bitcoin, doge = told(KrakenExchange().instruments(), body).found
    assert (bitcoin.id.symbol, bitcoin.native, str(bitcoin.tick_size)) == ("BTC-USD", "XBTUSD", "0.10")
    assert bitcoin.status == "trading"
    assert {"XBT/USD", "BTC/USD", "XXBTZUSD"} == set(bitcoin.aliases)
    assert (doge.id.symbol, doge.status) == ("DOGE-BTC", "cancel_only")
