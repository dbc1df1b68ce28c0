/*
** codec_scrub.c - what a reply echoes must not leave in an error: the account's secrets, the token
** that the request went out with, the card that it carried. Everything that comes from a provider
** passes here before it becomes a message, a field's text or `raw`.
**
** An echo is looked for as it stands in the decoded text. A true secret is hidden wherever it
** occurs; a CVV, being three digits, only where it stands alone; digits that look like a card's
** number (13–19, Luhn) only where a card may be meant, because a BR Code is full of digits.
*/
#include "interpreter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/text.h"

#define SHORTEST_SECRET 4 /* shorter ones would tear words apart and protect nothing */
#define LONG_SECRET     16

bool pix_luhn(const char *digits, size_t len) {
  unsigned sum = 0;

  for (size_t i = 0; i < len; i++) {
    unsigned digit = (unsigned)(digits[len - 1 - i] - '0');
    if (digit > 9) return false;
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return len > 0 && sum % 10 == 0;
}

static size_t match(const char *text, size_t len, const char *secret, size_t secret_len) {
  if (secret_len < SHORTEST_SECRET || secret_len > len) return 0;
  return memcmp(text, secret, secret_len) == 0 ? secret_len : 0;
}

/* "Bearer " and what follows it: a header that was echoed. */
static size_t match_bearer(const char *text, size_t len) {
  size_t at = sizeof "Bearer " - 1;

  if (len <= at || !pix_text_is(text, at, "Bearer ")) return 0;
  while (at < len && (unsigned char)text[at] > ' ') at++;
  return at - (sizeof "Bearer " - 1) >= 8 ? at : 0;
}

/* A run of 13–19 digits, single blanks and dashes between them allowed, that passes Luhn. */
static size_t match_card(const char *text, size_t len) {
  char digits[20];
  size_t count = 0, at = 0, end = 0;

  while (at < len && count < sizeof digits) {
    if (pix_text_is_digit(text[at])) {
      digits[count++] = text[at++];
      end = at;
    } else if (count > 0 && at == end && (text[at] == ' ' || text[at] == '-')) {
      at++;
    } else {
      break;
    }
  }
  if (count < 13 || count > 19) return 0;
  return pix_luhn(digits, count) ? end : 0;
}

/* A secret that stands alone: no digit on either side. */
static size_t match_digits(const char *text, size_t at, size_t len, const struct pix_span *secret) {
  size_t end = at + secret->len;

  if (secret->data == NULL || secret->len < 3 || end > len) return 0;
  if (memcmp(text + at, secret->data, secret->len) != 0) return 0;
  if (at > 0 && pix_text_is_digit(text[at - 1])) return 0;
  return end < len && pix_text_is_digit(text[end]) ? 0 : secret->len;
}

/* What the request's body carries of a card: "key":"value", as it is written there. */
struct sent_card {
  struct pix_span cvv;      /* hidden where it stands alone */
  struct pix_span texts[3]; /* hidden wherever they occur */
};

static struct pix_span sent_text(const struct pix_request *request, enum pix_source source) {
  const struct pix_endpoint *endpoint = request != NULL ? request->endpoint : NULL;
  const struct pix_field *field = endpoint != NULL ? endpoint->fields : NULL;
  struct pix_span out = {NULL, 0};
  char key[48];
  const char *at;

  if (field == NULL || !request->body.secret || request->body.len == 0) return out;
  while (field->source != PIX_FROM_NONE && field->source != source) field++;
  if (field->source == PIX_FROM_NONE) return out;
  snprintf(key, sizeof key, "\"%s\":\"", field->key);
  at = strstr(pix_buf_text(&request->body), key);
  if (at == NULL) return out;
  out.data = at + strlen(key);
  out.len = strcspn(out.data, "\"");
  return out;
}

static struct sent_card card_of(const struct pix_request *request) {
  struct sent_card card = {{NULL, 0}, {{NULL, 0}}};

  if (request == NULL || !request->body.secret) return card;
  card.cvv = sent_text(request, PIX_FROM_CARD_CVV);
  card.texts[0] = sent_text(request, PIX_FROM_CARD_HOLDER);
  card.texts[1] = sent_text(request, PIX_FROM_CARD_EXPIRY);
  card.texts[2] = sent_text(request, PIX_FROM_CARD_NUMBER);
  return card;
}

static size_t match_sent(const struct sent_card *card, const char *text, size_t at, size_t len) {
  size_t found = match_digits(text, at, len, &card->cvv);

  for (size_t i = 0; i < PIX_COUNT(card->texts) && found == 0; i++)
    if (card->texts[i].data != NULL)
      found = match(text + at, len - at, card->texts[i].data, card->texts[i].len);
  return found;
}

/* Length of what must be hidden at `at`, 0 if nothing. */
static size_t match_at(const struct pix_scrub *scrub, const struct sent_card *card,
                       const char *text, size_t at, size_t len) {
  const struct pix_value *rows = scrub->account->provider->values;
  size_t found = 0;
  bool within_digits = at > 0 && pix_text_is_digit(text[at - 1]);

  for (size_t i = 0; rows[i].name != NULL && found == 0; i++) {
    const struct pix_secret *secret = &scrub->account->values[i];
    if ((rows[i].flags & PIX_VALUE_SECRET) != 0 && secret->data != NULL)
      found = match(text + at, len - at, secret->data, secret->len);
  }
  if (found == 0 && scrub->token != NULL && scrub->token->data != NULL)
    found = match(text + at, len - at, scrub->token->data, scrub->token->len);
  if (found == 0) found = match_bearer(text + at, len - at);
  if (found == 0) found = match_sent(card, text, at, len);
  if (found == 0 && scrub->cards && !within_digits) found = match_card(text + at, len - at);
  return found;
}

/* Where a secret may begin: one look per byte, before anything is compared. */
static void mark_starts(const struct pix_scrub *scrub, const struct sent_card *card,
                        bool starts[256]) {
  const struct pix_value *rows = scrub->account->provider->values;

  memset(starts, 0, 256 * sizeof *starts);
  for (size_t i = 0; rows[i].name != NULL; i++) {
    const struct pix_secret *secret = &scrub->account->values[i];
    if ((rows[i].flags & PIX_VALUE_SECRET) != 0 && secret->data != NULL)
      starts[(unsigned char)secret->data[0]] = true;
  }
  if (scrub->token != NULL && scrub->token->data != NULL)
    starts[(unsigned char)scrub->token->data[0]] = true;
  if (card->cvv.data != NULL) starts[(unsigned char)card->cvv.data[0]] = true;
  for (size_t i = 0; i < PIX_COUNT(card->texts); i++)
    if (card->texts[i].data != NULL) starts[(unsigned char)card->texts[i].data[0]] = true;
  starts['B'] = starts['b'] = true;
  for (int c = '0'; c <= '9' && scrub->cards; c++) starts[c] = true;
}

bool pix_scrub_text(const struct pix_scrub *scrub, const char *text, size_t len,
                    struct pix_buf *out) {
  struct sent_card card = card_of(scrub->request);
  bool starts[256];
  size_t done = 0;

  mark_starts(scrub, &card, starts);
  for (size_t at = 0; at < len;) {
    size_t found = starts[(unsigned char)text[at]] ? match_at(scrub, &card, text, at, len) : 0;
    if (found == 0) {
      at++;
      continue;
    }
    pix_buf_add(out, text + done, at - done);
    pix_buf_adds(out, PIX_REDACTED);
    at += found;
    done = at;
  }
  if (done == 0) return false;
  pix_buf_add(out, text + done, len - done);
  return true;
}

void pix_scrub_copy(const struct pix_scrub *scrub, char *to, size_t size, const char *text,
                    size_t len) {
  struct pix_buf out;

  pix_buf_init(&out, PIX_MAX_RESPONSE_CEILING);
  if (!pix_scrub_text(scrub, text, len, &out))
    pix_err_copy(to, size, text, len);
  else if (out.failed)
    to[0] = '\0';
  else
    pix_err_copy(to, size, out.data, out.len);
  pix_buf_fini(&out);
}

/* memmem takes short words much faster than long ones: the secret's beginning is looked for. */
static bool occurs(const char *text, size_t len, const struct pix_secret *secret) {
  size_t head = secret->len < LONG_SECRET ? secret->len : LONG_SECRET;
  const char *end = text + len, *at = text;

  if (secret->len < SHORTEST_SECRET) return false;
  while ((at = memmem(at, (size_t)(end - at), secret->data, head)) != NULL) {
    if (match(at, (size_t)(end - at), secret->data, secret->len) > 0) return true;
    at++;
  }
  return false;
}

/* For results, which are many and clean: does any of the account's secrets occur at all? */
static bool holds_secret(const struct pix_scrub *scrub, const char *text, size_t len) {
  const struct pix_value *rows = scrub->account->provider->values;

  if (scrub->cards) return true;
  for (size_t i = 0; rows[i].name != NULL; i++) {
    const struct pix_secret *secret = &scrub->account->values[i];
    if ((rows[i].flags & PIX_VALUE_SECRET) != 0 && occurs(text, len, secret)) return true;
  }
  return scrub->token != NULL && occurs(text, len, scrub->token);
}

/* Behind a backslash anything may be spelled otherwise: then every text is searched by itself. */
void pix_scrub_look(struct pix_scrub *scrub, const struct pix_reply *reply) {
  scrub->clean = !scrub->cards && memchr(reply->body, '\\', reply->len) == NULL &&
                 !holds_secret(scrub, reply->body, reply->len);
}

/* Length of the text without its secrets, which is copied into `to` if there is room; 0: there are
** none, or there is no memory and *failed. */
static size_t scrub_into(const struct pix_scrub *scrub, const char *text, size_t len, char *to,
                         size_t room, bool *failed) {
  struct pix_buf out;
  size_t size = 0;

  pix_buf_init(&out, PIX_MAX_RESPONSE_CEILING);
  if (pix_scrub_text(scrub, text, len, &out)) size = out.len;
  *failed = out.failed;
  if (size > 0 && size <= room) memcpy(to, out.data, size);
  pix_buf_fini(&out);
  return *failed ? 0 : size;
}

/* Twice: Lua may raise whenever it is asked for memory, and nothing may be held then. */
static bool push_scrubbed(lua_State *L, const struct pix_scrub *scrub, const char *text,
                          size_t len) {
  bool failed;
  size_t size = scrub_into(scrub, text, len, NULL, 0, &failed);
  char *copy;

  if (size == 0 && !failed) return false;
  copy = lua_newuserdata(L, size + 1);
  if (!failed) scrub_into(scrub, text, len, copy, size, &failed);
  if (failed)
    lua_pushliteral(L, PIX_REDACTED);
  else
    lua_pushlstring(L, copy, size);
  lua_remove(L, -2);
  return true;
}

/* Pushes the value at `index` without its secrets; false: there are none, nothing was pushed. */
static bool push_clean(lua_State *L, int index, const struct pix_scrub *scrub) {
  bool found = false;

  if (lua_type(L, index) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    found = holds_secret(scrub, text, len) && push_scrubbed(L, scrub, text, len);
  } else if (lua_type(L, index) == LUA_TNUMBER && lua_tonumber(L, index) >= 1e12) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%.0f", lua_tonumber(L, index));
    found = scrub->cards && match_card(digits, (size_t)len) > 0;
    if (found) lua_pushliteral(L, PIX_REDACTED);
  }
  return found;
}

