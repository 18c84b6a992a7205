"""Serve TWAP orders: submit, list, read one, change, cancel. Each user sees only their own."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Header, Query, Request, Response
from pydantic import Discriminator, Field, Tag

from twap_models.enums import OrderStatus, Side
from twap_models.fields import ExchangeName, Seq, SymbolText, TokenId
from twap_models.orders import (
    StrategyOrderRequest,
    TwapOrder,
    TwapOrderAmendment,
    TwapOrderDetail,
    TwapOrderRequest,
)
from twap_models.stream import OrderEvent
from twap_server.api.auth.access import Caller
from twap_server.api.http.documented import problems, with_headers
from twap_server.api.http.exact_json import ExactRoute, reply, written
from twap_server.api.http.one_or_list import LIST, ONE, how_many
from twap_server.api.routers.dependencies import ReaderDep, ServicesDep, TraderDep
from twap_server.api.routers.direct_route import DirectRoute
from twap_server.api.routers.named_symbols import canonical_symbols
from twap_server.api.services import Services
from twap_server.api.wire import present
from twap_server.api.wire.cursor import read_cursor, read_place, write_cursor, write_place
from twap_server.api.wire.details import beginning_of, detail_pieces, is_whole, size_of, written_in_parts
from twap_server.api.wire.etag import read_revision, write_revision
from twap_server.api.wire.examples import ORDER_EXAMPLES, STRATEGY_EXAMPLES
from twap_server.api.wire.large import Written
from twap_server.api.wire.requests import to_amendment, to_requests
from twap_server.domain.errors import InvalidRequest, OrderNotFound
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.order import OrderEvent as RecordedEvent
from twap_server.domain.orders.record import EventRange, OrderPage, PagePosition, PageRequest
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ExactRoute)

_OPEN = frozenset(status for status in OrderStatus if status.is_open)
_GROUPS = {"open": _OPEN, "closed": frozenset(OrderStatus) - _OPEN}
_TAGGED = with_headers(200, "ETag")
_CHANGED = {**_TAGGED, **problems(401, 403, 404, 409, 422, 503)}
_STATES = {status.value.lower(): frozenset({status}) for status in OrderStatus}


_Many = Annotated[int | None, Query(ge=0, le=1_000, description="At most so many; absent: all.")]
"""Slices or fills of one page."""


TwapSubmission = Annotated[
    Annotated[TwapOrderRequest, Tag(ONE)]
    | Annotated[list[TwapOrderRequest], Field(min_length=1, max_length=1_000), Tag(LIST)],
    Discriminator(how_many),
]
Submission = Annotated[
    Annotated[StrategyOrderRequest, Tag(ONE)]
    | Annotated[list[StrategyOrderRequest], Field(min_length=1, max_length=1_000), Tag(LIST)],
    Discriminator(how_many),
]
_SUBMITTED: dict[int | str, dict[str, Any]] = {
    200: {"model": list[TwapOrder], "description": "All were here before: the same orders again."},
    **problems(401, 403, 413, 422, 503),
    400: {
        "description": "Every order broke a rule: the list says which. Or the body is no JSON.",
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/TwapOrder"}}
            },
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    },
    409: {
        "model": list[TwapOrder],
        "description": "Nothing was accepted: a token_id was used before with another body.",
    },
}


async def submit_twap_orders(
    services: ServicesDep,
    caller: TraderDep,
    body: Annotated[TwapSubmission, Body(openapi_examples=ORDER_EXAMPLES)],
) -> Response:
    """Submit one TWAP order or a list; answered at once, always with a list in the same order.

    ``token_id`` is your own order id and makes a repeat safe: the same body gives the same order.
    """
    return await _submitted(services, caller, body)


async def submit_orders(
    services: ServicesDep,
    caller: TraderDep,
    body: Annotated[Submission, Body(openapi_examples=STRATEGY_EXAMPLES)],
) -> Response:
    """Submit one order of any strategy or a list, as `POST /orders/twap` does for TWAP.

    ``strategy`` says how the quantity is spread: `twap`, `vwap`, `is`, `pov` or `sweep`, each with its
    parameters. Some look at the market first (closed candles, a live book), for up to some seconds.
    """
    return await _submitted(services, caller, body)


async def _submitted(
    services: Services, caller: Caller, body: TwapOrderRequest | Sequence[TwapOrderRequest]
) -> Response:
    requests = to_requests(body, now=services.clock.now())
    results = await services.orders.submit(caller.user_id, requests)
    return reply([present.order_body(result.order) for result in results], submission_status(results))


for _path, _endpoint in (("/twap", submit_twap_orders), ("", submit_orders)):
    router.add_api_route(
        _path,
        _endpoint,
        methods=["POST"],
        route_class_override=DirectRoute,
        status_code=201,
        response_model=list[TwapOrder],
        responses=_SUBMITTED,
    )


@router.get(
    "",
    response_model=list[TwapOrder],
    responses={**with_headers(200, "Link"), **problems(401, 403, 422, 503)},
)
async def list_orders(
    *,
    request: Request,
    services: ServicesDep,
    caller: ReaderDep,
    token_id: TokenId | None = None,
    status: Annotated[str | None, Query(max_length=16, description="open, closed, or a state.")] = None,
    exchange: ExchangeName | None = None,
    symbol: SymbolText | None = None,
    side: Side | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=256, description="Cursor of the next page.")] = None,
) -> Response:
    """Your orders, newest first. The ``Link`` header names the next page while there is one."""
    found = await services.records.list(
        caller.user_id,
        token_id=token_id,
        statuses=_statuses(status),
        exchange=exchange,
        symbols=None if symbol is None else canonical_symbols(services.market, exchange, symbol),
        side=side,
        limit=limit + 1,
        after=None if after is None else read_cursor(after),
    )
    page = found[:limit]
    headers = {"Link": _next_link(request, write_cursor(page[-1]))} if len(found) > limit else {}
    return reply([present.order_body(order) for order in page], headers=headers)


@router.get(
    "/{token_id}",
    response_model=TwapOrderDetail,
    responses={**with_headers(200, "ETag", "Link"), **problems(401, 403, 404, 422, 503)},
)
async def get_order(
    *,
    request: Request,
    services: ServicesDep,
    caller: ReaderDep,
    token_id: TokenId,
    slices: _Many = None,
    fills: _Many = None,
    after: Annotated[str | None, Query(max_length=64, description="Cursor of the next page.")] = None,
    latest: Annotated[
        bool, Query(description="Of the slices that have ended and of the fills the last ones, in order.")
    ] = False,
) -> Response:
    """One order with its slices (those to come included) and fills: all, or a page of each.

    The ``Link`` header names the next page while there is one. What it cost is in its report.
    """
    if latest and after is not None:
        raise InvalidRequest("expected latest or after, not both", field="after")
    place = PagePosition() if after is None else read_place(after)
    asked = PageRequest(slices=slices, fills=fills, after=place, latest=latest)

    async def read(asked: PageRequest) -> OrderPage:
        found = await services.records.page(caller.user_id, token_id, asked)
        if found is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        return found

    async def make() -> Written:
        parts = services.records.parts(caller.user_id, token_id, asked)
        pieces, last = await written_in_parts(parts, services.large.in_thread)
        if last is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        return Written(pieces=pieces, headers=_headers(request, last))

    part = await read(beginning_of(asked))
    if is_whole(part, asked):
        body = await services.large.write(caller.user_id, size_of(part), partial(detail_pieces, part))
        return Response(b"".join(body), headers=_headers(request, part), media_type="application/json")
    return await services.large.answer(caller.user_id, (caller.user_id, str(request.url)), make)


@router.get(
    "/{token_id}/events", response_model=list[OrderEvent], responses=problems(401, 403, 404, 422, 503)
)
async def list_events(
    *,
    services: ServicesDep,
    caller: ReaderDep,
    token_id: TokenId,
    since: Annotated[
        Seq | None, Query(description="Only events with a seq above this: the first ones.")
    ] = None,
    before: Annotated[
        Seq | None, Query(description="Only events with a seq below this: the last ones.")
    ] = None,
    latest: Annotated[bool, Query(description="The last events, in order.")] = False,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """What happened to one order, oldest first: the events that the stream pushes, as they were recorded.

    ``seq`` counts all of your events, so one order's events may have gaps. For the next page send the last
    ``seq`` as ``since``. From the newest backwards: ask for ``latest``, then send the first ``seq`` as
    ``before``.
    """
    wanted = _events_wanted(since, before, latest=latest)
    found = await services.records.events_of(caller.user_id, token_id, wanted, limit=limit)
    if found is None:
        raise OrderNotFound(f"you have no order {token_id!r}")
    body = await services.large.write(caller.user_id, len(found), partial(_events_written, found))
    return Response(body, media_type="application/json")


@router.patch(
    "/{token_id}",
    response_model=TwapOrder,
    responses={**_TAGGED, **problems(400, 401, 403, 404, 409, 412, 413, 422, 428, 503)},
)
async def amend_order(
    *,
    services: ServicesDep,
    caller: TraderDep,
    token_id: TokenId,
    body: TwapOrderAmendment,
    if_match: Annotated[
        str | None,
        Header(description="The ``revision`` the change is made for, as ``ETag`` gave it; ``*`` takes any."),
    ] = None,
) -> Response:
    """Change limit, end or quantity of an open order: what is done stays, the future is replanned."""
    wanted = to_amendment(body, now=services.clock.now())
    revision = read_revision(if_match)
    return _one(await services.orders.amend(caller.user_id, token_id, wanted, revision=revision))


@router.post("/{token_id}/pause", response_model=TwapOrder, responses=_CHANGED)
async def pause_order(services: ServicesDep, caller: TraderDep, token_id: TokenId) -> Response:
    """Let an open order fill nothing until resumed; slices due meanwhile are missed, its end stays."""
    return _one(await services.orders.pause(caller.user_id, token_id))


@router.post("/{token_id}/resume", response_model=TwapOrder, responses=_CHANGED)
async def resume_order(services: ServicesDep, caller: TraderDep, token_id: TokenId) -> Response:
    """Let a paused order go on; by its carry mode it catches up or not."""
    return _one(await services.orders.resume(caller.user_id, token_id))


@router.delete("/{token_id}", response_model=TwapOrder, responses=_CHANGED)
async def cancel_order(services: ServicesDep, caller: TraderDep, token_id: TokenId) -> Response:
    """Cancel an open order; what was filled stays filled."""
    return _one(await services.orders.cancel(caller.user_id, token_id))


def submission_status(results: Sequence[SubmitResult]) -> int:
    """201 something new was accepted; 200 accepted before; 409 token ids reused; 400 all broke a rule."""
    accepted = [
        result.kind
        for result in results
        if result.kind in (SubmitResultKind.NEW, SubmitResultKind.REPEAT)
        and result.order.status is not OrderStatus.REJECTED
    ]
    if SubmitResultKind.NEW in accepted:
        return 201
    if any(result.kind is SubmitResultKind.CONFLICT for result in results):
        return 409
    return 200 if accepted else 400


def _headers(request: Request, page: OrderPage) -> dict[str, str]:
    headers = {"ETag": write_revision(page.order)}
    if page.next is not None:
        headers["Link"] = _next_link(request, write_place(page.next))
    return headers


def _events_wanted(since: int | None, before: int | None, *, latest: bool) -> EventRange:
    if since is not None and (before is not None or latest):
        raise InvalidRequest("expected since, or before or latest, not both", field="since")
    if before is not None and latest:
        raise InvalidRequest("expected before or latest, not both", field="before")
    return EventRange(since=since or 0, before=before, latest=latest or before is not None)


def _events_written(events: Sequence[RecordedEvent]) -> bytes:
    return written([present.order_event(event) for event in events])


def _one(order: Order) -> Response:
    return reply(present.order(order), headers={"ETag": write_revision(order)})


def _statuses(text: str | None) -> frozenset[OrderStatus] | None:
    if text is None:
        return None
    known = {**_GROUPS, **_STATES}
    if text.lower() not in known:
        raise InvalidRequest(f"expected one of {', '.join(known)}, got {text!r}", field="status")
    return known[text.lower()]


def _next_link(request: Request, cursor: str) -> str:
    """Relative to the address asked for (RFC 8288), so it is right behind any proxy."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    page = request.url.path.rpartition("/")[2]
    page = f"./{page}" if ":" in page else page  # else it would read as a scheme
    return f'<{page}?{urlencode([*kept, ("after", cursor)])}>; rel="next"'
