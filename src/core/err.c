/*
** err.c - descriptions of failures; see err.h.
*/
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static const struct {
  const char *name;
  const char *hint;
} kinds[PIX_KINDS] = {
    [PIX_OK] = {"ok", ""},
#define PIX_ERR_KIND(symbol, word, advice) [PIX_E##symbol] = {word, advice},
#include "err.def"
#undef PIX_ERR_KIND
};

void pix_err_init(struct pix_err *err) {
  err->kind = PIX_OK;
  err->sent = PIX_SENT_NO;
  err->http_status = 0;
  err->retry_after = -1;
  err->code[0] = err->field[0] = err->message[0] = err->hint[0] = '\0';
}

/* The length of what vsnprintf wrote, less a character that it cut in two. */
static size_t whole(const char *text, size_t size, int len) {
  size_t at = 0;

  if (len < 0) return 0;
  if ((size_t)len < size) return (size_t)len;
  for (size_t step; at < size - 1; at += step) {
    step = pix_text_utf8_step(text + at, size - 1 - at);
    if (step == 0 && size - 1 - at < 4) break;
    if (step == 0) step = 1;
  }
  return at;
}

int pix_err_set(struct pix_err *err, enum pix_kind kind, const char *field, const char *format,
                ...) {
  char text[sizeof err->message];
  va_list args;
  int len;

  if (err == NULL) return kind;
  va_start(args, format);
  len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  pix_err_init(err);
  err->kind = kind;
  pix_err_copy(err->message, sizeof err->message, text, whole(text, sizeof text, len));
  if (field != NULL) pix_err_copy(err->field, sizeof err->field, field, strlen(field));
  return kind;
}

int pix_err_hint(struct pix_err *err, const char *format, ...) {
  char text[sizeof err->hint];
  va_list args;
  int len;

  if (err == NULL) return PIX_OK;
  va_start(args, format);
  len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  pix_err_copy(err->hint, sizeof err->hint, text, whole(text, sizeof text, len));
  return err->kind;
}

const char *pix_err_kind_name(enum pix_kind kind) {
  return (unsigned)kind < PIX_KINDS ? kinds[kind].name : kinds[PIX_EINTERNAL].name;
}

const char *pix_err_kind_hint(enum pix_kind kind) {
  return (unsigned)kind < PIX_KINDS ? kinds[kind].hint : kinds[PIX_EINTERNAL].hint;
}

const char *pix_err_sent_name(enum pix_sent sent) {
  static const char *const names[] = {"no", "maybe", "yes"};
  return names[sent];
}

void pix_err_copy(char *to, size_t size, const char *text, size_t len) {
  size_t used = 0;

  used = pix_text_plain(text, len < size ? len : size - 1);
  memcpy(to, text, used);
  for (size_t at = used; at < len;) {
    size_t step = pix_text_utf8_step(text + at, len - at);
    bool plain = step > 0 && !pix_text_is_control(text + at, step);
    size_t width = plain ? step : 1;
    if (used + width >= size) break;
    if (plain)
      memcpy(to + used, text + at, step);
    else
      to[used] = '?';
    used += width;
    at += step > 0 ? step : 1;
  }
  to[used] = '\0';
}
