/*
** money_test.c - centavos and text.
*/
#include "../../src/core/money.h"
#include "../support/check.h"

#include <math.h>

#define REFUSED INT64_C(-1)

static int64_t parse_bytes(const char *text, size_t len) {
  struct pix_err err;
  int64_t centavos = REFUSED;
  int rc;

  pix_err_init(&err);
  rc = pix_money_parse(text, len, &centavos, &err);
  if (rc == PIX_OK) return centavos;
  CHECK_INT(PIX_EINVALID, rc);
  CHECK_STR("amount", err.field);
  CHECK(err.message[0] != '\0' && err.hint[0] != '\0');
  CHECK_INT(REFUSED, centavos);
  return REFUSED;
}

static int64_t parse(const char *text) {
  return parse_bytes(text, strlen(text));
}

static void reads_reais(void) {
  CHECK_INT(1990, parse("19.90"));
  CHECK_INT(1990, parse("19,90"));
  CHECK_INT(1990, parse("19.9"));
  CHECK_INT(2000, parse("20"));
  CHECK_INT(1, parse("0,01"));
  CHECK_INT(50, parse("0.5"));
  CHECK_INT(123400, parse("1234"));
  CHECK_INT(123456, parse("1234.56"));
  CHECK_INT(700, parse("007"));
}

static void reads_groups(void) {
  CHECK_INT(123456, parse("R$ 1.234,56"));
  CHECK_INT(123456, parse("1,234.56"));
  CHECK_INT(123456, parse("R$1.234,56"));
  CHECK_INT(123456, parse("r$ 1.234,56 "));
  CHECK_INT(123456, parse("R$\xc2\xa0"
                          "1.234,56\xc2\xa0"));
  CHECK_INT(123456700, parse("1.234.567"));
  CHECK_INT(123456700, parse("1,234,567"));
  CHECK_INT(123456789, parse("1.234.567,89"));
  CHECK_INT(123450, parse("  1.234,5"));
}

static void ambiguous(void) {
  struct pix_err err;
  int64_t centavos = 7;

  CHECK_INT(REFUSED, parse("1,234"));
  CHECK_INT(REFUSED, parse("R$ 1.234"));
  CHECK_INT(REFUSED, parse("0.123"));
  CHECK_INT(PIX_EINVALID, pix_money_parse("1.234", 5, &centavos, &err));
  CHECK(strstr(err.message, "ambiguous") != NULL);
  CHECK_INT(7, centavos);
}

static void wrong_grouping(void) {
  CHECK_INT(REFUSED, parse("12.34.56"));
  CHECK_INT(REFUSED, parse("1.23,45"));
  CHECK_INT(REFUSED, parse("1.23.456"));
  CHECK_INT(REFUSED, parse("1234.567,89"));
  CHECK_INT(REFUSED, parse("1.2345,67"));
  CHECK_INT(REFUSED, parse("1.234.56"));
  CHECK_INT(REFUSED, parse("1.234,567.89"));
  CHECK_INT(REFUSED, parse("1,23,45"));
  CHECK_INT(REFUSED, parse("0.123,45"));
  CHECK_INT(REFUSED, parse("1..234,00"));
  CHECK_INT(REFUSED, parse(".234,00"));
}

static void wrong_decimals(void) {
  CHECK_INT(REFUSED, parse("1.2345"));
  CHECK_INT(REFUSED, parse("1.234,567"));
  CHECK_INT(REFUSED, parse("1."));
  CHECK_INT(REFUSED, parse(".50"));
  CHECK_INT(REFUSED, parse("."));
  CHECK_INT(REFUSED, parse("1,,5"));
}

static void garbage(void) {
  CHECK_INT(REFUSED, parse(""));
  CHECK_INT(REFUSED, parse("   "));
  CHECK_INT(REFUSED, parse("R$"));
  CHECK_INT(REFUSED, parse("R$ R$ 1"));
  CHECK_INT(REFUSED, parse("US$ 1"));
  CHECK_INT(REFUSED, parse("-1"));
  CHECK_INT(REFUSED, parse("+1"));
  CHECK_INT(REFUSED, parse("1e3"));
  CHECK_INT(REFUSED, parse("0x10"));
  CHECK_INT(REFUSED, parse("nan"));
  CHECK_INT(REFUSED, parse("\xd9\xa1")); /* ARABIC-INDIC DIGIT ONE */
  CHECK_INT(REFUSED, parse("19.90x"));
  CHECK_INT(REFUSED, parse("19.90\n"));
  CHECK_INT(REFUSED, parse("19 90"));
  CHECK_INT(REFUSED, parse_bytes("19\0", 3));
  CHECK_INT(REFUSED, parse_bytes("19\0.90", 6));
}

