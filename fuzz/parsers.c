/*
** parsers.c - fuzz target: the small readers of what people, readers of cards and servers write.
** Input: one byte that says which, then the text.
*/
#include "fuzz.h"

#include <math.h>

#include "core/card.h"
#include "core/date.h"
#include "core/hmac.h"
#include "core/http.h"
#include "core/money.h"
#include "core/phone.h"
#include "core/tax_id.h"

/* A refusal says which field, and not what stood in it. */
static void check_refusal(const struct pix_err *err, const char *field) {
  fuzz_check_err(err);
  FUZZ_CHECK(err->kind == PIX_EINVALID);
  FUZZ_CHECK(strcmp(err->field, field) == 0);
  FUZZ_CHECK(err->sent == PIX_SENT_NO);
}

static void money(const char *text, size_t len) {
  char shown[PIX_MONEY_SIZE], decimal[PIX_MONEY_SIZE];
  int64_t centavos = -7, again;
  struct pix_err err;

  pix_err_init(&err);
  if (pix_money_parse(text, len, &centavos, &err) != PIX_OK) {
    check_refusal(&err, "amount");
    return;
  }
  FUZZ_CHECK(pix_money_check(centavos, NULL) == PIX_OK);
  pix_money_format(centavos, shown);
  pix_money_decimal(centavos, decimal);
  FUZZ_CHECK(pix_money_parse(shown, strlen(shown), &again, NULL) == PIX_OK && again == centavos);
  FUZZ_CHECK(pix_money_parse(decimal, strlen(decimal), &again, NULL) == PIX_OK);
  FUZZ_CHECK(again == centavos);
  FUZZ_CHECK(pix_money_from_double(strtod(decimal, NULL), 100, &again, NULL) == PIX_OK);
  FUZZ_CHECK(again == centavos);
}

/* A number as a reply's JSON would give it. */
static void money_number(const char *text, size_t len) {
  int64_t reais = -1, centavos = -1;
  double value = 0;
  struct pix_err err;

  memcpy(&value, text, len < sizeof value ? len : sizeof value);
  pix_err_init(&err);
  if (pix_money_from_double(value, 100, &reais, &err) == PIX_OK)
    FUZZ_CHECK(reais >= 0 && reais <= PIX_MAX_MONEY && fabs((double)reais - value * 100) < 0.01);
  else
    FUZZ_CHECK(err.kind == PIX_EPROTOCOL);
  if (pix_money_from_double(value, 1, &centavos, &err) == PIX_OK)
    FUZZ_CHECK(centavos >= 0 && centavos <= PIX_MAX_MONEY && fabs((double)centavos - value) < 0.01);
}

static void tax_id(const char *text, size_t len) {
  struct pix_tax_id id, again;
  struct pix_err err;

  pix_err_init(&err);
  if (pix_tax_id_parse(text, len, &id, &err) != PIX_OK) {
    check_refusal(&err, "tax_id");
    return;
  }
  FUZZ_CHECK(strlen(id.digits) == (id.kind == PIX_CPF ? 11u : 14u));
  FUZZ_CHECK(pix_tax_id_parse(id.digits, strlen(id.digits), &again, NULL) == PIX_OK);
  FUZZ_CHECK(again.kind == id.kind && strcmp(again.digits, id.digits) == 0);
}

static void phone(const char *text, size_t len) {
  char number[PIX_PHONE_SIZE], again[PIX_PHONE_SIZE];
  struct pix_err err;

  pix_err_init(&err);
  if (pix_phone_parse(text, len, number, &err) != PIX_OK) {
    check_refusal(&err, "phone");
    return;
  }
  FUZZ_CHECK(memcmp(number, "+55", 3) == 0);
  FUZZ_CHECK(strlen(number) == 13 || strlen(number) == 14);
  FUZZ_CHECK(pix_phone_parse(number, strlen(number), again, NULL) == PIX_OK);
  FUZZ_CHECK(strcmp(number, again) == 0);
}

static void date(const char *text, size_t len) {
  char shown[PIX_DATE_SIZE];
  int64_t epoch, again;
  struct pix_err err;

  pix_err_init(&err);
  if (pix_date_parse(text, len, "from", &epoch, &err) != PIX_OK) {
    check_refusal(&err, "from");
    return;
  }
  pix_date_format(epoch, shown);
  fuzz_check_text(shown, sizeof shown);
  FUZZ_CHECK(strlen(shown) == 19);
  if (strncmp(shown, "0000", 4) == 0 || strncmp(shown, "9999", 4) == 0) return;
  FUZZ_CHECK(pix_date_parse(shown, strlen(shown), "from", &again, NULL) == PIX_OK);
  FUZZ_CHECK(again == epoch);
}

