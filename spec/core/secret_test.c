/*
** secret_test.c - secrets.
*/
#include "../../src/core/secret.h"
#include "../support/check.h"

static void copies(void) {
  struct pix_secret secret = {0};
  struct pix_err err;
  char text[] = "s3cret";

  CHECK_INT(PIX_OK, pix_secret_set(&secret, text, 6, "api_key", &err));
  memset(text, 'x', 6);
  CHECK_STR("s3cret", secret.data);
  CHECK_INT(6, secret.len);
  CHECK_INT(PIX_OK, pix_secret_set(&secret, "other", 5, "api_key", &err));
  CHECK_STR("other", secret.data);
  CHECK_INT(PIX_OK, pix_secret_set(&secret, secret.data + 1, 3, "api_key", &err));
  CHECK_STR("the", secret.data);
  pix_secret_fini(&secret);
  CHECK(secret.data == NULL && secret.len == 0);
  pix_secret_fini(&secret);
}

static void refused(const char *text, size_t len) {
  struct pix_secret secret = {0};
  struct pix_err err;

  CHECK_INT(PIX_OK, pix_secret_set(&secret, "former", 6, "api_key", &err));
  CHECK_INT(PIX_EINVALID, pix_secret_set(&secret, text, len, "api_key", &err));
  CHECK_STR("api_key", err.field);
  CHECK(strstr(err.message, "s3cret") == NULL);
  CHECK_STR("former", secret.data);
  pix_secret_fini(&secret);
}

static void refuses(void) {
  static char large[PIX_MAX_SECRET + 1];

  refused("", 0);
  refused("s3cret\r\nX-Other: 1", 18);
  refused("s3cret\0", 7);
  refused("s3cret\t", 7);
  refused("s3cret\x7f", 7);
  memset(large, 'a', sizeof large);
  refused(large, sizeof large);
}

static void largest(void) {
  static char large[PIX_MAX_SECRET];
  struct pix_secret secret = {0};
  struct pix_err err;

  memset(large, 'a', sizeof large);
  CHECK_INT(PIX_OK, pix_secret_set(&secret, large, sizeof large, "api_key", &err));
  CHECK_INT(PIX_MAX_SECRET, secret.len);
  pix_secret_fini(&secret);
  CHECK_INT(PIX_OK, pix_secret_set(&secret, "senha \xc3\xa7", 8, "api_key", &err));
  pix_secret_fini(&secret);
}

static void equality(void) {
  struct pix_secret a = {0}, b = {0};
  struct pix_err err;

  CHECK(pix_secret_equal(&a, &b));
  CHECK_INT(PIX_OK, pix_secret_set(&a, "one", 3, "x", &err));
  CHECK(!pix_secret_equal(&a, &b));
  CHECK_INT(PIX_OK, pix_secret_set(&b, "two", 3, "x", &err));
  CHECK(!pix_secret_equal(&a, &b));
  CHECK_INT(PIX_OK, pix_secret_set(&b, "one", 3, "x", &err));
  CHECK(pix_secret_equal(&a, &b));
  CHECK_INT(PIX_OK, pix_secret_set(&b, "one2", 4, "x", &err));
  CHECK(!pix_secret_equal(&a, &b));
  pix_secret_fini(&a);
  pix_secret_fini(&b);
}

static const struct check_test tests[] = {
    {"a secret is a copy, replaced and ended safely", copies},
    {"what cannot stand in a header is refused and the former stays", refuses},
    {"the longest secret and bytes past ASCII are accepted", largest},
    {"secrets are compared", equality},
};

CHECK_MAIN(tests)
