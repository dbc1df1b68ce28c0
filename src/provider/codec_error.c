/*
** codec_error.c - everything that is no result: what kind of failure is this reply, was the order
** carried out, what did the provider say? One reader for all documented shapes (S5, P3, D11):
**
**   {message, errors{field:[…]}}     {message}     {error, error_description, hint, message}
**   {error, details}     {error, message}     {code, …}     {error{code, message}}     nothing
**
** `sent` follows PAYMENTS, "Three outcomes": a refusal that was understood is "yes"; a 5xx, a
** redirect, or a body that cannot be read is "maybe" where something may have been done.
*/
#include "interpreter.h"

#include <stdio.h>
#include <string.h>

#include "../core/text.h"

#define MOST_FIELDS     16
#define LARGEST_RAW     (64 * 1024) /* an error's `raw` is for eyes; what is larger is left out */
#define FIELD_TEXT_SIZE 256

/* What a status means where the descriptor says nothing else. */
static enum pix_kind kind_of_status(long status) {
  switch (status) {
  case 401:
  case 403:
  case 407: return PIX_EAUTH;
  case 402: return PIX_EDECLINED;
  case 404:
  case 410: return PIX_ENOT_FOUND;
  case 405:
  case 406: return PIX_EPROTOCOL;
  case 408: return PIX_EUNAVAILABLE;
  case 409: return PIX_ECONFLICT;
  case 429: return PIX_ERATE_LIMITED;
  default: break;
  }
  if (status >= 500) return PIX_EUNAVAILABLE;
  return status >= 400 ? PIX_EINVALID : PIX_EPROTOCOL;
}

static enum pix_sent sent_of(const struct pix_request *request, long status, enum pix_kind kind) {
  bool wrote = request->safety != PIX_READ;

  if (!wrote) return PIX_SENT_YES;
  if (status >= 500 || status == 408 || (status >= 300 && status < 400)) return PIX_SENT_MAYBE;
  return kind == PIX_EUNAVAILABLE || kind == PIX_EPROTOCOL ? PIX_SENT_MAYBE : PIX_SENT_YES;
}

/* Case-folded search (ASCII). */
static bool contains(const char *text, const char *words) {
  size_t len = strlen(words);

  for (size_t rest = strlen(text); rest >= len; rest--, text++)
    if (pix_text_is(text, len, words)) return true;
  return false;
}

/* The first of the texts that is there. */
static struct pix_span first_text(lua_State *L, int body, const char *const *paths) {
  struct pix_span text = {NULL, 0};

  for (; *paths != NULL && text.data == NULL; paths++) text = pix_reply_text(L, body, *paths);
  return text;
}

static void read_message(lua_State *L, int body, const struct pix_scrub *scrub,
                         struct pix_err *err) {
  static const char *const paths[] = {"message",
                                      "error_description",
                                      "error.message",
                                      "error.details",
                                      "error",
                                      "detail",
                                      "details",
                                      "title",
                                      NULL};
  struct pix_span text = first_text(L, body, paths);
  struct pix_span error = pix_reply_text(L, body, "error");
  struct pix_span details = pix_reply_text(L, body, "details");

  if (text.data != NULL)
    pix_scrub_copy(scrub, err->message, sizeof err->message, text.data, text.len);
  if (text.data != NULL && text.data == error.data && details.len > 0) {
    size_t used = strlen(err->message);
    pix_err_copy(err->message + used, sizeof err->message - used, ": ", 2);
    used = strlen(err->message);
    pix_scrub_copy(scrub, err->message + used, sizeof err->message - used, details.data,
                   details.len);
  }
}

