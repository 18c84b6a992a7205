"""Many connections, idle, slow or unsigned, of one host and of many: others are served all the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from httpx import ASGITransport, AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from support.api import live
from support.api.desk import build
from support.api.raw import (
    HEALTH,
    PARSERS,
    UPGRADE,
    Answer,
    Moment,
    Served,
    ask,
    configured,
    connected,
    ended,
    idle,
    is_alive,
    served,
    sign_in,
    status_of,
)
from twap_server.api.app import create_app
from twap_server.api.http.behind_proxy import is_within
from twap_server.api.http.connection_gate import MOST_REFUSED, ConnectionBounds, ConnectionGate
from twap_server.bootstrap.open_files import make_room
from twap_server.runtime.loops import HttpParser

CROWD = "127.0.0.2"
HALF_A_HEAD = b"GET /health HT"
HALF_A_BODY = (
    b"POST /auth/register HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9\r\n\r\n{"
)
READY = HEALTH.replace(b"/health", b"/ready")


@asynccontextmanager
async def crowded(port: int, count: int, *sources: str) -> AsyncIterator[None]:
    """So many connections that say nothing, and stay."""
    make_room(3 * count)
    with contextlib.ExitStack() as stack:
        for number in range(count):
            stack.enter_context(idle(port, sources[number % len(sources)]))
            if number % 50 == 0:
                await asyncio.sleep(0)
        yield


def check_refusal(answer: Answer, status: int, code: str) -> None:
    """A problem document like every other."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "api." in problem["detail"]


@pytest.mark.parametrize("parser", PARSERS)
async def test_idle_sockets_of_one_host_deny_nobody_else(parser: HttpParser) -> None:
    async with served(configured(), parser=parser) as one:
        headers = await one.user()
        async with connected(one.port) as stream, crowded(one.port, 1_200, CROWD):
            assert await status_of(stream, UPGRADE) == 101
            await sign_in(stream, headers["Authorization"].removeprefix("Bearer "))
            async with connected(one.port) as other:
                assert await status_of(other) == 200
            assert (await one.http.get("/orders", headers=headers)).status_code == 200
            assert await is_alive(stream)
            assert one.gate.connections <= configured().max_connections_per_address + 10
            async with connected(one.port, CROWD) as late:
                check_refusal(await ask(late), 429, "rate_limited")


@pytest.mark.parametrize("parser", PARSERS)
async def test_idle_sockets_of_many_hosts_give_way(parser: HttpParser) -> None:
    """A thousand from six addresses: all the room there is."""
    sources = [f"127.0.0.{number}" for number in range(2, 8)]
    async with served(configured(), parser=parser) as one, crowded(one.port, 1_200, *sources):
        async with asyncio.timeout(5):
            while one.gate.connections < 1_000:
                await asyncio.sleep(0)
        async with connected(one.port) as other:
            assert await status_of(other) == 200, "an address with fewer has its share at once"
        one.moment.seconds += 2
        async with connected(one.port, sources[0]) as late:
            assert await status_of(late) == 200
        assert one.gate.connections <= 1_000


@pytest.mark.parametrize("parser", PARSERS)
async def test_the_oldest_idle_connection_gives_way(parser: HttpParser) -> None:
    async with (
        served(configured(max_connections=2), parser=parser) as one,
        connected(one.port) as first,
        connected(one.port) as second,
    ):
        assert await status_of(first) == await status_of(second) == 200
        one.moment.seconds = 0.9
        assert await status_of(first) == 200
        one.moment.seconds = 1.1
        async with connected(one.port) as third:
            assert await status_of(third) == 200
            assert await ended(second) == b""
            assert await status_of(first) == 200


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("begun", [HALF_A_HEAD, HALF_A_BODY])
async def test_slow_strangers_give_way(parser: HttpParser, begun: bytes) -> None:
    """Half a head, half a body."""
    async with served(configured(max_connections=1), parser=parser) as one, connected(one.port) as slow:
        slow[1].write(begun)
        await slow[1].drain()
        async with asyncio.timeout(5):
            while one.gate.connections < 1:
                await asyncio.sleep(0)
        one.moment.seconds = 5
        async with connected(one.port) as other:
            assert await status_of(other) == 200
        assert await ended(slow) == b""


