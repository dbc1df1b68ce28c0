/*
** money.h - an amount is a number of centavos in an int64_t, 1 … PIX_MAX_MONEY. No floating point,
** except in the one function that reads what a JSON decoder made of a provider's reply.
*/
#ifndef PIX_MONEY_H
#define PIX_MONEY_H

#include "err.h"

/* Reads reais: "19.90", "19,90", "R$ 1.234,56", "1,234.56", "20" (twenty reais). At most two
** decimals. A lone separator before exactly three digits ("1.234") is refused as ambiguous. Zero,
** signs, exponents and anything past PIX_MAX_MONEY are refused (PIX_EINVALID, field "amount").
** Blanks around it, no-break ones too, are dropped. */
int pix_money_parse(const char *text, size_t len, int64_t *centavos, struct pix_err *err);

/* PIX_OK if 1 <= centavos <= PIX_MAX_MONEY, else PIX_EINVALID for field "amount". */
int pix_money_check(int64_t centavos, struct pix_err *err);

/* Centavos of a decoded JSON number: reais, or whole centavos already if `unit` is 1 (else 100).
** PIX_EPROTOCOL when it is not within 1e-6 of a whole centavo (nor the double nearest to one, where
** doubles lie wider apart), not finite, negative or too large.
** Zero is accepted: a reply may say 0. */
int pix_money_from_double(double value, int unit, int64_t *centavos, struct pix_err *err);

#define PIX_MONEY_SIZE 32
void pix_money_format(int64_t centavos, char out[PIX_MONEY_SIZE]);  /* "R$ 1.234,56" */
void pix_money_decimal(int64_t centavos, char out[PIX_MONEY_SIZE]); /* "1234.56" */

#endif
