/*
** embed.c - a C program with a poll() loop of its own that embeds Lua and luapix. The loop watches
** pix.fd() beside its other descriptors, and calls pix.update() when it is readable; nothing blocks.
**
**     cc embed.c -o embed $(pkg-config --cflags --libs lua5.4)
**     LUA_PATH=… LUA_CPATH=… ./embed shop.lua
**
** The script starts its tasks with pix.spawn when it is run. The program ends with the last task.
*/
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static void fail(lua_State *L) {
  fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
  lua_close(L);
  exit(1);
}

/* pix.NAME() → an integer. `pix` lies at index 1 of the stack. */
static int ask(lua_State *L, const char *name) {
  int answer;

  lua_getfield(L, 1, name);
  if (lua_pcall(L, 0, 1, 0) != 0) fail(L);
  answer = (int)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return answer;
}

/* What the program does besides: here it counts the ticks of its own clock. */
static void tick(int *ticks) {
  ++*ticks;
}

static void loop(lua_State *L) {
  int ticks = 0;
  int tasks = ask(L, "update"); /* the first call begins the tasks */

  while (tasks > 0) {
    struct pollfd fds[] = {{ask(L, "fd"), POLLIN, 0}};
    if (poll(fds, 1, 20) < 0) break;
    if (fds[0].revents & POLLIN)
      tasks = ask(L, "update");
    else
      tick(&ticks);
  }
  printf("the program had %s time for other things\n", ticks > 5 ? "plenty of" : "no");
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();

  if (L == NULL || argc != 2) {
    fprintf(stderr, "usage: embed SCRIPT\n");
    return 2;
  }
  luaL_openlibs(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "pix");
  if (lua_pcall(L, 1, 1, 0) != 0) fail(L);
  if (luaL_loadfile(L, argv[1]) != 0 || lua_pcall(L, 0, 0, 0) != 0) fail(L);
  loop(L);
  lua_close(L);
  return 0;
}
