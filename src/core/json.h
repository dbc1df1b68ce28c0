/*
** json.h - a writer of request bodies: exact decimals, UTF-8 checked by the caller, keys in the
** order in which they are written (codecs write them sorted). lua-cjson cannot write 365.90.
** A mistake in the nesting or in a key marks the buffer as failed.
*/
#ifndef PIX_JSON_H
#define PIX_JSON_H

#include "buf.h"

struct pix_json {
  struct pix_buf *out; /* borrowed */
  int depth;
  bool first[PIX_MAX_JSON_DEPTH]; /* no comma yet at this level */
};

void pix_json_init(struct pix_json *json, struct pix_buf *out);
void pix_json_open(struct pix_json *json, const char *key); /* { ; key NULL only at the top */
void pix_json_close(struct pix_json *json);                 /* } */
void pix_json_string(struct pix_json *json, const char *key, const char *text, size_t len);
void pix_json_raw(struct pix_json *json, const char *key, const char *token); /* 365.90, true */

#endif
