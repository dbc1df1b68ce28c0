/*
** l_reactor.c - the reactor as a Lua object, and the hub behind it; see l_hub.h.
**
** The registry holds two strings' worth of state: "pix.reactor", the current reactor's userdata,
** and "pix.decoder", the codec's decoder of this state.
*/
#include "l_hub.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "l_future.h"
#include "l_util.h"
#include "../core/http.h"

#define REACTOR "pix.reactor" /* metatable */
#define CURRENT "pix.reactor.current"
#define DECODER "pix.decoder"

struct l_reactor {
  L_NOT_LOVE;
  struct l_hub *hub; /* one reference; NULL only while it is being made */
};

static void free_list(struct pix_op *op) {
  while (op != NULL) {
    struct pix_op *next = op->next;
    op->verbs->free(op);
    op = next;
  }
}

/* Ends the reactor; futures under way are told so only if the state lives on (`tell`). */
static void hub_close(lua_State *L, struct l_hub *hub, bool tell, const char *why) {
  if (hub->reactor == NULL) return;
  pix_reactor_close(hub->reactor);
  hub->reactor = NULL;
  free_list(hub->backlog);
  hub->backlog = hub->taken = hub->offered = NULL;
  if (!tell) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, hub->anchors);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    struct l_future *future = luaL_testudata(L, -1, L_FUTURE);
    if (future != NULL) l_future_abandon(L, future, why);
  }
  lua_pop(L, 1);
  luaL_unref(L, LUA_REGISTRYINDEX, hub->anchors);
  hub->anchors = LUA_NOREF;
}

static int drain(lua_State *L);

/* Pushes a new reactor. On failure nothing is pushed. */
static int reactor_new(lua_State *L, bool is_virtual, struct pix_err *err) {
  struct l_reactor *self = l_new(L, sizeof *self, REACTOR);
  struct l_hub *hub = calloc(1, sizeof *hub);

  if (hub == NULL) {
    lua_pop(L, 1);
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  }
  hub->references = 1;
  hub->is_virtual = is_virtual;
  hub->ready_end = &hub->ready;
  hub->anchors = LUA_NOREF;
  self->hub = hub;
  if (pix_reactor_new(is_virtual, &hub->reactor, err) != PIX_OK) {
    hub->reactor = NULL;
    lua_pop(L, 1);
    return err->kind;
  }
  lua_createtable(L, 4, 1);
  lua_pushinteger(
      L, 0); /* LuaJIT's list of free references: made now, so that unref needs no memory */
  lua_rawseti(L, -2, 0);
  hub->anchors = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushcfunction(L, drain);
  hub->drainer = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, LUA_REGISTRYINDEX, DECODER);
  hub->decoder = luaL_ref(L, LUA_REGISTRYINDEX);
  return PIX_OK;
}

/* Pushes the current reactor's userdata (or nothing, on failure). */
static struct l_hub *push_current(lua_State *L, struct pix_err *err) {
  struct l_reactor *self;

  lua_getfield(L, LUA_REGISTRYINDEX, CURRENT);
  self = lua_touserdata(L, -1);
  if (self != NULL && l_hub_usable(self->hub)) return self->hub;
  if (self != NULL)
    hub_close(L, self->hub, true, "the process was forked: this call belongs to the parent");
  lua_pop(L, 1);
  if (reactor_new(L, false, err) != PIX_OK) return NULL;
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, CURRENT);
  self = lua_touserdata(L, -1);
  return self->hub;
}

struct l_hub *l_hub_current(lua_State *L, struct pix_err *err) {
  struct l_hub *hub = push_current(L, err);

  if (hub != NULL) lua_pop(L, 1);
  return hub;
}

