/*
** err_test.c - descriptions of failures.
*/
#include <string.h>
#include "../../src/core/err.h"
#include "../support/check.h"

static void begins_empty(void) {
  struct pix_err err;

  memset(&err, 'x', sizeof err);
  pix_err_init(&err);
  CHECK_INT(PIX_OK, err.kind);
  CHECK_INT(PIX_SENT_NO, err.sent);
  CHECK_INT(0, err.http_status);
  CHECK(err.retry_after == -1);
  CHECK_STR("", err.message);
  CHECK_STR("", err.field);
  CHECK_STR("", err.hint);
  CHECK_STR("", err.code);
}

static void is_set(void) {
  struct pix_err err = {.http_status = 500, .sent = PIX_SENT_YES, .code = "4001"};

  CHECK_INT(PIX_EINVALID, pix_err_set(&err, PIX_EINVALID, "amount", "is %d", 7));
  CHECK_INT(PIX_EINVALID, err.kind);
  CHECK_INT(PIX_SENT_NO, err.sent);
  CHECK_INT(0, err.http_status);
  CHECK_STR("is 7", err.message);
  CHECK_STR("amount", err.field);
  CHECK_STR("", err.code);
  CHECK_INT(PIX_EINVALID, pix_err_hint(&err, "use %s", "cents"));
  CHECK_STR("use cents", err.hint);
  CHECK_INT(PIX_ECONFIG, pix_err_set(&err, PIX_ECONFIG, NULL, "x"));
  CHECK_STR("", err.field);
  CHECK_STR("", err.hint);
}

static void without_err(void) {
  CHECK_INT(PIX_EAUTH, pix_err_set(NULL, PIX_EAUTH, "x", "y"));
  CHECK_INT(PIX_OK, pix_err_hint(NULL, "x"));
}

static void too_long(void) {
  struct pix_err err;
  char text[2000];

  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  pix_err_set(&err, PIX_EINTERNAL, text, "%s", text);
  CHECK_INT(sizeof err.message - 1, strlen(err.message));
  CHECK_INT(sizeof err.field - 1, strlen(err.field));
  pix_err_hint(&err, "%s", text);
  CHECK_INT(sizeof err.hint - 1, strlen(err.hint));
}

static const char *copy(const char *text, size_t len, size_t size) {
  static char to[64];

  memset(to, 'x', sizeof to);
  pix_err_copy(to, size, text, len);
  return to;
}

static void is_made_safe(void) {
  CHECK_STR("a?b", copy("a\nb", 3, 64));
  CHECK_STR("a?b?", copy("a\0b\x7f", 4, 64));
  CHECK_STR("?[31m", copy("\x1b[31m", 5, 64));
  CHECK_STR("a?b", copy("a\xff"
                        "b",
                        3, 64));
  CHECK_STR("Jos\xc3\xa9", copy("Jos\xc3\xa9", 5, 64));
  CHECK_STR("?", copy("\xc3", 1, 64));
  CHECK_STR("?2J", copy("\xc2\x9b"
                        "2J",
                        4, 64)); /* U+009B, which is ESC [ to some terminals */
  CHECK_STR("\xc2\xa0", copy("\xc2\xa0", 2, 64));
}

static void a_long_message_is_cut_between_characters(void) {
  struct pix_err err;
  char text[600] = "a";

  for (size_t at = 1; at < 598; at += 2) memcpy(text + at, "\xc3\xa9", 2);
  pix_err_set(&err, PIX_EINVALID, NULL, "%s", text);
  CHECK(strchr(err.message, '?') == NULL);
  CHECK_INT(511, strlen(err.message));
}

static void is_cut_at_characters(void) {
  CHECK_STR("Jos", copy("Jos\xc3\xa9", 5, 5));
  CHECK_STR("Jos\xc3\xa9", copy("Jos\xc3\xa9", 5, 6));
  CHECK_STR("", copy("abc", 3, 1));
}

static void names(void) {
  CHECK_STR("ok", pix_err_kind_name(PIX_OK));
  CHECK_STR("invalid", pix_err_kind_name(PIX_EINVALID));
  CHECK_STR("internal", pix_err_kind_name(PIX_EINTERNAL));
  CHECK_STR("internal", pix_err_kind_name(PIX_KINDS));
  CHECK_INT(17, PIX_KINDS);
  for (int kind = PIX_OK + 1; kind < PIX_KINDS; kind++) {
    CHECK(pix_err_kind_name((enum pix_kind)kind)[0] != '\0');
    CHECK(pix_err_kind_hint((enum pix_kind)kind)[0] != '\0');
  }
  CHECK_STR("no", pix_err_sent_name(PIX_SENT_NO));
  CHECK_STR("maybe", pix_err_sent_name(PIX_SENT_MAYBE));
  CHECK_STR("yes", pix_err_sent_name(PIX_SENT_YES));
}

static const struct check_test tests[] = {
    {"an error begins empty", begins_empty},
    {"a failure replaces the former one", is_set},
    {"nobody needs to want the words", without_err},
    {"long words are cut", too_long},
    {"controls and broken UTF-8 become question marks", is_made_safe},
    {"a cut falls between characters", is_cut_at_characters},
    {"a long message is cut between characters", a_long_message_is_cut_between_characters},
    {"every kind has a name and a hint", names},
};

CHECK_MAIN(tests)
