/*
** brcode_test.c - BR Codes: those of the providers' documents, made ones, and hostile ones.
*/
#include "../../src/core/brcode.h"
#include "../support/check.h"

#include <stdlib.h>

/* detsegpay.txt, the reply of /transactions/buy */
#define DETSEG                                                                                     \
  "00020126820014br.gov.bcb.pix2560pix.s3bank.com/qr/v3/at/"                                       \
  "1f2692ec-9e51-42b7-80c4-05c7105c73a65204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG"         \
  "6009SAO_PAULO62070503***63040687"

/* payzu-plus.txt, "Formato do Webhook" */
#define PAYZU                                                                                      \
  "00020126850014br.gov.bcb.pix2563pix.voluti.com.br/qr/v3/at/"                                    \
  "ea34d2ff-6b0a-46af-9b83-9cbb516204875204000053039865802BR5925PAYZU_INSTITUICAO_DE_PAGA"         \
  "6014TEIXEIRA_DE_FR62070503***6304A70D"

/* payzu-plus.txt, the reply of /pix/create: cut off behind the merchant account */
#define PAYZU_CUT "00020126580014br.gov.bcb.pix0136123e4567-e89b-12d3-a456-426614174000"

/* Pix Automático: only a recurrence (a public sample) */
#define RECURRENT                                                                                  \
  "00020126180014br.gov.bcb.pix5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***"      \
  "80740014br.gov.bcb.pix2552pix.example.com/rec/2353c790eefb11eaadc10242ac1200026304F2DA"

#define HEAD    "000201"
#define ACCOUNT "26250014br.gov.bcb.pix0103abc"
#define MCC     "52040000"
#define REAL    "5303986"
#define BRASIL  "5802BR"
#define NAME    "5904Loja"
#define CITY    "6006Recife"
#define TXID    "62070503***"
#define PLAIN   HEAD ACCOUNT MCC REAL BRASIL NAME CITY TXID

/* Decodes from a block of exactly this size, so that an over-read is seen. */
static int decode_bytes(const char *text, size_t len, struct pix_brcode *code,
                        struct pix_err *err) {
  char *block = malloc(len > 0 ? len : 1);
  int rc;

  if (block == NULL) abort();
  memcpy(block, text, len);
  pix_err_init(err);
  rc = pix_brcode_decode(block, len, code, err);
  free(block);
  return rc;
}

/* Puts a right CRC behind a body and decodes that. */
static int decode_body(const char *body, struct pix_brcode *code, struct pix_err *err) {
  char text[1024];
  int len = snprintf(text, sizeof text - 4, "%s6304", body);

  snprintf(text + len, 5, "%04X", (unsigned)pix_brcode_crc(text, (size_t)len));
  return decode_bytes(text, (size_t)len + 4, code, err);
}

/* The message if the body is refused. */
static const char *refused(const char *body) {
  static struct pix_err err;
  struct pix_brcode code;

  if (decode_body(body, &code, &err) == PIX_OK) return "accepted";
  CHECK_STR("code", err.field);
  CHECK_INT(PIX_EINVALID, err.kind);
  return err.message;
}

#define CHECK_REFUSED(word, body) CHECK(strstr(refused(body), word) != NULL)

static void crc(void) {
  CHECK_INT(0x29b1, pix_brcode_crc("123456789", 9));
  CHECK_INT(0xffff, pix_brcode_crc("", 0));
}

static void detseg(void) {
  struct pix_brcode code;
  struct pix_err err;

  if (!CHECK_INT(PIX_OK, decode_bytes(DETSEG, strlen(DETSEG), &code, &err))) return;
  CHECK(code.dynamic);
  CHECK_STR("", code.initiation);
  CHECK_STR("", code.key);
  CHECK_STR("pix.s3bank.com/qr/v3/at/1f2692ec-9e51-42b7-80c4-05c7105c73a6", code.url);
  CHECK_STR("", code.info);
  CHECK_STR("0000", code.mcc);
  CHECK_INT(-1, code.amount);
  CHECK_STR("DETSEGINFOBR_SERVICOS_DIG", code.name);
  CHECK_STR("SAO_PAULO", code.city);
  CHECK_STR("", code.postal_code);
  CHECK_STR("***", code.txid);
  CHECK_STR("", code.recurrence);
  CHECK_INT(0x0687, code.crc);
}