/* Lua's side of completion: a finished op moves its task one step. It leaves the backlog before its
** task runs, so that an error raised there cannot hand it over twice; recover takes it up then. */
static void advance_one(lua_State *L, struct l_hub *hub) {
  struct pix_op *op = hub->moving = hub->backlog;
  struct l_task *task = op->owner;

  hub->backlog = op->next;
  task->ops--;
  task->advance(L, hub, task, op);
  hub->moving = NULL;
  op->verbs->free(op);
}

/* The task that was moving when Lua raised (it had no memory) ends with an error. */
static void recover(lua_State *L, struct l_hub *hub) {
  struct pix_op *op = hub->moving;
  struct l_task *task = op->owner;
  hub->moving = NULL;
  task->lose(L, hub, task, op);
  op->verbs->free(op);
}

static void advance_all(lua_State *L, struct l_hub *hub) {
  struct pix_op **end = &hub->backlog;

  while (*end != NULL) end = &(*end)->next;
  *end = pix_reactor_drain(hub->reactor);
  while (hub->backlog != NULL) advance_one(L, hub);
}

/* Taken one by one: the descriptor stays readable for those that are left. */
static void advance_some(lua_State *L, struct l_hub *hub, lua_Integer most) {
  for (; most > 0; most--) {
    if (hub->backlog == NULL) hub->backlog = pix_reactor_take(hub->reactor);
    if (hub->backlog == NULL) return;
    advance_one(L, hub);
  }
}

/* Appends the futures that became ready to the table at index 2, if there is one. */
static void append_ready(lua_State *L, const struct l_hub *hub) {
  int at = lua_istable(L, 2) ? (int)lua_rawlen(L, 2) : 0;

  for (struct l_future *future = hub->ready; future != NULL; future = future->ready_next) {
    if (!lua_istable(L, 2)) continue;
    l_hub_push(L, hub, &future->task);
    lua_rawseti(L, 2, ++at);
  }
}

/* Those that were appended are let go. */
static int forget_ready(lua_State *L, struct l_hub *hub) {
  int count = 0;

  while (hub->ready != NULL) {
    struct l_future *future = hub->ready;
    hub->ready = future->ready_next;
    if (hub->ready == NULL) hub->ready_end = &hub->ready;
    future->ready_next = NULL;
    future->reported = true;
    count++;
    l_hub_release(L, hub, &future->task);
  }
  return count;
}

static struct l_hub *check_reactor(lua_State *L) {
  struct l_reactor *self = l_self(L, REACTOR);

  if (self->hub->reactor == NULL) luaL_error(L, "this reactor is closed");
  if (!l_hub_usable(self->hub))
    luaL_error(L, "this reactor belongs to the parent process: ask pix.core.reactor() again");
  return self->hub;
}

static struct l_hub *check_virtual(lua_State *L) {
  struct l_hub *hub = check_reactor(L);

  if (!hub->is_virtual) luaL_error(L, "only a virtual reactor can do this: pix.testing.start()");
  return hub;
}

static int reactor_fd(lua_State *L) {
  lua_pushinteger(L, pix_reactor_fd(check_reactor(L)->reactor));
  return 1;
}

/* All of a drain that may raise. Arguments: as of reactor_drain. */
static int drain(lua_State *L) {
  struct l_reactor *self = lua_touserdata(L, 1);

  if (lua_isnil(L, 3))
    advance_all(L, self->hub);
  else
    advance_some(L, self->hub, lua_tointeger(L, 3));
  append_ready(L, self->hub);
  return 0;
}

static int call_drainer(lua_State *L, const struct l_hub *hub) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, hub->drainer);
  for (int i = 1; i <= 3; i++) lua_pushvalue(L, i);
  return lua_pcall(L, 3, 0, 0);
}

/* There was no room in the caller's table: it is left as it was for the next drain. Raises. */
static int take_back(lua_State *L, size_t length) {
  for (size_t at = lua_istable(L, 2) ? lua_rawlen(L, 2) : 0; at > length; at--) {
    lua_pushnil(L);
    lua_rawseti(L, 2, (int)at);
  }
  return lua_error(L);
}

