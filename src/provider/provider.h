/*
** provider.h - the contract of a provider: one descriptor per provider, written as rows of facts.
** The interpreter (codec*.c) reads the rows and never asks for a provider's name: what only one
** provider needs is an optional hook (NULL = the default), what two need is a column.
**
** Rows end with an all-zero row. Everything is static const: accounts hold what a user configured,
** requests what one call asked for (codec.h).
*/
#ifndef PIX_PROVIDER_H
#define PIX_PROVIDER_H

#include "codec.h"

/* How an amount is written into a request, and what a number in a reply means. */
enum pix_money_form {
  PIX_MONEY_REAIS,   /* a JSON number with exactly two decimals: 365.90 */
  PIX_MONEY_TEXT,    /* the same as a JSON string: "365.90" */
  PIX_MONEY_CENTAVOS /* a whole JSON number: 36590 */
};

/* Capability bits: what an operation's row alone does not say. */
enum pix_capability {
  PIX_CAN_REFUND_PARTS = 1 /* a refund may be of less than the charge */
};

/* One word that an option may be; `value` is what the interpreter makes of it. */
struct pix_choice {
  const char *word;
  int value;
};

enum pix_value_flag {
  PIX_VALUE_REQUIRED = 1,
  PIX_VALUE_SECRET = 2, /* never in an error, whatever a reply echoes */
  PIX_VALUE_URL = 4     /* https, or http to loopback */
};

/* A credential, or an option of the provider's own. A row's place is its place in
** account->values. */
struct pix_value {
  const char *name;
  unsigned flags;
  const struct pix_choice *choices; /* NULL: free text */
};

/* Where a request's member comes from. Each has the name by which the caller spells it. */
enum pix_source {
  PIX_FROM_NONE, /* ends the rows */
  PIX_FROM_OPEN, /* begins an object named `key`, left out when nothing is in it */
  PIX_FROM_CLOSE,
  PIX_FROM_CONST, /* `text` itself */
  PIX_FROM_VALUE, /* the account's value named `text` */
  PIX_FROM_AMOUNT,
  PIX_FROM_ID,
  PIX_FROM_DESCRIPTION,
  PIX_FROM_WEBHOOK, /* else the account's value named `text` */
  PIX_FROM_NAME,
  PIX_FROM_TAX_ID,
  PIX_FROM_EMAIL,
  PIX_FROM_PHONE,
  PIX_FROM_PLAN,
  PIX_FROM_CARD_NUMBER,
  PIX_FROM_CARD_CVV,
  PIX_FROM_CARD_EXPIRY,
  PIX_FROM_CARD_HOLDER,
  PIX_FROM_CONFIRMATION,
  PIX_FROM_DATE_FROM,
  PIX_FROM_DATE_TO,
  PIX_SOURCES
};

/* One member of a request's body. Rows are in the order of their keys. */
struct pix_field {
  const char *key;
  enum pix_source source;
  bool required; /* an argument that is missing is refused before anything is sent */
  const char *text;
  const char *hint; /* for a missing argument; NULL = the kind's */
};

/* What a member of a reply is to us. Several rows of one target are alternatives: the first that
** is present is taken, so that replies of either dialect are understood. */
enum pix_target {
  PIX_TO_NONE, /* ends the rows */
  PIX_TO_ID,
  PIX_TO_CODE,
  PIX_TO_PNG, /* base64 */
  PIX_TO_STATUS,
  PIX_TO_AMOUNT, /* in the form in which amounts are sent */
  PIX_TO_REAIS,  /* an amount that is in reais whatever the account's form is */
  PIX_TO_CREATED_AT,
  PIX_TO_TRANSACTION_ID,
  PIX_TO_NEXT_CHARGE_AT,
  PIX_TO_TRIAL_ENDS_AT,
  PIX_TO_PERIOD,
  PIX_TO_SUCCESS, /* false: a refusal, whatever the HTTP status */
  PIX_TARGETS
};

struct pix_reply_row {
  enum pix_target target;
  const char *path; /* member names with dots: "transaction.status" */
};

/* A provider's word → ours. Compared case-folded. */
struct pix_status_row {
  const char *word;
  const char *status; /* PIX_STATUS_* */
};