/* A `code`; or an `error` that stands beside a message and so is no text itself. */
static void read_code(lua_State *L, int body, const struct pix_scrub *scrub, struct pix_err *err) {
  static const char *const beside[] = {"message", "error_description", NULL};
  static const char *const codes[] = {"code", "error_code", "error.code", NULL};
  struct pix_span code = first_text(L, body, codes);
  int64_t number;

  for (size_t i = 0; codes[i] != NULL && code.data == NULL && err->code[0] == '\0'; i++) {
    pix_reply_path(L, body, codes[i]);
    if (pix_l_toint64(L, -1, &number))
      snprintf(err->code, sizeof err->code, "%lld", (long long)number);
    lua_pop(L, 1);
  }
  if (code.data == NULL && err->code[0] == '\0' && first_text(L, body, beside).data != NULL)
    code = pix_reply_text(L, body, "error");
  if (code.data != NULL) pix_scrub_copy(scrub, err->code, sizeof err->code, code.data, code.len);
}

/* Does the body follow RFC 6749, 5.2? Then it is about credentials, whatever the status (S5). */
static bool is_oauth(lua_State *L, int body, const struct pix_err *err) {
  static const char *const words[] = {"invalid_client", "invalid_grant", "unauthorized_client",
                                      "unsupported_grant_type", "invalid_token"};

  if (pix_reply_text(L, body, "error_description").data != NULL) return true;
  for (size_t i = 0; i < PIX_COUNT(words); i++)
    if (strcmp(err->code, words[i]) == 0) return true;
  return false;
}

static const struct pix_error_row *find_row(const struct pix_error_row *rows, long status,
                                            const struct pix_err *err) {
  for (const struct pix_error_row *row = rows; row->kind != PIX_OK; row++)
    if (row->code != NULL && strcmp(row->code, err->code) == 0) return row;
  for (const struct pix_error_row *row = rows; row->kind != PIX_OK; row++)
    if (row->text != NULL && contains(err->message, row->text)) return row;
  for (const struct pix_error_row *row = rows; row->kind != PIX_OK; row++)
    if (row->code == NULL && row->text == NULL && row->status == status) return row;
  return NULL;
}

static void apply_row(const struct pix_error_row *row, struct pix_err *err) {
  err->kind = row->kind;
  if (row->code != NULL && err->code[0] == '\0')
    pix_err_copy(err->code, sizeof err->code, row->code, strlen(row->code));
  if (row->field != NULL)
    pix_err_copy(err->field, sizeof err->field, row->field, strlen(row->field));
  if (row->hint != NULL) pix_err_hint(err, "%s", row->hint);
}

static bool asks_for_token(const struct pix_request *request) {
  const struct pix_endpoint *endpoint = request->endpoint;

  return endpoint != NULL && endpoint->operation == PIX_OP_TOKEN;
}

/* A request for a token has nothing in it but credentials: a refusal is about them (S5). */
static void judge_token(bool readable, long status, struct pix_err *err) {
  bool refused = err->kind == PIX_EINVALID || err->kind == PIX_ENOT_FOUND;

  if (refused && readable)
    err->kind = PIX_EAUTH;
  else if (status == 404)
    err->kind = PIX_EPROTOCOL;
  if (err->kind == PIX_EPROTOCOL && err->hint[0] == '\0')
    pix_err_hint(err, "no token is given out at this address: correct base_url");
}

/* The caller's name for a member of the request's body; NULL if it is not the caller's. */
static const char *callers_name(const struct pix_request *request, const char *key) {
  const struct pix_endpoint *endpoint = request->endpoint;
  const struct pix_field *field = endpoint != NULL ? endpoint->fields : NULL;

  for (; field != NULL && field->source != PIX_FROM_NONE; field++)
    if (field->key != NULL && strcmp(field->key, key) == 0) return pix_args_name(field->source);
  return NULL;
}

