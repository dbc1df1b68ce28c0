-- Each rule of .ci/rooms is broken once in a small tree of its own, and must be seen.

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- A tree with one file; returns what .ci/rooms says about it.
local function rooms_say(file, text, before)
  local folder = run("mktemp -d"):match("%S+")
  assert(os.execute(("mkdir -p '%s/%s'"):format(folder, file:match("^(.*)/"))))
  local f = assert(io.open(folder .. "/" .. file, "w"))
  f:write(text)
  f:close()
  if before then run(("cd '%s' && %s"):format(folder, before)) end
  local said = run(".ci/rooms " .. folder)
  run("rm -r " .. folder)
  return said
end

local function lines(count, line) return (line .. "\n"):rep(count) end

local function c_function(length)
  return "static int f(void) {\n" .. lines(length - 2, "  g();") .. "}\n"
end

-- Compile a file of the small tree into the library, or into the module.
local LIBRARY = "mkdir -p build/core && cc -w -c -o x.o src/core/a.c && "
  .. "ar rcs build/core/libpixcore.a x.o"
local MODULE = "mkdir -p build/5.4/pix && cc -w -shared -fPIC -o build/5.4/pix/core.so src/lua/a.c"

-- A provider's files and its line in the registration.
local ACME = "mkdir -p src/provider && cd src/provider && touch acme.c acme.h && "
  .. "echo 'PROVIDER(acme)' > providers.def"

local BREAKS = {
  { "Lua's headers in the core", "src/core/a.c", '#include <lua.h>\n',
    "a.c:1: src/core knows no Lua" },
  { "a binding's header in the core", "src/core/a.c", '\n#include "../lua/l_util.h"\n',
    "a.c:2: src/core knows only libraries" },
  { "the reactor in a provider", "src/provider/a.c", '#include "../core/reactor.h"\n',
    "a provider knows .* not reactor.h" },
  { "http in a provider", "src/provider/a.c", '#include "../core/http.h"\n', "not http.h" },
  { "another provider's header", "src/provider/a.c", '#include "acme.h"\n', "not acme.h", ACME },
  { "a clock in a provider", "src/provider/a.c", '#include <time.h>\n', "has no clock" },
  { "libcurl in a provider", "src/provider/a.c", '#include <curl/curl.h>\n', "does no I/O" },
  { "a provider's name in the codec", "src/provider/codec.c", 'const char *f = "acme";\n',
    "names the provider acme", ACME },
  { "a provider's name in the bindings", "src/lua/a.c", 'const char *f = "acme";\n',
    "names the provider acme", ACME },
  { "a codec that compares names", "src/provider/codec.c",
    "if (strcmp(p->provider->name, x)) y();\n",
    "never compares a provider's name" },
  { "float in money", "src/core/money.c", "static int f(void) {\n  float x;\n}\n",
    "money.c:2: floating" },
  { "double in money", "src/core/money.c", "static double f(void);\n", "money.c:1: floating" },
  { "double in a BR Code", "src/core/brcode.c", "static double f(void);\n", "floating" },
  { "memcmp on a MAC", "src/core/hmac.c", "int f(void) { return memcmp(a, b, 3); }\n",
    "memcmp is banned" },
  { "raising in a provider", "src/provider/a.c", "int f(void) { return lua_error(L); }\n",
    "lua_error is banned outside" },
  { "luaL_error in the core", "src/core/a.c", "int f(void) { return luaL_error(L, x); }\n",
    "luaL_error is banned outside" },
  { "a light userdata key", "src/lua/a.c", "void f(void) { lua_pushlightuserdata(L, &k); }\n",
    "lua_pushlightuserdata is banned" },
  { "a mutable static", "src/core/a.c", "static int count = 0;\n", "a mutable static" },
  { "a mutable static array", "src/provider/a.c", "int f(void) {\n  static char buf[9];\n}\n",
    "a.c:2: a mutable static" },
  { "a file of 601 lines", "src/core/a.c", lines(601, ""), "601 lines, more than 600" },
  { "a provider of 401 lines", "src/provider/acme.c", lines(401, ""), "401 lines, more than 400",
    "echo 'PROVIDER(acme)' > src/provider/providers.def" },
  { "a Lua file of 601 lines", "lua/pix/a.lua", lines(601, ""), "601 lines, more than 600" },
  { "a C function of 61 lines", "src/core/a.c", "\n" .. c_function(61),
    "a.c:2: a function of 61 lines" },
  { "a Lua function of 61 lines", "lua/pix/a.lua", "local function f()\n" .. lines(59,
    "") .. "end\n",
    "a.lua:1: a function of 61 lines" },
  { "a host that knows the facade", "lua/pix/host/a.lua", 'local pix = require "pix"\n',
    "a host knows only" },
  { "a host that knows another room", "lua/pix/host/a.lua", 'require("pix.charge")\n',
    "a host knows only" },
  { "a sandbox that knows the facade", "lua/pix/sandbox/a.lua", "require('pix')\n",
    "the sandbox knows" },
  { "a sandbox with another library", "lua/pix/sandbox/a.lua", 'require "socket"\n',
    "the sandbox knows" },
  { "an impure retry", "lua/pix/retry.lua", 'require "pix.core"\n',
    "retry is pure, but it requires" },
  { "a clock in select", "lua/pix/select.lua", "return os.time()\n",
    "select is pure, but it uses os" },
  { "randomness in breaker", "lua/pix/breaker.lua", "return math.random()\n",
    "it uses math.random" },
  { "a call upward", "lua/pix/checkout.lua", 'require "pix.flow"\n', "nothing lower calls upward" },
  { "a wide comment", "src/core/a.c", "/* " .. ("x"):rep(96) .. " */\n",
    "a.c:1: wider than 100 columns" },
  { "an unfinished thing", "src/core/a.c", "/* TO" .. "DO */\n", "an unfinished thing" },
  { "Lua's symbols in the core library", "src/core/a.c", "void f(void) { lua_gettop(); }\n",
    "needs Lua's lua_gettop", LIBRARY },
  { "a global variable in the core library", "src/core/a.c", "int counter;\n",
    "a mutable global variable: counter", LIBRARY },
  { "an exported symbol", "src/lua/a.c",
    "int luaopen_pix_core(void) { return 0; } void pix_f(void) {}\n",
    "exports pix_f", MODULE },
  { "an undefined symbol", "src/lua/a.c", "int luaopen_pix_core(void) { return pix_g(); }\n",
    "nobody defines pix_g", MODULE },
  { "an rpath", "src/lua/a.c", "int luaopen_pix_core(void) { return 0; }\n", "has an rpath",
    MODULE .. " -Wl,-rpath,/x" },
}

