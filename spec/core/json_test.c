/*
** json_test.c - the writer of request bodies.
*/
#include "../../src/core/json.h"
#include "../support/check.h"

static struct pix_buf buf;
static struct pix_json json;

static void begin(void) {
  pix_buf_init(&buf, 4096);
  pix_json_init(&json, &buf);
}

static void members(void) {
  begin();
  pix_json_open(&json, NULL);
  pix_json_raw(&json, "amount", "365.90");
  pix_json_open(&json, "customer");
  pix_json_close(&json);
  pix_json_open(&json, "payer");
  pix_json_string(&json, "name", "Jos\xc3\xa9", 5);
  pix_json_raw(&json, "new", "true");
  pix_json_close(&json);
  pix_json_string(&json, "z", "", 0);
  pix_json_close(&json);
  CHECK_STR("{\"amount\":365.90,\"customer\":{},\"payer\":{\"name\":\"Jos\xc3\xa9\",\"new\":true},"
            "\"z\":\"\"}",
            pix_buf_text(&buf));
  CHECK(!buf.failed);
  pix_buf_fini(&buf);
}

static void escapes(void) {
  begin();
  pix_json_open(&json, NULL);
  pix_json_string(&json, "a\"b", "\"\\/\b\f\n\r\t\0\x1f\x7f", 11);
  pix_json_close(&json);
  CHECK_STR("{\"a\\\"b\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"}", pix_buf_text(&buf));
  pix_buf_fini(&buf);
}

static void top_level(void) {
  begin();
  pix_json_string(&json, NULL, "x", 1);
  CHECK_STR("\"x\"", pix_buf_text(&buf));
  pix_buf_fini(&buf);
}

static void depth(void) {
  begin();
  for (int i = 0; i < PIX_MAX_JSON_DEPTH; i++) pix_json_open(&json, i == 0 ? NULL : "a");
  CHECK(!buf.failed);
  pix_json_open(&json, "a");
  CHECK(buf.failed);
  pix_buf_fini(&buf);
}

static void mistakes(void) {
  begin();
  pix_json_close(&json);
  CHECK(buf.failed);
  pix_buf_fini(&buf);
  begin();
  pix_json_open(&json, NULL);
  pix_json_raw(&json, NULL, "1");
  CHECK(buf.failed);
  pix_buf_fini(&buf);
  begin();
  pix_json_raw(&json, "a", "1");
  CHECK(buf.failed);
  pix_buf_fini(&buf);
}

static const struct check_test tests[] = {
    {"members are written in their order with exact decimals", members},
    {"quotes, backslashes and controls are escaped", escapes},
    {"a value may stand alone", top_level},
    {"nesting has a maximum", depth},
    {"wrong nesting and keys mark the buffer as failed", mistakes},
};

CHECK_MAIN(tests)
