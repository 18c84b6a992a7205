"""Name exchanges that ccxt collects: ``ccxt-upbit`` on the wire, ``ccxt:upbit`` as people write it."""

import re
from typing import Final

from twap_models.names import CCXT

_NAMED: Final = re.compile(rf"{CCXT}-([a-z0-9]{{1,24}})", re.ASCII)
"""A canonical name; its first group is ccxt's own."""


def ccxt_name(name: str) -> str:
    """Take ccxt's name out of a canonical one; empty where it is none of ccxt's."""
    found = _NAMED.fullmatch(name)
    return "" if found is None else found[1]
