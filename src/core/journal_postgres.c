/*
** journal_postgres.c - the journal in PostgreSQL, or in what speaks its protocol and SQL. See
** journal.h. It is a module of its own (pix.journal_postgres), so that pix.core needs no libpq.
**
** DESIGN. The connection is non-blocking: every wait is a poll on its socket and on the journal's
** wake descriptor, so that a close never hangs on a network. Statements go out in libpq's pipeline
** mode, one round trip for all of a batch; COMMIT goes alone, when every answer has come, because
** only then is it known that the mark (journal_impl.h) lies before it.
**
** A server that does not answer in time is taken for lost: its connection is closed. Before COMMIT
** that means that nothing was committed; after, that nothing is known.
*/
#include "journal_backend.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libpq-fe.h>

#define PREPARED 128 /* statements kept ready; what is beyond them is sent as text each time */
#define VALUES   64
#define GRACE    5.0 /* seconds that an answer may take longer than a lock */

struct pix_session {
  PGconn *db;
  int wake;
  double timeout;
  char writer[33];
  char *prepared[PREPARED]; /* their SQL; the name is the index */
  size_t count, confirmed;  /* confirmed: the server has them */
};

static double now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what went wrong ---- */

static enum pix_fault classify(const char *state) {
  static const struct {
    const char *prefix;
    enum pix_fault fault;
  } rows[] = {
      {"23", PIX_FAULT_CONSTRAINT},  {"40001", PIX_FAULT_COLLISION}, {"40P01", PIX_FAULT_COLLISION},
      {"40003", PIX_FAULT_UNKNOWN},  {"08007", PIX_FAULT_UNKNOWN},   {"55P03", PIX_FAULT_BUSY},
      {"57014", PIX_FAULT_BUSY},     {"08", PIX_FAULT_LOST},         {"57P", PIX_FAULT_LOST},
      {"25P", PIX_FAULT_LOST},       {"53100", PIX_FAULT_FULL},      {"53", PIX_FAULT_LOST},
      {"25006", PIX_FAULT_READONLY}, {"28", PIX_FAULT_CONFIG},       {"3D", PIX_FAULT_CONFIG},
      {"42501", PIX_FAULT_READONLY}, {"58030", PIX_FAULT_FULL},      {"XX", PIX_FAULT_BROKEN},
  };

  for (size_t i = 0; state != NULL && i < PIX_COUNT(rows); i++) {
    if (strncmp(state, rows[i].prefix, strlen(rows[i].prefix)) == 0) return rows[i].fault;
  }
  return state != NULL ? PIX_FAULT_STATEMENT : PIX_FAULT_LOST;
}

static enum pix_fault lost(const struct pix_session *s, struct pix_err *err) {
  const char *words = PQerrorMessage(s->db);

  if (words[0] == '\0') words = "the connection was lost";
  return pix_fault_set(err, PIX_FAULT_LOST, "PostgreSQL: %s", words);
}

static enum pix_fault fail(const struct pix_session *s, const PGresult *result,
                           struct pix_err *err) {
  const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

  if (words == NULL) return lost(s, err);
  return pix_fault_set(err, classify(state), "PostgreSQL: %s", words);
}

/* ---- waiting ---- */

static enum pix_fault wait_for(struct pix_session *s, short events, double until,
                               struct pix_err *err) {
  struct pollfd fds[2] = {{PQsocket(s->db), events, 0}, {s->wake, POLLIN, 0}};
  double left = until - now();
  int got = left > 0 ? poll(fds, 2, (int)(left * 1000) + 1) : 0;

  if (got < 0 && errno == EINTR) return PIX_FAULT_NONE;
  if (got < 0 || fds[1].revents != 0)
    return pix_fault_set(err, PIX_FAULT_CLOSED, "the journal is closed");
  if (got == 0) return pix_fault_set(err, PIX_FAULT_LOST, "the database does not answer");
  return PIX_FAULT_NONE;
}

/* Sends all that libpq holds; reads meanwhile, so that neither side waits for the other. */
static enum pix_fault flush(struct pix_session *s, struct pix_err *err) {
  double until = now() + s->timeout + GRACE;
  int left;

  while ((left = PQflush(s->db)) == 1) {
    enum pix_fault fault = wait_for(s, POLLIN | POLLOUT, until, err);
    if (fault != PIX_FAULT_NONE) return fault;
    if (!PQconsumeInput(s->db)) return lost(s, err);
  }
  return left == 0 ? PIX_FAULT_NONE : lost(s, err);
}

