"""Each failure on the way to an exchange says what it is, the same on the stream and over REST."""

import asyncio
import base64
import contextlib
import hashlib
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from support.certificates import untrusted
from support.collector.parts import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.connection import opened
from twap_server.collector.failures import MAX_WAIT_S, of_http
from twap_server.collector.rate_limit import RequestPurpose
from twap_server.collector.rest import Rest
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import ExchangeRefuses, ExchangeUnavailable, UnknownSymbol
from twap_server.domain.market.errors import AttemptRefused, ConnectionLost, MessageTooLarge
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.base import HttpRequest, asked
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed
from twap_server.exchanges.kraken.adapter import KrakenExchange

CLOCK = SystemClock()
CHOSEN = {"websocket": "websockets"}


@pytest.fixture(params=["websockets", "picows"], autouse=True)
def library(request):
    """All of it with each library that receives."""
    CHOSEN["websocket"] = request.param


async def stream_failure(place, *, scheme="ws", **settings):
    """Why the stream cannot be opened, or ended."""
    exchange = BinanceExchange(ws_url=f"{scheme}://{place}")
    config = CollectorConfig(open_timeout_s=1, **CHOSEN, **settings)
    with pytest.raises(ConnectionLost) as caught:
        async with opened(exchange, config, CLOCK) as connection:
            while True:
                await connection.receive()
    return caught.value


async def rest_failure(place, *, scheme="http", timeout=1):
    """Why a request has no answer."""
    exchange = BinanceExchange(rest_url=f"{scheme}://{place}")
    async with httpx.AsyncClient(timeout=timeout) as http:
        with pytest.raises((ExchangeUnavailable, UnknownSymbol)) as caught:
            await Rest(exchange, CLOCK, http).ask(asked(HttpRequest(path="/x"), bytes), RequestPurpose.URGENT)
    return caught.value


async def failures(place, *, secure=False):
    tail = "s" if secure else ""
    return (
        str(await stream_failure(place, scheme=f"ws{tail}")),
        str(await rest_failure(place, scheme=f"http{tail}")).removeprefix("binance: "),
    )


@asynccontextmanager
async def listening(answer, **options):
    """Whoever connects meets ``answer``; the block ends when all have left."""
    guests = []

    async def meet(reader, writer):
        guests.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, **options)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*guests)


def says(status, body=b"", *headers):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join((*lines, "", "")).encode() + body)
        await writer.drain()

    return answer


async def test_a_name_that_does_not_resolve():
    for told in await failures("nowhere.invalid:9"):
        assert told == "the name nowhere.invalid:9 cannot be resolved (DNS)"


async def test_a_closed_port(unused_tcp_port):
    place = f"127.0.0.1:{unused_tcp_port}"
    for told in await failures(place):
        assert told == f"{place} refuses the connection: nothing listens there"


async def test_a_certificate_that_nobody_trusts(tmp_path):
    async with listening(says(200), ssl=untrusted(tmp_path)) as port:
        for told in await failures(f"localhost:{port}", secure=True):
            assert told == f"the certificate of localhost:{port} is not trusted (self-signed certificate)"


async def test_a_server_without_tls():
    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(plain) as port:
        for told in await failures(f"127.0.0.1:{port}", secure=True):
            assert told == f"127.0.0.1:{port} does not speak TLS with us"


async def test_a_host_that_takes_the_connection_and_says_nothing():
    async def mute(reader, writer):
        await reader.read()

    async with listening(mute) as port:
        for told in await failures(f"127.0.0.1:{port}"):
            assert told == f"127.0.0.1:{port} does not answer"


@pytest.mark.parametrize(
    ("status", "words", "wait"),
    [
        (418, "the exchange has banned this address for asking too much (HTTP 418)", 120),
        (429, "the exchange asks us to slow down (HTTP 429)", 60),
        (451, "the exchange does not serve this location (HTTP 451)", 600),
        (403, "the exchange does not let this address in (HTTP 403)", 60),
        (404, "the exchange has nothing under this address (HTTP 404)", 0),
        (500, "the exchange failed to answer (HTTP 500)", 0),
        (503, "the exchange is overloaded or in maintenance (HTTP 503)", 5),
        (302, "the exchange refused this (HTTP 302)", 0),
    ],
)
async def test_an_http_status(status, words, wait):
    async with listening(says(status, b"<html>SECRET</html>")) as port:
        stream = await stream_failure(f"127.0.0.1:{port}")
        rest = await rest_failure(f"127.0.0.1:{port}")
    assert isinstance(stream, AttemptRefused)
    assert (stream.words, stream.retry_after) == (words, wait or 5)
    assert stream.is_barred == isinstance(rest, ExchangeRefuses) == (status in (403, 418, 429, 451))
    assert str(rest).startswith(f"binance: {words}") and rest.retry_after == (wait or 5)
    assert "SECRET" not in f"{stream}{rest}"