static void retry_after(const char *text, size_t len) {
  double seconds = pix_date_retry_after(text, len, 1750000000);

  FUZZ_CHECK(seconds == -1 || (seconds >= 0 && seconds <= 60));
}

static void card(const char *text, size_t len) {
  struct pix_card card;
  struct pix_err err;

  memset(&card, 0, sizeof card);
  pix_err_init(&err);
  if (pix_card_set_number(&card, text, len, false, &err) != PIX_OK)
    check_refusal(&err, "card.number");
  else
    FUZZ_CHECK(card.number.len >= 12 && card.number.len <= 19);
  if (pix_card_set_number(&card, text, len, true, &err) != PIX_OK)
    check_refusal(&err, "card.number");
  if (pix_card_set_cvv(&card, text, len, &err) != PIX_OK) check_refusal(&err, "card.cvv");
  if (pix_card_set_holder(&card, text, len, &err) != PIX_OK) check_refusal(&err, "card.holder");
  if (pix_card_set_expiry(&card, text, len, &err) != PIX_OK)
    check_refusal(&err, "card.expiry");
  else
    FUZZ_CHECK(card.month >= 1 && card.month <= 12 && card.year >= 2000);
  if (card.month != 0 && pix_card_check_expiry(&card, 1750000000, &err) != PIX_OK)
    check_refusal(&err, "card.expiry");
  pix_card_fini(&card);
}

static size_t count_lines(const struct pix_http_headers *headers) {
  size_t count = 0;

  while (pix_http_headers_at(headers, count) != NULL) count++;
  return count;
}

/* A line of a request can never become two. */
static void header(const char *text, size_t len) {
  struct pix_http_headers *headers = pix_http_headers_new(true);
  char *name = strndup(text, len);
  char *value = name != NULL ? strchr(name, ':') : NULL;
  struct pix_err err;
  size_t before; /* lines that every list begins with */

  FUZZ_CHECK(headers != NULL && name != NULL);
  before = count_lines(headers);
  if (value != NULL) *value++ = '\0';
  pix_err_init(&err);
  if (pix_http_headers_add(headers, name, value != NULL ? value : "", &err) == PIX_OK) {
    const char *line = pix_http_headers_at(headers, before);
    FUZZ_CHECK(line != NULL && strpbrk(line, "\r\n") == NULL);
    FUZZ_CHECK(strlen(line) <= PIX_MAX_HEADER + 2);
    FUZZ_CHECK(count_lines(headers) == before + 1);
  } else {
    fuzz_check_err(&err);
    FUZZ_CHECK(count_lines(headers) == before);
  }
  free(name);
  pix_http_headers_unref(headers);
}

static void base64(const char *text, size_t len) {
  unsigned char *out = malloc(len / 4 * 3 + 3);
  long size;

  FUZZ_CHECK(out != NULL);
  size = pix_text_base64(text, len, out);
  FUZZ_CHECK(size >= -1 && (size < 0 || (size_t)size <= len / 4 * 3 + 3));
  free(out);
}

/* Only the right text is taken for a MAC. */
static void mac(const char *text, size_t len) {
  unsigned char wanted[PIX_HMAC_SIZE];
  char hex[2 * PIX_HMAC_SIZE + 1];

  FUZZ_CHECK(pix_hmac_sha256("key", 3, text, len, wanted, NULL) == PIX_OK);
  FUZZ_CHECK(!pix_hmac_test(text, len, wanted));
  for (size_t i = 0; i < sizeof wanted; i++) snprintf(hex + 2 * i, 3, "%02x", wanted[i]);
  FUZZ_CHECK(pix_hmac_test(hex, strlen(hex), wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const readers[])(const char *text, size_t len) = {
      money, money_number, tax_id, phone, date, retry_after, card, header, base64, mac};
  struct fuzz_input input = {data, size};
  unsigned which = fuzz_byte(&input) % PIX_COUNT(readers);
  size_t len;
  char *text = fuzz_rest(&input, &len);

  readers[which](text, len);
  free(text);
  return 0;
}
