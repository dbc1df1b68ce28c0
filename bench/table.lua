-- table.lua - reads the lines that bench/run collected and prints the markdown table: medians of
-- the rounds, luapix beside the raw program, and their ratios.
--
-- usage: table.lua FIGURES VM KIB_EACH (what memory.lua printed)

local median = require "bench.median"

local ROWS = {
  { "1", "1 in flight" },
  { "64", "64 in flight" },
  { "512", "512 in flight" },
  { "4000-slow", "4,000 in flight, answers after 50 ms" },
  { "64-http2", "64 in flight, HTTP/2 over TLS" },
}

local function read_figures(name)
  local figures = {}
  for line in io.lines(name) do
    local row, program = line:match("row=(%S+) program=(%S+)")
    local key = row .. " " .. program
    figures[key] = figures[key] or {}
    local one = {}
    for field, value in line:gmatch("(%w+[%w_]*)=([%d.]+)") do one[field] = tonumber(value) end
    table.insert(figures[key], {
      rate = one.checkouts / one.seconds,
      cpu = one.cpu / one.checkouts * 1e6,
      rss = one.maxrss_kib,
    })
  end
  return figures
end

local figures = read_figures(arg[1])
local function of(row, program, field) return median(figures[row .. " " .. program], field) end

local function print_row(row, title)
  local limit_rate, rate = of(row, "limit", "rate"), of(row, "luapix", "rate")
  local limit_cpu, cpu = of(row, "limit", "cpu"), of(row, "luapix", "cpu")
  print(("| %s | %.0f | %.0f | %.2f | %.1f | %.1f | %.2f |"):format(title, limit_rate, rate,
    rate / limit_rate, limit_cpu, cpu, cpu / limit_cpu))
end

-- What one more checkout in flight costs the raw program in resident memory: libcurl's own part.
local function kib_of_libcurl()
  return (of("4000-slow", "limit", "rss") - of("1", "limit", "rss")) / 3999
end

print(("luapix on %s, medians of %d interleaved rounds"):format(arg[2], #figures["64 limit"]))
print()
print("| | raw checkouts/s | luapix checkouts/s | ratio | raw CPU µs | luapix CPU µs | ratio |")
print("|---|---:|---:|---:|---:|---:|---:|")
for _, row in ipairs(ROWS) do print_row(row[1], row[2]) end
print()
local own = kib_of_libcurl()
print(("Memory per future in flight: %.1f KiB beyond libcurl's own %.1f KiB."):format(
  tonumber(arg[3]) - own, own))
