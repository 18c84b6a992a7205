"""An order's execution report: JSON, CSV, or a page. Everybody sees their own and nothing else."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from twap_models.fields import TokenId
from twap_models.report import ExecutionReport
from twap_server.api.dependencies import ReaderDep, ServicesDep
from twap_server.api.documented import HEADERS, problems
from twap_server.api.exact import ExactRoute, reply
from twap_server.api.present_report import execution_report
from twap_server.api.reports.csv_text import Table, report_csv, table_csv
from twap_server.api.reports.page import CSP, report_page
from twap_server.api.reports.words import file_name
from twap_server.domain.errors import InvalidRequest, OrderNotFound
from twap_server.domain.record import OrderRecord

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ExactRoute)

Format = Literal["json", "csv", "html"]
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}


@router.get(
    "/{token_id}/report",
    response_model=ExecutionReport,
    responses={
        200: {
            "content": {"text/csv": _TEXT, "text/html": _TEXT},
            "description": "As `format` asks.",
            "headers": {"Content-Disposition": HEADERS["Content-Disposition"]},
        },
        **problems(401, 403, 404, 422, 503),
    },
)
async def get_report(
    *,
    services: ServicesDep,
    caller: ReaderDep,
    token_id: TokenId,
    format: Annotated[Format, Query(description="`html` is one page without requests to anywhere.")] = "json",
    table: Annotated[
        Table | None, Query(description="With `format=csv`: what the report was made from, instead.")
    ] = None,
) -> Response:
    """What the order cost, against what, and what else it might have cost; so far, while it is at work."""
    if table is not None and format != "csv":
        raise InvalidRequest(f"expected format=csv with table={table}, got format={format}", field="table")
    found = await services.parts.records.detail(caller.user_id, token_id)
    if found is None:
        raise OrderNotFound(f"you have no order {token_id!r}")
    return await asyncio.to_thread(_written, found, format, table)


def _written(record: OrderRecord, format: Format, table: Table | None) -> Response:
    """Done in a thread: many slices take a while to draw and write, and others must not wait."""
    match format:
        case "json":
            return reply(execution_report(record))
        case "csv":
            text = report_csv(record) if table is None else table_csv(record, table)
            name = file_name(record.order, f"{table or 'report'}.csv")
            return _file(text, "text/csv", f'attachment; filename="{name}"')
        case "html":
            name = file_name(record.order, "report.html")
            return _file(report_page(record), "text/html", f'inline; filename="{name}"', csp=CSP)


def _file(text: str, kind: str, disposition: str, *, csp: str | None = None) -> Response:
    headers = {"Content-Disposition": disposition}
    if csp is not None:
        headers["Content-Security-Policy"] = csp
    return Response(text.encode(), media_type=f"{kind}; charset=utf-8", headers=headers)
