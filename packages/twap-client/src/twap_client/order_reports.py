"""The execution report of an order: its figures, or the file the server makes of them."""

from typing import Literal

from pydantic import TypeAdapter

from twap_client._transport import Call, Transport, read_model
from twap_client.order_fields import order_path
from twap_models import ExecutionReport

ReportTable = Literal["slices", "fills", "samples"]
"""What a report was made from."""

_REPORT = TypeAdapter(ExecutionReport)


class OrderReports:
    """The reports of ``client.orders``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

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

    async def _file(self, token_id: str, params: dict[str, str]) -> str:
        path = f"{order_path(token_id)}/report"
        call = Call(method="GET", path=path, params=params, repeatable=True, as_text=True)
        text: str = (await self._transport.send(call)).body
        return text
