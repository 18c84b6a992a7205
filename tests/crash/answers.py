"""What the server answers after a restart, held against what it told before and against the store.

In: the public API. Out: breaches. Reads only; nothing here knows how the server works.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import httpx

from crash.facts import Facts, Record
from crash.journal import Breach, Journal, Wire, read
from crash.load import User
from crash.readers import replay

_PAGE = 500
_AT_ONCE = 4


async def check_lists(
    http: httpx.AsyncClient, user: User, journal: Journal, *, spawned: int, since: int
) -> list[Breach]:
    """Right after a restart: every order acknowledged since is listed as it was told; none is past its end.

    Args:
        http: bound to the server.
        user: whose.
        journal: what was told.
        spawned: when the server was started, in wall-clock nanoseconds.
        since: look only at promises made since then.
    """
    found = []
    listed: dict[str, Wire] = {}
    wanted = {t for (name, t), p in journal.promises.items() if name == user.name and p.acknowledged >= since}
    asked = time.time_ns()
    async for page in _pages(http, user, status=None):
        for order in page:
            listed[order["token_id"]] = order
            journal.shown(user.name, order, asked=asked)
        asked = time.time_ns()
        if not wanted - listed.keys():
            break
    for token in wanted - listed.keys():
        found.append(Breach(rule="I8", where=f"{user.name} {token}", what="acknowledged, and not listed"))
    for order in listed.values():
        if order["status"] in ("Accepted", "Working", "Paused") and _nanos(order["end_time"]) < spawned:
            where = f"{user.name} {order['token_id']}"
            found.append(Breach(rule="F24", where=where, what=f"ready, and {order['status']} past its end"))
    return found


async def check_details(http: httpx.AsyncClient, user: User, journal: Journal, facts: Facts) -> list[Breach]:
    """Every order as the API shows it, against the store and against what was told."""
    found: list[Breach] = []
    mine = [record for record in facts.records.values() if record.order["username"] == user.name]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(record: Record) -> None:
        async with gate:
            asked, path = time.time_ns(), f"/orders/{record.order['token_id']}"
            answer = await http.get(path, headers={"X-API-Key": user.key})
            report = await http.get(f"{path}/report", headers={"X-API-Key": user.key})
        where = f"{user.name} {record.order['token_id']}"
        for failed in (one for one in (answer, report) if not one.is_success):
            what = f"stored, and answered with {failed.status_code}"
            found.append(Breach(rule="I8", where=where, what=what))
            return
        detail = read(answer.content)
        journal.shown(user.name, detail, asked=asked)
        wrong = [*_differences(detail, record), *_costs(read(report.content), record)]
        found.extend(Breach(rule="I7", where=where, what=text) for text in wrong)

    async with asyncio.TaskGroup() as group:
        for record in mine:
            group.create_task(look(record))
    return found


async def check_replay(url: str, user: User, journal: Journal, facts: Facts) -> list[Breach]:
    """The whole stream from the beginning: no gap, and nothing that was seen has changed."""
    events = await replay(url, key=user.key)
    for event in events:
        journal.event(user.name, event)
    numbers = [event["seq"] for event in events]
    if numbers != list(range(1, len(facts.events.get(user.name, {})) + 1)):
        what = (
            f"{len(numbers)} events replayed to {numbers[-1:]}, {len(facts.events.get(user.name, {}))} stored"
        )
        return [Breach(rule="I8", where=user.name, what=what)]
    return []


async def _pages(http: httpx.AsyncClient, user: User, *, status: str | None) -> AsyncIterator[list[Wire]]:
    address: str | None = f"/orders?limit={_PAGE}" + (f"&status={status}" if status else "")
    while address:
        answer = (await http.get(address, headers={"X-API-Key": user.key})).raise_for_status()
        yield read(answer.content)
        address = answer.links.get("next", {}).get("url")


def _differences(detail: Wire, record: Record) -> Iterator[str]:
    order, fills = record.order, record.fills
    expected: dict[str, Any] = {
        "order_id": order["order_id"],
        "status": order["status"],
        "quantity": order["quantity"],
        "filled_quantity": order["filled"],
        "remaining_quantity": order["quantity"] - order["filled"],
        "average_price": _average(record),
        "fill_state": _fill_state(record),
    }
    for name, value in expected.items():
        if detail[name] != value:
            yield f"{name} is shown as {detail[name]}, it is {value}"
    shown = [(f["fill_id"], f["slice"], f["price"], f["quantity"], f["fee"]) for f in detail["fills"]]
    stored = [(f["fill_id"], f["slice_index"], f["price"], f["quantity"], f["fee"]) for f in fills]
    if shown != stored:
        yield f"{len(shown)} fills are shown, {len(stored)} are stored, or they differ"
    ended = [(s["index"], s["outcome"], s["filled_quantity"]) for s in detail["slices"][: len(record.slices)]]
    if ended != [(s["slice_index"], s["outcome"], s["filled"]) for s in record.slices]:
        yield "the slices shown are not those stored"


def _costs(report: Wire, record: Record) -> Iterator[str]:
    if (report["notional"], report["fees"]) != (record.order["notional"], record.order["fees"]):
        yield f"the report says {report['notional']} and {report['fees']}"


def _average(record: Record) -> Decimal | None:
    """Σpq/Σq, half-even to 12 decimals, from the fills alone; Python rounds fractions half-even."""
    if not record.fills:
        return None
    total = sum(Fraction(f["price"]) * Fraction(f["quantity"]) for f in record.fills)
    filled = sum(Fraction(f["quantity"]) for f in record.fills)
    return Decimal(round(total / filled * 10**12)).scaleb(-12)


def _fill_state(record: Record) -> str:
    filled = sum(Fraction(f["quantity"]) for f in record.fills)
    if not filled:
        return "none"
    return "full" if filled == Fraction(record.order["quantity"]) else "partial"


def _nanos(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e9)
