/* Copy plain ASCII text with backslashes where JSON wants them: what _lines.pyx needs of C itself. */

#include <Python.h>

/* So far a step may read ahead of what it copies, within the text, and write behind it. */
#define TWAP_ROOM 32

/* For each letter: what to write (two bytes), how many of them count (one byte), whether it is not plain. */
static unsigned int twap_letters[256];

static void twap_learn_letters(void) {
    for (unsigned int code = 0; code < 256; code++)
        twap_letters[code] = code | 1u << 16 | (unsigned int)(code < ' ' || code > 127) << 24;
    twap_letters['"'] = '\\' | '"' << 8 | 2u << 16;
    twap_letters['\\'] = '\\' | '\\' << 8 | 2u << 16;
}

#if defined(__SSE2__) && defined(__GNUC__)
#include <emmintrin.h>

/* Copy sixteen letters at a time, at a third of the cost; gives how many, the last ones left out. */
static Py_ssize_t twap_copy_blocks(const unsigned char *from, Py_ssize_t length, unsigned char **to, int *odd) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    Py_ssize_t at = 0;
    for (; at + TWAP_ROOM <= length; at += 16) {
        const __m128i text = _mm_loadu_si128((const __m128i *)(from + at)); /* over 127 is negative here */
        const __m128i marked = _mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, backslash));
        unsigned char *next = *to;
        *odd |= _mm_movemask_epi8(_mm_cmplt_epi8(text, space));
        _mm_storeu_si128((__m128i *)next, text);
        for (unsigned int left = (unsigned int)_mm_movemask_epi8(marked); left; left &= left - 1) {
            const int mark = __builtin_ctz(left); /* a backslash here, and all from here on moves by one */
            next[mark] = '\\';
            next++;
            _mm_storeu_si128((__m128i *)(next + mark), _mm_loadu_si128((const __m128i *)(from + at + mark)));
        }
        *to = next + 16;
    }
    return at;
}
#else
#define twap_copy_blocks(from, length, to, odd) 0
#endif

/* Copy a text; gives where the copy ends, or NULL where the text is not plain. */
static unsigned char *twap_escape(const unsigned char *from, Py_ssize_t length, unsigned char *to) {
    int odd = 0;
    unsigned int all = 0;
    for (Py_ssize_t at = twap_copy_blocks(from, length, &to, &odd); at < length; at++) {
        const unsigned int letter = twap_letters[from[at]]; /* without a branch: every few letters have a quote */
        to[0] = (unsigned char)letter;
        to[1] = (unsigned char)(letter >> 8);
        to += letter >> 16 & 3;
        all |= letter;
    }
    return odd || all >> 24 ? NULL : to;
}
