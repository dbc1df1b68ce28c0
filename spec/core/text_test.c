/*
** text_test.c - checks and encodings of text.
*/
#include "../../src/core/text.h"
#include "../support/check.h"

static void utf8_valid(void) {
  CHECK_INT(1, pix_text_utf8_step("a", 1));
  CHECK_INT(2, pix_text_utf8_step("\xc3\xa9", 2));
  CHECK_INT(3, pix_text_utf8_step("\xe2\x82\xac", 3));
  CHECK_INT(4, pix_text_utf8_step("\xf0\x9f\x98\x80", 4));
  CHECK_INT(4, pix_text_utf8_step("\xf4\x8f\xbf\xbf", 4));
  CHECK_INT(1, pix_text_utf8_step("\0", 1));
}

static void utf8_invalid(void) {
  CHECK_INT(0, pix_text_utf8_step("", 0));
  CHECK_INT(0, pix_text_utf8_step("\xc3\xa9", 1));         /* cut */
  CHECK_INT(0, pix_text_utf8_step("\xe2\x82z", 3));        /* third byte */
  CHECK_INT(0, pix_text_utf8_step("\xc0\xaf", 2));         /* overlong / */
  CHECK_INT(0, pix_text_utf8_step("\xe0\x80\xaf", 3));     /* overlong */
  CHECK_INT(0, pix_text_utf8_step("\xf0\x80\x80\xaf", 4)); /* overlong */
  CHECK_INT(0, pix_text_utf8_step("\xed\xa0\x80", 3));     /* surrogate */
  CHECK_INT(0, pix_text_utf8_step("\xf4\x90\x80\x80", 4)); /* past U+10FFFF */
  CHECK_INT(0, pix_text_utf8_step("\xf5\x80\x80\x80", 4));
  CHECK_INT(0, pix_text_utf8_step("\x80", 1));
  CHECK_INT(0, pix_text_utf8_step("\xff", 1));
}

static void counts(void) {
  CHECK_INT(0, pix_text_utf8_count("", 0));
  CHECK_INT(4, pix_text_utf8_count("Jos\xc3\xa9", 5));
  CHECK_INT(2, pix_text_utf8_count("\xff\xc3", 2));
}

static int check(const char *text, size_t len, size_t max) {
  struct pix_err err;
  int rc;

  pix_err_init(&err);
  rc = pix_text_check(text, len, max, "payer.name", &err);
  if (rc != PIX_OK) CHECK_STR("payer.name", err.field);
  CHECK(strstr(err.message, "secret") == NULL);
  return rc;
}

static void accepts_text(void) {
  CHECK_INT(PIX_OK, check("Caf\xc3\xa9", 5, 5));
  CHECK_INT(PIX_OK, check("\xc2\xa0", 2, 5)); /* the first character behind C1 */
}

static void refuses_text(void) {
  CHECK_INT(PIX_EINVALID, check("", 0, 5));
  CHECK_INT(PIX_EINVALID, check("secret", 6, 5));
  CHECK_INT(PIX_EINVALID, check("secret\xff", 7, 9));
  CHECK_INT(PIX_EINVALID, check("secret\0x", 8, 9));
  CHECK_INT(PIX_EINVALID, check("secret\r\n", 8, 9));
  CHECK_INT(PIX_EINVALID, check("secret\x7f", 7, 9));
  CHECK_INT(PIX_EINVALID, check("secret\xc2\x9b", 8, 9)); /* C1: CSI */
}

static void percent(void) {
  struct pix_buf buf;

  pix_buf_init(&buf, 256);
  pix_text_percent(&buf, "aZ09-._~/../?&=% +\0\xc3\xa9", 21);
  CHECK_STR("aZ09-._~%2F..%2F%3F%26%3D%25%20%2B%00%C3%A9", pix_buf_text(&buf));
  pix_buf_fini(&buf);
}

static const char *decode(const char *text) {
  static unsigned char out[64];
  long len = pix_text_base64(text, strlen(text), out);

  if (len < 0) return "refused";
  out[len] = '\0';
  return (const char *)out;
}

/* RFC 4648, section 10 */
static void base64_vectors(void) {
  CHECK_STR("", decode(""));
  CHECK_STR("f", decode("Zg=="));
  CHECK_STR("fo", decode("Zm8="));
  CHECK_STR("foo", decode("Zm9v"));
  CHECK_STR("foob", decode("Zm9vYg=="));
  CHECK_STR("fooba", decode("Zm9vYmE="));
  CHECK_STR("foobar", decode("Zm9vYmFy"));
  CHECK_STR("foob", decode("Zm9vYg"));
  CHECK_STR("fooba", decode("Zm9vYmE"));
  CHECK_STR("\xfb\xff", decode("+/8="));
}

static void base64_refused(void) {
  CHECK_STR("refused", decode("Z"));
  CHECK_STR("refused", decode("A"));
  CHECK_STR("refused", decode("AAAAA"));
  CHECK_STR("refused", decode("Zg="));
  CHECK_STR("refused", decode("Zg==="));
  CHECK_STR("refused", decode("Z==="));
  CHECK_STR("refused", decode("===="));
  CHECK_STR("refused", decode("Zg==Zg=="));
  CHECK_STR("refused", decode("Zm9v\n"));
  CHECK_STR("refused", decode("-_8="));
  CHECK_STR("refused", decode("Zh==")); /* unused bits set */
}

static void folded(void) {
  CHECK(pix_text_is("BR.GOV.bcb.pix", 14, "br.gov.bcb.pix"));
  CHECK(!pix_text_is("br.gov.bcb.pi", 13, "br.gov.bcb.pix"));
  CHECK(!pix_text_is("a\0", 2, "a"));
  CHECK(pix_text_is("", 0, ""));
}

static void hex(void) {
  CHECK_INT(0, pix_text_hex('0'));
  CHECK_INT(10, pix_text_hex('a'));
  CHECK_INT(15, pix_text_hex('F'));
  CHECK_INT(-1, pix_text_hex('g'));
  CHECK_INT(-1, pix_text_hex('/'));
  CHECK_INT(-1, pix_text_hex(':'));
}

static const struct check_test tests[] = {
    {"the length of a UTF-8 sequence is found", utf8_valid},
    {"what is not UTF-8 is told", utf8_invalid},
    {"characters are counted, not bytes", counts},
    {"plain UTF-8 up to the maximum is accepted", accepts_text},
    {"empty, long, broken text and controls are refused unquoted", refuses_text},
    {"percent-encoding leaves one path segment", percent},
    {"base64 with and without padding is decoded", base64_vectors},
    {"what is not base64 is refused", base64_refused},
    {"hexadecimal digits have a value", hex},
    {"ASCII is compared without its case", folded},
};

CHECK_MAIN(tests)
