"""Read a list of orders, or one order's slices, fills and events, over as many pages as it takes."""

from collections.abc import AsyncIterator, Generator
from typing import Any

from pydantic import TypeAdapter

from twap_client._transport import Call, Transport, read_model
from twap_client.order_fields import order_path
from twap_models import OrderEvent, TwapOrder, TwapOrderDetail

OrderList = list[TwapOrder]
"""Orders as the server listed them."""

ORDERS: TypeAdapter[OrderList] = TypeAdapter(OrderList)
DETAIL = TypeAdapter(TwapOrderDetail)

EventList = list[OrderEvent]
"""Events in order."""

EVENTS: TypeAdapter[EventList] = TypeAdapter(EventList)


class OrderPages:
    """A list of orders: ``await`` it for one page, or walk it with ``async for``."""

    def __init__(self, transport: Transport, params: dict[str, str]) -> None:
        self._transport = transport
        self._params = params

    def __await__(self) -> Generator[Any, None, OrderList]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[TwapOrder]:
        async for page in self.pages():
            for order in page:
                yield order

    async def pages(self) -> AsyncIterator[OrderList]:
        """Walk page by page."""
        cursor: str | None = None
        while True:
            page, following = await self._page(cursor)
            yield page
            if following is None or following == cursor:
                return
            cursor = following

    async def _first(self) -> OrderList:
        return (await self._page(None))[0]

    async def _page(self, cursor: str | None) -> tuple[OrderList, str | None]:
        params = self._params if cursor is None else self._params | {"after": cursor}
        answer = await self._transport.send(
            Call(method="GET", path="/orders", params=params, repeatable=True)
        )
        return read_model(ORDERS, answer), answer.after


async def detail_pages(
    transport: Transport, token_id: str, *, slices: int, fills: int
) -> AsyncIterator[TwapOrderDetail]:
    """Walk through an order with so many of its slices and fills at a time."""
    params = {"slices": str(slices), "fills": str(fills)}
    cursor: str | None = None
    while True:
        asked = params if cursor is None else params | {"after": cursor}
        answer = await transport.send(
            Call(method="GET", path=order_path(token_id), params=asked, repeatable=True)
        )
        yield read_model(DETAIL, answer)
        if answer.after is None or answer.after == cursor:
            return
        cursor = answer.after


async def event_pages(
    transport: Transport, token_id: str, *, since: int, limit: int
) -> AsyncIterator[EventList]:
    """Walk through an order's events with a ``seq`` above ``since``, so many at a time."""
    while True:
        params = {"since": str(since), "limit": str(limit)}
        call = Call(method="GET", path=f"{order_path(token_id)}/events", params=params, repeatable=True)
        page = read_model(EVENTS, await transport.send(call))
        yield page
        if len(page) < limit:
            return
        since = page[-1].seq
