/*
** qr.c - QR codes and their pictures; see qr.h.
** Every picture asks is_dark() for a module of the whole square, quiet zone included, so that
** margins and odd last rows are decided in one place.
*/
#include "qr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <png.h>
#include <qrencode.h>

#define MAX_SCALE  64
#define MAX_MARGIN 16

/* The 16-colour codes are understood everywhere, a screen of 1990 included. */
#define BLACK_ON_WHITE "\x1b[30;47m"
#define PLAIN          "\x1b[0m"

static int refuse_text(struct pix_err *err, const char *why) {
  return pix_err_set(err, PIX_EINVALID, "text", "the QR code's text %s", why);
}

static int out_of_memory(struct pix_err *err) {
  return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
}

static int copy_modules(const QRcode *code, struct pix_qr *qr, struct pix_err *err) {
  size_t count = (size_t)code->width * (size_t)code->width;

  qr->modules = malloc(count);
  if (qr->modules == NULL) return out_of_memory(err);
  for (size_t i = 0; i < count; i++) qr->modules[i] = code->data[i] & 1;
  qr->size = code->width;
  return PIX_OK;
}

int pix_qr_encode(const char *text, size_t len, enum pix_qr_level level, struct pix_qr *qr,
                  struct pix_err *err) {
  static const QRecLevel levels[] = {QR_ECLEVEL_L, QR_ECLEVEL_M, QR_ECLEVEL_Q, QR_ECLEVEL_H};
  char copy[PIX_MAX_QR + 1];
  QRcode *code;
  int rc;

  memset(qr, 0, sizeof *qr);
  if (len == 0) return refuse_text(err, "is empty");
  if (len > PIX_MAX_QR) return refuse_text(err, "is too long");
  if (memchr(text, '\0', len) != NULL) return refuse_text(err, "has a NUL in it");
  if ((unsigned)level >= PIX_COUNT(levels)) {
    return pix_err_set(err, PIX_EINVALID, "level", "level is none of L, M, Q, H");
  }
  memcpy(copy, text, len);
  copy[len] = '\0';
  code = QRcode_encodeString(copy, 0, levels[level], QR_MODE_8, 1);
  if (code == NULL && errno == ERANGE) return refuse_text(err, "is too long for this level");
  if (code == NULL) return out_of_memory(err);
  rc = copy_modules(code, qr, err);
  QRcode_free(code);
  return rc;
}

void pix_qr_fini(struct pix_qr *qr) {
  free(qr->modules);
  qr->modules = NULL;
  qr->size = 0;
}

static int check_style(const struct pix_qr_style *style, struct pix_err *err) {
  if (style->scale < 1 || style->scale > MAX_SCALE) {
    return pix_err_set(err, PIX_EINVALID, "scale", "scale is not from 1 to %d", MAX_SCALE);
  }
  if (style->margin < 0 || style->margin > MAX_MARGIN) {
    return pix_err_set(err, PIX_EINVALID, "margin", "margin is not from 0 to %d", MAX_MARGIN);
  }
  return PIX_OK;
}

/* A square of modules with its quiet zone around it. */
struct square {
  const struct pix_qr *qr;
  int margin;
  int side;
};

static struct square square_of(const struct pix_qr *qr, const struct pix_qr_style *style) {
  struct square square = {qr, style->margin, qr->size + 2 * style->margin};
  return square;
}

static bool is_dark(const struct square *square, int x, int y) {
  int size = square->qr->size;
  int column = x - square->margin, row = y - square->margin;

  if (column < 0 || row < 0 || column >= size || row >= size) return false;
  return square->qr->modules[(size_t)row * (size_t)size + (size_t)column] != 0;
}

static int finish(const struct pix_buf *out, struct pix_err *err) {
  if (!out->failed) return PIX_OK;
  return pix_err_set(err, PIX_EINTERNAL, NULL, "the picture does not fit into its buffer");
}

/* PNG */

static void write_bytes(png_structp png, png_bytep data, size_t len) {
  struct pix_buf *out = png_get_io_ptr(png);

  pix_buf_add(out, data, len);
  if (out->failed) png_error(png, "full");
}

static void flush_nothing(png_structp png) {
  (void)png;
}

