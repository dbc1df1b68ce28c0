/*
** coverage.c - counts the lines of this tree's Lua files that a Lua 5.4 process runs, for
** .ci/coverage. luaopen_coverage sets the hook, which coroutines inherit; at the process's end the
** lines that ran are written to a file in the folder COVERAGE_OUT, one "file:line" each.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define FILES 512
#define LINES 1024 /* longer files there are not: .ci/rooms */

int luaopen_coverage(lua_State *L);

static struct {
  char *name; /* from the tree's root */
  unsigned char lines[LINES];
} files[FILES];
static char root[4096];
static size_t root_len;

/* The slot of a file: a hash by name. */
static size_t slot_of(const char *name) {
  size_t at = 5381;

  for (const char *c = name; *c != '\0'; c++) at = at * 33 + (unsigned char)*c;
  for (at %= FILES; files[at].name != NULL; at = (at + 1) % FILES)
    if (strcmp(files[at].name, name) == 0) return at;
  files[at].name = strdup(name);
  return at;
}

static void count(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "S", ar);
  if (ar->source[0] != '@' || strncmp(ar->source + 1, root, root_len) != 0) return;
  if (strncmp(ar->source + 1 + root_len, "lua/", 4) != 0) return;
  if (ar->currentline < 0 || ar->currentline >= LINES) return;
  files[slot_of(ar->source + 1 + root_len)].lines[ar->currentline] = 1;
}

static void write_lines(void) {
  const char *path = getenv("COVERAGE_OUT");
  char name[4200];
  FILE *out;

  snprintf(name, sizeof name, "%s/%ld", path != NULL ? path : ".", (long)getpid());
  out = fopen(name, "a");
  if (out == NULL) return;
  for (int i = 0; i < FILES; i++) {
    for (int line = 0; files[i].name != NULL && line < LINES; line++)
      if (files[i].lines[line]) fprintf(out, "%s:%d\n", files[i].name, line);
  }
  fclose(out);
}

/* debug.sethook that gives the place back to this hook when no other is wanted. */
static int sethook(lua_State *L) {
  int count_of_args = lua_gettop(L);

  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, count_of_args, 0);
  if (lua_gethook(L) == NULL) lua_sethook(L, count, LUA_MASKLINE, 0);
  return 0;
}

static void replace_sethook(lua_State *L) {
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "sethook");
  lua_pushcclosure(L, sethook, 1);
  lua_setfield(L, -2, "sethook");
  lua_pop(L, 1);
}

int luaopen_coverage(lua_State *L) {
  const char *tree = getenv("COVERAGE_ROOT");

  if (tree == NULL || root[0] != '\0') return 0;
  root_len = (size_t)snprintf(root, sizeof root, "%s/", tree);
  replace_sethook(L);
  lua_sethook(L, count, LUA_MASKLINE, 0);
  atexit(write_lines);
  return 0;
}
