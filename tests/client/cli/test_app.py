"""The twap command: exit codes, JSON, one-line errors, where the sign-in is kept."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest

from support.client import SUBMIT, Twap
from twap_client.testing import Reply, ScriptedServer, book, candle, exchange, instrument, order, preview
from twap_client.testing.server import problem
from twap_models import OrderStatus, TwapOrderDetail, exact_json


async def test_sign_in_is_kept_in_a_private_file(twap: Twap, tmp_path: Path, server: ScriptedServer) -> None:
    done = await twap("login", given="ada\ncorrect horse\n")
    assert done.code == 0 and done.out.endswith(f"signed in to {server.url} as ada\n")
    path = tmp_path / "config" / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert json.loads(path.read_text())[server.url]["refresh_token"] == "refresh-1"
    assert "correct horse" not in path.read_text()
    assert (
        await twap("whoami", "--json")
    ).out == '{"username":"ada","created":"2026-01-01T12:00:00.000000Z","is_admin":false}\n'
    server.revoke()
    assert (await twap("whoami")).code == 0
    assert json.loads(path.read_text())[server.url]["refresh_token"] == "refresh-2"
    assert (await twap("logout")).code == 0
    assert json.loads(path.read_text()) == {}
    after = await twap("whoami")
    assert (after.code, after.out) == (6, "")
    assert "sign in to" in after.err and "`twap login`" in after.err and after.err.count("\n") == 1


async def test_register_signs_in(twap: Twap, server: ScriptedServer) -> None:
    assert (await twap("register", "-u", "grace", "-p", "battery staple")).code == 0
    assert (await twap("whoami")).code == 0
    again = await twap("register", "-u", "grace", "-p", "battery staple")
    assert (again.code, again.err) == (1, "twap: the name 'grace' is taken (username_taken)\n")
    short = await twap("register", "-u", "x", "-p", "battery staple")
    assert short.code == 2 and "username" in short.err


async def test_a_wrong_password_is_exit_code_6(twap: Twap) -> None:
    refused = await twap("login", "-u", "ada", "-p", "wrong password")
    assert refused.code == 6
    assert refused.err.startswith("twap: wrong name or password") and refused.err.count("\n") == 1


async def test_after_too_many_wrong_ones_the_wait_is_told(twap: Twap, server: ScriptedServer) -> None:
    words = "too many wrong passwords: try again in 2 min 8 s"
    server.script("POST", "/auth/token", *[problem(429, "rate_limited", words, retry_after="128")] * 4)
    refused = await twap("login", "-u", "ada", "-p", "correct horse")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"twap: {words} (rate_limited)\n"
    sent = [asked for asked in server.requests if asked.path == "/auth/token"]
    assert len(sent) == 1, "no attempt before the wait is over"


async def test_a_key_that_does_not_count_is_not_cured_by_a_sign_in(
    twap: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_API_KEY", "revoked")
    server.script("GET", "/auth/me", problem(401, "not_authenticated", "no valid access token or API key"))
    refused = await twap("whoami")
    assert refused.code == 6
    assert "TWAP_API_KEY is used" in refused.err and "twap login" not in refused.err


@pytest.mark.parametrize("command", [["login", "-u", "ada", "-p", "correct horse"], ["logout"]])
async def test_a_key_that_goes_before_a_sign_in_is_said(
    twap: Twap, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_API_KEY", "a-key")
    told = await twap(*command)
    assert told.code == 0 and "TWAP_API_KEY is set: every command uses that key" in told.err
    monkeypatch.delenv("TWAP_API_KEY")
    assert "TWAP_API_KEY" not in (await twap(*command)).err


async def test_a_server_of_another_kind_is_told(twap: Twap, server: ScriptedServer) -> None:
    server.script("GET", "/exchanges", Reply(status=404, body={"not": "ours"}))
    refused = await twap("exchanges")
    assert refused.code == 1
    assert refused.err.startswith("twap: HTTP 404 is no answer of a twap server: is the address right,")


async def test_nobody_listens(twap: Twap) -> None:
    failed = await twap("--server", "http://127.0.0.1:1", "exchanges")
    assert (failed.code, failed.out) == (6, "")
    assert failed.err == (
        "twap: cannot reach http://127.0.0.1:1: nothing listens there: is the server running? "
        "start it with `twap-server start`\n"
    )


@pytest.mark.parametrize(
    "args",
    [
        ["no-such-command"],
        ["klines", "binance"],
        ["--server", "nonsense", "exchanges"],
        ["submit", "binance", "BTC-USDT", "hold", "1"],
        ["submit", "binance", "BTC-USDT", "buy", "1_0", "--duration", "1m", "--slices", "3"],
        ["submit", "binance", "BTC-USDT", "buy", "1", "--duration", "1m"],
        ["submit", "binance", "BTC-USDT", "buy", "1", "--duration", "soon", "--slices", "3"],
        ["watch", "--book", "BTC-USDT"],
    ],
)
async def test_usage_is_exit_code_2(twap: Twap, args: list[str]) -> None:
    wrong = await twap(*args)
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err


async def test_market_commands(twap: Twap, server: ScriptedServer) -> None:
    server.exchanges = [exchange(), exchange("kraken", status="down", reason="refused")]
    server.instruments = [instrument()]
    server.candles = [candle(0), candle(1, closed=False)]
    server.books["binance:BTC-USDT"] = book(status="stale", reason="no news")
    for args, expected in (
        (["exchanges"], ["binance\tconnected\t", "refused"]),
        (["symbols", "binance", "--q", "btc"], ["BTC-USDT", "0.00001"]),
        (["klines", "binance", "BTC-USDT"], ["2026-01-01 12:00:00", "12.3456789", "forming"]),
        (["book", "binance", "BTC-USDT"], ["61837.63", "\tstale\tno news\tbid\t", "1.25"]),
    ):
        shown = await twap(*args)
        assert shown.code == 0 and shown.err == ""
        assert all(text in shown.out for text in expected), shown.out
        for command in ([*args, "--json"], ["--json", *args]):
            assert exact_json.loads((await twap(*command)).out)
    missing = await twap("book", "binance", "NOPE")
    assert (missing.code, missing.err) == (1, "twap: no symbol 'NOPE' (unknown_symbol)\n")


async def test_a_chart_is_no_json(twap: Twap, server: ScriptedServer) -> None:
    server.candles = [candle(0), candle(1, closed=False)]
    drawn = await twap("klines", "binance", "BTC-USDT", "--chart")
    assert drawn.code == 0 and "binance BTC-USDT 1m" in drawn.out and "still forming" in drawn.out
    refused = await twap("klines", "binance", "BTC-USDT", "--chart", "--json")
    assert (refused.code, refused.out) == (2, "") and "leave out --json" in refused.err


async def test_candles_cut_by_the_exchange_are_said_beside_the_result(
    twap: Twap, server: ScriptedServer
) -> None:
    server.candles, server.oldest_available = [candle(0)], "2026-01-01T11:00:00Z"
    shown = await twap("klines", "kraken", "BTC-USDT", "--limit", "50", "--json")
    assert shown.code == 0 and len(exact_json.loads(shown.out)) == 1
    assert shown.err == "1 of 50: kraken has no 1m candles from before 2026-01-01 11:00:00 UTC\n"


async def test_json_is_exact(twap: Twap, server: ScriptedServer) -> None:
    server.candles = [candle(close="0.123456789012345678")]
    assert '"close":0.123456789012345678' in (await twap("klines", "binance", "X", "--json")).out


async def test_submit_then_look_and_cancel(signed_in: Twap, server: ScriptedServer) -> None:
    made = await signed_in(*SUBMIT, "--token-id", "o-1", "--limit", "61837.6300000001", "--yes")
    assert made.code == 0 and made.out.startswith("o-1  buy 0.5 BTC-USDT on binance  Accepted")
    assert "twap watch o-1" in made.err
    assert b'"price":61837.6300000001' in server.requests[-1].body
    assert "Accepted" in (await signed_in("orders")).out
    listed = exact_json.loads((await signed_in("orders", "--status", "Accepted", "--json")).out)
    assert [item["token_id"] for item in listed] == ["o-1"]
    assert "61837.6300000001" in (await signed_in("order", "o-1")).out
    assert "arrival mid" in (await signed_in("report", "o-1")).out
    assert exact_json.loads((await signed_in("report", "o-1", "--json")).out)["fills"] == 0
    assert "Canceled" in (await signed_in("cancel", "o-1")).out
    assert (await signed_in("cancel", "o-1")).code == 1


async def test_a_rejected_order_is_exit_code_5(signed_in: Twap, server: ScriptedServer) -> None:
    rejected = order("o-1", status="Rejected", reason="window_elapsed", detail="the end has passed")
    server.script("POST", "/orders/twap", Reply(status=400, body=[rejected.to_wire()]))
    made = await signed_in(*SUBMIT, "--yes")
    assert made.code == 5 and "rejected: the end has passed" in made.err


async def test_wrong_fields_from_the_server_are_usage(signed_in: Twap, server: ScriptedServer) -> None:
    server.script("POST", "/orders/twap", problem(422, "invalid_request", "the request is not valid"))
    made = await signed_in(*SUBMIT, "--yes")
    assert (made.code, made.err) == (2, "twap: the request is not valid (invalid_request)\n")


@pytest.mark.parametrize(
    ("status", "code"), [("Filled", 0), ("Expired", 3), ("Canceled", 4), ("Failed", 5), ("Rejected", 5)]
)
async def test_watch_of_a_closed_order(
    signed_in: Twap, server: ScriptedServer, status: str, code: int
) -> None:
    server.orders["o-1"] = order("o-1", status=status)
    watched = await signed_in("watch", "o-1")
    assert watched.code == code and status in watched.out


def sliced(
    detail: TwapOrderDetail, filled: str, **fields: object
) -> tuple[TwapOrderDetail, dict[str, object]]:
    """Give the order after a slice, and the event's own parts."""
    part = {
        "index": 0,
        "due_time": "2026-01-01T12:00:00Z",
        "outcome": "filled",
        "wanted_quantity": filled,
        "filled_quantity": filled,
        "average_price": "61837.64",
    }
    fill = {
        "fill_id": "f-1",
        "slice": 0,
        "time": "2026-01-01T12:00:00Z",
        "exchange": "binance",
        "price": "61837.64",
        "quantity": filled,
        "fee": 0,
    }
    after = TwapOrderDetail.model_validate(
        detail.model_dump() | {"filled_quantity": filled, "slices": [part], "fills": [fill]} | fields
    )
    return after, {"slice": part, "fills": [fill]}


