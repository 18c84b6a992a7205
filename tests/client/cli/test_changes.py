"""The twap command on an order at work: pause, resume, amend, events, and the options of submit."""

from decimal import Decimal

import pytest

from support.client import SUBMIT, Twap
from twap_client.testing import ScriptedServer, order
from twap_models import exact_json


async def test_pause_and_resume(signed_in: Twap, server: ScriptedServer) -> None:
    server.orders["o-1"] = order("o-1")
    assert "Paused" in (await signed_in("pause", "o-1")).out
    assert "\tPaused\t" in (await signed_in("orders")).out
    assert exact_json.loads((await signed_in("resume", "o-1", "--json")).out)["status"] == "Accepted"
    await signed_in("cancel", "o-1")
    for command in ("pause", "resume"):
        refused = await signed_in(command, "o-1")
        assert (refused.code, refused.err) == (1, "twap: it is closed (order_not_open)\n")
        unknown = await signed_in(command, "o-2")
        assert (unknown.code, unknown.err) == (1, "twap: no order 'o-2' (order_not_found)\n")


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--quantity", "2.5"], {"quantity": Decimal("2.5")}),
        (["--limit", "61000.01"], {"price": Decimal("61000.01")}),
        (["--no-limit"], {"price": None}),
        (["--end", "+30m", "--limit", "1"], {"price": Decimal(1), "end_time": "+30m"}),
    ],
)
async def test_amend(
    signed_in: Twap, server: ScriptedServer, options: list[str], body: dict[str, object]
) -> None:
    server.orders["o-1"] = order("o-1", price=60000)
    done = await signed_in("amend", "o-1", *options)
    assert (done.code, done.err) == (0, "") and done.out.startswith("o-1  buy")
    assert server.requests[-1].json == body
    assert server.requests[-1].headers["if-match"] == "*"
    assert "revision\t2: amended" in (await signed_in("order", "o-1")).out
    late = await signed_in("amend", "o-1", *options, "--revision", "1")
    assert (late.code, late.err) == (1, "twap: it is at revision 2 (precondition_failed)\n")
    assert exact_json.loads((await signed_in("amend", "o-1", *options, "--revision", "2", "--json")).out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to change: give --quantity, --limit, --no-limit or --end"),
        (["--limit", "1", "--no-limit"], "give --limit or --no-limit, not both"),
        (["--quantity", "1_0"], "quantity: "),
        (["--limit", "cheap"], "--limit: "),
        (["--end", "soon"], "--end: expected an ISO 8601 time, 'now' or '+15m', got 'soon'"),
    ],
)
async def test_a_wrong_amendment_is_one_line_and_exit_code_2(
    signed_in: Twap, server: ScriptedServer, options: list[str], said: str
) -> None:
    before = len(server.requests)
    wrong = await signed_in("amend", "o-1", *options)
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (2, "", 1)
    assert wrong.err.startswith(f"twap: {said}")
    assert len(server.requests) == before, "nothing is sent"


@pytest.mark.parametrize(
    "args",
    [
        ["amend", "o-1", "--revision", "0"],
        ["amend", "o-1", "--revision", "one"],
        ["events", "o-1", "--since", "-1"],
        ["pause"],
        [
            "submit",
            "binance",
            "BTC-USDT",
            "buy",
            "1",
            "--duration",
            "1m",
            "--slices",
            "3",
            "--randomize",
            "x",
        ],
        [*SUBMIT, "--late-start", "never"],
        [*SUBMIT, "--fidelity", "l2"],
    ],
)
async def test_usage_is_exit_code_2(signed_in: Twap, args: list[str]) -> None:
    wrong = await signed_in(*args)
    assert (wrong.code, wrong.out) == (2, "") and wrong.err


async def test_events_are_a_table_or_a_list(signed_in: Twap, server: ScriptedServer) -> None:
    made = server.orders["o-1"] = order("o-1", exchange="aggregate", quantity=2)
    server.push_event("accepted", made)
    part = {
        "index": 0,
        "due_time": "2026-01-01T12:00:00Z",
        "outcome": "partial",
        "reason": "participation_cap",
        "wanted_quantity": 1,
        "filled_quantity": "0.75",
        "average_price": 100,
    }
    fills = [
        {
            "fill_id": f"f-{number}",
            "slice": 0,
            "time": "2026-01-01T12:00:00Z",
            "exchange": exchange,
            "price": 100,
            "quantity": "0.25",
            "fee": 0,
        }
        for number, exchange in enumerate(["binance", "kraken", "binance"])
    ]
    server.push_event(
        "slice", made.model_copy(update={"filled_quantity": Decimal("0.75")}), slice=part, fills=fills
    )
    server.push_event("paused", order("o-1", status="Paused", quantity=2))
    server.push_event("amended", order("o-1", status="Paused", quantity=3, revision=2, price=99))
    shown = await signed_in("events", "o-1")
    assert shown.code == 0
    for text in (
        "accepted",
        "slice 1 partial (participation_cap): 0.75 of 1 at 100 (binance 0.5, kraken 0.25)",
        "\tPaused\t",
        "amended: 3 until 12:01:00 in 12 slices, limit 99, revision 2",
        "0.75 of 2",
    ):
        assert text in shown.out, shown.out
    listed = exact_json.loads((await signed_in("events", "o-1", "--json", "--since", "2")).out)
    assert [(event["seq"], event["event"]) for event in listed] == [(3, "paused"), (4, "amended")]
    assert (await signed_in("events", "o-2")).code == 1


