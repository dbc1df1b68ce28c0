/*
** journal_sqlite.c - the journal in one SQLite file: WAL, synchronous=FULL. See journal.h. It is a
** module of its own (pix.journal_sqlite), so that pix.core needs no libsqlite3.
**
** A COMMIT that fails is known to have failed, with one exception: when the fsync itself fails, the
** bytes may be on the disk nevertheless. That is said with PIX_FAULT_UNKNOWN; there is no mark to
** look at, because the next commit overwrites those bytes.
*/
#include "journal_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>

#define PREPARED 64  /* statements kept ready */
#define BUSY_MS  100 /* the journal's thread itself waits longer, and can be woken */

struct prepared {
  char *sql;
  sqlite3_stmt *statement;
};

struct pix_session {
  sqlite3 *db;
  struct prepared prepared[PREPARED];
  size_t next; /* the place that is given to a new statement when all are taken */
};

/* ---- what went wrong ---- */

/* The errno of the last call that failed on the file that `which` asks for, or 0. */
static int last_errno(sqlite3 *db, int which) {
  sqlite3_file *f = NULL;
  int number = 0;

  if (sqlite3_file_control(db, "main", which, &f) != SQLITE_OK) return 0;
  if (f == NULL || f->pMethods == NULL) return 0;
  f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &number);
  return number;
}

/* SQLite knows a full disk by ENOSPC only; there are quotas and limits, too. */
static enum pix_fault io_fault(sqlite3 *db, int extended) {
  int number = last_errno(db, SQLITE_FCNTL_JOURNAL_POINTER);

  if (number == 0) number = last_errno(db, SQLITE_FCNTL_FILE_POINTER);
  if (number == 0) number = sqlite3_system_errno(db);

  if (number == ENOSPC || number == EDQUOT || number == EFBIG) return PIX_FAULT_FULL;
  if (number == EROFS || number == EACCES) return PIX_FAULT_READONLY;
  return extended == SQLITE_IOERR_FSYNC ? PIX_FAULT_UNKNOWN : PIX_FAULT_BROKEN;
}

static enum pix_fault classify(sqlite3 *db, int code) {
  switch (code & 0xff) {
  case SQLITE_CONSTRAINT: return PIX_FAULT_CONSTRAINT;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PROTOCOL:
  case SQLITE_NOMEM: return PIX_FAULT_BUSY;
  case SQLITE_FULL: return PIX_FAULT_FULL;
  case SQLITE_READONLY:
  case SQLITE_PERM: return PIX_FAULT_READONLY;
  case SQLITE_IOERR: return io_fault(db, code);
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return PIX_FAULT_BROKEN;
  case SQLITE_CANTOPEN: return PIX_FAULT_CONFIG;
  default: return PIX_FAULT_STATEMENT;
  }
}

static enum pix_fault fail(struct pix_session *s, int code, struct pix_err *err) {
  return pix_fault_set(err, classify(s->db, code), "SQLite: %s", sqlite3_errmsg(s->db));
}

/* ---- opening ---- */

static bool may_write(const char *where) {
  const char *slash = strrchr(where, '/');
  char folder[PIX_MAX_SECRET + 1] = ".";

  if (access(where, W_OK) != 0) return false;
  if (slash != NULL) memcpy(folder, where, (size_t)(slash - where) + 1);
  if (slash != NULL) folder[slash - where + 1] = '\0';
  return access(folder, W_OK) == 0;
}

