"""One call: what it takes, how long it may last, and what its failure says."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.client import request
from twap_client import (
    ClientConfig,
    ConnectFailed,
    InvalidSetting,
    InvalidValue,
    NotFound,
    RequestTimedOut,
    TwapClient,
    TwapClientError,
    UsageError,
)
from twap_client.accounts import Accounts
from twap_client.market import Market
from twap_client.orders import Orders
from twap_client.testing import Reply, ScriptedServer, order
from twap_client.testing.server import problem
from twap_models import AccessToken, TwapOrder

FIELDS: dict[str, Any] = {
    "exchange": "binance",
    "symbol": "BTC-USDT",
    "quantity": 1,
    "duration": 60,
    "slices": 6,
}


# The token_id that was made up


@pytest.mark.parametrize(
    "reply", [Reply(cut=True), problem(503, "busy", "later"), problem(422, "invalid_request", "no")]
)
async def test_a_failed_submission_keeps_its_made_up_token_id(
    server: ScriptedServer, config: ClientConfig, reply: Reply
) -> None:
    once = replace(config, attempts=1)
    async with TwapClient(config=once, username="ada", password="correct horse") as client:
        server.script("POST", "/orders/twap", reply)
        with pytest.raises(TwapClientError) as caught:
            await client.orders.submit(**FIELDS)
        (token_id,) = caught.value.asked_for
        assert token_id == server.requests[-1].json["token_id"]
        made = await client.orders.submit(**FIELDS, token_id=token_id)
        assert made.token_id == token_id


async def test_what_never_left_keeps_it_too() -> None:
    async with TwapClient("http://127.0.0.1:1", config=ClientConfig(attempts=1, api_key="k")) as client:
        with pytest.raises(ConnectFailed) as caught:
            await client.orders.submit([FIELDS, request("o-2")])
    assert caught.value.asked_for[1] == "o-2" and len(caught.value.asked_for[0]) == 36
    assert caught.value.token_ids == ()


async def test_a_cancelled_submission_keeps_it_too(server: ScriptedServer, client: TwapClient) -> None:
    server.script("POST", "/orders/twap", Reply(silent=True))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.orders.submit(**FIELDS))
        await server.requested("POST", "/orders/twap")
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    (token_id,) = caught.value.asked_for  # type: ignore[attr-defined]
    assert token_id == server.requests[-1].json["token_id"]
    assert f"the order {token_id!r} may exist" in caught.value.__notes__


# A timeout of one call


@pytest.mark.parametrize("timeout", [0.05, timedelta(milliseconds=50)])
async def test_a_call_has_its_own_timeout(
    server: ScriptedServer, client: TwapClient, timeout: timedelta | float
) -> None:
    await client.accounts.me()
    for _ in range(4):
        server.script("POST", "/orders/twap", Reply(silent=True))
        server.script("GET", "/exchanges", Reply(silent=True))
        server.script("GET", "/orders", Reply(silent=True))
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.orders.submit(request("o-1"), timeout=timeout),
        lambda: client.market.exchanges(timeout=timeout),
        lambda: client.orders.list(timeout=timeout)._page(None),
    ]
    loop = asyncio.get_running_loop()
    for call in calls:
        began = loop.time()
        with pytest.raises(RequestTimedOut, match=r"did not answer within 0\.05 s"):
            await call()
        assert loop.time() - began < 5, "all attempts together"


async def test_each_call_of_the_account_has_its_own_timeout(
    server: ScriptedServer, client: TwapClient
) -> None:
    accounts = client.accounts
    await accounts.login("ada", "correct horse")
    silent = [
        (way, path) for way in ("GET", "POST", "DELETE") for path in ("me", "methods", "keys", "invites")
    ]
    silent += [("POST", path) for path in ("register", "token", "logout", "password", "oidc/token")]
    silent += [("DELETE", "sessions"), ("DELETE", "keys/k-1"), ("DELETE", "invites/i-1")]
    for way, path in silent:
        server.script(way, f"/auth/{path}", *[Reply(silent=True)] * 4)
    short: dict[str, Any] = {"timeout": 0.05}
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: accounts.register("grace", "battery staple", **short),
        lambda: accounts.login("ada", "correct horse", **short),
        lambda: accounts.finish_oidc(accounts.begin_oidc(), "code", **short),
        lambda: accounts.methods(**short),
        lambda: accounts.me(**short),
        lambda: accounts.invite(**short),
        lambda: accounts.invites(**short),
        lambda: accounts.withdraw_invite("i-1", **short),
        lambda: accounts.change_password("correct horse", "battery staple", **short),
        lambda: accounts.create_key(**short),
        lambda: accounts.list_keys(**short),
        lambda: accounts.revoke_key("k-1", **short),
        lambda: accounts.revoke_all_keys(**short),
        lambda: accounts.end_sessions(**short),
        lambda: accounts.logout(**short),
    ]
    for call in calls:
        async with asyncio.timeout(10):
            with pytest.raises(RequestTimedOut, match=r"did not answer within 0\.05 s"):
                await call()


@pytest.mark.parametrize("kind", [Accounts, Market, Orders])
def test_every_call_has_a_timeout(kind: type) -> None:
    calls = [each for name, each in vars(kind).items() if not name.startswith("_") and callable(each)]
    without = [each.__name__ for each in calls if "timeout" not in inspect.signature(each).parameters]
    assert without == (["begin_oidc"] if kind is Accounts else []), "it sends nothing"


async def test_a_call_may_have_more_time_than_usual(server: ScriptedServer, config: ClientConfig) -> None:
    hasty = replace(config, request_timeout=timedelta(milliseconds=1), attempts=1)
    async with TwapClient(config=hasty) as client:
        assert await client.market.exchanges(timeout=20) == []
        server.add_account("ada", "correct horse")
        assert (await client.accounts.login("ada", "correct horse", timeout=20)).access_token


@pytest.mark.parametrize("timeout", [0, -1, "soon", float("nan")])
async def test_a_timeout_is_a_length_of_time(client: TwapClient, timeout: Any) -> None:
    with pytest.raises(UsageError, match="timeout: expected seconds above 0 or a timedelta"):
        await client.market.exchanges(timeout=timeout)


# What a call takes


async def test_whatever_names_an_order_is_an_order(server: ScriptedServer, client: TwapClient) -> None:
    made = await client.orders.submit(**FIELDS)
    orders = client.orders
    assert (await orders.get(made)).token_id == made.token_id
    assert (await orders.pause(made)).status == "Paused"
    assert (await orders.resume(made)).status == "Accepted"
    assert (await orders.report(made)).token_id == made.token_id
    assert made.token_id in await orders.report_html(made)
    assert made.token_id in await orders.report_csv(made)
    assert [item async for item in orders.slices(made)] == []
    assert [item async for item in orders.fills(made)] == []
    assert [item async for item in orders.events(made)] == []
    assert (await orders.cancel(made)).status == "Canceled"


async def test_orders_are_given_as_dicts_too(server: ScriptedServer, client: TwapClient) -> None:
    one = await client.orders.submit(FIELDS)
    assert isinstance(one, TwapOrder)
    several = await client.orders.submit([FIELDS, FIELDS | {"token_id": "mine"}, request("o-3")])
    assert [len(several[0].token_id), several[1].token_id, several[2].token_id] == [36, "mine", "o-3"]
    assert len(await client.orders.submit(FIELDS | {"token_id": f"g-{n}"} for n in range(2))) == 2
    assert (await client.orders.preview(FIELDS)).accepted
    for wrong in (7, [7], ["token"]):
        with pytest.raises(TypeError, match=r"expected a"):
            await client.orders.submit(wrong)  # type: ignore[call-overload]


async def test_a_page_says_where_the_next_begins(server: ScriptedServer, client: TwapClient) -> None:
    server.orders = {f"o-{number}": order(f"o-{number}") for number in range(5)}
    first = await client.orders.list(limit=2)
    second = await client.orders.list(limit=2, after=first.after)
    last = await client.orders.list(limit=2, after=second.after)
    assert [item.token_id for item in [*first, *second, *last]] == list(server.orders)
    assert first.after and last.after is None
    assert [page.after is None async for page in client.orders.list(limit=2).pages()] == [False, False, True]


# What a failure says


@pytest.mark.parametrize(
    ("call", "said", "field"),
    [
        (
            lambda accounts: accounts.register("grace", "short"),
            "password: expected at least 8 characters, got 5",
            "password",
        ),
        (
            lambda accounts: accounts.register("g", "battery staple"),
            "username: expected at least 3 characters, got 1",
            "username",
        ),
        (
            lambda accounts: accounts.register("grace hopper", "battery staple"),
            "username: expected letters without accents, digits, and . _ @ -, got 'grace hopper'",
            "username",
        ),
        (
            lambda accounts: accounts.change_password("correct horse", "short"),
            "new_password: expected at least 8 characters, got 5",
            "new_password",
        ),
        (
            lambda accounts: accounts.create_key("bot", scopes=["write"]),
            "scopes[0]: expected read or trade, got 'write'",
            "scopes[0]",
        ),
        (
            lambda accounts: accounts.create_key("bot", scopes="admin"),
            "scopes[0]: expected read or trade, got 'admin'",
            "scopes[0]",
        ),
        (
            lambda accounts: accounts.create_key("bot", scopes=[]),
            "scopes: expected at least one of read, trade",
            "scopes",
        ),
        (
            lambda accounts: accounts.create_key("x" * 65),
            "name: expected at most 64 characters, got 65",
            "name",
        ),
        (
            lambda accounts: accounts.create_key("two\nlines"),
            "name: expected printable characters on one line",
            "name",
        ),
    ],
)
async def test_a_wrong_value_is_told_with_its_field(
    client: TwapClient, call: Callable[[object], Awaitable[object]], said: str, field: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        await call(client.accounts)
    assert (str(caught.value), caught.value.field) == (said, field)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"request_timeout": "soon"}, "request_timeout: expected seconds or a duration such as '5m'"),
        ({"silence_limit": -1}, "silence_limit: expected a duration between 0"),
        ({"reconnect_first": timedelta(0)}, "reconnect_first: expected a time above 0"),
        ({"connect_timeout": None}, "connect_timeout: expected a number"),
        ({"attempts": 0}, "attempts: expected a whole number of at least 1, got 0"),
        ({"attempts": "3"}, "attempts: expected a whole number"),
        ({"base_url": None}, "base_url: expected text such as http"),
        ({"api_key": 7}, "api_key: expected text, got int"),
    ],
)
def test_a_wrong_setting_is_told_when_it_is_made(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        ClientConfig(**setting)


def test_times_of_the_settings_are_seconds_or_text_too() -> None:
    config = ClientConfig(request_timeout=2, retry_cap="250ms")  # type: ignore[arg-type]
    assert (config.request_timeout, config.retry_cap) == (timedelta(seconds=2), timedelta(milliseconds=250))


async def test_a_server_that_is_down_is_one_sentence_below_the_callers_lines() -> None:
    program = (
        "import asyncio\n"
        "from twap_client import TwapClient\n"
        "async def main():\n"
        "    async with TwapClient('http://127.0.0.1:1') as client:\n"
        "        await client.market.exchanges(timeout=0.5)\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert "During handling" not in done.stderr and "direct cause" not in done.stderr
    assert "cannot reach http://127.0.0.1:1: nothing listens there" in lines[-1]
    assert len(lines) <= 25 and "httpx" not in done.stderr, done.stderr


async def test_frames_of_this_library_are_few(client: TwapClient) -> None:
    with pytest.raises(NotFound) as caught:
        await client.orders.cancel("o-none")
    assert len(caught.traceback) <= 6


def test_an_answer_with_tokens_shows_none() -> None:
    shown = AccessToken(access_token="secret-1", expires_in=900, refresh_token="secret-2")
    assert "secret" not in f"{shown!r} {shown}"
