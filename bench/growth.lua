-- growth.lua - does memory grow? Runs checkouts in rounds and prints the resident size after each;
-- the last line is the growth from the second round (the first fills pools) to the last.
--
-- usage: growth.lua URL [checkouts in all] [in flight]

local pix = require "pix"

local url, total, inflight = arg[1], tonumber(arg[2]) or 100000, tonumber(arg[3]) or 64
local ROUNDS = 10

local function resident_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s*(%d+)")
    if kib then return tonumber(kib) end
  end
end

local ssg = assert(pix.ssg {
  client_id = "bench", client_secret = "bench-secret", device_code = "bench-device",
  base_url = url, max_connections = inflight,
})

local function round(count)
  local left = count
  pix.run(function()
    for _ = 1, inflight do
      pix.spawn(function()
        while left > 0 do
          left = left - 1
          local charge = assert(ssg:charge { amount = 1990 })
          assert(ssg:status(charge))
        end
      end)
    end
  end)
  collectgarbage()
  collectgarbage()
  return resident_kib()
end

local sizes = {}
for i = 1, ROUNDS do
  sizes[i] = round(total / ROUNDS)
  print(("after %6d checkouts: %d KiB"):format(total / ROUNDS * i, sizes[i]))
end
print(("growth=%d KiB over %d checkouts"):format(sizes[ROUNDS] - sizes[2],
  total / ROUNDS * (ROUNDS - 2)))
