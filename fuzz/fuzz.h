/*
** fuzz.h - what the fuzz targets share: a reader of libFuzzer's input, and a check that stops the
** program, so that libFuzzer keeps the input.
*/
#ifndef PIX_FUZZ_H
#define PIX_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond)                                                                           \
  do {                                                                                             \
    if (!(cond)) {                                                                                 \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);                    \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

struct fuzz_input {
  const uint8_t *data;
  size_t size;
};

/* The next byte; 0 at the end. */
static inline unsigned fuzz_byte(struct fuzz_input *input) {
  if (input->size == 0) return 0;
  input->size--;
  return *input->data++;
}

/* The next line, without its newline; borrowed, not terminated. */
static inline const char *fuzz_line(struct fuzz_input *input, size_t *len) {
  const uint8_t *line = input->data;
  const uint8_t *end = input->size > 0 ? memchr(line, '\n', input->size) : NULL;

  *len = end != NULL ? (size_t)(end - line) : input->size;
  input->data += *len + (end != NULL);
  input->size -= *len + (end != NULL);
  return (const char *)line;
}

/* What is left, in memory of exactly its size, so that a read past its end is seen. Freed by the
** caller. */
static inline char *fuzz_rest(struct fuzz_input *input, size_t *len) {
  char *copy = malloc(input->size > 0 ? input->size : 1);

  FUZZ_CHECK(copy != NULL);
  if (input->size > 0) memcpy(copy, input->data, input->size);
  *len = input->size;
  input->data += input->size;
  input->size = 0;
  return copy;
}

/* Text that is shown or logged: ended, UTF-8, no control characters. */
static inline void fuzz_check_text(const char *text, size_t size) {
  size_t len = strnlen(text, size);

  FUZZ_CHECK(len < size);
  FUZZ_CHECK(len == 0 || pix_text_check(text, len, size, "text", NULL) == PIX_OK);
}

/* An error as every function must leave it. */
static inline void fuzz_check_err(const struct pix_err *err) {
  FUZZ_CHECK(err->kind > PIX_OK && err->kind < PIX_KINDS);
  FUZZ_CHECK(err->retry_after == -1 || (err->retry_after >= 0 && err->retry_after <= 60));
  fuzz_check_text(err->code, sizeof err->code);
  fuzz_check_text(err->field, sizeof err->field);
  fuzz_check_text(err->message, sizeof err->message);
  fuzz_check_text(err->hint, sizeof err->hint);
}

#endif
