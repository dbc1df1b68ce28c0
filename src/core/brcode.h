/*
** brcode.h - the BR Code: what a Pix QR code says (EMV MPM as profiled by Banco Central).
** Tags, lengths and the CRC as in PROVIDERS' facts: TLV with two digits each; a length counts
** characters or bytes (either is accepted when reading; characters are written, as EMV says and as
** readers that take substrings of a text expect); the CRC counts bytes.
*/
#ifndef PIX_BRCODE_H
#define PIX_BRCODE_H

#include "buf.h"
#include "err.h"

/* All text is NUL-terminated UTF-8; "" = absent. Sizes leave room for 4-byte characters. */
struct pix_brcode {
  bool dynamic;         /* 01 = "12", or a URL in the merchant account */
  char initiation[4];   /* 01 as written: "11", "12" or "" */
  char key[77 * 4 + 1]; /* 26.01 of a static code */
  char url[77 * 4 + 1]; /* 26.25 of a dynamic code, without a scheme */
  char info[77 * 4 + 1];
  char mcc[8];    /* 52 */
  int64_t amount; /* 54 in centavos; -1 = absent (a dynamic code may omit it) */
  char name[25 * 4 + 1];
  char city[15 * 4 + 1];
  char postal_code[16];
  char txid[32];               /* 62.05; "***" = none given */
  char recurrence[77 * 4 + 1]; /* 80.25 */
  uint16_t crc;
};

/* CRC-16/CCITT-FALSE; of "123456789" it is 0x29B1. */
uint16_t pix_brcode_crc(const void *data, size_t len);

/* Parses and verifies (structure, GUI, currency 986, country BR, CRC) one whole code. PIX_EINVALID
** with field "code" and a message that names the tag at fault. `code` is filled only on success.
** Nothing may stand before or behind the code. */
int pix_brcode_decode(const char *text, size_t len, struct pix_brcode *code, struct pix_err *err);

/* Appends a code with its CRC to out (owned by the caller): name, city and one of key or url (or
** recurrence alone) are obligatory; amount -1 is left out; txid "" is written as "***"; mcc "" as
** "0000". Lengths count characters. PIX_EINVALID names the member that is missing, too long or
** malformed. */
int pix_brcode_encode(const struct pix_brcode *code, struct pix_buf *out, struct pix_err *err);

/* Does it begin as a BR Code does ("000201")? */
bool pix_brcode_test(const char *text, size_t len);

#endif
