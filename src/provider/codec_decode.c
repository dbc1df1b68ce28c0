/*
** codec_decode.c - a whole answer → the result table of an operation, or an error.
**
** What is refused in a 2xx, and what `sent` says then:
**   no JSON object, no id, no code, no status          protocol  "maybe": something may exist
**   a code that is no valid BR Code, an amount that is
**   not the one asked for, another charge's answer     protocol, mismatch  "yes": understood;
**       the charge exists, its `id` is among the error's members so that nothing is lost; but its
**       code must not be shown.
*/
#include "interpreter.h"

#include <stdio.h>
#include <string.h>

#include "../core/brcode.h"
#include "../core/money.h"
#include "../core/text.h"

/* One decoding under way. */
struct decoder {
  lua_State *L;
  int body;   /* index of the decoded table */
  int decode; /* index of cjson's function */
  struct pix_account *account;
  const struct pix_scrub *scrub;
  const struct pix_request *request;
  const struct pix_reply *reply;
  const struct pix_endpoint *endpoint;
  double now;
  struct pix_err *err;
  struct pix_item item;
  const char *code_kind;
};

/* Describes a 2xx that cannot be a result. */
static int refuse(struct decoder *d, enum pix_kind kind, enum pix_sent sent, const char *message) {
  pix_err_set(d->err, kind, NULL, "%s", message);
  d->err->http_status = d->reply->status;
  d->err->sent = sent;
  if (sent == PIX_SENT_MAYBE) pix_codec_failure(d->account, d->request, d->err);
  return kind;
}

static int refuse_code(struct decoder *d, enum pix_kind kind, const char *message) {
  refuse(d, kind, PIX_SENT_YES, message);
  return pix_err_hint(d->err, "the charge exists (err.id), but do not show its code; cancel it "
                              "where the provider can");
}

static void read_item(struct decoder *d, int index) {
  pix_reply_item(d->L, index, d->account, d->account->provider, d->endpoint->reply,
                 d->endpoint->statuses, &d->item);
}

/* D2, S4: what was asked for, what the reply says. Either may be silent. */
static int check_amount(struct decoder *d) {
  if (d->item.bad_amount)
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_YES, "the amount in the answer cannot be read");
  if (d->request->amount < 0 || d->item.amount < 0 || d->item.amount == d->request->amount)
    return PIX_OK;
  return refuse(d, PIX_EMISMATCH, PIX_SENT_YES,
                "the answer is for another amount than the one asked for");
}

static int check_brcode(struct decoder *d, const struct pix_span *code) {
  struct pix_brcode brcode;
  struct pix_err why;
  char message[256];

  if (pix_brcode_decode(code->data, code->len, &brcode, &why) != PIX_OK) {
    snprintf(message, sizeof message, "the provider's BR Code is not valid: %.200s", why.message);
    return refuse_code(d, PIX_EPROTOCOL, message);
  }
  if (brcode.amount >= 0 && d->request->amount >= 0 && brcode.amount != d->request->amount)
    return refuse_code(d, PIX_EMISMATCH,
                       "the BR Code is for another amount than the one asked for");
  return PIX_OK;
}

/* S3: base64 of a JSON object. Looked at only as far as telling it from an opaque code needs. */
static bool is_base64_json(struct decoder *d, const struct pix_span *code) {
  unsigned char bytes[PIX_MAX_QR];
  long len;
  bool found;

  if (code->len / 4 * 3 + 3 > sizeof bytes) return false;
  len = pix_text_base64(code->data, code->len, bytes);
  if (len < 2 || bytes[0] != '{') return false;
  found = pix_reply_parse(d->L, d->decode, (const char *)bytes, (size_t)len);
  lua_pop(d->L, 1);
  return found;
}

static int check_code(struct decoder *d) {
  const struct pix_span *code = &d->item.texts[PIX_TO_CODE];

  if (pix_text_check(code->data, code->len, PIX_MAX_QR, "code", NULL) != PIX_OK)
    return refuse_code(d, PIX_EPROTOCOL, "the provider's code is too long, or no text");
  if (pix_brcode_test(code->data, code->len)) {
    d->code_kind = "brcode";
    return check_brcode(d, code);
  }
  d->code_kind = is_base64_json(d, code) ? "base64-json" : "opaque";
  return PIX_OK;
}

