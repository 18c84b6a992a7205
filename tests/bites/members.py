"""The guards of F150–F156: who may make an account, and how somebody is signed in elsewhere."""

from bites.case import Bite

REGISTRATION = "server/api/test_registration.py::"
INVITES = "server/store/test_invites.py::"

MEMBERS_BITES = (
    Bite(
        fault="F150",
        guard="accounts of one address are counted before their passwords are hashed",
        file="api/registration.py",
        line="        if not await self._of_address.hit(site):\n",
        instead="        if self._of_address.wait(site):\n",
        tests=(REGISTRATION + "test_an_address_makes_so_many_accounts_a_day",),
    ),
    Bite(
        fault="F150",
        guard="a closed server takes no account",
        file="api/registration.py",
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
        file="api/dependencies.py",
        line="    if not (await services.sign_in.account(caller)).is_admin:\n",
        instead="    if False:\n",
        tests=(REGISTRATION + "test_only_an_administrator_who_signed_in_invites",),
    ),
    Bite(
        fault="F152",
        guard="streams end when another process ended their sign-in",
        file="api/ended_elsewhere.py",
        line="        sessions.end_grants(await accounts.ended_of(grants[first : first + _AT_ONCE]))\n",
        instead="        await accounts.ended_of(grants[first : first + _AT_ONCE])\n",
        tests=(REGISTRATION + "test_a_stream_ends_when_another_process_ended_its_sign_in",),
    ),
    Bite(
        fault="F152",
        guard="an account without a password is opened by none",
        file="api/security.py",
        line="known = (user.password_hash if user else None) or None",
        instead="known = user.password_hash if user else None",
        tests=(REGISTRATION + "test_an_account_without_a_password_has_none",),
    ),
)
