"""Orders: submitted once whatever happens to the connection, exact, listed over pages."""

from decimal import Decimal
from typing import Any

import pytest

from support.client import request
from twap_client import BadRequest, Conflict, ConnectionLost, InvalidValue, NotFound, TwapClient
from twap_client.testing import Reply, ScriptedServer, order
from twap_client.testing.server import problem
from twap_models import OrderStatus, Side


@pytest.mark.parametrize("quantity", ["0.100000000000000001", "12345678901234567890.123456789", 3, 0.1])
async def test_numbers_arrive_digit_for_digit(
    server: ScriptedServer, client: TwapClient, quantity: object
) -> None:
    sent = await client.orders.submit(
        exchange="binance",
        symbol="BTC-USDT",
        side="sell",
        quantity=quantity,  # type: ignore[arg-type]
        price=Decimal("61837.630000000000000001"),
        duration="1m",
        slices=6,
    )
    assert (sent.quantity, sent.side) == (Decimal(str(quantity)), "sell")
    assert str(quantity).encode() in server.requests[-1].body
    assert b'"price":61837.630000000000000001' in server.requests[-1].body
    detail = await client.orders.get(sent.token_id)
    assert detail.limit_price == Decimal("61837.630000000000000001")


async def test_a_cut_connection_submits_the_same_order_again(
    server: ScriptedServer, client: TwapClient
) -> None:
    server.cut("POST", "/orders/twap")
    server.script("POST", "/orders/twap", problem(503, "busy", "later"))
    made = await client.orders.submit(
        exchange="binance", symbol="BTC-USDT", quantity=1, duration=60, slices=6
    )
    bodies = [item.body for item in server.requests if item.path == "/orders/twap"]
    assert len(bodies) == 3 and len(set(bodies)) == 1
    assert list(server.orders) == [made.token_id]


async def test_several_at_once_come_back_in_order(server: ScriptedServer, client: TwapClient) -> None:
    wanted = [request(f"o-{number}") for number in range(5)]
    made = await client.orders.submit(wanted)
    assert [item.token_id for item in made] == [item.token_id for item in wanted]
    assert await client.orders.submit(wanted) == made


@pytest.mark.parametrize("status", [400, 409])
async def test_a_rejected_order_is_no_exception(
    server: ScriptedServer, client: TwapClient, status: int
) -> None:
    rejected = order("o-1", status="Rejected", reason="window_elapsed", detail="the end has passed")
    server.script("POST", "/orders/twap", Reply(status=status, body=[rejected.to_wire()]))
    made = await client.orders.submit(request("o-1"))
    assert (made.status, made.reason) == (OrderStatus.REJECTED, "window_elapsed")


async def test_a_problem_document_is_an_exception(server: ScriptedServer, client: TwapClient) -> None:
    server.script("POST", "/orders/twap", problem(400, "malformed_json", "not JSON"))
    with pytest.raises(BadRequest, match="not JSON"):
        await client.orders.submit(request("o-1"))


async def test_what_is_wrong_here_is_not_sent(server: ScriptedServer, client: TwapClient) -> None:
    with pytest.raises(InvalidValue, match="end_time or duration"):
        await client.orders.submit(exchange="binance", symbol="BTC-USDT", quantity=1, slices=6)
    with pytest.raises(TypeError, match="quantity"):
        await client.orders.submit(request("o-1"), quantity=1)  # type: ignore[call-overload]
    assert server.requests == []


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"side": "BUY"}, "side", "expected 'buy' or 'sell'"),
    ({"quantity": "abc"}, "quantity", "expected a decimal number of at most 30 digits, got 'abc'"),
    ({"quantity": None}, "quantity", "expected a number or a decimal string, got NoneType"),
    (
        {"duration": "1 fortnight"},
        "duration",
        "expected seconds or a duration such as '5m' or '1h30m', got '1 fortnight'",
    ),
    ({"slices": 0}, "slices", "expected 1 or more"),
    ({"slices": "few"}, "slices", "expected a whole number"),
    ({"interval": 5}, "slices", "give interval or slices, not both"),
    ({"slices": None}, "interval", "interval or slices is missing"),
    ({"qty": 1}, "qty", "there is no such field"),
    ({"token_id": "two words"}, "token_id", "expected letters without accents, digits"),
]


