"""Binance: the splice rule as a table, steady state, frames and answers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from support.asking import told
from support.recordings import BINANCE_BTCUSDT, recording, rows
from support.scans import scan_fixture
from twap_server.domain.market import levels as pure
from twap_server.domain.market.errors import SequenceGap, SnapshotTooOld, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    Refused,
    ShutdownNotice,
    Subscribed,
    Trade,
)
from twap_server.domain.market.native import Levels
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.binance import mapper, spot
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.chain import MAX_HELD, Chain
from twap_server.exchanges.scan import not_scanned

INFO = (
    b'{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":['
    b'{"filterType":"LOT_SIZE","stepSize":"0.00001000","minQty":"0.00002000"},'
    b'{"filterType":"PRICE_FILTER","tickSize":"0.01000000"},'
    b'{"filterType":"NOTIONAL","minNotional":"5.00000000"}]},'
    b'{"symbol":"XY","status":"BREAK","baseAsset":"X","quoteAsset":"Y","filters":[]},'
    b'{"symbol":"ZZ","status":"TRADING","baseAsset":"Z","quoteAsset":"Z","filters":['
    b'{"filterType":"PRICE_FILTER","tickSize":"NaN"}]}]}'
)


scan = scan_fixture(spot)


def change(first, last):
    return BookChange(symbol="X", bids=[], asks=[], first_id=first, last_id=last)


def snapshot(last):
    return BookSnapshot(symbol="X", bids=[], asks=[], last_id=last)


@pytest.fixture
def exchange():
    found = BinanceExchange()
    found.learn(told(found.instruments(), INFO).found)
    return found


@pytest.mark.parametrize(
    ("held", "last", "left"),
    [
        ([(5, 9), (10, 12)], 9, [(10, 12)]),  # U == L+1: contiguous
        ([(5, 9), (10, 12)], 7, [(5, 9), (10, 12)]),  # straddles
        ([(5, 9), (10, 12)], 12, []),  # all older
        ([(5, 9), (10, 12)], 4, [(5, 9), (10, 12)]),  # L+1 == U0
        ([(5, 9), (10, 12)], 20, []),  # the snapshot is ahead
        ([], 20, []),
    ],
)
def test_splice(held, last, left):
    sequencer = Chain(holds=True)
    assert not any(sequencer.admit(change(*ids)) for ids in held)
    assert [(one.first_id, one.last_id) for one in sequencer.splice(snapshot(last))] == left
    assert sequencer.admit(change(max([last, *(b for _, b in held)]) + 1, 99))


def test_an_old_snapshot_leaves_what_is_held():
    sequencer = Chain(holds=True)
    sequencer.admit(change(5, 9))
    with pytest.raises(SnapshotTooOld):
        sequencer.splice(snapshot(3))
    assert len(sequencer.splice(snapshot(6))) == 1


def test_a_gap_among_held_changes_restarts_behind_it():
    sequencer = Chain(holds=True)
    sequencer.admit(change(5, 9))
    sequencer.admit(change(12, 13))
    with pytest.raises(SequenceGap):
        sequencer.splice(snapshot(6))
    assert len(sequencer.splice(snapshot(12))) == 1


def test_steady_state():
    sequencer = Chain(holds=True)
    sequencer.splice(snapshot(10))
    assert not sequencer.proven()
    assert sequencer.admit(change(11, 12))
    assert sequencer.proven()
    assert not sequencer.admit(change(11, 12))
    assert sequencer.admit(change(12, 14))
    with pytest.raises(SequenceGap):
        sequencer.admit(change(16, 17))


def test_ids_that_start_anew_are_noticed():
    sequencer = Chain(holds=True)
    sequencer.splice(snapshot(10_000))
    with pytest.raises(SequenceGap):
        for number in range(1, 100):
            sequencer.admit(change(number, number))


def test_ids_that_go_back_are_noticed_at_once():
    sequencer = Chain(holds=True)
    sequencer.splice(snapshot(10_000))
    assert sequencer.admit(change(10_001, 10_002))
    assert not sequencer.admit(change(10_001, 10_002))  # the last one repeated
    with pytest.raises(SequenceGap):
        sequencer.admit(change(1, 1))


def test_a_snapshot_may_be_ahead_of_the_stream():
    sequencer = Chain(holds=True)
    sequencer.splice(snapshot(10))
    assert [sequencer.admit(change(number, number)) for number in range(5, 12)] == [False] * 6 + [True]


def test_ids_that_start_anew_while_waiting_are_joined_to_their_own_snapshot():
    sequencer = Chain(holds=True)
    sequencer.admit(change(5_000, 5_001))
    sequencer.admit(change(1, 2))
    sequencer.admit(change(3, 4))
    assert len(sequencer.splice(snapshot(2))) == 1


def test_what_is_held_is_bounded():
    sequencer = Chain(holds=True)
    for number in range(MAX_HELD):
        sequencer.admit(change(number, number))
    with pytest.raises(SequenceGap):
        sequencer.admit(change(MAX_HELD, MAX_HELD))


def test_the_recorded_chain_has_no_gap(exchange):
    sequencer, changes, trades, last = Chain(holds=True), 0, 0, None
    for row in rows(recording(BINANCE_BTCUSDT)):
        raw = row["raw"].encode()
        if row["conn"].startswith("http"):
            taken = told(exchange.snapshot(told(exchange.instruments(), INFO).found[0]), raw)
            changes += len(sequencer.splice(taken))
            continue
        for event in exchange.new_stream().decode(raw):
            if isinstance(event, BookChange):
                assert last is None or event.first_id == last + 1
                last = event.last_id
                changes += sequencer.admit(event)
            trades += isinstance(event, Trade)
    assert (changes, trades) == (6_493, 19_904)


def test_instruments(exchange):
    bitcoin, other = told(exchange.instruments(), INFO).found
    assert str(bitcoin.id) == "binance:BTC-USDT"
    assert [
        str(n) for n in (bitcoin.tick_size, bitcoin.lot_size, bitcoin.min_quantity, bitcoin.min_notional)
    ] == [
        "0.01000000",
        "0.00001000",
        "0.00002000",
        "5.00000000",
    ]
    assert bitcoin.status == "trading"
    assert other.status == "break"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"result":null,"id":7}', Subscribed(request_id=7)),
        (
            b'{"code":2,"msg":"Invalid request","id":8}',
            Refused(request_id=8, symbol=None, kind=RefusalKind.OTHER, message="Invalid request"),
        ),
        (
            b'{"error":{"code":2,"msg":"no"},"id":9}',
            Refused(request_id=9, symbol=None, kind=RefusalKind.OTHER, message="no"),
        ),
        (b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', ShutdownNotice()),
        (b'{"e":"serverShutdown","E":1}', ShutdownNotice()),
        (b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","s":"BTCUSDT","k":{}}}', Heartbeat()),
        (b'{"stream":"btcusdt@bookTicker","data":{"u":1}}', Heartbeat()),
    ],
)
def test_frames_that_are_no_data(exchange, raw, expected):
    assert list(exchange.new_stream().decode(raw)) == [expected]


def with_level(level):
    return (
        f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,'
        f'"b":[{level}],"a":[]}}}}'
    ).encode()


@pytest.mark.parametrize("level", ['["1"]', '[1,"1"]', '["1","1","1"]', "{}", "null"])
def test_levels_of_another_shape_are_refused(exchange, level):
    with pytest.raises(WireFormatError):
        exchange.new_stream().decode(with_level(level))


@pytest.mark.parametrize(
    "level", ['["1","abc"]', '["1","NaN"]', '["1","-1"]', '["1_0","1"]', '["1","1e5"]', '["1",""]']
)
def test_levels_that_are_no_numbers_are_refused_by_the_book(exchange, level):
    (change,) = exchange.new_stream().decode(with_level(level))
    with pytest.raises(WireFormatError):
        OrderBook().apply(change)


SYMBOLS = {"BTCUSDT": "BTC-USDT"}
NUMBER = st.text("0123456789.", max_size=24)
LEVELS = st.lists(st.tuples(NUMBER, NUMBER), max_size=20)


def frame(bids, asks, symbol="BTCUSDT", time=1_700_000_000_123, ids='"U":7,"u":9'):
    b, a = (json.dumps(side, separators=(",", ":")) for side in (bids, asks))
    return (
        f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{time},"s":"{symbol}",{ids},"b":{b},"a":{a}}}}}'
    ).encode()


@given(bids=LEVELS, asks=LEVELS)
def test_the_short_cut_takes_every_usual_update(scan, bids, asks):
    found = scan(frame(bids, asks), SYMBOLS)
    if scan is not_scanned:
        assert found is None
        return
    assert (found.bids, found.asks) == (bids, asks)
    assert [*map(list, (found.bids, found.asks, reversed(found.asks)))] == [bids, asks, asks[::-1]]
    assert (len(found.bids), repr(found.asks)) == (len(bids), repr(asks))
    assert (found.symbol, found.first_id, found.last_id) == ("BTC-USDT", 7, 9)
    assert found.ts_exchange == 1_700_000_000_123_000_000
    assert found == BookChange(
        symbol="BTC-USDT", bids=bids, asks=asks, first_id=7, last_id=9, ts_exchange=found.ts_exchange
    )


@pytest.mark.parametrize(
    "raw",
    [
        frame([], [], "ETHUSDT"),
        frame([], [], time=1_700_000_000),
        frame([], [], time=1_700_000_000_123_456),
        frame([], [], time="01700000000123"),
        frame([], [], ids='"U":9,"u":7'),
        frame([], [], ids='"U":07,"u":9'),
        frame([], [], ids='"U":7,"u":-9'),
        frame([], [], ids='"U":7,"u":9.0'),
        frame([], [], ids='"U":1234567890123456789,"u":1234567890123456789'),
        frame([("1", "2", "3")], []),
        frame([("1",)], []),
        frame([("1", "-2")], []),
        frame([("1", "2e3")], []),
        frame([], [])[:-1],
        frame([], []) + b" ",
        frame([], []) + b"\0",
        frame([], []).replace(b"btc", b"\0tc"),
        frame([("1", "2")], []).replace(b"2", b"\0"),
        frame([], []).decode(),
        bytearray(frame([], [])),
        b"",
    ],
    ids=range(21),
)
def test_the_short_cut_leaves_everything_else(scan, raw):
    assert scan(raw, SYMBOLS) is None


def trade_frame(
    price, quantity, *, number=3735683259, maker="true", symbol="BTCUSDT", time=1_723_161_255_342
):
    return (
        f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1723161255343,"s":"{symbol}","t":{number},'
        f'"p":"{price}","q":"{quantity}","T":{time},"m":{maker},"M":true}}}}'
    ).encode()


def quote_frame(bid="61837.63000000", size="3.78826000", stream="btcusdt@bookTicker", number=50093239212):
    return (
        f'{{"stream":"{stream}","data":{{"u":{number},"s":"BTCUSDT","b":"{bid}","B":"{size}",'
        f'"a":"61837.64000000","A":"1.54698000"}}}}'
    ).encode()


@given(
    price=st.decimals(0, 10**8, places=8),
    quantity=st.integers(0, 10**9),
    number=st.integers(0, 10**18 - 1),
    maker=st.sampled_from(["true", "false"]),
)
def test_the_short_cut_takes_every_usual_trade(scan, price, quantity, number, maker):
    raw = trade_frame(f"{price:f}", quantity, number=number, maker=maker)
    found = scan(raw, SYMBOLS)
    if scan is not_scanned:
        assert found is None
        return
    assert mapper.spot_events(raw, SYMBOLS) == (found,)
    assert (found.price, found.quantity, found.trade_id) == (price, quantity, str(number))
    assert f"{found.price:f}" == f"{price:f}", "to the last digit that was sent"


def test_the_short_cut_takes_a_best_quote_for_a_sign_of_life(scan):
    found = scan(quote_frame(), SYMBOLS)
    assert found is None if scan is not_scanned else found == Heartbeat()
    assert mapper.spot_events(quote_frame(), SYMBOLS) == (Heartbeat(),)


def test_a_best_quote_says_nothing(scan, exchange):
    assert exchange.says_nothing(quote_frame()) is (scan is not not_scanned)
    assert not exchange.says_nothing(trade_frame("1", "1"))
    assert not exchange.says_nothing(frame([], []))
    assert not exchange.says_nothing(quote_frame(stream="btcusdt@depth@bookTicker"))


@pytest.mark.parametrize(
    "raw",
    [
        *(trade_frame(price, "1") for price in ("", ".", "1.", ".5", "1.2.3", "-1", "1e3", "1" * 20, "\0")),
        trade_frame("1", "1", number="07"),
        trade_frame("1", "1", number=10**18),
        trade_frame("1", "1", maker="null"),
        trade_frame("1", "1", symbol="ETHUSDT"),
        trade_frame("1", "1", time=1_723_161_255),
        trade_frame("1", "1", time=1_723_161_255_342_000),
        trade_frame("1", "1")[:-1],
        trade_frame("1", "1") + b" ",
        trade_frame("1", "1").decode(),
        *(
            quote_frame(stream=f"{name}bookTicker")
            for name in ("", "!", "btcusdt@trade", "a@depth", "B@", "a")
        ),
        quote_frame(bid=""),
        quote_frame(size="-1"),
        quote_frame(number="07"),
        quote_frame()[:-1],
        quote_frame() + b" ",
    ],
)
def test_the_short_cut_leaves_unusual_trades_and_quotes(scan, raw):
    assert scan(raw, SYMBOLS) is None


@settings(max_examples=examples.of(1_000), deadline=None)
@given(
    usual=st.one_of(
        st.builds(frame, LEVELS, LEVELS),
        st.builds(trade_frame, NUMBER, NUMBER),
        st.builds(quote_frame, NUMBER, NUMBER),
    ),
    at=st.integers(0, 250),
    gone=st.integers(0, 3),
    fresh=st.one_of(
        st.binary(max_size=2), st.sampled_from([b'"', b"\\", b",", b"[", b"]", b" ", b"}", b"0", b"\0"])
    ),
)
def test_the_short_cut_never_takes_what_json_would_read_otherwise(scan, usual, at, gone, fresh):
    raw = usual[:at] + fresh + usual[at + gone :]
    taken = scan(raw, SYMBOLS)
    if taken is not None:
        assert mapper.spot_events(raw, SYMBOLS) == (taken,)
        assert repr(mapper.spot_events(raw, SYMBOLS)) == repr((taken,)), "to the last digit"


def outcome(levels, changes):
    try:
        levels.apply(changes)
    except WireFormatError as error:
        return str(error), levels.top(99)
    return "", levels.top(99)


PRICE = st.one_of(NUMBER, st.integers(1, 9).map("{}.50000000".format), st.sampled_from(["7", "7.0", "7.00"]))
QUANTITY = st.one_of(NUMBER, st.sampled_from(["0", "0.00000000", "1.5", "12345678901234.00000000"]))


@settings(max_examples=examples.of(500), deadline=None)
@given(
    frames=st.lists(st.lists(st.tuples(PRICE, QUANTITY), max_size=20), max_size=4),
    sign=st.sampled_from([1, -1]),
)
def test_levels_of_a_frame_are_applied_as_their_texts_are(scan, frames, sign):
    from_frame, from_texts = Levels(sign), pure.Levels(sign)
    for levels in frames:
        read = scan(frame(levels, []), SYMBOLS)
        found = outcome(from_frame, levels if read is None else read.bids)
        assert found == outcome(from_texts, levels)


def test_every_recorded_message_takes_the_short_cut(scan):
    if scan is not_scanned:
        pytest.skip("nothing is compiled here")
    messages = [row["raw"].encode() for row in rows(recording(BINANCE_BTCUSDT)) if "stream" in row["raw"][:9]]
    taken = [scan(raw, SYMBOLS) for raw in messages]
    assert len(messages) > 99_000
    assert None not in taken
    assert [mapper.spot_events(raw, SYMBOLS) for raw in messages[:9_000]] == [(one,) for one in taken[:9_000]]
