/*
** buf.c - growing bytes; see buf.h.
*/
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#define FIRST_CAPACITY 256

void pix_buf_init(struct pix_buf *buf, size_t max) {
  memset(buf, 0, sizeof *buf);
  buf->max = max;
}

static void drop(struct pix_buf *buf) {
  if (buf->data != NULL && buf->secret) OPENSSL_cleanse(buf->data, buf->cap);
  free(buf->data);
}

void pix_buf_fini(struct pix_buf *buf) {
  drop(buf);
  buf->data = NULL;
  buf->len = buf->cap = 0;
}

void pix_buf_clear(struct pix_buf *buf) {
  if (buf->data != NULL) {
    if (buf->secret) OPENSSL_cleanse(buf->data, buf->cap);
    buf->data[0] = '\0';
  }
  buf->len = 0;
  buf->failed = buf->starved = false;
}

/* A new block instead of realloc when secret: realloc would leave the old bytes behind. */
static bool grow(struct pix_buf *buf, size_t cap) {
  char *data = buf->secret ? malloc(cap) : realloc(buf->data, cap);

  if (data == NULL) return false;
  if (buf->secret) {
    if (buf->len > 0) memcpy(data, buf->data, buf->len);
    drop(buf);
  }
  buf->data = data;
  buf->cap = cap;
  return true;
}

bool pix_buf_reserve(struct pix_buf *buf, size_t more) {
  size_t need, cap;

  if (buf->failed) return false;
  if (more > buf->max || buf->len > buf->max - more) {
    buf->failed = true;
    return false;
  }
  need = buf->len + more + 1;
  if (need <= buf->cap) return true;
  cap = buf->cap > 0 ? buf->cap : FIRST_CAPACITY;
  while (cap < need) cap *= 2;
  if (cap > buf->max + 1) cap = buf->max + 1;
  if (!grow(buf, cap)) buf->failed = buf->starved = true;
  return !buf->failed;
}

void pix_buf_add(struct pix_buf *buf, const void *data, size_t len) {
  if (!pix_buf_reserve(buf, len)) return;
  if (len > 0) memcpy(buf->data + buf->len, data, len);
  buf->len += len;
  buf->data[buf->len] = '\0';
}

void pix_buf_adds(struct pix_buf *buf, const char *text) {
  pix_buf_add(buf, text, strlen(text));
}

void pix_buf_addc(struct pix_buf *buf, char c) {
  pix_buf_add(buf, &c, 1);
}

void pix_buf_addf(struct pix_buf *buf, const char *format, ...) {
  va_list args;
  int len;

  va_start(args, format);
  len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0) buf->failed = true;
  if (len < 0 || !pix_buf_reserve(buf, (size_t)len)) return;
  va_start(args, format);
  vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
  va_end(args);
  buf->len += (size_t)len;
}

const char *pix_buf_text(const struct pix_buf *buf) {
  return buf->data != NULL ? buf->data : "";
}
