/*
** date.h - times as the providers write them. America/Sao_Paulo has been UTC−3 all year since 2019;
** the offset is fixed here, so that no process-wide time zone is touched.
*/
#ifndef PIX_DATE_H
#define PIX_DATE_H

#include "err.h"

#define PIX_DATE_SIZE 32

/* Days from 1970-01-01 to a day of the Gregorian calendar; month 1–12. */
int64_t pix_date_days(int year, int month, int day);

/* "YYYY-MM-DDTHH:MM:SS" of São Paulo, without a zone; held within the years 0000 to 9999. */
void pix_date_format(int64_t epoch, char out[PIX_DATE_SIZE]);

/* Reads "YYYY-MM-DD", "YYYY-MM-DDTHH:MM:SS" (blank for T accepted; São Paulo time), or with Z or
** ±HH:MM. A fraction of a second is dropped. PIX_EINVALID for field. */
int pix_date_parse(const char *text, size_t len, const char *field, int64_t *epoch,
                   struct pix_err *err);

/* Retry-After: seconds or an HTTP date, as seconds from `now`, 0 … 60 (PAYMENTS: capped);
** -1 if it cannot be read. */
double pix_date_retry_after(const char *text, size_t len, int64_t now);

#endif
