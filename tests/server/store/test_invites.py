"""Invites and identities: used once, whoever comes first, in whatever process."""

import asyncio

import pytest

from support.stores.kinds import AccountStore
from twap_models.enums import Scope
from twap_server.domain.accounts import ApiKey, InviteRecord
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import Conflict, InviteRefused, StoreConflict
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database

NOW, END = Nanos(100), Nanos(200)
ISSUER = "https://id.example"


async def invited(accounts: AccountStore, name: str, code: str, at: Nanos = NOW) -> str:
    """How making an account with an invite went."""
    try:
        await accounts.users.create_user(f"id of {name}", name, "hash", at, invite_hash=code)
    except InviteRefused:
        return "refused"
    return "made"


async def add(accounts: AccountStore, number: int, *, most: int = 9) -> InviteRecord:
    return await accounts.invites.add_invite(
        f"i{number}", f"h{number}", note="for you", created=NOW, expires=END, most=most
    )


async def test_an_invite_makes_one_account(accounts: AccountStore) -> None:
    made = await add(accounts, 1)
    assert await accounts.invites.list_invites(NOW) == [made]
    assert await accounts.invites.is_invite_usable("h1", NOW)
    assert await invited(accounts, "bob", "h1") == "made"
    assert await accounts.invites.list_invites(NOW) == []
    assert not await accounts.invites.is_invite_usable("h1", NOW)
    assert await invited(accounts, "eve", "h1") == "refused"
    assert await accounts.users.find_user("eve") is None, "the account goes with the invite"
    assert not await accounts.invites.withdraw_invite("i1"), "it was used"


async def test_a_taken_name_uses_no_invite_up(accounts: AccountStore) -> None:
    await add(accounts, 1)
    with pytest.raises(StoreConflict):
        await invited(accounts, "ALICE", "h1")
    assert await invited(accounts, "bob", "h1") == "made"


async def test_an_invite_that_is_over_unknown_or_withdrawn(accounts: AccountStore) -> None:
    await add(accounts, 1)
    assert await invited(accounts, "bob", "h1", at=END) == "refused"
    assert not await accounts.invites.is_invite_usable("h1", END)
    assert await accounts.invites.list_invites(END) == []
    assert await accounts.invites.withdraw_invite("i1")
    assert not await accounts.invites.withdraw_invite("i1")
    assert await invited(accounts, "bob", "h1") == "refused"
    assert await invited(accounts, "bob", "h9") == "refused"


async def test_invites_have_a_bound_and_those_that_are_over_do_not_count(accounts: AccountStore) -> None:
    await add(accounts, 1, most=1)
    with pytest.raises(Conflict, match="at most 1 invites"):
        await add(accounts, 2, most=1)
    late = await accounts.invites.add_invite("i3", "h3", note="", created=END, expires=Nanos(300), most=1)
    assert await accounts.invites.list_invites(NOW) == [late]


async def test_of_many_with_one_invite_one_is_made_in_whatever_process(
    accounts: AccountStore, url: str
) -> None:
    """Half of them come over the server's own connection, half from beside it."""
    await add(accounts, 1)
    async with Database.beside(url) as beside, asyncio.TaskGroup() as group:
        others = SqlAccountStore(beside)
        tries = [
            group.create_task(invited((accounts, others)[number % 2], f"user{number}", "h1"))
            for number in range(20)
        ]
    assert sorted(one.result() for one in tries) == ["made"] + ["refused"] * 19
    assert len(await accounts.users.list_users()) == 2


async def test_an_identity_has_one_account(accounts: AccountStore) -> None:
    assert await accounts.identities.find_identity(ISSUER, "s1") is None
    await accounts.identities.create_identity_user("u2", "bob", NOW, issuer=ISSUER, subject="s1")
    assert await accounts.identities.find_identity(ISSUER, "s1") == "u2"
    assert await accounts.identities.find_identity("https://other.example", "s1") is None
    for name, subject in (("eve", "s1"), ("BOB", "s2")):
        with pytest.raises(StoreConflict):
            await accounts.identities.create_identity_user("u3", name, NOW, issuer=ISSUER, subject=subject)
    assert await accounts.identities.find_identity(ISSUER, "s2") is None
    assert await accounts.users.find_user("eve") is None
    await accounts.identities.link_identity(ISSUER, "s2", "u1", NOW)
    assert await accounts.identities.find_identity(ISSUER, "s2") == "u1"
    with pytest.raises(StoreConflict):
        await accounts.identities.link_identity(ISSUER, "s2", "u2", NOW)


async def test_sign_ins_and_keys_that_were_ended_are_told(accounts: AccountStore, url: str) -> None:
    key = ApiKey(key_id="k1", user_id="u1", name="", created=NOW, scopes=[Scope.READ])
    await accounts.keys.add_key(key, "digest", family_id=None, most=9)
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, NOW)
    await accounts.sign_ins.add_refresh("t2", "f2", "u1", END, NOW)
    assert await accounts.users.ended_of(["f1", "f2", "k1"]) == []
    async with Database.beside(url) as beside:
        await SqlAccountStore(beside).sign_ins.revoke_family("f1")
        assert await accounts.users.ended_of(["f1", "f2", "f3", "k1"]) == ["f1", "f3"], (
            "what is not there, too"
        )
        await SqlAccountStore(beside).keys.revoke_keys("u1")
    assert await accounts.users.ended_of(["f1", "f2", "k1"]) == ["f1", "k1"]
    assert await accounts.users.ended_of([]) == []
