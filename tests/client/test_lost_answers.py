"""No answer came: what may have happened is said, with the order's name and how to look."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support.client import SUBMIT, Twap, request
from twap_client import (
    ClientConfig,
    Conflict,
    ConnectFailed,
    ConnectionLost,
    NotAuthenticated,
    RequestTimedOut,
    ServerError,
    TwapClient,
    TwapClientError,
    Unavailable,
)
from twap_client.testing import Reply, ScriptedServer, order
from twap_client.testing.server import problem

CUT = [Reply(cut=True)] * 4
SUBMITTED = ("POST", "/orders/twap")


def stopped(server: ScriptedServer) -> None:
    """Let nobody listen from the next connection on."""
    assert server._sockets._server is not None
    server._sockets._server.close()


async def test_a_submission_without_an_answer_names_its_order(
    server: ScriptedServer, client: TwapClient
) -> None:
    server.script(*SUBMITTED, *CUT)
    with pytest.raises(ConnectionLost) as caught:
        await client.orders.submit(request("o-1"))
    assert caught.value.may_have_acted and caught.value.token_ids == ("o-1",)
    assert str(caught.value).endswith("the order 'o-1' may exist: look with orders.get('o-1')")
    server.script(*SUBMITTED, *CUT)
    with pytest.raises(ConnectionLost, match=r"the orders 'a', 'b', 'c' and 2 more may exist: look") as many:
        await client.orders.submit([request(name) for name in "abcde"])
    assert many.value.token_ids == tuple("abcde")


async def test_a_made_up_token_id_is_named_too(server: ScriptedServer, client: TwapClient) -> None:
    server.script(*SUBMITTED, *CUT)
    with pytest.raises(ConnectionLost) as caught:
        await client.orders.submit(exchange="binance", symbol="BTC-USDT", quantity=1, duration=60, slices=6)
    assert caught.value.token_ids == (server.requests[-1].json["token_id"],)


@pytest.mark.parametrize(
    ("replies", "kind", "unknown"),
    [
        ([Reply(cut=True), problem(401, "x", "no"), problem(401, "x", "no")], NotAuthenticated, True),
        ([Reply(cut=True), problem(409, "conflict", "no")], Conflict, True),
        ([Reply(cut=True), *[problem(503, "busy", "later")] * 3], Unavailable, True),
        ([problem(503, "storage_unavailable", "later")] * 4, Unavailable, True),
        ([Reply(status=502)] * 4, Unavailable, True),
        ([problem(500, "internal", "ours")], ServerError, True),
        ([Reply(status=201, body={"not": "a list"})], ServerError, True),
        ([Reply(status=201, kind="text/html", body="<p>")], ServerError, True),
        ([problem(503, "busy", "later")] * 4, Unavailable, False),
        ([problem(409, "conflict", "no")], Conflict, False),
        ([problem(401, "x", "no"), problem(401, "x", "no")], NotAuthenticated, False),
    ],
)
async def test_every_attempt_counts_and_not_the_last_alone(
    server: ScriptedServer,
    client: TwapClient,
    replies: list[Reply],
    kind: type[TwapClientError],
    unknown: bool,
) -> None:
    await client.accounts.me()
    server.script(*SUBMITTED, *replies)
    with pytest.raises(kind) as caught:
        await client.orders.submit(request("o-1"))
    assert caught.value.may_have_acted is unknown
    assert ("'o-1' may exist" in str(caught.value)) is unknown
    assert "may exist" not in caught.value.message


async def test_a_server_that_went_after_the_first_attempt_may_have_acted(
    server: ScriptedServer, client: TwapClient
) -> None:
    await client.accounts.me()
    server.script(*SUBMITTED, Reply(cut=True))
    usual = server._answer

    def cut_and_go(*args: object) -> Reply:
        stopped(server)
        return usual(*args)  # type: ignore[arg-type]

    server._sockets._on_request = cut_and_go
    with pytest.raises(ConnectFailed, match="'o-1' may exist") as caught:
        await client.orders.submit(request("o-1"))
    assert caught.value.may_have_acted


async def test_what_was_never_sent_is_not_in_doubt(server: ScriptedServer, config: ClientConfig) -> None:
    hasty = replace(config, request_timeout=timedelta(milliseconds=60), attempts=1)
    async with TwapClient(config=hasty, username="ada", password="correct horse") as client:
        server.script("POST", "/auth/token", Reply(silent=True))
        with pytest.raises(RequestTimedOut) as caught:
            await client.orders.submit(request("o-1"))
        assert not caught.value.may_have_acted and "may exist" not in str(caught.value)
    async with TwapClient("http://127.0.0.1:1", config=config, api_key="key") as client:
        with pytest.raises(ConnectFailed) as refused:
            await client.orders.submit(request("o-1"))
        assert not refused.value.may_have_acted and refused.value.token_ids == ()


CHANGES: list[tuple[str, str, str, Callable[[TwapClient], Awaitable[object]]]] = [
    ("paused", "POST", "/orders/o-1/pause", lambda client: client.orders.pause("o-1")),
    ("resumed", "POST", "/orders/o-1/resume", lambda client: client.orders.resume("o-1")),
    ("amended", "PATCH", "/orders/o-1", lambda client: client.orders.amend("o-1", quantity=2)),
    ("canceled", "DELETE", "/orders/o-1", lambda client: client.orders.cancel("o-1")),
]


@pytest.mark.parametrize(("done", "method", "path", "call"), CHANGES)
async def test_a_change_without_an_answer_is_not_known(
    *,
    server: ScriptedServer,
    client: TwapClient,
    done: str,
    method: str,
    path: str,
    call: Callable[[TwapClient], Awaitable[object]],
) -> None:
    server.orders["o-1"] = order("o-1")
    server.script(method, path, *CUT)
    with pytest.raises(ConnectionLost) as caught:
        await call(client)
    said = f"whether the order 'o-1' was {done} is not known: look with orders.get('o-1')"
    assert str(caught.value).endswith(said) and caught.value.token_ids == ("o-1",)
    with pytest.raises(TwapClientError) as read:
        server.script("GET", "/orders/o-1", *CUT)
        await client.orders.get("o-1")
    assert read.value.in_doubt == ""


async def test_an_account_without_an_answer_may_exist(server: ScriptedServer, client: TwapClient) -> None:
    server.cut("POST", "/auth/register")
    with pytest.raises(ConnectionLost, match="the account 'grace' may exist: try to sign in"):
        await client.accounts.register("grace", "battery staple")


@pytest.mark.parametrize(
    ("command", "method", "path", "said"),
    [
        ([*SUBMIT, "--token-id", "o-1", "--yes"], *SUBMITTED, "the order 'o-1' may exist"),
        (["pause", "o-1"], "POST", "/orders/o-1/pause", "whether the order 'o-1' was paused is not known"),
        (["cancel", "o-1"], "DELETE", "/orders/o-1", "whether the order 'o-1' was canceled is not known"),
        (["amend", "o-1", "--no-limit"], "PATCH", "/orders/o-1", "'o-1' was amended is not known"),
    ],
)
async def test_the_command_line_says_how_to_look(
    *, signed_in: Twap, server: ScriptedServer, command: list[str], method: str, path: str, said: str
) -> None:
    server.orders["o-1"] = order("o-1")
    server.script(method, path, *CUT)
    lost = await signed_in(*command)
    assert (lost.code, lost.out) == (6, "")
    assert lost.err.endswith(f"{said}: `twap order o-1`\n") and lost.err.count("\n") == 1
    assert "orders.get" not in lost.err


async def interrupted(
    server: ScriptedServer, folder: Path, *command: str, when: Callable[[], Awaitable[object]]
) -> tuple[int, str]:
    """Run ``twap``, press Ctrl-C, and give exit code and stderr."""
    environment = os.environ | {"TWAP_SERVER_URL": server.url, "TWAP_CONFIG_DIR": str(folder / "config")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from twap_client.cli import main; main()", *command),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        await when()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    return process.returncode or 0, err.decode()


@pytest.mark.usefixtures("signed_in")
async def test_ctrl_c_while_watching_says_that_the_order_goes_on(
    server: ScriptedServer, tmp_path: Path
) -> None:
    command = [*SUBMIT, "--token-id", "o-1", "--yes", "--watch"]
    code, err = await interrupted(server, tmp_path, *command, when=lambda: server.subscribed("orders"))
    assert code == 130
    assert err == "the order o-1 goes on: `twap watch o-1` follows it, `twap cancel o-1` cancels it\n"


@pytest.mark.usefixtures("signed_in")
async def test_ctrl_c_before_the_answer_says_that_the_order_may_exist(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.script(*SUBMITTED, Reply(silent=True))
    command = [*SUBMIT, "--token-id", "o-1", "--yes"]
    code, err = await interrupted(server, tmp_path, *command, when=lambda: server.requested(*SUBMITTED))
    assert (code, err) == (130, "interrupted; the order 'o-1' may exist: `twap order o-1`\n")


async def test_a_watch_that_fails_says_that_the_order_goes_on(
    signed_in: Twap, server: ScriptedServer
) -> None:
    server.script("GET", "/orders/o-1", *[problem(500, "internal", "ours")] * 4)
    failed = await signed_in(*SUBMIT, "--token-id", "o-1", "--yes", "--watch")
    assert failed.code == 1 and "the order o-1 goes on" in failed.err
    unknown = await signed_in("watch", "o-2")
    assert unknown.code == 1 and "goes on" not in unknown.err