/* An answer about another charge must never pass for this one's. UUIDs differ in case. */
static int check_id(struct decoder *d) {
  const char *asked = d->request->id;

  if (asked[0] == '\0' || d->item.id[0] == '\0') return PIX_OK;
  if (pix_text_is(d->item.id, strlen(d->item.id), asked)) return PIX_OK;
  return refuse(d, PIX_EPROTOCOL, PIX_SENT_YES, "the answer is about another charge");
}

static void put_whole(lua_State *L, const char *member, int64_t value) {
  if (value < 0) return;
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, member);
}

/* D9: base64 of a PNG without a data: prefix; anything else is left out. It stays base64, because a
** charge may be saved as JSON. */
static void put_png(lua_State *L, const struct pix_span *text) {
  static const char prefix[] = "data:image/png;base64,";
  static const char begins[] = "iVBORw0KGgo"; /* the eight bytes with which every PNG begins */
  const char *from = text->data;
  size_t len = text->len;

  if (len > sizeof prefix && memcmp(from, prefix, sizeof prefix - 1) == 0) {
    from += sizeof prefix - 1;
    len -= sizeof prefix - 1;
  }
  if (len < sizeof begins || memcmp(from, begins, sizeof begins - 1) != 0) return;
  pix_put_text(L, "qr_png", from, len);
}

static void put_clean(struct decoder *d, const char *member, const struct pix_span *text) {
  pix_scrub_put(d->L, d->scrub, member, text->data, text->len);
}

/* Pushes a table with what every result has, eight members at most, and room for `more`. raw: index
** of what it was read from. */
static void push_common(struct decoder *d, int raw, int more) {
  lua_State *L = d->L;
  const char *id = d->item.id[0] != '\0' ? d->item.id : d->request->id;
  int64_t amount = d->item.amount >= 0 ? d->item.amount : d->request->amount;

  lua_createtable(L, 0, 8 + more);
  pix_put_text(L, "id", id, strlen(id));
  pix_put_word(L, "provider", d->account->provider->name);
  pix_put_word(L, "status", d->item.status);
  pix_scrub_put(L, d->scrub, "raw_status", d->item.raw_status, strlen(d->item.raw_status));
  put_whole(L, "amount", amount);
  put_clean(d, "created_at", &d->item.texts[PIX_TO_CREATED_AT]);
  pix_put_word(L, "sent", "yes");
  lua_pushvalue(L, raw);
  lua_setfield(L, -2, "raw");
}

/* D3: any 2xx with an id and a code. */
static int decode_charge(struct decoder *d) {
  int rc;

  read_item(d, d->body);
  if (d->item.id[0] == '\0')
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "the answer has no usable id of a charge");
  if (d->item.texts[PIX_TO_CODE].len == 0)
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "the answer has an id but no code");
  rc = check_amount(d);
  if (rc != PIX_OK) return rc;
  rc = check_code(d);
  if (rc != PIX_OK) return rc;
  if (d->item.status == NULL) d->item.status = PIX_STATUS_PENDING;
  push_common(d, d->body, 3);
  pix_put_text(d->L, "code", d->item.texts[PIX_TO_CODE].data, d->item.texts[PIX_TO_CODE].len);
  pix_put_word(d->L, "code_kind", d->code_kind);
  put_png(d->L, &d->item.texts[PIX_TO_PNG]);
  return PIX_OK;
}

/* Pushes the array of items that the reply is or holds, false (nothing pushed) if there is none. An
** empty table may be either; the body's first character tells. */
static bool push_list(struct decoder *d) {
  size_t at = 0;

  if (d->endpoint->list == NULL) return false;
  if (pix_reply_path(d->L, d->body, d->endpoint->list) == LUA_TTABLE) return true;
  lua_pop(d->L, 1);
  while (at < d->reply->len && strchr(" \t\r\n", d->reply->body[at]) != NULL) at++;
  if (at == d->reply->len || d->reply->body[at] != '[') return false;
  lua_pushvalue(d->L, d->body);
  return true;
}

/* Pushes the item of the list at `list` that is the charge asked for; a lone item without an id
** can only be it. */
static bool push_wanted(struct decoder *d, int list) {
  size_t count = lua_rawlen(d->L, list);

  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(d->L, list, (int)i);
    if (lua_type(d->L, -1) == LUA_TTABLE) {
      read_item(d, lua_gettop(d->L));
      if (d->item.id[0] == '\0' && count == 1) return true;
      if (d->item.id[0] != '\0' && pix_text_is(d->item.id, strlen(d->item.id), d->request->id))
        return true;
    }
    lua_pop(d->L, 1);
  }
  return false;
}

