/*
** codec.c - the registration of providers, and what every operation shares: names, the header that
** authenticates, the JSON decoder, hints for failures. The interpreter's other parts:
** interpreter.h.
*/
#include "interpreter.h"

#include <string.h>

#define MOST_KEPT 1024 /* bytes of a text's memory that the next one may use */

static const struct pix_provider *const providers[] = {
#define PIX_PROVIDER(name) &pix_provider_##name,
#include "providers.def"
#undef PIX_PROVIDER
};

static const char *const operations[PIX_OPERATIONS] = {
    [PIX_OP_TOKEN] = "token",   [PIX_OP_CHECK] = "check",         [PIX_OP_CHARGE] = "charge",
    [PIX_OP_STATUS] = "status", [PIX_OP_SEARCH] = "search",       [PIX_OP_CANCEL] = "cancel",
    [PIX_OP_REFUND] = "refund", [PIX_OP_SUBSCRIBE] = "subscribe",
};

const struct pix_provider *pix_provider_at(size_t at) {
  return at < PIX_COUNT(providers) ? providers[at] : NULL;
}

const struct pix_provider *pix_provider_find(const char *name) {
  for (size_t i = 0; i < PIX_COUNT(providers); i++)
    if (strcmp(providers[i]->name, name) == 0) return providers[i];
  return NULL;
}

const char *pix_provider_name(const struct pix_provider *provider) {
  return provider->name;
}

enum pix_auth pix_provider_auth(const struct pix_provider *provider) {
  return provider->auth;
}

bool pix_provider_supports(const struct pix_provider *provider, enum pix_operation operation) {
  for (const struct pix_endpoint *row = provider->endpoints; row->method != NULL; row++)
    if (row->operation == operation) return true;
  return operation == PIX_OP_CHECK && provider->auth == PIX_AUTH_TOKEN;
}

bool pix_provider_signs(const struct pix_provider *provider) {
  return provider->webhook != NULL;
}

const char *pix_operation_name(enum pix_operation operation) {
  return (unsigned)operation < PIX_OPERATIONS ? operations[operation] : "?";
}

enum pix_operation pix_operation_find(const char *name) {
  for (int i = PIX_OP_TOKEN + 1; i < PIX_OPERATIONS; i++)
    if (strcmp(operations[i], name) == 0) return (enum pix_operation)i;
  return PIX_OPERATIONS;
}

/* Calls the setter of a cjson instance at the stack's top. */
static void set_cjson(lua_State *L, const char *setter) {
  lua_getfield(L, -2, setter);
  lua_insert(L, -2);
  lua_call(L, 1, 0);
}

/* A private instance, because settings of the shared one belong to the application (OpenResty's
** cjson is the same object for everybody). */
void pix_codec_open(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_pushinteger(L, PIX_MAX_JSON_DEPTH);
  set_cjson(L, "decode_max_depth");
  lua_pushboolean(L, 0);
  set_cjson(L, "decode_invalid_numbers");
  lua_getfield(L, -1, "decode");
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void pix_put_text(lua_State *L, const char *member, const char *text, size_t len) {
  if (text == NULL || len == 0) return;
  lua_pushlstring(L, text, len);
  lua_setfield(L, -2, member);
}

void pix_put_word(lua_State *L, const char *member, const char *word) {
  lua_pushstring(L, word);
  lua_setfield(L, -2, member);
}

static int put_key(const struct pix_account *account, struct pix_buf *name, struct pix_buf *value) {
  const struct pix_provider *provider = account->provider;
  const struct pix_secret *key = pix_account_value(account, provider->auth_value);

  pix_buf_adds(name, provider->auth_header);
  pix_buf_add(value, key->data, key->len);
  return PIX_OK;
}

int pix_codec_auth(const struct pix_account *account, const struct pix_secret *token,
                   struct pix_buf *name, struct pix_buf *value, struct pix_err *err) {
  value->secret = true;
  if (account->provider->auth == PIX_AUTH_KEY) {
    put_key(account, name, value);
  } else {
    if (token == NULL || token->data == NULL)
      return pix_err_set(err, PIX_EINTERNAL, NULL, "no token to authenticate with");
    pix_buf_adds(name, "Authorization");
    pix_buf_adds(value, "Bearer ");
    pix_buf_add(value, token->data, token->len);
  }
  if (name->failed || value->failed)
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory for a header");
  return PIX_OK;
}

void pix_request_init(struct pix_request *request) {
  memset(request, 0, sizeof *request);
  pix_buf_init(&request->url, PIX_MAX_URL);
  pix_buf_init(&request->body, PIX_MAX_REQUEST);
}

/* Takes the memory of a text for the next one. */
static void reuse(struct pix_buf *buf, struct pix_buf *old) {
  pix_buf_clear(old);
  if (old->secret || old->cap > MOST_KEPT) {
    pix_buf_fini(old);
    return;
  }
  buf->data = old->data;
  buf->cap = old->cap;
}

void pix_request_clear(struct pix_request *request) {
  struct pix_buf url = request->url, body = request->body;

  pix_request_init(request);
  reuse(&request->url, &url);
  reuse(&request->body, &body);
}

void pix_request_fini(struct pix_request *request) {
  pix_buf_fini(&request->url);
  pix_buf_fini(&request->body);
}

/* PAYMENTS, "Three outcomes": what the user does next depends on `sent` and the class alone. */
static const char *failure_hint(const struct pix_account *account,
                                const struct pix_request *request, const struct pix_err *err) {
  if (err->sent == PIX_SENT_NO) return "nothing was sent: it is safe to repeat";
  switch (request->safety) {
  case PIX_READ: return "nothing was changed: it is safe to repeat";
  case PIX_CREATE:
    return pix_provider_supports(account->provider, PIX_OP_SEARCH)
               ? "the charge may exist: look for it with search before charging again"
               : "the charge may exist without its code: do not count on it never being paid";
  case PIX_SETTLE: return "it may have been done: read the charge's status before repeating";
  case PIX_CAPTURE: break;
  }
  return "money may have moved: never repeat it; look at the provider's panel first";
}

void pix_codec_failure(const struct pix_account *account, const struct pix_request *request,
                       struct pix_err *err) {
  if (err->hint[0] == '\0') pix_err_hint(err, "%s", failure_hint(account, request, err));
}