@pytest.mark.parametrize(("change", "field", "words"), WRONG)
async def test_a_wrong_field_is_told_as_the_server_tells_it(
    server: ScriptedServer, client: TwapClient, change: dict[str, Any], field: str, words: str
) -> None:
    fields = request("o-1").model_dump(exclude_none=True) | change
    for ask in (client.orders.submit, client.orders.preview):
        with pytest.raises(InvalidValue) as caught:
            await ask(fields)
        assert caught.value.field == field and caught.value.message.startswith(f"{field}: {words}")
        assert caught.value.__suppress_context__, "no words of the library that checked it"
    with pytest.raises(InvalidValue, match=rf"^\[1\]\.{field}: ") as caught:
        await client.orders.submit([request("o-2"), fields])
    assert [one.field for one in caught.value.errors] == [f"[1].{field}"]
    assert server.requests == []


async def test_all_wrong_fields_are_told_at_once(client: TwapClient) -> None:
    with pytest.raises(InvalidValue) as caught:
        await client.orders.submit({"exchange": "binance", "symbol": "BTC-USDT", "side": "hold", "size": 1})
    told = {one.field: one.message for one in caught.value.errors}
    assert told["side"].startswith("expected 'buy'") and told["size"] == "there is no such field"
    assert told["quantity"] == "is missing" and all(name in str(caught.value) for name in told)


@pytest.mark.parametrize("nothing", [None, "", "..", 7])
async def test_what_is_no_order_is_asked_for_nowhere(
    server: ScriptedServer, client: TwapClient, nothing: Any
) -> None:
    for ask in (
        client.orders.get,
        client.orders.cancel,
        client.orders.amend,
        client.orders.wait_until_closed,
    ):
        with pytest.raises(InvalidValue, match="order: expected its token_id, or the order, got"):
            await ask(nothing)
    assert server.requests == []


async def test_a_list_is_one_page_or_all_pages(server: ScriptedServer, client: TwapClient) -> None:
    server.orders = {f"o-{number}": order(f"o-{number}") for number in range(7)}
    server.page_size = 3
    assert [item.token_id for item in await client.orders.list()] == ["o-0", "o-1", "o-2"]
    assert [item.token_id async for item in client.orders.list()] == list(server.orders)
    assert [len(page) async for page in client.orders.list(limit=5).pages()] == [5, 2]
    assert await client.orders.list(status=OrderStatus.FILLED) == []
    assert server.requests[-1].query == {"status": "Filled"}
    assert len(await client.orders.list(side=Side.BUY)) == 3
    assert server.requests[-1].query == {"side": "buy"}
    assert await client.orders.list(side="sell") == []


async def test_cancel(server: ScriptedServer, client: TwapClient) -> None:
    server.orders["o-1"] = order("o-1")
    assert (await client.orders.cancel("o-1")).status is OrderStatus.CANCELED
    with pytest.raises(Conflict):
        await client.orders.cancel("o-1")
    with pytest.raises(NotFound):
        await client.orders.get("o-2")


async def test_cancel_is_not_repeated_blindly(server: ScriptedServer, client: TwapClient) -> None:
    server.orders["o-1"] = order("o-1")
    server.cut("DELETE", "/orders/o-1")
    with pytest.raises(ConnectionLost):
        await client.orders.cancel("o-1")
    assert (await client.orders.get("o-1")).status is OrderStatus.CANCELED


async def test_a_preview_takes_what_submit_takes_and_stores_nothing(
    server: ScriptedServer, client: TwapClient
) -> None:
    seen = await client.orders.preview(
        exchange="binance", symbol="BTC-USDT", quantity="0.6", duration="1m", slices=6
    )
    assert seen.accepted and [item.quantity for item in seen.slices] == [Decimal("0.1")] * 6
    assert (await client.orders.preview(request("o-1"))).token_id == "o-1"
    several = await client.orders.preview([request("o-1"), request("o-2")])
    assert [item.token_id for item in several] == ["o-1", "o-2"]
    assert server.orders == {}


async def test_a_preview_is_repeated_after_a_cut_connection(
    server: ScriptedServer, client: TwapClient
) -> None:
    server.cut("POST", "/orders/twap/preview")
    assert (await client.orders.preview(request("o-1"))).accepted
