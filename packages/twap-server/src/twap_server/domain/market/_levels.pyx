# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""One side of an order book, compiled: what ``levels.py`` does, and why, is said there.

Three parallel columns of plain memory, worst level first: ranks, and the exchange's own text of prices and
quantities in slots of one width, padded with zero bytes, widened when a longer text comes. A level is found by its
rank; equal ranks are decided digit by digit. Python objects are made only for readers.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from libc.math cimport INFINITY
from libc.string cimport memcpy, memmove, memset

from twap_server.domain.market.errors import WireFormatError

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(str text)
    char* PyUnicode_DATA(str text)
    Py_ssize_t PyUnicode_GET_LENGTH(str text)
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)

cdef extern from "string.h":
    size_t strnlen(const char* text, size_t most)

cdef enum:
    WIDTH = 16
    EXACT_PLACES = 22
    MOST_PLACES = 18  # as twap_models.exact_json.SENT: beyond, the server could not say the number
    MOST_DIGITS = 30

cdef unsigned long long MOST_EXACT = 2**53  # whole numbers up to here are doubles
cdef double[EXACT_PLACES + 1] POWERS = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]


cdef struct Text:
    const char* start
    Py_ssize_t size


cdef struct Column:
    char* slots
    Py_ssize_t width


cdef class Levels:
    """The levels of one side. ``sign`` is 1 where the highest price is the best (bids), -1 for asks."""

    cdef int _sign
    cdef Py_ssize_t _size
    cdef Py_ssize_t _room
    cdef double* _ranks
    cdef Column _prices
    cdef Column _quantities
    cdef public dict marks

    def __cinit__(self, int sign):
        self._sign = sign
        self._prices.width = self._quantities.width = WIDTH
        self.marks = {}

    def __dealloc__(self):
        PyMem_Free(self._ranks)
        PyMem_Free(self._prices.slots)
        PyMem_Free(self._quantities.slots)

    def __len__(self):
        """Count the levels."""
        return self._size

    def apply(self, changes):
        """Store each level in order; a quantity of zero removes, an unknown removal is normal.

        Raises:
            WireFormatError: a price is not a positive plain decimal, or a quantity no plain one; levels
                before it were applied.
        """
        cdef tuple level
        for level in changes:
            self._set(<str?>level[0], <str?>level[1])

    def empty(self):
        """Drop every level; marks stay."""
        self._size = 0

    def truncate(self, Py_ssize_t depth):
        """Drop all but the best ``depth`` levels; marks stay."""
        if self._size > depth:
            self._shift(self._size - depth, 0)

    def top(self, Py_ssize_t n):
        """Return at most ``n`` levels, best first."""
        cdef Py_ssize_t at = self._size, end = max(0, self._size - n)
        cdef list found = []
        while at > end:
            at -= 1
            found.append((_string(&self._prices, at), _string(&self._quantities, at)))
        return found

    def walk(self):
        """Yield all levels, best first; read it before they change again."""
        cdef Py_ssize_t at = self._size
        while 0 < at <= self._size:
            at -= 1
            yield _string(&self._prices, at), _string(&self._quantities, at)

    def find(self, str price not None):
        """Return the text under which a price of this value is kept."""
        cdef Text text = _ascii(price)
        cdef bint known
        cdef Py_ssize_t at = self._place(text, self._sign * _rank(text), &known)
        return _string(&self._prices, at) if known else None

    def may_hold(self, str price not None):
        """Tell whether a level of this value is here, or would lie beyond the worst one."""
        return not self._size or self._sign * _rank(_ascii(price)) < self._ranks[0] or self.find(price) is not None

    def meets(self, Levels asks not None):
        """Tell whether these bids' best is at or above the best ask."""
        cdef Py_ssize_t bid = self._size - 1, ask = asks._size - 1
        if bid < 0 or ask < 0 or self._ranks[bid] < -asks._ranks[ask]:
            return False
        if self._ranks[bid] > -asks._ranks[ask]:
            return True
        return _compare(_slot(&self._prices, bid), _slot(&asks._prices, ask)) >= 0

    cdef int _set(self, str price, str quantity) except -1:
        cdef Text price_text = _ascii(price), quantity_text = _ascii(quantity)
        cdef bint is_zero = _is_zero(quantity_text)
        cdef double rank = self._sign * _rank(price_text)
        cdef bint known
        cdef Py_ssize_t at = self._place(price_text, rank, &known)
        if is_zero:
            return self._remove(at, price, known)
        if not known:
            self._make_room(at)
            self._ranks[at] = rank
            self._write(&self._prices, at, price_text)
        return self._write(&self._quantities, at, quantity_text)

    cdef Py_ssize_t _place(self, Text price, double rank, bint* known):
        """Return where the level is, or where it belongs."""
        cdef Py_ssize_t low = 0, high = self._size, middle
        cdef int order
        while low < high:
            middle = (low + high) >> 1
            if self._ranks[middle] < rank:
                low = middle + 1
            else:
                high = middle
        known[0] = False
        while low < self._size and self._ranks[low] == rank:
            order = self._sign * _compare(_slot(&self._prices, low), price)
            known[0] = order == 0
            if order >= 0:
                break
            low += 1
        return low

    cdef int _remove(self, Py_ssize_t at, str price, bint known) except -1:
        if known and self.marks:
            self.marks.pop(_string(&self._prices, at), None)
        if known:
            self._shift(at + 1, at)
        if self.marks:
            self.marks.pop(price, None)
        return 0

    cdef int _make_room(self, Py_ssize_t at) except -1:
        if self._size == self._room:
            self._grow(self._room + (self._room >> 4) + WIDTH)
        self._shift(at, at + 1)
        return 0

    cdef void _shift(self, Py_ssize_t source, Py_ssize_t target):
        """Move the levels from ``source`` on to ``target``."""
        cdef Py_ssize_t count = self._size - source
        memmove(self._ranks + target, self._ranks + source, count * sizeof(double))
        _move(&self._prices, source, target, count)
        _move(&self._quantities, source, target, count)
        self._size += target - source

    cdef int _grow(self, Py_ssize_t room) except -1:
        self._ranks = <double*>_resized(self._ranks, room * sizeof(double))
        self._prices.slots = <char*>_resized(self._prices.slots, room * self._prices.width)
        self._quantities.slots = <char*>_resized(self._quantities.slots, room * self._quantities.width)
        self._room = room
        return 0

    cdef int _write(self, Column* column, Py_ssize_t at, Text text) except -1:
        cdef char* slot
        if text.size > column.width:
            self._widen(column, text.size)
        slot = column.slots + at * column.width
        memcpy(slot, text.start, text.size)
        memset(slot + text.size, 0, column.width - text.size)
        return 0

    cdef int _widen(self, Column* column, Py_ssize_t width) except -1:
        cdef Py_ssize_t at
        cdef char* slots = <char*>PyMem_Calloc(self._room, width)
        if slots is NULL:
            raise MemoryError
        for at in range(self._size):
            memcpy(slots + at * width, column.slots + at * column.width, column.width)
        PyMem_Free(column.slots)
        column.slots, column.width = slots, width
        return 0


