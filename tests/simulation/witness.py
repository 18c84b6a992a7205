"""Compares each fill with what the exchange truly showed: I3, I4, I5, and feeds of books: I12.

The witness notes the book the engine looks at, at that instant. When the fill is recorded, that book must be
one the scripted exchange truly had within the staleness limit; its levels bound the fills; and a user's
earlier fills, halved every ten seconds, are subtracted. None of the engine's own code takes part.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from simulation.clock import Shown
from simulation.ledger import Recorded
from simulation.venues.truth import Levels, Spec, Truth, Version
from simulation.violation import Violation
from twap_models.enums import Fidelity, Side, SliceReason
from twap_server.domain.clock import to_nanos
from twap_server.domain.market.events import TextLevel
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Fill, SliceResult
from twap_server.domain.orders.terms import OrderTerms

MAX_AGE_S = 30.0
_SLACK_S = 3.0
_LONGEST_ON_WAY_S = 60.0
"""What a slow reader reads later is not judged: the true books are kept for two minutes."""
_HALF_LIFE_NS = 10 * 10**9
_STEP_NS = -(-_HALF_LIFE_NS // 1024)
"""The engine lets own impact fade in such steps, never early."""
_MOST_OFF_NS = 10**9
"""By so much clocks may differ, and a wall clock may be set without being noticed."""
_FORGOTTEN_NS = 500 * 10**9
_KEPT = 800
_STOPPED = (SliceReason.DEPTH_EXHAUSTED, SliceReason.LIMIT_NOT_MET, SliceReason.SLIPPAGE_CAP)
_VISIBLE = {"binance": 100, "kraken": 10}


@dataclass(frozen=True)
class Look:
    """The book the engine saw."""

    instrument: InstrumentId
    at: float
    mono: int
    wall: int
    status: str
    seq: int
    confirmed: int
    spec: Spec
    texts: tuple[list[TextLevel], list[TextLevel]]
    by: str
    """The node that looked, where there are several."""

    @cached_property
    def bids(self) -> Levels:
        return _numbers(self.texts[0], self.spec)

    @cached_property
    def asks(self) -> Levels:
        return _numbers(self.texts[1], self.spec)


@dataclass(slots=True)
class Taken:
    """What a user took at a level."""

    mono: int
    lots: int
    version: int
    grid: int
    """Lots of the order's own grid: the server rounds what it remembers up to it."""
    wall: int
    """The server's time, which stands or passes slowly after the wall clock was set back."""

    def by_slower_clock(self, look: Look) -> "Taken":
        """The same, no older than by the server's time: own impact fades by that."""
        return replace(self, mono=look.mono - max(0, min(look.mono - self.mono, look.wall - self.wall)))

    def by_faster_clock(self, look: Look) -> "Taken":
        """The same, as much older as a clock that was set, or another node's, may make it."""
        ahead = (look.wall - self.wall) - (look.mono - self.mono)
        return replace(self, mono=self.mono - max(0, min(_MOST_OFF_NS, ahead)))


