-- table.lua - reads the lines that OTHERS=1 bench/run collected and prints the markdown table.
--
-- usage: table.lua FIGURES

local found = require("bench.figures").read(arg[1])

local ROWS = { "1", "64" }
local PROGRAMS = {
  { "limit", "raw libcurl, C, nothing checked" },
  { "luapix-luajit", "**luapix**, LuaJIT" },
  { "luapix-5.4", "**luapix**, Lua 5.4" },
  { "copas-luajit", "copas + LuaSocket, HTTP by hand, LuaJIT" },
  { "copas-5.4", "copas + LuaSocket, HTTP by hand, Lua 5.4" },
  { "copas-http-luajit", "copas + socket.http, not kept alive, LuaJIT" },
  { "copas-http-5.4", "copas + socket.http, not kept alive, Lua 5.4" },
  { "lua-http-luajit", "lua-http, LuaJIT" },
  { "lua-http-5.4", "lua-http, Lua 5.4" },
  { "aiohttp", "aiohttp, Python" },
}

local function print_row(row, program, title)
  print(("| %s | %s | %.0f | %.2f | %.1f | %.2f | %.1f |"):format(row, title,
    found:of(row, program, "rate"), found:ratio(row, program, "limit", "rate"),
    found:of(row, program, "cpu"), found:ratio(row, program, "limit", "cpu"),
    found:of(row, program, "rss")))
end

print(("luapix beside other clients, medians of %d interleaved rounds"):format(
  #found:rounds("64", "limit")))
print()
print("| in flight | program | checkouts/s | ratio to raw | CPU µs | ratio to raw | peak MiB |")
print("|---:|---|---:|---:|---:|---:|---:|")
for _, row in ipairs(ROWS) do
  for _, program in ipairs(PROGRAMS) do print_row(row, program[1], program[2]) end
end
