/*
** codec_encode.c - endpoint row + checked arguments → the bytes of a request.
*/
#include "interpreter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../core/json.h"
#include "../core/money.h"
#include "../core/text.h"

static bool fits(const struct pix_endpoint *row, enum pix_operation operation,
                 const struct pix_account *account, const struct pix_args *args) {
  if (row->operation != operation) return false;
  if (row->variant == PIX_WITH_TRIAL && !args->trial) return false;
  if (row->variant == PIX_WITHOUT_TRIAL && args->trial) return false;
  return row->dialect == 0 || row->dialect == pix_account_choice(account, "dialect");
}

/* A provider with tokens is checked by fetching one. */
static const struct pix_endpoint *find_endpoint(const struct pix_account *account,
                                                enum pix_operation operation,
                                                const struct pix_args *args) {
  const struct pix_endpoint *row = account->provider->endpoints;

  for (; row->method != NULL; row++)
    if (fits(row, operation, account, args)) return row;
  if (operation == PIX_OP_CHECK) return find_endpoint(account, PIX_OP_TOKEN, args);
  return NULL; /* uncovered: each dialect and variant of a provider has what it supports */
}

static struct pix_span span(const char *text) {
  struct pix_span out = {NULL, 0};

  if (text != NULL && text[0] != '\0') {
    out.data = text;
    out.len = strlen(text);
  }
  return out;
}

static struct pix_span secret_span(const struct pix_secret *secret) {
  struct pix_span out = {NULL, 0};

  if (secret != NULL && secret->data != NULL) {
    out.data = secret->data;
    out.len = secret->len;
  }
  return out;
}

static struct pix_span value_span(const struct pix_account *account, const char *name) {
  return name != NULL ? secret_span(pix_account_value(account, name)) : span(NULL);
}

#define EXPIRY_SIZE 32 /* "12/2030", and room for what a compiler fears of an int */

static struct pix_span card_span(const struct pix_card *card, enum pix_source source,
                                 char expiry[EXPIRY_SIZE]) {
  if (card == NULL) return span(NULL);
  if (source == PIX_FROM_CARD_NUMBER) return secret_span(&card->number);
  if (source == PIX_FROM_CARD_CVV) return secret_span(&card->cvv);
  if (source == PIX_FROM_CARD_HOLDER) return secret_span(&card->holder);
  snprintf(expiry, EXPIRY_SIZE, "%02d/%04d", card->month, card->year);
  return span(expiry);
}

/* The text behind a source; absent if the caller gave none. `room` holds text made here. */
static struct pix_span find_text(const struct pix_args *args, const struct pix_field *field,
                                 char room[EXPIRY_SIZE]) {
  switch (field->source) {
  case PIX_FROM_CONST: return span(field->text);
  case PIX_FROM_VALUE: return value_span(args->account, field->text);
  case PIX_FROM_ID: return span(args->id);
  case PIX_FROM_DESCRIPTION: return args->description;
  case PIX_FROM_WEBHOOK:
    return args->webhook.data != NULL ? args->webhook : value_span(args->account, field->text);
  case PIX_FROM_NAME: return args->name;
  case PIX_FROM_TAX_ID: return span(args->tax_id);
  case PIX_FROM_EMAIL: return args->email;
  case PIX_FROM_PHONE: return span(args->phone);
  case PIX_FROM_PLAN: return args->plan;
  case PIX_FROM_CARD_NUMBER:
  case PIX_FROM_CARD_CVV:
  case PIX_FROM_CARD_EXPIRY:
  case PIX_FROM_CARD_HOLDER: return card_span(args->card, field->source, room);
  case PIX_FROM_DATE_FROM: return span(args->from);
  case PIX_FROM_DATE_TO: return span(args->to);
  default: return span(NULL); /* uncovered: amounts and flags are no texts */
  }
}

static bool is_present(const struct pix_args *args, const struct pix_field *field) {
  char room[EXPIRY_SIZE];

  if (field->source == PIX_FROM_AMOUNT) return args->amount >= 0;
  if (field->source == PIX_FROM_CONFIRMATION) return args->has_confirmation;
  return find_text(args, field, room).data != NULL;
}