async def test_watch_follows_an_order_to_its_end(signed_in: Twap, server: ScriptedServer) -> None:
    start = server.orders["o-1"] = order("o-1", quantity="0.5")

    async def trade() -> None:
        socket = await server.subscribed("orders", "binance:BTC-USDT")
        await server.requested("GET", "/orders/o-1", times=2)
        server.push_book(book())
        server.push_event("accepted", order("other"))
        middle, parts = sliced(start, "0.2", status=OrderStatus.WORKING)
        server.push_event("slice", middle, **parts)
        socket.abort()
        done, _ = sliced(start, "0.5", status=OrderStatus.FILLED)
        server.push_event("ended", done)

    async with asyncio.TaskGroup() as group:
        group.create_task(trade())
        watching = group.create_task(asyncio.wait_for(signed_in("watch", "o-1"), 20))
    watched = watching.result()
    assert watched.code == 0, watched
    lines = watched.out.splitlines()
    assert any("slice 1 filled: 0.2 of 0.2 at 61837.64 [Working 40.0 %]" in line for line in lines)
    assert any(line.startswith("o-1  buy 0.5 BTC-USDT on binance  Filled  100.0 % filled") for line in lines)
    assert "other" not in watched.out


async def test_submit_and_watch_in_json_is_one_message_a_line(
    signed_in: Twap, server: ScriptedServer
) -> None:
    async def expire() -> None:
        await server.requested("POST", "/orders/twap")
        server.push_event("accepted", order("o-1"))
        await server.subscribed("orders", "binance:BTC-USDT")
        server.push_book(book())
        server.push_event("ended", order("o-1", status="Expired", fill_state="partial"))

    async with asyncio.TaskGroup() as group:
        group.create_task(expire())
        command = [*SUBMIT, "--token-id", "o-1", "--yes", "--watch", "--json"]
        watching = group.create_task(asyncio.wait_for(signed_in(*command), 20))
    watched = watching.result()
    messages = [exact_json.loads(line) for line in watched.out.splitlines()]
    assert watched.code == 3
    assert [item["event"] for item in messages if item.get("type") == "order_event"] == ["accepted", "ended"]
    assert messages[-1]["status"] == "Expired" and "arrival_slippage_bps" in messages[-1]["report"]