@pytest.mark.parametrize("parser", PARSERS)
async def test_who_is_being_served_gives_way_to_nobody(parser: HttpParser) -> None:
    async with (
        served(configured(max_connections=1), parser=parser) as one,
        held(one) as let_go,
        connected(one.port) as first,
    ):
        asked = asyncio.ensure_future(ask(first, READY))
        await let_go.began.wait()
        one.moment.seconds = 100
        async with connected(one.port) as second:
            check_refusal(await ask(second), 503, "busy")
            assert await ended(second) == b""
        let_go.set()
        assert (await asked).status == 200


class Hold(asyncio.Event):
    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()
        self.count = 0


@asynccontextmanager
async def held(one: Served) -> AsyncIterator[Hold]:
    """``/ready`` takes until the event is set."""
    hold = Hold()

    async def wait() -> list[str]:
        hold.count += 1
        hold.began.set()
        await hold.wait()
        return []

    object.__setattr__(one.services.self_report, "not_ready", wait)
    try:
        yield hold
    finally:
        hold.set()


@pytest.mark.parametrize("parser", PARSERS)
async def test_who_has_signed_in_gives_way_last(parser: HttpParser) -> None:
    async with served(configured(max_connections=3), parser=parser) as one:
        headers = await one.user()
        orders = HEALTH.replace(b"/health", b"/orders").replace(
            b"\r\n\r\n", f"\r\nAuthorization: {headers['Authorization']}\r\n\r\n".encode()
        )
        await one.http.aclose()
        async with connected(one.port) as known:
            assert await status_of(known, orders) == 200
            for _ in range(4):
                one.moment.seconds += 1.1
                async with connected(one.port) as stranger:
                    assert await status_of(stranger) == 200
                    stranger[1].write(b"GET")  # and stays
                    one.moment.seconds += 0.1
            assert await status_of(known, orders) == 200


async def test_many_that_are_refused_are_cut_off() -> None:
    sources = [f"127.0.1.{number}" for number in range(1, 60)]
    async with served(configured(max_connections=1)) as one, crowded(one.port, 400, *sources):
        async with asyncio.timeout(5):
            while one.gate.refusals < 399:
                await asyncio.sleep(0)
        assert len(one.gate._refused) <= MOST_REFUSED


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_refused_client_is_not_waited_for(
    parser: HttpParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twap_server.api.http.attended._REFUSED_WITHIN_S", 0.05)
    async with (
        served(configured(max_connections=1), parser=parser) as one,
        connected(one.port),
        connected(one.port) as silent,
    ):
        assert await ended(silent) == b""
        async with asyncio.timeout(5):
            while len(one.gate._refused):
                await asyncio.sleep(0)


def test_the_log_says_once_a_minute_how_many_found_no_room(caplog: pytest.LogCaptureFixture) -> None:
    moment = Moment()
    gate = ConnectionGate(configured(), now=moment)
    for seconds, refused in ((0, 1), (1, 3), (59, 1), (61, 0), (150, 0)):
        gate.refusals += refused
        moment.seconds = seconds
        gate.sweep()
    told = [record.args for record in caplog.records if record.name == "twap_server.api.http.connection_gate"]
    assert [args[0] for args in told if isinstance(args, tuple)] == [1, 4]


@pytest.mark.parametrize("parser", PARSERS)
async def test_streams_and_http_have_room_apart(parser: HttpParser) -> None:
    config = configured(max_connections=3, stream={"max_connections": 2, "max_per_address": 2})
    async with served(config, parser=parser) as one:
        token = (await one.sign_in())["access_token"]
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(connected(one.port)) for _ in range(2)]
            for stream in streams:
                assert await status_of(stream, UPGRADE) == 101
                await sign_in(stream, token)
            async with connected(one.port) as third:
                one.moment.seconds = 100
                check_refusal(await ask(third, UPGRADE), 429, "rate_limited")
            async with connected(one.port, CROWD) as third:
                check_refusal(await ask(third, UPGRADE), 503, "busy")
            assert one.gate.connections == 1, "the client's own"
            assert (await one.http.get("/health")).status_code == 200
            assert [await is_alive(stream) for stream in streams] == [True, True]


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_stream_that_ends_makes_room(parser: HttpParser) -> None:
    async with served(configured(stream={"max_connections": 1}), parser=parser) as one:
        for _ in range(3):
            async with connected(one.port) as stream:
                assert await status_of(stream, UPGRADE) == 101
                await sign_in(stream, (await one.sign_in())["access_token"])
            async with asyncio.timeout(5):
                while len(one.gate._streams) or len(one.services.sessions):
                    await asyncio.sleep(0)


