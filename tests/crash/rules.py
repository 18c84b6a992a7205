"""The invariants, checked on what the store holds and on what users were told. Pure: rows in, breaches out.

Sums are made with fractions, so nothing is shared with the server's own arithmetic. I1, I2, I4, I6, I7,
I8, I9, F23 and F37 are those of the catalogue of faults.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from crash.facts import Facts, Record, Row
from crash.journal import ENDED, Breach, Journal
from crash.promises import check_told
from crash.world import TAKER_FEE, Life

GRACE_S = 5
Found = Iterator[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When the server lived, and when its database could not be used (wall-clock nanoseconds)."""

    lives: Sequence[Life]
    outages: Sequence[tuple[int, int]] = ()
    read_at: int
    """When the store began to be read: what is open in it was open then."""
    now: int
    """When it had been read."""

    def alive(self, moment: int) -> bool:
        """Whether a server process was there at a moment."""
        return any(life.spawned <= moment <= (life.dead or self.now) for life in self.lives)

    def downtimes(self) -> Iterator[tuple[int, int]]:
        """From each death to the next start."""
        return ((one.dead, following.spawned) for one, following in pairwise(self.lives) if one.dead)

    def uptime_s(self, since: int, until: int) -> float:
        """How long the engine could work in a span: from ready to dead, less the outages."""
        up = sum(
            _overlap((life.ready, life.dead or self.now), (since, until))
            - sum(
                _overlap((max(since, life.ready), min(until, life.dead or self.now)), out)
                for out in self.outages
            )
            for life in self.lives
            if life.ready is not None
        )
        return up / 1e9


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def check(facts: Facts, journal: Journal, times: Times) -> list[Breach]:
    """Everything that the store must satisfy at this moment."""
    found = [Breach(rule="I7", where="store", what=text) for text in facts.orphans]
    for record in facts.records.values():
        where = f"{record.order['username']} {record.order['token_id']}"
        if not record.plans:
            found.append(Breach(rule="I8", where=where, what="an order without a plan"))
            continue
        for rule, look in _OF_AN_ORDER:
            found += [Breach(rule=rule, where=where, what=text) for text in look(record, times)]
    return found + check_told(facts, journal)


# One order


def _quantity(record: Record, _: Times) -> Found:
    filled, quantity = _sum(record.fills, "quantity"), Fraction(record.order["quantity"])
    if not 0 <= filled <= quantity:
        yield f"fills of {filled} in an order of {quantity}"
    if any(fill["quantity"] <= 0 for fill in record.fills):
        yield "a fill of nothing"
    if record.order["status"] == "Filled" and filled != quantity:
        yield f"Filled with {filled} of {quantity}"


def _slices_once(record: Record, _: Times) -> Found:
    indexes = [piece["slice_index"] for piece in record.slices]
    if indexes != list(range(record.order["next_slice"])):
        yield f"slices {indexes} recorded, the next is {record.order['next_slice']}"
    told = Counter(event["slice_index"] for event in record.events if event["type"] == "slice")
    due = Counter(indexes)
    if told != due:
        yield f"slices recorded and told of differ: {sorted(((told - due) + (due - told)).elements())}"


def _slice_sums(record: Record, _: Times) -> Found:
    of_slice: defaultdict[int, list[Row]] = defaultdict(list)
    for fill in record.fills:
        of_slice[fill["slice_index"]].append(fill)
    for piece in record.slices:
        fills = of_slice[piece["slice_index"]]
        at = f"slice {piece['slice_index']}"
        if _sum(fills, "quantity") != Fraction(piece["filled"]) or _notional(fills) != Fraction(
            piece["notional"]
        ):
            yield f"{at}: {len(fills)} fills do not sum to {piece['filled']} for {piece['notional']}"
        if [fill["n"] for fill in fills] != list(range(len(fills))):
            yield f"{at}: fills numbered {[fill['n'] for fill in fills]}"
        if len({(fill["exchange"], fill["price"]) for fill in fills}) != len(fills):
            yield f"{at}: more than one fill at a level"
        if not _outcome_fits(piece):
            yield f"{at}: {piece['outcome']} ({piece['reason']}), {piece['filled']} of {piece['wanted']}"


def _outcome_fits(piece: Row) -> bool:
    filled, wanted, reason = piece["filled"], piece["wanted"], piece["reason"]
    return {
        "filled": 0 < filled == wanted and reason is None,
        "partial": 0 < filled < wanted and reason is not None,
        "missed": filled == 0 and reason is not None,
        "skipped": filled == 0 and reason is not None,
        "canceled": filled == 0 and reason is not None,
    }[piece["outcome"]]


def _order_sums(record: Record, _: Times) -> Found:
    order, fills = record.order, record.fills
    made = {"filled": _sum(fills, "quantity"), "notional": _notional(fills), "fees": _sum(fills, "fee")}
    for name, total in made.items():
        if total != Fraction(order[name]):
            yield f"{name} is {order[name]}, its fills make {Decimal(total.numerator) / total.denominator}"
    rate = Fraction(TAKER_FEE)
    if any(Fraction(f["fee"]) != Fraction(f["price"]) * Fraction(f["quantity"]) * rate for f in fills):
        yield "a fee is not its share of the notional"


