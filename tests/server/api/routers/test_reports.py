"""GET /orders/{token_id}/report: JSON, CSV and the page; exact, escaped, and everybody's own."""

import csv
import re
from collections.abc import Sequence
from decimal import Decimal
from html.parser import HTMLParser
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.api.desk import Desk
from support.changes import replace
from support.records import EXPIRED, at, by_hand, fill, order, record, sample, slice_of
from twap_models import ExecutionReport
from twap_models.enums import OrderStatus, SliceReason
from twap_models.spreadsheet import harmless
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.report import report
from twap_server.reports.csv_text import Table, report_csv, table_csv
from twap_server.reports.page import report_page
from twap_server.reports.present import execution_report
from twap_server.reports.svg import ticks, time_ticks

HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>&"\''
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Reads a page, and complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())

    def count(self, tag: str, kind: str = "") -> int:
        return sum(name == tag and (attrs.get("class") or "") == kind for name, attrs in self.tags)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


async def given_record(desk: Desk, made: OrderRecord, username: str = "ada") -> dict[str, str]:
    headers = await desk.user(username)
    owner = next(user.user_id for name, user in desk.accounts.users_by_name.items() if name == username)
    token = made.order.terms.token_id
    desk.orders.orders[owner, token] = made.order
    desk.orders.slices[token], desk.orders.fills[token] = list(made.slices), list(made.fills)
    desk.orders.samples[token] = list(made.samples)
    return headers