/* status, cancel, refund: one item, alone or in a list. D7: an empty list is an answer. */
static int decode_one(struct decoder *d) {
  enum pix_sent vague = PIX_SENT_MAYBE;
  int raw = d->body, rc;

  if (push_list(d)) {
    if (!push_wanted(d, lua_gettop(d->L)))
      return refuse(d, PIX_ENOT_FOUND, PIX_SENT_YES, "the provider knows no charge of this id");
    raw = lua_gettop(d->L);
  } else {
    read_item(d, raw);
  }
  if (d->item.status == NULL) return refuse(d, PIX_EPROTOCOL, vague, "the answer has no status");
  rc = check_id(d);
  if (rc == PIX_OK) rc = check_amount(d);
  if (rc == PIX_OK) push_common(d, raw, 0);
  return rc;
}

/* Appends the item at the stack's top to the array at `out`, and pops it. */
static int add_found(struct decoder *d, int out) {
  int raw = lua_gettop(d->L);

  if (lua_type(d->L, raw) != LUA_TTABLE)
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "an item of the answer is no object");
  read_item(d, raw);
  if (d->item.bad_amount)
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_YES, "the amount in the answer cannot be read");
  if (d->item.status == NULL) d->item.status = PIX_STATUS_UNKNOWN;
  push_common(d, raw, 0);
  lua_rawseti(d->L, out, (int)lua_rawlen(d->L, out) + 1);
  lua_settop(d->L, raw - 1);
  return PIX_OK;
}

/* An array. By dates it may be empty; an id that is not found is an error (D7). */
static int decode_search(struct decoder *d) {
  int list, out, rc = PIX_OK;
  size_t count;

  if (!push_list(d)) {
    read_item(d, d->body);
    if (d->item.status == NULL)
      return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "the answer is no list of charges");
    lua_createtable(d->L, 1, 0);
    lua_pushvalue(d->L, d->body);
    lua_rawseti(d->L, -2, 1);
  }
  list = lua_gettop(d->L);
  count = lua_rawlen(d->L, list);
  if (count == 0 && d->request->id[0] != '\0')
    return refuse(d, PIX_ENOT_FOUND, PIX_SENT_YES, "the provider knows no charge of this id");
  lua_createtable(d->L, (int)count, 0);
  out = lua_gettop(d->L);
  for (size_t i = 1; i <= count && rc == PIX_OK; i++) {
    lua_rawgeti(d->L, list, (int)i);
    rc = add_found(d, out);
  }
  return rc;
}

/* P11: as days, where the reply says how often; its own next date is the one that counts. */
static void put_period(struct decoder *d) {
  const struct pix_period *row = d->account->provider->periods;
  const struct pix_span *word = &d->item.texts[PIX_TO_PERIOD];

  for (; row != NULL && row->word != NULL && word->data != NULL; row++) {
    if (!pix_text_is(word->data, word->len, row->word)) continue;
    put_whole(d->L, "period_days", row->days);
  }
}

static int decode_subscription(struct decoder *d) {
  read_item(d, d->body);
  if (d->item.status != NULL && strcmp(d->item.status, PIX_STATUS_REJECTED) == 0)
    return refuse(d, PIX_EDECLINED, PIX_SENT_YES, "the card was declined");
  if (d->item.id[0] == '\0')
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "the answer has no id of a subscription");
  if (d->item.status == NULL)
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "the answer has no status");
  push_common(d, d->body, 4);
  put_clean(d, "transaction_id", &d->item.texts[PIX_TO_TRANSACTION_ID]);
  put_clean(d, "next_charge_at", &d->item.texts[PIX_TO_NEXT_CHARGE_AT]);
  put_clean(d, "trial_ends_at", &d->item.texts[PIX_TO_TRIAL_ENDS_AT]);
  put_period(d);
  return PIX_OK;
}

/* Any answer that was understood and is not about the credentials means that they are good. */
static int decode_check(struct decoder *d) {
  struct pix_span token;
  double life;

  if (d->endpoint->operation == PIX_OP_TOKEN &&
      !pix_token_find(d->L, d->body, d->account->provider, d->now, &token, &life))
    return refuse(d, PIX_EPROTOCOL, PIX_SENT_MAYBE, "the answer has no token");
  lua_pushboolean(d->L, 1);
  return PIX_OK;
}

