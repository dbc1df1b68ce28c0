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

-- Flow files are written in a language of their own (docs/flow.md), which checks them itself.
local flow_words = { "alert", "ask", "cancel", "charge", "choose", "done", "fail", "flow", "perform",
  "refund", "set", "subscribe", "wait" }
files["**/*.flow.lua"] = { read_globals = flow_words, max_line_length = false }
files["spec"] = { std = "+busted", max_cyclomatic_complexity = false }
files["examples/kiosk"] = { globals = { "love" } }
files["spec/support/host_*"] = { globals = { "love" } }
files["spec/support"] = { std = "+busted" }
files["bin"] = { globals = { "_" } } -- the part of bin/pix that sh reads
files["bench"] = { std = "+busted", globals = { "love" } }
files["**/*.rockspec"] = { std = "+rockspec" }