class Witness:
    """Sees every look and every recorded slice."""

    def __init__(self, truths: Mapping[InstrumentId, Truth]) -> None:
        self._truths = truths
        self._looks: dict[InstrumentId, deque[Look]] = {one: deque(maxlen=_KEPT) for one in truths}
        self._taken: defaultdict[tuple[str, InstrumentId, str, int], list[Taken]] = defaultdict(list)
        self._ever_taken: defaultdict[tuple[str, InstrumentId, str, int], list[Taken]] = defaultdict(list)
        """The same, also from before the level was taken away: the server may not have seen that."""
        self.checked = 0

    def look(self, live: Any, *, at: float, mono: int, wall: int, by: str = "") -> None:
        """The engine reads a book now; ``by``: of which node."""
        truth = self._truths.get(live.instrument)
        if truth is None:
            return
        looks = self._looks[live.instrument]
        last = looks[-1] if looks else None
        if last and (last.at, last.seq, last.status, last.by) == (at, live.seq, live.status, by):
            return
        looks.append(
            Look(
                live.instrument,
                at,
                mono,
                wall,
                str(live.status),
                live.seq,
                live.confirmed_at,
                truth.spec,
                live.book.top_text(100),
                by,
            )
        )

    def forget_impact(self, of: Callable[[str], bool] = lambda _: True) -> None:
        """The server lost its memory, of these users."""
        for key in [key for key in self._taken if of(key[0])]:
            del self._taken[key]

    def check_slice(
        self, record: Recorded, result: SliceResult, fills: Sequence[Fill], *, by: str = ""
    ) -> None:
        """A slice was recorded with these fills; ``by``: which node.

        Raises:
            Violation: a fill the market did not offer.
        """
        terms, untaken = record.terms, self._left_untaken(record, result, by)
        if fills:
            self._check_fills(terms, result, fills, by)
        if untaken:
            raise Violation("I14", untaken)

    def _check_fills(self, terms: OrderTerms, result: SliceResult, fills: Sequence[Fill], by: str) -> None:
        self.checked += 1
        if terms.fidelity is not Fidelity.L1:
            self._check_cap(terms, result, fills)
        for destination in terms.destinations:
            own = [fill for fill in fills if fill.exchange == destination.instrument.exchange]
            if own:
                self._check_leg(terms, destination.instrument, result, own, by)
        if {fill.exchange for fill in fills} - {
            destination.instrument.exchange for destination in terms.destinations
        }:
            raise Violation("I4", f"{terms.token_id}: filled on an exchange it was not for")

    def _left_untaken(self, record: Recorded, result: SliceResult, by: str) -> str:
        """What a slice could have had and did not take, or a book it called unusable that was live."""
        terms = record.terms
        if (
            len(terms.destinations) > 1
            or terms.fidelity is Fidelity.L1
            or terms.participation_cap is not None
        ):
            return ""
        instrument = terms.destinations[0].instrument
        looks = (one for one in reversed(self._looks[instrument]) if one.by == by)
        look = next((one for one in looks if one.wall == result.decided), None)
        if look is None or look.status != "live":
            return ""
        if result.reason is SliceReason.RESYNCING:
            return f"{terms.token_id}: missed as resyncing, the book was live"
        if result.reason not in _STOPPED:
            return ""
        spec = self._truths[instrument].spec
        left, slack = self._left_within(record, result, look, spec)
        if _lots(result.filled, spec) + slack >= min(_lots(result.wanted, spec), left):
            return ""
        return (
            f"{terms.token_id}: slice {result.index} took {result.filled} of {result.wanted} "
            f"({result.reason}), {spec.quantity(left)} could be had: {look.bids} {look.asks}"
        )

    def _left_within(self, record: Recorded, result: SliceResult, look: Look, spec: Spec) -> tuple[int, int]:
        """Lots within limit and cap less all that the user took there, and by how many this may be off."""
        terms, left, slack = record.terms, 0, 0
        side, levels = ("asks", look.asks) if terms.side is Side.BUY else ("bids", look.bids)
        lot = _lots(terms.lot_size, spec)
        for price, shown in levels:
            if not _allowed(record, result, spec.price(price)):
                break
            taken = self._ever_taken[terms.user_id, look.instrument, side, price]
            taken[:] = [one for one in taken if look.mono - one.mono < _FORGOTTEN_NS]
            at_most = [one.by_slower_clock(look) for one in taken]
            left += max(0, shown - int(_faded(at_most, look.mono, step=_STEP_NS)) - 1)
            slack += sum(one.grid for one in taken) + 2 * lot
        return left, slack

    def _check_leg(
        self,
        terms: OrderTerms,
        instrument: InstrumentId,
        result: SliceResult,
        fills: Sequence[Fill],
        by: str,
    ) -> None:
        look = self._find_look(instrument, result.decided, fills[0].book_seq, by)
        truth = self._truths[instrument]
        versions = self._check_book(terms, instrument, look, truth)
        mid = (look.bids[0][0] + look.asks[0][0]) / Decimal(2)
        if len(terms.destinations) == 1 and truth.spec.price(1) * mid != result.mid:
            raise Violation("I4", f"{terms.token_id}: mid {result.mid} is not the book's")
        if terms.fidelity is Fidelity.L1:
            self._check_touch(terms, look, fills, truth.spec)
        else:
            self._check_walk(terms, look, fills, truth.spec)
            self._check_once(terms, look, fills, truth, versions)

    def feed(self, exchange: str, symbol: str, message: Mapping[str, Any], *, shown: Shown) -> None:
        """Judge a book message by when it was made; a slow reader reads it later.

        A wall clock that is set meanwhile changes nothing.

        Raises:
            Violation: an old book presented as current.
        """
        if not {"status", "seq", "age_ms", "ts_sent"} <= message.keys():
            raise Violation("I12", f"a book message of {exchange}:{symbol} lacks status, seq or age")
        truth = self._truths.get(InstrumentId(exchange, symbol))
        if message["status"] != "live" or truth is None:
            return
        sides = [_decimals(message[side], truth.spec) for side in ("bids", "asks")]
        depth = 10
        made = shown.at(to_nanos(datetime.fromisoformat(message["ts_sent"])))
        if made is None:
            raise Violation(
                "I12", f"{exchange}:{symbol} was sent at {message['ts_sent']}, a time that never was"
            )
        if made < shown.now() - _LONGEST_ON_WAY_S:
            return
        for version in truth.between(_oldest(truth, made), made):
            if list(version.bids[:depth]) == sides[0] and list(version.asks[:depth]) == sides[1]:
                return
        raise Violation("I12", f"{exchange}:{symbol} is called live and is no true book: {message}")

    def _find_look(self, instrument: InstrumentId, decided: int | None, seq: int, by: str) -> Look:
        for look in reversed(self._looks[instrument]):
            if (look.wall, look.seq, look.by) == (decided, seq, by):
                return look
        raise Violation("I3", f"a fill names book {seq} of {instrument} that was not looked at then")

    def _check_book(
        self, terms: OrderTerms, instrument: InstrumentId, look: Look, truth: Truth
    ) -> list[Version]:
        name = f"{terms.token_id} on {instrument}"
        if look.status != "live":
            raise Violation("I3", f"{name}: filled from a book that is {look.status}")
        if not look.bids or not look.asks or look.bids[0][0] >= look.asks[0][0]:
            raise Violation("I3", f"{name}: filled from a crossed or one-sided book")
        if look.wall - look.confirmed > MAX_AGE_S * 1e9:
            raise Violation("I3", f"{name}: filled from a book silent for {MAX_AGE_S} s")
        depth = _VISIBLE[truth.spec.venue]
        bids, asks = look.bids[:depth], look.asks[:depth]
        found = [
            version
            for version in truth.between(_oldest(truth, look.at), look.at)
            if version.bids[:depth] == bids and version.asks[:depth] == asks
        ]
        if not found:
            raise Violation(
                "I3", f"{name}: filled from a book the exchange never had: {bids} {asks}, true: {truth.now}"
            )
        return found

    def _check_touch(self, terms: OrderTerms, look: Look, fills: Sequence[Fill], spec: Spec) -> None:
        touch = (look.asks if terms.side is Side.BUY else look.bids)[0][0]
        if len(fills) != 1 or fills[0].price != spec.price(touch):
            raise Violation("I4", f"{terms.token_id}: l1 fills away from the touch")

    def _check_walk(self, terms: OrderTerms, look: Look, fills: Sequence[Fill], spec: Spec) -> None:
        """I4: levels of that book, best first, no more than shown."""
        levels = look.asks if terms.side is Side.BUY else look.bids
        shown = dict(levels)
        filled = [(_ticks(f.price, spec), _lots(f.quantity, spec)) for f in fills]
        walked = [price for price, _ in levels if price in dict(filled)]
        if walked != [price for price, _ in filled]:
            raise Violation("I4", f"{terms.token_id}: levels not walked best first: {filled} of {levels}")
        for price, lots in filled:
            if lots > shown[price]:
                raise Violation("I4", f"{terms.token_id}: {lots} lots at {price}, shown {shown[price]}")

    def _check_once(
        self, terms: OrderTerms, look: Look, fills: Sequence[Fill], truth: Truth, versions: Sequence[Version]
    ) -> None:
        """I5: no more than was shown less what this user took there before."""
        side, levels = ("asks", look.asks) if terms.side is Side.BUY else ("bids", look.bids)
        shown, newest, oldest = dict(levels), versions[0].number, versions[-1].number
        for fill in fills:
            price, lots = _ticks(fill.price, truth.spec), _lots(fill.quantity, truth.spec)
            key = (terms.user_id, look.instrument, side, price)
            gone = truth.removed.get((side, price), 0)
            before = self._remembered(key, look, gone=gone, newest=newest)
            if lots > shown[price] - int(before):
                raise Violation(
                    "I5",
                    f"{terms.token_id}: {lots} lots at {price} of {shown[price]} shown, "
                    f"{before:.1f} of them taken before: {self._taken[key]}",
                )
            taken = Taken(look.mono, lots, oldest, _lots(terms.lot_size, truth.spec), look.wall)
            self._taken[key].append(taken)
            self._ever_taken[key].append(taken)

    def _remembered(
        self, key: tuple[str, InstrumentId, str, int], look: Look, *, gone: int, newest: int
    ) -> Decimal:
        """The user's earlier fills there, each halved every ten seconds; none from before the level left."""
        kept = [
            one
            for one in self._taken[key]
            if look.mono - one.mono < _FORGOTTEN_NS and not one.version < gone <= newest
        ]
        self._taken[key] = kept
        return _faded([one.by_faster_clock(look) for one in kept], look.mono)

    def _check_cap(self, terms: OrderTerms, result: SliceResult, fills: Sequence[Fill]) -> None:
        if terms.max_slippage_bps is None or result.mid is None:
            return
        with localcontext(prec=80):
            for fill in fills:
                away = (fill.price - result.mid) * terms.side.sign
                if away * 10_000 > result.mid * terms.max_slippage_bps:
                    raise Violation("I4", f"{terms.token_id}: {fill.price} is beyond the slippage cap")


