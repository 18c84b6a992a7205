# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""One side of an order book, compiled: what ``levels.py`` does, and why, is said there.

Worst level first: ranks, and the slots where the exchange's own text of price and quantity lies. Texts never move:
only ranks and numbers of slots do. Slots have one width, padded with zero bytes, widened when a longer text comes. A
level is found by its rank; equal ranks are decided digit by digit. Python objects are made only for readers.

``FrameLevels`` are levels as they stand in a frame of an exchange: read once, while the frame is recognised, and
applied without a Python object for each.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp, memcpy, memmove, memset

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
    SURE = 19  # characters that are within these bounds, wherever the point is
    NEAR = 64  # levels next to the best, where most changes are

cdef enum:
    NONE = 0  # of the quantity: the level is removed
    SOME = 1
    ODD = 2  # to be looked at as a text

cdef unsigned long long MOST_EXACT = 2**53  # whole numbers up to here are doubles
cdef double[EXACT_PLACES + 1] POWERS = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]


cdef struct Text:
    const char* start
    Py_ssize_t size


cdef struct Column:
    char* texts
    Py_ssize_t width


@cython.final
cdef class Levels:
    """The levels of one side. ``sign`` is 1 where the highest price is the best (bids), -1 for asks."""

    cdef int _sign
    cdef Py_ssize_t _size
    cdef Py_ssize_t _room
    cdef int64_t* _ranks
    cdef uint32_t* _slots  # of the levels in order, behind them the free ones
    cdef Column _prices
    cdef Column _quantities
    cdef public dict epochs

    def __cinit__(self, int sign):
        self._sign = sign
        self._prices.width = self._quantities.width = WIDTH
        self.epochs = {}

    def __dealloc__(self):
        PyMem_Free(self._ranks)
        PyMem_Free(self._slots)
        PyMem_Free(self._prices.texts)
        PyMem_Free(self._quantities.texts)

    def __len__(self):
        """Count the levels."""
        return self._size

    cpdef apply(self, changes):
        """Store each level in order; a quantity of zero removes, an unknown removal is normal.

        Raises:
            WireFormatError: a price is not a positive plain decimal, or a quantity no plain one; levels
                before it were applied.
        """
        cdef tuple level
        if type(changes) is FrameLevels:
            self._apply_frame(<FrameLevels>changes)
            return
        for level in changes:
            self._set(<str?>level[0], <str?>level[1])

    def take(self, bids, Levels asks not None, changed_asks):
        """Apply a change to these bids and to the asks; tell whether they meet then. Raises as ``apply``."""
        self.apply(bids)
        asks.apply(changed_asks)
        return self.meets(asks)

    def empty(self):
        """Drop every level; level epochs stay."""
        self._size = 0

    def truncate(self, Py_ssize_t depth):
        """Drop all but the best ``depth`` levels; level epochs stay."""
        cdef Py_ssize_t excess = self._size - depth
        if excess > 0:
            memmove(self._ranks, self._ranks + excess, depth * sizeof(int64_t))
            _swap(self._slots, excess, self._size)
            self._size = depth

    def top(self, Py_ssize_t n):
        """Return at most ``n`` levels, best first."""
        cdef Py_ssize_t at = self._size, end = max(0, self._size - n)
        cdef list found = []
        while at > end:
            at -= 1
            found.append((self._price(at), _string(_text(&self._quantities, self._slots[at]))))
        return found

    def walk(self):
        """Yield all levels, best first; read it before they change again."""
        cdef Py_ssize_t at = self._size
        while 0 < at <= self._size:
            at -= 1
            yield self._price(at), _string(_text(&self._quantities, self._slots[at]))

    def find(self, str price not None):
        """Return the text under which a price of this value is kept."""
        cdef Text text = _ascii(price)
        cdef bint known
        cdef Py_ssize_t at = self._place(text, self._sign * _rank(text), &known)
        return self._price(at) if known else None

    def may_hold(self, str price not None):
        """Tell whether a level of this value is here, or would lie beyond the worst one."""
        return not self._size or self._sign * _rank(_ascii(price)) < self._ranks[0] or self.find(price) is not None

    cpdef bint meets(self, Levels asks):
        """Tell whether these bids' best is at or above the best ask."""
        cdef Py_ssize_t bid = self._size - 1, ask = asks._size - 1
        if bid < 0 or ask < 0 or self._ranks[bid] < -asks._ranks[ask]:
            return False
        if self._ranks[bid] > -asks._ranks[ask]:
            return True
        return _compare(_text(&self._prices, self._slots[bid]), _text(&asks._prices, asks._slots[ask])) >= 0

    cdef str _price(self, Py_ssize_t at):
        return _string(_text(&self._prices, self._slots[at]))

    cdef int _apply_frame(self, FrameLevels changes) except -1:
        cdef Py_ssize_t at
        cdef Written* level
        cdef Text price, quantity
        cdef bint is_zero
        cdef int64_t rank
        for at in range(changes._size):
            level = changes._levels + at
            price.start, price.size = level.price, level.price_size
            quantity.start, quantity.size = level.quantity, level.quantity_size
            is_zero = level.quantity_kind == NONE if level.quantity_kind != ODD else _is_zero(quantity)
            rank = _bits(level.rank) if level.rank > 0 else _rank(price)
            self._store(price, self._sign * rank, quantity, is_zero)
        return 0

    cdef int _set(self, str price, str quantity) except -1:
        cdef Text price_text = _ascii(price), quantity_text = _ascii(quantity)
        cdef bint is_zero = _is_zero(quantity_text)
        return self._store(price_text, self._sign * _rank(price_text), quantity_text, is_zero)

    cdef int _store(self, Text price, int64_t rank, Text quantity, bint is_zero) except -1:
        cdef bint known
        cdef Py_ssize_t at = self._place(price, rank, &known)
        if is_zero:
            return self._remove(at, price, known)
        if not known:
            self._insert(at, rank, price)
        return self._write(&self._quantities, self._slots[at], quantity)

    cdef Py_ssize_t _place(self, Text price, int64_t rank, bint* known) noexcept:
        """Return where the level is, or where it belongs."""
        cdef const int64_t* low = self._ranks
        cdef Py_ssize_t left = self._size, half, at
        cdef int order
        if left > NEAR and low[left - NEAR] < rank:  # as most changes
            low += left - NEAR
            left = NEAR
        while left > 1:  # without branches: where a level is can never be foretold
            half = left >> 1
            low += half * (low[half - 1] < rank)
            left -= half
        at = low - self._ranks
        if left and low[0] < rank:
            at += 1
        known[0] = False
        while at < self._size and self._ranks[at] == rank:
            if _is_same(&self._prices, self._slots[at], price):
                known[0] = True
                break
            order = self._sign * _compare(_text(&self._prices, self._slots[at]), price)
            known[0] = order == 0
            if order >= 0:
                break
            at += 1
        return at

    cdef int _remove(self, Py_ssize_t at, Text price, bint known) except -1:
        cdef uint32_t slot
        cdef Py_ssize_t behind = self._size - at - 1
        if known and self.epochs:
            self.epochs.pop(self._price(at), None)
        if known:
            slot = self._slots[at]
            memmove(self._ranks + at, self._ranks + at + 1, behind * sizeof(int64_t))
            memmove(self._slots + at, self._slots + at + 1, behind * sizeof(uint32_t))
            self._size -= 1
            self._slots[self._size] = slot
        if self.epochs:
            self.epochs.pop(_string(price), None)
        return 0

    cdef int _insert(self, Py_ssize_t at, int64_t rank, Text price) except -1:
        cdef uint32_t slot
        cdef Py_ssize_t behind = self._size - at
        if self._size == self._room:
            self._grow(self._room + (self._room >> 4) + WIDTH)
        slot = self._slots[self._size]
        self._write(&self._prices, slot, price)
        memmove(self._ranks + at + 1, self._ranks + at, behind * sizeof(int64_t))
        memmove(self._slots + at + 1, self._slots + at, behind * sizeof(uint32_t))
        self._ranks[at], self._slots[at] = rank, slot
        self._size += 1
        return 0

    cdef int _grow(self, Py_ssize_t room) except -1:
        cdef Py_ssize_t at
        self._ranks = <int64_t*>_resized(self._ranks, room * sizeof(int64_t))
        self._slots = <uint32_t*>_resized(self._slots, room * sizeof(uint32_t))
        self._prices.texts = <char*>_resized(self._prices.texts, room * self._prices.width)
        self._quantities.texts = <char*>_resized(self._quantities.texts, room * self._quantities.width)
        for at in range(self._room, room):
            self._slots[at] = at
        self._room = room
        return 0

    cdef int _write(self, Column* column, Py_ssize_t slot, Text text) except -1:
        cdef char* place
        if text.size > column.width:
            self._widen(column, text.size)
        place = column.texts + slot * column.width
        memcpy(place, text.start, text.size)
        memset(place + text.size, 0, column.width - text.size)
        return 0

    cdef int _widen(self, Column* column, Py_ssize_t width) except -1:
        cdef Py_ssize_t slot
        cdef char* texts = <char*>PyMem_Calloc(self._room, width)
        if texts is NULL:
            raise MemoryError
        for slot in range(self._room):
            memcpy(texts + slot * width, column.texts + slot * column.width, column.width)
        PyMem_Free(column.texts)
        column.texts, column.width = texts, width
        return 0