/* The next result, or NULL behind a statement's last; to be cleared by the caller. */
static enum pix_fault next(struct pix_session *s, PGresult **result, struct pix_err *err) {
  double until = now() + s->timeout + GRACE;

  while (PQisBusy(s->db)) {
    enum pix_fault fault = wait_for(s, POLLIN, until, err);
    if (fault != PIX_FAULT_NONE) return fault;
    if (!PQconsumeInput(s->db)) return lost(s, err);
  }
  *result = PQgetResult(s->db);
  if (*result == NULL && PQstatus(s->db) != CONNECTION_OK) return lost(s, err);
  return PIX_FAULT_NONE;
}

/* Reads to the end of one statement; *out is its only result. */
static enum pix_fault only(struct pix_session *s, PGresult **out, struct pix_err *err) {
  enum pix_fault fault = next(s, out, err);
  PGresult *more = NULL;

  if (fault != PIX_FAULT_NONE) return fault;
  if (*out == NULL) return lost(s, err);
  do {
    fault = next(s, &more, err);
    PQclear(more);
  } while (fault == PIX_FAULT_NONE && more != NULL);
  if (fault != PIX_FAULT_NONE) PQclear(*out);
  return fault;
}

/* One statement outside a pipeline, with at most two texts as values. *state: "" or the SQLSTATE
** of a refusal; the first value of its first row goes to `text`. */
static enum pix_fault ask(struct pix_session *s, const char *sql, const char *value, char state[6],
                          char *text, size_t size, struct pix_err *err) {
  enum pix_fault fault;
  PGresult *result;

  if (!PQsendQueryParams(s->db, sql, value != NULL ? 1 : 0, NULL, &value, NULL, NULL, 0))
    return lost(s, err);
  fault = flush(s, err);
  if (fault == PIX_FAULT_NONE) fault = only(s, &result, err);
  if (fault != PIX_FAULT_NONE) return fault;
  state[0] = '\0';
  if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    fault = fail(s, result, err);
    snprintf(state, 6, "%s", code != NULL ? code : "08000");
  } else if (text != NULL) {
    snprintf(text, size, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
  }
  PQclear(result);
  return fault;
}

/* ---- opening ---- */

static void be_silent(void *context, const char *words) {
  (void)context, (void)words;
}

static enum pix_fault connect_to(struct pix_session *s, const char *where, struct pix_err *err) {
  const char *const names[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
  const char *const values[] = {where, "luapix", "UTF8", NULL};
  PQconninfoOption *options = PQconninfoParse(where, NULL);
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  double until = now() + s->timeout;

  if (options == NULL) /* libpq's words may quote the password */
    return pix_fault_set(err, PIX_FAULT_CONFIG, "the journal's URL cannot be read");
  PQconninfoFree(options);
  s->db = PQconnectStartParams(names, values, 1);
  if (s->db == NULL) return pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  PQsetNoticeProcessor(s->db, be_silent, NULL);
  if (PQstatus(s->db) == CONNECTION_BAD) return lost(s, err);
  while (status != PGRES_POLLING_OK) {
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    enum pix_fault fault = wait_for(s, events, until, err);
    if (fault != PIX_FAULT_NONE) return fault;
    status = PQconnectPoll(s->db);
    if (status == PGRES_POLLING_FAILED) return lost(s, err);
  }
  return PQsetnonblocking(s->db, 1) == 0 ? PIX_FAULT_NONE : lost(s, err);
}

/* Settings that a server lacks are none of our business; a lost connection is. */
static enum pix_fault set(struct pix_session *s, const char *sql, struct pix_err *err) {
  char state[6];
  enum pix_fault fault = ask(s, sql, NULL, state, NULL, 0, err);

  return fault == PIX_FAULT_LOST || fault == PIX_FAULT_CLOSED ? fault : PIX_FAULT_NONE;
}

/* A commit must be on the disk; what is stricter than that stays. */
static enum pix_fault be_durable(struct pix_session *s, struct pix_err *err) {
  char state[6], setting[32];
  enum pix_fault fault =
      ask(s, "SHOW synchronous_commit", NULL, state, setting, sizeof setting, err);

