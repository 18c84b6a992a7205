"""Keep the open orders in memory: find them by id and token, count them by user, take users in turn."""

from twap_server.books.interest import owner_of_order
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.slice_rate import slice_rate_of
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.market.sampler import MarketSampler
from twap_server.engine.ports import Market
from twap_server.engine.work.step import LOOK_AGAIN, Working, next_look
from twap_server.engine.work.user_turns import UserTurns

_ANY = Nanos(0)
"""For a look that does not go by the time."""


class OpenOrders:
    """Every open order, exactly as the store holds it."""

    def __init__(self, *, market: Market, sampler: MarketSampler, clock: Clock) -> None:
        self._market, self._sampler, self._clock = market, sampler, clock
        self._working: dict[str, Working] = {}
        self._by_token: dict[tuple[str, str], str] = {}
        self._open_count: dict[str, int] = {}
        self._pace: dict[str, int] = {}
        self._turns = UserTurns()

    def __len__(self) -> int:
        return len(self._working)

    def open_count(self, user_id: str) -> int:
        """How many open orders the user has."""
        return self._open_count.get(user_id, 0)

    def pace(self, user_id: str) -> int:
        """Slices a second of all of the user's open orders, in the units of ``domain.pace``."""
        return self._pace.get(user_id, 0)

    @property
    def backlogs(self) -> int | None:
        """How many users have orders due while others have none; None where there are no others."""
        waiting = self._turns.waiting
        return waiting if waiting < self._turns.users else None

    def find(self, user_id: str, token_id: str) -> Working | None:
        """The user's open order with that token id."""
        return self._working.get(self._by_token.get((user_id, token_id), ""))

    def of(self, order: Order) -> Working:
        """The open order that this is a state of."""
        return self._working[order.terms.order_id]

    def next_due(self) -> Nanos | None:
        """When the next order wants to be looked at."""
        return self._turns.next()

    def take(self, now: Nanos) -> Working | None:
        """The next order to look at now, by its user's turn; it must be planned again or replaced."""
        order_id = self._turns.take(now)
        return None if order_id is None else self._working[order_id]

    def charge(self, working: Working, slices: int) -> None:
        """Count slices that a look settled beyond its one: they cost their user turns."""
        self._turns.charge(working.order.terms.user_id, slices)

    def elapsed(self, now: Nanos) -> list[Working]:
        """The orders whose end has passed."""
        return [working for working in self._working.values() if working.order.plan.end <= now]

    def adopt(self, order: Order) -> None:
        """Take up an open order that is recorded: ask for its book, and measure its market."""
        terms = order.terms
        working = Working(order=order)
        working.volume.go_on(order, self._market)
        self._working[terms.order_id] = working
        self._by_token[terms.user_id, terms.token_id] = terms.order_id
        self._open_count[terms.user_id] = self.open_count(terms.user_id) + 1
        self._pace[terms.user_id] = self.pace(terms.user_id) + slice_rate_of(order.plan)
        for destination in terms.destinations:
            self._market.hold(destination.instrument, _owner(order))
        self.plan(working)
        self._sampler.follow(order, self._clock.now())

    def apply(self, write: OrderWrite, *, is_late: bool = False) -> None:
        """Take into memory what was recorded of an order, known before or not; drop it when it has ended.

        Args:
            write: what was recorded.
            is_late: nobody knew for a while whether it was: what was lost meanwhile is lost to storage.
        """
        order = write.order
        working = self._working.get(order.terms.order_id)
        if working is None:
            if order.status.is_open:
                self.adopt(order)
            return
        last = write.slices[-1] if write.slices else None
        decided = None if last is None else last.decided
        if last is not None and decided is not None:
            working.volume.keep(order, last)
        self._replace(working, order, is_late=is_late)
        now = self._clock.now() if decided is None else decided
        self._sampler.note(order, filled=bool(write.fills), now=now)

    def _replace(self, working: Working, order: Order, *, is_late: bool) -> None:
        if order.plan is not working.order.plan:
            self._pace[order.terms.user_id] += slice_rate_of(order.plan) - slice_rate_of(working.order.plan)
        working.order = order
        if working.storage_failed and not is_late:
            working.storage_failed = _is_behind(order, self._clock.now())
        if order.status.is_open:
            self.plan(working)
        else:
            self._drop(order)

    def plan(self, working: Working, *, at: Nanos | None = None) -> None:
        """Look at the order again when its next slice is due, or ``at``."""
        if at is None:
            is_waiting = working.waiting_since is not None
            at = next_look(working, now=self._clock.now() if is_waiting else _ANY)
        terms = working.order.terms
        self._turns.set(terms.user_id, terms.order_id, at)

    def plan_after_nothing(self, working: Working, now: Nanos) -> None:
        """Look again at an order for which nothing was to be done: never at once, or a turn would not end."""
        moment = next_look(working, now=now)
        self.plan(working, at=moment if moment > now else Nanos(now + LOOK_AGAIN))

    def _drop(self, order: Order) -> None:
        terms = order.terms
        self._turns.drop(terms.user_id, terms.order_id)
        del self._working[terms.order_id]
        del self._by_token[terms.user_id, terms.token_id]
        self._open_count[terms.user_id] -= 1
        self._pace[terms.user_id] -= slice_rate_of(order.plan)
        if not self._open_count[terms.user_id]:
            del self._open_count[terms.user_id], self._pace[terms.user_id]
        for destination in terms.destinations:
            self._market.release(destination.instrument, _owner(order))


def _is_behind(order: Order, now: Nanos) -> bool:
    """Whether slices without an outcome are lost already: very many are settled piece by piece."""
    following = order.progress.next_slice
    return following < order.plan.slice_count and order.schedule.window_end(following) <= now


def _owner(order: Order) -> str:
    return owner_of_order(order.terms.order_id)
