/*
** journal_batch.c - how the journal's thread gets a batch done, or finds out that it cannot be; see
** journal_impl.h.
*/
#include "journal_impl.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>

#define RESOLVE_SECONDS 60   /* how long an unanswered COMMIT is asked after */
#define COLLISIONS      20   /* how often two writers may be in each other's way */
#define LONGEST_PAUSE   1000 /* ms between two attempts */

/* ---- one attempt at a batch; the thread ---- */

void pix_journal_end_session(struct pix_journal *j) {
  if (j->session != NULL) j->backend->close(j->session);
  j->session = NULL;
}

static bool concerns_one(enum pix_fault fault) {
  return fault == PIX_FAULT_REFUSED || fault == PIX_FAULT_CONSTRAINT ||
         fault == PIX_FAULT_STATEMENT;
}

/* A statement of the thread's own. */
static struct pix_statement plain(const char *sql) {
  return (struct pix_statement){.sql = sql, .expect = -1};
}

static enum pix_fault run_plain(struct pix_journal *j, const char *sql, struct pix_err *err) {
  struct pix_statement statement = plain(sql), *list[] = {&statement};
  size_t done;

  return j->backend->run(j->session, list, 1, &done, err);
}

/* Without a clean state there is no session. */
static void roll_back(struct pix_journal *j) {
  struct pix_err ignored;

  if (run_plain(j, "ROLLBACK", &ignored) != PIX_FAULT_NONE) pix_journal_end_session(j);
}

static bool reserve(struct pix_journal *j, size_t count) {
  struct pix_statement **list;

  if (count <= j->room) return true;
  list = realloc(j->list, count * sizeof *list);
  if (list == NULL) return false;
  j->list = list;
  j->room = count;
  return true;
}

static enum pix_fault refuse(const struct pix_statement *at, struct pix_err *err) {
  return pix_fault_set(err, PIX_FAULT_REFUSED,
                       "a statement met %" PRId64 " rows and should have met %" PRId64, at->changed,
                       at->expect);
}

/* Which statement of a transaction is at fault, from 1. */
static size_t index_in(const struct pix_tx *tx, const struct pix_statement *statement) {
  size_t at = 1;

  for (const struct pix_statement *s = tx->first; s != NULL && s != statement; s = s->next) at++;
  return at;
}

/* Did each statement meet as many rows as it should? */
static enum pix_fault meets(struct pix_tx *tx, struct pix_err *err) {
  for (struct pix_statement *at = tx->first; at != NULL; at = at->next) {
    if (at->expect < 0 || at->expect == at->changed) continue;
    tx->failed = index_in(tx, at);
    return refuse(at, err);
  }
  return PIX_FAULT_NONE;
}

/* The mark of an attempt; `values` is room for two. */
static struct pix_statement new_mark(struct pix_journal *j, struct pix_value *values) {
  values[0] = (struct pix_value){.kind = PIX_VALUE_TEXT, .data = j->writer, .len = 32};
  values[1] = (struct pix_value){.kind = PIX_VALUE_INTEGER, .integer = ++j->number};
  return (struct pix_statement){.sql = j->backend->mark, .expect = 1, .values = values, .count = 2};
}

/* The row is this writer's own; should it have gone, a new session makes it anew. */
static enum pix_fault check_mark(const struct pix_statement *mark, struct pix_err *err) {
  if (mark->sql == NULL || mark->changed == 1) return PIX_FAULT_NONE;
  return pix_fault_set(err, PIX_FAULT_LOST, "the journal's own row has gone");
}

static enum pix_fault commit(struct pix_journal *j, struct pix_err *err) {
  enum pix_fault fault = j->backend->commit(j->session, err);

  if (fault == PIX_FAULT_UNKNOWN && j->backend->mark != NULL) j->unresolved = true;
  return fault;
}

/* BEGIN, the batch, the mark: into j->list; their number, or 0: out of memory. */
static size_t list_all(struct pix_journal *j, struct pix_statement *begin,
                       struct pix_statement *mark) {
  size_t count = 2;

  for (struct pix_tx *tx = j->batch.head; tx != NULL; tx = tx->next) count += tx->count;
  if (!reserve(j, count)) return 0;
  j->list[0] = begin;
  count = 1;
  for (struct pix_tx *tx = j->batch.head; tx != NULL; tx = tx->next) {
    pix_result_reset(tx);
    for (struct pix_statement *at = tx->first; at != NULL; at = at->next) j->list[count++] = at;
  }
  if (mark->sql != NULL) j->list[count++] = mark;
  return count;
}

