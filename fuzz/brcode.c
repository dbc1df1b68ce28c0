/*
** brcode.c - fuzz target: what decodes has a CRC that holds, and what is encoded decodes to the
** same.
**
** Input: one byte, then
**   0  a whole code           1  a code without its CRC, which is appended
**   2  a code's members, a line each, to be encoded
*/
#include "fuzz.h"

#include "core/brcode.h"
#include "core/money.h"

/* As a reader will see it: what encode writes for members that were left out. */
static struct pix_brcode written_as(const struct pix_brcode *code) {
  struct pix_brcode out = *code;

  if (out.txid[0] == '\0') memcpy(out.txid, "***", 4);
  if (out.mcc[0] == '\0') memcpy(out.mcc, "0000", 5);
  if (out.dynamic && out.initiation[0] == '\0' && out.url[0] == '\0')
    memcpy(out.initiation, "12", 3);
  out.dynamic = strcmp(out.initiation, "12") == 0 || out.url[0] != '\0';
  return out;
}

static void check_equal(const struct pix_brcode *a, const struct pix_brcode *b) {
  FUZZ_CHECK(a->dynamic == b->dynamic);
  FUZZ_CHECK(a->amount == b->amount);
  FUZZ_CHECK(strcmp(a->initiation, b->initiation) == 0);
  FUZZ_CHECK(strcmp(a->key, b->key) == 0);
  FUZZ_CHECK(strcmp(a->url, b->url) == 0);
  FUZZ_CHECK(strcmp(a->info, b->info) == 0);
  FUZZ_CHECK(strcmp(a->mcc, b->mcc) == 0);
  FUZZ_CHECK(strcmp(a->name, b->name) == 0);
  FUZZ_CHECK(strcmp(a->city, b->city) == 0);
  FUZZ_CHECK(strcmp(a->postal_code, b->postal_code) == 0);
  FUZZ_CHECK(strcmp(a->txid, b->txid) == 0);
  FUZZ_CHECK(strcmp(a->recurrence, b->recurrence) == 0);
}

/* Encodes, and reads back what was written. */
static void round_trip(const struct pix_brcode *code) {
  struct pix_brcode again, expected = written_as(code);
  struct pix_err err;
  struct pix_buf out;

  pix_buf_init(&out, PIX_MAX_BRCODE);
  pix_err_init(&err);
  if (pix_brcode_encode(code, &out, &err) == PIX_OK) {
    FUZZ_CHECK(pix_brcode_test(out.data, out.len));
    FUZZ_CHECK(pix_brcode_decode(out.data, out.len, &again, &err) == PIX_OK);
    check_equal(&expected, &again);
  } else {
    fuzz_check_err(&err);
    FUZZ_CHECK(out.len == 0);
  }
  pix_buf_fini(&out);
}

static void check_decoded(const struct pix_brcode *code, const char *text, size_t len) {
  char crc[5];

  snprintf(crc, sizeof crc, "%04X", (unsigned)pix_brcode_crc(text, len - 4));
  FUZZ_CHECK(pix_text_is(text + len - 4, 4, crc));
  FUZZ_CHECK(code->crc == pix_brcode_crc(text, len - 4));
  FUZZ_CHECK(code->amount >= -1 && code->amount <= PIX_MAX_MONEY);
  FUZZ_CHECK(code->name[0] != '\0' && code->city[0] != '\0');
  round_trip(code);
}

static void decode(const char *text, size_t len) {
  struct pix_brcode code, untouched;
  struct pix_err err;

  memset(&code, 0x5A, sizeof code);
  memset(&untouched, 0x5A, sizeof untouched);
  pix_err_init(&err);
  if (pix_brcode_decode(text, len, &code, &err) == PIX_OK) {
    check_decoded(&code, text, len);
  } else {
    fuzz_check_err(&err);
    FUZZ_CHECK(strcmp(err.field, "code") == 0);
    FUZZ_CHECK(memcmp(&code, &untouched, sizeof code) == 0);
  }
}

static void decode_with_crc(const char *text, size_t len) {
  struct pix_buf whole;

  pix_buf_init(&whole, 2 * PIX_MAX_BRCODE);
  pix_buf_add(&whole, text, len);
  pix_buf_adds(&whole, "6304");
  pix_buf_addf(&whole, "%04X", (unsigned)pix_brcode_crc(pix_buf_text(&whole), whole.len));
  if (!whole.failed) decode(whole.data, whole.len);
  pix_buf_fini(&whole);
}

static void take_line(struct fuzz_input *input, char *to, size_t size) {
  size_t len;
  const char *line = fuzz_line(input, &len);

  if (len > size - 1) len = size - 1;
  if (len > 0) memcpy(to, line, len);
  to[len] = '\0';
}

static void encode_members(struct fuzz_input *input) {
  struct pix_brcode code;
  size_t len;
  const char *amount;

  memset(&code, 0, sizeof code);
  code.dynamic = fuzz_byte(input) % 2 == 1;
  amount = fuzz_line(input, &len);
  if (pix_money_parse(amount, len, &code.amount, NULL) != PIX_OK) code.amount = -1;
  take_line(input, code.initiation, sizeof code.initiation);
  take_line(input, code.key, sizeof code.key);
  take_line(input, code.url, sizeof code.url);
  take_line(input, code.info, sizeof code.info);
  take_line(input, code.mcc, sizeof code.mcc);
  take_line(input, code.name, sizeof code.name);
  take_line(input, code.city, sizeof code.city);
  take_line(input, code.postal_code, sizeof code.postal_code);
  take_line(input, code.txid, sizeof code.txid);
  take_line(input, code.recurrence, sizeof code.recurrence);
  round_trip(&code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  unsigned what = fuzz_byte(&input) % 3;
  size_t len;
  char *text;

  if (what == 2) {
    encode_members(&input);
    return 0;
  }
  text = fuzz_rest(&input, &len);
  if (what == 0)
    decode(text, len);
  else
    decode_with_crc(text, len);
  free(text);
  return 0;
}