/* Sees to it that the file exists, and that a new one is for this user only; SQLite gives its
** companions (-wal, -shm) the same mode. */
static enum pix_fault make_file(const char *where, struct pix_err *err) {
  int fd = open(where, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int number = errno;
  enum pix_fault fault = PIX_FAULT_CONFIG;

  if (fd >= 0) close(fd);
  if (fd >= 0 || (number == EEXIST && may_write(where))) return PIX_FAULT_NONE;
  if (number == EEXIST || number == EACCES || number == EROFS || number == EPERM)
    fault = PIX_FAULT_READONLY;
  if (number == ENOSPC || number == EDQUOT) fault = PIX_FAULT_FULL;
  if (number == EEXIST)
    return pix_fault_set(err, fault, "the journal's file or folder cannot be written: %s", where);
  return pix_fault_set(err, fault, "the journal's file cannot be made: %s: %s", where,
                       strerror(number));
}

/* Is the first column of the statement's first row this text? */
static int expect_text(sqlite3 *db, const char *sql, const char *text, bool *same) {
  sqlite3_stmt *statement;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

  if (code != SQLITE_OK) return code;
  code = sqlite3_step(statement);
  *same = code == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL &&
          strcmp((const char *)sqlite3_column_text(statement, 0), text) == 0;
  if (code == SQLITE_ROW) code = SQLITE_OK;
  sqlite3_finalize(statement);
  return code;
}

static enum pix_fault configure(struct pix_session *s, struct pix_err *err) {
  bool wal = false;
  int code = expect_text(s->db, "PRAGMA journal_mode = WAL", "wal", &wal);

  if (code == SQLITE_OK && !wal)
    return pix_fault_set(err, PIX_FAULT_CONFIG,
                         "this file system cannot hold a journal (SQLite: no WAL)");
  if (code == SQLITE_OK)
    code = sqlite3_exec(s->db,
                        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;"
                        "PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON;"
                        "PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF",
                        NULL, NULL, NULL);
  return code == SQLITE_OK ? PIX_FAULT_NONE : fail(s, code, err);
}

static void session_close(struct pix_session *s) {
  for (size_t i = 0; i < PREPARED; i++) {
    sqlite3_finalize(s->prepared[i].statement);
    free(s->prepared[i].sql);
  }
  sqlite3_close_v2(s->db);
  free(s);
}

static enum pix_fault session_open(const struct pix_session_options *options,
                                   struct pix_session **out, struct pix_err *err) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  enum pix_fault fault = make_file(options->where, err);
  struct pix_session *s;
  int code;

  if (fault != PIX_FAULT_NONE) return fault;
  s = calloc(1, sizeof *s);
  if (s == NULL) return pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  code = sqlite3_open_v2(options->where, &s->db, flags, NULL);
  if (code == SQLITE_OK) {
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    fault = configure(s, err);
  } else {
    fault =
        s->db != NULL ? fail(s, code, err) : pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  }
  if (fault == PIX_FAULT_NONE)
    *out = s;
  else
    session_close(s);
  return fault;
}

/* ---- statements ---- */

/* A statement that is ready to be bound; it stays the session's. */
static int prepare(struct pix_session *s, const char *sql, sqlite3_stmt **out) {
  struct prepared *place = NULL;
  int code;

  for (size_t i = 0; i < PREPARED; i++) {
    if (s->prepared[i].sql == NULL) {
      place = place != NULL ? place : &s->prepared[i];
    } else if (strcmp(s->prepared[i].sql, sql) == 0) {
      *out = s->prepared[i].statement;
      return SQLITE_OK;
    }
  }
  if (place == NULL) place = &s->prepared[s->next++ % PREPARED];
  sqlite3_finalize(place->statement);
  free(place->sql);
  place->statement = NULL;
  place->sql = strdup(sql);
  if (place->sql == NULL) return SQLITE_NOMEM;
  code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &place->statement, NULL);
  if (code != SQLITE_OK) {
    free(place->sql);
    place->sql = NULL;
  }
  *out = place->statement;
  return code;
}

/* SQLite numbers $1, $2 … in the order in which it meets them; a value that is not used is no
** mistake. */
static int bind(sqlite3_stmt *statement, const struct pix_statement *from) {
  int code = SQLITE_OK;

  for (size_t i = 0; i < from->count && code == SQLITE_OK; i++) {
    const struct pix_value *value = &from->values[i];
    char name[16];
    int at;
    sqlite3_snprintf(sizeof name, name, "$%d", (int)i + 1);
    at = sqlite3_bind_parameter_index(statement, name);
    if (at == 0) continue;
    if (value->kind == PIX_VALUE_NULL)
      code = sqlite3_bind_null(statement, at);
    else if (value->kind == PIX_VALUE_INTEGER)
      code = sqlite3_bind_int64(statement, at, value->integer);
    else if (value->kind == PIX_VALUE_TEXT)
      code =
          sqlite3_bind_text64(statement, at, value->data, value->len, SQLITE_STATIC, SQLITE_UTF8);
    else
      code = sqlite3_bind_blob64(statement, at, value->data, value->len, SQLITE_STATIC);
  }
  return code;
}

