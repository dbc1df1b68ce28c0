/*
** l_token.c - tokens that several processes share; see l_token.h.
**
** DESIGN. The store is a table of four functions, called under pcall; one that fails counts as one
** that has nothing, for a payment is worth more than a token request.
**   get(key) → token, expires (seconds since the epoch)   claim(key, seconds) → may I fetch it?
**   set(key, token, expires), release(key)                both end a claim
** The key is a digest of provider, address and credentials: who has other credentials has another
** token. A claim ends by itself, so that a process that dies holds nobody up. After a claim the
** store is asked once more: the token may have come in between.
*/
#include "l_token.h"

#include <string.h>

#include "l_util.h"
#include "../core/hmac.h"

#define STORE "pix.token_store"
#define GRACE 5.0 /* seconds that a claim outlives the token request's timeout */

static void add_part(struct pix_buf *text, const char *part, size_t len) {
  if (len > 0) pix_buf_add(text, part, len);
  pix_buf_addc(text, '\0');
}

static bool make_key(const struct l_provider *self, char key[65]) {
  const struct pix_account *account = &self->account;
  const char *name = pix_provider_name(account->provider);
  struct pix_buf text;
  bool ok;

  pix_buf_init(&text, PIX_MAX_REQUEST);
  text.secret = true;
  add_part(&text, name, strlen(name));
  add_part(&text, account->base_url, strlen(account->base_url));
  for (int i = 0; i < PIX_MAX_VALUES; i++)
    add_part(&text, account->values[i].data, account->values[i].len);
  ok = !text.failed && pix_hmac_digest(pix_buf_text(&text), text.len, key, NULL) == PIX_OK;
  pix_buf_fini(&text);
  return ok;
}

/* Pushes the store's function `name` and the key; false (and nothing pushed) without a store. */
static bool begin(lua_State *L, const struct l_provider *self, const char *name) {
  char key[65];

  if (!lua_checkstack(L, 8)) return false;
  lua_getfield(L, LUA_REGISTRYINDEX, STORE);
  if (!lua_istable(L, -1) || !make_key(self, key)) {
    lua_pop(L, 1);
    return false;
  }
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  lua_pushstring(L, key);
  return true;
}

/* A token that is not the one which the provider has, and is good for a while. */
static bool take(lua_State *L, struct l_provider *self) {
  struct pix_secret token = {NULL, 0};
  double expires = lua_tonumber(L, -1);
  struct pix_err err;
  const char *text;
  bool good;
  size_t len;

  if (lua_type(L, -2) != LUA_TSTRING || expires <= pix_reactor_wall(self->hub->reactor))
    return false;
  text = lua_tolstring(L, -2, &len);
  good = pix_secret_set(&token, text, len, "token", &err) == PIX_OK &&
         !pix_secret_equal(&token, &self->token) &&
         l_provider_authorize(self, &token, &err) == PIX_OK;
  if (!good) {
    pix_secret_fini(&token);
    return false;
  }
  pix_secret_fini(&self->token);
  self->token = token;
  self->expires = expires;
  return true;
}

static bool look(lua_State *L, struct l_provider *self) {
  int top = lua_gettop(L);
  bool got;

  if (!begin(L, self, "get")) return false;
  got = lua_pcall(L, 1, 2, 0) == LUA_OK && take(L, self);
  lua_settop(L, top);
  return got;
}

static void call_key(lua_State *L, const struct l_provider *self, const char *name) {
  int top = lua_gettop(L);

  if (begin(L, self, name)) lua_pcall(L, 1, 0, 0);
  lua_settop(L, top);
}

/* Without a store, or with one that fails, everybody may fetch. */
static bool claim(lua_State *L, const struct l_provider *self) {
  int top = lua_gettop(L);
  bool mine = true;

  if (!begin(L, self, "claim")) return true;
  lua_pushnumber(L, self->account.timeout + GRACE);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) mine = lua_toboolean(L, -1);
  lua_settop(L, top);
  return mine;
}

enum l_token_source l_token_ask(lua_State *L, struct l_provider *self) {
  if (look(L, self)) return L_TOKEN_GOT;
  if (!claim(L, self)) return L_TOKEN_WAIT;
  if (!look(L, self)) return L_TOKEN_FETCH;
  call_key(L, self, "release");
  return L_TOKEN_GOT;
}

void l_token_tell(lua_State *L, const struct l_provider *self, bool good) {
  int top = lua_gettop(L);

  if (!good) {
    call_key(L, self, "release");
  } else if (begin(L, self, "set")) {
    lua_pushlstring(L, self->token.data, self->token.len);
    lua_pushnumber(L, self->expires);
    lua_pcall(L, 3, 0, 0);
  }
  lua_settop(L, top);
}

int l_token_store(lua_State *L) {
  static const char *const names[] = {"get", "claim", "set", "release"};

  lua_settop(L, 1);
  for (size_t i = 0; !lua_isnil(L, 1) && i < PIX_COUNT(names); i++) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, names[i]);
    luaL_argcheck(L, lua_isfunction(L, -1), 1, "get, claim, set, release must be functions");
    lua_pop(L, 1);
  }
  lua_setfield(L, LUA_REGISTRYINDEX, STORE);
  return 0;
}
