"""HTTP and ``/ws`` as bytes: both HTTP protocols and the stream's before the live app, without sockets."""

import asyncio
import json
import logging
import re
import struct
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlencode

from httpx import ASGITransport, AsyncClient
from uvicorn.server import ServerState
from websockets.frames import Opcode

from fuzz.bodies import BODIES, MESSAGES, ORDER
from fuzz.case import Finding, Parser
from fuzz.mutate import TOKENS, Samples, of_bytes, of_json, of_lines, pieces
from support.api.desk import CHEAP, Desk, build
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig, RateConfig
from twap_server.api.server import HttpServer, Listening
from twap_server.domain.errors import NotAuthenticated

TOKEN = b"@TOKEN@"
"""Stands for an access token in an input, so that a kept input counts later, too."""
_OFTEN = 10**9
_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\nSec-WebSocket-Version: 13\r\n"
)
_FAULT = re.compile(rb"^HTTP/1\.[01] (5\d\d)[^\n]*\n((?:[^\r\n][^\n]*\n)*)", re.MULTILINE)
_INTERNAL = re.compile(rb"\x88.\x03\xf3", re.DOTALL)
"""The closing frame of a stream that failed: code 1011."""
_LEAVES_AFTER_S, _ENDS_WITHIN_S = 0.003, 5.0


@contextmanager
def opened() -> Iterator[list[Parser]]:
    """The parsers, on an app of their own."""
    passwords = CHEAP.model_copy(
        update={"max_failures": _OFTEN, "max_failures_per_address": _OFTEN, "max_failures_per_name": _OFTEN}
    )
    rates = RateConfig(reads_per_minute=_OFTEN, candles_per_minute=_OFTEN)
    services, accounts, market, orders, clock = build(ApiConfig(passwords=passwords, rates=rates))
    app = create_app(services)
    with asyncio.Runner() as runner, Listening("127.0.0.1", 0) as listening:
        transport = ASGITransport(app, client=("10.0.0.1", 1))
        http = AsyncClient(transport=transport, base_url="http://testserver")
        user = _User(Desk(app, services, accounts, market, orders, clock, http))
        served = [
            _Served(runner, HttpServer(app, listening, parser=parser), user)
            for parser in ("h11", "httptools")
        ]
        yield [
            *(_http(one, name) for one, name in zip(served, ("http-h11", "http-httptools"), strict=True)),
            *_streams(served),
        ]


def _http(served: "_Served", name: str) -> Parser:
    def mutate(samples: Samples, rng: Random) -> bytes:
        way = rng.choice((_odd_body, _odd_body, _odd_target, _odd_target, _odd_lines, of_bytes))
        return way(samples, rng)

    return Parser(name=name, samples=_requests(), mutate=mutate, feed=served.feed)


def _streams(served: list["_Served"]) -> list[Parser]:
    signed_in = _UPGRADE + b"Authorization: Bearer " + TOKEN + b"\r\n\r\n"
    messages = [json.dumps(one).encode() for one in MESSAGES]
    return [
        Parser(
            name=name,
            samples=messages,
            mutate=_frames,
            feed=lambda data, head=head, one=one: one.feed(data, after=head),  # type: ignore[misc]
        )
        for name, head, one in (
            ("ws", signed_in, served[1]),
            ("ws-anonymous", _UPGRADE + b"\r\n", served[1]),
            ("ws-h11", signed_in, served[0]),
        )
    ]


