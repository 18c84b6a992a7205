"""Carry out invite and invites."""

from collections.abc import Sequence

from rich.text import Text

from twap_client.cli.figures import stamp
from twap_client.cli.fitting_table import FittingTable, left, words
from twap_client.cli.session import Session
from twap_models import Invite


async def invite(session: Session, days: int, note: str) -> int:
    """Make an invite; without --json, standard output holds the code alone."""
    made = await session.client.accounts.invite(days=days, note=note)
    session.show(made, lambda: Text(made.invite))
    if not session.as_json:
        session.say(
            f"it makes one account: twap register --invite CODE. It ends {stamp(made.expires)} UTC, "
            f"or with twap invites --withdraw {made.invite_id}"
        )
    return 0


async def invites(session: Session) -> int:
    """List those that can be used."""
    found = await session.client.accounts.invites()
    session.show(found, lambda: _table(found))
    return 0


async def withdraw(session: Session, invite_id: str) -> int:
    """Let one count no more."""
    await session.client.accounts.withdraw_invite(invite_id)
    if session.as_json:
        session.line({"withdrawn": invite_id})
    else:
        session.say(f"invite {invite_id} counts no more")
    return 0


def _table(invites: Sequence[Invite]) -> FittingTable:
    table = FittingTable(left("id", "made (UTC)", "ends (UTC)"), words("note"), header_style="bold")
    for one in invites:
        table.add_row(one.invite_id, stamp(one.created), stamp(one.expires), one.note)
    return table
