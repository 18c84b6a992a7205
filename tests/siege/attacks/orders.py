"""One user's orders and readers against another's."""

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from siege import wire
from siege.attack import Attack
from siege.ground import Ground
from siege.tally import Tally
from siege.wire import Line

_OF_A_LIST = 1_000
_BIG_SLICES = 100_000
_CLOSED_WITHIN_S = 36.0
"""The server's half a minute without progress, and some."""


def _order(token: str, *, seconds: int, buy: bool = True, start: float | None = None) -> dict[str, Any]:
    """An order with ten slices a second, each above the exchange's least value."""
    order = {
        "token_id": token,
        "exchange": "binance",
        "symbol": "BTC-USDT",
        "side": "buy" if buy else "sell",
        "quantity": f"{seconds * 10 * 0.0002:.4f}",
        "duration": seconds,
        "interval": 0.1,
    }
    if start is not None:
        order |= {"start_time": datetime.fromtimestamp(start, UTC).isoformat(), "late_start": "skip"}
    return order


def _submit(orders: list[dict[str, Any]], key: str) -> bytes:
    return wire.json_request("POST", "/orders/twap", json.dumps(orders).encode(), (key,))


class ManyOrders(Attack):
    """Ten thousand orders with a slice every tenth of a second, and always new ones."""

    name, number = "orders", "B8"
    what = "lists of 1,000 orders at the smallest interval, 10,000 and then new ones without end, by one user"
    held = "the victim's order loses nothing; what is too much is rejected with its reason"
    users = 1
    seconds = 20.0
    own_memory_mib = 64

    async def run(self, ground: Ground) -> None:
        """Two lists at a time; what is open at the end ends by itself."""
        size = ground.scaled(_OF_A_LIST)

        async def once(number: int) -> None:
            name = f"many-{number}-{ground.rng.getrandbits(48):x}"
            lasts = max(2, int(ground.left))
            orders = [_order(f"{name}-{at}", seconds=lasts, buy=at % 2 == 0) for at in range(size)]
            async with ground.line(number) as line:
                ground.tally.requests += 1
                await line.say(_submit(orders, ground.key()))
                _, body = await line.answer()
                _count_orders(ground.tally, body)

        await ground.repeat(once, at_once=2)


def _count_orders(tally: Tally, body: bytes) -> None:
    with suppress(ValueError):
        for order in json.loads(body):
            reason = order.get("reason") if isinstance(order, dict) else None
            tally.answers[f"order {reason or 'accepted'}"] += 1


class BigReaders(Attack):
    """Eight who ask for all of an order of 100,000 slices, again and again."""

    name, number = "big-readers", "B9"
    what = "8 readers of an order of 100,000 slices, its report and its page, without end"
    held = "the victim signs in and is served as ever"
    users = 1
    own_memory_mib = 64

    async def run(self, ground: Ground) -> None:
        """Submit one that is nearly over, then read."""
        token = await _big_order(ground)
        paths = [f"/orders/{token}{rest}" for rest in ("", "/report", "?slices=1000&fills=1000")]

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                while ground.goes_on:
                    for path in paths:
                        await line.ask(wire.request("GET", path, (ground.key(),)))

        await ground.repeat(once, at_once=8)


class UnreadAnswers(Attack):
    """Large answers that nobody reads."""

    name, number = "unread", "B9"
    what = "20 connections that ask for 15 MB and read nothing"
    held = "every one is closed after 30 seconds, at the latest after 36"
    users = 1
    seconds = 42.0
    own_memory_mib = 64

    async def run(self, ground: Ground) -> None:
        """Ask, then wait to be closed."""
        token = await _big_order(ground)

        async def hold(number: int) -> None:
            with suppress(OSError, EOFError):
                async with ground.line(number) as line:
                    await line.say(wire.request("GET", f"/orders/{token}", (ground.key(),)))
                    if await _begins_with_200(ground, line):
                        await _until_closed(ground, line)

        async with asyncio.TaskGroup() as group:
            for number in range(ground.scaled(20)):
                group.create_task(hold(number))


async def _begins_with_200(ground: Ground, line: Line) -> bool:
    """Read the begin of an answer and then nothing more; others are told to come back."""
    begin = await line.reader.readuntil(b"\r\n")
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]
    status = begin.split(b" ")[1].decode()
    ground.tally.answers[status] += 1
    return status == "200"


async def _until_closed(ground: Ground, line: Line) -> None:
    """Only a write tells that the other side is gone, where nothing is read."""
    since = time.monotonic()
    while ground.left > 0.5:
        await asyncio.sleep(0.25)
        try:
            await line.say(b"\r\n")
        except OSError:
            ground.tally.answers["closed"] += 1
            return
    ground.tally.answers["held to the end"] += 1
    if time.monotonic() - since > _CLOSED_WITHIN_S:
        ground.tally.hole(f"an answer that nobody reads is held for more than {_CLOSED_WITHIN_S:.0f} s")


async def _big_order(ground: Ground) -> str:
    """An order of which nearly all slices are past; gives its token."""
    token = f"big-{ground.rng.getrandbits(48):x}"
    seconds = ground.scaled(_BIG_SLICES) // 10
    order = _order(token, seconds=seconds, start=time.time() - seconds + 30)
    async with ground.line() as line:
        await line.say(_submit([order], ground.key()))
        _, body = await line.answer()
        _count_orders(ground.tally, body)
    return token


class Replays(Attack):
    """Everything that ever happened, three hundred times."""

    name, number = "replays", "B9"
    what = "subscribe orders since=0 without end on 8 streams of a user with many events, answers read"
    held = "the victim is served as ever; new connections are taken"
    users = 1

    async def run(self, ground: Ground) -> None:
        """Subscribe, leave, subscribe."""
        again = wire.frame(wire.TEXT, b'{"type":"subscribe","channel":"orders","since":0}') + wire.frame(
            wire.TEXT, b'{"type":"unsubscribe","channel":"orders"}'
        )

        async def once(number: int) -> None:
            async with ground.line(number) as line:
                if await wire.upgrade(line, (ground.key(),)) != 101:
                    return
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(line.ended(ground.left))
                    while ground.goes_on and not reading.done():
                        for _ in range(8):
                            await line.say(again)
                            ground.tally.frames += 2
                        await asyncio.sleep(0.2)

        await ground.repeat(once, at_once=8)
