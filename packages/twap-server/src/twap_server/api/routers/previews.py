"""Serve previews: what would happen to a TWAP order if it were submitted. Nothing is stored."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import Discriminator, Field, Tag

from twap_models.fields import Supply
from twap_models.orders import StrategyOrderRequest, TwapOrderRequest
from twap_models.preview import OrderPreview
from twap_server.api.auth.access import Caller
from twap_server.api.book_quota import Reader
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, written
from twap_server.api.http.one_or_list import LIST, ONE, how_many
from twap_server.api.routers.dependencies import ReaderDep, ServicesDep
from twap_server.api.routers.on_demand_books import books_held
from twap_server.api.services import Services
from twap_server.api.wire.examples import ORDER_EXAMPLES, STRATEGY_EXAMPLES
from twap_server.api.wire.present_preview import order_preview, shown_slices
from twap_server.api.wire.requests import to_requests
from twap_server.domain.errors import ExchangeUnavailable, UnknownExchange, UnknownSymbol
from twap_server.domain.market.instrument import InstrumentId
from twap_server.engine.entry.preview import Preview

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ExactRoute)

MOST_ORDERS = 100
MOST_BOOKS = 50
"""Books one preview asks for; the orders beyond are priced only if theirs is watched anyway."""


TwapProposal = Annotated[
    Annotated[TwapOrderRequest, Tag(ONE)]
    | Annotated[list[TwapOrderRequest], Field(min_length=1, max_length=MOST_ORDERS), Tag(LIST)],
    Discriminator(how_many),
]
Proposal = Annotated[
    Annotated[StrategyOrderRequest, Tag(ONE)]
    | Annotated[list[StrategyOrderRequest], Field(min_length=1, max_length=MOST_ORDERS), Tag(LIST)],
    Discriminator(how_many),
]


@router.post(
    "/twap/preview", response_model=list[OrderPreview], responses=problems(400, 401, 403, 413, 422, 503)
)
async def preview_twap_orders(
    services: ServicesDep,
    caller: ReaderDep,
    body: Annotated[TwapProposal, Body(openapi_examples=ORDER_EXAMPLES)],
) -> Response:
    """Say what would become of one order or a list of up to 100, as `POST /orders/twap` takes them.

    Plan and first slices, warnings, every rule it breaks, expected cost against the book of this moment
    (waited for up to 5 s where nobody watches it), and whether the exchanges' own TWAP would take it. Nothing
    is stored.
    """
    return await _previewed(services, caller, body, compare=False)


@router.post("/preview", response_model=list[OrderPreview], responses=problems(400, 401, 403, 413, 422, 503))
async def preview_orders(
    services: ServicesDep,
    caller: ReaderDep,
    body: Annotated[Proposal, Body(openapi_examples=STRATEGY_EXAMPLES)],
    compare: Annotated[bool, Query(description="Also show the other strategies.")] = False,
    supply: Annotated[
        Supply | None,
        Query(description="How much of the base currency exists, for `impact_forecast`; compares, too."),
    ] = None,
) -> Response:
    """Say what would become of one order or a list of up to 100, as `POST /orders` takes them.

    As `POST /orders/twap/preview`, with the curve of the order's strategy; with `compare` all strategies are
    shown side by side: curve, expected cost, risk. Of several orders the first five are compared.
    """
    return await _previewed(services, caller, body, compare=compare or supply is not None, supply=supply)


async def _previewed(
    services: Services,
    caller: Caller,
    body: TwapOrderRequest | Sequence[TwapOrderRequest],
    *,
    compare: bool,
    supply: Decimal | None = None,
) -> Response:
    wire = list(body) if isinstance(body, Sequence) else [body]
    async with books_held(services, Reader(caller.user_id, anonymous=False), _instruments(services, wire)):
        requests = to_requests(body, now=services.clock.now())
        found = await services.orders.preview(caller.user_id, requests, compare=compare)
    shown = await services.large.write(caller.user_id, _size_of(found), partial(_written, found, supply))
    return Response(shown, media_type="application/json")


def _instruments(services: Services, wire: Iterable[TwapOrderRequest]) -> list[InstrumentId]:
    """What the orders are about, each once; what has no such name breaks a rule and needs no book."""
    found: dict[InstrumentId, None] = {}
    for exchange, symbol in dict.fromkeys((one.exchange, one.symbol) for one in wire):
        with suppress(UnknownExchange, UnknownSymbol, ExchangeUnavailable):
            found |= dict.fromkeys(services.books.find(exchange, symbol).instruments)
    return list(found)[:MOST_BOOKS]


def _size_of(found: Sequence[Preview]) -> int:
    shown = shown_slices(len(found))
    return sum(10 + (min(shown, one.plan.slice_count) if one.plan else 0) for one in found)


def _written(found: Sequence[Preview], supply: Decimal | None) -> bytes:
    """Done in a thread: twenty thousand slices take a while to write, and others must not wait."""
    slices = shown_slices(len(found))
    return written([order_preview(made, slices=slices, supply=supply) for made in found])