/* The hopeful way. *began: there is a transaction to be rolled back. */
static enum pix_fault all_at_once(struct pix_journal *j, bool *began, struct pix_err *err) {
  struct pix_value values[2];
  struct pix_statement begin = plain(j->backend->begin), mark = new_mark(j, values);
  size_t count = list_all(j, &begin, &mark), done = 0;
  enum pix_fault fault;

  if (count == 0) return pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  fault = j->backend->run(j->session, j->list, count, &done, err);
  *began = done > 0;
  if (concerns_one(fault) && done > 0 && done < count && j->list[done]->tx != NULL)
    j->list[done]->tx->failed = index_in(j->list[done]->tx, j->list[done]);
  for (struct pix_tx *tx = j->batch.head; fault == PIX_FAULT_NONE && tx != NULL; tx = tx->next)
    fault = meets(tx, err);
  if (fault == PIX_FAULT_NONE) fault = check_mark(&mark, err);
  return fault != PIX_FAULT_NONE ? fault : commit(j, err);
}

static enum pix_fault with_savepoint(struct pix_journal *j, struct pix_tx *tx,
                                     struct pix_err *err) {
  struct pix_statement save = plain("SAVEPOINT pix_one"), release = plain("RELEASE pix_one");
  struct pix_statement back = plain("ROLLBACK TO pix_one"), *end[] = {&back, &release};
  size_t count = 0, done;
  enum pix_fault fault;

  pix_result_reset(tx);
  j->list[count++] = &save; /* room: all_at_once reserved for more */
  for (struct pix_statement *at = tx->first; at != NULL; at = at->next) j->list[count++] = at;
  fault = j->backend->run(j->session, j->list, count, &done, err);
  if (concerns_one(fault) && done < count) tx->failed = index_in(tx, j->list[done]);
  if (fault == PIX_FAULT_NONE) fault = meets(tx, err);
  if (fault == PIX_FAULT_NONE) return j->backend->run(j->session, end + 1, 1, &done, err);
  if (!concerns_one(fault)) return fault;
  tx->err = *err;
  return j->backend->run(j->session, end, 2, &done, err);
}

/* The careful way, when one of several was refused. */
static enum pix_fault one_by_one(struct pix_journal *j, struct pix_err *err) {
  struct pix_value values[2];
  struct pix_statement mark = new_mark(j, values), *list[] = {&mark};
  enum pix_fault fault = run_plain(j, j->backend->begin, err);
  size_t done;

  if (fault != PIX_FAULT_NONE) return fault;
  for (struct pix_tx *tx = j->batch.head; fault == PIX_FAULT_NONE && tx != NULL; tx = tx->next)
    fault = with_savepoint(j, tx, err);
  if (fault == PIX_FAULT_NONE && mark.sql != NULL)
    fault = j->backend->run(j->session, list, 1, &done, err);
  if (fault == PIX_FAULT_NONE) fault = check_mark(&mark, err);
  if (fault == PIX_FAULT_NONE) fault = commit(j, err);
  if (fault != PIX_FAULT_NONE && !j->unresolved) roll_back(j);
  return fault;
}

static enum pix_fault perform(struct pix_journal *j, struct pix_err *err) {
  bool began = false;
  enum pix_fault fault = all_at_once(j, &began, err);

  if (fault == PIX_FAULT_NONE || j->unresolved) return fault;
  if (began) roll_back(j);
  if (!concerns_one(fault)) return fault;
  if (j->batch.head->next == NULL) {
    j->batch.head->err = *err;
    return PIX_FAULT_NONE;
  }
  if (j->session == NULL) return pix_fault_set(err, PIX_FAULT_LOST, "the rollback failed");
  return one_by_one(j, err);
}

/* Was the batch whose COMMIT was not answered committed? */
static enum pix_fault resolve(struct pix_journal *j, bool *committed, struct pix_err *err) {
  struct pix_tx *tx = pix_tx_new();
  struct pix_statement *check;
  enum pix_fault fault;
  size_t done;