static void payzu(void) {
  struct pix_brcode code;
  struct pix_err err;

  if (!CHECK_INT(PIX_OK, decode_bytes(PAYZU, strlen(PAYZU), &code, &err))) return;
  CHECK(code.dynamic);
  CHECK_STR("pix.voluti.com.br/qr/v3/at/ea34d2ff-6b0a-46af-9b83-9cbb51620487", code.url);
  CHECK_STR("PAYZU_INSTITUICAO_DE_PAGA", code.name);
  CHECK_STR("TEIXEIRA_DE_FR", code.city);
  CHECK_INT(-1, code.amount);
  CHECK_INT(0xa70d, code.crc);
}

static void payzu_cut(void) {
  struct pix_brcode code;
  struct pix_err err;

  CHECK_INT(PIX_EINVALID, decode_bytes(PAYZU_CUT, strlen(PAYZU_CUT), &code, &err));
  CHECK_STR("code", err.field);
  CHECK(strstr(err.message, "tag 63") != NULL);
}

static void recurrent(void) {
  struct pix_brcode code;
  struct pix_err err;

  if (!CHECK_INT(PIX_OK, decode_bytes(RECURRENT, strlen(RECURRENT), &code, &err))) return;
  CHECK_STR("pix.example.com/rec/2353c790eefb11eaadc10242ac120002", code.recurrence);
  CHECK_STR("", code.url);
  CHECK(!code.dynamic);
}

static void static_code(void) {
  struct pix_brcode code;
  struct pix_err err;

  if (!CHECK_INT(PIX_OK, decode_body(HEAD "010211"
                                          "26340014BR.GOV.BCB.PIX0103abc0205caf\xc3\xa9s" MCC REAL
                                          "540512.50" BRASIL NAME CITY "610850000000"
                                          "62100506Order1",
                                     &code, &err))) {
    return;
  }
  CHECK(!code.dynamic);
  CHECK_STR("11", code.initiation);
  CHECK_STR("abc", code.key);
  CHECK_STR("caf\xc3\xa9s", code.info);
  CHECK_INT(1250, code.amount);
  CHECK_STR("50000000", code.postal_code);
  CHECK_STR("Order1", code.txid);
}

static int64_t amount_of(const char *item) {
  char body[512];
  struct pix_brcode code;
  struct pix_err err;

  snprintf(body, sizeof body, "%s%s", PLAIN, item);
  return decode_body(body, &code, &err) == PIX_OK ? code.amount : -2;
}

static void amounts(void) {
  CHECK_INT(-1, amount_of(""));
  CHECK_INT(1, amount_of("54040.01"));
  CHECK_INT(0, amount_of("54040.00"));
  CHECK_INT(9800, amount_of("540298"));
  CHECK_INT(9850, amount_of("540498.5"));
  CHECK_INT(PIX_MAX_MONEY, amount_of("54139999999999.99"));
  CHECK_INT(-2, amount_of("541410000000000.00"));
  CHECK_INT(-2, amount_of("54139999999999999"));
  CHECK_INT(-2, amount_of("541400000000000.01"));
  CHECK_INT(-2, amount_of("54051.234"));
  CHECK_INT(-2, amount_of("54041,23"));
  CHECK_INT(-2, amount_of("5403.50"));
  CHECK_INT(-2, amount_of("54021."));
  CHECK_INT(-2, amount_of("5401."));
  CHECK_INT(-2, amount_of("54051.2.3"));
  CHECK_INT(-2, amount_of("5402-1"));
  CHECK_INT(-2, amount_of("54031e3"));
}

/* "José" is four characters and five bytes. */
static void both_counts(void) {
  struct pix_brcode code;
  struct pix_err err;

  CHECK_INT(PIX_OK, decode_body(HEAD ACCOUNT MCC REAL BRASIL "5904Jos\xc3\xa9"
                                                             "6009S\xc3\xa3o Paulo" TXID,
                                &code, &err));
  CHECK_STR("Jos\xc3\xa9", code.name);
  CHECK_INT(PIX_OK, decode_body(HEAD ACCOUNT MCC REAL BRASIL "5905Jos\xc3\xa9"
                                                             "6010S\xc3\xa3o Paulo" TXID,
                                &code, &err));
  CHECK_STR("Jos\xc3\xa9", code.name);
  CHECK_STR("S\xc3\xa3o Paulo", code.city);
  CHECK_INT(PIX_OK, err.kind);
  CHECK_STR("", err.message);
  CHECK_INT(PIX_EINVALID, decode_body(HEAD ACCOUNT MCC REAL BRASIL "5904Jos\xc3\xa9"
                                                                   "6010S\xc3\xa3o Paulo" TXID,
                                      &code, &err)); /* one of each */
}

