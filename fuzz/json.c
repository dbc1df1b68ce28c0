/*
** json.c - fuzz target: checks and encodings of text, and the writer of request bodies: whatever
** text is given, the body is JSON that a reader (lua-cjson) takes apart into the same text.
** Input: lines; each becomes a string, every fourth opens or closes an object.
*/
#include "lua_state.h"

#include "core/json.h"

static void utf8(const char *text, size_t len) {
  size_t count = 0;
  char copy[64];

  for (size_t at = 0; at < len; count++) {
    size_t step = pix_text_utf8_step(text + at, len - at);
    FUZZ_CHECK(step <= 4 && step <= len - at);
    at += step > 0 ? step : 1;
  }
  FUZZ_CHECK(pix_text_utf8_count(text, len) == count);
  pix_err_copy(copy, sizeof copy, text, len);
  fuzz_check_text(copy, sizeof copy);
}

static void percent(const char *text, size_t len) {
  struct pix_buf out;
  size_t at = 0;

  pix_buf_init(&out, 3 * len + 1);
  pix_text_percent(&out, text, len);
  FUZZ_CHECK(!out.failed);
  for (size_t i = 0; i < out.len; i++, at++) {
    unsigned char c = (unsigned char)out.data[i];
    FUZZ_CHECK(c > ' ' && c < 0x7F && strchr("/?#&=", c) == NULL);
    if (c == '%') {
      FUZZ_CHECK(i + 2 < out.len);
      c = (unsigned char)(pix_text_hex(out.data[i + 1]) * 16 + pix_text_hex(out.data[i + 2]));
      i += 2;
    }
    FUZZ_CHECK(at < len && c == (unsigned char)text[at]);
  }
  FUZZ_CHECK(at == len);
  pix_buf_fini(&out);
}

/* The writer takes text that was checked: for UTF-8, or to be of printable characters. */
static bool writable(const char *text, size_t len) {
  for (size_t at = 0; at < len;) {
    size_t step = pix_text_utf8_step(text + at, len - at);
    if (step == 0) return false;
    at += step;
  }
  return true;
}

/* {"a0":"…","n":{"a1":"…", … }} ; pushes the array of the texts that must be found in it. */
static void write_body(lua_State *L, struct fuzz_input *input, struct pix_buf *out) {
  struct pix_json json;
  char key[16];
  int depth = 1;

  pix_json_init(&json, out);
  pix_json_open(&json, NULL);
  lua_newtable(L);
  for (int i = 0; i < 40 && input->size > 0; i++) {
    size_t len;
    const char *text = fuzz_line(input, &len);
    if (!writable(text, len)) continue;
    snprintf(key, sizeof key, "a%d", i);
    pix_json_string(&json, key, text, len);
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, key);
    if (i % 4 == 3 && len % 2 == 0 && depth < 8) {
      snprintf(key, sizeof key, "n%d", i);
      pix_json_open(&json, key);
      depth++;
    } else if (i % 4 == 3 && depth > 1) {
      pix_json_close(&json);
      depth--;
    }
  }
  while (depth-- > 0) pix_json_close(&json);
}

/* Takes off from the table at `wanted` each text that is found in the one at `index`. */
static void compare(lua_State *L, int index, int wanted) {
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_istable(L, -1)) {
      compare(L, lua_gettop(L), wanted);
      continue;
    }
    lua_pushvalue(L, -2);
    lua_rawget(L, wanted);
    FUZZ_CHECK(lua_rawequal(L, -1, -2));
    lua_pop(L, 1);
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, wanted);
  }
}

static int check_json(lua_State *L) {
  struct fuzz_input *input = lua_touserdata(L, 2);
  struct pix_buf out;

  luaL_checkstack(L, 100, NULL);
  pix_buf_init(&out, PIX_MAX_REQUEST);
  write_body(L, input, &out);
  if (!out.failed) {
    FUZZ_CHECK(memchr(out.data, '\n', out.len) == NULL && memchr(out.data, '\0', out.len) == NULL);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, out.data, out.len);
    FUZZ_CHECK(lua_pcall(L, 1, 1, 0) == LUA_OK && lua_istable(L, -1));
    compare(L, 4, 3);
    lua_pushnil(L);
    FUZZ_CHECK(lua_next(L, 3) == 0);
  }
  pix_buf_fini(&out);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  struct fuzz_input input = {data, size};
  size_t len;
  char *text = fuzz_rest(&input, &len);

  if (L == NULL) L = fuzz_state();
  utf8(text, len);
  percent(text, len);
  input = (struct fuzz_input){(const uint8_t *)text, len};
  fuzz_step(L, check_json, &input);
  free(text);
  return 0;
}
