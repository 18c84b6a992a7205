# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Times as exchanges write them, compiled: what ``times.py`` does is said there.

The usual form, with six decimals and ``Z``, is read here; any other goes to ``times.py``.
"""

from twap_server.domain.market.iso_time import from_iso as _from_any_iso

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(str text)
    const unsigned char* PyUnicode_1BYTE_DATA(str text)
    Py_ssize_t PyUnicode_GET_LENGTH(str text)

cdef const unsigned char* USUAL = b"0000-00-00T00:00:00.000000Z"
cdef int[12] LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def from_iso(str text not None):
    """Turn ``2026-01-01T00:00:00.000001Z`` into nanoseconds, exact to the microsecond.

    Raises:
        WireFormatError: not a time with an offset.
    """
    cdef long long nanos = -1
    if PyUnicode_IS_COMPACT_ASCII(text) and PyUnicode_GET_LENGTH(text) == 27:
        nanos = usual_time(PyUnicode_1BYTE_DATA(text))
    return nanos if nanos >= 0 else _from_any_iso(text)


cdef long long usual_time(const unsigned char* text):
    """Read the usual form; -1 where it is another one, no time at all, or beyond 1970 to 2199."""
    cdef long long year, month, day, seconds
    cdef int at
    for at in range(27):
        if USUAL[at] == c"0":
            if not c"0" <= text[at] <= c"9":
                return -1
        elif text[at] != USUAL[at]:
            return -1
    year, month, day = _digits(text, 0, 4), _digits(text, 5, 2), _digits(text, 8, 2)
    seconds = _second_of_day(_digits(text, 11, 2), _digits(text, 14, 2), _digits(text, 17, 2))
    if seconds < 0 or not 1970 <= year < 2200 or not 1 <= month <= 12 or not 1 <= day <= _length(year, month):
        return -1
    return ((_days(year, month, day) * 86_400 + seconds) * 1_000_000 + _digits(text, 20, 6)) * 1_000


cdef long long _digits(const unsigned char* text, int start, int count):
    cdef long long value = 0
    cdef int at
    for at in range(start, start + count):
        value = 10 * value + text[at] - 48
    return value


cdef long long _second_of_day(long long hour, long long minute, long long second):
    return (hour * 60 + minute) * 60 + second if hour < 24 and minute < 60 and second < 60 else -1


cdef bint _is_leap(long long year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


cdef long long _length(long long year, long long month):
    return LENGTHS[month - 1] + (month == 2 and _is_leap(year))


cdef long long _days(long long year, long long month, long long day):
    """Count days since 1970-01-01, in years that begin in March: a leap day is then the last."""
    cdef long long march_year = year - (month <= 2)
    cdef long long march_month = month - 3 if month > 2 else month + 9
    cdef long long leaps = march_year // 4 - march_year // 100 + march_year // 400
    return 365 * march_year + leaps + (153 * march_month + 2) // 5 + day - 1 - 719_468
