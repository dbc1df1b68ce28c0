/*
** tax_id.h - CPF and CNPJ (alphanumeric since July 2026) with their check digits.
*/
#ifndef PIX_TAX_ID_H
#define PIX_TAX_ID_H

#include "err.h"

struct pix_tax_id {
  enum { PIX_CPF = 1, PIX_CNPJ } kind;
  char digits[15]; /* 11 or 14 characters, upper case, without punctuation */
};

/* Strips only . / - and blanks; letters (CNPJ only) are made upper case. PIX_EINVALID, field
** "tax_id": wrong length, character, check digit, or all digits equal. The number is never quoted.
*/
int pix_tax_id_parse(const char *text, size_t len, struct pix_tax_id *tax_id, struct pix_err *err);

#endif
