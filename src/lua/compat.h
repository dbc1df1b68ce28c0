/*
** compat.h - one tree for Lua 5.4 and LuaJIT: the few names of 5.4's C API that LuaJIT lacks.
*/
#ifndef PIX_COMPAT_H
#define PIX_COMPAT_H

#include <stdint.h>
#include <lua.h>
#include <lauxlib.h>

/* PUC Lua 5.1 and 5.2 would compile, and then not load: lua_isyieldable is missing there. */
#if LUA_VERSION_NUM < 503 && !__has_include(<luajit.h>)
#error "luapix needs Lua 5.4 or LuaJIT 2.1; these headers are an older Lua's (see LUA_INCDIR)"
#endif

#if LUA_VERSION_NUM < 502

/* LuaJIT 2.1 has luaL_setfuncs, luaL_testudata and lua_copy, but not these. */
#define lua_rawlen(L, index)   lua_objlen(L, index)
#define lua_absindex(L, i)     ((i) > 0 || (i) <= LUA_REGISTRYINDEX ? (i) : lua_gettop(L) + (i) + 1)
#define lua_setuservalue(L, i) lua_setfenv(L, i)
#define lua_getuservalue(L, i) lua_getfenv(L, i)
#define LUA_OK                 0

#else

#if LUA_VERSION_NUM >= 504
#undef lua_newuserdata
#define lua_newuserdata(L, size) lua_newuserdatauv(L, size, 1)
#endif

#endif

/* lua_getfield's type, which LuaJIT's lua_getfield does not return. */
static inline int pix_l_getfield(lua_State *L, int index, const char *key) {
  lua_getfield(L, index, key);
  return lua_type(L, -1);
}

/* A number that is whole and fits: true and *value. 5.4's integers and both VMs' floats alike. */
static inline int pix_l_toint64(lua_State *L, int index, int64_t *value) {
  double number;
#if LUA_VERSION_NUM >= 503
  int exact;
  lua_Integer whole;
  if (lua_type(L, index) != LUA_TNUMBER) return 0;
  whole = lua_tointegerx(L, index, &exact);
  if (exact) {
    *value = (int64_t)whole;
    return 1;
  }
#else
  if (lua_type(L, index) != LUA_TNUMBER) return 0;
#endif
  number = lua_tonumber(L, index);
  if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0)) return 0;
  if (number != (double)(int64_t)number) return 0;
  *value = (int64_t)number;
  return 1;
}

#endif
