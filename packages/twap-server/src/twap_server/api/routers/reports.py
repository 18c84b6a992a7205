"""Serve an order's execution report as JSON, CSV or a page. Each user sees only their own."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from twap_models.fields import TokenId
from twap_models.report import ExecutionReport
from twap_server.api.http.documented import HEADERS, problems
from twap_server.api.http.exact_json import ExactRoute, written
from twap_server.api.routers.dependencies import ReaderDep, ServicesDep
from twap_server.api.wire.large import LIGHT, Written
from twap_server.domain.errors import InvalidRequest, OrderNotFound
from twap_server.domain.orders.record import OrderPage, OrderRecord, PageRequest
from twap_server.reports.csv_text import Table, report_csv, table_csv
from twap_server.reports.page import CSP, report_page
from twap_server.reports.present import execution_report
from twap_server.reports.words import file_name

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
    request: Request,
    services: ServicesDep,
    caller: ReaderDep,
    token_id: TokenId,
    format: Annotated[Format, Query(description="`html` is one page without requests to anywhere.")] = "json",
    table: Annotated[
        Table | None, Query(description="With `format=csv`: what the report was made from, instead.")
    ] = None,
    latest: Annotated[
        int | None,
        Query(ge=1, le=1_000, description="With `table=slices` or `fills`: only the last so many, in order."),
    ] = None,
) -> Response:
    """What the order cost, against what, and what else it might have cost; so far, while it is at work."""
    if table is not None and format != "csv":
        raise InvalidRequest(f"expected format=csv with table={table}, got format={format}", field="table")
    if latest is not None:
        last = await _last_rows(services, caller.user_id, token_id, table, latest)
        return _answer(
            await services.large.write(caller.user_id, latest, partial(_written, last, "csv", table))
        )
    order = await _some(services, caller.user_id, token_id, PageRequest(slices=0, fills=0))

    async def read() -> OrderRecord:
        found = await services.records.detail(caller.user_id, token_id)
        if found is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        return found

    async def make() -> Written:
        return await services.large.in_thread(partial(_written, await read(), format, table))

    if order.order.progress.next_slice > LIGHT:
        key = (caller.user_id, str(request.url))
        return await services.large.answer(caller.user_id, key, make)
    work = partial(_written, await read(), format, table)
    return _answer(await services.large.write(caller.user_id, LIGHT, work))


async def _last_rows(
    services: ServicesDep, user_id: str, token_id: str, table: Table | None, latest: int
) -> OrderRecord:
    if table not in ("slices", "fills"):
        raise InvalidRequest("expected table=slices or table=fills with latest", field="latest")
    asked = PageRequest(slices=latest, fills=latest, latest=True)
    found = await _some(services, user_id, token_id, asked)
    return OrderRecord(order=found.order, slices=found.slices, fills=found.fills, samples=())


async def _some(services: ServicesDep, user_id: str, token_id: str, asked: PageRequest) -> OrderPage:
    found = await services.records.page(user_id, token_id, asked)
    if found is None:
        raise OrderNotFound(f"you have no order {token_id!r}")
    return found


def _answer(made: Written) -> Response:
    return Response(b"".join(made.pieces), headers=dict(made.headers), media_type=made.media_type)


def _written(record: OrderRecord, format: Format, table: Table | None) -> Written:
    """Done in a thread: many slices take a while to draw and write, and others must not wait."""
    match format:
        case "json":
            return Written(pieces=[written(execution_report(record))])
        case "csv":
            text = report_csv(record) if table is None else table_csv(record, table)
            name = file_name(record.order, f"{table or 'report'}.csv")
            return _file(text, "text/csv", f'attachment; filename="{name}"')
        case "html":
            name = file_name(record.order, "report.html")
            return _file(report_page(record), "text/html", f'inline; filename="{name}"', csp=CSP)


def _file(text: str, kind: str, disposition: str, *, csp: str | None = None) -> Written:
    headers = {"Content-Disposition": disposition}
    if csp is not None:
        headers["Content-Security-Policy"] = csp
    return Written(pieces=[text.encode()], media_type=f"{kind}; charset=utf-8", headers=headers)