static bool read_names(sqlite3_stmt *statement, struct pix_statement *to) {
  int width = sqlite3_column_count(statement);

  if (!pix_result_columns(to, (size_t)width)) return false;
  for (int i = 0; i < width; i++) {
    if (!pix_result_name(to, (size_t)i, sqlite3_column_name(statement, i))) return false;
  }
  return true;
}

static bool read_row(sqlite3_stmt *statement, struct pix_statement *to) {
  struct pix_row *row = pix_result_row(to);

  if (row == NULL) return false;
  for (int i = 0; i < (int)to->width; i++) {
    int type = sqlite3_column_type(statement, i);
    bool blob = type == SQLITE_BLOB;
    const char *data;
    if (type == SQLITE_NULL) continue;
    if (type == SQLITE_INTEGER) {
      row->values[i].kind = PIX_VALUE_INTEGER;
      row->values[i].integer = sqlite3_column_int64(statement, i);
      continue;
    }
    data =
        blob ? sqlite3_column_blob(statement, i) : (const char *)sqlite3_column_text(statement, i);
    if (!pix_result_copy(to, &row->values[i], blob ? PIX_VALUE_BLOB : PIX_VALUE_TEXT, data,
                         (size_t)sqlite3_column_bytes(statement, i)))
      return false;
  }
  return true;
}

static enum pix_fault step(struct pix_session *s, sqlite3_stmt *statement, struct pix_statement *to,
                           struct pix_err *err) {
  bool rows = to->tx != NULL && sqlite3_column_count(statement) > 0;
  bool fits = !rows || read_names(statement, to);
  int code = SQLITE_ROW;

  while (fits && code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (rows && code == SQLITE_ROW) fits = read_row(statement, to);
  }
  if (!fits) return pix_fault_set(err, PIX_FAULT_STATEMENT, "the result is too large");
  if (code != SQLITE_DONE) return fail(s, code, err);
  if (!rows) to->changed = sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes64(s->db);
  return PIX_FAULT_NONE;
}

static enum pix_fault run_one(struct pix_session *s, struct pix_statement *what,
                              struct pix_err *err) {
  sqlite3_stmt *statement = NULL;
  enum pix_fault fault;
  int code = prepare(s, what->sql, &statement);

  if (code != SQLITE_OK) return fail(s, code, err);
  if (statement == NULL) return pix_fault_set(err, PIX_FAULT_STATEMENT, "an empty statement");
  code = bind(statement, what);
  fault = code == SQLITE_OK ? step(s, statement, what, err) : fail(s, code, err);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement); /* they point into the transaction's memory */
  return fault;
}

static enum pix_fault session_run(struct pix_session *s, struct pix_statement *const *list,
                                  size_t count, size_t *done, struct pix_err *err) {
  for (*done = 0; *done < count; (*done)++) {
    enum pix_fault fault = run_one(s, list[*done], err);
    if (fault != PIX_FAULT_NONE) return fault;
  }
  return PIX_FAULT_NONE;
}

static enum pix_fault session_commit(struct pix_session *s, struct pix_err *err) {
  int code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);

  return code == SQLITE_OK ? PIX_FAULT_NONE : fail(s, code, err);
}

const struct pix_journal_backend pix_journal_backend = {
    .abi = PIX_JOURNAL_ABI,
    .name = "sqlite",
    .begin = "BEGIN IMMEDIATE",
    .open = session_open,
    .run = session_run,
    .commit = session_commit,
    .close = session_close,
};
