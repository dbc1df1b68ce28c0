rockspec_format = "3.0"
package = "luapix"
version = "scm-1"
source = {
  url = "git+https://github.com/luapix/luapix.git",
}
description = {
  summary = "Take Pix payments in Brazil, at several providers, from any Lua program",
  detailed = [[
    Charges, codes, status, refunds, subscriptions and signed webhooks at DetsegPay, SSG and
    PayZu Plus. A C core on libcurl does the work in its own thread; Lua coroutines wait.
    Runs on Lua 5.4 and LuaJIT.]],
  license = "MIT",
  labels = { "payments", "pix", "brazil", "http" },
}
-- The headers are found by pkg-config: Debian keeps curl's in a folder of the architecture, where
-- LuaRocks does not look. Only the libraries are declared.
external_dependencies = {
  CURL = { library = "curl" },
  CRYPTO = { library = "crypto" },
  QRENCODE = { library = "qrencode" },
  PNG = { library = "png" },
}
supported_platforms = { "unix" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
  "argparse >= 0.7",
  "http >= 0.4",
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "rock-install",
  build_variables = {
    LUA_INCDIR = "$(LUA_INCDIR)",
    CFLAGS = "$(CFLAGS)",
    WERROR = "",
  },
  install_variables = {
    LUA_INCDIR = "$(LUA_INCDIR)",
    CFLAGS = "$(CFLAGS)",
    WERROR = "",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
-- bin/pix looks for a Lua itself: LuaRocks would start the one that it runs on, which for 5.1 need not
-- be LuaJIT.
deploy = {
  wrap_bin_scripts = false,
}
test = {
  type = "command",
  command = "make check",
}
