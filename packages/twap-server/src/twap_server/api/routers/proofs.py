"""Serve what an order's decisions can be recomputed from. Each user sees only their own."""

from functools import partial

from fastapi import APIRouter, Request, Response

from twap_models.fields import TokenId
from twap_models.proof import OrderProof
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, written
from twap_server.api.routers.dependencies import ReaderDep, ServicesDep
from twap_server.api.wire.large import Written
from twap_server.api.wire.proof import order_proof
from twap_server.domain.clock import to_span
from twap_server.domain.errors import OrderNotFound
from twap_server.domain.orders.proof import REMEMBERED_HALF_LIVES, ProofRecord
from twap_server.engine.config import EngineConfig

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ExactRoute)


@router.get("/{token_id}/proof", response_model=OrderProof, responses=problems(401, 403, 404, 422, 503))
async def get_proof(
    *, request: Request, services: ServicesDep, caller: ReaderDep, token_id: TokenId
) -> Response:
    """What somebody needs beside a recording of the market to recompute every decision of the order.

    Its terms with each market's rules, all plans, slices and fills with the moments of decisions and books,
    and what your other orders took on the same side of the same books within the memory of own impact.
    """

    async def make() -> Written:
        memory = REMEMBERED_HALF_LIVES * to_span(services.engine.impact_half_life)
        found = await services.proofs.proof(caller.user_id, token_id, memory=memory)
        if found is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        return await services.large.in_thread(partial(_written, found, services.engine))

    return await services.large.answer(caller.user_id, (caller.user_id, str(request.url)), make)


def _written(proof: ProofRecord, config: EngineConfig) -> Written:
    return Written(pieces=[written(order_proof(proof, config))])
