/*
** date.c - times without a process-wide zone; see date.h. Days are counted by the proleptic
** Gregorian calendar in 400-year eras that begin on 1 March, so that a leap day ends its year.
*/
#include "date.h"

#include <stdio.h>
#include <string.h>
#include <curl/curl.h>

#include "text.h"

#define DAY           INT64_C(86400)
#define SAO_PAULO     (INT64_C(-3) * 3600) /* all year since 2019 */
#define ERA_YEARS     400
#define ERA_DAYS      146097
#define EPOCH_DAYS    719468                  /* from 0000-03-01 to 1970-01-01 */
#define FIRST_SECOND  (-INT64_C(62167219200)) /* 0000-01-01T00:00:00 */
#define LAST_SECOND   INT64_C(253402300799)   /* 9999-12-31T23:59:59 */
#define MAX_WAIT      60
#define MAX_HTTP_DATE 40

int64_t pix_date_days(int year, int month, int day) {
  int64_t shifted = (int64_t)year - (month <= 2);
  int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_YEARS - 1)) / ERA_YEARS;
  int64_t of_era = shifted - era * ERA_YEARS;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

  return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
}

/* The year of a day since the epoch that lies in the years 0000 to 9999. */
static int year_of(int64_t days) {
  int year = (int)(1970 + days / 366);

  while (pix_date_days(year + 1, 1, 1) <= days) year++;
  while (pix_date_days(year, 1, 1) > days) year--;
  return year;
}

static int month_days(int year, int month) {
  int next = month % 12 + 1;
  return (int)(pix_date_days(year + month / 12, next, 1) - pix_date_days(year, month, 1));
}

void pix_date_format(int64_t epoch, char out[PIX_DATE_SIZE]) {
  int64_t local = epoch < FIRST_SECOND - SAO_PAULO  ? FIRST_SECOND
                  : epoch > LAST_SECOND - SAO_PAULO ? LAST_SECOND
                                                    : epoch + SAO_PAULO;
  int64_t seconds = (local % DAY + DAY) % DAY;
  int64_t days = (local - seconds) / DAY;
  int year = year_of(days), month = 1, day = (int)(days - pix_date_days(year, 1, 1));

  while (day >= month_days(year, month)) day -= month_days(year, month++);
  snprintf(out, PIX_DATE_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)year % 10000,
           (unsigned)month % 100, (unsigned)(day + 1) % 100, (unsigned)(seconds / 3600),
           (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

/* What is left to read. */
struct cursor {
  const char *at;
  size_t left;
};

static bool skip(struct cursor *cursor, char c) {
  if (cursor->left == 0 || *cursor->at != c) return false;
  cursor->at++;
  cursor->left--;
  return true;
}

/* Exactly `count` digits with a value from low to high. */
static bool number(struct cursor *cursor, int count, int low, int high, int *value) {
  *value = 0;
  for (int i = 0; i < count; i++) {
    if (cursor->left == 0 || !pix_text_is_digit(*cursor->at)) return false;
    *value = *value * 10 + (*cursor->at++ - '0');
    cursor->left--;
  }
  return *value >= low && *value <= high;
}

static bool read_day(struct cursor *cursor, int64_t *epoch) {
  int year, month, day;

  if (!number(cursor, 4, 0, 9999, &year) || !skip(cursor, '-')) return false;
  if (!number(cursor, 2, 1, 12, &month) || !skip(cursor, '-')) return false;
  if (!number(cursor, 2, 1, month_days(year, month), &day)) return false;
  *epoch = pix_date_days(year, month, day) * DAY;
  return true;
}

static bool read_time(struct cursor *cursor, int64_t *epoch) {
  int hour, minute, second, digit;

  if (!number(cursor, 2, 0, 23, &hour) || !skip(cursor, ':')) return false;
  if (!number(cursor, 2, 0, 59, &minute) || !skip(cursor, ':')) return false;
  if (!number(cursor, 2, 0, 59, &second)) return false;
  *epoch += hour * 3600 + minute * 60 + second;
  if (!skip(cursor, '.')) return true;
  if (!number(cursor, 1, 0, 9, &digit)) return false;
  while (number(cursor, 1, 0, 9, &digit)) continue;
  return true;
}

/* The offset of Z, ±HH:MM, or of São Paulo if none is written. */
static bool read_zone(struct cursor *cursor, int64_t *offset) {
  bool west;
  int hour, minute;

  *offset = SAO_PAULO;
  if (cursor->left == 0) return true;
  *offset = 0;
  if (skip(cursor, 'Z')) return true;
  west = skip(cursor, '-');
  if (!west && !skip(cursor, '+')) return false;
  if (!number(cursor, 2, 0, 14, &hour) || !skip(cursor, ':')) return false;
  if (!number(cursor, 2, 0, 59, &minute)) return false;
  *offset = (hour * 60 + minute) * (west ? -60 : 60);
  return true;
}

int pix_date_parse(const char *text, size_t len, const char *field, int64_t *epoch,
                   struct pix_err *err) {
  struct cursor cursor = {text, len};
  int64_t local = 0, offset = SAO_PAULO;
  bool good = read_day(&cursor, &local);

  if (good && cursor.left > 0) {
    good = (skip(&cursor, 'T') || skip(&cursor, ' ')) && read_time(&cursor, &local) &&
           read_zone(&cursor, &offset);
  }
  if (good && cursor.left == 0) {
    *epoch = local - offset;
    return PIX_OK;
  }
  pix_err_set(err, PIX_EINVALID, field, "%s is not a date", field);
  pix_err_hint(err, "write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS (Sao Paulo time), or add Z or -03:00");
  return PIX_EINVALID;
}

/* Digits only; past the cap their value does not matter. */
static double read_seconds(const char *text, size_t len) {
  int seconds = 0;

  for (size_t i = 0; i < len; i++) {
    if (!pix_text_is_digit(text[i])) return -1;
    if (seconds <= MAX_WAIT) seconds = seconds * 10 + (text[i] - '0');
  }
  return seconds < MAX_WAIT ? seconds : MAX_WAIT;
}

/* RFC 9110, 5.6.7: three forms, each beginning with a weekday. libcurl reads more than these. */
static double read_http_date(const char *text, size_t len, int64_t now) {
  char copy[MAX_HTTP_DATE + 1];
  char first = pix_text_upper(text[0]);
  int64_t at;

  if (len > MAX_HTTP_DATE || first < 'A' || first > 'Z' || memchr(text, ':', len) == NULL ||
      memchr(text, '\0', len) != NULL) {
    return -1;
  }
  memcpy(copy, text, len);
  copy[len] = '\0';
  at = curl_getdate(copy, NULL);
  if (at == -1) return -1;
  if (at <= now) return 0;
  return now < at - MAX_WAIT ? MAX_WAIT : (double)(at - now);
}

double pix_date_retry_after(const char *text, size_t len, int64_t now) {
  while (len > 0 && pix_text_is_blank(text[0])) text++, len--;
  while (len > 0 && pix_text_is_blank(text[len - 1])) len--;
  if (len == 0) return -1;
  if (pix_text_is_digit(text[0])) return read_seconds(text, len);
  return read_http_date(text, len, now);
}
