"""domain/tca/report_hash.py: one text for the same facts, written here by hand, and its digest."""

import hashlib
from dataclasses import replace as changed
from decimal import Decimal

import pytest

from support.changes import replace
from support.records import by_hand, fill, order, record, slice_of
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.report_hash import canonical_text, report_hash

FILLED = record(
    order(quantity="1", slices=1),
    [
        slice_of(
            0, fill("101.20", "0.4"), fill("101.3", "0.600", "0.06078"), target="1", mid="101", touch="101.2"
        )
    ],
)
TEXT = """\
twap-order 1
terms exchange=binance side=buy strategy=twap carry=catch_up fidelity=depth max_slippage_bps=- randomize=0 \
participation_cap=- lot_size=0.001 start=1700000000000000
destination exchange=binance symbol=BTC-USDT tick_size=0.01 price_digits=0 whole_prices=false lot_size=0.001 \
min_quantity=0 min_notional=0 fee=0.001
plan revision=1 quantity=1 limit=- start=1700000000000000 end=1700000010000000 interval=10000000000 slices=1 \
first=0 base=0 step=0 curve=linear
slice index=0 due=1700000000000000 decided=1700000000100000 outcome=filled reason=- wanted=1 filled=1 \
notional=101.26 target=1 mid=101 touch=101.2 touch_exchange=binance traded=- book_time=1700000000095000
fill slice=0 number=0 exchange=binance price=101.2 quantity=0.4 fee=0 book_time=0
fill slice=0 number=1 exchange=binance price=101.3 quantity=0.6 fee=0.06078 book_time=0
end status=Filled filled=1 notional=101.26 fees=0.06078
"""


def test_the_text_is_as_the_documentation_says() -> None:
    assert canonical_text(FILLED) == TEXT
    assert report_hash(FILLED) == hashlib.sha256(TEXT.encode()).hexdigest()


def test_an_order_at_work_has_no_digest_yet() -> None:
    assert report_hash(record(order())) is None


def _with_terms(made: OrderRecord, **fields: object) -> OrderRecord:
    return changed(made, order=replace(made.order, terms=changed(made.order.terms, **fields)))


def test_what_differs_between_servers_that_decide_the_same_does_not_count() -> None:
    named = {"order_id": "o-2", "user_id": "u-2", "token_id": "t-2", "fingerprint": "g", "created": Nanos(5)}
    other = _with_terms(FILLED, **named, decision_price=Decimal(7), symbol="btc/usdt")
    cut = tuple(replace(one, fill_id="x", book_seq=9) for one in other.fills)
    assert report_hash(changed(other, fills=cut, samples=by_hand().samples)) == report_hash(FILLED)


@pytest.mark.parametrize("field", ["price", "quantity", "fee", "exchange", "book_time"])
def test_every_figure_of_a_fill_counts(field: str) -> None:
    value = "kraken" if field == "exchange" else Nanos(1_000) if field == "book_time" else Decimal("0.3")
    other = changed(FILLED, fills=(replace(FILLED.fills[0], **{field: value}), *FILLED.fills[1:]))
    assert report_hash(other) != report_hash(FILLED)


def test_every_plan_counts() -> None:
    plan = FILLED.order.plan
    other = changed(FILLED, plans=(changed(plan, limit=Decimal(99)), changed(plan, revision=2)))
    assert report_hash(other) != report_hash(FILLED)
