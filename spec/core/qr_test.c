/*
** qr_test.c - QR codes and pictures. Each picture is read back, module by module; that a scanner
** reads them is asked of zbarimg by the Lua specs, which may run programs.
*/
#include "../../src/core/qr.h"
#include "../support/check.h"

#include <png.h>
#include <stdlib.h>

#define TEXT                                                                                       \
  "00020126820014br.gov.bcb.pix2560pix.s3bank.com/qr/v3/at/"                                       \
  "1f2692ec-9e51-42b7-80c4-05c7105c73a65204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG"         \
  "6009SAO_PAULO62070503***63040687"

static struct pix_qr qr;
static struct pix_buf buf;
static struct pix_err err;

static void begin(const char *text, enum pix_qr_level level) {
  pix_err_init(&err);
  pix_buf_init(&buf, 1 << 20);
  CHECK_INT(PIX_OK, pix_qr_encode(text, strlen(text), level, &qr, &err));
}

static void end(void) {
  pix_buf_fini(&buf);
  pix_qr_fini(&qr);
}

/* The module at x, y of the square with its margin; false outside of the code. */
static bool dark(int x, int y, int margin) {
  x -= margin;
  y -= margin;
  if (x < 0 || y < 0 || x >= qr.size || y >= qr.size) return false;
  return qr.modules[y * qr.size + x] != 0;
}

static void matrix(void) {
  static const char finder[] = "1111111100000110111011011101101110110000011111111";

  begin(TEXT, PIX_QR_M);
  CHECK_INT(49, qr.size); /* version 8, as the CLI of libqrencode says */
  for (int i = 0; i < qr.size * qr.size; i++) CHECK(qr.modules[i] <= 1);
  for (int i = 0; i < 49; i++) {
    CHECK_INT(finder[i] - '0', dark(i % 7, i / 7, 0));
    CHECK_INT(finder[i] - '0', dark(42 + i % 7, i / 7, 0));
    CHECK_INT(finder[i] - '0', dark(i % 7, 42 + i / 7, 0));
  }
  end();
}

static int size_at(enum pix_qr_level level) {
  int size;

  begin(TEXT, level);
  size = qr.size;
  end();
  return size;
}

static void levels(void) {
  CHECK(size_at(PIX_QR_L) < size_at(PIX_QR_M));
  CHECK(size_at(PIX_QR_M) < size_at(PIX_QR_Q));
  CHECK(size_at(PIX_QR_Q) < size_at(PIX_QR_H));
}

static void wrong_texts(void) {
  static char large[PIX_MAX_QR + 1];

  memset(large, 'a', sizeof large);
  CHECK_INT(PIX_EINVALID, pix_qr_encode("", 0, PIX_QR_L, &qr, &err));
  CHECK_STR("text", err.field);
  CHECK(qr.modules == NULL);
  CHECK_INT(PIX_EINVALID, pix_qr_encode("a\0b", 3, PIX_QR_L, &qr, &err));
  CHECK_INT(PIX_EINVALID, pix_qr_encode(large, sizeof large, PIX_QR_L, &qr, &err));
  CHECK_INT(PIX_EINVALID, pix_qr_encode(large, PIX_MAX_QR, PIX_QR_H, &qr, &err));
  CHECK_STR("text", err.field);
  CHECK_INT(PIX_EINVALID, pix_qr_encode("a", 1, (enum pix_qr_level)4, &qr, &err));
  CHECK_STR("level", err.field);
  CHECK_INT(PIX_OK, pix_qr_encode(large, PIX_MAX_QR, PIX_QR_L, &qr, &err));
  pix_qr_fini(&qr);
  pix_qr_fini(&qr);
}

/* Decodes buf into one byte per pixel (owned by the caller); NULL if it is no PNG. */
static unsigned char *read_png(int *side) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  unsigned char *pixels;

  if (!CHECK(png_image_begin_read_from_memory(&image, buf.data, buf.len))) return NULL;
  image.format = PNG_FORMAT_GRAY;
  CHECK_INT(image.width, image.height);
  *side = (int)image.width;
  pixels = malloc(PNG_IMAGE_SIZE(image));
  if (pixels == NULL) abort();
  CHECK(png_image_finish_read(&image, NULL, pixels, 0, NULL));
  return pixels;
}

static void check_png(int scale, int margin) {
  struct pix_qr_style style = {.scale = scale, .margin = margin};
  unsigned char *pixels;
  int side = 0, wrong = 0;

  begin(TEXT, PIX_QR_M);
  CHECK_INT(PIX_OK, pix_qr_png(&qr, &style, &buf, &err));
  CHECK_INT(1, buf.data[24]); /* IHDR: bits per pixel */
  CHECK_INT(0, buf.data[25]); /* greyscale */
  pixels = read_png(&side);
  if (pixels != NULL && CHECK_INT((49 + 2 * margin) * scale, side)) {
    for (int i = 0; i < side * side; i++) {
      int want = dark(i % side / scale, i / side / scale, margin) ? 0 : 255;
      if (pixels[i] != want) wrong++;
    }
  }
  CHECK_INT(0, wrong);
  free(pixels);
  end();
}

static void png(void) {
  check_png(1, 0);
  check_png(1, 4);
  check_png(3, 1);
  check_png(8, 4);
  check_png(64, 16);
}