static void other_account(void) {
  struct pix_brcode code;
  struct pix_err err;

  CHECK_INT(PIX_OK, decode_body(HEAD "26180014br.gov.bcb.xyz"
                                     "27250014br.gov.bcb.pix0103abc" MCC REAL BRASIL NAME CITY TXID,
                                &code, &err));
  CHECK_STR("abc", code.key);
  CHECK_REFUSED("tag 27 is a second",
                HEAD ACCOUNT "27250014br.gov.bcb.pix0103abc" MCC REAL BRASIL NAME CITY);
  CHECK_REFUSED("tag 26 (merchant", HEAD "26180014br.gov.bcb.xyz" MCC REAL BRASIL NAME CITY TXID);
}

static void missing(void) {
  CHECK_STR("accepted", refused(PLAIN));
  CHECK_STR("accepted", refused(HEAD ACCOUNT MCC REAL BRASIL NAME CITY));
  CHECK_REFUSED("tag 26 ", HEAD MCC REAL BRASIL NAME CITY TXID);
  CHECK_REFUSED("tag 52 ", HEAD ACCOUNT REAL BRASIL NAME CITY TXID);
  CHECK_REFUSED("tag 53 ", HEAD ACCOUNT MCC BRASIL NAME CITY TXID);
  CHECK_REFUSED("tag 53 ", HEAD ACCOUNT MCC "5303840" BRASIL NAME CITY TXID);
  CHECK_REFUSED("tag 58 ", HEAD ACCOUNT MCC REAL NAME CITY TXID);
  CHECK_REFUSED("tag 58 ", HEAD ACCOUNT MCC REAL "5802US" NAME CITY TXID);
  CHECK_REFUSED("tag 59 ", HEAD ACCOUNT MCC REAL BRASIL CITY TXID);
  CHECK_REFUSED("tag 60 ", HEAD ACCOUNT MCC REAL BRASIL NAME TXID);
  CHECK_REFUSED("tag 26.01 ", HEAD "26180014br.gov.bcb.pix" MCC REAL BRASIL NAME CITY TXID);
}

static void malformed(void) {
  CHECK_REFUSED("tag 01 ", PLAIN "010213");
  CHECK_REFUSED("tag 52 ", HEAD ACCOUNT "5203000" REAL BRASIL NAME CITY TXID);
  CHECK_REFUSED("tag 59 ", HEAD ACCOUNT MCC REAL BRASIL "5926abcdefghijklmnopqrstuvwxyz" CITY);
  CHECK_REFUSED("tag 60 ", HEAD ACCOUNT MCC REAL BRASIL NAME "6016abcdefghijklmnop");
  CHECK_REFUSED("tag 61 ", PLAIN "611112345678901");
  CHECK_REFUSED("tag 62.05 ",
                HEAD ACCOUNT MCC REAL BRASIL NAME CITY "62300526abcdefghijklmnopqrstuvwxyz");
  CHECK_REFUSED("tag 26.25 ",
                HEAD "26340014br.gov.bcb.pix2512https://a.br" MCC REAL BRASIL NAME CITY);
  CHECK_REFUSED("tag 26.01 ", HEAD "26250014br.gov.bcb.pix0103a c" MCC REAL BRASIL NAME CITY);
  CHECK_REFUSED("stand both",
                HEAD "26350014br.gov.bcb.pix0103abc2506a.br/x" MCC REAL BRASIL NAME CITY);
}

static void broken_structure(void) {
  CHECK_REFUSED("tag 59 stands twice", PLAIN NAME);
  CHECK_REFUSED("tag 00 stands twice", PLAIN "000201");
  CHECK_REFUSED("tag 26.01 stands twice",
                HEAD "26320014br.gov.bcb.pix0103abc0103abc" MCC REAL BRASIL NAME CITY);
  CHECK_REFUSED("tag 70 is longer", PLAIN "7099x");
  CHECK_REFUSED("tag 70 is longer", PLAIN "7002x");
  CHECK_REFUSED("tag 26.01 is longer", HEAD "26250014br.gov.bcb.pix0104abc" MCC REAL BRASIL NAME);
  CHECK_REFUSED("tag 62 is not followed", PLAIN "7");
  CHECK_REFUSED("tag 62 is not followed", PLAIN "700");
  CHECK_REFUSED("tag 62 is not followed", PLAIN "70-1x");
  CHECK_REFUSED("tag 62 is not followed", PLAIN "7x01x");
  CHECK_REFUSED("tag 62.05 is longer", HEAD ACCOUNT MCC REAL BRASIL NAME CITY "62070504***");
}

