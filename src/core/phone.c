/*
** phone.c - Brazilian telephone numbers; see phone.h. The length decides before any prefix does:
** 55 is a country and also an area (Santa Maria), so that a prefix alone says nothing.
*/
#include "phone.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define MAX_DIGITS 14 /* 55 0 11 98765 4321 */

/* Anatel: which second digits each first digit has; 67 areas. */
static const char *const areas[10] = {
    [1] = "123456789", [2] = "12478",  [3] = "1234578",   [4] = "123456789", [5] = "1345",
    [6] = "123456789", [7] = "134579", [8] = "123456789", [9] = "123456789",
};

static int refuse(struct pix_err *err, const char *why) {
  return pix_err_set(err, PIX_EINVALID, "phone", "the phone number %s", why);
}

/* Collects the digits; -1 if anything but punctuation is between them, or a + not before them. */
static int strip(const char *text, size_t len, char out[MAX_DIGITS + 1], bool *plus) {
  int count = 0;

  *plus = false;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '(' || c == ')' || c == '-' || c == '.' || pix_text_is_blank(c)) continue;
    if (c == '+' && count == 0 && !*plus) {
      *plus = true;
      continue;
    }
    if (!pix_text_is_digit(c) || count == MAX_DIGITS) return -1;
    out[count++] = c;
  }
  out[count] = '\0';
  return count;
}

/* Area code and number, without country and trunk 0; NULL if another country is named. */
static const char *national(const char *digits, int count, bool plus) {
  bool country = plus || count > 12 || (count == 12 && digits[0] != '0');

  if (country) {
    if (strncmp(digits, "55", 2) != 0) return NULL;
    digits += 2;
  }
  return digits[0] == '0' ? digits + 1 : digits;
}

static bool is_area(const char *digits) {
  const char *seconds = areas[digits[0] - '0'];
  return seconds != NULL && strchr(seconds, digits[1]) != NULL;
}

int pix_phone_parse(const char *text, size_t len, char out[PIX_PHONE_SIZE], struct pix_err *err) {
  char digits[MAX_DIGITS + 1];
  bool plus;
  int count = strip(text, len, digits, &plus);
  const char *number;
  size_t left;

  if (count < 0) return refuse(err, "has too many digits or a character that cannot stand in it");
  number = national(digits, count, plus);
  if (number == NULL) return refuse(err, "is not one of Brazil (+55)");
  left = strlen(number);
  if (left != 10 && left != 11) return refuse(err, "has not 8 or 9 digits behind an area code");
  if (!is_area(number)) return refuse(err, "has an area code that does not exist");
  if (left == 11 && number[2] != '9') return refuse(err, "has 9 digits that do not begin with 9");
  if (left == 10 && (number[2] < '2' || number[2] > '5')) {
    return refuse(err, "has 8 digits that do not begin with 2 to 5");
  }
  snprintf(out, PIX_PHONE_SIZE, "+55%s", number);
  return PIX_OK;
}
