/*
** err.h - how a failure is described inside the C rooms. A function that can fail returns
** PIX_OK or a PIX_E* and fills the `struct pix_err` that the caller gave as last argument.
** Nothing in it is owned: all text is copied and cut to fit. No secret may be written into it.
*/
#ifndef PIX_ERR_H
#define PIX_ERR_H

#include "base.h"

enum pix_kind {
  PIX_OK = 0,
#define PIX_ERR_KIND(symbol, word, hint) PIX_E##symbol,
#include "err.def"
#undef PIX_ERR_KIND
  PIX_KINDS
};

/* What is known of the request's bytes: none left; some left, outcome unknown; answered. */
enum pix_sent { PIX_SENT_NO = 0, PIX_SENT_MAYBE, PIX_SENT_YES };

struct pix_err {
  enum pix_kind kind;
  enum pix_sent sent;
  long http_status;   /* 0: no answer */
  double retry_after; /* seconds; negative: the provider did not say */
  char code[48];      /* the provider's own code, "" if none */
  char field[64];     /* the argument at fault, as the caller spells it: "payer.tax_id" */
  char message[512];  /* the provider's words, or ours; valid UTF-8 */
  char hint[256];     /* what to do next; "" = the kind's own hint */
};

/* Empties err: PIX_OK, sent "no", retry_after -1. */
void pix_err_init(struct pix_err *err);

/* Describes a failure found here, before anything was sent (sent = "no"). `field` may be NULL.
** err may be NULL (the caller does not want words). Returns `kind`, so that one can
** `return pix_err_set(err, PIX_EINVALID, "amount", "…")`. */
int pix_err_set(struct pix_err *err, enum pix_kind kind, const char *field, const char *format, ...)
    PIX_PRINTF(4, 5);

/* Replaces the hint; returns err->kind. err may be NULL. */
int pix_err_hint(struct pix_err *err, const char *format, ...) PIX_PRINTF(2, 3);

/* The words of err.def: static strings, never NULL. */
const char *pix_err_kind_name(enum pix_kind kind);
const char *pix_err_kind_hint(enum pix_kind kind);
const char *pix_err_sent_name(enum pix_sent sent); /* "no" | "maybe" | "yes" */

/* Copies text into a fixed field, cut at a UTF-8 boundary; bytes that are not UTF-8 and control
** characters become '?', so that no reply can break a log line. `size` counts the NUL. */
void pix_err_copy(char *to, size_t size, const char *text, size_t len);

#endif
