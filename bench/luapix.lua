-- luapix.lua - the same checkouts as bench/limit.c through the public API: a charge and a look at
-- its status, each decoded, its code verified. Prints the same line of figures.
--
-- usage: luapix.lua --url URL [--inflight N] [--checkouts N] [--http2] [--ca FILE]

local pix = require "pix"

local function read_options(words)
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

local function wall_seconds()
  local file = assert(io.open("/proc/uptime"))
  local seconds = file:read("*n")
  file:close()
  return seconds
end

local options = read_options(arg)
local ssg = assert(pix.ssg {
  client_id = "bench",
  client_secret = "bench-secret",
  device_code = "bench-device",
  base_url = options.url,
  ca_file = options.ca,
  max_connections = options.inflight,
})
local started, finished, failed = 0, 0, 0
local last_error

local function checkout()
  local charge, err = ssg:charge { amount = 1990 }
  if not charge then return nil, err end
  return ssg:status(charge)
end

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
local wall, cpu = wall_seconds(), os.clock()
pix.run(function()
  for _ = 1, options.inflight do pix.spawn(worker) end
end)
wall, cpu = wall_seconds() - wall, os.clock() - cpu
print(("checkouts=%d seconds=%.6f cpu=%.6f maxrss_kib=%d failed=%d"):format(finished, wall, cpu,
  max_rss_kib(), failed))
if failed > 0 then
  io.stderr:write(tostring(last_error), "\n")
  os.exit(1)
end
