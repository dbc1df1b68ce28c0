/*
** ssg.c - QRC SSG (qrc-ssg.txt): OAuth client credentials, a charge is a "QR Code" with a uuid.
**
** S7: the text says "uuid via query string", every sample has it in the path; a DELETE has a body.
*/
#include "provider.h"

static const struct pix_choice value_forms[] = {
    {"number", PIX_MONEY_REAIS},
    {"string", PIX_MONEY_TEXT},
    {NULL, 0},
};

static const struct pix_value values[] = {
    {"client_id", PIX_VALUE_REQUIRED, NULL},
    {"client_secret", PIX_VALUE_REQUIRED | PIX_VALUE_SECRET, NULL},
    {"device_code", PIX_VALUE_REQUIRED, NULL},
    {"value_as", 0, value_forms},
    {NULL, 0, NULL},
};

/* "Token de Acesso" */
static const struct pix_field token_fields[] = {
    {.key = "client_id", .source = PIX_FROM_VALUE, .text = "client_id"},
    {.key = "client_secret", .source = PIX_FROM_VALUE, .text = "client_secret"},
    {.key = "grant_type", .source = PIX_FROM_CONST, .text = "client_credentials"},
    {.source = PIX_FROM_NONE},
};

/* "Solicitar um QR Code", "Cancelar um QR Code", "Estornar um QR Code": the same body. */
static const struct pix_field value_fields[] = {
    {.key = "device_code", .source = PIX_FROM_VALUE, .text = "device_code"},
    {.key = "value",
     .source = PIX_FROM_AMOUNT,
     .required = true,
     .hint = "pass the charge itself, or { id =, amount = } with the charge's whole amount"},
    {.source = PIX_FROM_NONE},
};

static const struct pix_field charge_fields[] = {
    {.key = "device_code", .source = PIX_FROM_VALUE, .text = "device_code"},
    {.key = "value", .source = PIX_FROM_AMOUNT, .required = true},
    {.source = PIX_FROM_NONE},
};

/* S4: value is a string in the reply to a charge and a number in the one to a refund. */
static const struct pix_reply_row reply[] = {
    {PIX_TO_ID, "id"},       {PIX_TO_CODE, "qr_code_text"}, {PIX_TO_STATUS, "status"},
    {PIX_TO_REAIS, "value"}, {PIX_TO_NONE, NULL},
};

static const struct pix_endpoint endpoints[] = {
    {.operation = PIX_OP_TOKEN,
     .safety = PIX_READ,
     .method = "POST",
     .path = "/oauth/token",
     .open = true,
     .fields = token_fields},
    {.operation = PIX_OP_CHARGE,
     .safety = PIX_CREATE,
     .method = "POST",
     .path = "/api/qrcode/new",
     .fields = charge_fields,
     .reply = reply},
    {.operation = PIX_OP_STATUS,
     .safety = PIX_READ,
     .method = "GET",
     .path = "/api/qrcode/{id}/status?device_code={device_code}",
     .reply = reply},
    {.operation = PIX_OP_CANCEL,
     .safety = PIX_SETTLE,
     .method = "DELETE",
     .path = "/api/qrcode/{id}/cancel",
     .fields = value_fields,
     .reply = reply},
    {.operation = PIX_OP_REFUND,
     .safety = PIX_SETTLE,
     .method = "DELETE",
     .path = "/api/qrcode/{id}/refund",
     .fields = value_fields,
     .reply = reply},
    {.method = NULL},
};

static const struct pix_status_row statuses[] = {
    {"PENDING", PIX_STATUS_PENDING},   {"PENDENTE", PIX_STATUS_PENDING},
    {"PAID", PIX_STATUS_PAID},         {"CANCELLED", PIX_STATUS_CANCELLED},
    {"REFUNDED", PIX_STATUS_REFUNDED}, {NULL, NULL},
};

/* S6: the provider's own words for a partial refund arrive as a 400 and are kind invalid. */
static const struct pix_error_row errors[] = {
    {.status = 409,
     .kind = PIX_ECONFLICT,
     .hint = "read the charge's status: only a pending charge can be cancelled, only a paid one "
             "refunded"},
    {.kind = PIX_OK},
};

const struct pix_provider pix_provider_ssg = {
    .name = "ssg",
    .base_url = "https://apipix.pdvssgbank.com",
    .auth = PIX_AUTH_TOKEN,
    .token_life = 600,
    .token_max = 86400, /* S2: "24h" beside an expires_in of a year */
    .money = PIX_MONEY_REAIS,
    .money_option = "value_as",
    .money_adapted = PIX_MONEY_TEXT, /* S1 */
    .values = values,
    .endpoints = endpoints,
    .statuses = statuses,
    .errors = errors,
};