  if (tx == NULL || pix_tx_add(tx, j->backend->check, strlen(j->backend->check), 1, &check, NULL) ||
      pix_tx_bind(tx, check->values, PIX_VALUE_TEXT, j->writer, 32, NULL)) {
    pix_tx_free(tx); /* uncovered: two small blocks on the journal's own thread */
    return pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  }
  pix_result_reset(tx);
  fault = j->backend->run(j->session, &check, 1, &done, err);
  if (fault == PIX_FAULT_NONE) {
    *committed = check->rows != NULL && check->rows->values[0].integer == j->number;
    j->unresolved = false;
  }
  pix_tx_free(tx);
  return fault;
}

static bool ends_session(enum pix_fault fault) {
  return fault == PIX_FAULT_LOST || fault == PIX_FAULT_UNKNOWN || fault >= PIX_FAULT_READONLY;
}

static enum pix_fault attempt(struct pix_journal *j, struct pix_err *err) {
  struct pix_session_options options = {j->where.data, j->writer, j->wake[0], j->patience};
  enum pix_fault fault = PIX_FAULT_NONE;
  bool committed = false;

  if (j->session == NULL) fault = j->backend->open(&options, &j->session, err);
  if (fault == PIX_FAULT_NONE && j->unresolved) fault = resolve(j, &committed, err);
  if (fault == PIX_FAULT_NONE && !committed) fault = perform(j, err);
  if (ends_session(fault)) pix_journal_end_session(j);
  return fault;
}

/* ---- until a batch is done; the thread ---- */

/* False: the journal is closing. */
static bool rest(struct pix_journal *j, int ms) {
  struct pollfd fd = {j->wake[0], POLLIN, 0};
  bool closing;

  pthread_mutex_lock(&j->lock);
  j->troubled = true;
  closing = j->closing;
  pthread_mutex_unlock(&j->lock);
  return !closing && poll(&fd, 1, ms) == 0;
}

static void fail_all(struct pix_journal *j, struct pix_err *err) {
  if (j->unresolved)
    pix_fault_set(err, PIX_FAULT_UNKNOWN,
                  "the connection was lost while the database committed, and has not come back");
  j->unresolved = false;
  for (struct pix_tx *tx = j->batch.head; tx != NULL; tx = tx->next) {
    pix_result_reset(tx);
    tx->err = *err;
  }
}

/* Milliseconds before the next attempt: none after the first loss, for a server that was restarted
** meanwhile; the writers that collide wait unevenly. */
static int pause_after(enum pix_fault fault, unsigned tries) {
  unsigned char chance = 0;

  if (fault == PIX_FAULT_COLLISION) {
    RAND_bytes(&chance, 1);
    return (int)(chance % (4 * tries));
  }
  if (fault == PIX_FAULT_BUSY) return tries < 10 ? 5 : 25;
  if (tries == 1) return 0;
  return tries < 7 ? 10 << tries : LONGEST_PAUSE;
}

static bool worth_another(const struct pix_journal *j, enum pix_fault fault, unsigned tries) {
  double patience = j->unresolved ? RESOLVE_SECONDS : j->patience;
  int64_t deadline = j->batch.head->since + (int64_t)(patience * (double)PIX_JOURNAL_SECOND);

  if (fault == PIX_FAULT_CLOSED) return false;
  if (j->unresolved) return pix_journal_ticks() < deadline;
  if (fault == PIX_FAULT_COLLISION) return tries < COLLISIONS;
  return (fault == PIX_FAULT_BUSY || fault == PIX_FAULT_LOST) &&
         ((fault == PIX_FAULT_LOST && tries == 1) || pix_journal_ticks() < deadline);
}

void pix_journal_run_batch(struct pix_journal *j) {
  struct pix_err err;
  enum pix_fault fault;
  unsigned tries = 0;

  while ((fault = attempt(j, &err)) != PIX_FAULT_NONE) {
    tries++;
    if (!worth_another(j, fault, tries) || !rest(j, pause_after(fault, tries))) {
      fail_all(j, &err);
      return;
    }
  }
}
