# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The usual depth update, trade and best quote, recognised by their fixed layout: what ``scan.py`` promises, compiled.

Field by field, nothing skipped, nothing guessed: keys in the usual order without blanks, a stream's name of small
letters, whole numbers as JSON has them, prices and quantities of digits and points, times in milliseconds. At the
first other byte it gives up, and JSON decides. A best quote was not asked for, and says only that the connection lives.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from twap_server.domain.market._levels cimport FrameLevels, levels_of
from twap_server.exchanges._reading cimport Reader, amount, figures, skip, text, whole, word

from decimal import Decimal

from twap_models.enums import Side
from twap_server.domain.market.events import BookChange, Heartbeat, Trade

cdef long long MILLISECOND = 1_000_000
cdef long long FIRST_MILLI = 10**11  # times from here to the end count milliseconds, whose nanoseconds have 63 bits
cdef long long END_OF_MILLIS = 9 * 10**12
cdef object BUY = Side.BUY, SELL = Side.SELL, HEARTBEAT = Heartbeat()


def scan(raw, dict symbols not None):
    """Read one frame if it is of a usual layout and of a known symbol, else return None."""
    cdef Reader reader
    if type(raw) is not bytes:
        return None
    reader.at = PyBytes_AS_STRING(raw)
    reader.end = reader.at + PyBytes_GET_SIZE(raw)
    if not skip(&reader, b'{"stream":"'):
        return None
    _small(&reader)
    if skip(&reader, b'@bookTicker","data":{"u":'):
        return HEARTBEAT if _is_quote(&reader) else None
    _stream(&reader)
    if skip(&reader, b'","data":{"e":"depthUpdate","E":'):
        return _change(&reader, raw, symbols)
    if skip(&reader, b'","data":{"e":"trade","E":'):
        return _trade(&reader, symbols)
    return None


cdef object _change(Reader* reader, bytes raw, dict symbols):
    cdef long long first, last, moment = whole(reader)
    cdef FrameLevels bids, asks
    if not FIRST_MILLI <= moment < END_OF_MILLIS or not skip(reader, b',"s":"'):
        return None
    symbol = symbols.get(word(reader))
    if symbol is None or not skip(reader, b'","U":'):
        return None
    first = whole(reader)
    if first < 0 or not skip(reader, b',"u":'):
        return None
    last = whole(reader)
    if last < first or not skip(reader, b',"b":['):
        return None
    bids, asks = levels_of(raw), levels_of(raw)
    if not _levels(reader, bids) or not skip(reader, b',"a":[') or not _levels(reader, asks):
        return None
    if not skip(reader, b"}}") or reader.at != reader.end:
        return None
    return BookChange(
        symbol=symbol, bids=bids, asks=asks, first_id=first, last_id=last, ts_exchange=moment * MILLISECOND
    )


cdef object _trade(Reader* reader, dict symbols):
    cdef long long moment
    cdef const char* start
    if whole(reader) < 0 or not skip(reader, b',"s":"'):
        return None
    symbol = symbols.get(word(reader))
    if symbol is None or not skip(reader, b'","t":'):
        return None
    start = reader.at
    if whole(reader) < 0:
        return None
    trade_id = text(start, reader.at)
    if not skip(reader, b',"p":"') or (price := amount(reader)) is None:
        return None
    if not skip(reader, b'","q":"') or (quantity := amount(reader)) is None or not skip(reader, b'","T":'):
        return None
    moment = whole(reader)
    if not FIRST_MILLI <= moment < END_OF_MILLIS or not skip(reader, b',"m":'):
        return None
    side = SELL if skip(reader, b"true") else BUY if skip(reader, b"false") else None
    if side is None or not (skip(reader, b',"M":true}}') or skip(reader, b',"M":false}}')):
        return None
    if reader.at != reader.end:
        return None
    return Trade(
        symbol=symbol,
        trade_id=trade_id,
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker_side=side,
        ts_exchange=moment * MILLISECOND,
    )


cdef inline bint _is_quote(Reader* reader):
    """Pass over ``1,"s":"BTCUSDT","b":"1.5","B":"2","a":"1.6","A":"2"}}``; False where it is something else."""
    if whole(reader) < 0 or not skip(reader, b',"s":"'):
        return False
    _capital(reader)
    return (
        skip(reader, b'","b":"') and figures(reader)
        and skip(reader, b'","B":"') and figures(reader)
        and skip(reader, b'","a":"') and figures(reader)
        and skip(reader, b'","A":"') and figures(reader)
        and skip(reader, b'"}}') and reader.at == reader.end
    )


cdef inline void _small(Reader* reader) noexcept:
    """Pass over small letters and digits: a stream's symbol."""
    while c"a" <= reader.at[0] <= c"z" or c"0" <= reader.at[0] <= c"9":
        reader.at += 1


cdef inline void _capital(Reader* reader) noexcept:
    """Pass over capital letters and digits: a symbol."""
    while c"A" <= reader.at[0] <= c"Z" or c"0" <= reader.at[0] <= c"9":
        reader.at += 1


cdef inline void _stream(Reader* reader) noexcept:
    """Pass over the name of a stream."""
    while c"a" <= reader.at[0] <= c"z" or c"0" <= reader.at[0] <= c"9" or reader.at[0] == c"@":
        reader.at += 1


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
