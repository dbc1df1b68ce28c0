/*
** l_provider.c - configured providers; see l_provider.h.
*/
#include "l_provider.h"

#include <string.h>
#include <unistd.h>

#include "call.h"
#include "l_util.h"

static void headers_fini(struct l_headers *headers) {
  for (int i = 0; i < L_LINES; i++) pix_http_headers_unref(headers->lists[i]);
  memset(headers, 0, sizeof *headers);
}

/* Forgets the token and everything that belongs to the former reactor. In a forked child the
** former client's memory is left alone: its locks may have been held at the moment of the fork. */
static void detach(lua_State *L, struct l_provider *self) {
  if (L != NULL) l_call_lose(L, self, PIX_ECANCELLED, "the reactor was replaced meanwhile");
  self->waiters = NULL;
  self->waiters_end = &self->waiters;
  self->fetching = self->pausing = false;
  self->token_op = 0;
  if (self->hub != NULL && self->hub->reactor == NULL) {
    self->task.anchor = LUA_NOREF;
    self->task.ops = 0;
  }
  if (self->forked_from == getpid()) {
    pix_http_client_unref(self->client);
    headers_fini(&self->authorized);
    headers_fini(&self->plain);
  }
  pix_secret_fini(&self->token);
  self->client = NULL;
  memset(&self->authorized, 0, sizeof self->authorized);
  memset(&self->plain, 0, sizeof self->plain);
  l_hub_unref(self->hub);
  self->hub = NULL;
}

static int client_new(struct l_provider *self, struct pix_err *err) {
  const struct pix_account *account = &self->account;
  struct pix_http_settings settings = {
      .base_url = account->base_url,
      .ca_file = account->ca_file,
      .pinned_public_key = account->pinned_public_key,
      .proxy = account->proxy,
      .allow_http = account->allow_http,
      .timeout = account->timeout,
      .connect_timeout = account->connect_timeout,
      .max_response = account->max_response,
      .max_connections = account->max_connections,
  };

  return pix_http_client_new(&settings, &self->client, err);
}

static int add_secret_line(struct pix_http_headers *headers, const struct pix_account *account,
                           const struct pix_secret *token, struct pix_err *err) {
  struct pix_buf name, value;
  int rc;

  pix_buf_init(&name, PIX_MAX_HEADER);
  pix_buf_init(&value, PIX_MAX_HEADER);
  value.secret = true;
  rc = pix_codec_auth(account, token, &name, &value, err);
  if (rc == PIX_OK && (name.failed || value.failed))
    rc = pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  if (rc == PIX_OK)
    rc = pix_http_headers_add(headers, pix_buf_text(&name), pix_buf_text(&value), err);
  pix_buf_fini(&name);
  pix_buf_fini(&value);
  return rc;
}

/* Credentials come last: a token is long, and libcurl looks through the names of each list. */
static int fill_list(struct pix_http_headers *headers, enum l_lines lines,
                     const struct pix_account *account, const struct pix_secret *token, bool auth,
                     struct pix_err *err) {
  int rc = pix_http_headers_add(headers, "Accept", "application/json", err);

  if (rc == PIX_OK && lines != L_LINES_BARE)
    rc = pix_http_headers_add(headers, "Content-Type", "application/json", err);
  if (rc == PIX_OK && auth) rc = add_secret_line(headers, account, token, err);
  return rc;
}

static int headers_init(struct l_headers *headers, const struct pix_account *account,
                        const struct pix_secret *token, bool auth, struct pix_err *err) {
  int rc = PIX_OK;

  memset(headers, 0, sizeof *headers);
  for (int i = 0; i < L_LINES && rc == PIX_OK; i++) {
    headers->lists[i] = pix_http_headers_new(i == L_LINES_LIST);
    if (headers->lists[i] == NULL)
      rc = pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
    else
      rc = fill_list(headers->lists[i], (enum l_lines)i, account, token, auth, err);
  }
  if (rc != PIX_OK) headers_fini(headers);
  return rc;
}

struct pix_http_headers *l_provider_headers(const struct l_provider *self,
                                            const struct pix_request *request) {
  const struct l_headers *headers = request->auth ? &self->authorized : &self->plain;
  enum l_lines lines = request->body.len == 0 ? L_LINES_BARE : L_LINES_BODY;

  if (request->operation == PIX_OP_SEARCH) lines = L_LINES_LIST;
  return headers->lists[lines];
}