def _faded(taken: Sequence[Taken], mono: int, *, step: int = 0) -> Decimal:
    """What is left of it, each part halved every ten seconds.

    With ``step`` (ns) as much as may be left where time counts in whole steps, anew from each later part on.
    """
    with localcontext(prec=40):
        ages = (mono - one.mono - (later + 1) * step for later, one in enumerate(reversed(taken)))
        return sum(
            (
                one.lots * Decimal(2) ** (-Decimal(max(0, age)) / _HALF_LIFE_NS)
                for one, age in zip(reversed(taken), ages, strict=True)
            ),
            Decimal(0),
        )


def _allowed(record: Recorded, result: SliceResult, price: Decimal) -> bool:
    sign, limit, bps = record.terms.side.sign, record.plan.limit, record.terms.max_slippage_bps
    if limit is not None and (price - limit) * sign > 0:
        return False
    return bps is None or result.mid is None or (price - result.mid) * sign * 10_000 <= result.mid * bps


def _oldest(truth: Truth, at: float) -> float:
    """Versions that were current after this moment may still be shown as live."""
    return truth.unseen_at(at) - MAX_AGE_S - _SLACK_S


def _numbers(levels: Sequence[tuple[str, str]], spec: Spec) -> Levels:
    return tuple(
        (_scaled(price, spec.price_places), _scaled(lots, spec.quantity_places)) for price, lots in levels
    )


def _scaled(text: str, places: int) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(places, "0")[:places])


def _ticks(price: Decimal, spec: Spec) -> int:
    return int(price.scaleb(spec.price_places))


def _lots(quantity: Decimal, spec: Spec) -> int:
    return int(quantity.scaleb(spec.quantity_places))


def _decimals(levels: Any, spec: Spec) -> list[tuple[int, int]]:
    return [(_ticks(Decimal(price), spec), _lots(Decimal(quantity), spec)) for price, quantity in levels]
