--- The words that each program of the benchmark takes and the line of figures that it prints, as
-- limit.c does, and the reading of the lines that bench/run has collected.
local median = require "bench.median"

local M = {}

--- The options of a command line: --url URL [--inflight N] [--checkouts N] [--http2] [--ca FILE].
-- @tparam {string,…} words
function M.options(words)
  local options, at = { inflight = 64, checkouts = 10000 }, 1
  while words[at] do
    local name = words[at]:match("^%-%-(%w+)$") or error("unknown word " .. words[at])
    if name == "http2" then -- libcurl agrees on it with the server by itself
      at = at + 1
    else
      options[name] = tonumber(words[at + 1]) or words[at + 1]
      at = at + 2
    end
  end
  return options
end

-- The highest resident size of this process so far, in KiB.
local function max_rss_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmHWM:%s*(%d+)")
    if kib then return tonumber(kib) end
  end
end

--- Runs checkouts one after another in each of several workers, and prints the line of figures.
-- Ends the process with status 1 when one has failed.
-- @tparam table options as from M.options
-- @tparam function checkout one of them; nil and why when it has failed
-- @tparam function run is given a worker and their number, and returns when all have ended
-- @tparam function clock seconds
function M.measure(options, checkout, run, clock)
  local started, finished, failed = 0, 0, 0
  local last_error
  local function worker()
    while started < options.checkouts do
      started = started + 1
      local answer, err = checkout()
      finished = finished + 1
      if not answer then
        failed = failed + 1
        last_error = err
      end
    end
  end
  -- os.clock counts the CPU of all threads of the process.
  local wall, cpu = clock(), os.clock()
  run(worker, options.inflight)
  wall, cpu = clock() - wall, os.clock() - cpu
  print(("checkouts=%d seconds=%.6f cpu=%.6f maxrss_kib=%d failed=%d"):format(finished, wall, cpu,
    max_rss_kib(), failed))
  if failed > 0 then
    io.stderr:write(tostring(last_error), "\n")
    os.exit(1)
  end
end

local Figures = {}
Figures.__index = Figures

--- Reads a file of lines "row=… program=…" and figures; rate, cpu (µs) and rss (MiB) of each.
function M.read(name)
  local self = setmetatable({}, Figures)
  for line in io.lines(name) do
    local key = line:match("^row=%S+ program=%S+")
    local one = {}
    for field, value in line:gmatch("(%w+[%w_]*)=([%d.]+)") do one[field] = tonumber(value) end
    self[key] = self[key] or {}
    table.insert(self[key], {
      rate = one.checkouts / one.seconds,
      cpu = one.cpu / one.checkouts * 1e6,
      rss = one.maxrss_kib / 1024,
    })
  end
  return self
end

--- A program's rounds in a row of the table.
function Figures:rounds(row, program)
  return self["row=" .. row .. " program=" .. program]
end

--- The median of the rounds.
function Figures:of(row, program, field)
  return median(self:rounds(row, program), field)
end

--- The median of the quotients of two programs, each taken within one round, so that a slow minute
-- of the machine falls on both.
function Figures:ratio(row, program, base, field)
  local ratios, bases = {}, self:rounds(row, base)
  for round, one in ipairs(self:rounds(row, program)) do
    ratios[round] = one[field] / bases[round][field]
  end
  return median(ratios)
end

return M
