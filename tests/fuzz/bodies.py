"""What callers write: JSON bodies, stream messages, the short texts of queries and headers; and settings."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocket

from fuzz.case import Finding, Parser
from fuzz.mutate import of_bytes, of_json, of_lines
from support.clocks import START
from twap_models import exact_json
from twap_models.accounts import ApiKeyRequest, Credentials, RefreshRequest
from twap_models.fields import Duration, Moment
from twap_models.orders import TwapOrderAmendment
from twap_models.stream import read_client_message
from twap_server import settings
from twap_server.api.http import problems
from twap_server.api.http.exact_json import checked, read_json
from twap_server.api.routers.accounts import PasswordChange
from twap_server.api.routers.orders import Submission
from twap_server.api.routers.stream import origin_allowed
from twap_server.api.stream.socket import words_of
from twap_server.api.wire.cursor import read_cursor, read_place
from twap_server.api.wire.etag import read_revision
from twap_server.api.wire.requests import resolve, to_amendment, to_requests
from twap_server.domain.errors import InvalidRequest, TwapError

ORDER = {
    "token_id": "a", "exchange": "binance", "symbol": "BTCUSDT", "side": "buy", "quantity": 0.5,
    "price": "61000.5", "start_time": "2026-11-23T12:00:00Z", "duration": "10m", "interval": 5,
    "carry": "skip", "late_start": "shift", "max_slippage_bps": 3, "randomize": 10, "participation_cap": "5",
    "fidelity": "l1",
}  # fmt: skip
BODIES: tuple[Any, ...] = (
    ORDER,
    [ORDER, {**ORDER, "token_id": "b", "end_time": "+1h", "duration": None, "interval": None, "slices": 7}],
    {**ORDER, "strategy": "vwap", "volume_profile": [1, 2.5, "3"]},
    {**ORDER, "strategy": "is", "risk_aversion": "0.001", "volatility": 3, "temporary_impact": 0.1},
    {**ORDER, "strategy": "is", "half_life": "5m"},
    {**ORDER, "strategy": "pov", "participation": 12.5},
    {"quantity": 1, "price": None, "end_time": "now"},
    {"username": "ada", "password": "correct horse"},
    {"current_password": "correct horse", "new_password": "correct horses"},
    {"name": "my bot", "scopes": ["read", "trade"], "expires": "2027-01-01T00:00:00Z"},
    {"refresh_token": "x" * 43},
)
_SHAPES: tuple[TypeAdapter[Any], ...] = tuple(
    map(
        TypeAdapter,
        (Submission, TwapOrderAmendment, Credentials, PasswordChange, ApiKeyRequest, RefreshRequest),
    )
)
MESSAGES: tuple[Any, ...] = (
    {"type": "ping", "id": 7},
    {"type": "ping", "id": "seven"},
    {"type": "auth", "token": "x.y.z"},
    {"type": "subscribe", "channel": "orders", "since": 0},
    {"type": "subscribe", "channel": "book", "exchange": "binance", "symbol": "BTC-USDT"},
    {"type": "subscribe", "channel": "book", "symbol": "btc/usdt"},
    {"type": "subscribe", "channel": "trades", "symbol": "BTC-USDT"},
    {"type": "unsubscribe", "channel": "book", "exchange": "aggregate", "symbol": "BTC-USDT"},
    {"type": "unsubscribe", "channel": "orders"},
)
_TEXTS = (
    b"MTc5MDAwMDAwMDAwMDAwMDAwMDpvMQ", b"MTotMTotMQ", b'W/"12"', b'"1"', b"*", b"http://127.0.0.1:8000",
    b"null", b"http://[::1]:80", b"2026-11-23T12:00:00+02:00", b"now", b"+15m", b"250ms", b"1.5h", b"90",
)  # fmt: skip
_SETTINGS = (
    b'port = 8000\nlog_format = "json"\ndatabase = "sqlite:///x.sqlite3"\n[api]\nmax_body = 1000\n'
    b'allowed_origins = ["https://a.example"]\ntrusted_proxies = ["10.0.0.0/8"]\n[api.passwords]\n'
    b"passes = 1\n[engine]\nmax_open_orders = 5\n[exchanges.binance]\nsymbols = ['BTC-USDT']\n"
    b"taker_fee = '0.001'\n",
)
_ANYBODY = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}


def parsers() -> list[Parser]:
    """All of them."""
    written = [json.dumps(body).encode() for body in BODIES]
    messages = [json.dumps(message).encode() for message in MESSAGES]
    return [
        Parser(name="bodies", samples=written, mutate=of_json, feed=_read_body),
        Parser(name="stream-messages", samples=messages, mutate=of_json, feed=_read_message),
        Parser(name="texts", samples=_TEXTS, mutate=of_bytes, feed=_read_texts),
        Parser(
            name="settings",
            samples=_SETTINGS,
            mutate=of_lines(of_bytes),
            feed=_read_settings,
            declared=(InvalidRequest,),
        ),
    ]


def _read_body(data: bytes) -> None:
    """As every route does: an answer can be written, whichever shape was expected."""
    for shape in _SHAPES:
        try:
            _translate(checked(shape, read_json(data)))
        except RequestValidationError as error:
            _answer(problems.answer_validation_error, error, {400, 422})
        except TwapError as error:
            _answer(problems.answer_twap_error, error, {422})


def _translate(body: Any) -> None:
    if isinstance(body, TwapOrderAmendment):
        to_amendment(body, now=START)
    elif shape_is_orders(body):
        to_requests(body, now=START)
    elif not isinstance(body, PasswordChange | Credentials):
        exact_json.loads(body.to_json())


def shape_is_orders(body: Any) -> bool:
    """Whether it is one order or several."""
    return isinstance(body, list) or hasattr(body, "token_id")


def _answer(handler: Callable[[Request, Exception], Any], error: Exception, statuses: set[int]) -> None:
    """Let a handler, which waits for nothing, write its problem document."""
    try:
        handler(Request(_ANYBODY), error).send(None)
    except StopIteration as ended:
        told = json.loads(ended.value.body)
        nameless = told["status"] == 422 and not told["errors"][0]["field"]
        if nameless or ended.value.status_code not in statuses:
            raise Finding(f"answered {told}") from None


def _read_message(data: bytes) -> None:
    """As the session does: a text frame that is UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        read_client_message(text).to_json()
    except ValidationError as error:
        words_of(error).encode()
    except ValueError as error:
        str(error).encode(errors="backslashreplace")


