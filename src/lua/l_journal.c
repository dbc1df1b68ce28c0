/*
** l_journal.c - the journal as a Lua object: tables of statements in, futures of results out. The
** rules for money are in lua/pix/journal.lua; here are only transactions. See ../core/journal.h.
**
** The journal behind the object is made at the first transaction, and in a forked child anew, if
** the back end can: SQLite cannot be opened a second time over a fork.
*/
#include "l_journal.h"

#include <string.h>

#include "l_future.h"
#include "l_util.h"

#define JOURNAL  "pix.journal" /* metatable */
#define GUARD    "pix.journal.guard"
#define PATIENCE 5.0 /* seconds */

struct l_journal {
  L_NOT_LOVE;
  const struct pix_journal_backend *backend;
  struct pix_journal *journal; /* NULL: not yet */
  double patience;
  bool closed;
};

static struct l_journal *check_journal(lua_State *L) {
  return l_self(L, JOURNAL);
}

/* Its text lies in the user value: a URL may hold a password, and stays out of errors. */
static int start(lua_State *L, struct l_journal *self, struct pix_err *err) {
  const char *where;
  size_t len;
  int kind;

  lua_getuservalue(L, 1);
  lua_rawgeti(L, -1, 1);
  where = lua_tolstring(L, -1, &len);
  kind = pix_journal_new(self->backend, where, len, self->patience, &self->journal, err);
  lua_pop(L, 2);
  return kind;
}

static int make_ready(lua_State *L, struct l_journal *self, struct pix_err *err) {
  if (self->closed) {
    pix_fault_set(err, PIX_FAULT_CLOSED, "the journal is closed");
    return err->kind;
  }
  if (self->journal != NULL && !pix_journal_alive(self->journal)) {
    if (!self->backend->survives_fork) {
      pix_fault_set(err, PIX_FAULT_CLOSED, "the process was forked while its journal was open");
      return pix_err_hint(err, "use the journal only after the fork, in each process by itself");
    }
    self->journal = NULL; /* the parent's; its memory cannot be freed here */
  }
  return self->journal != NULL ? PIX_OK : start(L, self, err);
}

/* ---- transactions in ---- */

/* Frees the transaction of a submit that raised. */
struct guard {
  L_NOT_LOVE;
  struct pix_tx *tx;
};

static int guard__gc(lua_State *L) {
  struct guard *guard = l_self(L, GUARD);

  if (guard->tx != NULL) pix_tx_free(guard->tx);
  guard->tx = NULL;
  return 0;
}

static int read_value(lua_State *L, struct pix_tx *tx, struct pix_value *value,
                      struct pix_err *err) {
  size_t len;
  const char *text;

  switch (lua_type(L, -1)) {
  case LUA_TNIL: return PIX_OK;
  case LUA_TBOOLEAN:
    value->kind = PIX_VALUE_INTEGER;
    value->integer = lua_toboolean(L, -1);
    return PIX_OK;
  case LUA_TNUMBER:
    value->kind = PIX_VALUE_INTEGER;
    if (pix_l_toint64(L, -1, &value->integer)) return PIX_OK;
    return pix_err_set(err, PIX_EINVALID, "value", "the journal holds whole numbers only");
  case LUA_TSTRING:
    text = lua_tolstring(L, -1, &len);
    return pix_tx_bind(tx, value, PIX_VALUE_TEXT, text, len, err);
  default:
    return pix_err_set(err, PIX_EINVALID, "value", "the journal cannot hold a %s",
                       luaL_typename(L, -1));
  }
}

static int member(lua_State *L, const char *key, int64_t otherwise, int64_t *value,
                  struct pix_err *err) {
  int kind = PIX_OK;

  *value = otherwise;
  if (pix_l_getfield(L, -1, key) != LUA_TNIL && !pix_l_toint64(L, -1, value))
    kind = pix_err_set(err, PIX_EINVALID, key, "%s is a whole number", key);
  lua_pop(L, 1);
  return kind;
}

