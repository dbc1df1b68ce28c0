/*
** card.h - a payment card: validated once, held in memory that is wiped, readable by codecs only.
*/
#ifndef PIX_CARD_H
#define PIX_CARD_H

#include "secret.h"

struct pix_card {
  struct pix_secret number; /* 12–19 digits, no blanks */
  struct pix_secret cvv;    /* 3–4 digits */
  struct pix_secret holder; /* as printed */
  int month;                /* 1–12 */
  int year;                 /* four digits */
};

/* Each checks one part and takes a copy. Fields: "card.number", "card.cvv", "card.expiry",
** "card.holder". Blanks and dashes in a number are dropped; Luhn is checked if `strict`.
** Expiry: MM/YYYY or MM/YY. No message quotes a value. */
int pix_card_set_number(struct pix_card *card, const char *text, size_t len, bool strict,
                        struct pix_err *err);
int pix_card_set_cvv(struct pix_card *card, const char *text, size_t len, struct pix_err *err);
int pix_card_set_expiry(struct pix_card *card, const char *text, size_t len, struct pix_err *err);
int pix_card_set_holder(struct pix_card *card, const char *text, size_t len, struct pix_err *err);

/* PIX_EINVALID for "card.expiry" if the card's last month is over at `now` (seconds since the
** epoch, UTC; a card is good through the last day of its month, everywhere). */
int pix_card_check_expiry(const struct pix_card *card, int64_t now, struct pix_err *err);

void pix_card_fini(struct pix_card *card); /* wipes; safe twice */

#endif