def _event_sums(record: Record, _: Times) -> Found:
    told = record.events
    if [event["filled"] for event in told] != sorted(event["filled"] for event in told):
        yield "the filled quantity went down from one event to the next"
    if told and any(
        told[-1][name] != record.order[name] for name in ("status", "filled", "notional", "fees")
    ):
        yield f"the last event says {told[-1]['status']} {told[-1]['filled']}, the order says otherwise"
    count = sum(event["fill_count"] for event in told)
    if count != len(record.fills):
        yield f"events tell of {count} fills, {len(record.fills)} are there"


def _limit(record: Record, _: Times) -> Found:
    is_buy = record.order["side"] == "buy"
    for fill in record.fills:
        limit = record.plan_of(fill["slice_index"])["limit_price"]
        if limit is not None and (fill["price"] > limit if is_buy else fill["price"] < limit):
            yield f"{record.order['side']} at {fill['price']}, the limit is {limit}"


def _time(record: Record, times: Times) -> Found:
    start = record.order["start_time"]
    decided = {piece["slice_index"]: piece for piece in record.slices}
    for fill in record.fills:
        piece, end = decided.get(fill["slice_index"]), record.plan_of(fill["slice_index"])["end_time"]
        if not start <= fill["time"] <= end:
            yield f"{fill['fill_id']} at {fill['time']} is outside {start} to {end}"
        if not times.alive(fill["time"]):
            yield f"{fill['fill_id']} at {fill['time']}: nobody was there"
        if piece is None or not piece["due"] <= piece["decided"] == fill["time"]:
            yield f"{fill['fill_id']} at {fill['time']} does not fit its slice {piece and dict(piece)}"


def _down(record: Record, times: Times) -> Found:
    """Slices whose whole window fell into a downtime are lost to it, and nothing else is."""
    spans = list(times.downtimes())
    for piece in record.slices:
        window_end = _window_end(record.plan_of(piece["slice_index"]), piece["slice_index"])
        lost = any(dead < piece["due"] and window_end < back for dead, back in spans)
        if lost and not _says_down(piece):
            said = f"{piece['outcome']} ({piece['reason']})"
            yield f"slice {piece['slice_index']} fell into a downtime and is {said}"


def _window_end(plan: Row, index: int) -> int:
    after = index + 1 - plan["first_slice"]
    is_last = index + 1 >= plan["slice_count"]
    return (
        plan["end_time"]
        if is_last
        else min(plan["plan_start"] + after * plan["interval_ns"], plan["end_time"])
    )


def _says_down(piece: Row) -> bool:
    return (piece["outcome"], piece["reason"]) in {
        ("missed", "engine_down"),
        ("missed", "elapsed"),
        ("missed", "paused"),
        ("canceled", "canceled"),
        ("skipped", "not_needed"),
    }


def _plans(record: Record, _: Times) -> Found:
    """One plan for each acceptance and amendment, and the order is at the last."""
    revisions = [plan["revision"] for plan in record.plans]
    amended = sum(event["type"] == "amended" for event in record.events)
    if revisions != list(range(1, amended + 2)) or record.order["revision"] != amended + 1:
        yield f"{amended} amendments, plans {revisions}, the order is at {record.order['revision']}"


def _end(record: Record, times: Times) -> Found:
    order = record.order
    endings = [
        number for number, event in enumerate(record.events, 1) if event["type"] in ("ended", "rejected")
    ]
    if endings != ([len(record.events)] if order["status"] in ENDED else []):
        yield f"{order['status']}, its events are {[event['type'] for event in record.events]}"
    if order["status"] == "Rejected":
        return
    late = times.uptime_s(order["end_time"], order["ended"] or times.read_at)
    if late > GRACE_S:
        yield f"{order['status']} {late:.1f} s of uptime after its end"
    if order["status"] == "Expired" and order["next_slice"] != order["slice_count"]:
        yield f"Expired with {order['next_slice']} of {order['slice_count']} slices decided"


_OF_AN_ORDER: tuple[tuple[str, Callable[[Record, Times], Found]], ...] = (
    ("I1", _quantity),
    ("I2", _slices_once),
    ("I7", _slice_sums),
    ("I7", _order_sums),
    ("I7", _event_sums),
    ("I8", _plans),
    ("I4", _limit),
    ("I6", _time),
    ("F23", _down),
    ("I9", _end),
)


def _sum(rows: Sequence[Row], name: str) -> Fraction:
    return sum((Fraction(row[name]) for row in rows), Fraction())


def _notional(fills: Sequence[Row]) -> Fraction:
    return sum((Fraction(fill["price"]) * Fraction(fill["quantity"]) for fill in fills), Fraction())
