"""The worked example: its inputs, through the server's own code, give every figure on the page."""

import re
from decimal import Decimal

from docs.pages import ROOT
from support.records import at, fill, order, record, sample, slice_of
from twap_models.enums import OrderStatus, SliceReason
from twap_server.domain.tca.report import Report, report

PAGE = (ROOT / "docs/report-example.md").read_text("utf-8")


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


def row(name: str) -> list[str]:
    """The cells after the first one, of the row that begins so."""
    (found,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE, re.MULTILINE)
    return [cell.strip() for cell in found.split("|")]


def price(name: str) -> str:
    (found,) = re.findall(rf"mid (?:of the book )?is ([\d,]+): the \*\*{name} price\*\*", PAGE)
    return found.replace(",", "")


def made() -> Report:
    """From the inputs as the page says them."""
    slices = []
    for index in range(3):
        mid, touch, filled = row(str(index))
        fills = [
            fill(paid, quantity, Decimal(paid) * Decimal(quantity) / 1000)
            for quantity, paid in re.findall(r"([\d.]+) at (\d+)", filled)
        ]
        reason = None if fills else SliceReason.LIMIT_NOT_MET
        slices.append(slice_of(index, *fills, target=str(index + 1), mid=mid, touch=touch, reason=reason))
    ((volume, notional),) = re.findall(r"others traded (\d+) BTC for ([\d,]+) USDT", PAGE)
    (swept,) = re.findall(r"one order for all 3 BTC would have paid ([\d,]+) USDT", PAGE)
    at_once = number(swept)
    samples = [
        sample(0, price("arrival"), sweep=("3", str(at_once), str(at_once / 1000))),
        sample(15, None, volume=volume, notional=str(number(notional))),
        sample(30, price("end")),
    ]
    bought = order(quantity="3", limit="60050", decision=price("decision"), slices=3)
    return report(record(bought, slices, samples, ended=(OrderStatus.EXPIRED, at(30))))


def test_every_part_of_the_cost() -> None:
    costs = made().costs
    parts = ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees", "implementation shortfall")
    for name in parts:
        amount, bps = row(name)[1:]
        worked = getattr(costs, name.replace(" ", "_"))
        assert (worked, costs.bps(worked)) == (number(amount), number(bps)), name
    assert sum(number(row(name)[1]) for name in parts[:-1]) == number(row(parts[-1])[1])


def test_every_figure_against_the_market() -> None:
    measured = made().benchmarks
    for name, value in {
        "slippage to arrival": measured.arrival_slippage_bps,
        "volume-weighted price of the market": measured.market_vwap,
        "slippage to it": measured.market_vwap_slippage_bps,
        "participation": measured.participation_percent,
    }.items():
        assert value == number(row(name)[1]), name
    (exchange,) = made().exchanges
    assert exchange.average_price == number(row("average price")[1])


def test_the_other_way() -> None:
    sweep = made().counterfactuals.sweep
    assert sweep is not None
    assert sweep.implementation_shortfall == number(row("shortfall of the sweep")[0])
    assert sweep.difference == number(row("difference")[0])


def test_sums_that_are_written_out_hold() -> None:
    """What stands left of ``=`` or of the amount, as arithmetic of this page: numbers, + − · / and brackets."""
    for name in ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees"):
        formula, amount = row(name)[0].partition(":")[0], row(name)[1]
        assert worked_out(formula) == number(amount), name
    assert "(120,072 − 2 · 60,000) + 1 · (60,080 − 60,000) + 120.072 = **272.072 USDT**" in PAGE


def worked_out(formula: str) -> Decimal:
    words = re.findall(r"[\d,.]+|[-−+·/()]", formula)
    signs = {"·": "*", "−": "-"}
    text = " ".join(f"Decimal('{w.replace(',', '')}')" if w[0].isdigit() else signs.get(w, w) for w in words)
    return Decimal(eval(text, {"Decimal": Decimal}))  # of a page of ours, after the pattern above
