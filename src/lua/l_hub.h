/*
** l_hub.h - where a reactor meets a Lua state. A *hub* is one reactor as seen from Lua: it knows
** which *task* (a future, or a provider that fetches its token) each op belongs to.
**
** Tasks live in userdata. While a task has ops under way its userdata is anchored in the hub's
** table, so a C pointer to it stays good and a future that the program has dropped still ends in
** order. Nothing here is shared between threads; the reactor behind it has its own locks.
*/
#ifndef PIX_L_HUB_H
#define PIX_L_HUB_H

#include "compat.h"
#include "l_util.h"
#include "../core/reactor.h"

struct l_hub;
struct l_future;
struct pix_request;

/* The head of everything that may own an op. */
struct l_task {
  L_NOT_LOVE;
  /* An op of this task has finished. The hub frees it afterwards. May raise only for lack of
  ** memory, and only before it submits another op. */
  void (*advance)(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op);
  /* What advance began and could not finish is over, with an error: whoever waits is told. Needs no
  ** memory and never raises. */
  void (*lose)(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op);
  /* For the scripted transport: whose op is it, and what does it do? Static strings. */
  void (*describe)(const struct l_task *task, const char **provider, const char **operation);
  int anchor; /* reference in the hub's table; LUA_NOREF = not anchored */
  int ops;    /* ops under way */
};

struct l_hub {
  int references;
  struct pix_reactor *reactor; /* NULL once closed */
  int anchors;                 /* registry reference of the table of tasks */
  int decoder;                 /* registry reference of the codec's decoder */
  bool is_virtual;
  int drainer;            /* registry reference of what a drain calls so that it may fail */
  struct pix_op *backlog; /* drained, not yet advanced */
  struct pix_op *moving;  /* its task runs */
  struct l_future *ready; /* became ready in this drain, not yet reported */
  struct l_future **ready_end;
  struct pix_op *taken;   /* virtual: taken from the outbox, still the reactor's */
  struct pix_op *offered; /* the one of them that the test has not seen: it could not be told */
  struct l_spare *spares; /* requests to be used again */
  int spare_count;
};

/* Classes and registry entries; called once per state. */
void l_hub_open(lua_State *L);

/* The hub of the current reactor; starts the reactor if there is none, and anew after a fork.
** NULL with err if the system refuses. */
struct l_hub *l_hub_current(lua_State *L, struct pix_err *err);

struct l_hub *l_hub_ref(struct l_hub *hub);
void l_hub_unref(struct l_hub *hub);
bool l_hub_usable(const struct l_hub *hub); /* not closed, and not left behind by a fork */

/* Submits op for a task that is anchored; returns the op's id. */
uint64_t l_hub_resubmit(struct l_hub *hub, struct l_task *task, struct pix_op *op);

/* Asks for the early end of an op, also of an exchange that a test has taken out. */
void l_hub_cancel(struct l_hub *hub, uint64_t id);

void l_hub_anchor(lua_State *L, struct l_hub *hub, int index, struct l_task *task);
void l_hub_release(lua_State *L, struct l_hub *hub, struct l_task *task); /* if no op is left */
void l_hub_push(lua_State *L, const struct l_hub *hub,
                const struct l_task *task); /* the task's userdata */

/* An empty request, NULL: no memory; and back with it, whatever it holds. */
struct pix_request *l_hub_request(struct l_hub *hub);
void l_hub_put_request(struct l_hub *hub, struct pix_request *request);

/* core.reactor(), core.virtual(), core.use() */
int l_reactor_current(lua_State *L);
int l_reactor_virtual(lua_State *L);
int l_reactor_use(lua_State *L);

#endif
