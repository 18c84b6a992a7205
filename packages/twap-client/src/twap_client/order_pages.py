"""A list of orders over as many pages as it takes."""

from collections.abc import AsyncIterator, Generator
from typing import Any

from pydantic import TypeAdapter

from twap_client._transport import Call, Transport, read_model
from twap_models import TwapOrder

OrderList = list[TwapOrder]
"""Orders as the server listed them."""

ORDERS: TypeAdapter[OrderList] = TypeAdapter(OrderList)


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