int l_provider_authorize(struct l_provider *self, const struct pix_secret *token,
                         struct pix_err *err) {
  struct l_headers headers;

  if (headers_init(&headers, &self->account, token, true, err) != PIX_OK) return err->kind;
  headers_fini(&self->authorized);
  self->authorized = headers;
  self->generation++;
  return PIX_OK;
}

int l_provider_attach(lua_State *L, struct l_provider *self, struct l_hub *hub,
                      struct pix_err *err) {
  if (self->hub == hub) return PIX_OK;
  if (self->hub != NULL) detach(L, self);
  self->forked_from = getpid();
  if (client_new(self, err) != PIX_OK) return err->kind;
  if (headers_init(&self->plain, &self->account, NULL, false, err) != PIX_OK ||
      (pix_provider_auth(self->account.provider) == PIX_AUTH_KEY &&
       l_provider_authorize(self, NULL, err) != PIX_OK)) {
    detach(NULL, self);
    return err->kind;
  }
  self->hub = l_hub_ref(hub);
  return PIX_OK;
}

static void describe(const struct l_task *task, const char **provider, const char **operation) {
  *provider = pix_provider_name(((const struct l_provider *)task)->account.provider);
  *operation = pix_operation_name(PIX_OP_TOKEN);
}

static int unknown_provider(lua_State *L, const char *name) {
  struct pix_err err;

  pix_err_set(&err, PIX_ECONFIG, "provider", "there is no provider \"%s\"", name);
  pix_err_hint(&err, "pix.providers() lists those that are built in");
  return l_fail(L, &err);
}

int l_provider_new(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const struct pix_provider *provider = pix_provider_find(name);
  struct l_provider *self;
  struct pix_err err;

  if (provider == NULL) return unknown_provider(L, name);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  self = l_new(L, sizeof *self, L_PROVIDER);
  self->task.anchor = LUA_NOREF;
  self->task.advance = l_call_token_advance;
  self->task.lose = l_call_token_lose;
  self->task.describe = describe;
  self->waiters_end = &self->waiters;
  self->forked_from = getpid();
  pix_err_init(&err);
  if (pix_account_init(L, 2, provider, &self->account, &err) == PIX_OK) return 1;
  lua_pushnil(L);
  l_push_error(L, &err, name, NULL, 0);
  return 2;
}

int l_provider_names(lua_State *L) {
  const struct pix_provider *provider;

  lua_newtable(L);
  for (int at = 0; (provider = pix_provider_at((size_t)at)) != NULL; at++) {
    lua_pushstring(L, pix_provider_name(provider));
    lua_rawseti(L, -2, at + 1);
  }
  return 1;
}

int l_provider_facts(lua_State *L) {
  const struct pix_provider *provider = pix_provider_find(luaL_checkstring(L, 1));

  if (provider == NULL) return 0;
  pix_provider_push(L, provider);
  return 1;
}

static struct l_provider *check_provider(lua_State *L) {
  return l_self(L, L_PROVIDER);
}

static int provider_name(lua_State *L) {
  lua_pushstring(L, pix_provider_name(check_provider(L)->account.provider));
  return 1;
}

static int provider_supports(lua_State *L) {
  struct l_provider *self = check_provider(L);
  const char *word = luaL_checkstring(L, 2);
  enum pix_operation operation = pix_operation_find(word);

  luaL_argcheck(L, operation != PIX_OPERATIONS, 2, "there is no such operation");
  lua_pushboolean(L, pix_provider_supports(self->account.provider, operation));
  return 1;
}

static int provider_base_url(lua_State *L) {
  lua_pushstring(L, check_provider(L)->account.base_url);
  return 1;
}

static int provider_timeout(lua_State *L) {
  lua_pushnumber(L, check_provider(L)->account.timeout);
  return 1;
}

static int provider__gc(lua_State *L) {
  struct l_provider *self = check_provider(L);

  detach(NULL, self);
  pix_account_fini(&self->account);
  return 0;
}

static int provider__tostring(lua_State *L) {
  struct l_provider *self = check_provider(L);

  lua_pushfstring(L, "pix.provider (%s, %s)", pix_provider_name(self->account.provider),
                  self->account.base_url);
  return 1;
}

static const luaL_Reg methods[] = {
    {"start", l_call_start},         {"name", provider_name},       {"supports", provider_supports},
    {"base_url", provider_base_url}, {"timeout", provider_timeout}, {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", provider__gc}, {"__tostring", provider__tostring}, {NULL, NULL}};

void l_provider_open(lua_State *L) {
  l_class(L, L_PROVIDER, methods, metamethods);
  luaL_getmetatable(L, L_PROVIDER);
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
}
