"""Tell how one can register here, and serve administrators' invites."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from twap_models.accounts import Invite, InviteRequest, NewInvite, SignInMethods
from twap_models.enums import ErrorCode
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, reply
from twap_server.api.routers.dependencies import AdminDep, ServicesDep, limited
from twap_server.domain.accounts import InviteRecord
from twap_server.domain.clock import to_datetime
from twap_server.domain.errors import RequestError

router = APIRouter(prefix="/auth", tags=["accounts"], route_class=ExactRoute)


class InviteNotFound(RequestError):
    """No such invite waits to be used."""

    code = ErrorCode.NOT_FOUND


@router.get(
    "/methods",
    response_model=SignInMethods,
    responses=problems(429),
    dependencies=[limited(lambda services: services.reads)],
)
async def methods(services: ServicesDep) -> Response:
    """Say who may register here, and what signs in beside a password."""
    return reply(
        SignInMethods(registration=services.auth.registration.mode, oidc=services.auth.oidc is not None)
    )


@router.post(
    "/invites",
    status_code=201,
    response_model=NewInvite,
    responses=problems(400, 401, 403, 409, 422, 503),
)
async def make_invite(services: ServicesDep, _admin: AdminDep, wanted: InviteRequest) -> Response:
    """Make an invite, as an administrator. Its code is shown this once, and makes one account."""
    record, code = await services.auth.registration.invite(days=wanted.days, note=wanted.note)
    return reply(NewInvite(**_fields(record), invite=code), 201)


@router.get("/invites", response_model=list[Invite], responses=problems(401, 403, 503))
async def list_invites(services: ServicesDep, _admin: AdminDep) -> Response:
    """The invites that can be used, oldest first, as an administrator."""
    return reply([Invite(**_fields(record)) for record in await services.auth.registration.invites()])


@router.delete("/invites/{invite_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def withdraw_invite(
    services: ServicesDep,
    _admin: AdminDep,
    invite_id: Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9-]+$")],
) -> Response:
    """Let an invite that nobody has used count no more, as an administrator."""
    if not await services.auth.registration.withdraw(invite_id):
        raise InviteNotFound("no such invite waits to be used: GET /auth/invites lists them")
    return Response(status_code=204)


def _fields(record: InviteRecord) -> dict[str, Any]:
    return {
        "invite_id": record.invite_id,
        "note": record.note,
        "created": to_datetime(record.created),
        "expires": to_datetime(record.expires),
    }