  if (fault == PIX_FAULT_STATEMENT) return PIX_FAULT_NONE; /* not PostgreSQL itself */
  if (fault != PIX_FAULT_NONE) return fault;
  if (strcmp(setting, "off") != 0 && strcmp(setting, "local") != 0) return PIX_FAULT_NONE;
  return ask(s, "SET synchronous_commit = on", NULL, state, NULL, 0, err);
}

static enum pix_fault configure(struct pix_session *s, struct pix_err *err) {
  char sql[64];
  enum pix_fault fault = be_durable(s, err);

  snprintf(sql, sizeof sql, "SET lock_timeout = %d", (int)(s->timeout * 500) + 100);
  if (fault == PIX_FAULT_NONE) fault = set(s, sql, err);
  return fault;
}

/* This writer's row. The first of all writers makes the table; two first ones are in each other's
** way, and one of them tries again. */
static enum pix_fault register_writer(struct pix_session *s, struct pix_err *err) {
  static const char insert[] =
      "INSERT INTO pix_writer (writer, number, checks, seen) VALUES ($1, 0, 0,"
      " CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)) ON CONFLICT (writer) DO NOTHING";
  static const char create[] =
      "CREATE TABLE IF NOT EXISTS pix_writer (writer TEXT PRIMARY KEY, number BIGINT NOT NULL,"
      " checks BIGINT NOT NULL, seen BIGINT NOT NULL)";
  char state[6];
  enum pix_fault fault = ask(s, insert, s->writer, state, NULL, 0, err);

  if (strcmp(state, "42P01") != 0) return fault;
  fault = ask(s, create, NULL, state, NULL, 0, err);
  if (fault == PIX_FAULT_CONSTRAINT || strcmp(state, "42P07") == 0)
    return pix_fault_set(err, PIX_FAULT_BUSY, "another program sets the journal up");
  if (fault == PIX_FAULT_NONE) fault = ask(s, insert, s->writer, state, NULL, 0, err);
  return fault;
}

/* Rows of writers that ended without a farewell. */
static enum pix_fault forget_writers(struct pix_session *s, struct pix_err *err) {
  return set(s,
             "DELETE FROM pix_writer WHERE seen <"
             " CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) - 7776000",
             err);
}

static void session_close(struct pix_session *s) {
  struct pix_err ignored;
  char state[6];

  if (s->db != NULL && PQstatus(s->db) == CONNECTION_OK &&
      PQtransactionStatus(s->db) == PQTRANS_IDLE) {
    s->timeout = 1 - GRACE;
    ask(s, "DELETE FROM pix_writer WHERE writer = $1", s->writer, state, NULL, 0, &ignored);
  }
  PQfinish(s->db);
  for (size_t i = 0; i < s->count; i++) free(s->prepared[i]);
  free(s);
}

static enum pix_fault session_open(const struct pix_session_options *options,
                                   struct pix_session **out, struct pix_err *err) {
  struct pix_session *s = calloc(1, sizeof *s);
  enum pix_fault fault;