#define PIX_STATUS_PENDING   "pending"
#define PIX_STATUS_PAID      "paid"
#define PIX_STATUS_EXPIRED   "expired"
#define PIX_STATUS_CANCELLED "cancelled"
#define PIX_STATUS_REFUNDED  "refunded"
#define PIX_STATUS_REJECTED  "rejected"
#define PIX_STATUS_UNKNOWN   "unknown"

/* One way to fail. A row fits if all that it gives fits: HTTP status, the body's code, or words
** within the body's text (ASCII letters case-folded). Rows are tried by code, then by text, then by
** status alone; without any the HTTP status decides as everywhere (codec_error.c). */
struct pix_error_row {
  long status;
  const char *code;
  const char *text;
  enum pix_kind kind;
  const char *field; /* the argument at fault, as the caller spells it; NULL = unknown */
  const char *hint;  /* NULL = the kind's */
};

/* A word for how often a subscription is charged. */
struct pix_period {
  const char *word;
  int days;
};

enum pix_variant { PIX_ALWAYS, PIX_WITH_TRIAL, PIX_WITHOUT_TRIAL };

/* One operation in one dialect. */
struct pix_endpoint {
  const char *method; /* NULL ends the rows */
  const char *path;   /* {id} and {name of a value} are filled in, percent-encoded */
  enum pix_operation operation;
  enum pix_class safety;
  int dialect; /* the choice of the option "dialect" that it belongs to; 0 = all */
  enum pix_variant variant;
  bool open; /* goes out without the account's header */
  const struct pix_field *fields;
  const struct pix_reply_row *reply;
  const char *list;                      /* the reply holds its items in this member */
  const struct pix_status_row *statuses; /* NULL = the provider's */
  const char *idempotency_header;        /* takes the argument idempotency_key; NULL = none */
};

struct pix_webhook_row {
  const char *header; /* where the signature is */
  const struct pix_reply_row *reply;
};

/* What was read from one reply, or one item of a list. Text is borrowed from the decoded table. */
struct pix_span {
  const char *data; /* NULL = absent */
  size_t len;
};

struct pix_item {
  char id[PIX_MAX_ID + 1];            /* "" = absent or not usable */
  const char *status;                 /* ours; NULL = absent */
  char raw_status[64];                /* the provider's word(s) */
  int64_t amount;                     /* centavos; -1 = absent */
  bool bad_amount;                    /* present and not to be read */
  bool refused;                       /* PIX_TO_SUCCESS said false */
  struct pix_span texts[PIX_TARGETS]; /* code, png, dates … */
};

struct pix_provider {
  const char *name;
  const char *environment; /* prefix of its variables: DETSEGPAY; NULL = the name in capitals */
  const char *base_url;
  enum pix_auth auth;
  const char *auth_header; /* PIX_AUTH_KEY: header's name; PIX_AUTH_TOKEN sends a bearer token */
  const char *auth_value;  /* PIX_AUTH_KEY: which value is sent */
  double token_life;       /* seconds a token lives if its reply does not say */
  double token_max;        /* seconds that are believed at most */
  unsigned capabilities;
  enum pix_money_form money;
  const char *money_option;          /* an option whose choices are money forms; NULL = none */
  enum pix_money_form money_adapted; /* tried after a 422 that names the amount; REAIS = never */
  const struct pix_value *values;
  const struct pix_endpoint *endpoints;
  const struct pix_status_row *statuses;
  const struct pix_error_row *errors;
  const struct pix_webhook_row *webhook;
  const struct pix_period *periods; /* NULL = none */

  /* Hooks. configure: do the options agree with each other? PIX_ECONFIG. review: corrects what was
  ** read from the item at `index` where one member alone does not tell. */
  int (*configure)(const struct pix_account *account, struct pix_err *err);
  void (*review)(lua_State *L, int index, struct pix_item *item);
};

/* For hooks and bindings. value: NULL if the provider has no such row, empty if it was not given.
** choice: the value of the word that was given, or of the row's first. path: pushes the member of
** the table at `index` at the end of a path of names, nil if there is none; returns its type. */
const struct pix_secret *pix_account_value(const struct pix_account *account, const char *name);
int pix_account_choice(const struct pix_account *account, const char *name);
int pix_reply_path(lua_State *L, int index, const char *path);

/* The descriptors: providers.def. */
#define PIX_PROVIDER(name) extern const struct pix_provider pix_provider_##name;
#include "providers.def"
#undef PIX_PROVIDER

#endif
