/*
** json.c - a writer of request bodies; see json.h. Errors stick to the buffer.
*/
#include "json.h"

#include <string.h>

static void escape(struct pix_buf *out, char c) {
  const char *shorts = "\"\\\b\f\n\r\t", *letters = "\"\\bfnrt";
  const char *found = c != '\0' ? strchr(shorts, c) : NULL;

  if (found == NULL)
    pix_buf_addf(out, "\\u%04x", (unsigned)(unsigned char)c);
  else
    pix_buf_addf(out, "\\%c", letters[found - shorts]);
}

/* Whole runs between characters that need an escape. */
static void quote(struct pix_buf *out, const char *text, size_t len) {
  size_t from = 0;

  pix_buf_addc(out, '"');
  for (size_t i = 0; i < len; i++) {
    if ((unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\') continue;
    pix_buf_add(out, text + from, i - from);
    escape(out, text[i]);
    from = i + 1;
  }
  pix_buf_add(out, text + from, len - from);
  pix_buf_addc(out, '"');
}

/* Comma and key before a value; a member without a key, or a key at the top, is a mistake. */
static void lead(struct pix_json *json, const char *key) {
  if ((json->depth == 0) != (key == NULL)) json->out->failed = true;
  if (json->depth == 0 || key == NULL) return;
  if (!json->first[json->depth - 1]) pix_buf_addc(json->out, ',');
  json->first[json->depth - 1] = false;
  quote(json->out, key, strlen(key));
  pix_buf_addc(json->out, ':');
}

void pix_json_init(struct pix_json *json, struct pix_buf *out) {
  memset(json, 0, sizeof *json);
  json->out = out;
}

void pix_json_open(struct pix_json *json, const char *key) {
  lead(json, key);
  if (json->depth == PIX_MAX_JSON_DEPTH) {
    json->out->failed = true;
    return;
  }
  pix_buf_addc(json->out, '{');
  json->first[json->depth++] = true;
}

void pix_json_close(struct pix_json *json) {
  if (json->depth == 0) {
    json->out->failed = true;
    return;
  }
  json->depth--;
  pix_buf_addc(json->out, '}');
}

void pix_json_string(struct pix_json *json, const char *key, const char *text, size_t len) {
  lead(json, key);
  quote(json->out, text, len);
}

void pix_json_raw(struct pix_json *json, const char *key, const char *token) {
  lead(json, key);
  pix_buf_adds(json->out, token);
}
