-- table.lua - reads the lines that bench/run collected and prints the markdown table: medians of
-- the rounds, luapix beside the raw program, and their ratios.
--
-- usage: table.lua FIGURES VM KIB_EACH (what memory.lua printed)

local found = require("bench.figures").read(arg[1])

local ROWS = {
  { "1", "1 in flight" },
  { "64", "64 in flight" },
  { "512", "512 in flight" },
  { "4000-slow", "4,000 in flight, answers after 50 ms" },
  { "64-http2", "64 in flight, HTTP/2 over TLS" },
}

local function print_row(row, title)
  print(("| %s | %.0f | %.0f | %.2f | %.1f | %.1f | %.2f |"):format(title,
    found:of(row, "limit", "rate"), found:of(row, "luapix", "rate"),
    found:ratio(row, "luapix", "limit", "rate"),
    found:of(row, "limit", "cpu"), found:of(row, "luapix", "cpu"),
    found:ratio(row, "luapix", "limit", "cpu")))
end

-- What one more checkout in flight costs the raw program in resident memory: libcurl's own part.
local function kib_of_libcurl()
  return (found:of("4000-slow", "limit", "rss") - found:of("1", "limit", "rss")) * 1024 / 3999
end

print(("luapix on %s, medians of %d interleaved rounds"):format(arg[2],
  #found:rounds("64", "limit")))
print()
print("| | raw checkouts/s | luapix checkouts/s | ratio | raw CPU µs | luapix CPU µs | ratio |")
print("|---|---:|---:|---:|---:|---:|---:|")
for _, row in ipairs(ROWS) do print_row(row[1], row[2]) end
print()
local own = kib_of_libcurl()
print(("Memory per future in flight: %.1f KiB beyond libcurl's own %.1f KiB."):format(
  tonumber(arg[3]) - own, own))
