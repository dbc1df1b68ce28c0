/*
** card.c - payment cards; see card.h. Every copy that is made on the way is wiped.
*/
#include "card.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#include "date.h"
#include "text.h"

#define MIN_NUMBER 12
#define MAX_NUMBER 19
#define LAST_ZONE  (12 * 3600) /* UTC-12, where a day ends last */

static int refuse(struct pix_err *err, const char *field, const char *why) {
  return pix_err_set(err, PIX_EINVALID, field, "%s %s", field, why);
}

/* Copies the digits without blanks and dashes; -1 for another character or too many digits. */
static int strip(const char *text, size_t len, char out[MAX_NUMBER]) {
  int count = 0;

  for (size_t i = 0; i < len; i++) {
    if (text[i] == '-' || pix_text_is_blank(text[i])) continue;
    if (!pix_text_is_digit(text[i]) || count == MAX_NUMBER) return -1;
    out[count++] = text[i];
  }
  return count;
}

/* ISO/IEC 7812-1: every second digit from the right is doubled, its digits added up. */
static bool luhn(const char *digits, int count) {
  int sum = 0;

  for (int i = 0; i < count; i++) {
    int value = digits[count - 1 - i] - '0';
    if (i % 2 == 1) value = value > 4 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return sum % 10 == 0;
}

int pix_card_set_number(struct pix_card *card, const char *text, size_t len, bool strict,
                        struct pix_err *err) {
  char digits[MAX_NUMBER];
  int count = strip(text, len, digits), rc;

  if (count < MIN_NUMBER)
    rc = refuse(err, "card.number", "has not 12 to 19 digits");
  else if (strict && !luhn(digits, count))
    rc = refuse(err, "card.number", "fails the Luhn check");
  else
    rc = pix_secret_set(&card->number, digits, (size_t)count, "card.number", err);
  OPENSSL_cleanse(digits, sizeof digits);
  return rc;
}

int pix_card_set_cvv(struct pix_card *card, const char *text, size_t len, struct pix_err *err) {
  if (len != 3 && len != 4) return refuse(err, "card.cvv", "has not 3 or 4 digits");
  for (size_t i = 0; i < len; i++) {
    if (!pix_text_is_digit(text[i])) return refuse(err, "card.cvv", "has not 3 or 4 digits");
  }
  return pix_secret_set(&card->cvv, text, len, "card.cvv", err);
}

int pix_card_set_expiry(struct pix_card *card, const char *text, size_t len, struct pix_err *err) {
  int month = 0, year = 0;

  if ((len != 5 && len != 7) || text[2] != '/') {
    return refuse(err, "card.expiry", "is not MM/YYYY or MM/YY");
  }
  for (size_t i = 0; i < len; i++) {
    if (i == 2) continue;
    if (!pix_text_is_digit(text[i])) return refuse(err, "card.expiry", "is not MM/YYYY or MM/YY");
    if (i < 2)
      month = month * 10 + (text[i] - '0');
    else
      year = year * 10 + (text[i] - '0');
  }
  if (len == 5) year += 2000;
  if (month < 1 || month > 12) return refuse(err, "card.expiry", "has no month from 01 to 12");
  if (year < 2000) return refuse(err, "card.expiry", "has a year before 2000");
  card->month = month;
  card->year = year;
  return PIX_OK;
}

int pix_card_set_holder(struct pix_card *card, const char *text, size_t len, struct pix_err *err) {
  int rc = pix_text_check(text, len, PIX_MAX_TEXT, "card.holder", err);

  return rc == PIX_OK ? pix_secret_set(&card->holder, text, len, "card.holder", err) : rc;
}

int pix_card_check_expiry(const struct pix_card *card, int64_t now, struct pix_err *err) {
  int64_t end = pix_date_days(card->year + card->month / 12, card->month % 12 + 1, 1) * 86400;

  if (now < end + LAST_ZONE) return PIX_OK;
  return refuse(err, "card.expiry", "is over: the card has expired");
}

void pix_card_fini(struct pix_card *card) {
  pix_secret_fini(&card->number);
  pix_secret_fini(&card->cvv);
  pix_secret_fini(&card->holder);
  card->month = card->year = 0;
}
