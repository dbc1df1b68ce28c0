/*
** l_util.c - error objects and arguments; see l_util.h.
*/
#include "l_util.h"

#include <string.h>

#define ERROR_TYPE "pix.error"
#define BUF_TYPE   "pix.buffer"

struct buffer {
  L_NOT_LOVE;
  struct pix_buf buf;
};

static void set_text(lua_State *L, const char *key, const char *value) {
  if (value == NULL || value[0] == '\0') return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

/* A failure found here names one argument: the same shape as a provider's, {field = {texts}}. */
static void set_fields(lua_State *L, const struct pix_err *err) {
  if (err->field[0] == '\0') return;
  lua_createtable(L, 0, 1);
  lua_createtable(L, 1, 0);
  lua_pushstring(L, err->message);
  lua_rawseti(L, -2, 1);
  lua_setfield(L, -2, err->field);
  lua_setfield(L, -2, "fields");
}

static void copy_members(lua_State *L, int from) {
  for (lua_pushnil(L); lua_next(L, from) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, -4);
  }
}

void l_push_error(lua_State *L, const struct pix_err *err, const char *provider,
                  const char *operation, int extras) {
  if (extras != 0) extras = lua_absindex(L, extras);
  lua_createtable(L, 0, 12);
  set_text(L, "kind", pix_err_kind_name(err->kind));
  set_text(L, "sent", pix_err_sent_name(err->sent));
  set_text(L, "provider", provider);
  set_text(L, "operation", operation);
  set_text(L, "code", err->code);
  set_text(L, "message", err->message[0] != '\0' ? err->message : pix_err_kind_name(err->kind));
  set_text(L, "hint", err->hint[0] != '\0' ? err->hint : pix_err_kind_hint(err->kind));
  set_fields(L, err);
  if (err->http_status > 0) {
    lua_pushinteger(L, (lua_Integer)err->http_status);
    lua_setfield(L, -2, "http_status");
  }
  if (err->retry_after >= 0) {
    lua_pushnumber(L, err->retry_after);
    lua_setfield(L, -2, "retry_after");
  }
  lua_pushinteger(L, 1);
  lua_setfield(L, -2, "attempts");
  if (extras != 0 && lua_istable(L, extras)) copy_members(L, extras);
  luaL_getmetatable(L, ERROR_TYPE);
  lua_setmetatable(L, -2);
}

int l_fail(lua_State *L, const struct pix_err *err) {
  lua_pushnil(L);
  l_push_error(L, err, NULL, NULL, 0);
  return 2;
}

int l_text(lua_State *L, int index, const char *field, const char **text, size_t *len,
           struct pix_err *err) {
  if (lua_type(L, index) != LUA_TSTRING)
    return pix_err_set(err, PIX_EINVALID, field, "%s must be a string, got %s", field,
                       luaL_typename(L, index));
  *text = lua_tolstring(L, index, len);
  return PIX_OK;
}

/* "ssg charge: timeout, sent=maybe: message (HTTP 504; code 5002) - hint": one line. */
static int error__tostring(lua_State *L) {
  static const struct {
    const char *key, *prefix, *suffix;
  } parts[] = {
      {"provider", "", " "},    {"operation", "", ": "}, {"kind", "", ""},
      {"sent", ", sent=", ""},  {"message", ": ", ""},   {"http_status", " (HTTP ", ")"},
      {"code", " (code ", ")"}, {"hint", " - ", ""},
  };
  int parts_at;

  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_pushliteral(L, "");
  parts_at = lua_gettop(L);
  for (size_t at = 0; at < PIX_COUNT(parts); at++) {
    lua_getfield(L, 1, parts[at].key);
    if (!lua_isstring(L, -1)) {
      lua_settop(L, parts_at);
      continue;
    }
    lua_pushstring(L, parts[at].prefix);
    lua_insert(L, -2);
    lua_pushstring(L, parts[at].suffix);
    lua_concat(L, 4);
  }
  return 1;
}

static int buffer__gc(lua_State *L) {
  struct buffer *buffer = l_self(L, BUF_TYPE);

  pix_buf_fini(&buffer->buf);
  return 0;
}

struct pix_buf *l_buf(lua_State *L, size_t max) {
  struct buffer *buffer = l_new(L, sizeof *buffer, BUF_TYPE);

  pix_buf_init(&buffer->buf, max);
  return &buffer->buf;
}

void l_util_open(lua_State *L) {
  static const luaL_Reg ends[] = {{"__gc", buffer__gc}, {NULL, NULL}};

  l_class(L, BUF_TYPE, ends + 1, ends);
  luaL_newmetatable(L, ERROR_TYPE);
  lua_pushcfunction(L, error__tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, ERROR_TYPE);
  lua_setfield(L, -2, "__name");
  lua_pop(L, 1);
}

static bool known_kind(const char *word, enum pix_kind *kind) {
  for (int at = PIX_OK + 1; at < PIX_KINDS; at++) {
    if (strcmp(pix_err_kind_name(at), word) != 0) continue;
    *kind = at;
    return true;
  }
  return false;
}

/* Gives a default to a member that the table lacks. */
static void set_default(lua_State *L, const char *key, const char *value) {
  lua_getfield(L, 1, key);
  if (lua_isnil(L, -1)) {
    lua_pushstring(L, value);
    lua_setfield(L, 1, key);
  }
  lua_pop(L, 1);
}

int l_error_new(lua_State *L) {
  enum pix_kind kind = PIX_EINTERNAL;

  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "kind");
  if (!lua_isstring(L, -1) || !known_kind(lua_tostring(L, -1), &kind))
    return luaL_argerror(L, 1, "'kind' is not one of err.def's words");
  lua_settop(L, 1);
  set_default(L, "sent", "no");
  set_default(L, "message", pix_err_kind_name(kind));
  set_default(L, "hint", pix_err_kind_hint(kind));
  luaL_getmetatable(L, ERROR_TYPE);
  lua_setmetatable(L, 1);
  return 1;
}

int l_error_is(lua_State *L) {
  bool is = false;

  luaL_checkany(L, 1);
  if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
    luaL_getmetatable(L, ERROR_TYPE);
    is = lua_rawequal(L, -1, -2);
  }
  lua_pushboolean(L, is);
  return 1;
}

void *l_new(lua_State *L, size_t size, const char *type) {
  void *memory = lua_newuserdata(L, size);

  memset(memory, 0, size);
  luaL_getmetatable(L, type);
  lua_setmetatable(L, -2);
  return memory;
}

void *l_self(lua_State *L, const char *type) {
  void *self = lua_touserdata(L, 1);

  if (self != NULL && lua_getmetatable(L, 1)) {
    bool own = lua_rawequal(L, -1, lua_upvalueindex(1));
    lua_pop(L, 1);
    if (own) return self;
  }
  return luaL_checkudata(L, 1, type); /* raises, in its words */
}

void l_class(lua_State *L, const char *type, const luaL_Reg *methods, const luaL_Reg *metamethods) {
  luaL_newmetatable(L, type);
  lua_pushvalue(L, -1);
  luaL_setfuncs(L, metamethods, 1);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "pix");
  lua_setfield(L, -2, "__metatable");
  /* Not the metatable's own key: luv copies the bytes of a userdata to another thread's state, and
  ** dresses the copy in the metatable that it finds there by this name. */
  lua_pushfstring(L, "%s object", type);
  lua_setfield(L, -2, "__name");
  lua_pop(L, 1);
}