static int reactor_drain(lua_State *L) {
  struct l_hub *hub = check_reactor(L);
  size_t length;

  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
  if (!lua_isnoneornil(L, 3)) luaL_checkinteger(L, 3);
  lua_settop(L, 3);
  length = lua_istable(L, 2) ? lua_rawlen(L, 2) : 0;
  while (call_drainer(L, hub) != LUA_OK) {
    if (hub->moving == NULL) return take_back(L, length);
    recover(L, hub);
    lua_settop(L, 3);
  }
  lua_pushinteger(L, forget_ready(L, hub));
  lua_pushboolean(L, hub->backlog != NULL || pix_reactor_has_done(hub->reactor));
  return 2;
}

static int reactor_wait(lua_State *L) {
  struct l_hub *hub = check_reactor(L);
  int what = pix_reactor_wait(hub->reactor, luaL_optnumber(L, 2, -1));

  lua_pushstring(L, what > 0 ? "ready" : what == 0 ? "timeout" : "signal");
  return 1;
}

static int reactor_now(lua_State *L) {
  lua_pushnumber(L, pix_reactor_now(check_reactor(L)->reactor));
  return 1;
}

static int reactor_wall(lua_State *L) {
  lua_pushnumber(L, pix_reactor_wall(check_reactor(L)->reactor));
  return 1;
}

static int reactor_pending(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)pix_reactor_pending(check_reactor(L)->reactor));
  return 1;
}

static int reactor_doorbell(lua_State *L) {
  struct pix_err err;
  const char *path;

  if (pix_reactor_doorbell(check_reactor(L)->reactor, &path, &err) != PIX_OK)
    return l_fail(L, &err);
  lua_pushstring(L, path);
  return 1;
}

static int reactor_close(lua_State *L) {
  struct l_reactor *self = l_self(L, REACTOR);

  hub_close(L, self->hub, true, "the reactor was closed");
  return 0;
}

/* At the end of a state the anchors' table may be gone already: nobody is told. */
static int reactor__gc(lua_State *L) {
  struct l_reactor *self = l_self(L, REACTOR);

  if (self->hub == NULL) return 0;
  hub_close(L, self->hub, false, NULL);
  l_hub_unref(self->hub);
  self->hub = NULL;
  return 0;
}

static int reactor_is_virtual(lua_State *L) {
  struct l_reactor *self = l_self(L, REACTOR);

  lua_pushboolean(L, self->hub->is_virtual);
  return 1;
}

/* cqueues polls an object for this; copas asks with the other names. */
static int reactor_events(lua_State *L) {
  l_self(L, REACTOR);
  lua_pushliteral(L, "r");
  return 1;
}

static int reactor_nothing(lua_State *L) {
  l_self(L, REACTOR);
  return 0;
}

static int reactor_dirty(lua_State *L) {
  l_self(L, REACTOR);
  lua_pushboolean(L, 0);
  return 1;
}

static int reactor_advance(lua_State *L) {
  struct l_hub *hub = check_virtual(L);
  double seconds = luaL_checknumber(L, 2);

  luaL_argcheck(L, seconds >= 0, 2, "time does not run backwards");
  pix_reactor_advance(hub->reactor, seconds);
  return 0;
}

static int reactor_next_timer(lua_State *L) {
  double seconds = pix_reactor_next_timer(check_virtual(L)->reactor);

  if (seconds < 0) return 0;
  lua_pushnumber(L, seconds);
  return 1;
}

static int reactor_set_wall(lua_State *L) {
  pix_reactor_set_wall(check_virtual(L)->reactor, luaL_checknumber(L, 2));
  return 0;
}

static void push_id(lua_State *L, uint64_t id) {
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, id);
  lua_pushstring(L, text);
}

