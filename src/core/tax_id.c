/*
** tax_id.c - CPF and CNPJ; see tax_id.h. A character counts as its ASCII code less 48, which is a
** digit's own value and makes A 17 (the alphanumeric CNPJ of July 2026).
*/
#include "tax_id.h"

#include <string.h>

#include "text.h"

#define CPF_LEN  11
#define CNPJ_LEN 14

static int refuse(struct pix_err *err, const char *why) {
  return pix_err_set(err, PIX_EINVALID, "tax_id", "the tax id %s", why);
}

/* Copies all but punctuation, in upper case; -1 for another character, or if there are too many. */
static int strip(const char *text, size_t len, char out[CNPJ_LEN + 1]) {
  int count = 0;

  for (size_t i = 0; i < len; i++) {
    char c = pix_text_upper(text[i]);
    if (c == '.' || c == '/' || c == '-' || pix_text_is_blank(c)) continue;
    if (!pix_text_is_digit(c) && (c < 'A' || c > 'Z')) return -1;
    if (count == CNPJ_LEN) return -1;
    out[count++] = c;
  }
  out[count] = '\0';
  return count;
}

/* Weights count up from 2 at the right; those of a CNPJ begin again behind 9. */
static char check_digit(const char *digits, int len, int last_weight) {
  int sum = 0, weight = 2;

  for (int i = len - 1; i >= 0; i--) {
    sum += (digits[i] - '0') * weight;
    weight = weight == last_weight ? 2 : weight + 1;
  }
  return sum % 11 < 2 ? '0' : (char)('0' + 11 - sum % 11);
}

static bool digits_only(const char *digits, int from, int to) {
  for (int i = from; i < to; i++) {
    if (!pix_text_is_digit(digits[i])) return false;
  }
  return true;
}

static bool all_equal(const char *digits) {
  return strspn(digits, (char[]){digits[0], '\0'}) == strlen(digits);
}

int pix_tax_id_parse(const char *text, size_t len, struct pix_tax_id *tax_id, struct pix_err *err) {
  char digits[CNPJ_LEN + 1];
  int count = strip(text, len, digits);
  bool cpf = count == CPF_LEN;

  if (count < 0) return refuse(err, "has a character too many, or one that cannot stand in it");
  if (!cpf && count != CNPJ_LEN)
    return refuse(err, "has neither 11 (CPF) nor 14 (CNPJ) characters");
  if (!digits_only(digits, cpf ? 0 : count - 2, count))
    return refuse(err, "has a letter in a digit's place");
  if (all_equal(digits)) return refuse(err, "has all characters equal");
  for (int place = count - 2; place < count; place++) {
    if (digits[place] != check_digit(digits, place, cpf ? CPF_LEN : 9)) {
      return refuse(err, "has a wrong check digit");
    }
  }
  tax_id->kind = cpf ? PIX_CPF : PIX_CNPJ;
  memcpy(tax_id->digits, digits, sizeof digits);
  return PIX_OK;
}