async def test_streams_before_the_sign_in_have_room_apart() -> None:
    config = configured(stream={"max_unsigned": 3, "max_unsigned_per_address": 2})
    async with served(config) as one, AsyncExitStack() as stack:
        token = (await one.sign_in())["access_token"]
        for source in (CROWD, "127.0.0.3", "127.0.0.4"):
            unsigned = await stack.enter_async_context(connected(one.port, source))
            assert await status_of(unsigned, UPGRADE) == 101
        async with connected(one.port) as more:
            check_refusal(await ask(more, UPGRADE), 503, "busy")
        await one.clock.advance(2)
        async with connected(one.port) as mine:
            assert await status_of(mine, UPGRADE) == 101, "the oldest stranger gives way"
            await sign_in(mine, token)
            await one.clock.advance(20)
            for number in range(6):
                more = await stack.enter_async_context(connected(one.port, f"127.0.0.{10 + number % 3}"))
                assert await status_of(more, UPGRADE) in (101, 503)
            assert await is_alive(mine)


async def test_one_address_has_few_streams_before_the_sign_in() -> None:
    async with (
        served(configured(stream={"max_unsigned_per_address": 1})) as one,
        connected(one.port, CROWD) as first,
        connected(one.port, CROWD) as second,
        connected(one.port) as other,
    ):
        assert await status_of(first, UPGRADE) == 101
        check_refusal(await ask(second, UPGRADE), 429, "rate_limited")
        assert await status_of(other, UPGRADE) == 101


FORWARDED = b"X-Forwarded-For: %s\r\n\r\n"


def forwarded(request: bytes, address: str) -> bytes:
    return request[:-2] + FORWARDED % address.encode()


async def test_behind_a_proxy_addresses_are_those_it_forwards() -> None:
    config = configured(trusted_proxies=["127.0.0.1"], max_connections_per_address=2)
    async with served(config) as one, held(one) as let_go, AsyncExitStack() as stack:
        proxied = [await stack.enter_async_context(connected(one.port)) for _ in range(5)]
        mine = [asyncio.ensure_future(ask(each, forwarded(READY, "9.9.9.9"))) for each in proxied[:2]]
        async with asyncio.timeout(5):
            while let_go.count < 2:
                await asyncio.sleep(0)
        check_refusal(await ask(proxied[2], forwarded(HEALTH, "9.9.9.9")), 429, "rate_limited")
        assert await status_of(proxied[3], forwarded(HEALTH, "8.8.8.8")) == 200
        let_go.set()
        assert [answer.status for answer in await asyncio.gather(*mine)] == [200, 200]
        assert await status_of(proxied[2], forwarded(HEALTH, "9.9.9.9")) == 200


async def test_behind_a_proxy_streams_count_by_the_address_it_forwards() -> None:
    config = configured(trusted_proxies=["127.0.0.1"], stream={"max_per_address": 1})
    async with served(config) as one, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(connected(one.port)) for _ in range(3)]
        assert await status_of(streams[0], forwarded(UPGRADE, "9.9.9.9")) == 101
        check_refusal(await ask(streams[1], forwarded(UPGRADE, "9.9.9.9")), 429, "rate_limited")
        assert await status_of(streams[2], forwarded(UPGRADE, "8.8.8.8")) == 101


async def test_streams_are_bound_on_another_asgi_server_too() -> None:
    config = configured(stream={"max_unsigned": 1})
    async with live.serving(config, ws="websockets-sansio") as other, connect(other.url):
        with pytest.raises(InvalidStatus) as refused:
            await connect(other.url)
        assert refused.value.response.status_code == 503
        assert b'"busy"' in (refused.value.response.body or b"")


@pytest.mark.parametrize("peer", ["10.9.8.7", "::ffff:10.9.8.7"])
async def test_a_trusted_proxy_is_known_on_a_socket_for_both_kinds_of_addresses(peer: str) -> None:
    app = create_app(build(configured(trusted_proxies=["10.9.8.7"]))[0])
    async with AsyncClient(
        transport=ASGITransport(app, client=(peer, 1)), base_url="http://testserver"
    ) as http:
        answer = await http.get("/health", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" in answer.headers
    assert is_within(peer, configured(trusted_proxies=["10.9.8.0/24"]).trusted_proxies)


def test_bounds_shrink_to_what_fits() -> None:
    bounds = ConnectionBounds.of(configured())
    assert bounds.within(bounds.most) == bounds
    small = bounds.within(600 + MOST_REFUSED)
    assert (small.http, small.http_of_one, small.streams, small.streams_of_one) == (100, 20, 500, 100)
    assert bounds.within(1).http == 16
    assert small.most <= 600 + MOST_REFUSED
