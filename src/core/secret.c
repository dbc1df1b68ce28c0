/*
** secret.c - memory that is wiped when it ends; see secret.h.
*/
#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#include "hmac.h"

static bool fits_header(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
  }
  return true;
}

int pix_secret_set(struct pix_secret *secret, const char *text, size_t len, const char *field,
                   struct pix_err *err) {
  char *copy;

  if (len == 0) return pix_err_set(err, PIX_EINVALID, field, "%s is empty", field);
  if (len > PIX_MAX_SECRET) {
    return pix_err_set(err, PIX_EINVALID, field, "%s is longer than %d bytes", field,
                       PIX_MAX_SECRET);
  }
  if (!fits_header(text, len)) {
    return pix_err_set(err, PIX_EINVALID, field, "%s has a control character in it", field);
  }
  copy = malloc(len + 1);
  if (copy == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  memcpy(copy, text, len); /* before the wipe: text may be the former value */
  copy[len] = '\0';
  pix_secret_fini(secret);
  secret->data = copy;
  secret->len = len;
  return PIX_OK;
}

void pix_secret_fini(struct pix_secret *secret) {
  if (secret->data != NULL) OPENSSL_cleanse(secret->data, secret->len);
  free(secret->data);
  secret->data = NULL;
  secret->len = 0;
}

bool pix_secret_equal(const struct pix_secret *a, const struct pix_secret *b) {
  return a->len == b->len && pix_hmac_equal(a->data, b->data, a->len);
}
