/*
** base.h - what every file of luapix may assume: version, limits, small macros.
** Every length that a caller or a provider controls has its maximum here.
*/
#ifndef PIX_BASE_H
#define PIX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIX_VERSION "0.1.0"

/* Lengths in bytes, without a terminating NUL, unless a line says otherwise. */
#define PIX_MAX_URL              2048          /* a whole URL, base and path and query */
#define PIX_MAX_HEADER           8192          /* one header line that we send */
#define PIX_MAX_REPLY_HEAD       (64 * 1024)   /* all header lines of one reply */
#define PIX_MAX_TEXT             1024          /* one text argument: description, name … */
#define PIX_MAX_ID               128           /* a provider's id of a charge */
#define PIX_MAX_SECRET           4096          /* a key, a token (JWTs are long), a password */
#define PIX_MAX_REQUEST          (64 * 1024)   /* a request's body */
#define PIX_MAX_RESPONSE         (1024 * 1024) /* default of max_response: decompressed bytes */
#define PIX_MAX_RESPONSE_CEILING (64 * 1024 * 1024) /* what the option may be raised to */
#define PIX_MAX_BRCODE           512                /* EMV-MPM: a whole code */
#define PIX_MAX_QR               2048 /* bytes given to pix.qr (version 40 level L takes 2,953) */
#define PIX_MAX_JSON_DEPTH       64   /* nesting that the writer and the reader accept */
#define PIX_MAX_MONEY            INT64_C(999999999999) /* centavos: 13 characters in a BR Code */
#define PIX_MAX_WEBHOOK          (256 * 1024)          /* a webhook's body */
#define PIX_MAX_TIMEOUT          86400.0               /* seconds */
#define PIX_MAX_SQL              4096                  /* one statement of the journal */
#define PIX_MAX_STATEMENTS       256                   /* in one transaction of the journal */
#define PIX_MAX_BATCH            256                   /* transactions that share one commit */
#define PIX_MAX_ROWS             10000                 /* in the result of one statement */
#define PIX_MAX_VALUE            (1024 * 1024)         /* one value in the journal */

#define PIX_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__GNUC__)
#define PIX_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define PIX_EXPORT              __attribute__((visibility("default")))
#else
#define PIX_PRINTF(text, first)
#define PIX_EXPORT
#endif

#endif
