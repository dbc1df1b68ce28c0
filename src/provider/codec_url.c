/*
** codec_url.c - is this text a URL that luapix may talk to, or let a provider talk to? No parser of
** libcurl's is asked: a codec does no I/O, and what is refused here is refused before any.
*/
#include "interpreter.h"

#include <string.h>

#include "../core/text.h"

struct authority {
  const char *host;
  size_t host_len;
  const char *rest; /* what comes behind the port: "" or "/…" */
};

static bool is_host_char(char c) {
  return pix_text_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_';
}

/* Splits "host[:port][/…]". "@" is no host character: user:password@ is refused with the rest. */
static bool split(const char *text, struct authority *out) {
  const char *at = text;

  out->host = text;
  if (*at == '[') {
    at++;
    while (*at == ':' || pix_text_is_digit(*at) || (*at >= 'a' && *at <= 'f') ||
           (*at >= 'A' && *at <= 'F'))
      at++;
    if (*at++ != ']') return false;
  } else {
    while (is_host_char(*at)) at++;
  }
  out->host_len = (size_t)(at - text);
  if (*at == ':') {
    const char *port = ++at;
    while (pix_text_is_digit(*at)) at++;
    if (at == port || at - port > 5) return false;
  }
  out->rest = at;
  return out->host_len > 0 && (*at == '\0' || *at == '/' || *at == '?');
}

/* 127.0.0.0/8 as four numbers: "127.0.0.1.example.com" is somebody else's. */
static bool is_loopback(const char *host, size_t len) {
  int dots = 0;

  if (pix_text_is(host, len, "localhost") || pix_text_is(host, len, "[::1]")) return true;
  if (len < 9 || memcmp(host, "127.", 4) != 0) return false;
  for (size_t i = 0; i < len; i++) {
    if (host[i] == '.')
      dots++;
    else if (!pix_text_is_digit(host[i]))
      return false;
  }
  return dots == 3 && host[len - 1] != '.';
}

static bool has_only_url_chars(const char *text, size_t len, bool base) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}#", c) != NULL) return false;
    if (base && c == '?') return false;
  }
  return true;
}

int pix_url_check(const char *text, size_t len, bool allow_http, bool base, enum pix_kind kind,
                  const char *field, struct pix_err *err) {
  struct authority authority;
  bool tls, plain;

  if (len == 0 || len > PIX_MAX_URL / 2)
    return pix_err_set(err, kind, field, "%s must be 1 to %d bytes long", field, PIX_MAX_URL / 2);
  if (!has_only_url_chars(text, len, base))
    return pix_err_set(err, kind, field, "%s has a character that no URL has here", field);
  tls = len > 8 && pix_text_is(text, 8, "https://");
  plain = len > 7 && pix_text_is(text, 7, "http://");
  if (!tls && !plain) return pix_err_set(err, kind, field, "%s must begin with https://", field);
  if (!split(text + (tls ? 8 : 7), &authority))
    return pix_err_set(err, kind, field, "%s has no valid host", field);
  if (plain && !allow_http && !is_loopback(authority.host, authority.host_len)) {
    pix_err_set(err, kind, field, "%s is http:// to another machine", field);
    pix_err_hint(err, "use https://; keys and personal data would travel readable for everybody");
    return kind;
  }
  return PIX_OK;
}