/* libpng's own would print to stderr; this one must not return. */
static void fail(png_structp png, png_const_charp message) {
  (void)message;
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

/* One row of pixels, 1 bit each, 1 = white. */
static void fill_row(const struct square *square, int y, int scale, unsigned char *row) {
  size_t width = (size_t)square->side * (size_t)scale;

  memset(row, 0, (width + 7) / 8);
  for (size_t x = 0; x < width; x++) {
    if (!is_dark(square, (int)(x / (size_t)scale), y)) {
      row[x / 8] |= (unsigned char)(0x80 >> x % 8);
    }
  }
}

/* setjmp stands alone here: all that lives across it are parameters, which nothing assigns to, so
** that no register's value can be lost by a longjmp. The caller owns and frees everything. */
static bool write_png(png_structp png, png_infop info, const struct square *square, int scale,
                      unsigned char *row) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_IHDR(png, info, (png_uint_32)(square->side * scale), (png_uint_32)(square->side * scale),
               1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < square->side; y++) {
    fill_row(square, y, scale, row);
    for (int i = 0; i < scale; i++) png_write_row(png, row);
  }
  png_write_end(png, info);
  return true;
}

int pix_qr_png(const struct pix_qr *qr, const struct pix_qr_style *style, struct pix_buf *out,
               struct pix_err *err) {
  struct square square;
  png_structp png = NULL;
  png_infop info = NULL;
  unsigned char *row = NULL;
  int rc = check_style(style, err);

  if (rc != PIX_OK) return rc;
  square = square_of(qr, style);
  png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail, ignore);
  if (png != NULL) info = png_create_info_struct(png);
  row = malloc((size_t)square.side * (size_t)style->scale / 8 + 1);
  if (info == NULL || row == NULL) {
    rc = out_of_memory(err);
    goto done;
  }
  png_set_write_fn(png, out, write_bytes, flush_nothing);
  if (!write_png(png, info, &square, style->scale, row)) {
    rc = finish(out, err);
    if (rc == PIX_OK)
      rc = pix_err_set(err, PIX_EINTERNAL, NULL, "libpng could not write the picture");
  }
done:
  free(row);
  png_destroy_write_struct(&png, &info);
  return rc;
}

/* SVG */

/* Runs of dark modules in one row, each a rectangle of height 1. */
static void add_runs(const struct square *square, int y, struct pix_buf *out) {
  for (int x = 0; x < square->side; x++) {
    int end = x;
    while (is_dark(square, end, y)) end++;
    if (end == x) continue;
    pix_buf_addf(out, "M%d %dh%dv1h-%dz", x, y, end - x, end - x);
    x = end;
  }
}

int pix_qr_svg(const struct pix_qr *qr, const struct pix_qr_style *style, struct pix_buf *out,
               struct pix_err *err) {
  struct square square;
  int rc = check_style(style, err);

  if (rc != PIX_OK) return rc;
  square = square_of(qr, style);
  pix_buf_addf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
               "<path fill=\"#fff\" d=\"M0 0h%dv%dh-%dz\"/><path fill=\"#000\" d=\"",
               square.side * style->scale, square.side * style->scale, square.side, square.side,
               square.side, square.side, square.side);
  for (int y = 0; y < square.side; y++) add_runs(&square, y, out);
  pix_buf_adds(out, "\"/></svg>\n");
  return finish(out, err);
}

/* Text */

/* One character for two modules. Block characters paint in the foreground: with colours set that
** is black, so dark modules are painted; without, a light foreground on a dark screen is presumed,
** so light modules are. */
static const char *half_block(bool upper, bool lower) {
  if (upper) return lower ? "\xe2\x96\x88" : "\xe2\x96\x80"; /* full block, upper half */
  return lower ? "\xe2\x96\x84" : " ";                       /* lower half */
}

int pix_qr_text(const struct pix_qr *qr, const struct pix_qr_style *style, struct pix_buf *out,
                struct pix_err *err) {
  struct square square;
  bool ink = style->colour; /* is a dark module painted? */
  int rc = check_style(style, err);

  if (rc != PIX_OK) return rc;
  square = square_of(qr, style);
  for (int y = 0; y < square.side; y += 2) {
    if (style->colour) pix_buf_adds(out, BLACK_ON_WHITE);
    for (int x = 0; x < square.side; x++) {
      pix_buf_adds(out,
                   half_block(is_dark(&square, x, y) == ink, is_dark(&square, x, y + 1) == ink));
    }
    if (style->colour) pix_buf_adds(out, PLAIN);
    pix_buf_addc(out, '\n');
  }
  return finish(out, err);
}
