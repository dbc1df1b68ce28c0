/*
** oom.c - a module for specs: runs a program in a Lua state of its own, whose allocator can be told
** to have no more memory.
**   oom.run(code, n) → true | nil, what the program raised; then bytes that lua_close left behind
**   oom.keep(path)     the module there stays loaded, so that a report of its leaks can name it
**
** In that program: fail() - from its n-th growing allocation on every one fails; mend() → did one
** fail? From then on there is memory again.
*/
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

struct memory {
  long countdown; /* allocations that still succeed */
  bool armed, failed;
  size_t used; /* bytes */
};

static void *allocate(void *ud, void *block, size_t old, size_t size) {
  struct memory *memory = ud;
  bool grows = size > (block != NULL ? old : 0);
  void *fresh;

  if (block == NULL) old = 0;
  if (size == 0) {
    free(block);
    memory->used -= old;
    return NULL;
  }
  if (memory->armed && grows && (memory->failed || --memory->countdown < 0)) {
    memory->failed = true;
    return NULL;
  }
  fresh = realloc(block, size);
  if (fresh != NULL) memory->used += size - old;
  return fresh;
}

static struct memory *memory_of(lua_State *L) {
  void *ud;

  lua_getallocf(L, &ud);
  return ud;
}

static int fail(lua_State *L) {
  memory_of(L)->armed = true;
  return 0;
}

static int mend(lua_State *L) {
  struct memory *memory = memory_of(L);

  memory->armed = false;
  lua_pushboolean(L, memory->failed);
  return 1;
}

static void copy_path(lua_State *from, lua_State *to, const char *name) {
  lua_getglobal(from, "package");
  lua_getfield(from, -1, name);
  lua_getglobal(to, "package");
  lua_pushstring(to, lua_tostring(from, -1));
  lua_setfield(to, -2, name);
  lua_pop(to, 1);
  lua_pop(from, 2);
}

static int oom_run(lua_State *L) {
  const char *code = luaL_checkstring(L, 1);
  struct memory memory = {.countdown = (long)luaL_checkinteger(L, 2) - 1};
  lua_State *fresh = lua_newstate(allocate, &memory);
  int status;

  if (fresh == NULL) return luaL_error(L, "out of memory");
  luaL_openlibs(fresh);
  copy_path(L, fresh, "path");
  copy_path(L, fresh, "cpath");
  lua_register(fresh, "fail", fail);
  lua_register(fresh, "mend", mend);
  status = luaL_loadstring(fresh, code);
  if (status == 0) status = lua_pcall(fresh, 0, 1, 0);
  memory.armed = false;
  if (status == 0)
    lua_pushboolean(L, lua_toboolean(fresh, -1));
  else
    lua_pushnil(L);
  lua_pushstring(L, status != 0 ? luaL_tolstring(fresh, -1, NULL) : "");
  lua_close(fresh);
  lua_pushinteger(L, (lua_Integer)memory.used);
  return 3;
}

static int oom_keep(lua_State *L) {
  lua_pushboolean(L, dlopen(luaL_checkstring(L, 1), RTLD_NOW | RTLD_NODELETE) != NULL);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_oom(lua_State *L);

int luaopen_oom(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, oom_keep);
  lua_setfield(L, -2, "keep");
  lua_pushcfunction(L, oom_run);
  lua_setfield(L, -2, "run");
  return 1;
}
