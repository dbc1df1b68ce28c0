/*
** secret.h - a key, token or password in memory that is wiped when it ends.
*/
#ifndef PIX_SECRET_H
#define PIX_SECRET_H

#include "err.h"

#define PIX_REDACTED "[redacted]"

struct pix_secret {
  char *data; /* owned, NUL-terminated; NULL = empty */
  size_t len;
};

/* Copies text; the former value is wiped. PIX_EINVALID for field if it is empty, longer than
** PIX_MAX_SECRET or has a byte that cannot stand in a header line (control characters, NUL). */
int pix_secret_set(struct pix_secret *secret, const char *text, size_t len, const char *field,
                   struct pix_err *err);
void pix_secret_fini(struct pix_secret *secret); /* wipes and frees; safe twice */
bool pix_secret_equal(const struct pix_secret *a, const struct pix_secret *b);

#endif
