/*
** codec_probe.c - the codec as a Lua module for its own specs: no call, no reactor, no transport.
**
**   local probe = require "codec_probe"
**   account, err      = probe.account(provider, options)
**   request, err      = account:encode(operation, args, now)     request.method, url, body, class …
**   verdict, value, err = account:decode(request, reply, now, last)     reply { status, body, … }
**   token, expires, err = account:token(reply, now)
**   name, value, err    = account:auth(token)
**   event, err        = probe.webhook(provider, body, signature, secrets)
**   card, err         = probe.card { number, cvv, expiry, holder, strict }
*/
#include <math.h>
#include <string.h>

#include "../../src/provider/provider.h"
#include "../../src/core/card.h"

#define ACCOUNT "codec_probe.account"
#define REQUEST "codec_probe.request"

int luaopen_codec_probe(lua_State *L);

static void put_text(lua_State *L, const char *key, const char *text) {
  if (text == NULL || text[0] == '\0') return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void put_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

static void push_err(lua_State *L, const struct pix_err *err) {
  lua_newtable(L);
  put_text(L, "kind", pix_err_kind_name(err->kind));
  put_text(L, "sent", pix_err_sent_name(err->sent));
  put_text(L, "field", err->field);
  put_text(L, "code", err->code);
  put_text(L, "message", err->message);
  put_text(L, "hint", err->hint);
  put_number(L, "http_status", (double)err->http_status);
  if (err->retry_after >= 0) put_number(L, "retry_after", err->retry_after);
}

static int fail(lua_State *L, const struct pix_err *err) {
  lua_pushnil(L);
  push_err(L, err);
  return 2;
}

static int probe_account(lua_State *L) {
  const struct pix_provider *provider = pix_provider_find(luaL_checkstring(L, 1));
  struct pix_account *account = lua_newuserdata(L, sizeof *account);
  struct pix_err err;

  luaL_argcheck(L, provider != NULL, 1, "no such provider");
  memset(account, 0, sizeof *account);
  luaL_getmetatable(L, ACCOUNT);
  lua_setmetatable(L, -2);
  pix_err_init(&err);
  if (pix_account_init(L, 2, provider, account, &err) != PIX_OK) return fail(L, &err);
  return 1;
}

static int account__gc(lua_State *L) {
  pix_account_fini(luaL_checkudata(L, 1, ACCOUNT));
  return 0;
}

static enum pix_operation check_operation(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  enum pix_operation operation = pix_operation_find(name);

  if (strcmp(name, "token") == 0) return PIX_OP_TOKEN;
  luaL_argcheck(L, operation != PIX_OPERATIONS, index, "no such operation");
  return operation;
}

static int account_encode(lua_State *L) {
  static const char *const classes[] = {"read", "create", "settle", "capture"};
  struct pix_account *account = luaL_checkudata(L, 1, ACCOUNT);
  enum pix_operation operation = check_operation(L, 2);
  double now = luaL_optnumber(L, 4, 1750000000);
  struct pix_request *request;
  struct pix_err err;
  int top;

  lua_settop(L, 4);
  request = lua_newuserdata(L, sizeof *request);
  pix_request_init(request);
  luaL_getmetatable(L, REQUEST);
  lua_setmetatable(L, -2);
  pix_err_init(&err);
  top = lua_gettop(L);
  if (pix_codec_encode(L, account, operation, 3, now, request, &err) != PIX_OK) {
    if (lua_gettop(L) != top) return luaL_error(L, "encode left the stack changed");
    if (request->url.len > 0 || request->body.len > 0 || request->body.secret)
      return luaL_error(L, "a refused request is not empty");
    return fail(L, &err);
  }
  if (lua_gettop(L) != top) return luaL_error(L, "encode left the stack changed");
  lua_newtable(L);
  lua_insert(L, -2);
  lua_setfield(L, -2, "request");
  put_text(L, "operation", pix_operation_name(request->operation));
  put_text(L, "class", classes[request->safety]);
  put_text(L, "method", request->method);
  put_text(L, "url", pix_buf_text(&request->url));
  put_text(L, "body", pix_buf_text(&request->body));
  put_text(L, "id", request->id);
  put_number(L, "timeout", request->timeout);
  put_number(L, "amount", (double)request->amount);
  lua_pushboolean(L, request->auth);
  lua_setfield(L, -2, "auth");
  lua_pushboolean(L, request->adaptable);
  lua_setfield(L, -2, "adaptable");
  lua_pushboolean(L, request->body.secret);
  lua_setfield(L, -2, "secret");
  return 1;
}

static int request__gc(lua_State *L) {
  pix_request_fini(luaL_checkudata(L, 1, REQUEST));
  return 0;
}

/* The reply table at `index`; token is filled from its member. */
static void read_reply(lua_State *L, int index, struct pix_reply *reply, struct pix_secret *token) {
  memset(reply, 0, sizeof *reply);
  lua_getfield(L, index, "status");
  reply->status = (long)luaL_optinteger(L, -1, 200);
  lua_getfield(L, index, "body");
  reply->body = luaL_optlstring(L, -1, "", &reply->len);
  lua_getfield(L, index, "retry_after");
  reply->retry_after = luaL_optstring(L, -1, "");
  reply->content_type = "application/json";
  lua_getfield(L, index, "token");
  if (lua_isstring(L, -1)) {
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (pix_secret_set(token, text, len, "token", NULL) == PIX_OK) reply->token = token;
  }
}

static int account_decode(lua_State *L) {
  static const char *const verdicts[] = {"done", "renew", "adapt"};
  struct pix_account *account = luaL_checkudata(L, 1, ACCOUNT);
  struct pix_secret token = {NULL, 0};
  enum pix_verdict verdict;
  struct pix_request *request;
  struct pix_reply reply;
  struct pix_err err;
  int top;

  lua_settop(L, 5);
  lua_getfield(L, 2, "request");
  request = luaL_checkudata(L, -1, REQUEST);
  read_reply(L, 3, &reply, &token);
  lua_pushvalue(L, lua_upvalueindex(1));
  top = lua_gettop(L);
  verdict = pix_codec_decode(L, top, account, request, &reply, luaL_optnumber(L, 4, 1750000000),
                             lua_toboolean(L, 5), &err);
  pix_secret_fini(&token);
  if (lua_gettop(L) != top + (verdict == PIX_VERDICT_DONE))
    return luaL_error(L, "decode left %d values", lua_gettop(L) - top);
  if (verdict != PIX_VERDICT_DONE) lua_pushnil(L);
  lua_pushstring(L, verdicts[verdict]);
  lua_insert(L, -2);
  if (err.kind == PIX_OK)
    lua_pushnil(L);
  else
    push_err(L, &err);
  return 3;
}

static int account_token(lua_State *L) {
  struct pix_account *account = luaL_checkudata(L, 1, ACCOUNT);
  struct pix_secret token = {NULL, 0}, unused = {NULL, 0};
  struct pix_reply reply;
  struct pix_err err;
  double expires = 0;
  int top, rc;

  lua_settop(L, 3);
  read_reply(L, 2, &reply, &unused);
  pix_secret_fini(&unused);
  lua_pushvalue(L, lua_upvalueindex(1));
  top = lua_gettop(L);
  pix_err_init(&err);
  rc = pix_codec_token(L, top, account, &reply, luaL_optnumber(L, 3, 1750000000), &token, &expires,
                       &err);
  if (lua_gettop(L) != top) return luaL_error(L, "token left the stack changed");
  if (rc != PIX_OK) return fail(L, &err);
  lua_pushlstring(L, token.data, token.len);
  lua_pushnumber(L, expires);
  pix_secret_fini(&token);
  return 2;
}

static int account_auth(lua_State *L) {
  struct pix_account *account = luaL_checkudata(L, 1, ACCOUNT);
  struct pix_secret token = {NULL, 0};
  struct pix_buf name, value;
  struct pix_err err;
  size_t len;
  const char *text = luaL_optlstring(L, 2, NULL, &len);
  int rc;

  pix_buf_init(&name, PIX_MAX_HEADER);
  pix_buf_init(&value, PIX_MAX_HEADER);
  if (text != NULL) pix_secret_set(&token, text, len, "token", NULL);
  rc = pix_codec_auth(account, text != NULL ? &token : NULL, &name, &value, &err);
  lua_pushstring(L, pix_buf_text(&name));
  lua_pushstring(L, pix_buf_text(&value));
  pix_buf_fini(&name);
  pix_buf_fini(&value);
  pix_secret_fini(&token);
  return rc == PIX_OK ? 2 : fail(L, &err);
}

/* failure(request, kind, sent): the hint that the codec adds. */
static int account_failure(lua_State *L) {
  static const char *const outcomes[] = {"no", "maybe", "yes", NULL};
  struct pix_account *account = luaL_checkudata(L, 1, ACCOUNT);
  struct pix_err err;

  lua_getfield(L, 2, "request");
  pix_err_set(&err, PIX_ETIMEOUT, NULL, "timed out");
  err.sent = (enum pix_sent)luaL_checkoption(L, 3, NULL, outcomes);
  pix_codec_failure(account, luaL_checkudata(L, -1, REQUEST), &err);
  push_err(L, &err);
  return 1;
}

static int probe_webhook(lua_State *L) {
  const struct pix_provider *provider = pix_provider_find(luaL_checkstring(L, 1));
  struct pix_secret secrets[4] = {{NULL, 0}};
  size_t len, signature_len, count, text_len;
  const char *body = luaL_checklstring(L, 2, &len);
  const char *signature = luaL_checklstring(L, 3, &signature_len);
  struct pix_err err;
  int rc, top;

  luaL_checktype(L, 4, LUA_TTABLE);
  count = lua_rawlen(L, 4);
  for (size_t i = 0; i < count && i < 4; i++) {
    lua_rawgeti(L, 4, (int)i + 1);
    pix_secret_set(&secrets[i], lua_tolstring(L, -1, &text_len), lua_rawlen(L, -1), "secret", NULL);
    lua_pop(L, 1);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  top = lua_gettop(L);
  pix_err_init(&err);
  rc = pix_codec_webhook(L, top, provider, body, len, signature, signature_len, secrets, count,
                         &err);
  for (size_t i = 0; i < 4; i++) pix_secret_fini(&secrets[i]);
  if (lua_gettop(L) != top + (rc == PIX_OK)) return luaL_error(L, "webhook left the stack changed");
  return rc == PIX_OK ? 1 : fail(L, &err);
}

static const char *card_part(lua_State *L, const char *name, size_t *len) {
  lua_getfield(L, 1, name);
  return luaL_checklstring(L, -1, len);
}

static int probe_card(lua_State *L) {
  struct pix_card_object *object = lua_newuserdata(L, sizeof *object);
  struct pix_card *card = &object->card;
  struct pix_err err;
  const char *text;
  size_t len;
  bool strict;
  int rc, made = lua_gettop(L);

  memset(object, 0, sizeof *object);
  luaL_getmetatable(L, PIX_CARD_TYPE);
  lua_setmetatable(L, -2);
  lua_getfield(L, 1, "strict");
  strict = lua_isnil(L, -1) || lua_toboolean(L, -1);
  text = card_part(L, "number", &len);
  rc = pix_card_set_number(card, text, len, strict, &err);
  text = card_part(L, "cvv", &len);
  if (rc == PIX_OK) rc = pix_card_set_cvv(card, text, len, &err);
  text = card_part(L, "expiry", &len);
  if (rc == PIX_OK) rc = pix_card_set_expiry(card, text, len, &err);
  text = card_part(L, "holder", &len);
  if (rc == PIX_OK) rc = pix_card_set_holder(card, text, len, &err);
  if (rc != PIX_OK) return fail(L, &err);
  lua_settop(L, made);
  return 1;
}

static int card__gc(lua_State *L) {
  struct pix_card_object *object = luaL_checkudata(L, 1, PIX_CARD_TYPE);

  pix_card_fini(&object->card);
  return 0;
}

/* card_close(card): as a user who is done with it. */
static int probe_card_close(lua_State *L) {
  return card__gc(L);
}

/* providers() → { name = { auth =, operations = {…} } } */
static int probe_providers(lua_State *L) {
  const struct pix_provider *provider;

  lua_newtable(L);
  for (size_t i = 0; (provider = pix_provider_at(i)) != NULL; i++) {
    lua_newtable(L);
    put_text(L, "auth", pix_provider_auth(provider) == PIX_AUTH_KEY ? "key" : "token");
    for (int op = PIX_OP_CHECK; op < PIX_OPERATIONS; op++) {
      lua_pushboolean(L, pix_provider_supports(provider, (enum pix_operation)op));
      lua_setfield(L, -2, pix_operation_name((enum pix_operation)op));
    }
    lua_setfield(L, -2, pix_provider_name(provider));
  }
  return 1;
}

static void make_type(lua_State *L, const char *name, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
}

PIX_EXPORT int luaopen_codec_probe(lua_State *L) {
  static const luaL_Reg methods[] = {{"encode", account_encode},   {"decode", account_decode},
                                     {"token", account_token},     {"auth", account_auth},
                                     {"failure", account_failure}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"account", probe_account},     {"webhook", probe_webhook},       {"card", probe_card},
      {"providers", probe_providers}, {"card_close", probe_card_close}, {NULL, NULL}};
  int decoder;

  pix_codec_open(L);
  decoder = lua_gettop(L);
  make_type(L, REQUEST, request__gc);
  make_type(L, PIX_CARD_TYPE, card__gc);
  make_type(L, ACCOUNT, account__gc);
  lua_newtable(L);
  lua_pushvalue(L, decoder);
  luaL_setfuncs(L, methods, 1);
  lua_setfield(L, -2, "__index");
  lua_newtable(L);
  lua_pushvalue(L, decoder);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
