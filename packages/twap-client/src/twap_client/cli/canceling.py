"""Carry out cancel: one order, several, the newest open one, or all that are open."""

import sys
from collections.abc import Sequence

from twap_client.cli import render
from twap_client.cli.long_work import progress
from twap_client.cli.parting import on_interrupt
from twap_client.cli.session import FAILED, Session, asked
from twap_client.errors import ApiError, UsageError
from twap_models import TwapOrder


class Cancellation:
    """One ``cancel``. Which orders ``--all`` means is looked up, shown and confirmed first."""

    def __init__(self, tokens: Sequence[str], *, every: bool, last: bool, ask: bool) -> None:
        self._tokens = list(dict.fromkeys(tokens))
        self._every, self._last, self._asks = every, last, ask and every
        self._is_one = len(self._tokens) == 1

    def prepare(self) -> bool:
        """See what is wanted.

        Raises:
            UsageError: nothing, or more than one kind of it; or there is nobody to ask.
        """
        if [bool(self._tokens), self._every, self._last].count(True) != 1:
            raise UsageError(
                "say which orders: their ids, or `--last` (the newest open one), or `--all` (all open ones)"
            )
        if self._asks and not sys.stdin.isatty():
            raise UsageError("there is no terminal to ask at: `--all --yes` cancels all open orders")
        return True

    async def look(self, session: Session) -> int:
        """Find the open orders that are meant."""
        if not (self._every or self._last):
            return 0
        found: list[TwapOrder] = []
        async for order in session.client.orders.list(status="open", limit=1 if self._last else None):
            found.append(order)
            if self._last:
                break
        self._tokens = [order.token_id for order in found]
        self._is_one = self._last
        if self._asks and found:
            session.err.print(render.orders_table(found))
        return 0

    def agreed(self) -> bool:
        """Ask before all are canceled."""
        count = len(self._tokens)
        if not self._asks or not count:
            return True
        which = "this open order" if count == 1 else f"these {count:,} open orders"
        return asked(f"Cancel {which}?", "nothing was canceled")

    async def work(self, session: Session) -> int:
        """Cancel each; one that cannot be canceled keeps no other from it."""
        if self._is_one and len(self._tokens) == 1:
            order = await _canceled(session, self._tokens[0])
            session.show(order, lambda: render.order_line(order))
            return 0
        if not self._tokens:
            session.say("no order is open")
        tried: list[TwapOrder | None] = []
        total, is_shown = len(self._tokens), session.as_json or not sys.stdout.isatty()
        with progress(session.err, "canceling", total=total, is_shown=is_shown) as advance:
            for token in self._tokens:
                tried.append(await self._tried(session, token))
                advance()
        done = [order for order in tried if order is not None]
        if session.as_json:
            session.line(done)
        return 0 if len(done) == len(self._tokens) else FAILED

    async def _tried(self, session: Session, token: str) -> TwapOrder | None:
        try:
            order = await _canceled(session, token)
        except ApiError as error:
            if error.status in _OF_THE_CALLER:
                raise
            session.say(f"twap: {token}: {error.message}")
            return None
        if not session.as_json:
            session.out.print(render.order_line(order), soft_wrap=True)
        return order


_OF_THE_CALLER = (401, 403, 429)
"""Refusals that the next order would get too."""


async def _canceled(session: Session, token: str) -> TwapOrder:
    with on_interrupt(session, f"whether the order {token!r} was canceled is not known", token):
        return await session.client.orders.cancel(token)
