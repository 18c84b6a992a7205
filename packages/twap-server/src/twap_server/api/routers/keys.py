"""Serve API keys: create, list, revoke; needs a sign-in, an API key is not enough."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from twap_models import accounts as wire
from twap_models.enums import ErrorCode
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, reply
from twap_server.api.routers.dependencies import ServicesDep, SignedInDep
from twap_server.domain.accounts import ApiKey
from twap_server.domain.clock import Nanos, to_datetime
from twap_server.domain.errors import RequestError

router = APIRouter(prefix="/auth/keys", tags=["accounts"], route_class=ExactRoute)


class KeyNotFound(RequestError):
    """The user has no such key."""

    code = ErrorCode.NOT_FOUND


@router.post(
    "", status_code=201, response_model=wire.NewApiKey, responses=problems(400, 401, 403, 409, 422, 503)
)
async def make_key(services: ServicesDep, caller: SignedInDep, wanted: wire.ApiKeyRequest) -> Response:
    """Make an API key. It is shown this once."""
    made, secret = await services.auth.keys.add(caller, wanted)
    return reply(wire.NewApiKey(**_fields(made), key=secret), 201)


@router.get("", response_model=list[wire.ApiKey], responses=problems(401, 403, 503))
async def list_keys(services: ServicesDep, caller: SignedInDep) -> Response:
    """Your API keys, oldest first; one that has expired is listed until you make another."""
    return reply([wire.ApiKey(**_fields(key)) for key in await services.auth.keys.list(caller)])


@router.delete("", status_code=204, responses=problems(401, 403, 503))
async def delete_keys(services: ServicesDep, caller: SignedInDep) -> Response:
    """Let all of your API keys count no more."""
    await services.auth.keys.end_all(caller)
    return Response(status_code=204)


@router.delete("/{key_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def delete_key(
    services: ServicesDep,
    caller: SignedInDep,
    key_id: Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9-]+$")],
) -> Response:
    """Let an API key count no more."""
    if not await services.auth.keys.end(caller, key_id):
        raise KeyNotFound("you have no such API key: give its id, as the list of your keys shows it")
    return Response(status_code=204)


def _fields(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "created": to_datetime(key.created),
        "scopes": key.scopes,
        "expires": _moment(key.expires),
        "last_used": _moment(key.last_used),
    }


def _moment(at: Nanos | None) -> Any:
    return None if at is None else to_datetime(at)
