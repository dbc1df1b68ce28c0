/*
** text.c - checks and encodings of text that comes from outside; see text.h.
*/
#include "text.h"

#include <string.h>

/* Bytes that the first one announces, 0 for a byte that starts no sequence. */
static size_t announced(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* RFC 3629, section 4: the second byte's range excludes overlong forms, surrogates, > U+10FFFF. */
static bool second_fits(unsigned char first, unsigned char second) {
  switch (first) {
  case 0xe0: return second >= 0xa0 && second <= 0xbf;
  case 0xed: return second >= 0x80 && second <= 0x9f;
  case 0xf0: return second >= 0x90 && second <= 0xbf;
  case 0xf4: return second >= 0x80 && second <= 0x8f;
  default: return second >= 0x80 && second <= 0xbf;
  }
}

size_t pix_text_utf8_step(const char *text, size_t len) {
  const unsigned char *bytes = (const unsigned char *)text;
  size_t step = len > 0 ? announced(bytes[0]) : 0;

  if (step > len) return 0;
  if (step > 1 && !second_fits(bytes[0], bytes[1])) return 0;
  for (size_t i = 2; i < step; i++) {
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  }
  return step;
}

/* Eight bytes at once, for nearly all text is plain. A byte fails when its high bit is set, when it
** is below 0x20 (the subtraction borrows), or 0x7f (adding one sets the high bit). A borrow or
** carry from a neighbour can only deny what is plain. */
static bool all_plain(const char *text) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t word;

  memcpy(&word, text, sizeof word);
  return ((word | (word - ones * 0x20) | (word + ones)) & (ones * 0x80)) == 0;
}

size_t pix_text_plain(const char *text, size_t len) {
  size_t at = 0;

  while (len - at >= 8 && all_plain(text + at)) at += 8;
  if (at > 0 && len - at < 8 && all_plain(text + len - 8)) return len;
  while (at < len && (unsigned char)text[at] - 0x20u < 0x5fu) at++;
  return at;
}

size_t pix_text_utf8_count(const char *text, size_t len) {
  size_t count = 0;

  for (size_t at = 0; at < len;) {
    size_t plain = pix_text_plain(text + at, len - at), step;
    at += plain;
    count += plain;
    if (at == len) break;
    step = pix_text_utf8_step(text + at, len - at);
    at += step > 0 ? step : 1;
    count++;
  }
  return count;
}

bool pix_text_is_control(const char *text, size_t step) {
  const unsigned char *bytes = (const unsigned char *)text;

  if (step == 1) return bytes[0] < 0x20 || bytes[0] == 0x7f;
  return step == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}

int pix_text_check(const char *text, size_t len, size_t max, const char *field,
                   struct pix_err *err) {
  if (len == 0) return pix_err_set(err, PIX_EINVALID, field, "%s is empty", field);
  if (len > max) {
    return pix_err_set(err, PIX_EINVALID, field, "%s is longer than %zu bytes", field, max);
  }
  for (size_t at = pix_text_plain(text, len); at < len; at += pix_text_plain(text + at, len - at)) {
    size_t step = pix_text_utf8_step(text + at, len - at);
    if (step == 0) return pix_err_set(err, PIX_EINVALID, field, "%s is not valid UTF-8", field);
    if (pix_text_is_control(text + at, step)) {
      return pix_err_set(err, PIX_EINVALID, field, "%s has a control character at byte %zu", field,
                         at + 1);
    }
    at += step;
  }
  return PIX_OK;
}

static bool is_unreserved(char c) {
  char upper = pix_text_upper(c);

  return pix_text_is_digit(c) || (upper >= 'A' && upper <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void pix_text_percent(struct pix_buf *buf, const char *text, size_t len) {
  static const char hex[] = "0123456789ABCDEF";

  size_t from = 0;

  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];
    char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
    if (is_unreserved(text[i])) continue;
    pix_buf_add(buf, text + from, i - from);
    pix_buf_add(buf, escape, sizeof escape);
    from = i + 1;
  }
  pix_buf_add(buf, text + from, len - from);
}

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/* Length without its padding, or SIZE_MAX if padding or length are impossible. */
static size_t unpadded(const char *text, size_t len) {
  size_t pad = 0;

  while (pad < 2 && pad < len && text[len - 1 - pad] == '=') pad++;
  if (pad > 0 && len % 4 != 0) return SIZE_MAX;
  len -= pad;
  return len % 4 == 1 ? SIZE_MAX : len;
}

long pix_text_base64(const char *text, size_t len, unsigned char *out) {
  size_t end = unpadded(text, len);
  uint32_t bits = 0;
  unsigned held = 0;
  long count = 0;

  if (end == SIZE_MAX) return -1;
  for (size_t i = 0; i < end; i++) {
    int value = base64_value(text[i]);
    if (value < 0) return -1;
    bits = (bits << 6 | (uint32_t)value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[count++] = (unsigned char)(bits >> held);
  }
  return (bits & ((1u << held) - 1)) == 0 ? count : -1;
}

int pix_text_hex(char c) {
  char upper = pix_text_upper(c);

  if (pix_text_is_digit(c)) return c - '0';
  return upper >= 'A' && upper <= 'F' ? upper - 'A' + 10 : -1;
}

bool pix_text_is(const char *text, size_t len, const char *word) {
  if (len != strlen(word)) return false;
  for (size_t i = 0; i < len; i++) {
    if (pix_text_upper(text[i]) != pix_text_upper(word[i])) return false;
  }
  return true;
}
