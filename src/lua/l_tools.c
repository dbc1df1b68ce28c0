/*
** l_tools.c - small tools; see l_tools.h. Each returns its value, or nil and an error.
*/
#include "l_tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <qrencode.h>

#include "l_util.h"
#include "../core/date.h"
#include "../core/hmac.h"
#include "../core/money.h"
#include "../core/phone.h"
#include "../core/tax_id.h"
#include "../core/text.h"

#define MAX_RANDOM 64
#define MAX_BASE64 (1 << 24)

int l_money_read(lua_State *L, int index, int64_t *centavos, struct pix_err *err) {
  if (lua_type(L, index) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    return pix_money_parse(text, len, centavos, err);
  }
  if (lua_type(L, index) != LUA_TNUMBER)
    return pix_err_set(err, PIX_EINVALID, "amount",
                       "amount must be whole centavos or a string like \"19.90\", got %s",
                       luaL_typename(L, index));
  if (!pix_l_toint64(L, index, centavos)) {
    pix_err_set(err, PIX_EINVALID, "amount",
                "amount must be whole centavos, and this number is not");
    return pix_err_hint(err, "write R$ 19.90 as 1990 or as \"19.90\"");
  }
  return pix_money_check(*centavos, err);
}

int l_money(lua_State *L) {
  struct pix_err err;
  int64_t centavos;

  if (l_money_read(L, 1, &centavos, &err) != PIX_OK) return l_fail(L, &err);
  lua_pushinteger(L, (lua_Integer)centavos);
  return 1;
}

static int write_money(lua_State *L, void (*write)(int64_t, char[PIX_MONEY_SIZE])) {
  char text[PIX_MONEY_SIZE];
  int64_t centavos;

  if (!pix_l_toint64(L, 1, &centavos) || centavos < 0 || centavos > PIX_MAX_MONEY)
    return luaL_argerror(L, 1, "whole centavos expected");
  write(centavos, text);
  lua_pushstring(L, text);
  return 1;
}

int l_format(lua_State *L) {
  return write_money(L, pix_money_format);
}

int l_decimal(lua_State *L) {
  return write_money(L, pix_money_decimal);
}

int l_tax_id(lua_State *L) {
  struct pix_tax_id id;
  struct pix_err err;
  const char *text;
  size_t len;

  if (l_text(L, 1, "tax_id", &text, &len, &err) != PIX_OK ||
      pix_tax_id_parse(text, len, &id, &err) != PIX_OK)
    return l_fail(L, &err);
  lua_pushstring(L, id.kind == PIX_CPF ? "cpf" : "cnpj");
  lua_pushstring(L, id.digits);
  return 2;
}

int l_phone(lua_State *L) {
  char number[PIX_PHONE_SIZE];
  struct pix_err err;
  const char *text;
  size_t len;

  if (l_text(L, 1, "phone", &text, &len, &err) != PIX_OK ||
      pix_phone_parse(text, len, number, &err) != PIX_OK)
    return l_fail(L, &err);
  lua_pushstring(L, number);
  return 1;
}

int l_date(lua_State *L) {
  char text[PIX_DATE_SIZE];

  pix_date_format((int64_t)luaL_checknumber(L, 1), text);
  lua_pushstring(L, text);
  return 1;
}

int l_date_parse(lua_State *L) {
  struct pix_err err;
  int64_t epoch;
  const char *text;
  size_t len;

  if (l_text(L, 1, "date", &text, &len, &err) != PIX_OK ||
      pix_date_parse(text, len, "date", &epoch, &err) != PIX_OK)
    return l_fail(L, &err);
  lua_pushnumber(L, (lua_Number)epoch);
  return 1;
}

/* The decoder raises on what is not JSON; its words may quote the text, and are not passed on. */
int l_json_decode(lua_State *L) {
  struct pix_err err;

  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, "pix.decoder");
  lua_insert(L, 1);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return 1;
  pix_err_set(&err, PIX_EINVALID, NULL, "this is not JSON");
  return l_fail(L, &err);
}

int l_sha256(lua_State *L) {
  char digest[65];
  struct pix_err err;
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);

  if (pix_hmac_digest(text, len, digest, &err) != PIX_OK) return l_fail(L, &err);
  lua_pushstring(L, digest);
  return 1;
}

int l_base64(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  unsigned char *text;

  luaL_argcheck(L, len <= MAX_BASE64, 1, "too long");
  text = lua_newuserdata(L, (len + 2) / 3 * 4 + 1);
  len = (size_t)EVP_EncodeBlock(text, (const unsigned char *)bytes, (int)len);
  lua_pushlstring(L, (const char *)text, len);
  return 1;
}

int l_from_base64(lua_State *L) {
  struct pix_err err;
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  unsigned char *bytes = lua_newuserdata(L, len / 4 * 3 + 3);
  long count = pix_text_base64(text, len, bytes);

  if (count < 0) {
    pix_err_set(&err, PIX_EINVALID, NULL, "this is not base64");
    return l_fail(L, &err);
  }
  lua_pushlstring(L, (const char *)bytes, (size_t)count);
  return 1;
}

int l_random(lua_State *L) {
  lua_Integer count = luaL_checkinteger(L, 1);
  unsigned char bytes[MAX_RANDOM];
  char hex[2 * MAX_RANDOM + 1];

  luaL_argcheck(L, count >= 1 && count <= MAX_RANDOM, 1, "1 … 64 bytes");
  if (RAND_bytes(bytes, (int)count) != 1) return luaL_error(L, "no random bytes to be had");
  for (lua_Integer at = 0; at < count; at++) snprintf(hex + 2 * at, 3, "%02x", bytes[at]);
  lua_pushlstring(L, hex, (size_t)count * 2);
  return 1;
}

static void set_version(lua_State *L, const char *name, const char *version) {
  lua_pushstring(L, version != NULL ? version : "none");
  lua_setfield(L, -2, name);
}

/* LuaJIT says "Lua 5.1" in _VERSION; its table jit knows better. */
static const char *vm_version(lua_State *L) {
  const char *version = LUA_VERSION;

  lua_getglobal(L, "jit");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "version");
    if (lua_isstring(L, -1)) version = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return version;
}

int l_versions(lua_State *L) {
  const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

  lua_createtable(L, 0, 7);
  set_version(L, "lua", vm_version(L));
  set_version(L, "luapix", PIX_VERSION);
  set_version(L, "libcurl", curl->version);
  set_version(L, "libcurl_ssl", curl->ssl_version);
  set_version(L, "nghttp2", curl->nghttp2_version);
  set_version(L, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
  set_version(L, "libqrencode", QRcode_APIVersionString());
  return 1;
}

/* nginx's own coroutine library has no isyieldable. */
int l_yieldable(lua_State *L) {
  lua_pushboolean(L, lua_isyieldable(L));
  return 1;
}
