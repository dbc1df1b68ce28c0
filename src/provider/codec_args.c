/*
** codec_args.c - the caller's table → struct pix_args. Everything is checked here, before a byte is
** written: a refusal names the argument as the caller spells it, and never quotes its value.
**
** All access is raw: a metamethod could raise, yield, or hand out text that the collector takes
** away while we still point to it.
*/
#include "interpreter.h"

#include <stdio.h>
#include <string.h>

#include "../core/money.h"
#include "../core/tax_id.h"
#include "../core/text.h"

typedef int (*reader)(lua_State *L, int index, struct pix_args *args, struct pix_err *err);

/* An argument: which operations take it, and who reads it. */
struct argument {
  const char *name;
  unsigned operations;
  reader read;
};

#define ON(operation) (1u << PIX_OP_##operation)
#define ON_CHARGES    (ON(STATUS) | ON(CANCEL) | ON(REFUND))

static const char *const names[PIX_SOURCES] = {
    [PIX_FROM_AMOUNT] = "amount",
    [PIX_FROM_ID] = "id",
    [PIX_FROM_DESCRIPTION] = "description",
    [PIX_FROM_WEBHOOK] = "webhook",
    [PIX_FROM_NAME] = "payer.name",
    [PIX_FROM_TAX_ID] = "payer.tax_id",
    [PIX_FROM_EMAIL] = "payer.email",
    [PIX_FROM_PHONE] = "payer.phone",
    [PIX_FROM_PLAN] = "plan",
    [PIX_FROM_CARD_NUMBER] = "card",
    [PIX_FROM_CARD_CVV] = "card",
    [PIX_FROM_CARD_EXPIRY] = "card",
    [PIX_FROM_CARD_HOLDER] = "card",
    [PIX_FROM_CONFIRMATION] = "send_confirmation",
    [PIX_FROM_DATE_FROM] = "from",
    [PIX_FROM_DATE_TO] = "to",
};

const char *pix_args_name(enum pix_source source) {
  return (unsigned)source < PIX_SOURCES ? names[source] : NULL;
}

static int wrong_type(lua_State *L, int index, const char *field, const char *wanted,
                      struct pix_err *err) {
  return pix_err_set(err, PIX_EINVALID, field, "%s must be %s, not a %s", field, wanted,
                     luaL_typename(L, index));
}

/* A core function's refusal, under the name that the caller knows. */
static int renamed(int rc, const char *field, struct pix_err *err) {
  if (rc != PIX_OK && err != NULL)
    pix_err_copy(err->field, sizeof err->field, field, strlen(field));
  return rc;
}

static int read_text(lua_State *L, int index, size_t max, const char *field, struct pix_span *out,
                     struct pix_err *err) {
  if (lua_type(L, index) != LUA_TSTRING) return wrong_type(L, index, field, "a string", err);
  out->data = lua_tolstring(L, index, &out->len);
  return pix_text_check(out->data, out->len, max, field, err);
}

/* An id ends as one path segment or one JSON string. "." and ".." are the two segments that no
** encoding keeps from being resolved away (RFC 3986, 5.2.4). */
static int read_id(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  struct pix_span text;
  int64_t number;
  int rc;

  if (lua_type(L, index) == LUA_TNUMBER && pix_l_toint64(L, index, &number) && number >= 0) {
    snprintf(args->id, sizeof args->id, "%lld", (long long)number);
    return PIX_OK;
  }
  rc = read_text(L, index, PIX_MAX_ID, "id", &text, err);
  if (rc != PIX_OK) return rc;
  if (pix_text_is(text.data, text.len, ".") || pix_text_is(text.data, text.len, ".."))
    return pix_err_set(err, PIX_EINVALID, "id", "id is not the id of a charge");
  memcpy(args->id, text.data, text.len + 1);
  return PIX_OK;
}

static int read_centavos(lua_State *L, int index, const char *field, int64_t *to,
                         struct pix_err *err) {
  int rc;

  if (lua_type(L, index) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    rc = pix_money_parse(text, len, to, err);
  } else if (pix_l_toint64(L, index, to)) {
    rc = pix_money_check(*to, err);
  } else if (lua_type(L, index) == LUA_TNUMBER) {
    rc = pix_err_set(err, PIX_EINVALID, field, "%s must be a whole number of centavos", field);
  } else {
    rc = wrong_type(L, index, field, "a whole number of centavos or a string", err);
  }
  if (rc != PIX_OK && err != NULL && err->hint[0] == '\0')
    pix_err_hint(err, "write R$ 19,90 as 1990 (centavos) or as \"19.90\"");
  return renamed(rc, field, err);
}

static int read_amount(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_centavos(L, index, "amount", &args->amount, err);
}

