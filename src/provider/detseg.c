/*
** detseg.c - DetsegPay (detsegpay.txt). The document has two dialects of one API: /token and
** /transactions/… in its Node, PHP and curl parts, /auth and /payment/… in its Python part (D1).
** Errors are not documented; the shapes read are those of an earlier edition (D11).
*/
#include "provider.h"

enum { TRANSACTIONS = 1, PAYMENT };

static const struct pix_choice dialects[] = {
    {"transactions", TRANSACTIONS},
    {"payment", PAYMENT},
    {NULL, 0},
};

static const struct pix_choice amount_units[] = {
    {"reais", PIX_MONEY_REAIS},
    {"centavos", PIX_MONEY_CENTAVOS},
    {NULL, 0},
};

static const struct pix_value values[] = {
    {"client_id", PIX_VALUE_REQUIRED, NULL},
    {"client_token", PIX_VALUE_REQUIRED | PIX_VALUE_SECRET, NULL},
    {"user_id", 0, NULL},
    {"dialect", 0, dialects},
    {"amount_unit", 0, amount_units},
    {NULL, 0, NULL},
};

static int configure(const struct pix_account *account, struct pix_err *err) {
  if (pix_account_choice(account, "dialect") != PAYMENT) return PIX_OK;
  if (pix_account_value(account, "user_id")->data != NULL) return PIX_OK;
  return pix_err_set(err, PIX_ECONFIG, "user_id", "the dialect payment needs the option user_id");
}

/* Node.js, "Classe DetsegPay": authenticate. */
static const struct pix_field token_fields[] = {
    {.key = "client_environment", .source = PIX_FROM_CONST, .text = "prd"},
    {.key = "client_id", .source = PIX_FROM_VALUE, .text = "client_id"},
    {.key = "client_token", .source = PIX_FROM_VALUE, .text = "client_token"},
    {.source = PIX_FROM_NONE},
};

/* "Exemplo Curl": the sample without a description is accepted, so it may be left out. */
static const struct pix_field charge_fields[] = {
    {.key = "amount", .source = PIX_FROM_AMOUNT, .required = true},
    {.key = "description", .source = PIX_FROM_DESCRIPTION},
    {.key = "email", .source = PIX_FROM_EMAIL, .required = true},
    {.key = "full_name", .source = PIX_FROM_NAME, .required = true},
    {.key = "identification", .source = PIX_FROM_TAX_ID, .required = true},
    {.key = "phone_number", .source = PIX_FROM_PHONE, .required = true},
    {.source = PIX_FROM_NONE},
};

static const struct pix_field status_fields[] = {
    {.key = "transaction_id", .source = PIX_FROM_ID, .required = true},
    {.source = PIX_FROM_NONE},
};

static const struct pix_field search_fields[] = {
    {.key = "end_date", .source = PIX_FROM_DATE_TO},
    {.key = "start_date", .source = PIX_FROM_DATE_FROM},
    {.key = "transaction_id", .source = PIX_FROM_ID},
    {.source = PIX_FROM_NONE},
};

/* Python, "Código Completo da Classe". */
static const struct pix_field payment_token_fields[] = {
    {.key = "client_id", .source = PIX_FROM_VALUE, .text = "client_id"},
    {.key = "client_token", .source = PIX_FROM_VALUE, .text = "client_token"},
    {.source = PIX_FROM_NONE},
};

static const struct pix_field payment_charge_fields[] = {
    {.key = "amount", .source = PIX_FROM_AMOUNT, .required = true},
    {.key = "client_id", .source = PIX_FROM_VALUE, .text = "client_id"},
    {.key = "description", .source = PIX_FROM_DESCRIPTION},
    {.key = "email", .source = PIX_FROM_EMAIL, .required = true},
    {.key = "full_name", .source = PIX_FROM_NAME, .required = true},
    {.key = "id", .source = PIX_FROM_VALUE, .text = "user_id"},
    {.key = "identification", .source = PIX_FROM_TAX_ID, .required = true},
    {.key = "phone_number", .source = PIX_FROM_PHONE, .required = true},
    {.source = PIX_FROM_NONE},
};

static const struct pix_field payment_status_fields[] = {
    {.key = "id", .source = PIX_FROM_ID, .required = true},
    {.source = PIX_FROM_NONE},
};

