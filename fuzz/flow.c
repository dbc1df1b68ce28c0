/*
** flow.c - fuzz target: the text of a flow, through the sandbox and the proof. It is loaded, or
** refused with findings that each name a rule, a line and a cure; nothing is raised, and nothing
** takes long. Run from the root of the tree; pix.core as built for Lua 5.4 is loaded.
** Input: the text.
*/
#include "lua_state.h"

static const char program[] =
    "package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path\n"
    "package.cpath = 'build/5.4/?.so;' .. package.cpath\n"
    "local flow, core = require 'pix.flow.load', require 'pix.core'\n"
    "local function refused(err, text)\n"
    "  assert(core.is_error(err) and err.kind == 'invalid' and err.sent == 'no')\n"
    "  assert(#err.findings > 0 and not tostring(err):find '[%c]')\n"
    "  local _, lines = text:gsub('[\\r\\n]', '')\n"
    "  for _, finding in ipairs(err.findings) do\n"
    "    assert(type(finding.message) == 'string' and type(finding.rule) == 'string')\n"
    "    assert(finding.line >= 0 and finding.line <= lines + 1, finding.line)\n"
    "  end\n"
    "end\n"
    "return function(text)\n"
    "  local strings = getmetatable('').__index\n"
    "  local loaded, err = flow.load(text)\n"
    "  assert(getmetatable('').__index == strings and strings == string)\n"
    "  if not loaded then return refused(err, text) end\n"
    "  assert(loaded.graph and loaded.money and #loaded.version == 16)\n"
    "end\n";

/* What guides the search: libFuzzer sees only instrumented C, so each line of the flow's modules
** counts here; the sanitizers of the interpreter's own code are not there either. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t lines_run[32768];

static void count_line(lua_State *L, lua_Debug *ar) {
  size_t at = 5381;

  lua_getinfo(L, "S", ar);
  if (strncmp(ar->source, "@lua/pix/flow", 13) != 0) return;
  for (const char *c = ar->source; *c != '\0'; c++) at = at * 33 + (unsigned char)*c;
  at = (at + (size_t)ar->currentline * 61) % PIX_COUNT(lines_run);
  if (lines_run[at] < UINT8_MAX) lines_run[at]++;
}

static int load_flow(lua_State *L) {
  const struct fuzz_input *input = lua_touserdata(L, 2);

  lua_sethook(L, count_line, LUA_MASKLINE, 0); /* the sandbox takes it off */
  lua_getglobal(L, "load_flow");
  lua_pushlstring(L, (const char *)input->data, input->size);
  lua_pushliteral(L, "\n"); /* always the text itself, never a path */
  lua_concat(L, 2);
  lua_call(L, 1, 0);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  struct fuzz_input input = {data, size};

  if (L == NULL) {
    L = fuzz_state();
    fuzz_lua(L, program, 1);
    lua_setglobal(L, "load_flow");
  }
  fuzz_step(L, load_flow, &input);
  return 0;
}
