"""All attacks, in the order of the table in ``docs/security.md``."""

from siege.attack import Attack
from siege.attacks.bodies import KeysInABody, OddInputs
from siege.attacks.frames import EmptyFragments, Pings, Pongs
from siege.attacks.heads import AfterRefusal, LargeHead, Trailers
from siege.attacks.market import Books, Candles
from siege.attacks.orders import BigReaders, ManyOrders, Replays, UnreadAnswers
from siege.attacks.passwords import Forwarded, LockOut, Registrations
from siege.attacks.sockets import IdleFromMany, IdleFromOne

ATTACKS: tuple[Attack, ...] = (
    Trailers(),
    LargeHead(),
    AfterRefusal(),
    Pings(),
    EmptyFragments(),
    Pongs(),
    KeysInABody(),
    IdleFromOne(),
    IdleFromMany(),
    Candles(),
    Books(),
    Forwarded(),
    OddInputs(),
    ManyOrders(),
    BigReaders(),
    Registrations(),
    Replays(),
    UnreadAnswers(),
    LockOut(),
)


def named(name: str) -> Attack:
    """Find an attack.

    Raises:
        LookupError: there is none of that name; the message lists all.
    """
    for one in ATTACKS:
        if one.name == name:
            return one
    raise LookupError(f"no attack {name!r}, expected one of: {', '.join(one.name for one in ATTACKS)}")
