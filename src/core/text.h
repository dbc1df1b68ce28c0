/*
** text.h - checks and encodings of text that comes from outside.
*/
#ifndef PIX_TEXT_H
#define PIX_TEXT_H

#include "buf.h"
#include "err.h"

/* Length of the valid UTF-8 sequence at the start of text (1–4); 0 if there is none:
** overlong forms, surrogates and code points past U+10FFFF are not valid. */
size_t pix_text_utf8_step(const char *text, size_t len);

/* PIX_OK, or PIX_EINVALID naming `field`: empty, longer than max, not UTF-8, or with a control
** character (NUL, CR, LF, …) in it. The message never quotes the value. */
int pix_text_check(const char *text, size_t len, size_t max, const char *field,
                   struct pix_err *err);

/* Appends text percent-encoded: all but the unreserved characters of RFC 3986 (A–Z a–z 0–9 - . _
*~),
** so that it stays one path segment or one query value. */
void pix_text_percent(struct pix_buf *buf, const char *text, size_t len);

/* Decodes base64 (standard alphabet, padding optional, no blanks) into out, which holds at least
** len / 4 * 3 + 3 bytes. Returns the number of bytes, or -1 if it is not base64. */
long pix_text_base64(const char *text, size_t len, unsigned char *out);

/* Case-folded comparison of ASCII: true if text[0..len) equals the NUL-terminated word. */
bool pix_text_is(const char *text, size_t len, const char *word);

#endif
