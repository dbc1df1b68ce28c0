/*
** l_future.h - a future: something that takes time and becomes ready once. A timer, a promise, a
** call (one operation at a provider; call.c moves it through its steps), or a transaction of the
** journal's.
*/
#ifndef PIX_L_FUTURE_H
#define PIX_L_FUTURE_H

#include "l_hub.h"
#include "../provider/codec.h"

#define L_FUTURE "pix.future"

struct l_provider;

enum l_future_kind { L_TIMER, L_PROMISE, L_CALL, L_JOURNAL };
/* What the user value is. L_LOST: nothing yet; `lost` becomes an error object when asked for. */
enum l_future_result { L_NOTHING, L_TRUE, L_VALUE, L_BOXED, L_ERROR, L_LOST };

/* An error in words that are static, told without any of Lua's memory. */
struct l_lost {
  enum pix_kind kind;
  enum pix_sent sent;
  const char *why;
};

#define L_NO_MEMORY "out of memory"

/* Where a call stands. */
enum l_step { L_STEP_NEW, L_STEP_TOKEN, L_STEP_SENT, L_STEP_ENDING, L_STEP_DONE };

struct l_future {
  struct l_task task; /* first */
  struct l_hub *hub;  /* one reference */
  enum l_future_kind kind;
  enum l_future_result result;
  struct l_lost lost;
  bool ready;
  bool reported;                /* a drain has told of it */
  bool promised;                /* a promise: fulfilled, to be reported by the next drain */
  enum l_future_result promise; /* what it was fulfilled with */
  uint64_t op;                  /* the op waited for now; 0 = none */
  struct l_future *ready_next;  /* link in the hub's list of those to report */

  /* Of calls only. */
  struct l_provider *provider; /* kept alive by `provider_anchor` */
  int provider_anchor;         /* registry reference */
  int arguments;               /* registry reference, LUA_NOREF: kept while it may be re-encoded */
  enum l_step step;
  const char *provider_name; /* static */
  bool renewed, adapted;
  uint64_t timer;             /* ends the wait for a token; 0 = none */
  double deadline;            /* on the hub's clock */
  unsigned token_used;        /* generation of the token it was sent with */
  struct l_future *wait_next; /* link among those who wait for the provider's token */
  enum pix_operation operation;
  struct pix_request *request; /* of the hub's; NULL once the call is over */
};

void l_future_open(lua_State *L);

/* Pushes a fresh future of the hub. */
struct l_future *l_future_new(lua_State *L, struct l_hub *hub, enum l_future_kind kind);

/* It is over. With L_VALUE, L_BOXED and L_ERROR the value (a table) is on the top and is popped.
** If it ends while ops come back (in a drain) it is reported there; at start it is simply ready. */
void l_future_finish(lua_State *L, struct l_future *future, enum l_future_result result);

/* It is over with an error, although there may be no memory for one: never raises. As with finish
** it is reported by a drain if it is anchored. */
void l_future_lose(struct l_future *future, enum pix_kind kind, enum pix_sent sent,
                   const char *why);

/* Marks as ended with an error of `kind` ("cancelled"): for a reactor that is closed under it. */
void l_future_abandon(lua_State *L, struct l_future *future, const char *why);

/* core.nap(seconds), core.quiet(), core.timer(seconds), core.promise() */
int l_future_nap(lua_State *L);
int l_future_quiet(lua_State *L);
int l_future_timer(lua_State *L);
int l_future_promise(lua_State *L);

#endif
