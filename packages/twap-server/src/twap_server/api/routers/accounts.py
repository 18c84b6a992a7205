"""Accounts: register, sign in (OAuth2 password form), refresh, log out, API keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import Field, TypeAdapter

from twap_models.accounts import (
    AccessToken,
    Account,
    Credentials,
    GivenPassword,
    Password,
    RefreshRequest,
)
from twap_models.base import RequestModel, ResponseModel
from twap_models.enums import ErrorCode
from twap_models.fields import UtcDatetime
from twap_server.api.accounts_port import KeyRecord
from twap_server.api.dependencies import (
    BearerDep,
    CallerDep,
    ServicesDep,
    SignedInDep,
    address_of,
    identify,
)
from twap_server.api.documented import problems
from twap_server.api.exact import ExactRoute, checked, read_json, reply
from twap_server.domain.clock import to_datetime
from twap_server.domain.errors import InvalidRequest, RequestError

router = APIRouter(prefix="/auth", tags=["accounts"], route_class=ExactRoute)

_REFRESH = TypeAdapter(RefreshRequest)

_MAX_SECRET = 4_096


class PasswordChange(RequestModel):
    """The password there is, and the one that replaces it."""

    current_password: GivenPassword
    new_password: Password


class KeyName(RequestModel):
    """What a new API key is called."""

    name: str = Field(default="", max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["my bot"])


class ApiKey(ResponseModel):
    """An API key in lists."""

    key_id: str
    name: str
    created: UtcDatetime


class NewApiKey(ApiKey):
    """An API key just made."""

    key: str = Field(description="Shown this once. Send it as X-API-Key.")


class KeyNotFound(RequestError):
    """The user has no such key."""

    code = ErrorCode.NOT_FOUND


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
_LOGOUT_BODY = {"requestBody": {**_REFRESH_BODY["requestBody"], "required": False}}


@router.post("/register", status_code=201, response_model=Account, responses=problems(400, 409, 422, 503))
async def register(request: Request, services: ServicesDep, credentials: Credentials) -> Response:
    """Make an account."""
    user = await services.sign_in.register(
        credentials.username, credentials.password.get_secret_value(), address=address_of(request)
    )
    return reply(Account(username=user.username, created=to_datetime(user.created)), 201)


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
        return reply(await services.sign_in.refresh(refresh_token))
    for field, value in (("username", username), ("password", password)):
        if not value:
            raise InvalidRequest("is missing", field=field)
    return reply(await services.sign_in.with_password(username, password, address=address_of(request)))


@router.post(
    "/refresh",
    response_model=AccessToken,
    responses=problems(400, 401, 422, 503),
    openapi_extra=_REFRESH_BODY,
)
async def refresh(request: Request, services: ServicesDep) -> Response:
    """Trade a refresh token for its successor; each counts once."""
    return reply(await services.sign_in.refresh(await _refresh_token(request)))


@router.post("/logout", status_code=204, responses=problems(400, 401, 422), openapi_extra=_LOGOUT_BODY)
async def log_out(request: Request, services: ServicesDep, bearer: BearerDep) -> Response:
    """End a sign-in, named by its refresh token or by its access token: both stop counting at once."""
    if await request.body():
        await services.sign_in.log_out_with(await _refresh_token(request))
    else:
        await services.sign_in.log_out(await identify(services, bearer))
    return Response(status_code=204)


@router.delete("/sessions", status_code=204, responses=problems(401, 403, 503))
async def log_out_everywhere(services: ServicesDep, caller: SignedInDep) -> Response:
    """End all of your sign-ins, this one too: tokens and streams stop counting at once. API keys stay."""
    await services.sign_in.log_out_everywhere(caller)
    return Response(status_code=204)


@router.post("/password", status_code=204, responses=problems(400, 401, 403, 422, 429, 503))
async def change_password(
    request: Request, services: ServicesDep, caller: SignedInDep, change: PasswordChange
) -> Response:
    """Change your password and end all of your sign-ins, this one too. API keys stay."""
    await services.sign_in.change_password(
        caller,
        change.current_password.get_secret_value(),
        change.new_password.get_secret_value(),
        address=address_of(request),
    )
    return Response(status_code=204)


@router.get("/me", response_model=Account, responses=problems(401))
async def who_am_i(services: ServicesDep, caller: CallerDep) -> Response:
    """Who is signed in."""
    user = await services.sign_in.account(caller)
    return reply(Account(username=user.username, created=to_datetime(user.created)))


@router.post(
    "/keys", status_code=201, response_model=NewApiKey, responses=problems(400, 401, 403, 409, 422, 503)
)
async def make_key(services: ServicesDep, caller: SignedInDep, wanted: KeyName) -> Response:
    """Make an API key. It is shown this once."""
    record, secret = await services.keys.add(caller, wanted.name)
    return reply(NewApiKey(**_key_fields(record), key=secret), 201)


@router.get("/keys", response_model=list[ApiKey], responses=problems(401, 403, 503))
async def list_keys(services: ServicesDep, caller: SignedInDep) -> Response:
    """Your API keys, oldest first."""
    return reply([ApiKey(**_key_fields(record)) for record in await services.keys.list(caller)])


@router.delete("/keys", status_code=204, responses=problems(401, 403, 503))
async def delete_keys(services: ServicesDep, caller: SignedInDep) -> Response:
    """Let all of your API keys count no more."""
    await services.keys.end_all(caller)
    return Response(status_code=204)


@router.delete("/keys/{key_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def delete_key(
    services: ServicesDep,
    caller: SignedInDep,
    key_id: Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9-]+$")],
) -> Response:
    """Let an API key count no more."""
    if not await services.keys.end(caller, key_id):
        raise KeyNotFound("you have no such API key")
    return Response(status_code=204)


async def _refresh_token(request: Request) -> str:
    if request.headers.get("content-type", "").startswith("application/json"):
        content = read_json(await request.body())
    else:
        form = await request.form(max_files=0, max_fields=10)
        content = {"refresh_token": form.get("refresh_token", "")}
    return checked(_REFRESH, content).refresh_token


def _key_fields(record: KeyRecord) -> dict[str, Any]:
    return {"key_id": record.key_id, "name": record.name, "created": to_datetime(record.created)}
