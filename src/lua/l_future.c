/*
** l_future.c - futures; see l_future.h. A future's value lives in its user value (LuaJIT: its
** environment), which can only be a table there: other values are boxed.
*/
#include "l_future.h"

#include <inttypes.h>
#include <stdio.h>

#include "call.h"
#include "l_util.h"

/* It is ready, and a drain will say so if it is anchored. */
static void settle(struct l_future *future, enum l_future_result result) {
  future->result = result;
  future->ready = true;
  future->op = 0;
  if (future->task.anchor == LUA_NOREF) return;
  *future->hub->ready_end = future;
  future->hub->ready_end = &future->ready_next;
}

void l_future_finish(lua_State *L, struct l_future *future, enum l_future_result result) {
  if (result == L_VALUE || result == L_BOXED || result == L_ERROR) {
    if (future->task.anchor != LUA_NOREF)
      l_hub_push(L, future->hub, &future->task);
    else
      lua_pushvalue(L, -2); /* at start: the future lies below its value */
    lua_insert(L, -2);
    lua_setuservalue(L, -2);
    lua_pop(L, 1);
  }
  settle(future, result);
}

void l_future_lose(struct l_future *future, enum pix_kind kind, enum pix_sent sent,
                   const char *why) {
  if (future->ready) return;
  future->lost = (struct l_lost){kind, sent, why};
  settle(future, L_LOST);
}

/* The error object of a future that was lost becomes its value. */
static void find(lua_State *L, struct l_future *future) {
  const char *provider = NULL, *operation = NULL;
  struct pix_err err;

  pix_err_set(&err, future->lost.kind, NULL, "%s", future->lost.why);
  err.sent = future->lost.sent;
  if (future->kind == L_CALL) future->task.describe(&future->task, &provider, &operation);
  l_push_error(L, &err, provider, operation, 0);
  lua_setuservalue(L, 1);
  future->result = L_ERROR;
}

void l_future_abandon(lua_State *L, struct l_future *future, const char *why) {
  bool left = (future->kind == L_CALL && future->step == L_STEP_SENT) || future->kind == L_JOURNAL;

  if (future->ready) return;
  future->task.ops = 0;
  future->task.anchor = LUA_NOREF;
  l_future_lose(future, PIX_ECANCELLED, left ? PIX_SENT_MAYBE : PIX_SENT_NO, why);
  if (future->kind == L_CALL) l_call_abandon(L, future);
}

/* Timers and promises: their one op came back. */
static void advance_plain(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  struct l_future *future = (struct l_future *)task;

  (void)hub;
  if (future->kind == L_PROMISE)
    settle(future, future->promised ? future->promise : L_TRUE);
  else if (op->starved)
    l_future_lose(future, PIX_EINTERNAL, PIX_SENT_NO, L_NO_MEMORY);
  else if (op->cancelled)
    l_future_lose(future, PIX_ECANCELLED, PIX_SENT_NO, "the timer was cancelled");
  else
    l_future_finish(L, future, L_TRUE);
}

static void lose_plain(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  (void)L, (void)hub, (void)op;
  l_future_lose((struct l_future *)task, PIX_EINTERNAL, PIX_SENT_NO, L_NO_MEMORY);
}

static void describe_plain(const struct l_task *task, const char **provider,
                           const char **operation) {
  *provider = "";
  *operation = ((const struct l_future *)task)->kind == L_TIMER ? "timer" : "promise";
}

struct l_future *l_future_new(lua_State *L, struct l_hub *hub, enum l_future_kind kind) {
  struct l_future *future = l_new(L, sizeof *future, L_FUTURE);

  future->kind = kind;
  future->task.anchor = LUA_NOREF;
  future->task.advance = advance_plain;
  future->task.lose = lose_plain;
  future->task.describe = describe_plain;
  future->provider_anchor = future->arguments = LUA_NOREF;
  future->hub = l_hub_ref(hub);
  return future;
}

static int future_ready(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);

  lua_pushboolean(L, future->ready);
  return 1;
}

static int future_result(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);

  if (!future->ready)
    return luaL_error(L, "this future is not ready: pix.await(future) waits for it");
  if (future->result == L_TRUE) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (future->result == L_LOST) find(L, future);
  if (future->result == L_ERROR) lua_pushnil(L);
  lua_getuservalue(L, 1);
  if (future->result == L_BOXED) lua_rawgeti(L, -1, 1);
  return future->result == L_ERROR ? 2 : 1;
}

/* Lets a drain that is still to come finish the future; also wakes whoever sleeps on the fd. What
** may raise comes first: a promise that was not fulfilled can be fulfilled later. */
static void finish_soon(lua_State *L, struct l_future *future, enum l_future_result result) {
  struct pix_op *op;

  l_hub_anchor(L, future->hub, 1, &future->task);
  op = pix_timer_new(0);
  if (op == NULL) {
    l_hub_release(L, future->hub, &future->task);
    luaL_error(L, L_NO_MEMORY);
  }
  future->promise = result;
  future->promised = true;
  future->op = l_hub_resubmit(future->hub, &future->task, op);
}

