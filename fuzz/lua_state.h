/*
** lua_state.h - a Lua state with the codec in it, kept from one input to the next. Whatever is run
** in it must neither raise nor leave the stack changed.
*/
#ifndef PIX_FUZZ_LUA_STATE_H
#define PIX_FUZZ_LUA_STATE_H

#include "fuzz.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "provider/provider.h"

#define FUZZ_NOW 1750000000.0

/* Runs `code`, which leaves `results` values. */
static inline void fuzz_lua(lua_State *L, const char *code, int results) {
  if (luaL_loadstring(L, code) != LUA_OK || lua_pcall(L, 0, results, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
}

/* A fresh state; index 1 of its stack is the codec's decoder. */
static inline lua_State *fuzz_state(void) {
  lua_State *L = luaL_newstate();

  FUZZ_CHECK(L != NULL);
  luaL_openlibs(L);
  pix_codec_open(L);
  FUZZ_CHECK(lua_gettop(L) == 1);
  return L;
}

/* Calls step(L, data) so that no Lua error escapes it. What it leaves is collected at once: a state
** that grows looks like a leak to libFuzzer, which then searches all memory for it. */
static inline void fuzz_step(lua_State *L, lua_CFunction step, void *data) {
  int top = lua_gettop(L);

  lua_pushcfunction(L, step);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, data);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
    fprintf(stderr, "a Lua error escaped: %s\n", lua_tostring(L, -1));
    abort();
  }
  FUZZ_CHECK(lua_gettop(L) == top);
  lua_gc(L, LUA_GCCOLLECT, 0);
}

typedef void (*fuzz_text_check)(const char *text, size_t len, const void *data);

/* Calls check for each string in the value at `index`, keys and values, at any depth. */
static inline void fuzz_each_text(lua_State *L, int index, fuzz_text_check check,
                                  const void *data) {
  index = lua_absindex(L, index);
  FUZZ_CHECK(lua_checkstack(L, 8));
  if (lua_type(L, index) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    check(text, len, data);
  } else if (lua_type(L, index) == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
      fuzz_each_text(L, -2, check, data);
      fuzz_each_text(L, -1, check, data);
    }
  }
}

#endif
