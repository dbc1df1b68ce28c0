/*
** states.c - a module for specs: runs a program in a Lua state of its own, and closes that state.
**   states.run(code) → seconds that lua_close took | nil, what the program raised
**   states.hook()    sets a hook that does nothing, as a debugger written in C does
**   states.unhook()  → was it still there?
*/
#include <time.h>
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

static void copy_path(lua_State *from, lua_State *to, const char *name) {
  lua_getglobal(from, "package");
  lua_getfield(from, -1, name);
  lua_getglobal(to, "package");
  lua_pushstring(to, lua_tostring(from, -1));
  lua_setfield(to, -2, name);
  lua_pop(to, 1);
  lua_pop(from, 2);
}

static double now(void) {
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int states_run(lua_State *L) {
  const char *code = luaL_checkstring(L, 1);
  lua_State *fresh = luaL_newstate();
  double begin;
  int status;

  if (fresh == NULL) return luaL_error(L, "out of memory");
  luaL_openlibs(fresh);
  copy_path(L, fresh, "path");
  copy_path(L, fresh, "cpath");
  status = luaL_loadstring(fresh, code);
  if (status == 0) status = lua_pcall(fresh, 0, 0, 0);
  if (status != 0) {
    lua_pushnil(L);
    lua_pushstring(L, lua_tostring(fresh, -1));
  }
  begin = now();
  lua_close(fresh);
  if (status != 0) return 2;
  lua_pushnumber(L, now() - begin);
  return 1;
}

static void nothing(lua_State *L, lua_Debug *ar) {
  (void)L, (void)ar;
}

/* What was there before: coverage is counted by a hook. */
static lua_Hook former;
static int former_mask;

static int states_hook(lua_State *L) {
  former = lua_gethook(L);
  former_mask = lua_gethookmask(L);
  lua_sethook(L, nothing, LUA_MASKLINE, 0);
  return 0;
}

static int states_unhook(lua_State *L) {
  lua_pushboolean(L, lua_gethook(L) == nothing);
  lua_sethook(L, former, former_mask, 0);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_states(lua_State *L);

int luaopen_states(lua_State *L) {
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, states_run);
  lua_setfield(L, -2, "run");
  lua_pushcfunction(L, states_hook);
  lua_setfield(L, -2, "hook");
  lua_pushcfunction(L, states_unhook);
  lua_setfield(L, -2, "unhook");
  return 1;
}
