/*
** reply.c - fuzz target: what a provider may answer to each operation, through the codec.
** Input: which call, which status, bits (last time; a Retry-After); then the body.
**
** Besides that nothing crashes or raises: secrets never come out in an error; `sent` follows the
** rules; the amount of a charge and of its code is the one that was asked for.
*/
#include "lua_state.h"

#include "core/brcode.h"
#include "core/card.h"
#include "core/money.h"

#define TOKEN       "t0ken-in-use-4711"
#define CARD_NUMBER "4111111111111111"

static const char *const secrets[] = {
    "t0ken-of-detseg", "s3cret-of-ssg", "k3y-of-payzu", "hush-hush-hook", TOKEN, CARD_NUMBER, NULL};

/* Every call whose reply is decoded: the provider, its options, the operation, its arguments. */
static const struct call_row {
  const char *provider, *operation, *options, *args;
} rows[] = {
#define DETSEG "client_id = 'client-17', client_token = 't0ken-of-detseg'"
#define SSG    "client_id = 'client-17', client_secret = 's3cret-of-ssg', device_code = 'dev 1'"
#define PAYZU  "api_key = 'k3y-of-payzu', webhook_secret = 'hush-hush-hook'"
#define PAYER                                                                                      \
  "{ name = 'Maria', tax_id = '52998224725', email = 'm@example.com', phone = '11987654321' }"
#define ORDER                                                                                      \
  "{ amount = 36599, description = 'Café', payer = " PAYER ", webhook = 'https://s.example/h' }"
#define CHARGED "{ id = 'PIX123456789', amount = 36599, status = 'paid', provider = PROVIDER }"
    {"detseg", "token", DETSEG, "nil"},
    {"detseg", "check", DETSEG, "nil"},
    {"detseg", "charge", DETSEG, ORDER},
    {"detseg", "charge", DETSEG ", user_id = 'user-9', dialect = 'payment'", ORDER},
    {"detseg", "status", DETSEG, "'PIX123456789'"},
    {"detseg", "status", DETSEG ", user_id = 'user-9', dialect = 'payment'", "'PIX123456789'"},
    {"detseg", "search", DETSEG, "{ from = '2026-01-01', to = '2026-01-31' }"},
    {"detseg", "search", DETSEG, "{ id = 'PIX123456789' }"},
    {"ssg", "token", SSG, "nil"},
    {"ssg", "check", SSG, "nil"},
    {"ssg", "charge", SSG, "{ amount = 36599 }"},
    {"ssg", "charge", SSG ", value_as = 'string'", "{ amount = 36599 }"},
    {"ssg", "status", SSG, CHARGED},
    {"ssg", "cancel", SSG, CHARGED},
    {"ssg", "refund", SSG, CHARGED},
    {"payzu", "check", PAYZU, "nil"},
    {"payzu", "charge", PAYZU, ORDER},
    {"payzu", "status", PAYZU, CHARGED},
    {"payzu", "subscribe", PAYZU, "{ plan = 'P1', payer = " PAYER " }"},
    {"payzu", "subscribe", PAYZU, "{ plan = 'P1', payer = " PAYER ", trial = true }"},
};

static const long statuses[] = {200, 201, 202, 204, 301, 302, 400, 401, 402, 403,
                                404, 405, 408, 409, 410, 415, 422, 429, 500, 502,
                                503, 504, 100, 199, 299, 600, 0,   413, 418, 501};

