-- What lint allows: the globals that Lua 5.4 and LuaJIT share, and the few that a module may look
-- for when it asks on which VM or host it runs.
std = "min"
max_line_length = 100
max_cyclomatic_complexity = 15
codes = true
cache = false

read_globals = {
  "jit", "ngx", "love", "unpack", "loadstring", "setfenv",
  table = { fields = { "unpack", "pack", "move" } },
  math = { fields = { "type", "tointeger", "maxinteger", "mininteger" } },
  coroutine = { fields = { "isyieldable", "close" } },
  package = { fields = { "searchpath", "searchers" } },
  string = { fields = { "pack", "unpack" } },
  "utf8",
}

files["spec"] = { std = "+busted", max_cyclomatic_complexity = false }
files["examples/kiosk"] = { globals = { "love" } }
files["spec/support/host_*"] = { globals = { "love" } }
files["spec/support"] = { std = "+busted" }
files["bin"] = { globals = { "_" } } -- the part of bin/pix that sh reads
files["bench"] = { std = "+busted" }
files["**/*.rockspec"] = { std = "+rockspec" }
