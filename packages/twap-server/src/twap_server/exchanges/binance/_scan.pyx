# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The usual depth update, recognised by its fixed layout: what ``scan.py`` promises, compiled.

Field by field, nothing skipped, nothing guessed: keys in the usual order without blanks, a stream's name of small
letters, whole numbers as JSON has them, prices and quantities of digits and points, times in milliseconds. At the
first other byte it gives up, and JSON decides.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from twap_server.domain.market._levels cimport FrameLevels, levels_of
from twap_server.exchanges._reading cimport Reader, skip, whole, word

from twap_server.domain.market.events import BookChange

cdef long long MILLISECOND = 1_000_000
cdef long long FIRST_MILLI = 10**11  # times from here to the end count milliseconds, whose nanoseconds have 63 bits
cdef long long END_OF_MILLIS = 9 * 10**12


def scan(raw, dict symbols not None):
    """Read one frame if it is a depth update of the usual layout and of a known symbol, else return None."""
    cdef Reader reader
    cdef long long moment, first, last
    cdef FrameLevels bids, asks
    if type(raw) is not bytes:
        return None
    reader.at = PyBytes_AS_STRING(raw)
    reader.end = reader.at + PyBytes_GET_SIZE(raw)
    if not skip(&reader, b'{"stream":"') or not _stream(&reader):
        return None
    if not skip(&reader, b'","data":{"e":"depthUpdate","E":'):
        return None
    moment = whole(&reader)
    if not FIRST_MILLI <= moment < END_OF_MILLIS or not skip(&reader, b',"s":"'):
        return None
    symbol = symbols.get(word(&reader))
    if symbol is None or not skip(&reader, b'","U":'):
        return None
    first = whole(&reader)
    if first < 0 or not skip(&reader, b',"u":'):
        return None
    last = whole(&reader)
    if last < first or not skip(&reader, b',"b":['):
        return None
    bids, asks = levels_of(raw), levels_of(raw)
    if not _levels(&reader, bids) or not skip(&reader, b',"a":[') or not _levels(&reader, asks):
        return None
    if not skip(&reader, b"}}") or reader.at != reader.end:
        return None
    return BookChange(
        symbol=symbol, bids=bids, asks=asks, first_id=first, last_id=last, ts_exchange=moment * MILLISECOND
    )


cdef inline bint _stream(Reader* reader) noexcept:
    """Pass over the name of a stream."""
    while c"a" <= reader.at[0] <= c"z" or c"0" <= reader.at[0] <= c"9" or reader.at[0] == c"@":
        reader.at += 1
    return True


cdef inline bint _levels(Reader* reader, FrameLevels levels) except -1:
    """Read ``["1.5","2"],["1.6","0"]]`` into the levels; False where it is something else."""
    cdef const char* at
    if skip(reader, b"]"):
        return True
    while skip(reader, b'["'):
        at = levels.take(reader.at)
        if at is NULL:
            return False
        reader.at = at
        if skip(reader, b"]"):
            return True
        if not skip(reader, b","):
            return False
    return False
