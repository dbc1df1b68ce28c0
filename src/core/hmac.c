/*
** hmac.c - HMAC-SHA256 and comparisons; see hmac.h.
*/
#include "hmac.h"

#include <limits.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "text.h"

#define HEX_LEN (2 * PIX_HMAC_SIZE)
#define PREFIX  "sha256="

int pix_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char out[PIX_HMAC_SIZE], struct pix_err *err) {
  unsigned size = 0;
  const void *start = key_len > 0 ? key : "";

  if (key_len <= INT_MAX &&
      HMAC(EVP_sha256(), start, (int)key_len, data, len, out, &size) != NULL &&
      size == PIX_HMAC_SIZE) {
    return PIX_OK;
  }
  return pix_err_set(err, PIX_EINTERNAL, NULL, "OpenSSL could not compute an HMAC-SHA256");
}

bool pix_hmac_equal(const void *a, const void *b, size_t len) {
  return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}

static bool decode_hex(const char *text, unsigned char out[PIX_HMAC_SIZE]) {
  for (size_t i = 0; i < PIX_HMAC_SIZE; i++) {
    int high = pix_text_hex(text[2 * i]), low = pix_text_hex(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

/* Only what came from outside decides how it is decoded; the MAC itself meets CRYPTO_memcmp. */
bool pix_hmac_test(const char *text, size_t len, const unsigned char mac[PIX_HMAC_SIZE]) {
  unsigned char given[PIX_HMAC_SIZE + 4];
  size_t skip = strlen(PREFIX);

  if (len == skip + HEX_LEN && pix_text_is(text, skip, PREFIX)) {
    text += skip;
    len -= skip;
  }
  if (len == HEX_LEN) {
    return decode_hex(text, given) && pix_hmac_equal(given, mac, PIX_HMAC_SIZE);
  }
  if (len != 43 && len != 44) return false;
  return pix_text_base64(text, len, given) == PIX_HMAC_SIZE &&
         pix_hmac_equal(given, mac, PIX_HMAC_SIZE);
}

int pix_hmac_digest(const void *data, size_t len, char out[65], struct pix_err *err) {
  static const char hex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;

  out[0] = '\0';
  if (EVP_Digest(data, len, digest, &size, EVP_sha256(), NULL) != 1 || size != PIX_HMAC_SIZE) {
    return pix_err_set(err, PIX_EINTERNAL, NULL, "OpenSSL could not compute a SHA-256");
  }
  for (size_t i = 0; i < PIX_HMAC_SIZE; i++) {
    out[2 * i] = hex[digest[i] >> 4];
    out[2 * i + 1] = hex[digest[i] & 15];
  }
  out[HEX_LEN] = '\0';
  return PIX_OK;
}