static int read_description(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_text(L, index, PIX_MAX_TEXT, "description", &args->description, err);
}

static int read_key(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_text(L, index, PIX_MAX_ID, "idempotency_key", &args->idempotency_key, err);
}

static int read_webhook(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  int rc = read_text(L, index, PIX_MAX_URL, "webhook", &args->webhook, err);

  if (rc != PIX_OK) return rc;
  return pix_url_check(args->webhook.data, args->webhook.len, args->account->allow_http, false,
                       PIX_EINVALID, "webhook", err);
}

static int read_timeout(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  if (lua_type(L, index) != LUA_TNUMBER)
    return wrong_type(L, index, "timeout", "a number of seconds", err);
  args->timeout = lua_tonumber(L, index);
  if (args->timeout > 0 && args->timeout <= PIX_MAX_TIMEOUT) return PIX_OK;
  return pix_err_set(err, PIX_EINVALID, "timeout", "timeout must be more than 0 and at most %.0f",
                     PIX_MAX_TIMEOUT);
}

/* Is there one "@" with something on both sides, and nothing that an address cannot have unquoted?
** More would refuse addresses that work. */
static bool is_email(const struct pix_span *text) {
  const char *at = memchr(text->data, '@', text->len);
  size_t local;

  if (at == NULL || text->len > 254) return false;
  local = (size_t)(at - text->data);
  if (local == 0 || local + 1 >= text->len) return false;
  if (memchr(at + 1, '@', text->len - local - 1) != NULL) return false;
  if (strpbrk(text->data, " \t<>,;:\"()[]\\") != NULL) return false;
  return at[1] != '.' && text->data[text->len - 1] != '.';
}

static int payer_name(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_text(L, index, PIX_MAX_TEXT, "payer.name", &args->name, err);
}

static int payer_email(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  int rc = read_text(L, index, PIX_MAX_TEXT, "payer.email", &args->email, err);

  if (rc != PIX_OK || is_email(&args->email)) return rc;
  return pix_err_set(err, PIX_EINVALID, "payer.email", "payer.email is not an e-mail address");
}

static int payer_phone(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  struct pix_span text;
  int rc = read_text(L, index, PIX_MAX_TEXT, "payer.phone", &text, err);

  if (rc == PIX_OK) rc = pix_phone_parse(text.data, text.len, args->phone, err);
  return renamed(rc, "payer.phone", err);
}

/* Option validate = false: 11 or 14 places will do, check digits may be wrong (P9). */
static bool loose_tax_id(const struct pix_span *text, char out[16]) {
  size_t used = 0;

  for (size_t i = 0; i < text->len; i++) {
    char c = pix_text_upper(text->data[i]);
    if (c == '.' || c == '/' || c == '-' || pix_text_is_blank(c)) continue;
    if (used == 14 || !(pix_text_is_digit(c) || (c >= 'A' && c <= 'Z'))) return false;
    out[used++] = c;
  }
  out[used] = '\0';
  return used == 11 || used == 14;
}

static int payer_tax_id(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  struct pix_tax_id tax_id;
  struct pix_span text;
  int rc = read_text(L, index, PIX_MAX_TEXT, "payer.tax_id", &text, err);

  if (rc != PIX_OK) return rc;
  rc = pix_tax_id_parse(text.data, text.len, &tax_id, err);
  if (rc == PIX_OK)
    memcpy(args->tax_id, tax_id.digits, sizeof tax_id.digits);
  else if (args->account->lenient && loose_tax_id(&text, args->tax_id))
    rc = PIX_OK;
  return renamed(rc, "payer.tax_id", err);
}

static const struct argument payer_parts[] = {
    {"name", ~0u, payer_name},
    {"tax_id", ~0u, payer_tax_id},
    {"email", ~0u, payer_email},
    {"phone", ~0u, payer_phone},
};

static int unknown(const char *within, const char *name, const struct pix_args *args,
                   struct pix_err *err) {
  char field[sizeof err->field];

  snprintf(field, sizeof field, "%s%.50s", within, name);
  pix_err_set(err, PIX_EINVALID, field, "%s has no argument %s",
              pix_operation_name(args->operation), field);
  return pix_err_hint(err, "look at its spelling: an argument that is not understood is not sent");
}

/* Reads each member of the table at `index` by its row. */
static int read_members(lua_State *L, int index, const struct argument *rows, size_t count,
                        const char *within, struct pix_args *args, struct pix_err *err) {
  int top = lua_gettop(L), rc = PIX_OK;

  for (lua_pushnil(L); rc == PIX_OK && lua_next(L, index) != 0; lua_settop(L, top + 1)) {
    const struct argument *row = NULL;
    const char *name = lua_type(L, top + 1) == LUA_TSTRING ? lua_tostring(L, top + 1) : "[…]";
    for (size_t i = 0; i < count && row == NULL; i++)
      if ((rows[i].operations & 1u << args->operation) != 0 && strcmp(rows[i].name, name) == 0)
        row = &rows[i];
    rc = row != NULL ? row->read(L, top + 2, args, err) : unknown(within, name, args, err);
  }
  lua_settop(L, top);
  return rc;
}