@cython.final
@cython.freelist(16)
@cython.no_gc
cdef class FrameLevels:
    """Levels as they stand in a frame, which is kept as long as they are. For readers a sequence of pairs of texts."""

    def __dealloc__(self):
        PyMem_Free(self._more)

    def __len__(self):
        """Count the levels."""
        return self._size

    def __iter__(self):
        """Make the texts of all levels."""
        return iter(self._pairs())

    def __getitem__(self, at):
        """Make the texts of all levels and take one, or some."""
        return self._pairs()[at]

    def __eq__(self, other):
        """Compare with a list, or with other levels, by their texts."""
        return self._pairs() == list(other) if isinstance(other, (list, FrameLevels)) else NotImplemented

    def __repr__(self):
        """Show the texts."""
        return repr(self._pairs())

    cdef list _pairs(self):
        cdef Py_ssize_t at
        cdef Written* level
        cdef list found = []
        for at in range(self._size):
            level = self._levels + at
            found.append((_made(level.price, level.price_size), _made(level.quantity, level.quantity_size)))
        return found

    cdef const char* take(self, const char* at) except? NULL:
        """Append the level that stands here as ``1.5","2"]``; return the place behind, NULL where nothing like it is.

        Here, and wherever a frame is read, the zero byte behind the last one ends each loop.
        """
        cdef Written* level
        if self._size == self._room:
            self._make_room()
        level = self._levels + self._size
        at = _read_price(at, level)
        if at[0] != c'"' or at[1] != c"," or at[2] != c'"':
            return NULL
        at = _read_quantity(at + 3, level)
        if at[0] != c'"' or at[1] != c"]":
            return NULL
        self._size += 1
        return at + 2


    cdef int _make_room(self) except -1:
        cdef bint is_first = self._more is NULL
        self._more = <Written*>_resized(self._more, 2 * self._room * sizeof(Written))
        if is_first:
            memcpy(self._more, self._few, self._size * sizeof(Written))
        self._levels = self._more
        self._room *= 2
        return 0


