"""Scripted users of the API: they submit, repeat, contradict themselves, cancel, read and follow.

Each checks what it is told: I8 (acknowledged is durable), I10 (one per token), I11 (no others'), I12.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from random import Random
from typing import Any, Protocol

from simulation.asgi import Reply, ServerGone, Stream
from simulation.clock import Shown, SimClock
from simulation.ledger import Ledger, Recorded
from simulation.venues.truth import Truth
from simulation.venues.venue import Venue
from simulation.violation import Violation
from simulation.witness import Witness

_PASSWORD = "correct horse battery"
_ANSWERED = frozenset({200, 201, 400, 404, 409, 412, 503})
_OURS = b"went wrong on our side"
"""What is said of a fault in the product, with whatever status."""
_COSTS = ("delay", "timing", "spread", "latency", "depth", "opportunity", "fees")
_SPELLINGS = ("{base}-{quote}", "{base}{quote}", "{base}/{quote}")


class Served(Protocol):
    """What users take for the server."""

    clock: SimClock
    shown: Shown

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str = "",
        body: Any = None,
        raw: bytes | None = None,
        form: bool = False,
        token: str = "",
        if_match: str = "",
        patience_s: float = 60.0,
    ) -> Reply:
        """Ask."""
        ...

    def stream(self, key: str, *, room: int) -> Stream:
        """Open ``/ws``."""
        ...


@dataclass(slots=True)
class Sent:
    """A body and what was answered to it."""

    body: dict[str, Any]
    order_id: str | None = None
    status: str = ""


@dataclass(slots=True)
class Account:
    """What a user knows."""

    name: str
    key: str = ""
    sent: dict[str, Sent] = field(default_factory=dict)
    seq: int = 0


class Users:
    """All users of a run."""

    def __init__(
        self,
        names: tuple[str, ...],
        *,
        server: Served,
        venues: tuple[Venue, ...],
        ledger: Ledger,
        witness: Witness,
        seed: str,
        pause_s: float,
    ) -> None:
        self._server, self._venues, self._ledger, self._witness = server, venues, ledger, witness
        self._rng = Random(f"{seed}:users")
        self._pause_s = pause_s
        self.accounts = [Account(name) for name in names]
        self.user_ids: dict[str, str] = {}
        self.done: Counter[str] = Counter()
        self._numbers = 0

    async def register(self) -> None:
        """Sign everybody up."""
        for account in self.accounts:
            credentials = {"username": account.name, "password": _PASSWORD}
            await self._server.call("POST", "/auth/register", body=credentials)
            form = f"username={account.name}&password={_PASSWORD}".encode()
            token = (await self._form("/auth/token", form)).json()["access_token"]
            reply = await self._with_token("/auth/keys", token)
            account.key = reply.json()["key"]

    async def live(self, account: Account) -> None:
        """Act, for ever."""
        rng = Random(f"{account.name}:{self._rng.random()}")
        while True:
            await asyncio.sleep(rng.expovariate(1 / self._pause_s))
            action = rng.choices(_ACTIONS, _WEIGHTS)[0]
            self.done[action] += 1
            try:
                await getattr(self, f"_{action}")(account, rng)
            except ServerGone:
                self.done["unanswered"] += 1

    def acknowledged(self) -> list[tuple[str, str, str]]:
        """User name, token and order id of every order the server said it had taken."""
        return [
            (account.name, token, sent.order_id)
            for account in self.accounts
            for token, sent in account.sent.items()
            if sent.order_id is not None
        ]

    # What users do

    async def _submit(self, account: Account, rng: Random) -> None:
        await self._send(account, [self._order(rng)], rng)

    async def _submit_list(self, account: Account, rng: Random) -> None:
        await self._send(account, [self._order(rng) for _ in range(rng.randint(2, 5))], rng)

    async def _repeat(self, account: Account, rng: Random) -> None:
        if account.sent:
            token = rng.choice(list(account.sent))
            await self._send(account, [account.sent[token].body], rng)

    async def _burst(self, account: Account, rng: Random) -> None:
        body = self._order(rng)
        async with asyncio.TaskGroup() as group:
            for _ in range(rng.randint(3, 12)):
                group.create_task(self._quietly(self._send(account, [body], rng)))

    async def _contradict(self, account: Account, rng: Random) -> None:
        known = [token for token, sent in account.sent.items() if sent.order_id is not None]
        if not known:
            return
        token = rng.choice(known)
        before = account.sent[token]
        other = {**before.body, "quantity": str(Decimal(before.body["quantity"]) + 1)}
        reply = await self._call(account, "POST", "/orders", [other])
        if reply.status in (503, 422):
            return
        answer = reply.json()
        item = answer[0] if isinstance(answer, list) else {"status": answer["code"], "reason": ""}
        if reply.status != 409 or item["reason"] != "duplicate_token_id":
            raise Violation("I10", f"{token} with another body: {reply.status} {item['status']}")

    async def _cancel(self, account: Account, rng: Random) -> None:
        if not account.sent:
            return
        recent = list(account.sent)[-8:]
        token = rng.choice(recent)
        reply = await self._call(account, "DELETE", f"/orders/{token}")
        if reply.status == 200 and reply.json()["status"] not in ("Canceled",):
            raise Violation("I9", f"cancelled {token} is {reply.json()['status']}")

    async def _pause(self, account: Account, rng: Random) -> None:
        token = self._recent(account, rng)
        if token is None:
            return
        reply = await self._call(account, "POST", f"/orders/{token}/pause")
        if reply.status == 200 and reply.json()["status"] != "Paused":
            raise Violation("I9", f"paused {token} is {reply.json()['status']}")
        if reply.status == 200 and rng.random() < 0.7:
            await asyncio.sleep(rng.uniform(0, 60))
            await self._call(account, "POST", f"/orders/{token}/resume")

    async def _resume(self, account: Account, rng: Random) -> None:
        token = self._recent(account, rng)
        if token is not None:
            await self._call(account, "POST", f"/orders/{token}/resume")

    async def _amend(self, account: Account, rng: Random) -> None:
        token = self._recent(account, rng)
        if token is None or account.sent[token].order_id is None:
            return
        record = self._ledger.orders[str(account.sent[token].order_id)]
        change = self._change(record, rng)
        sent = record.plan.revision + rng.choice((0, 0, 0, 0, 1, -1))
        if_match = "*" if rng.random() < 0.3 else f'"{sent}"'
        reply = await self._call(account, "PATCH", f"/orders/{token}", change, if_match=if_match)
        if reply.status == 200 and if_match != "*" and reply.json()["revision"] != sent + 1:
            raise Violation("I10", f"{token} amended at {if_match}: revision {reply.json()['revision']}")

    async def _preview(self, account: Account, rng: Random) -> None:
        body = {**self._order(rng), "token_id": "previewed"}
        await self._call(account, "POST", "/orders/preview", body)
        reply = await self._call(account, "GET", "/orders/previewed")
        if reply.status not in (404, 503):
            raise Violation("I10", f"a preview was stored: {reply.status}")

    async def _report(self, account: Account, rng: Random) -> None:
        token = self._recent(account, rng)
        if token is None:
            return
        reply = await self._call(account, "GET", f"/orders/{token}/report")
        if reply.status == 200:
            self._check_costs(token, reply.json()["costs"])

    async def _events(self, account: Account, rng: Random) -> None:
        token = self._recent(account, rng)
        if token is None:
            return
        reply = await self._call(account, "GET", f"/orders/{token}/events")
        if reply.status == 200:
            for event in reply.json():
                self._check_own(account, event["order"])

    async def _book(self, account: Account, rng: Random) -> None:
        topic = self._topic(rng)
        reply = await self._call(account, "GET", f"/orderbook/{topic['exchange']}/{topic['symbol']}?depth=10")
        if reply.status == 200 and topic["exchange"] != "aggregate":
            self._see_book(topic["exchange"], topic["symbol"], reply.json())

    async def _look(self, account: Account, rng: Random) -> None:
        if not account.sent:
            return
        token = rng.choice(list(account.sent)[-20:])
        reply = await self._call(account, "GET", f"/orders/{token}")
        if reply.status == 200:
            self._check_detail(account, reply.json())
        elif reply.status == 404 and account.sent[token].order_id is not None:
            raise Violation("I8", f"{account.name}: acknowledged order {token} is not found")

    async def _list(self, account: Account, rng: Random) -> None:
        status = rng.choice(("", "?status=open", "?status=closed", "?limit=3"))
        reply = await self._call(account, "GET", f"/orders{status}")
        if reply.status == 200:
            for item in reply.json():
                self._check_own(account, item)

    async def _pry(self, account: Account, rng: Random) -> None:
        other = rng.choice([one for one in self.accounts if one is not account])
        if not other.sent:
            return
        token = rng.choice(list(other.sent))
        for method in ("GET", "DELETE"):
            reply = await self._call(account, method, f"/orders/{token}")
            if reply.status not in (404, 503):
                raise Violation("I11", f"{account.name} {method} {other.name}'s {token}: {reply.status}")

    async def _oddity(self, account: Account, rng: Random) -> None:
        number = rng.choice(("1e999999", "NaN", "-0", "1_000", "1E-400", '" 1 "', "0.1.2", "99999999999e18"))
        body = f'{{"token_id":"odd","exchange":"binance","symbol":"BTCUSDT","quantity":{number},'
        raw = (body + '"duration":60,"interval":5}').encode()
        reply = await self._server.call("POST", "/orders/twap", key=account.key, raw=raw)
        if reply.status not in (200, 201, 400, 409, 422, 503):
            raise Violation("I14", f"quantity {number} is answered with {reply.status}")

    async def _follow(self, account: Account, rng: Random) -> None:
        slow = rng.random() < 0.2
        stream = self._server.stream(account.key, room=2 if slow else 100)
        try:
            stream.tell(type="subscribe", channel="orders", since=account.seq)
            topic = self._topic(rng)
            if rng.random() < 0.5:
                stream.tell(type="subscribe", channel="book", **topic)
            until = self._now() + rng.uniform(5, 120)
            while not stream.over and self._now() < until:
                message = await stream.next(5.0)
                if message is not None:
                    self._hear(account, message)
                if slow:
                    await asyncio.sleep(rng.uniform(0, 6))
        finally:
            stream.leave()

    # What they check

    def _hear(self, account: Account, message: dict[str, Any]) -> None:
        if message["type"] == "order_event":
            if message["seq"] != account.seq + 1:
                raise Violation("I12", f"{account.name}: event {message['seq']} after {account.seq}")
            account.seq = message["seq"]
            self._check_own(account, message["order"])
            if message["seq"] > self._ledger.seqs.get(self._user_id(account), 0):
                raise Violation(
                    "I8", f"{account.name} was told of event {message['seq']} before it was recorded"
                )
        elif message["type"] == "book" and message["exchange"] != "aggregate":
            self._see_book(message["exchange"], message["instrument"], message)

    def _see_book(self, exchange: str, symbol: str, message: dict[str, Any]) -> None:
        self._witness.feed(exchange, symbol, message, shown=self._server.shown)

    def _user_id(self, account: Account) -> str:
        return self.user_ids[account.name]

    def _check_own(self, account: Account, item: dict[str, Any]) -> None:
        record = self._ledger.orders.get(item["order_id"])
        if record is None:
            raise Violation("I8", f"{account.name} is shown {item['token_id']}, which is not recorded")
        if record.terms.user_id != self._user_id(account):
            raise Violation("I11", f"{account.name} is shown another user's {item['token_id']}")

    def _check_costs(self, token: str, costs: dict[str, Any]) -> None:
        parts = [costs[name]["amount"] for name in _COSTS]
        whole = costs["implementation_shortfall"]["amount"]
        if whole is None or None in parts:
            return
        with localcontext(prec=200):
            if sum(map(Decimal, parts), Decimal(0)) != Decimal(whole):
                raise Violation("I7", f"{token}: the parts of its costs do not sum to the whole: {costs}")

    def _check_detail(self, account: Account, item: dict[str, Any]) -> None:
        self._check_own(account, item)
        fills = item["fills"]
        filled = sum((fill["quantity"] for fill in fills), Decimal(0))
        if filled != item["filled_quantity"]:
            raise Violation("I7", f"{item['token_id']}: {filled} in fills, {item['filled_quantity']} shown")
        record = self._ledger.orders[item["order_id"]]
        if len(fills) > len(record.fills):
            raise Violation("I8", f"{item['token_id']}: shows fills that are not recorded")

    async def _send(self, account: Account, bodies: list[dict[str, Any]], rng: Random) -> None:
        for body in bodies:
            account.sent.setdefault(body["token_id"], Sent(body))
        patience = 0.02 if rng.random() < 0.03 else 60.0
        payload = bodies[0] if len(bodies) == 1 and rng.random() < 0.5 else bodies
        reply = await self._call(account, "POST", "/orders", payload, patience_s=patience)
        if reply.status in (503, 422):
            if reply.status == 422:
                raise Violation("I10", f"a right order is refused: {reply.body.decode()[:300]}")
            return
        answer = reply.json()
        if not isinstance(answer, list):
            raise Violation("I10", f"an order is answered with {reply.status} {answer['code']}")
        for body, item in zip(bodies, answer, strict=True):
            self._note(account, body, item)

    def _note(self, account: Account, body: dict[str, Any], item: dict[str, Any]) -> None:
        sent = account.sent[body["token_id"]]
        if item["reason"] == "duplicate_token_id":
            if sent.body is body or sent.body == body:
                raise Violation("I10", f"the same body of {body['token_id']} counts as another")
            return
        self._check_own(account, item)
        if sent.order_id is not None and sent.order_id != item["order_id"]:
            raise Violation("I10", f"{body['token_id']} names {sent.order_id} and {item['order_id']}")
        sent.order_id, sent.status = item["order_id"], item["status"]

    # How they do it

    def _order(self, rng: Random) -> dict[str, Any]:
        self._numbers += 1
        truth = self._instrument(rng)
        spec = truth.spec
        quantity = max(
            spec.min_quantity * 3, int(spec.size * rng.choice((0.3, 1, 3, 10)) * (0.2 + rng.random()))
        )
        body: dict[str, Any] = {
            "token_id": f"t{self._numbers}",
            "exchange": spec.venue,
            "symbol": rng.choice(_SPELLINGS).format(base=spec.base, quote=spec.quote),
            "side": rng.choice(("buy", "sell")),
            "quantity": spec.quantity_text(quantity),
        }
        self._add_schedule(body, rng)
        self._add_options(body, truth, rng)
        _add_strategy(body, Random(f"{body['token_id']} {body['quantity']}"))
        return body

    def _add_schedule(self, body: dict[str, Any], rng: Random) -> None:
        length = rng.choice((5, 20, 60, 180, 400, 900))
        if rng.random() < 0.7:
            body["interval"] = max(1, round(length / rng.choice((2, 4, 8, 15, 25))))
        else:
            body["slices"] = rng.choice((1, 2, 5, 10, 20))
        body["duration"] = length
        draw = rng.random()
        if draw < 0.15:
            body["start_time"] = f"+{rng.randint(1, 90)}s"
        elif draw < 0.3:
            begin = self._server.clock.now() // 10**9 - rng.randint(1, 300)
            body["start_time"] = _iso(begin)
            body["late_start"] = rng.choice(("compress", "skip", "shift"))

    def _add_options(self, body: dict[str, Any], truth: Truth, rng: Random) -> None:
        spec = truth.spec
        if rng.random() < 0.5:
            away = rng.randint(-2 * spec.spread, 12 * spec.spread)
            sign = 1 if body["side"] == "buy" else -1
            body["price"] = spec.price_text(max(1, truth.fair + sign * away))
        if rng.random() < 0.2:
            body["max_slippage_bps"] = str(rng.choice((1, 3, 10, 50)))
        body["carry"] = rng.choice(("catch_up", "catch_up", "skip", "last"))
        if rng.random() < 0.08:
            body["fidelity"] = "l1"
        if rng.random() < 0.15:
            body["randomize"] = rng.choice((5, 20, 50))
        if rng.random() < 0.12:
            body["participation_cap"] = rng.choice((5, 30, 100))
        if rng.random() < 0.2:
            body["exchange"] = "aggregate"

    def _change(self, record: Recorded, rng: Random) -> dict[str, Any]:
        """What to amend: often more or less, sometimes what cannot be."""
        plan, change = record.plan, {}
        draw = rng.random()
        if draw < 0.5:
            change["quantity"] = f"{plan.quantity * rng.choice((1, 2, 3)) / rng.choice((1, 2, 4)):f}"
        if 0.3 < draw < 0.7:
            change["end_time"] = f"+{rng.choice((1, 10, 60, 300))}s"
        if draw > 0.6 or not change:
            price = None if plan.limit is None else f"{plan.limit * rng.choice((99, 100, 101)) / 100:f}"
            change["price"] = price
        return change

    def _recent(self, account: Account, rng: Random) -> str | None:
        return rng.choice(list(account.sent)[-6:]) if account.sent else None

    def _instrument(self, rng: Random) -> Truth:
        return rng.choice([truth for venue in self._venues for truth in venue.truths.values()])

    def _topic(self, rng: Random) -> dict[str, str]:
        spec = self._instrument(rng).spec
        exchange = spec.venue if rng.random() < 0.8 else "aggregate"
        return {"exchange": exchange, "symbol": spec.symbol}

    def _now(self) -> float:
        return self._server.clock.monotonic() / 1e9

    async def _call(
        self,
        account: Account,
        method: str,
        path: str,
        body: Any = None,
        *,
        if_match: str = "",
        patience_s: float = 60.0,
    ) -> Reply:
        before = self._now()
        reply = await self._server.call(
            method, path, key=account.key, body=body, if_match=if_match, patience_s=patience_s
        )
        if reply.status not in _ANSWERED and reply.status != 422:
            raise Violation("I14", f"{method} {path}: {reply.status} {reply.body.decode()[:200]}")
        if _OURS in reply.body:
            raise Violation("I14", f"{method} {path}: {reply.status} {reply.body.decode()[:200]}")
        if self._now() - before > 45:
            raise Violation("I14", f"{method} {path} took {self._now() - before:.0f} s")
        return reply

    async def _quietly(self, work: Any) -> None:
        try:
            await work
        except ServerGone:
            self.done["unanswered"] += 1

    async def _form(self, path: str, form: bytes) -> Reply:
        return await self._server.call("POST", path, raw=form, form=True)

    async def _with_token(self, path: str, token: str) -> Reply:
        return await self._server.call("POST", path, body={"name": "sim"}, token=token)


_WEIGHTS_OF = {
    "submit": 30,
    "submit_list": 4,
    "repeat": 6,
    "burst": 1,
    "contradict": 4,
    "cancel": 8,
    "pause": 6,
    "resume": 2,
    "amend": 8,
    "look": 9,
    "list": 5,
    "events": 2,
    "report": 4,
    "preview": 2,
    "book": 3,
    "pry": 3,
    "oddity": 2,
    "follow": 8,
}
_ACTIONS, _WEIGHTS = tuple(_WEIGHTS_OF), tuple(_WEIGHTS_OF.values())


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _add_strategy(body: dict[str, Any], rng: Random) -> None:
    """A third of the orders follow another curve; with draws of its own, so that a seed stays what it was."""
    if rng.random() < 0.67:
        return
    body |= rng.choice(
        (
            {
                "strategy": "vwap",
                "volume_profile": [rng.randint(0, 9) for _ in range(rng.randint(1, 12))] + [1],
            },
            {"strategy": "is", "urgency": rng.choice(("low", "medium", "high"))},
            {"strategy": "is", "half_life": rng.choice((1, 20, 300))},
            {"strategy": "pov", "participation": rng.choice(("0.5", 10, 60))},
            {"strategy": "sweep"},
        )
    )