static void png_full(void) {
  struct pix_qr_style style = {.scale = 4, .margin = 4};

  begin(TEXT, PIX_QR_M);
  for (size_t max = 0; max < 400; max += 13) {
    pix_buf_fini(&buf);
    pix_buf_init(&buf, max);
    CHECK_INT(PIX_EINTERNAL, pix_qr_png(&qr, &style, &buf, &err));
  }
  end();
}

/* Draws the runs of the second path into `square`. */
static void draw_svg(unsigned char *square, int side) {
  const char *at = strstr(buf.data, "#000");
  int x, y, width, back, used;

  if (!CHECK(at != NULL)) return;
  at += strlen("#000\" d=\"");
  while (sscanf(at, "M%d %dh%dv1h-%dz%n", &x, &y, &width, &back, &used) == 4) {
    if (!CHECK(width == back && x >= 0 && y >= 0 && x + width <= side && y < side)) return;
    memset(square + y * side + x, 1, (size_t)width);
    at += used;
  }
  CHECK_STR("\"/></svg>\n", at);
}

static void svg(void) {
  struct pix_qr_style style = {.scale = 5, .margin = 4};
  unsigned char square[57 * 57] = {0};
  int wrong = 0;

  begin(TEXT, PIX_QR_M);
  CHECK_INT(PIX_OK, pix_qr_svg(&qr, &style, &buf, &err));
  CHECK(strstr(buf.data, "width=\"285\" height=\"285\" viewBox=\"0 0 57 57\"") != NULL);
  draw_svg(square, 57);
  for (int i = 0; i < 57 * 57; i++) wrong += square[i] != dark(i % 57, i / 57, 4);
  CHECK_INT(0, wrong);
  end();
}

/* Which halves of the character at `at` are painted: 1 upper, 2 lower; -1 for another. */
static int halves(const char **at) {
  static const char *const blocks[] = {" ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88"};

  for (int i = 0; i < 4; i++) {
    size_t len = strlen(blocks[i]);
    if (strncmp(*at, blocks[i], len) != 0) continue;
    *at += len;
    return i;
  }
  return -1;
}

static bool skip(const char **at, const char *word) {
  size_t len = strlen(word);

  if (!CHECK(strncmp(*at, word, len) == 0)) return false;
  *at += len;
  return true;
}

/* Reads the picture back; what is painted is dark if coloured, else light. */
static void check_text(bool colour, int margin) {
  struct pix_qr_style style = {.scale = 1, .margin = margin, .colour = colour};
  int side, wrong = 0;
  const char *at;

  begin(TEXT, PIX_QR_M);
  CHECK_INT(PIX_OK, pix_qr_text(&qr, &style, &buf, &err));
  side = qr.size + 2 * margin;
  at = pix_buf_text(&buf);
  for (int y = 0; y < side; y += 2) {
    if (colour && !skip(&at, "\x1b[30;47m")) break;
    for (int x = 0; x < side; x++) {
      int painted = halves(&at);
      wrong += (painted & 1) != (dark(x, y, margin) == colour);
      wrong += (painted >> 1) != (dark(x, y + 1, margin) == colour);
    }
    if (colour && !skip(&at, "\x1b[0m")) break;
    if (!skip(&at, "\n")) break;
  }
  CHECK_STR("", at);
  CHECK_INT(0, wrong);
  end();
}

static void coloured_text(void) {
  check_text(true, 4);
  check_text(true, 0);
}

static void plain_text(void) {
  check_text(false, 4);
  check_text(false, 0);
}

static void wrong_styles(void) {
  static const struct {
    struct pix_qr_style style;
    const char *field;
  } wrong[] = {
      {{.scale = 0, .margin = 4}, "scale"},   {{.scale = -1, .margin = 4}, "scale"},
      {{.scale = 65, .margin = 4}, "scale"},  {{.scale = 1, .margin = -1}, "margin"},
      {{.scale = 1, .margin = 17}, "margin"}, {{.scale = 1, .margin = INT32_MAX}, "margin"},
  };

  begin(TEXT, PIX_QR_L);
  for (size_t i = 0; i < PIX_COUNT(wrong); i++) {
    CHECK_INT(PIX_EINVALID, pix_qr_png(&qr, &wrong[i].style, &buf, &err));
    CHECK_STR(wrong[i].field, err.field);
    CHECK_INT(PIX_EINVALID, pix_qr_svg(&qr, &wrong[i].style, &buf, &err));
    CHECK_INT(PIX_EINVALID, pix_qr_text(&qr, &wrong[i].style, &buf, &err));
    CHECK_INT(0, buf.len);
  }
  end();
}

static void full_buffers(void) {
  struct pix_qr_style style = {.scale = 1, .margin = 4};

  begin(TEXT, PIX_QR_L);
  pix_buf_init(&buf, 100);
  CHECK_INT(PIX_EINTERNAL, pix_qr_svg(&qr, &style, &buf, &err));
  pix_buf_clear(&buf);
  CHECK_INT(PIX_EINTERNAL, pix_qr_text(&qr, &style, &buf, &err));
  end();
}

static const struct check_test tests[] = {
    {"a code has its size and finder patterns", matrix},
    {"higher levels take more modules", levels},
    {"a text that fits no code is refused", wrong_texts},
    {"a PNG has every module, one bit per pixel", png},
    {"a PNG that does not fit is reported", png_full},
    {"an SVG has every module", svg},
    {"coloured text paints the dark modules", coloured_text},
    {"plain text paints the light modules", plain_text},
    {"scale and margin have limits", wrong_styles},
    {"a full buffer is reported", full_buffers},
};

CHECK_MAIN(tests)
