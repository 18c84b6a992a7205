"""Serve accounts: register, sign in (OAuth2 password form), refresh, change the password, log out."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import TypeAdapter

from twap_models.accounts import (
    AccessToken,
    Account,
    Credentials,
    PasswordChange,
    RefreshRequest,
)
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, checked, read_json, reply
from twap_server.api.routers.dependencies import (
    BearerDep,
    ReaderDep,
    ServicesDep,
    SignedInDep,
    address_of,
    identify,
    limited,
)
from twap_server.domain.accounts import UserRecord
from twap_server.domain.clock import to_datetime
from twap_server.domain.errors import InvalidRequest

router = APIRouter(prefix="/auth", tags=["accounts"], route_class=ExactRoute)

_REFRESH = TypeAdapter(RefreshRequest)

_MAX_SECRET = 4_096


_REFRESH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["refresh_token"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["refresh_token"]},
                        "refresh_token": {"type": "string"},
                    },
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["refresh_token"],
                    "properties": {"refresh_token": {"type": "string"}},
                }
            },
        },
    }
}
_LOGOUT_BODY = {
    "requestBody": {**_REFRESH_BODY["requestBody"], "required": False},
    "security": [{}],  # beside the access token: the refresh token alone will do
}


@router.post(
    "/register",
    status_code=201,
    response_model=Account,
    responses=problems(400, 403, 409, 422, 429, 503),
    dependencies=[limited(lambda services: services.reads)],
)
async def register(request: Request, services: ServicesDep, credentials: Credentials) -> Response:
    """Make an account, where registration is open or an invite counts."""
    user = await services.auth.registration.register(
        credentials.username,
        credentials.password.get_secret_value(),
        address=address_of(request),
        invite=credentials.invite,
    )
    return reply(_account(user), 201)


@router.post("/token", response_model=AccessToken, responses=problems(401, 422, 429, 503))
async def sign_in(
    *,
    request: Request,
    services: ServicesDep,
    grant_type: Annotated[str, Form(pattern="^(password|refresh_token)$")] = "password",
    username: Annotated[str, Form(max_length=_MAX_SECRET)] = "",
    password: Annotated[str, Form(max_length=_MAX_SECRET, json_schema_extra={"format": "password"})] = "",
    refresh_token: Annotated[str, Form(max_length=_MAX_SECRET)] = "",
) -> Response:
    """Trade a user name and a password for an access token (15 minutes) and a refresh token (30 days)."""
    if grant_type == "refresh_token":
        return reply(await services.auth.sign_in.refresh(refresh_token))
    for field, value in (("username", username), ("password", password)):
        if not value:
            raise InvalidRequest("is missing", field=field)
    return reply(await services.auth.sign_in.with_password(username, password, address=address_of(request)))


@router.post(
    "/refresh",
    response_model=AccessToken,
    responses=problems(400, 401, 422, 503),
    openapi_extra=_REFRESH_BODY,
)
async def refresh(request: Request, services: ServicesDep) -> Response:
    """Trade a refresh token for its successor; each counts once."""
    return reply(await services.auth.sign_in.refresh(await _refresh_token(request)))


@router.post("/logout", status_code=204, responses=problems(400, 401, 422), openapi_extra=_LOGOUT_BODY)
async def log_out(request: Request, services: ServicesDep, bearer: BearerDep) -> Response:
    """End a sign-in, named by its refresh token or by its access token: both stop counting at once."""
    if await request.body():
        await services.auth.sign_in.log_out_with(await _refresh_token(request))
    else:
        await services.auth.sign_in.log_out(await identify(request, services, bearer))
    return Response(status_code=204)


@router.delete("/sessions", status_code=204, responses=problems(401, 403, 422, 503))
async def log_out_everywhere(
    services: ServicesDep,
    caller: SignedInDep,
    keys: Annotated[bool, Query(description="Let all of your API keys count no more, too.")] = False,
) -> Response:
    """End all of your sign-ins, this one too: tokens and streams stop counting at once."""
    await services.auth.sign_in.log_out_everywhere(caller, keys=keys)
    return Response(status_code=204)


@router.post("/password", status_code=204, responses=problems(400, 401, 403, 422, 429, 503))
async def change_password(
    request: Request, services: ServicesDep, caller: SignedInDep, change: PasswordChange
) -> Response:
    """Change your password and end all of your sign-ins, this one too; API keys stay unless you say so."""
    await services.auth.sign_in.change_password(
        caller,
        change.current_password.get_secret_value(),
        change.new_password.get_secret_value(),
        keys=change.end_keys,
        address=address_of(request),
    )
    return Response(status_code=204)


@router.get("/me", response_model=Account, responses=problems(401, 403))
async def who_am_i(services: ServicesDep, caller: ReaderDep) -> Response:
    """Who is signed in."""
    user = await services.auth.sign_in.account(caller)
    return reply(_account(user))


async def _refresh_token(request: Request) -> str:
    if request.headers.get("content-type", "").startswith("application/json"):
        content = read_json(await request.body())
    else:
        form = await request.form(max_files=0, max_fields=10)
        content = {"refresh_token": form.get("refresh_token", "")}
    return checked(_REFRESH, content).refresh_token


def _account(user: UserRecord) -> Account:
    return Account(username=user.username, created=to_datetime(user.created), is_admin=user.is_admin)
