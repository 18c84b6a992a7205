"""An OpenID provider on loopback, which tells the truth unless it is told to lie."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "twap-test", "a secret of the client"
KEY = RSAKey.generate_key(2048, {"use": "sig", "kid": "k1"})
STRANGER = RSAKey.generate_key(2048, {"use": "sig", "kid": "k1"})


@dataclass
class Provider:
    """One provider, and what the next sign-in at it is like.

    Attributes:
        claims: of whoever signs in next, over what is right for the request.
        sign: writes the ID token.
        jwks: what its keys are said to be, if not what they are.
        discovery: over what is right.
        asked: paths of the requests so far.
        gate: while it is not set, nobody is answered.
    """

    now: Callable[[], int]
    url: str = ""
    subject: str = "sub-1"
    claims: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "ada"})
    sign: Callable[[dict[str, Any]], str] = field(default_factory=lambda: signed)
    jwks: Response | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    secret: str | None = SECRET
    refuses: str = ""
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    async def _discover(self, request: Request) -> Response:
        await self._note(request)
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
        }
        return JSONResponse(document | self.discovery, self.status)

    async def _authorize(self, request: Request) -> Response:
        """Everybody is who the provider says, at once."""
        asked = dict(request.query_params)
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = f"error={self.refuses}" if self.refuses else f"code={code}"
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}&state={asked['state']}", 302)

    async def _token(self, request: Request) -> Response:
        await self._note(request)
        form = dict(await request.form())
        asked = self.codes.pop(str(form["code"]), None)
        if asked is None or not self._is_proven(request, form, asked):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": self.subject,
            "nonce": asked["nonce"],
            "iat": self.now(),
            "exp": self.now() + 300,
        }
        claims = {key: value for key, value in (claims | self.claims).items() if value is not None}
        body = {"id_token": self.sign(claims), "access_token": "of no use here", "token_type": "Bearer"}
        return JSONResponse(body, self.status)

    def _is_proven(self, request: Request, form: dict[str, Any], asked: dict[str, str]) -> bool:
        made = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(made).decode().rstrip("=")
        given = request.headers.get("authorization", "")
        basic = base64.b64encode(f"{CLIENT}:{(self.secret or '').replace(' ', '%20')}".encode()).decode()
        return (
            challenge == asked["code_challenge"]
            and form["redirect_uri"] == asked["redirect_uri"]
            and (self.secret is None or given == f"Basic {basic}")
        )

    async def _keys(self, request: Request) -> Response:
        await self._note(request)
        return self.jwks or JSONResponse({"keys": [KEY.as_dict(private=False)]}, self.status)

    async def _note(self, request: Request) -> None:
        self.asked.append(request.url.path)
        await self.gate.wait()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discover),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._keys),
            ]
        )


def signed(claims: dict[str, Any], *, key: RSAKey = KEY, alg: str = "RS256") -> str:
    """An ID token as it should be, or by another key or algorithm."""
    header = {"alg": alg, "kid": "k1"}
    return jwt.encode(header, claims, key, algorithms=[alg])


@asynccontextmanager
async def provider(now: Callable[[], int]) -> AsyncIterator[Provider]:
    """Run a provider on loopback until the block ends."""
    made = Provider(now=now)
    made.gate.set()
    server = uvicorn.Server(uvicorn.Config(made.app(), port=0, lifespan="off", log_config=None))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0)
        made.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield made
        finally:
            made.gate.set()
            server.should_exit = True
            await running