  if (s == NULL) return pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  s->wake = options->wake;
  s->timeout = options->timeout > 1 ? options->timeout : 1;
  snprintf(s->writer, sizeof s->writer, "%s", options->writer);
  fault = connect_to(s, options->where, err);
  if (fault == PIX_FAULT_NONE) fault = configure(s, err);
  if (fault == PIX_FAULT_NONE) fault = register_writer(s, err);
  if (fault == PIX_FAULT_NONE) fault = forget_writers(s, err);
  if (fault == PIX_FAULT_NONE) {
    *out = s;
    return PIX_FAULT_NONE;
  }
  PQfinish(s->db);
  free(s);
  return fault;
}

/* ---- sending ---- */

struct sent {
  char numbers[VALUES][24];
  const char *data[VALUES];
  int lengths[VALUES], formats[VALUES];
};

static void collect(const struct pix_statement *from, struct sent *sent) {
  for (size_t i = 0; i < from->count; i++) {
    const struct pix_value *value = &from->values[i];
    sent->formats[i] = value->kind == PIX_VALUE_BLOB;
    sent->lengths[i] = (int)value->len;
    sent->data[i] = value->kind == PIX_VALUE_NULL ? NULL : value->data;
    if (value->kind != PIX_VALUE_INTEGER) continue;
    snprintf(sent->numbers[i], sizeof sent->numbers[i], "%" PRId64, value->integer);
    sent->data[i] = sent->numbers[i];
  }
}

/* The index of a prepared statement; -1: not prepared. What has no values is not worth it. */
static int find(struct pix_session *s, const struct pix_statement *what, bool *is_new) {
  *is_new = false;
  if (what->count == 0) return -1;
  for (size_t i = 0; i < s->count; i++) {
    if (strcmp(s->prepared[i], what->sql) == 0) return (int)i;
  }
  if (s->count == PREPARED || (s->prepared[s->count] = strdup(what->sql)) == NULL) return -1;
  *is_new = true;
  return (int)s->count++;
}

/* *prepares: did it take two messages, with two results? */
static bool send_one(struct pix_session *s, const struct pix_statement *what, bool *prepares) {
  struct sent sent;
  char name[16];
  int at = find(s, what, prepares), count = (int)what->count;

  if (what->count > VALUES) return false;
  collect(what, &sent);
  if (at < 0)
    return PQsendQueryParams(s->db, what->sql, count, NULL, sent.data, sent.lengths, sent.formats,
                             0);
  snprintf(name, sizeof name, "p%d", at);
  if (*prepares && !PQsendPrepare(s->db, name, what->sql, 0, NULL)) return false;
  return PQsendQueryPrepared(s->db, name, count, sent.data, sent.lengths, sent.formats, 0);
}

/* ---- reading ---- */

/* Types by their number, which is the same everywhere (pg_type.dat). */
enum { PG_BOOL = 16, PG_BYTEA = 17, PG_INT8 = 20, PG_INT2 = 21, PG_INT4 = 23 };

static bool read_value(const PGresult *result, int row, int column, struct pix_statement *to,
                       struct pix_value *value) {
  const char *text = PQgetvalue(result, row, column);
  size_t len = (size_t)PQgetlength(result, row, column);
  unsigned char *bytes;
  bool ok;

  if (PQgetisnull(result, row, column)) return true;
  switch (PQftype(result, column)) {
  case PG_INT8:
  case PG_INT4:
  case PG_INT2:
  case PG_BOOL:
    value->kind = PIX_VALUE_INTEGER;
    value->integer = text[0] == 't' ? 1 : strtoll(text, NULL, 10);
    return true;
  case PG_BYTEA:
    bytes = PQunescapeBytea((const unsigned char *)text, &len);
    ok = bytes != NULL && pix_result_copy(to, value, PIX_VALUE_BLOB, (const char *)bytes, len);
    PQfreemem(bytes);
    return ok;
  default: return pix_result_copy(to, value, PIX_VALUE_TEXT, text, len);
  }
}

static bool read_rows(const PGresult *result, struct pix_statement *to) {
  int width = PQnfields(result), rows = PQntuples(result);

  if (!pix_result_columns(to, (size_t)width)) return false;
  for (int i = 0; i < width; i++) {
    if (!pix_result_name(to, (size_t)i, PQfname(result, i))) return false;
  }
  for (int row = 0; row < rows; row++) {
    struct pix_row *into = pix_result_row(to);
    if (into == NULL) return false;
    for (int i = 0; i < width; i++) {
      if (!read_value(result, row, i, to, &into->values[i])) return false;
    }
  }
  return true;
}

static enum pix_fault take(struct pix_session *s, const PGresult *result, struct pix_statement *to,
                           struct pix_err *err) {
  switch (PQresultStatus(result)) {
  case PGRES_TUPLES_OK:
    if (to->tx == NULL) return PIX_FAULT_NONE;
    if (read_rows(result, to)) return PIX_FAULT_NONE;
    return pix_fault_set(err, PIX_FAULT_STATEMENT, "the result is too large");
  case PGRES_COMMAND_OK:
    to->changed = strtoll(PQcmdTuples((PGresult *)result), NULL, 10);
    return PIX_FAULT_NONE;
  default: return fail(s, result, err);
  }
}

/* The answers to one statement. The first fault of a pipeline is kept; what comes after it was not
** done. A fault of the connection itself ends the reading. */
static enum pix_fault read_one(struct pix_session *s, struct pix_statement *to, bool prepared,
                               enum pix_fault *first, struct pix_err *err) {
  for (int part = prepared ? 0 : 1; part < 2; part++) {
    struct pix_err words;
    PGresult *result;
    enum pix_fault fault = only(s, &result, &words);
    if (fault != PIX_FAULT_NONE) {
      if (*first == PIX_FAULT_NONE) *err = words;
      return fault;
    }
    if (*first == PIX_FAULT_NONE && (part == 1 || PQresultStatus(result) != PGRES_COMMAND_OK))
      *first = take(s, result, to, err);
    if (*first == PIX_FAULT_NONE && part == 0) s->confirmed++;
    PQclear(result);
  }
  return PIX_FAULT_NONE;
}

/* What the server did not prepare is forgotten. */
static void forget(struct pix_session *s) {
  while (s->count > s->confirmed) free(s->prepared[--s->count]);
}

static enum pix_fault read_sync(struct pix_session *s, struct pix_err *err) {
  PGresult *result = NULL;
  enum pix_fault fault = next(s, &result, err);
  bool synced = fault == PIX_FAULT_NONE && PQresultStatus(result) == PGRES_PIPELINE_SYNC;

