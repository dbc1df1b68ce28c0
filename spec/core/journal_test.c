/*
** journal_test.c - the journal's thread, with a back end that fails on command.
*/
#include "../../src/core/journal.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/journal.h"

/* ---- a back end that does as it is told ---- */

#define SCRIPT 16

struct fake {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum pix_fault opens[SCRIPT], runs[SCRIPT], commits[SCRIPT]; /* what the n-th call answers */
  int opened, ran, committed;                                  /* calls so far */
  int statements;                                              /* of transactions, done */
  int64_t number, marked;                                      /* committed; of the open one */
  int forgotten;                                               /* marks that find no row */
  bool keep;    /* an unanswered COMMIT was done nevertheless */
  bool held;    /* run waits until it is let go */
  bool waiting; /* and does so now */
};

static struct fake fake;

static void reset_fake(void) {
  memset(&fake, 0, sizeof fake);
  pthread_mutex_init(&fake.lock, NULL);
  pthread_cond_init(&fake.changed, NULL);
}

static enum pix_fault answer(const enum pix_fault *script, int *at, struct pix_err *err) {
  enum pix_fault fault = *at < SCRIPT ? script[*at] : PIX_FAULT_NONE;

  (*at)++;
  return fault == PIX_FAULT_NONE ? fault : pix_fault_set(err, fault, "as the test wants it");
}

static enum pix_fault fake_open(const struct pix_session_options *options, struct pix_session **out,
                                struct pix_err *err) {
  enum pix_fault fault;

  (void)options;
  pthread_mutex_lock(&fake.lock);
  fault = answer(fake.opens, &fake.opened, err);
  pthread_mutex_unlock(&fake.lock);
  *out = fault == PIX_FAULT_NONE ? (struct pix_session *)&fake : NULL;
  return fault;
}

static void hold(void) {
  fake.waiting = fake.held;
  pthread_cond_broadcast(&fake.changed);
  while (fake.held) pthread_cond_wait(&fake.changed, &fake.lock);
  fake.waiting = false;
}

/* "check" reads the number; "mark" remembers it; anything else changes one row. */
static enum pix_fault fake_run(struct pix_session *session, struct pix_statement *const *list,
                               size_t count, size_t *done, struct pix_err *err) {
  enum pix_fault fault;

  (void)session;
  pthread_mutex_lock(&fake.lock);
  hold();
  fault = answer(fake.runs, &fake.ran, err);
  for (*done = 0; fault == PIX_FAULT_NONE && *done < count; (*done)++) {
    struct pix_statement *at = list[*done];
    if (strcmp(at->sql, "check") == 0) {
      CHECK(pix_result_columns(at, 1));
      pix_result_row(at)->values[0] =
          (struct pix_value){.kind = PIX_VALUE_INTEGER, .integer = fake.number};
      continue;
    }
    if (strcmp(at->sql, "mark") == 0) fake.marked = at->values[1].integer;
    at->changed = 1;
    if (strcmp(at->sql, "mark") == 0 && fake.forgotten > 0) at->changed = 0, fake.forgotten--;
    if (at->tx != NULL) fake.statements++;
  }
  pthread_mutex_unlock(&fake.lock);
  return fault;
}

static enum pix_fault fake_commit(struct pix_session *session, struct pix_err *err) {
  enum pix_fault fault;

  (void)session;
  pthread_mutex_lock(&fake.lock);
  fault = answer(fake.commits, &fake.committed, err);
  if (fault == PIX_FAULT_NONE || fake.keep) fake.number = fake.marked;
  pthread_mutex_unlock(&fake.lock);
  return fault;
}

static void fake_close(struct pix_session *session) {
  (void)session;
}

static const struct pix_journal_backend obedient = {
    .abi = PIX_JOURNAL_ABI,
    .name = "fake",
    .begin = "BEGIN",
    .mark = "mark",
    .check = "check",
    .open = fake_open,
    .run = fake_run,
    .commit = fake_commit,
    .close = fake_close,
};

static struct pix_journal *open_fake(double patience) {
  reset_fake();
  return open_at(&obedient, "nowhere", patience);
}

static void set_held(bool held) {
  pthread_mutex_lock(&fake.lock);
  fake.held = held;
  pthread_cond_broadcast(&fake.changed);
  while (held && !fake.waiting) pthread_cond_wait(&fake.changed, &fake.lock);
  pthread_mutex_unlock(&fake.lock);
}

