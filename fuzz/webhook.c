/*
** webhook.c - fuzz target: a provider's call to us. A body signed with the secret is read or
** refused as invalid; any other signature is of kind auth.
** Input: a byte for the way to sign, a line for a signature of one's own, the body.
*/
#include "lua_state.h"

#include "core/hmac.h"
#include "core/money.h"

#define SECRET "hush-hush-of-the-webhook"

struct webhook {
  const struct pix_provider *provider;
  unsigned way;
  const char *own;
  size_t own_len;
  char *body;
  size_t len;
};

enum { WAY_HEX, WAY_UPPER, WAY_PREFIX, WAY_BASE64, WAY_OWN, WAYS };

static size_t base64(const unsigned char *mac, char *out) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t len = 0;

  for (size_t i = 0; i < PIX_HMAC_SIZE; i += 3) {
    unsigned group = (unsigned)mac[i] << 16;
    if (i + 1 < PIX_HMAC_SIZE) group |= (unsigned)mac[i + 1] << 8;
    if (i + 2 < PIX_HMAC_SIZE) group |= mac[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out[len++] = alphabet[group >> shift & 63];
  }
  out[len - 1] = '='; /* 32 bytes are ten groups of three and one of two */
  return len;
}

/* Writes the signature that the byte asks for. */
static size_t sign(const struct webhook *hook, char out[96]) {
  unsigned char mac[PIX_HMAC_SIZE];
  const char *form = hook->way == WAY_UPPER ? "%02X" : "%02x";
  size_t len = 0;

  FUZZ_CHECK(pix_hmac_sha256(SECRET, strlen(SECRET), hook->body, hook->len, mac, NULL) == PIX_OK);
  if (hook->way == WAY_BASE64) return base64(mac, out);
  if (hook->way == WAY_PREFIX) len = (size_t)snprintf(out, 96, "sha256=");
  for (size_t i = 0; i < sizeof mac; i++) len += (size_t)snprintf(out + len, 3, form, mac[i]);
  return len;
}

static void check_event(lua_State *L, int index) {
  static const char *const texts[] = {"provider", "id", "status", "raw_status", "key", NULL};
  size_t len;

  FUZZ_CHECK(lua_istable(L, index));
  for (size_t i = 0; texts[i] != NULL; i++) {
    lua_getfield(L, index, texts[i]);
    FUZZ_CHECK(lua_isstring(L, -1) && lua_tolstring(L, -1, &len) != NULL && len > 0);
    lua_pop(L, 1);
  }
  lua_getfield(L, index, "amount");
  if (!lua_isnil(L, -1))
    FUZZ_CHECK(lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0 &&
               lua_tointeger(L, -1) <= PIX_MAX_MONEY);
  lua_pop(L, 1);
}

static void no_secret(const char *text, size_t len, const void *data) {
  (void)data;
  FUZZ_CHECK(memmem(text, len, SECRET, strlen(SECRET)) == NULL);
}

static int check_webhook(lua_State *L) {
  const struct webhook *hook = lua_touserdata(L, 2);
  struct pix_secret secrets[2] = {{(char *)"another", 7}, {(char *)SECRET, strlen(SECRET)}};
  char made[96];
  const char *signature = hook->way == WAY_OWN ? hook->own : made;
  size_t len = hook->way == WAY_OWN ? hook->own_len : sign(hook, made);
  int top = lua_gettop(L), rc;
  struct pix_err err;

  pix_err_init(&err);
  rc = pix_codec_webhook(L, 1, hook->provider, hook->body, hook->len, signature, len, secrets, 2,
                         &err);
  FUZZ_CHECK(lua_gettop(L) == top + (rc == PIX_OK));
  if (rc == PIX_OK) {
    FUZZ_CHECK(hook->way != WAY_OWN);
    check_event(L, lua_gettop(L));
  } else {
    fuzz_check_err(&err);
    FUZZ_CHECK(rc == (int)err.kind && (rc == PIX_EINVALID) == (hook->way != WAY_OWN));
    no_secret(err.message, strlen(err.message), NULL);
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  struct fuzz_input input = {data, size};
  struct webhook hook = {.way = fuzz_byte(&input) % WAYS};

  if (L == NULL) L = fuzz_state();
  for (size_t i = 0; hook.provider == NULL || !pix_provider_signs(hook.provider); i++)
    hook.provider = pix_provider_at(i);
  hook.own = fuzz_line(&input, &hook.own_len);
  hook.body = fuzz_rest(&input, &hook.len);
  if (hook.len <= PIX_MAX_WEBHOOK) fuzz_step(L, check_webhook, &hook);
  free(hook.body);
  return 0;
}
