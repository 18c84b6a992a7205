"""The guards of F145-F148: what an API key may do, until when, and how many there are."""

from bites.case import Bite

SCOPES = "server/api/auth/test_key_scopes.py::"
KEYS = "server/api/auth/test_api_keys.py::"
STREAMS = "server/api/stream/test_key_streams.py::"
STORE = "server/store/test_keys.py::"

KEYS_BITES = (
    Bite(
        fault="F145",
        guard="a route lets in who has its scope",
        file="api/routers/dependencies.py",
        line="        permit(caller, scope)\n",
        instead="        pass\n",
        tests=(SCOPES + "test_a_key_does_what_its_scope_says_and_nothing_else",),
    ),
    Bite(
        fault="F145",
        guard="a submission needs the scope to trade",
        file="api/routers/direct_route.py",
        line="            permit(caller, needed)\n",
        instead="",
        tests=(SCOPES + "test_the_scope_is_told_before_the_body_is_judged",),
    ),
    Bite(
        fault="F145",
        guard="a stream needs the scope to read",
        file="api/routers/stream_session.py",
        line="        permit(caller, Scope.READ)\n",
        instead="",
        tests=(STREAMS + "test_a_key_that_may_only_trade_opens_no_stream",),
    ),
    Bite(
        fault="F146",
        guard="a key's end counts",
        file="api/auth/access.py",
        line="            expires=found.expires,\n",
        instead="            expires=None,\n",
        tests=(KEYS + "test_an_end_counts_at_once_although_keys_are_trusted_for_a_while",),
    ),
    Bite(
        fault="F146",
        guard="no key is made once its sign-in has ended",
        file="store/keys.py",
        line="            if family_id is not None and not await _is_active(connection, family_id):\n",
        instead="            if family_id == key.key_id:\n",
        tests=(STORE + "test_no_key_outlives_the_end_of_all_at_once_with_it",),
    ),
    Bite(
        fault="F146",
        guard="keys end in the transaction that ends all sign-ins",
        file="store/accounts.py",
        line="await revoke_keys(connection, api_keys.c.user_id == user_id) if keys else ()",
        instead="()",
        tests=(STORE + "test_sign_ins_and_keys_end_together_or_apart",),
    ),
    Bite(
        fault="F147",
        guard="keys are counted in the transaction that adds one",
        file="store/keys.py",
        line="            if await _count(connection, key.user_id) >= most:\n",
        instead="            if most < 0:\n",
        tests=(STORE + "test_a_hundred_at_once_never_exceed_the_limit",),
    ),
    Bite(
        fault="F148",
        guard="uses that could not be recorded are tried again",
        file="api/auth/key_uses.py",
        line="            self._latest = {**noted, **self._latest}\n",
        instead="",
        tests=(KEYS + "test_uses_that_cannot_be_recorded_are_kept_and_no_request_notices",),
    ),
)