/* The statement on the top: { sql =, n =, expect =, value… }. */
static int read_statement(lua_State *L, struct pix_tx *tx, struct pix_err *err) {
  struct pix_statement *statement;
  int64_t count, expect;
  size_t len;
  const char *sql;
  int kind = PIX_OK;

  if (!lua_istable(L, -1)) return pix_err_set(err, PIX_EINVALID, "statement", "not a table");
  if (member(L, "n", (int64_t)lua_rawlen(L, -1), &count, err) != PIX_OK) return err->kind;
  if (member(L, "expect", -1, &expect, err) != PIX_OK) return err->kind;
  if (count < 0 || count > 64)
    return pix_err_set(err, PIX_EINVALID, "n", "a statement has 0 to 64 values");
  lua_getfield(L, -1, "sql");
  kind = l_text(L, -1, "sql", &sql, &len, err);
  if (kind == PIX_OK) kind = pix_tx_add(tx, sql, len, (size_t)count, &statement, err);
  lua_pop(L, 1);
  for (int i = 0; kind == PIX_OK && i < (int)count; i++) {
    lua_rawgeti(L, -1, i + 1);
    kind = read_value(L, tx, &statement->values[i], err);
    lua_pop(L, 1);
  }
  if (kind == PIX_OK) statement->expect = expect;
  return kind;
}

static int read_list(lua_State *L, struct pix_tx *tx, struct pix_err *err) {
  int count = (int)lua_rawlen(L, 2), kind = PIX_OK;

  if (count == 0) return pix_err_set(err, PIX_EINVALID, "statement", "no statement");
  for (int i = 1; kind == PIX_OK && i <= count; i++) {
    lua_rawgeti(L, 2, i);
    kind = read_statement(L, tx, err);
    lua_pop(L, 1);
  }
  return kind;
}

/* ---- results out ---- */

static void push_value(lua_State *L, const struct pix_value *value) {
  if (value->kind == PIX_VALUE_INTEGER)
    lua_pushinteger(L, (lua_Integer)value->integer);
  else
    lua_pushlstring(L, value->data, value->len);
}

static void push_row(lua_State *L, const struct pix_statement *from, const struct pix_row *row) {
  lua_createtable(L, 0, (int)from->width);
  for (size_t i = 0; i < from->width; i++) {
    if (row->values[i].kind == PIX_VALUE_NULL) continue;
    push_value(L, &row->values[i]);
    lua_setfield(L, -2, from->columns[i]);
  }
}

/* One table per statement: its rows, and `changed`. */
static void push_result(lua_State *L, const struct pix_tx *tx) {
  int index = 0;

  lua_createtable(L, (int)tx->count, 0);
  for (const struct pix_statement *at = tx->first; at != NULL; at = at->next) {
    int count = 0;
    lua_createtable(L, (int)(at->width > 0 ? at->changed : 0), 1);
    lua_pushinteger(L, (lua_Integer)at->changed);
    lua_setfield(L, -2, "changed");
    for (const struct pix_row *row = at->rows; row != NULL; row = row->next) {
      push_row(L, at, row);
      lua_rawseti(L, -2, ++count);
    }
    lua_rawseti(L, -2, ++index);
  }
}

static void push_failure(lua_State *L, const struct pix_tx *tx) {
  int extras;

  lua_createtable(L, 0, 1);
  extras = lua_gettop(L);
  if (tx->failed > 0) {
    lua_pushinteger(L, (lua_Integer)tx->failed);
    lua_setfield(L, extras, "statement");
  }
  l_push_error(L, &tx->err, NULL, "journal", extras);
  lua_remove(L, extras);
}

static void advance(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  struct l_future *future = (struct l_future *)task;
  const struct pix_tx *tx = pix_journal_tx(op);
  bool failed = tx->err.kind != PIX_OK;

  (void)hub;
  if (failed)
    push_failure(L, tx);
  else
    push_result(L, tx);
  l_future_finish(L, future, failed ? L_ERROR : L_VALUE);
}

/* The result could not be told: what was to be done may have been. */
static void lose(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  (void)L, (void)hub, (void)op;
  l_future_lose((struct l_future *)task, PIX_EINTERNAL, PIX_SENT_MAYBE, L_NO_MEMORY);
}

static void describe(const struct l_task *task, const char **provider, const char **operation) {
  (void)task;
  *provider = "";
  *operation = "journal";
}

/* ---- methods ---- */

