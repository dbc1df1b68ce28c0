/*
** journal_sqlite_test.c - the journal in a file: what disks, other programs and signals do to it.
*/
#include "../../src/core/journal_backend.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>

#include "../support/journal.h"

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
  struct pix_journal *j = open_file(300);
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

/* The child is killed while it writes as fast as it can; what it was told is there. */
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
    {"the file is private, and commits are synced", the_file_is_private_and_durable},
    {"a refused transaction does not spoil the others", a_refused_one_does_not_spoil_the_others},
    {"a locked file is busy, then works", a_locked_file_is_waited_for},
    {"a full disk is said, and overcome", a_full_disk_is_said_and_overcome},
    {"a read-only file is said, and overcome", a_read_only_file_is_said_and_overcome},
    {"a file that is no database, and no folder", a_file_that_is_no_database},
    {"a killed writer loses nothing that it was told", a_killed_writer_loses_nothing_it_was_told},
    {"values come back as they went", values_come_back_as_they_went},
};

CHECK_MAIN(tests)