  PQclear(result);
  if (fault != PIX_FAULT_NONE) return fault;
  return synced && PQexitPipelineMode(s->db) ? PIX_FAULT_NONE : lost(s, err);
}

static enum pix_fault read_all(struct pix_session *s, struct pix_statement *const *list,
                               const bool *prepares, size_t count, size_t *done,
                               struct pix_err *err) {
  enum pix_fault first = PIX_FAULT_NONE, fault = PIX_FAULT_NONE;
  struct pix_err words;

  for (size_t i = 0; fault == PIX_FAULT_NONE && i < count; i++) {
    fault = read_one(s, list[i], prepares[i], &first, err);
    if (first == PIX_FAULT_NONE && fault == PIX_FAULT_NONE) *done = i + 1;
  }
  if (fault == PIX_FAULT_NONE && (fault = read_sync(s, &words)) != PIX_FAULT_NONE &&
      first == PIX_FAULT_NONE)
    *err = words;
  forget(s);
  /* A server that ends a connection says so in a statement's answer first. */
  return first != PIX_FAULT_NONE && fault == PIX_FAULT_NONE ? first : fault;
}

static enum pix_fault session_run(struct pix_session *s, struct pix_statement *const *list,
                                  size_t count, size_t *done, struct pix_err *err) {
  bool *prepares = calloc(count, sizeof *prepares);
  enum pix_fault fault;
  bool sent;

  *done = 0;
  if (prepares == NULL) return pix_fault_set(err, PIX_FAULT_BUSY, "out of memory");
  sent = PQenterPipelineMode(s->db);
  for (size_t i = 0; sent && i < count; i++) sent = send_one(s, list[i], &prepares[i]);
  if (sent) sent = PQpipelineSync(s->db);
  fault = sent ? flush(s, err) : lost(s, err);
  if (fault == PIX_FAULT_NONE) fault = read_all(s, list, prepares, count, done, err);
  free(prepares);
  return fault;
}

/* From the moment it is sent, silence means that nothing is known. */
static enum pix_fault session_commit(struct pix_session *s, struct pix_err *err) {
  enum pix_fault fault;
  PGresult *result;

  if (!PQsendQueryParams(s->db, "COMMIT", 0, NULL, NULL, NULL, NULL, 0)) return lost(s, err);
  fault = flush(s, err);
  if (fault == PIX_FAULT_NONE) fault = only(s, &result, err);
  if (fault == PIX_FAULT_NONE) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
      fault = fail(s, result, err);
    else if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
      fault = pix_fault_set(err, PIX_FAULT_COLLISION, "the transaction was rolled back");
    PQclear(result);
  }
  if (fault != PIX_FAULT_LOST && fault != PIX_FAULT_CLOSED) return fault;
  return pix_fault_set(err, PIX_FAULT_UNKNOWN, "the database did not answer to COMMIT");
}

const struct pix_journal_backend pix_journal_backend = {
    .abi = PIX_JOURNAL_ABI,
    .name = "postgres",
    .begin = "BEGIN",
    .mark = "UPDATE pix_writer SET number = $2, seen = CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)"
            " WHERE writer = $1",
    .check = "UPDATE pix_writer SET checks = checks + 1 WHERE writer = $1 RETURNING number",
    .survives_fork = true,
    .open = session_open,
    .run = session_run,
    .commit = session_commit,
    .close = session_close,
};