static const struct pix_field payment_search_fields[] = {
    {.key = "client_id", .source = PIX_FROM_VALUE, .text = "client_id"},
    {.key = "end_date", .source = PIX_FROM_DATE_TO},
    {.key = "id", .source = PIX_FROM_ID},
    {.key = "start_date", .source = PIX_FROM_DATE_FROM},
    {.source = PIX_FROM_NONE},
};

/* D1: of either dialect. D2, D11: `value` was in reais in every sample; `amount` would be an echo
** of what was sent, in the unit in which it was sent. */
static const struct pix_reply_row reply[] = {
    {PIX_TO_ID, "transaction_id"},     {PIX_TO_ID, "id"},
    {PIX_TO_CODE, "payment_code"},     {PIX_TO_CODE, "qrcode"},
    {PIX_TO_PNG, "payment_qr_code"},   {PIX_TO_STATUS, "status"},
    {PIX_TO_REAIS, "value"},           {PIX_TO_AMOUNT, "amount"},
    {PIX_TO_CREATED_AT, "created_at"}, {PIX_TO_NONE, NULL},
};

#define POST(where) .method = "POST", .path = where

static const struct pix_endpoint endpoints[] = {
    {POST("/token"), .operation = PIX_OP_TOKEN, .safety = PIX_READ, .dialect = TRANSACTIONS,
     .open = true, .fields = token_fields},
    {POST("/transactions/buy"), .operation = PIX_OP_CHARGE, .safety = PIX_CREATE,
     .dialect = TRANSACTIONS, .fields = charge_fields, .reply = reply},
    {POST("/transactions/query"), .operation = PIX_OP_STATUS, .safety = PIX_READ,
     .dialect = TRANSACTIONS, .fields = status_fields, .reply = reply, .list = "transactions"},
    {POST("/transactions/query"), .operation = PIX_OP_SEARCH, .safety = PIX_READ,
     .dialect = TRANSACTIONS, .fields = search_fields, .reply = reply, .list = "transactions"},
    {POST("/auth"), .operation = PIX_OP_TOKEN, .safety = PIX_READ, .dialect = PAYMENT, .open = true,
     .fields = payment_token_fields},
    {POST("/payment/pix"), .operation = PIX_OP_CHARGE, .safety = PIX_CREATE, .dialect = PAYMENT,
     .fields = payment_charge_fields, .reply = reply},
    {POST("/payment/status"), .operation = PIX_OP_STATUS, .safety = PIX_READ, .dialect = PAYMENT,
     .fields = payment_status_fields, .reply = reply, .list = "transactions"},
    {POST("/payment/search"), .operation = PIX_OP_SEARCH, .safety = PIX_READ, .dialect = PAYMENT,
     .fields = payment_search_fields, .reply = reply, .list = "transactions"},
    {.method = NULL},
};

/* Node.js, verifyStatus: "liquidated" is "PAGO (aguardando PIX-OUT)": the payer has paid. */
static const struct pix_status_row statuses[] = {
    {"pending", PIX_STATUS_PENDING},
    {"liquidated", PIX_STATUS_PAID},
    {"paid", PIX_STATUS_PAID},
    {"released", PIX_STATUS_PAID},
    {"completed", PIX_STATUS_PAID},
    {"rejected", PIX_STATUS_REJECTED},
    {NULL, NULL},
};

/* D10: "Certifique-se de que seu IP está liberado na API." */
static const struct pix_error_row errors[] = {
    {.status = 403,
     .kind = PIX_EAUTH,
     .hint =
         "this machine's IP may not be on the account's IP allow-list: ask DetsegPay to release "
         "it, and whether the account is active"},
    {.kind = PIX_OK},
};

const struct pix_provider pix_provider_detseg = {
    .name = "detseg",
    .environment = "DETSEGPAY",
    .base_url = "https://api.detsegpay.com/v1",
    .auth = PIX_AUTH_TOKEN,
    .token_life = 600, /* D6: unstated; a 401 renews earlier */
    .token_max = 86400,
    .money = PIX_MONEY_REAIS,
    .money_option = "amount_unit",
    .values = values,
    .endpoints = endpoints,
    .statuses = statuses,
    .errors = errors,
    .configure = configure,
};
