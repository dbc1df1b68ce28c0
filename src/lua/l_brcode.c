/*
** l_brcode.c - BR Codes to and from tables, by rows: one for each text member.
*/
#include "l_tools.h"

#include <stdio.h>
#include <string.h>

#include "l_util.h"
#include "../core/brcode.h"
#include "../core/money.h"

static const struct {
  const char *name;
  size_t at, size;
} members[] = {
#define MEMBER(name)                                                                               \
  { #name, offsetof(struct pix_brcode, name), sizeof(((struct pix_brcode *)0)->name) }
    MEMBER(initiation), MEMBER(key),  MEMBER(url),         MEMBER(info), MEMBER(mcc),
    MEMBER(name),       MEMBER(city), MEMBER(postal_code), MEMBER(txid), MEMBER(recurrence),
#undef MEMBER
};

int l_brcode_decode(lua_State *L) {
  struct pix_brcode code;
  struct pix_err err;
  const char *text;
  char crc[5];
  size_t len;

  if (l_text(L, 1, "code", &text, &len, &err) != PIX_OK ||
      pix_brcode_decode(text, len, &code, &err) != PIX_OK)
    return l_fail(L, &err);
  lua_createtable(L, 0, 12);
  for (size_t at = 0; at < PIX_COUNT(members); at++) {
    const char *value = (const char *)&code + members[at].at;
    if (value[0] == '\0') continue;
    lua_pushstring(L, value);
    lua_setfield(L, -2, members[at].name);
  }
  if (code.amount >= 0) {
    lua_pushinteger(L, (lua_Integer)code.amount);
    lua_setfield(L, -2, "amount");
  }
  lua_pushboolean(L, code.dynamic);
  lua_setfield(L, -2, "dynamic");
  snprintf(crc, sizeof crc, "%04X", code.crc);
  lua_pushstring(L, crc);
  lua_setfield(L, -2, "crc");
  return 1;
}

static int read_member(lua_State *L, const char *name, char *to, size_t size, struct pix_err *err) {
  const char *text;
  size_t len;
  int rc;

  lua_getfield(L, 1, name);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return PIX_OK;
  }
  rc = l_text(L, -1, name, &text, &len, err);
  if (rc == PIX_OK && (len >= size || memchr(text, '\0', len) != NULL))
    rc = pix_err_set(err, PIX_EINVALID, name, "%s is too long, or has a NUL in it", name);
  if (rc == PIX_OK) memcpy(to, text, len + 1);
  lua_pop(L, 1);
  return rc;
}

static int read_amount(lua_State *L, int64_t *amount, struct pix_err *err) {
  int rc = PIX_OK;

  *amount = -1;
  lua_getfield(L, 1, "amount");
  if (!lua_isnil(L, -1)) rc = l_money_read(L, -1, amount, err);
  lua_pop(L, 1);
  return rc;
}

int l_brcode_encode(lua_State *L) {
  struct pix_brcode code;
  struct pix_buf *out;
  struct pix_err err;
  int rc;

  luaL_checktype(L, 1, LUA_TTABLE);
  memset(&code, 0, sizeof code);
  rc = read_amount(L, &code.amount, &err);
  for (size_t at = 0; rc == PIX_OK && at < PIX_COUNT(members); at++)
    rc = read_member(L, members[at].name, (char *)&code + members[at].at, members[at].size, &err);
  if (rc != PIX_OK) return l_fail(L, &err);
  code.dynamic = code.url[0] != '\0';
  out = l_buf(L, PIX_MAX_BRCODE);
  if (pix_brcode_encode(&code, out, &err) != PIX_OK) return l_fail(L, &err);
  lua_pushlstring(L, pix_buf_text(out), out->len);
  pix_buf_fini(out);
  return 1;
}
