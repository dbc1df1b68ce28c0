/*
** payzu.c - PayZu Plus (payzu-plus.txt): Pix charges and card subscriptions, a constant key in a
** header, signed webhooks. It documents no cancel, refund or list, and no query of subscriptions
** (P10).
*/
#include "provider.h"

#include <string.h>

#include "../core/text.h"

static const struct pix_value values[] = {
    {"api_key", PIX_VALUE_REQUIRED | PIX_VALUE_SECRET, NULL},
    {"webhook_url", PIX_VALUE_URL, NULL},
    {"webhook_secret", PIX_VALUE_SECRET, NULL},
    {NULL, 0, NULL},
};

/* "Criar Pagamento PIX". P2: the webhook is obligatory. P4: the customer's names of members differ
** from those of plans. */
static const struct pix_field charge_fields[] = {
    {.key = "amount", .source = PIX_FROM_AMOUNT, .required = true},
    {.key = "customer", .source = PIX_FROM_OPEN},
    {.key = "document", .source = PIX_FROM_TAX_ID},
    {.key = "email", .source = PIX_FROM_EMAIL},
    {.key = "nome", .source = PIX_FROM_NAME},
    {.key = "telefone", .source = PIX_FROM_PHONE},
    {.source = PIX_FROM_CLOSE},
    {.key = "webhook",
     .source = PIX_FROM_WEBHOOK,
     .required = true,
     .text = "webhook_url",
     .hint = "pass webhook = \"https://…\" with the charge, or the option webhook_url once"},
    {.source = PIX_FROM_NONE},
};

/* "Consultar Status do PIX" */
static const struct pix_field status_fields[] = {
    {.key = "id", .source = PIX_FROM_ID, .required = true},
    {.source = PIX_FROM_NONE},
};

/* No charge has this id: whether the key is good is told before the id is looked for. */
static const struct pix_field check_fields[] = {
    {.key = "id", .source = PIX_FROM_CONST, .text = "luapix-check"},
    {.source = PIX_FROM_NONE},
};

/* "Criar Assinatura com Cobrança Imediata", "Criar Assinatura com Período de Teste" */
static const struct pix_field subscribe_fields[] = {
    {.key = "customer", .source = PIX_FROM_OPEN},
    {.key = "email", .source = PIX_FROM_EMAIL, .required = true},
    {.key = "identity", .source = PIX_FROM_TAX_ID, .required = true},
    {.key = "name", .source = PIX_FROM_NAME, .required = true},
    {.key = "phone", .source = PIX_FROM_PHONE, .required = true},
    {.source = PIX_FROM_CLOSE},
    {.key = "payment", .source = PIX_FROM_OPEN},
    {.key = "card_holder_name", .source = PIX_FROM_CARD_HOLDER, .required = true},
    {.key = "card_number", .source = PIX_FROM_CARD_NUMBER, .required = true},
    {.key = "expiration_date", .source = PIX_FROM_CARD_EXPIRY, .required = true},
    {.key = "security_code", .source = PIX_FROM_CARD_CVV, .required = true},
    {.source = PIX_FROM_CLOSE},
    {.key = "plan_id", .source = PIX_FROM_PLAN, .required = true},
    {.key = "send_confirmation", .source = PIX_FROM_CONFIRMATION},
    {.source = PIX_FROM_NONE},
};

/* P7: qrCodeUrl is a third party's; it is not read. */
static const struct pix_reply_row charge_reply[] = {
    {PIX_TO_ID, "id"},         {PIX_TO_CODE, "qrCodeText"}, {PIX_TO_STATUS, "status"},
    {PIX_TO_AMOUNT, "amount"}, {PIX_TO_NONE, NULL},
};

/* "Formato do Webhook" has the same members, and an amount as well. P6: the dates stay in `raw`. */
static const struct pix_reply_row status_reply[] = {
    {PIX_TO_ID, "transaction.id"},
    {PIX_TO_STATUS, "transaction.status"},
    {PIX_TO_AMOUNT, "transaction.amount"},
    {PIX_TO_AMOUNT, "venda.valor"},
    {PIX_TO_NONE, NULL},
};

static const struct pix_reply_row subscribe_reply[] = {
    {PIX_TO_SUCCESS, "success"},
    {PIX_TO_ID, "subscription_id"},
    {PIX_TO_STATUS, "status"},
    {PIX_TO_TRANSACTION_ID, "transaction_id"},
    {PIX_TO_NEXT_CHARGE_AT, "proxima_cobranca"},
    {PIX_TO_NEXT_CHARGE_AT, "first_charge_date"},
    {PIX_TO_TRIAL_ENDS_AT, "trial_ends_at"},
    {PIX_TO_PERIOD, "frequencia"},
    {PIX_TO_NONE, NULL},
};

static const struct pix_status_row subscription_statuses[] = {
    {"aprovado", PIX_STATUS_PAID},       {"pendente", PIX_STATUS_PENDING},
    {"recusado", PIX_STATUS_REJECTED},   {"negado", PIX_STATUS_REJECTED},
    {"cancelado", PIX_STATUS_CANCELLED}, {NULL, NULL},
};

