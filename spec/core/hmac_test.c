/*
** hmac_test.c - HMAC-SHA256 (RFC 4231) and how a MAC may be written.
*/
#include "../../src/core/hmac.h"
#include "../support/check.h"

static const char *hex(const unsigned char mac[PIX_HMAC_SIZE]) {
  static char out[2 * PIX_HMAC_SIZE + 1];

  for (int i = 0; i < PIX_HMAC_SIZE; i++) snprintf(out + 2 * i, 3, "%02x", mac[i]);
  return out;
}

static const char *hmac(const char *key, size_t key_len, const char *data, size_t len) {
  unsigned char mac[PIX_HMAC_SIZE];
  struct pix_err err;

  CHECK_INT(PIX_OK, pix_hmac_sha256(key, key_len, data, len, mac, &err));
  return hex(mac);
}

static void vectors(void) {
  char key[131], data[50];

  memset(key, 0x0b, 20);
  CHECK_STR("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            hmac(key, 20, "Hi There", 8));
  CHECK_STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            hmac("Jefe", 4, "what do ya want for nothing?", 28));
  memset(key, 0xaa, 20);
  memset(data, 0xdd, 50);
  CHECK_STR("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            hmac(key, 20, data, 50));
  for (int i = 0; i < 25; i++) key[i] = (char)(i + 1);
  memset(data, 0xcd, 50);
  CHECK_STR("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            hmac(key, 25, data, 50));
}

static void long_keys(void) {
  static const char six[] = "Test Using Larger Than Block-Size Key - Hash Key First";
  static const char seven[] =
      "This is a test using a larger than block-size key and a larger than block-size data. The "
      "key needs to be hashed before being used by the HMAC algorithm.";
  char key[131];

  memset(key, 0xaa, sizeof key);
  CHECK_STR("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            hmac(key, sizeof key, six, strlen(six)));
  CHECK_STR("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            hmac(key, sizeof key, seven, strlen(seven)));
}

static void empty(void) {
  CHECK_STR("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
            hmac(NULL, 0, NULL, 0));
}

static void equal(void) {
  CHECK(pix_hmac_equal("abc", "abc", 3));
  CHECK(!pix_hmac_equal("abc", "abd", 3));
  CHECK(!pix_hmac_equal("abc", "xbc", 3));
  CHECK(pix_hmac_equal("a\0b", "a\0b", 3));
  CHECK(!pix_hmac_equal("a\0b", "a\0c", 3));
  CHECK(pix_hmac_equal(NULL, NULL, 0));
}

static unsigned char jefe[PIX_HMAC_SIZE];

static bool test(const char *text) {
  struct pix_err err;

  CHECK_INT(PIX_OK, pix_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, jefe, &err));
  return pix_hmac_test(text, strlen(text), jefe);
}

#define LOWER  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
#define UPPER  "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"
#define BASE64 "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"

static void spellings(void) {
  CHECK(test(LOWER));
  CHECK(test(UPPER));
  CHECK(test("sha256=" LOWER));
  CHECK(test("SHA256=" UPPER));
  CHECK(test(BASE64 "="));
  CHECK(test(BASE64));
}

static void wrong_macs(void) {
  char text[] = LOWER;

  for (size_t i = 0; i < strlen(text); i++) {
    text[i] = LOWER[i] == '0' ? '1' : '0';
    CHECK(!test(text));
    text[i] = LOWER[i];
  }
  CHECK(!test("X9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="));
  CHECK(!test("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEQ="));
}

static void wrong_spellings(void) {
  CHECK(!test(""));
  CHECK(!test("sha256="));
  CHECK(!test("sha256:" LOWER));
  CHECK(!test(LOWER "0"));
  CHECK(!test(" " LOWER));
  CHECK(!test("sha256=" LOWER "00"));
  CHECK(!test("sha512=" LOWER));
  CHECK(!test("gbdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
  CHECK(!test("sha256=" BASE64 "="));
  CHECK(!test(BASE64 "=="));
  CHECK(!test(BASE64 "A"));
  CHECK(!test(BASE64 BASE64 BASE64 BASE64)); /* more than a MAC's bytes */
  CHECK(!test("5bdcc146bf60754e6a042426089575c75a003f089d27"));
}

static void digest(void) {
  char out[65];
  struct pix_err err;

  CHECK_INT(PIX_OK, pix_hmac_digest("abc", 3, out, &err));
  CHECK_STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", out);
  CHECK_INT(PIX_OK, pix_hmac_digest("", 0, out, &err));
  CHECK_STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", out);
}

static const struct check_test tests[] = {
    {"the vectors of RFC 4231 come out", vectors},
    {"keys longer than a block are hashed first", long_keys},
    {"an empty key and message are no failure", empty},
    {"bytes are compared, NUL too", equal},
    {"a MAC may be hex of either case, prefixed, or base64", spellings},
    {"a wrong MAC is refused wherever it differs", wrong_macs},
    {"another spelling is refused", wrong_spellings},
    {"a digest is 64 lower-case digits", digest},
};

CHECK_MAIN(tests)