async def test_a_ban_says_until_when_in_the_body_or_the_header_and_nothing_is_asked_until_then():
    moment = (CLOCK.now() // SECOND + 1_000) * 1_000
    body = f'{{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until {moment}. Use streams"}}'
    async with listening(says(418, body.encode(), "Retry-After: 30")) as port:
        told = await stream_failure(f"127.0.0.1:{port}")
        assert 990 <= told.retry_after <= 1_000
        assert abs(told.until - moment * 1_000_000) < 2 * SECOND
        exchange = BinanceExchange(rest_url=f"http://127.0.0.1:{port}")
        async with httpx.AsyncClient() as http:
            rest = Rest(exchange, CLOCK, http)
            with pytest.raises(ExchangeRefuses, match=r"banned this address.*nothing is asked until 20"):
                await rest.ask(asked(HttpRequest(path="/x"), bytes), RequestPurpose.URGENT)
    with pytest.raises(ExchangeRefuses, match="banned this address"):  # nobody listens any more: not asked
        await rest.ask(asked(HttpRequest(path="/x"), bytes), RequestPurpose.URGENT)
    assert rest.refusal is not None and 990 <= rest.refusal.retry_after <= 1_000
    assert "1.2.3.4" not in str(rest.refusal)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("soon", 60),
        ("", 60),
        ("-1", 60),
        ("9" * 9, MAX_WAIT_S),
        ("9" * 99, 60),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, wait):
    failure = of_http(429, retry_after=header, refusal=Refusal(RefusalKind.RATE), now=Nanos(10 * SECOND))
    assert failure.wait_s == wait


async def test_a_message_above_our_limit_is_our_own_closing():
    async def serve(socket):
        await socket.send("x" * 2_000)
        await socket.wait_closed()

    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = await stream_failure(f"127.0.0.1:{port}", max_message_bytes=1_000)
    assert isinstance(told, MessageTooLarge)
    assert str(told) == "we closed the connection: more came at once than we take (code 1009)"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1000, "the exchange closed the connection"),
        (1001, "the exchange closed the connection (code 1001: going away)"),
        (1008, "the exchange closed the connection (code 1008: policy violation)"),
        (1012, "the exchange closed the connection (code 1012: service restart)"),
        (4000, "the exchange closed the connection (code 4000: of its own)"),
    ],
)
async def test_a_closing_of_the_exchange_names_its_code_and_not_its_text(code, words):
    async def serve(socket):
        await socket.close(code, "SECRET")

    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        told = await stream_failure(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert str(told) == words


async def test_pings_that_are_not_answered():
    async def deaf(reader, writer):
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(
            line.split(": ")[1] for line in request.split("\r\n") if line.startswith("Sec-WebSocket-Key")
        )
        token = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
        accept = f"Sec-WebSocket-Accept: {base64.b64encode(token).decode()}"
        writer.write("\r\n".join((*lines, accept, "", "")).encode())
        await reader.read()

    async with listening(deaf) as port:
        told = await stream_failure(f"127.0.0.1:{port}", ping_every_s=1)
    assert str(told) == "we closed the connection: the exchange does not answer our pings"


async def test_an_answer_that_is_no_websocket():
    async with listening(says(200, b"hello")) as port:
        told = await stream_failure(f"127.0.0.1:{port}")
    assert isinstance(told, AttemptRefused) and "HTTP 200" in str(told)


@pytest.mark.parametrize(
    ("exchange", "status", "body", "kind"),
    [
        (BinanceExchange, 400, b'{"code":-1121,"msg":"Invalid symbol."}', RefusalKind.UNKNOWN_SYMBOL),
        (BinanceExchange, 400, b'{"code":-1100,"msg":"Illegal characters"}', RefusalKind.OTHER),
        (BinanceExchange, 429, b'{"code":-1003,"msg":"Too much request weight"}', RefusalKind.RATE),
        (BinanceExchange, 451, b'{"code":0,"msg":"restricted location"}', RefusalKind.NOT_PERMITTED),
        (BinanceExchange, 503, b"", RefusalKind.BUSY),
        (BinanceExchange, 404, b"<html>", RefusalKind.OTHER),
        (KrakenExchange, 404, b"<html>", RefusalKind.OTHER),
        (KrakenExchange, 520, b"", RefusalKind.BUSY),
        (KrakenExchange, 429, b'{"error":["EGeneral:Too many requests"]}', RefusalKind.RATE),
        (CoinbaseExchangeFeed, 404, b'{"message":"NotFound"}', RefusalKind.UNKNOWN_SYMBOL),
        (CoinbaseExchangeFeed, 404, b"<html>", RefusalKind.OTHER),
        (CoinbaseExchangeFeed, 429, b'{"message":"Public rate limit exceeded"}', RefusalKind.RATE),
        (CoinbaseExchangeFeed, 500, b'{"message":"Internal server error"}', RefusalKind.BUSY),
    ],
)
def test_an_http_refusal_is_understood(exchange, status, body, kind):
    assert exchange().refusal(status, body).kind is kind


def test_library_errors_stay_inside():
    assert not issubclass(ConnectionLost, ConnectionClosed)
