"""A server that has no room, or goes by another name: what the client makes of it."""

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from support.api.raw import UPGRADE, configured, connected, served, status_of
from twap_client import ClientConfig, TwapClient
from twap_client._connection import Connection, _refused
from twap_client.errors import ConnectFailed, NotPermitted, RateLimited, Unavailable
from twap_models import ErrorCode
from twap_server.api.http.raw_answers import raw_problem


def config(port: int) -> ClientConfig:
    return ClientConfig(base_url=f"http://127.0.0.1:{port}", api_key="k", attempts=1)


async def test_no_room_for_a_request_is_told_and_worth_another_try() -> None:
    for settings, expected in (
        ({"max_connections": 1}, Unavailable),
        ({"max_connections_per_address": 1}, RateLimited),
    ):
        async with served(configured(**settings)) as one, connected(one.port) as idle:
            assert await status_of(idle) == 200
            async with TwapClient(config=config(one.port)) as client:
                with pytest.raises(expected, match=r"Retry-After.*api\.max_connections") as refused:
                    await client.market.exchanges()
                assert not refused.value.may_have_acted
                one.moment.seconds += 2
                assert await client.market.exchanges()


async def test_no_room_for_a_stream_is_told_and_worth_another_try() -> None:
    async with served(configured(stream={"max_unsigned": 1})) as one, connected(one.port) as idle:
        assert await status_of(idle, UPGRADE) == 101
        with pytest.raises(ConnectFailed, match="503: all connections are in use"):
            await Connection.open("", config(one.port))


def test_a_server_of_another_name_is_told_at_once() -> None:
    body = raw_problem(421, ErrorCode.INVALID_REQUEST, "set api.allowed_hosts").partition(b"\r\n\r\n")[2]
    refused = _refused(Response(421, "Misdirected Request", Headers(), body), config(1))
    assert isinstance(refused, NotPermitted) and "421: set api.allowed_hosts" in str(refused)
    plain = _refused(Response(502, "Bad Gateway", Headers(), b"<html>"), config(1))
    assert isinstance(plain, ConnectFailed) and str(plain).endswith("answered 502")