static void limits(void) {
  CHECK_INT(PIX_MAX_MONEY, parse("9999999999.99"));
  CHECK_INT(PIX_MAX_MONEY, parse("R$ 9.999.999.999,99"));
  CHECK_INT(REFUSED, parse("10000000000"));
  CHECK_INT(REFUSED, parse("18446744073709551617"));
  CHECK_INT(REFUSED, parse("99999999999999999999999999999999999999999"));
  CHECK_INT(REFUSED, parse("0"));
  CHECK_INT(REFUSED, parse("0,00"));
  CHECK_INT(PIX_OK, pix_money_check(1, NULL));
  CHECK_INT(PIX_OK, pix_money_check(PIX_MAX_MONEY, NULL));
  CHECK_INT(PIX_EINVALID, pix_money_check(0, NULL));
  CHECK_INT(PIX_EINVALID, pix_money_check(-1, NULL));
  CHECK_INT(PIX_EINVALID, pix_money_check(INT64_MIN, NULL));
  CHECK_INT(PIX_EINVALID, pix_money_check(PIX_MAX_MONEY + 1, NULL));
}

static int64_t from(double value, int unit) {
  struct pix_err err;
  int64_t centavos = REFUSED;
  int rc = pix_money_from_double(value, unit, &centavos, &err);

  if (rc != PIX_OK) CHECK_INT(PIX_EPROTOCOL, rc);
  return centavos;
}

static void decoded_numbers(void) {
  CHECK_INT(36590, from(365.90, 100));
  CHECK_INT(29, from(0.29, 100)); /* 0.29 * 100 is below 29 */
  CHECK_INT(100, from(1.0, 100));
  CHECK_INT(0, from(0.0, 100));
  CHECK_INT(0, from(-0.0, 100));
  CHECK_INT(36550, from(36550, 1));
  CHECK_INT(PIX_MAX_MONEY, from(9999999999.99, 100));
  CHECK_INT(999999999957, from(9999999999.57, 100));
}

static void wrong_numbers(void) {
  CHECK_INT(REFUSED, from(1.005, 100));
  CHECK_INT(REFUSED, from(1.0001, 100));
  CHECK_INT(REFUSED, from(0.9999, 100));
  CHECK_INT(REFUSED, from(1.0000001, 100));
  CHECK_INT(REFUSED, from(1.5, 1));
  CHECK_INT(REFUSED, from(-1, 100));
  CHECK_INT(REFUSED, from(-0.01, 100));
  CHECK_INT(REFUSED, from(NAN, 100));
  CHECK_INT(REFUSED, from(INFINITY, 100));
  CHECK_INT(REFUSED, from(-INFINITY, 1));
  CHECK_INT(REFUSED, from(1e10, 100));
  CHECK_INT(REFUSED, from(1e308, 100));
  CHECK_INT(REFUSED, from(1e18, 1));
}

/* Every amount that a JSON text with two decimals can hold comes back as itself. */
static void decoded_exactly(void) {
  int64_t wrong = 0;

  for (int64_t i = 0; i < 20000; i++) {
    int64_t amount = i < 10000 ? i : PIX_MAX_MONEY - i * 7919 * 6151;
    if (amount >= 0 && from((double)amount / 100, 100) != amount) wrong++;
  }
  CHECK_INT(0, wrong);
}

static const char *format(int64_t centavos) {
  static char out[PIX_MONEY_SIZE];
  pix_money_format(centavos, out);
  return out;
}

static const char *decimal(int64_t centavos) {
  static char out[PIX_MONEY_SIZE];
  pix_money_decimal(centavos, out);
  return out;
}

static void writes(void) {
  CHECK_STR("R$ 0,01", format(1));
  CHECK_STR("R$ 19,90", format(1990));
  CHECK_STR("R$ 999,99", format(99999));
  CHECK_STR("R$ 1.234,56", format(123456));
  CHECK_STR("R$ 9.999.999.999,99", format(PIX_MAX_MONEY));
  CHECK_STR("-R$ 1,05", format(-105));
  CHECK_STR("-R$ 92.233.720.368.547.758,08", format(INT64_MIN));
  CHECK_STR("0.01", decimal(1));
  CHECK_STR("10.00", decimal(1000));
  CHECK_STR("365.90", decimal(36590));
  CHECK_STR("9999999999.99", decimal(PIX_MAX_MONEY));
  CHECK_STR("-92233720368547758.08", decimal(INT64_MIN));
}

static void round_trip(void) {
  for (int64_t i = 0; i < 12; i++) {
    int64_t amount = PIX_MAX_MONEY;
    for (int64_t k = 0; k < i; k++) amount /= 10;
    CHECK_INT(amount, parse(format(amount)));
    CHECK_INT(amount, parse(decimal(amount)));
  }
}

static const struct check_test tests[] = {
    {"reais are read with a point or a comma", reads_reais},
    {"grouped digits are read in both manners", reads_groups},
    {"a lone separator before three digits is ambiguous", ambiguous},
    {"wrong grouping is refused", wrong_grouping},
    {"missing and too many decimals are refused", wrong_decimals},
    {"signs, exponents, NUL, other digits and garbage are refused", garbage},
    {"zero and what passes the maximum are refused", limits},
    {"a decoded number becomes centavos", decoded_numbers},
    {"a decoded number that is no amount is refused", wrong_numbers},
    {"every two-decimal number becomes itself", decoded_exactly},
    {"amounts are written for people and for JSON", writes},
    {"what is written is read back", round_trip},
};

CHECK_MAIN(tests)
