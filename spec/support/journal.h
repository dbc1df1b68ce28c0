/*
** journal.h - for the journal's tests: a reactor, transactions of one statement, their outcome.
*/
#ifndef PIX_SPEC_JOURNAL_H
#define PIX_SPEC_JOURNAL_H

#include <stdio.h>

#include "../../src/core/journal.h"
#include "check.h"

/* A child of a program with threads starts threads here: legal, and ThreadSanitizer can do it. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  return "die_after_fork=0";
}

static struct pix_reactor *reactor;

static inline struct pix_journal *open_at(const struct pix_journal_backend *backend,
                                          const char *where, double patience) {
  struct pix_journal *j = NULL;

  if (reactor == NULL) CHECK_INT(PIX_OK, pix_reactor_new(false, &reactor, NULL));
  CHECK_INT(PIX_OK, pix_journal_new(backend, where, strlen(where), patience, &j, NULL));
  return j;
}

static inline void shut(struct pix_journal *j) {
  pix_journal_close(j);
  pix_reactor_close(reactor);
  reactor = NULL;
}

static inline void put_to(struct pix_journal *j, struct pix_reactor *to, const char *sql,
                          int64_t expect) {
  struct pix_tx *tx = pix_tx_new();
  struct pix_statement *statement;
  struct pix_op *op;

  CHECK_INT(PIX_OK, pix_tx_add(tx, sql, strlen(sql), 0, &statement, NULL));
  statement->expect = expect;
  op = pix_journal_op(j, to, tx);
  pix_reactor_submit(to, op);
  pix_journal_put(op);
}

static inline void put(struct pix_journal *j, const char *sql) {
  put_to(j, reactor, sql, -1);
}

/* Waits for one op; its error's code ("" = committed), and the first value of its first row. */
static char code[48];
static int64_t value;
static struct pix_op *drained;

static inline const char *outcome(void) {
  const struct pix_tx *tx;
  struct pix_op *op;

  while (drained == NULL && pix_reactor_wait(reactor, 20) > 0) drained = pix_reactor_drain(reactor);
  op = drained;
  if (op == NULL) return "nothing came";
  drained = op->next;
  tx = pix_journal_tx(op);
  snprintf(code, sizeof code, "%s", tx->err.code);
  value = -1;
  if (tx->first->rows != NULL) value = tx->first->rows->values[0].integer;
  op->verbs->free(op);
  return code;
}

static inline const char *do_one(struct pix_journal *j, const char *sql) {
  put(j, sql);
  return outcome();
}

#endif