/* promise:fulfil(value) or promise:fulfil(nil, err) */
static int future_fulfil(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);
  enum l_future_result result = L_ERROR;

  luaL_argcheck(L, future->kind == L_PROMISE, 1, "only a promise can be fulfilled");
  if (future->promised) return luaL_error(L, "this promise was fulfilled already");
  if (!l_hub_usable(future->hub)) return luaL_error(L, "this promise's reactor is closed");
  lua_settop(L, 3);
  if (!lua_isnil(L, 2) || !lua_istable(L, 3)) {
    result = L_BOXED;
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, 1);
  }
  finish_soon(L, future, result);
  lua_setuservalue(L, 1);
  return 0;
}

/* An early end is asked for; what had left is told by the error that comes out of a drain. What is
** on its way into the journal cannot be called back. */
static int future_cancel(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);

  if (future->ready || !l_hub_usable(future->hub)) return 0;
  if (future->kind == L_CALL) {
    l_call_cancel(L, future);
  } else if (future->kind == L_TIMER) {
    pix_reactor_cancel(future->hub->reactor, future->op);
  } else if (future->kind == L_PROMISE && !future->promised) {
    future->lost = (struct l_lost){PIX_ECANCELLED, PIX_SENT_NO, "the promise was cancelled"};
    finish_soon(L, future, L_LOST);
  }
  return 0;
}

static int future_id(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, l_call_op(future));
  lua_pushstring(L, text);
  return 1;
}

static int future_what(lua_State *L) {
  static const char *const kinds[] = {
      [L_TIMER] = "timer", [L_PROMISE] = "promise", [L_CALL] = "call", [L_JOURNAL] = "journal"};
  struct l_future *future = l_self(L, L_FUTURE);
  const char *provider, *operation;

  future->task.describe(&future->task, &provider, &operation);
  lua_pushstring(L, kinds[future->kind]);
  lua_pushstring(L, operation);
  return 2;
}

static int future__gc(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);

  if (future->kind == L_CALL) l_call_fini(L, future);
  l_hub_unref(future->hub);
  future->hub = NULL;
  return 0;
}

static int future__tostring(lua_State *L) {
  struct l_future *future = l_self(L, L_FUTURE);
  const char *provider, *operation;

  future->task.describe(&future->task, &provider, &operation);
  lua_pushfstring(L, "pix.future (%s%s%s, %s)", provider, provider[0] != '\0' ? " " : "", operation,
                  future->ready ? "ready" : "under way");
  return 1;
}

int l_future_nap(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  struct l_hub *hub;
  struct pix_err err;

  luaL_argcheck(L, seconds >= 0 && seconds <= 1, 1, "seconds must be 0 … 1");
  hub = l_hub_current(L, &err);
  if (hub == NULL) return l_fail(L, &err);
  pix_reactor_nap(hub->reactor, seconds);
  return 0;
}

/* For loops that ask often: one call instead of a drain that brings nothing. */
int l_future_quiet(lua_State *L) {
  struct pix_err err;
  struct l_hub *hub = l_hub_current(L, &err);

  if (hub == NULL) return l_fail(L, &err);
  lua_pushboolean(L, hub->backlog == NULL && hub->ready == NULL &&
                         !pix_reactor_has_done(hub->reactor));
  return 1;
}

int l_future_timer(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  struct l_future *future;
  struct l_hub *hub;
  struct pix_err err;
  struct pix_op *op;

  luaL_argcheck(L, seconds >= 0 && seconds <= PIX_MAX_TIMEOUT, 1, "seconds must be 0 … 86400");
  hub = l_hub_current(L, &err);
  if (hub == NULL) return l_fail(L, &err);
  future = l_future_new(L, hub, L_TIMER);
  l_hub_anchor(L, hub, -1, &future->task);
  op = pix_timer_new(seconds);
  if (op == NULL) {
    l_hub_release(L, hub, &future->task);
    return luaL_error(L, L_NO_MEMORY);
  }
  future->op = l_hub_resubmit(hub, &future->task, op);
  return 1;
}

int l_future_promise(lua_State *L) {
  struct pix_err err;
  struct l_hub *hub = l_hub_current(L, &err);

  if (hub == NULL) return l_fail(L, &err);
  l_future_new(L, hub, L_PROMISE);
  return 1;
}

static const luaL_Reg methods[] = {
    {"ready", future_ready},
    {"result", future_result},
    {"cancel", future_cancel},
    {"fulfil", future_fulfil},
    {"id", future_id},
    {"what", future_what},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", future__gc}, {"__tostring", future__tostring}, {NULL, NULL}};

void l_future_open(lua_State *L) {
  l_class(L, L_FUTURE, methods, metamethods);
}
