"""What the server told its users, kept outside of it: every promise, every event, every end that was shown.

In: requests as sent, answers and messages as received. Out: the promises to hold the server to, and a
breach as soon as one answer contradicts an earlier one.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Wire = dict[str, Any]
"""A JSON object with exact numbers."""

ENDED = frozenset({"Filled", "Expired", "Canceled", "Rejected", "Failed"})
_NOT_STORED = ("duplicate_token_id", "unavailable")
"""Of one of a list: another order has the id, or its exchange is not known yet, right after a start."""
_NEVER_CHANGES = ("order_id", "token_id", "symbol", "side", "instrument", "exchange", "creation_time")
_UNLESS_AMENDED = ("quantity", "limit_price", "start_time", "end_time", "interval", "slice_count")
_OF_AN_END = ("status", "filled_quantity", "average_price", "fill_state", "reason")


def read(text: str | bytes) -> Any:
    """Read JSON without rounding a number."""
    return json.loads(text, parse_float=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A broken promise: which invariant or fault, whose order, and what is wrong."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.where}: {self.what}"


@dataclass(slots=True, kw_only=True)
class Batch:
    """One submission: a single order or a list."""

    user: str
    bodies: tuple[Wire, ...]
    answered: int | None = None
    """When it was answered with a list of orders, in wall-clock nanoseconds."""

    @property
    def tokens(self) -> list[str]:
        """The token ids in it."""
        return [body["token_id"] for body in self.bodies]


@dataclass(slots=True, kw_only=True)
class Promise:
    """An order that somebody was told of."""

    body: Wire
    order: Wire
    """As it was first acknowledged."""
    acknowledged: int
    end: Wire | None = None
    """The first answer or event that showed it ended."""
    ended: int = 0
    """When that was seen."""
    amended: bool = False
    """An amendment was sent: what it may change is not compared."""


@dataclass(slots=True)
class Journal:
    """Everything told, by user."""

    promises: dict[tuple[str, str], Promise] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    events: dict[str, dict[int, Wire]] = field(default_factory=dict)
    changes: set[tuple[str, str, str]] = field(default_factory=set)
    """Acknowledged changes: user, token id, and the type of the event that must be there."""
    breaches: list[Breach] = field(default_factory=list)
    repeats: int = 0
    """Acknowledgements that repeated an earlier one."""

    def sent(self, user: str, bodies: Sequence[Wire]) -> Batch:
        """A submission is about to leave."""
        batch = Batch(user=user, bodies=tuple(bodies))
        self.batches.append(batch)
        return batch

    def answered(self, batch: Batch, orders: Sequence[Wire], *, asked: int) -> None:
        """A submission, sent at ``asked``, was answered with these orders."""
        now = batch.answered = time.time_ns()
        if [order["token_id"] for order in orders] != batch.tokens:
            self.breach("F37", batch.user, f"asked {batch.tokens}, answered {orders}")
            return
        for body, order in zip(batch.bodies, orders, strict=True):
            if order["reason"] not in _NOT_STORED:
                self._promise(batch.user, body, order, now)
                self.shown(batch.user, order, asked=asked)

    def refused(self, batch: Batch, what: str) -> None:
        """A submission that the server had to take was refused for good."""
        batch.answered = time.time_ns()
        self.breach("I8", batch.user, f"{batch.tokens} refused: {what}")

    def shown(self, user: str, order: Wire, *, asked: int) -> None:
        """An answer or event shows an order: it must be the one that was promised, and stay ended.

        ``asked`` is when it was asked for: answers overtake each other, and an older one may come later.
        """
        promise = self.promises.get((user, order["token_id"]))
        if promise is None:
            return
        fields = _NEVER_CHANGES if promise.amended else _NEVER_CHANGES + _UNLESS_AMENDED
        self._same(user, "I10", promise.order, order, fields)
        if promise.end is None and order["status"] in ENDED:
            promise.end, promise.ended = order, time.time_ns()
        elif promise.end is not None and promise.ended < asked:
            self._same(user, "I9", promise.end, order, _OF_AN_END)

    def amending(self, user: str, token: str) -> None:
        """An amendment is about to leave: what it may change may change from now on."""
        promise = self.promises.get((user, token))
        if promise is not None:
            promise.amended = True

    def event(self, user: str, message: Wire) -> None:
        """An order event was seen, for the first time or again."""
        seen = self.events.setdefault(user, {})
        known = seen.setdefault(message["seq"], message)
        if known != message:
            self.breach("I8", f"{user} seq {message['seq']}", f"told {known}, then {message}")
        promise = self.promises.get((user, message["token_id"]))
        if promise is not None and promise.end is None and message["event"] == "ended":
            self.shown(user, message["order"], asked=time.time_ns())

    def as_it_is(self) -> "Journal":
        """A copy that what is told from now on does not change."""
        return Journal(
            promises=dict(self.promises),
            batches=[batch for batch in self.batches if batch.answered is None],
            events={user: dict(events) for user, events in self.events.items()},
            changes=set(self.changes),
        )

    def unanswered(self) -> Iterator[Batch]:
        """Submissions in doubt."""
        return (batch for batch in self.batches if batch.answered is None)

    def breach(self, rule: str, where: str, what: str) -> None:
        """Note a broken promise."""
        self.breaches.append(Breach(rule=rule, where=where, what=what))

    def _promise(self, user: str, body: Wire, order: Wire, now: int) -> None:
        earlier = self.promises.get((user, body["token_id"]))
        if earlier is None:
            self.promises[user, body["token_id"]] = Promise(body=body, order=order, acknowledged=now)
        elif earlier.body == body:
            self.repeats += 1
        else:
            self.breach("I10", f"{user} {body['token_id']}", f"another body was taken: {body}")

    def _same(self, user: str, rule: str, told: Wire, now: Wire, fields: Sequence[str]) -> None:
        for name in fields:
            if told[name] != now[name]:
                where = f"{user} {now['token_id']}"
                self.breach(rule, where, f"{name} was told as {told[name]}, now it is {now[name]}")
