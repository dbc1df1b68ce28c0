/*
** phone.h - Brazilian telephone numbers into E.164.
*/
#ifndef PIX_PHONE_H
#define PIX_PHONE_H

#include "err.h"

#define PIX_PHONE_SIZE 16

/* Accepts "+55 (11) 98765-4321", "5511987654321", "011…", "11987654321", landlines. The area code
 *must
 ** be one of the 67; then 9 digits that begin with 9, or 8 that begin with 2–5. Writes
 *"+5511987654321".
 ** PIX_EINVALID, field "phone", without quoting the number. */
int pix_phone_parse(const char *text, size_t len, char out[PIX_PHONE_SIZE], struct pix_err *err);

#endif
