# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The usual book update, recognised by its fixed layout: what ``scan.py`` promises, compiled.

Field by field, nothing skipped, nothing guessed: keys in the usual order without blanks, numbers of digits and
points, the time with six decimals and ``Z``. At the first other byte it gives up, and JSON decides.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcmp, memcpy, strlen

from twap_server.domain.market._times cimport usual_time

from twap_server.domain.market.events import BookChange

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    char* PyUnicode_DATA(str text)

cdef enum:
    TIME_SIZE = 27


cdef struct Reader:
    const char* at
    const char* end


def scan(raw, dict symbols not None):
    """Read one frame if it is a book update of the usual layout and of a known product, else return None."""
    cdef Reader reader
    cdef list bids = [], asks = []
    cdef long long time
    if type(raw) is not bytes:
        return None
    reader.at = PyBytes_AS_STRING(raw)
    reader.end = reader.at + PyBytes_GET_SIZE(raw)
    if not _skip(&reader, b'{"type":"l2update","product_id":"'):
        return None
    symbol = symbols.get(_word(&reader))
    if symbol is None or not _skip(&reader, b'","changes":['):
        return None
    if not _changes(&reader, bids, asks) or not _skip(&reader, b'],"time":"'):
        return None
    if reader.end - reader.at < TIME_SIZE:
        return None
    time = usual_time(<const unsigned char*>reader.at)
    reader.at += TIME_SIZE
    if time < 0 or not _skip(&reader, b'"}') or reader.at != reader.end:
        return None
    return BookChange(symbol=symbol, bids=bids, asks=asks, ts_exchange=time)


cdef bint _changes(Reader* reader, list bids, list asks) except -1:
    """Read ``["buy","1.5","2"],["sell","1.6","0"]`` into the two lists; False where it is something else."""
    cdef list side
    cdef str price, size
    while True:
        if _skip(reader, b'["buy","'):
            side = bids
        elif _skip(reader, b'["sell","'):
            side = asks
        else:
            return False
        price = _number(reader)
        if not _skip(reader, b'","'):
            return False
        size = _number(reader)
        if not _skip(reader, b'"]'):
            return False
        side.append((price, size))
        if not _skip(reader, b","):
            return True


cdef inline bint _skip(Reader* reader, const char* text) noexcept:
    """Pass over exactly this text; False, and nothing passed over, where it is not there."""
    cdef Py_ssize_t size = strlen(text)
    if reader.end - reader.at < size or memcmp(reader.at, text, size) != 0:
        return False
    reader.at += size
    return True


cdef str _number(Reader* reader):
    """Take digits and points."""
    cdef const char* start = reader.at
    while reader.at < reader.end and (c"0" <= reader.at[0] <= c"9" or reader.at[0] == c"."):
        reader.at += 1
    return _text(start, reader.at)


cdef str _word(Reader* reader):
    """Take capital letters, digits and hyphens."""
    cdef const char* start = reader.at
    while reader.at < reader.end and (
        c"A" <= reader.at[0] <= c"Z" or c"0" <= reader.at[0] <= c"9" or reader.at[0] == c"-"
    ):
        reader.at += 1
    return _text(start, reader.at)


cdef str _text(const char* start, const char* end):
    """Make a string of ASCII."""
    cdef str made = PyUnicode_New(end - start, 127)
    memcpy(PyUnicode_DATA(made), start, end - start)
    return made
