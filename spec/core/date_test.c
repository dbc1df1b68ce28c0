/*
** date_test.c - times as providers write them.
*/
#include "../../src/core/date.h"
#include "../support/check.h"

#define REFUSED INT64_MIN

static int64_t parse_bytes(const char *text, size_t len) {
  struct pix_err err;
  int64_t epoch = REFUSED;
  int rc;

  pix_err_init(&err);
  rc = pix_date_parse(text, len, "from", &epoch, &err);
  if (rc == PIX_OK) return epoch;
  CHECK_INT(PIX_EINVALID, rc);
  CHECK_STR("from", err.field);
  CHECK_INT(REFUSED, epoch);
  return REFUSED;
}

static int64_t parse(const char *text) {
  return parse_bytes(text, strlen(text));
}

static const char *format(int64_t epoch) {
  static char out[PIX_DATE_SIZE];
  pix_date_format(epoch, out);
  return out;
}

static void days(void) {
  CHECK_INT(0, pix_date_days(1970, 1, 1));
  CHECK_INT(-1, pix_date_days(1969, 12, 31));
  CHECK_INT(11016, pix_date_days(2000, 2, 29));
  CHECK_INT(20454, pix_date_days(2026, 1, 1));
  CHECK_INT(-719528, pix_date_days(0, 1, 1));
}

static void formats(void) {
  CHECK_STR("1969-12-31T21:00:00", format(0));
  CHECK_STR("2025-02-19T17:58:22", format(1739998702));
  CHECK_STR("2024-02-29T23:59:59", format(1709261999));
  CHECK_STR("2024-03-01T00:00:00", format(1709262000));
  CHECK_STR("2025-12-31T23:59:59", format(1767236399));
  CHECK_STR("1969-12-31T20:59:59", format(-1));
  CHECK_STR("9999-12-31T23:59:59", format(INT64_MAX));
  CHECK_STR("0000-01-01T00:00:00", format(INT64_MIN));
}

static void parses(void) {
  CHECK_INT(10800, parse("1970-01-01"));
  CHECK_INT(1739998702, parse("2025-02-19T17:58:22"));
  CHECK_INT(1739998702, parse("2025-02-19 17:58:22"));
  CHECK_INT(1739998702, parse("2025-02-19T20:58:22Z"));
  CHECK_INT(1739998702, parse("2025-02-19T20:58:22.123456Z"));
  CHECK_INT(1739998702, parse("2025-02-19T17:58:22-03:00"));
  CHECK_INT(1739998702, parse("2025-02-20T02:28:22+05:30"));
  CHECK_INT(1739998702, parse("2025-02-19T17:58:22.5"));
  CHECK_INT(1709175600, parse("2024-02-29"));
}

static void refuses(void) {
  CHECK_INT(REFUSED, parse(""));
  CHECK_INT(REFUSED, parse("2025"));
  CHECK_INT(REFUSED, parse("2025-02-29"));
  CHECK_INT(REFUSED, parse("1900-02-29"));
  CHECK_INT(REFUSED, parse("2025-13-01"));
  CHECK_INT(REFUSED, parse("2025-00-01"));
  CHECK_INT(REFUSED, parse("2025-01-00"));
  CHECK_INT(REFUSED, parse("2025-04-31"));
  CHECK_INT(REFUSED, parse("2025-1-1"));
  CHECK_INT(REFUSED, parse("01/02/2025"));
  CHECK_INT(REFUSED, parse("2025-01-01T"));
  CHECK_INT(REFUSED, parse("2025-01-01T24:00:00"));
  CHECK_INT(REFUSED, parse("2025-01-01T10:60:00"));
  CHECK_INT(REFUSED, parse("2025-01-01T10:00"));
  CHECK_INT(REFUSED, parse("2025-01-01T10:00:00."));
  CHECK_INT(REFUSED, parse("2025-01-01T10:00:00+3"));
  CHECK_INT(REFUSED, parse("2025-01-01T10:00:00Zx"));
  CHECK_INT(REFUSED, parse("2025-01-01Z"));
  CHECK_INT(REFUSED, parse("+025-01-01"));
  CHECK_INT(REFUSED, parse_bytes("2025-01-01\0", 11));
}

static void round_trip(void) {
  for (int64_t i = 0; i < 4000; i++) {
    int64_t epoch = i * 86399 * 97 - INT64_C(9000000000);
    if (!CHECK_INT(epoch, parse(format(epoch)))) return;
  }
}

#define NOW INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

static double after(const char *text) {
  return pix_date_retry_after(text, strlen(text), NOW);
}

static void seconds(void) {
  CHECK(after("0") == 0);
  CHECK(after("7") == 7);
  CHECK(after(" 007\t") == 7);
  CHECK(after("60") == 60);
  CHECK(after("61") == 60);
  CHECK(after("3600") == 60);
  CHECK(after("99999999999999999999999999") == 60);
}

static void http_dates(void) {
  CHECK(after("Sun, 06 Nov 1994 08:49:37 GMT") == 0);
  CHECK(after("Sun, 06 Nov 1994 08:49:47 GMT") == 10);
  CHECK(after("Sun, 06 Nov 1994 09:49:47 GMT") == 60);
  CHECK(after("Sun, 06 Nov 1994 08:49:30 GMT") == 0);
  CHECK(after("Sunday, 06-Nov-94 08:49:47 GMT") == 10);
  CHECK(after("Sun Nov  6 08:49:47 1994") == 10);
}

static void unreadable(void) {
  CHECK(after("") == -1);
  CHECK(after("  ") == -1);
  CHECK(after("-5") == -1);
  CHECK(after("1.5") == -1);
  CHECK(after("7s") == -1);
  CHECK(after("soon") == -1);
  CHECK(after("soon: later") == -1);
  CHECK(after("Sun, 06 Nov 1994 08:49:47 GMT and a great deal of more text") == -1);
  CHECK(pix_date_retry_after("Sun, 06 Nov 1994 08:49:47 GMT\0", 30, NOW) == -1);
}

static const struct check_test tests[] = {
    {"days are counted by the Gregorian calendar", days},
    {"a time is written in Sao Paulo's zone", formats},
    {"dates with and without a zone are read", parses},
    {"what is no date is refused", refuses},
    {"what is written is read back", round_trip},
    {"Retry-After in seconds is read and capped", seconds},
    {"Retry-After as an HTTP date is read and capped", http_dates},
    {"an unreadable Retry-After is -1", unreadable},
};

CHECK_MAIN(tests)
