# cython: language_level=3, boundscheck=False, wraparound=False
"""Write lines of a recording: the same bytes as ``lines.py``, at a tenth of the cost.

In: bursts of messages. Out: their lines. A message that is not plain ASCII text, or has a control character, goes the
ordinary way.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdio cimport snprintf
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from twap_server.recordings.lines import head_of, line_of

cdef extern from "twap_server/recordings/_escape.h":
    enum:
        _ROOM "TWAP_ROOM"
    void _learn_letters "twap_learn_letters"() noexcept nogil
    unsigned char* _escape "twap_escape"(const unsigned char* text, Py_ssize_t length, unsigned char* to) noexcept nogil

cdef enum:
    _MICROSECOND = 1000
    _KEPT = 1 << 20  # a larger buffer is given back: a list of instruments is as large as a minute of messages
    _TAIL = 40  # quotes, "t", 19 digits, brace, end of line

_learn_letters()


cdef class LineWriter:
    """See ``lines.LineWriter``: the same, in one buffer that is used again and again."""

    cdef unsigned char* text
    cdef Py_ssize_t length, room, tailed, readers
    cdef char tail[_TAIL]  # what stands behind the text of each message of a burst

    def __dealloc__(self):
        free(self.text)

    def lines_of(self, bursts):
        """Write bursts; what is given has to be let go before the next call, as of a ``bytearray``."""
        cdef bytes head = b""
        cdef long long at
        known_direction = known_conn = None
        self.begin()
        for moment, direction, conn, burst in bursts:
            if conn is not known_conn or direction is not known_direction:
                head, known_conn, known_direction = head_of(direction, conn), conn, direction
            at = moment
            self.tailed = snprintf(self.tail, _TAIL, b'","t":%lld}\n', at - at % _MICROSECOND)
            for raw in burst:
                if type(raw) is not bytes or not self.put_plain(head, <bytes>raw):
                    self.put(line_of((moment, direction, conn, raw)))
        return memoryview(self)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.text, self.length, True, flags)
        self.readers += 1

    def __releasebuffer__(self, Py_buffer* buffer):
        self.readers -= 1

    cdef int begin(self) except -1:
        if self.readers:
            raise BufferError("the lines of before are still read")
        self.length = 0
        if self.room > _KEPT:
            free(self.text)
            self.text, self.room = NULL, 0
        return self.make_room(1)  # no lines are somewhere, too

    cdef int make_room(self, Py_ssize_t more) except -1:
        cdef unsigned char* larger
        if self.length + more > self.room:
            self.room = 2 * (self.length + more)
            larger = <unsigned char*>realloc(self.text, self.room)
            if larger is NULL:
                raise MemoryError
            self.text = larger
        return 0

    cdef int put(self, bytes part) except -1:
        self.make_room(PyBytes_GET_SIZE(part))
        memcpy(self.text + self.length, PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part))
        self.length += PyBytes_GET_SIZE(part)
        return 0

    cdef bint put_plain(self, bytes head, bytes raw) except -1:
        """Write a line; False, and nothing is written, where the message is not plain."""
        cdef Py_ssize_t length = PyBytes_GET_SIZE(raw), start = self.length
        cdef unsigned char* end
        self.make_room(PyBytes_GET_SIZE(head) + 2 * length + _ROOM + _TAIL)
        self.put(head)
        end = _escape(<const unsigned char*>PyBytes_AS_STRING(raw), length, self.text + self.length)
        if end is NULL:
            self.length = start
            return False
        memcpy(end, self.tail, self.tailed)
        self.length = end + self.tailed - self.text
        return True
