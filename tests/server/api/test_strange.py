"""Strange instruments, books and bodies through submission and preview: only documented answers come back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st

from support.api.fakes import listed, view
from support.api.place import (
    FIELDS,
    FIGURES,
    INSTRUMENTS,
    OTHER,
    QUIET,
    SIDES,
    STRANGE,
    Place,
    StrangeMarket,
    opened,
)
from support.clocks import HandClock
from support.trading import HandBook
from twap_models import BookTop, OrderPreview, TwapOrder, exact_json
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot
from twap_server.domain.market.instrument import Instrument, InstrumentId


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


def accepted(answer: Response) -> list[bool]:
    return [one["status"] != "Rejected" for one in answer.json()]


def show(market: StrangeMarket, instrument: InstrumentId, sides: Sequence[list[tuple[str, str]]]) -> None:
    """A book of these levels, if it is one that a collector would keep."""
    book = HandBook(ts_received=HandClock().now(), confirmed_at=HandClock().now())
    try:
        book.book.replace(BookSnapshot(symbol="ODD-USDT", bids=sides[0], asks=sides[1]))
    except WireFormatError:
        book = HandBook()
    market.live[instrument] = book


@QUIET
@given(st.tuples(INSTRUMENTS, INSTRUMENTS), st.tuples(SIDES, SIDES), FIELDS)
def test_nothing_strange_ends_in_5xx_or_costs_another(
    place: Place,
    instruments: tuple[Instrument, Instrument],
    sides: tuple[list[tuple[str, str]], list[tuple[str, str]]],
    fields: Mapping[str, Any],
) -> None:
    place.market.listed["binance"]["ODD-USDT"] = instruments[0]
    place.market.listed["kraken"]["ODD-USDT"] = replace(instruments[1], id=OTHER)
    for instrument in (STRANGE, OTHER):
        show(place.market, instrument, sides)
    odd = {"symbol": "ODD-USDT", **fields}
    alone = place.post("/orders/twap/preview", place.order(**odd))
    assert alone.status_code in {200, 422}, alone.text
    previews = place.post("/orders/twap/preview", [place.order(), place.order(**odd), place.order()])
    assert previews.status_code == alone.status_code, previews.text
    if alone.status_code == 422:
        assert all(error["field"] for error in alone.json()["errors"]) and alone.json()["errors"]
    else:
        for preview in exact_json.loads(previews.content, exact_json.TOLD):
            OrderPreview.model_validate(preview)
        assert [preview["accepted"] for preview in previews.json()][::2] == [True, True]
    body = place.order(**odd)
    answer = place.post("/orders/twap", body)
    assert answer.status_code in ({422} if alone.status_code == 422 else {201, 400}), answer.text
    assert place.post("/orders/twap", body).status_code in {200, 400, 422}
    several = place.post("/orders/twap", [place.order(), place.order(**odd), place.order()])
    if alone.status_code == 422:
        assert several.status_code == 422
        return
    assert several.status_code == 201 and accepted(several)[::2] == [True, True]
    for made in exact_json.loads(several.content, exact_json.TOLD):
        TwapOrder.model_validate(made)
    symbols = place.runner.run(place.http.get("/exchanges/binance/symbols"))
    assert symbols.status_code == 200 and len(symbols.json()) == 3
    assert not place.working.done()


@QUIET
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_that_are_no_order_are_refused(place: Place, body: bytes) -> None:
    for path in ("/orders/twap", "/orders/twap/preview"):
        assert place.post(path, body).status_code in {400, 422}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"quantity": ' + b"9" * 100_000 + b"}",
        b'{"quantity": 1e999999999}',
        b'{"quantity": 1e99999999999999999999999}',
        b'{"quantity": "1-2"}',
        b'{"quantity": "' + b"9" * 100_000 + b'"}',
        b'{"slices": -' + b"1" * 5_000 + b"}",
        b'{"quantity": NaN}',
        b'{"symbol": "\\ud800"}',
        b'{"a": 1, "a": 2}',
        b"\xff\xfe",
        b'"' + b"x" * 10_000 + b'"',
        b"null",
        b"1e19",
        b"[[]]",
    ],
)
def test_monsters_are_refused(place: Place, body: bytes) -> None:
    for path in ("/orders/twap", "/orders/twap/preview"):
        answer = place.post(path, body)
        assert answer.status_code in {400, 422}, answer.text
        assert answer.status_code == 400 or answer.json()["errors"][0]["field"]


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"lot_size": "0"}, "its lot size is not known"),
        ({"tick_size": "0"}, "its tick size is not known"),
        ({"lot_size": "-1"}, "its lot size cannot be used: -1"),
        ({"tick_size": "1e-25"}, "its tick size cannot be used: 1E-25"),
        ({"min_quantity": "-0.1"}, "its smallest quantity cannot be used: -0.1"),
        ({"min_notional": "1e40"}, "its smallest value cannot be used: 1E+40"),
    ],
)
def test_an_instrument_without_a_usable_grid_is_listed_and_takes_no_order(
    place: Place, figures: Mapping[str, str], said: str
) -> None:
    odd = replace(listed("binance", "ODD-USDT"), **{name: Decimal(text) for name, text in figures.items()})  # type: ignore[arg-type]
    place.market.listed["binance"]["ODD-USDT"] = odd
    shown = place.runner.run(place.http.get("/exchanges/binance/symbols", params={"q": "ODD"})).json()[0]
    assert shown["reason"] == said
    (preview,) = place.post("/orders/twap/preview", place.order(symbol="ODD-USDT")).json()
    assert [one["reason"] for one in preview["broken"]] == ["not_tradable"] and said in preview["broken"][0][
        "detail"
    ]
    made = place.post("/orders/twap", [place.order(), place.order(symbol="ODD-USDT"), place.order()])
    assert (made.status_code, accepted(made)) == (201, [True, False, True])
    assert (made.json()[1]["reason"], said in made.json()[1]["detail"]) == ("not_tradable", True)


@pytest.mark.parametrize(("side", "limit"), [("buy", 118_940), ("sell", 118_950)])
def test_a_limit_of_too_many_digits_is_rounded_to_the_safe_side(place: Place, side: str, limit: int) -> None:
    few = replace(listed("binance", "ODD-USDT"), tick_size=Decimal("0.00000001"), price_digits=5)
    place.market.listed["binance"]["ODD-USDT"] = few
    wanted = place.order(symbol="ODD-USDT", side=side, price=Decimal("118944.5"))
    (preview,) = place.post("/orders/twap/preview", wanted).json()
    (made,) = place.post("/orders/twap", wanted).json()
    assert (preview["limit_price"], made["limit_price"]) == (limit, limit)
    told = f"price 118944.5 was rounded to the safe side of the tick: {limit}"
    assert told in preview["warnings"] and told in made["warnings"]
    path, headers = f"/orders/{made['token_id']}", {**place.headers, "If-Match": "*"}
    amended = place.runner.run(place.http.patch(path, json={"price": 118_946}, headers=headers))
    assert amended.json()["limit_price"] == limit


def test_over_several_exchanges_the_usable_ones_are_left_with_a_warning(place: Place) -> None:
    place.market.listed["binance"]["ODD-USDT"] = replace(listed("binance", "ODD-USDT"), lot_size=Decimal(0))
    place.market.listed["kraken"]["ODD-USDT"] = listed("kraken", "ODD-USDT")
    (made,) = place.post("/orders/twap", place.order(symbol="ODD-USDT", exchange="aggregate")).json()
    assert made["status"] == "Accepted"
    assert made["warnings"] == ["binance:ODD-USDT is left out, for its lot size is not known"]


def test_of_a_list_only_the_item_whose_exchange_is_away_is_not_judged(place: Place) -> None:
    away, here = place.order(exchange="kraken"), place.order()
    place.market.away = {"kraken"}
    try:
        previews = place.post("/orders/twap/preview", [here, away])
        made = place.post("/orders/twap", [here, away])
        alone = [place.post(path, away) for path in ("/orders/twap", "/orders/twap/preview")]
    finally:
        place.market.away = set()
    assert [one["accepted"] for one in previews.json()] == [True, False]
    assert previews.json()[1]["broken"][0]["reason"] == "unavailable"
    assert (made.status_code, accepted(made)) == (201, [True, False])
    assert made.json()[1]["reason"] == "unavailable" and "send it again" in made.json()[1]["detail"]
    assert [(one.status_code, "retry-after" in one.headers) for one in alone] == [(503, True)] * 2
    again = place.post("/orders/twap", [here, away])
    assert (again.status_code, accepted(again)) == (201, [True, True]), "its token_id was not used up"


def test_a_fault_of_ours_costs_one_item_of_a_list(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(instrument: InstrumentId) -> HandBook | None:
        if instrument == STRANGE:
            raise ZeroDivisionError
        return None

    place.market.listed["binance"]["ODD-USDT"] = listed("binance", "ODD-USDT")
    monkeypatch.setattr(place.market, "live_book", broken)
    orders = [place.order(), place.order(symbol="ODD-USDT"), place.order()]
    previews = place.post("/orders/twap/preview", orders)
    assert [one["accepted"] for one in previews.json()] == [True, False, True]
    made = place.post("/orders/twap", orders)
    assert (made.status_code, accepted(made)) == (201, [True, False, True])
    assert "ZeroDivision" not in made.text and made.json()[1]["reason"] == "unavailable"


def test_a_merged_book_may_have_more_digits_than_each_of_its_books(place: Place) -> None:
    for exchange, quantity in (("binance", "9" * 30), ("kraken", "0.000000000000000001")):
        place.market.books[InstrumentId(exchange, "BTC-USDT")] = view([("99", quantity)], [("100", quantity)])
    answer = place.runner.run(place.http.get("/orderbook/aggregate/BTC-USDT"))
    assert answer.status_code == 200, answer.text
    top = BookTop.from_json(answer.content)
    assert top.bids == [(Decimal(99), Decimal("9" * 30 + ".000000000000000001"))]


CHANGES = st.dictionaries(
    st.sampled_from(["quantity", "price", "end_time", "odd"]),
    st.one_of(
        FIGURES,
        st.none(),
        st.integers(-(10**30), 10**30),
        st.sampled_from(["now", "+5m", "+10000d", "2199-12-31"]),
    ),
    max_size=3,
)


@QUIET
@given(INSTRUMENTS, CHANGES, st.sampled_from(['"1"', "*", "x", '"99999999999"']))
def test_no_strange_amendment_ends_in_5xx(
    place: Place, instrument: Instrument, change: Mapping[str, Any], revision: str
) -> None:
    place.market.listed["binance"]["ODD-USDT"] = instrument
    body = place.order(symbol="ODD-USDT", price=Decimal(7))
    if not accepted(place.post("/orders/twap", body))[0]:
        body = place.order(price=Decimal(7))
        place.post("/orders/twap", body)
    headers = {**place.headers, "If-Match": revision, "Content-Type": "application/json"}
    url, sent = f"/orders/{body['token_id']}", exact_json.dumps(change)
    answer = place.runner.run(place.http.patch(url, content=sent, headers=headers))
    assert answer.status_code in {200, 409, 412, 422}, answer.text
    assert answer.status_code != 422 or answer.json()["errors"][0]["field"]
    assert not place.working.done()
