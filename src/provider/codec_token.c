/*
** codec_token.c - replies that hold a token: how long it may be used (D6, S2).
*/
#include "interpreter.h"

#include <stdlib.h>
#include <string.h>

#define EPOCHS_BEGIN 1e9  /* D6: an expires_in past this is a point in time */
#define MARGIN       60.0 /* S2: seconds before the end at which a token is not used any more */

/* Seconds that the reply promises; 0 if it does not say, or says what cannot be. */
static double read_life(lua_State *L, int body, double now) {
  double life = 0;

  pix_reply_path(L, body, "expires_in");
  if (lua_type(L, -1) == LUA_TNUMBER)
    life = lua_tonumber(L, -1);
  else if (lua_type(L, -1) == LUA_TSTRING)
    life = strtod(lua_tostring(L, -1), NULL);
  lua_pop(L, 1);
  if (life > EPOCHS_BEGIN) life -= now;
  return life > 0 ? life : 0;
}

bool pix_token_find(lua_State *L, int body, const struct pix_provider *provider, double now,
                    struct pix_span *token, double *life) {
  *token = pix_reply_text(L, body, "access_token");
  if (token->data == NULL) *token = pix_reply_text(L, body, "token");
  if (token->data == NULL || token->len == 0) return false;
  *life = read_life(L, body, now);
  if (*life <= 0) *life = provider->token_life;
  if (*life > provider->token_max) *life = provider->token_max;
  *life -= *life > 2 * MARGIN ? MARGIN : *life / 2;
  return true;
}

static const struct pix_endpoint *token_endpoint(const struct pix_provider *provider) {
  const struct pix_endpoint *row = provider->endpoints;

  while (row->method != NULL && row->operation != PIX_OP_TOKEN) row++;
  return row;
}

/* The words of pix_secret_set are about an argument; here it came from the provider. */
static int keep_token(const struct pix_span *text, struct pix_secret *token,
                      const struct pix_reply *reply, struct pix_err *err) {
  int rc = pix_secret_set(token, text->data, text->len, NULL, NULL);

  if (rc == PIX_OK) return PIX_OK;
  if (rc == PIX_EINTERNAL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  pix_err_set(err, PIX_EPROTOCOL, NULL, "the provider's token cannot stand in a header");
  err->http_status = reply->status;
  err->sent = PIX_SENT_YES;
  return PIX_EPROTOCOL;
}

int pix_codec_token(lua_State *L, int decoder, struct pix_account *account,
                    const struct pix_reply *reply, double now, struct pix_secret *token,
                    double *expires, struct pix_err *err) {
  struct pix_request request = {.operation = PIX_OP_TOKEN, .safety = PIX_READ};
  struct pix_scrub scrub = {.account = account, .request = &request, .cards = true};
  struct pix_span text;
  double life = 0;
  int rc = PIX_OK;

  request.endpoint = token_endpoint(account->provider);
  if (!lua_checkstack(L, 24)) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  pix_reply_parse(L, lua_absindex(L, decoder), reply->body, reply->len);
  if (reply->status < 200 || reply->status > 299)
    pix_error_read(L, lua_gettop(L), &scrub, reply, now, err), rc = err->kind;
  else if (!pix_token_find(L, lua_gettop(L), account->provider, now, &text, &life))
    pix_error_garbage(reply, err), rc = err->kind;
  else
    rc = keep_token(&text, token, reply, err);
  lua_pop(L, 1);
  if (rc == PIX_OK)
    *expires = now + life;
  else
    err->sent = PIX_SENT_YES;
  return rc;
}
