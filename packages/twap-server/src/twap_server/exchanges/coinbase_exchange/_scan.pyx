# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The usual book update, recognised by its fixed layout: what ``scan.py`` promises, compiled.

Field by field, nothing skipped, nothing guessed: keys in the usual order without blanks, numbers of digits and
points, the time with six decimals and ``Z``. At the first other byte it gives up, and JSON decides.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from twap_server.domain.market._levels cimport NO_LEVELS, FrameLevels, levels_of
from twap_server.domain.market._times cimport usual_time
from twap_server.exchanges._reading cimport Reader, skip, word

from twap_server.domain.market.events import BookChange

cdef enum:
    TIME_SIZE = 27


def scan(raw, dict symbols not None):
    """Read one frame if it is a book update of the usual layout and of a known product, else return None."""
    cdef Reader reader
    cdef FrameLevels bids = NO_LEVELS, asks = NO_LEVELS
    cdef const char* at
    cdef long long time
    if type(raw) is not bytes:
        return None
    reader.at = PyBytes_AS_STRING(raw)
    reader.end = reader.at + PyBytes_GET_SIZE(raw)
    if not skip(&reader, b'{"type":"l2update","product_id":"'):
        return None
    symbol = symbols.get(word(&reader))
    if symbol is None or not skip(&reader, b'","changes":['):
        return None
    while True:
        if skip(&reader, b'["buy","'):
            bids = levels_of(raw) if bids is NO_LEVELS else bids
            at = bids.take(reader.at)
        elif skip(&reader, b'["sell","'):
            asks = levels_of(raw) if asks is NO_LEVELS else asks
            at = asks.take(reader.at)
        else:
            return None
        if at is NULL:
            return None
        reader.at = at
        if not skip(&reader, b","):
            break
    if not skip(&reader, b'],"time":"') or reader.end - reader.at < TIME_SIZE:
        return None
    time = usual_time(<const unsigned char*>reader.at)
    reader.at += TIME_SIZE
    if time < 0 or not skip(&reader, b'"}') or reader.at != reader.end:
        return None
    return BookChange(symbol=symbol, bids=bids, asks=asks, ts_exchange=time)
