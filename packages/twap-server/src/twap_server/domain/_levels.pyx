# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""One side of an order book, compiled: what ``levels.py`` does, and why, is said there.

Three parallel columns, worst level first: ranks in a C array, prices and quantities as the exchange's own text
in lists. A level is found by its rank; equal ranks are decided digit by digit. No dictionary, no Python float.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.math cimport INFINITY
from libc.string cimport memmove

from twap_server.domain.errors import WireFormatError

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(str text)
    const unsigned char* PyUnicode_1BYTE_DATA(str text)
    Py_ssize_t PyUnicode_GET_LENGTH(str text)

cdef double[23] POWERS = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]
cdef unsigned long long MOST_EXACT = 2**53  # whole numbers up to here are doubles


def plain(list levels not None):
    """Tell whether prices and quantities consist of digits and points only."""
    cdef tuple level
    for level in levels:
        if not _is_plain(<str?>level[0]) or not _is_plain(<str?>level[1]):
            return False
    return True


cdef class Levels:
    """The levels of one side. ``sign`` is 1 where the highest price is the best (bids), -1 for asks."""

    cdef int _sign
    cdef double* _ranks
    cdef Py_ssize_t _room
    cdef list _prices
    cdef list _quantities
    cdef public dict marks

    def __cinit__(self, int sign):
        self._sign = sign
        self._prices, self._quantities, self.marks = [], [], {}

    def __dealloc__(self):
        PyMem_Free(self._ranks)

    def __len__(self):
        """Count the levels."""
        return len(self._prices)

    def apply(self, changes):
        """Store each level in order; a quantity of zero removes, an unknown removal is normal.

        Raises:
            WireFormatError: a new price is not a positive plain decimal; levels before it were applied.
        """
        cdef tuple level
        for level in changes:
            self._set(<str?>level[0], <str?>level[1])

    def empty(self):
        """Drop every level; marks stay."""
        self._prices, self._quantities = [], []

    def truncate(self, Py_ssize_t depth):
        """Drop all but the best ``depth`` levels; marks stay."""
        cdef Py_ssize_t excess = len(self._prices) - depth
        if excess <= 0:
            return
        del self._prices[:excess]
        del self._quantities[:excess]
        memmove(self._ranks, self._ranks + excess, len(self._prices) * sizeof(double))

    def top(self, Py_ssize_t n):
        """Return at most ``n`` levels, best first."""
        cdef Py_ssize_t at = len(self._prices)
        cdef Py_ssize_t end = max(0, at - n)
        cdef list found = []
        while at > end:
            at -= 1
            found.append((self._prices[at], self._quantities[at]))
        return found

    def walk(self):
        """Yield all levels, best first; read it before they change again."""
        return zip(reversed(self._prices), reversed(self._quantities))

    def find(self, str price not None):
        """Return the text under which a price of this value is kept."""
        cdef bint known
        cdef Py_ssize_t at = self._place(price, self._sign * _rank(price), &known)
        return self._prices[at] if known else None

    def may_hold(self, str price not None):
        """Tell whether a level of this value is here, or would lie beyond the worst one."""
        return not self._prices or self._sign * _rank(price) < self._ranks[0] or self.find(price) is not None

    def meets(self, Levels asks not None):
        """Tell whether these bids' best is at or above the best ask."""
        cdef Py_ssize_t bid = len(self._prices) - 1
        cdef Py_ssize_t ask = len(asks._prices) - 1
        if bid < 0 or ask < 0 or self._ranks[bid] < -asks._ranks[ask]:
            return False
        if self._ranks[bid] > -asks._ranks[ask]:
            return True
        return _compare(<str>self._prices[bid], <str>asks._prices[ask]) >= 0

    cdef int _set(self, str price, str quantity) except -1:
        cdef double rank = self._sign * _rank(price)
        cdef bint known
        cdef Py_ssize_t at = self._place(price, rank, &known)
        if not _is_zero(quantity):
            if known:
                self._quantities[at] = quantity
            else:
                self._insert(at, rank, price, quantity)
            return 0
        if known:
            self._remove(at)
        if self.marks:
            self.marks.pop(price, None)
        return 0

    cdef Py_ssize_t _place(self, str price, double rank, bint* known):
        """Return where the level is, or where it belongs."""
        cdef Py_ssize_t low = 0, high = len(self._prices), middle, size = high
        cdef int order
        while low < high:
            middle = (low + high) >> 1
            if self._ranks[middle] < rank:
                low = middle + 1
            else:
                high = middle
        known[0] = False
        while low < size and self._ranks[low] == rank:
            order = self._sign * _compare(<str>self._prices[low], price)
            known[0] = order == 0
            if order >= 0:
                break
            low += 1
        return low

    cdef int _insert(self, Py_ssize_t at, double rank, str price, str quantity) except -1:
        cdef Py_ssize_t size = len(self._prices)
        if size == self._room:
            self._grow()
        memmove(self._ranks + at + 1, self._ranks + at, (size - at) * sizeof(double))
        self._ranks[at] = rank
        self._prices.insert(at, price)
        self._quantities.insert(at, quantity)
        return 0

    cdef int _remove(self, Py_ssize_t at) except -1:
        if self.marks:
            self.marks.pop(self._prices[at], None)
        del self._prices[at]
        del self._quantities[at]
        memmove(self._ranks + at, self._ranks + at + 1, (len(self._prices) - at) * sizeof(double))
        return 0

    cdef int _grow(self) except -1:
        cdef Py_ssize_t room = self._room + (self._room >> 3) + 16
        cdef double* ranks = <double*>PyMem_Realloc(self._ranks, room * sizeof(double))
        if ranks is NULL:
            raise MemoryError
        self._ranks, self._room = ranks, room
        return 0