async def run_python(*args: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode(), err.decode()


async def imported_by(*arguments: str) -> tuple[int, str, set[str]]:
    """Run ``twap`` in a process of its own; give how it ended, what it said, and what was imported."""
    code, out, err = await run_python(
        "-c",
        "import sys, atexit; from twap_client.cli import main;"
        "atexit.register(lambda: sys.stderr.write('\\f' + ' '.join(sys.modules)));"
        "main()",
        *arguments,
    )
    return code, out, {name.partition(".")[0] for name in err.rpartition("\f")[2].split()}


async def test_help_imports_nothing_of_the_network() -> None:
    code, out, loaded = await imported_by("--help")
    assert code == 0 and "submit" in out
    assert not loaded & {"httpx", "httpx2", "authlib", "websockets", "pydantic", "twap_models"}


async def test_nothing_is_imported_to_renew_a_sign_in_that_still_counts(
    signed_in: Twap, server: ScriptedServer
) -> None:
    code, out, loaded = await imported_by("orders", "--json")
    assert (code, out) == (0, "[]\n") and "httpx" in loaded
    assert not loaded & {"authlib", "joserfc", "cryptography"}
    server.revoke()
    code, out, loaded = await imported_by("orders", "--json")
    assert (code, out) == (0, "[]\n") and "authlib" in loaded


async def test_without_its_extra_it_says_how_to_install_it() -> None:
    code, out, err = await run_python(
        "-c", "import sys; sys.modules['typer'] = None; from twap_client.cli import main; main()"
    )
    assert (code, out) == (1, "")
    install = "pip install ./packages/twap-models './packages/twap-client[cli]'"
    assert err == f"the twap command needs its extra: from a checkout, {install}\n"


async def test_a_dry_run_shows_the_plan_and_submits_nothing(signed_in: Twap, server: ScriptedServer) -> None:
    shown = await signed_in(*SUBMIT, "--dry-run")
    assert shown.code == 0
    assert "would be accepted" in shown.out and "12 slices, one every 5 s" in shown.out
    assert shown.err == "dry run: nothing was submitted\n"
    assert server.orders == {} and not any(item.path == "/orders/twap" for item in server.requests)
    made = json.loads((await signed_in(*SUBMIT, "--dry-run", "--json")).out)
    assert (made["accepted"], made["slice_count"]) == (True, 12)


async def test_a_dry_run_that_would_be_rejected_ends_with_5(signed_in: Twap, server: ScriptedServer) -> None:
    broken = [
        {"reason": "invalid_quantity", "field": "quantity", "detail": "quantity 0 must be above 0"},
        {"reason": "invalid_price", "field": "price", "detail": "price -5 must be above 0"},
    ]
    rejected = preview(accepted=False, broken=broken).to_wire()
    server.script("POST", "/orders/twap/preview", Reply(body=[rejected]), Reply(body=[rejected]))
    shown = await signed_in(*SUBMIT, "--dry-run")
    assert shown.code == 5 and "2 rules broken" in shown.out
    assert "quantity 0 must be above 0" in shown.out and "price -5 must be above 0" in shown.out
    assert (await signed_in(*SUBMIT, "--dry-run", "--json")).code == 5
