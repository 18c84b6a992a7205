"""Say what may have happened when a command ends before its order does, and how to look."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from twap_client.cli.session import Session
from twap_client.errors import TwapClientError

_INTERRUPTED = (asyncio.CancelledError, KeyboardInterrupt)


@contextmanager
def on_interrupt(session: Session, what: str, token: str) -> Iterator[None]:
    """Around a change: Ctrl-C says what is in doubt."""
    try:
        yield
    except _INTERRUPTED:
        session.say(f"interrupted; {what}: `twap order {token}`")
        raise


@contextmanager
def while_it_works(session: Session, token: str) -> Iterator[None]:
    """Around what only looks on: whatever ends it, the order goes on."""
    try:
        yield
    except (*_INTERRUPTED, TwapClientError):
        session.say(goes_on(token))
        raise


def goes_on(token: str) -> str:
    """What is said when nobody looks at an order any more."""
    return f"the order {token} goes on: `twap watch {token}` follows it, `twap cancel {token}` cancels it"
