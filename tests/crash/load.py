"""The users: they submit, repeat, cancel and contradict themselves, and never stop because a server died.

In: the server's address and keys. Out: a journal of what they were told. A submission is repeated, with the
same token ids, until it is answered: the answers must name the same orders.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from crash.journal import ENDED, Batch, Journal, Wire, read
from crash.readers import read_as_client, read_events
from twap_client import ApiError, ClientConfig, NotFound, TransportError, TwapClient, Unavailable
from twap_client import Conflict as Refused
from twap_models import StrategyOrderRequest

ANSWER_WITHIN_S = 60
PASSWORD = "correct horse battery"
_FAIR = {"BTC-USDT": 60_000, "ETH-USDT": 3_000}
_SIZES = {"BTC-USDT": ("0.02", "0.1", "0.4", "1.5"), "ETH-USDT": ("0.3", "2", "9", "40")}


@dataclass(slots=True, kw_only=True)
class User:
    """One user: a key, a client, and orders in flight."""

    name: str
    key: str
    client: TwapClient
    http: httpx.AsyncClient
    """For what the client library is not asked to do."""
    rng: random.Random
    count: int = 0
    open: dict[str, int] = field(default_factory=dict)
    """Token ids believed to be open, with when they end."""
    doubtful: list[Batch] = field(default_factory=list)
    """Submissions that were cut off, to be repeated."""


class Load:
    """All users and their traffic; run it in a task group and cancel it to stop."""

    def __init__(
        self, url: str, *, journal: Journal, users: int, orders: int, seed: int, pace: float = 1.0
    ) -> None:
        """Args:
        orders: how many orders all users together keep open.
        pace: 1 makes orders of two to nine seconds, less makes shorter ones.
        """
        self.url, self.journal = url, journal
        self.users: list[User] = []
        self._count, self._seed, self._pace = users, seed, pace
        self._each = max(2, orders // users)
        self._quiet = False

    async def sign_up(self) -> None:
        """Register every user and give each an API key, which outlives a restart."""
        for number in range(self._count):
            name = f"user{number}"
            async with TwapClient(self.url) as client:
                await client.accounts.register(name, PASSWORD)
                token = (await client.accounts.login(name, PASSWORD)).access_token
            async with httpx.AsyncClient(base_url=self.url, timeout=30) as once:
                headers = {"Authorization": f"Bearer {token}"}
                answer = await once.post("/auth/keys", json={"name": "crash"}, headers=headers)
                key = answer.raise_for_status().json()["key"]
            client = TwapClient(config=self.config(key))
            rng = random.Random(f"{self._seed}:{name}")
            http = httpx.AsyncClient(base_url=self.url, headers={"X-API-Key": key}, timeout=10)
            self.users.append(User(name=name, key=key, client=client, http=http, rng=rng))

    def config(self, key: str) -> ClientConfig:
        """A client that is impatient: the server is often away, and soon back."""
        soon, later = timedelta(milliseconds=30), timedelta(milliseconds=300)
        return ClientConfig(
            base_url=self.url, api_key=key, request_timeout=timedelta(seconds=10), attempts=3,
            retry_first=soon, retry_cap=later, reconnect_first=soon, reconnect_cap=later,
        )  # fmt: skip

    async def run(self) -> None:
        """Trade until cancelled."""
        async with asyncio.TaskGroup() as group:
            for user in self.users:
                group.create_task(self._trade(user))
                group.create_task(read_events(self.url, key=user.key, user=user.name, journal=self.journal))
            first = self.users[0]
            group.create_task(read_as_client(self.config(first.key), user=first.name, journal=self.journal))

    async def calm(self) -> None:
        """Submit nothing new, and wait until nothing is in doubt."""
        self._quiet = True
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while any(self.journal.unanswered()):
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Close the users' connections."""
        for user in self.users:
            await user.client.aclose()
            await user.http.aclose()

    # One user

    async def _trade(self, user: User) -> None:
        while True:
            await asyncio.sleep(user.rng.uniform(0.03, 0.25))
            while user.doubtful:
                await self._until_answered(user, user.doubtful.pop())
            if self._quiet:
                continue
            now = time.time_ns()
            user.open = {token: end for token, end in user.open.items() if end > now}
            if user.open and user.rng.random() < 0.25:
                await self._change(user, user.rng.choice(list(user.open)))
            elif len(user.open) < self._each:
                await self._submit_something(user)

    async def _submit_something(self, user: User) -> None:
        roll = user.rng.random()
        if roll < 0.2:
            await self.submit(user, [self.order(user) for _ in range(user.rng.randint(2, 8))])
        elif roll < 0.3:
            await self._at_once(user)
        elif roll < 0.4 and self.journal.promises:
            await self._contradict(user)
        else:
            await self.submit(user, [self.order(user)])

    async def submit(self, user: User, bodies: Sequence[Wire]) -> None:
        """Submit, and repeat until it is answered."""
        await self._until_answered(user, self.journal.sent(user.name, bodies))

    async def _at_once(self, user: User) -> None:
        """The same order many times at once is one order."""
        body = self.order(user)
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(self.submit(user, [body]))

    async def _contradict(self, user: User) -> None:
        """A used token id with another body is refused, and changes nothing."""
        mine = [promise.body for (name, _), promise in self.journal.promises.items() if name == user.name]
        if mine:
            await self.submit(user, [{**user.rng.choice(mine), "quantity": "0.0777"}])

    async def _until_answered(self, user: User, batch: Batch) -> None:
        requests = [StrategyOrderRequest.model_validate(body) for body in batch.bodies]
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < deadline:
            asked = time.time_ns()
            try:
                if len(requests) == 1 and user.rng.random() < 0.5:
                    answer = [await user.client.orders.submit(requests[0])]
                else:
                    answer = await user.client.orders.submit(requests)
            except (TransportError, Unavailable):
                await asyncio.sleep(0.05)
            except ApiError as error:
                self.journal.refused(batch, f"{error.status} {error.code} {error}")
                return
            else:
                self._take(user, batch, [read(order.to_json()) for order in answer], asked=asked)
                return
        self.journal.refused(batch, f"no answer within {ANSWER_WITHIN_S} s")

    def _take(self, user: User, batch: Batch, orders: Sequence[Wire], *, asked: int) -> None:
        self.journal.answered(batch, orders, asked=asked)
        for order in orders:
            if order["status"] not in ENDED:
                end = datetime.fromisoformat(order["end_time"])
                user.open[order["token_id"]] = round(end.timestamp() * 1e9)

    async def _change(self, user: User, token: str) -> None:
        """Cancel, amend, or pause for a moment. What gets no answer may have happened or not."""
        roll = user.rng.random()
        if roll < 0.4:
            await self._cancel(user, token)
        elif roll < 0.7:
            await self.amend(user, token)
        elif await self.ask(user, token, "paused", "POST", "/pause"):
            await asyncio.sleep(user.rng.uniform(0.1, 0.6))
            await self.ask(user, token, "resumed", "POST", "/resume")

    async def amend(self, user: User, token: str) -> None:
        """Change end, limit or quantity of an order, whatever its revision."""
        self.journal.amending(user.name, token)
        wanted = user.rng.choice(({"end_time": "+3s"}, {"price": None}, {"quantity": "50"}))
        await self.ask(user, token, "amended", "PATCH", "", json=wanted, headers={"If-Match": "*"})

    async def ask(self, user: User, token: str, kind: str, method: str, path: str, **body: Any) -> bool:
        """Change an order; whether it was acknowledged."""
        asked = time.time_ns()
        try:
            answer = await user.http.request(method, f"/orders/{token}{path}", **body)
        except httpx.TransportError:
            return False
        if answer.status_code != 200:
            if answer.status_code == 404:
                self.journal.breach("I8", f"{user.name} {token}", f"acknowledged, and not found when {kind}")
            return False
        self.journal.shown(user.name, read(answer.content), asked=asked)
        self.journal.changes.add((user.name, token, kind))
        return True

    async def _cancel(self, user: User, token: str) -> None:
        user.open.pop(token, None)
        asked = time.time_ns()
        try:
            order = read((await user.client.orders.cancel(token)).to_json())
        except (TransportError, Unavailable, Refused):
            return
        except NotFound:
            self.journal.breach("I8", f"{user.name} {token}", "acknowledged, and not found when canceled")
            return
        self.journal.shown(user.name, order, asked=asked)
        if order["status"] != "Canceled":
            self.journal.breach("I9", f"{user.name} {token}", f"canceled, and it is {order['status']}")

    def order(self, user: User) -> Wire:
        """A new order under a token id of its own; most have slices of a tenth to a quarter of a second."""
        rng = user.rng
        user.count += 1
        exchange, symbol = rng.choice(("binance", "kraken", "aggregate")), rng.choice(list(_FAIR))
        side = rng.choice(("buy", "sell"))
        body: Wire = {
            "token_id": f"{user.name}-{user.count}",
            "exchange": exchange,
            "symbol": symbol,
            "side": side,
            "quantity": rng.choice(_SIZES[symbol]),
            "duration": f"{round(rng.randint(2_000, 9_000) * self._pace)}ms",
            "interval": f"{rng.randint(100, 250)}ms",
            "carry": rng.choice(("catch_up", "catch_up", "skip", "last")),
        }
        return body | self._variation(user, side, symbol)

    def _variation(self, user: User, side: str, symbol: str) -> Wire:
        rng, fair = user.rng, _FAIR[symbol]
        away = -1 if side == "buy" else 1
        return rng.choice(
            (
                {},
                {},
                {"price": str(fair + away * fair // 5_000)},  # rarely fills
                {"price": str(fair - away * fair // 100)},  # nearly always does
                {"max_slippage_bps": "0.5"},
                {"fidelity": "l1"},
                {"start_time": "+700ms"},
                {"randomize": 40},
                {"participation_cap": 50},
                {"strategy": "vwap", "volume_profile": [1, 0, 3, 2]},
                {"strategy": "is", "urgency": "high"},
                {"strategy": "pov", "participation": 30},
                {"strategy": "sweep"},
                {"interval": "1s"},
                {"start_time": _ago(1.5), "late_start": rng.choice(("compress", "skip", "shift"))},
                {"quantity": "0.0000000001"},  # below every minimum: rejected
            )
        )


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