def _requests() -> list[bytes]:
    """Ordinary requests, of every kind of route, body and framing."""
    who = b"Authorization: Bearer " + TOKEN + b"\r\n"
    gets = (
    "/health", "/ready", "/metrics", "/exchanges", "/exchanges/binance/symbols?base=BTC&q=b", "/auth/me",
    "/auth/keys", "/orders?status=open&limit=5&symbol=BTC-USDT", "/orders/a?slices=1&fills=2&latest=true",
    "/orders/a/events?since=1", "/orders/a/report?format=csv&table=fills",
    "/klines/binance/BTC-USDT?interval=5m&limit=3&start_time=-1h", "/orderbook/binance/BTC-USDT?depth=5",
    "/openapi.json", "/docs",
)  # fmt: skip
    made = [
        f"GET {path} HTTP/1.1\r\nHost: here\r\nX-Request-ID: r1\r\n".encode() + who + b"\r\n" for path in gets
    ]
    paths = (
        "/orders",
        "/orders/preview",
        "/orders/twap",
        "/orders/twap/preview",
        "/auth/register",
        "/auth/password",
        "/auth/keys",
        "/auth/refresh",
    )
    bodies = (BODIES[2], [ORDER, *BODIES[3:6]], ORDER, [ORDER], *BODIES[7:])
    for path, body in zip(paths, bodies, strict=False):
        made.append(_post(path, json.dumps(body).encode(), who))
    form = urlencode({"grant_type": "password", "username": "ada", "password": "correct horse"}).encode()
    made.append(_post("/auth/token", form, b"", kind=b"application/x-www-form-urlencoded"))
    made.append(_post("/auth/logout", b"refresh_token=x", b"", kind=b"application/x-www-form-urlencoded"))
    parts = b'--b\r\nContent-Disposition: form-data; name="refresh_token"\r\n\r\nx\r\n--b--\r\n'
    made.append(_post("/auth/refresh", parts, b"", kind=b"multipart/form-data; boundary=b"))
    made.append(_chunked("/auth/refresh", b'{"refresh_token":"x"}'))
    made.append(made[0] + made[1] + made[-2])
    made.append(_UPGRADE + b"Origin: http://here\r\n" + who + b"\r\n" + _framed(b'{"type":"ping"}'))
    patch = json.dumps(BODIES[2]).encode()
    made.append(_post("/orders/a", patch, who + b'If-Match: "1"\r\n').replace(b"POST", b"PATCH", 1))
    made.append(b"DELETE /orders/a HTTP/1.1\r\nHost: here\r\n" + who + b"\r\n")
    made.append(
        b"POST /orders/a/pause HTTP/1.0\r\nHost: here\r\nExpect: 100-continue\r\nX-API-Key: twap_x\r\n\r\n"
    )
    return made


def _post(path: str, body: bytes, more: bytes, *, kind: bytes = b"application/json") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n".encode()
    return head + b"Content-Type: " + kind + b"\r\n" + more + b"\r\n" + body


def _chunked(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n".encode()
    return head + b"Content-Type: application/json\r\n\r\n%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (
        len(body),
        body,
    )


def _odd_body(samples: Samples, rng: Random) -> bytes:
    """A whole request whose body alone is odd; its length is right."""
    head, _, body = rng.choice(samples).partition(b"\r\n\r\n")
    made = (of_json if rng.random() < 0.7 else of_bytes)((body,), rng)
    return re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(made), head) + b"\r\n\r\n" + made


_odd_lines = of_lines(of_bytes, b"\r\n")


def _odd_target(samples: Samples, rng: Random) -> bytes:
    """A whole request whose path or query alone is odd; what may not stand there is percent-encoded."""
    method, _, rest = rng.choice(samples).partition(b" ")
    target, _, rest = rest.partition(b" ")
    made = quote_from_bytes(unquote_to_bytes(of_bytes((target,), rng)), safe="/?&=%:,;@[]")
    return method + b" /" + made[:6_000].lstrip("/").encode() + b" " + rest


def _frames(samples: Samples, rng: Random) -> bytes:
    """Some messages in frames: the messages odd, or the frames, or both."""
    made = b""
    for _ in range(rng.choice((1, 2, 4))):
        message = rng.choice(samples) if rng.random() < 0.3 else of_json(samples, rng)[:3_000]
        frame = _framed(message) if rng.random() < 0.7 else _odd_frame(message, rng)
        made += of_bytes((frame,), rng) if rng.random() < 0.2 else frame
    return made


def _framed(message: bytes, opcode: int = Opcode.TEXT, *, fin: bool = True) -> bytes:
    """One frame, with a mask that changes nothing: what is sent can be read in what is kept."""
    length = len(message)
    size = struct.pack("!B", 128 | length) if length < 126 else struct.pack("!BH", 254, length)
    return bytes([fin << 7 | opcode]) + size + b"\0\0\0\0" + message


def _odd_frame(message: bytes, rng: Random) -> bytes:
    opcode = rng.choice((0, 1, 2, 3, 8, 9, 10, 11))
    short = message[:120] if opcode in (9, 10) else message
    if opcode == Opcode.CLOSE:
        short = rng.choice(
            (b"", b"\x03", b"\x03\xe8bye", b"\x03\xe8\xff", b"\x00\x00", b"\x03\xed", b"\xff\xff")
        )
    made = bytearray(_framed(short, opcode, fin=rng.random() < 0.7))
    if rng.random() < 0.4:
        made[rng.randrange(min(8, len(made)))] = rng.randrange(256)
    return bytes(made) + (rng.choice(TOKENS) if rng.random() < 0.1 else b"")