/* ---- the thread ---- */

static void what_waits_shares_one_commit(void) {
  struct pix_journal *j = open_fake(1);
  int64_t commits, transactions;

  fake.held = true;
  put(j, "first");
  set_held(true); /* until the thread is in it */
  for (int i = 0; i < 40; i++) put(j, "x");
  set_held(false);
  for (int i = 0; i < 41; i++) CHECK_STR("", outcome());
  pix_journal_count(j, &commits, &transactions);
  CHECK_INT(2, commits);
  CHECK_INT(41, transactions);
  CHECK_INT(2, fake.committed);
  shut(j);
}

static void a_lost_connection_is_made_anew(void) {
  struct pix_journal *j = open_fake(5);

  fake.runs[0] = PIX_FAULT_LOST;
  fake.opens[1] = PIX_FAULT_LOST;
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(3, fake.opened);
  CHECK_INT(1, fake.statements);
  shut(j);
}

static void patience_ends(void) {
  struct pix_journal *j = open_fake(0);

  for (int i = 0; i < 4; i++) fake.opens[i] = PIX_FAULT_LOST;
  CHECK_STR("lost", do_one(j, "x"));
  CHECK_STR("lost", do_one(j, "x"));
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(1, fake.statements);
  shut(j);
}

static void a_collision_is_done_again(void) {
  struct pix_journal *j = open_fake(0);

  fake.commits[0] = fake.commits[1] = PIX_FAULT_COLLISION;
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(3, fake.committed);
  shut(j);
}

static void an_unanswered_commit_that_was_done_is_done(void) {
  struct pix_journal *j = open_fake(1);

  CHECK_STR("", do_one(j, "before"));
  fake.keep = true;
  fake.commits[1] = PIX_FAULT_UNKNOWN;
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(2, fake.statements); /* not done twice */
  CHECK_INT(2, fake.committed);
  CHECK_INT(2, fake.opened);
  shut(j);
}

static void an_unanswered_commit_that_was_not_done_is_done_again(void) {
  struct pix_journal *j = open_fake(1);

  fake.commits[0] = PIX_FAULT_UNKNOWN;
  fake.opens[1] = PIX_FAULT_LOST; /* and the next connection does not come at once */
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(2, fake.statements);
  CHECK_INT(2, fake.committed);
  CHECK_INT(3, fake.opened);
  shut(j);
}

static void an_unanswered_commit_is_never_called_failed(void) {
  struct pix_journal *j = open_fake(0);

  fake.commits[0] = PIX_FAULT_UNKNOWN;
  for (int i = 1; i < SCRIPT; i++) fake.opens[i] = PIX_FAULT_LOST;
  put(j, "x");
  pix_journal_close(j); /* nobody can find out any more */
  CHECK_STR("unknown", outcome());
  pix_reactor_close(reactor);
  reactor = NULL;
}

static void a_mark_that_has_gone_is_made_anew(void) {
  struct pix_journal *j = open_fake(1);

  fake.forgotten = 1;
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(2, fake.opened);
  CHECK_INT(1, fake.committed);
  shut(j);
}

/* One of them is refused when all are done at once: each is done by itself, under the mark. */
static void the_careful_way_has_its_mark(void) {
  struct pix_journal *j = open_fake(1);

  fake.held = true;
  put(j, "first");
  set_held(true);
  for (int i = 0; i < 3; i++) put(j, "x");
  pthread_mutex_lock(&fake.lock);
  fake.runs[fake.ran + 1] = PIX_FAULT_REFUSED;
  pthread_mutex_unlock(&fake.lock);
  set_held(false);
  for (int i = 0; i < 4; i++) CHECK_STR("", outcome());
  CHECK_INT(2, fake.committed);
  CHECK_INT(3, fake.number); /* of the careful attempt, the third */
  shut(j);
}