cdef double _rank(str price) except -1.0:
    """Return the double nearest to a positive plain decimal: one division of two exact doubles, usually."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(price), at, places = 0
    cdef const unsigned char* text
    cdef unsigned long long digits = 0
    cdef unsigned char one
    cdef bint after_point = False, is_exact = True
    cdef double value
    if not PyUnicode_IS_COMPACT_ASCII(price) or size == 0:
        _refuse()
    text = PyUnicode_1BYTE_DATA(price)
    for at in range(size):
        one = text[at] - 48
        if one <= 9:
            digits = 10 * digits + one
            places += after_point
            is_exact = is_exact and digits <= MOST_EXACT
        elif text[at] == c"." and not after_point and size > 1:
            after_point = True
        else:
            _refuse()
    if is_exact and places <= 22:
        value = <double>digits / POWERS[places]
    else:
        value = float(price)
    if not 0 < value < INFINITY:
        _refuse()
    return value


cdef int _refuse() except -1:
    raise WireFormatError("a price is not a positive number")


cdef bint _is_zero(str quantity):
    cdef const unsigned char* text
    cdef Py_ssize_t at
    if not PyUnicode_IS_COMPACT_ASCII(quantity):
        return False
    text = PyUnicode_1BYTE_DATA(quantity)
    for at in range(PyUnicode_GET_LENGTH(quantity)):
        if text[at] != c"0" and text[at] != c".":
            return False
    return True


cdef bint _is_plain(str number):
    cdef const unsigned char* text
    cdef Py_ssize_t at
    if not PyUnicode_IS_COMPACT_ASCII(number):
        return False
    text = PyUnicode_1BYTE_DATA(number)
    for at in range(PyUnicode_GET_LENGTH(number)):
        if not (c"0" <= text[at] <= c"9" or text[at] == c"."):
            return False
    return True


cdef int _compare(str left, str right):
    """Compare two plain decimals by value: below, at or above 0."""
    cdef const unsigned char* one = PyUnicode_1BYTE_DATA(left)
    cdef const unsigned char* two = PyUnicode_1BYTE_DATA(right)
    cdef const unsigned char* one_end = one + PyUnicode_GET_LENGTH(left)
    cdef const unsigned char* two_end = two + PyUnicode_GET_LENGTH(right)
    cdef Py_ssize_t one_whole, two_whole
    cdef int a, b
    if left is right:
        return 0
    while one < one_end and one[0] == c"0":
        one += 1
    while two < two_end and two[0] == c"0":
        two += 1
    one_whole, two_whole = _whole(one, one_end), _whole(two, two_end)
    if one_whole != two_whole:
        return 1 if one_whole > two_whole else -1
    while one < one_end or two < two_end:
        a = one[0] if one < one_end else c"0"
        b = two[0] if two < two_end else c"0"
        if a != b and not ((a == c"." and b == c"0") or (a == c"0" and b == c".")):
            return 1 if a > b else -1
        one += 1
        two += 1
    return 0


cdef Py_ssize_t _whole(const unsigned char* text, const unsigned char* end):
    """Count the digits before the point."""
    cdef Py_ssize_t count = 0
    while text + count < end and text[count] != c".":
        count += 1
    return count
