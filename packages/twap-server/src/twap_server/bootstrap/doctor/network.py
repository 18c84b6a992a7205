"""Check what lies outside: each exchange, asked once, and the port to listen on."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

import httpx

from twap_models.installing import from_a_checkout
from twap_models.names import CCXT
from twap_server.bootstrap.doctor.finding import Finding, fault, ok, warning
from twap_server.collector.network import INTERNET
from twap_server.collector.proxies import place_of
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, to_nanos
from twap_server.domain.errors import TwapError
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.ccxt.names import ccxt_name
from twap_server.exchanges.registry import EXCHANGES
from twap_server.settings import Settings

_WITHIN_S = 5
_CLOCK_MAY_DIFFER = 2 * SECOND
"""The header ``Date`` counts whole seconds."""


async def exchanges(settings: Settings, clock: Clock) -> Sequence[Finding]:
    """Ask each for what a server asks first, its list of instruments; read the head of the answer only."""
    shapes = [
        shape(ws_url=own.ws_url, rest_url=own.rest_url, depth=own.depth)
        for shape in EXCHANGES
        if (own := settings.exchanges.get(shape.name)) is not None and own.enabled
    ]
    async with INTERNET.open_http(settings.collector) as http:
        asked = await asyncio.gather(*(_ask(one, http, clock) for one in shapes))
    found = [finding for findings in asked for finding in findings]
    if shapes and not any(one.level == "ok" for one in found):
        found.append(fault("exchanges", "none can be reached: no order can be filled", _ADVICE))
    through_ccxt = [name for name, own in settings.exchanges.items() if own.enabled and ccxt_name(name)]
    return [*found, *map(_ccxt, through_ccxt)]


_ADVICE = "check the network, HTTPS_PROXY and the exchange's own status page"


def _ccxt(name: str) -> Finding:
    """Whether it can be collected at all; whether ccxt knows it, and reaches it, only ccxt can say."""
    if find_spec(CCXT) is None:
        return warning(name, "ccxt is not installed", from_a_checkout("server", "ccxt"))
    return ok(name, "ccxt is installed; the exchange was not asked")


async def _ask(exchange: Exchange, http: httpx.AsyncClient, clock: Clock) -> Sequence[Finding]:
    request = next(exchange.instruments())
    topic, begin = exchange.name, clock.monotonic()
    try:
        where = place_of(exchange.rest_url)
        async with (
            asyncio.timeout(_WITHIN_S),
            http.stream(
                request.method,
                f"{exchange.rest_url}{request.path}",
                params=dict(request.params),
                content=request.body,
            ) as answer,
        ):
            status, date = answer.status_code, answer.headers.get("date", "")
    except TwapError as error:
        return [warning(topic, str(error))]
    except TimeoutError:
        return [warning(topic, f"{where} did not answer within {_WITHIN_S} s", _ADVICE)]
    except (httpx.HTTPError, OSError, ValueError) as error:
        return [warning(topic, f"{where} cannot be reached ({_why(error)})", _ADVICE)]
    took = (clock.monotonic() - begin) / MILLISECOND
    if status >= 400:
        return [warning(topic, f"{where} answers with HTTP {status}", "it may refuse this place or address")]
    return [ok(topic, f"{where} answers after {took:,.0f} ms"), *_clock(topic, date, clock)]


def _clock(name: str, date: str, clock: Clock) -> Sequence[Finding]:
    try:
        ahead = clock.now() - to_nanos(parsedate_to_datetime(date))
    except ValueError:
        return []
    if -_CLOCK_MAY_DIFFER < ahead < _CLOCK_MAY_DIFFER:
        return []
    way = "ahead of" if ahead > 0 else "behind"
    text = f"this machine's clock is {abs(ahead) / SECOND:,.0f} s {way} that of {name}"
    return [warning("clock", text, "set it by a time service: orders run by it")]


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


async def port(settings: Settings) -> Sequence[Finding]:
    """Whether the port is free, and if not, whether a server of ours has it."""
    if settings.port == 0:
        return [ok("port", "any free one")]
    is_v6 = ":" in settings.host
    where = f"[{settings.host}]:{settings.port}" if is_v6 else f"{settings.host}:{settings.port}"
    try:
        family = socket.AF_INET6 if is_v6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return [fault("port", f"{where} cannot be used ({error.strerror})", "choose another --host")]
        if await _is_ours(where):
            return [ok("port", f"{where} is a running twap-server's")]
        return [fault("port", f"{where} is taken by another program", "choose another with --port")]
    return [ok("port", f"{where} is free")]


async def _is_ours(where: str) -> bool:
    try:
        async with asyncio.timeout(_WITHIN_S), httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://{where}/health")
            return answer.status_code == 200 and answer.json().get("status") == "ok"
    except (httpx.HTTPError, OSError, ValueError, AttributeError):
        return False
