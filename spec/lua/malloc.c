/*
** malloc.c - loaded before all else (LD_PRELOAD) by spec/lua/malloc_spec.lua: the memory that
** pix.core asks for can be denied. What libcurl, OpenSSL, lua-cjson and Lua ask for never is, nor
** what other threads ask for.
**
** As a module of Lua, by package.loadlib(path, "luaopen_malloc"):
**   malloc.fail(n)   in this thread the n-th request from now on is denied, and all that follow
**   malloc.mend()  → was one denied? From then on none is.
*/
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#define EXPORT __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
EXPORT int luaopen_malloc(lua_State *L);

static _Thread_local long left = -1; /* requests that are granted; -1: all */
static _Thread_local bool denied;

static bool grants(const void *caller) {
  Dl_info info;

  if (left < 0) return true;
  if (dladdr(caller, &info) == 0 || info.dli_fname == NULL) return true;
  if (strstr(info.dli_fname, "/pix/core.so") == NULL) return true;
  if (left > 0) return left-- > 0;
  denied = true;
  return false;
}

EXPORT void *malloc(size_t size) {
  return grants(__builtin_return_address(0)) ? __libc_malloc(size) : NULL;
}

EXPORT void *calloc(size_t count, size_t size) {
  return grants(__builtin_return_address(0)) ? __libc_calloc(count, size) : NULL;
}

EXPORT void *realloc(void *block, size_t size) {
  return grants(__builtin_return_address(0)) ? __libc_realloc(block, size) : NULL;
}

static int malloc_fail(lua_State *L) {
  denied = false;
  left = (long)luaL_checkinteger(L, 1) - 1;
  return 0;
}

static int malloc_mend(lua_State *L) {
  left = -1;
  lua_pushboolean(L, denied);
  return 1;
}

int luaopen_malloc(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, malloc_fail);
  lua_setfield(L, -2, "fail");
  lua_pushcfunction(L, malloc_mend);
  lua_setfield(L, -2, "mend");
  return 1;
}
