/*
** qr.h - QR codes through libqrencode; pictures through libpng, or as text.
*/
#ifndef PIX_CORE_QR_H /* PIX_QR_H is a level */
#define PIX_CORE_QR_H

#include "buf.h"
#include "err.h"

enum pix_qr_level { PIX_QR_L, PIX_QR_M, PIX_QR_Q, PIX_QR_H };

struct pix_qr {
  int size;               /* modules per side, without the quiet zone */
  unsigned char *modules; /* owned: size × size, 1 = dark */
};

struct pix_qr_style {
  int scale;   /* pixels per module: PNG, SVG units; 1–64 */
  int margin;  /* quiet zone in modules, 0–16; the standard asks for 4 */
  bool colour; /* text only: explicit black on white by ANSI codes (an inverted code does not scan)
                */
};

/* Reads text as bytes without NUL, at most PIX_MAX_QR; PIX_EINVALID for "text" or "level". qr owns
** its modules afterwards (also to be ended after a failure, safely). */
int pix_qr_encode(const char *text, size_t len, enum pix_qr_level level, struct pix_qr *qr,
                  struct pix_err *err);
void pix_qr_fini(struct pix_qr *qr); /* safe twice */

/* Each appends to out (owned by the caller); PIX_EINVALID for "scale" or "margin", PIX_EINTERNAL if
** out is full. Text without colour presumes light characters on a dark screen. */

int pix_qr_png(const struct pix_qr *qr, const struct pix_qr_style *style, struct pix_buf *out,
               struct pix_err *err); /* 1 bit per pixel, greyscale */
int pix_qr_svg(const struct pix_qr *qr, const struct pix_qr_style *style, struct pix_buf *out,
               struct pix_err *err);
int pix_qr_text(const struct pix_qr *qr, const struct pix_qr_style *style, struct pix_buf *out,
                struct pix_err *err); /* half blocks, one line per two rows, "\n" at each end */

#endif
