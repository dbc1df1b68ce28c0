/*
** buf.h - a growing array of bytes with a maximum. Errors stick: after a failed append every
** further append does nothing, and pix_buf_failed() tells at the end, so that a writer needs
** one check. The data always has a NUL behind it. A buffer marked secret is wiped when it
** grows and when it ends.
*/
#ifndef PIX_BUF_H
#define PIX_BUF_H

#include "base.h"

struct pix_buf {
  char *data; /* owned; NULL while empty */
  size_t len;
  size_t cap;
  size_t max;   /* appends past this fail */
  bool secret;  /* wipe with OPENSSL_cleanse */
  bool failed;  /* out of memory or past max */
  bool starved; /* out of memory */
};

void pix_buf_init(struct pix_buf *buf, size_t max); /* no allocation */
void pix_buf_fini(struct pix_buf *buf);             /* frees (wipes if secret); safe twice */
void pix_buf_clear(struct pix_buf *buf);            /* empty, not failed; keeps the memory */

void pix_buf_add(struct pix_buf *buf, const void *data, size_t len);
void pix_buf_adds(struct pix_buf *buf, const char *text); /* NUL-terminated */
void pix_buf_addc(struct pix_buf *buf, char c);
void pix_buf_addf(struct pix_buf *buf, const char *format, ...) PIX_PRINTF(2, 3);

bool pix_buf_reserve(struct pix_buf *buf, size_t more); /* false: failed is set */
const char *pix_buf_text(const struct pix_buf *buf);    /* NUL-terminated, "" when empty */

#endif