static const char *const waits[] = {"", "2", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"};

struct call {
  const struct call_row *row;
  struct pix_account account;
  struct pix_request request;
};

struct answer {
  struct call *call;
  struct pix_reply reply;
  bool last;
};

static int card__gc(lua_State *L) {
  struct pix_card_object *object = lua_touserdata(L, 1);

  pix_card_fini(&object->card);
  return 0;
}

static void push_card(lua_State *L) {
  struct pix_card_object *object = lua_newuserdata(L, sizeof *object);
  struct pix_card *card = &object->card;
  struct pix_err err;

  memset(object, 0, sizeof *object);
  luaL_newmetatable(L, PIX_CARD_TYPE);
  lua_pushcfunction(L, card__gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  FUZZ_CHECK(pix_card_set_number(card, CARD_NUMBER, strlen(CARD_NUMBER), true, &err) == PIX_OK);
  FUZZ_CHECK(pix_card_set_cvv(card, "737", 3, &err) == PIX_OK);
  FUZZ_CHECK(pix_card_set_expiry(card, "12/2049", 7, &err) == PIX_OK);
  FUZZ_CHECK(pix_card_set_holder(card, "JOAO", 4, &err) == PIX_OK);
}

static enum pix_operation operation_of(const struct call_row *row) {
  return strcmp(row->operation, "token") == 0 ? PIX_OP_TOKEN : pix_operation_find(row->operation);
}

static void make_call(lua_State *L, const struct call_row *row, struct call *call) {
  const struct pix_provider *provider = pix_provider_find(row->provider);
  char code[1024];
  struct pix_err err;

  call->row = row;
  snprintf(code, sizeof code, "local PROVIDER = '%s' return { %s }, %s", row->provider,
           row->options, row->args);
  fuzz_lua(L, code, 2);
  if (strcmp(row->operation, "subscribe") == 0) {
    push_card(L);
    lua_setfield(L, -2, "card");
  }
  pix_err_init(&err);
  pix_request_init(&call->request);
  if (pix_account_init(L, -2, provider, &call->account, &err) != PIX_OK ||
      pix_codec_encode(L, &call->account, operation_of(row), lua_gettop(L), FUZZ_NOW,
                       &call->request, &err) != PIX_OK) {
    fprintf(stderr, "%s %s: %s\n", row->provider, row->operation, err.message);
    abort();
  }
  lua_settop(L, 1);
}

/* Another account's secret is a word like any other. */
static bool is_own(const struct call_row *row, const char *secret) {
  bool carries_token = strcmp(row->operation, "token") != 0;

  if (strcmp(secret, TOKEN) == 0) return carries_token;
  if (strcmp(secret, CARD_NUMBER) == 0) return strcmp(row->operation, "subscribe") == 0;
  return strstr(row->options, secret) != NULL;
}

static void no_secret(const char *text, size_t len, const void *row) {
  for (size_t i = 0; secrets[i] != NULL; i++)
    FUZZ_CHECK(!is_own(row, secrets[i]) ||
               memmem(text, len, secrets[i], strlen(secrets[i])) == NULL);
}

/* Neither in the error's texts nor in the members at `index` (0: there are none). */
static void check_secrets(lua_State *L, int index, const struct pix_err *err,
                          const struct call_row *row) {
  no_secret(err->message, strlen(err->message), row);
  no_secret(err->hint, strlen(err->hint), row);
  no_secret(err->code, strlen(err->code), row);
  no_secret(err->field, strlen(err->field), row);
  if (index != 0) fuzz_each_text(L, index, no_secret, row);
}

static bool is_2xx(const struct answer *answer) {
  return answer->reply.status >= 200 && answer->reply.status <= 299;
}

/* PAYMENTS' three outcomes, for a reply that is an error. */
static void check_sent(const struct answer *answer, bool readable, const struct pix_err *err) {
  bool wrote = answer->call->request.safety != PIX_READ;
  long status = answer->reply.status;

  FUZZ_CHECK(err->sent != PIX_SENT_NO);
  if (!wrote) return;
  if (status >= 500 || status == 408 || (status >= 300 && status <= 399))
    FUZZ_CHECK(err->sent == PIX_SENT_MAYBE);
  if (is_2xx(answer) && !readable) FUZZ_CHECK(err->sent == PIX_SENT_MAYBE);
  if (err->kind == PIX_EUNAVAILABLE) FUZZ_CHECK(err->sent == PIX_SENT_MAYBE);
}

static const char *member(lua_State *L, int index, const char *name) {
  const char *text;

  lua_getfield(L, index, name);
  text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1);
  return text;
}

static void check_charge(lua_State *L, int index, const struct pix_request *request) {
  const char *code = member(L, index, "code"), *kind = member(L, index, "code_kind");
  struct pix_brcode brcode;

  FUZZ_CHECK(code != NULL && kind != NULL && member(L, index, "id") != NULL);
  lua_getfield(L, index, "amount");
  FUZZ_CHECK(lua_isinteger(L, -1) && lua_tointeger(L, -1) == request->amount);
  lua_pop(L, 1);
  if (strcmp(kind, "brcode") != 0) return;
  FUZZ_CHECK(pix_brcode_decode(code, strlen(code), &brcode, NULL) == PIX_OK);
  FUZZ_CHECK(brcode.amount < 0 || brcode.amount == request->amount);
}

static void check_result(lua_State *L, int index, const struct answer *answer) {
  enum pix_operation operation = answer->call->request.operation;
  bool plain = operation == PIX_OP_CHECK || operation == PIX_OP_TOKEN;

  FUZZ_CHECK(plain || is_2xx(answer));
  if (plain) {
    FUZZ_CHECK(lua_isboolean(L, index));
    return;
  }
  FUZZ_CHECK(lua_istable(L, index));
  if (operation == PIX_OP_SEARCH) return;
  FUZZ_CHECK(member(L, index, "status") != NULL);
  FUZZ_CHECK(strcmp(member(L, index, "sent"), "yes") == 0);
  if (operation == PIX_OP_CHARGE) check_charge(L, index, &answer->call->request);
}

static bool is_readable(lua_State *L, const struct pix_reply *reply) {
  bool readable;

  lua_pushvalue(L, 1);
  lua_pushlstring(L, reply->body, reply->len);
  readable = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_istable(L, -1);
  lua_pop(L, 1);
  return readable;
}

static void check_answer(lua_State *L, const struct answer *answer, bool last) {
  struct call *call = answer->call;
  int top = lua_gettop(L);
  enum pix_verdict verdict;
  struct pix_err err;

  verdict =
      pix_codec_decode(L, 1, &call->account, &call->request, &answer->reply, FUZZ_NOW, last, &err);
  FUZZ_CHECK(lua_gettop(L) == top + (verdict == PIX_VERDICT_DONE));
  FUZZ_CHECK(!last || verdict == PIX_VERDICT_DONE);
  if (err.kind == PIX_OK) {
    FUZZ_CHECK(verdict == PIX_VERDICT_DONE);
    check_result(L, top + 1, answer);
  } else {
    bool pushed = verdict == PIX_VERDICT_DONE;
    fuzz_check_err(&err);
    check_sent(answer, is_readable(L, &answer->reply), &err);
    FUZZ_CHECK(!pushed || lua_isnil(L, top + 1) || lua_istable(L, top + 1));
    check_secrets(L, pushed ? top + 1 : 0, &err, call->row);
  }
  lua_settop(L, top);
  if (verdict != PIX_VERDICT_DONE) check_answer(L, answer, true);
}

static void check_token(lua_State *L, const struct answer *answer) {
  struct pix_secret token = {NULL, 0};
  int top = lua_gettop(L);
  double expires = 0;
  struct pix_err err;

  pix_err_init(&err);
  if (pix_codec_token(L, 1, &answer->call->account, &answer->reply, FUZZ_NOW, &token, &expires,
                      &err) == PIX_OK) {
    FUZZ_CHECK(token.len > 0 && expires > FUZZ_NOW && expires < FUZZ_NOW + 32e6);
  } else {
    fuzz_check_err(&err);
    FUZZ_CHECK(token.data == NULL);
    check_secrets(L, 0, &err, answer->call->row);
  }
  FUZZ_CHECK(lua_gettop(L) == top);
  pix_secret_fini(&token);
}

static int run(lua_State *L) {
  struct answer *answer = lua_touserdata(L, 2);

  if (answer->call->request.operation == PIX_OP_TOKEN) check_token(L, answer);
  check_answer(L, answer, answer->last);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  static struct call calls[PIX_COUNT(rows)];
  static const struct pix_secret token = {(char *)TOKEN, sizeof TOKEN - 1};
  struct fuzz_input input = {data, size};
  struct answer answer;
  unsigned bits;
  char *body;

  if (L == NULL) {
    L = fuzz_state();
    for (size_t i = 0; i < PIX_COUNT(rows); i++) make_call(L, &rows[i], &calls[i]);
  }
  memset(&answer, 0, sizeof answer);
  answer.call = &calls[fuzz_byte(&input) % PIX_COUNT(rows)];
  answer.call->account.adaptations = 0;
  answer.reply.status = statuses[fuzz_byte(&input) % PIX_COUNT(statuses)];
  bits = fuzz_byte(&input);
  answer.last = bits % 2 == 1;
  answer.reply.retry_after = waits[bits / 2 % PIX_COUNT(waits)];
  answer.reply.content_type = "application/json";
  answer.reply.token = &token;
  body = fuzz_rest(&input, &answer.reply.len);
  answer.reply.body = body;
  fuzz_step(L, run, &answer);
  free(body);
  return 0;
}