def _read_texts(data: bytes) -> None:
    text = data.decode("latin-1")
    for read in (read_cursor, read_place, read_revision):
        try:
            read(text)
        except TwapError as error:
            str(error).encode()
    for kind in _KINDS:
        try:
            found = kind.validate_python(text)
        except ValueError:
            continue
        _resolved(found)
    headers = [(b"origin", data), (b"host", data)]
    origin_allowed(WebSocket({"type": "websocket", "headers": headers}, _none, _none), ())


_KINDS: tuple[TypeAdapter[Any], ...] = (TypeAdapter(Moment), TypeAdapter(Duration))


def _resolved(found: Any) -> None:
    if not hasattr(found, "total_seconds"):
        try:
            resolve(found, now=START, field="start_time")
        except InvalidRequest as error:
            str(error).encode()


async def _none(*_: Any) -> Any:
    raise AssertionError("nothing is sent or received")


def _read_settings(data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="twap-fuzz-") as folder:
        file = Path(folder) / "twap.toml"
        file.write_bytes(data)
        try:
            settings.load(file=file, flags={}, environment={})
        except InvalidRequest as error:
            str(error).encode()
    text = data.decode(errors="replace").replace("\x00", "")
    name, _, value = text.partition("=")
    settings.load(file=None, flags={}, environment={f"TWAP_{name.strip()[:60].upper()}": value.strip()})
