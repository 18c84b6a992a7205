"""Which exchange a recording is of."""

from pathlib import Path

import pytest

from support.tapes import REST, row, write
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import InvalidRequest
from twap_server.exchanges.registry import EXCHANGES
from twap_server.recordings.frames import frames
from twap_server.replay.origin import NEVER, Origins, exchange_of, of_one

ORIGINS = Origins(
    {address: one.name for one in EXCHANGES for address in (one.default_ws_url, *one.other_ws_urls)}
)
KRAKEN = "wss://ws.kraken.com/v2"


@pytest.mark.parametrize("shape", EXCHANGES, ids=lambda one: one.name)
def test_each_exchange_is_known_by_its_address_and_by_its_name(shape) -> None:  # type: ignore[no-untyped-def]
    assert ORIGINS.of(shape.default_ws_url) == shape.name
    assert ORIGINS.of(f"ws-{shape.name}-1") == shape.name


@pytest.mark.parametrize(
    ("conn", "name"),
    [
        ("wss://stream.binance.com:9443/stream?streams=nknusdt@depth@100ms", "binance"),
        ("wss://fstream.binance.com/stream", "binance-usdm"),
        ("wss://ws-feed.pro.coinbase.com", "coinbase-exchange"),
    ],
)
def test_recorded_addresses(conn: str, name: str) -> None:
    assert ORIGINS.of(conn) == name


@pytest.mark.parametrize(
    ("conn", "words"),
    [
        ("wss://dstream.binance.com/stream", "Binance's inverse futures"),
        ("wss://ws.kraken.com#book", "Kraken's old protocol"),
        ("wss://ws.example", "a message of wss://ws.example: expected .* one of binance, "),
    ],
)
def test_what_cannot_be_replayed(conn: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ORIGINS.of(conn)


def test_the_first_message_of_a_socket_tells_the_exchange(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [row(1.0, "{}", conn="https://elsewhere"), row(2.0, "{}", conn=KRAKEN)])
    assert exchange_of(path, frames(path), ORIGINS) == "kraken"


def test_no_message_of_a_socket(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [row(1.0, "{}", conn=REST)])
    with pytest.raises(InvalidRequest, match="no message of a WebSocket"):
        exchange_of(path, frames(path), ORIGINS)


def test_two_exchanges_in_one_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [row(1723161253.0, "{}"), row(1723161253.0, "{}", conn=KRAKEN)])
    with pytest.raises(InvalidRequest, match="line 2: a message of kraken among those of binance"):
        list(of_one(path, frames(path), ORIGINS, lambda _: False))


def test_what_says_nothing_tells_when_its_connection_says_it_again(tmp_path: Path) -> None:
    one, other = (f"wss://stream.binance.com:9443/stream#{number}" for number in (1, 2))
    said = [
        (one, "idle"),
        (one, "x"),
        (other, "idle"),
        (other, "x"),
        (one, "idle"),
        (one, "idle"),
        (one, "x"),
    ]
    path = write(tmp_path / "a.gz", [row(1.0 + at, text, conn=conn) for at, (conn, text) in enumerate(said)])
    found = list(of_one(path, frames(path), ORIGINS, lambda raw: raw == b"idle"))
    assert [(raw.decode(), source.conn) for _, raw, _, source, _ in found] == [(b, a) for a, b in said]
    again = [None if again == NEVER else again // SECOND for *_, again in found]
    assert again == [5, None, None, None, 6, None, None], "of one in between by another it is not looked for"


def test_messages_before_one_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [row(1.0, "idle"), row(2.0, "x"), row(3.0, "{}", conn=KRAKEN)])
    told = of_one(path, frames(path), ORIGINS, lambda raw: raw == b"idle")
    assert [next(told)[1], next(told)[1]] == [b"idle", b"x"]
    with pytest.raises(InvalidRequest, match="line 3"):
        next(told)


def test_only_so_many_messages_are_held(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", [row(1.0, "idle"), *[row(2.0, "x")] * 400, row(3.0, "idle")])
    found = list(of_one(path, frames(path), ORIGINS, lambda raw: raw == b"idle"))
    assert len(found) == 402
    assert {again for *_, again in found} == {NEVER}, "the next one came too late"


def test_futures_are_known_by_their_messages_too(tmp_path: Path) -> None:
    futures = (
        '{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":2,"u":3,"pu":1}}'
    )
    path = write(tmp_path / "a.gz", [row(1.0, "{}"), row(2.0, futures)])
    with pytest.raises(InvalidRequest, match="line 2: a message of Binance's futures"):
        list(of_one(path, frames(path), ORIGINS, lambda _: False))