static int decode_success(struct decoder *d) {
  switch (d->request->operation) {
  case PIX_OP_CHARGE: return decode_charge(d);
  case PIX_OP_STATUS:
  case PIX_OP_CANCEL:
  case PIX_OP_REFUND: return decode_one(d);
  case PIX_OP_SEARCH: return decode_search(d);
  case PIX_OP_SUBSCRIBE: return decode_subscription(d);
  default: return decode_check(d);
  }
}

/* Does a check's reply prove that the key was accepted, although it refuses the id? */
static bool proves_key(const struct decoder *d) {
  return d->request->operation == PIX_OP_CHECK && d->endpoint->operation == PIX_OP_CHECK &&
         (d->err->kind == PIX_EINVALID || d->err->kind == PIX_ENOT_FOUND);
}

/* A refusal in a 2xx: a member such as success = false. */
static bool says_no(struct decoder *d) {
  const struct pix_reply_row *row = d->endpoint->reply;

  while (row != NULL && row->target != PIX_TO_NONE && row->target != PIX_TO_SUCCESS) row++;
  if (row == NULL || row->target == PIX_TO_NONE) return false;
  read_item(d, d->body);
  return d->item.refused;
}

/* Reads the reply: a result at the stack's top, or an error in err. */
static void judge(struct decoder *d, bool readable) {
  bool success = d->reply->status >= 200 && d->reply->status <= 299;
  int rc;

  if (success && readable && says_no(d)) success = false;
  if (!success) {
    pix_error_read(d->L, d->body, d->scrub, d->reply, d->now, d->err);
    if (readable && proves_key(d)) {
      pix_err_init(d->err);
      lua_pushboolean(d->L, 1);
    }
  } else if (!readable) {
    pix_error_garbage(d->reply, d->err);
    pix_codec_failure(d->account, d->request, d->err);
  } else {
    rc = decode_success(d);
    if (rc == PIX_OK) pix_scrub_table(d->L, d->body, d->scrub);
  }
}

static bool refuses_form(struct decoder *d) {
  return d->reply->status == 422 && lua_type(d->L, d->body) == LUA_TTABLE &&
         pix_error_names_amount(d->L, d->body, d->request);
}

/* S1: what was learned is kept only while it helps: the amount itself may be what is refused. */
static void forget_adaptation(struct decoder *d) {
  bool adapted = (d->account->adaptations & PIX_ADAPT_MONEY) != 0 && !d->request->adaptable;

  if (adapted && refuses_form(d)) d->account->adaptations &= ~PIX_ADAPT_MONEY;
}

static enum pix_verdict find_verdict(struct decoder *d) {
  if (pix_error_stale_token(d->account, d->request, d->err)) return PIX_VERDICT_RENEW;
  if (!refuses_form(d) || !d->request->adaptable) return PIX_VERDICT_DONE;
  d->account->adaptations |= PIX_ADAPT_MONEY;
  return PIX_VERDICT_ADAPT;
}

enum pix_verdict pix_codec_decode(lua_State *L, int decoder, struct pix_account *account,
                                  const struct pix_request *request, const struct pix_reply *reply,
                                  double now, bool last, struct pix_err *err) {
  struct decoder d = {.L = L,
                      .account = account,
                      .request = request,
                      .reply = reply,
                      .endpoint = request->endpoint,
                      .now = now,
                      .err = err};
  struct pix_scrub scrub = {.account = account, .request = request, .token = reply->token};
  enum pix_verdict verdict = PIX_VERDICT_DONE;
  int top = lua_gettop(L);
  bool readable;

  pix_err_init(err);
  if (!lua_checkstack(L, 32)) {
    lua_pushnil(L);
    pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
    return verdict;
  }
  d.decode = lua_absindex(L, decoder);
  readable = pix_reply_parse(L, d.decode, reply->body, reply->len);
  d.body = top + 1;
  d.scrub = &scrub;
  scrub.cards = reply->status < 200 || reply->status > 299 || request->safety == PIX_CAPTURE;
  pix_scrub_look(&scrub, reply);
  judge(&d, readable);
  if (err->kind != PIX_OK && !last) verdict = find_verdict(&d);
  if (err->kind != PIX_OK && verdict == PIX_VERDICT_DONE) {
    forget_adaptation(&d);
    scrub.cards = true;
    scrub.clean = false;
    pix_error_members(L, d.body, &scrub, reply, request->id[0] != '\0' ? request->id : d.item.id);
  }
  if (verdict == PIX_VERDICT_DONE) lua_replace(L, top + 1);
  lua_settop(L, verdict == PIX_VERDICT_DONE ? top + 1 : top);
  return verdict;
}