void pix_scrub_put(lua_State *L, const struct pix_scrub *scrub, const char *member,
                   const char *text, size_t len) {
  if (text == NULL || len == 0) return;
  lua_pushlstring(L, text, len);
  if (!scrub->clean && push_clean(L, lua_gettop(L), scrub)) lua_remove(L, -2);
  lua_setfield(L, -2, member);
}

/* Assigning to a field that exists is allowed while lua_next walks; a key that is itself a secret
** loses its value, so that nothing has to be added. */
void pix_scrub_table(lua_State *L, int index, const struct pix_scrub *scrub) {
  if (scrub->clean || lua_type(L, index) != LUA_TTABLE || !lua_checkstack(L, 8)) return;
  index = lua_absindex(L, index);
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    int value = lua_gettop(L), key = value - 1;
    if (lua_type(L, value) == LUA_TTABLE) {
      pix_scrub_table(L, value, scrub);
    } else if (push_clean(L, value, scrub)) {
      lua_pushvalue(L, key);
      lua_insert(L, -2);
      lua_rawset(L, index);
    }
    if (lua_type(L, key) == LUA_TSTRING && push_clean(L, key, scrub)) {
      lua_pushvalue(L, key);
      lua_pushnil(L);
      lua_rawset(L, index);
    }
    lua_settop(L, key);
  }
}