cdef void* _resized(void* memory, Py_ssize_t size) except NULL:
    cdef void* found = PyMem_Realloc(memory, size)
    if found is NULL:
        raise MemoryError
    return found


cdef void _move(Column* column, Py_ssize_t source, Py_ssize_t target, Py_ssize_t count):
    memmove(column.slots + target * column.width, column.slots + source * column.width, count * column.width)


cdef Text _slot(const Column* column, Py_ssize_t at):
    cdef Text text
    text.start = column.slots + at * column.width
    text.size = strnlen(text.start, column.width)
    return text


cdef str _string(const Column* column, Py_ssize_t at):
    cdef Text text = _slot(column, at)
    cdef str made = PyUnicode_New(text.size, 127)
    memcpy(PyUnicode_DATA(made), text.start, text.size)
    return made


cdef Text _ascii(str text) except *:
    cdef Text found
    if not PyUnicode_IS_COMPACT_ASCII(text):
        raise WireFormatError("a price or quantity is not a number")
    found.start, found.size = PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)
    return found


cdef double _rank(Text price) except -1.0:
    """Return the double nearest to a positive plain decimal: one division of two exact doubles, usually."""
    cdef Py_ssize_t at, places = 0
    cdef unsigned long long digits = 0
    cdef unsigned char one
    cdef bint after_point = False, is_exact = True
    cdef double value
    for at in range(price.size):
        one = <unsigned char>price.start[at] - 48
        if one <= 9:
            digits = 10 * digits + one
            places += after_point
            is_exact = is_exact and digits <= MOST_EXACT
        elif price.start[at] == c"." and not after_point and price.size > 1:
            after_point = True
        else:
            _refuse_price()
    if places > MOST_PLACES or price.size - after_point > MOST_DIGITS:
        _refuse_price()
    if is_exact and places <= EXACT_PLACES:
        value = <double>digits / POWERS[places]
    else:
        value = float(price.start[:price.size])
    if not 0 < value < INFINITY:
        _refuse_price()
    return value


cdef int _refuse_price() except -1:
    raise WireFormatError("a price is not a positive number")


cdef bint _is_zero(Text quantity) except -1:
    cdef Py_ssize_t at, points = 0, places = 0
    cdef bint is_zero = True
    cdef unsigned char one
    for at in range(quantity.size):
        one = <unsigned char>quantity.start[at] - 48
        if one <= 9:
            is_zero = is_zero and one == 0
            places += points
        elif quantity.start[at] == c".":
            points += 1
        else:
            points = quantity.size
    if points > 1 or points >= quantity.size or places > MOST_PLACES or quantity.size - points > MOST_DIGITS:
        raise WireFormatError("a quantity is not a number")
    return is_zero


cdef int _compare(Text left, Text right):
    """Compare two plain decimals by value: below, at or above 0."""
    cdef const char* one = left.start
    cdef const char* two = right.start
    cdef const char* one_end = left.start + left.size
    cdef const char* two_end = right.start + right.size
    cdef Py_ssize_t one_whole, two_whole
    cdef int a, b
    while one < one_end and one[0] == c"0":
        one += 1
    while two < two_end and two[0] == c"0":
        two += 1
    one_whole, two_whole = _whole(one, one_end), _whole(two, two_end)
    if one_whole != two_whole:
        return 1 if one_whole > two_whole else -1
    while one < one_end or two < two_end:
        a = one[0] if one < one_end and one[0] != c"." else c"0"
        b = two[0] if two < two_end and two[0] != c"." else c"0"
        if a != b:
            return 1 if a > b else -1
        one += 1
        two += 1
    return 0


cdef Py_ssize_t _whole(const char* text, const char* end):
    """Count the digits before the point."""
    cdef Py_ssize_t count = 0
    while text + count < end and text[count] != c".":
        count += 1
    return count
