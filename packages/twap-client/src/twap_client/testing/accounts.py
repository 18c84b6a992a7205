"""Keep the scripted server's accounts: passwords, sign-ins, and API keys with their scopes."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

from twap_client.testing.examples import NOON, moment, server_info
from twap_client.testing.replies import given, listed, problem
from twap_client.testing.sockets import Reply, Request
from twap_models import ApiKey, Invite, NewApiKey, NewInvite, Scope, SignInMethods
from twap_models.accounts import ApiKeyRequest, InviteRequest, PasswordChange, normal_password

Route: TypeAlias = Callable[..., Reply]

_ACCOUNT = "/auth/"
_MADE = "2026-01-01T12:00:00Z"


class ScriptedAccounts:
    """Who may sign in, and what with."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.admins: set[str] = set()
        self.info = server_info()
        self.invites: dict[str, Invite] = {}
        self.api_keys: dict[str, ApiKey] = {}
        self.token_lifetime_s = 900
        self.refreshes = 0
        self._access: dict[str, str] = {}
        self._refresh: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._issued = 0
        self._invited = 0

    def add_account(self, username: str, password: str, *, admin: bool = False) -> None:
        """Let a user sign in, and an administrator invite others."""
        self.accounts[username] = normal_password(password)
        if admin:
            self.admins.add(username)

    def revoke(self, *, refresh: bool = False) -> None:
        """Forget every access token, and with ``refresh`` the refresh tokens too."""
        self._access.clear()
        if refresh:
            self._refresh.clear()

    def _user(self, token: str) -> str | None:
        return self._owners[token] if token in self.api_keys else self._access.get(token)

    def _cannot_read(self, token: str) -> bool:
        return token in self.api_keys and Scope.READ not in self.api_keys[token].scopes

    def _refused(self, request: Request) -> Reply | None:
        """What a caller is told who may not do this; None where they may."""
        if _token(request) in self._access:
            return None
        secret = request.headers.get("x-api-key")
        known = self.api_keys.get(secret or "")
        if secret is None or (known is None and secret in self._owners):
            return problem(401, "not_authenticated", "sign in first")
        if request.path.startswith(_ACCOUNT) and request.path not in ("/auth/me", "/auth/logout"):
            return problem(403, "not_permitted", "an API key cannot manage API keys: sign in")
        needed = _needed(request)
        if known is not None and needed not in known.scopes:
            return problem(403, "not_permitted", f"this API key lacks the scope {needed}")
        return None

    def _account_routes(self) -> Sequence[tuple[str, str, bool, Route]]:
        return (
            ("GET", "/auth/methods", False, self._methods),
            ("POST", "/auth/register", False, self._register),
            ("POST", "/auth/invites", True, self._invite),
            ("GET", "/auth/invites", True, self._list_invites),
            ("DELETE", "/auth/invites/([^/]+)", True, self._withdraw),
            ("POST", "/auth/token", False, self._login),
            ("POST", "/auth/refresh", False, self._exchange),
            ("POST", "/auth/logout", True, self._logout),
            ("DELETE", "/auth/sessions", True, self._end_sessions),
            ("POST", "/auth/password", True, self._change_password),
            ("GET", "/auth/me", True, self._me),
            ("POST", "/auth/keys", True, self._make_key),
            ("GET", "/auth/keys", True, lambda request: listed(list(self._keys_of(request).values()))),
            ("DELETE", "/auth/keys", True, self._end_keys),
            ("DELETE", "/auth/keys/([^/]+)", True, self._end_key),
        )

    def _methods(self, _: Request) -> Reply:
        return given(SignInMethods(registration=self.info.registration, oidc=self.info.oidc))

    def _register(self, request: Request) -> Reply:
        name, code = request.json["username"], request.json.get("invite")
        if self.info.registration == "closed":
            return problem(403, "not_permitted", "registration is closed")
        if self.info.registration == "invite" and code not in self.invites:
            return problem(403, "not_permitted", "registration needs an invite that counts")
        if name in self.accounts:
            return problem(409, "username_taken", f"the name {name!r} is taken")
        self.invites.pop(code, None)
        self.add_account(name, request.json["password"])
        return Reply(status=201, body={"username": name, "created": _MADE})

    def _login(self, request: Request) -> Reply:
        name = request.form.get("username", "")
        if self.accounts.get(name) != normal_password(request.form.get("password", "")):
            return problem(401, "not_authenticated", "wrong name or password")
        return self._tokens(name)

    def _exchange(self, request: Request) -> Reply:
        self.refreshes += 1
        name = self._refresh.pop(request.form.get("refresh_token", ""), None)
        return self._tokens(name) if name else problem(401, "not_authenticated", "the sign-in has ended")

    def _tokens(self, name: str) -> Reply:
        self._issued += 1
        access, refresh = f"access-{self._issued}", f"refresh-{self._issued}"
        self._access[access] = self._refresh[refresh] = name
        body = {"access_token": access, "refresh_token": refresh, "token_type": "bearer"}
        return Reply(body=body | {"expires_in": self.token_lifetime_s})

    def _logout(self, request: Request) -> Reply:
        self._refresh.pop(request.json["refresh_token"], None)
        return Reply(status=204)

    def _end_sessions(self, request: Request) -> Reply:
        if request.query.get("keys") == "true":
            self._end_keys(request)
        name = self._access[_token(request)]
        for tokens in (self._access, self._refresh):
            for token in [token for token, whose in tokens.items() if whose == name]:
                del tokens[token]
        return Reply(status=204)

    def _change_password(self, request: Request) -> Reply:
        change = PasswordChange.model_validate(request.json)
        name = self._access[_token(request)]
        if self.accounts[name] != normal_password(change.current_password.get_secret_value()):
            return problem(422, "invalid_request", "current_password: is not your password")
        self.add_account(name, change.new_password.get_secret_value())
        if change.end_keys:
            self._end_keys(request)
        return self._end_sessions(request)

    def _me(self, request: Request) -> Reply:
        secret = request.headers.get("x-api-key", "")
        name = self._access.get(_token(request)) or self._owners.get(secret, "key")
        return Reply(body={"username": name, "created": _MADE, "is_admin": name in self.admins})

    def _invite(self, request: Request) -> Reply:
        refused = self._as_admin(request)
        if refused is not None:
            return refused
        wanted = InviteRequest.model_validate(request.json)
        self._invited += 1
        made = NewInvite(
            invite_id=f"invite-{self._invited}",
            note=wanted.note,
            created=NOON,
            expires=NOON + timedelta(days=wanted.days),
            invite=f"twapinvite_{self._invited}",
        )
        self.invites[made.invite] = Invite.model_validate(made.model_dump())
        return Reply(status=201, body=made.to_wire())

    def _list_invites(self, request: Request) -> Reply:
        return self._as_admin(request) or listed(list(self.invites.values()))

    def _withdraw(self, request: Request, invite_id: str) -> Reply:
        refused = self._as_admin(request)
        if refused is not None:
            return refused
        for code, invite in self.invites.items():
            if invite.invite_id == invite_id:
                del self.invites[code]
                return Reply(status=204)
        return problem(404, "not_found", "no such invite waits to be used")

    def _as_admin(self, request: Request) -> Reply | None:
        """What somebody is told who is no administrator."""
        if self._access.get(_token(request)) in self.admins:
            return None
        return problem(403, "not_permitted", "only administrators may do this")

    def _make_key(self, request: Request) -> Reply:
        wanted = ApiKeyRequest.model_validate(request.json)
        number = len(self._owners) + 1
        made = NewApiKey(
            key_id=f"key-{number}",
            name=wanted.name,
            created=NOON,
            scopes=wanted.scopes,
            expires=moment(wanted.expires),
            key=f"twap_{number}",
        )
        self._owners[made.key] = self._access[_token(request)]
        self.api_keys[made.key] = ApiKey.model_validate(made.model_dump())
        return Reply(status=201, body=made.to_wire())

    def _keys_of(self, request: Request) -> dict[str, ApiKey]:
        name = self._access[_token(request)]
        return {secret: key for secret, key in self.api_keys.items() if self._owners.get(secret) == name}

    def _end_keys(self, request: Request) -> Reply:
        for secret in self._keys_of(request):
            del self.api_keys[secret]
        return Reply(status=204)

    def _end_key(self, request: Request, key_id: str) -> Reply:
        for secret, key in self._keys_of(request).items():
            if key.key_id == key_id:
                del self.api_keys[secret]
                return Reply(status=204)
        return problem(404, "not_found", "you have no such API key")


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _needed(request: Request) -> Scope:
    looks = request.method == "GET" or request.path.endswith("/preview")
    return Scope.READ if looks else Scope.TRADE