static void empty_items(void) {
  CHECK_STR("accepted", refused(PLAIN "0100540061007000"));
  CHECK_STR("accepted", refused(HEAD ACCOUNT MCC REAL BRASIL NAME CITY "6200"));
  CHECK_REFUSED("tag 59 ", HEAD ACCOUNT MCC REAL BRASIL "5900" CITY TXID);
}

static const char *refused_bytes(const char *text, size_t len) {
  static struct pix_err err;
  struct pix_brcode code;

  if (decode_bytes(text, len, &code, &err) == PIX_OK) return "accepted";
  CHECK_STR("code", err.field);
  return err.message;
}

static void broken_frame(void) {
  char text[] = DETSEG, large[PIX_MAX_BRCODE + 2];

  CHECK(strstr(refused_bytes("", 0), "empty") != NULL);
  CHECK(strstr(refused_bytes("000201", 6), "tag 63") != NULL);
  CHECK(strstr(refused_bytes("0002016304AAE6", 14), "tag 26") != NULL);
  CHECK(strstr(refused_bytes("63041D3D", 8), "tag 00") != NULL);
  CHECK(strstr(refused_bytes(DETSEG "\n", sizeof DETSEG), "control") != NULL);
  CHECK(strstr(refused_bytes(DETSEG " ", sizeof DETSEG), "tag 63") != NULL);
  CHECK(strstr(refused_bytes(DETSEG, sizeof DETSEG), "control") != NULL); /* with its NUL */
  text[100] ^= 1;
  CHECK(strstr(refused_bytes(text, strlen(text)), "tag 63 (CRC) is 0687") != NULL);
  text[100] = '\xff';
  CHECK(strstr(refused_bytes(text, strlen(text)), "UTF-8") != NULL);
  memset(large, '0', sizeof large);
  CHECK(strstr(refused_bytes(large, PIX_MAX_BRCODE + 1), "longer") != NULL);
  memcpy(text, DETSEG, sizeof text);
  text[strlen(text) - 1] = 'x';
  CHECK(strstr(refused_bytes(text, strlen(text)), "hexadecimal") != NULL);
}

static void lower_case_crc(void) {
  char text[] = PAYZU;
  struct pix_brcode code;
  struct pix_err err;

  memcpy(text + strlen(text) - 4, "a70d", 4);
  CHECK_INT(PIX_OK, decode_bytes(text, strlen(text), &code, &err));
}

static void filled_on_success_only(void) {
  struct pix_brcode code;
  struct pix_err err;

  memset(&code, 'x', sizeof code);
  CHECK_INT(PIX_EINVALID, decode_body(HEAD ACCOUNT MCC REAL BRASIL NAME, &code, &err));
  CHECK(code.name[0] == 'x' && code.key[0] == 'x');
}

/* Every cut and every changed byte of a real code is refused (a CRC-16 sees each single one). */
static void every_cut_and_change(void) {
  char text[] = PAYZU;
  struct pix_brcode code;
  struct pix_err err;
  size_t len = strlen(text);

  for (size_t i = 0; i < len; i++) CHECK(decode_bytes(text, i, &code, &err) == PIX_EINVALID);
  for (size_t i = 0; i < len - 4; i++) {
    for (int bit = 0; bit < 8; bit++) {
      text[i] ^= (char)(1 << bit);
      CHECK(decode_bytes(text, len, &code, &err) == PIX_EINVALID);
      text[i] ^= (char)(1 << bit);
    }
  }
}

/* Bodies made of digits and separators with a right CRC, from a fixed seed: no over-read. */
static void hostile(void) {
  static const char alphabet[] = "0000112234566789.brBR\xc3\xa9";
  char body[512];
  struct pix_brcode code;
  struct pix_err err;
  uint32_t state = 1;
  int accepted = 0;

  for (int round = 0; round < 20000; round++) {
    int len = snprintf(body, sizeof body, "%s", PLAIN);
    for (int change = 0; change < 3; change++) {
      state = state * 1664525u + 1013904223u;
      body[6 + (state >> 8) % (uint32_t)(len - 6)] =
          alphabet[(state >> 24) % (sizeof alphabet - 1)];
    }
    if (decode_body(body, &code, &err) == PIX_OK) accepted++;
  }
  CHECK(accepted > 0 && accepted < 20000);
}

