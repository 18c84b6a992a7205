"""Carry out submit: read it, show what it would do, ask, send it, say what became of it."""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from twap_client._in_words import as_the_server, in_words
from twap_client.cli import confirmation, render, spoken
from twap_client.cli.local_time import absolute
from twap_client.cli.parting import on_interrupt
from twap_client.cli.preview import preview_view
from twap_client.cli.session import ENDED, Session, asked
from twap_client.cli.watch import watch_submitted
from twap_client.errors import ApiError, NotAuthenticated, NotFound, TwapClientError, UsageError
from twap_client.order_fields import order_shape
from twap_models import Candle, OrderPreview, OrderStatus, TwapOrder, TwapOrderDetail
from twap_models.reading import reason_words

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
"""Without those that look alike."""
_ID_LENGTH = 8
_USED_UP = "; this token_id is used up"
"""What the server says of every rejected order; to whom gave no id it says nothing."""
_A_DAY = 24
_PERCENTS = ("randomize", "participation_cap", "participation", "volatility")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown in place of a submission."""

    dry_run: bool = False
    """Nothing is submitted."""
    go_live: bool = False
    """Every rule of each exchange's own TWAP."""
    compare: bool = False
    """All strategies side by side."""
    supply: str | None = None
    """Of the base currency, for the forecast beside them."""


class Submission:
    """One ``submit``: read and confirmed before the event loop that sends it, for a prompt would block it."""

    def __init__(self, fields: dict[str, Any], *, ask: bool, follow: bool, shown: Shown = Shown()) -> None:
        self._fields = {name: value for name, value in fields.items() if value is not None}
        self._shows = shown
        self._asks = ask and not shown.dry_run
        self._follow = follow
        self._is_named = "token_id" in self._fields
        self._shown: frozenset[str] = frozenset()

    def prepare(self) -> bool:
        """Read the order.

        Raises:
            ValueError: a field is wrong, or there is nobody to ask.
        """
        console = Console(stderr=True, highlight=False)
        see_that_it_is_whole(self._fields)
        typed = {"token_id": made_up_id()} | self._fields | self._lengths() | self._times(console)
        with in_words(as_the_server):
            self._request = order_shape(typed).model_validate(typed)
        if self._asks and not sys.stdin.isatty():
            raise UsageError(
                "there is no terminal to ask at: add `--yes` to submit without a question, "
                "or `--dry-run` to see what would happen"
            )
        return True

    async def look(self, session: Session) -> int:
        """Show what would become of it; without that, what was asked for."""
        if not self._asks:
            return 0
        try:
            preview = await session.client.orders.preview(self._request)
        except NotAuthenticated:
            raise
        except ApiError as error:
            session.say(f"no preview ({error.message}): this is what would be sent")
            session.err.print(render.request_table(self._request))
            return 0
        self._shown = frozenset(preview.warnings)
        doubts = confirmation.doubts(preview, await self._last_day(session))
        session.err.print(confirmation.view(preview, doubts))
        return 0 if preview.accepted else ENDED[OrderStatus.REJECTED]

    def agreed(self) -> bool:
        """Ask, unless that is not wanted."""
        return not self._asks or asked("Submit this order?", "nothing was submitted")

    async def work(self, session: Session) -> int:
        """Submit it, and follow it if wanted; in a dry run only say what would become of it."""
        if self._shows.dry_run:
            return await self._preview(session)
        token = self._request.token_id
        before = await self._known(session)
        with on_interrupt(session, f"the order {token!r} may exist", token):
            order = await session.client.orders.submit(self._request)
        return await self._told(
            session, order, is_repeat=before is not None and before.order_id == order.order_id
        )

    async def _told(self, session: Session, order: TwapOrder, *, is_repeat: bool) -> int:
        following = self._follow and order.status is not OrderStatus.REJECTED
        if not (session.as_json and following):
            session.show(order, lambda: render.order_line(order))
        if is_repeat:
            session.say(f"a repeat: {order.token_id} was submitted before, and nothing was submitted anew")
        for warning in (item for item in order.warnings if item not in self._shown):
            session.say(f"note: {warning}")
        if order.status is OrderStatus.REJECTED:
            session.say(f"rejected: {self._why(order)}")
            return ENDED[order.status]
        if following:
            return await watch_submitted(session, order.token_id)
        session.say(f"follow it with: `twap watch {order.token_id}`")
        return 0

    def _why(self, order: TwapOrder) -> str:
        why = order.detail or reason_words(order.reason or "")
        return why if self._is_named else why.partition(_USED_UP)[0]

    async def _known(self, session: Session) -> TwapOrderDetail | None:
        """The order that has this id already; an id that was made up just now is nobody's."""
        if not self._is_named:
            return None
        try:
            return await session.client.orders.get(self._request.token_id, slices=0, fills=0)
        except NotFound:
            return None
        except TwapClientError:  # what matters comes next, and tells its own failure
            return None

    async def _last_day(self, session: Session) -> list[Candle]:
        """The hours of the last day; none where they are not to be had."""
        try:
            found = await session.client.market.klines(
                self._request.exchange, self._request.symbol, interval="1h", limit=_A_DAY
            )
        except TwapClientError:
            return []
        return list(found) if len(found) == _A_DAY else []

    def _times(self, console: Console) -> dict[str, Any]:
        def say(line: str) -> None:
            console.print(line, markup=False, soft_wrap=True)

        options = {"start_time": "--start", "end_time": "--end"}
        given = {name: option for name, option in options.items() if name in self._fields}
        return {
            name: absolute(option, spoken.moment(option, self._fields[name]), say)
            for name, option in given.items()
        }

    def _lengths(self) -> dict[str, Any]:
        lengths = [name for name in ("duration", "interval", "half_life") if name in self._fields]
        shares = [name for name in _PERCENTS if name in self._fields]
        found: dict[str, Any] = {
            name: spoken.length(f"--{name.replace('_', '-')}", self._fields[name]) for name in lengths
        }
        found |= {name: spoken.percent(self._fields[name]) for name in shares}
        if "volume_profile" in self._fields:
            found["volume_profile"] = spoken.weights("--volume-profile", self._fields["volume_profile"])
        return found

    async def _preview(self, session: Session) -> int:
        compare, go_live = self._shows.compare, self._shows.go_live
        preview: OrderPreview = await session.client.orders.preview(
            self._request, compare=compare, supply=self._shows.supply
        )
        session.show(preview, lambda: preview_view(preview, go_live=go_live))
        if preview.go_live and not go_live and not compare and not session.as_json:
            session.say("why an exchange's own order would take it or not: `--go-live`")
        session.say("dry run: nothing was submitted")
        return 0 if preview.accepted else ENDED[OrderStatus.REJECTED]


def made_up_id() -> str:
    """Make an order's id that can be read out and typed: 30^8 of them, counted for each user alone."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


def see_that_it_is_whole(fields: Mapping[str, Any]) -> None:
    """Say in the words of the command line what is missing or said twice.

    Raises:
        UsageError: an order is not determined.
    """
    for one, other, missing in (
        ("end_time", "duration", "say how long it takes: --duration 1h, or until when: --end T"),
        ("interval", "slices", "say how it is sliced: --interval 5 (seconds; or 1m), or --slices N"),
    ):
        if one not in fields and other not in fields:
            raise UsageError(missing)
        if one in fields and other in fields:
            raise UsageError(f"give --{one.removesuffix('_time')} or --{other}, not both")