/* Is there anything to write in the object that `field` opens? */
static bool has_members(const struct pix_args *args, const struct pix_field *field) {
  for (field++; field->source != PIX_FROM_CLOSE; field++)
    if (field->required || is_present(args, field)) return true;
  return false;
}

static void write_amount(struct pix_json *json, const struct pix_args *args, const char *key) {
  enum pix_money_form form = pix_account_money(args->account);
  char text[PIX_MONEY_SIZE];

  if (form == PIX_MONEY_CENTAVOS)
    snprintf(text, sizeof text, "%" PRId64, args->amount);
  else
    pix_money_decimal(args->amount, text);
  if (form == PIX_MONEY_TEXT)
    pix_json_string(json, key, text, strlen(text));
  else
    pix_json_raw(json, key, text);
}

static int missing(const struct pix_args *args, const struct pix_field *field,
                   struct pix_err *err) {
  const char *name = pix_args_name(field->source);

  if (name == NULL) name = field->text;
  pix_err_set(err, PIX_EINVALID, name, "%s is missing: %s needs it for a %s", name,
              args->account->provider->name, pix_operation_name(args->operation));
  return field->hint != NULL ? pix_err_hint(err, "%s", field->hint) : PIX_EINVALID;
}

static int write_field(struct pix_json *json, const struct pix_args *args,
                       const struct pix_field *field, struct pix_err *err) {
  char room[EXPIRY_SIZE];
  struct pix_span text;

  if (!is_present(args, field)) return field->required ? missing(args, field, err) : PIX_OK;
  if (field->source == PIX_FROM_AMOUNT) {
    write_amount(json, args, field->key);
  } else if (field->source == PIX_FROM_CONFIRMATION) {
    pix_json_raw(json, field->key, args->confirmation ? "true" : "false");
  } else {
    text = find_text(args, field, room);
    pix_json_string(json, field->key, text.data, text.len);
  }
  return PIX_OK;
}

static bool is_secret(const struct pix_account *account, const struct pix_field *field) {
  const struct pix_provider *provider = account->provider;

  if (field->source >= PIX_FROM_CARD_NUMBER && field->source <= PIX_FROM_CARD_HOLDER) return true;
  if (field->source != PIX_FROM_VALUE) return false;
  return (provider->values[pix_account_value(account, field->text) - account->values].flags &
          PIX_VALUE_SECRET) != 0;
}

static int write_body(const struct pix_args *args, const struct pix_field *fields,
                      struct pix_buf *body, struct pix_err *err) {
  struct pix_json json;
  int rc = PIX_OK;

  for (const struct pix_field *field = fields; field->source != PIX_FROM_NONE; field++)
    if (is_secret(args->account, field)) body->secret = true;
  pix_json_init(&json, body);
  pix_json_open(&json, NULL);
  for (const struct pix_field *field = fields; field->source != PIX_FROM_NONE; field++) {
    if (field->source == PIX_FROM_OPEN && has_members(args, field)) {
      pix_json_open(&json, field->key);
    } else if (field->source == PIX_FROM_OPEN) {
      while (field->source != PIX_FROM_CLOSE) field++;
    } else if (field->source == PIX_FROM_CLOSE) {
      pix_json_close(&json);
    } else {
      rc = write_field(&json, args, field, err);
      if (rc != PIX_OK) return rc;
    }
  }
  pix_json_close(&json);
  return PIX_OK;
}

/* What stands for {name} in a path. No option's name is longer than 31. */
static struct pix_span segment(const struct pix_args *args, const char *name, size_t len) {
  char text[32] = "";

  if (len == 2 && memcmp(name, "id", 2) == 0) return span(args->id);
  memcpy(text, name, len < sizeof text ? len : sizeof text - 1);
  return value_span(args->account, text);
}

