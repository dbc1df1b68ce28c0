/*
** text.h - checks and encodings of text that comes from outside.
*/
#ifndef PIX_TEXT_H
#define PIX_TEXT_H

#include "buf.h"
#include "err.h"

/* Length of the run of printable ASCII (blanks included) at the start of text. */
size_t pix_text_plain(const char *text, size_t len);

/* Length of the valid UTF-8 sequence at the start of text (1–4); 0 if there is none:
** overlong forms, surrogates and code points past U+10FFFF are not valid. */
size_t pix_text_utf8_step(const char *text, size_t len);

/* Is the sequence of `step` bytes at text a control character: C0, DEL, or C1 (U+009B alone is a
** terminal's escape sequence)? */
bool pix_text_is_control(const char *text, size_t step);

/* Characters (code points) in text; a byte that is not UTF-8 counts as one. */
size_t pix_text_utf8_count(const char *text, size_t len);

/* PIX_OK, or PIX_EINVALID naming `field`: empty, longer than max, not UTF-8, or with a control
** character (NUL, CR, LF, …, U+0080–U+009F) in it. The message never quotes the value. */
int pix_text_check(const char *text, size_t len, size_t max, const char *field,
                   struct pix_err *err);

/* Appends text percent-encoded: all but the unreserved characters of RFC 3986 (letters, digits
** and - . _ ~), so that it stays one path segment or one query value. */
void pix_text_percent(struct pix_buf *buf, const char *text, size_t len);

/* Decodes base64 (standard alphabet, padding optional, no blanks, unused bits zero) into out, which
** holds at least len / 4 * 3 + 3 bytes. Returns the number of bytes, or -1 if it is not base64. */
long pix_text_base64(const char *text, size_t len, unsigned char *out);

/* Tests of ASCII characters; ctype.h would ask the process's locale. */
static inline bool pix_text_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static inline bool pix_text_is_blank(char c) {
  return c == ' ' || c == '\t';
}

static inline char pix_text_upper(char c) {
  return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The value of a hexadecimal digit of either case, or -1. */
int pix_text_hex(char c);

/* Case-folded comparison of ASCII: true if text[0..len) equals the NUL-terminated word. */
bool pix_text_is(const char *text, size_t len, const char *word);

#endif
