/*
** money.c - centavos to text and back; see money.h. Digits are added up as integers.
*/
#include "money.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define NBSP "\xc2\xa0" /* what Intl.NumberFormat("pt-BR") puts behind R$ */

static int refuse(struct pix_err *err, const char *why) {
  pix_err_set(err, PIX_EINVALID, "amount", "the amount %s", why);
  pix_err_hint(err, "give integer centavos (1990) or reais as text (\"19.90\", \"R$ 1.234,56\")");
  return PIX_EINVALID;
}

static int refuse_large(struct pix_err *err) {
  return refuse(err, "is larger than R$ 9.999.999.999,99");
}

struct span {
  const char *text;
  size_t len;
};

static void skip(struct span *span, size_t count) {
  span->text += count;
  span->len -= count;
}

static bool starts(const struct span *span, const char *word) {
  size_t len = strlen(word);
  return span->len >= len && memcmp(span->text, word, len) == 0;
}

static bool ends(const struct span *span, const char *word) {
  size_t len = strlen(word);
  return span->len >= len && memcmp(span->text + span->len - len, word, len) == 0;
}

static void trim_left(struct span *span) {
  for (;;) {
    if (starts(span, " "))
      skip(span, 1);
    else if (starts(span, NBSP))
      skip(span, 2);
    else
      return;
  }
}

static struct span strip(const char *text, size_t len) {
  struct span span = {text, len};

  trim_left(&span);
  if (starts(&span, "R$") || starts(&span, "r$")) {
    skip(&span, 2);
    trim_left(&span);
  }
  for (;;) {
    if (ends(&span, " "))
      span.len -= 1;
    else if (ends(&span, NBSP))
      span.len -= 2;
    else
      return span;
  }
}

/* Finds where the decimal separator stands; number.len if there is none. Two kinds of separator:
** the last is the decimal one. One kind, twice or more: all group. One alone: decimal, except
** before three digits, where Brazil and the United States read different numbers. */
static int find_decimal(struct span number, size_t *at, struct pix_err *err) {
  size_t dots = 0, commas = 0, last = number.len;

  for (size_t i = 0; i < number.len; i++) {
    char c = number.text[i];
    if (pix_text_is_digit(c)) continue;
    if (c == '-' || c == '+') return refuse(err, "has a sign");
    if (c != '.' && c != ',') return refuse(err, "has a character that is no digit or separator");
    last = i;
    dots += c == '.';
    commas += c == ',';
  }
  *at = last;
  if (dots + commas > 1 && (dots == 0 || commas == 0)) *at = number.len;
  if (dots + commas == 1 && number.len - last == 4) {
    return refuse(err, "is ambiguous: a separator before three digits may group or divide");
  }
  return PIX_OK;
}

/* Reads the digits before `end`, which may be grouped in threes by any separator but `decimal`. */
static int read_whole(struct span number, char decimal, int64_t *reais, struct pix_err *err) {
  size_t run = 0;
  bool grouped = false;

  *reais = 0;
  for (size_t i = 0; i < number.len; i++) {
    char c = number.text[i];
    if (pix_text_is_digit(c)) {
      *reais = *reais * 10 + (c - '0');
      if (*reais > PIX_MAX_MONEY) return refuse_large(err);
      run++;
      continue;
    }
    if (c == decimal) return refuse(err, "has two decimal separators");
    if (run == 0 || run > 3 || (grouped && run != 3) || number.text[0] == '0') {
      return refuse(err, "is not grouped in threes");
    }
    grouped = true;
    run = 0;
  }
  if (run == 0) return refuse(err, "has no digit before the decimal separator");
  return grouped && run != 3 ? refuse(err, "is not grouped in threes") : PIX_OK;
}

static int read_decimals(struct span decimals, int *centavos, struct pix_err *err) {
  if (decimals.len == 0) return refuse(err, "has no digit behind the decimal separator");
  if (decimals.len > 2) return refuse(err, "has more than two decimals");
  *centavos = (decimals.text[0] - '0') * 10;
  if (decimals.len == 2) *centavos += decimals.text[1] - '0';
  return PIX_OK;
}

int pix_money_parse(const char *text, size_t len, int64_t *centavos, struct pix_err *err) {
  struct span number = strip(text, len);
  struct span whole = number, decimals = {NULL, 0};
  int64_t reais;
  size_t at;
  int cents = 0, rc;

  if (number.len == 0) return refuse(err, "is empty");
  rc = find_decimal(number, &at, err);
  if (rc != PIX_OK) return rc;
  whole.len = at;
  rc = read_whole(whole, at < number.len ? number.text[at] : '\0', &reais, err);
  if (rc != PIX_OK) return rc;
  if (at < number.len) {
    decimals = number;
    skip(&decimals, at + 1);
    rc = read_decimals(decimals, &cents, err);
    if (rc != PIX_OK) return rc;
  }
  rc = pix_money_check(reais * 100 + cents, err);
  if (rc == PIX_OK) *centavos = reais * 100 + cents;
  return rc;
}

int pix_money_check(int64_t centavos, struct pix_err *err) {
  if (centavos == 0) return refuse(err, "is zero");
  if (centavos < 0) return refuse(err, "is negative");
  return centavos > PIX_MAX_MONEY ? refuse_large(err) : PIX_OK;
}

/* `whole / unit` is what any decimal text of that amount decodes to (one correctly rounded
** division), so that large amounts pass whose doubles lie wider apart than the tolerance. */
int pix_money_from_double(double value, int unit, int64_t *centavos, struct pix_err *err) {
  double scaled = value * unit;
  const char *why = NULL;
  int64_t whole = 0;

  if (!isfinite(value))
    why = "is no number";
  else if (scaled < -1e-6)
    why = "is negative";
  else if (scaled > (double)PIX_MAX_MONEY + 0.25)
    why = "is too large";
  else
    whole = (int64_t)(scaled + 0.5);
  if (why == NULL && fabs(scaled - (double)whole) > 1e-6 && (double)whole / unit != value) {
    why = "is not a whole number of centavos";
  }
  if (why != NULL)
    return pix_err_set(err, PIX_EPROTOCOL, "amount", "the provider's amount %s", why);
  *centavos = whole;
  return PIX_OK;
}

static uint64_t magnitude(int64_t centavos) {
  return centavos < 0 ? 0 - (uint64_t)centavos : (uint64_t)centavos;
}

void pix_money_format(int64_t centavos, char out[PIX_MONEY_SIZE]) {
  char digits[24], grouped[32];
  uint64_t value = magnitude(centavos);
  int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)(value / 100));
  size_t used = 0;

  for (int i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0) grouped[used++] = '.';
    grouped[used++] = digits[i];
  }
  grouped[used] = '\0';
  snprintf(out, PIX_MONEY_SIZE, "%sR$ %.23s,%02d", centavos < 0 ? "-" : "", grouped,
           (int)(value % 100));
}

/* By hand: a charge is written in every request, and printf takes its time. */
void pix_money_decimal(int64_t centavos, char out[PIX_MONEY_SIZE]) {
  uint64_t value = magnitude(centavos), reais = value / 100;
  char digits[PIX_MONEY_SIZE];
  size_t at = sizeof digits, used = 0;

  digits[--at] = '\0';
  digits[--at] = (char)('0' + value % 10);
  digits[--at] = (char)('0' + value / 10 % 10);
  digits[--at] = '.';
  do {
    digits[--at] = (char)('0' + reais % 10);
    reais /= 10;
  } while (reais > 0);
  if (centavos < 0) out[used++] = '-';
  memcpy(out + used, digits + at, sizeof digits - at);
}