local BANNED = { "sprintf", "strcpy", "strcat", "strncpy", "atoi", "strtok", "gmtime" }

local ALLOWED = {
  { "comments and strings", "src/core/a.c", '/* strcpy(a, b) */ const char *s = "atoi(x)";\n' },
  { "snprintf and gmtime_r", "src/core/a.c",
    "int f(void) { return snprintf(a, 1, x) + gmtime_r(t); }\n" },
  { "raising in the bindings", "src/lua/a.c", "int f(void) { return luaL_error(L, x); }\n" },
  { "the one door for doubles", "src/core/money.c",
    "int pix_money_from_double(double x) {\n  double y;\n}\n" },
  { "constant tables and functions", "src/core/a.c",
    "static const int t[] = {1};\nstatic int f(void) {\n}\n" },
  { "a function of 60 lines", "src/core/a.c", c_function(60) },
  { "what a provider needs",
    "src/provider/a.c", '#include "../lua/compat.h"\n#include "../core/buf.h"\n' },
  { "the codec's headers", "src/provider/codec.h", '#include "codec.h"\n' },
  { "a host with its library", "lua/pix/host/luv.lua", 'require "luv" require "pix.core"\n' },
}

describe("the rules of the rooms", function()
  for _, case in ipairs(BREAKS) do
    it("see " .. case[1], function()
      assert.matches(case[4], (rooms_say(case[2], case[3], case[5])))
    end)
  end

  for _, name in ipairs(BANNED) do
    it("see a call of " .. name, function()
      local said = rooms_say("src/core/a.c", "void f(void) { " .. name .. "(a, b); }\n")
      assert.matches("a.c:1: " .. name .. " is banned", said)
    end)
  end

  for _, case in ipairs(ALLOWED) do
    it("allow " .. case[1], function()
      assert.equal("", (rooms_say(case[2], case[3])))
    end)
  end
end)