async def test_the_json_is_whole(desk: Desk) -> None:
    headers = await given_record(desk, by_hand())
    answer = await desk.http.get("/orders/t-1/report", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    shown = ExecutionReport.from_json(answer.content)
    assert shown == execution_report(by_hand())
    costs = shown.costs
    parts = (
        costs.delay,
        costs.timing,
        costs.spread,
        costs.latency,
        costs.depth,
        costs.opportunity,
        costs.fees,
    )
    assert sum(part.amount or 0 for part in parts) == costs.implementation_shortfall.amount
    assert costs.implementation_shortfall.amount == Decimal("10.631325")
    assert shown.counterfactuals.sweep and shown.counterfactuals.sweep.difference.bps == Decimal("144.4706")
    assert (shown.token_id, shown.status, shown.final) == ("t-1", OrderStatus.EXPIRED, True)


async def test_the_costs_of_long_numbers_arrive_whole(desk: Desk) -> None:
    price, quantity, fee = "123456789012.123456789012345678", "98765.123456789012345678", "0.0012345678"
    made = record(
        order(quantity=quantity, decision="123456789012.123456789012345677"),
        [slice_of(0, fill(price, quantity, fee), target=quantity, mid=price, touch=price)],
    )
    headers = await given_record(desk, made)
    answer = await desk.http.get("/orders/t-1/report", headers=headers)
    shown = ExecutionReport.from_json(answer.content)
    assert shown.costs.implementation_shortfall.amount == report(made).costs.implementation_shortfall
    assert shown.notional == made.order.progress.notional
    assert len(shown.notional.as_tuple().digits) > 50


async def test_everybody_sees_their_own(desk: Desk) -> None:
    await given_record(desk, by_hand())
    other = await desk.user("grace")
    for query in ("", "?format=csv", "?format=html", "?format=csv&table=fills"):
        refused = await desk.http.get(f"/orders/t-1/report{query}", headers=other)
        assert (refused.status_code, refused.json()["code"]) == (404, "order_not_found")
        assert (await desk.http.get(f"/orders/t-1/report{query}")).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "format=pdf",
        "table=fills",
        "format=html&table=fills",
        "format=csv&table=x",
        "latest=3",
        "format=csv&table=samples&latest=3",
        "format=csv&table=fills&latest=0",
    ],
)
async def test_other_formats_are_refused(desk: Desk, query: str) -> None:
    headers = await given_record(desk, by_hand())
    refused = await desk.http.get(f"/orders/t-1/report?{query}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["field"] in ("format", "table", "latest")


@pytest.mark.parametrize("table", ["slices", "fills"])
async def test_the_last_rows_of_a_table_are_those_of_the_whole(desk: Desk, table: Table) -> None:
    made = by_hand()
    headers = await given_record(desk, made)
    whole = rows(table_csv(made, table))
    for latest in (1, 2, 1_000):
        answer = await desk.http.get(
            f"/orders/t-1/report?format=csv&table={table}&latest={latest}", headers=headers
        )
        assert rows(answer.text) == whole[-latest:]


async def test_files_have_safe_names(desk: Desk) -> None:
    made = by_hand()
    named = replace(made, order=replace(made.order, terms=replace(made.order.terms, token_id="..:a-1")))
    headers = await given_record(desk, named)
    answer = await desk.http.get("/orders/..:a-1/report?format=csv&table=fills", headers=headers)
    assert answer.headers["content-disposition"] == 'attachment; filename="twap-.._a-1-fills.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    page = await desk.http.get("/orders/..:a-1/report?format=html", headers=headers)
    assert page.headers["content-disposition"] == 'inline; filename="twap-.._a-1-report.html"'
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in page.headers["content-security-policy"]


# CSV


def test_the_csv_has_every_figure_of_the_json() -> None:
    made = by_hand()
    found = {(row["section"], row["name"]): (row["value"], row["unit"]) for row in rows(report_csv(made))}
    assert found["costs", "implementation_shortfall"] == ("10.631325", "USDT")
    assert found["costs", "timing_bps"] == ("100", "bps")
    assert found["prices", "decision_price_time"] == ("2023-11-14T22:13:18.000000Z", "UTC")
    assert found["sweep", "difference"] == ("5.778825", "USDT")
    assert found["mark_out_60s", "bps"] == ("", "bps"), "not measured is empty"
    assert found["naive_twap", "difference"] == ("-0.475475", "USDT"), "a number below zero is no formula"
    assert found["exchange_binance", "share_percent"] == ("100", "percent")


def test_the_tables_have_what_was_recorded() -> None:
    made = by_hand()
    slices, fills, samples = (rows(table_csv(made, name)) for name in ("slices", "fills", "samples"))
    assert [row["outcome"] for row in slices] == ["filled", "missed", "filled", "missed"]
    assert slices[2] | {"mid": "102.25", "average_price": "102.5625", "book_age_ms": "7"} == slices[2]
    assert slices[3]["touch"] == slices[3]["book_age_ms"] == ""
    assert sum(Decimal(row["notional"]) for row in fills) == made.order.progress.notional
    whose = {"token_id": "t-1", "instrument": "BTC-USDT", "side": "buy", "fee_currency": "USDT"}
    assert all(row | whose == row for row in fills)
    assert samples[0] | {"mid": "100.5", "sweep_notional": "352.5", "sweep_fees": "0.3525"} == samples[0]
    assert [row["mid"] for row in samples][5] == ""


@given(st.text())
def test_no_text_is_run_as_a_formula(text: str) -> None:
    shown = harmless(text)
    assert shown.endswith(text) and shown[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")


def test_a_token_that_looks_like_a_formula_is_harmless() -> None:
    made = by_hand()
    hostile = replace(made, order=replace(made.order, terms=replace(made.order.terms, token_id="-1")))
    assert next(row["value"] for row in rows(report_csv(hostile)) if row["name"] == "token_id") == "'-1"
    assert {row["token_id"] for row in rows(table_csv(hostile, "fills"))} == {"'-1"}


def test_the_fee_of_a_perpetual_is_in_its_quote_currency() -> None:
    made = by_hand()
    instrument = InstrumentId("binance", "BTC-USDC-PERP")
    other = replace(made, order=replace(made.order, terms=replace(made.order.terms, instrument=instrument)))
    assert {row["fee_currency"] for row in rows(table_csv(other, "fills"))} == {"USDC"}


# The page


def hostile_record() -> OrderRecord:
    made = by_hand()
    terms = replace(
        made.order.terms, symbol=HOSTILE, instrument=None, exchange=HOSTILE, destinations=(), token_id=HOSTILE
    )
    progress = replace(made.order.progress, reason=HOSTILE, detail=HOSTILE)
    return replace(
        made,
        order=replace(made.order, terms=terms, progress=progress),
        fills=tuple(replace(one, exchange=HOSTILE) for one in made.fills),
    )


def test_the_page_asks_nobody_for_anything() -> None:
    text = report_page(by_hand())
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "http:" not in text and "https:" not in text and "url(" not in text and "@import" not in text
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_the_orders_texts_are_escaped() -> None:
    text = report_page(hostile_record())
    page = Page(text)
    assert "<script" not in text and any(HOSTILE in words for words in page.words)


def test_the_page_has_every_figure_as_text() -> None:
    made = by_hand()
    shown = " ".join(Page(report_page(made)).words)
    costs = report(made).costs
    for amount in (
        costs.delay,
        costs.timing,
        costs.spread,
        costs.latency,
        costs.depth,
        costs.opportunity,
        costs.fees,
    ):
        assert amount is not None and f"+{amount.normalize():f}" in shown, amount
    for words in (
        "+10.631325", "102.108333333333", "+265.7831", "102.205882352941", "-177.8656", "0.707106781187",
        "simulated", "binance BTC-USDT", "limit_not_met", "stale_book", "A mid was known in 29.75 %",
    ):  # fmt: skip
        assert words in shown, words


def test_an_order_that_filled_nothing_says_why_in_its_headline() -> None:
    pieces = [slice_of(0, target="4", mid="100", touch="101", reason=SliceReason.LIMIT_NOT_MET)]
    text = report_page(record(order(), pieces, [sample(0, "100"), sample(9, "90")], ended=EXPIRED))
    headline, _, rest = text.partition('class="cards"')
    assert "Nothing was filled: limit_not_met in 1 of 1 slice." in headline
    assert "nothing was filled, so nothing was paid" in rest and 'class="bar' not in rest


def test_headlines_are_rounded_for_reading_and_tables_are_exact() -> None:
    text = report_page(by_hand())
    assert "<b>+265.78 bps</b>" in text and "+265.7831" in text
    headline, _, tables = text.partition("<svg")
    assert "<b>102.1083</b>" in headline and "102.108333333333" not in headline
    assert "time-weighted mid 102.2059<" in headline and "102.108333333333" in tables


def test_charts_have_titles_and_a_mark_for_everything() -> None:
    page = Page(report_page(by_hand()))
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    ids = {attrs.get("id") for _, attrs in page.tags}
    assert [one["aria-labelledby"] for one in pictures] == [
        "price-title price-desc",
        "schedule-title schedule-desc",
        "waterfall-title waterfall-desc",
    ]
    assert all(set((one["aria-labelledby"] or "").split()) <= ids for one in pictures)
    assert page.count("circle", "fill") == 3 and page.count("path", "mark missed") == 2
    assert page.count("rect", "bar cost") == 6 and page.count("rect", "bar whole") == 1
    assert page.count("line", "average") == 1 and page.count("line", "limit") == 0


def test_the_limit_is_drawn_where_it_is_near_and_told_where_it_is_not() -> None:
    made = by_hand()
    for limit, lines in (("105", 1), ("100000", 0)):
        plan = replace(made.order.plan, limit=Decimal(limit))
        page = Page(report_page(replace(made, order=replace(made.order, plan=plan))))
        assert page.count("line", "limit") == lines
        assert any(f"limit {limit}" in words for words in page.words)


@pytest.mark.parametrize(
    "made",
    [
        record(order(status=OrderStatus.ACCEPTED)),
        record(order(status=OrderStatus.REJECTED, slices=0)),
        record(order(), [slice_of(0, target="1", reason=SliceReason.NO_BOOK)]),
        record(order(decision=None), (), [sample(0, None)], ended=(OrderStatus.CANCELED, at("0.5"))),
        record(order(quantity="1", slices=1), [slice_of(0, fill("1", "1"), target="1", mid="1", touch="1")]),
        record(order(), (), [sample(0, "0.00000001"), sample(9, "99999999999999999999")]),
    ],
    ids=["accepted", "rejected", "no book", "canceled at once", "one slice", "wild prices"],
)
def test_every_order_has_a_page_and_a_csv(made: OrderRecord) -> None:
    page = Page(report_page(made))
    assert sum(tag == "svg" for tag, _ in page.tags) in (2, 3)
    assert rows(report_csv(made))


def test_a_long_order_keeps_its_page_small() -> None:
    def piece(index: int) -> Sequence[object]:
        return slice_of(
            index, fill("100", "1"), fill("101", "1"), target=str(2 * index + 2), mid="99", touch="100"
        )

    pieces = [piece(index) for index in range(5_000)]
    made = record(order(quantity="10001", slices=5_001), pieces)  # type: ignore[arg-type]
    text = report_page(made)
    page = Page(text)
    assert len(text) < 600_000
    assert 300 < page.count("circle", "fill") <= 400
    assert any("the first 500 shown" in words for words in page.words)
    assert len(rows(table_csv(made, "fills"))) == 10_000


# Axes


@given(st.decimals(-(10**9), 10**9, places=6), st.decimals("0.000001", 10**6, places=6))
def test_ticks_are_round_and_few(low: Decimal, span: Decimal) -> None:
    step, found = ticks(low, low + span)
    assert 2 <= len(found) <= 13 and all(low <= value <= low + span for value in found)
    assert re.fullmatch(r"[125]", str(step.as_tuple().digits[0])) and all(
        value % step == 0 for value in found
    )


@given(st.integers(0, 10**18), st.integers(1, 10**17))
def test_time_ticks_are_few_and_inside(begin: int, length: int) -> None:
    found = time_ticks(begin, begin + length)
    assert len(found) <= 9 and all(begin <= moment <= begin + length for moment in found)
