"""lab/what_if.py and the commands: one order at a moment, the same as in a tournament."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.tapes import T0_MS, market
from support.tournaments import run, small, table
from twap_models.reading import number
from twap_server.cli.main import app
from twap_server.domain.errors import InvalidRequest
from twap_server.lab import HowToRun, what_if

ORDER: dict[str, Any] = {"exchange": "binance", "symbol": "BTC-USDT", "duration": "5s", "slices": 5}


def command(*args: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, [str(one) for one in args], env={"COLUMNS": "80"})
    return found.exit_code, found.output


def test_is_what_a_tournament_says(tmp_path: Path) -> None:
    path, out = market(tmp_path / "a.gz", seconds=120), tmp_path / "out"
    run(small(path, starts=["+3s"], sizes=["6"], sides=["sell"]), out)
    for row in table(out):
        found = what_if(path, at="+3s", side="sell", quantity="6", strategy=row["strategy"], **ORDER)
        costs = found.report.costs
        assert number(costs.implementation_shortfall.amount) == row["cost"]
        assert number(costs.depth.amount) == row["part_depth"]
        assert found.report.final


def test_a_moment_with_a_zone(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=60)
    at = datetime.fromtimestamp(T0_MS // 1000 + 7, tz=UTC)
    found = what_if(path, at=at, quantity="1", **ORDER)
    assert found.report.decision_price_time == at
    assert found.report.costs.delay.amount == 0


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("+90s", r"at: expected a time from .* to .*, or one such as \+30s"),
        ("2020-01-01T00:00:00Z", "at: expected a time from"),
        ("soon", "at: expected an ISO 8601 time"),
        ("2020-01-01T00:00:00", "at: expected a time from"),
    ],
)
def test_no_such_moment(at: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=words):
        what_if(market(tmp_path / "a.gz", seconds=60), at=at, quantity="1", **ORDER)


def test_a_wrong_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="quantity: "):
        what_if(market(tmp_path / "a.gz", seconds=60), at="+3s", quantity="much", **ORDER)


def test_the_command(tmp_path: Path) -> None:
    path, page = market(tmp_path / "a.gz", seconds=120), tmp_path / "page.html"
    asked = (
        "what-if",
        path,
        "--at",
        "+3s",
        "--exchange",
        "binance",
        "--symbol",
        "BTC-USDT",
        "--quantity",
        "6",
    )
    code, said = command(*asked, "--duration", "5s", "--slices", "5", "--html", page, "--fills")
    assert code == 0, said
    assert said.startswith("what-if: buy 6 BTC-USDT on binance, Filled: 6 at ")
    assert said.count(" slice ") >= 5
    assert page.read_text("utf-8").startswith("<!doctype html>")
    code, said = command(*asked, "--duration", "5s", "--slices", "5", "--json")
    assert (code, json.loads(said)["status"]) == (0, "Filled")
    code, said = command(*asked, "--strategy", "pov", "--field", "participation=1")
    assert code == 0, said
    assert "Expired" in said
    code, said = command(*asked, "--limit", "1", "--duration", "5s")
    assert (code, "Expired" in said) == (0, True)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--quantity", "0.0000001"], 5, "Rejected"),
        (["--strategy", "vwop"], 2, "strategy: expected 'twap', 'vwap'"),
        (["--field", "colour"], 2, "expected NAME=VALUE"),
        (["--field", "colour=red"], 2, "colour: an order has no such field"),
        (["--slices", "3", "--interval", "1s"], 2, "give interval or slices, not both"),
        (["--html", "/proc/none/page.html"], 2, "cannot write /proc/none/page.html"),
    ],
)
def test_the_command_says_what_is_wrong(more: list[str], code: int, words: str, tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=120)
    asked = [
        "what-if",
        path,
        "--at",
        "+3s",
        "--exchange",
        "binance",
        "--symbol",
        "BTC-USDT",
        "--quantity",
        "6",
    ]
    found, said = command(*asked, *more)
    assert (found, words in said) == (code, True), said


def test_a_tournament_from_a_file(tmp_path: Path) -> None:
    market(tmp_path / "a.gz", seconds=60)
    file = tmp_path / "mine.toml"
    wanted = small(Path("a.gz"))
    lines = [f"{name} = {json.dumps(wanted[name])}" for name in ("recordings", "sides", "sizes")]
    lines += ['starts = { every = "5s", from = "+2s", until = "+12s" }', "[order]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in wanted["order"].items()]
    file.write_text("\n".join([*lines, "[strategies.twap]", "[strategies.sweep]", 'strategy = "sweep"']))
    code, said = command("tournament", file, "--workers", "1", "--reports", "4")
    assert code == 0, said
    first, *_, last = said.splitlines()
    assert first == "2 strategies in 12 cases over 1 recording: 24 runs"
    assert last.startswith("done in ") and last.endswith("mine/index.html")
    run(small(tmp_path / "a.gz"), tmp_path / "same", HowToRun(workers=1, reports=4))
    assert (tmp_path / "mine" / "runs.csv").read_bytes() == (tmp_path / "same" / "runs.csv").read_bytes()


def test_the_tournament_command_says_what_is_wrong(tmp_path: Path) -> None:
    code, said = command("tournament", tmp_path / "none.toml")
    assert (code, "cannot read the tournament" in said) == (2, True), said
    code, said = command("tournament", tmp_path / "none.toml", "--reports", "some")
    assert (code, "--reports some: expected a number of orders, or all" in said) == (2, True), said
    assert os.listdir(tmp_path) == []


ASKED = ("--exchange", "binance", "--symbol", "BTC-USDT", "--duration", "5s", "--slices", "5")


@pytest.mark.parametrize("weights", ["1,2,3", "[1,2,3]", '["1","2","3"]'])
def test_weights_are_given_in_any_spelling(weights: str, tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    asked = ("--at", "+3s", "--quantity", "6", "--strategy", "vwap")
    code, said = command("what-if", path, *ASKED, *asked, "--field", f"volume_profile={weights}", "--json")
    assert code == 0, said
    given = what_if(path, at="+3s", quantity="6", strategy="vwap", volume_profile=["1", "2", "3"], **ORDER)
    assert json.loads(said)["sha256"] == given.report.sha256


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--at", "30"], "--at: expected an ISO 8601 time, or one such as '+30s' after the"),
        (["--at", "+8m30s"], "--at: expected a time from 2024-"),
        (["--at", "+-5s"], "--at: expected a positive duration, such as '5m', got '-5s'"),
        (["--quantity", "much"], "--quantity: expected a decimal number of at most 30 digits, got 'much'"),
        (["--interval", "-5s"], "--interval: expected a positive duration, such as '5m', got '-5s'"),
        (["--limit", "low"], "--limit: expected a decimal number"),
        (["--field", "volume_profile=1,a", "--strategy", "vwap"], "--field volume_profile: expected a"),
        (["--field", "realism={", "--strategy", "vwap"], "--realism: expected a list or table as JSON, got"),
        (["--field", "randomise=1"], "--field randomise: an order has no such field; did you mean randomize"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_as_it_was_given(asked: list[str], words: str, tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    code, said = command("what-if", path, *ASKED, "--at", "+3s", "--quantity", "6", *asked)
    assert (code, words in said) == (2, True), said


def test_what_was_written_is_told(tmp_path: Path) -> None:
    path, page = market(tmp_path / "a.gz", seconds=30), tmp_path / "page.html"
    asked = (*ASKED, "--at", "+3s", "--quantity", "6", "--html", page)
    assert command("what-if", path, *asked)[1].splitlines()[-1] == f"report written: {page}"
    assert json.loads(command("what-if", path, *asked, "--json")[1])["status"] == "Filled"


def test_why_it_was_rejected_is_told_once_and_for_here(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    code, said = command("what-if", path, *ASKED, "--at", "+3s", "--quantity", "0.000001")
    assert (code, said.count("below the smallest order"), "token_id" in said) == (5, 1, False), said
