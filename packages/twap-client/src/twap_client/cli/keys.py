"""Carry out keys create, keys list, keys revoke."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from twap_client.cli import local_time, render
from twap_client.cli.figures import stamp
from twap_client.cli.session import Session
from twap_client.errors import UsageError
from twap_models import NewApiKey, Scope
from twap_models.iso_time import read_iso

_LENGTH = re.compile(r"\+?(\d+(?:\.\d+)?(?:s|m|h|d))", re.ASCII)


async def create(session: Session, name: str, scopes: Sequence[str] | None, expires: str | None) -> int:
    """Make a key; the result is its secret and nothing else, so that a script can take it."""
    ends = _end(session, expires)
    made = await session.client.accounts.create_key(name, scopes=scopes or tuple(Scope), expires=ends)
    if session.as_json:
        session.line(made)
        return 0
    session.out.print(made.key, markup=False, soft_wrap=True)
    session.say(_told(made))
    return 0


async def listing(session: Session) -> int:
    """List the keys."""
    found = await session.client.accounts.list_keys()
    # A person reads it now: whether a key has ended is a matter of this machine's wall clock.
    session.show(found, lambda: render.keys_table(found, datetime.now(UTC)))  # noqa: TID251
    return 0


async def revoke(session: Session, key_id: str | None) -> int:
    """Revoke a key; without an id, all."""
    if key_id is None:
        await session.client.accounts.revoke_all_keys()
    else:
        await session.client.accounts.revoke_key(key_id)
    if session.as_json:
        session.line({"revoked": key_id or "all"})
    else:
        session.out.print(f"revoked {key_id or 'all API keys'}", markup=False, soft_wrap=True)
    return 0


def _end(session: Session, text: str | None) -> datetime | str | None:
    length = _LENGTH.fullmatch((text or "").strip())
    if length:
        return f"+{length[1]}"
    if text is not None and not _is_time(text.strip()):
        raise UsageError(f"--expires: expected a length such as 30d or 12h, or a time, got {text[:40]!r}")
    return local_time.absolute("--expires", text, session.say)


def _is_time(text: str) -> bool:
    try:
        read_iso(text)
    except ValueError:
        return False
    return True


def _told(made: NewApiKey) -> str:
    ends = "never ends" if made.expires is None else f"ends {stamp(made.expires)} UTC"
    return (
        f"key {made.key_id}, {' and '.join(made.scopes)}, {ends}; "
        "the secret is shown this once: keep it, and set TWAP_API_KEY to it"
    )
