/*
** l_token.h - tokens that several processes share. A program may give a *store* (in OpenResty: a
** lua_shared_dict, see lua/pix/openresty.lua); a provider that needs a token asks it first, and one
** of all processes fetches a new one. Without a store every provider object fetches its own.
*/
#ifndef PIX_L_TOKEN_H
#define PIX_L_TOKEN_H

#include "l_provider.h"

#define L_TOKEN_PAUSE                                                                              \
  0.02 /* seconds until a token that another process fetches is asked for again */

enum l_token_source {
  L_TOKEN_FETCH, /* nobody has one: fetch it, and tell */
  L_TOKEN_GOT,   /* the provider has it now */
  L_TOKEN_WAIT,  /* somebody else fetches it: ask again soon */
};

/* Looks for a token other than the one that the provider has. */
enum l_token_source l_token_ask(lua_State *L, struct l_provider *self);

/* The fetching is over: the provider's token is new and good, or there is none. */
void l_token_tell(lua_State *L, const struct l_provider *self, bool good);

/* core.token_store{ get =, claim =, set =, release = } or nil */
int l_token_store(lua_State *L);

#endif