static int read_payer(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  if (lua_type(L, index) != LUA_TTABLE) {
    wrong_type(L, index, "payer", "a table", err);
    return pix_err_hint(err, "payer = { name =, tax_id =, email =, phone = }");
  }
  return read_members(L, index, payer_parts, PIX_COUNT(payer_parts), "payer.", args, err);
}

static int read_plan(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_text(L, index, PIX_MAX_ID, "plan", &args->plan, err);
}

/* Luhn is asked again: the card may have been made for a simulator (P9). */
static int read_card(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  const struct pix_card_object *object = luaL_testudata(L, index, PIX_CARD_TYPE);
  const struct pix_card *card;

  if (object == NULL) {
    pix_err_set(err, PIX_EINVALID, "card", "card must be a pix.card, not a %s",
                luaL_typename(L, index));
    return pix_err_hint(err, "use pix.card{ number =, cvv =, expiry =, holder = }: its memory is "
                             "wiped, a Lua string's cannot be");
  }
  card = &object->card;
  if (card->number.data == NULL || card->cvv.data == NULL || card->holder.data == NULL)
    return pix_err_set(err, PIX_EINVALID, "card", "the card is empty or was closed");
  args->card = card;
  if (args->account->lenient) return PIX_OK;
  if (!pix_luhn(card->number.data, card->number.len))
    return pix_err_set(err, PIX_EINVALID, "card.number", "the card's number has a wrong digit");
  return pix_card_check_expiry(card, (int64_t)args->now, err);
}

static int read_boolean(lua_State *L, int index, const char *field, bool *to, struct pix_err *err) {
  if (lua_type(L, index) != LUA_TBOOLEAN) return wrong_type(L, index, field, "true or false", err);
  *to = lua_toboolean(L, index) != 0;
  return PIX_OK;
}

static int read_trial(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_boolean(L, index, "trial", &args->trial, err);
}

static int read_confirmation(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  args->has_confirmation = true;
  return read_boolean(L, index, "send_confirmation", &args->confirmation, err);
}

#define DAY 86400

/* D8. A day without a time means all of it: as the last day it ends a second before midnight. */
static int read_date(lua_State *L, int index, const char *field, bool last, char *out,
                     int64_t *epoch, struct pix_err *err) {
  struct pix_span text;
  int rc;

  if (lua_type(L, index) == LUA_TNUMBER) {
    double seconds = lua_tonumber(L, index);
    if (!(seconds >= 0 && seconds < 253402300800.0))
      return pix_err_set(err, PIX_EINVALID, field, "%s is no time since the epoch", field);
    *epoch = (int64_t)seconds;
  } else {
    rc = read_text(L, index, PIX_MAX_TEXT, field, &text, err);
    if (rc == PIX_OK) rc = pix_date_parse(text.data, text.len, field, epoch, err);
    if (rc != PIX_OK) return rc;
    if (last && text.len == sizeof "2025-01-31" - 1) *epoch += DAY - 1;
  }
  pix_date_format(*epoch, out);
  return PIX_OK;
}

static int read_from(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_date(L, index, "from", false, args->from, &args->from_epoch, err);
}

static int read_to(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  return read_date(L, index, "to", true, args->to, &args->to_epoch, err);
}

/* Pushes the raw member; its type. */
static int raw_member(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  return lua_type(L, -1);
}

static int check_owner(lua_State *L, int index, const char *field, const struct pix_args *args,
                       struct pix_err *err) {
  const char *name = args->account->provider->name;

  if (lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), name) == 0) return PIX_OK;
  pix_err_set(err, PIX_EINVALID, field, "the charge is not one of %s", name);
  return pix_err_hint(err, "ask the provider that made it: charge.provider says which");
}

/* Takes id, amount and provider of a charge; whatever else it has is its own affair. */
static int read_charge(lua_State *L, int index, struct pix_args *args, struct pix_err *err) {
  int top = lua_gettop(L), rc = PIX_OK;

  if (lua_type(L, index) != LUA_TTABLE) return wrong_type(L, index, "charge", "a charge", err);
  if (raw_member(L, index, "provider") != LUA_TNIL)
    rc = check_owner(L, top + 1, "charge", args, err);
  if (rc == PIX_OK && raw_member(L, index, "amount") != LUA_TNIL)
    rc = read_centavos(L, lua_gettop(L), "amount", &args->charge_amount, err);
  if (rc == PIX_OK && raw_member(L, index, "id") == LUA_TNIL)
    rc = pix_err_set(err, PIX_EINVALID, "id", "the charge has no id");
  if (rc == PIX_OK) rc = read_id(L, lua_gettop(L), args, err);
  lua_settop(L, top);
  return rc;
}

