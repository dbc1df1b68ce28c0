/*
** codec_webhook.c - a provider's call to us: is it signed by one who knows the secret (P8), and
** what does it say? The signature is over the bytes as they came; nothing is decoded before it
** matches.
*/
#include "interpreter.h"

#include <stdio.h>
#include <string.h>

#include "../core/hmac.h"

/* Tries every secret, also after a match: the time tells nothing about which. */
static int check_signature(const char *body, size_t len, const char *signature,
                           size_t signature_len, const struct pix_secret *secrets, size_t count,
                           struct pix_err *err) {
  unsigned char mac[PIX_HMAC_SIZE];
  bool found = false;

  for (size_t i = 0; i < count; i++) {
    if (secrets[i].data == NULL) continue;
    if (pix_hmac_sha256(secrets[i].data, secrets[i].len, body, len, mac, err) != PIX_OK)
      return err != NULL ? (int)err->kind : PIX_EINTERNAL; /* uncovered: OpenSSL without memory */
    found |= pix_hmac_test(signature, signature_len, mac);
  }
  if (found) return PIX_OK;
  pix_err_set(err, PIX_EAUTH, "signature", "the webhook's signature is of none of the secrets");
  return pix_err_hint(err, "verify the bytes of the body as they came, never a re-encoded table");
}

/* The event's key is stable for one (id, status): who has seen it knows a replay. */
static void push_event(lua_State *L, const struct pix_provider *provider,
                       const struct pix_item *item, int raw) {
  lua_createtable(L, 0, 8);
  pix_put_word(L, "provider", provider->name);
  pix_put_text(L, "id", item->id, strlen(item->id));
  pix_put_text(L, "status", item->status, strlen(item->status));
  pix_put_text(L, "raw_status", item->raw_status, strlen(item->raw_status));
  if (item->amount >= 0) {
    lua_pushinteger(L, (lua_Integer)item->amount);
    lua_setfield(L, -2, "amount");
  }
  lua_pushfstring(L, "%s:%s:%s", provider->name, item->id, item->status);
  lua_setfield(L, -2, "key");
  lua_pushvalue(L, raw);
  lua_setfield(L, -2, "raw");
}

static int decode_event(lua_State *L, int decoder, const struct pix_provider *provider,
                        const char *body, size_t len, struct pix_err *err) {
  struct pix_item item;

  if (!pix_reply_parse(L, decoder, body, len))
    return pix_err_set(err, PIX_EINVALID, "body", "the signed body is not JSON");
  pix_reply_item(L, lua_gettop(L), NULL, provider, provider->webhook->reply, NULL, &item);
  if (item.id[0] == '\0' || item.status == NULL || item.bad_amount)
    return pix_err_set(err, PIX_EINVALID, "body", "the signed body has no readable %s",
                       item.id[0] == '\0'    ? "id"
                       : item.status == NULL ? "status"
                                             : "amount");
  push_event(L, provider, &item, lua_gettop(L));
  return PIX_OK;
}

int pix_codec_webhook(lua_State *L, int decoder, const struct pix_provider *provider,
                      const char *body, size_t len, const char *signature, size_t signature_len,
                      const struct pix_secret *secrets, size_t count, struct pix_err *err) {
  int top = lua_gettop(L), rc;

  if (provider->webhook == NULL)
    return pix_err_set(err, PIX_EUNSUPPORTED, NULL, "%s sends no webhooks", provider->name);
  if (len > PIX_MAX_WEBHOOK)
    return pix_err_set(err, PIX_EINVALID, "body", "the body is longer than %d bytes",
                       PIX_MAX_WEBHOOK);
  if (!lua_checkstack(L, 24)) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  decoder = lua_absindex(L, decoder);
  rc = check_signature(body, len, signature, signature_len, secrets, count, err);
  if (rc == PIX_OK) rc = decode_event(L, decoder, provider, body, len, err);
  if (rc == PIX_OK) lua_replace(L, top + 1);
  lua_settop(L, rc == PIX_OK ? top + 1 : top);
  return rc;
}
