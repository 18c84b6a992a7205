"""Find which exchange a recorded connection went to, and whether its messages can be replayed."""

from typing import Final

REPLAYED: Final = ("binance", "kraken")
"""The exchanges whose recordings can be replayed."""
_OTHERS: Final = (
    ("fstream.", "Binance's futures"),
    ("dstream.", "Binance's futures"),
    ("futures.kraken", "Kraken's futures"),
)
_OF_FUTURES: Final = '"pu":'
_HEAD: Final = 300
"""Characters that hold the fields before a change's prices."""
_OLD_KRAKEN: Final = "ws.kraken.com"


def origin(conn: str) -> str:
    """Name the exchange of a connection.

    Raises:
        ValueError: none that can be replayed; the message says which can.
    """
    other = next((words for host, words in _OTHERS if host in conn), "")
    if _OLD_KRAKEN in conn and f"{_OLD_KRAKEN}/v2" not in conn:
        other = "Kraken's old protocol, version 1"
    found = next((name for name in REPLAYED if name in conn), "")
    if other or not found:
        raise ValueError(
            f"a message of {other or conn}: expected a recording of Binance spot or of Kraken's version 2, "
            "whose connections name them"
        )
    return found


def see_that_it_is_spot(exchange: str, raw: str) -> None:
    """Look at a message itself: a recorder behind a proxy writes an address that names no futures.

    Raises:
        ValueError: it is one of Binance's futures, whose changes say which one came before (``pu``).
    """
    if exchange == "binance" and _OF_FUTURES in raw[:_HEAD]:
        raise ValueError(
            "a message of Binance's futures (it has pu): expected a recording of Binance spot, "
            "for its books and their update ids are others"
        )