async def test_the_options_of_submit_are_sent(signed_in: Twap, server: ScriptedServer) -> None:
    options = ["--randomize", "12.5", "--participation-cap", "10", "--late-start", "skip", "--fidelity", "l1"]
    command = ["submit", "aggregate", *SUBMIT[2:], *options, "--yes", "--token-id", "o-1"]
    assert (await signed_in(*command)).code == 0
    sent = server.requests[-1].json
    assert (sent["exchange"], sent["late_start"], sent["fidelity"]) == ("aggregate", "skip", "l1")
    assert (sent["randomize"], sent["participation_cap"]) == (Decimal("12.5"), 10)


async def test_a_strategy_and_its_parameters_are_sent(signed_in: Twap, server: ScriptedServer) -> None:
    options = ["--strategy", "pov", "--participation", "12.5%"]
    assert (await signed_in(*SUBMIT, *options, "--yes", "--token-id", "o-1")).code == 0
    assert server.requests[-1].path == "/orders"
    assert (server.requests[-1].json["strategy"], server.requests[-1].json["participation"]) == (
        "pov",
        Decimal("12.5"),
    )
    weights = ["--strategy", "vwap", "--volume-profile", "2, 1 3"]
    assert (await signed_in(*SUBMIT, *weights, "--yes", "--token-id", "o-2")).code == 0
    assert server.requests[-1].json["volume_profile"] == [2, 1, 3]
    half = ["--strategy", "is", "--half-life", "5m"]
    assert (await signed_in(*SUBMIT, *half, "--yes", "--token-id", "o-3")).code == 0
    assert server.requests[-1].json["half_life"] == 300
    bad = await signed_in(*SUBMIT, "--strategy", "vwap", "--volume-profile", "many", "--yes")
    assert bad.code == 2 and "--volume-profile: expected auto, or weights" in bad.err


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("remote", "remote"),
        (
            "latency=40ms, latency_spread=10ms,impact=price_shift,impact_half_life=20s,fees=published",
            {
                "latency": Decimal("0.04"),
                "latency_spread": Decimal("0.01"),
                "impact": "price_shift",
                "impact_half_life": 20,
                "fees": "published",
            },
        ),
    ],
)
async def test_realism_is_sent_as_a_name_or_as_figures(
    signed_in: Twap, server: ScriptedServer, typed: str, sent: object
) -> None:
    assert (await signed_in(*SUBMIT, "--realism", typed, "--yes", "--token-id", "o-1")).code == 0
    assert server.requests[-1].path == "/orders/twap"
    assert server.requests[-1].json["realism"] == sent


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("fast", "realism: expected 'ideal', 'local', 'remote' or 'adverse'"),
        ("latency=2m", "expected at most 60 s, got 120 s"),
        ("latency=1,latency_spread=2", "expected at most the latency (1 s), got 2 s"),
        ("impact_half_life=2h", "expected 0.1 s to 3600 s, got 7200 s"),
        ("speed=1", "speed"),
    ],
)
async def test_realism_that_is_wrong_is_told(signed_in: Twap, typed: str, told: str) -> None:
    refused = await signed_in(*SUBMIT, "--realism", typed, "--yes")
    assert refused.code == 2
    assert told in refused.err, refused.err
    assert "Traceback" not in refused.err


async def test_compare_submits_nothing(signed_in: Twap, server: ScriptedServer) -> None:
    shown = await signed_in(*SUBMIT, "--compare")
    assert shown.code == 0 and "nothing was submitted" in shown.err
    assert server.requests[-1].query["compare"] == "true" and not server.orders
    shown = await signed_in(*SUBMIT, "--supply", "19800000")
    assert shown.code == 0 and "nothing was submitted" in shown.err
    assert server.requests[-1].query == {"compare": "true", "supply": "19800000"} and not server.orders
    refused = await signed_in(*SUBMIT, "--supply", "none")
    assert refused.code == 2 and "supply" in refused.err and "Traceback" not in refused.err
