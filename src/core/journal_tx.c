/*
** journal_tx.c - a transaction's memory: statements, values, results; and the faults' words. Also
** linked into the back ends' modules. See journal.h.
*/
#include "journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define CHUNK 2048

struct pix_chunk {
  struct pix_chunk *next;
  size_t used, size;
  max_align_t bytes[];
};

static void *arena_take(struct pix_arena *arena, size_t size) {
  struct pix_chunk *chunk = arena->chunks;
  void *memory;

  size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  if (chunk == NULL || chunk->size - chunk->used < size) {
    size_t room = size > CHUNK ? size : CHUNK;
    chunk = malloc(sizeof *chunk + room);
    if (chunk == NULL) return NULL;
    chunk->next = arena->chunks;
    chunk->used = 0;
    chunk->size = room;
    arena->chunks = chunk;
  }
  memory = (char *)chunk->bytes + chunk->used;
  chunk->used += size;
  memset(memory, 0, size);
  return memory;
}

static char *arena_copy(struct pix_arena *arena, const char *data, size_t len) {
  char *copy = arena_take(arena, len + 1);

  if (copy != NULL && len > 0) memcpy(copy, data, len);
  return copy;
}

static void arena_clear(struct pix_arena *arena) {
  while (arena->chunks != NULL) {
    struct pix_chunk *chunk = arena->chunks;
    arena->chunks = chunk->next;
    free(chunk);
  }
}

/* ---- what is to be done ---- */

struct pix_tx *pix_tx_new(void) {
  struct pix_tx *tx = calloc(1, sizeof *tx);

  if (tx == NULL) return NULL;
  tx->end = &tx->first;
  pix_err_init(&tx->err);
  return tx;
}

void pix_tx_free(struct pix_tx *tx) {
  if (tx == NULL) return;
  arena_clear(&tx->input);
  arena_clear(&tx->output);
  free(tx);
}

