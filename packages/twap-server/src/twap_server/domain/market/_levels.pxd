cimport cython


cdef enum:
    FEW = 8  # levels of one side that most frames have at most


cdef struct Written:
    const char* price
    const char* quantity
    int price_size
    int quantity_size
    double rank
    char quantity_kind


@cython.final
cdef class FrameLevels:
    cdef bytes _frame
    cdef Written[FEW] _few
    cdef Written* _more
    cdef Written* _levels
    cdef Py_ssize_t _size
    cdef Py_ssize_t _room
    cdef list _pairs(self)
    cdef int _make_room(self) except -1
    cdef const char* take(self, const char* at) except? NULL


cdef FrameLevels levels_of(bytes frame)
cdef FrameLevels NO_LEVELS
