/*
** buf_test.c - growing bytes.
*/
#include "../../src/core/buf.h"
#include "../support/check.h"

static void appends(void) {
  struct pix_buf buf;

  pix_buf_init(&buf, 1000);
  CHECK_STR("", pix_buf_text(&buf));
  pix_buf_adds(&buf, "ab");
  pix_buf_addc(&buf, 'c');
  pix_buf_addf(&buf, "%d", 42);
  pix_buf_add(&buf, "\0x", 2);
  CHECK_INT(7, buf.len);
  CHECK(memcmp(pix_buf_text(&buf), "abc42\0x", 8) == 0);
  pix_buf_add(&buf, NULL, 0);
  CHECK_INT(7, buf.len);
  CHECK(!buf.failed);
  pix_buf_fini(&buf);
  pix_buf_fini(&buf);
  CHECK_STR("", pix_buf_text(&buf));
}

static void grows(bool secret) {
  struct pix_buf buf;

  pix_buf_init(&buf, 5000);
  buf.secret = secret;
  for (int i = 0; i < 5000; i++) pix_buf_addc(&buf, (char)('a' + i % 26));
  CHECK(!buf.failed);
  CHECK_INT(5000, buf.len);
  for (int i = 0; i < 5000; i++) {
    if (!CHECK(buf.data[i] == 'a' + i % 26)) break;
  }
  CHECK_INT('\0', buf.data[5000]);
  pix_buf_fini(&buf);
}

static void grows_plain(void) {
  grows(false);
}

static void grows_secret(void) {
  grows(true);
}

static void fails_past_max(void) {
  struct pix_buf buf;

  pix_buf_init(&buf, 4);
  pix_buf_adds(&buf, "abcd");
  CHECK(!buf.failed);
  pix_buf_addc(&buf, 'e');
  CHECK(buf.failed);
  CHECK_STR("abcd", pix_buf_text(&buf));
  pix_buf_clear(&buf);
  CHECK(!buf.failed);
  CHECK_STR("", pix_buf_text(&buf));
  pix_buf_adds(&buf, "ab");
  CHECK(!pix_buf_reserve(&buf, SIZE_MAX));
  pix_buf_addc(&buf, 'c'); /* the error sticks, though this would fit */
  CHECK_STR("ab", pix_buf_text(&buf));
  pix_buf_addf(&buf, "%s", "x");
  CHECK_STR("ab", pix_buf_text(&buf));
  pix_buf_fini(&buf);
}

/* The block stays ours until fini: what clear leaves in it can be looked at. */
static void wipes(void) {
  struct pix_buf buf;
  bool clean = true;

  pix_buf_init(&buf, 100);
  buf.secret = true;
  pix_buf_adds(&buf, "s3cret");
  pix_buf_clear(&buf);
  for (size_t i = 0; i < buf.cap; i++) clean = clean && buf.data[i] == '\0';
  CHECK(clean);
  pix_buf_fini(&buf);
}

static const struct check_test tests[] = {
    {"text, bytes and formats are appended", appends},
    {"a buffer grows", grows_plain},
    {"a secret buffer grows", grows_secret},
    {"past the maximum it fails and stays failed", fails_past_max},
    {"a cleared secret is wiped", wipes},
};

CHECK_MAIN(tests)
