"""How the scanners of exchanges pass over a frame's bytes. Each says whether it found what it looked for."""

from libc.string cimport memcmp, memcpy, strlen

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    char* PyUnicode_DATA(str text)

cdef enum:
    MOST_DIGITS = 18
    MOST_OF_AMOUNT = 19  # characters: so many are within the bounds of numbers, wherever the point is


cdef struct Reader:
    const char* at
    const char* end  # where the zero byte is that follows every frame


cdef inline bint skip(Reader* reader, const char* text) noexcept:
    """Pass over exactly this text; False, and nothing passed over, where it is not there."""
    cdef Py_ssize_t size = strlen(text)
    if reader.end - reader.at < size or memcmp(reader.at, text, size) != 0:
        return False
    reader.at += size
    return True


cdef inline long long whole(Reader* reader) noexcept:
    """Take a whole number as JSON has it, of at most 18 digits; -1 where there is none."""
    cdef const char* start = reader.at
    cdef long long value = 0
    while c"0" <= reader.at[0] <= c"9" and reader.at - start < MOST_DIGITS:
        value = 10 * value + (reader.at[0] - 48)
        reader.at += 1
    if reader.at == start or (start[0] == c"0" and reader.at - start > 1):
        return -1
    return value


cdef inline str text(const char* start, const char* end):
    """Make a string of ASCII."""
    cdef str made = PyUnicode_New(end - start, 127)
    memcpy(PyUnicode_DATA(made), start, end - start)
    return made


cdef inline str word(Reader* reader):
    """Take capital letters, digits and hyphens."""
    cdef const char* start = reader.at
    while (
        c"A" <= reader.at[0] <= c"Z" or c"0" <= reader.at[0] <= c"9" or reader.at[0] == c"-"
    ):
        reader.at += 1
    return text(start, reader.at)


cdef inline bint figures(Reader* reader) noexcept:
    """Pass over digits and points, at least one; False where there is none."""
    cdef const char* start = reader.at
    while c"0" <= reader.at[0] <= c"9" or reader.at[0] == c".":
        reader.at += 1
    return reader.at != start


cdef inline str amount(Reader* reader):
    """Take a number of digits with at most one point between them, of at most 19 characters; None where there is none."""
    cdef const char* start = reader.at
    cdef int points = 0
    while c"0" <= reader.at[0] <= c"9" or reader.at[0] == c".":
        points += reader.at[0] == c"."
        reader.at += 1
    if not 0 < reader.at - start <= MOST_OF_AMOUNT or points > 1 or start[0] == c"." or reader.at[-1] == c".":
        return None
    return text(start, reader.at)
