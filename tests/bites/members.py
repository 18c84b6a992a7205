"""The guards of F150–F156: who may make an account, and how somebody is signed in elsewhere."""

from bites.case import Bite

REGISTRATION = "server/api/auth/test_registration.py::"
INVITES = "server/store/test_invites.py::"
BESIDE = "server/store/test_beside.py::"
OIDC = "server/api/auth/oidc/test_flow.py::"

MEMBERS_BITES = (
    Bite(
        fault="F150",
        guard="accounts of one address are counted before their passwords are hashed",
        file="api/auth/registration.py",
        line="        if not await self._of_address.hit(site):\n",
        instead="        if self._of_address.wait(site):\n",
        tests=(REGISTRATION + "test_an_address_makes_so_many_accounts_a_day",),
    ),
    Bite(
        fault="F150",
        guard="an address asks for so many accounts a minute",
        file="api/routers/accounts.py",
        line="    dependencies=[limited(lambda services: services.reads)],\n",
        instead="",
        tests=(REGISTRATION + "test_an_address_asks_for_so_many_accounts_a_minute_made_or_not",),
    ),
    Bite(
        fault="F150",
        guard="a closed server takes no account",
        file="api/auth/registration.py",
        line="            case _:\n                raise NotPermitted(CLOSED)\n",
        instead="            case _:\n                return None\n",
        tests=(REGISTRATION + "test_closed_is_closed_whatever_is_sent",),
    ),
    Bite(
        fault="F151",
        guard="an invite makes one account: one conditional write decides",
        file="store/invites.py",
        line="    if used.rowcount != 1:\n        raise InviteRefused\n",
        instead="",
        tests=(INVITES + "test_of_many_with_one_invite_one_is_made_in_whatever_process",),
    ),
    Bite(
        fault="F151",
        guard="only administrators invite",
        file="api/routers/dependencies.py",
        line="    if not (await services.auth.sign_in.account(caller)).is_admin:\n",
        instead="    if False:\n",
        tests=(REGISTRATION + "test_only_an_administrator_who_signed_in_invites",),
    ),
    Bite(
        fault="F152",
        guard="streams end when another process ended their sign-in",
        file="api/ended_elsewhere.py",
        line="        sessions.end_grants(await users.ended_of(grants[first : first + _AT_ONCE]))\n",
        instead="        await users.ended_of(grants[first : first + _AT_ONCE])\n",
        tests=(REGISTRATION + "test_a_stream_ends_when_another_process_ended_its_sign_in",),
    ),
    Bite(
        fault="F152",
        guard="a sign-in is recorded before or after a change of the password, never beside it",
        file="store/sign_ins.py",
        line="            await connection.execute(owner)\n",
        instead="",
        tests=(BESIDE + "test_no_sign_in_with_the_old_password_outlives_its_change",),
    ),
    Bite(
        fault="F152",
        guard="an account without a password is opened by none",
        file="api/auth/sign_in.py",
        line="known = (user.password_hash if user else None) or None",
        instead="known = user.password_hash if user else None",
        tests=(REGISTRATION + "test_an_account_without_a_password_has_none",),
    ),
    Bite(
        fault="F153",
        guard="an ID token is of the provider of the settings",
        file="api/auth/oidc/provider.py",
        line='            "iss": {"essential": True, "value": self._config.issuer},\n',
        instead="",
        tests=(OIDC + "test_an_id_token_that_proves_nothing",),
    ),
    Bite(
        fault="F153",
        guard="an ID token is of this sign-in",
        file="api/auth/oidc/provider.py",
        line='            "nonce": {"essential": True, "value": nonce},\n        }\n'
        '        params = {"nonce": nonce, ',
        instead="        }\n        params = {",
        tests=(OIDC + "test_an_id_token_that_proves_nothing",),
    ),
    Bite(
        fault="F153",
        guard="an account of another is not given away by its name",
        file="api/auth/oidc/flow.py",
        line="            if raced is not None:\n                return raced\n",
        instead="            if (user := await self._registration._users.find_user(name)) is not None:\n"
        "                return user.user_id\n",
        tests=(OIDC + "test_an_account_that_is_somebody_elses_is_not_given_away",),
    ),
    Bite(
        fault="F154",
        guard="a callback is of the browser that began",
        file="api/auth/oidc/flow.py",
        line="if attempt is None or not hmac.compare_digest(attempt.cookie.encode(), cookie.encode()):",
        instead="if attempt is None:",
        tests=(OIDC + "test_a_callback_counts_once_soon_and_in_the_browser_that_began",),
    ),
    Bite(
        fault="F154",
        guard="a code is of the program that began",
        file="api/auth/oidc/flow.py",
        line="if grant is None or not hmac.compare_digest(grant.challenge.encode(), made.encode()):",
        instead="if grant is None:",
        tests=(OIDC + "test_a_code_counts_once_for_two_minutes_and_for_its_program_alone",),
    ),
    Bite(
        fault="F154",
        guard="nothing but the loopback is sent a code",
        file="api/routers/oidc.py",
        line="    _check_loopback(redirect_uri)\n",
        instead="",
        tests=(OIDC + "test_nothing_but_the_loopback_is_sent_a_code",),
    ),
    Bite(
        fault="F154",
        guard="a link on a page begins no sign-in",
        file="api/routers/oidc.py",
        line="    _check_begun_here(request)\n",
        instead="",
        tests=(OIDC + "test_a_link_on_a_page_begins_no_sign_in",),
    ),
    Bite(
        fault="F155",
        guard="an answer of the provider has a bound",
        file="api/auth/oidc/outbound.py",
        line="        if len(body) > _MOST_BYTES:\n",
        instead="        if len(body) < 0:\n",
        tests=(OIDC + "test_an_answer_without_end_is_cut_off",),
    ),
    Bite(
        fault="F156",
        guard="an untrusted caller does not choose the address that is counted",
        file="api/http/behind_proxy.py",
        line="ProxyHeadersMiddleware(app, [str(one) for one in trusted])",
        instead='ProxyHeadersMiddleware(app, "*")',
        tests=(REGISTRATION + "test_an_address_is_a_network_of_ipv6_and_what_a_trusted_proxy_says",),
    ),
)
