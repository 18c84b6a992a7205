"""Whatever is typed anywhere is answered in our own words: no validator's grammar, no traceback."""

import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import typer.main

from support.client import SUBMIT, Twap
from twap_client.cli.app import app
from twap_client.testing import ScriptedServer, order

FOREIGN = re.compile(
    r"Value should|Value error|[Vv]alidation|Input should|String should|List should|pydantic|Traceback|"
    r"Field required|not permitted|unable to parse|NoneType|Errno"
)
ODD = [
    "",
    " ",
    "x",
    "-1",
    "0",
    "1.5",
    "1e999",
    "NaN",
    "٣",
    "a b",
    "x" * 300,
    "..",
    "=",
    "1_0",
    "ü/../ü",
    "9" * 400,
]
TRIED = 5
REQUIRED = {
    "EXCHANGE": "binance", "SYMBOL": "BTC-USDT", "SIDE": "buy", "QUANTITY": "0.5", "TOKEN": "o-1",
    "NAME": "key", "ID": "key-1",
}  # fmt: skip
WITH = {
    "submit": ["--duration", "1m", "--interval", "5", "--dry-run"],
    "register": ["-u", "grace", "-p", "battery staple"],
    "login": ["-u", "ada", "-p", "correct horse"],
    "amend": ["--quantity", "1"],
}
ENDLESS = {"watch", "top"}
"""They end with what they follow: here only what is refused at once is tried, in tests of their own."""


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        elif name not in ENDLESS:
            yield (*path, name), command


def lines() -> Iterator[list[str]]:
    """Each command with each option and each argument in turn given some odd values, other ones each time."""
    odd = cycle(ODD)
    for path, command in commands(typer.main.get_command(app)):
        names = [str(item.metavar or item.name).upper() for item in command.params if is_argument(item)]
        good = [REQUIRED.get(name, "o-1") for name in names]
        beside = WITH.get(path[-1], [])
        for option in (item for item in command.params if takes_value(item)):
            yield from ([*path, *good, *beside, option.opts[0], next(odd)] for _ in range(TRIED))
        for place in range(len(good)):
            for _ in range(TRIED):
                yield [*path, *good[:place], next(odd), *good[place + 1 :], *beside]


def is_argument(item: Any) -> bool:
    return bool(item.param_type_name == "argument")


def takes_value(item: Any) -> bool:
    return item.param_type_name == "option" and not item.is_flag and not is_file(item)


def is_file(item: Any) -> bool:
    return item.name in ("html", "csv", "fills")


LINES = list(lines())


def test_there_is_much_to_try() -> None:
    assert len(LINES) > 200


@pytest.mark.parametrize("command", sorted({line[0] for line in LINES}))
async def test_no_foreign_words(signed_in: Twap, server: ScriptedServer, command: str) -> None:
    server.orders["o-1"] = order("o-1", status="Working")
    for line in (line for line in LINES if line[0] == command):
        done = await signed_in(*line, given="")
        assert not FOREIGN.search(done.out + done.err), (line, done)
        assert done.code in (0, 1, 2, 5, 6), (line, done)
        assert done.code == 0 or done.err, (line, done)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say how it is sliced: --interval 5 (seconds; or 1m), or --slices N"),
        (["--interval", "5", "--slices", "3"], "give --interval or --slices, not both"),
        (["--interval", "5", "--end", "+5m"], "give --end or --duration, not both"),
        (["--slices", "10000000"], "--slices: expected 1000000 or less"),
        (["--interval", "5", "--limit", "cheap"], "--limit: expected"),
    ],
)
async def test_what_is_wrong_is_named_by_its_option(signed_in: Twap, options: list[str], said: str) -> None:
    done = await signed_in("submit", "binance", "BTC-USDT", "buy", "1", "--duration", "1m", *options)
    assert (done.code, done.out) == (2, "") and done.err.startswith(f"twap: {said}")


async def test_what_people_type_is_taken(signed_in: Twap, server: ScriptedServer) -> None:
    orders = (
        ["BUY", "1", "--duration", "1 hour"],
        ["Sell", "1", "--duration", "1h30m"],
        ["buy", "1", "--duration", "00:05:00", "--carry", "SKIP"],
    )
    for words in orders:
        command = ["submit", "Binance", "btc/usdt", *words, "--interval", "1 min", "--yes"]
        assert (await signed_in(*command)).code == 0, words
    sent = [item.json for item in server.requests if item.path == "/orders/twap"]
    assert [(item["side"], item["duration"]) for item in sent] == [
        ("buy", 3600),
        ("sell", 5400),
        ("buy", 300),
    ]
    assert sent[2]["carry"] == "skip" and sent[0]["interval"] == 60


async def test_a_number_below_zero_is_no_option(signed_in: Twap) -> None:
    done = await signed_in("submit", "binance", "BTC-USDT", "buy", "-0.5", *SUBMIT[5:])
    assert done.code == 2 and "a number below 0 is no quantity" in done.err


async def test_short_help_and_version(twap: Twap) -> None:
    assert (await twap("-h")).code == 0 and (await twap("submit", "-h")).code == 0
    told = await twap("--version")
    assert told.code == 0 and re.fullmatch(r"twap \d+\.\d+\.\d+\n", told.out)


async def test_an_address_without_its_scheme(
    signed_in: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = server.url.removeprefix("http://")
    assert (await signed_in("--server", bare, "whoami")).code == 0
    monkeypatch.setenv("TWAP_SERVER_URL", bare)
    assert (await signed_in("whoami")).code == 0


async def test_a_wrong_password_is_not_told_to_sign_in(twap: Twap) -> None:
    refused = await twap("login", "-u", "ada", "-p", "wrong password")
    assert (refused.code, "twap login" in refused.err) == (6, False), refused.err
