/*
** card_test.c - payment cards.
*/
#include "../../src/core/card.h"
#include "../support/check.h"

#define TEST_NUMBER "4111111111111111"

/* The number as it was kept, or "refused". */
static const char *number(const char *text, bool strict) {
  static char kept[32];
  struct pix_card card = {0};
  struct pix_err err;

  pix_err_init(&err);
  snprintf(kept, sizeof kept, "refused");
  if (pix_card_set_number(&card, text, strlen(text), strict, &err) == PIX_OK) {
    snprintf(kept, sizeof kept, "%s", card.number.data);
  } else {
    CHECK_INT(PIX_EINVALID, err.kind);
    CHECK_STR("card.number", err.field);
    CHECK(strstr(err.message, "411") == NULL);
    CHECK(card.number.data == NULL);
  }
  pix_card_fini(&card);
  return kept;
}

static void numbers(void) {
  CHECK_STR(TEST_NUMBER, number(TEST_NUMBER, true));
  CHECK_STR(TEST_NUMBER, number("4111 1111-1111 1111", true));
  CHECK_STR("378282246310005", number("378282246310005", true));
  CHECK_STR("5555555555554444", number("5555 5555 5555 4444", true));
  CHECK_STR("refused", number("4111111111111112", true));
  CHECK_STR("refused", number("1411111111111111", true)); /* transposed */
  CHECK_STR("4111111111111112", number("4111111111111112", false));
}

static void number_shapes(void) {
  CHECK_STR("refused", number("", false));
  CHECK_STR("refused", number("41111111111", false));          /* 11 */
  CHECK_STR("411111111111", number("411111111111", false));    /* 12 */
  CHECK_STR("refused", number("41111111111111111111", false)); /* 20 */
  CHECK_STR("refused", number("4111x11111111111", false));
  CHECK_STR("refused", number("4111.1111.1111.1111", false));
  CHECK_STR("refused", number("411111111111111\xd9\xa1", false));
}

static bool cvv(const char *text) {
  struct pix_card card = {0};
  struct pix_err err;
  int rc = pix_card_set_cvv(&card, text, strlen(text), &err);

  if (rc != PIX_OK) CHECK_STR("card.cvv", err.field);
  if (rc != PIX_OK) CHECK(strstr(err.message, "12") == NULL);
  if (rc == PIX_OK) CHECK_STR(text, card.cvv.data);
  pix_card_fini(&card);
  return rc == PIX_OK;
}

static void cvvs(void) {
  CHECK(cvv("123"));
  CHECK(cvv("0123"));
  CHECK(!cvv(""));
  CHECK(!cvv("12"));
  CHECK(!cvv("12345"));
  CHECK(!cvv("12a"));
  CHECK(!cvv("12 "));
}

/* Year and month as one number, -1 if refused. */
static int expiry(const char *text) {
  struct pix_card card = {0};
  struct pix_err err;
  int rc = pix_card_set_expiry(&card, text, strlen(text), &err);

  if (rc != PIX_OK) CHECK_STR("card.expiry", err.field);
  return rc == PIX_OK ? card.year * 100 + card.month : -1;
}

static void expiries(void) {
  CHECK_INT(202512, expiry("12/2025"));
  CHECK_INT(203101, expiry("01/31"));
  CHECK_INT(-1, expiry("13/2025"));
  CHECK_INT(-1, expiry("00/2025"));
  CHECK_INT(-1, expiry("1/2025"));
  CHECK_INT(-1, expiry("12-2025"));
  CHECK_INT(-1, expiry("12/205"));
  CHECK_INT(-1, expiry("12/1999"));
  CHECK_INT(-1, expiry("12/20a5"));
  CHECK_INT(-1, expiry("2025/12"));
  CHECK_INT(-1, expiry(""));
}

static bool good_at(int month, int year, int64_t now) {
  struct pix_card card = {.month = month, .year = year};
  struct pix_err err;
  int rc = pix_card_check_expiry(&card, now, &err);

  if (rc != PIX_OK) CHECK_STR("card.expiry", err.field);
  return rc == PIX_OK;
}

static void expiry_ends(void) {
  const int64_t january = 1767225600; /* 2026-01-01T00:00:00Z */

  CHECK(good_at(12, 2025, january - 1));
  CHECK(good_at(12, 2025, january + 12 * 3600 - 1)); /* still December at UTC-12 */
  CHECK(!good_at(12, 2025, january + 12 * 3600));
  CHECK(good_at(1, 2026, january + 12 * 3600));
  CHECK(!good_at(12, 2020, january));
  CHECK(good_at(12, 9999, january));
}

static bool holder(const char *text, size_t len) {
  struct pix_card card = {0};
  struct pix_err err;
  int rc = pix_card_set_holder(&card, text, len, &err);

  if (rc != PIX_OK) CHECK_STR("card.holder", err.field);
  pix_card_fini(&card);
  return rc == PIX_OK;
}

static void holders(void) {
  static char large[PIX_MAX_TEXT + 1];

  memset(large, 'A', sizeof large);
  CHECK(holder("JOSE DA SILVA", 13));
  CHECK(holder("JOS\xc3\x89", 5));
  CHECK(!holder("", 0));
  CHECK(!holder("A\nB", 3));
  CHECK(!holder("A\xff", 2));
  CHECK(!holder(large, sizeof large));
  CHECK(holder(large, PIX_MAX_TEXT));
}

static void ends(void) {
  struct pix_card card = {0};
  struct pix_err err;

  CHECK_INT(PIX_OK, pix_card_set_number(&card, TEST_NUMBER, 16, true, &err));
  CHECK_INT(PIX_EINVALID, pix_card_set_number(&card, "4", 1, true, &err));
  CHECK_STR(TEST_NUMBER, card.number.data);
  CHECK_INT(PIX_OK, pix_card_set_expiry(&card, "12/30", 5, &err));
  pix_card_fini(&card);
  CHECK(card.number.data == NULL && card.month == 0 && card.year == 0);
  pix_card_fini(&card);
}

static const struct check_test tests[] = {
    {"a number is kept without blanks and passes Luhn if asked", numbers},
    {"a number of another shape is refused unquoted", number_shapes},
    {"a CVV has three or four digits", cvvs},
    {"an expiry is read with two or four digits of year", expiries},
    {"a card is good through its month everywhere", expiry_ends},
    {"a holder is checked as text", holders},
    {"a card ends safely and a refusal keeps the former value", ends},
};

CHECK_MAIN(tests)
