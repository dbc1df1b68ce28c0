/*
** l_provider.h - a configured provider as a Lua object: its account, its HTTP client on the current
** reactor, its token. As a task it owns the exchange that fetches the token, at most one at a time.
*/
#ifndef PIX_L_PROVIDER_H
#define PIX_L_PROVIDER_H

#include <sys/types.h>

#include "l_future.h"
#include "../core/http.h"

#define L_PROVIDER "pix.provider"

/* Header lines that a request may need; what it does not need it does not carry. */
enum l_lines {
  L_LINES_BARE, /* no body */
  L_LINES_BODY, /* JSON */
  L_LINES_LIST, /* and the answer may be long */
  L_LINES
};

struct l_headers {
  struct pix_http_headers *lists[L_LINES]; /* one reference each; all NULL: there are none */
};

struct l_provider {
  struct l_task task; /* first */
  struct pix_account account;
  pid_t forked_from;              /* the process that made client */
  struct l_hub *hub;              /* one reference: where client lives; NULL before first use */
  struct pix_http_client *client; /* one reference */
  struct l_headers plain;         /* without credentials */
  struct l_headers authorized;    /* with the key or token; none = no token yet */
  struct pix_secret token;        /* the one in `authorized`: hidden where a reply echoes it */
  double expires;                 /* of the token, seconds since the epoch */
  unsigned generation;            /* counts tokens: tells a stale 401 from a fresh one */
  bool fetching;                  /* a token is on its way */
  bool pausing;                   /* another process fetches it: token_op is a timer */
  uint64_t token_op;
  struct l_future *waiters; /* calls that wait for it, oldest first */
  struct l_future **waiters_end;
};

void l_provider_open(lua_State *L); /* the class; leaves the methods' table on the stack */

/* Makes the provider's client for this hub, if it has none there; a client and a token of another
** hub are dropped, and calls that waited for that token end as cancelled. */
int l_provider_attach(lua_State *L, struct l_provider *self, struct l_hub *hub,
                      struct pix_err *err);

/* The header lines for a request; borrowed. NULL: it needs a token, and there is none. */
struct pix_http_headers *l_provider_headers(const struct l_provider *self,
                                            const struct pix_request *request);

/* Builds the header lists; with a token (or NULL for a key) `authorized` becomes good. */
int l_provider_authorize(struct l_provider *self, const struct pix_secret *token,
                         struct pix_err *err);

/* core.provider(name, options), core.providers(), core.provider_facts(name) */
int l_provider_new(lua_State *L);
int l_provider_names(lua_State *L);
int l_provider_facts(lua_State *L);

#endif