/* The argument at fault: the first in the order of the request that `errors` names; a name that is
** not in the request only if it is the only one, so that the choice does not hang on a hash. */
static void read_field(lua_State *L, int body, const struct pix_scrub *scrub, struct pix_err *err) {
  const struct pix_endpoint *endpoint = scrub->request->endpoint;
  const struct pix_field *field = endpoint != NULL ? endpoint->fields : NULL;
  int count = 0;

  if (pix_reply_path(L, body, "errors") != LUA_TTABLE) field = NULL;
  for (; field != NULL && field->source != PIX_FROM_NONE && err->field[0] == '\0'; field++) {
    if (field->key == NULL || pix_args_name(field->source) == NULL) continue;
    lua_pushstring(L, field->key);
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1))
      pix_err_copy(err->field, sizeof err->field, pix_args_name(field->source),
                   strlen(pix_args_name(field->source)));
    lua_pop(L, 1);
  }
  if (lua_istable(L, -1) && err->field[0] == '\0') {
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      size_t len;
      const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : NULL;
      if (key != NULL && count++ == 0)
        pix_scrub_copy(scrub, err->field, sizeof err->field, key, len);
    }
    if (count != 1) err->field[0] = '\0';
  }
  lua_pop(L, 1);
}

static void read_body(lua_State *L, int body, const struct pix_scrub *scrub, struct pix_err *err) {
  read_message(L, body, scrub, err);
  read_code(L, body, scrub, err);
  read_field(L, body, scrub, err);
}

static void describe_status(const struct pix_reply *reply, bool readable, struct pix_err *err) {
  if (err->message[0] == '\0')
    snprintf(err->message, sizeof err->message, "HTTP %ld %s", reply->status,
             readable          ? "without a message"
             : reply->len == 0 ? "with an empty body"
                               : "with a body that is not JSON");
  if (reply->status >= 300 && reply->status < 400 && err->hint[0] == '\0')
    pix_err_hint(err, "redirects are not followed (keys would travel to the other host): correct "
                      "base_url");
}

void pix_error_read(lua_State *L, int body, const struct pix_scrub *scrub,
                    const struct pix_reply *reply, double now, struct pix_err *err) {
  const struct pix_account *account = scrub->account;
  const struct pix_request *request = scrub->request;
  bool readable = lua_type(L, body) == LUA_TTABLE;
  const struct pix_error_row *row = NULL;

  pix_err_init(err);
  err->http_status = reply->status;
  err->kind = kind_of_status(reply->status);
  if (readable) read_body(L, body, scrub, err);
  if (account->provider->errors != NULL)
    row = find_row(account->provider->errors, reply->status, err);
  if (row != NULL)
    apply_row(row, err);
  else if (readable && reply->status < 500 && is_oauth(L, body, err))
    err->kind = PIX_EAUTH;
  if (asks_for_token(request)) judge_token(readable, reply->status, err);
  if (reply->status == 404 && pix_error_stale_token(account, request, err)) err->kind = PIX_EAUTH;
  err->sent = sent_of(request, reply->status, err->kind);
  describe_status(reply, readable, err);
  if ((err->kind == PIX_ERATE_LIMITED || err->kind == PIX_EUNAVAILABLE) &&
      reply->retry_after != NULL && reply->retry_after[0] != '\0')
    err->retry_after =
        pix_date_retry_after(reply->retry_after, strlen(reply->retry_after), (int64_t)now);
  if (err->sent == PIX_SENT_MAYBE) pix_codec_failure(account, request, err);
}

/* A cut answer can look like success (libcurl: code 0, status 200), hence "maybe" for reads too. */
void pix_error_garbage(const struct pix_reply *reply, struct pix_err *err) {
  pix_err_set(err, PIX_EPROTOCOL, NULL, "HTTP %ld with %s", reply->status,
              reply->len == 0 ? "an empty body" : "a body that is not the JSON expected");
  err->http_status = reply->status;
  err->sent = PIX_SENT_MAYBE;
}

bool pix_error_stale_token(const struct pix_account *account, const struct pix_request *request,
                           const struct pix_err *err) {
  if (account->provider->auth != PIX_AUTH_TOKEN || !request->auth) return false;
  if (err->http_status == 401) return true;
  return err->http_status == 404 && contains(err->message, "token");
}

