"""``twap tournaments`` and ``twap tournament``: whole at every width; pages as files; what does not fit."""

import json
from pathlib import Path

import pytest

from support import tournament_folders
from support.client import Twap, drawn
from twap_client.cli.tournament_view import list_view, result_view
from twap_client.testing import Reply, ScriptedServer
from twap_client.testing.examples import NOON
from twap_models import ListedTournament, TournamentResult

LISTED = {
    "name": "two-ways", "title": "Two ways", "finished": NOON, "cases": 20, "runs": 40_000,
    "strategies": ["twap", "sweep"], "baseline": "twap",
}  # fmt: skip
BROKEN = LISTED | {"name": "broken", "runs": 0, "cases": 0, "problem": "format: expected 1, got 7"}
WIDTHS = [60, 80, 120, 200]


def result(**changed: object) -> TournamentResult:
    return TournamentResult.model_validate(tournament_folders.result(**changed))


@pytest.fixture
def shelf(server: ScriptedServer) -> ScriptedServer:
    """A server that has one tournament and answers each question about it some times."""
    for path, reply in {
        "/tournaments": Reply(body=[ListedTournament.model_validate(LISTED).to_wire()]),
        "/tournaments/two-ways": Reply(body=result().to_wire()),
        "/tournaments/two-ways/page": Reply(body="<!doctype html>all of it", kind="text/html"),
        "/tournaments/two-ways/reports/1-abc.html": Reply(body="<!doctype html>run 1", kind="text/html"),
    }.items():
        server.script("GET", path, *[reply] * 4)
    return server


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_of_the_list_is_cut(width: int) -> None:
    found = [ListedTournament.model_validate(one) for one in (LISTED, BROKEN)]
    whole = "\n".join(drawn(list_view(found), width))
    for part in ("two-ways", "2026-01-01 12:00:00", "40,000", "Two ways", "twap, sweep", "expected 1, got 7"):
        assert part in whole, whole
    assert "api.tournaments" in drawn(list_view([]), 80)[0]


def test_small_differences_are_shown_with_the_digits_that_tell_them_apart() -> None:
    made = tournament_folders.result()
    twap, sweep = made["groups"][0]["strategies"]
    twap["cost"] |= {"mean": 0.0114, "low": 0.0092, "high": 0.0138}
    sweep["cost"] |= {"mean": 0.0123}
    sweep["difference"] |= {"mean": 0.0009, "low": 0.0006, "high": 0.017}
    twap["parts"], sweep["parts"] = {"depth": 0.011}, {"depth": 0.012}
    made["orders"][0]["cost_bps"] = 0.0008
    whole = "\n".join(drawn(result_view("small", TournamentResult.model_validate(made), with_runs=True), 200))
    for part in ("0.0114", "0.0123", "+0.0009", "0.0006 to 0.0170", "0.0092 to 0.0138", " 0.0110", "0.0008"):
        assert part in whole, whole
    assert "+0.00 " not in whole and "0.00 to" not in whole


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_of_a_result_is_cut(width: int) -> None:
    whole = "\n".join(drawn(result_view("two-ways", result(), with_runs=True), width))
    for part in (
        "two-ways  Two ways", "40 runs in 20 cases, compared with twap", "duration 15s",
        "sweep: strategy sweep", "all, 20 cases", "sell, 10 cases", "4.75", "+3.25", "dearer",
        "1.50 to 5.06", "1.00 to 2.00",
        "no difference shown", "-0.25 to 1.25", "100.0 %", "timing", "-0.50", "2026-11-30 12:10:00",
        "● Filled", "0.2 of 0.2", "60000.1235", "Made by hand.",
    ):  # fmt: skip
        assert part in whole, whole


def test_what_is_not_known_is_said_and_runs_are_shown_where_they_are_wanted() -> None:
    nothing = {"strategy": "pov", "runs": 2, "filled": 0, "rejected": 2, "unpriced": 0}
    group = {
        "market": "binance:BTC-USDT",
        "side": "buy",
        "quantity": 0.2,
        "cases": 1,
        "strategies": [nothing],
    }
    shown = "\n".join(drawn(result_view("one", result(groups=[group], orders=[])), 120))
    assert "binance:BTC-USDT buy 0.2, 1 case:" in shown
    assert "–" in shown and "where it came from" not in shown
    assert "● Filled" not in "\n".join(drawn(result_view("two-ways", result()), 120))


@pytest.mark.parametrize("width", WIDTHS)
def test_how_many_orders_were_rejected_is_said_first(width: int) -> None:
    made = tournament_folders.result()
    for one, rejected in zip(made["groups"][0]["strategies"], (1, 6), strict=True):
        one["rejected"] = rejected
    shown = drawn(result_view("two-ways", TournamentResult.model_validate(made)), width)
    assert shown[1].startswith("40 runs in 20 cases, 7 rejected, compared with twap")


async def test_the_commands_list_and_show(signed_in: Twap, shelf: ScriptedServer) -> None:
    assert "two-ways" in (await signed_in("tournaments")).out
    assert (await signed_in("tournaments", "-o", "csv")).out.splitlines()[1].startswith("two-ways,Two ways,")
    shown = await signed_in("tournament", "two-ways")
    assert shown.code == 0 and "dearer" in shown.out and "\nruns\n" not in shown.out
    assert "\nruns\n" in (await signed_in("tournament", "two-ways", "--runs")).out
    assert len((await signed_in("tournament", "two-ways", "-o", "csv")).out.splitlines()) == 41
    as_json = await signed_in("tournament", "two-ways", "--json")
    assert json.loads(as_json.out)["orders"][0]["average_price"] == 60000.123456789012


async def test_pages_are_written(signed_in: Twap, shelf: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    shown = await signed_in("tournament", "two-ways", "--html", str(file))
    assert file.read_text() == "<!doctype html>all of it"
    assert "dearer" in shown.out and "page.html" in shown.err
    alone = await signed_in("tournament", "two-ways", "--html", "-", "--run", "1")
    assert (alone.code, alone.out) == (0, "<!doctype html>run 1")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--run", "1"], "give --html FILE"),
        (["--html", "-", "--json"], "standard output takes one"),
        (["--html", "-", "--run", "99"], "no such run"),
        (["--html", "-", "--run", "2"], "--reports all"),
    ],
)
async def test_what_does_not_fit_is_told(
    signed_in: Twap, shelf: ScriptedServer, typed: list[str], words: str
) -> None:
    refused = await signed_in("tournament", "two-ways", *typed)
    assert (refused.code, refused.out) == (2, "") and words in refused.err


async def test_of_very_many_runs_it_says_which_are_listed(signed_in: Twap, server: ScriptedServer) -> None:
    many = Reply(body=result(runs=5_000).to_wire())
    server.script("GET", "/tournaments/two-ways", many, many)
    assert "40 of 5,000 runs" in (await signed_in("tournament", "two-ways", "--runs")).err
    assert "runs.csv" in (await signed_in("tournament", "two-ways", "-o", "csv")).err