class _Pipe(asyncio.Transport):
    """A connection without a socket: keeps what is written."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": ("10.0.0.1", 1234), "sockname": ("127.0.0.1", 80)})
        self._loop = loop
        self._protocol: Any = None
        self._closing = False
        self.written = bytearray()

    def write(self, data: Any) -> None:
        if not self._closing:
            self.written += data

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def get_protocol(self) -> Any:
        return self._protocol

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def can_write_eof(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """What comes next comes all the same."""

    def resume_reading(self) -> None:
        """It never stopped."""


class _User:
    """Whose token the inputs carry; signs in again where an input ended the sign-in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._as_registered: dict[str, Any] = {}
        self._token = ""

    async def token(self) -> bytes:
        """An access token that counts."""
        try:
            await self._desk.app.state.services.auth.access.identify(self._token)
        except NotAuthenticated:
            self._desk.accounts.users_by_name.update(self._as_registered)
            self._token = (await self._desk.sign_in())["access_token"]
            self._as_registered = dict(self._desk.accounts.users_by_name)
        return self._token.encode()


class _Served:
    """The live app behind one of the HTTP protocols."""

    def __init__(self, runner: asyncio.Runner, server: HttpServer, user: _User) -> None:
        self._runner = runner
        self._config = server._server.config
        self._config.load()
        self._user = user

    def feed(self, data: bytes, *, after: bytes = b"") -> None:
        """Send an input over a new connection and leave; see that everything ends and nothing failed."""
        problems: list[str] = []
        loop = self._runner.get_loop()
        loop.set_exception_handler(lambda _, context: problems.append(_words(context)))
        with _errors_into(problems):
            answer = self._runner.run(self._serve(data, after))
        if problems:
            raise Finding(problems[0])
        for fault in _FAULT.finditer(answer):
            if fault[1] != b"503" or b"retry-after" not in fault[2].lower():
                raise Finding(f"answered {fault[0][:300]!r}")
        if after and _INTERNAL.search(answer):
            raise Finding(f"the stream was closed with 1011: {bytes(answer)[-200:]!r}")

    async def _serve(self, data: bytes, after: bytes) -> bytes:
        loop, state = asyncio.get_running_loop(), ServerState()
        token = await self._user.token()
        pipe = _Pipe(loop)
        protocol: Any = self._config.http_protocol_class(  # type: ignore[operator, union-attr]
            config=self._config, server_state=state, app_state={}, _loop=loop
        )
        pipe.set_protocol(protocol)
        protocol.connection_made(pipe)
        if after:
            pipe.get_protocol().data_received(after.replace(TOKEN, token))
            await _turns()
        stays = not leaves_at_once(data)
        for piece in pieces(data.replace(TOKEN, token)):
            if pipe.is_closing():
                break
            pipe.get_protocol().data_received(piece)
            if stays:
                await asyncio.sleep(0)
        if stays:
            await _settled(state)
        pipe.close()
        await asyncio.sleep(0)
        if state.tasks:
            _, left = await asyncio.wait(state.tasks, timeout=_ENDS_WITHIN_S)
            if left:
                raise Finding(f"still at work {_ENDS_WITHIN_S:.0f} s after the client left")
        return bytes(pipe.written)


def leaves_at_once(data: bytes) -> bool:
    """Whether the client goes once this is sent: one in eight does, always the same."""
    return zlib.crc32(data[::-1]) % 8 == 0


async def _turns() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def _settled(state: ServerState) -> None:
    """Until the app is done, or waits for what does not come."""
    await _turns()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=_LEAVES_AFTER_S)


@contextmanager
def _errors_into(problems: list[str]) -> Iterator[None]:
    """Note what is logged as an error: somebody would be woken for it."""
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: problems.append(_logged(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _logged(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info and record.exc_info[1]:
        text += "\n" + "".join(traceback.format_exception(record.exc_info[1], limit=-6))
    return text


def _words(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return context["message"] + ("\n" + "".join(traceback.format_exception(error, limit=-6)) if error else "")
