"""Read a list of orders, or one order's slices, fills and events, over as many pages as it takes."""

from collections.abc import AsyncIterator, Generator
from typing import Any

from pydantic import TypeAdapter

from twap_client._transport import Call, Timeout, Transport, read_model
from twap_client.order_fields import AnyOrder, order_path
from twap_models import CostPage, OrderCost, OrderEvent, TwapOrder, TwapOrderDetail

OrderList = list[TwapOrder]
"""Orders as the server listed them."""

ORDERS: TypeAdapter[OrderList] = TypeAdapter(OrderList)
DETAIL = TypeAdapter(TwapOrderDetail)
COSTS = TypeAdapter(CostPage)

EventList = list[OrderEvent]
"""Events in order."""

EVENTS: TypeAdapter[EventList] = TypeAdapter(EventList)


class OrderPage(OrderList):
    """One page of orders.

    Attributes:
        after: what ``orders.list(after=…)`` takes for the next page; None: this is the last.
    """

    after: str | None = None


class OrderPages:
    """A list of orders: ``await`` it for one page, or walk it with ``async for``."""

    def __init__(self, transport: Transport, params: dict[str, str], timeout: Timeout = None) -> None:
        self._transport = transport
        self._params = params
        self._timeout = timeout

    def __repr__(self) -> str:
        return "<pages of orders: await gives the first, async for walks all>"

    def __await__(self) -> Generator[Any, None, OrderPage]:
        return self._page(None).__await__()

    async def __aiter__(self) -> AsyncIterator[TwapOrder]:
        async for page in self.pages():
            for order in page:
                yield order

    async def pages(self) -> AsyncIterator[OrderPage]:
        """Walk page by page."""
        cursor: str | None = None
        while True:
            page = await self._page(cursor)
            yield page
            if page.after is None or page.after == cursor:
                return
            cursor = page.after

    async def _page(self, cursor: str | None) -> OrderPage:
        params = self._params if cursor is None else self._params | {"after": cursor}
        answer = await self._transport.send(
            Call(method="GET", path="/orders", params=params, repeatable=True, timeout=self._timeout)
        )
        found = read_model(ORDERS, answer)
        page = OrderPage(found)
        page.after = answer.after
        return page


class CostPages:
    """What closed orders cost: ``await`` it for one page and all sums, or walk it with ``async for``."""

    def __init__(self, transport: Transport, params: dict[str, str], timeout: Timeout = None) -> None:
        self._transport = transport
        self._params = params
        self._timeout = timeout

    def __repr__(self) -> str:
        return "<pages of costs: await gives the first, async for walks all>"

    def __await__(self) -> Generator[Any, None, CostPage]:
        return self._page(None).__await__()

    async def __aiter__(self) -> AsyncIterator[OrderCost]:
        async for page in self.pages():
            for one in page.orders:
                yield one

    async def pages(self) -> AsyncIterator[CostPage]:
        """Walk page by page; the first one has the sums."""
        cursor: str | None = None
        while True:
            page = await self._page(cursor)
            yield page
            if page.next is None or page.next == cursor:
                return
            cursor = page.next

    async def _page(self, cursor: str | None) -> CostPage:
        params = self._params if cursor is None else self._params | {"after": cursor}
        call = Call(method="GET", path="/costs", params=params, repeatable=True, timeout=self._timeout)
        return read_model(COSTS, await self._transport.send(call))


async def detail_pages(
    transport: Transport, order: AnyOrder, *, slices: int, fills: int, timeout: Timeout = None
) -> AsyncIterator[TwapOrderDetail]:
    """Walk through an order with so many of its slices and fills at a time."""
    params = {"slices": str(slices), "fills": str(fills)}
    cursor: str | None = None
    while True:
        asked = params if cursor is None else params | {"after": cursor}
        answer = await transport.send(
            Call(method="GET", path=order_path(order), params=asked, repeatable=True, timeout=timeout)
        )
        yield read_model(DETAIL, answer)
        if answer.after is None or answer.after == cursor:
            return
        cursor = answer.after


async def event_pages(
    transport: Transport, order: AnyOrder, *, since: int, limit: int, timeout: Timeout = None
) -> AsyncIterator[EventList]:
    """Walk through an order's events with a ``seq`` above ``since``, so many at a time."""
    while True:
        params = {"since": str(since), "limit": str(limit)}
        path = f"{order_path(order)}/events"
        call = Call(method="GET", path=path, params=params, repeatable=True, timeout=timeout)
        page = read_model(EVENTS, await transport.send(call))
        yield page
        if len(page) < limit:
            return
        since = page[-1].seq


async def event_pages_back(
    transport: Transport, order: AnyOrder, *, limit: int, timeout: Timeout = None
) -> AsyncIterator[EventList]:
    """Walk through an order's events from the last page to the first; each page is in order."""
    asked = {"latest": "true"}
    while True:
        params = {**asked, "limit": str(limit)}
        path = f"{order_path(order)}/events"
        call = Call(method="GET", path=path, params=params, repeatable=True, timeout=timeout)
        page = read_model(EVENTS, await transport.send(call))
        yield page
        if len(page) < limit:
            return
        asked = {"before": str(page[0].seq)}