/* { {name, value}, … } from lines "Name: value". */
static void push_headers(lua_State *L, const struct pix_http_headers *headers) {
  const char *line;

  lua_newtable(L);
  for (size_t at = 0; headers != NULL && (line = pix_http_headers_at(headers, at)) != NULL; at++) {
    const char *colon = strchr(line, ':');
    if (colon == NULL) continue;
    lua_createtable(L, 2, 0);
    lua_pushlstring(L, line, (size_t)(colon - line));
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, colon[1] == ' ' ? colon + 2 : colon + 1);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (int)at + 1);
  }
}

static void set_string(lua_State *L, const char *key, const char *text, size_t len) {
  lua_pushlstring(L, text, len);
  lua_setfield(L, -2, key);
}

static int reactor_outbox(lua_State *L) {
  struct l_hub *hub = check_virtual(L);
  struct pix_op *op = hub->offered != NULL ? hub->offered : pix_reactor_outbox(hub->reactor);
  struct pix_exchange *exchange = (struct pix_exchange *)op;
  const struct l_task *task;
  const char *provider, *operation;

  if (op == NULL) return 0;
  if (op != hub->offered) {
    op->next = hub->taken;
    hub->taken = hub->offered = op;
  }
  task = op->owner;
  task->describe(task, &provider, &operation);
  lua_createtable(L, 0, 9);
  push_id(L, op->id);
  lua_setfield(L, -2, "id");
  set_string(L, "provider", provider, strlen(provider));
  set_string(L, "operation", operation, strlen(operation));
  set_string(L, "method", exchange->method, strlen(exchange->method));
  set_string(L, "url", pix_buf_text(&exchange->url), exchange->url.len);
  set_string(L, "body", pix_buf_text(&exchange->body), exchange->body.len);
  push_headers(L, exchange->headers);
  lua_setfield(L, -2, "headers");
  lua_pushboolean(L, exchange->once);
  lua_setfield(L, -2, "once");
  lua_pushnumber(L, exchange->timeout);
  lua_setfield(L, -2, "timeout");
  hub->offered = NULL;
  return 1;
}

/* Takes the exchange with this id from those that were handed out; NULL: it is gone. */
static struct pix_exchange *take(struct l_hub *hub, uint64_t id) {
  struct pix_op **link = &hub->taken;
  struct pix_op *op;

  while (*link != NULL && (*link)->id != id) link = &(*link)->next;
  op = *link;
  if (op == NULL) return NULL;
  *link = op->next;
  op->next = NULL;
  if (hub->offered == op) hub->offered = NULL;
  return (struct pix_exchange *)op;
}

void l_hub_cancel(struct l_hub *hub, uint64_t id) {
  struct pix_exchange *exchange = hub->is_virtual ? take(hub, id) : NULL;

  if (exchange == NULL) {
    pix_reactor_cancel(hub->reactor, id);
    return;
  }
  pix_exchange_fail(exchange, PIX_ECANCELLED, PIX_SENT_MAYBE, "cancelled after it was sent");
  pix_reactor_finish(hub->reactor, &exchange->op);
}

static struct pix_exchange *check_taken(lua_State *L, struct l_hub *hub) {
  return take(hub, strtoull(luaL_checkstring(L, 2), NULL, 10));
}

/* Ends an exchange; pushes whether it was still waiting for an answer. */
static int deliver(lua_State *L, struct l_hub *hub, struct pix_exchange *exchange) {
  if (exchange != NULL) pix_reactor_finish(hub->reactor, &exchange->op);
  lua_pushboolean(L, exchange != NULL);
  return 1;
}

/* Copies the header `name` of the reply's table at index 3 into `to`, any spelling of its case. */
static void copy_header(lua_State *L, const char *name, char *to, size_t size) {
  lua_getfield(L, 3, "headers");
  if (lua_istable(L, -1)) {
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1)) continue;
      if (strcasecmp(lua_tostring(L, -2), name) != 0) continue;
      lua_pushvalue(L, -1);
      snprintf(to, size, "%s", lua_tostring(L, -1));
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

