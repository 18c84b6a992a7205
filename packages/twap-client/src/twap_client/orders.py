"""Orders of any strategy: preview, submit, look up, list, pause, amend, cancel; reports of what they cost.

A submission may be repeated without harm: its ``token_id`` is the idempotency key, so after a cut
connection the same request is sent again and the server answers with the order it already has.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, Unpack, overload

from pydantic import TypeAdapter

from twap_client._closing import Closing, Follow
from twap_client._transport import Call, Timeout, Transport, in_doubt, read_model, seconds_of
from twap_client.errors import StillOpen
from twap_client.order_fields import (
    KEEP,
    AnyOrder,
    AnyRequest,
    Keep,
    OrderFields,
    amendment_body,
    check_zones,
    comparison_params,
    id_of,
    may_exist,
    order_bodies,
    order_path,
    shows_order_fields,
    submission_path,
    wanted_orders,
)
from twap_client.order_pages import (
    DETAIL,
    ORDERS,
    CostPages,
    OrderList,
    OrderPages,
    detail_pages,
    event_pages,
    event_pages_back,
)
from twap_models import (
    ExecutionReport,
    Fill,
    OrderEvent,
    OrderPreview,
    OrderProof,
    OrderStatus,
    Side,
    Slice,
    TwapOrder,
    TwapOrderDetail,
    TwapOrderRequest,
)
from twap_models.fields import Amount, format_time

ReportTable = Literal["slices", "fills", "samples"]
"""What a report was made from."""

PreviewList = list[OrderPreview]
"""Previews in the order they were asked for."""

_PREVIEWS: TypeAdapter[PreviewList] = TypeAdapter(PreviewList)
_ORDER = TypeAdapter(TwapOrder)
_REPORT = TypeAdapter(ExecutionReport)
_PROOF = TypeAdapter(OrderProof)
_LISTS = frozenset({400, 409})
_A_PAGE = 500


class Orders:
    """``client.orders``."""

    def __init__(self, transport: Transport, follow: Follow) -> None:
        """Send over ``transport``; ``follow`` opens a stream of all of the account's order events."""
        self._transport = transport
        self._follow = follow

    @overload
    async def submit(self, request: AnyRequest, *, timeout: Timeout = None) -> TwapOrder: ...
    @overload
    async def submit(self, request: Iterable[AnyRequest], *, timeout: Timeout = None) -> OrderList: ...
    @overload
    async def submit(
        self,
        *,
        exchange: str,
        symbol: str,
        quantity: Amount,
        side: Side | str = Side.BUY,
        timeout: Timeout = None,
        **fields: Unpack[OrderFields],
    ) -> TwapOrder: ...
    @shows_order_fields
    async def submit(
        self,
        request: AnyRequest | Iterable[AnyRequest] | None = None,
        *,
        timeout: Timeout = None,
        **fields: Any,
    ) -> TwapOrder | OrderList:
        """Submit one order or several; give what the server made of them, in order.

        A rejected order is no exception: look at ``status``, ``reason`` and ``detail``. Timeouts, cut
        connections and 503 are repeated with the same ``token_id``; if that fails too, or the call is
        cancelled, the order may still exist: ``token_ids`` of the exception names it, ask ``get(token_id)``.
        Whatever failed, ``asked_for`` of the exception has the ``token_id``: submitting it again is safe.

        Args:
            request: an order or several, each a ``TwapOrderRequest`` or its fields as a dict; or none, and
                the fields as keywords. A ``token_id`` is made up when absent, times may be ``"now"`` or
                ``"+15m"``, durations seconds or ``"5m"``.
            timeout: how long all attempts together may take, in seconds or as a ``timedelta``.

        Raises:
            NaiveTime: a time has no zone (a ``ValueError`` too).
            InvalidValue: a field is wrong or missing; it says which, and what was expected.
            BadRequest: the server could not read the request; nothing was stored.
            NotAuthenticated: nobody is signed in.
            TransportError: no answer after all attempts.
        """
        wanted = wanted_orders(request, fields)
        many = [wanted] if isinstance(wanted, TwapOrderRequest) else wanted
        made = await self._submit(wanted, [item.token_id for item in many], timeout)
        return made[0] if isinstance(wanted, TwapOrderRequest) else made

    @overload
    async def preview(
        self,
        request: AnyRequest,
        *,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: Timeout = None,
    ) -> OrderPreview: ...
    @overload
    async def preview(
        self,
        request: Iterable[AnyRequest],
        *,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: Timeout = None,
    ) -> PreviewList: ...
    @overload
    async def preview(
        self,
        *,
        exchange: str,
        symbol: str,
        quantity: Amount,
        side: Side | str = Side.BUY,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: Timeout = None,
        **fields: Unpack[OrderFields],
    ) -> OrderPreview: ...
    @shows_order_fields
    async def preview(
        self,
        request: AnyRequest | Iterable[AnyRequest] | None = None,
        *,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: Timeout = None,
        **fields: Any,
    ) -> OrderPreview | PreviewList:
        """Say what would become of one order or several, without submitting: nothing is stored.

        An order that breaks rules is no exception: ``accepted`` is False and ``broken`` names them all.
        Without a live book within 5 seconds there is no expected cost, and ``cost_reason`` says why.

        Args:
            request: as for ``submit``; keywords too.
            compare: also show all strategies side by side, in ``strategies``, and ``impact_forecast``: what
                volume and volatility say, without a book.
            supply: how much of the base currency exists: the forecast of what lasts needs it. Compares, too.
            timeout: likewise.

        Raises:
            NaiveTime: a time has no zone (a ``ValueError`` too).
            InvalidValue: a field is wrong or missing; it says which, and what was expected.
            BadRequest: the server could not read the request.
            NotAuthenticated: nobody is signed in.
            Unavailable: the exchange's list of instruments is not known yet.
            TransportError: no answer after all attempts.
        """
        wanted = wanted_orders(request, fields)
        params = comparison_params(compare=compare, supply=supply)
        call = Call(
            method="POST",
            path="/orders/preview" if params else f"{submission_path(wanted)}/preview",
            params=params,
            body=order_bodies(wanted),
            repeatable=True,
            timeout=timeout,
        )
        made = read_model(_PREVIEWS, await self._transport.send(call))
        return made[0] if isinstance(wanted, TwapOrderRequest) else made

    async def get(
        self,
        order: AnyOrder,
        *,
        slices: int | None = None,
        fills: int | None = None,
        latest: bool = False,
        timeout: Timeout = None,
    ) -> TwapOrderDetail:
        """Fetch an order with its slices (those to come included) and fills. What it cost: ``report``.

        An order may have a hundred thousand slices: say how many are wanted, or walk with ``slices()``.

        Args:
            order: its ``token_id``, or the order as you have it.
            slices: at most so many, 0 to 1,000; absent, all.
            fills: likewise.
            latest: the last slices that have ended and the last fills, still in order; else the first.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        wanted = {"slices": slices, "fills": fills, "latest": "true" if latest else None}
        params = {name: str(value) for name, value in wanted.items() if value is not None}
        call = Call(method="GET", path=order_path(order), params=params, repeatable=True, timeout=timeout)
        return read_model(DETAIL, await self._transport.send(call))

    async def wait_until_closed(self, order: AnyOrder, *, timeout: Timeout = None) -> TwapOrder:
        """Wait until an order is filled, expired, canceled or failed; give it as it then is.

        It follows the order's events, over lost connections too. Of a closed or rejected order it gives what
        there is at once.

        Args:
            order: its ``token_id``, or the order as you have it.
            timeout: how long to wait, in seconds or as a ``timedelta``; None: as long as it takes.

        Raises:
            StillOpen: not in time (a ``TimeoutError`` too), or the server was out of reach: the message says
                which. The order goes on.
            NotFound: no order of yours has this ``token_id``.
        """
        seconds, token_id = seconds_of(timeout), id_of(order)
        closing = Closing(token_id, lambda: self.get(token_id, slices=0, fills=0), self._follow)
        try:
            async with asyncio.timeout(seconds):
                return await closing.wait()
        except TimeoutError:
            if seconds is None:
                raise
            raise StillOpen(closing.said_after(seconds)) from None

    async def slices(self, order: AnyOrder, *, timeout: Timeout = None) -> AsyncIterator[Slice]:
        """Walk through an order's slices in order, those to come included, page by page.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        async for page in detail_pages(self._transport, order, slices=_A_PAGE, fills=0, timeout=timeout):
            for item in page.slices:
                yield item

    async def fills(self, order: AnyOrder, *, timeout: Timeout = None) -> AsyncIterator[Fill]:
        """Walk through an order's fills so far, in the order they happened, page by page.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        async for page in detail_pages(self._transport, order, slices=0, fills=_A_PAGE, timeout=timeout):
            for item in page.fills:
                yield item

    def list(
        self,
        *,
        status: OrderStatus | str | None = None,
        exchange: str | None = None,
        symbol: str | None = None,
        side: Side | str | None = None,
        token_id: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        timeout: Timeout = None,
    ) -> OrderPages:
        """List orders: ``await`` gives one page, ``async for`` walks all pages.

        Args:
            status: ``open``, ``closed`` or a state such as ``Expired``.
            exchange: only this exchange.
            symbol: only this symbol.
            side: only ``buy`` or ``sell``.
            token_id: only this order.
            limit: orders a page; it bounds no walk.
            after: the page before's ``after``.
            timeout: for each page.
        """
        params = {
            "status": status,
            "exchange": exchange,
            "symbol": symbol,
            "side": side,
            "token_id": token_id,
            "limit": limit,
            "after": after,
        }
        given = {name: str(value) for name, value in params.items() if value is not None}
        return OrderPages(self._transport, given, timeout)

    def costs(
        self,
        *,
        exchange: str | None = None,
        symbol: str | None = None,
        side: Side | str | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        limit: int | None = None,
        after: str | None = None,
        timeout: Timeout = None,
    ) -> CostPages:
        """Tell what closed orders cost, newest end first: ``await`` gives one page, ``async for`` walks all.

        A page's ``summary`` is over all that the filter fits. What is ``pending`` is not computed yet: ask
        again.

        Args:
            exchange: only this exchange.
            symbol: only this symbol.
            side: only ``buy`` or ``sell``.
            start_time: only those that ended then or later.
            end_time: only those that ended before.
            limit: orders a page, at most 500.
            after: ``next`` of the page before.
            timeout: how long all attempts for one page may take.

        Raises:
            NaiveTime: a time has no zone.
        """
        check_zones(start_time=start_time, end_time=end_time)
        params = {
            "exchange": exchange,
            "symbol": symbol,
            "side": side,
            "start_time": format_time(start_time) if isinstance(start_time, datetime) else start_time,
            "end_time": format_time(end_time) if isinstance(end_time, datetime) else end_time,
            "limit": limit,
            "after": after,
        }
        given = {name: str(value) for name, value in params.items() if value is not None}
        return CostPages(self._transport, given, timeout)

    async def events(
        self, order: AnyOrder, *, since: int = 0, newest_first: bool = False, timeout: Timeout = None
    ) -> AsyncIterator[OrderEvent]:
        """Walk through what happened to an order so far, oldest first, page by page.

        The events are those of the stream, as they were recorded. ``seq`` counts all of the account's events,
        so one order's may have gaps.

        Args:
            order: its ``token_id``, or the order as you have it.
            since: only events with a ``seq`` above this.
            newest_first: walk from the newest backwards; leave the loop when you have enough.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        if newest_first:
            async for page in event_pages_back(self._transport, order, limit=_A_PAGE, timeout=timeout):
                for event in reversed(page):
                    if event.seq <= since:
                        return
                    yield event
            return
        async for page in event_pages(self._transport, order, since=since, limit=_A_PAGE, timeout=timeout):
            for event in page:
                yield event

    async def report(self, order: AnyOrder, *, timeout: Timeout = None) -> ExecutionReport:
        """Fetch what an order cost, against what, and what else it might have cost; so far, while it works.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        call = Call(method="GET", path=f"{order_path(order)}/report", repeatable=True, timeout=timeout)
        return read_model(_REPORT, await self._transport.send(call))

    async def report_html(self, order: AnyOrder, *, timeout: Timeout = None) -> str:
        """Fetch the report as one page with charts, which needs no other file and no network.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        return await self._file(order, {"format": "html"}, timeout)

    async def report_csv(
        self,
        order: AnyOrder,
        *,
        table: ReportTable | None = None,
        latest: int | None = None,
        timeout: Timeout = None,
    ) -> str:
        """Fetch the report as CSV: a figure a row, as ``section,name,value,unit``.

        Args:
            order: its ``token_id``, or the order as you have it.
            table: the ``slices``, ``fills`` or market ``samples`` it was made from, instead.
            latest: of the slices or fills only the last so many, at most 1000.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        asked = {"format": "csv", "table": table, "latest": latest}
        params = {name: str(value) for name, value in asked.items() if value is not None}
        return await self._file(order, params, timeout)

    async def proof(self, order: AnyOrder, *, timeout: Timeout = None) -> OrderProof:
        """Fetch what the order's decisions can be recomputed from, beside a recording of the market.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        call = Call(method="GET", path=f"{order_path(order)}/proof", repeatable=True, timeout=timeout)
        return read_model(_PROOF, await self._transport.send(call))

    async def pause(self, order: AnyOrder, *, timeout: Timeout = None) -> TwapOrder:
        """Let an open order fill nothing until resumed; slices due meanwhile are missed, its end stays.

        A paused order stays as it is, so this is repeated after a cut connection or a 503.

        Raises:
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
        """
        call = Call(method="POST", path=f"{order_path(order)}/pause", repeatable=True, timeout=timeout)
        return await self._change(call, order, "paused")

    async def resume(self, order: AnyOrder, *, timeout: Timeout = None) -> TwapOrder:
        """Let a paused order go on; by its carry mode it catches up or not.

        An order that is not paused stays as it is, so this is repeated after a cut connection or a 503.

        Raises:
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
        """
        call = Call(method="POST", path=f"{order_path(order)}/resume", repeatable=True, timeout=timeout)
        return await self._change(call, order, "resumed")

    async def amend(
        self,
        order: AnyOrder,
        *,
        quantity: Amount | None = None,
        price: Amount | Keep | None = KEEP,
        end_time: datetime | str | None = None,
        revision: int | None = None,
        timeout: Timeout = None,
    ) -> TwapOrder:
        """Change quantity, limit or end of an open order: what is done stays, the future is replanned.

        It is never repeated after a cut connection, for each amendment makes a new plan. If no answer came,
        ``get`` the order: its ``revision`` tells whether the change was made. With a revision, sending the
        same again is safe: it is made once, and the second is refused with ``RevisionMismatch``.

        Args:
            order: as you last saw it: its ``revision`` is what the change is made for, and if somebody
                amended it since, nothing is changed. Or a ``token_id``: that takes whatever revision it has.
            quantity: the new total, not less than what is filled.
            price: the new limit; None takes the limit away.
            end_time: the new end, a time or ``"+15m"`` from now.
            revision: the revision that the change is made for, instead of the order's own.

        Raises:
            NaiveTime: a time has no zone (a ``ValueError`` too).
            InvalidValue: a field is wrong, or there is nothing to change.
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
            RevisionMismatch: it was amended since; get it, and decide again.
            BadRequest: a value breaks a rule; nothing was changed.
        """
        path = order_path(order)
        body = amendment_body(quantity=quantity, price=price, end_time=end_time)
        if revision is None and not isinstance(order, str):
            revision = order.revision
        match = {"If-Match": "*" if revision is None else f'"{revision}"'}
        call = Call(method="PATCH", path=path, body=body, headers=match, timeout=timeout)
        return await self._change(call, order, "amended")

    async def cancel(self, order: AnyOrder, *, timeout: Timeout = None) -> TwapOrder:
        """Cancel an open order; what was filled stays filled.

        Raises:
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
        """
        call = Call(method="DELETE", path=order_path(order), timeout=timeout)
        return await self._change(call, order, "canceled")

    async def _change(self, call: Call, order: AnyOrder, done: str) -> TwapOrder:
        token_id = id_of(order)
        with in_doubt(f"whether the order {token_id!r} was {done} is not known", token_id):
            return read_model(_ORDER, await self._transport.send(call))

    async def _submit(
        self,
        wanted: TwapOrderRequest | Sequence[TwapOrderRequest],
        token_ids: Sequence[str],
        timeout: Timeout,
    ) -> OrderList:
        call = Call(
            method="POST",
            path=submission_path(wanted),
            body=order_bodies(wanted),
            repeatable=True,
            lists=_LISTS,
            timeout=timeout,
        )
        with in_doubt(may_exist(token_ids), *token_ids):
            return read_model(ORDERS, await self._transport.send(call))

    async def _file(self, order: AnyOrder, params: dict[str, str], timeout: Timeout) -> str:
        path = f"{order_path(order)}/report"
        call = Call(method="GET", path=path, params=params, repeatable=True, as_text=True, timeout=timeout)
        text: str = (await self._transport.send(call)).body
        return text
