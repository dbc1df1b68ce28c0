-- memory.lua - what a future in flight weighs: starts N charges at a server that does not answer
-- and prints how much the resident size has grown, libcurl's share included.
--
-- usage: memory.lua URL [futures]

local pix = require "pix"
local core = require "pix.core"

local url, count = arg[1], tonumber(arg[2]) or 4000

local function resident_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s*(%d+)")
    if kib then return tonumber(kib) end
  end
end

-- PayZu has no token to wait for.
local payzu = assert(pix.payzu {
  api_key = "bench-key", webhook_url = "https://shop.example/hook", base_url = url,
  max_connections = count,
})
local settled = core.timer(5)
collectgarbage()
collectgarbage()
local before = resident_kib()
for i = 1, count do payzu:start("charge", { amount = i }) end
while not settled:ready() do -- every connection is made and every request is out
  core.reactor():wait(10)
  core.reactor():drain()
end
collectgarbage()
collectgarbage()
print(("futures=%d kib_each=%.2f"):format(count, (resident_kib() - before) / count))