static void a_transaction_has_its_limits(void) {
  static char text[PIX_MAX_VALUE + 2];
  struct pix_tx *tx = pix_tx_new();
  struct pix_statement *statement;
  struct pix_err err;

  memset(text, 'x', sizeof text - 1);
  for (int i = 0; i < PIX_MAX_STATEMENTS; i++)
    CHECK_INT(PIX_OK, pix_tx_add(tx, "x", 1, 1, &statement, &err));
  CHECK_INT(PIX_EINVALID, pix_tx_add(tx, "x", 1, 0, &statement, &err));
  CHECK_STR("sql", err.field);
  CHECK_INT(PIX_OK, pix_tx_bind(tx, statement->values, PIX_VALUE_TEXT, text, PIX_MAX_VALUE, &err));
  CHECK_INT(PIX_EINVALID,
            pix_tx_bind(tx, statement->values, PIX_VALUE_TEXT, text, PIX_MAX_VALUE + 1, &err));
  CHECK_STR("value", err.field);
  CHECK_INT(PIX_EINVALID, pix_tx_bind(tx, statement->values, PIX_VALUE_TEXT, "a\0b", 3, &err));
  CHECK_INT(PIX_EINVALID, pix_tx_add(tx, "", 0, 0, &statement, &err));
  pix_tx_free(tx);
}

static void a_full_disk_fails_now_and_works_later(void) {
  struct pix_journal *j = open_fake(5);

  fake.runs[0] = PIX_FAULT_FULL;
  CHECK_STR("full", do_one(j, "x"));
  CHECK_STR("", do_one(j, "x"));
  CHECK_INT(1, fake.opened);
  shut(j);
}

static void close_does_what_is_queued(void) {
  struct pix_journal *j = open_fake(5);

  fake.held = true;
  put(j, "first");
  set_held(true);
  for (int i = 0; i < 9; i++) put(j, "x");
  set_held(false);
  pix_journal_close(j);
  CHECK_INT(10, fake.statements);
  for (int i = 0; i < 10; i++) CHECK_STR("", outcome());
  pix_reactor_close(reactor);
  reactor = NULL;
}

static void a_reactor_may_close_first(void) {
  struct pix_journal *j = open_fake(5);

  fake.held = true;
  put(j, "first");
  set_held(true);
  put(j, "second");
  pix_reactor_close(reactor);
  CHECK_INT(PIX_OK, pix_reactor_new(false, &reactor, NULL));
  set_held(false);
  CHECK_STR("", do_one(j, "third"));
  CHECK_INT(3, fake.statements);
  shut(j);
}

static void reactors_may_close_at_any_moment(void) {
  struct pix_journal *j = open_fake(5);
  struct pix_reactor *other;

  for (int i = 0; i < 200; i++) {
    CHECK_INT(PIX_OK, pix_reactor_new(i % 2, &other, NULL));
    for (int k = 0; k < 10; k++) put_to(j, other, "x", -1);
    pix_reactor_close(other);
  }
  pix_journal_flush(j);
  CHECK_INT(2000, fake.statements);
  shut(j);
}

static void a_forked_child_can_close(void) {
  struct pix_journal *j = open_fake(5);
  int status;
  pid_t pid;

  CHECK_STR("", do_one(j, "x"));
  pid = fork();
  if (pid == 0) {
    bool alive = pix_journal_alive(j);
    pix_journal_close(j);
    _exit(alive);
  }
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  CHECK(pix_journal_alive(j));
  shut(j);
}

static const struct check_test tests[] = {
    {"what waits shares one commit", what_waits_shares_one_commit},
    {"a lost connection is made anew and the work done once", a_lost_connection_is_made_anew},
    {"patience ends, and the next one tries again", patience_ends},
    {"a collision is done again", a_collision_is_done_again},
    {"an unanswered commit that was done is not done twice",
     an_unanswered_commit_that_was_done_is_done},
    {"an unanswered commit that was not done is done again",
     an_unanswered_commit_that_was_not_done_is_done_again},
    {"an unanswered commit is never called failed", an_unanswered_commit_is_never_called_failed},
    {"a mark that has gone is made anew", a_mark_that_has_gone_is_made_anew},
    {"the careful way has its mark", the_careful_way_has_its_mark},
    {"a transaction has its limits", a_transaction_has_its_limits},
    {"a full disk fails at once, and the next one works", a_full_disk_fails_now_and_works_later},
    {"close does what is queued", close_does_what_is_queued},
    {"a reactor may close before its journal", a_reactor_may_close_first},
    {"reactors may close at any moment of the thread's", reactors_may_close_at_any_moment},
    {"a forked child can close", a_forked_child_can_close},
};

CHECK_MAIN(tests)