bool pix_error_names_amount(lua_State *L, int body, const struct pix_request *request) {
  const struct pix_endpoint *endpoint = request->endpoint;
  const struct pix_field *field = endpoint->fields;
  bool found = false;

  for (; field != NULL && field->source != PIX_FROM_NONE; field++) {
    if (field->source != PIX_FROM_AMOUNT) continue;
    if (pix_reply_path(L, body, "errors") == LUA_TTABLE) {
      lua_pushstring(L, field->key);
      lua_rawget(L, -2);
      found = !lua_isnil(L, -1);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return found;
}

/* Appends the text at the top of the stack to the array below it. */
static void add_field_text(lua_State *L, int array, int text, const struct pix_scrub *scrub) {
  char words[FIELD_TEXT_SIZE];
  size_t len;
  const char *from;

  if (lua_type(L, text) != LUA_TSTRING || lua_rawlen(L, array) >= MOST_FIELDS) return;
  from = lua_tolstring(L, text, &len);
  pix_scrub_copy(scrub, words, sizeof words, from, len);
  lua_pushstring(L, words);
  lua_rawseti(L, array, (int)lua_rawlen(L, array) + 1);
}

/* Pushes {texts} of one field: the value is a string or an array of them. */
static void push_texts(lua_State *L, int value, const struct pix_scrub *scrub) {
  int array;

  lua_newtable(L);
  array = lua_gettop(L);
  add_field_text(L, array, value, scrub);
  if (lua_type(L, value) != LUA_TTABLE) return;
  for (int i = 1; i <= MOST_FIELDS; i++) {
    lua_rawgeti(L, value, i);
    add_field_text(L, array, array + 1, scrub);
    lua_settop(L, array);
  }
}

/* {field = {texts}} of the body's `errors`, under the caller's names, into `members`. */
static void put_fields(lua_State *L, int body, int members, const struct pix_scrub *scrub) {
  int count = 0, errors, fields;

  lua_newtable(L);
  fields = lua_gettop(L);
  pix_reply_path(L, body, "errors");
  errors = lua_gettop(L);
  if (lua_type(L, errors) == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, errors) != 0 && count < MOST_FIELDS;
         lua_settop(L, errors + 1)) {
      char key[64];
      const char *name;
      if (lua_type(L, errors + 1) != LUA_TSTRING) continue;
      name = lua_tostring(L, errors + 1);
      if (callers_name(scrub->request, name) != NULL) name = callers_name(scrub->request, name);
      pix_scrub_copy(scrub, key, sizeof key, name, strlen(name));
      push_texts(L, errors + 2, scrub);
      lua_setfield(L, fields, key);
      count++;
    }
  }
  lua_settop(L, fields);
  if (count > 0) lua_setfield(L, members, "fields");
  lua_settop(L, members);
}

void pix_error_members(lua_State *L, int body, const struct pix_scrub *scrub,
                       const struct pix_reply *reply, const char *id) {
  struct pix_scrub names = *scrub;
  int members;

  if (lua_type(L, body) != LUA_TTABLE && id[0] == '\0') {
    lua_pushnil(L);
    return;
  }
  lua_newtable(L);
  members = lua_gettop(L);
  /* Digits of an id may pass for a card's number, and a charge is found by its whole id only: it is
  ** searched for one only where a card was sent. */
  names.cards = scrub->request->safety == PIX_CAPTURE;
  pix_scrub_put(L, &names, "id", id, strlen(id));
  if (lua_type(L, body) != LUA_TTABLE) return;
  put_fields(L, body, members, scrub);
  if (reply->len > LARGEST_RAW) return;
  pix_scrub_table(L, body, scrub);
  lua_pushvalue(L, body);
  lua_setfield(L, members, "raw");
}