/* An approved pre-authorisation is given back: nothing is paid before the trial ends. */
static const struct pix_status_row trial_statuses[] = {
    {"aprovado", PIX_STATUS_PENDING},    {"pendente", PIX_STATUS_PENDING},
    {"recusado", PIX_STATUS_REJECTED},   {"negado", PIX_STATUS_REJECTED},
    {"cancelado", PIX_STATUS_CANCELLED}, {NULL, NULL},
};

#define POST(where) .method = "POST", .path = where

static const struct pix_endpoint endpoints[] = {
    {POST("/pix/create"), .operation = PIX_OP_CHARGE, .safety = PIX_CREATE, .fields = charge_fields,
     .reply = charge_reply},
    {POST("/pix/status"), .operation = PIX_OP_STATUS, .safety = PIX_READ, .fields = status_fields,
     .reply = status_reply},
    {POST("/pix/status"), .operation = PIX_OP_CHECK, .safety = PIX_READ, .fields = check_fields},
    {POST("/plan/create-signature"), .operation = PIX_OP_SUBSCRIBE, .safety = PIX_CAPTURE,
     .variant = PIX_WITHOUT_TRIAL, .fields = subscribe_fields, .reply = subscribe_reply,
     .statuses = subscription_statuses},
    {POST("/plan/create-deferred-signature"), .operation = PIX_OP_SUBSCRIBE, .safety = PIX_CAPTURE,
     .variant = PIX_WITH_TRIAL, .fields = subscribe_fields, .reply = subscribe_reply,
     .statuses = trial_statuses},
    {.method = NULL},
};

/* "Estados Possíveis": two spellings of the same states in two places. */
static const struct pix_status_row statuses[] = {
    {"pending", PIX_STATUS_PENDING},
    {"pendente", PIX_STATUS_PENDING},
    {"completed", PIX_STATUS_PAID},
    {"expired", PIX_STATUS_EXPIRED},
    {"expirado", PIX_STATUS_EXPIRED},
    {"canceled", PIX_STATUS_CANCELLED},
    {"cancelled", PIX_STATUS_CANCELLED},
    {"cancelado", PIX_STATUS_CANCELLED},
    {NULL, NULL},
};

/* "Códigos de Erro". The table has codes, the samples have texts: each row takes both (P3). */
static const struct pix_error_row errors[] = {
    {.code = "401", .text = "chave de api", .kind = PIX_EAUTH, .hint = "check the option api_key"},
    {.code = "4001", .text = "cartão expirado", .kind = PIX_EDECLINED, .field = "card"},
    {.code = "4001", .text = "cartao expirado", .kind = PIX_EDECLINED, .field = "card"},
    {.code = "4002", .text = "fundos insuficientes", .kind = PIX_EDECLINED, .field = "card"},
    {.code = "4003", .text = "cpf inv", .kind = PIX_EINVALID, .field = "payer.tax_id"},
    {.code = "4003", .text = "cnpj inv", .kind = PIX_EINVALID, .field = "payer.tax_id"},
    {.code = "4004", .text = "plano não encontrado", .kind = PIX_ENOT_FOUND, .field = "plan"},
    {.code = "4004", .text = "plano nao encontrado", .kind = PIX_ENOT_FOUND, .field = "plan"},
    {.code = "5001", .text = "erro de processamento", .kind = PIX_EUNAVAILABLE},
    {.code = "5002", .text = "serviço indispon", .kind = PIX_EUNAVAILABLE},
    {.code = "5002", .text = "servico indispon", .kind = PIX_EUNAVAILABLE},
    {.text = "recusad", .kind = PIX_EDECLINED},
    {.kind = PIX_OK},
};

/* "Frequências Disponíveis" (P11) */
static const struct pix_period periods[] = {
    {"semanal", 7},     {"mensal", 30}, {"bimestral", 60}, {"trimestral", 90},
    {"semestral", 180}, {"anual", 365}, {NULL, 0},
};

static const struct pix_webhook_row webhook = {.header = "X-Payzu-Signature",
                                               .reply = status_reply};

/* A transaction may be completed while its sale (venda) was cancelled: then it is not paid. */
static void review(lua_State *L, int index, struct pix_item *item) {
  size_t len, used = strlen(item->raw_status);
  const char *word;

  if (pix_reply_path(L, index, "venda.status") == LUA_TSTRING && item->status != NULL) {
    bool open =
        strcmp(item->status, PIX_STATUS_PAID) == 0 || strcmp(item->status, PIX_STATUS_PENDING) == 0;
    word = lua_tolstring(L, -1, &len);
    if (open && pix_text_is(word, len, "cancelado")) {
      item->status = PIX_STATUS_CANCELLED;
      pix_err_copy(item->raw_status + used, sizeof item->raw_status - used, "/cancelado", 10);
    }
  }
  lua_pop(L, 1);
}

const struct pix_provider pix_provider_payzu = {
    .name = "payzu",
    .base_url = "https://api.payzuplus.com.br", /* P1: the document says http:// */
    .auth = PIX_AUTH_KEY,
    .auth_header = "X-Api-Key",
    .auth_value = "api_key",
    .money = PIX_MONEY_REAIS,
    .values = values,
    .endpoints = endpoints,
    .statuses = statuses,
    .errors = errors,
    .webhook = &webhook,
    .periods = periods,
    .review = review,
};