cdef FrameLevels levels_of(bytes frame):
    """Begin to read levels of this frame."""
    cdef FrameLevels made = FrameLevels.__new__(FrameLevels)
    made._frame, made._levels, made._room = frame, made._few, FEW
    return made


cdef FrameLevels NO_LEVELS = levels_of(b"")


cdef inline const char* _read_price(const char* at, Written* level) noexcept:
    """Take digits and points. ``rank`` is the double nearest to the number, 0 where that takes a closer look."""
    cdef const char* point = NULL
    cdef unsigned long long digits = 0
    level.price = at
    at = _digits(at, &digits)
    if at[0] == c".":
        point = at + 1
        at = _digits(point, &digits)
    level.rank = 0
    if at[0] != c"." and at - level.price <= SURE and digits <= MOST_EXACT:
        level.rank = <double>digits / POWERS[at - point if point else 0]
    at = _rest(at)
    level.price_size = <int>(at - level.price)
    return at


cdef inline const char* _read_quantity(const char* at, Written* level) noexcept:
    """Take digits and points, and tell whether they are zero."""
    cdef unsigned long long digits = 0
    cdef bint has_point = False
    level.quantity = at
    at = _digits(at, &digits)
    if at[0] == c".":
        has_point = True
        at = _digits(at + 1, &digits)
    level.quantity_kind = ODD
    if at[0] != c"." and has_point < at - level.quantity <= SURE:
        level.quantity_kind = SOME if digits else NONE
    at = _rest(at)
    level.quantity_size = <int>(at - level.quantity)
    return at