/* base_url + path, {id} and {value} filled in as one percent-encoded segment each (S7). */
static void write_url(const struct pix_args *args, const char *path, struct pix_buf *url) {
  pix_buf_adds(url, args->account->base_url);
  while (*path != '\0') {
    size_t len = strcspn(path, "{");
    struct pix_span text;
    pix_buf_add(url, path, len);
    path += len;
    if (*path == '\0') break;
    len = strcspn(++path, "}");
    text = segment(args, path, len);
    pix_text_percent(url, text.data, text.len);
    path += len + 1;
  }
}

static int write_key(const struct pix_args *args, struct pix_request *request,
                     const struct pix_endpoint *endpoint, struct pix_err *err) {
  if (args->idempotency_key.data == NULL) return PIX_OK;
  if (endpoint->idempotency_header == NULL)
    return pix_err_set(err, PIX_EUNSUPPORTED, "idempotency_key",
                       "%s has no idempotency key for a %s", args->account->provider->name,
                       pix_operation_name(args->operation));
  request->idempotency_header = endpoint->idempotency_header; /* uncovered: no provider has one */
  memcpy(request->idempotency_key, args->idempotency_key.data, args->idempotency_key.len + 1);
  return PIX_OK;
}

/* May a 422 that names the amount be answered by writing it differently (S1)? Not if the user has
** said how, nor if this request is already written so. */
static bool is_adaptable(const struct pix_account *account, const struct pix_field *fields) {
  const struct pix_provider *provider = account->provider;
  const struct pix_secret *chosen;

  if (provider->money_adapted == PIX_MONEY_REAIS || fields == NULL) return false;
  if ((account->adaptations & PIX_ADAPT_MONEY) != 0) return false;
  chosen =
      provider->money_option != NULL ? pix_account_value(account, provider->money_option) : NULL;
  if (chosen != NULL && chosen->data != NULL) return false;
  for (; fields->source != PIX_FROM_NONE; fields++)
    if (fields->source == PIX_FROM_AMOUNT) return true;
  return false;
}

static int write_request(const struct pix_args *args, const struct pix_endpoint *endpoint,
                         struct pix_request *request, struct pix_err *err) {
  int rc = write_key(args, request, endpoint, err);

  if (rc != PIX_OK) return rc;
  request->safety = endpoint->safety;
  request->auth = !endpoint->open;
  request->adaptable = is_adaptable(args->account, endpoint->fields);
  request->method = endpoint->method;
  request->timeout = args->timeout;
  request->amount = args->amount;
  memcpy(request->id, args->id, sizeof request->id);
  write_url(args, endpoint->path, &request->url);
  if (endpoint->fields != NULL) rc = write_body(args, endpoint->fields, &request->body, err);
  if (rc == PIX_OK && (request->url.starved || request->body.starved))
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  if (rc == PIX_OK && (request->url.failed || request->body.failed))
    return pix_err_set(err, PIX_EINVALID, NULL, "the request would be too long");
  return rc;
}

static int unsupported(const struct pix_account *account, enum pix_operation operation,
                       struct pix_err *err) {
  return pix_err_set(err, PIX_EUNSUPPORTED, NULL, "%s has no %s", account->provider->name,
                     pix_operation_name(operation));
}

int pix_codec_encode(lua_State *L, struct pix_account *account, enum pix_operation operation,
                     int index, double now, struct pix_request *request, struct pix_err *err) {
  const struct pix_endpoint *endpoint;
  struct pix_args args;
  int rc;

  pix_request_clear(request);
  request->operation = operation;
  request->amount = -1;
  if (!lua_checkstack(L, 24)) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  if (operation != PIX_OP_TOKEN && !pix_provider_supports(account->provider, operation))
    return unsupported(account, operation, err);
  rc = pix_args_read(L, index, account, operation, now, &args, err);
  if (rc != PIX_OK) return rc;
  endpoint = find_endpoint(account, operation, &args);
  if (endpoint == NULL) return unsupported(account, operation, err);
  request->endpoint = endpoint;
  rc = write_request(&args, endpoint, request, err);
  if (rc != PIX_OK) pix_request_clear(request);
  return rc;
}
