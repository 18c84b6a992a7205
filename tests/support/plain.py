"""Orders recomputed whole from a recording of Binance, by plain code that imports nothing of the server.

In: the recorded rows, what was asked for, and the moments at which something was looked at. Out: what every
slice wanted and filled, and what it all cost. Numbers are ``Fraction`` and ``Decimal`` at 80 digits; the book
is two dicts; a price's memory of what was taken there is a pair.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

WIDE = Context(prec=80)
HALF_LIFE_US = 10_000_000
"""Microseconds: half of what was taken is forgotten."""
STEPS = 1024
"""Of a half-life: time is counted in them, rounded down."""
Levels = dict[Fraction, Fraction]
Row = tuple[int, dict[str, Any]]


def rows_of(path: Path) -> Iterator[Row]:
    """When each message came, in whole microseconds, and what it said."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line, parse_float=Decimal)
            yield round(row["t"] * 1_000_000), json.loads(row["raw"])


@dataclass
class PlainBook:
    """The book by Binance's manual, and what the user took of it."""

    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)
    held: list[dict[str, Any]] = field(default_factory=list)
    last: int = 0
    """Update id of the book that came over REST."""
    taken: dict[Fraction, tuple[Fraction, int]] = field(default_factory=dict)
    """Of asks: how much was taken, and when."""

    def hear(self, body: dict[str, Any]) -> None:
        """Take a message in."""
        if "lastUpdateId" in body:
            self.last = body["lastUpdateId"]
            self._change(body["bids"], body["asks"])
            for one in self.held:
                self._apply(one)
        elif body.get("stream", "").endswith("@depth@100ms"):
            if self.last:
                self._apply(body["data"])
            else:
                self.held.append(body["data"])

    def _apply(self, change: dict[str, Any]) -> None:
        if change["u"] > self.last:
            self._change(change["b"], change["a"])

    def _change(self, bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]]) -> None:
        for side, changed in ((self.bids, bids), (self.asks, asks)):
            for price, quantity in changed:
                if Fraction(quantity):
                    side[Fraction(price)] = Fraction(quantity)
                else:
                    side.pop(Fraction(price), None)
                    if side is self.asks:
                        self.taken.pop(Fraction(price), None)

    @property
    def mid(self) -> Fraction:
        return (max(self.bids) + min(self.asks)) / 2

    def left_of(self, price: Fraction, now: int, lot: Fraction) -> Fraction:
        """What is there for this user: what is displayed less what is remembered, in whole lots."""
        remembered = -(-self._remembered(price, now) // lot) * lot if price in self.taken else Fraction(0)
        if price in self.taken and self._remembered(price, now) < lot:
            remembered = Fraction(0)
        return max(Fraction(0), (self.asks[price] - remembered) // lot * lot)

    def take(self, price: Fraction, quantity: Fraction, now: int) -> None:
        """Remember it on top of what is left of before."""
        self.taken[price] = (self._remembered(price, now) + quantity, now)

    def _remembered(self, price: Fraction, now: int) -> Fraction:
        if price not in self.taken:
            return Fraction(0)
        quantity, at = self.taken[price]
        halvings, step = divmod((now - at) * STEPS // HALF_LIFE_US, STEPS)
        part = WIDE.power(Decimal(2), WIDE.divide(Decimal(-step), Decimal(STEPS)))
        return quantity * Fraction(part) / (1 << halvings)


@dataclass(frozen=True)
class Asked:
    """A buy as it was asked for. Times in nanoseconds since the epoch."""

    name: str
    quantity: Fraction
    limit: Fraction | None
    start: int
    end: int
    count: int
    lot: Fraction
    fee: Fraction
    share: Callable[[int, int, int], Fraction]
    """Of the whole: how much should be done by a moment of a window (moment, begin, end)."""
    randomize: int = 0
    """Percent."""
    user: str = ""
    step: Fraction = Fraction(0)
    """What is wanted comes in multiples of it; 0: of the lot."""

    @property
    def interval(self) -> int:
        return -(-(self.end - self.start) // self.count)

    def edge(self, index: int) -> int:
        """When a slice's part of the window ends; of -1 when the first begins."""
        return min(self.start + (index + 1) * self.interval, self.end)

    def due(self, index: int) -> int:
        begin = self.edge(index - 1)
        return begin + self._drawn(index, b"time", self.edge(index) - begin)

    def wanted_by(self, index: int) -> Fraction:
        """What is wanted once a slice is done."""
        if index < 0:
            return Fraction(0)
        if index >= self.count - 1:
            return self.quantity
        lots = self._lots(index)
        lots -= self._drawn(index, b"size", lots - self._lots(index - 1))
        if self.step > self.lot:
            in_step, whole = int(self.step / self.lot), int(self.quantity / self.lot)
            lots = max(0, min(lots, whole - in_step) // in_step * in_step)
        return lots * self.lot

    def most(self, index: int) -> Fraction:
        """What a slice may want while catching up: thrice the equal one, or its own part if that is more."""
        equal = max(-(-self.quantity // (self.lot * self.count)), self.step // self.lot)
        return max(3 * equal * self.lot, self.wanted_by(index) - self.wanted_by(index - 1))

    def _lots(self, index: int) -> int:
        if index < 0:
            return 0
        return int(self.quantity / self.lot * self.share(self.edge(index), self.start, self.end))

    def _drawn(self, index: int, what: bytes, most: int) -> int:
        if not self.randomize:
            return 0
        seed = hashlib.sha256(f"{self.user}\n{self.name}".encode()).digest()
        digest = hashlib.sha256(seed + what + index.to_bytes(8, "big")).digest()
        return self.randomize * int.from_bytes(digest[:8], "big") * most // (100 << 64)


def straight(moment: int, begin: int, end: int) -> Fraction:
    """TWAP."""
    return Fraction(moment - begin, end - begin)


def by_weights(weights: Sequence[int]) -> Callable[[int, int, int], Fraction]:
    """VWAP with weights of equal parts of the window: straight within a part."""

    def share(moment: int, begin: int, end: int) -> Fraction:
        parts = Fraction(moment - begin, end - begin) * len(weights)
        whole = int(parts)
        rest = (parts - whole) * weights[whole] if whole < len(weights) else 0
        return Fraction(sum(weights[:whole]) + rest) / sum(weights)

    return share


def by_decay(half_life_s: int) -> Callable[[int, int, int], Fraction]:
    """Almgren and Chriss: what is left is sinh(κ(T − t)) / sinh(κT), κ to 15 digits."""
    kappa = Fraction(Context(prec=15).divide(Decimal(1), Decimal(half_life_s)))

    def share(moment: int, begin: int, end: int) -> Fraction:
        left = _sinh(kappa * Fraction(end - moment, 10**9)) / _sinh(kappa * Fraction(end - begin, 10**9))
        return 1 - left

    return share


def _sinh(x: Fraction) -> Fraction:
    """Its series, far beyond what a lot could notice."""
    term = total = x
    for n in range(1, 60):
        term = term * x * x / (2 * n * (2 * n + 1))
        total += term
    return total


@dataclass
class Recomputed:
    """What became of one order."""

    asked: Asked
    filled: Fraction = Fraction(0)
    notional: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    slices: list[dict[str, Any]] = field(default_factory=list)

    def decide(self, book: PlainBook, now_ns: int) -> None:
        """Decide the next slice."""
        asked, index, now = self.asked, len(self.slices), now_ns // 1_000
        behind = asked.wanted_by(index) - self.filled
        remaining = asked.quantity - self.filled
        wanted = remaining if index == asked.count - 1 else min(behind, asked.most(index), remaining)
        wanted, fills, touch = max(Fraction(0), wanted), list[tuple[Fraction, Fraction]](), min(book.asks)
        left = wanted
        for price in sorted(book.asks):
            if not left or (asked.limit is not None and price > asked.limit):
                break
            part = min(left, book.left_of(price, now, asked.lot))
            if part:
                fills.append((price, part))
                left -= part
        for price, part in fills:
            book.take(price, part, now)
        value = sum((price * part for price, part in fills), Fraction(0))
        filled = wanted - left
        self.filled, self.notional = self.filled + filled, self.notional + value
        self.fees += value * asked.fee
        met = {"mid": book.mid, "touch": touch} if wanted else {"mid": None, "touch": None}
        self.slices.append(
            {"due": asked.due(index), "target": asked.wanted_by(index), "wanted": wanted, "filled": filled}
            | met
            | {"fills": fills}
        )

    def costs(self, decision: Fraction, arrival: Fraction, end: Fraction) -> dict[str, Fraction]:
        """Perold's shortfall and its parts, of a buy."""
        filled = [(one, price, part) for one in self.slices for price, part in one["fills"]]
        at_mid = sum((one["mid"] * part for one, _, part in filled), Fraction(0))
        at_touch = sum((one["touch"] * part for one, _, part in filled), Fraction(0))
        parts = {
            "delay": self.filled * (arrival - decision),
            "timing": at_mid - self.filled * arrival,
            "spread": at_touch - at_mid,
            "depth": self.notional - at_touch,
            "opportunity": (self.asked.quantity - self.filled) * (end - decision),
            "fees": self.fees,
        }
        return parts | {"implementation_shortfall": sum(parts.values(), Fraction(0))}


def recompute(
    path: Path, asked: Sequence[Asked], looks: Sequence[tuple[int, str]]
) -> tuple[dict[str, Recomputed], dict[int, Fraction]]:
    """Go through the recording once.

    Args:
        path: of the recording.
        asked: the orders, of one user.
        looks: moments in nanoseconds, each with the order whose next slice was decided then; with no name
            where only the mid was looked at.

    Returns:
        What became of the orders, and the mids of the looks without a name.
    """
    book, done, mids = PlainBook(), {one.name: Recomputed(one) for one in asked}, dict[int, Fraction]()
    rows = rows_of(path)
    following = next(rows, None)
    for moment, name in sorted(looks):
        while following is not None and following[0] * 1_000 <= moment:
            book.hear(following[1])
            following = next(rows, None)
        if name:
            done[name].decide(book, moment)
        else:
            mids[moment] = book.mid
    return done, mids


_TERMS = (
    "exchange", "side", "strategy", "carry", "fidelity", "max_slippage_bps", "randomize", "participation_cap",
    "lot_size", "start",
)  # fmt: skip
_MARKET = (
    "exchange", "symbol", "tick_size", "price_digits", "whole_prices", "lot_size", "min_quantity",
    "min_notional", "fee",
)  # fmt: skip
_PLAN = (
    "revision", "quantity", "limit=limit_price", "start", "end", "interval=interval_ns", "slices=slice_count",
    "first", "base", "step",
)  # fmt: skip
_CURVE = ("anchor", "period=period_ns", "weights", "kappa", "percent")
_SLICE = (
    "index", "due", "decided", "outcome", "reason", "wanted=wanted_quantity", "filled=filled_quantity",
    "notional", "target=target_quantity", "mid", "touch", "touch_exchange", "traded=traded_volume",
    "book_time",
)  # fmt: skip
_FILL = ("slice", "number", "exchange", "price", "quantity", "fee", "book_time")
_END = ("status", "filled=filled_quantity", "notional", "fees")


def hash_of(proof: bytes) -> str:
    """The hash of an order as docs/report.md says it, from ``GET /orders/{token_id}/proof`` alone."""
    body = json.loads(proof, parse_float=Decimal)
    lines = ["twap-order 1", _line("terms", _TERMS, body)]
    lines += [_line("destination", _MARKET, one) for one in body["markets"]]
    for one in body["plans"]:
        known = {name: value for name, value in one["curve"].items() if value is not None}
        drawn = [name for name in _CURVE if _found(name, known) is not None]
        rest = _line(f"curve={known['kind']}", drawn, known)
        lines.append(f"{_line('plan', _PLAN, one)} {rest}")
    for one in body["slices"]:
        lines.append(_line("slice", _SLICE, one))
        lines += [_line("fill", _FILL, fill) for fill in body["fills"] if fill["slice"] == one["index"]]
    lines.append(_line("end", _END, body))
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _line(kind: str, names: Sequence[str], body: dict[str, Any]) -> str:
    return " ".join([kind, *(f"{name.split('=')[0]}={_text(_found(name, body))}" for name in names)])


def _found(name: str, body: dict[str, Any]) -> Any:
    """A field by its name in the text, or its own behind a ``=``; a moment is cut to the microsecond."""
    moment = body.get(f"{name}_ns")
    return moment // 1_000 if moment is not None else body.get(name.rsplit("=", maxsplit=1)[-1])


def _text(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value.normalize(WIDE):f}" if value else "0"
        case list():
            return ",".join(map(str, value))
    return str(value)