static struct pix_brcode plain(void) {
  struct pix_brcode code = {.amount = -1};

  snprintf(code.key, sizeof code.key, "loja@example.com");
  snprintf(code.name, sizeof code.name, "Loja");
  snprintf(code.city, sizeof code.city, "Recife");
  return code;
}

/* The code's text, or the field at fault. */
static const char *encode(const struct pix_brcode *code) {
  static char text[PIX_MAX_BRCODE + 1];
  struct pix_buf out;
  struct pix_err err;

  pix_err_init(&err);
  pix_buf_init(&out, 4096);
  if (pix_brcode_encode(code, &out, &err) == PIX_OK) {
    snprintf(text, sizeof text, "%s", pix_buf_text(&out));
  } else {
    CHECK_INT(PIX_EINVALID, err.kind);
    CHECK_INT(0, out.len);
    snprintf(text, sizeof text, "%s", err.field);
  }
  pix_buf_fini(&out);
  return text;
}

static void writes(void) {
  struct pix_brcode code = plain();

  CHECK_STR("00020126380014br.gov.bcb.pix0116loja@example.com5204000053039865802BR5904Loja"
            "6006Recife62070503***6304282D",
            encode(&code));
  code.amount = 123456;
  CHECK(strstr(encode(&code), "530398654071234.565802BR") != NULL);
  code.dynamic = true;
  CHECK(strstr(encode(&code), "00020101021226") != NULL);
}

static void rewrites_real_codes(void) {
  static const char *const codes[] = {DETSEG, PAYZU, RECURRENT};
  struct pix_brcode code;
  struct pix_err err;

  for (size_t i = 0; i < PIX_COUNT(codes); i++) {
    CHECK_INT(PIX_OK, decode_bytes(codes[i], strlen(codes[i]), &code, &err));
    CHECK_STR(codes[i], encode(&code));
  }
}

static void check_round_trip(const struct pix_brcode *code) {
  struct pix_brcode again;
  struct pix_err err;
  const char *text = encode(code);

  if (!CHECK_INT(PIX_OK, decode_bytes(text, strlen(text), &again, &err))) return;
  CHECK_STR(code->key, again.key);
  CHECK_STR(code->url, again.url);
  CHECK_STR(code->info, again.info);
  CHECK_STR(code->name, again.name);
  CHECK_STR(code->city, again.city);
  CHECK_STR(code->postal_code, again.postal_code);
  CHECK_STR(code->txid, again.txid);
  CHECK_STR(code->recurrence, again.recurrence);
  CHECK_INT(code->amount, again.amount);
}

static void round_trips(void) {
  struct pix_brcode code = plain();

  snprintf(code.name, sizeof code.name, "S\xc3\xa3o Jo\xc3\xa3o \xf0\x9f\x8d\x95 Pizzas");
  snprintf(code.city, sizeof code.city, "\xc3\x81gua Branca");
  snprintf(code.info, sizeof code.info, "caf\xc3\xa9 \xe2\x82\xac");
  snprintf(code.postal_code, sizeof code.postal_code, "50000-000");
  snprintf(code.txid, sizeof code.txid, "Order0000000000000000000017");
  code.txid[25] = '\0';
  code.amount = PIX_MAX_MONEY;
  check_round_trip(&code);
  code.key[0] = code.info[0] = '\0';
  snprintf(code.url, sizeof code.url, "pix.example.com/qr/v2/%054d", 7);
  snprintf(code.recurrence, sizeof code.recurrence, "pix.example.com/rec/1");
  code.amount = 1;
  check_round_trip(&code);
}

