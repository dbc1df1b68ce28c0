/*
** l_webhook.c - pix.webhook.verify: a signed notification becomes an event, or an error.
*/
#include "l_tools.h"

#include "l_util.h"
#include "../provider/codec.h"

#define MAX_SECRETS 8 /* a rotation needs two */
#define SECRETS     "pix.secrets"

/* Wiped with its userdata, also if Lua raises meanwhile. */
struct secrets {
  L_NOT_LOVE;
  struct pix_secret list[MAX_SECRETS];
};

static void wipe(struct secrets *secrets) {
  for (size_t at = 0; at < MAX_SECRETS; at++) pix_secret_fini(&secrets->list[at]);
}

static int secrets__gc(lua_State *L) {
  wipe(l_self(L, SECRETS));
  return 0;
}

void l_webhook_open(lua_State *L) {
  static const luaL_Reg ends[] = {{"__gc", secrets__gc}, {NULL, NULL}};

  l_class(L, SECRETS, ends + 1, ends);
}

static int add_secret(lua_State *L, int index, struct pix_secret *secret, struct pix_err *err) {
  const char *text;
  size_t len;
  int rc = l_text(L, index, "webhook_secret", &text, &len, err);

  return rc == PIX_OK ? pix_secret_set(secret, text, len, "webhook_secret", err) : rc;
}

static int read_secrets(lua_State *L, struct pix_secret *secrets, size_t *count,
                        struct pix_err *err) {
  int rc = PIX_OK;

  if (!lua_istable(L, 3)) return add_secret(L, 3, &secrets[(*count)++], err);
  for (int at = 1; rc == PIX_OK && at <= MAX_SECRETS; at++) {
    lua_rawgeti(L, 3, at);
    if (!lua_isnil(L, -1)) rc = add_secret(L, -1, &secrets[(*count)++], err);
    lua_pop(L, 1);
  }
  if (rc == PIX_OK && (*count == 0 || lua_rawlen(L, 3) > MAX_SECRETS))
    rc = pix_err_set(err, PIX_EINVALID, "webhook_secret", "give 1 to %d secrets", MAX_SECRETS);
  return rc;
}

static int verify(lua_State *L, const struct pix_provider *provider,
                  const struct pix_secret *secrets, size_t count, struct pix_err *err) {
  const char *body, *signature;
  size_t len, signature_len;
  int rc = l_text(L, 1, "body", &body, &len, err);

  if (rc == PIX_OK && lua_isnoneornil(L, 2)) {
    pix_err_set(err, PIX_EAUTH, "signature", "the webhook carries no signature");
    return err->kind;
  }
  if (rc == PIX_OK) rc = l_text(L, 2, "signature", &signature, &signature_len, err);
  if (rc != PIX_OK) return rc;
  lua_getfield(L, LUA_REGISTRYINDEX, "pix.decoder");
  rc = pix_codec_webhook(L, lua_gettop(L), provider, body, len, signature, signature_len, secrets,
                         count, err);
  if (rc != PIX_OK) lua_pop(L, 1);
  return rc;
}

/* The provider named at index 4; without a name the first that signs webhooks. */
static const struct pix_provider *signer(lua_State *L) {
  const struct pix_provider *provider = NULL;

  if (!lua_isnoneornil(L, 4)) {
    provider = pix_provider_find(luaL_checkstring(L, 4));
    luaL_argcheck(L, provider != NULL, 4, "there is no such provider");
    luaL_argcheck(L, pix_provider_signs(provider), 4, "this provider signs no webhooks");
    return provider;
  }
  for (size_t at = 0; (provider = pix_provider_at(at)) != NULL; at++)
    if (pix_provider_signs(provider)) return provider;
  luaL_error(L, "no provider signs webhooks"); /* uncovered: of the three one does */
  return NULL;
}

int l_webhook(lua_State *L) {
  const struct pix_provider *provider = signer(L);
  struct secrets *secrets;
  struct pix_err err;
  size_t count = 0;
  int rc;

  lua_settop(L, 3);
  secrets = l_new(L, sizeof *secrets, SECRETS);
  rc = read_secrets(L, secrets->list, &count, &err);
  if (rc == PIX_OK) rc = verify(L, provider, secrets->list, count, &err);
  wipe(secrets);
  return rc == PIX_OK ? 1 : l_fail(L, &err);
}
