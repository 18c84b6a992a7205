"""Orders at work: paused, resumed, amended for the revision that was seen, their events read page by page."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from twap_client import (
    KEEP,
    Conflict,
    ConnectionLost,
    InvalidValue,
    NotFound,
    RevisionMismatch,
    RevisionMissing,
    TwapClient,
    Unavailable,
)
from twap_client.testing import ScriptedServer, order
from twap_client.testing.examples import NOON
from twap_client.testing.server import problem
from twap_models import OrderStatus


async def test_pause_and_resume(server: ScriptedServer, client: TwapClient) -> None:
    server.orders["o-1"] = order("o-1")
    assert (await client.orders.pause("o-1")).status is OrderStatus.PAUSED
    assert (await client.orders.pause("o-1")).status is OrderStatus.PAUSED
    assert (await client.orders.resume("o-1")).status is OrderStatus.ACCEPTED
    await client.orders.cancel("o-1")
    for change in (client.orders.pause, client.orders.resume):
        with pytest.raises(Conflict):
            await change("o-1")
        with pytest.raises(NotFound):
            await change("o-2")


@pytest.mark.parametrize("what", ["pause", "resume"])
async def test_pause_and_resume_are_repeated(server: ScriptedServer, client: TwapClient, what: str) -> None:
    server.orders["o-1"] = order("o-1", status="Paused")
    server.cut("POST", f"/orders/o-1/{what}")
    server.script("POST", f"/orders/o-1/{what}", problem(503, "busy", "later"))
    assert (await getattr(client.orders, what)("o-1")).status.is_open
    assert sum(item.path == f"/orders/o-1/{what}" for item in server.requests) == 3


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"quantity": "2.000000000000000001"}, b'{"quantity":2.000000000000000001}'),
        ({"price": Decimal("61837.63")}, b'{"price":61837.63}'),
        ({"price": None}, b'{"price":null}'),
        ({"price": KEEP, "end_time": "+30m"}, b'{"end_time":"+30m"}'),
        ({"quantity": 2, "price": 1, "end_time": NOON}, None),
    ],
)
async def test_an_amendment_sends_what_was_given_and_nothing_else(
    server: ScriptedServer, client: TwapClient, fields: dict[str, Any], body: bytes | None
) -> None:
    before = server.orders["o-1"] = order("o-1", price=60000)
    after = await client.orders.amend("o-1", **fields)
    sent = server.requests[-1]
    assert (sent.method, sent.headers["if-match"]) == ("PATCH", "*")
    assert body in (None, sent.body)
    assert after.revision == before.revision + 1
    limit = fields.get("price", KEEP)
    assert after.limit_price == (before.limit_price if limit is KEEP else limit)
    assert after.quantity == Decimal(fields.get("quantity", 1))
    ends = {NOON: NOON, "+30m": NOON + timedelta(minutes=30)}
    assert after.end_time == ends.get(fields.get("end_time", ""), before.end_time)


async def test_an_amendment_is_for_the_order_as_it_was_seen(
    server: ScriptedServer, client: TwapClient
) -> None:
    server.orders["o-1"] = order("o-1")
    seen = await client.orders.get("o-1")
    again = await client.orders.amend(seen, quantity=2)
    with pytest.raises(RevisionMismatch, match="revision 2") as refused:
        await client.orders.amend(seen, quantity=3)
    assert isinstance(refused.value, Conflict) and refused.value.status == 412
    assert refused.value.code == "precondition_failed"
    assert (await client.orders.get("o-1")).quantity == 2
    assert (await client.orders.amend(again, price=1)).revision == 3
    with pytest.raises(RevisionMismatch):
        await client.orders.amend("o-1", quantity=3, revision=1)
    assert (await client.orders.amend(seen, quantity=3, revision=3)).revision == 4


async def test_an_amendment_is_not_repeated_blindly(server: ScriptedServer, client: TwapClient) -> None:
    server.orders["o-1"] = order("o-1")
    seen = await client.orders.get("o-1")
    server.cut("PATCH", "/orders/o-1")
    with pytest.raises(ConnectionLost):
        await client.orders.amend(seen, quantity=2)
    assert (await client.orders.get("o-1")).revision == 2
    with pytest.raises(RevisionMismatch):
        await client.orders.amend(seen, quantity=2)
    server.script("PATCH", "/orders/o-1", problem(503, "busy", "later"))
    with pytest.raises(Unavailable):
        await client.orders.amend("o-1", quantity=2)
    assert sum(item.method == "PATCH" for item in server.requests) == 3


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "nothing to change"), ({"quantity": "x"}, "quantity"), ({"end_time": "soon"}, "end_time")],
)
async def test_a_wrong_amendment_is_not_sent(
    server: ScriptedServer, client: TwapClient, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidValue, match=field):
        await client.orders.amend("o-1", **fields)
    assert server.requests == []


async def test_who_names_no_revision_is_told_so(server: ScriptedServer, client: TwapClient) -> None:
    server.script("PATCH", "/orders/o-1", problem(428, "precondition_required", "expected If-Match"))
    with pytest.raises(RevisionMissing, match="If-Match"):
        await client.orders.amend("o-1", quantity=1)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1200])
async def test_events_are_read_to_the_last(server: ScriptedServer, client: TwapClient, count: int) -> None:
    server.orders["o-1"] = order("o-1")
    server.push_event("accepted", order("other"))
    pushed = [server.push_event("slice", order("o-1")) for _ in range(count)]
    assert [event async for event in client.orders.events("o-1")] == pushed
    assert sum(item.path.endswith("/events") for item in server.requests) == count // 500 + 1
    later = [event.seq async for event in client.orders.events("o-1", since=400)]
    assert later == [event.seq for event in pushed if event.seq > 400]
    back = [event async for event in client.orders.events("o-1", newest_first=True)]
    assert back == pushed[::-1]
    assert [event.seq async for event in client.orders.events("o-1", since=400, newest_first=True)] == later[
        ::-1
    ]
    with pytest.raises(NotFound):
        await anext(client.orders.events("o-2"))
    with pytest.raises(NotFound):
        await anext(client.orders.events("o-2", newest_first=True))


async def test_events_survive_a_cut_connection(server: ScriptedServer, client: TwapClient) -> None:
    server.orders["o-1"] = order("o-1")
    pushed = server.push_event("accepted", order("o-1"))
    server.cut("GET", "/orders/o-1/events")
    assert [event async for event in client.orders.events("o-1")] == [pushed]


async def test_how_a_slice_may_be_executed_is_sent(server: ScriptedServer, client: TwapClient) -> None:
    await client.orders.submit(
        exchange="aggregate",
        symbol="BTC-USDT",
        quantity=1,
        duration="1m",
        slices=6,
        randomize="12.5",
        participation_cap=10,
        fidelity="l1",
        late_start="skip",
    )
    sent = server.requests[-1].json
    assert (sent["exchange"], sent["late_start"], sent["fidelity"]) == ("aggregate", "skip", "l1")
    assert (sent["randomize"], sent["participation_cap"]) == (Decimal("12.5"), 10)


USUAL: dict[str, Any] = {
    "exchange": "binance",
    "symbol": "BTC-USDT",
    "quantity": 1,
    "duration": "1m",
    "slices": 6,
}


async def test_a_strategy_is_sent_with_its_parameters(server: ScriptedServer, client: TwapClient) -> None:
    await client.orders.submit(**USUAL, strategy="vwap", volume_profile=[1, "2.5", 3])
    sent = server.requests[-1]
    assert (sent.path, sent.json["strategy"]) == ("/orders", "vwap")
    assert sent.json["volume_profile"] == [1, Decimal("2.5"), 3]
    await client.orders.preview(**USUAL, strategy="is", half_life="90")
    assert (server.requests[-1].path, server.requests[-1].json["half_life"]) == ("/orders/preview", 90)
    await client.orders.preview(**USUAL, compare=True)
    assert (server.requests[-1].path, server.requests[-1].query["compare"]) == ("/orders/preview", "true")
    await client.orders.preview(**USUAL, supply=Decimal("1.98E+7"))
    assert server.requests[-1].query == {"compare": "true", "supply": "19800000"}
    with pytest.raises(InvalidValue, match="supply: expected a number above 0"):
        await client.orders.preview(**USUAL, supply=0)
    await client.orders.submit(**USUAL)
    assert server.requests[-1].path == "/orders/twap", "a server from before strategies takes it too"


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"strategy": "pov"}, "participation", "participation is missing"),
        ({"participation": 3}, "participation", "belongs to strategy pov"),
        ({"strategy": "is", "urgency": "high", "half_life": 3}, "urgency", "give one of"),
        ({"strategy": "vwap", "volume_profile": "uniform"}, "volume_profile", 'expected "auto" or a list'),
        ({"strategy": "vwap", "volume_profile": [1, -1]}, "volume_profile", "at least 0"),
        ({"strategy": "vwap", "volume_profile": [1], "volume_days": 3}, "volume_days", "goes with"),
    ],
)
async def test_a_wrong_parameter_is_named(
    client: TwapClient, fields: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(InvalidValue, match=told) as caught:
        await client.orders.submit(**USUAL, **fields)
    assert caught.value.field == field