int pix_tx_add(struct pix_tx *tx, const char *sql, size_t len, size_t count,
               struct pix_statement **out, struct pix_err *err) {
  struct pix_statement *statement;

  if (len == 0 || len > PIX_MAX_SQL || memchr(sql, '\0', len) != NULL)
    return pix_err_set(err, PIX_EINVALID, "sql", "a statement has 1 to %d bytes", PIX_MAX_SQL);
  if (tx->count == PIX_MAX_STATEMENTS)
    return pix_err_set(err, PIX_EINVALID, "sql", "a transaction has at most %d statements",
                       PIX_MAX_STATEMENTS);
  statement = arena_take(&tx->input, sizeof *statement);
  if (statement == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  statement->tx = tx;
  statement->expect = -1;
  statement->count = count;
  statement->sql = arena_copy(&tx->input, sql, len);
  statement->values = arena_take(&tx->input, (count + 1) * sizeof *statement->values);
  if (statement->sql == NULL || statement->values == NULL)
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  *tx->end = *out = statement;
  tx->end = &statement->next;
  tx->count++;
  return PIX_OK;
}

static bool keep(struct pix_arena *arena, struct pix_value *value, enum pix_value_kind kind,
                 const char *data, size_t len) {
  value->data = arena_copy(arena, data, len);
  value->len = len;
  value->kind = kind;
  return value->data != NULL;
}

/* PostgreSQL would refuse it, SQLite would take it: the journal is one. */
static bool is_text(const char *data, size_t len) {
  for (size_t at = 0, step; at < len; at += step) {
    step = pix_text_utf8_step(data + at, len - at);
    if (step == 0 || data[at] == '\0') return false;
  }
  return true;
}

int pix_tx_bind(struct pix_tx *tx, struct pix_value *value, enum pix_value_kind kind,
                const char *data, size_t len, struct pix_err *err) {
  if (len > PIX_MAX_VALUE)
    return pix_err_set(err, PIX_EINVALID, "value", "a value has at most %d bytes", PIX_MAX_VALUE);
  if (kind == PIX_VALUE_TEXT && !is_text(data, len))
    return pix_err_set(err, PIX_EINVALID, "value", "a text is valid UTF-8 without a NUL byte");
  if (!keep(&tx->input, value, kind, data, len))
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  return PIX_OK;
}

/* ---- what came out ---- */

void pix_result_reset(struct pix_tx *tx) {
  arena_clear(&tx->output);
  pix_err_init(&tx->err);
  tx->failed = 0;
  for (struct pix_statement *at = tx->first; at != NULL; at = at->next) {
    at->columns = NULL;
    at->width = 0;
    at->rows = NULL;
    at->rows_end = &at->rows;
    at->changed = 0;
  }
}

bool pix_result_columns(struct pix_statement *statement, size_t width) {
  statement->columns = arena_take(&statement->tx->output, width * sizeof *statement->columns);
  statement->width = width;
  return statement->columns != NULL;
}

bool pix_result_name(struct pix_statement *statement, size_t column, const char *name) {
  statement->columns[column] = arena_copy(&statement->tx->output, name, strlen(name));
  return statement->columns[column] != NULL;
}

struct pix_row *pix_result_row(struct pix_statement *statement) {
  size_t size = sizeof(struct pix_row) + statement->width * sizeof(struct pix_value);
  struct pix_row *row;

  if (statement->changed >= PIX_MAX_ROWS) return NULL;
  row = arena_take(&statement->tx->output, size);
  if (row == NULL) return NULL;
  *statement->rows_end = row;
  statement->rows_end = &row->next;
  statement->changed++;
  return row;
}

bool pix_result_copy(struct pix_statement *statement, struct pix_value *value,
                     enum pix_value_kind kind, const char *data, size_t len) {
  return keep(&statement->tx->output, value, kind, data, len);
}

/* ---- faults ---- */

static const struct {
  const char *word, *hint;
} words[PIX_FAULTS] = {
    [PIX_FAULT_NONE] = {"none", ""},
    [PIX_FAULT_REFUSED] = {"refused", "read the record again: it is not as was expected"},
    [PIX_FAULT_CONSTRAINT] = {"constraint", "the record exists already, or refers to none"},
    [PIX_FAULT_STATEMENT] = {"statement", "please report this with the message"},
    [PIX_FAULT_COLLISION] = {"busy", "others write the same records; try again"},
    [PIX_FAULT_BUSY] = {"busy", "another program holds the journal locked; try again"},
    [PIX_FAULT_LOST] = {"lost", "the journal connects again by itself; try again later"},
    [PIX_FAULT_UNKNOWN] = {"unknown", "whether it was recorded is not known: read it again"},
    [PIX_FAULT_FULL] = {"full", "make room on the disk; the journal goes on by itself then"},
    [PIX_FAULT_READONLY] = {"readonly", "let this user write the journal's file and its folder"},
    [PIX_FAULT_BROKEN] = {"broken", "it is damaged or no journal; restore it from a copy"},
    [PIX_FAULT_CONFIG] = {"config", "correct where the journal is"},
    [PIX_FAULT_CLOSED] = {"closed", "the journal was closed before this was recorded"},
};

enum pix_fault pix_fault_set(struct pix_err *err, enum pix_fault fault, const char *format, ...) {
  bool refused = fault == PIX_FAULT_REFUSED || fault == PIX_FAULT_CONSTRAINT;
  char text[sizeof err->message];
  va_list list;

  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  text[strcspn(text, "\r\n")] = '\0'; /* a server's words have more lines than one */
  pix_err_set(err, refused ? PIX_ECONFLICT : PIX_EJOURNAL, NULL, "%s", text);
  pix_err_copy(err->code, sizeof err->code, words[fault].word, strlen(words[fault].word));
  pix_err_hint(err, "%s", words[fault].hint);
  if (fault == PIX_FAULT_UNKNOWN) err->sent = PIX_SENT_MAYBE;
  return fault;
}
