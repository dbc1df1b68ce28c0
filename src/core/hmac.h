/*
** hmac.h - HMAC-SHA256 and comparisons that take the same time whatever differs.
*/
#ifndef PIX_HMAC_H
#define PIX_HMAC_H

#include "err.h"

#define PIX_HMAC_SIZE 32

/* PIX_EINTERNAL if OpenSSL fails. */
int pix_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char out[PIX_HMAC_SIZE], struct pix_err *err);

/* Constant time in the contents; lengths are not secret. */
bool pix_hmac_equal(const void *a, const void *b, size_t len);

/* Is `text` this MAC, written as hex of either case, "sha256=" and hex, or base64 (with or without
** padding)? Constant time for a given spelling. */
bool pix_hmac_test(const char *text, size_t len, const unsigned char mac[PIX_HMAC_SIZE]);

/* SHA-256 as 64 lower-case hex digits and a NUL. */
int pix_hmac_digest(const void *data, size_t len, char out[65], struct pix_err *err);

#endif