/* A future that is ready, with the error. */
static int refuse(lua_State *L, struct l_future *future, const struct pix_err *err) {
  l_push_error(L, err, NULL, "journal", 0);
  l_future_finish(L, future, L_ERROR);
  lua_settop(L, 3);
  return 1;
}

/* journal:submit(statements) → future of a list of results */
static int journal_submit(lua_State *L) {
  struct l_journal *self = check_journal(L);
  struct l_future *future;
  struct l_hub *hub;
  struct pix_err err;
  struct guard *guard;
  struct pix_op *op;

  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  hub = l_hub_current(L, &err);
  if (hub == NULL) return l_fail(L, &err);
  future = l_future_new(L, hub, L_JOURNAL);
  future->task.advance = advance;
  future->task.lose = lose;
  future->task.describe = describe;
  if (make_ready(L, self, &err) != PIX_OK) return refuse(L, future, &err);
  guard = l_new(L, sizeof *guard, GUARD);
  guard->tx = pix_tx_new();
  if (guard->tx == NULL) return luaL_error(L, L_NO_MEMORY);
  if (read_list(L, guard->tx, &err) != PIX_OK)
    return luaL_error(L, "journal:submit: %s", err.message);
  l_hub_anchor(L, hub, 3, &future->task);
  op = pix_journal_op(self->journal, hub->reactor, guard->tx);
  guard->tx = NULL;
  if (op == NULL) {
    l_hub_release(L, hub, &future->task);
    return luaL_error(L, L_NO_MEMORY);
  }
  lua_settop(L, 3);
  future->op = l_hub_resubmit(hub, &future->task, op);
  pix_journal_put(op);
  if (hub->is_virtual) pix_journal_flush(self->journal); /* its time stands still */
  return 1;
}

static int journal_name(lua_State *L) {
  lua_pushstring(L, check_journal(L)->backend->name);
  return 1;
}

/* journal:counts() → commits, transactions */
static int journal_counts(lua_State *L) {
  struct l_journal *self = check_journal(L);
  int64_t commits = 0, transactions = 0;

  if (self->journal != NULL && pix_journal_alive(self->journal))
    pix_journal_count(self->journal, &commits, &transactions);
  lua_pushinteger(L, (lua_Integer)commits);
  lua_pushinteger(L, (lua_Integer)transactions);
  return 2;
}

static int journal_close(lua_State *L) {
  struct l_journal *self = check_journal(L);

  pix_journal_close(self->journal);
  self->journal = NULL;
  self->closed = true;
  return 0;
}

static int journal__tostring(lua_State *L) {
  lua_pushfstring(L, "pix.journal (%s)", check_journal(L)->backend->name);
  return 1;
}

int l_journal_new(lua_State *L) {
  const struct l_backend *backend = luaL_checkudata(L, 1, L_BACKEND);
  double patience = luaL_optnumber(L, 3, PATIENCE);
  struct l_journal *self;
  struct pix_err err;
  const char *where;
  size_t len;

  luaL_argcheck(L, patience >= 0 && patience <= PIX_MAX_TIMEOUT, 3, "seconds must be 0 … 86400");
  if (l_text(L, 2, "journal", &where, &len, &err) != PIX_OK) return l_fail(L, &err);
  if (backend->abi != PIX_JOURNAL_ABI) {
    pix_err_set(&err, PIX_ECONFIG, "journal",
                "the journal's module is of another version of luapix");
    pix_err_hint(&err, "install pix.core and the journal's modules from one build");
    return l_fail(L, &err);
  }
  self = l_new(L, sizeof *self, JOURNAL);
  self->backend = backend->verbs;
  self->patience = patience;
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 1);
  lua_setuservalue(L, -2);
  return 1;
}

static const luaL_Reg methods[] = {
    {"submit", journal_submit}, {"name", journal_name}, {"counts", journal_counts},
    {"close", journal_close},   {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", journal_close}, {"__tostring", journal__tostring}, {NULL, NULL}};

void l_journal_open(lua_State *L) {
  static const luaL_Reg guards[] = {{"__gc", guard__gc}, {NULL, NULL}};

  l_class(L, JOURNAL, methods, metamethods);
  l_class(L, GUARD, guards + 1, guards);
  luaL_newmetatable(L, L_BACKEND);
  lua_pushliteral(L, "pix");
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