static void refuses_to_write(void) {
  struct pix_brcode code = plain();

#define CHECK_FIELD(field, change)                                                                 \
  do {                                                                                             \
    code = plain();                                                                                \
    change;                                                                                        \
    CHECK_STR(field, encode(&code));                                                               \
  } while (0)
  CHECK_FIELD("key", code.key[0] = '\0');
  CHECK_FIELD("key", snprintf(code.url, sizeof code.url, "a.br/x"));
  CHECK_FIELD("key", snprintf(code.key, sizeof code.key, "a b"));
  CHECK_FIELD("key", snprintf(code.key, sizeof code.key, "%078d", 1));
  CHECK_FIELD("url", snprintf(code.url, sizeof code.url, "https://a.br"));
  CHECK_FIELD("info", (snprintf(code.key, sizeof code.key, "%077d", 1),
                       snprintf(code.info, sizeof code.info, "x")));
  CHECK_FIELD("name", code.name[0] = '\0');
  CHECK_FIELD("name", snprintf(code.name, sizeof code.name, "%026d", 1));
  CHECK_FIELD("name", snprintf(code.name, sizeof code.name, "a\nb"));
  CHECK_FIELD("name", snprintf(code.name, sizeof code.name, "a\xff"));
  CHECK_FIELD("name", memset(code.name, 'x', sizeof code.name)); /* not terminated */
  CHECK_FIELD("city", code.city[0] = '\0');
  CHECK_FIELD("city", snprintf(code.city, sizeof code.city, "%016d", 1));
  CHECK_FIELD("mcc", snprintf(code.mcc, sizeof code.mcc, "12"));
  CHECK_FIELD("initiation", snprintf(code.initiation, sizeof code.initiation, "13"));
  CHECK_FIELD("txid", snprintf(code.txid, sizeof code.txid, "order-17"));
  CHECK_FIELD("txid", snprintf(code.txid, sizeof code.txid, "%026d", 1));
  CHECK_FIELD("amount", code.amount = 0);
  CHECK_FIELD("amount", code.amount = -2);
  CHECK_FIELD("amount", code.amount = PIX_MAX_MONEY + 1);
  CHECK_FIELD("recurrence", snprintf(code.recurrence, sizeof code.recurrence, "x://y"));
}

static void full_buffer(void) {
  struct pix_brcode code = plain();
  struct pix_buf out;
  struct pix_err err;

  pix_buf_init(&out, 10);
  CHECK_INT(PIX_EINTERNAL, pix_brcode_encode(&code, &out, &err));
  pix_buf_fini(&out);
}

/* Appends a character of four bytes. */
static void add_wide(char *text) {
  memcpy(text + strlen(text), "\xF0\x9F\x98\x80", 5);
}

/* Each member is within its own limit of characters, and all together have too many bytes. */
static void too_long_together(void) {
  struct pix_brcode code = {.key = "loja@example.com", .amount = -1};
  struct pix_buf out;
  struct pix_err err;

  for (int i = 0; i < 25; i++) add_wide(code.name);
  for (int i = 0; i < 15; i++) add_wide(code.city);
  for (int i = 0; i < 50; i++) add_wide(code.info);
  memset(code.recurrence, 'r', 75);
  pix_buf_init(&out, PIX_MAX_BRCODE);
  CHECK_INT(PIX_EINVALID, pix_brcode_encode(&code, &out, &err));
  CHECK_STR("the code is longer than 512 bytes", err.message);
  CHECK_INT(0, out.len);
  pix_buf_fini(&out);
}

static void recognised(void) {
  CHECK(pix_brcode_test(DETSEG, strlen(DETSEG)));
  CHECK(!pix_brcode_test("00020", 5));
  CHECK(!pix_brcode_test("eyJpZCI6", 8));
  CHECK(!pix_brcode_test("", 0));
}

static const struct check_test tests[] = {
    {"the CRC is CCITT-FALSE", crc},
    {"DetsegPay's code is read", detseg},
    {"PayZu's code is read", payzu},
    {"PayZu's truncated code is refused", payzu_cut},
    {"a code with a recurrence only is read", recurrent},
    {"a static code with every member is read", static_code},
    {"amounts are read exactly or refused", amounts},
    {"lengths may count characters or bytes, but not both", both_counts},
    {"accounts of other schemes are passed over", other_account},
    {"a missing tag is named", missing},
    {"a malformed tag is named", malformed},
    {"broken structure is refused and named", broken_structure},
    {"an empty item counts as absent", empty_items},
    {"a broken beginning, end or text is refused", broken_frame},
    {"the CRC may be written in lower case", lower_case_crc},
    {"nothing is filled on failure", filled_on_success_only},
    {"every cut and every changed bit is seen", every_cut_and_change},
    {"hostile lengths with a right CRC do no harm", hostile},
    {"a code is written", writes},
    {"real codes are written as they were read", rewrites_real_codes},
    {"what is written is read back, accents too", round_trips},
    {"what cannot be written is refused by its member's name", refuses_to_write},
    {"a full buffer is reported", full_buffer},
    {"members that fit, and are too long together, are refused", too_long_together},
    {"a BR Code is recognised by its beginning", recognised},
};

CHECK_MAIN(tests)
