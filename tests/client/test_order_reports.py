"""Execution reports: fetched exactly, drawn to text, written to files."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from support.records import by_hand, record
from support.records import order as bare
from twap_client import NotFound, TwapClient
from twap_client.cli.app import app
from twap_client.cli.report_view import report_view
from twap_client.testing import ScriptedServer, order
from twap_client.testing.server import problem
from twap_models import ExecutionReport, exact_json
from twap_models.enums import OrderStatus
from twap_models.reading import WAYS
from twap_server.reports.present import execution_report


def text(picture: RenderableType, width: int) -> str:
    console = Console(width=width, record=True, force_terminal=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(picture)
    return console.export_text()


def add_order(server: ScriptedServer) -> ExecutionReport:
    """Let a server have an order with a report."""
    server.orders["o-1"] = order("o-1", status="Expired")
    made = server.reports["o-1"] = execution_report(by_hand())
    return made


async def test_a_report_arrives_as_it_was_worked_out(server: ScriptedServer, client: TwapClient) -> None:
    made = add_order(server)
    assert await client.orders.report("o-1") == made
    with pytest.raises(NotFound):
        await client.orders.report("o-2")


async def test_digits_that_may_not_be_sent_may_be_told(server: ScriptedServer, client: TwapClient) -> None:
    long = Decimal("1234567890123456789012345678901234567890.123456789012345678901234567890123456789")
    server.orders["o-1"], server.reports["o-1"] = order("o-1"), ExecutionReport(notional=long)
    assert (await client.orders.report("o-1")).notional == long


async def test_files_are_given_as_text(server: ScriptedServer, client: TwapClient) -> None:
    add_order(server)
    assert await client.orders.report_html("o-1") == "<!doctype html><title>o-1</title>"
    assert (await client.orders.report_csv("o-1", table="fills")).endswith("token_id,o-1,\r\n")
    assert server.requests[-1].query == {"format": "csv", "table": "fills"}
    await client.orders.report_csv("o-1", table="slices", latest=2)
    assert server.requests[-1].query == {"format": "csv", "table": "slices", "latest": "2"}
    with pytest.raises(NotFound, match="no order"):
        await client.orders.report_html("o-2")
    server.script("GET", "/orders/o-1/report", problem(503, "storage_unavailable", "busy"))
    assert await client.orders.report_csv("o-1"), "a passing failure is repeated"


# On the terminal


@pytest.mark.parametrize("width", [80, 120])
def test_the_view_fits_and_has_the_figures(width: int) -> None:
    shown = text(report_view(execution_report(by_hand())), width)
    assert max(map(len, shown.splitlines())) <= width
    for part in (
        "t-1  buy 4 BTC-USDT on binance  Expired",
        "3 BTC (75.0 %) in 3 fills at 102.1083",
        "+10.631325  +265.78",
        "+160.03",
        "102.2059",
        "participation 50.00 %",
        "at best prices",
        "+144.47",
        "3 of 3",
        "2 filled, 2 missed",
        "stale_book",
        "BTC, 25.00 %",
        "note A mid was known in 29.75 %",
        "simulated",
    ):
        assert part in shown, part


@pytest.mark.parametrize("filled", [True, False])
def test_the_last_rows_of_a_small_screen_say_the_essential(filled: bool) -> None:
    made = execution_report(by_hand())
    if not filled:
        made = made.model_copy(
            update={"fills": 0, "notes": ["Nothing was filled: no_book in 4 of 4 slices."]}
        )
    seen = "\n".join(text(report_view(made), 80).splitlines()[-20:])
    assert "t-1  buy 4 BTC-USDT on binance  Expired" in seen
    wanted = ("3 BTC (75.0 %) in 3 fills at 102.1083", "shortfall +10.631325 USDT (+265.78 bps)")
    assert all((part in seen) is filled for part in wanted), seen
    assert ("Nothing was filled: no_book" in seen) is not filled


def test_the_dashboard_calls_the_other_ways_by_the_same_names() -> None:
    page = files("twap_server.dashboard").joinpath("static/views/order/report.js").read_text("utf-8")
    for field, (name, _) in WAYS.items():
        assert f'["{field}", "{name}",' in page, field


def test_the_waterfall_goes_on_where_the_part_before_ended() -> None:
    table, _, _ = text(report_view(execution_report(by_hand())), 80).partition("in short")
    lines = {line.split()[0]: line for line in table.splitlines() if line}
    bars = {
        name: lines[name][lines[name].index("█") :].rstrip() for name in ("delay", "timing", "opportunity")
    }
    begins = {name: lines[name].index("█") for name in bars}
    assert begins["timing"] == begins["delay"] + len(bars["delay"])
    assert len(bars["timing"]) == len(bars["opportunity"]), "4 and 4"
    assert lines["shortfall"].count("█") == 26


def test_a_gain_is_drawn_otherwise_than_a_cost() -> None:
    made = execution_report(by_hand())
    lower = made.costs.model_copy(
        update={"timing": made.costs.timing.model_copy(update={"amount": Decimal(-4)})}
    )
    shown = text(report_view(made.model_copy(update={"costs": lower})), 80)
    line = next(line for line in shown.splitlines() if line.startswith("timing"))
    assert "▒" in line and "█" not in line


@pytest.mark.parametrize(
    "made",
    [
        ExecutionReport(),
        execution_report(record(bare(status=OrderStatus.ACCEPTED))),
        execution_report(record(bare(status=OrderStatus.REJECTED, slices=0))),
        execution_report(replace(by_hand(), samples=())),
    ],
)
def test_whatever_is_missing_is_a_dash(made: ExecutionReport) -> None:
    shown = text(report_view(made), 80)
    assert "None" not in shown and "–" in shown


async def test_the_command_shows_and_writes(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    monkeypatch.setenv("COLUMNS", "80")
    add_order(server)
    page, sheet = tmp_path / "report.html", tmp_path / "report.csv"

    async def twap(*args: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, list(args))
        assert "Traceback" not in done.output
        return done.exit_code, done.stdout, done.stderr

    await twap("login", "-u", "ada", "-p", "correct horse")
    code, out, said = await twap("report", "o-1", "--html", str(page), "--csv", str(sheet))
    assert code == 0 and "+10.631325" in out and str(page) in said.replace("\n", "")
    assert page.read_text() == "<!doctype html><title>o-1</title>"
    assert sheet.read_bytes().endswith(b"token_id,o-1,\r\n")
    code, _, _ = await twap("report", "o-1", "--fills", str(sheet))
    assert code == 0 and server.requests[-1].query == {"format": "csv", "table": "fills"}
    code, out, _ = await twap("report", "o-1", "--json")
    assert exact_json.loads(out)["costs"]["timing"] == {"amount": 4, "bps": 100}
    code, out, said = await twap("report", "o-1", "--html", str(tmp_path / "no" / "folder.html"))
    assert code == 1 and out == "" and "no/folder.html" in said
