"""TWAP orders: preview, submit, look up, list, pause, resume, amend, cancel; reports of what they cost.

A submission may be repeated without harm: its ``token_id`` is the idempotency key, so after a cut
connection the same request is sent again and the server answers with the order it already has.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Unpack, overload

from pydantic import TypeAdapter

from twap_client._transport import Call, Transport, in_doubt, read_model
from twap_client.order_fields import (
    KEEP,
    Amount,
    Keep,
    OrderFields,
    amendment_body,
    may_exist,
    order_bodies,
    order_path,
    wanted_orders,
)
from twap_client.order_pages import DETAIL, ORDERS, OrderList, OrderPages, detail_pages, event_pages
from twap_models import (
    ExecutionReport,
    Fill,
    OrderEvent,
    OrderPreview,
    OrderStatus,
    Side,
    Slice,
    TwapOrder,
    TwapOrderDetail,
    TwapOrderRequest,
)

ReportTable = Literal["slices", "fills", "samples"]
"""What a report was made from."""

PreviewList = list[OrderPreview]
"""Previews in the order they were asked for."""

_PREVIEWS: TypeAdapter[PreviewList] = TypeAdapter(PreviewList)
_ORDER = TypeAdapter(TwapOrder)
_REPORT = TypeAdapter(ExecutionReport)
_LISTS = frozenset({400, 409})
_A_PAGE = 500


class Orders:
    """``client.orders``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @overload
    async def submit(self, request: TwapOrderRequest) -> TwapOrder: ...
    @overload
    async def submit(self, request: Sequence[TwapOrderRequest]) -> OrderList: ...
    @overload
    async def submit(
        self,
        *,
        exchange: str,
        symbol: str,
        quantity: Amount,
        side: Side | str = Side.BUY,
        **fields: Unpack[OrderFields],
    ) -> TwapOrder: ...
    async def submit(
        self, request: TwapOrderRequest | Sequence[TwapOrderRequest] | None = None, **fields: Any
    ) -> TwapOrder | OrderList:
        """Submit one order or several; give what the server made of them, in order.

        A rejected order is no exception: look at ``status``, ``reason`` and ``detail``. Timeouts, cut
        connections and 503 are repeated with the same ``token_id``; if that fails too, or the call is
        cancelled, the order may still exist: ``token_ids`` of the exception names it, ask ``get(token_id)``.

        Args:
            request: an order or a list of orders; or none, and the fields as keywords. Then a ``token_id`` is
                made up when absent, times may be ``"now"`` or ``"+15m"``, durations seconds or ``"5m"``.

        Raises:
            NaiveTime: a time has no zone (a ``ValueError`` too).
            ValueError: a keyword is wrong or missing (``pydantic.ValidationError``).
            BadRequest: the server could not read the request; nothing was stored.
            NotAuthenticated: nobody is signed in.
            TransportError: no answer after all attempts.
        """
        wanted = wanted_orders(request, fields)
        many = [wanted] if isinstance(wanted, TwapOrderRequest) else wanted
        made = await self._submit(order_bodies(wanted), [item.token_id for item in many])
        return made[0] if isinstance(wanted, TwapOrderRequest) else made

    @overload
    async def preview(self, request: TwapOrderRequest) -> OrderPreview: ...
    @overload
    async def preview(self, request: Sequence[TwapOrderRequest]) -> PreviewList: ...
    @overload
    async def preview(
        self,
        *,
        exchange: str,
        symbol: str,
        quantity: Amount,
        side: Side | str = Side.BUY,
        **fields: Unpack[OrderFields],
    ) -> OrderPreview: ...
    async def preview(
        self, request: TwapOrderRequest | Sequence[TwapOrderRequest] | None = None, **fields: Any
    ) -> OrderPreview | PreviewList:
        """Say what would become of one order or several, without submitting: nothing is stored.

        An order that breaks rules is no exception: ``accepted`` is False and ``broken`` names them all.
        Without a live book within 5 seconds there is no expected cost, and ``cost_reason`` says why.

        Args:
            request: as for ``submit``; keywords too.

        Raises:
            NaiveTime: a time has no zone (a ``ValueError`` too).
            ValueError: a keyword is wrong or missing (``pydantic.ValidationError``).
            BadRequest: the server could not read the request.
            NotAuthenticated: nobody is signed in.
            Unavailable: the exchange's list of instruments is not known yet.
            TransportError: no answer after all attempts.
        """
        wanted = wanted_orders(request, fields)
        call = Call(method="POST", path="/orders/twap/preview", body=order_bodies(wanted), repeatable=True)
        made = read_model(_PREVIEWS, await self._transport.send(call))
        return made[0] if isinstance(wanted, TwapOrderRequest) else made

    async def get(
        self,
        token_id: str,
        *,
        slices: int | None = None,
        fills: int | None = None,
        latest: bool = False,
    ) -> TwapOrderDetail:
        """Fetch an order with its slices (those to come included) and fills. What it cost: ``report``.

        An order may have a hundred thousand slices: say how many are wanted, or walk with ``slices()``.

        Args:
            token_id: the order.
            slices: at most so many, 0 to 1,000; absent, all.
            fills: likewise.
            latest: the last slices that have ended and the last fills, still in order; else the first.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        wanted = {"slices": slices, "fills": fills, "latest": "true" if latest else None}
        params = {name: str(value) for name, value in wanted.items() if value is not None}
        call = Call(method="GET", path=order_path(token_id), params=params, repeatable=True)
        return read_model(DETAIL, await self._transport.send(call))

    async def slices(self, token_id: str) -> AsyncIterator[Slice]:
        """Walk through an order's slices in order, those to come included, page by page.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        async for page in detail_pages(self._transport, token_id, slices=_A_PAGE, fills=0):
            for item in page.slices:
                yield item

    async def fills(self, token_id: str) -> AsyncIterator[Fill]:
        """Walk through an order's fills so far, in the order they happened, page by page.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        async for page in detail_pages(self._transport, token_id, slices=0, fills=_A_PAGE):
            for item in page.fills:
                yield item

    def list(
        self,
        *,
        status: OrderStatus | str | None = None,
        exchange: str | None = None,
        symbol: str | None = None,
        token_id: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> OrderPages:
        """List orders: ``await`` gives one page, ``async for`` walks all pages.

        Args:
            status: ``open``, ``closed`` or a state such as ``Expired``.
            exchange: only this exchange.
            symbol: only this symbol.
            token_id: only this order.
            limit: orders a page.
            after: cursor of the page before.
        """
        params = {
            "status": status,
            "exchange": exchange,
            "symbol": symbol,
            "token_id": token_id,
            "limit": limit,
            "after": after,
        }
        return OrderPages(self._transport, {k: str(v) for k, v in params.items() if v is not None})

    async def events(self, token_id: str, *, since: int = 0) -> AsyncIterator[OrderEvent]:
        """Walk through what happened to an order so far, oldest first, page by page.

        The events are those of the stream, as they were recorded. ``seq`` counts all of the account's events,
        so one order's may have gaps.

        Args:
            token_id: the order.
            since: only events with a ``seq`` above this.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        async for page in event_pages(self._transport, token_id, since=since, limit=_A_PAGE):
            for event in page:
                yield event

    async def report(self, token_id: str) -> ExecutionReport:
        """Fetch what an order cost, against what, and what else it might have cost; so far, while it works.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        call = Call(method="GET", path=f"{order_path(token_id)}/report", repeatable=True)
        return read_model(_REPORT, await self._transport.send(call))

    async def report_html(self, token_id: str) -> str:
        """Fetch the report as one page with charts, which needs no other file and no network.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        return await self._file(token_id, {"format": "html"})

    async def report_csv(self, token_id: str, *, table: ReportTable | None = None) -> str:
        """Fetch the report as CSV: a figure a row, as ``section,name,value,unit``.

        Args:
            token_id: the order.
            table: the ``slices``, ``fills`` or market ``samples`` it was made from, instead.

        Raises:
            NotFound: no order of yours has this ``token_id``.
        """
        params = {"format": "csv"} if table is None else {"format": "csv", "table": table}
        return await self._file(token_id, params)

    async def pause(self, token_id: str) -> TwapOrder:
        """Let an open order fill nothing until resumed; slices due meanwhile are missed, its end stays.

        A paused order stays as it is, so this is repeated after a cut connection or a 503.

        Raises:
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
        """
        call = Call(method="POST", path=f"{order_path(token_id)}/pause", repeatable=True)
        return await self._change(call, token_id, "paused")

    async def resume(self, token_id: str) -> TwapOrder:
        """Let a paused order go on; by its carry mode it catches up or not.

        An order that is not paused stays as it is, so this is repeated after a cut connection or a 503.

        Raises:
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
        """
        call = Call(method="POST", path=f"{order_path(token_id)}/resume", repeatable=True)
        return await self._change(call, token_id, "resumed")

    async def amend(
        self,
        order: TwapOrder | str,
        *,
        quantity: Amount | None = None,
        price: Amount | Keep | None = KEEP,
        end_time: datetime | str | None = None,
        revision: int | None = None,
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
            ValueError: a keyword is wrong, or there is nothing to change (``pydantic.ValidationError``).
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
            RevisionMismatch: it was amended since; get it, and decide again.
            BadRequest: a value breaks a rule; nothing was changed.
        """
        body = amendment_body(quantity=quantity, price=price, end_time=end_time)
        token_id = order if isinstance(order, str) else order.token_id
        if revision is None and not isinstance(order, str):
            revision = order.revision
        match = {"If-Match": "*" if revision is None else f'"{revision}"'}
        call = Call(method="PATCH", path=order_path(token_id), body=body, headers=match)
        return await self._change(call, token_id, "amended")

    async def cancel(self, token_id: str) -> TwapOrder:
        """Cancel an open order; what was filled stays filled.

        Raises:
            NotFound: no order of yours has this ``token_id``.
            Conflict: the order is closed already.
        """
        return await self._change(Call(method="DELETE", path=order_path(token_id)), token_id, "canceled")

    async def _change(self, call: Call, token_id: str, done: str) -> TwapOrder:
        with in_doubt(f"whether the order {token_id!r} was {done} is not known", token_id):
            return read_model(_ORDER, await self._transport.send(call))

    async def _submit(self, body: Any, token_ids: Sequence[str]) -> OrderList:
        call = Call(method="POST", path="/orders/twap", body=body, repeatable=True, lists=_LISTS)
        with in_doubt(may_exist(token_ids), *token_ids):
            return read_model(ORDERS, await self._transport.send(call))

    async def _file(self, token_id: str, params: dict[str, str]) -> str:
        path = f"{order_path(token_id)}/report"
        call = Call(method="GET", path=path, params=params, repeatable=True, as_text=True)
        text: str = (await self._transport.send(call)).body
        return text