static int reactor_answer(lua_State *L) {
  struct l_hub *hub = check_virtual(L);
  struct pix_exchange *exchange;
  size_t len;
  const char *body;
  lua_Integer status;

  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_getfield(L, 3, "status");
  status = luaL_optinteger(L, -1, 200);
  lua_getfield(L, 3, "body");
  body = luaL_optlstring(L, -1, "", &len);
  exchange = check_taken(L, hub);
  if (exchange == NULL) return deliver(L, hub, NULL);
  copy_header(L, "content-type", exchange->content_type, sizeof exchange->content_type);
  copy_header(L, "retry-after", exchange->retry_after, sizeof exchange->retry_after);
  pix_exchange_answer(exchange, (long)status, body, len);
  return deliver(L, hub, exchange);
}

static int reactor_fail(lua_State *L) {
  static const char *const kinds[] = {"network", "timeout", "protocol", "cancelled", NULL};
  static const enum pix_kind values[] = {PIX_ENETWORK, PIX_ETIMEOUT, PIX_EPROTOCOL, PIX_ECANCELLED};
  static const char *const words[] = {"no", "maybe", NULL};
  struct l_hub *hub = check_virtual(L);
  enum pix_kind kind = values[luaL_checkoption(L, 3, NULL, kinds)];
  int sent = luaL_checkoption(L, 4, "maybe", words);
  const char *message = luaL_optstring(L, 5, pix_err_kind_name(kind));
  struct pix_exchange *exchange = check_taken(L, hub);

  if (exchange != NULL)
    pix_exchange_fail(exchange, kind, sent == 0 ? PIX_SENT_NO : PIX_SENT_MAYBE, message);
  return deliver(L, hub, exchange);
}

int l_reactor_current(lua_State *L) {
  struct pix_err err;

  return push_current(L, &err) != NULL ? 1 : l_fail(L, &err);
}

int l_reactor_virtual(lua_State *L) {
  struct pix_err err;

  if (reactor_new(L, true, &err) != PIX_OK) return l_fail(L, &err);
  return 1;
}

/* The real reactor that a virtual one stands in for stays alive in the registry. */
int l_reactor_use(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) luaL_checkudata(L, 1, REACTOR);
  lua_settop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, CURRENT);
  if (!lua_isnil(L, -1)) {
    struct l_reactor *former = lua_touserdata(L, -1);
    if (!former->hub->is_virtual) {
      lua_pushvalue(L, -1);
      lua_setfield(L, LUA_REGISTRYINDEX, CURRENT ".real");
    }
  }
  if (lua_isnil(L, 1))
    lua_getfield(L, LUA_REGISTRYINDEX, CURRENT ".real");
  else
    lua_pushvalue(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, CURRENT);
  return 1;
}

static const luaL_Reg methods[] = {
    {"fd", reactor_fd},
    {"drain", reactor_drain},
    {"wait", reactor_wait},
    {"now", reactor_now},
    {"wall", reactor_wall},
    {"pending", reactor_pending},
    {"doorbell", reactor_doorbell},
    {"close", reactor_close},
    {"is_virtual", reactor_is_virtual},
    {"pollfd", reactor_fd},
    {"events", reactor_events},
    {"timeout", reactor_nothing},
    {"getfd", reactor_fd},
    {"dirty", reactor_dirty},
    {"settimeout", reactor_nothing},
    {"advance", reactor_advance},
    {"next_timer", reactor_next_timer},
    {"set_wall", reactor_set_wall},
    {"outbox", reactor_outbox},
    {"answer", reactor_answer},
    {"fail", reactor_fail},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__gc", reactor__gc}, {NULL, NULL}};

void l_hub_open(lua_State *L) {
  l_class(L, REACTOR, methods, metamethods);
  pix_codec_open(L);
  lua_setfield(L, LUA_REGISTRYINDEX, DECODER);
}