cdef inline const char* _digits(const char* at, unsigned long long* value) noexcept:
    """Pass over digits and append them to a number; it is wrong beyond 19 of them."""
    cdef unsigned long long found = value[0]
    cdef unsigned char one = <unsigned char>(at[0] - 48)
    while one <= 9:
        found = 10 * found + one
        at += 1
        one = <unsigned char>(at[0] - 48)
    value[0] = found
    return at


cdef inline const char* _rest(const char* at) noexcept:
    """Pass over more digits and points."""
    while at[0] == c"." or c"0" <= at[0] <= c"9":
        at += 1
    return at


cdef void _swap(uint32_t* slots, Py_ssize_t first, Py_ssize_t size) noexcept:
    """Put the first few slots behind the others."""
    _reverse(slots, 0, first)
    _reverse(slots, first, size)
    _reverse(slots, 0, size)


cdef void _reverse(uint32_t* slots, Py_ssize_t low, Py_ssize_t end) noexcept:
    while low < end - 1:
        end -= 1
        slots[low], slots[end] = slots[end], slots[low]
        low += 1


cdef void* _resized(void* memory, Py_ssize_t size) except NULL:
    cdef void* found = PyMem_Realloc(memory, size)
    if found is NULL:
        raise MemoryError
    return found


cdef inline Text _text(const Column* column, Py_ssize_t slot) noexcept:
    cdef Text text
    text.start = column.texts + slot * column.width
    text.size = strnlen(text.start, column.width)
    return text


cdef inline bint _is_same(const Column* column, Py_ssize_t slot, Text text) noexcept:
    cdef const char* kept = column.texts + slot * column.width
    if text.size > column.width or memcmp(kept, text.start, text.size) != 0:
        return False
    return text.size == column.width or kept[text.size] == 0


cdef inline str _string(Text text):
    return _made(text.start, text.size)


cdef inline str _made(const char* start, Py_ssize_t size):
    cdef str made = PyUnicode_New(size, 127)
    memcpy(PyUnicode_DATA(made), start, size)
    return made


cdef Text _ascii(str text) except *:
    cdef Text found
    if not PyUnicode_IS_COMPACT_ASCII(text):
        raise WireFormatError("a price or quantity is not a number")
    found.start, found.size = PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)
    return found


cdef inline int64_t _bits(double value) noexcept:
    """Return the bits of a positive double, which as whole numbers are in the same order and faster to compare."""
    cdef int64_t bits
    memcpy(&bits, &value, sizeof(bits))
    return bits


cdef int64_t _rank(Text price) except -1:
    """Return the bits of the double nearest to a positive plain decimal: two exact doubles divided, usually."""
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
    return _bits(value)


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


cdef int _compare(Text left, Text right) noexcept:
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


cdef Py_ssize_t _whole(const char* text, const char* end) noexcept:
    """Count the digits before the point."""
    cdef Py_ssize_t count = 0
    while text + count < end and text[count] != c".":
        count += 1
    return count
