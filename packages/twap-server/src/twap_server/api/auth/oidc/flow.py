"""Take a sign-in from the program to the provider in the browser, and back with a code of our own.

The program (``twap login --oidc``) listens on its loopback and knows a secret whose challenge it sends first.
The code that comes back to it counts once, for two minutes, and only with that secret.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from twap_models.accounts import AccessToken
from twap_server.api.auth.accounts_port import Identities
from twap_server.api.auth.oidc.admission import admit, is_subject, username_of
from twap_server.api.auth.oidc.attempts import Attempt, Grant, LocalOnce, Once, OnceSecrets, SharedOnce
from twap_server.api.auth.oidc.provider import IdentityRefused, Provider
from twap_server.api.auth.registration import Registration
from twap_server.api.auth.sign_in import SignIn
from twap_server.api.config import OidcConfig
from twap_server.domain.clock import Clock
from twap_server.domain.errors import NotPermitted, StoreConflict, TwapError, UsernameTaken

_ATTEMPT_S, _GRANT_S, _MOST = 600, 120, 10_000
BEGIN_AGAIN = "this sign-in was not begun here, is over, or was used: begin again"
WRONG_CODE = "the code is not valid: it was used, is older than two minutes, or belongs to another program"


class OidcSignIn:
    """Signs in who the provider vouches for."""

    def __init__(
        self,
        *,
        config: OidcConfig,
        identities: Identities,
        sign_in: SignIn,
        registration: Registration,
        clock: Clock,
        new_id: Callable[[], str],
        shared: OnceSecrets | None = None,
    ) -> None:
        """Args: new_id names users, each once for ever; shared, what all gateways remember sign-ins by."""
        self._config = config
        self._identities = identities
        self._sign_in = sign_in
        self._registration = registration
        self._clock = clock
        self._new_id = new_id
        self._provider = Provider(config, clock)
        self._attempts: Once[Attempt]
        self._grants: Once[Grant]
        if shared is None:
            self._attempts = LocalOnce(clock, life_s=_ATTEMPT_S, most=_MOST)
            self._grants = LocalOnce(clock, life_s=_GRANT_S, most=_MOST)
        else:
            self._attempts = SharedOnce(Attempt, shared, life_s=_ATTEMPT_S)
            self._grants = SharedOnce(Grant, shared, life_s=_GRANT_S)

    def callback_at(self, base: str) -> str:
        """Where browsers come back to: as the settings say, else below the address that was asked for."""
        return self._config.callback_url or f"{base}auth/oidc/callback"

    async def start(
        self, *, challenge: str, redirect: str, state: str, callback: str
    ) -> tuple[str, str, str]:
        """Begin; gives the provider's address, our state in it, and the cookie for the browser.

        Raises:
            ProviderUnavailable: its addresses are not known.
        """
        metadata = await self._provider.metadata()
        attempt = Attempt(
            cookie=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            callback=callback,
            challenge=challenge,
            redirect=redirect,
            state=state,
        )
        ours = await self._attempts.put(attempt)
        address: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._config.client_id,
            "code",
            redirect_uri=attempt.callback,
            scope=self._config.scopes,
            state=ours,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return address, ours, attempt.cookie

    async def come_back(
        self, state: str, cookie: str, *, code: str, error: str, issuer: str, address: str
    ) -> tuple[str, str]:
        """Take a browser back from the provider: an address to send it to, or a code to show it.

        What goes wrong once it is known who began is told there, where a program waits for it.

        Args:
            state: ours, as the provider gave it back.
            cookie: the browser's, of that state.
            code: the provider's.
            error: its word, if it refused.
            issuer: who the answer says it is of; empty where it does not say.
            address: of the browser; accounts are counted by it.

        Raises:
            IdentityRefused: this browser did not begin, or too long ago.
            TwapError: what went wrong, where nobody waits.
        """
        attempt = await self._attempts.take(state)
        if attempt is None or not hmac.compare_digest(attempt.cookie.encode(), cookie.encode()):
            raise IdentityRefused(BEGIN_AGAIN)
        try:
            made = await self._finish(attempt, code, error=error, issuer=issuer, address=address)
        except TwapError as failed:
            if not attempt.redirect:
                raise
            return _back_to(attempt, error=failed.code.value, error_description=str(failed)[:500]), ""
        return (_back_to(attempt, code=made), "") if attempt.redirect else ("", made)

    async def _finish(self, attempt: Attempt, code: str, *, error: str, issuer: str, address: str) -> str:
        if error or not code:
            said = error if re.fullmatch(r"[a-z_]{1,64}", error) else "an error"
            raise IdentityRefused(f"the OpenID provider answered {said}: nobody was signed in")
        if issuer and issuer != self._config.issuer:
            raise IdentityRefused("the answer comes from another OpenID provider: begin again")
        claims = await self._provider.redeem(
            code, verifier=attempt.verifier, nonce=attempt.nonce, callback=attempt.callback
        )
        user_id = await self._account(claims, address)
        return await self._grants.put(Grant(user_id=user_id, challenge=attempt.challenge))

    async def redeem(self, code: str, verifier: str) -> AccessToken:
        """Trade the program's code and its secret for tokens; the code counts no more, whatever comes of it.

        Raises:
            NotAuthenticated: it is not valid, or the secret is another.
        """
        grant = await self._grants.take(code)
        made: str = create_s256_code_challenge(verifier)
        if grant is None or not hmac.compare_digest(grant.challenge.encode(), made.encode()):
            raise IdentityRefused(WRONG_CODE)
        return await self._sign_in.begin_for(grant.user_id)

    async def _account(self, claims: Mapping[str, Any], address: str) -> str:
        subject = claims["sub"]
        if not is_subject(subject):
            raise IdentityRefused("the ID token of the OpenID provider names nobody")
        admit(claims, self._config)
        found = await self._identities.find_identity(self._config.issuer, subject)
        if found is not None:
            return found
        if not self._config.create_accounts:
            raise NotPermitted(f"you have no account here: {_how_to_link('NAME', subject)}")
        name = username_of(claims, self._config)
        async with self._registration.counted(address):
            return await self._made(name, subject)

    async def _made(self, name: str, subject: str) -> str:
        user_id, issuer = self._new_id(), self._config.issuer
        try:
            await self._identities.create_identity_user(
                user_id, name, self._clock.now(), issuer=issuer, subject=subject
            )
        except StoreConflict:
            raced = await self._identities.find_identity(issuer, subject)
            if raced is not None:
                return raced
            raise UsernameTaken(
                f"an account {name} is here already, and nothing proves that it is yours: sign in to it with "
                f"its password; {_how_to_link(name, subject)}"
            ) from None
        return user_id


def _back_to(attempt: Attempt, **answer: str) -> str:
    """Where the program listens, with an answer; its loopback, as was checked when it began."""
    return f"{attempt.redirect}?{urlencode(answer | {'state': attempt.state})}"


def _how_to_link(name: str, subject: str) -> str:
    return f"or ask whoever runs this server for `twap-server user link {name} {subject}`"
