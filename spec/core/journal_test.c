/*
** journal_test.c - the journal's thread, with a back end that fails on command, and with SQLite.
*/
#include "../../src/core/journal_backend.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>

#include "../support/check.h"

/* A child of a program with threads starts threads here: legal, and ThreadSanitizer can do it. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  return "die_after_fork=0";
}

/* ---- a back end that does as it is told ---- */

#define SCRIPT 16

struct fake {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum pix_fault opens[SCRIPT], runs[SCRIPT], commits[SCRIPT]; /* what the n-th call answers */
  int opened, ran, committed;                                  /* calls so far */
  int statements;                                              /* of transactions, done */
  int64_t number, marked;                                      /* committed; of the open one */
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

/* ---- helpers ---- */

static struct pix_reactor *reactor;

static struct pix_journal *open_at(const struct pix_journal_backend *backend, const char *where,
                                   double patience) {
  struct pix_journal *j = NULL;

  if (reactor == NULL) CHECK_INT(PIX_OK, pix_reactor_new(false, &reactor, NULL));
  CHECK_INT(PIX_OK, pix_journal_new(backend, where, strlen(where), patience, &j, NULL));
  return j;
}

static struct pix_journal *open_fake(double patience) {
  reset_fake();
  return open_at(&obedient, "nowhere", patience);
}

static void shut(struct pix_journal *j) {
  pix_journal_close(j);
  pix_reactor_close(reactor);
  reactor = NULL;
}

static void put_to(struct pix_journal *j, struct pix_reactor *to, const char *sql, int64_t expect) {
  struct pix_tx *tx = pix_tx_new();
  struct pix_statement *statement;
  struct pix_op *op;

  CHECK_INT(PIX_OK, pix_tx_add(tx, sql, strlen(sql), 0, &statement, NULL));
  statement->expect = expect;
  op = pix_journal_op(j, to, tx);
  pix_reactor_submit(to, op);
  pix_journal_put(op);
}

static void put(struct pix_journal *j, const char *sql) {
  put_to(j, reactor, sql, -1);
}

/* Waits for one op; its error's code ("" = committed), and the first value of its first row. */
static char code[48];
static int64_t value;
static struct pix_op *drained;

static const char *outcome(void) {
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

static const char *do_one(struct pix_journal *j, const char *sql) {
  put(j, sql);
  return outcome();
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

/* ---- SQLite ---- */

static char folder[64], file[96];

static struct pix_journal *open_file(double patience) {
  struct pix_journal *j;

  snprintf(folder, sizeof folder, "/tmp/pix-journal-test-XXXXXX");
  CHECK(mkdtemp(folder) != NULL);
  snprintf(file, sizeof file, "%s/pix.db", folder);
  j = open_at(&pix_journal_backend, file, patience);
  CHECK_STR("", do_one(j, "CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT)"));
  return j;
}

static void remove_files(void) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char name[128];

  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s%s", file, suffixes[i]);
    unlink(name);
  }
  rmdir(folder);
}

static int64_t count_rows(struct pix_journal *j) {
  CHECK_STR("", do_one(j, "SELECT count(*) FROM t"));
  return value;
}

static void shut_file(struct pix_journal *j) {
  shut(j);
  remove_files();
}

static void the_file_is_private_and_durable(void) {
  struct pix_journal *j = open_file(1);
  struct stat info;

  CHECK(stat(file, &info) == 0);
  CHECK_INT(0600, info.st_mode & 0777);
  CHECK_STR("", do_one(j, "SELECT synchronous = 2 FROM pragma_synchronous"));
  CHECK_INT(1, value);
  CHECK_STR("", do_one(j, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"));
  CHECK_INT(1, value);
  shut_file(j);
}

static void a_refused_one_does_not_spoil_the_others(void) {
  struct pix_journal *j = open_file(1);
  sqlite3 *other;

  CHECK_INT(SQLITE_OK, sqlite3_open(file, &other));
  CHECK_INT(SQLITE_OK, sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL));
  put(j, "INSERT INTO t (a) VALUES (1)"); /* waits for the lock; the rest gathers */
  put(j, "INSERT INTO t (a) VALUES (2)");
  put(j, "INSERT INTO t (a) VALUES (1)");
  put_to(j, reactor, "UPDATE t SET b = 'x' WHERE a = 9", 1);
  put(j, "nonsense");
  put_to(j, reactor, "INSERT INTO t (a) VALUES (3)", 1);
  sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close(other);
  CHECK_STR("", outcome());
  CHECK_STR("", outcome());
  CHECK_STR("constraint", outcome());
  CHECK_STR("refused", outcome());
  CHECK_STR("statement", outcome());
  CHECK_STR("", outcome());
  CHECK_INT(3, count_rows(j));
  shut_file(j);
}

static void a_locked_file_is_waited_for(void) {
  struct pix_journal *j = open_file(0);
  sqlite3 *other;

  CHECK_INT(SQLITE_OK, sqlite3_open(file, &other));
  CHECK_INT(SQLITE_OK, sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL));
  CHECK_STR("busy", do_one(j, "INSERT INTO t (a) VALUES (1)"));
  sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close(other);
  CHECK_STR("", do_one(j, "INSERT INTO t (a) VALUES (1)"));
  shut_file(j);
}

/* In a child: the limit of a file's size is the process's. */
static void fill_the_disk(void) {
  struct pix_journal *j = open_file(1);
  struct rlimit before, limit;
  int done = 0;

  getrlimit(RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 128 * 1024;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  while (done < 1000 &&
         strcmp(do_one(j, "INSERT INTO t (b) VALUES (hex(zeroblob(4000)))"), "") == 0)
    done++;
  CHECK_STR("full", code);
  CHECK(done > 2);
  CHECK_INT(done, count_rows(j));
  CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK_STR("", do_one(j, "INSERT INTO t (b) VALUES ('room again')"));
  CHECK_INT(done + 1, count_rows(j));
  shut_file(j);
}

static bool in_child(void (*what)(void)) {
  int status = -1;
  pid_t pid = fork();

  if (pid == 0) {
    check_ok = true;
    what();
    fflush(stdout);
    _exit(check_ok ? 0 : 1);
  }
  return waitpid(pid, &status, 0) == pid && status == 0;
}

static void a_full_disk_is_said_and_overcome(void) {
  CHECK(in_child(fill_the_disk));
}

static void write_nowhere(void) {
  struct pix_journal *j = open_file(1);

  shut(j);
  CHECK(chmod(file, 0444) == 0 && chmod(folder, 0555) == 0);
  if (geteuid() == 0) { /* root may write everything */
    CHECK(chown(folder, 65534, 65534) == 0 && chown(file, 65534, 65534) == 0);
    CHECK(seteuid(65534) == 0);
  }
  j = open_at(&pix_journal_backend, file, 1);
  CHECK_STR("readonly", do_one(j, "INSERT INTO t (a) VALUES (1)"));
  CHECK(chmod(file, 0600) == 0 && chmod(folder, 0700) == 0);
  CHECK_STR("", do_one(j, "INSERT INTO t (a) VALUES (1)"));
  shut(j);
  if (getuid() == 0) CHECK(seteuid(0) == 0);
  remove_files();
}

static void a_read_only_file_is_said_and_overcome(void) {
  CHECK(in_child(write_nowhere));
}

static void a_file_that_is_no_database(void) {
  struct pix_journal *j = open_file(1);
  FILE *f;

  shut(j);
  f = fopen(file, "w");
  for (int i = 0; i < 1000; i++) fputs("this is a text, ", f);
  fclose(f);
  j = open_at(&pix_journal_backend, file, 1);
  CHECK_STR("broken", do_one(j, "SELECT 1"));
  shut(j);
  remove_files();
  j = open_at(&pix_journal_backend, file, 1);
  CHECK_STR("config", do_one(j, "SELECT 1")); /* its folder has gone */
  shut(j);
}

/* The child is killed while it writes as fast as it can; what it was told to be committed is there. */
static void a_killed_writer_loses_nothing_it_was_told(void) {
  struct pix_journal *j = open_file(1);
  int pipes[2], told = 0;
  char byte;
  pid_t pid;

  shut(j);
  CHECK(pipe(pipes) == 0);
  pid = fork();
  if (pid == 0) {
    j = open_at(&pix_journal_backend, file, 1);
    for (;;) {
      for (int i = 0; i < 8; i++) put(j, "INSERT INTO t (b) VALUES ('x')");
      for (int i = 0; i < 8; i++) {
        if (outcome()[0] != '\0' || write(pipes[1], "", 1) != 1) _exit(1);
      }
    }
  }
  close(pipes[1]);
  while (told < 100 && read(pipes[0], &byte, 1) == 1) told++;
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  while (read(pipes[0], &byte, 1) == 1) told++;
  close(pipes[0]);
  j = open_at(&pix_journal_backend, file, 1);
  CHECK(count_rows(j) >= told && told >= 100);
  CHECK_STR("", do_one(j, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"));
  CHECK_INT(1, value);
  shut_file(j);
}

static void values_come_back_as_they_went(void) {
  struct pix_journal *j = open_file(1);
  struct pix_tx *tx = pix_tx_new();
  struct pix_statement *insert, *select;
  const struct pix_value *row;
  struct pix_op *op;

  pix_tx_add(tx, "INSERT INTO t (b, a) VALUES ($2, $1)", 36, 2, &insert, NULL);
  insert->values[0].kind = PIX_VALUE_INTEGER;
  insert->values[0].integer = INT64_MIN;
  CHECK_INT(PIX_OK, pix_tx_bind(tx, &insert->values[1], PIX_VALUE_TEXT, "Café", 5, NULL));
  CHECK_INT(PIX_EINVALID, pix_tx_bind(tx, &insert->values[1], PIX_VALUE_TEXT, "\xff", 1, NULL));
  pix_tx_add(tx, "SELECT a, b, NULL AS c, x'0001' AS d FROM t", 43, 0, &select, NULL);
  op = pix_journal_op(j, reactor, tx);
  pix_reactor_submit(reactor, op);
  pix_journal_put(op);
  CHECK_INT(1, pix_reactor_wait(reactor, 20));
  op = pix_reactor_drain(reactor);
  CHECK_INT(1, insert->changed);
  CHECK_INT(4, select->width);
  CHECK_STR("d", select->columns[3]);
  row = select->rows->values;
  CHECK(row[0].kind == PIX_VALUE_INTEGER && row[0].integer == INT64_MIN);
  CHECK_STR("Café", row[1].data);
  CHECK(row[2].kind == PIX_VALUE_NULL);
  CHECK(row[3].kind == PIX_VALUE_BLOB && row[3].len == 2 && row[3].data[1] == 1);
  op->verbs->free(op);
  shut_file(j);
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
    {"a full disk fails at once, and the next one works", a_full_disk_fails_now_and_works_later},
    {"close does what is queued", close_does_what_is_queued},
    {"a reactor may close before its journal", a_reactor_may_close_first},
    {"reactors may close at any moment of the thread's", reactors_may_close_at_any_moment},
    {"a forked child can close", a_forked_child_can_close},
    {"SQLite: the file is private, and commits are synced", the_file_is_private_and_durable},
    {"SQLite: a refused transaction does not spoil the others",
     a_refused_one_does_not_spoil_the_others},
    {"SQLite: a locked file is busy, then works", a_locked_file_is_waited_for},
    {"SQLite: a full disk is said, and overcome", a_full_disk_is_said_and_overcome},
    {"SQLite: a read-only file is said, and overcome", a_read_only_file_is_said_and_overcome},
    {"SQLite: a file that is no database, and no folder", a_file_that_is_no_database},
    {"SQLite: a killed writer loses nothing that it was told",
     a_killed_writer_loses_nothing_it_was_told},
    {"values come back as they went", values_come_back_as_they_went},
};

CHECK_MAIN(tests)