static const struct argument arguments[] = {
    {"amount", ON(CHARGE) | ON_CHARGES, read_amount},
    {"card", ON(SUBSCRIBE), read_card},
    {"charge", ON_CHARGES, read_charge},
    {"description", ON(CHARGE), read_description},
    {"from", ON(SEARCH), read_from},
    {"id", ON_CHARGES | ON(SEARCH), read_id},
    {"idempotency_key", ON(CHARGE) | ON(SUBSCRIBE) | ON(CANCEL) | ON(REFUND), read_key},
    {"payer", ON(CHARGE) | ON(SUBSCRIBE), read_payer},
    {"plan", ON(SUBSCRIBE), read_plan},
    {"send_confirmation", ON(SUBSCRIBE), read_confirmation},
    {"timeout", ~0u, read_timeout},
    {"to", ON(SEARCH), read_to},
    {"trial", ON(SUBSCRIBE), read_trial},
    {"webhook", ON(CHARGE), read_webhook},
};

static bool is_charge(lua_State *L, int index) {
  bool charge = raw_member(L, index, "provider") == LUA_TSTRING;

  lua_pop(L, 1);
  return charge;
}

/* The amount asked for beside a charge whose amount is known. */
static int check_amounts(struct pix_args *args, struct pix_err *err) {
  bool parts = (args->account->provider->capabilities & PIX_CAN_REFUND_PARTS) != 0;

  if (args->amount < 0) args->amount = args->charge_amount;
  if (args->charge_amount < 0 || args->amount == args->charge_amount) return PIX_OK;
  if (args->operation == PIX_OP_REFUND && !parts)
    return pix_err_set(err, PIX_EUNSUPPORTED, "amount", "%s refunds a charge whole or not at all",
                       args->account->provider->name);
  if (args->operation == PIX_OP_REFUND && args->amount < args->charge_amount) return PIX_OK;
  return pix_err_set(err, PIX_EINVALID, "amount", "amount is not the charge's amount");
}

static int check_dates(const struct pix_args *args, struct pix_err *err) {
  bool dates = args->from[0] != '\0' || args->to[0] != '\0';

  if (args->id[0] != '\0' && dates)
    return pix_err_set(err, PIX_EINVALID, "id", "search wants an id or dates, not both");
  if (args->id[0] != '\0') return PIX_OK;
  if (args->from[0] == '\0' || args->to[0] == '\0') {
    pix_err_set(err, PIX_EINVALID, args->from[0] == '\0' ? "from" : "to",
                "search wants an id, or both from and to");
    return pix_err_hint(err, "search{ from = \"2026-01-01\", to = \"2026-01-31\" } or { id = }");
  }
  if (args->from_epoch > args->to_epoch)
    return pix_err_set(err, PIX_EINVALID, "to", "to is before from");
  return PIX_OK;
}

static int check_together(struct pix_args *args, struct pix_err *err) {
  if (args->operation == PIX_OP_SEARCH) return check_dates(args, err);
  if ((ON_CHARGES & 1u << args->operation) == 0) return PIX_OK;
  if (args->id[0] == '\0')
    return pix_err_set(err, PIX_EINVALID, "id", "the charge's id is missing");
  return check_amounts(args, err);
}

int pix_args_read(lua_State *L, int index, const struct pix_account *account,
                  enum pix_operation operation, double now, struct pix_args *args,
                  struct pix_err *err) {
  int rc;

  memset(args, 0, sizeof *args);
  args->account = account;
  args->operation = operation;
  args->now = now;
  args->amount = args->charge_amount = -1;
  if (operation == PIX_OP_TOKEN || operation == PIX_OP_CHECK) return PIX_OK;
  index = lua_absindex(L, index);
  if ((ON_CHARGES & 1u << operation) != 0 && lua_type(L, index) != LUA_TTABLE)
    return read_id(L, index, args, err);
  if (lua_type(L, index) != LUA_TTABLE)
    return pix_err_set(err, PIX_EINVALID, NULL, "%s wants a table of arguments, not a %s",
                       pix_operation_name(operation), luaL_typename(L, index));
  if ((ON_CHARGES & 1u << operation) != 0 && is_charge(L, index))
    rc = read_charge(L, index, args, err);
  else
    rc = read_members(L, index, arguments, PIX_COUNT(arguments), "", args, err);
  return rc == PIX_OK ? check_together(args, err) : rc;
}
