cdef long long usual_time(const unsigned char* text)
